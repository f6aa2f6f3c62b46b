/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Log-ins at partners: one session for each account, shared by all workers,
 * and one log-in at a time.
 */

#ifndef NGX_HTTP_EHR_SESSION_H
#define NGX_HTTP_EHR_SESSION_H


#include "ngx_http_ehr.h"


/* A copy of what the account's slot held. */

typedef struct {
    ngx_uint_t      slot;
    uint64_t        generation;
    uint32_t        len;
    u_char          bytes[NGX_HTTP_EHR_SESSION_SIZE];
} ngx_http_ehr_session_t;


ngx_int_t ngx_http_ehr_session_init(ngx_http_ehr_worker_t *worker);
void ngx_http_ehr_session_exit(ngx_http_ehr_worker_t *worker);

/*
 * NGX_OK: a session; NGX_DECLINED: none; NGX_BUSY: the account's log-in was
 * refused and nobody may try again before the configuration is read anew
 * (wrong log-ins lock accounts); NGX_ERROR: no slot is left.
 * session->slot is set for all but NGX_ERROR.
 */
ngx_int_t ngx_http_ehr_session_get(ngx_http_ehr_worker_t *worker,
                                   const ngx_http_ehr_partner_t *part,
                                   ehr_str_t username,
                                   ngx_http_ehr_session_t *session);

/* NGX_OK: the log-in is ours; NGX_AGAIN: another attempt is at it. */
ngx_int_t ngx_http_ehr_session_lock(ngx_http_ehr_worker_t *worker,
                                    ngx_uint_t slot);
void ngx_http_ehr_session_unlock(ngx_http_ehr_worker_t *worker,
                                 ngx_uint_t slot);

/* Only under the lock. */
ngx_int_t ngx_http_ehr_session_put(ngx_http_ehr_worker_t *worker,
                                   ngx_uint_t slot, ehr_str_t bytes,
                                   int64_t expires_ms);
void ngx_http_ehr_session_block(ngx_http_ehr_worker_t *worker,
                                ngx_uint_t slot);

/*
 * A session fresh from its log-in was refused.  The account's next log-in
 * waits, longer with each refusal.  Only under the lock.
 * Gives  1 when that has lasted for part->refused, with no session of the
 *        account taken in between: a person must look
 */
ngx_uint_t ngx_http_ehr_session_refused(ngx_http_ehr_worker_t *worker,
                                        const ngx_http_ehr_partner_t *part,
                                        ngx_uint_t slot);

/* The partner took a request with a session of the account. */
void ngx_http_ehr_session_taken(ngx_http_ehr_worker_t *worker,
                                ngx_uint_t slot);

/* Milliseconds until the account may be logged in to; 0: now.  Only under
 * the lock. */
int64_t ngx_http_ehr_session_pause_ms(ngx_http_ehr_worker_t *worker,
                                      ngx_uint_t slot);

/* The session is not valid any more, unless a newer one is there already. */
void ngx_http_ehr_session_drop(ngx_http_ehr_worker_t *worker,
                               const ngx_http_ehr_session_t *session);


#endif /* NGX_HTTP_EHR_SESSION_H */
