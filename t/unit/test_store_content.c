/* SPDX-License-Identifier: BSD-2-Clause */

/* Bodies in the store: packed, sealed, and what is given out when a row was
 * changed or its key is not there. */

#include "store_world.h"
#include "ehr_store_sqlite.h"


#define KEY_A                                                                 \
    "000102030405060708090a0b0c0d0e0f"                                        \
    "101112131415161718191a1b1c1d1e1f"
#define KEY_B                                                                 \
    "ff0102030405060708090a0b0c0d0e0f"                                        \
    "101112131415161718191a1b1c1d1e1f"
#define BODY   20000


static void
reopen(world_t *w, const ehr_seal_keys_t *keys)
{
    ehr_store_close(w->store);
    w->keys = keys;
    w->store = world_open(w, 0);
    assert_non_null(w->store);
}


static const ehr_seal_keys_t *
keys_of(world_t *w, const char *first, const char *second)
{
    ehr_seal_keys_t  *keys;

    keys = ehr_arena_calloc(w->arena, sizeof(ehr_seal_keys_t));
    assert_non_null(keys);

    if (first != NULL) {
        assert_null(ehr_seal_keys_add(keys, ehr_str(first)));
    }

    if (second != NULL) {
        assert_null(ehr_seal_keys_add(keys, ehr_str(second)));
    }

    return keys;
}


/* A body that packs well and holds a word of its own. */

static const char *
body_of(world_t *w, const char *word)
{
    char  *text;

    text = ehr_arena_alloc(w->arena, BODY + 1);
    assert_non_null(text);
    memset(text, ' ', BODY);
    memcpy(text, "<A>", 3);
    memcpy(text + 3, word, strlen(word));
    memcpy(text + BODY - 4, "</A>", 5);

    return text;
}


static ehr_content_t
content_of(world_t *w, const char *id)
{
    ehr_content_t  content;

    assert_ok(ehr_store_content(w->store, ehr_str(""), id, w->arena,
                                &content));

    return content;
}


