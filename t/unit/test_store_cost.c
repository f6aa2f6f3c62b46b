/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the journal's work costs, counted in steps of SQLite's machine and in
 * pages it looked at, never in time: the same in a journal of 20,000
 * documents as in one of 320.  Where it may grow, it is said by how much.
 */

#include "store_fill.h"
#include "ehr_store_decide.h"
#include "ehr_store_sqlite.h"


#define SMALL  (FILL_OPEN * 2)
#define LARGE  (FILL_OPEN * 125)
#define HOUR   INT64_C(3600000)


typedef struct {
    int64_t  steps;
    int64_t  pages;
} cost_t;


/* --- what is counted --- */

static int
count_steps(unsigned event, void *data, void *stmt, void *ns)
{
    cost_t  *cost = data;

    (void) event;
    (void) ns;

    cost->steps += sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);

    return 0;
}


static int64_t
pages_looked_at(sqlite3 *db)
{
    int      now, most;
    int64_t  n = 0;

    assert_int_equal(sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_HIT, &now,
                                       &most, 1), SQLITE_OK);
    n += now;
    assert_int_equal(sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_MISS, &now,
                                       &most, 1), SQLITE_OK);

    return n + now;
}


typedef int64_t (*work_pt)(world_t *w);   /* gives what it did, in pieces */


/* Of the second time: the first one prepares the statements. */

static cost_t
cost_of(world_t *w, work_pt work, int64_t *pieces)
{
    cost_t  cost = { 0, 0 };

    (void) work(w);

    assert_int_equal(sqlite3_trace_v2(w->store->db, SQLITE_TRACE_PROFILE,
                                      count_steps, &cost), SQLITE_OK);
    (void) pages_looked_at(w->store->db);

    *pieces = work(w);

    cost.pages = pages_looked_at(w->store->db);
    assert_int_equal(sqlite3_trace_v2(w->store->db, 0, NULL, NULL),
                     SQLITE_OK);

    return cost;
}


/* --- what is done --- */

static int64_t
get_by_id(world_t *w)
{
    ehr_str_t         json;
    ehr_submission_t  sub;

    sub = look(w, "000000000000000000000000000000000160");
    assert_ok(ehr_store_attempts(w->store, sub.id, w->arena, &json));
    assert_ok(ehr_store_timeline(w->store, sub.id, w->arena, &json));

    return 1;
}


static int64_t
page_of(world_t *w, const ehr_store_filter_t *filter)
{
    uint32_t           n;
    ehr_submission_t  *subs;

    assert_ok(ehr_store_list(w->store, filter, w->arena, &subs, &n));
    assert_true(n > 0);

    return n;
}


static int64_t
get_by_key(world_t *w)
{
    ehr_store_filter_t  filter = { .limit = 50 };

    filter.facility = look(w, "000000000000000000000000000000000160").facility;
    filter.business_key = ehr_str("LK160");

    return page_of(w, &filter);
}


static int64_t
list_newest(world_t *w)
{
    ehr_store_filter_t  filter = { .limit = 3 };

    filter.facility = ehr_str("99042");

    return page_of(w, &filter);
}


static int64_t
list_of_kind_since(world_t *w)
{
    ehr_store_filter_t  filter = { .limit = 3, .since_ms = NOW - 5 * HOUR };

    filter.facility = ehr_str("99042");
    filter.kind = ehr_str("claim");

    return page_of(w, &filter);
}


static int64_t
list_of_state(world_t *w, ehr_state_e state)
{
    ehr_store_filter_t  filter = { .limit = 2, .state = state };

    filter.facility = ehr_str("99004");

    return page_of(w, &filter);
}


static int64_t
list_held(world_t *w)
{
    return list_of_state(w, EHR_STATE_HELD);
}


static int64_t
list_pending(world_t *w)
{
    return list_of_state(w, EHR_STATE_PENDING);
}


static int64_t
list_accepted(world_t *w)
{
    return list_of_state(w, EHR_STATE_ACCEPTED);
}


static int64_t
deliveries_of(world_t *w, const ehr_selection_t *sel)
{
    ehr_delivery_page_t  page = { .limit = 10 };

    assert_ok(ehr_store_deliveries(w->store, sel, w->arena, &page));
    assert_int_equal(page.nrows, 10);

    return page.nrows;
}


