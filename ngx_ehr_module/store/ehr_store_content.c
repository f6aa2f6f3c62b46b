/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How the bytes of a document lie in the store, and what they must pass to be
 * given out again: packed when that shortens them, then sealed when there is
 * a key.
 *
 * The seal binds the bytes to their row: id, facility, digest of what was
 * received, way of packing.  Sealed bytes that were changed, or put into
 * another row, do not open.  What lies in clear is compared with the digest.
 */

#include "ehr_id.h"
#include "ehr_store_sqlite.h"


#define CONTEXT_LABEL  "ehr content 1"


typedef struct {
    ehr_packing_e  packing;
    int64_t        key;               /* 0: in clear */
    ehr_str_t      bytes;
} kept_t;


/* What the seal of a row is bound to; data NULL without memory. */

static ehr_str_t
context_of(const ehr_submission_t *sub, ehr_packing_e packing,
           ehr_arena_t *arena)
{
    char       *p;
    ehr_str_t   context = ehr_null_string;

    p = ehr_arena_alloc(arena, sizeof(CONTEXT_LABEL) + 1 + EHR_SHA256_LEN
                               + EHR_UUID_LEN + sub->facility.len);
    if (p == NULL) {
        return context;
    }

    context.data = p;

    memcpy(p, CONTEXT_LABEL, sizeof(CONTEXT_LABEL));
    p += sizeof(CONTEXT_LABEL);
    *p++ = (char) packing;
    memcpy(p, sub->sha256, EHR_SHA256_LEN);
    p += EHR_SHA256_LEN;
    memcpy(p, sub->id, EHR_UUID_LEN);
    p += EHR_UUID_LEN;

    if (sub->facility.len != 0) {
        memcpy(p, sub->facility.data, sub->facility.len);
        p += sub->facility.len;
    }

    context.len = (size_t) (p - context.data);

    return context;
}


/* The sealer of this handle, made when it is first needed. */

static ehr_sealer_t *
sealer_of(ehr_store_t *store)
{
    if (store->sealer == NULL) {
        store->sealer = ehr_sealer_create(store->options.keys);
    }

    return store->sealer;
}


static int
has_keys(const ehr_store_t *store)
{
    return store->options.keys != NULL && store->options.keys->n > 0;
}


/* Never in clear where a key is configured: without memory, or random
 * numbers, it is not stored. */

static ehr_rc_t
seal(ehr_store_t *store, ehr_store_submit_t *submit)
{
    ehr_str_t      bytes, context;
    ehr_packing_e  packing;

    packing = submit->packed.len != 0 ? EHR_PACKING_ZSTD : EHR_PACKING_NONE;
    bytes = submit->packed.len != 0 ? submit->packed : submit->content;
    context = context_of(&submit->sub, packing, submit->arena);

    if (sealer_of(store) == NULL || context.data == NULL) {
        (void) ehr_store_broken(store, "no memory to seal a document");
        return EHR_LATER;
    }

    submit->sealed = ehr_seal(store->sealer, context, bytes, submit->arena);

    if (submit->sealed.data == NULL) {
        (void) ehr_store_broken(store, "a document could not be sealed");
        return EHR_LATER;
    }

    return EHR_OK;
}


static ehr_rc_t
prepare(ehr_store_t *store, ehr_store_submit_t *submit)
{
    if (submit->arena == NULL) {
        return EHR_OK;                /* refused later, by itself */
    }

    if (store->options.is_packing && !submit->is_packing_done) {
        submit->packed = ehr_pack(store->packer, submit->content,
                                  submit->arena);
        submit->is_packing_done = 1;
    }

    return has_keys(store) ? seal(store, submit) : EHR_OK;
}


ehr_rc_t
ehr_store_prepare_contents(ehr_store_t *store, ehr_store_op_t *ops)
{
    ehr_rc_t         rc;
    ehr_store_op_t  *op;

    if (store->options.is_packing && store->packer == NULL) {
        store->packer = ehr_packer_create();
    }

    for (op = ops; op != NULL; op = op->next) {

        if (op->type != EHR_STORE_OP_SUBMIT) {
            continue;
        }

        rc = prepare(store, (ehr_store_submit_t *) op);
        if (rc != EHR_OK) {
            return rc;
        }
    }

    return EHR_OK;
}


