/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The next request of an attempt, by the plugin's word; over 16 kB in a
 * thread (I12).  Does not look at what the plugin made.
 */

#include "ngx_http_ehr_attempt.h"


#define NGX_HTTP_EHR_ATTEMPT_STEPS  8
#define NGX_HTTP_EHR_INLINE_MAX     (16 * 1024)


static void ngx_http_ehr_attempt_prepared(void *data);


static void
ngx_http_ehr_attempt_prepare(void *data)
{
    ehr_call_t               call;
    ngx_http_ehr_attempt_t  *att = data;

    call.part = att->part;
    call.arena = att->arena;
    call.now_ms = att->now_ms;

    if (att->asking) {
        att->prc = att->part->plugin->query(&ngx_http_ehr_host, &call,
                                            &att->dlv, &att->req);
        return;
    }

    att->prc = att->part->plugin->prepare(&ngx_http_ehr_host, &call,
                                          &att->dlv, &att->req);
}


void
ngx_http_ehr_attempt_step(ngx_http_ehr_attempt_t *att)
{
    if (att->is_closed) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.no-connection");
        return;
    }

    if (att->dlv.step >= NGX_HTTP_EHR_ATTEMPT_STEPS) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD, "plugin.endless");
        return;
    }

    att->has_session = 0;
    att->dlv.session.len = 0;

    switch (ngx_http_ehr_session_get(att->worker, att->part,
                                     att->dlv.account.username,
                                     &att->session))
    {

    case NGX_OK:
        att->has_session = 1;
        att->login_since = 0;
        att->dlv.session.data = (char *) att->session.bytes;
        att->dlv.session.len = att->session.len;
        break;

    case NGX_DECLINED:
        break;

    case NGX_BUSY:
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD,
                                    "account.blocked");
        return;

    default:
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "session.no-slot");
        return;
    }

    ngx_memzero(&att->req, sizeof(ehr_request_t));
    att->req.size = sizeof(ehr_request_t);
    att->now_ms = ngx_http_ehr_now_ms();

    if (att->dlv.content.len <= NGX_HTTP_EHR_INLINE_MAX) {
        ngx_http_ehr_attempt_prepare(att);
        ngx_http_ehr_attempt_send(att);
        return;
    }

    if (ngx_http_ehr_thread_post(att->worker, att->worker->mcf->work_pool,
                                 ngx_http_ehr_attempt_prepare,
                                 ngx_http_ehr_attempt_prepared, att)
        != NGX_OK)
    {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.overloaded");
        return;
    }

    /* nginx keeps the request until the thread is back */
    att->is_preparing = 1;
    att->request->main->blocked++;
}


static void
ngx_http_ehr_attempt_prepared(void *data)
{
    ngx_connection_t        *c;
    ngx_http_ehr_attempt_t  *att = data;

    c = att->request->connection;

    att->is_preparing = 0;
    att->request->main->blocked--;

    if (c->error) {
        /* the worker's time to shut down was over meanwhile */
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.no-connection");

    } else {
        ngx_http_ehr_attempt_send(att);
    }

    ngx_http_run_posted_requests(c);
}
