/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The stage "wait": clients that want the partners' answers, found by a hash,
 * woken by the result.  Decides when a client has waited long enough; how
 * other workers' results come here is ngx_http_ehr_wake.c's part.
 *
 * While it waits a client costs its connection and a few kB: its document is
 * given back, its end is one of nginx's timers, and nobody asks the journal
 * for it before there is something to know.
 */

#include "ngx_http_ehr_waiters.h"
#include "ngx_http_ehr_wake.h"

#include <sys/mman.h>


#define NGX_HTTP_EHR_WAITERS_HASH  4096   /* queues */


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
    ngx_http_ehr_wake_t       *wake;
    ngx_queue_t                waiting[NGX_HTTP_EHR_WAITERS_HASH];
};


static ngx_http_ehr_result_e ngx_http_ehr_wait(ngx_http_ehr_ctx_t *ctx);
static void ngx_http_ehr_waiter_ask(ngx_http_ehr_waiter_t *waiter);
static void ngx_http_ehr_waiters_look(ngx_http_ehr_worker_t *worker);
static void ngx_http_ehr_waiters_woken(ngx_http_ehr_worker_t *worker,
    uint64_t hash, ngx_uint_t by_event);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_wait = {
    "wait", ngx_http_ehr_wait
};


ngx_int_t
ngx_http_ehr_waiters_init(ngx_http_ehr_worker_t *worker)
{
    ngx_uint_t               i;
    ngx_http_ehr_waiters_t  *waiters;

    waiters = ngx_pcalloc(worker->cycle->pool,
                          sizeof(ngx_http_ehr_waiters_t));
    if (waiters == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_EHR_WAITERS_HASH; i++) {
        ngx_queue_init(&waiters->waiting[i]);
    }

    waiters->wake = ngx_http_ehr_wake_init(worker,
                                           ngx_http_ehr_waiters_woken);
    if (waiters->wake == NULL) {
        return NGX_ERROR;
    }

    worker->waiters = waiters;

    return NGX_OK;
}


/* The queues are the buckets of ngx_http_ehr_wake.c: an empty one wants
 * nothing there. */

static ngx_queue_t *
ngx_http_ehr_waiters_queue(ngx_http_ehr_waiters_t *waiters, uint64_t hash)
{
    return &waiters->waiting[(hash >> 1) % NGX_HTTP_EHR_WAITERS_HASH];
}


/* A queue changes while it is walked only by the waiter at hand: a read is
 * answered later, from the event loop. */

static void
ngx_http_ehr_waiters_wake(ngx_queue_t *waiting, uint64_t hash)
{
    ngx_queue_t            *q, *next;
    ngx_http_ehr_waiter_t  *waiter;

    for (q = ngx_queue_head(waiting);
         q != ngx_queue_sentinel(waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        waiter = ngx_queue_data(q, ngx_http_ehr_waiter_t, queue);

        if (hash == 0 || waiter->hash == hash) {
            ngx_http_ehr_waiter_ask(waiter);
        }
    }
}


static void
ngx_http_ehr_waiters_look(ngx_http_ehr_worker_t *worker)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_EHR_WAITERS_HASH; i++) {
        ngx_http_ehr_waiters_wake(&worker->waiters->waiting[i], 0);
    }
}


void
ngx_http_ehr_waiters_settled(ngx_http_ehr_worker_t *worker,
    const ehr_submission_t *sub)
{
    uint64_t                 hash = ngx_http_ehr_wake_hash(sub);
    ngx_http_ehr_waiters_t  *waiters = worker->waiters;

    ngx_http_ehr_waiters_wake(ngx_http_ehr_waiters_queue(waiters, hash),
                              hash);
    ngx_http_ehr_wake_tell(waiters->wake, hash);
}


void
ngx_http_ehr_waiters_some_settled(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_waiters_look(worker);
    ngx_http_ehr_wake_tell_all(worker->waiters->wake);
}