static int64_t
deliveries_newest(world_t *w)
{
    ehr_selection_t  sel = { 0 };

    return deliveries_of(w, &sel);
}


static int64_t
deliveries_held(world_t *w)
{
    ehr_selection_t  sel = { .state = EHR_STATE_HELD };

    sel.partner = ehr_str("insurance");

    return deliveries_of(w, &sel);
}


static int64_t
preview_release(world_t *w)
{
    ehr_preview_t    preview;
    ehr_selection_t  sel = { 0 };

    assert_ok(ehr_store_preview(w->store, &sel, EHR_ACTION_RELEASE,
                                &preview));
    assert_true(preview.total > 40);

    return preview.total;
}


static int64_t
count_queues(world_t *w)
{
    uint32_t            n;
    ehr_store_depth_t  *depths;
    ehr_store_queue_t  *queues;

    assert_ok(ehr_store_depths(w->store, NOW, w->arena, &depths, &n));
    assert_ok(ehr_store_queues(w->store, NOW, w->arena, &queues, &n));
    assert_int_equal(n, 2);

    return n;
}


static int64_t
accept_one(world_t *w)
{
    static int  number;

    char                text[64], key[64];
    ehr_store_submit_t  op;

    (void) snprintf(text, sizeof(text), "<A n='%d'/>", ++number);
    (void) snprintf(key, sizeof(key), "N%d", number);
    document(w, &op, text);
    op.sub.business_key = ehr_str(key);
    op.idempotency_key = ehr_str(key);
    submit(w, &op);
    assert_int_equal(op.result, EHR_SUBMIT_STORED);

    return 1;
}


static int64_t
claim_and_finish(world_t *w)
{
    uint32_t           i;
    ehr_store_claim_t  op = { 0 };

    op.op.type = EHR_STORE_OP_CLAIM;
    op.partner = "insurance";
    op.owner.slot = 2;
    op.owner.incarnation = 2;
    op.now_ms = NOW;
    op.max = 4;
    op.arena = w->arena;

    assert_ok(ehr_store_write(w->store, &op.op));
    assert_ok(op.op.rc);
    assert_int_equal(op.nclaims, 4);

    for (i = 0; i < op.nclaims; i++) {
        assert_ok(finish_as(w, &op.claims[i], EHR_STATE_ACCEPTED));
    }

    return op.nclaims;
}


static int
is_alive(void *data, const ehr_owner_t *owner)
{
    (void) data;
    (void) owner;

    return 1;
}


static int
is_safe(void *data, const char *partner, const char *kind)
{
    (void) data;
    (void) partner;
    (void) kind;

    return 1;
}


static int64_t
look_for_the_dead(world_t *w)
{
    ehr_store_recover_t  op = { 0 };

    op.op.type = EHR_STORE_OP_RECOVER;
    op.now_ms = NOW;
    op.is_alive = is_alive;
    op.is_repeat_safe = is_safe;

    assert_ok(ehr_store_write(w->store, &op.op));
    assert_ok(op.op.rc);

    return 1;
}


/* --- what does not grow --- */

static const struct {
    const char  *name;
    work_pt      work;
} works[] = {
    { "get by id", get_by_id },
    { "get by business key", get_by_key },
    { "list, newest", list_newest },
    { "list of a kind since a time", list_of_kind_since },
    { "list of what is held", list_held },
    { "list of what is pending", list_pending },
    { "list of what is accepted", list_accepted },
    { "deliveries, newest", deliveries_newest },
    { "deliveries that are held", deliveries_held },
    { "preview of a release", preview_release },
    { "depths and queues", count_queues },
    { "accept", accept_one },
    { "claim and finish", claim_and_finish },
    { "look for dead workers", look_for_the_dead }
};

#define NWORKS  (sizeof(works) / sizeof(works[0]))


static void
measure(int rows, cost_t costs[NWORKS], int64_t pieces[NWORKS])
{
    void     *state = NULL;
    size_t    i;
    world_t  *w;

    assert_int_equal(world_setup(&state), 0);
    w = state;
    fill_journal(w, rows, 0);

    for (i = 0; i < NWORKS; i++) {
        costs[i] = cost_of(w, works[i].work, &pieces[i]);
    }

    assert_int_equal(world_teardown(&state), 0);
}


/* A tree that is deeper has a page or two more on the way to each row. */

