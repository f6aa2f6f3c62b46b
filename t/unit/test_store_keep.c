/* SPDX-License-Identifier: BSD-2-Clause */

/* The journal's chores: who does them, what the sweeper mends, what goes when
 * it is past its retention, and sealing anew. */

#include <sys/stat.h>

#include "store_world.h"
#include "ehr_store_sqlite.h"


#define HEX_A                                                                 \
    "000102030405060708090a0b0c0d0e0f"                                        \
    "101112131415161718191a1b1c1d1e1f"
#define HEX_B                                                                 \
    "ff0102030405060708090a0b0c0d0e0f"                                        \
    "101112131415161718191a1b1c1d1e1f"
#define DAY  INT64_C(86400000)


static const char *const  partners[] = { "insurance" };


static void
begin(ehr_store_keep_t *keep, uint64_t incarnation)
{
    memset(keep, 0, sizeof(ehr_store_keep_t));

    keep->owner.incarnation = incarnation;
    keep->now_ms = NOW;
    keep->is_sweeping = 1;
    keep->retry_max_ms = 3600000;
    keep->partners = partners;
    keep->npartners = 1;
}


static void
change(world_t *w, const char *sql)
{
    sqlite3  *db;

    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 5000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_not_equal(sqlite3_total_changes(db), 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}


static uint32_t
repaired(const ehr_store_keep_t *keep)
{
    uint32_t  i, n;

    for (i = 0, n = 0; i < EHR_SWEEP_LAST; i++) {
        n += keep->nrepaired[i];
    }

    return n;
}


/* Until there is nothing more to do; bounded. */

static void
keep_on(world_t *w, ehr_store_keep_t *keep, ehr_store_keep_t *sum)
{
    int  i;

    memset(sum, 0, sizeof(ehr_store_keep_t));

    for (i = 0; i < 200; i++) {
        assert_ok(ehr_store_keep(w->store, keep));
        sum->ncontents += keep->ncontents;
        sum->nrecords += keep->nrecords;
        sum->nresealed += keep->nresealed;
        sum->npages += keep->npages;

        if (!keep->has_more) {
            return;
        }
    }

    fail();
}


/* --- the lease --- */

static void
one_at_a_time_does_the_chores(void **state)
{
    world_t           *w = *state;
    ehr_store_keep_t   one, two;

    begin(&one, 11);
    begin(&two, 22);

    assert_ok(ehr_store_keep(w->store, &one));
    assert_true(one.is_mine);
    assert_ok(ehr_store_keep(w->store, &two));
    assert_false(two.is_mine);

    /* The first is gone: its lease ends. */
    two.now_ms += 31000;
    assert_ok(ehr_store_keep(w->store, &two));
    assert_true(two.is_mine);

    one.now_ms = two.now_ms + 1000;
    assert_ok(ehr_store_keep(w->store, &one));
    assert_false(one.is_mine);

    /* Who leaves gives it back. */
    assert_ok(ehr_store_keep_end(w->store, &two));
    assert_ok(ehr_store_keep(w->store, &one));
    assert_true(one.is_mine);
    assert_ok(ehr_store_keep_end(w->store, &two));
    two.now_ms = one.now_ms;
    assert_ok(ehr_store_keep(w->store, &two));
    assert_false(two.is_mine);
}


static void
an_old_lease_is_not_renewed_behind_ones_back(void **state)
{
    world_t           *w = *state;
    ehr_store_keep_t   one, two;

    begin(&one, 11);
    assert_ok(ehr_store_keep(w->store, &one));
    begin(&two, 22);
    two.now_ms += 31000;
    assert_ok(ehr_store_keep(w->store, &two));
    one.now_ms += 32000;
    assert_ok(ehr_store_keep(w->store, &one));
    assert_false(one.is_mine);
}


static void
a_lease_of_a_far_future_is_none(void **state)
{
    world_t           *w = *state;
    ehr_store_keep_t   one, two;

    begin(&one, 11);
    one.now_ms += 400 * DAY;
    assert_ok(ehr_store_keep(w->store, &one));
    assert_true(one.is_mine);

    begin(&two, 22);
    assert_ok(ehr_store_keep(w->store, &two));
    assert_true(two.is_mine);
}


/* An nginx without the courier knows no partners: it keeps, it never sweeps,
 * and whoever does is not kept from it. */

static void
who_does_not_sweep_keeps_nobody_from_it(void **state)
{
    world_t           *w = *state;
    ehr_store_keep_t   courier, gateway;

    begin(&gateway, 22);
    gateway.is_sweeping = 0;
    gateway.configured_ms = 2;
    assert_ok(ehr_store_keep(w->store, &gateway));
    assert_true(gateway.is_mine);
    assert_false(gateway.is_sweeper);

    begin(&courier, 11);
    courier.configured_ms = 1;
    assert_ok(ehr_store_keep(w->store, &courier));
    assert_false(courier.is_mine);
    assert_true(courier.is_sweeper);

    assert_ok(ehr_store_keep(w->store, &gateway));
    assert_true(gateway.is_mine);
    assert_false(gateway.is_sweeper);

    /* One of them leaves, with what it had. */
    assert_ok(ehr_store_keep_end(w->store, &gateway));
    assert_ok(ehr_store_keep(w->store, &courier));
    assert_true(courier.is_mine);
    assert_true(courier.is_sweeper);
}


static void
a_newer_configuration_takes_the_chores_at_once(void **state)
{
    world_t           *w = *state;
    ehr_store_keep_t   old, new, newest;

    begin(&old, 11);
    old.configured_ms = 1;
    assert_ok(ehr_store_keep(w->store, &old));
    assert_true(old.is_mine);

    begin(&new, 22);
    new.configured_ms = 2;
    assert_ok(ehr_store_keep(w->store, &new));
    assert_true(new.is_mine);

    assert_ok(ehr_store_keep(w->store, &old));
    assert_false(old.is_mine);
    assert_ok(ehr_store_keep(w->store, &new));
    assert_true(new.is_mine);

    /* Of the same configuration it is the first one's. */
    begin(&newest, 33);
    newest.configured_ms = 2;
    assert_ok(ehr_store_keep(w->store, &newest));
    assert_false(newest.is_mine);

    /* It was called off: the old one goes on. */
    assert_ok(ehr_store_keep_end(w->store, &new));
    assert_ok(ehr_store_keep(w->store, &old));
    assert_true(old.is_mine);
}


/* --- the sweeper --- */

static void
an_ordinary_journal_needs_no_mending(void **state)
{
    char                 sql[128];
    world_t             *w = *state;
    ehr_store_keep_t     keep;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   a, b, c, d;

    document(w, &a, "<A/>");
    submit(w, &a);
    document(w, &b, "<B/>");
    submit(w, &b);
    document(w, &c, "<C/>");
    submit(w, &c);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 3);
    assert_ok(finish_as(w, &claim.claims[0], EHR_STATE_RETRYING));
    assert_ok(finish_as(w, &claim.claims[1], EHR_STATE_HELD));
    document(w, &d, "<D/>");
    submit(w, &d);

    /* as one that a settlement's window of next month holds */
    (void) snprintf(sql, sizeof(sql), "UPDATE deliveries SET due_ms = %lld,"
                    " reason = 'window.closed' WHERE state = 'held'",
                    (long long) (NOW + 60 * DAY));
    change(w, sql);

    begin(&keep, 11);
    assert_ok(ehr_store_keep(w->store, &keep));
    assert_true(keep.is_mine);
    assert_int_equal(repaired(&keep), 0);
}


