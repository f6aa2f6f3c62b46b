/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A delivery belongs to one owner at a time, ends once, goes out in the order
 * of its key, and survives the death of who had it.
 */

#include "store_world.h"


/* --- claim --- */

static void
a_claim_gives_the_document_and_begins_an_attempt(void **state)
{
    world_t             *w = *state;
    ehr_str_t            json;
    ehr_claim_t         *claim;
    ehr_store_claim_t    op;
    ehr_store_submit_t   doc;

    document(w, &doc, "<A/>");
    doc.sub.ndeliveries = 2;
    (void) strcpy(doc.sub.deliveries[0].partner, "vneid");
    (void) strcpy(doc.sub.deliveries[1].partner, "insurance");
    submit(w, &doc);

    assert_int_equal(claim_as(w, &op, 7, NOW), 1);
    claim = &op.claims[0];

    assert_string_equal(claim->sub.id, doc.sub.id);
    assert_true(ehr_str_is(claim->content, "<A/>"));
    assert_int_equal(claim->attempt, 1);
    assert_true(claim->fence > 0);
    assert_int_equal(claim->sub.ndeliveries, 1);
    assert_string_equal(claim->sub.deliveries[0].partner, "insurance");
    assert_int_equal(claim->sub.deliveries[0].state, EHR_STATE_SENDING);
    assert_int_equal(op.next_due_ms, 0);

    assert_ok(ehr_store_attempts(w->store, doc.sub.id, w->arena, &json));
    assert_non_null(strstr(json.data, "\"partner\":\"insurance\""));
    assert_non_null(strstr(json.data, "\"attempt\":1"));
    assert_non_null(strstr(json.data, "\"ended_at\":null"));
    assert_non_null(strstr(json.data, "\"worker\":\"7-00000000000003ef\""));
}


static void
two_owners_never_get_the_same_delivery(void **state)
{
    int                  i;
    char                 text[16];
    world_t             *w = *state;
    uint32_t             a, b, k, m;
    ehr_store_claim_t    first, second;
    ehr_store_submit_t   doc;

    for (i = 0; i < 15; i++) {
        (void) snprintf(text, sizeof(text), "<A n='%d'/>", i);
        document(w, &doc, text);
        submit(w, &doc);
    }

    a = claim_as(w, &first, 1, NOW);
    b = claim_as(w, &second, 2, NOW);

    assert_int_equal(a, 10);
    assert_int_equal(b, 5);
    assert_int_equal(first.next_due_ms, NOW);
    assert_int_equal(second.next_due_ms, 0);

    for (k = 0; k < a; k++) {
        for (m = 0; m < b; m++) {
            assert_int_not_equal(first.claims[k].delivery,
                                 second.claims[m].delivery);
        }
    }
}


static void
only_the_partner_asked_for_is_claimed(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   doc;

    document(w, &doc, "<A/>");
    (void) strcpy(doc.sub.deliveries[0].partner, "vneid");
    submit(w, &doc);

    assert_int_equal(claim_as(w, &op, 1, NOW), 0);
    assert_null(op.claims);
}


static void
retrying_waits_for_its_time(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   doc;

    document(w, &doc, "<A/>");
    submit(w, &doc);
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    assert_ok(finish_as(w, &op.claims[0], EHR_STATE_RETRYING));
    assert_int_equal(look(w, doc.sub.id).deliveries[0].next_attempt_ms,
                     NOW + 60000);

    assert_int_equal(claim_as(w, &op, 1, NOW + 59999), 0);
    assert_int_equal(op.next_due_ms, NOW + 60000);
    assert_int_equal(claim_as(w, &op, 1, NOW + 60000), 1);
    assert_int_equal(op.claims[0].attempt, 2);
    assert_int_equal(op.next_due_ms, 0);
}


