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

static ngx_inline int64_t
ngx_http_ehr_guard_now_ms(void)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}


static ngx_inline void
ngx_http_ehr_guard_enter(ngx_http_ehr_guard_t *guard,
    ngx_http_ehr_call_e call)
{
    if (guard) {
        guard->since_ms = ngx_http_ehr_guard_now_ms();
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

/*
 * What is known of the checks of these bytes under this configuration, but
 * for the caller's own.  Of two threads that have entered a check of the same
 * bytes and ask then, at least one is told of the other.  Any thread.
 */

typedef struct {
    ngx_uint_t      crashes;
    ngx_uint_t      which;            /* of a crash: the validator, from 1 */
    unsigned        is_checked:1;     /* now, by another thread; looked for
                                         only after a crash */
} ngx_http_ehr_guard_known_t;

ngx_http_ehr_guard_known_t ngx_http_ehr_guard_of_content(
    ngx_http_ehr_worker_t *worker, const u_char *sha256);

/* The call that has run longest of all that run now, in any worker; since it
 * began in *ms.  NULL: none runs.  The cell may be another call's meanwhile:
 * for show alone.  Any thread. */
const ngx_http_ehr_guard_t *ngx_http_ehr_guard_longest(
    ngx_http_ehr_worker_t *worker, int64_t *ms);


#endif /* NGX_HTTP_EHR_GUARD_H */
