/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The store keeps a submission once, gives it back as it came, lists it by
 * index alone, and opens only what is its own.
 */

#include <sys/stat.h>

#include "store_world.h"
#include "ehr_store_sqlite.h"


/* --- submitting --- */

static void
what_was_stored_comes_back_byte_for_byte(void **state)
{
    world_t             *w = *state;
    ehr_content_t        content;
    ehr_submission_t     sub;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    op.content.data = "\0\xff<x>\0";
    op.content.len = 6;
    ehr_sha256(op.content.data, op.content.len, op.sub.sha256);
    op.sub.business_key = ehr_str("99001/LK1");
    op.sub.ndeliveries = 2;
    (void) strcpy(op.sub.deliveries[1].partner, "vneid");
    submit(w, &op);

    assert_int_equal(op.result, EHR_SUBMIT_STORED);

    sub = look(w, op.sub.id);
    assert_string_equal(sub.id, op.sub.id);
    assert_int_equal(sub.seq, op.sub.seq);
    assert_true(ehr_str_is(sub.facility, "99001"));
    assert_true(ehr_str_is(sub.kind, "claim"));
    assert_true(ehr_str_is(sub.standard, "qd3176"));
    assert_true(ehr_str_is(sub.business_key, "99001/LK1"));
    assert_memory_equal(sub.sha256, op.sub.sha256, EHR_SHA256_LEN);
    assert_int_equal(sub.size, 6);
    assert_int_equal(sub.received_ms, NOW);
    assert_int_equal(sub.ndeliveries, 2);
    assert_string_equal(sub.deliveries[0].partner, "insurance");
    assert_string_equal(sub.deliveries[1].partner, "vneid");
    assert_int_equal(sub.deliveries[1].state, EHR_STATE_PENDING);
    assert_true(ehr_str_is(sub.deliveries[0].reason, "route.table"));

    assert_ok(ehr_store_content(w->store, ehr_str("99001"), op.sub.id,
                                w->arena, &content));
    assert_int_equal(content.is, EHR_CONTENT_WHOLE);
    assert_int_equal(content.bytes.len, 6);
    assert_memory_equal(content.bytes.data, "\0\xff<x>\0", 6);
    assert_true(ehr_str_is(content.type, "application/xml"));
}


static void
another_facility_sees_neither_document_nor_content(void **state)
{
    world_t             *w = *state;
    ehr_content_t        content;
    ehr_submission_t     sub;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    submit(w, &op);

    assert_int_equal(ehr_store_document(w->store, ehr_str("99002"),
                                        op.sub.id, w->arena, &sub),
                     EHR_REFUSED);
    assert_int_equal(ehr_store_content(w->store, ehr_str("99002"), op.sub.id,
                                       w->arena, &content),
                     EHR_REFUSED);
    assert_ok(ehr_store_document(w->store, ehr_str("99001"), op.sub.id,
                                 w->arena, &sub));
}


static void
the_same_bytes_are_a_duplicate_with_present_states(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   first, again;

    document(w, &first, "<A/>");
    submit(w, &first);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 1);
    assert_ok(finish_as(w, &claim.claims[0], EHR_STATE_ACCEPTED));

    document(w, &again, "<A/>");
    submit(w, &again);

    assert_int_equal(again.result, EHR_SUBMIT_DUPLICATE);
    assert_string_equal(again.found.id, first.sub.id);
    assert_int_equal(again.found.ndeliveries, 1);
    assert_int_equal(again.found.deliveries[0].state, EHR_STATE_ACCEPTED);
    assert_true(ehr_str_is(again.found.deliveries[0].partner_ref, "REF1"));
    assert_int_equal(ask(w, "SELECT count(*) FROM deliveries"), 1);
}


static void
the_same_bytes_of_another_facility_are_another_submission(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    submit(w, &op);

    document(w, &op, "<A/>");
    op.sub.facility = ehr_str("99002");
    submit(w, &op);

    assert_int_equal(op.result, EHR_SUBMIT_STORED);
}


static void
twins_in_one_batch_are_one_submission(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   a, b, c;

    document(w, &a, "<A/>");
    document(w, &b, "<A/>");
    document(w, &c, "<C/>");
    a.op.next = &b.op;
    b.op.next = &c.op;

    submit(w, &a);

    assert_int_equal(a.result, EHR_SUBMIT_STORED);
    assert_ok(b.op.rc);
    assert_int_equal(b.result, EHR_SUBMIT_DUPLICATE);
    assert_string_equal(b.found.id, a.sub.id);
    assert_ok(c.op.rc);
    assert_int_equal(c.result, EHR_SUBMIT_STORED);
}