static void
a_time_beyond_the_cap_comes_at_once(void **state)
{
    world_t             *w = *state;
    ehr_store_keep_t     keep;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    submit(w, &op);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 1);
    assert_ok(finish_as(w, &claim.claims[0], EHR_STATE_RETRYING));
    change(w, "UPDATE deliveries SET due_ms = 9000000000000000");

    begin(&keep, 11);
    assert_ok(ehr_store_keep(w->store, &keep));
    assert_int_equal(keep.nrepaired[EHR_SWEEP_DUE], 1);
    assert_int_equal(repaired(&keep), 1);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 1);
}


static void
a_deadline_that_has_not_passed_holds_nothing(void **state)
{
    static const int64_t  deadline_ms = 3600000;

    int                  i;
    world_t             *w = *state;
    ehr_store_keep_t     keep;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   late, early, other;

    document(w, &late, "<A/>");
    late.sub.received_ms = NOW - deadline_ms;
    submit(w, &late);
    document(w, &early, "<B/>");
    early.sub.received_ms = NOW - deadline_ms + 1;
    submit(w, &early);
    document(w, &other, "<C/>");
    submit(w, &other);

    assert_int_equal(claim_as(w, &claim, 1, NOW), 3);

    for (i = 0; i < 3; i++) {
        assert_ok(finish_as(w, &claim.claims[i], EHR_STATE_HELD));
    }

    change(w, "UPDATE deliveries SET reason = 'deadline.passed'"
              " WHERE seq < 3");

    begin(&keep, 11);
    assert_ok(ehr_store_keep(w->store, &keep));
    assert_int_equal(repaired(&keep), 0);

    begin(&keep, 11);
    keep.deadlines_ms = &deadline_ms;
    assert_ok(ehr_store_keep(w->store, &keep));
    assert_int_equal(keep.nrepaired[EHR_SWEEP_DUE], 1);
    assert_int_equal(repaired(&keep), 1);

    assert_int_equal(state_of(w, late.sub.id), EHR_STATE_HELD);
    assert_int_equal(state_of(w, early.sub.id), EHR_STATE_RETRYING);
    assert_int_equal(state_of(w, other.sub.id), EHR_STATE_HELD);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 1);
}


