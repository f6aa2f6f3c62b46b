/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What is uncertain is asked for when its time has come, by one worker at a
 * time, and only the partner's word or newer content ends it.
 */

#include "store_world.h"


/* A document whose answer was lost: its first question is due at NOW + 50. */

static void
lose(world_t *w, ehr_store_submit_t *doc, const char *text, const char *key)
{
    ehr_store_claim_t   claim;
    ehr_store_finish_t  op = { 0 };

    submit_keyed(w, doc, text, key);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 1);

    op.op.type = EHR_STORE_OP_FINISH;
    op.delivery = claim.claims[0].delivery;
    op.fence = claim.claims[0].fence;
    op.state = EHR_STATE_UNCERTAIN;
    op.now_ms = NOW;
    op.next_probe_ms = NOW + 50;
    op.reason = ehr_str("partner.no-answer");

    assert_ok(ehr_store_write(w->store, &op.op));
    assert_ok(op.op.rc);
}


static uint32_t
probe(world_t *w, ehr_store_probe_t *op, int64_t now_ms)
{
    memset(op, 0, sizeof(ehr_store_probe_t));

    op->op.type = EHR_STORE_OP_PROBE;
    op->partner = "insurance";
    op->now_ms = now_ms;
    op->lease_ms = 1000;
    op->cap_ms = 3600000;
    op->max = 4;
    op->arena = w->arena;

    assert_ok(ehr_store_write(w->store, &op->op));
    assert_ok(op->op.rc);

    return op->nclaims;
}


static ehr_rc_t
probed(world_t *w, const ehr_claim_t *claim, ehr_state_e state,
       int64_t next_ms)
{
    ehr_store_probed_t  op = { 0 };

    op.op.type = EHR_STORE_OP_PROBED;
    op.delivery = claim->delivery;
    op.fence = claim->fence;
    op.state = state;
    op.now_ms = NOW + 100;
    op.next_probe_ms = next_ms;
    op.partner_ref = ehr_str("REF9");
    op.reason = ehr_str("query.test");

    assert_ok(ehr_store_write(w->store, &op.op));

    return op.op.rc;
}


static void
it_is_asked_for_when_its_time_has_come_and_once(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   doc;
    ehr_store_probe_t    op;

    lose(w, &doc, "<A/>", "K1");

    assert_int_equal(probe(w, &op, NOW + 49), 0);
    assert_int_equal(op.next_due_ms, NOW + 50);

    assert_int_equal(probe(w, &op, NOW + 50), 1);
    assert_int_equal(op.claims[0].probes, 1);
    assert_int_equal(op.claims[0].content.len, 0);
    assert_string_equal(op.claims[0].sub.id, doc.sub.id);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_UNCERTAIN);

    /* no second worker asks meanwhile, and it is not claimed to be sent */
    assert_int_equal(probe(w, &op, NOW + 51), 0);
    assert_int_equal(op.next_due_ms, NOW + 1050);
}


static void
a_question_beyond_all_waits_is_asked_at_once(void **state)
{
    world_t             *w = *state;
    int64_t              longest = NOW - 3600000 - EHR_CLOCK_LAG_MS;
    ehr_store_submit_t   doc;
    ehr_store_probe_t    op;

    lose(w, &doc, "<A/>", "K1");

    /* an hour is the longest wait, and another worker's clock may be ahead */
    assert_int_equal(probe(w, &op, longest + 50), 0);
    assert_int_equal(op.next_due_ms, NOW + 50);

    /* and a millisecond more may not: the clock was put back */
    assert_int_equal(probe(w, &op, longest + 49), 1);
    assert_int_equal(op.next_due_ms, longest + 49 + 1000);
}