static void
a_key_with_other_bytes_is_reused_and_nothing_is_kept(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    op.idempotency_key = ehr_str("k1");
    submit(w, &op);

    document(w, &op, "<B/>");
    op.idempotency_key = ehr_str("k1");
    submit(w, &op);

    assert_int_equal(op.result, EHR_SUBMIT_KEY_REUSED);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 1);

    /* Another facility's keys are its own. */
    document(w, &op, "<B/>");
    op.idempotency_key = ehr_str("k1");
    op.sub.facility = ehr_str("99002");
    submit(w, &op);
    assert_int_equal(op.result, EHR_SUBMIT_STORED);
}


static void
a_key_reused_within_one_batch_is_seen(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   a, b;

    document(w, &a, "<A/>");
    document(w, &b, "<B/>");
    a.idempotency_key = b.idempotency_key = ehr_str("k1");
    a.op.next = &b.op;
    submit(w, &a);

    assert_int_equal(a.result, EHR_SUBMIT_STORED);
    assert_ok(b.op.rc);
    assert_int_equal(b.result, EHR_SUBMIT_KEY_REUSED);
}


static void
a_key_that_came_with_known_bytes_is_remembered(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   first, op;

    document(w, &first, "<A/>");
    submit(w, &first);

    document(w, &op, "<A/>");
    op.idempotency_key = ehr_str("late");
    submit(w, &op);
    assert_int_equal(op.result, EHR_SUBMIT_DUPLICATE);

    document(w, &op, "<A/>");
    op.idempotency_key = ehr_str("later");
    submit(w, &op);
    assert_int_equal(op.result, EHR_SUBMIT_DUPLICATE);
    assert_string_equal(op.found.id, first.sub.id);

    document(w, &op, "<B/>");
    op.idempotency_key = ehr_str("late");
    submit(w, &op);
    assert_int_equal(op.result, EHR_SUBMIT_KEY_REUSED);
}


static void
a_submission_without_partners_is_stored(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    op.sub.ndeliveries = 0;
    submit(w, &op);

    assert_int_equal(look(w, op.sub.id).ndeliveries, 0);
}


/* --- corrections --- */

static void
a_correction_supersedes_what_has_not_left(void **state)
{
    world_t             *w = *state;
    ehr_str_t            json;
    ehr_store_submit_t   a, b;

    submit_keyed(w, &a, "<A/>", "LK1");
    submit_keyed(w, &b, "<B/>", "LK1");

    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_SUPERSEDED);
    assert_int_equal(state_of(w, b.sub.id), EHR_STATE_PENDING);

    assert_ok(ehr_store_history(w->store, a.sub.id, w->arena, &json));
    assert_non_null(strstr(json.data, "\"superseded\""));
    assert_non_null(strstr(json.data, EHR_REASON_NEWER));
}


static void
a_correction_supersedes_retrying_and_held_but_not_sending(void **state)
{
    world_t             *w = *state;
    ehr_store_claim_t    claim;
    ehr_store_submit_t   a, b, c, op;

    submit_keyed(w, &a, "<A/>", "LK1");
    submit_keyed(w, &b, "<B/>", "LK2");
    submit_keyed(w, &c, "<C/>", "LK3");
    assert_int_equal(claim_as(w, &claim, 1, NOW), 3);
    assert_ok(finish_as(w, &claim.claims[0], EHR_STATE_RETRYING));
    assert_ok(finish_as(w, &claim.claims[1], EHR_STATE_HELD));

    submit_keyed(w, &op, "<A2/>", "LK1");
    submit_keyed(w, &op, "<B2/>", "LK2");
    submit_keyed(w, &op, "<C2/>", "LK3");

    assert_int_equal(state_of(w, a.sub.id), EHR_STATE_SUPERSEDED);
    assert_int_equal(state_of(w, b.sub.id), EHR_STATE_SUPERSEDED);
    assert_int_equal(state_of(w, c.sub.id), EHR_STATE_SENDING);
}


