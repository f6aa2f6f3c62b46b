/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Parking and threads, the one file that knows how: what waits is counted,
 * keeps a draining worker alive, and comes back on the event loop.
 *
 * Life of a piece of work in a thread:
 *   1. post: a task outside every request's pool; the worker is held
 *   2. run(data) in the thread: no nginx memory, no log, no time of nginx
 *   3. done(data) on the event loop; then the task is freed and the worker
 *      let go
 *
 * A request that waits has r->main->blocked raised: nginx keeps its pool
 * whatever the client does.  A draining worker leaves when no timer is left,
 * so a timer that is not cancelable stands while anything is parked.
 */

#include "ngx_http_ehr.h"


#define NGX_HTTP_EHR_HOLD  1000       /* ms; only re-arms itself */


typedef struct {
    ngx_http_ehr_worker_t    *worker;
    void                    (*run)(void *data);
    void                    (*done)(void *data);
    void                     *data;
} ngx_http_ehr_job_t;


static void
ngx_http_ehr_hold_handler(ngx_event_t *ev)
{
    ngx_connection_t       *c = ev->data;
    ngx_http_ehr_worker_t  *worker = c->data;

    if (worker->parked) {
        ngx_add_timer(ev, NGX_HTTP_EHR_HOLD);
    }
}


void
ngx_http_ehr_hold(ngx_http_ehr_worker_t *worker)
{
    worker->hold.cancelable = 0;

    if (worker->parked++ == 0 && !worker->hold.timer_set) {
        worker->dummy.data = worker;
        worker->hold.data = &worker->dummy;
        worker->hold.log = worker->cycle->log;
        worker->hold.handler = ngx_http_ehr_hold_handler;

        ngx_add_timer(&worker->hold, NGX_HTTP_EHR_HOLD);
    }
}


/*
 * The timer stays until it fires, so that a busy worker does not set and
 * remove it for every request; but it holds nobody any more.
 */

void
ngx_http_ehr_unhold(ngx_http_ehr_worker_t *worker)
{
    if (--worker->parked == 0) {
        worker->hold.cancelable = 1;
    }
}


void
ngx_http_ehr_park(ngx_http_ehr_ctx_t *ctx)
{
    ctx->parked = 1;
    ctx->request->main->blocked++;
    ngx_http_ehr_hold(ctx->worker);
}


static void
ngx_http_ehr_job_run(void *data, ngx_log_t *log)
{
    ngx_http_ehr_job_t  *job = data;

    job->run(job->data);
}


static void
ngx_http_ehr_job_done(ngx_event_t *ev)
{
    ngx_http_ehr_job_t     *job = ev->data;
    ngx_http_ehr_worker_t  *worker = job->worker;

    job->done(job->data);

    /* The task and the job are one piece: see ngx_http_ehr_thread_post(). */
    ngx_free((u_char *) job - sizeof(ngx_thread_task_t));

    ngx_http_ehr_unhold(worker);
}


ngx_int_t
ngx_http_ehr_thread_post(ngx_http_ehr_worker_t *worker,
    ngx_thread_pool_t *pool, void (*run)(void *data),
    void (*done)(void *data), void *data)
{
    ngx_thread_task_t   *task;
    ngx_http_ehr_job_t  *job;

    task = ngx_calloc(sizeof(ngx_thread_task_t) + sizeof(ngx_http_ehr_job_t),
                      worker->cycle->log);
    if (task == NULL) {
        return NGX_ERROR;
    }

    job = (ngx_http_ehr_job_t *) (task + 1);
    job->worker = worker;
    job->run = run;
    job->done = done;
    job->data = data;

    task->ctx = job;
    task->handler = ngx_http_ehr_job_run;
    task->event.data = job;
    task->event.handler = ngx_http_ehr_job_done;
    task->event.log = worker->cycle->log;

    if (ngx_thread_task_post(pool, task) != NGX_OK) {
        ngx_free(task);
        return NGX_ERROR;
    }

    ngx_http_ehr_hold(worker);

    return NGX_OK;
}
