/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Sessions live in shared memory, for they may be lost: a log-in makes a new
 * one.  Who logs in holds a byte of a lock file (an OFD lock, which the
 * kernel frees when the worker dies); within a worker a flag stands for it,
 * because all its attempts share the one descriptor.
 *
 * A slot is written only under that lock, and read by anybody: a sequence
 * number, odd while it is written, tells a torn read.  A worker killed in the
 * middle leaves it odd, which reads as "no session"; the next writer mends it.
 */

#include "ngx_http_ehr_session.h"
#include "ngx_http_ehr_schedule.h"
#include "ehr_schedule.h"

#include <fcntl.h>


#define NGX_HTTP_EHR_SESSION_PROBES  64
#define NGX_HTTP_EHR_SESSION_PAUSE   15000     /* ms between log-ins, at most,
                                                  after fresh ones refused */


ngx_int_t
ngx_http_ehr_session_init(ngx_http_ehr_worker_t *worker)
{
    u_char                    path[NGX_MAX_PATH];
    ngx_fd_t                  fd;
    ngx_http_ehr_schedule_t  *schedule = worker->schedule;

    if (schedule->logins_fd != NGX_INVALID_FILE) {
        return NGX_OK;
    }

    if (ngx_snprintf(path, NGX_MAX_PATH, "%V.logins%Z",
                     &worker->mcf->store_path)
        == path + NGX_MAX_PATH)
    {
        return NGX_ERROR;
    }

    fd = open((char *) path, O_RDWR|O_CREAT|O_CLOEXEC, 0600);
    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_ERR, worker->cycle->log, ngx_errno,
                      "open(\"%s\") failed", path);
        return NGX_ERROR;
    }

    schedule->logins_fd = fd;

    return NGX_OK;
}


void
ngx_http_ehr_session_exit(ngx_http_ehr_worker_t *worker)
{
    if (worker->schedule->logins_fd != NGX_INVALID_FILE) {
        (void) close(worker->schedule->logins_fd);
    }
}


/* FNV-1a over partner and account; never 0, which is a free slot. */

static uint64_t
ngx_http_ehr_session_key(const ngx_http_ehr_partner_t *part,
    ehr_str_t username)
{
    size_t    i;
    uint64_t  hash = 14695981039346656037ULL;

    for (i = 0; i <= part->name.len; i++) {
        hash = (hash ^ part->name.data[i]) * 1099511628211ULL;
    }

    for (i = 0; i < username.len; i++) {
        hash = (hash ^ (u_char) username.data[i]) * 1099511628211ULL;
    }

    return hash | 1;
}


