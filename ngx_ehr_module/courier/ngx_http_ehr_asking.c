/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * When a partner is asked what became of an uncertain delivery.  What is
 * still to be asked stands in the store, so a restart forgets nothing; this
 * file looks there, one question at a time for each partner and worker.
 */

#include "ngx_http_ehr_schedule.h"
#include "ehr_schedule.h"


#define NGX_HTTP_EHR_ASKING_POLL   1000     /* ms, give or take a quarter */
#define NGX_HTTP_EHR_ASKING_LEASE  600000   /* ms, then asked again */
#define NGX_HTTP_EHR_ASKING_CAP    (1024 * 1024)


static void ngx_http_ehr_asking_timer(ngx_event_t *ev);
static void ngx_http_ehr_asking_claimed(ngx_http_ehr_write_t *write);


int64_t
ngx_http_ehr_first_query_ms(const ngx_http_ehr_partner_t *part)
{
    ehr_backoff_t  backoff;

    if (!ngx_http_ehr_partner_has_query(part)) {
        return 0;
    }

    backoff.min_ms = (int64_t) part->query_min;
    backoff.max_ms = (int64_t) part->query_max;
    backoff.deadline_ms = 0;

    return ngx_http_ehr_now_ms()
           + ehr_backoff_wait_ms(&backoff, 1, (uint32_t) ngx_random(), 0);
}


static void
ngx_http_ehr_asking_sleep(ngx_http_ehr_asking_t *asking, int64_t due_ms)
{
    int64_t  wait;

    wait = NGX_HTTP_EHR_ASKING_POLL * 3 / 4
           + (int64_t) (ngx_random() % (NGX_HTTP_EHR_ASKING_POLL / 2));

    if (due_ms) {
        wait = ngx_min(wait, due_ms - ngx_http_ehr_now_ms());
        wait = ngx_max(wait, 1);
    }

    if (asking->timer.timer_set) {
        ngx_del_timer(&asking->timer);
    }

    ngx_add_timer(&asking->timer, (ngx_msec_t) wait);
}


void
ngx_http_ehr_asking_due(ngx_http_ehr_worker_t *worker,
    const ngx_http_ehr_partner_t *part, int64_t due_ms)
{
    ngx_msec_int_t          left;
    ngx_http_ehr_asking_t  *asking;

    if (due_ms == 0 || ngx_exiting) {
        return;
    }

    asking = &worker->schedule->askings[part->index];
    left = (ngx_msec_int_t) (asking->timer.timer.key - ngx_current_msec);

    if (!asking->timer.timer_set || due_ms - ngx_http_ehr_now_ms() < left) {
        ngx_http_ehr_asking_sleep(asking, due_ms);
    }
}


ngx_int_t
ngx_http_ehr_askings_init(ngx_http_ehr_worker_t *worker)
{
    ngx_uint_t                i, n;
    ngx_http_ehr_asking_t    *asking;
    ngx_http_ehr_partner_t   *part;

    n = worker->mcf->partners.nelts;
    part = worker->mcf->partners.elts;

    asking = ngx_pcalloc(worker->cycle->pool,
                         n * sizeof(ngx_http_ehr_asking_t));
    if (asking == NULL) {
        return NGX_ERROR;
    }

    worker->schedule->askings = asking;

    for (i = 0; i < n; i++) {
        asking[i].worker = worker;
        asking[i].part = &part[i];
        asking[i].dummy.fd = (ngx_socket_t) -1;
        asking[i].dummy.data = &asking[i];
        asking[i].timer.data = &asking[i].dummy;
        asking[i].timer.handler = ngx_http_ehr_asking_timer;
        asking[i].timer.log = worker->cycle->log;
        asking[i].timer.cancelable = 1;

        if (ngx_http_ehr_partner_has_query(&part[i])) {
            ngx_http_ehr_asking_sleep(&asking[i], 0);
        }
    }

    return NGX_OK;
}


static void
ngx_http_ehr_asking_free(ngx_http_ehr_asking_t *asking)
{
    if (asking->attempt) {
        ngx_http_ehr_attempt_destroy(asking->attempt);
    }

    ehr_arena_destroy(asking->arena);

    asking->attempt = NULL;
    asking->arena = NULL;
}


static ngx_int_t
ngx_http_ehr_asking_claim(ngx_http_ehr_asking_t *asking)
{
    ehr_store_probe_t  *probe = &asking->probe;

    if (ngx_http_ehr_slot_take(asking->worker) != NGX_OK) {
        return NGX_ERROR;
    }

    asking->arena = ehr_arena_create(NGX_HTTP_EHR_ASKING_CAP);
    asking->attempt = ngx_http_ehr_attempt_create(asking->worker);

    if (asking->arena == NULL || asking->attempt == NULL) {
        ngx_http_ehr_asking_free(asking);
        return NGX_ERROR;
    }

    ngx_memzero(probe, sizeof(ehr_store_probe_t));

    probe->op.type = EHR_STORE_OP_PROBE;
    probe->partner = (char *) asking->part->name.data;
    probe->now_ms = ngx_http_ehr_now_ms();
    probe->lease_ms = NGX_HTTP_EHR_ASKING_LEASE;
    probe->cap_ms = (int64_t) asking->part->query_max;
    probe->owner = asking->worker->owner;
    probe->max = 1;
    probe->arena = asking->arena;

    asking->write.op = &probe->op;
    asking->write.done = ngx_http_ehr_asking_claimed;
    asking->write.data = asking;

    if (ngx_http_ehr_journal_write(asking->worker, &asking->write) != NGX_OK) {
        ngx_http_ehr_asking_free(asking);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_ehr_asking_timer(ngx_event_t *ev)
{
    ngx_connection_t       *c = ev->data;
    ngx_http_ehr_asking_t  *asking = c->data;

    if (ngx_exiting) {
        return;
    }

    /* Again, whatever becomes of this look (I6). */
    ngx_http_ehr_asking_sleep(asking, 0);

    if (!asking->is_busy) {
        asking->is_busy = (ngx_http_ehr_asking_claim(asking) == NGX_OK);
    }
}


static void
ngx_http_ehr_asking_claimed(ngx_http_ehr_write_t *write)
{
    ngx_http_ehr_asking_t  *asking = write->data;

    if (asking->probe.op.rc == EHR_OK && asking->probe.nclaims) {
        ngx_http_ehr_attempt_ask(asking);
        return;
    }

    ngx_http_ehr_asking_release(asking);
}


void
ngx_http_ehr_asking_release(ngx_http_ehr_asking_t *asking)
{
    int64_t  due_ms = asking->probe.next_due_ms;

    ngx_http_ehr_asking_free(asking);
    asking->is_busy = 0;

    if (asking->probe.op.rc == EHR_OK) {
        ngx_http_ehr_asking_due(asking->worker, asking->part, due_ms);
    }
}