static void
other_keys_kinds_and_facilities_are_not_superseded(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   a, b, c, d, e;

    submit_keyed(w, &a, "<A/>", "LK1");
    submit_keyed(w, &b, "<B/>", "LK2");

    document(w, &c, "<C/>");
    c.sub.business_key = ehr_str("LK1");
    c.sub.kind = ehr_str("checkin");
    submit(w, &c);

    document(w, &d, "<D/>");
    d.sub.business_key = ehr_str("LK1");
    d.sub.facility = ehr_str("99002");
    submit(w, &d);

    submit_keyed(w, &e, "<E/>", "");
    submit_keyed(w, &e, "<E2/>", "");

    assert_int_equal(ask(w, "SELECT count(*) FROM deliveries"
                            " WHERE state = 'pending'"), 6);
}


/* A route was taken away between the two. */

static void
a_correction_supersedes_only_where_it_goes_itself(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   a, b, c;

    document(w, &a, "<A/>");
    a.sub.business_key = ehr_str("LK1");
    a.sub.ndeliveries = 2;
    (void) strcpy(a.sub.deliveries[1].partner, "health");
    submit(w, &a);

    submit_keyed(w, &b, "<B/>", "LK1");

    assert_int_equal(look(w, a.sub.id).deliveries[0].state,
                     EHR_STATE_SUPERSEDED);
    assert_int_equal(look(w, a.sub.id).deliveries[1].state,
                     EHR_STATE_PENDING);

    document(w, &c, "<C/>");
    c.sub.business_key = ehr_str("LK1");
    c.sub.ndeliveries = 0;
    submit(w, &c);

    assert_int_equal(state_of(w, b.sub.id), EHR_STATE_PENDING);
    assert_int_equal(look(w, a.sub.id).deliveries[1].state,
                     EHR_STATE_PENDING);
}


static void
bytes_that_were_corrected_stay_a_duplicate(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   a, b, again;

    submit_keyed(w, &a, "<A/>", "LK1");
    submit_keyed(w, &b, "<B/>", "LK1");

    document(w, &again, "<A/>");
    again.sub.business_key = ehr_str("LK1");
    submit(w, &again);

    assert_int_equal(again.result, EHR_SUBMIT_DUPLICATE);
    assert_string_equal(again.found.id, a.sub.id);
    assert_int_equal(again.found.deliveries[0].state, EHR_STATE_SUPERSEDED);
    assert_int_equal(state_of(w, b.sub.id), EHR_STATE_PENDING);
}


/* --- wrong use --- */

static void
a_broken_operation_does_not_hurt_its_batch(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   a, b, c;

    document(w, &a, "<A/>");
    document(w, &b, "<B/>");
    document(w, &c, "<C/>");
    b.sub.ndeliveries = 2;
    (void) strcpy(b.sub.deliveries[1].partner, "insurance");
    a.op.next = &b.op;
    b.op.next = &c.op;

    assert_ok(ehr_store_write(w->store, &a.op));

    assert_ok(a.op.rc);
    assert_int_equal(b.op.rc, EHR_BROKEN);
    assert_ok(c.op.rc);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 2);
}


/* The bytes of the row are too many for the limit set here: by then the
 * operation has written. */

static void
an_operation_that_breaks_halfway_leaves_nothing(void **state)
{
    world_t             *w = *state;
    static char          big[300000];
    ehr_store_submit_t   a, b, c;

    document(w, &a, "<A/>");
    document(w, &b, "<B/>");
    document(w, &c, "<C/>");
    fill_noise(big, sizeof(big), 1);
    b.content.data = big;
    b.content.len = sizeof(big);
    a.op.next = &b.op;
    b.op.next = &c.op;

    (void) sqlite3_limit(w->store->db, SQLITE_LIMIT_LENGTH, 200000);

    assert_ok(ehr_store_write(w->store, &a.op));

    assert_ok(a.op.rc);
    assert_int_equal(b.op.rc, EHR_BROKEN);
    assert_ok(c.op.rc);
    assert_int_equal(a.result, EHR_SUBMIT_STORED);
    assert_int_equal(c.result, EHR_SUBMIT_STORED);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 2);
    assert_int_equal(ask(w, "SELECT count(*) FROM contents"), 2);
}