static ngx_http_ehr_session_slot_t *
ngx_http_ehr_session_slot(ngx_http_ehr_worker_t *worker, uint64_t key,
    ngx_uint_t *n)
{
    uint64_t                      found;
    ngx_uint_t                    i;
    ngx_http_ehr_session_slot_t  *slot;

    for (i = 0; i < NGX_HTTP_EHR_SESSION_PROBES; i++) {
        *n = (key + i) % NGX_HTTP_EHR_SESSIONS;
        slot = &worker->shared->sessions[*n];
        found = 0;

        /* Slots are never given back: accounts are few and stay. */

        if (__atomic_compare_exchange_n(&slot->key, &found, key, 0,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
            || found == key)
        {
            return slot;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_ehr_session_get(ngx_http_ehr_worker_t *worker,
    const ngx_http_ehr_partner_t *part, ehr_str_t username,
    ngx_http_ehr_session_t *session)
{
    int64_t                       now, expires, blocked;
    ngx_atomic_uint_t             seq;
    ngx_http_ehr_session_slot_t  *slot;

    slot = ngx_http_ehr_session_slot(worker,
                                     ngx_http_ehr_session_key(part, username),
                                     &session->slot);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    now = ngx_http_ehr_now_ms();
    seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);

    session->len = ngx_min(slot->len, NGX_HTTP_EHR_SESSION_SIZE);
    session->generation = slot->generation;
    ngx_memcpy(session->bytes, slot->bytes, session->len);
    expires = slot->expires_ms;
    blocked = slot->blocked_by_ms;

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    if ((seq & 1) || seq != __atomic_load_n(&slot->seq, __ATOMIC_RELAXED)) {
        return NGX_DECLINED;
    }

    /* A newer configuration than ours knows better than we do. */

    if (blocked >= worker->mcf->configured_ms) {
        return NGX_BUSY;
    }

    return expires > now ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_http_ehr_session_lock(ngx_http_ehr_worker_t *worker, ngx_uint_t slot)
{
    struct flock              fl;
    ngx_http_ehr_schedule_t  *schedule = worker->schedule;

    if (schedule->is_logging_in[slot]) {
        return NGX_AGAIN;
    }

    ngx_memzero(&fl, sizeof(struct flock));
    fl.l_type = F_WRLCK;
    fl.l_whence = SEEK_SET;
    fl.l_start = (off_t) slot;
    fl.l_len = 1;

    if (fcntl(schedule->logins_fd, F_OFD_SETLK, &fl) == -1) {
        return NGX_AGAIN;
    }

    schedule->is_logging_in[slot] = 1;

    return NGX_OK;
}


void
ngx_http_ehr_session_unlock(ngx_http_ehr_worker_t *worker, ngx_uint_t slot)
{
    struct flock              fl;
    ngx_http_ehr_schedule_t  *schedule = worker->schedule;

    ngx_memzero(&fl, sizeof(struct flock));
    fl.l_type = F_UNLCK;
    fl.l_whence = SEEK_SET;
    fl.l_start = (off_t) slot;
    fl.l_len = 1;

    (void) fcntl(schedule->logins_fd, F_OFD_SETLK, &fl);

    schedule->is_logging_in[slot] = 0;
}


static void
ngx_http_ehr_session_write_begin(ngx_http_ehr_session_slot_t *slot)
{
    __atomic_store_n(&slot->seq, slot->seq | 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}


static void
ngx_http_ehr_session_write_end(ngx_http_ehr_session_slot_t *slot)
{
    __atomic_store_n(&slot->seq, slot->seq + 1, __ATOMIC_RELEASE);
}


ngx_int_t
ngx_http_ehr_session_put(ngx_http_ehr_worker_t *worker, ngx_uint_t n,
    ehr_str_t bytes, int64_t expires_ms)
{
    ngx_http_ehr_session_slot_t  *slot = &worker->shared->sessions[n];

    if (bytes.len == 0 || bytes.len > NGX_HTTP_EHR_SESSION_SIZE) {
        return NGX_ERROR;
    }

    ngx_http_ehr_session_write_begin(slot);

    ngx_memcpy(slot->bytes, bytes.data, bytes.len);
    slot->len = (uint32_t) bytes.len;
    slot->generation++;
    slot->expires_ms = expires_ms;
    slot->blocked_by_ms = 0;

    ngx_http_ehr_session_write_end(slot);

    return NGX_OK;
}


void
ngx_http_ehr_session_block(ngx_http_ehr_worker_t *worker, ngx_uint_t n)
{
    ngx_http_ehr_session_slot_t  *slot = &worker->shared->sessions[n];

    ngx_http_ehr_session_write_begin(slot);

    slot->expires_ms = 0;
    slot->blocked_by_ms = ngx_max(slot->blocked_by_ms,
                                  worker->mcf->configured_ms);

    ngx_http_ehr_session_write_end(slot);
}


/* A newer configuration begins anew. */

static ngx_uint_t
ngx_http_ehr_session_is_refused(ngx_http_ehr_worker_t *worker,
    const ngx_http_ehr_session_slot_t *slot)
{
    return slot->refused_ms != 0
           && slot->refused_by_ms >= worker->mcf->configured_ms;
}


ngx_uint_t
ngx_http_ehr_session_refused(ngx_http_ehr_worker_t *worker,
    const ngx_http_ehr_partner_t *part, ngx_uint_t n)
{
    int64_t                       now, since, forgotten;
    ehr_backoff_t                 backoff;
    ngx_http_ehr_session_slot_t  *slot = &worker->shared->sessions[n];

    now = ngx_http_ehr_steady_ms();
    since = (int64_t) slot->refused_ms;
    forgotten = slot->login_after_ms
                + (int64_t) ngx_max(part->refused, part->retry_max);

    /* Nobody met it again for so long: another trouble. */

    if (!ngx_http_ehr_session_is_refused(worker, slot) || now > forgotten) {
        since = now;
        slot->refusals = 0;
    }

    backoff.min_ms = (int64_t) part->retry_min;
    backoff.max_ms = (int64_t) ngx_min(part->retry_max,
                                       NGX_HTTP_EHR_SESSION_PAUSE);
    backoff.min_ms = ngx_min(backoff.min_ms, backoff.max_ms);
    backoff.deadline_ms = 0;

    slot->refusals++;
    slot->refused_by_ms = worker->mcf->configured_ms;
    slot->login_after_ms = now
                           + ehr_backoff_wait_ms(&backoff, slot->refusals,
                                                 (uint32_t) ngx_random(), 0);

    __atomic_store_n(&slot->refused_ms, (ngx_atomic_uint_t) since,
                     __ATOMIC_RELEASE);

    return now - since >= (int64_t) part->refused;
}


void
ngx_http_ehr_session_taken(ngx_http_ehr_worker_t *worker, ngx_uint_t n)
{
    ngx_http_ehr_session_slot_t  *slot = &worker->shared->sessions[n];

    /* Mostly it is 0, and others' caches keep the line. */

    if (slot->refused_ms) {
        __atomic_store_n(&slot->refused_ms, 0, __ATOMIC_RELEASE);
    }
}


int64_t
ngx_http_ehr_session_pause_ms(ngx_http_ehr_worker_t *worker, ngx_uint_t n)
{
    int64_t                       left;
    ngx_http_ehr_session_slot_t  *slot = &worker->shared->sessions[n];

    if (!ngx_http_ehr_session_is_refused(worker, slot)) {
        return 0;
    }

    left = slot->login_after_ms - ngx_http_ehr_steady_ms();

    return ngx_max(left, 0);
}


void
ngx_http_ehr_session_drop(ngx_http_ehr_worker_t *worker,
    const ngx_http_ehr_session_t *session)
{
    ngx_http_ehr_session_slot_t  *slot;

    slot = &worker->shared->sessions[session->slot];

    /* At worst a session put in this instant goes too: one log-in more. */

    if (slot->generation == session->generation) {
        slot->expires_ms = 0;
    }
}
