/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The lanes of this worker as a whole: they are made, kicked, and what a dead
 * worker left is taken back.  What one lane does is its own file's part.
 */

#include "ngx_http_ehr_guard.h"
#include "ngx_http_ehr_schedule.h"
#include "ngx_http_ehr_session.h"
#include "ngx_http_ehr_waiters.h"

#include <fcntl.h>


static void ngx_http_ehr_recover(ngx_event_t *ev);


void
ngx_http_ehr_schedule_kick(ngx_http_ehr_worker_t *worker, uint32_t partners)
{
    ngx_uint_t  i;

    if (worker->schedule == NULL) {
        return;
    }

    for (i = 0; i < worker->mcf->partners.nelts; i++) {
        if (partners & (1u << i)) {
            ngx_http_ehr_lane_kick(&worker->schedule->lanes[i]);
        }
    }
}


/* In the writer's thread: asks the kernel, touches nothing of the loop. */

static int
ngx_http_ehr_is_slot_alive(void *data, uint32_t slot)
{
    struct flock              fl;
    ngx_http_ehr_worker_t    *worker = data;

    if (slot == worker->owner.slot) {
        return 1;
    }

    ngx_memzero(&fl, sizeof(struct flock));
    fl.l_type = F_WRLCK;
    fl.l_whence = SEEK_SET;
    fl.l_start = slot;
    fl.l_len = 1;

    if (fcntl(worker->slots_fd, F_OFD_GETLK, &fl) == -1) {
        /* in doubt it lives: its rows wait for the next look */
        return 1;
    }

    return fl.l_type != F_UNLCK;
}


static int
ngx_http_ehr_is_alive(void *data, const ehr_owner_t *owner)
{
    ngx_http_ehr_worker_t  *worker = data;

    if (owner->slot == worker->owner.slot) {
        return owner->incarnation == worker->owner.incarnation;
    }

    return ngx_http_ehr_is_slot_alive(worker, owner->slot);
}


static int
ngx_http_ehr_is_repeat_safe(void *data, const char *partner,
    const char *kind)
{
    ngx_uint_t               i;
    ngx_http_ehr_worker_t   *worker = data;
    ngx_http_ehr_partner_t  *part = worker->mcf->partners.elts;

    for (i = 0; i < worker->mcf->partners.nelts; i++) {
        if (ngx_strcmp(part[i].name.data, partner) == 0) {
            return (int) ngx_http_ehr_partner_is_repeat_safe(&part[i], kind);
        }
    }

    return 0;
}


static int64_t
ngx_http_ehr_probe_ms(void *data, const char *partner)
{
    ngx_uint_t               i;
    ngx_http_ehr_worker_t   *worker = data;
    ngx_http_ehr_partner_t  *part = worker->mcf->partners.elts;

    for (i = 0; i < worker->mcf->partners.nelts; i++) {
        if (ngx_strcmp(part[i].name.data, partner) == 0) {
            return ngx_http_ehr_partner_has_query(&part[i])
                   ? worker->schedule->recover.now_ms
                     + (int64_t) part[i].query_min
                   : 0;
        }
    }

    return 0;
}


static ehr_crash_e
ngx_http_ehr_crashed(void *data, const ehr_taken_t *taken)
{
    const ngx_http_ehr_guard_t  *guard;

    guard = ngx_http_ehr_guard_of_delivery(data, taken->delivery,
                                           taken->fence);
    if (guard == NULL) {
        return EHR_CRASH_NONE;
    }

    return guard->call == NGX_HTTP_EHR_CALL_FIRST ? EHR_CRASH_UNSENT
                                                  : EHR_CRASH_SENT;
}


static void
ngx_http_ehr_quarantined(ngx_http_ehr_worker_t *worker,
    const ehr_store_recover_t *op)
{
    ngx_uint_t                   i, n;
    ngx_http_ehr_partner_t      *part = worker->mcf->partners.elts;
    const ngx_http_ehr_guard_t  *guard;

    (void) ngx_atomic_fetch_add(&worker->shared->counters[
                          NGX_HTTP_EHR_COUNT_QUARANTINED_DELIVERY],
                                op->nquarantined);

    n = ngx_min(op->nquarantined, EHR_STORE_MAX_QUARANTINED);

    for (i = 0; i < n; i++) {
        guard = ngx_http_ehr_guard_of_delivery(worker,
                                               op->quarantined[i].delivery,
                                               op->quarantined[i].fence);

        if (guard && guard->which
            && guard->which <= worker->mcf->partners.nelts)
        {
            ngx_log_error(NGX_LOG_ALERT, worker->cycle->log, 0,
                          "quarantined: document=%s crashed plugin \"%V\" "
                          "again", guard->document,
                          &part[guard->which - 1].plugin_path);
        }
    }
}


static void
ngx_http_ehr_recovered(ngx_http_ehr_write_t *write)
{
    ngx_uint_t                n;
    ngx_http_ehr_schedule_t  *schedule = write->data;

    schedule->is_recovering = 0;

    if (schedule->recover.op.rc != EHR_OK) {
        return;
    }

    ngx_http_ehr_quarantined(schedule->worker, &schedule->recover);

    n = schedule->recover.nretried + schedule->recover.nuncertain
        + schedule->recover.nheld;

    if (n == 0) {
        return;
    }

    (void) ngx_atomic_fetch_add(&schedule->worker->shared->counters[
                                    NGX_HTTP_EHR_COUNT_RECOVERED], n);

    ngx_http_ehr_waiters_some_settled(schedule->worker);

    ngx_log_error(NGX_LOG_NOTICE, schedule->worker->cycle->log, 0,
                  "taken back from dead workers: retried=%uD uncertain=%uD "
                  "held=%uD", schedule->recover.nretried,
                  schedule->recover.nuncertain, schedule->recover.nheld);

    ngx_http_ehr_schedule_kick(schedule->worker, UINT32_MAX);
}


