/* SPDX-License-Identifier: BSD-2-Clause */

/* Clients that said "Prefer: wait", and what wakes them. */

#ifndef NGX_HTTP_EHR_WAITERS_H
#define NGX_HTTP_EHR_WAITERS_H


#include "ngx_http_ehr.h"


ngx_int_t ngx_http_ehr_waiters_init(ngx_http_ehr_worker_t *worker);

/* On disk is: a delivery of this submission was settled, or the submission
 * itself, which may supersede older ones of its business key.  Wakes whoever
 * waits for one of them, in any worker. */
void ngx_http_ehr_waiters_settled(ngx_http_ehr_worker_t *worker,
                                  const ehr_submission_t *sub);

/* Some deliveries were, and nobody can name them: everybody looks. */
void ngx_http_ehr_waiters_some_settled(ngx_http_ehr_worker_t *worker);


#endif /* NGX_HTTP_EHR_WAITERS_H */
