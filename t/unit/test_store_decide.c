/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a person may decide from which state, what stands in the way, and jobs
 * that decide each delivery once.
 */

#include "ehr_store_decide.h"
#include "store_world.h"


static int
nothing_is_safe(void *data, const char *partner, const char *kind)
{
    return 0;
}


static int
everything_is_safe(void *data, const char *partner, const char *kind)
{
    return 1;
}


static const ehr_change_t  operator = {
    .actor = ehr_string("an"), .request_id = ehr_string("r1"),
    .now_ms = NOW + 100
};


static ehr_decided_e
decide(world_t *w, const char *id, ehr_action_e action, int is_forced)
{
    int64_t           version;
    ehr_decide_t      how = { 0 };
    ehr_submission_t  out;

    how.action = action;
    how.is_forced = is_forced;
    how.note = ehr_str("note");
    how.is_repeat_safe = nothing_is_safe;

    return ehr_store_decide(w->store, &operator, id, ehr_str(""), &how,
                            w->arena, &out, &version);
}


/* A document whose first attempt ended so. */

static void
end_in(world_t *w, ehr_store_submit_t *doc, ehr_state_e state,
       const char *key)
{
    static int  made;

    char               text[32];
    ehr_store_claim_t  claim;

    (void) snprintf(text, sizeof(text), "<A n='%d'/>", ++made);
    submit_keyed(w, doc, text, key);

    if (state == EHR_STATE_PENDING) {
        return;
    }

    assert_int_equal(claim_as(w, &claim, 1, NOW), 1);

    if (state != EHR_STATE_SENDING) {
        assert_ok(finish_as(w, &claim.claims[0], state));
    }
}


static void
each_decision_has_its_states(void **state)
{
    static const struct {
        ehr_action_e  action;
        ehr_state_e   to;
        uint32_t      from;
    } rules[] = {
        { EHR_ACTION_HOLD, EHR_STATE_HELD,
          1u << EHR_STATE_PENDING | 1u << EHR_STATE_RETRYING
          | 1u << EHR_STATE_HELD },
        { EHR_ACTION_RELEASE, EHR_STATE_RETRYING,
          1u << EHR_STATE_HELD | 1u << EHR_STATE_UNCERTAIN },
        { EHR_ACTION_REPLAY, EHR_STATE_RETRYING,
          1u << EHR_STATE_ACCEPTED | 1u << EHR_STATE_ACCEPTED_WITH_MESSAGE
          | 1u << EHR_STATE_REFUSED },
        { EHR_ACTION_ACCEPT, EHR_STATE_ACCEPTED, 1u << EHR_STATE_UNCERTAIN },
        { EHR_ACTION_REFUSE, EHR_STATE_REFUSED,
          1u << EHR_STATE_UNCERTAIN | 1u << EHR_STATE_HELD },
    };

    int                  from;
    size_t               i;
    world_t             *w = *state;
    ehr_decided_e        expected;
    ehr_store_submit_t   doc;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        for (from = EHR_STATE_PENDING; from < EHR_STATE_SUPERSEDED; from++) {

            char  key[32];

            (void) snprintf(key, sizeof(key), "K-%zu-%d", i, from);
            end_in(w, &doc, from, key);

            expected = rules[i].from & (1u << from) ? EHR_DECIDED_OK
                                                    : EHR_DECIDED_STATE;

            assert_int_equal(decide(w, doc.sub.id, rules[i].action, 1),
                             expected);
            assert_int_equal(state_of(w, doc.sub.id),
                             expected == EHR_DECIDED_OK ? (int) rules[i].to
                                                        : from);

            /* nothing of it is left for the next claim */
            assert_int_equal(ask(w, "UPDATE deliveries SET state ="
                                    " 'superseded', owner_slot = NULL,"
                                    " owner_incarnation = NULL, due_ms = 0,"
                                    " probe_ms = 0"), -1);
        }
    }
}


static void
a_person_holds_what_would_come_back_by_itself(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   doc;

    end_in(w, &doc, EHR_STATE_HELD, "");
    assert_int_equal(ask(w, "UPDATE deliveries SET due_ms = 1,"
                            " reason = 'window.closed'"), -1);

    assert_int_equal(decide(w, doc.sub.id, EHR_ACTION_HOLD, 0),
                     EHR_DECIDED_OK);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 0);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_HELD);

    assert_int_equal(decide(w, doc.sub.id, EHR_ACTION_HOLD, 0),
                     EHR_DECIDED_STATE);
    assert_int_equal(decide(w, doc.sub.id, EHR_ACTION_RELEASE, 1),
                     EHR_DECIDED_OK);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_RETRYING);
}


