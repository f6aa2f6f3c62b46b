/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One try at bringing a delivery to its partner.  The plugin says what to
 * send and what the answer means; nginx sends it, by subrequests to internal
 * locations with stock proxy_pass.  What is due, and when again, is the
 * schedule's part.
 *
 * Life of an attempt:
 *   1. start     a socket pair; nginx gets one end as an accepted connection
 *   2. request   nginx parses it and calls the courier's content handler,
 *                which knows the attempt by a mark among the connection's
 *                cleanups: a stranger's connection has none and gets 403
 *   3. prepare   the plugin's next request; over 16 kB in a thread (I12)
 *   4. log in    only one for an account at a time, on all workers; who must
 *                wait looks again every 20 ms, and goes on with the session
 *                that the other one got
 *   5. answer    judge; back to 3 after a log-in or a further step
 *   6. finish    the result goes to the journal, under the claim's fence
 *   7. end       when it is on disk: the request and the lane are given back
 *
 * Whatever happens to the connection, 6 happens (I6): the connection's
 * cleanup ends an attempt that is still open as "no answer".
 */

#include "ngx_http_ehr_schedule.h"
#include "ngx_http_ehr_session.h"

#include "ngx_http_ehr_attempt.h"


#define NGX_HTTP_EHR_ATTEMPT_CAP    (512 * 1024 * 1024)


static void
ngx_http_ehr_delivery_init(ngx_http_ehr_attempt_t *att)
{
    ehr_delivery_t    *dlv = &att->dlv;
    ehr_submission_t  *sub = &att->claim->sub;

    dlv->size = sizeof(ehr_delivery_t);
    dlv->attempt = att->claim->attempt;
    dlv->id = ehr_str(sub->id);
    dlv->facility = sub->facility;
    dlv->kind = sub->kind;
    dlv->standard = sub->standard;
    dlv->business_key = sub->business_key;
    dlv->content = att->claim->content;
    dlv->content_type = sub->content_type;

    att->account = ngx_http_ehr_partner_account(att->part, sub->facility);

    if (att->account) {
        dlv->account.username.data = (char *) att->account->username.data;
        dlv->account.username.len = att->account->username.len;
        dlv->account.password.data = (char *) att->account->password.data;
        dlv->account.password.len = att->account->password.len;
    }
}


ngx_http_ehr_attempt_t *
ngx_http_ehr_attempt_create(ngx_http_ehr_worker_t *worker)
{
    ehr_arena_t             *arena;
    ngx_http_ehr_attempt_t  *att;

    arena = ehr_arena_create(NGX_HTTP_EHR_ATTEMPT_CAP);
    att = arena ? ehr_arena_calloc(arena, sizeof(ngx_http_ehr_attempt_t))
                : NULL;

    if (att == NULL) {
        ehr_arena_destroy(arena);
        return NULL;
    }

    att->worker = worker;
    att->arena = arena;
    att->peer = (ngx_socket_t) -1;

    att->dummy.fd = (ngx_socket_t) -1;
    att->dummy.data = att;
    att->timer.data = &att->dummy;
    att->timer.log = worker->cycle->log;

    return att;
}


void
ngx_http_ehr_attempt_destroy(ngx_http_ehr_attempt_t *att)
{
    ehr_arena_destroy(att->arena);
}


static void
ngx_http_ehr_attempt_begin(ngx_http_ehr_attempt_t *att,
    ngx_http_ehr_partner_t *part, ehr_claim_t *claim)
{
    att->part = part;
    att->claim = claim;
    att->started_ms = ngx_http_ehr_steady_ms();

    ngx_http_ehr_hold(att->worker);
    ngx_http_ehr_delivery_init(att);

    if (ngx_http_ehr_attempt_connect(att) != NGX_OK) {
        att->is_closed = 1;
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.no-connection");
    }
}