static uint32_t
woken_at(world_t *w, int64_t now_ms)
{
    ehr_store_claim_t  op = { 0 };

    op.op.type = EHR_STORE_OP_CLAIM;
    op.partner = "insurance";
    op.owner = (ehr_owner_t) { 1, 1 };
    op.now_ms = now_ms;
    op.cap_ms = 60000;
    op.max = 1;
    op.arena = w->arena;

    assert_ok(ehr_store_write(w->store, &op.op));
    assert_ok(op.op.rc);

    return op.nfar;
}


/* What waits for the longest time there is, seen by a worker whose reading of
 * the clock is older; and by one whose clock was put back. */

static void
a_worker_that_is_behind_wakes_nothing(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   doc;

    document(w, &doc, "<A/>");
    submit(w, &doc);
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    assert_ok(finish_as(w, &op.claims[0], EHR_STATE_RETRYING));

    assert_int_equal(woken_at(w, NOW - EHR_CLOCK_LAG_MS), 0);
    assert_int_equal(look(w, doc.sub.id).deliveries[0].next_attempt_ms,
                     NOW + 60000);
    assert_int_equal(woken_at(w, NOW - EHR_CLOCK_LAG_MS - 1), 1);
}


/* Four that failed before and are due, and a flood of new ones. */

static void
neither_new_nor_retrying_shuts_the_other_out(void **state)
{
    int                  i;
    char                 text[16];
    world_t             *w = *state;
    uint32_t             k, nretrying;
    ehr_store_claim_t    op;
    ehr_store_submit_t   doc;

    for (i = 0; i < 40; i++) {
        (void) snprintf(text, sizeof(text), "<A n='%d'/>", i);
        document(w, &doc, text);
        submit(w, &doc);

        if (i < 8) {
            assert_int_equal(claim_as(w, &op, 1, NOW), 1);
            assert_ok(finish_as(w, &op.claims[0], EHR_STATE_RETRYING));
        }
    }

    assert_int_equal(claim_as(w, &op, 1, NOW + 60000), 10);

    for (k = 0, nretrying = 0; k < op.nclaims; k++) {
        nretrying += op.claims[k].attempt == 2;
    }

    assert_int_equal(nretrying, 5);
    assert_int_equal(op.next_due_ms, NOW + 60000);
}


static void
one_key_goes_out_in_order(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op, other;
    ehr_store_submit_t   a, b, c;

    submit_keyed(w, &a, "<A/>", "LK1");
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);

    submit_keyed(w, &b, "<B/>", "LK1");
    submit_keyed(w, &c, "<C/>", "LK2");

    /* A is being sent: B waits, C does not. */
    assert_int_equal(claim_as(w, &other, 2, NOW), 1);
    assert_string_equal(other.claims[0].sub.id, c.sub.id);
    assert_int_equal(other.next_due_ms, 0);

    assert_ok(finish_as(w, &op.claims[0], EHR_STATE_ACCEPTED));
    assert_int_equal(claim_as(w, &other, 2, NOW), 1);
    assert_string_equal(other.claims[0].sub.id, b.sub.id);
}


static void
without_a_key_nothing_waits(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   a, b;

    submit_keyed(w, &a, "<A/>", "");
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    submit_keyed(w, &b, "<B/>", "");
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
}


static void
uncertain_and_held_do_not_block_newer_content(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   a, b, c;

    submit_keyed(w, &a, "<A/>", "LK1");
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    assert_ok(finish_as(w, &op.claims[0], EHR_STATE_UNCERTAIN));
    submit_keyed(w, &b, "<B/>", "LK1");
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_UNCERTAIN);

    assert_ok(finish_as(w, &op.claims[0], EHR_STATE_HELD));
    submit_keyed(w, &c, "<C/>", "LK1");
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    assert_string_equal(op.claims[0].sub.id, c.sub.id);
}