static void
what_may_have_arrived_needs_a_word_of_its_own(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   doc;

    end_in(w, &doc, EHR_STATE_ACCEPTED, "K1");
    assert_int_equal(decide(w, doc.sub.id, EHR_ACTION_REPLAY, 0),
                     EHR_DECIDED_UNSAFE);

    end_in(w, &doc, EHR_STATE_UNCERTAIN, "K2");
    assert_int_equal(decide(w, doc.sub.id, EHR_ACTION_RELEASE, 0),
                     EHR_DECIDED_UNSAFE);
    assert_int_equal(decide(w, doc.sub.id, EHR_ACTION_RELEASE, 1),
                     EHR_DECIDED_OK);

    /* held before anything was sent, and after an answer */
    end_in(w, &doc, EHR_STATE_HELD, "K3");
    assert_int_equal(ask(w, "UPDATE attempts SET http_status = 0"), -1);
    assert_int_equal(decide(w, doc.sub.id, EHR_ACTION_RELEASE, 0),
                     EHR_DECIDED_OK);

    end_in(w, &doc, EHR_STATE_HELD, "K4");
    assert_int_equal(ask(w, "UPDATE attempts SET http_status = 500"), -1);
    assert_int_equal(decide(w, doc.sub.id, EHR_ACTION_RELEASE, 0),
                     EHR_DECIDED_UNSAFE);
    assert_int_equal(decide(w, doc.sub.id, EHR_ACTION_RELEASE, 1),
                     EHR_DECIDED_OK);
}


static void
old_content_is_not_sent_after_new(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   old, new;

    end_in(w, &old, EHR_STATE_ACCEPTED, "K1");
    end_in(w, &new, EHR_STATE_ACCEPTED, "K1");

    assert_int_equal(decide(w, old.sub.id, EHR_ACTION_REPLAY, 1),
                     EHR_DECIDED_NEWER);
    assert_int_equal(decide(w, new.sub.id, EHR_ACTION_REPLAY, 1),
                     EHR_DECIDED_OK);
}


/* As retention leaves it. */

static void
lose_content(world_t *w, const ehr_store_submit_t *doc)
{
    char  sql[160];

    (void) snprintf(sql, sizeof(sql),
                    "DELETE FROM contents WHERE seq ="
                    " (SELECT seq FROM submissions WHERE id = '%s')",
                    doc->sub.id);
    assert_int_equal(ask(w, sql), -1);
}


static void
what_has_no_content_is_not_sent_again(void **state)
{
    static const struct {
        ehr_state_e   from;
        ehr_action_e  sends;
        ehr_action_e  closes;
    } rows[] = {
        { EHR_STATE_ACCEPTED, EHR_ACTION_REPLAY, 0 },
        { EHR_STATE_ACCEPTED_WITH_MESSAGE, EHR_ACTION_REPLAY, 0 },
        { EHR_STATE_REFUSED, EHR_ACTION_REPLAY, 0 },
        { EHR_STATE_UNCERTAIN, EHR_ACTION_RELEASE, EHR_ACTION_ACCEPT },
        { EHR_STATE_UNCERTAIN, EHR_ACTION_RELEASE, EHR_ACTION_REFUSE },
        { EHR_STATE_HELD, EHR_ACTION_RELEASE, EHR_ACTION_REFUSE },
        { EHR_STATE_RETRYING, 0, EHR_ACTION_HOLD },
    };

    size_t               i;
    world_t             *w = *state;
    ehr_store_submit_t   doc;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        end_in(w, &doc, rows[i].from, "");
        lose_content(w, &doc);

        if (rows[i].sends != 0) {
            assert_int_equal(decide(w, doc.sub.id, rows[i].sends, 1),
                             EHR_DECIDED_CONTENT);
            assert_int_equal(state_of(w, doc.sub.id), rows[i].from);
        }

        if (rows[i].closes != 0) {
            assert_int_equal(decide(w, doc.sub.id, rows[i].closes, 0),
                             EHR_DECIDED_OK);
        }
    }
}


