/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The stage "wait" and what wakes it.
 *
 * A settled delivery is put into a ring in shared memory as a hash of its
 * submission's id.  A worker with waiters reads what is new in the ring every
 * 20 ms (nothing at all when nobody waits) and asks the journal for those of
 * its waiters that are named there; its own results it hears of at once.  An
 * overrun ring makes it ask for all, and so does a place that its writer has
 * taken but not filled yet: each entry tells the ring's lap it belongs to.
 * The ring may be lost: the time-out of each waiter answers with the state as
 * it is then.
 */

#include "ngx_http_ehr_waiters.h"


#define NGX_HTTP_EHR_RING_POLL  20    /* ms */
#define NGX_HTTP_EHR_HASH_BITS  48    /* of an entry; the lap is above */


typedef struct {
    ngx_queue_t                queue;
    ngx_event_t                timer;
    ngx_http_ehr_ctx_t        *ctx;
    uint64_t                   hash;
    ehr_submission_t           sub;
    ehr_rc_t                   rc;
    unsigned                   is_reading:1;
    unsigned                   is_stale:1;    /* woken again meanwhile */
    unsigned                   is_over:1;     /* its time is over */
} ngx_http_ehr_waiter_t;


struct ngx_http_ehr_waiters_s {
    ngx_http_ehr_worker_t     *worker;
    ngx_queue_t                waiting;
    ngx_event_t                poll;
    ngx_connection_t           dummy;
    ngx_atomic_uint_t          tail;          /* of the ring, read so far */
};


static ngx_http_ehr_result_e ngx_http_ehr_wait(ngx_http_ehr_ctx_t *ctx);
static void ngx_http_ehr_waiter_ask(ngx_http_ehr_waiter_t *waiter);
static void ngx_http_ehr_waiters_poll(ngx_event_t *ev);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_wait = {
    "wait", ngx_http_ehr_wait
};


ngx_int_t
ngx_http_ehr_waiters_init(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_waiters_t  *waiters;

    waiters = ngx_pcalloc(worker->cycle->pool,
                          sizeof(ngx_http_ehr_waiters_t));
    if (waiters == NULL) {
        return NGX_ERROR;
    }

    waiters->worker = worker;
    ngx_queue_init(&waiters->waiting);

    waiters->dummy.fd = (ngx_socket_t) -1;
    waiters->dummy.data = waiters;
    waiters->poll.data = &waiters->dummy;
    waiters->poll.handler = ngx_http_ehr_waiters_poll;
    waiters->poll.log = worker->cycle->log;

    worker->waiters = waiters;

    return NGX_OK;
}


/* FNV-1a; never 0, which stands for all waiters. */

static uint64_t
ngx_http_ehr_id_hash(const char *id)
{
    ngx_uint_t  i;
    uint64_t    hash = 14695981039346656037ULL;

    for (i = 0; i < EHR_UUID_LEN; i++) {
        hash = (hash ^ (u_char) id[i]) * 1099511628211ULL;
    }

    return (hash | 1) & ((1ULL << NGX_HTTP_EHR_HASH_BITS) - 1);
}


/* The lap of a place, in its bits of an entry; never 0 in the first round,
 * when places are empty. */

static uint64_t
ngx_http_ehr_ring_lap(ngx_atomic_uint_t n)
{
    return (uint64_t) (n / NGX_HTTP_EHR_RING + 1) << NGX_HTTP_EHR_HASH_BITS;
}