static void
old_content_that_failed_gives_way_to_newer(void **state)
{
    world_t             *w = *state;
    ehr_str_t            json;
    ehr_store_claim_t    op;
    ehr_store_submit_t   a, b;

    submit_keyed(w, &a, "<A/>", "LK1");
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    submit_keyed(w, &b, "<B/>", "LK1");
    assert_ok(finish_as(w, &op.claims[0], EHR_STATE_RETRYING));

    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_SUPERSEDED);
    assert_ok(ehr_store_history(w->store, a.sub.id, w->arena, &json));
    assert_non_null(strstr(json.data, "\"retrying\""));
    assert_non_null(strstr(json.data, "\"superseded\""));

    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    assert_string_equal(op.claims[0].sub.id, b.sub.id);
}


static void
old_content_stays_where_the_newer_does_not_go(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   a, b;

    submit_keyed(w, &a, "<A/>", "LK1");
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);

    document(w, &b, "<B/>");
    b.sub.business_key = ehr_str("LK1");
    (void) strcpy(b.sub.deliveries[0].partner, "health");
    submit(w, &b);

    assert_ok(finish_as(w, &op.claims[0], EHR_STATE_RETRYING));
    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_RETRYING);
}


static void
without_a_key_nothing_gives_way(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   a, b, c;

    submit_keyed(w, &a, "<A/>", "");
    submit_keyed(w, &b, "<B/>", "");
    assert_int_equal(claim_as(w, &op, 2, NOW), 2);
    submit_keyed(w, &c, "<C/>", "");
    assert_ok(finish_as(w, &op.claims[0], EHR_STATE_RETRYING));
    assert_ok(finish_as(w, &op.claims[1], EHR_STATE_HELD));

    assert_int_equal(state_of(w, op.claims[0].sub.id), EHR_STATE_RETRYING);
    assert_int_equal(state_of(w, op.claims[1].sub.id), EHR_STATE_HELD);
    assert_int_equal(state_of(w, c.sub.id), EHR_STATE_PENDING);
}


static void
a_claim_takes_what_fits_its_arena(void **state)
{
    world_t             *w = *state;
    ehr_arena_t         *all;
    static char          big[65537];
    ehr_store_claim_t    op;
    ehr_store_submit_t   doc;

    memset(big, 'x', sizeof(big) - 1);
    document(w, &doc, big);
    submit(w, &doc);
    big[0] = 'y';
    document(w, &doc, big);
    submit(w, &doc);

    all = w->arena;
    w->arena = ehr_arena_create(100000);
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    assert_int_equal(op.next_due_ms, NOW);
    ehr_arena_destroy(w->arena);

    w->arena = ehr_arena_create(100);
    memset(&op, 0, sizeof(op));
    op.op.type = EHR_STORE_OP_CLAIM;
    op.partner = "insurance";
    op.owner.incarnation = 1;
    op.max = 1;
    op.arena = w->arena;
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);
    ehr_arena_destroy(w->arena);

    w->arena = all;
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
}


static void
impossible_claims_are_broken(void **state)
{
    world_t            *w = *state;
    ehr_store_claim_t   op = { 0 };

    op.op.type = EHR_STORE_OP_CLAIM;
    op.partner = "insurance";
    op.arena = w->arena;
    op.max = 1;
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);

    op.owner.incarnation = UINT64_MAX;
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);

    op.owner.incarnation = 1;
    op.max = EHR_STORE_MAX_CLAIM + 1;
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);

    op.max = EHR_STORE_MAX_CLAIM;
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_ok(op.op.rc);
}


/* --- finish --- */

