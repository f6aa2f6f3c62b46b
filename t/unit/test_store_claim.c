/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Who is next at a partner: facilities take turns, the nearest deadline goes
 * first, nothing is behind bulk, what waits for its time costs nothing until
 * then, and a look costs the same whatever the depth.
 */

#include "ehr_hours.h"
#include "store_world.h"
#include "ehr_store_sqlite.h"


#define MINUTE  INT64_C(60000)


typedef struct {
    const char  *facility;
    int          is_urgent;
    int64_t      target_ms;
} wish_t;


static int64_t
submit_as(world_t *w, wish_t wish, ehr_store_submit_t *doc)
{
    static int  number;

    char  text[32];

    (void) snprintf(text, sizeof(text), "<A n='%d'/>", ++number);
    document(w, doc, text);
    doc->sub.facility = ehr_str(wish.facility);
    doc->sub.deliveries[0].is_urgent = wish.is_urgent;
    doc->sub.deliveries[0].target_ms = wish.target_ms;
    submit(w, doc);

    return doc->sub.seq;
}


static void
fill(world_t *w, int n, wish_t wish)
{
    int                 i;
    ehr_store_submit_t  doc;

    for (i = 0; i < n; i++) {
        (void) submit_as(w, wish, &doc);
    }
}


static ehr_store_claim_t
claim_max(world_t *w, ehr_store_turn_t *turn, uint32_t max, int64_t now_ms)
{
    ehr_store_claim_t  op = { 0 };

    op.op.type = EHR_STORE_OP_CLAIM;
    op.partner = "insurance";
    op.owner.slot = 1;
    op.owner.incarnation = 1;
    op.now_ms = now_ms;
    op.max = max;
    op.arena = w->arena;
    op.turn = turn;

    assert_ok(ehr_store_write(w->store, &op.op));
    assert_ok(op.op.rc);

    return op;
}


static void
facilities_take_turns(void **state)
{
    world_t             *w = *state;
    uint32_t             i, found;
    ehr_store_turn_t     turn = { 0 };
    ehr_store_claim_t    op;
    ehr_store_submit_t   doc;

    fill(w, 40, (wish_t) { "01001", 0, 0 });
    fill(w, 3, (wish_t) { "99002", 0, 0 });
    (void) submit_as(w, (wish_t) { "01002", 0, 0 }, &doc);

    op = claim_max(w, &turn, 6, NOW);
    assert_int_equal(op.nclaims, 6);

    for (i = 0, found = 0; i < 6; i++) {
        found += ehr_str_is(op.claims[i].sub.facility, "99002");
        found += 10 * ehr_str_is(op.claims[i].sub.facility, "01002");
    }

    assert_int_equal(found, 12);
    assert_int_equal(op.next_due_ms, NOW);
}


/* One place at a time, as after a failure: the turn goes on between claims. */

static void
a_single_document_is_served_in_the_next_round(void **state)
{
    world_t             *w = *state;
    int                  i;
    ehr_store_turn_t     turn = { 0 };
    ehr_store_claim_t    op;
    ehr_store_submit_t   doc;

    fill(w, 50, (wish_t) { "01001", 0, 0 });
    fill(w, 50, (wish_t) { "01002", 0, 0 });
    (void) claim_max(w, &turn, 1, NOW);
    (void) submit_as(w, (wish_t) { "01003", 0, 0 }, &doc);

    for (i = 1; i <= 3; i++) {
        op = claim_max(w, &turn, 1, NOW);
        if (op.claims[0].sub.seq == doc.sub.seq) {
            break;
        }
    }

    assert_in_range(i, 1, 3);
}


static void
the_nearest_deadline_goes_first_within_a_facility(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   late, soon, middle;

    (void) submit_as(w, (wish_t) { "01001", 0, NOW + 60 * MINUTE }, &late);
    (void) submit_as(w, (wish_t) { "01001", 0, NOW + 1 * MINUTE }, &soon);
    (void) submit_as(w, (wish_t) { "01001", 0, NOW + 9 * MINUTE }, &middle);

    op = claim_max(w, NULL, 10, NOW);
    assert_int_equal(op.nclaims, 3);
    assert_string_equal(op.claims[0].sub.id, soon.sub.id);
    assert_string_equal(op.claims[1].sub.id, middle.sub.id);
    assert_string_equal(op.claims[2].sub.id, late.sub.id);
}


