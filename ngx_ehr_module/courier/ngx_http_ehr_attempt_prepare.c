/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The next request of an attempt, by the plugin's word; over 16 kB in a
 * thread (I12).  Does not look at what the plugin made.
 */

#include "ngx_http_ehr_attempt.h"


#define NGX_HTTP_EHR_ATTEMPT_STEPS  8
#define NGX_HTTP_EHR_INLINE_MAX     (16 * 1024)


static void ngx_http_ehr_attempt_prepared(void *data);


/* A question never carries the document, but the document may have left
 * before it. */

static ngx_http_ehr_call_e
ngx_http_ehr_attempt_call(const ngx_http_ehr_attempt_t *att)
{
    return att->asking == NULL && att->dlv.step == 0
           ? NGX_HTTP_EHR_CALL_FIRST
           : NGX_HTTP_EHR_CALL_LATER;
}


ngx_http_ehr_guard_t *
ngx_http_ehr_attempt_guard(const ngx_http_ehr_attempt_t *att)
{
    ngx_http_ehr_guard_t  *guard = ngx_http_ehr_guard(att->worker);

    if (guard == NULL) {
        return NULL;
    }

    guard->which = (uint32_t) att->part->index + 1;
    guard->delivery = att->claim->delivery;
    guard->fence = att->claim->fence;

    (void) ngx_cpystrn((u_char *) guard->document,
                       (u_char *) att->claim->sub.id,
                       sizeof(guard->document));

    return guard;
}


static void
ngx_http_ehr_attempt_prepare(void *data)
{
    ehr_call_t               call;
    ngx_http_ehr_guard_t    *guard;
    ngx_http_ehr_attempt_t  *att = data;

    call.part = att->part;
    call.arena = att->arena;
    call.now_ms = att->now_ms;

    guard = ngx_http_ehr_attempt_guard(att);
    ngx_http_ehr_guard_enter(guard, ngx_http_ehr_attempt_call(att));

    if (att->asking) {
        att->prc = att->part->plugin->query(&ngx_http_ehr_host, &call,
                                            &att->dlv, &att->req);

    } else {
        att->prc = att->part->plugin->prepare(&ngx_http_ehr_host, &call,
                                              &att->dlv, &att->req);
    }

    ngx_http_ehr_guard_leave(guard);
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
        if (att->dlv.logins) {
            ngx_http_ehr_attempt_refused(att, "session.refused");
            return;
        }
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
