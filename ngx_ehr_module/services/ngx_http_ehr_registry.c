/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * This worker's picture of the registry.  A change raises a number in shared
 * memory after its commit; a request that finds its worker's picture older
 * waits until it is loaded anew.  So a suspended facility is out on every
 * worker before the administrator reads the answer's end.
 *
 * That number may be missed: the worker that changed something died before it
 * told, or another nginx changed the same store.  So each worker also asks the
 * store once a second whether its picture is still the present one.
 *
 * Life of a snapshot: 1. loaded in the reader's thread; 2. present, held by
 * the registry; 3. held by each request that started on it; 4. freed when a
 * newer one is present and the last request let go.
 */

#include "ngx_http_ehr.h"


#define NGX_HTTP_EHR_REGISTRY_CAP   (256 * 1024 * 1024)
#define NGX_HTTP_EHR_REGISTRY_LOOK  1000  /* ms */


typedef struct {
    const u_char               *sha256;
    const ehr_facility_t       *fac;
} ngx_http_ehr_enrolled_t;


typedef struct {
    ehr_arena_t                *arena;
    ehr_facility_t             *facs;
    uint32_t                    nfacs;
    ngx_http_ehr_enrolled_t    *enrolled;     /* sorted by sha256 */
    ngx_uint_t                  nenrolled;
    ngx_atomic_uint_t           generation;   /* of shared memory, before */
    int64_t                     stored;       /* the store's own number */
    ngx_uint_t                  refs;
    ehr_rc_t                    rc;
} ngx_http_ehr_snapshot_t;


struct ngx_http_ehr_registry_s {
    ngx_http_ehr_worker_t      *worker;
    ngx_http_ehr_snapshot_t    *present;
    ngx_http_ehr_snapshot_t    *loading;
    ngx_queue_t                 waiting;      /* requests */

    ngx_event_t                 look;
    ngx_connection_t            dummy;
    int64_t                     stored;
    ehr_rc_t                    rc;
    ngx_uint_t                  is_looking;   /* flag */
};


typedef struct {
    ngx_queue_t                 queue;
    ngx_http_ehr_ctx_t         *ctx;
} ngx_http_ehr_registry_wait_t;


static void
ngx_http_ehr_snapshot_unref(ngx_http_ehr_snapshot_t *snap)
{
    if (snap && --snap->refs == 0) {
        ehr_arena_destroy(snap->arena);
        ngx_free(snap);
    }
}


static int
ngx_http_ehr_enrolled_cmp(const void *one, const void *two)
{
    const ngx_http_ehr_enrolled_t  *a = one, *b = two;

    return ngx_memcmp(a->sha256, b->sha256, EHR_SHA256_LEN);
}


static ehr_rc_t
ngx_http_ehr_snapshot_index(ngx_http_ehr_snapshot_t *snap)
{
    uint32_t  i, j;

    snap->enrolled = ehr_arena_calloc(snap->arena,
                                      ((size_t) snap->nfacs + 1)
                                      * EHR_FACILITY_MAX_CERTS
                                      * sizeof(ngx_http_ehr_enrolled_t));
    if (snap->enrolled == NULL) {
        return EHR_BROKEN;
    }

    for (i = 0; i < snap->nfacs; i++) {
        for (j = 0; j < snap->facs[i].ncerts; j++) {
            snap->enrolled[snap->nenrolled].sha256 =
                                                snap->facs[i].certs[j].sha256;
            snap->enrolled[snap->nenrolled++].fac = &snap->facs[i];
        }
    }

    qsort(snap->enrolled, snap->nenrolled, sizeof(ngx_http_ehr_enrolled_t),
          ngx_http_ehr_enrolled_cmp);

    return EHR_OK;
}


static void
ngx_http_ehr_snapshot_load(ehr_store_t *store, void *data)
{
    ngx_http_ehr_registry_t  *registry = data;
    ngx_http_ehr_snapshot_t  *snap = registry->loading;

    snap->rc = ehr_registry_load(store, snap->arena, &snap->facs,
                                 &snap->nfacs, &snap->stored);

    if (snap->rc == EHR_OK) {
        snap->rc = ngx_http_ehr_snapshot_index(snap);
    }
}


static ngx_http_ehr_snapshot_t *
ngx_http_ehr_snapshot_create(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_snapshot_t  *snap;

    snap = ngx_calloc(sizeof(ngx_http_ehr_snapshot_t), worker->cycle->log);
    if (snap == NULL) {
        return NULL;
    }

    snap->arena = ehr_arena_create(NGX_HTTP_EHR_REGISTRY_CAP);
    if (snap->arena == NULL) {
        ngx_free(snap);
        return NULL;
    }

    snap->refs = 1;

    /* Read before the load: a change in between makes it old at once. */
    snap->generation = worker->shared->registry_generation;

    return snap;
}


static void
ngx_http_ehr_registry_wake(ngx_http_ehr_registry_t *registry,
    ngx_uint_t is_loaded)
{
    ngx_queue_t                    waiting, *q;
    ngx_http_ehr_ctx_t            *ctx;
    ngx_http_ehr_registry_wait_t  *wait;

    if (ngx_queue_empty(&registry->waiting)) {
        return;
    }

    ngx_queue_init(&waiting);
    ngx_queue_add(&waiting, &registry->waiting);
    ngx_queue_init(&registry->waiting);

    while (!ngx_queue_empty(&waiting)) {
        q = ngx_queue_head(&waiting);
        ngx_queue_remove(q);

        wait = ngx_queue_data(q, ngx_http_ehr_registry_wait_t, queue);
        ctx = wait->ctx;

        if (is_loaded) {
            ngx_http_ehr_rerun(ctx);
            continue;
        }

        ngx_http_ehr_resume(ctx, ngx_http_ehr_refuse(ctx,
                                     EHR_PROBLEM_STORE_UNAVAILABLE, NULL,
                                     NULL));
    }
}


