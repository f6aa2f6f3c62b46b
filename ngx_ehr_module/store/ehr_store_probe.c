/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Asking a partner what became of an uncertain delivery: which are to be
 * asked for now, and what the answer changes.  A probe gives out no document,
 * so nothing can be sent twice by it.
 *
 * Who takes a probe owns it by the row's fence and for a time: when nothing
 * comes back, or its worker is dead, it is asked again.  A person's decision
 * raises the fence, too, so that a late answer changes nothing.
 */

#include "ehr_store_sqlite.h"


#define MAX_FAR  256                  /* that wait too long, a time */


typedef struct {
    int64_t  delivery;
    int64_t  seq;
} asked_t;


static ehr_rc_t
find_asked(ehr_store_t *store, const ehr_store_probe_t *op, asked_t *asked,
           uint32_t *n)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_PROBE_DUE);
    ehr_query_text(&q, op->partner);
    ehr_query_int(&q, op->now_ms);
    ehr_query_int(&q, op->max);

    *n = 0;

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && *n < op->max;
         rc = ehr_query_step(&q))
    {
        asked[*n].delivery = ehr_column_int(&q, 0);
        asked[*n].seq = ehr_column_int(&q, 1);
        (*n)++;
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


/* No question waits that long: the clock was put back. */

static ehr_rc_t
wake_far(ehr_store_t *store, const ehr_store_probe_t *op)
{
    int64_t      cap_ms;
    ehr_query_t  q;

    cap_ms = op->cap_ms > op->lease_ms ? op->cap_ms : op->lease_ms;

    ehr_query_begin(&q, store, EHR_SQL_PROBE_FAR);
    ehr_query_text(&q, op->partner);
    ehr_query_int(&q, op->now_ms);
    ehr_query_int(&q, op->now_ms + cap_ms + EHR_CLOCK_LAG_MS);
    ehr_query_int(&q, MAX_FAR);

    return ehr_query_run(&q);
}


static ehr_rc_t
take(ehr_store_t *store, const ehr_store_probe_t *op, ehr_claim_t *claim)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_PROBE_TAKE);
    ehr_query_int(&q, claim->delivery);
    ehr_query_int(&q, op->now_ms + op->lease_ms);
    ehr_query_int(&q, op->owner.slot);
    ehr_query_int(&q, (int64_t) op->owner.incarnation);

    rc = ehr_query_step(&q);

    if (rc == EHR_AGAIN) {
        claim->fence = ehr_column_int(&q, 0);
        claim->attempt = (uint32_t) ehr_column_int(&q, 1);
        claim->probes = (uint32_t) ehr_column_int(&q, 2);
    }

    ehr_query_end(&q);

    if (rc == EHR_OK) {
        return ehr_store_broken(store, "an uncertain delivery is not there");
    }

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


static ehr_rc_t
load_and_take(ehr_store_t *store, const ehr_store_probe_t *op,
              const asked_t *asked, ehr_claim_t *claim)
{
    ehr_rc_t  rc;

    claim->delivery = asked->delivery;

    rc = ehr_store_load(store, asked->seq, op->arena, &claim->sub);

    if (rc == EHR_OK) {
        rc = take(store, op, claim);
    }

    return rc == EHR_REFUSED
           ? ehr_store_broken(store, "a delivery without its submission")
           : rc;
}


ehr_rc_t
ehr_store_probe(ehr_store_t *store, ehr_store_probe_t *op)
{
    asked_t      asked[EHR_STORE_MAX_PROBES];
    uint32_t     i, n;
    ehr_rc_t     rc;
    ehr_query_t  q;

    op->claims = NULL;
    op->nclaims = 0;
    op->next_due_ms = 0;

    if (op->arena == NULL || op->partner == NULL || op->partner[0] == '\0'
        || op->max == 0 || op->max > EHR_STORE_MAX_PROBES
        || op->lease_ms <= 0)
    {
        return ehr_store_broken(store, "probe with impossible arguments");
    }

    n = 0;
    rc = wake_far(store, op);

    if (rc == EHR_OK) {
        rc = find_asked(store, op, asked, &n);
    }

    if (rc == EHR_OK && n > 0) {
        op->claims = ehr_arena_calloc(op->arena, n * sizeof(ehr_claim_t));
        rc = op->claims != NULL ? EHR_OK
                                : ehr_store_broken(store, "the arena is full");
    }

    for (i = 0; i < n && rc == EHR_OK; i++) {
        rc = load_and_take(store, op, &asked[i], &op->claims[i]);
        op->nclaims += (rc == EHR_OK);
    }

    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_begin(&q, store, EHR_SQL_PROBE_NEXT);
    ehr_query_text(&q, op->partner);

    return ehr_store_get_int(&q, &op->next_due_ms);
}


static ehr_rc_t
write_history(ehr_store_t *store, const ehr_store_probed_t *op,
              ehr_step_t *step)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    step->at_ms = op->now_ms;
    step->state = ehr_state_name(op->state);
    step->reason = op->reason;

    if (step->reason.len == 0) {
        step->reason = ehr_str(op->state == EHR_STATE_UNCERTAIN
                               ? EHR_REASON_UNANSWERED : EHR_REASON_ANSWERED);
    }

    rc = ehr_store_history_add(store, step);

    if (rc != EHR_OK || op->state != EHR_STATE_RETRYING) {
        return rc;
    }

    /* Old content is not sent after new (I7). */

    ehr_query_begin(&q, store, EHR_SQL_SUPERSEDE_SELF);
    ehr_query_int(&q, op->delivery);
    ehr_query_text(&q, EHR_REASON_NEWER);

    return ehr_store_supersede(&q, op->now_ms);
}


ehr_rc_t
ehr_store_probed(ehr_store_t *store, const ehr_store_probed_t *op)
{
    char         partner[sizeof(((ehr_store_delivery_t *) 0)->partner)];
    ehr_rc_t     rc;
    ehr_step_t   step;
    ehr_query_t  q;

    if (op->state != EHR_STATE_ACCEPTED && op->state != EHR_STATE_REFUSED
        && op->state != EHR_STATE_ACCEPTED_WITH_MESSAGE
        && op->state != EHR_STATE_RETRYING
        && op->state != EHR_STATE_UNCERTAIN)
    {
        return ehr_store_broken(store, "a probe cannot end in that state");
    }

    ehr_query_begin(&q, store, EHR_SQL_PROBE_END);
    ehr_query_int(&q, op->delivery);
    ehr_query_int(&q, op->fence);
    ehr_query_text(&q, ehr_state_name(op->state));
    ehr_query_int(&q, op->state == EHR_STATE_RETRYING ? op->now_ms : 0);
    ehr_query_int(&q, op->state == EHR_STATE_UNCERTAIN ? op->next_probe_ms
                                                       : 0);
    ehr_query_str(&q, op->partner_ref);
    ehr_query_str(&q, op->partner_code);
    ehr_query_str(&q, op->message);
    ehr_query_str(&q, op->reason);

    rc = ehr_query_step(&q);

    if (rc == EHR_AGAIN) {
        step.seq = ehr_column_int(&q, 0);
        ehr_column_copy(&q, 1, partner, sizeof(partner));
        step.partner = partner;
    }

    ehr_query_end(&q);

    if (rc == EHR_OK) {
        return EHR_REFUSED;
    }

    return rc == EHR_AGAIN ? write_history(store, op, &step) : rc;
}
