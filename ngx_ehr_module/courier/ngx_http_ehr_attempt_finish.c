/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The result of an attempt on its way to the journal, under the claim's
 * fence; again each second when the store is away.
 */

#include "ngx_http_ehr_attempt.h"
#include "ngx_http_ehr_waiters.h"
#include "ehr_schedule.h"


#define NGX_HTTP_EHR_FINISH_AGAIN  1000    /* ms, when the store is away */
#define NGX_HTTP_EHR_MESSAGE_MAX   2048    /* bytes kept of a partner's */


static void ngx_http_ehr_attempt_commit(ngx_http_ehr_attempt_t *att);


/* I8: no answer came to what was sent, or none that could be read, and the
 * plugin has not declared that a repeat is safe. */

static ngx_uint_t
ngx_http_ehr_attempt_may_have_arrived(ngx_http_ehr_attempt_t *att)
{
    return (att->is_unread || att->answer.kind == EHR_ANSWER_LOST)
           && !(att->answer.flags & EHR_REQUEST_LOGIN)
           && !ngx_http_ehr_partner_is_repeat_safe(att->part,
                                             att->claim->sub.kind.data);
}


static ehr_state_e
ngx_http_ehr_state_of_outcome(ngx_http_ehr_attempt_t *att, ehr_outcome_e kind)
{
    switch (kind) {

    case EHR_OUTCOME_ACCEPTED:
        return EHR_STATE_ACCEPTED;

    case EHR_OUTCOME_ACCEPTED_WITH_MESSAGE:
        return EHR_STATE_ACCEPTED_WITH_MESSAGE;

    case EHR_OUTCOME_REFUSED:
        return EHR_STATE_REFUSED;

    case EHR_OUTCOME_UNCERTAIN:
        return EHR_STATE_UNCERTAIN;

    case EHR_OUTCOME_RETRY:
        return ngx_http_ehr_attempt_may_have_arrived(att)
               ? EHR_STATE_UNCERTAIN : EHR_STATE_RETRYING;

    default:
        return ngx_http_ehr_attempt_may_have_arrived(att)
               ? EHR_STATE_UNCERTAIN : EHR_STATE_HELD;
    }
}


static void
ngx_http_ehr_attempt_schedule(ngx_http_ehr_attempt_t *att)
{
    int64_t               now;
    ehr_backoff_t         backoff;
    ehr_store_finish_t   *finish = &att->finish;

    now = finish->now_ms;

    backoff.min_ms = (int64_t) att->part->retry_min;
    backoff.max_ms = (int64_t) att->part->retry_max;
    backoff.deadline_ms = (int64_t) att->part->deadline * 1000;

    if (ehr_backoff_is_over(&backoff, att->claim->sub.received_ms, now)) {
        finish->state = EHR_STATE_HELD;
        finish->reason = ehr_str("deadline.passed");
        return;
    }

    finish->next_attempt_ms = now
        + ehr_backoff_wait_ms(&backoff, att->claim->attempt,
                              (uint32_t) ngx_random(),
                              att->outcome.retry_after_ms);
}


/*
 * A copy: the answer it may lie in goes with the request.  Cut at a
 * character's start: it goes into JSON answers.
 */

ehr_str_t
ngx_http_ehr_attempt_keep(ngx_http_ehr_attempt_t *att, ehr_str_t s)
{
    if (s.len > NGX_HTTP_EHR_MESSAGE_MAX) {
        s.len = NGX_HTTP_EHR_MESSAGE_MAX;

        while (s.len && ((u_char) s.data[s.len] & 0xc0) == 0x80) {
            s.len--;
        }
    }

    s = ehr_arena_dup(att->arena, s.data, s.len);

    if (s.data == NULL) {
        s.len = 0;
    }

    return s;
}


/* A person's work on the accounts may have been done already, by a reload
 * that this worker, still of the old configuration, does not know. */

static ehr_outcome_e
ngx_http_ehr_attempt_final_kind(ngx_http_ehr_attempt_t *att,
    ehr_outcome_e kind, const char *reason)
{
    if (kind == EHR_OUTCOME_HELD
        && ngx_http_ehr_schedule_may_unhold(att->worker,
                                            reason ? ehr_str(reason)
                                                   : att->outcome.reason))
    {
        return EHR_OUTCOME_RETRY;
    }

    return kind;
}


static void
ngx_http_ehr_attempt_leave_login(ngx_http_ehr_attempt_t *att,
    ehr_outcome_e kind)
{
    /* A log-in that a person must look at is not repeated by anybody: the
     * partner counts wrong ones, and locks the account. */

    if (att->has_lock && att->dlv.logins == 0 && kind == EHR_OUTCOME_HELD) {
        ngx_http_ehr_session_block(att->worker, att->session.slot);
    }

    ngx_http_ehr_attempt_unlock(att);

    if (att->timer.timer_set) {
        ngx_del_timer(&att->timer);
    }
}


/* What the last answer says of the partner as a whole, whatever it says of
 * the document.  No request, or one that nginx itself refused, says nothing.
 */