static void
the_work_costs_the_same_beside_20000_documents(void **state)
{
    int      nbad = 0;
    cost_t   small[NWORKS], large[NWORKS];
    size_t   i;
    int64_t  few[NWORKS], many[NWORKS];

    (void) state;

    measure(SMALL, small, few);
    measure(LARGE, large, many);

    for (i = 0; i < NWORKS; i++) {
        print_message("%-30s steps %6lld %6lld   pages %5lld %5lld\n",
                      works[i].name, (long long) small[i].steps,
                      (long long) large[i].steps,
                      (long long) small[i].pages,
                      (long long) large[i].pages);

        assert_int_equal(few[i], many[i]);
        assert_true(small[i].steps > 0 && small[i].pages > 0);

        nbad += large[i].steps * 2 > small[i].steps * 3 + 200;
        nbad += large[i].pages > small[i].pages * 3;
    }

    assert_int_equal(nbad, 0);
}


/* --- what grows, and up to where --- */

static int64_t
preview_replay(world_t *w)
{
    ehr_preview_t    preview;
    ehr_selection_t  sel = { .state = EHR_STATE_ACCEPTED };

    sel.partner = ehr_str("insurance");
    sel.reason = ehr_str("person.accepted");
    assert_ok(ehr_store_preview(w->store, &sel, EHR_ACTION_REPLAY, &preview));
    assert_int_equal(preview.total, 0);

    return 1;
}


static int64_t
preview_replay_of_an_hour(world_t *w)
{
    ehr_preview_t    preview;
    ehr_selection_t  sel = { .state = EHR_STATE_ACCEPTED };

    sel.partner = ehr_str("insurance");
    sel.since_ms = NOW - 2 * HOUR;
    sel.until_ms = NOW - HOUR;
    assert_ok(ehr_store_preview(w->store, &sel, EHR_ACTION_REPLAY, &preview));
    assert_true(preview.total > 0);

    return 1;
}


/* What an index does not hold is walked: this is how a walk looks here. */

static void
a_replay_is_previewed_in_the_time_it_is_asked_for(void **state)
{
    cost_t    all, hour;
    int64_t   pieces;
    world_t  *w = *state;

    fill_journal(w, LARGE, 0);

    all = cost_of(w, preview_replay, &pieces);
    hour = cost_of(w, preview_replay_of_an_hour, &pieces);

    assert_true(all.steps > 5 * LARGE);
    assert_true(hour.steps * 20 < all.steps);
}


#define RARE  5


/* The first ones of all, so that the whole journal lies before them. */

static void
make_rare(world_t *w)
{
    sqlite3  *db;

    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    fill_run(db, "UPDATE deliveries SET reason = 'rare' WHERE id <= 5");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}


static void
a_page_of_what_is_rare_is_bounded_and_none_is_missed(void **state)
{
    int                   n, found;
    cost_t                cost = { 0, 0 };
    world_t              *w = *state;
    ehr_selection_t       sel = { .reason = ehr_str("rare") };
    ehr_delivery_page_t   page = { .limit = 2 };

    fill_journal(w, LARGE, 0);
    make_rare(w);

    assert_int_equal(sqlite3_trace_v2(w->store->db, SQLITE_TRACE_PROFILE,
                                      count_steps, &cost), SQLITE_OK);

    for (n = 0, found = 0; n == 0 || page.next != 0; n++) {
        page.before = page.next;
        cost.steps = 0;
        assert_ok(ehr_store_deliveries(w->store, &sel, w->arena, &page));
        assert_true(cost.steps < 12 * EHR_STORE_WALK);

        if (page.nrows > 0) {
            assert_int_equal(page.rows[0].delivery, RARE - found);
        }

        found += (int) page.nrows;
    }

    assert_int_equal(found, RARE);

    /* Stretches of more than 33,000 deliveries, and three pages. */
    assert_in_range(n, 4, 5);
}


