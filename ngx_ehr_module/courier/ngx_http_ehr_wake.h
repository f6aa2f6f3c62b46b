/* SPDX-License-Identifier: BSD-2-Clause */

/* How a worker hears of results that other workers wrote (ADR 0029). */

#ifndef NGX_HTTP_EHR_WAKE_H
#define NGX_HTTP_EHR_WAKE_H


#include "ngx_http_ehr.h"


typedef struct ngx_http_ehr_wake_s  ngx_http_ehr_wake_t;

/*
 * hash 0: something may have been missed, all waiters are to look.  by_event:
 * 0 when the ring was looked at without one.
 */
typedef void (*ngx_http_ehr_wake_pt)(ngx_http_ehr_worker_t *worker,
    uint64_t hash, ngx_uint_t by_event);

/* In the master, before the fork: the events of all slots; once, and carried
 * from configuration to configuration (from: the old one's, or NULL). */
void ngx_http_ehr_wake_open(ngx_fd_t *fds, const ngx_fd_t *from,
                            ngx_log_t *log);

ngx_http_ehr_wake_t *ngx_http_ehr_wake_init(ngx_http_ehr_worker_t *worker,
                                            ngx_http_ehr_wake_pt handler);

/* Of facility, kind and business key, so that both a result and newer content
 * are found by it; of the id where there is no key.  Never 0. */
uint64_t ngx_http_ehr_wake_hash(const ehr_submission_t *sub);

/* Between these this worker is told of the hash; the second for its last
 * waiter in the same bucket. */
void ngx_http_ehr_wake_want(ngx_http_ehr_wake_t *wake, uint64_t hash);
void ngx_http_ehr_wake_leave(ngx_http_ehr_wake_t *wake, uint64_t hash);

/* Tells all other workers that want to know. */
void ngx_http_ehr_wake_tell(ngx_http_ehr_wake_t *wake, uint64_t hash);

/* The same without a name: whoever waits, for whatever, is to look. */
void ngx_http_ehr_wake_tell_all(ngx_http_ehr_wake_t *wake);

/* The place in the ring that will be filled next; and: was it told since
 * then, or can that not be known any more? */
uint64_t ngx_http_ehr_wake_mark(ngx_http_ehr_worker_t *worker);
ngx_uint_t ngx_http_ehr_wake_was_told(ngx_http_ehr_wake_t *wake,
                                      uint64_t mark, uint64_t hash);


#endif /* NGX_HTTP_EHR_WAKE_H */