void
ngx_http_ehr_attempt_start(ngx_http_ehr_batch_t *batch, ehr_claim_t *claim)
{
    ngx_http_ehr_lane_t     *lane = batch->lane;
    ngx_http_ehr_attempt_t  *att = batch->attempts[--batch->nattempts];

    att->batch = batch;

    ngx_http_ehr_count(lane->worker, ATTEMPTS);
    ngx_http_ehr_attempt_begin(att, lane->part, claim);
}


void
ngx_http_ehr_attempt_ask(ngx_http_ehr_asking_t *asking)
{
    ngx_http_ehr_attempt_t  *att = asking->attempt;

    asking->attempt = NULL;
    att->asking = asking;

    ngx_http_ehr_count(asking->worker, QUERIES);
    ngx_http_ehr_attempt_begin(att, asking->part, asking->probe.claims);
}


ngx_http_ehr_attempt_t *
ngx_http_ehr_attempt_of_connection(ngx_connection_t *c)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = c->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_ehr_attempt_closed) {
            return cln->data;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_ehr_courier_handler(ngx_http_request_t *r)
{
    ngx_http_ehr_attempt_t  *att;

    att = ngx_http_ehr_attempt_of_connection(r->connection);

    if (att == NULL) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "a stranger on the courier's socket");
        return NGX_HTTP_FORBIDDEN;
    }

    if (r != r->main) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "partner \"%V\" has no location \"%V\"",
                      &att->part->name, &att->part->location);
        return NGX_HTTP_NOT_FOUND;
    }

    if (att->request || att->is_finishing) {
        return NGX_HTTP_CLOSE;
    }

    att->request = r;

    r->main->count++;
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_ehr_attempt_wake;
    r->log_handler = ngx_http_ehr_log_handler;

    if (att->account == NULL && att->part->accounts_path.len) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD, "account.missing");

    } else {
        ngx_http_ehr_attempt_step(att);
    }

    return NGX_DONE;
}


/*
 * The connection's cleanup: on the regular way out the attempt is ended
 * already; when nginx closed the connection under it, it ends now.
 */

void
ngx_http_ehr_attempt_closed(void *data)
{
    ngx_http_ehr_attempt_t  *att = data;

    att->is_closed = 1;
    att->request = NULL;

    if (att->is_finishing || att->is_preparing) {
        return;
    }

    if (att->is_sent) {
        /* nginx drops the connection after a too large answer, too */

        if (!att->is_answered) {
            att->answer.kind = EHR_ANSWER_LOST;
        }

        att->is_sent = 0;
        att->dlv.step++;
        ngx_http_ehr_attempt_judge(att);
        return;
    }

    ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                "courier.no-connection");
}


void
ngx_http_ehr_attempt_end(ngx_http_ehr_attempt_t *att)
{
    int64_t                 due_ms;
    ngx_connection_t       *c;
    ngx_pool_cleanup_t     *cln;
    ngx_http_request_t     *r = att->request;
    ngx_http_ehr_batch_t   *batch = att->batch;
    ngx_http_ehr_asking_t  *asking = att->asking;
    ngx_http_ehr_worker_t  *worker = att->worker;

    due_ms = att->finish.state == EHR_STATE_RETRYING
             ? att->finish.next_attempt_ms : 0;

    if (r) {
        /* the mark goes: nothing of the attempt outlives it */

        c = r->connection;

        for (cln = c->pool->cleanup; cln; cln = cln->next) {
            if (cln->handler == ngx_http_ehr_attempt_closed) {
                cln->handler = NULL;
            }
        }

        /* for the courier's access log; nobody reads an answer */
        r->headers_out.status = NGX_HTTP_NO_CONTENT;

        ngx_http_finalize_request(r, NGX_ERROR);
        ngx_http_run_posted_requests(c);
    }

    if (att->peer != (ngx_socket_t) -1) {
        (void) ngx_close_socket(att->peer);
    }

    ngx_http_ehr_attempt_destroy(att);

    if (asking) {
        ngx_http_ehr_asking_release(asking);

    } else {
        ngx_http_ehr_lane_release(batch, due_ms);
    }

    ngx_http_ehr_unhold(worker);
}
