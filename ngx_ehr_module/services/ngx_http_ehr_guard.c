/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The cells of running calls, and the handler that marks one.  Decides what a
 * crash is: a fault of the thread that was in the call, never a signal from
 * outside, so that kill -9 and an operator's kill -ABRT blame no document.
 * What follows from a mark is for others to say.
 *
 * A cell belongs to its thread until the process is gone.  Marked cells are
 * the memory of crashes: they are taken last, the oldest first.
 */

#include "ngx_http_ehr_guard.h"

#include <signal.h>
#include <sys/syscall.h>


/* The largest frame of a signal that today's processors make is 11 kB. */
#define NGX_HTTP_EHR_GUARD_STACK  (32 * 1024)


static const int  ngx_http_ehr_guard_signals[NGX_HTTP_EHR_SIGNALS] = {
    SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL
};


/* Each thread's own.  The stack: a plugin that recurses without end has used
 * up the other one. */

static _Thread_local ngx_http_ehr_guard_t  *ngx_http_ehr_guard_own;
static _Thread_local u_char
    ngx_http_ehr_guard_stack[NGX_HTTP_EHR_GUARD_STACK];


static ngx_atomic_uint_t
ngx_http_ehr_guard_tid(void)
{
    return (ngx_atomic_uint_t) syscall(SYS_gettid);
}


/* In the handler: nothing but reads, stores and plain system calls. */

static void
ngx_http_ehr_guard_mark(ngx_http_ehr_shared_t *shared)
{
    ngx_uint_t              i;
    ngx_atomic_uint_t       pid, tid;
    ngx_http_ehr_guard_t   *guard;

    pid = (ngx_atomic_uint_t) getpid();
    tid = ngx_http_ehr_guard_tid();

    for (i = 0; i < NGX_HTTP_EHR_GUARDS; i++) {
        guard = &shared->guards[i];

        if (guard->pid == pid && guard->tid == tid && guard->call != 0
            && guard->crash == 0)
        {
            guard->crash = ngx_atomic_fetch_add(&shared->crashes, 1) + 1;
        }
    }
}


static ngx_uint_t
ngx_http_ehr_guard_is_fault(const siginfo_t *info)
{
    /* abort() sends its signal to its own thread */

    return info->si_code > 0
           || (info->si_code == SI_TKILL && info->si_pid == getpid());
}


/*
 * Who was there before us (the default, a sanitizer) gets the signal again,
 * a fault by the very instruction, so that the core file shows it.
 */

static void
ngx_http_ehr_guard_caught(int signo, siginfo_t *info, void *context)
{
    ngx_uint_t                 i;
    struct sigaction           plain;
    ngx_http_ehr_main_conf_t  *mcf;

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_http_ehr_module);

    if (ngx_http_ehr_guard_is_fault(info)) {
        ngx_http_ehr_guard_mark(mcf->shared);
    }

    for (i = 0; i < NGX_HTTP_EHR_SIGNALS; i++) {
        if (ngx_http_ehr_guard_signals[i] == signo) {
            plain = mcf->worker->signals[i];
            (void) sigaction(signo, &plain, NULL);
        }
    }

    if (info->si_code <= 0) {
        (void) raise(signo);
    }
}


/* A cell that a process of the same number left is nobody's. */

static void
ngx_http_ehr_guard_forget(ngx_http_ehr_shared_t *shared)
{
    ngx_uint_t             i;
    ngx_http_ehr_guard_t  *guard;

    for (i = 0; i < NGX_HTTP_EHR_GUARDS; i++) {
        guard = &shared->guards[i];

        if (guard->pid == (ngx_atomic_uint_t) getpid() && guard->crash == 0) {
            guard->call = 0;
            guard->pid = 0;
        }
    }
}


