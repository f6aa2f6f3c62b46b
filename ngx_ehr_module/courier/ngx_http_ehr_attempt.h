/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One attempt, as the files of its steps share it.  Nobody else includes
 * this: the schedule starts attempts by ngx_http_ehr_schedule.h.
 *
 * Lifetime: from before its claim to ngx_http_ehr_attempt_end(), in an arena
 * of its own; the request and the connection may go before it.
 */

#ifndef NGX_HTTP_EHR_ATTEMPT_H
#define NGX_HTTP_EHR_ATTEMPT_H


#include "ngx_http_ehr_guard.h"
#include "ngx_http_ehr_schedule.h"
#include "ngx_http_ehr_session.h"


struct ngx_http_ehr_attempt_s {
    ngx_http_ehr_batch_t          *batch;     /* NULL: a question */
    ngx_http_ehr_asking_t         *asking;    /* NULL: a delivery */
    ngx_http_ehr_worker_t         *worker;
    ngx_http_ehr_partner_t        *part;
    ehr_claim_t                   *claim;
    ehr_arena_t                   *arena;
    const ngx_http_ehr_account_t  *account;

    ngx_socket_t                   peer;      /* our end; never read */
    ngx_http_request_t            *request;
    ngx_http_request_t            *sr;

    ehr_delivery_t                 dlv;
    ehr_request_t                  req;
    ehr_answer_t                   answer;
    ehr_outcome_t                  outcome;
    int                            prc;       /* of prepare() */
    int64_t                        now_ms;    /* for prepare() */
    int64_t                        started_ms;    /* steady */

    ngx_http_ehr_session_t         session;
    ngx_event_t                    timer;
    ngx_connection_t               dummy;
    ngx_msec_t                     login_since;

    ehr_store_finish_t             finish;
    ehr_store_probed_t             probed;
    ngx_http_ehr_write_t           write;

    unsigned                       has_session:1;
    unsigned                       has_lock:1;
    unsigned                       was_expired:1;
    unsigned                       is_sent:1;     /* a request is out */
    unsigned                       is_answered:1;
    unsigned                       is_astray:1;   /* no proxy_pass there */
    unsigned                       is_unread:1;   /* no memory to judge it */
    unsigned                       is_preparing:1;
    unsigned                       is_finishing:1;
    unsigned                       is_closed:1;   /* the connection is gone */
};


/* --- ngx_http_ehr_attempt.c --- */

/* The mark among the connection's cleanups. */
void ngx_http_ehr_attempt_closed(void *data);

/* NULL: a stranger's connection. */
ngx_http_ehr_attempt_t *ngx_http_ehr_attempt_of_connection(
    ngx_connection_t *c);

/* The result is on disk, or never will be: gives everything back. */
void ngx_http_ehr_attempt_end(ngx_http_ehr_attempt_t *att);


/* --- ngx_http_ehr_attempt_connect.c --- */

ngx_int_t ngx_http_ehr_attempt_connect(ngx_http_ehr_attempt_t *att);


/* --- ngx_http_ehr_attempt_prepare.c --- */

/* The next request, or the end. */
void ngx_http_ehr_attempt_step(ngx_http_ehr_attempt_t *att);

/* This thread's cell, filled for a call of the plugin; may be NULL. */
ngx_http_ehr_guard_t *ngx_http_ehr_attempt_guard(
    const ngx_http_ehr_attempt_t *att);


/* --- ngx_http_ehr_attempt_login.c --- */

/* NGX_OK: go on with the log-in; NGX_DONE: somebody else goes on from
 * here. */
ngx_int_t ngx_http_ehr_attempt_login(ngx_http_ehr_attempt_t *att);

void ngx_http_ehr_attempt_unlock(ngx_http_ehr_attempt_t *att);
void ngx_http_ehr_attempt_logged_in(ngx_http_ehr_attempt_t *att);
void ngx_http_ehr_attempt_expired(ngx_http_ehr_attempt_t *att);

/* The session of this attempt's own log-in was refused, or is gone. */
void ngx_http_ehr_attempt_refused(ngx_http_ehr_attempt_t *att,
                                  const char *reason);


/* --- ngx_http_ehr_attempt_send.c --- */

void ngx_http_ehr_attempt_send(ngx_http_ehr_attempt_t *att);

/* nginx wakes the parent when its subrequest is finished. */
void ngx_http_ehr_attempt_wake(ngx_http_request_t *r);


/* --- ngx_http_ehr_attempt_judge.c --- */

/* The subrequest's post handler. */
ngx_int_t ngx_http_ehr_attempt_answered(ngx_http_request_t *sr, void *data,
                                        ngx_int_t rc);

void ngx_http_ehr_attempt_judge(ngx_http_ehr_attempt_t *att);


/* --- ngx_http_ehr_attempt_finish.c --- */

/* Once; a second call changes nothing.  reason NULL: the outcome's own. */
void ngx_http_ehr_attempt_finish(ngx_http_ehr_attempt_t *att,
                                 ehr_outcome_e kind, const char *reason);

/* A copy that outlives the answer, cut at a character's start. */
ehr_str_t ngx_http_ehr_attempt_keep(ngx_http_ehr_attempt_t *att,
                                    ehr_str_t s);


/* --- ngx_http_ehr_attempt_query.c --- */

/* The same for a question: what is to be written, and the operation. */
ehr_store_op_t *ngx_http_ehr_attempt_query_result(
    ngx_http_ehr_attempt_t *att, ehr_outcome_e kind, const char *reason);

/* It is on disk: who waits for the document is told. */
void ngx_http_ehr_attempt_query_committed(ngx_http_ehr_attempt_t *att);


#endif /* NGX_HTTP_EHR_ATTEMPT_H */