static void
with_one_deadline_the_order_is_that_of_acceptance(void **state)
{
    world_t            *w = *state;
    uint32_t            i;
    ehr_store_claim_t   op;

    fill(w, 20, (wish_t) { "01001", 0, NOW });
    op = claim_max(w, NULL, 20, NOW);

    for (i = 1; i < 20; i++) {
        assert_true(op.claims[i].sub.seq > op.claims[i - 1].sub.seq);
    }
}


static void
urgent_ones_are_not_behind_bulk_and_bulk_is_not_starved(void **state)
{
    world_t            *w = *state;
    uint32_t            i, urgent;
    ehr_store_turn_t    turn = { 0 };
    ehr_store_claim_t   op;

    fill(w, 100, (wish_t) { "01001", 0, 0 });
    fill(w, 40, (wish_t) { "01001", 1, 0 });

    op = claim_max(w, &turn, 16, NOW);
    assert_int_equal(op.nclaims, 16);

    for (i = 0, urgent = 0; i < 16; i++) {
        urgent += op.claims[i].sub.deliveries[0].attempts == 1
                  && op.claims[i].sub.seq > 100;
    }

    assert_int_equal(urgent, 14);
}


static void
what_failed_waits_beside_the_queue_and_has_half_the_places(void **state)
{
    world_t            *w = *state;
    uint32_t            i, again;
    ehr_store_turn_t    turn = { 0 };
    ehr_store_claim_t   op;

    fill(w, 100, (wish_t) { "01001", 1, 0 });
    op = claim_max(w, &turn, 20, NOW);

    for (i = 0; i < 20; i++) {
        assert_ok(finish_as(w, &op.claims[i], EHR_STATE_RETRYING));
    }

    assert_int_equal(ask(w, "SELECT count(*) FROM deliveries"
                            " WHERE due_ms > 0"),
                     20);
    op = claim_max(w, &turn, 16, NOW + 60000);

    for (i = 0, again = 0; i < op.nclaims; i++) {
        again += op.claims[i].attempt == 2;
    }

    assert_int_equal(op.nclaims, 16);
    assert_int_equal(again, 8);
}


static int64_t
opens_at(void *data, const ehr_submission_t *sub, int64_t now_ms)
{
    int64_t  opens_ms = *(int64_t *) data;

    return sub->size > 10 && now_ms < opens_ms ? opens_ms : 0;
}


static ehr_store_claim_t
claim_window(world_t *w, int64_t opens_ms, int64_t now_ms)
{
    ehr_store_claim_t  op = { 0 };

    op.op.type = EHR_STORE_OP_CLAIM;
    op.partner = "insurance";
    op.owner.slot = 1;
    op.owner.incarnation = 1;
    op.now_ms = now_ms;
    op.max = 10;
    op.arena = w->arena;
    op.cap_ms = MINUTE;
    op.data = &opens_ms;
    op.opens_ms = opens_at;

    assert_ok(ehr_store_write(w->store, &op.op));
    assert_ok(op.op.rc);

    return op;
}


static void
outside_its_window_it_is_held_and_comes_back_by_itself(void **state)
{
    world_t               *w = *state;
    ehr_str_t              json;
    ehr_store_claim_t      op;
    ehr_submission_t       sub;
    ehr_store_submit_t     small, large;

    document(w, &small, "<A/>");
    submit(w, &small);
    document(w, &large, "<A>too large for now</A>");
    submit(w, &large);

    op = claim_window(w, NOW + MINUTE, NOW);
    assert_int_equal(op.nclaims, 1);
    assert_string_equal(op.claims[0].sub.id, small.sub.id);
    assert_int_equal(op.nclosed, 1);
    assert_int_equal(op.next_due_ms, NOW + MINUTE);

    sub = look(w, large.sub.id);
    assert_int_equal(sub.deliveries[0].state, EHR_STATE_HELD);
    assert_int_equal(sub.deliveries[0].next_attempt_ms, NOW + MINUTE);
    assert_true(ehr_str_is(sub.deliveries[0].reason, "window.closed"));

    op = claim_window(w, NOW + MINUTE, NOW + MINUTE - 1);
    assert_int_equal(op.nclaims, 0);
    assert_null(op.claims);
    assert_int_equal(op.next_due_ms, NOW + MINUTE);

    op = claim_window(w, NOW + MINUTE, NOW + MINUTE);
    assert_int_equal(op.nclaims, 1);
    assert_int_equal(op.claims[0].attempt, 1);

    assert_ok(ehr_store_history(w->store, large.sub.id, w->arena, &json));
    assert_non_null(strstr(json.data, "\"window.closed\""));
    assert_non_null(strstr(json.data, "\"window.opened\""));
}


