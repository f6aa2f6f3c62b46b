/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Who was at work when a worker crashed.  Each thread that runs a plugin says
 * so before, in a cell of the shared memory; a crash leaves its mark there,
 * and whoever comes after it reads it.
 */

#ifndef NGX_HTTP_EHR_GUARD_H
#define NGX_HTTP_EHR_GUARD_H


#include "ngx_http_ehr.h"


/* In a worker, before its first call. */
ngx_int_t ngx_http_ehr_guard_init(ngx_http_ehr_worker_t *worker);

/*
 * A call begins, in this thread: the cell, whose details are the caller's to
 * fill before ngx_http_ehr_guard_enter(); NULL: there is no room, the call
 * goes without.
 */
ngx_http_ehr_guard_t *ngx_http_ehr_guard(ngx_http_ehr_worker_t *worker);

static ngx_inline void
ngx_http_ehr_guard_enter(ngx_http_ehr_guard_t *guard,
    ngx_http_ehr_call_e call)
{
    if (guard) {
        __atomic_store_n(&guard->call, (uint32_t) call, __ATOMIC_RELEASE);
    }
}


static ngx_inline void
ngx_http_ehr_guard_leave(ngx_http_ehr_guard_t *guard)
{
    if (guard) {
        __atomic_store_n(&guard->call, 0, __ATOMIC_RELEASE);
    }
}


/* The mark of a crash in a call for this delivery under this fence; NULL:
 * there was none.  Any thread. */
const ngx_http_ehr_guard_t *ngx_http_ehr_guard_of_delivery(
    ngx_http_ehr_worker_t *worker, int64_t delivery, int64_t fence);

/* How often the check of these bytes crashed under this configuration; which:
 * the validator, from 1, or 0.  Any thread. */
ngx_uint_t ngx_http_ehr_guard_of_content(ngx_http_ehr_worker_t *worker,
                                         const u_char *sha256,
                                         ngx_uint_t *which);


#endif /* NGX_HTTP_EHR_GUARD_H */