static void
a_result_is_kept_with_its_attempt_and_history(void **state)
{
    world_t               *w = *state;
    ehr_str_t              json;
    ehr_store_claim_t      op;
    ehr_store_submit_t     doc;
    ehr_store_delivery_t  *dlv;
    ehr_submission_t       sub;

    document(w, &doc, "<A/>");
    submit(w, &doc);
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    assert_ok(finish_as(w, &op.claims[0], EHR_STATE_ACCEPTED));

    sub = look(w, doc.sub.id);
    dlv = &sub.deliveries[0];
    assert_int_equal(dlv->state, EHR_STATE_ACCEPTED);
    assert_int_equal(dlv->attempts, 1);
    assert_int_equal(dlv->next_attempt_ms, 0);
    assert_true(ehr_str_is(dlv->partner_ref, "REF1"));
    assert_true(ehr_str_is(dlv->message, "ok"));

    assert_ok(ehr_store_attempts(w->store, doc.sub.id, w->arena, &json));
    assert_non_null(strstr(json.data, "\"http_status\":200"));
    assert_non_null(strstr(json.data, "\"state\":\"accepted\""));
    assert_null(strstr(json.data, "null"));

    assert_ok(ehr_store_history(w->store, doc.sub.id, w->arena, &json));
    assert_non_null(strstr(json.data,
                           "\"state\":\"pending\","
                           "\"reason\":\"route.table\""));
    assert_true(strstr(json.data, "\"sending\"")
                < strstr(json.data, "\"accepted\""));
    assert_int_equal(ask(w, "SELECT count(*) FROM history"), 3);
}


static void
history_and_attempts_of_nothing_are_refused(void **state)
{
    world_t    *w = *state;
    ehr_str_t   json;

    assert_int_equal(ehr_store_history(w->store, "no-such-id", w->arena,
                                       &json), EHR_REFUSED);
    assert_int_equal(ehr_store_attempts(w->store, "no-such-id", w->arena,
                                        &json), EHR_REFUSED);
}


static void
a_second_result_changes_nothing(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   doc;

    document(w, &doc, "<A/>");
    submit(w, &doc);
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    assert_ok(finish_as(w, &op.claims[0], EHR_STATE_ACCEPTED));
    assert_int_equal(finish_as(w, &op.claims[0], EHR_STATE_REFUSED),
                     EHR_REFUSED);

    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_ACCEPTED);
    assert_int_equal(ask(w, "SELECT count(*) FROM history"), 3);
}


static void
an_attempt_cannot_end_pending_or_sending(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    op;
    ehr_store_submit_t   doc;

    document(w, &doc, "<A/>");
    submit(w, &doc);
    assert_int_equal(claim_as(w, &op, 1, NOW), 1);
    assert_int_equal(finish_as(w, &op.claims[0], EHR_STATE_PENDING),
                     EHR_BROKEN);
    assert_int_equal(finish_as(w, &op.claims[0], EHR_STATE_SENDING),
                     EHR_BROKEN);
    assert_int_equal(finish_as(w, &op.claims[0], 0), EHR_BROKEN);
    assert_ok(finish_as(w, &op.claims[0], EHR_STATE_REFUSED));
}


/* --- recover --- */

typedef struct {
    uint32_t  dead_slot;
    int       is_safe;
    int       nasked;
    int       crash;        /* ehr_crash_e, of every row */
} answers_t;


static int
is_alive(void *data, const ehr_owner_t *owner)
{
    answers_t  *answers = data;

    answers->nasked++;
    assert_int_equal(owner->incarnation, 1000 + owner->slot);

    return owner->slot != answers->dead_slot;
}


static int
is_repeat_safe(void *data, const char *partner, const char *kind)
{
    answers_t  *answers = data;

    assert_string_equal(partner, "insurance");
    assert_string_equal(kind, "claim");

    return answers->is_safe;
}


static ehr_crash_e
crashed(void *data, const ehr_taken_t *taken)
{
    answers_t  *answers = data;

    assert_true(taken->delivery > 0);

    return (ehr_crash_e) answers->crash;
}


static void
recover(world_t *w, ehr_store_recover_t *op, answers_t *answers)
{
    memset(op, 0, sizeof(ehr_store_recover_t));

    op->op.type = EHR_STORE_OP_RECOVER;
    op->now_ms = NOW + 100;
    op->data = answers;
    op->is_alive = is_alive;
    op->is_repeat_safe = is_repeat_safe;
    op->crashed = crashed;

    assert_ok(ehr_store_write(w->store, &op->op));
    assert_ok(op->op.rc);
}