static void
a_job_skips_what_has_no_content_and_a_preview_says_so(void **state)
{
    world_t             *w = *state;
    int64_t              next_ms;
    uint32_t             n, njobs;
    ehr_job_t            job = { 0 }, *jobs;
    ehr_decide_t         how = { .is_repeat_safe = everything_is_safe };
    ehr_preview_t        preview;
    ehr_store_submit_t   gone, kept, held;

    end_in(w, &gone, EHR_STATE_ACCEPTED, "");
    lose_content(w, &gone);
    end_in(w, &kept, EHR_STATE_ACCEPTED, "");
    end_in(w, &gone, EHR_STATE_REFUSED, "");
    lose_content(w, &gone);
    end_in(w, &held, EHR_STATE_HELD, "");
    lose_content(w, &held);

    job.action = EHR_ACTION_REPLAY;
    job.sel.partner = ehr_str("insurance");
    job.rate = 100;

    assert_ok(ehr_store_preview(w->store, &job.sel, EHR_ACTION_REPLAY,
                                &preview));
    assert_int_equal(preview.total, 1);
    assert_int_equal(preview.without_content, 2);
    assert_int_equal(preview.ncounts, 1);
    assert_int_equal(preview.counts[0].state, EHR_STATE_ACCEPTED);
    assert_int_equal(preview.counts[0].count, 1);
    assert_int_equal(preview.nfirst, 1);
    assert_string_equal(preview.first[0], kept.sub.id);

    assert_ok(ehr_store_preview(w->store, &job.sel, EHR_ACTION_RELEASE,
                                &preview));
    assert_int_equal(preview.total, 0);
    assert_int_equal(preview.without_content, 1);

    /* sends nothing */
    assert_ok(ehr_store_preview(w->store, &job.sel, EHR_ACTION_REFUSE,
                                &preview));
    assert_int_equal(preview.total, 1);
    assert_int_equal(preview.without_content, 0);
    assert_int_equal(preview.nfirst, 1);

    assert_int_equal(ehr_job_add(w->store, &operator, &job), EHR_DECIDED_OK);
    assert_ok(ehr_job_step(w->store, NOW + 100, &how, &n, &next_ms));
    assert_int_equal(n, 1);

    assert_ok(ehr_job_list(w->store, job.id, w->arena, &jobs, &njobs));
    assert_int_equal(jobs[0].state, EHR_JOB_DONE);
    assert_int_equal(jobs[0].changed, 1);
    assert_int_equal(jobs[0].skipped, 2);
    assert_int_equal(state_of(w, gone.sub.id), EHR_STATE_REFUSED);
    assert_int_equal(state_of(w, kept.sub.id), EHR_STATE_RETRYING);
}


/* Deliveries are numbered as their routes are written, not by name. */

static void
the_first_document_of_a_time_is_seen_whole(void **state)
{
    world_t             *w = *state;
    ehr_preview_t        preview;
    ehr_selection_t      sel = { .since_ms = NOW };
    ehr_store_submit_t   doc;
    ehr_delivery_page_t  page = { .limit = 10 };

    document(w, &doc, "<A/>");
    doc.sub.ndeliveries = 2;
    (void) snprintf(doc.sub.deliveries[1].partner,
                    sizeof(doc.sub.deliveries[1].partner), "aaa");
    doc.sub.deliveries[1].reason = ehr_str("route.table");
    submit(w, &doc);

    assert_ok(ehr_store_deliveries(w->store, &sel, w->arena, &page));
    assert_int_equal(page.nrows, 2);
    assert_ok(ehr_store_preview(w->store, &sel, EHR_ACTION_HOLD, &preview));
    assert_int_equal(preview.total, 2);
}