ngx_int_t
ngx_http_ehr_guard_init(ngx_http_ehr_worker_t *worker)
{
    ngx_uint_t        i;
    struct sigaction  sa;

    ngx_http_ehr_guard_forget(worker->shared);

    ngx_memzero(&sa, sizeof(struct sigaction));
    sa.sa_sigaction = ngx_http_ehr_guard_caught;
    sa.sa_flags = SA_SIGINFO|SA_ONSTACK;
    sigemptyset(&sa.sa_mask);

    for (i = 0; i < NGX_HTTP_EHR_SIGNALS; i++) {
        if (sigaction(ngx_http_ehr_guard_signals[i], &sa,
                      &worker->signals[i])
            == -1)
        {
            ngx_log_error(NGX_LOG_EMERG, worker->cycle->log, ngx_errno,
                          "sigaction() failed");
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* A sanitizer's own stack for signals is left to it. */

static void
ngx_http_ehr_guard_set_stack(void)
{
    stack_t  present, own;

    if (sigaltstack(NULL, &present) == -1 || !(present.ss_flags & SS_DISABLE))
    {
        return;
    }

    ngx_memzero(&own, sizeof(stack_t));
    own.ss_sp = ngx_http_ehr_guard_stack;
    own.ss_size = NGX_HTTP_EHR_GUARD_STACK;

    (void) sigaltstack(&own, NULL);
}


static ngx_uint_t
ngx_http_ehr_guard_is_left(const ngx_http_ehr_guard_t *guard)
{
    return guard->pid == 0
           || (kill((pid_t) guard->pid, 0) == -1 && ngx_errno == ESRCH);
}


static ngx_uint_t
ngx_http_ehr_guard_win(ngx_http_ehr_guard_t *guard)
{
    if (!ngx_atomic_cmp_set(&guard->pid, guard->pid,
                            (ngx_atomic_uint_t) getpid()))
    {
        return 0;
    }

    guard->call = 0;
    guard->crash = 0;
    guard->tid = ngx_http_ehr_guard_tid();

    return 1;
}


/* Once a thread. */

static ngx_http_ehr_guard_t *
ngx_http_ehr_guard_take(ngx_http_ehr_shared_t *shared)
{
    ngx_uint_t             i;
    ngx_http_ehr_guard_t  *guard, *oldest;

    oldest = NULL;

    for (i = 0; i < NGX_HTTP_EHR_GUARDS; i++) {
        guard = &shared->guards[i];

        if (!ngx_http_ehr_guard_is_left(guard)) {
            continue;
        }

        if (guard->crash == 0 && ngx_http_ehr_guard_win(guard)) {
            return guard;
        }

        if (oldest == NULL || guard->crash < oldest->crash) {
            oldest = guard;
        }
    }

    return oldest && ngx_http_ehr_guard_win(oldest) ? oldest : NULL;
}


ngx_http_ehr_guard_t *
ngx_http_ehr_guard(ngx_http_ehr_worker_t *worker)
{
    if (ngx_http_ehr_guard_own == NULL) {
        ngx_http_ehr_guard_set_stack();
        ngx_http_ehr_guard_own = ngx_http_ehr_guard_take(worker->shared);
    }

    return ngx_http_ehr_guard_own;
}


const ngx_http_ehr_guard_t *
ngx_http_ehr_guard_of_delivery(ngx_http_ehr_worker_t *worker,
    int64_t delivery, int64_t fence)
{
    ngx_uint_t                   i;
    const ngx_http_ehr_guard_t  *guard;

    for (i = 0; i < NGX_HTTP_EHR_GUARDS; i++) {
        guard = &worker->shared->guards[i];

        if (guard->crash && guard->call != NGX_HTTP_EHR_CALL_CHECK
            && guard->delivery == delivery && guard->fence == fence)
        {
            return guard;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_ehr_guard_is_of_content(ngx_http_ehr_worker_t *worker,
    const ngx_http_ehr_guard_t *guard, const u_char *sha256)
{
    return __atomic_load_n(&guard->call, __ATOMIC_ACQUIRE)
           == NGX_HTTP_EHR_CALL_CHECK
           && guard->configured_ms == worker->mcf->configured_ms
           && ngx_memcmp(guard->sha256, sha256, EHR_SHA256_LEN) == 0;
}


ngx_http_ehr_guard_known_t
ngx_http_ehr_guard_of_content(ngx_http_ehr_worker_t *worker,
    const u_char *sha256)
{
    ngx_uint_t                   i;
    const ngx_http_ehr_guard_t  *guard;
    ngx_http_ehr_guard_known_t   known;

    ngx_memzero(&known, sizeof(ngx_http_ehr_guard_known_t));

    /* the caller's own cell is seen by others before theirs are read */
    ngx_memory_barrier();

    if (worker->shared->crashes == 0) {
        return known;
    }

    for (i = 0; i < NGX_HTTP_EHR_GUARDS; i++) {
        guard = &worker->shared->guards[i];

        if (guard == ngx_http_ehr_guard_own
            || !ngx_http_ehr_guard_is_of_content(worker, guard, sha256))
        {
            continue;
        }

        if (guard->crash) {
            known.which = guard->which;
            known.crashes++;

        } else if (!ngx_http_ehr_guard_is_left(guard)) {
            known.is_checked = 1;
        }
    }

    return known;
}


/* A process that died in a call has left its cell as it was. */

const ngx_http_ehr_guard_t *
ngx_http_ehr_guard_longest(ngx_http_ehr_worker_t *worker, int64_t *ms)
{
    int64_t                since_ms;
    ngx_uint_t             i;
    ngx_http_ehr_guard_t  *guard, *longest;

    longest = NULL;
    since_ms = 0;

    for (i = 0; i < NGX_HTTP_EHR_GUARDS; i++) {
        guard = &worker->shared->guards[i];

        if (__atomic_load_n(&guard->call, __ATOMIC_ACQUIRE) == 0
            || guard->crash != 0 || ngx_http_ehr_guard_is_left(guard)
            || (longest && guard->since_ms >= since_ms))
        {
            continue;
        }

        longest = guard;
        since_ms = guard->since_ms;
    }

    *ms = longest ? ngx_http_ehr_guard_now_ms() - since_ms : 0;

    return longest;
}
