/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Wakes workers whose clients wait for a result that another worker wrote;
 * decides who is told, knows nothing of the waiters themselves (ADR 0029).
 *
 *   1. A worker that has a waiter in a bucket sets its bit in the bucket's
 *      mask: its slot is its place in the master's table of processes.
 *   2. Who has written a result puts its hash into the ring, then reads the
 *      mask; for each bit it notes the place in the ring and writes to the
 *      slot's eventfd.
 *   3. The woken worker reads the ring from the noted place on.
 *
 * Steps 1 and 2 cross: a waiter sets the bit, then looks into the ring, so one
 * of the two sees the other.  Nobody is told of what nobody waits for.
 *
 * The events are made by the master before it forks and are the same for all
 * generations of its workers.  A writer that dies between its commit and step
 * 2 is made good by its successor, which wakes all; a slot without an event
 * has its worker look at the ring every 20 ms while somebody waits.  All this
 * may be lost: each waiter ends with a look at the journal.
 */

#include "ngx_http_ehr_wake.h"

#include <sys/eventfd.h>


#define NGX_HTTP_EHR_WAKE_LOOK   20       /* ms; without an event */
#define NGX_HTTP_EHR_WAKE_DRAIN  1000     /* ms; a leaving worker's looks */
#define NGX_HTTP_EHR_WAKE_BITS   48       /* of an entry: the hash */


struct ngx_http_ehr_wake_s {
    ngx_http_ehr_worker_t      *worker;
    ngx_http_ehr_shared_t      *shared;
    ngx_http_ehr_wake_pt        handler;
    ngx_event_t                 look;
    ngx_connection_t            dummy;
    uint64_t                    seen;     /* of the ring, by looks */
    ngx_uint_t                  slot;
    ngx_uint_t                  wanted;   /* buckets */
    unsigned                    is_deaf:1;
};


static void ngx_http_ehr_wake_event(ngx_event_t *ev);
static void ngx_http_ehr_wake_look(ngx_event_t *ev);


void
ngx_http_ehr_wake_open(ngx_fd_t *fds, const ngx_fd_t *from, ngx_log_t *log)
{
    ngx_uint_t  i;

    if (from) {
        ngx_memcpy(fds, from, NGX_HTTP_EHR_WAKE_SLOTS * sizeof(ngx_fd_t));
        return;
    }

    for (i = 0; i < NGX_HTTP_EHR_WAKE_SLOTS; i++) {
        fds[i] = eventfd(0, EFD_CLOEXEC|EFD_NONBLOCK);
    }

    if (fds[NGX_HTTP_EHR_WAKE_SLOTS - 1] == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_WARN, log, ngx_errno,
                      "eventfd() failed: waiting clients are looked after "
                      "every %d ms", NGX_HTTP_EHR_WAKE_LOOK);
    }
}


/* A bit of the dead process whose slot this was would wake us for nothing. */

static void
ngx_http_ehr_wake_forget(ngx_http_ehr_wake_t *wake)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_EHR_WAKE_BUCKETS; i++) {
        (void) __atomic_fetch_and(&wake->shared->wanted[i],
                                  ~(1ULL << wake->slot), __ATOMIC_SEQ_CST);
    }
}


static ngx_int_t
ngx_http_ehr_wake_listen(ngx_http_ehr_wake_t *wake)
{
    ngx_fd_t           fd;
    ngx_log_t         *log = wake->worker->cycle->log;
    ngx_connection_t  *c;

    fd = wake->slot < NGX_HTTP_EHR_WAKE_SLOTS
         ? wake->worker->mcf->wake_fds[wake->slot] : NGX_INVALID_FILE;

    if (fd == NGX_INVALID_FILE) {
        wake->is_deaf = 1;
        return NGX_OK;
    }

    c = ngx_get_connection(fd, log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = wake;
    c->log = log;
    c->read->log = log;
    c->read->handler = ngx_http_ehr_wake_event;

    /* It is the master's, as nginx's own channel is: not ours to close. */
    c->read->channel = 1;
    c->write->channel = 1;

    ngx_http_ehr_wake_forget(wake);

    return ngx_add_event(c->read, NGX_READ_EVENT, 0);
}


static void
ngx_http_ehr_wake_ring_bell(ngx_http_ehr_wake_t *wake, ngx_uint_t slot)
{
    uint64_t  one = 1;
    ssize_t   n;
    ngx_fd_t  fd = wake->worker->mcf->wake_fds[slot];

    /* A full counter wakes as well as one more. */

    n = write(fd, &one, sizeof(uint64_t));

    if (n == -1 && ngx_errno != NGX_EAGAIN) {
        ngx_log_error(NGX_LOG_ERR, wake->worker->cycle->log, ngx_errno,
                      "write() to the event of slot %ui failed", slot);
    }
}


void
ngx_http_ehr_wake_tell_all(ngx_http_ehr_wake_t *wake)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_EHR_WAKE_SLOTS; i++) {
        if (i == wake->slot
            || wake->worker->mcf->wake_fds[i] == NGX_INVALID_FILE)
        {
            continue;
        }

        __atomic_store_n(&wake->shared->wake_all[i], 1, __ATOMIC_SEQ_CST);
        ngx_http_ehr_wake_ring_bell(wake, i);
    }
}