static void
a_dry_run_and_another_version_change_nothing(void **state)
{
    world_t             *w = *state;
    int64_t              version, before;
    ehr_change_t         who = operator;
    ehr_decide_t         how = { 0 };
    ehr_submission_t     out;
    ehr_store_submit_t   doc;

    end_in(w, &doc, EHR_STATE_HELD, "K1");
    assert_ok(ehr_store_version(w->store, doc.sub.id, &before));

    how.action = EHR_ACTION_RELEASE;
    how.is_forced = 1;
    who.is_dry_run = 1;

    assert_int_equal(ehr_store_decide(w->store, &who, doc.sub.id, ehr_str(""),
                                      &how, w->arena, &out, &version),
                     EHR_DECIDED_OK);
    assert_int_equal(out.deliveries[0].state, EHR_STATE_RETRYING);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_HELD);

    who.is_dry_run = 0;
    who.if_version = before + 1;
    assert_int_equal(ehr_store_decide(w->store, &who, doc.sub.id, ehr_str(""),
                                      &how, w->arena, &out, &version),
                     EHR_DECIDED_VERSION);

    who.if_version = before;
    assert_int_equal(ehr_store_decide(w->store, &who, doc.sub.id, ehr_str(""),
                                      &how, w->arena, &out, &version),
                     EHR_DECIDED_OK);
    assert_true(version > before);
    assert_int_equal(ask(w, "SELECT count(*) FROM audit"), 1);
    assert_int_equal(ask(w, "SELECT count(*) FROM audit WHERE"
                            " detail LIKE '%note%'"), 0);
}


static void
an_unknown_document_or_partner_is_not_found(void **state)
{
    world_t             *w = *state;
    int64_t              version;
    ehr_decide_t         how = { 0 };
    ehr_submission_t     out;
    ehr_store_submit_t   doc;

    end_in(w, &doc, EHR_STATE_HELD, "K1");
    how.action = EHR_ACTION_RELEASE;

    assert_int_equal(decide(w, "01900000-0000-7000-8000-000000000000",
                            EHR_ACTION_RELEASE, 0), EHR_DECIDED_NOT_FOUND);
    assert_int_equal(ehr_store_decide(w->store, &operator, doc.sub.id,
                                      ehr_str("nobody"), &how, w->arena, &out,
                                      &version),
                     EHR_DECIDED_NOT_FOUND);
}


static void
a_job_decides_each_once_at_its_speed(void **state)
{
    int                  i;
    world_t             *w = *state;
    int64_t              next_ms, now_ms;
    uint32_t             n, njobs;
    ehr_job_t            job = { 0 }, *jobs;
    ehr_decide_t         how = { .is_repeat_safe = everything_is_safe };
    ehr_store_submit_t   doc;

    for (i = 0; i < 25; i++) {
        end_in(w, &doc, EHR_STATE_HELD, "");
    }

    assert_ok(ehr_job_step(w->store, NOW, &how, &n, &next_ms));
    assert_int_equal(next_ms, 0);

    job.action = EHR_ACTION_RELEASE;
    job.sel.partner = ehr_str("insurance");
    job.rate = 100;
    job.note = ehr_str("why");
    assert_int_equal(ehr_job_add(w->store, &operator, &job), EHR_DECIDED_OK);

    /* what comes later is not meant */
    end_in(w, &doc, EHR_STATE_HELD, "");

    now_ms = NOW + 100;
    assert_ok(ehr_job_step(w->store, now_ms, &how, &n, &next_ms));
    assert_int_equal(n, 10);
    assert_int_equal(next_ms, now_ms + 100);

    /* too early */
    assert_ok(ehr_job_step(w->store, now_ms + 99, &how, &n, &next_ms));
    assert_int_equal(n, 0);

    /* another handle goes on, as after a crash */
    ehr_store_close(w->store);
    w->store = world_open(w, 0);

    assert_ok(ehr_job_step(w->store, now_ms + 100, &how, &n, &next_ms));
    assert_ok(ehr_job_step(w->store, now_ms + 200, &how, &n, &next_ms));
    assert_int_equal(n, 5);
    assert_int_equal(next_ms, 0);

    assert_ok(ehr_job_list(w->store, job.id, w->arena, &jobs, &njobs));
    assert_int_equal(njobs, 1);
    assert_int_equal(jobs[0].state, EHR_JOB_DONE);
    assert_int_equal(jobs[0].changed, 25);
    assert_int_equal(jobs[0].skipped, 0);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_HELD);
    assert_int_equal(ask(w, "SELECT count(*) FROM history"
                            " WHERE reason = 'person.released'"), 25);
}