static void
the_partners_word_ends_it(void **state)
{
    world_t             *w = *state;
    ehr_submission_t     sub;
    ehr_store_submit_t   doc;
    ehr_store_probe_t    op;

    lose(w, &doc, "<A/>", "K1");
    assert_int_equal(probe(w, &op, NOW + 50), 1);
    assert_ok(probed(w, &op.claims[0], EHR_STATE_ACCEPTED, 0));

    sub = look(w, doc.sub.id);
    assert_int_equal(sub.deliveries[0].state, EHR_STATE_ACCEPTED);
    assert_true(ehr_str_is(sub.deliveries[0].partner_ref, "REF9"));
    assert_int_equal(sub.deliveries[0].next_probe_ms, 0);
    assert_int_equal(sub.deliveries[0].attempts, 1);

    assert_int_equal(probe(w, &op, NOW + 100000), 0);
    assert_int_equal(op.next_due_ms, 0);
}


static void
what_is_absent_is_sent_again(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   doc;
    ehr_store_probe_t    op;

    lose(w, &doc, "<A/>", "K1");
    assert_int_equal(probe(w, &op, NOW + 50), 1);
    assert_ok(probed(w, &op.claims[0], EHR_STATE_RETRYING, 0));

    assert_int_equal(claim_as(w, &claim, 2, NOW + 100), 1);
    assert_int_equal(claim.claims[0].attempt, 2);
}


static void
what_is_absent_is_not_sent_after_newer_content(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   old, new;
    ehr_store_probe_t    op;

    lose(w, &old, "<A/>", "K1");
    submit_keyed(w, &new, "<B/>", "K1");

    assert_int_equal(probe(w, &op, NOW + 50), 1);
    assert_ok(probed(w, &op.claims[0], EHR_STATE_RETRYING, 0));

    assert_int_equal(state_of(w, old.sub.id), EHR_STATE_SUPERSEDED);
    assert_int_equal(state_of(w, new.sub.id), EHR_STATE_PENDING);
}


static void
not_known_yet_is_asked_again_until_nobody_asks(void **state)
{
    world_t             *w = *state;
    ehr_submission_t     sub;
    ehr_store_submit_t   doc;
    ehr_store_probe_t    op;

    lose(w, &doc, "<A/>", "K1");
    assert_int_equal(probe(w, &op, NOW + 50), 1);
    assert_ok(probed(w, &op.claims[0], EHR_STATE_UNCERTAIN, NOW + 200));

    assert_int_equal(probe(w, &op, NOW + 200), 1);
    assert_int_equal(op.claims[0].probes, 2);
    assert_ok(probed(w, &op.claims[0], EHR_STATE_UNCERTAIN, 0));

    assert_int_equal(probe(w, &op, NOW + 1000000), 0);

    sub = look(w, doc.sub.id);
    assert_int_equal(sub.deliveries[0].state, EHR_STATE_UNCERTAIN);
    assert_int_equal(sub.deliveries[0].probes, 2);
}


static void
who_died_asking_is_followed_by_another(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   doc;
    ehr_store_probe_t    first, second;

    lose(w, &doc, "<A/>", "K1");
    assert_int_equal(probe(w, &first, NOW + 50), 1);
    assert_int_equal(probe(w, &second, NOW + 1050), 1);

    /* the first comes back after all: too late */
    assert_int_equal(probed(w, &first.claims[0], EHR_STATE_RETRYING, 0),
                     EHR_REFUSED);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_UNCERTAIN);
    assert_ok(probed(w, &second.claims[0], EHR_STATE_REFUSED, 0));
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_REFUSED);
}


/* Slot 2 is dead, whatever its number. */

static int
is_alive(void *data, const ehr_owner_t *owner)
{
    return owner->slot != 2;
}


static int
is_repeat_safe(void *data, const char *partner, const char *kind)
{
    return 0;
}


static void
recover(world_t *w, int64_t now_ms)
{
    ehr_store_recover_t  op = { 0 };

    op.op.type = EHR_STORE_OP_RECOVER;
    op.now_ms = now_ms;
    op.is_alive = is_alive;
    op.is_repeat_safe = is_repeat_safe;

    assert_ok(ehr_store_write(w->store, &op.op));
    assert_ok(op.op.rc);
}


