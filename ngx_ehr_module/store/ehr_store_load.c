/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * From rows to structures: a submission and its deliveries; and the history
 * every transition writes.  Inside a transaction that others begin
 * and end.
 */

#include "ehr_store_sqlite.h"


ehr_rc_t
ehr_store_find(ehr_store_t *store, ehr_str_t facility, const char *id,
               int64_t *seq)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_ID_FIND);
    ehr_query_text(&q, id);
    ehr_query_str(&q, facility);

    return ehr_store_get_int(&q, seq);
}


static void
read_submission(ehr_query_t *q, ehr_arena_t *arena, ehr_submission_t *out)
{
    ehr_column_copy(q, 0, out->id, sizeof(out->id));
    out->facility = ehr_column_str(q, 1, arena);
    out->kind = ehr_column_str(q, 2, arena);
    out->standard = ehr_column_str(q, 3, arena);
    out->business_key = ehr_column_str(q, 4, arena);
    out->content_type = ehr_column_str(q, 5, arena);
    out->size = ehr_column_int(q, 7);
    out->received_ms = ehr_column_int(q, 8);
    out->warnings = ehr_column_str(q, 9, arena);
    out->warnings_en = ehr_column_str(q, 10, arena);
}


/* The end of a query that read one row into an arena. */

static ehr_rc_t
end_of_row(ehr_query_t *q)
{
    ehr_query_end(q);

    return q->no_memory ? ehr_store_broken(q->store, "the arena is full")
                        : EHR_OK;
}


ehr_rc_t
ehr_store_load(ehr_store_t *store, int64_t seq, ehr_arena_t *arena,
               ehr_submission_t *out)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    memset(out, 0, sizeof(ehr_submission_t));
    out->seq = seq;

    ehr_query_begin(&q, store, EHR_SQL_SUBMISSION);
    ehr_query_int(&q, seq);

    rc = ehr_query_step(&q);

    if (rc != EHR_AGAIN) {
        ehr_query_end(&q);
        return rc == EHR_OK ? EHR_REFUSED : rc;
    }

    read_submission(&q, arena, out);

    if (!ehr_column_bytes(&q, 6, out->sha256, EHR_SHA256_LEN)) {
        ehr_query_end(&q);
        return ehr_store_broken(store, "a stored digest has a wrong length");
    }

    return end_of_row(&q);
}


static void
read_delivery(ehr_query_t *q, ehr_arena_t *arena, ehr_store_delivery_t *out)
{
    ehr_column_copy(q, 0, out->partner, sizeof(out->partner));
    out->state = ehr_column_state(q, 1);
    out->next_attempt_ms = ehr_column_int(q, 2);
    out->attempts = (uint32_t) ehr_column_int(q, 3);
    out->partner_ref = ehr_column_str(q, 4, arena);
    out->partner_code = ehr_column_str(q, 5, arena);
    out->message = ehr_column_str(q, 6, arena);
    out->reason = ehr_column_str(q, 7, arena);
    out->probes = (uint32_t) ehr_column_int(q, 8);
    out->next_probe_ms = ehr_column_int(q, 9);
}


ehr_rc_t
ehr_store_load_deliveries(ehr_store_t *store, ehr_arena_t *arena,
                          ehr_submission_t *sub)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_DELIVERIES);
    ehr_query_int(&q, sub->seq);

    sub->ndeliveries = 0;

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && sub->ndeliveries < EHR_STORE_MAX_PARTNERS;
         rc = ehr_query_step(&q))
    {
        read_delivery(&q, arena, &sub->deliveries[sub->ndeliveries]);
        sub->ndeliveries++;
    }

    if (rc != EHR_OK && rc != EHR_AGAIN) {
        ehr_query_end(&q);
        return rc;
    }

    return end_of_row(&q);
}


ehr_rc_t
ehr_store_history_add(ehr_store_t *store, const ehr_step_t *step)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_HISTORY_ADD);
    ehr_query_int(&q, step->seq);
    ehr_query_int(&q, step->at_ms);
    ehr_query_text(&q, step->partner);
    ehr_query_text(&q, step->state);
    ehr_query_str(&q, step->reason);

    return ehr_query_run(&q);
}


/* SQLite has changed every row before the first one is returned, so that the
 * history can be written between the steps. */

ehr_rc_t
ehr_store_supersede(ehr_query_t *q, int64_t now_ms)
{
    char        partner[sizeof(((ehr_store_delivery_t *) 0)->partner)];
    ehr_rc_t    rc, added;
    ehr_step_t  step;

    memset(&step, 0, sizeof(ehr_step_t));

    step.at_ms = now_ms;
    step.partner = partner;
    step.state = ehr_state_name(EHR_STATE_SUPERSEDED);
    step.reason = ehr_str(EHR_REASON_NEWER);

    for (rc = ehr_query_step(q); rc == EHR_AGAIN; rc = ehr_query_step(q)) {

        step.seq = ehr_column_int(q, 0);
        ehr_column_copy(q, 1, partner, sizeof(partner));

        added = ehr_store_history_add(q->store, &step);
        if (added != EHR_OK) {
            rc = added;
            break;
        }
    }

    ehr_query_end(q);

    return rc;
}
