/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * After a rotation: what older keys have sealed, and what lies in clear, is
 * sealed with the first key, a few documents at a time.  What does not open
 * is left as it is.  And the count of documents by key, which says when an
 * old key is needed no more.
 */

#include "ehr_store_sqlite.h"


#define RESEAL_MS   INT64_C(60000)    /* between rounds that found nothing */
#define MAX_BYTES   (4 * 1024 * 1024) /* in one transaction, or one document */
#define MAX_ROWS    32
#define ARENA       (1024u * 1024 * 1024)


static ehr_rc_t
get(ehr_store_t *store, ehr_sql_e sql, int64_t key, int64_t *value)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, sql);
    ehr_query_int(&q, key);

    return ehr_store_get_int(&q, value);
}


static ehr_rc_t
count_keys(ehr_store_t *store, ehr_store_keep_t *keep)
{
    int64_t   key = -1;
    uint32_t  n;
    ehr_rc_t  rc = EHR_OK;

    for (n = 0; n < EHR_STORE_MAX_KEYS_SEEN; n++) {

        rc = get(store, EHR_SQL_KEYS_NEXT, key, &key);
        if (rc != EHR_OK) {
            break;
        }

        keep->keys[n].id = key;

        rc = get(store, EHR_SQL_KEYS_COUNT, key, &keep->keys[n].n);
        if (rc != EHR_OK) {
            break;
        }
    }

    keep->nkeys = n;

    return rc == EHR_REFUSED ? EHR_OK : rc;
}


/* The next row that another key has sealed, or none has; EHR_REFUSED: there
 * is none behind the position. */

static ehr_rc_t
find_next(ehr_store_t *store, ehr_store_keep_t *keep, int64_t *seq)
{
    uint32_t     i;
    ehr_rc_t     rc = EHR_REFUSED;
    int64_t      first = store->options.keys->keys[0].id;
    ehr_query_t  q;

    for (i = 0; i < keep->nkeys && rc == EHR_REFUSED; i++) {

        if (keep->keys[i].id == first
            || keep->keys[i].id < keep->reseal_key
            || (keep->keys[i].id != 0
                && !ehr_seal_keys_has(store->options.keys,
                                      keep->keys[i].id)))
        {
            continue;
        }

        ehr_query_begin(&q, store, EHR_SQL_RESEAL_NEXT);
        ehr_query_int(&q, keep->keys[i].id);
        ehr_query_int(&q, keep->keys[i].id == keep->reseal_key
                              ? keep->reseal_seq : 0);

        rc = ehr_store_get_int(&q, seq);

        if (rc == EHR_OK) {
            keep->reseal_key = keep->keys[i].id;
            keep->reseal_seq = *seq;
        }
    }

    return rc;
}


static ehr_rc_t
reseal_rows(ehr_store_t *store, ehr_store_keep_t *keep, ehr_arena_t *arena)
{
    int       n, is_done;
    int64_t   seq;
    ehr_rc_t  rc;

    for (n = 0, rc = EHR_OK;
         rc == EHR_OK && n < MAX_ROWS && ehr_arena_used(arena) < MAX_BYTES;
         n++)
    {
        rc = find_next(store, keep, &seq);

        if (rc == EHR_OK) {
            rc = ehr_store_reseal_content(store, seq, arena, &is_done);
        }

        if (rc == EHR_OK && is_done) {
            keep->nresealed++;
        }
    }

    return rc;
}


static ehr_rc_t
reseal_some(ehr_store_t *store, ehr_store_keep_t *keep, ehr_arena_t *arena)
{
    int       is_end;
    ehr_rc_t  rc;

    rc = ehr_store_begin_write(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = reseal_rows(store, keep, arena);
    is_end = rc == EHR_REFUSED;

    rc = ehr_store_end_write(store, is_end ? EHR_OK : rc);

    if (rc != EHR_OK) {
        keep->nresealed = 0;
        return rc;
    }

    if (is_end) {
        keep->reseal_key = 0;
        keep->reseal_seq = 0;
        keep->reseal_due_ms = keep->now_ms + RESEAL_MS;

    } else {
        keep->has_more = 1;
    }

    return EHR_OK;
}


static int
has_old(ehr_store_t *store, const ehr_store_keep_t *keep)
{
    uint32_t  i;

    if (store->options.keys == NULL || store->options.keys->n == 0) {
        return 0;
    }

    for (i = 0; i < keep->nkeys; i++) {
        if (keep->keys[i].id != store->options.keys->keys[0].id) {
            return 1;
        }
    }

    return 0;
}


ehr_rc_t
ehr_store_reseal(ehr_store_t *store, ehr_store_keep_t *keep)
{
    ehr_rc_t      rc;
    ehr_arena_t  *arena;

    if (!ehr_store_is_due(keep, keep->reseal_due_ms, RESEAL_MS)) {
        return EHR_OK;
    }

    if (keep->reseal_seq == 0) {
        rc = count_keys(store, keep);
        if (rc != EHR_OK) {
            return rc;
        }
    }

    if (!has_old(store, keep)) {
        keep->reseal_due_ms = keep->now_ms + RESEAL_MS;
        return EHR_OK;
    }

    arena = ehr_arena_create(ARENA);
    if (arena == NULL) {
        return EHR_LATER;
    }

    rc = reseal_some(store, keep, arena);
    ehr_arena_destroy(arena);

    return rc;
}