/* As the days of a settlement may be. */

static void
what_waits_for_weeks_is_left_alone_meanwhile(void **state)
{
    world_t             *w = *state;
    int64_t              opens_ms = NOW + EHR_HOURS_LONGEST_MS;
    ehr_store_claim_t    op;
    ehr_store_submit_t   large;

    document(w, &large, "<A>too large for now</A>");
    submit(w, &large);
    op = claim_window(w, opens_ms, NOW);
    assert_int_equal(op.nclosed, 1);

    op = claim_window(w, opens_ms, NOW + MINUTE);
    assert_int_equal(op.nfar, 0);
    assert_int_equal(op.nclosed, 0);
    assert_int_equal(op.next_due_ms, opens_ms);

    /* farther than any window can be: the clock was put back */
    op = claim_window(w, 0, NOW - EHR_CLOCK_LAG_MS - 1);
    assert_int_equal(op.nfar, 1);
    assert_int_equal(op.nclaims, 1);
}


static void
a_window_that_closed_again_holds_again(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   large;

    document(w, &large, "<A>too large for now</A>");
    submit(w, &large);
    (void) claim_window(w, NOW + MINUTE, NOW);

    op = claim_window(w, NOW + 9 * MINUTE, NOW + 2 * MINUTE);
    assert_int_equal(op.nclaims, 0);
    assert_int_equal(op.next_due_ms, NOW + 9 * MINUTE);
    assert_int_equal(state_of(w, large.sub.id), EHR_STATE_HELD);
}


static void
what_a_window_holds_gives_way_to_newer_content(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   a, b;

    submit_keyed(w, &a, "<A>too large for now</A>", "LK1");
    (void) claim_window(w, NOW + MINUTE, NOW);
    submit_keyed(w, &b, "<B/>", "LK1");

    op = claim_window(w, NOW + MINUTE, NOW + 2 * MINUTE);
    assert_int_equal(op.nclaims, 1);
    assert_string_equal(op.claims[0].sub.id, b.sub.id);
    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_SUPERSEDED);
    assert_int_equal(ask(w, "SELECT count(*) FROM deliveries"
                            " WHERE due_ms > 0"),
                     0);
}


static void
a_long_line_before_a_closed_window_is_held_in_portions(void **state)
{
    world_t             *w = *state;
    int                  i;
    char                 text[64];
    ehr_store_claim_t    op;
    ehr_store_submit_t   doc;

    for (i = 0; i < 100; i++) {
        (void) snprintf(text, sizeof(text), "<A>too large for now %d</A>", i);
        document(w, &doc, text);
        submit(w, &doc);
    }

    op = claim_window(w, NOW + MINUTE, NOW);
    assert_int_equal(op.nclosed, 64);
    assert_int_equal(op.next_due_ms, NOW);

    op = claim_window(w, NOW + MINUTE, NOW);
    assert_int_equal(op.nclosed, 36);
    assert_int_equal(op.next_due_ms, NOW + MINUTE);
}


/* --- cost --- */

static void
sql_sha256(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    uint8_t  digest[EHR_SHA256_LEN];

    (void) argc;

    ehr_sha256(sqlite3_value_text(argv[0]),
               (size_t) sqlite3_value_bytes(argv[0]), digest);
    sqlite3_result_blob(context, digest, sizeof(digest), SQLITE_TRANSIENT);
}