static void
ngx_http_ehr_attempt_tell(ngx_http_ehr_attempt_t *att)
{
    uint32_t          status = att->answer.status;
    ehr_lane_event_e  kind;

    if (att->is_astray) {
        return;
    }

    switch (att->answer.kind) {

    case EHR_ANSWER_HTTP:
        kind = status >= NGX_HTTP_INTERNAL_SERVER_ERROR
               || status == NGX_HTTP_REQUEST_TIME_OUT
               || status == NGX_HTTP_TOO_MANY_REQUESTS
               ? EHR_LANE_FAILED : EHR_LANE_ANSWERED;
        break;

    case EHR_ANSWER_UNSENT:
        kind = EHR_LANE_UNREACHABLE;
        break;

    case EHR_ANSWER_LOST:
        kind = EHR_LANE_FAILED;
        break;

    default:
        return;
    }

    ngx_http_ehr_lane_tell(att->batch->lane, kind, att->started_ms);
}


void
ngx_http_ehr_attempt_finish(ngx_http_ehr_attempt_t *att, ehr_outcome_e kind,
    const char *reason)
{
    ehr_outcome_t       *out;
    ehr_store_finish_t  *finish = &att->finish;

    if (att->is_finishing) {
        return;
    }

    att->is_finishing = 1;

    ngx_http_ehr_attempt_leave_login(att, kind);

    if (att->asking) {
        att->write.op = ngx_http_ehr_attempt_query_result(att, kind, reason);
        ngx_http_ehr_attempt_commit(att);
        return;
    }

    ngx_http_ehr_attempt_tell(att);

    kind = ngx_http_ehr_attempt_final_kind(att, kind, reason);

    att->write.op = &finish->op;
    finish->op.type = EHR_STORE_OP_FINISH;
    finish->delivery = att->claim->delivery;
    finish->fence = att->claim->fence;
    finish->now_ms = ngx_http_ehr_now_ms();
    finish->http_status = (int) att->answer.status;
    finish->state = ngx_http_ehr_state_of_outcome(att, kind);

    if (reason) {
        finish->reason = ehr_str(reason);

    } else {
        out = &att->outcome;
        finish->reason = ngx_http_ehr_attempt_keep(att, out->reason);
        finish->partner_ref = ngx_http_ehr_attempt_keep(att,
                                                        out->partner_ref);
        finish->partner_code = ngx_http_ehr_attempt_keep(att,
                                                         out->partner_code);
        finish->message = ngx_http_ehr_attempt_keep(att, out->message);
    }

    if (finish->state == EHR_STATE_RETRYING) {
        ngx_http_ehr_attempt_schedule(att);

    } else if (finish->state == EHR_STATE_UNCERTAIN) {
        finish->next_probe_ms = ngx_http_ehr_first_query_ms(att->part);
    }

    ngx_http_ehr_attempt_commit(att);
}


static void
ngx_http_ehr_attempt_commit_again(ngx_event_t *ev)
{
    ngx_connection_t  *c = ev->data;

    ngx_http_ehr_attempt_commit(c->data);
}


static void
ngx_http_ehr_attempt_counted(ngx_http_ehr_attempt_t *att)
{
    switch (att->finish.state) {

    case EHR_STATE_ACCEPTED:
        ngx_http_ehr_count(att->worker, OUT_ACCEPTED);
        break;

    case EHR_STATE_ACCEPTED_WITH_MESSAGE:
        ngx_http_ehr_count(att->worker, OUT_MESSAGE);
        break;

    case EHR_STATE_REFUSED:
        ngx_http_ehr_count(att->worker, OUT_REFUSED);
        break;

    case EHR_STATE_RETRYING:
        ngx_http_ehr_count(att->worker, OUT_RETRYING);
        break;

    case EHR_STATE_UNCERTAIN:
        ngx_http_ehr_count(att->worker, OUT_UNCERTAIN);
        break;

    default:
        ngx_http_ehr_count(att->worker, OUT_HELD);
    }
}


static void
ngx_http_ehr_attempt_committed(ngx_http_ehr_write_t *write)
{
    ngx_http_ehr_attempt_t  *att = write->data;

    switch (att->write.op->rc) {

    case EHR_LATER:
        att->timer.handler = ngx_http_ehr_attempt_commit_again;
        ngx_add_timer(&att->timer, NGX_HTTP_EHR_FINISH_AGAIN);
        return;

    case EHR_OK:
        if (att->asking) {
            ngx_http_ehr_attempt_query_committed(att);
            break;
        }

        ngx_http_ehr_attempt_counted(att);
        ngx_http_ehr_asking_due(att->worker, att->part,
                                att->finish.next_probe_ms);

        /* What is to be tried again may be superseded instead. */

        if (ehr_state_is_settled(att->finish.state)
            || att->finish.state == EHR_STATE_RETRYING)
        {
            ngx_http_ehr_waiters_settled(att->worker, &att->claim->sub);
        }

        break;

    case EHR_REFUSED:
        ngx_log_error(NGX_LOG_WARN, att->worker->cycle->log, 0,
                      "late result of an attempt ignored, document=%s "
                      "partner=%V", att->claim->sub.id, &att->part->name);
        break;

    default:
        ngx_log_error(NGX_LOG_ALERT, att->worker->cycle->log, 0,
                      "result of an attempt not stored: a bug, document=%s "
                      "partner=%V", att->claim->sub.id, &att->part->name);
    }

    ngx_http_ehr_attempt_end(att);
}


static void
ngx_http_ehr_attempt_commit(ngx_http_ehr_attempt_t *att)
{
    att->write.done = ngx_http_ehr_attempt_committed;
    att->write.data = att;

    if (ngx_http_ehr_journal_write(att->worker, &att->write) != NGX_OK) {
        att->timer.handler = ngx_http_ehr_attempt_commit_again;
        ngx_add_timer(&att->timer, NGX_HTTP_EHR_FINISH_AGAIN);
    }
}
