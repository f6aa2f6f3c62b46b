/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A journal in a folder of its own, and short ways to fill it, for the tests
 * of the store.
 */

#ifndef STORE_WORLD_H
#define STORE_WORLD_H


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "ehr_id.h"
#include "ehr_store.h"


#define NOW    INT64_C(1790000000000)
#define ARENA  (64u << 20)

#define assert_ok(call)  assert_int_equal((call), EHR_OK)


typedef struct {
    char          dir[64];
    char          path[128];
    ehr_store_t  *store;
    ehr_arena_t  *arena;
    const ehr_seal_keys_t  *keys;     /* of what is opened next */
} world_t;


static inline ehr_store_t *
world_open(world_t *w, int is_readonly)
{
    char                 error[256];
    ehr_store_t         *store;
    ehr_store_options_t  options = { .is_packing = 1 };

    options.path = w->path;
    options.keys = w->keys;
    options.is_readonly = is_readonly;

    store = ehr_store_open(&options, error, sizeof(error));
    if (store == NULL) {
        print_error("%s\n", error);
    }

    return store;
}


static inline int
world_folder(void **state)
{
    world_t  *w = calloc(1, sizeof(world_t));

    if (w == NULL) {
        return -1;
    }

    (void) snprintf(w->dir, sizeof(w->dir), "/tmp/ehr-store-XXXXXX");
    if (mkdtemp(w->dir) == NULL) {
        free(w);
        return -1;
    }

    (void) snprintf(w->path, sizeof(w->path), "%s/journal.db", w->dir);
    w->arena = ehr_arena_create(ARENA);
    *state = w;

    return w->arena != NULL ? 0 : -1;
}


static inline int
world_setup(void **state)
{
    world_t  *w;

    if (world_folder(state) != 0) {
        return -1;
    }

    w = *state;
    w->store = world_open(w, 0);

    return w->store != NULL ? 0 : -1;
}


/* Closes it and removes its files: the next one opened is empty. */

static inline void
world_forget(world_t *w)
{
    static const char *const  suffixes[] = { "", "-wal", "-shm", ".lock" };

    char    path[160];
    size_t  i;

    ehr_store_close(w->store);
    w->store = NULL;

    for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        (void) snprintf(path, sizeof(path), "%s%s", w->path, suffixes[i]);
        (void) unlink(path);
    }
}


static inline int
world_teardown(void **state)
{
    world_t  *w = *state;

    world_forget(w);
    ehr_arena_destroy(w->arena);

    (void) rmdir(w->dir);
    free(w);

    return 0;
}


/* A claim of 99001 for the insurance gateway; change what the test needs. */

static inline void
document(world_t *w, ehr_store_submit_t *op, const char *text)
{
    memset(op, 0, sizeof(ehr_store_submit_t));

    op->op.type = EHR_STORE_OP_SUBMIT;
    assert_ok(ehr_uuid7(NOW, op->sub.id));
    op->sub.facility = ehr_str("99001");
    op->sub.kind = ehr_str("claim");
    op->sub.standard = ehr_str("qd3176");
    op->sub.business_key = ehr_str("");
    op->sub.content_type = ehr_str("application/xml");
    op->sub.received_ms = NOW;
    op->sub.warnings = ehr_str("[]");
    op->sub.warnings_en = ehr_str("[]");
    op->sub.ndeliveries = 1;
    (void) snprintf(op->sub.deliveries[0].partner,
                    sizeof(op->sub.deliveries[0].partner), "insurance");
    op->sub.deliveries[0].reason = ehr_str("route.table");
    op->content = ehr_arena_dup(w->arena, text, strlen(text));
    ehr_sha256(text, strlen(text), op->sub.sha256);
    op->arena = w->arena;
}


static inline void
submit(world_t *w, ehr_store_submit_t *op)
{
    assert_ok(ehr_store_write(w->store, &op->op));
    assert_ok(op->op.rc);
}


/* Stores it as content of a business key; its id stays in op->sub.id. */

static inline void
submit_keyed(world_t *w, ehr_store_submit_t *op, const char *text,
             const char *business_key)
{
    document(w, op, text);
    op->sub.business_key = ehr_str(business_key);
    submit(w, op);
    assert_int_equal(op->result, EHR_SUBMIT_STORED);
}


static inline ehr_submission_t
look(world_t *w, const char *id)
{
    ehr_submission_t  sub;

    assert_ok(ehr_store_document(w->store, ehr_str(""), id, w->arena, &sub));

    return sub;
}


static inline ehr_state_e
state_of(world_t *w, const char *id)
{
    return look(w, id).deliveries[0].state;
}


static inline uint32_t
claim_as(world_t *w, ehr_store_claim_t *op, uint32_t slot, int64_t now_ms)
{
    memset(op, 0, sizeof(ehr_store_claim_t));

    op->op.type = EHR_STORE_OP_CLAIM;
    op->partner = "insurance";
    op->owner.slot = slot;
    op->owner.incarnation = 1000 + slot;
    op->now_ms = now_ms;
    op->max = 10;
    op->arena = w->arena;

    assert_ok(ehr_store_write(w->store, &op->op));
    assert_ok(op->op.rc);

    return op->nclaims;
}


static inline ehr_rc_t
finish_as(world_t *w, const ehr_claim_t *claim, ehr_state_e end)
{
    ehr_store_finish_t  op = { 0 };

    op.op.type = EHR_STORE_OP_FINISH;
    op.delivery = claim->delivery;
    op.fence = claim->fence;
    op.state = end;
    op.now_ms = NOW + 10;
    op.next_attempt_ms = NOW + 60000;
    op.http_status = 200;
    op.partner_ref = ehr_str("REF1");
    op.partner_code = ehr_str("200");
    op.message = ehr_str("ok");
    op.reason = ehr_str("partner.answered");

    assert_ok(ehr_store_write(w->store, &op.op));

    return op.op.rc;
}


/* A connection beside the store's own, for what its interface hides. */

static inline int64_t
ask(world_t *w, const char *sql)
{
    int64_t        value;
    sqlite3       *db;
    sqlite3_stmt  *stmt;

    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 5000), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    value = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0)
                                             : -1;
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);

    return value;
}


#define store_test(name)                                                      \
    cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)


/* Letters that no packing makes shorter than three quarters: xorshift. */

static inline void
fill_noise(char *text, size_t len, uint32_t seed)
{
    size_t  i;

    seed = seed * 2654435761u + 1;

    for (i = 0; i < len; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        text[i] = (char) (seed >> 24 | 0x80);
    }
}


#endif /* STORE_WORLD_H */