static void
a_partner_that_is_gone_holds_its_deliveries(void **state)
{
    int                  i;
    char                 text[32];
    world_t             *w = *state;
    ehr_store_keep_t     keep;
    ehr_store_submit_t   op;

    for (i = 0; i < 3; i++) {
        (void) snprintf(text, sizeof(text), "<A%d/>", i);
        document(w, &op, text);
        (void) strcpy(op.sub.deliveries[0].partner, i < 2 ? "gone"
                                                          : "insurance");
        submit(w, &op);
    }

    begin(&keep, 11);
    assert_ok(ehr_store_keep(w->store, &keep));
    assert_int_equal(keep.nrepaired[EHR_SWEEP_PARTNER], 2);
    assert_int_equal(ask(w, "SELECT count(*) FROM deliveries WHERE"
                            " partner = 'gone' AND state = 'held'"
                            " AND reason = 'config.partner'"), 2);
    assert_int_equal(ask(w, "SELECT count(*) FROM history WHERE"
                            " reason = 'config.partner'"), 2);
    assert_int_equal(state_of(w, op.sub.id), EHR_STATE_PENDING);

    /* Once is enough. */
    keep.now_ms += 61000;
    assert_ok(ehr_store_keep(w->store, &keep));
    assert_int_equal(repaired(&keep), 0);
}


/* As a binary upgrade leaves it, when the old workers' keeper met documents
 * for a partner that the new ones have. */

static void
a_partner_that_is_new_gets_what_was_held_without_it(void **state)
{
    static const char *const  both[] = { "insurance", "new" };
    static const int64_t      deadlines_ms[] = { DAY, DAY };

    world_t             *w = *state;
    ehr_store_keep_t     old, new;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    (void) strcpy(op.sub.deliveries[0].partner, "new");
    submit(w, &op);

    begin(&old, 11);
    old.configured_ms = 1;
    assert_ok(ehr_store_keep(w->store, &old));
    assert_int_equal(old.nrepaired[EHR_SWEEP_PARTNER], 1);
    assert_int_equal(state_of(w, op.sub.id), EHR_STATE_HELD);

    begin(&new, 22);
    new.configured_ms = 2;
    new.partners = both;
    new.npartners = 2;
    new.deadlines_ms = deadlines_ms;
    assert_ok(ehr_store_keep(w->store, &new));
    assert_int_equal(new.nrepaired[EHR_SWEEP_PARTNER], 1);
    assert_int_equal(state_of(w, op.sub.id), EHR_STATE_RETRYING);

    new.now_ms += 61000;
    assert_ok(ehr_store_keep(w->store, &new));
    old.now_ms += 61000;
    assert_ok(ehr_store_keep(w->store, &old));
    assert_false(old.is_mine);
    assert_false(old.is_sweeper);
    assert_int_equal(state_of(w, op.sub.id), EHR_STATE_RETRYING);
}


static void
missing_rows_and_open_attempts_are_found(void **state)
{
    world_t             *w = *state;
    ehr_store_keep_t     keep;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   a, b, c;

    document(w, &a, "<A/>");
    submit(w, &a);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 1);
    document(w, &b, "<B/>");
    submit(w, &b);
    document(w, &c, "<C/>");
    submit(w, &c);

    change(w, "UPDATE deliveries SET state = 'accepted', owner_slot = NULL,"
              " owner_incarnation = NULL WHERE seq = 1");
    change(w, "DELETE FROM contents WHERE seq = 2");
    change(w, "DELETE FROM submissions WHERE seq = 3");

    begin(&keep, 11);
    assert_ok(ehr_store_keep(w->store, &keep));
    assert_int_equal(keep.nrepaired[EHR_SWEEP_ATTEMPT], 1);
    assert_int_equal(keep.nrepaired[EHR_SWEEP_CONTENT], 1);
    assert_int_equal(keep.nrepaired[EHR_SWEEP_SUBMISSION], 1);
    assert_int_equal(repaired(&keep), 3);
    assert_int_equal(state_of(w, b.sub.id), EHR_STATE_HELD);
    assert_int_equal(ask(w, "SELECT count(*) FROM attempts"
                            " WHERE ended_ms IS NULL"), 0);
}