static void
ngx_http_ehr_snapshot_loaded(void *data)
{
    ngx_http_ehr_registry_t  *registry = data;
    ngx_http_ehr_snapshot_t  *snap = registry->loading;

    registry->loading = NULL;

    if (snap->rc != EHR_OK) {
        ngx_log_error(NGX_LOG_ERR, registry->worker->cycle->log, 0,
                      "registry could not be loaded");
        ngx_http_ehr_snapshot_unref(snap);
        ngx_http_ehr_registry_wake(registry, 0);
        return;
    }

    ngx_http_ehr_snapshot_unref(registry->present);
    registry->present = snap;

    ngx_http_ehr_registry_wake(registry, 1);
}


static ngx_int_t
ngx_http_ehr_registry_load(ngx_http_ehr_registry_t *registry)
{
    if (registry->loading) {
        return NGX_OK;
    }

    registry->loading = ngx_http_ehr_snapshot_create(registry->worker);
    if (registry->loading == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_ehr_journal_look(registry->worker,
                                  ngx_http_ehr_snapshot_load,
                                  ngx_http_ehr_snapshot_loaded, registry)
        != NGX_OK)
    {
        ngx_http_ehr_snapshot_unref(registry->loading);
        registry->loading = NULL;
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_ehr_registry_ask(ehr_store_t *store, void *data)
{
    ngx_http_ehr_registry_t  *registry = data;

    registry->rc = ehr_registry_generation(store, &registry->stored);
}


static void
ngx_http_ehr_registry_asked(void *data)
{
    ngx_http_ehr_registry_t  *registry = data;

    registry->is_looking = 0;

    if (registry->rc == EHR_OK && registry->present
        && registry->present->stored != registry->stored)
    {
        (void) ngx_http_ehr_registry_load(registry);
    }
}


static void
ngx_http_ehr_registry_look(ngx_event_t *ev)
{
    ngx_connection_t         *c = ev->data;
    ngx_http_ehr_registry_t  *registry = c->data;

    if (ngx_exiting) {
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_EHR_REGISTRY_LOOK);

    if (registry->present == NULL || registry->is_looking) {
        return;
    }

    if (ngx_http_ehr_journal_look(registry->worker, ngx_http_ehr_registry_ask,
                                  ngx_http_ehr_registry_asked, registry)
        == NGX_OK)
    {
        registry->is_looking = 1;
    }
}


ngx_int_t
ngx_http_ehr_registry_init(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_registry_t  *registry;

    registry = ngx_pcalloc(worker->cycle->pool,
                           sizeof(ngx_http_ehr_registry_t));
    if (registry == NULL) {
        return NGX_ERROR;
    }

    registry->worker = worker;
    ngx_queue_init(&registry->waiting);
    worker->registry = registry;

    registry->dummy.fd = (ngx_socket_t) -1;
    registry->dummy.data = registry;
    registry->look.data = &registry->dummy;
    registry->look.handler = ngx_http_ehr_registry_look;
    registry->look.log = worker->cycle->log;
    registry->look.cancelable = 1;

    ngx_add_timer(&registry->look, NGX_HTTP_EHR_REGISTRY_LOOK);

    return NGX_OK;
}


/* Every request let go of its picture before. */

void
ngx_http_ehr_registry_exit(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_snapshot_unref(worker->registry->present);
    worker->registry->present = NULL;
}


void
ngx_http_ehr_registry_changed(ngx_http_ehr_worker_t *worker)
{
    (void) ngx_atomic_fetch_add(&worker->shared->registry_generation, 1);
}


ngx_int_t
ngx_http_ehr_registry_hold(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_registry_t       *registry = ctx->worker->registry;
    ngx_http_ehr_snapshot_t       *snap = registry->present;
    ngx_http_ehr_registry_wait_t  *wait;

    if (snap && snap->generation == ctx->worker->shared->registry_generation)
    {
        if (ctx->registry == NULL) {
            snap->refs++;
            ctx->registry = snap;
        }

        return NGX_OK;
    }

    wait = ngx_palloc(ctx->request->pool,
                      sizeof(ngx_http_ehr_registry_wait_t));

    if (wait == NULL || ngx_http_ehr_registry_load(registry) != NGX_OK) {
        return NGX_ERROR;
    }

    wait->ctx = ctx;
    ngx_queue_insert_tail(&registry->waiting, &wait->queue);
    ngx_http_ehr_park(ctx);

    return NGX_AGAIN;
}


void
ngx_http_ehr_registry_release(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_snapshot_unref(ctx->registry);
    ctx->registry = NULL;
    ctx->fac = NULL;
}


const ehr_facility_t *
ngx_http_ehr_registry_by_cert(ngx_http_ehr_ctx_t *ctx,
    const u_char sha256[EHR_SHA256_LEN])
{
    ngx_http_ehr_enrolled_t   key, *found;
    ngx_http_ehr_snapshot_t  *snap = ctx->registry;

    key.sha256 = sha256;

    found = bsearch(&key, snap->enrolled, snap->nenrolled,
                    sizeof(ngx_http_ehr_enrolled_t),
                    ngx_http_ehr_enrolled_cmp);

    return found ? found->fac : NULL;
}