static uint32_t
probe_as(world_t *w, ehr_store_probe_t *op, uint32_t slot, int64_t now_ms)
{
    memset(op, 0, sizeof(ehr_store_probe_t));

    op->op.type = EHR_STORE_OP_PROBE;
    op->partner = "insurance";
    op->now_ms = now_ms;
    op->lease_ms = 1000000;
    op->owner.slot = slot;
    op->owner.incarnation = slot + 100;
    op->max = 1;
    op->arena = w->arena;

    assert_ok(ehr_store_write(w->store, &op->op));
    assert_ok(op->op.rc);

    return op->nclaims;
}


static ehr_crash_e
crashed(void *data, const ehr_taken_t *taken)
{
    return EHR_CRASH_SENT;
}


static void
a_question_that_crashes_its_plugin_twice_is_asked_no_more(void **state)
{
    world_t              *w = *state;
    ehr_store_probe_t     probe;
    ehr_store_submit_t    doc;
    ehr_store_recover_t   op = { 0 };

    lose(w, &doc, "<A/>", "K1");

    op.op.type = EHR_STORE_OP_RECOVER;
    op.now_ms = NOW + 70;
    op.is_alive = is_alive;
    op.is_repeat_safe = is_repeat_safe;
    op.crashed = crashed;

    assert_int_equal(probe_as(w, &probe, 2, NOW + 50), 1);
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_ok(op.op.rc);
    assert_int_equal(op.nquarantined, 0);

    assert_int_equal(probe_as(w, &probe, 2, NOW + 70), 1);
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_ok(op.op.rc);
    assert_int_equal(op.nquarantined, 1);

    assert_int_equal(probe_as(w, &probe, 2, NOW + 100000000), 0);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_UNCERTAIN);
}


static void
a_dead_workers_question_is_asked_at_once(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   dead, alive;
    ehr_store_probe_t    first, other, second;

    lose(w, &dead, "<A/>", "K1");
    assert_int_equal(probe_as(w, &first, 2, NOW + 50), 1);
    lose(w, &alive, "<B/>", "K2");
    assert_int_equal(probe_as(w, &other, 1, NOW + 50), 1);
    assert_int_equal(probe_as(w, &second, 1, NOW + 60), 0);

    recover(w, NOW + 70);

    assert_int_equal(probe_as(w, &second, 1, NOW + 70), 1);
    assert_string_equal(second.claims[0].sub.id, dead.sub.id);
    assert_int_equal(probed(w, &first.claims[0], EHR_STATE_RETRYING, 0),
                     EHR_REFUSED);

    /* the living one's is its own still */
    assert_ok(probed(w, &other.claims[0], EHR_STATE_ACCEPTED, 0));
    assert_ok(probed(w, &second.claims[0], EHR_STATE_ACCEPTED, 0));
}


static void
impossible_ends_and_questions_change_nothing(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   doc;
    ehr_store_probe_t    op;

    lose(w, &doc, "<A/>", "K1");
    assert_int_equal(probe(w, &op, NOW + 50), 1);

    assert_int_equal(probed(w, &op.claims[0], EHR_STATE_SENDING, 0),
                     EHR_BROKEN);
    assert_int_equal(probed(w, &op.claims[0], EHR_STATE_HELD, 0), EHR_BROKEN);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_UNCERTAIN);

    op.max = 0;
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(it_is_asked_for_when_its_time_has_come_and_once),
        store_test(a_question_beyond_all_waits_is_asked_at_once),
        store_test(the_partners_word_ends_it),
        store_test(what_is_absent_is_sent_again),
        store_test(what_is_absent_is_not_sent_after_newer_content),
        store_test(not_known_yet_is_asked_again_until_nobody_asks),
        store_test(who_died_asking_is_followed_by_another),
        store_test(a_question_that_crashes_its_plugin_twice_is_asked_no_more),
        store_test(a_dead_workers_question_is_asked_at_once),
        store_test(impossible_ends_and_questions_change_nothing)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