/* --- retention --- */

static void
store_and_settle(world_t *w, int n, ehr_state_e state)
{
    int                  i;
    static char          text[12000];
    ehr_arena_t         *kept = w->arena;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   op;

    for (i = 0; i < n; i++) {
        w->arena = ehr_arena_create(1 << 20);
        fill_noise(text, sizeof(text) - 1, (uint32_t) (state * 1000 + i));
        document(w, &op, text);
        submit(w, &op);

        if (state != EHR_STATE_PENDING) {
            assert_int_equal(claim_as(w, &claim, 1, NOW), 1);
            assert_ok(finish_as(w, &claim.claims[0], state));
        }

        ehr_arena_destroy(w->arena);
    }

    w->arena = kept;
}


static int64_t
file_size(world_t *w)
{
    int          frames;
    struct stat  st;

    assert_ok(ehr_store_checkpoint(w->store, &frames));
    assert_int_equal(stat(w->path, &st), 0);

    return st.st_size;
}


static void
old_content_goes_and_the_file_shrinks(void **state)
{
    int64_t            before;
    world_t           *w = *state;
    ehr_store_keep_t   keep, sum;
    ehr_retention_t    rule = { NULL, 90 * DAY, 0 };

    store_and_settle(w, 900, EHR_STATE_ACCEPTED);
    store_and_settle(w, 1, EHR_STATE_RETRYING);
    store_and_settle(w, 1, EHR_STATE_HELD);
    store_and_settle(w, 1, EHR_STATE_UNCERTAIN);
    store_and_settle(w, 1, EHR_STATE_PENDING);
    before = file_size(w);

    begin(&keep, 11);
    keep.retentions = &rule;
    keep.nretentions = 1;
    keep.now_ms = NOW + 89 * DAY;
    keep.retry_max_ms = 1000 * DAY;
    keep_on(w, &keep, &sum);
    assert_int_equal(sum.ncontents, 0);

    keep.now_ms = NOW + 91 * DAY;
    keep_on(w, &keep, &sum);
    assert_int_equal(sum.ncontents, 900);
    assert_int_equal(sum.nrecords, 0);
    assert_true(sum.npages > 0);
    assert_true(file_size(w) < before / 2 + 9 * 1024 * 1024);
    assert_true(file_size(w) < before);

    assert_int_equal(ask(w, "SELECT count(*) FROM contents"), 4);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 904);
    assert_int_equal(ask(w, "SELECT count(*) FROM history"
                            " WHERE reason = 'retention.content'"), 900);
    assert_int_equal(ask(w, "SELECT sum(detail ->> 'contents') FROM audit"
                            " WHERE action = 'retention.remove'"), 900);
}


/* As one is that was made without auto_vacuum: nothing to be done again and
 * again for it. */

static void
a_journal_that_keeps_its_pages_is_left_alone(void **state)
{
    world_t           *w = *state;
    ehr_store_keep_t   keep, sum;

    ehr_store_close(w->store);
    change(w, "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE;"
              " VACUUM; CREATE TABLE room (x);"
              " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1"
              " FROM n WHERE i < 2000) INSERT INTO room"
              " SELECT zeroblob(4000) FROM n; DROP TABLE room");
    w->store = world_open(w, 0);
    assert_non_null(w->store);
    assert_true(ask(w, "PRAGMA freelist_count") > 1024);

    begin(&keep, 11);
    keep_on(w, &keep, &sum);
    assert_int_equal(sum.npages, 0);
}