static void
change(world_t *w, const char *sql)
{
    sqlite3  *db;

    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 5000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_not_equal(sqlite3_changes(db), 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}


/* Does this occur in any file of the journal? */

static int
is_on_disk(world_t *w, const char *word)
{
    static const char *const  suffixes[] = { "", "-wal" };

    int      found = 0;
    char     path[160], *bytes;
    long     len;
    FILE    *file;
    size_t   i;

    for (i = 0; i < 2; i++) {
        (void) snprintf(path, sizeof(path), "%s%s", w->path, suffixes[i]);
        file = fopen(path, "rb");
        if (file == NULL) {
            continue;
        }

        assert_int_equal(fseek(file, 0, SEEK_END), 0);
        len = ftell(file);
        rewind(file);
        bytes = malloc((size_t) len + 1);
        assert_non_null(bytes);
        len = (long) fread(bytes, 1, (size_t) len, file);
        found |= memmem(bytes, (size_t) len, word, strlen(word)) != NULL;
        free(bytes);
        assert_int_equal(fclose(file), 0);
    }

    return found;
}


static void
without_a_key_bytes_lie_in_clear(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    document(w, &op, "<A>PLANTED-WORD</A>");
    submit(w, &op);

    assert_true(is_on_disk(w, "PLANTED-WORD"));
    assert_int_equal(ask(w, "SELECT key FROM contents"), 0);
}


static void
with_a_key_no_byte_of_a_body_is_on_the_disk(void **state)
{
    int                  i;
    char                 text[64];
    world_t             *w = *state;
    ehr_content_t        content;
    ehr_store_submit_t   small, big;

    reopen(w, keys_of(w, KEY_A, NULL));

    document(w, &small, "<A>PLANTED-WORD</A>");
    submit(w, &small);
    document(w, &big, body_of(w, "PLANTED-WORD"));
    submit(w, &big);

    for (i = 0; i < 50; i++) {
        (void) snprintf(text, sizeof(text), "<A>PLANTED-WORD %d</A>", i);
        document(w, &small, text);
        submit(w, &small);
    }

    assert_false(is_on_disk(w, "PLANTED-WORD"));
    assert_int_equal(ask(w, "SELECT count(*) FROM contents WHERE key = 0"),
                     0);
    assert_int_equal(ask(w, "SELECT count(DISTINCT key) FROM contents"), 1);
    assert_int_equal(ask(w, "SELECT packing FROM contents WHERE seq = 2"), 1);
    assert_true(ask(w, "SELECT length(bytes) FROM contents WHERE seq = 2")
                < BODY / 4);

    content = content_of(w, big.sub.id);
    assert_int_equal(content.is, EHR_CONTENT_WHOLE);
    assert_true(ehr_str_eq(content.bytes, big.content));
    content = content_of(w, small.sub.id);
    assert_true(ehr_str_eq(content.bytes, small.content));
}


static void
a_new_key_seals_and_the_old_one_still_opens(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   clear, old, new;

    document(w, &clear, "<CLEAR/>");
    submit(w, &clear);
    reopen(w, keys_of(w, KEY_A, NULL));
    document(w, &old, "<OLD/>");
    submit(w, &old);
    reopen(w, keys_of(w, KEY_B, KEY_A));
    document(w, &new, "<NEW/>");
    submit(w, &new);

    assert_int_equal(ask(w, "SELECT count(DISTINCT key) FROM contents"), 3);
    assert_int_equal(ask(w, "SELECT key FROM contents WHERE seq = 3"),
                     w->keys->keys[0].id);
    assert_true(ehr_str_eq(content_of(w, clear.sub.id).bytes, clear.content));
    assert_true(ehr_str_eq(content_of(w, old.sub.id).bytes, old.content));
    assert_true(ehr_str_eq(content_of(w, new.sub.id).bytes, new.content));
}


static void
without_its_key_a_body_is_not_given_out(void **state)
{
    world_t             *w = *state;
    ehr_content_t        content;
    ehr_store_submit_t   op;

    reopen(w, keys_of(w, KEY_A, NULL));
    document(w, &op, "<A/>");
    submit(w, &op);

    reopen(w, keys_of(w, KEY_B, NULL));
    content = content_of(w, op.sub.id);
    assert_int_equal(content.is, EHR_CONTENT_NO_KEY);
    assert_int_equal(content.bytes.len, 0);

    reopen(w, NULL);
    assert_int_equal(content_of(w, op.sub.id).is, EHR_CONTENT_NO_KEY);
}


/* Everything that who can write to the file might do to one row. */

static void
a_changed_row_is_not_given_out(void **state)
{
    static const char *const  changes[] = {
        "UPDATE contents SET bytes = zeroblob(length(bytes)) WHERE seq = 1",
        "UPDATE contents SET bytes = substr(bytes, 2) WHERE seq = 1",
        "UPDATE contents SET bytes = x'' WHERE seq = 1",
        "UPDATE contents SET bytes = CAST(bytes || x'00' AS BLOB)"
            " WHERE seq = 1",
        "UPDATE contents SET bytes = (SELECT bytes FROM contents"
            " WHERE seq = 2) WHERE seq = 1",
        "UPDATE contents SET packing = 1 - packing WHERE seq = 1",
        "UPDATE contents SET key = 0 WHERE seq = 1",
        "UPDATE contents SET key = 0, packing = 0, bytes = x'3c422f3e'"
            " WHERE seq = 1",
        "UPDATE submissions SET facility = '99002' WHERE seq = 1",
        "UPDATE submissions SET id = '01900000-0000-7000-8000-000000000000'"
            " WHERE seq = 1",
        "UPDATE submissions SET sha256 = zeroblob(32) WHERE seq = 1"
    };

    size_t               i;
    char                 id[EHR_UUID_LEN + 1];
    world_t             *w = *state;
    ehr_store_submit_t   one, two;

    reopen(w, keys_of(w, KEY_A, NULL));

    for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        document(w, &one, body_of(w, "ONE"));
        submit(w, &one);
        document(w, &two, body_of(w, "TWO"));
        submit(w, &two);

        change(w, changes[i]);
        memcpy(id, i == 9 ? "01900000-0000-7000-8000-000000000000"
                          : one.sub.id, sizeof(id));

        assert_int_equal(content_of(w, id).is, EHR_CONTENT_DAMAGED);
        assert_int_equal(content_of(w, two.sub.id).is, EHR_CONTENT_WHOLE);

        world_forget(w);
        reopen(w, w->keys);
    }
}


static void
in_clear_a_changed_row_is_found_by_its_digest(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    submit(w, &op);
    change(w, "UPDATE contents SET bytes = x'3c422f3e'");
    assert_int_equal(content_of(w, op.sub.id).is, EHR_CONTENT_DAMAGED);
    change(w, "UPDATE contents SET bytes = x'3c412f3e'");
    assert_int_equal(content_of(w, op.sub.id).is, EHR_CONTENT_WHOLE);
}


static ehr_str_t
reason_of_first(world_t *w, const char *id)
{
    return look(w, id).deliveries[0].reason;
}