static void
impossible_submissions_are_broken(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op, first;

    document(w, &op, "<A/>");
    op.sub.facility = ehr_str("");
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);

    document(w, &op, "<A/>");
    op.sub.id[5] = '\0';
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);

    document(w, &op, "<A/>");
    op.sub.ndeliveries = EHR_STORE_MAX_PARTNERS + 1;
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);

    document(w, &op, "<A/>");
    op.sub.deliveries[0].partner[0] = '\0';
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);

    document(w, &op, "<A/>");
    op.op.type = 99;
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);

    document(w, &first, "<A/>");
    submit(w, &first);
    document(w, &op, "<B/>");
    memcpy(op.sub.id, first.sub.id, sizeof(op.sub.id));
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);

    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 1);
}


static void
a_duplicate_that_does_not_fit_the_arena_is_broken(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    submit(w, &op);

    document(w, &op, "<A/>");
    op.idempotency_key = ehr_str("k");
    op.arena = ehr_arena_create(16);
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.op.rc, EHR_BROKEN);
    assert_int_equal(ask(w, "SELECT count(*) FROM idempotency_keys"), 0);
    ehr_arena_destroy(op.arena);
}


static void
a_readonly_handle_reads_and_does_not_write(void **state)
{
    int                  frames;
    world_t             *w = *state;
    ehr_store_t         *reader;
    ehr_submission_t     sub;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    submit(w, &op);

    reader = world_open(w, 1);
    assert_non_null(reader);
    assert_ok(ehr_store_document(reader, ehr_str(""), op.sub.id, w->arena,
                                 &sub));

    document(w, &op, "<B/>");
    assert_int_equal(ehr_store_write(reader, &op.op), EHR_BROKEN);
    assert_int_equal(op.op.rc, EHR_BROKEN);

    submit(w, &op);
    assert_ok(ehr_store_document(reader, ehr_str(""), op.sub.id, w->arena,
                                 &sub));
    ehr_store_close(reader);

    assert_ok(ehr_store_checkpoint(w->store, &frames));
    assert_int_equal(frames, 0);
    assert_int_equal(ehr_store_log_frames(w->store), 0);
}


/* The log is written over from its beginning: its size says nothing of it. */

static void
what_the_log_owes_the_database_is_known(void **state)
{
    int                  i, frames;
    uint64_t             owed = 0;
    world_t             *w = *state;
    ehr_store_t         *reader;
    ehr_store_submit_t   op;

    reader = world_open(w, 1);
    assert_non_null(reader);

    for (i = 0; i < 2; i++) {
        document(w, &op, i == 0 ? "<A/>" : "<B/>");
        submit(w, &op);
        assert_true(ehr_store_log_owes(w->store) >= 4096);
        assert_int_equal(ehr_store_log_owes(w->store) % 4096, 0);

        assert_int_equal(ehr_store_log_owes(reader),
                         ehr_store_log_owes(w->store));
        assert_true(i == 0 || ehr_store_log_owes(w->store) < owed);
        owed = ehr_store_log_owes(w->store);

        assert_ok(ehr_store_checkpoint(w->store, &frames));
        assert_int_equal(ehr_store_log_owes(w->store), 0);
        assert_int_equal(ehr_store_log_owes(reader), 0);
    }

    ehr_store_close(reader);
}


/* --- lists --- */

static uint32_t
list(world_t *w, const ehr_store_filter_t *filter, ehr_submission_t **subs)
{
    uint32_t  n;

    assert_ok(ehr_store_list(w->store, filter, w->arena, subs, &n));

    return n;
}


/* Ten of 99001 a minute apart, the last of them a check-in; one of 99002. */

static void
fill(world_t *w)
{
    int                  i;
    char                 text[16];
    ehr_store_submit_t   op;

    for (i = 0; i < 11; i++) {
        (void) snprintf(text, sizeof(text), "<A n='%d'/>", i);
        document(w, &op, text);
        (void) snprintf(text, sizeof(text), "LK%d", i);
        op.sub.business_key = ehr_arena_dup(w->arena, text, strlen(text));
        op.sub.received_ms = NOW + i * INT64_C(3600000);
        if (i == 9) {
            op.sub.kind = ehr_str("checkin");
        }
        if (i == 10) {
            op.sub.facility = ehr_str("99002");
        }
        submit(w, &op);
    }
}