ehr_rc_t
ehr_store_add_content(ehr_store_t *store, ehr_store_submit_t *op, int64_t seq)
{
    int          is_packed;
    ehr_str_t    bytes;
    ehr_query_t  q;

    is_packed = op->packed.len != 0;
    bytes = is_packed ? op->packed : op->content;

    if (op->sealed.len != 0) {
        bytes = op->sealed;
    }

    op->stored_bytes = bytes.len;

    ehr_query_begin(&q, store, EHR_SQL_CONTENT_ADD);
    ehr_query_int(&q, seq);
    ehr_query_int(&q, is_packed ? EHR_PACKING_ZSTD : EHR_PACKING_NONE);
    ehr_query_int(&q, op->sealed.len != 0
                          ? store->options.keys->keys[0].id : 0);
    ehr_query_blob(&q, bytes.data, bytes.len);

    return ehr_query_run(&q);
}


/* --- reading --- */

/* EHR_REFUSED: there is no such row. */

static ehr_rc_t
read_kept(ehr_store_t *store, int64_t seq, ehr_arena_t *arena, kept_t *kept)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_CONTENT);
    ehr_query_int(&q, seq);

    rc = ehr_query_step(&q);

    if (rc != EHR_AGAIN) {
        ehr_query_end(&q);
        return rc == EHR_OK ? EHR_REFUSED : rc;
    }

    kept->packing = (ehr_packing_e) ehr_column_int(&q, 0);
    kept->key = ehr_column_int(&q, 1);
    kept->bytes = ehr_column_str(&q, 2, arena);

    ehr_query_end(&q);

    return q.no_memory ? ehr_store_broken(store, "the arena is full")
                       : EHR_OK;
}


static ehr_content_e
unseal(ehr_store_t *store, const ehr_submission_t *sub, ehr_arena_t *arena,
       kept_t *kept)
{
    ehr_str_t      context;
    ehr_sealer_t  *sealer = sealer_of(store);

    context = context_of(sub, kept->packing, arena);

    if (context.data == NULL
        || (sealer == NULL && store->options.keys != NULL
            && store->options.keys->n != 0))
    {
        return EHR_CONTENT_NO_MEMORY;
    }

    switch (ehr_unseal(sealer, kept->key, context, kept->bytes,
                       arena, &kept->bytes))
    {
    case EHR_OK:
        return EHR_CONTENT_WHOLE;

    case EHR_LATER:
        return EHR_CONTENT_NO_MEMORY;

    case EHR_REFUSED:
        return EHR_CONTENT_NO_KEY;

    default:
        return EHR_CONTENT_DAMAGED;
    }
}


static ehr_content_e
unpack(const ehr_submission_t *sub, ehr_arena_t *arena, kept_t *kept)
{
    if (kept->packing == EHR_PACKING_NONE) {
        return (int64_t) kept->bytes.len == sub->size
               ? EHR_CONTENT_WHOLE : EHR_CONTENT_DAMAGED;
    }

    switch (ehr_unpack(kept->bytes, (size_t) sub->size, arena, &kept->bytes)) {

    case EHR_OK:
        return EHR_CONTENT_WHOLE;

    case EHR_LATER:
        return EHR_CONTENT_NO_MEMORY;

    default:
        return EHR_CONTENT_DAMAGED;
    }
}


static int
is_what_was_received(const ehr_submission_t *sub, ehr_str_t bytes)
{
    uint8_t  sha256[EHR_SHA256_LEN];

    ehr_sha256(bytes.data, bytes.len, sha256);

    return memcmp(sha256, sub->sha256, EHR_SHA256_LEN) == 0;
}


