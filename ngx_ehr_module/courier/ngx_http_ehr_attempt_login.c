/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Log-ins: one at a time for an account, on all workers; at most one in an
 * attempt, for wrong ones lock accounts.  Who must wait looks again every
 * 20 ms, and goes on with the session that the other one got.
 *
 * Who logged in keeps the lock to the end of its attempt.  Where the partner
 * knows an account's newest session alone, couriers that do not share their
 * sessions (two generations of an upgrade) so take turns: each log-in brings
 * a document through before the next one ends its session.
 */

#include "ngx_http_ehr_attempt.h"


#define NGX_HTTP_EHR_LOGIN_LOOK  20        /* ms */
#define NGX_HTTP_EHR_LOGIN_WAIT  60000     /* ms, then tried again later */


void
ngx_http_ehr_attempt_unlock(ngx_http_ehr_attempt_t *att)
{
    if (att->has_lock) {
        ngx_http_ehr_session_unlock(att->worker, att->session.slot);
        att->has_lock = 0;
    }
}


static void
ngx_http_ehr_attempt_look(ngx_event_t *ev)
{
    ngx_connection_t        *c = ev->data;
    ngx_http_ehr_attempt_t  *att = c->data;

    c = att->request->connection;

    if (ngx_current_msec - att->login_since > NGX_HTTP_EHR_LOGIN_WAIT) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY, "session.busy");
        return;
    }

    ngx_http_ehr_attempt_step(att);

    ngx_http_run_posted_requests(c);
}


/*
 * A session fresh from its log-in was refused, or is gone already: somebody
 * else may have logged in to the account meanwhile, so it is tried again;
 * when nothing of the account was taken for a while, a person must look.
 * reason NULL: the outcome's own.
 */

void
ngx_http_ehr_attempt_refused(ngx_http_ehr_attempt_t *att, const char *reason)
{
    ngx_uint_t  is_over;

    is_over = ngx_http_ehr_session_refused(att->worker, att->part,
                                           att->session.slot);

    att->outcome.retry_after_ms =
        ngx_http_ehr_session_pause_ms(att->worker, att->session.slot);

    ngx_http_ehr_attempt_finish(att, is_over ? EHR_OUTCOME_HELD
                                             : EHR_OUTCOME_RETRY, reason);
}


/* NGX_OK: go on with the log-in; NGX_DONE: somebody else goes on from here. */

ngx_int_t
ngx_http_ehr_attempt_login(ngx_http_ehr_attempt_t *att)
{
    ngx_http_ehr_session_t  now;

    if (att->dlv.logins) {
        ngx_http_ehr_attempt_refused(att, "session.refused");
        return NGX_DONE;
    }

    if (att->has_lock) {
        return NGX_OK;
    }

    if (ngx_http_ehr_session_lock(att->worker, att->session.slot) != NGX_OK) {

        if (att->login_since == 0) {
            att->login_since = ngx_current_msec;
        }

        att->timer.handler = ngx_http_ehr_attempt_look;
        ngx_add_timer(&att->timer, NGX_HTTP_EHR_LOGIN_LOOK);
        return NGX_DONE;
    }

    att->has_lock = 1;

    /* Who had the lock before may have left a session, or a refusal. */

    if (ngx_http_ehr_session_get(att->worker, att->part,
                                 att->dlv.account.username, &now)
        != NGX_DECLINED)
    {
        ngx_http_ehr_attempt_unlock(att);
        ngx_http_ehr_attempt_step(att);
        return NGX_DONE;
    }

    /* It left neither: the partner could not.  All who waited asking it one
     * after the other would do nobody good. */

    if (att->login_since) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "session.unavailable");
        return NGX_DONE;
    }

    att->outcome.retry_after_ms =
        ngx_http_ehr_session_pause_ms(att->worker, att->session.slot);

    if (att->outcome.retry_after_ms) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "session.refused");
        return NGX_DONE;
    }

    ngx_http_ehr_count(att->worker, LOGINS);

    return NGX_OK;
}


void
ngx_http_ehr_attempt_logged_in(ngx_http_ehr_attempt_t *att)
{
    ngx_int_t  rc;

    rc = att->has_lock
         ? ngx_http_ehr_session_put(att->worker, att->session.slot,
                                    att->outcome.session,
                                    att->outcome.session_expires_ms)
         : NGX_ERROR;

    if (rc != NGX_OK) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD, "plugin.failed");
        return;
    }

    att->dlv.logins++;
    ngx_http_ehr_attempt_step(att);
}


void
ngx_http_ehr_attempt_expired(ngx_http_ehr_attempt_t *att)
{
    /* At most one log-in for each attempt: wrong ones lock accounts. */

    if (att->dlv.logins) {
        ngx_http_ehr_session_drop(att->worker, &att->session);
        att->outcome.reason = ehr_str("session.refused");
        ngx_http_ehr_attempt_refused(att, NULL);
        return;
    }

    /* Twice, but neither session was of our own log-in: others' luck, which
     * says nothing of the account. */

    if (att->was_expired) {
        ngx_http_ehr_session_drop(att->worker, &att->session);
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "session.expired");
        return;
    }

    att->was_expired = 1;

    if (att->has_session) {
        ngx_http_ehr_session_drop(att->worker, &att->session);
    }

    ngx_http_ehr_attempt_step(att);
}