static void
a_list_between_two_times_has_all_of_them_and_no_other(void **state)
{
    int                   found;
    uint32_t              i;
    int64_t               last;
    world_t              *w = *state;
    ehr_selection_t       sel = { 0 };
    ehr_delivery_page_t   page = { .limit = 100 };

    fill_journal(w, LARGE, 0);
    sel.since_ms = NOW - 100 * HOUR;
    sel.until_ms = NOW - 90 * HOUR;

    for (found = 0, last = INT64_MAX; found == 0 || page.next != 0;
         /* void */ )
    {
        page.before = page.next;
        assert_ok(ehr_store_deliveries(w->store, &sel, w->arena, &page));

        for (i = 0; i < page.nrows; i++) {
            assert_true(page.rows[i].delivery < last);
            assert_true(page.rows[i].received_ms >= sel.since_ms);
            assert_true(page.rows[i].received_ms < sel.until_ms);
            last = page.rows[i].delivery;
        }

        found += (int) page.nrows;
    }

    assert_int_equal(found, ask(w, "SELECT count(*) FROM deliveries AS d"
                                   " JOIN submissions AS s ON s.seq = d.seq"
                                   " WHERE s.received_ms >= 1789640000000"
                                   " AND s.received_ms < 1789676000000"));
    assert_true(found > 600);
}


/* --- chores --- */

static const char *const  partners[] = { "insurance", "vneid" };

static ehr_store_keep_t  keep;


static void
begin_keeping(void)
{
    memset(&keep, 0, sizeof(ehr_store_keep_t));

    keep.owner.incarnation = 1;
    keep.now_ms = NOW;
    keep.retry_max_ms = HOUR;
    keep.partners = partners;
    keep.npartners = 2;
}


/* A whole round each time. */

static int64_t
sweep(world_t *w)
{
    keep.is_sweeping = 1;
    keep.sweep_due_ms = 0;
    memset(keep.sweep_position, 0, sizeof(keep.sweep_position));
    assert_ok(ehr_store_keep(w->store, &keep));

    return ask(w, "SELECT count(*) FROM deliveries WHERE id <= 20000");
}


static int64_t
retain(world_t *w)
{
    keep.retain_due_ms = 0;
    keep.retain_position = 0;
    assert_ok(ehr_store_keep(w->store, &keep));

    return keep.ncontents;
}


static cost_t
cost_of_chore(int rows, work_pt chore, int64_t kept_ms, int64_t *pieces)
{
    void             *state = NULL;
    cost_t            cost;
    ehr_retention_t   rule = { .content_ms = kept_ms };

    assert_int_equal(world_setup(&state), 0);
    fill_journal(state, rows, 0);

    begin_keeping();
    keep.retentions = &rule;
    keep.nretentions = kept_ms != 0;
    cost = cost_of(state, chore, pieces);
    keep.retentions = NULL;

    assert_int_equal(world_teardown(&state), 0);

    return cost;
}


static void
a_step_of_the_sweeper_costs_the_same_for_each_row(void **state)
{
    cost_t   small, large;
    int64_t  few, many;

    (void) state;

    small = cost_of_chore(SMALL, sweep, 0, &few);
    large = cost_of_chore(LARGE, sweep, 0, &many);

    assert_true(many > 10 * few);
    assert_true(large.steps / many <= small.steps / few * 3 / 2);
    assert_true(large.steps < 60 * INT64_C(20000));
}


static void
retention_does_not_look_at_what_is_young(void **state)
{
    cost_t   small, large;
    int64_t  n;

    (void) state;

    small = cost_of_chore(SMALL, retain, 1000 * HOUR, &n);
    assert_int_equal(n, 0);
    large = cost_of_chore(LARGE, retain, 1000 * HOUR, &n);
    assert_int_equal(n, 0);

    assert_true(large.steps * 2 <= small.steps * 3 + 600);
    assert_true(large.pages <= small.pages * 3);
}


static void
what_retention_removes_costs_the_same_for_each_document(void **state)
{
    cost_t   small, large;
    int64_t  few, many;

    (void) state;

    small = cost_of_chore(SMALL, retain, HOUR, &few);
    large = cost_of_chore(LARGE, retain, HOUR, &many);

    assert_true(few >= 30 && many >= 30);
    assert_true(large.steps / many <= small.steps / few * 3 / 2);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_work_costs_the_same_beside_20000_documents),
        store_test(a_replay_is_previewed_in_the_time_it_is_asked_for),
        store_test(a_page_of_what_is_rare_is_bounded_and_none_is_missed),
        store_test(a_list_between_two_times_has_all_of_them_and_no_other),
        cmocka_unit_test(a_step_of_the_sweeper_costs_the_same_for_each_row),
        cmocka_unit_test(retention_does_not_look_at_what_is_young),
        cmocka_unit_test(
            what_retention_removes_costs_the_same_for_each_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