static void
a_list_is_newest_first_and_goes_on_from_its_cursor(void **state)
{
    world_t             *w = *state;
    uint32_t             n, seen;
    ehr_submission_t    *subs;
    ehr_store_filter_t   filter = { 0 };

    fill(w);

    filter.facility = ehr_str("99001");
    filter.limit = 4;

    for (seen = 0; seen < 10; seen += n) {
        n = list(w, &filter, &subs);
        assert_true(n > 0 && n <= 4);
        assert_int_equal(subs[0].seq, 10 - seen);
        assert_int_equal(subs[n - 1].seq, 10 - seen - n + 1);
        assert_int_equal(subs[0].ndeliveries, 1);
        filter.before_seq = subs[n - 1].seq;
    }

    assert_int_equal(seen, 10);
    assert_int_equal(list(w, &filter, &subs), 0);
}


static void
a_list_of_a_facility_mixes_its_kinds(void **state)
{
    static const char *const  kinds[] = { "claim", "checkin", "voucher" };

    int                  i;
    char                 text[16];
    world_t             *w = *state;
    uint32_t             n, seen;
    ehr_submission_t    *subs;
    ehr_store_submit_t   op;
    ehr_store_filter_t   filter = { .limit = 5 };

    for (i = 0; i < 12; i++) {
        (void) snprintf(text, sizeof(text), "<A n='%d'/>", i);
        document(w, &op, text);
        op.sub.kind = ehr_str(kinds[i % 3]);
        op.sub.received_ms = NOW + i;
        submit(w, &op);
    }

    filter.facility = ehr_str("99001");

    for (seen = 0; seen < 12; seen += n) {
        n = list(w, &filter, &subs);
        assert_int_equal(n, seen < 10 ? 5 : 2);
        assert_int_equal(subs[0].seq, 12 - seen);
        assert_int_equal(subs[n - 1].seq, 12 - seen - n + 1);
        filter.before_seq = subs[n - 1].seq;
    }

    filter.before_seq = 0;
    filter.since_ms = NOW + 9;
    assert_int_equal(list(w, &filter, &subs), 3);

    filter.since_ms = 0;
    filter.kind = ehr_str("checkin");
    assert_int_equal(list(w, &filter, &subs), 4);
    assert_int_equal(subs[0].seq, 11);

    /* ... and without a facility */
    filter.facility = ehr_str("");
    assert_int_equal(list(w, &filter, &subs), 4);
}


static void
a_list_is_filtered_by_everything(void **state)
{
    world_t             *w = *state;
    ehr_submission_t    *subs;
    ehr_store_claim_t    claim;
    ehr_store_filter_t   filter = { 0 };

    fill(w);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 10);
    assert_int_equal(claim.claims[3].sub.seq, 3);
    assert_ok(finish_as(w, &claim.claims[3], EHR_STATE_REFUSED));
    assert_ok(finish_as(w, &claim.claims[6], EHR_STATE_ACCEPTED));

    filter.limit = 100;
    assert_int_equal(list(w, &filter, &subs), 11);

    filter.state = EHR_STATE_REFUSED;
    assert_int_equal(list(w, &filter, &subs), 1);
    assert_int_equal(subs[0].seq, 3);

    filter.facility = ehr_str("99001");
    assert_int_equal(list(w, &filter, &subs), 1);
    filter.facility = ehr_str("99002");
    assert_int_equal(list(w, &filter, &subs), 0);

    filter.state = EHR_STATE_ACCEPTED;
    assert_int_equal(list(w, &filter, &subs), 0);
    filter.facility = ehr_str("99001");
    assert_int_equal(list(w, &filter, &subs), 1);
    assert_int_equal(subs[0].seq, 6);

    filter.state = 0;
    filter.kind = ehr_str("checkin");
    assert_int_equal(list(w, &filter, &subs), 1);
    assert_int_equal(subs[0].seq, 10);

    filter.kind = ehr_str("");
    filter.business_key = ehr_str("LK4");
    assert_int_equal(list(w, &filter, &subs), 1);
    assert_int_equal(subs[0].seq, 5);
    filter.state = EHR_STATE_REFUSED;
    assert_int_equal(list(w, &filter, &subs), 0);
}


static void
since_is_exact(void **state)
{
    world_t             *w = *state;
    uint32_t             i;
    ehr_submission_t    *subs;
    ehr_store_filter_t   filter = { 0 };

    fill(w);
    filter.limit = 100;

    for (i = 0; i < 11; i++) {
        filter.since_ms = NOW + i * INT64_C(3600000);
        assert_int_equal(list(w, &filter, &subs), 11 - i);
        filter.since_ms++;
        assert_int_equal(list(w, &filter, &subs), 10 - i);
    }
}