ngx_http_ehr_wake_t *
ngx_http_ehr_wake_init(ngx_http_ehr_worker_t *worker,
    ngx_http_ehr_wake_pt handler)
{
    ngx_http_ehr_wake_t  *wake;

    wake = ngx_pcalloc(worker->cycle->pool, sizeof(ngx_http_ehr_wake_t));
    if (wake == NULL) {
        return NULL;
    }

    wake->worker = worker;
    wake->shared = worker->shared;
    wake->handler = handler;
    wake->slot = (ngx_uint_t) ngx_process_slot;

    wake->dummy.fd = (ngx_socket_t) -1;
    wake->dummy.data = wake;
    wake->look.data = &wake->dummy;
    wake->look.handler = ngx_http_ehr_wake_look;
    wake->look.log = worker->cycle->log;
    wake->look.cancelable = 1;

    if (ngx_http_ehr_wake_listen(wake) != NGX_OK) {
        return NULL;
    }

    /* This process may stand for one that died before it told of a result. */
    ngx_http_ehr_wake_tell_all(wake);

    return wake;
}


/* FNV-1a */

static uint64_t
ngx_http_ehr_wake_mix(uint64_t hash, const char *data, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        hash = (hash ^ (u_char) data[i]) * 1099511628211ULL;
    }

    /* one more for the end: "ab", "c" is not "a", "bc" */
    return hash * 1099511628211ULL;
}


uint64_t
ngx_http_ehr_wake_hash(const ehr_submission_t *sub)
{
    uint64_t  hash = 14695981039346656037ULL;

    if (sub->business_key.len) {
        hash = ngx_http_ehr_wake_mix(hash, sub->facility.data,
                                     sub->facility.len);
        hash = ngx_http_ehr_wake_mix(hash, sub->kind.data, sub->kind.len);
        hash = ngx_http_ehr_wake_mix(hash, sub->business_key.data,
                                     sub->business_key.len);

    } else {
        hash = ngx_http_ehr_wake_mix(hash, sub->id, EHR_UUID_LEN);
    }

    hash ^= hash >> NGX_HTTP_EHR_WAKE_BITS;

    return (hash | 1) & ((1ULL << NGX_HTTP_EHR_WAKE_BITS) - 1);
}


static uint64_t *
ngx_http_ehr_wake_mask(ngx_http_ehr_wake_t *wake, uint64_t hash)
{
    /* the lowest bit is always set */
    return &wake->shared->wanted[(hash >> 1) % NGX_HTTP_EHR_WAKE_BUCKETS];
}


void
ngx_http_ehr_wake_want(ngx_http_ehr_wake_t *wake, uint64_t hash)
{
    if (wake->wanted++ == 0) {
        wake->seen = ngx_http_ehr_wake_mark(wake->worker);

        if (!wake->look.timer_set) {
            ngx_add_timer(&wake->look,
                          wake->is_deaf ? NGX_HTTP_EHR_WAKE_LOOK
                                        : NGX_HTTP_EHR_WAKE_DRAIN);
        }
    }

    if (!wake->is_deaf) {
        (void) __atomic_fetch_or(ngx_http_ehr_wake_mask(wake, hash),
                                 1ULL << wake->slot, __ATOMIC_SEQ_CST);
    }
}


void
ngx_http_ehr_wake_leave(ngx_http_ehr_wake_t *wake, uint64_t hash)
{
    wake->wanted--;

    if (!wake->is_deaf) {
        (void) __atomic_fetch_and(ngx_http_ehr_wake_mask(wake, hash),
                                  ~(1ULL << wake->slot), __ATOMIC_SEQ_CST);
    }
}


/* The lap of a place, in its bits of an entry; never 0 in the first round,
 * when places are empty. */

static uint64_t
ngx_http_ehr_wake_lap(uint64_t n)
{
    return (n / NGX_HTTP_EHR_RING + 1) << NGX_HTTP_EHR_WAKE_BITS;
}


/* Places are noted plus one: 0 says that nothing is new.  The lowest counts,
 * whoever comes first. */

static void
ngx_http_ehr_wake_note(uint64_t *from, uint64_t place)
{
    uint64_t  was = __atomic_load_n(from, __ATOMIC_SEQ_CST);

    while ((was == 0 || was > place)
           && !__atomic_compare_exchange_n(from, &was, place, 0,
                                           __ATOMIC_SEQ_CST,
                                           __ATOMIC_SEQ_CST))
    {
        /* was is what stands there now */
    }
}


