/* SPDX-License-Identifier: BSD-2-Clause */

/* Clients that said "Prefer: wait", and what wakes them. */

#ifndef NGX_HTTP_EHR_WAITERS_H
#define NGX_HTTP_EHR_WAITERS_H


#include "ngx_http_ehr.h"


ngx_int_t ngx_http_ehr_waiters_init(ngx_http_ehr_worker_t *worker);

/* A delivery of this submission was settled and is on disk: wakes this
 * worker's waiters now, other workers' within some milliseconds. */
void ngx_http_ehr_waiters_settled(ngx_http_ehr_worker_t *worker,
                                  const char *id);


#endif /* NGX_HTTP_EHR_WAITERS_H */