static void
ngx_http_ehr_waiters_wake(ngx_http_ehr_waiters_t *waiters, uint64_t hash)
{
    ngx_queue_t            *q, *next;
    ngx_http_ehr_waiter_t  *waiter;

    for (q = ngx_queue_head(&waiters->waiting);
         q != ngx_queue_sentinel(&waiters->waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        waiter = ngx_queue_data(q, ngx_http_ehr_waiter_t, queue);

        if (hash == 0 || waiter->hash == hash) {
            ngx_http_ehr_waiter_ask(waiter);
        }
    }
}


void
ngx_http_ehr_waiters_settled(ngx_http_ehr_worker_t *worker, const char *id)
{
    uint64_t                hash = ngx_http_ehr_id_hash(id);
    ngx_atomic_uint_t       n;
    ngx_http_ehr_shared_t  *shared = worker->shared;

    n = ngx_atomic_fetch_add(&shared->ring_head, 1);
    __atomic_store_n(&shared->ring[n % NGX_HTTP_EHR_RING],
                     ngx_http_ehr_ring_lap(n) | hash, __ATOMIC_RELEASE);

    ngx_http_ehr_waiters_wake(worker->waiters, hash);
}


static void
ngx_http_ehr_waiters_poll(ngx_event_t *ev)
{
    uint64_t                 entry, hash;
    ngx_connection_t        *c = ev->data;
    ngx_atomic_uint_t        head;
    ngx_http_ehr_shared_t   *shared;
    ngx_http_ehr_waiters_t  *waiters = c->data;

    if (ngx_queue_empty(&waiters->waiting)) {
        return;
    }

    shared = waiters->worker->shared;
    head = shared->ring_head;

    if (head - waiters->tail > NGX_HTTP_EHR_RING / 2) {
        waiters->tail = head;
        ngx_http_ehr_waiters_wake(waiters, 0);
    }

    while (waiters->tail != head) {
        entry = __atomic_load_n(
                          &shared->ring[waiters->tail % NGX_HTTP_EHR_RING],
                          __ATOMIC_ACQUIRE);
        hash = entry ^ ngx_http_ehr_ring_lap(waiters->tail);
        waiters->tail++;

        ngx_http_ehr_waiters_wake(waiters,
                                  hash >> NGX_HTTP_EHR_HASH_BITS ? 0 : hash);
    }

    if (!ngx_queue_empty(&waiters->waiting)) {
        ngx_add_timer(ev, NGX_HTTP_EHR_RING_POLL);
    }
}


static ngx_uint_t
ngx_http_ehr_is_settled(const ehr_submission_t *sub)
{
    uint32_t  i;

    for (i = 0; i < sub->ndeliveries; i++) {
        if (!ehr_state_is_settled(sub->deliveries[i].state)) {
            return 0;
        }
    }

    return 1;
}


static void
ngx_http_ehr_waiter_end(ngx_http_ehr_waiter_t *waiter)
{
    if (waiter->timer.timer_set) {
        ngx_del_timer(&waiter->timer);
    }

    ngx_queue_remove(&waiter->queue);
    ngx_http_ehr_resume(waiter->ctx, NGX_HTTP_EHR_NEXT);
}


static void
ngx_http_ehr_waiter_read(ehr_store_t *store, void *data)
{
    ngx_http_ehr_waiter_t  *waiter = data;
    ngx_http_ehr_ctx_t     *ctx = waiter->ctx;

    waiter->rc = ehr_store_document(store, ctx->fac->code, ctx->sub->id,
                                    ctx->arena, &waiter->sub);
}


static void
ngx_http_ehr_waiter_answered(void *data)
{
    ngx_http_ehr_waiter_t  *waiter = data;

    waiter->is_reading = 0;

    if (waiter->rc == EHR_OK) {
        *waiter->ctx->sub = waiter->sub;
    }

    if (waiter->is_over
        || (waiter->rc == EHR_OK && ngx_http_ehr_is_settled(&waiter->sub)))
    {
        ngx_http_ehr_waiter_end(waiter);
        return;
    }

    if (waiter->is_stale) {
        waiter->is_stale = 0;
        ngx_http_ehr_waiter_ask(waiter);
    }
}


static void
ngx_http_ehr_waiter_ask(ngx_http_ehr_waiter_t *waiter)
{
    if (waiter->is_reading) {
        waiter->is_stale = 1;
        return;
    }

    if (ngx_http_ehr_journal_read(waiter->ctx->worker,
                                  ngx_http_ehr_waiter_read,
                                  ngx_http_ehr_waiter_answered, waiter)
        == NGX_OK)
    {
        waiter->is_reading = 1;
        return;
    }

    if (waiter->is_over) {
        ngx_http_ehr_waiter_end(waiter);
    }
}


/* The last look at the journal: the answer tells the state as it is now. */

static void
ngx_http_ehr_waiter_timeout(ngx_event_t *ev)
{
    ngx_connection_t       *c = ev->data;
    ngx_http_request_t     *r = c->data;
    ngx_http_ehr_ctx_t     *ctx;
    ngx_http_ehr_waiter_t  *waiter;

    ctx = ngx_http_get_module_ctx(r, ngx_http_ehr_module);
    waiter = ctx->waiter;

    waiter->is_over = 1;
    ngx_http_ehr_waiter_ask(waiter);
}


static ngx_http_ehr_result_e
ngx_http_ehr_wait(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_waiter_t   *waiter;
    ngx_http_ehr_waiters_t  *waiters = ctx->worker->waiters;

    if (ctx->wait_sec <= 0 || ngx_http_ehr_is_settled(ctx->sub)) {
        return NGX_HTTP_EHR_NEXT;
    }

    waiter = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_ehr_waiter_t));
    if (waiter == NULL) {
        return NGX_HTTP_EHR_NEXT;
    }

    waiter->ctx = ctx;
    waiter->hash = ngx_http_ehr_id_hash(ctx->sub->id);
    ctx->waiter = waiter;

    waiter->timer.data = ctx->request->connection;
    waiter->timer.handler = ngx_http_ehr_waiter_timeout;
    waiter->timer.log = ctx->request->connection->log;
    ngx_add_timer(&waiter->timer, (ngx_msec_t) ctx->wait_sec * 1000);

    if (ngx_queue_empty(&waiters->waiting)) {
        waiters->tail = ctx->worker->shared->ring_head;

        if (!waiters->poll.timer_set) {
            ngx_add_timer(&waiters->poll, NGX_HTTP_EHR_RING_POLL);
        }
    }

    ngx_queue_insert_tail(&waiters->waiting, &waiter->queue);
    ngx_http_ehr_park(ctx);

    /* It may have been settled between its commit and now. */
    ngx_http_ehr_waiter_ask(waiter);

    return NGX_HTTP_EHR_PARKED;
}