/* The places of workers that died are free again. */

static void
ngx_http_ehr_reap(ngx_http_ehr_schedule_t *schedule)
{
    uint32_t               n;
    ngx_uint_t             i;
    ngx_http_ehr_lane_t   *lane;

    for (i = 0; i < schedule->worker->mcf->partners.nelts; i++) {
        lane = &schedule->lanes[i];
        n = ehr_lane_reap(lane->shared, schedule->worker,
                          ngx_http_ehr_is_slot_alive);

        if (n) {
            ngx_http_ehr_lane_kick(lane);
        }
    }
}


static void
ngx_http_ehr_recover(ngx_event_t *ev)
{
    ngx_connection_t         *c = ev->data;
    ngx_http_ehr_schedule_t  *schedule = c->data;

    if (ngx_exiting) {
        return;
    }

    ngx_add_timer(ev, ngx_http_ehr_poll_ms());

    if (ngx_http_ehr_slot_take(schedule->worker) != NGX_OK) {
        return;
    }

    ngx_http_ehr_reap(schedule);

    if (schedule->is_recovering) {
        return;
    }

    ngx_memzero(&schedule->recover, sizeof(ehr_store_recover_t));

    schedule->recover.op.type = EHR_STORE_OP_RECOVER;
    schedule->recover.now_ms = ngx_http_ehr_now_ms();
    schedule->recover.data = schedule->worker;
    schedule->recover.is_alive = ngx_http_ehr_is_alive;
    schedule->recover.is_repeat_safe = ngx_http_ehr_is_repeat_safe;
    schedule->recover.probe_ms = ngx_http_ehr_probe_ms;
    schedule->recover.crashed = ngx_http_ehr_crashed;

    schedule->recover_write.op = &schedule->recover.op;
    schedule->recover_write.done = ngx_http_ehr_recovered;
    schedule->recover_write.data = schedule;

    if (ngx_http_ehr_journal_write(schedule->worker,
                                   &schedule->recover_write)
        == NGX_OK)
    {
        schedule->is_recovering = 1;
    }
}


/* The listening socket whose server is the courier's. */

static ngx_listening_t *
ngx_http_ehr_courier_listening(ngx_cycle_t *cycle)
{
    ngx_uint_t                 i;
    ngx_listening_t           *ls;
    ngx_http_port_t           *port;
    ngx_http_in_addr_t        *addr;
    ngx_http_ehr_srv_conf_t   *scf;
    ngx_http_core_srv_conf_t  *cscf;

    ls = cycle->listening.elts;

    for (i = 0; i < cycle->listening.nelts; i++) {

        if (ls[i].handler != ngx_http_init_connection
            || ls[i].sockaddr->sa_family != AF_UNIX)
        {
            continue;
        }

        /* nginx keeps unix sockets among the IPv4 ones */
        port = ls[i].servers;
        addr = port->addrs;
        cscf = addr[0].conf.default_server;
        scf = cscf->ctx->srv_conf[ngx_http_ehr_module.ctx_index];

        if (scf->is_courier) {
            return &ls[i];
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_ehr_schedule_init(ngx_http_ehr_worker_t *worker)
{
    ngx_uint_t                i, n;
    ngx_http_ehr_partner_t   *part;
    ngx_http_ehr_schedule_t  *schedule;

    worker->mcf->courier_ls = ngx_http_ehr_courier_listening(worker->cycle);

    if (worker->mcf->courier_ls == NULL) {
        ngx_log_error(NGX_LOG_EMERG, worker->cycle->log, 0,
                      "the server with \"ehr_courier\" must listen on a unix "
                      "socket");
        return NGX_ERROR;
    }

    n = worker->mcf->partners.nelts;
    part = worker->mcf->partners.elts;

    schedule = ngx_pcalloc(worker->cycle->pool,
                           sizeof(ngx_http_ehr_schedule_t));
    if (schedule == NULL) {
        return NGX_ERROR;
    }

    schedule->lanes = ngx_pcalloc(worker->cycle->pool,
                                  n * sizeof(ngx_http_ehr_lane_t));
    if (schedule->lanes == NULL) {
        return NGX_ERROR;
    }

    schedule->worker = worker;
    worker->schedule = schedule;

    schedule->logins_fd = NGX_INVALID_FILE;

    if ((int64_t) worker->shared->configured_ms
        < worker->mcf->configured_ms)
    {
        worker->shared->configured_ms =
                            (ngx_atomic_uint_t) worker->mcf->configured_ms;
    }

    for (i = 0; i < n; i++) {
        if (ngx_http_ehr_lane_init(&schedule->lanes[i], worker, &part[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_ehr_askings_init(worker) != NGX_OK
        || ngx_http_ehr_jobs_init(worker) != NGX_OK)
    {
        return NGX_ERROR;
    }

    schedule->dummy.fd = (ngx_socket_t) -1;
    schedule->dummy.data = schedule;

    schedule->recover_timer.data = &schedule->dummy;
    schedule->recover_timer.handler = ngx_http_ehr_recover;
    schedule->recover_timer.log = worker->cycle->log;
    schedule->recover_timer.cancelable = 1;

    ngx_add_timer(&schedule->recover_timer, 1);

    return NGX_OK;
}


void
ngx_http_ehr_schedule_exit(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_session_exit(worker);
}