static void
ngx_http_ehr_waiters_woken(ngx_http_ehr_worker_t *worker, uint64_t hash,
    ngx_uint_t by_event)
{
    if (worker->waiters == NULL) {
        /* it begins: nobody waits */
        return;
    }

    if (by_event) {
        ngx_http_ehr_count(worker, WAKE_EVENT);

    } else {
        ngx_http_ehr_count(worker, WAKE_LOOK);
    }

    if (hash == 0) {
        ngx_http_ehr_waiters_look(worker);
        return;
    }

    ngx_http_ehr_waiters_wake(ngx_http_ehr_waiters_queue(worker->waiters,
                                                         hash), hash);
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
    ngx_queue_t             *waiting;
    ngx_http_ehr_ctx_t      *ctx = waiter->ctx;
    ngx_http_ehr_waiters_t  *waiters = ctx->worker->waiters;

    if (waiter->timer.timer_set) {
        ngx_del_timer(&waiter->timer);
    }

    waiting = ngx_http_ehr_waiters_queue(waiters, waiter->hash);
    ngx_queue_remove(&waiter->queue);

    if (ngx_queue_empty(waiting)) {
        ngx_http_ehr_wake_leave(waiters->wake, waiter->hash);
    }

    if (waiter->is_over) {
        ngx_http_ehr_count(ctx->worker, WAIT_OVER);

    } else {
        ngx_http_ehr_count(ctx->worker, WAIT_ANSWERED);
    }

    ngx_http_ehr_resume(ctx, NGX_HTTP_EHR_NEXT);
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


/* The strings of a submission, out of the memory of its document. */

static ngx_int_t
ngx_http_ehr_waiter_keep(ehr_submission_t *sub, ehr_arena_t *arena)
{
    ngx_uint_t             i, n;
    ehr_str_t             *str[4 * EHR_STORE_MAX_PARTNERS + 7];
    ehr_store_delivery_t  *dlv;

    n = 0;
    str[n++] = &sub->facility;
    str[n++] = &sub->kind;
    str[n++] = &sub->standard;
    str[n++] = &sub->business_key;
    str[n++] = &sub->content_type;
    str[n++] = &sub->warnings;
    str[n++] = &sub->warnings_en;

    for (i = 0; i < sub->ndeliveries; i++) {
        dlv = &sub->deliveries[i];

        str[n++] = &dlv->partner_ref;
        str[n++] = &dlv->partner_code;
        str[n++] = &dlv->message;
        str[n++] = &dlv->reason;
    }

    for (i = 0; i < n; i++) {
        if (str[i]->len == 0) {
            continue;
        }

        *str[i] = ehr_arena_dup(arena, str[i]->data, str[i]->len);

        if (str[i]->data == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * The document is on disk: its bytes, and what was read of it, need not wait
 * with the client.  A body in a file keeps its file until the end.
 */

static void
ngx_http_ehr_waiter_lighten(ngx_http_ehr_waiter_t *waiter)
{
    ehr_arena_t              *arena;
    ehr_submission_t          sub = *waiter->ctx->sub;
    ngx_http_ehr_ctx_t       *ctx = waiter->ctx;
    ngx_http_request_body_t  *rb = ctx->request->request_body;

    arena = ehr_arena_create(NGX_HTTP_EHR_ARENA_CAP);
    if (arena == NULL) {
        return;
    }

    if (ngx_http_ehr_waiter_keep(&sub, arena) != NGX_OK) {
        ehr_arena_destroy(arena);
        return;
    }

    ehr_arena_destroy(ctx->arena);
    ctx->arena = arena;

    *ctx->sub = sub;

    if (ctx->content_map) {
        (void) munmap(ctx->content_map, ctx->content.len);
        ctx->content_map = NULL;
    }

    ctx->content = ehr_str(NULL);
    ngx_http_ehr_bytes_release(ctx);

    if (rb && rb->buf) {
        /* a short body stands in the buffer of the headers, and stays */
        (void) ngx_pfree(ctx->request->pool, rb->buf->start);
        rb->buf = NULL;
        rb->bufs = NULL;
    }
}


static ngx_http_ehr_waiter_t *
ngx_http_ehr_waiter_create(ngx_http_ehr_ctx_t *ctx)
{
    ngx_connection_t       *c = ctx->request->connection;
    ngx_http_ehr_waiter_t  *waiter;

    waiter = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_ehr_waiter_t));
    if (waiter == NULL) {
        return NULL;
    }

    waiter->ctx = ctx;
    waiter->hash = ngx_http_ehr_wake_hash(ctx->sub);
    ctx->waiter = waiter;

    waiter->timer.data = c;
    waiter->timer.handler = ngx_http_ehr_waiter_timeout;
    waiter->timer.log = c->log;
    ngx_add_timer(&waiter->timer, (ngx_msec_t) ctx->wait_sec * 1000);

    return waiter;
}


static ngx_http_ehr_result_e
ngx_http_ehr_wait(ngx_http_ehr_ctx_t *ctx)
{
    ngx_queue_t             *waiting;
    ngx_http_ehr_waiter_t   *waiter;
    ngx_http_ehr_waiters_t  *waiters = ctx->worker->waiters;

    if (ctx->wait_sec <= 0 || ngx_http_ehr_is_settled(ctx->sub)) {
        return NGX_HTTP_EHR_NEXT;
    }

    waiter = ngx_http_ehr_waiter_create(ctx);
    if (waiter == NULL) {
        return NGX_HTTP_EHR_NEXT;
    }

    ngx_http_ehr_count(ctx->worker, WAIT_BEGUN);

    waiting = ngx_http_ehr_waiters_queue(waiters, waiter->hash);

    if (ngx_queue_empty(waiting)) {
        ngx_http_ehr_wake_want(waiters->wake, waiter->hash);
    }

    ngx_queue_insert_tail(waiting, &waiter->queue);

    ngx_http_ehr_waiter_lighten(waiter);
    ngx_http_ehr_park(ctx);

    /* It may have been settled between its commit and now. */

    if (ngx_http_ehr_wake_was_told(waiters->wake, ctx->wait_mark,
                                   waiter->hash))
    {
        ngx_http_ehr_waiter_ask(waiter);
    }

    return NGX_HTTP_EHR_PARKED;
}
