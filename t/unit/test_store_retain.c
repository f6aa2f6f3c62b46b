/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The records of one business key go oldest first, so that old content finds
 * what is newer for as long as it could be sent; and what waits for that holds
 * nothing else up.
 */

#include "ehr_store_decide.h"
#include "store_world.h"


#define DAY    INT64_C(86400000)
#define STEPS  20


static const char *const  partners[] = { "insurance" };


static int
everything_is_safe(void *data, const char *partner, const char *kind)
{
    return 1;
}


static ehr_decided_e
decide(world_t *w, const char *id, ehr_action_e action)
{
    int64_t           version;
    ehr_decide_t      how = { 0 };
    ehr_submission_t  out;
    ehr_change_t      who = { 0 };

    who.actor = ehr_str("an");
    who.request_id = ehr_str("r1");
    who.now_ms = NOW + 100;
    how.action = action;
    how.is_forced = 1;
    how.is_repeat_safe = everything_is_safe;

    return ehr_store_decide(w->store, &who, id, ehr_str(""), &how, w->arena,
                            &out, &version);
}


/* A document whose first attempt ended so. */

static void
end_as(world_t *w, ehr_store_submit_t *doc, ehr_state_e state)
{
    ehr_store_claim_t  claim;

    submit(w, doc);
    assert_int_equal(doc->result, EHR_SUBMIT_STORED);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 1);
    assert_ok(finish_as(w, &claim.claims[0], state));
}


static void
end_in(world_t *w, ehr_store_submit_t *doc, ehr_state_e state,
       const char *key)
{
    static int  made;

    char  text[32];

    (void) snprintf(text, sizeof(text), "<A n='%d'/>", ++made);
    document(w, doc, text);
    doc->sub.business_key = ehr_str(key);
    end_as(w, doc, state);
}


/* A whole round, ten days later; how many records went. */

static int
retain(world_t *w)
{
    int                i, n = 0;
    ehr_retention_t    rule = { NULL, DAY, 5 * DAY };
    ehr_store_keep_t   keep = { 0 };

    keep.owner.incarnation = 11;
    keep.now_ms = NOW + 10 * DAY;
    keep.partners = partners;
    keep.npartners = 1;
    keep.retentions = &rule;
    keep.nretentions = 1;

    for (i = 0; i < STEPS; i++) {
        assert_ok(ehr_store_keep(w->store, &keep));
        n += (int) keep.nrecords;

        if (!keep.has_more) {
            assert_ok(ehr_store_keep_end(w->store, &keep));
            return n;
        }
    }

    fail();

    return 0;
}


static int
is_there(world_t *w, const ehr_store_submit_t *doc)
{
    char  sql[128];

    (void) snprintf(sql, sizeof(sql),
                    "SELECT count(*) FROM submissions WHERE id = '%s'",
                    doc->sub.id);

    return ask(w, sql) == 1;
}


static void
a_newer_record_stays_while_older_content_is_there(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   old, newer, newest, other;

    end_in(w, &old, EHR_STATE_UNCERTAIN, "K1");
    end_in(w, &newer, EHR_STATE_ACCEPTED, "K1");
    end_in(w, &newest, EHR_STATE_ACCEPTED, "K1");
    end_in(w, &other, EHR_STATE_ACCEPTED, "");

    assert_int_equal(retain(w), 0);
    assert_true(is_there(w, &newer) && is_there(w, &newest));

    /* Its bytes are not needed for that. */
    assert_int_equal(ask(w, "SELECT count(*) FROM contents"), 1);

    assert_int_equal(decide(w, old.sub.id, EHR_ACTION_RELEASE),
                     EHR_DECIDED_NEWER);
    assert_int_equal(decide(w, old.sub.id, EHR_ACTION_ACCEPT),
                     EHR_DECIDED_OK);
    assert_int_equal(decide(w, old.sub.id, EHR_ACTION_REPLAY),
                     EHR_DECIDED_NEWER);

    /* All of them in one round, but the newest of all. */
    assert_int_equal(retain(w), 3);
    assert_false(is_there(w, &old));
    assert_true(is_there(w, &other));
}