static void
a_record_goes_with_all_that_is_its_own(void **state)
{
    world_t             *w = *state;
    ehr_store_keep_t     keep, sum;
    ehr_retention_t      rules[] = {
        { "checkin", 1, 1 }, { "claim", 10 * DAY, 20 * DAY }
    };
    ehr_store_submit_t   again, op;

    document(w, &op, "<A/>");
    op.idempotency_key = ehr_str("key-1");
    submit(w, &op);
    document(w, &op, "<B/>");
    submit(w, &op);
    change(w, "UPDATE deliveries SET state = 'refused'");

    begin(&keep, 11);
    keep.retentions = rules;
    keep.nretentions = 2;
    keep.now_ms = NOW + 11 * DAY;
    keep_on(w, &keep, &sum);
    assert_int_equal(sum.ncontents, 2);

    /* The same bytes are a duplicate for as long as the record is there. */
    document(w, &again, "<A/>");
    submit(w, &again);
    assert_int_equal(again.result, EHR_SUBMIT_DUPLICATE);

    keep.now_ms = NOW + 21 * DAY;
    keep_on(w, &keep, &sum);

    /* The newest stays: its number is not given again. */
    assert_int_equal(sum.nrecords, 1);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 1);
    assert_int_equal(ask(w, "SELECT count(*) FROM deliveries"), 1);
    assert_int_equal(ask(w, "SELECT count(*) FROM idempotency_keys"), 0);
    assert_int_equal(ask(w, "SELECT count(*) FROM history WHERE seq = 1"), 0);
    assert_int_equal(ask(w, "SELECT count(*) FROM removals"), 0);

    document(w, &again, "<A/>");
    submit(w, &again);
    assert_int_equal(again.result, EHR_SUBMIT_STORED);
    assert_int_equal(again.sub.seq, 3);
}


static void
nothing_else_removes_history(void **state)
{
    world_t             *w = *state;
    sqlite3             *db;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    submit(w, &op);
    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_not_equal(sqlite3_exec(db, "DELETE FROM history", NULL, NULL,
                                      NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}


/* --- sealing anew --- */

static void
a_new_key_takes_over_and_what_was_changed_stays(void **state)
{
    int                  i;
    char                 text[64];
    world_t             *w = *state;
    ehr_content_t        content;
    ehr_seal_keys_t      keys = { 0 };
    ehr_store_keep_t     keep, sum;
    ehr_store_submit_t   op;

    for (i = 0; i < 100; i++) {
        if (i == 50) {
            assert_null(ehr_seal_keys_add(&keys, ehr_str(HEX_A)));
            ehr_store_close(w->store);
            w->keys = &keys;
            w->store = world_open(w, 0);
        }

        (void) snprintf(text, sizeof(text), "<A>%d</A>", i);
        document(w, &op, text);
        submit(w, &op);
    }

    change(w, "UPDATE contents SET bytes = zeroblob(60) WHERE seq = 60");

    ehr_store_close(w->store);
    memset(&keys, 0, sizeof(keys));
    assert_null(ehr_seal_keys_add(&keys, ehr_str(HEX_B)));
    assert_null(ehr_seal_keys_add(&keys, ehr_str(HEX_A)));
    w->store = world_open(w, 0);

    begin(&keep, 11);
    keep_on(w, &keep, &sum);
    assert_int_equal(sum.nresealed, 99);
    assert_int_equal(ask(w, "SELECT count(*) FROM contents WHERE key = 0"),
                     0);

    assert_ok(ehr_store_content(w->store, ehr_str(""), op.sub.id, w->arena,
                                &content));
    assert_true(ehr_str_eq(content.bytes, op.content));

    keep.now_ms += 61000;
    assert_ok(ehr_store_keep(w->store, &keep));
    assert_int_equal(keep.nkeys, 2);
    assert_int_equal(keep.keys[0].n + keep.keys[1].n, 100);
    w->keys = NULL;
    ehr_store_close(w->store);
    w->store = world_open(w, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(one_at_a_time_does_the_chores),
        store_test(an_old_lease_is_not_renewed_behind_ones_back),
        store_test(a_lease_of_a_far_future_is_none),
        store_test(who_does_not_sweep_keeps_nobody_from_it),
        store_test(a_newer_configuration_takes_the_chores_at_once),
        store_test(an_ordinary_journal_needs_no_mending),
        store_test(a_time_beyond_the_cap_comes_at_once),
        store_test(a_deadline_that_has_not_passed_holds_nothing),
        store_test(a_partner_that_is_gone_holds_its_deliveries),
        store_test(a_partner_that_is_new_gets_what_was_held_without_it),
        store_test(missing_rows_and_open_attempts_are_found),
        store_test(old_content_goes_and_the_file_shrinks),
        store_test(a_journal_that_keeps_its_pages_is_left_alone),
        store_test(a_record_goes_with_all_that_is_its_own),
        store_test(nothing_else_removes_history),
        store_test(a_new_key_takes_over_and_what_was_changed_stays)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