static void
a_dead_owners_rows_are_retried_where_that_is_safe(void **state)
{
    world_t              *w = *state;
    answers_t             answers = { .dead_slot = 1, .is_safe = 1 };
    ehr_str_t             json;
    ehr_store_claim_t     late, live, again;
    ehr_store_submit_t    a, b, c;
    ehr_store_recover_t   op;

    submit_keyed(w, &a, "<A/>", "LK1");
    submit_keyed(w, &b, "<B/>", "LK2");
    assert_int_equal(claim_as(w, &late, 1, NOW), 2);
    submit_keyed(w, &c, "<C/>", "LK3");
    assert_int_equal(claim_as(w, &live, 2, NOW), 1);

    recover(w, &op, &answers);

    assert_int_equal(answers.nasked, 2);
    assert_int_equal(op.nretried, 2);
    assert_int_equal(op.nuncertain, 0);
    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_RETRYING);
    assert_int_equal(state_of(w, c.sub.id), EHR_STATE_SENDING);
    assert_ok(ehr_store_attempts(w->store, a.sub.id, w->arena, &json));
    assert_non_null(strstr(json.data, "\"reason\":\"worker.lost\""));
    assert_non_null(strstr(json.data, "\"state\":\"retrying\""));

    /* The one that was thought dead comes late, before and after another
     * has the row. */
    assert_int_equal(finish_as(w, &late.claims[0], EHR_STATE_REFUSED),
                     EHR_REFUSED);
    assert_int_equal(claim_as(w, &again, 3, NOW + 100), 2);
    assert_int_equal(finish_as(w, &late.claims[0], EHR_STATE_REFUSED),
                     EHR_REFUSED);
    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_SENDING);
    assert_ok(finish_as(w, &again.claims[0], EHR_STATE_ACCEPTED));
    assert_int_equal(again.claims[0].attempt, 2);
}


static void
a_dead_owners_rows_are_uncertain_where_a_repeat_is_not_safe(void **state)
{
    world_t              *w = *state;
    answers_t             answers = { .dead_slot = 1, .is_safe = 0 };
    ehr_store_claim_t     late;
    ehr_store_submit_t    a;
    ehr_store_recover_t   op;

    submit_keyed(w, &a, "<A/>", "LK1");
    assert_int_equal(claim_as(w, &late, 1, NOW), 1);

    recover(w, &op, &answers);

    assert_int_equal(op.nretried, 0);
    assert_int_equal(op.nuncertain, 1);
    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_UNCERTAIN);
    assert_int_equal(claim_as(w, &late, 2, NOW + 1000000), 0);

    recover(w, &op, &answers);
    assert_int_equal(op.nuncertain, 0);
}


static void
crash(world_t *w, ehr_store_recover_t *op, int kind, int is_safe)
{
    answers_t           answers = { .dead_slot = 1, .is_safe = is_safe,
                                    .crash = kind };
    ehr_store_claim_t   claim;

    assert_int_equal(claim_as(w, &claim, 1, NOW + 1000000), 1);
    recover(w, op, &answers);
}


static void
the_second_crash_of_its_plugin_holds_a_delivery(void **state)
{
    world_t              *w = *state;
    ehr_str_t             json;
    ehr_store_submit_t    a;
    ehr_store_recover_t   op;

    submit_keyed(w, &a, "<A/>", "LK1");

    /* unsent: a repeat is safe, whatever the kind */
    crash(w, &op, EHR_CRASH_UNSENT, 0);
    assert_int_equal(op.nretried, 1);
    assert_int_equal(op.nquarantined, 0);
    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_RETRYING);

    /* a worker that was killed is no crash */
    crash(w, &op, EHR_CRASH_NONE, 1);
    assert_int_equal(op.nquarantined, 0);
    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_RETRYING);

    crash(w, &op, EHR_CRASH_SENT, 1);
    assert_int_equal(op.nheld, 1);
    assert_int_equal(op.nquarantined, 1);
    assert_true(op.quarantined[0].delivery > 0);
    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_HELD);
    assert_ok(ehr_store_attempts(w->store, a.sub.id, w->arena, &json));
    assert_non_null(strstr(json.data, "\"reason\":\"plugin.crashed\""));
}


