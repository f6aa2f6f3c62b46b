/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a mended configuration may free is tried again; what a person or the
 * partner decided is not.
 */

#include "store_world.h"


static const char *const  reasons[] = { "account.missing", "login.", NULL };


static ehr_rc_t
unhold(world_t *w, ehr_store_unhold_t *op, const char *partner)
{
    memset(op, 0, sizeof(ehr_store_unhold_t));

    op->op.type = EHR_STORE_OP_UNHOLD;
    op->partner = partner;
    op->reasons = reasons;
    op->now_ms = NOW + 500;

    assert_ok(ehr_store_write(w->store, &op->op));

    return op->op.rc;
}


/* Stores a document and ends its first attempt in that state. */

static void
end_in(world_t *w, ehr_store_submit_t *doc, ehr_state_e state,
       const char *reason)
{
    static int  made;

    char                text[32];
    ehr_store_claim_t   claim;
    ehr_store_finish_t  op = { 0 };

    (void) snprintf(text, sizeof(text), "<A n='%d'/>", ++made);
    document(w, doc, text);
    submit(w, doc);

    assert_int_equal(claim_as(w, &claim, 1, NOW), 1);

    op.op.type = EHR_STORE_OP_FINISH;
    op.delivery = claim.claims[0].delivery;
    op.fence = claim.claims[0].fence;
    op.state = state;
    op.now_ms = NOW + 10;
    op.next_attempt_ms = NOW + 60000;
    op.reason = ehr_str(reason);

    assert_ok(ehr_store_write(w->store, &op.op));
    assert_ok(op.op.rc);
}


static void
held_for_a_listed_reason_is_due_at_once(void **state)
{
    world_t             *w = *state;
    ehr_str_t            json;
    ehr_submission_t     sub;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   doc;
    ehr_store_unhold_t   op;

    end_in(w, &doc, EHR_STATE_HELD, "account.missing");

    assert_ok(unhold(w, &op, "insurance"));
    assert_int_equal(op.nunheld, 1);
    assert_false(op.is_full);

    sub = look(w, doc.sub.id);
    assert_int_equal(sub.deliveries[0].state, EHR_STATE_RETRYING);
    assert_int_equal(sub.deliveries[0].next_attempt_ms, NOW + 500);
    assert_true(ehr_str_is(sub.deliveries[0].reason, "config.reloaded"));

    assert_ok(ehr_store_history(w->store, doc.sub.id, w->arena, &json));
    assert_non_null(strstr(json.data, "\"config.reloaded\""));

    assert_int_equal(claim_as(w, &claim, 2, NOW + 500), 1);
    assert_int_equal(claim.claims[0].attempt, 2);
}


static void
a_reason_with_a_dot_at_its_end_stands_for_its_family(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   doc;
    ehr_store_unhold_t   op;

    end_in(w, &doc, EHR_STATE_HELD, "login.locked");

    assert_ok(unhold(w, &op, "insurance"));
    assert_int_equal(op.nunheld, 1);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_RETRYING);
}


static void
other_reasons_states_and_partners_stay(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   held, logging, uncertain, refused;
    ehr_store_unhold_t   op;

    end_in(w, &held, EHR_STATE_HELD, "deadline.passed");
    end_in(w, &logging, EHR_STATE_HELD, "logins.many");
    end_in(w, &uncertain, EHR_STATE_UNCERTAIN, "account.missing");
    end_in(w, &refused, EHR_STATE_REFUSED, "login.refused");

    assert_ok(unhold(w, &op, "insurance"));
    assert_int_equal(op.nunheld, 0);

    assert_int_equal(state_of(w, held.sub.id), EHR_STATE_HELD);
    assert_int_equal(state_of(w, logging.sub.id), EHR_STATE_HELD);
    assert_int_equal(state_of(w, uncertain.sub.id), EHR_STATE_UNCERTAIN);
    assert_int_equal(state_of(w, refused.sub.id), EHR_STATE_REFUSED);

    end_in(w, &held, EHR_STATE_HELD, "account.missing");
    assert_ok(unhold(w, &op, "vneid"));
    assert_int_equal(op.nunheld, 0);
    assert_int_equal(state_of(w, held.sub.id), EHR_STATE_HELD);
}


static void
many_are_freed_in_turns(void **state)
{
    int                  i;
    world_t             *w = *state;
    ehr_store_submit_t   doc;
    ehr_store_unhold_t   op;

    for (i = 0; i < EHR_STORE_MAX_UNHOLD + 3; i++) {
        end_in(w, &doc, EHR_STATE_HELD,
               i % 2 ? "account.missing" : "login.refused");
    }

    assert_ok(unhold(w, &op, "insurance"));
    assert_int_equal(op.nunheld, EHR_STORE_MAX_UNHOLD);
    assert_true(op.is_full);

    assert_ok(unhold(w, &op, "insurance"));
    assert_int_equal(op.nunheld, 3);
    assert_false(op.is_full);

    assert_int_equal(ask(w, "SELECT count(*) FROM deliveries"
                            " WHERE state = 'held'"), 0);
}


static void
without_a_partner_nothing_is_done(void **state)
{
    world_t             *w = *state;
    ehr_store_unhold_t   op;

    assert_int_equal(unhold(w, &op, ""), EHR_BROKEN);
    assert_int_equal(unhold(w, &op, NULL), EHR_BROKEN);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(held_for_a_listed_reason_is_due_at_once),
        store_test(a_reason_with_a_dot_at_its_end_stands_for_its_family),
        store_test(other_reasons_states_and_partners_stay),
        store_test(many_are_freed_in_turns),
        store_test(without_a_partner_nothing_is_done)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