static void
what_cannot_be_read_is_held_and_the_rest_goes_on(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   good, damaged, missing, foreign;

    reopen(w, keys_of(w, KEY_B, NULL));
    document(w, &foreign, "<F/>");
    submit(w, &foreign);
    reopen(w, keys_of(w, KEY_A, NULL));
    document(w, &damaged, "<D/>");
    submit(w, &damaged);
    document(w, &missing, "<M/>");
    submit(w, &missing);
    document(w, &good, "<G/>");
    submit(w, &good);

    change(w, "UPDATE contents SET bytes = zeroblob(60) WHERE seq = 2");
    change(w, "DELETE FROM contents WHERE seq = 3");

    assert_int_equal(claim_as(w, &claim, 1, NOW), 1);
    assert_string_equal(claim.claims[0].sub.id, good.sub.id);
    assert_true(ehr_str_eq(claim.claims[0].content, good.content));

    assert_int_equal(claim.nunreadable, 3);
    assert_string_equal(claim.unreadable[0].id, foreign.sub.id);
    assert_int_equal(claim.unreadable[0].is, EHR_CONTENT_NO_KEY);
    assert_int_equal(claim.unreadable[1].is, EHR_CONTENT_DAMAGED);
    assert_int_equal(claim.unreadable[2].is, EHR_CONTENT_REMOVED);

    assert_int_equal(state_of(w, foreign.sub.id), EHR_STATE_HELD);
    assert_int_equal(state_of(w, damaged.sub.id), EHR_STATE_HELD);
    assert_int_equal(state_of(w, missing.sub.id), EHR_STATE_HELD);
    assert_int_equal(state_of(w, good.sub.id), EHR_STATE_SENDING);
    assert_true(ehr_str_is(reason_of_first(w, foreign.sub.id),
                           "config.store-key"));
    assert_true(ehr_str_is(reason_of_first(w, damaged.sub.id),
                           "content.damaged"));
    assert_true(ehr_str_is(reason_of_first(w, missing.sub.id),
                           "content.missing"));
    assert_int_equal(ask(w, "SELECT count(*) FROM history"
                            " WHERE state = 'held'"), 3);
    assert_int_equal(ask(w, "SELECT count(*) FROM attempts"), 1);

    /* No attempt was made of what was not there to be sent. */
    assert_int_equal(claim_as(w, &claim, 1, NOW), 0);
    assert_int_equal(claim.nunreadable, 0);
}


static void
a_held_one_goes_out_once_its_key_is_back(void **state)
{
    static const char *const  reasons[] = { "config.", NULL };

    world_t             *w = *state;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   op;
    ehr_store_unhold_t   unhold = { .op.type = EHR_STORE_OP_UNHOLD };

    reopen(w, keys_of(w, KEY_A, NULL));
    document(w, &op, "<A/>");
    submit(w, &op);
    reopen(w, keys_of(w, KEY_B, NULL));
    assert_int_equal(claim_as(w, &claim, 1, NOW), 0);
    assert_int_equal(state_of(w, op.sub.id), EHR_STATE_HELD);

    reopen(w, keys_of(w, KEY_B, KEY_A));
    unhold.partner = "insurance";
    unhold.reasons = reasons;
    unhold.now_ms = NOW;
    assert_ok(ehr_store_write(w->store, &unhold.op));
    assert_int_equal(unhold.nunheld, 1);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 1);
    assert_true(ehr_str_eq(claim.claims[0].content, op.content));
}


/* As an image in Base64 does: packed, and hardly smaller.  n says which. */

static void
submit_large(world_t *w, size_t len, uint32_t n)
{
    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"
                                  "ghijklmnopqrstuvwxyz0123456789+/";

    char                *text;
    size_t               i;
    ehr_arena_t         *own = w->arena;
    ehr_store_submit_t   op;

    text = malloc(len + 1);
    assert_non_null(text);
    fill_noise(text, len, n);

    for (i = 0; i < len; i++) {
        text[i] = digits[(uint8_t) text[i] & 63];
    }

    text[len] = '\0';

    w->arena = ehr_arena_create(4 * (size_t) EHR_STORE_MAX_CONTENT);
    document(w, &op, text);
    submit(w, &op);
    ehr_arena_destroy(w->arena);

    w->arena = own;
    free(text);
}


/* What was acknowledged and could not be claimed would be in everybody's way
 * for ever. */

static void
the_largest_is_claimed_whatever_is_before_it(void **state)
{
    int                 n, all;
    world_t            *w = *state;
    ehr_store_claim_t   op;

    reopen(w, keys_of(w, KEY_A, NULL));

    for (n = 0; n < 6; n++) {
        submit_large(w, 4 * 1024 * 1024, (uint32_t) n);
    }

    submit_large(w, EHR_STORE_MAX_CONTENT, 6);
    submit_large(w, 1000, 7);

    for (n = 0, all = 0; n < 8 && all < 8; n++) {
        memset(&op, 0, sizeof(ehr_store_claim_t));

        op.op.type = EHR_STORE_OP_CLAIM;
        op.partner = "insurance";
        op.owner.slot = 1;
        op.owner.incarnation = 1;
        op.now_ms = NOW;
        op.max = 16;
        op.arena = ehr_arena_create(EHR_STORE_CLAIM_ARENA);

        assert_ok(ehr_store_write(w->store, &op.op));
        assert_ok(op.op.rc);
        assert_true(op.nclaims > 0);
        assert_int_equal(op.nunreadable, 0);

        all += (int) op.nclaims;
        assert_int_equal(op.next_due_ms, all < 8 ? NOW : 0);
        ehr_arena_destroy(op.arena);
    }

    assert_int_equal(all, 8);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(without_a_key_bytes_lie_in_clear),
        store_test(with_a_key_no_byte_of_a_body_is_on_the_disk),
        store_test(a_new_key_seals_and_the_old_one_still_opens),
        store_test(without_its_key_a_body_is_not_given_out),
        store_test(a_changed_row_is_not_given_out),
        store_test(in_clear_a_changed_row_is_found_by_its_digest),
        store_test(what_cannot_be_read_is_held_and_the_rest_goes_on),
        store_test(the_largest_is_claimed_whatever_is_before_it),
        store_test(a_held_one_goes_out_once_its_key_is_back)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