static void
what_may_have_left_stays_uncertain_whatever_crashed(void **state)
{
    world_t              *w = *state;
    ehr_store_submit_t    a;
    ehr_store_recover_t   op;

    submit_keyed(w, &a, "<A/>", "LK1");

    crash(w, &op, EHR_CRASH_UNSENT, 0);
    crash(w, &op, EHR_CRASH_SENT, 0);

    assert_int_equal(op.nheld, 0);
    assert_int_equal(op.nuncertain, 1);
    assert_int_equal(op.nquarantined, 1);
    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_UNCERTAIN);
}


static void
operations_of_every_kind_share_a_transaction(void **state)
{
    world_t              *w = *state;
    ehr_store_claim_t     first, claim = { 0 };
    ehr_store_finish_t    finish = { 0 };
    ehr_store_submit_t    doc, more;

    document(w, &doc, "<A/>");
    submit(w, &doc);
    assert_int_equal(claim_as(w, &first, 1, NOW), 1);

    finish.op.type = EHR_STORE_OP_FINISH;
    finish.delivery = first.claims[0].delivery;
    finish.fence = first.claims[0].fence;
    finish.state = EHR_STATE_ACCEPTED;
    finish.now_ms = NOW;

    document(w, &more, "<B/>");
    finish.op.next = &more.op;

    claim.op.type = EHR_STORE_OP_CLAIM;
    claim.partner = "insurance";
    claim.owner.incarnation = 5;
    claim.now_ms = NOW;
    claim.max = 4;
    claim.arena = w->arena;
    more.op.next = &claim.op;

    assert_ok(ehr_store_write(w->store, &finish.op));
    assert_ok(finish.op.rc);
    assert_ok(more.op.rc);
    assert_ok(claim.op.rc);
    assert_int_equal(claim.nclaims, 1);
    assert_string_equal(claim.claims[0].sub.id, more.sub.id);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(a_claim_gives_the_document_and_begins_an_attempt),
        store_test(two_owners_never_get_the_same_delivery),
        store_test(only_the_partner_asked_for_is_claimed),
        store_test(retrying_waits_for_its_time),
        store_test(a_worker_that_is_behind_wakes_nothing),
        store_test(neither_new_nor_retrying_shuts_the_other_out),
        store_test(one_key_goes_out_in_order),
        store_test(without_a_key_nothing_waits),
        store_test(without_a_key_nothing_gives_way),
        store_test(uncertain_and_held_do_not_block_newer_content),
        store_test(old_content_that_failed_gives_way_to_newer),
        store_test(old_content_stays_where_the_newer_does_not_go),
        store_test(a_claim_takes_what_fits_its_arena),
        store_test(impossible_claims_are_broken),
        store_test(a_result_is_kept_with_its_attempt_and_history),
        store_test(history_and_attempts_of_nothing_are_refused),
        store_test(a_second_result_changes_nothing),
        store_test(an_attempt_cannot_end_pending_or_sending),
        store_test(a_dead_owners_rows_are_retried_where_that_is_safe),
        store_test(
            a_dead_owners_rows_are_uncertain_where_a_repeat_is_not_safe),
        store_test(the_second_crash_of_its_plugin_holds_a_delivery),
        store_test(what_may_have_left_stays_uncertain_whatever_crashed),
        store_test(operations_of_every_kind_share_a_transaction)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