static ehr_content_e
open_kept(ehr_store_t *store, const ehr_submission_t *sub,
          ehr_arena_t *arena, kept_t *kept)
{
    int            is_sealed = kept->key != 0;
    ehr_content_e  is = EHR_CONTENT_WHOLE;

    if (is_sealed) {
        is = unseal(store, sub, arena, kept);
    }

    if (is == EHR_CONTENT_WHOLE) {
        is = unpack(sub, arena, kept);
    }

    if (is == EHR_CONTENT_WHOLE && !is_sealed
        && !is_what_was_received(sub, kept->bytes))
    {
        is = EHR_CONTENT_DAMAGED;
    }

    return is;
}


ehr_rc_t
ehr_store_load_content(ehr_store_t *store, const ehr_submission_t *sub,
                       ehr_arena_t *arena, ehr_content_t *content)
{
    kept_t    kept;
    ehr_rc_t  rc;

    memset(content, 0, sizeof(ehr_content_t));

    rc = read_kept(store, sub->seq, arena, &kept);

    if (rc == EHR_REFUSED) {
        content->is = EHR_CONTENT_REMOVED;
        return EHR_OK;
    }

    if (rc != EHR_OK) {
        return rc;
    }

    content->is = open_kept(store, sub, arena, &kept);

    if (content->is == EHR_CONTENT_NO_MEMORY) {
        return ehr_store_broken(store, "the arena is full");
    }

    if (content->is == EHR_CONTENT_WHOLE) {
        content->bytes = kept.bytes;
    }

    return EHR_OK;
}


ehr_rc_t
ehr_store_content(ehr_store_t *store, ehr_str_t facility, const char *id,
                  ehr_arena_t *arena, ehr_content_t *content)
{
    int64_t           seq;
    ehr_rc_t          rc;
    ehr_submission_t  sub;

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = ehr_store_find(store, facility, id, &seq);

    if (rc == EHR_OK) {
        rc = ehr_store_load(store, seq, arena, &sub);
    }

    if (rc == EHR_OK) {
        rc = ehr_store_load_content(store, &sub, arena, content);
    }

    if (rc == EHR_OK) {
        content->type = sub.content_type;
    }

    return ehr_store_end_read(store, rc);
}


/* --- sealing anew --- */

static ehr_rc_t
replace_kept(ehr_store_t *store, int64_t seq, ehr_str_t sealed)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_RESEAL);
    ehr_query_int(&q, seq);
    ehr_query_int(&q, store->options.keys->keys[0].id);
    ehr_query_blob(&q, sealed.data, sealed.len);

    return ehr_query_run(&q);
}


/* The bytes as they are packed, once they were seen to be the right ones:
 * what somebody changed is not made genuine by a new seal. */

static ehr_content_e
open_packed(ehr_store_t *store, const ehr_submission_t *sub,
            ehr_arena_t *arena, kept_t *kept)
{
    kept_t  copy;

    if (kept->key != 0) {
        return unseal(store, sub, arena, kept);
    }

    copy = *kept;

    return open_kept(store, sub, arena, &copy);
}


ehr_rc_t
ehr_store_reseal_content(ehr_store_t *store, int64_t seq, ehr_arena_t *arena,
                         int *is_done)
{
    kept_t            kept;
    ehr_rc_t          rc;
    ehr_str_t         sealed, context;
    ehr_submission_t  sub;

    *is_done = 0;

    rc = ehr_store_load(store, seq, arena, &sub);

    if (rc == EHR_OK) {
        rc = read_kept(store, seq, arena, &kept);
    }

    if (rc != EHR_OK) {
        return rc == EHR_REFUSED ? EHR_OK : rc;
    }

    if (open_packed(store, &sub, arena, &kept) != EHR_CONTENT_WHOLE) {
        return EHR_OK;
    }

    context = context_of(&sub, kept.packing, arena);

    if (context.data == NULL || sealer_of(store) == NULL) {
        return EHR_LATER;
    }

    sealed = ehr_seal(store->sealer, context, kept.bytes, arena);
    if (sealed.data == NULL) {
        return EHR_LATER;
    }

    *is_done = 1;

    return replace_kept(store, seq, sealed);
}