static void
a_document_with_two_deliveries_is_listed_once(void **state)
{
    world_t             *w = *state;
    ehr_submission_t    *subs;
    ehr_store_submit_t   op;
    ehr_store_filter_t   filter = { 0 };

    document(w, &op, "<A/>");
    op.sub.ndeliveries = 2;
    (void) strcpy(op.sub.deliveries[1].partner, "vneid");
    submit(w, &op);

    filter.limit = 100;
    filter.state = EHR_STATE_PENDING;
    assert_int_equal(list(w, &filter, &subs), 1);
    filter.facility = ehr_str("99001");
    assert_int_equal(list(w, &filter, &subs), 1);
}


static void
an_impossible_limit_is_broken(void **state)
{
    world_t             *w = *state;
    uint32_t             n;
    ehr_submission_t    *subs;
    ehr_store_filter_t   filter = { 0 };

    assert_int_equal(ehr_store_list(w->store, &filter, w->arena, &subs, &n),
                     EHR_BROKEN);
    filter.limit = 101;
    assert_int_equal(ehr_store_list(w->store, &filter, w->arena, &subs, &n),
                     EHR_BROKEN);
}


static void
depths_count_open_deliveries_by_partner_and_state(void **state)
{
    world_t             *w = *state;
    uint32_t             n;
    ehr_store_depth_t   *depths;
    ehr_store_claim_t    claim;

    fill(w);
    assert_int_equal(claim_as(w, &claim, 1, NOW), 10);
    assert_int_equal(claim.claims[2].sub.seq, 2);
    assert_ok(finish_as(w, &claim.claims[0], EHR_STATE_ACCEPTED));
    assert_ok(finish_as(w, &claim.claims[2], EHR_STATE_HELD));

    assert_ok(ehr_store_depths(w->store, NOW, w->arena, &depths, &n));
    assert_int_equal(n, 3);
    assert_string_equal(depths[0].partner, "insurance");
    assert_int_equal(depths[0].state, EHR_STATE_HELD);
    assert_int_equal(depths[0].count, 1);
    assert_int_equal(depths[0].oldest_ms, NOW + 3600000);
    assert_int_equal(depths[1].state, EHR_STATE_PENDING);
    assert_int_equal(depths[1].count, 1);
    assert_int_equal(depths[2].state, EHR_STATE_SENDING);
    assert_int_equal(depths[2].count, 8);
    assert_int_equal(depths[2].oldest_ms, NOW + 2 * 3600000);
}


/* --- opening --- */

static void
what_was_stored_is_there_after_reopening(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    submit(w, &op);

    ehr_store_close(w->store);
    w->store = world_open(w, 0);
    assert_non_null(w->store);

    assert_int_equal(state_of(w, op.sub.id), EHR_STATE_PENDING);
    assert_int_equal(ask(w, "PRAGMA user_version"), 2);
}


static void
run_sql(world_t *w, const char *sql)
{
    sqlite3  *db;

    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}


static void
assert_not_opened(world_t *w, int is_readonly, const char *sentence)
{
    char                 error[256];
    ehr_store_options_t  options = { 0 };

    options.path = w->path;
    options.is_readonly = is_readonly;

    assert_null(ehr_store_open(&options, error, sizeof(error)));
    if (strstr(error, sentence) == NULL) {
        print_error("%s\n", error);
        fail();
    }
}


static void
a_newer_journal_is_refused(void **state)
{
    world_t  *w = *state;

    ehr_store_close(w->store);
    w->store = NULL;
    run_sql(w, "PRAGMA user_version = 999");

    assert_not_opened(w, 0, "version 999");
    assert_not_opened(w, 1, "version 999");
}


static void
a_database_of_another_program_is_refused_and_left_alone(void **state)
{
    world_t  *w = *state;

    run_sql(w, "CREATE TABLE theirs (x)");

    assert_not_opened(w, 0, "another program");
    assert_int_equal(ask(w, "SELECT count(*) FROM pragma_journal_mode"
                            " WHERE journal_mode = 'wal'"), 0);
}


static void
a_file_that_is_no_database_is_refused(void **state)
{
    FILE     *file;
    world_t  *w = *state;

    file = fopen(w->path, "w");
    assert_non_null(file);
    assert_true(fputs("this is not a database, and long enough to tell; "
                      "this is not a database, and long enough to tell", file)
                >= 0);
    assert_int_equal(fclose(file), 0);

    assert_not_opened(w, 0, "not a database");
}