static void
a_job_sends_nothing_again_that_is_not_safe(void **state)
{
    world_t             *w = *state;
    int64_t              next_ms;
    uint32_t             n, njobs;
    ehr_job_t            job = { 0 }, *jobs;
    ehr_decide_t         how = { .is_repeat_safe = nothing_is_safe,
                                 .is_forced = 1 };
    ehr_store_submit_t   doc;

    end_in(w, &doc, EHR_STATE_ACCEPTED, "");

    job.action = EHR_ACTION_REPLAY;
    job.sel.partner = ehr_str("insurance");
    job.sel.state = EHR_STATE_ACCEPTED;
    job.rate = 10;
    assert_int_equal(ehr_job_add(w->store, &operator, &job), EHR_DECIDED_OK);

    assert_ok(ehr_job_step(w->store, NOW + 100, &how, &n, &next_ms));
    assert_int_equal(n, 0);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_ACCEPTED);

    assert_ok(ehr_job_list(w->store, job.id, w->arena, &jobs, &njobs));
    assert_int_equal(jobs[0].skipped, 1);
}


static void
a_job_does_not_wait_for_a_clock_that_was_put_back(void **state)
{
    world_t             *w = *state;
    int64_t              next_ms, early_ms = NOW - 86400000;
    uint32_t             n;
    ehr_job_t            job = { 0 };
    ehr_decide_t         how = { .is_repeat_safe = everything_is_safe };
    ehr_store_submit_t   doc;

    end_in(w, &doc, EHR_STATE_HELD, "");

    job.action = EHR_ACTION_RELEASE;
    job.sel.partner = ehr_str("insurance");
    job.rate = 100;
    job.note = ehr_str("why");
    assert_int_equal(ehr_job_add(w->store, &operator, &job), EHR_DECIDED_OK);

    assert_ok(ehr_job_step(w->store, early_ms, &how, &n, &next_ms));
    assert_int_equal(n, 1);
    assert_int_equal(next_ms, 0);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_RETRYING);
}


static void
a_paused_job_rests_and_a_cancelled_one_ends(void **state)
{
    world_t             *w = *state;
    int64_t              next_ms;
    uint32_t             n;
    ehr_job_t            job = { 0 }, out;
    ehr_decide_t         how = { .is_repeat_safe = nothing_is_safe };
    ehr_store_submit_t   doc;

    end_in(w, &doc, EHR_STATE_HELD, "");

    job.action = EHR_ACTION_RELEASE;
    job.rate = 10;
    assert_int_equal(ehr_job_add(w->store, &operator, &job), EHR_DECIDED_OK);

    assert_int_equal(ehr_job_set(w->store, &operator, job.id, EHR_JOB_PAUSED,
                                 w->arena, &out), EHR_DECIDED_OK);
    assert_ok(ehr_job_step(w->store, NOW + 1000, &how, &n, &next_ms));
    assert_int_equal(next_ms, 0);

    assert_int_equal(ehr_job_set(w->store, &operator, job.id,
                                 EHR_JOB_CANCELLED, w->arena, &out),
                     EHR_DECIDED_OK);
    assert_int_equal(ehr_job_set(w->store, &operator, job.id,
                                 EHR_JOB_RUNNING, w->arena, &out),
                     EHR_DECIDED_STATE);
    assert_int_equal(ehr_job_set(w->store, &operator, job.id + 1,
                                 EHR_JOB_RUNNING, w->arena, &out),
                     EHR_DECIDED_NOT_FOUND);
    assert_int_equal(state_of(w, doc.sub.id), EHR_STATE_HELD);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(each_decision_has_its_states),
        store_test(a_person_holds_what_would_come_back_by_itself),
        store_test(what_may_have_arrived_needs_a_word_of_its_own),
        store_test(old_content_is_not_sent_after_new),
        store_test(what_has_no_content_is_not_sent_again),
        store_test(a_job_skips_what_has_no_content_and_a_preview_says_so),
        store_test(the_first_document_of_a_time_is_seen_whole),
        store_test(a_dry_run_and_another_version_change_nothing),
        store_test(an_unknown_document_or_partner_is_not_found),
        store_test(a_job_decides_each_once_at_its_speed),
        store_test(a_job_sends_nothing_again_that_is_not_safe),
        store_test(a_job_does_not_wait_for_a_clock_that_was_put_back),
        store_test(a_paused_job_rests_and_a_cancelled_one_ends)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
