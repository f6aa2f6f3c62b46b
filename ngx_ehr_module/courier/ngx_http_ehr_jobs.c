/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The steps of jobs, in the writer's thread of any worker that finds one due.
 * What a job is and how far it has come, the store knows.
 */

#include "ngx_http_ehr_schedule.h"
#include "ehr_store_decide.h"


#define NGX_HTTP_EHR_JOBS_POLL  1000      /* ms, give or take a quarter */
#define NGX_HTTP_EHR_JOBS_MIN   10        /* ms between two steps */


struct ngx_http_ehr_jobs_s {
    ngx_http_ehr_worker_t     *worker;
    ngx_event_t                timer;
    ngx_connection_t           dummy;
    ehr_decide_t               how;
    int64_t                    now_ms;
    int64_t                    next_ms;
    uint32_t                   nchanged;
    ehr_rc_t                   rc;
};


static void ngx_http_ehr_jobs_timer(ngx_event_t *ev);


ngx_int_t
ngx_http_ehr_jobs_init(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_jobs_t  *jobs;

    jobs = ngx_pcalloc(worker->cycle->pool, sizeof(ngx_http_ehr_jobs_t));
    if (jobs == NULL) {
        return NGX_ERROR;
    }

    jobs->worker = worker;
    jobs->how.data = worker->mcf;
    jobs->how.is_repeat_safe = ngx_http_ehr_repeat_is_safe;
    jobs->dummy.fd = (ngx_socket_t) -1;
    jobs->dummy.data = jobs;
    jobs->timer.data = &jobs->dummy;
    jobs->timer.handler = ngx_http_ehr_jobs_timer;
    jobs->timer.log = worker->cycle->log;
    jobs->timer.cancelable = 1;

    ngx_add_timer(&jobs->timer, NGX_HTTP_EHR_JOBS_POLL);

    return NGX_OK;
}


static void
ngx_http_ehr_jobs_run(ehr_store_t *store, void *data)
{
    ngx_http_ehr_jobs_t  *jobs = data;

    jobs->rc = ehr_job_step(store, jobs->now_ms, &jobs->how, &jobs->nchanged,
                            &jobs->next_ms);
}


static void
ngx_http_ehr_jobs_sleep(ngx_http_ehr_jobs_t *jobs, int64_t due_ms)
{
    int64_t  wait;

    wait = NGX_HTTP_EHR_JOBS_POLL * 3 / 4
           + (int64_t) (ngx_random() % (NGX_HTTP_EHR_JOBS_POLL / 2));

    if (due_ms) {
        wait = ngx_min(wait, due_ms - ngx_http_ehr_now_ms());
        wait = ngx_max(wait, NGX_HTTP_EHR_JOBS_MIN);
    }

    ngx_add_timer(&jobs->timer, (ngx_msec_t) wait);
}


static void
ngx_http_ehr_jobs_done(void *data)
{
    ngx_http_ehr_jobs_t  *jobs = data;

    if (jobs->nchanged) {
        (void) ngx_atomic_fetch_add(&jobs->worker->shared->counters[
                                        NGX_HTTP_EHR_COUNT_DECIDED],
                                    jobs->nchanged);
        ngx_http_ehr_schedule_kick(jobs->worker, UINT32_MAX);
    }

    if (!ngx_exiting) {
        ngx_http_ehr_jobs_sleep(jobs, jobs->rc == EHR_OK ? jobs->next_ms : 0);
    }
}


static void
ngx_http_ehr_jobs_timer(ngx_event_t *ev)
{
    ngx_connection_t     *c = ev->data;
    ngx_http_ehr_jobs_t  *jobs = c->data;

    if (ngx_exiting) {
        return;
    }

    jobs->now_ms = ngx_http_ehr_now_ms();

    if (ngx_http_ehr_journal_change(jobs->worker, ngx_http_ehr_jobs_run,
                                    ngx_http_ehr_jobs_done, jobs)
        != NGX_OK)
    {
        ngx_http_ehr_jobs_sleep(jobs, 0);
    }
}