static void
a_journal_that_is_not_there_is_not_read(void **state)
{
    world_t  *w = *state;

    assert_not_opened(w, 1, "unable to open");

    (void) snprintf(w->path, sizeof(w->path), "%s/none/journal.db", w->dir);
    assert_not_opened(w, 0, "cannot be opened");
}


static void
the_journal_is_its_owners_alone(void **state)
{
    struct stat   st;
    world_t      *w = *state;

    assert_int_equal(stat(w->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(ask(w, "SELECT count(*) FROM pragma_journal_mode"
                            " WHERE journal_mode = 'wal'"), 1);
    assert_int_equal(ask(w, "PRAGMA application_id"),
                     EHR_STORE_APPLICATION);
}


static void
history_and_audit_cannot_be_rewritten(void **state)
{
    char                *error;
    sqlite3             *db;
    world_t             *w = *state;
    ehr_store_submit_t   op;

    document(w, &op, "<A/>");
    submit(w, &op);

    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE history SET state = 'held'",
                                  NULL, NULL, &error), SQLITE_CONSTRAINT);
    sqlite3_free(error);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM history", NULL, NULL,
                                  &error), SQLITE_CONSTRAINT);
    sqlite3_free(error);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}


static void
state_names_go_both_ways(void **state)
{
    int  i;

    for (i = EHR_STATE_PENDING; i <= EHR_STATE_SUPERSEDED; i++) {
        assert_int_equal(ehr_state_of_name(ehr_str(ehr_state_name(i))), i);
    }

    assert_null(ehr_state_name(0));
    assert_null(ehr_state_name(EHR_STATE_SUPERSEDED + 1));
    assert_int_equal(ehr_state_of_name(ehr_str("")), 0);
    assert_int_equal(ehr_state_of_name(ehr_str("Pending")), 0);
    assert_int_equal(ehr_state_of_name(ehr_str("pend")), 0);
    assert_true(ehr_state_is_settled(EHR_STATE_HELD));
    assert_false(ehr_state_is_settled(EHR_STATE_RETRYING));
}


#define folder_test(name)                                                     \
    cmocka_unit_test_setup_teardown(name, world_folder, world_teardown)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(what_was_stored_comes_back_byte_for_byte),
        store_test(another_facility_sees_neither_document_nor_content),
        store_test(the_same_bytes_are_a_duplicate_with_present_states),
        store_test(the_same_bytes_of_another_facility_are_another_submission),
        store_test(twins_in_one_batch_are_one_submission),
        store_test(a_key_with_other_bytes_is_reused_and_nothing_is_kept),
        store_test(a_key_reused_within_one_batch_is_seen),
        store_test(a_key_that_came_with_known_bytes_is_remembered),
        store_test(a_submission_without_partners_is_stored),
        store_test(a_correction_supersedes_what_has_not_left),
        store_test(a_correction_supersedes_retrying_and_held_but_not_sending),
        store_test(other_keys_kinds_and_facilities_are_not_superseded),
        store_test(a_correction_supersedes_only_where_it_goes_itself),
        store_test(bytes_that_were_corrected_stay_a_duplicate),
        store_test(a_broken_operation_does_not_hurt_its_batch),
        store_test(an_operation_that_breaks_halfway_leaves_nothing),
        store_test(impossible_submissions_are_broken),
        store_test(a_duplicate_that_does_not_fit_the_arena_is_broken),
        store_test(a_readonly_handle_reads_and_does_not_write),
        store_test(a_list_is_newest_first_and_goes_on_from_its_cursor),
        store_test(a_list_of_a_facility_mixes_its_kinds),
        store_test(a_list_is_filtered_by_everything),
        store_test(since_is_exact),
        store_test(a_document_with_two_deliveries_is_listed_once),
        store_test(an_impossible_limit_is_broken),
        store_test(depths_count_open_deliveries_by_partner_and_state),
        store_test(what_was_stored_is_there_after_reopening),
        store_test(what_the_log_owes_the_database_is_known),
        store_test(a_newer_journal_is_refused),
        folder_test(a_database_of_another_program_is_refused_and_left_alone),
        folder_test(a_file_that_is_no_database_is_refused),
        folder_test(a_journal_that_is_not_there_is_not_read),
        store_test(the_journal_is_its_owners_alone),
        store_test(history_and_audit_cannot_be_rewritten),
        cmocka_unit_test(state_names_go_both_ways)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
