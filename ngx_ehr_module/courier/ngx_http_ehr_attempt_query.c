/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a question's end means for the delivery it asked for.  Only a word of
 * the partner's own changes it; everything else is asked again, later and
 * later, and a limited number of times.
 */

#include "ngx_http_ehr_attempt.h"
#include "ngx_http_ehr_waiters.h"
#include "ehr_schedule.h"


static ehr_state_e
ngx_http_ehr_query_state(ngx_http_ehr_attempt_t *att, ehr_outcome_e kind)
{
    if (att->answer.kind != EHR_ANSWER_HTTP) {
        return EHR_STATE_UNCERTAIN;
    }

    switch (kind) {

    case EHR_OUTCOME_ACCEPTED:
        return EHR_STATE_ACCEPTED;

    case EHR_OUTCOME_ACCEPTED_WITH_MESSAGE:
        return EHR_STATE_ACCEPTED_WITH_MESSAGE;

    case EHR_OUTCOME_REFUSED:
        return EHR_STATE_REFUSED;

    case EHR_OUTCOME_ABSENT:
        return EHR_STATE_RETRYING;

    default:
        return EHR_STATE_UNCERTAIN;
    }
}


/* 0: it was asked often enough, or no question helps. */

static int64_t
ngx_http_ehr_query_next_ms(ngx_http_ehr_attempt_t *att, const char *reason)
{
    ehr_backoff_t  backoff;

    if (att->claim->probes >= att->part->queries
        || (reason && (ngx_strcmp(reason, "query.none") == 0
                       || ngx_strncmp(reason, "plugin.", 7) == 0)))
    {
        return 0;
    }

    backoff.min_ms = (int64_t) att->part->query_min;
    backoff.max_ms = (int64_t) att->part->query_max;
    backoff.deadline_ms = 0;

    return att->probed.now_ms
           + ehr_backoff_wait_ms(&backoff, att->claim->probes,
                                 (uint32_t) ngx_random(),
                                 att->outcome.retry_after_ms);
}


ehr_store_op_t *
ngx_http_ehr_attempt_query_result(ngx_http_ehr_attempt_t *att,
    ehr_outcome_e kind, const char *reason)
{
    ehr_outcome_t       *out = &att->outcome;
    ehr_store_probed_t  *probed = &att->probed;

    probed->op.type = EHR_STORE_OP_PROBED;
    probed->delivery = att->claim->delivery;
    probed->fence = att->claim->fence;
    probed->now_ms = ngx_http_ehr_now_ms();
    probed->state = ngx_http_ehr_query_state(att, kind);

    if (probed->state == EHR_STATE_UNCERTAIN) {
        probed->next_probe_ms = ngx_http_ehr_query_next_ms(att, reason);
    }

    if (reason) {
        probed->reason = ehr_str(reason);
        return &probed->op;
    }

    probed->reason = ngx_http_ehr_attempt_keep(att, out->reason);
    probed->partner_ref = ngx_http_ehr_attempt_keep(att, out->partner_ref);
    probed->partner_code = ngx_http_ehr_attempt_keep(att, out->partner_code);
    probed->message = ngx_http_ehr_attempt_keep(att, out->message);

    if (probed->state == EHR_STATE_RETRYING) {
        probed->reason = ehr_str("query.absent");

    } else if (probed->state == EHR_STATE_UNCERTAIN
               && probed->next_probe_ms == 0)
    {
        probed->reason = ehr_str("query.exhausted");
    }

    return &probed->op;
}


void
ngx_http_ehr_attempt_query_committed(ngx_http_ehr_attempt_t *att)
{
    if (att->probed.state == EHR_STATE_UNCERTAIN) {
        ngx_http_ehr_asking_due(att->worker, att->part,
                                att->probed.next_probe_ms);
        return;
    }

    ngx_http_ehr_count(att->worker, QUERIES_ANSWERED);

    if (att->probed.state == EHR_STATE_RETRYING) {
        ngx_http_ehr_schedule_kick(att->worker, 1u << att->part->index);
        return;
    }

    ngx_http_ehr_waiters_settled(att->worker, &att->claim->sub);
}