static void
fill_by_sql(world_t *w, int n, int nfacilities)
{
    char      sql[1400];
    sqlite3  *db;

    (void) snprintf(sql, sizeof(sql),
        "BEGIN;"
        "CREATE TEMP TABLE n AS WITH RECURSIVE c (i) AS (SELECT 1"
        " UNION ALL SELECT i + 1 FROM c WHERE i < %d) SELECT i FROM c;"
        "INSERT INTO submissions (seq, id, facility, kind, standard,"
        " business_key, content_type, sha256, size, received_ms, warnings,"
        " warnings_en) SELECT i, printf('%%036d', i),"
        " printf('%%05d', i %% %d), 'claim', 'qd3176', printf('LK%%d', i),"
        " 'application/xml', sha256(printf('%%036d', i)), 36, 1, '[]', '[]'"
        " FROM n;"
        "INSERT INTO contents (seq, bytes)"
        " SELECT i, CAST(printf('%%036d', i) AS BLOB) FROM n;"
        "INSERT INTO deliveries (seq, partner, facility, kind, business_key,"
        " state, rank, target_ms) SELECT seq, 'insurance', facility, kind,"
        " business_key, 'pending', 1, received_ms FROM submissions;"
        "COMMIT", n, nfacilities);

    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_create_function(db, "sha256", 1, SQLITE_UTF8,
                                             NULL, sql_sha256, NULL, NULL),
                     SQLITE_OK);
    /* not this test's concern, and by far the most of its time */
    assert_int_equal(sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL,
                                  NULL), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        print_error("%s\n", sqlite3_errmsg(db));
        fail();
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}


/* Steps of SQLite's machine and pages it looked at. */

static int
steps(world_t *w, int is_reset)
{
    int  i, n;

    for (i = 0, n = 0; i < EHR_SQL_LAST; i++) {
        if (w->store->statements[i] != NULL) {
            n += sqlite3_stmt_status(w->store->statements[i],
                                     SQLITE_STMTSTATUS_VM_STEP, is_reset);
        }
    }

    return n;
}


static int
cost_of_a_claim(world_t *w, ehr_store_turn_t *turn)
{
    ehr_store_claim_t  op;

    op = claim_max(w, turn, 16, NOW);   /* prepares the statements */
    assert_int_equal(op.nclaims, 16);
    (void) steps(w, 1);
    op = claim_max(w, turn, 16, NOW);
    assert_int_equal(op.nclaims, 16);

    return steps(w, 0);
}


static int
cost_at(void **state, int depth, int nfacilities)
{
    int                n;
    world_t           *w;
    ehr_store_turn_t   turn = { 0 };

    assert_int_equal(world_setup(state), 0);
    w = *state;
    fill_by_sql(w, depth, nfacilities);
    n = cost_of_a_claim(w, &turn);
    assert_int_equal(world_teardown(state), 0);

    return n;
}


static void
a_claim_costs_the_same_at_any_depth(void **state)
{
    int     small, one, many;
    void   *other = NULL;

    (void) state;

    small = cost_at(&other, 1000, 10);
    one = cost_at(&other, 100000, 1);
    many = cost_at(&other, 100000, 5000);

    print_message("steps of a claim of 16: %d of 1,000; %d of 100,000;"
                  " %d of 100,000 in 5,000 facilities\n", small, one, many);

    assert_true(one * 2 <= small * 3);
    assert_true(many * 2 <= small * 3);
}


static void
set_paused(world_t *w, int is_paused)
{
    char      sql[200];
    sqlite3  *db;

    (void) snprintf(sql, sizeof(sql), "INSERT OR REPLACE INTO partners"
                    " VALUES ('insurance', %d, 'r', 'a', 1, 1)", is_paused);

    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}


static void
of_a_paused_partner_nothing_is_given(void **state)
{
    world_t            *w = *state;
    ehr_store_claim_t   op;

    fill(w, 3, (wish_t) { "01001", 0, 0 });

    set_paused(w, 1);
    op = claim_max(w, NULL, 10, NOW);
    assert_int_equal(op.nclaims, 0);
    assert_int_equal(op.is_paused, 1);

    set_paused(w, 0);
    op = claim_max(w, NULL, 10, NOW);
    assert_int_equal(op.nclaims, 3);
    assert_int_equal(op.is_paused, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(facilities_take_turns),
        store_test(a_single_document_is_served_in_the_next_round),
        store_test(the_nearest_deadline_goes_first_within_a_facility),
        store_test(with_one_deadline_the_order_is_that_of_acceptance),
        store_test(urgent_ones_are_not_behind_bulk_and_bulk_is_not_starved),
        store_test(what_failed_waits_beside_the_queue_and_has_half_the_places),
        store_test(outside_its_window_it_is_held_and_comes_back_by_itself),
        store_test(what_waits_for_weeks_is_left_alone_meanwhile),
        store_test(a_window_that_closed_again_holds_again),
        store_test(what_a_window_holds_gives_way_to_newer_content),
        store_test(a_long_line_before_a_closed_window_is_held_in_portions),
        store_test(of_a_paused_partner_nothing_is_given),
        cmocka_unit_test(a_claim_costs_the_same_at_any_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