void
ngx_http_ehr_wake_tell(ngx_http_ehr_wake_t *wake, uint64_t hash)
{
    uint64_t                mask, n;
    ngx_uint_t              slot;
    ngx_http_ehr_shared_t  *shared = wake->shared;

    n = __atomic_fetch_add(&shared->ring_head, 1, __ATOMIC_SEQ_CST);

    __atomic_store_n(&shared->ring[n % NGX_HTTP_EHR_RING],
                     ngx_http_ehr_wake_lap(n) | hash, __ATOMIC_SEQ_CST);

    mask = __atomic_load_n(ngx_http_ehr_wake_mask(wake, hash),
                           __ATOMIC_SEQ_CST);

    if (!wake->is_deaf) {
        mask &= ~(1ULL << wake->slot);
    }

    for ( /* void */ ; mask; mask &= mask - 1) {
        slot = (ngx_uint_t) __builtin_ctzll(mask);

        ngx_http_ehr_wake_note(&shared->wake_from[slot], n + 1);
        ngx_http_ehr_wake_ring_bell(wake, slot);
    }
}


uint64_t
ngx_http_ehr_wake_mark(ngx_http_ehr_worker_t *worker)
{
    return __atomic_load_n(&worker->shared->ring_head, __ATOMIC_SEQ_CST);
}


static uint64_t
ngx_http_ehr_wake_entry(ngx_http_ehr_wake_t *wake, uint64_t n)
{
    uint64_t  entry;

    entry = __atomic_load_n(&wake->shared->ring[n % NGX_HTTP_EHR_RING],
                            __ATOMIC_SEQ_CST);
    entry ^= ngx_http_ehr_wake_lap(n);

    /* Taken and not filled yet: whoever fills it reads the masks after. */
    return entry >> NGX_HTTP_EHR_WAKE_BITS ? 0 : entry;
}


ngx_uint_t
ngx_http_ehr_wake_was_told(ngx_http_ehr_wake_t *wake, uint64_t mark,
    uint64_t hash)
{
    uint64_t  n, head = ngx_http_ehr_wake_mark(wake->worker);

    if (head - mark > NGX_HTTP_EHR_RING / 2) {
        return 1;
    }

    for (n = mark; n != head; n++) {
        if (ngx_http_ehr_wake_entry(wake, n) == hash) {
            return 1;
        }
    }

    return 0;
}


/* Gives where it has come to. */

static uint64_t
ngx_http_ehr_wake_read(ngx_http_ehr_wake_t *wake, uint64_t n,
    ngx_uint_t by_event)
{
    uint64_t  hash, head = ngx_http_ehr_wake_mark(wake->worker);

    if (head - n > NGX_HTTP_EHR_RING / 2) {
        wake->handler(wake->worker, 0, by_event);
        return head;
    }

    for ( /* void */ ; n != head; n++) {
        hash = ngx_http_ehr_wake_entry(wake, n);

        if (hash) {
            wake->handler(wake->worker, hash, by_event);
        }
    }

    return head;
}


static void
ngx_http_ehr_wake_event(ngx_event_t *ev)
{
    uint64_t              count, from;
    ngx_connection_t     *c = ev->data;
    ngx_http_ehr_wake_t  *wake = c->data;

    if (read(c->fd, &count, sizeof(uint64_t)) == -1) {
        return;
    }

    from = __atomic_exchange_n(&wake->shared->wake_from[wake->slot], 0,
                               __ATOMIC_SEQ_CST);

    if (__atomic_exchange_n(&wake->shared->wake_all[wake->slot], 0,
                            __ATOMIC_SEQ_CST))
    {
        wake->handler(wake->worker, 0, 1);
        return;
    }

    if (from) {
        (void) ngx_http_ehr_wake_read(wake, from - 1, 1);
    }
}


/*
 * A worker with an event looks only while it leaves: after a binary upgrade
 * the new workers share no memory with it.
 */

static void
ngx_http_ehr_wake_look(ngx_event_t *ev)
{
    ngx_connection_t     *c = ev->data;
    ngx_http_ehr_wake_t  *wake = c->data;

    if (wake->wanted == 0) {
        return;
    }

    ngx_add_timer(ev, wake->is_deaf ? NGX_HTTP_EHR_WAKE_LOOK
                                    : NGX_HTTP_EHR_WAKE_DRAIN);

    if (wake->is_deaf) {
        wake->seen = ngx_http_ehr_wake_read(wake, wake->seen, 0);
        return;
    }

    if (ngx_exiting) {
        wake->handler(wake->worker, 0, 0);
    }
}