static void
what_is_absent_later_finds_the_newer_record(void **state)
{
    world_t             *w = *state;
    ehr_store_probe_t    op = { 0 };
    ehr_store_probed_t   end = { 0 };
    ehr_store_submit_t   old, newer, other;

    end_in(w, &old, EHR_STATE_UNCERTAIN, "K1");
    end_in(w, &newer, EHR_STATE_ACCEPTED, "K1");
    end_in(w, &other, EHR_STATE_ACCEPTED, "");
    assert_int_equal(ask(w, "UPDATE deliveries SET probe_ms = 1"
                            " WHERE state = 'uncertain'"), -1);
    assert_int_equal(retain(w), 0);

    op.op.type = EHR_STORE_OP_PROBE;
    op.partner = "insurance";
    op.now_ms = NOW + 10 * DAY;
    op.lease_ms = 1000;
    op.cap_ms = 3600000;
    op.max = 1;
    op.arena = w->arena;
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.nclaims, 1);

    end.op.type = EHR_STORE_OP_PROBED;
    end.delivery = op.claims[0].delivery;
    end.fence = op.claims[0].fence;
    end.state = EHR_STATE_RETRYING;
    end.now_ms = op.now_ms;
    end.reason = ehr_str("query.absent");
    assert_ok(ehr_store_write(w->store, &end.op));
    assert_ok(end.op.rc);

    assert_int_equal(state_of(w, old.sub.id), EHR_STATE_SUPERSEDED);
}


static void
documents_without_a_key_and_of_others_wait_for_nobody(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   doc;

    end_in(w, &doc, EHR_STATE_UNCERTAIN, "");
    end_in(w, &doc, EHR_STATE_UNCERTAIN, "K1");

    end_in(w, &doc, EHR_STATE_ACCEPTED, "");
    end_in(w, &doc, EHR_STATE_ACCEPTED, "K2");

    document(w, &doc, "<B/>");
    doc.sub.business_key = ehr_str("K1");
    doc.sub.facility = ehr_str("99002");
    end_as(w, &doc, EHR_STATE_ACCEPTED);

    document(w, &doc, "<C/>");
    doc.sub.business_key = ehr_str("K1");
    doc.sub.kind = ehr_str("checkin");
    end_as(w, &doc, EHR_STATE_ACCEPTED);

    end_in(w, &doc, EHR_STATE_ACCEPTED, "");

    assert_int_equal(retain(w), 4);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 3);
}


/* More of them than one transaction removes, before and between the others;
 * and a round that removes nothing writes nothing. */

static void
what_is_kept_back_holds_nothing_else_up(void **state)
{
    int                  i;
    char                 key[16];
    int64_t              audit;
    world_t             *w = *state;
    ehr_store_submit_t   doc;

    for (i = 0; i < 150; i++) {
        (void) snprintf(key, sizeof(key), "K%d", i);
        end_in(w, &doc, EHR_STATE_UNCERTAIN, key);
        end_in(w, &doc, EHR_STATE_ACCEPTED, key);
    }

    for (i = 0; i < 150; i++) {
        (void) snprintf(key, sizeof(key), "K%d", i);
        end_in(w, &doc, EHR_STATE_ACCEPTED, i % 2 ? "" : key);
    }

    end_in(w, &doc, EHR_STATE_ACCEPTED, "");

    assert_int_equal(retain(w), 75);
    audit = ask(w, "SELECT count(*) FROM audit");
    assert_int_equal(retain(w), 0);
    assert_int_equal(ask(w, "SELECT count(*) FROM audit"), audit);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 376);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(a_newer_record_stays_while_older_content_is_there),
        store_test(what_is_absent_later_finds_the_newer_record),
        store_test(documents_without_a_key_and_of_others_wait_for_nobody),
        store_test(what_is_kept_back_holds_nothing_else_up)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
