/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What is due is claimed, a lane for each partner, never more at once than
 * the lane allows; what a dead worker left is taken back.  How a delivery is
 * tried is the attempt's part.
 *
 * A lane looks when it is kicked (something was accepted, an attempt ended
 * and more was there), when the next delivery is due, and every second, for
 * other workers accept and die too.
 *
 * What was held because of the configuration, the accounts above all, is
 * tried again by each new worker, for a new worker is how a mended one comes.
 */

#include "ngx_http_ehr_schedule.h"
#include "ngx_http_ehr_session.h"
#include "ngx_http_ehr_waiters.h"

#include <fcntl.h>


#define NGX_HTTP_EHR_POLL        1000     /* ms, give or take a quarter */
#define NGX_HTTP_EHR_CLAIM_CAP   (128 * 1024 * 1024)
#define NGX_HTTP_EHR_CLAIM_MAX   16       /* deliveries a claim */


static void ngx_http_ehr_lane_kick(ngx_http_ehr_lane_t *lane);
static void ngx_http_ehr_lane_timer(ngx_event_t *ev);
static void ngx_http_ehr_recover(ngx_event_t *ev);


/* Reasons that lie in the configuration: ours, and a plugin's of a log-in. */

static const char *const  ngx_http_ehr_config_reasons[] = {
    "config.",
    "account.missing",
    "account.blocked",
    "session.refused",
    "login.",
    NULL
};


static ngx_msec_t
ngx_http_ehr_poll_ms(void)
{
    return NGX_HTTP_EHR_POLL * 3 / 4 + ngx_random() % (NGX_HTTP_EHR_POLL / 2);
}


static void
ngx_http_ehr_batch_unref(ngx_http_ehr_batch_t *batch)
{
    if (--batch->refs == 0) {
        ehr_arena_destroy(batch->arena);
        ngx_free(batch);
    }
}


/* Set anew: nginx leaves a timer alone that changes by less than 300 ms. */

static void
ngx_http_ehr_lane_sleep(ngx_http_ehr_lane_t *lane, int64_t next_due_ms)
{
    int64_t  wait = (int64_t) ngx_http_ehr_poll_ms();

    if (next_due_ms) {
        wait = ngx_min(wait, next_due_ms - ngx_http_ehr_now_ms());
        wait = ngx_max(wait, 1);
    }

    if (lane->timer.timer_set) {
        ngx_del_timer(&lane->timer);
    }

    ngx_add_timer(&lane->timer, (ngx_msec_t) wait);
}


/* The next look is not later than this. */

static void
ngx_http_ehr_lane_wake_at(ngx_http_ehr_lane_t *lane, int64_t due_ms)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (lane->timer.timer.key - ngx_current_msec);

    if (!lane->timer.timer_set || due_ms - ngx_http_ehr_now_ms() < left) {
        ngx_http_ehr_lane_sleep(lane, due_ms);
    }
}


/* What was accepted and cannot be sent is the worst that can be: loudly. */

static void
ngx_http_ehr_lane_unreadable(ngx_http_ehr_lane_t *lane,
    ehr_store_claim_t *claim)
{
    uint32_t     i;
    const char  *why;

    for (i = 0; i < claim->nunreadable; i++) {

        switch (claim->unreadable[i].is) {

        case EHR_CONTENT_REMOVED:
            why = "is not in the journal";
            break;

        case EHR_CONTENT_NO_KEY:
            why = "is sealed with a key that is not configured";
            break;

        default:
            why = "was damaged or changed in the journal";
        }

        ngx_log_error(NGX_LOG_ALERT, lane->timer.log, 0,
                      "content of a document %s, delivery held: "
                      "partner=%V document=%s", why, &lane->part->name,
                      claim->unreadable[i].id);
    }
}


static void
ngx_http_ehr_lane_claimed(ngx_http_ehr_write_t *write)
{
    uint32_t               i;
    ngx_uint_t             again;
    ehr_store_claim_t     *claim;
    ngx_http_ehr_lane_t   *lane;
    ngx_http_ehr_batch_t  *batch = write->data;

    lane = batch->lane;
    claim = &batch->claim;

    lane->is_claiming = 0;
    again = lane->is_wanted;
    lane->is_wanted = 0;
    lane->has_more = 0;

    if (claim->op.rc == EHR_OK) {
        lane->has_more = (claim->nclaims + claim->nunreadable
                          == claim->max);

        for (i = 0; i < claim->nclaims; i++) {
            batch->refs++;
            lane->in_flight++;
            ngx_http_ehr_attempt_start(batch, &claim->claims[i]);
        }

        if (claim->nunreadable) {
            ngx_http_ehr_lane_unreadable(lane, claim);
        }

        if (claim->next_due_ms) {
            ngx_http_ehr_lane_wake_at(lane, claim->next_due_ms);
        }

    } else {
        again = 0;
    }

    ngx_http_ehr_batch_unref(batch);

    if (again || lane->has_more) {
        ngx_http_ehr_lane_kick(lane);
    }
}


static ngx_http_ehr_batch_t *
ngx_http_ehr_batch_create(ngx_http_ehr_lane_t *lane)
{
    ngx_http_ehr_batch_t  *batch;

    batch = ngx_calloc(sizeof(ngx_http_ehr_batch_t), lane->timer.log);
    if (batch == NULL) {
        return NULL;
    }

    batch->arena = ehr_arena_create(NGX_HTTP_EHR_CLAIM_CAP);
    if (batch->arena == NULL) {
        ngx_free(batch);
        return NULL;
    }

    batch->lane = lane;
    batch->refs = 1;

    batch->claim.op.type = EHR_STORE_OP_CLAIM;
    batch->claim.partner = (char *) lane->part->name.data;
    batch->claim.owner = lane->worker->owner;
    batch->claim.now_ms = ngx_http_ehr_now_ms();
    batch->claim.max = ngx_min(lane->part->concurrency - lane->in_flight,
                               NGX_HTTP_EHR_CLAIM_MAX);
    batch->claim.arena = batch->arena;

    batch->write.op = &batch->claim.op;
    batch->write.done = ngx_http_ehr_lane_claimed;
    batch->write.data = batch;

    return batch;
}


static void
ngx_http_ehr_lane_kick(ngx_http_ehr_lane_t *lane)
{
    ngx_http_ehr_batch_t  *batch;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    if (lane->is_claiming) {
        lane->is_wanted = 1;
        return;
    }

    if (lane->in_flight >= lane->part->concurrency) {
        lane->has_more = 1;
        return;
    }

    if (ngx_http_ehr_slot_take(lane->worker) != NGX_OK) {
        return;
    }

    batch = ngx_http_ehr_batch_create(lane);

    if (batch == NULL) {
        return;
    }

    if (ngx_http_ehr_journal_write(lane->worker, &batch->write) != NGX_OK) {
        ngx_http_ehr_batch_unref(batch);
        return;
    }

    lane->is_claiming = 1;
}


static void
ngx_http_ehr_lane_unheld(ngx_http_ehr_write_t *write)
{
    ngx_http_ehr_lane_t  *lane = write->data;

    lane->is_unholding = 0;

    if (lane->unhold.op.rc != EHR_OK) {
        /* the lane's next look tries again */
        return;
    }

    lane->is_unheld = !lane->unhold.is_full;

    if (lane->unhold.nunheld == 0) {
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, lane->timer.log, 0,
                  "held deliveries tried again: partner=%V number=%uD",
                  &lane->part->name, lane->unhold.nunheld);

    ngx_http_ehr_lane_kick(lane);
}


static void
ngx_http_ehr_lane_unhold(ngx_http_ehr_lane_t *lane)
{
    if (lane->is_unheld || lane->is_unholding) {
        return;
    }

    ngx_memzero(&lane->unhold, sizeof(ehr_store_unhold_t));

    lane->unhold.op.type = EHR_STORE_OP_UNHOLD;
    lane->unhold.partner = (char *) lane->part->name.data;
    lane->unhold.reasons = ngx_http_ehr_config_reasons;
    lane->unhold.now_ms = ngx_http_ehr_now_ms();

    lane->unhold_write.op = &lane->unhold.op;
    lane->unhold_write.done = ngx_http_ehr_lane_unheld;
    lane->unhold_write.data = lane;

    if (ngx_http_ehr_journal_write(lane->worker, &lane->unhold_write)
        == NGX_OK)
    {
        lane->is_unholding = 1;
    }
}


ngx_uint_t
ngx_http_ehr_schedule_may_unhold(ngx_http_ehr_worker_t *worker,
    ehr_str_t reason)
{
    size_t              len;
    const char *const  *known;

    if ((int64_t) worker->shared->configured_ms
        <= worker->mcf->configured_ms)
    {
        return 0;
    }

    for (known = ngx_http_ehr_config_reasons; *known; known++) {
        len = ngx_strlen(*known);

        if (reason.len >= len && ngx_memcmp(reason.data, *known, len) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_ehr_lane_timer(ngx_event_t *ev)
{
    ngx_connection_t     *c = ev->data;
    ngx_http_ehr_lane_t  *lane = c->data;

    if (ngx_exiting) {
        return;
    }

    /* Again, whatever becomes of this look (I6). */
    ngx_http_ehr_lane_sleep(lane, 0);
    ngx_http_ehr_lane_unhold(lane);
    ngx_http_ehr_lane_kick(lane);
}


void
ngx_http_ehr_lane_release(ngx_http_ehr_batch_t *batch, int64_t due_ms)
{
    ngx_http_ehr_lane_t  *lane = batch->lane;

    lane->in_flight--;
    ngx_http_ehr_batch_unref(batch);

    if (due_ms) {
        ngx_http_ehr_lane_wake_at(lane, due_ms);
    }

    if (lane->has_more) {
        ngx_http_ehr_lane_kick(lane);
    }
}


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
ngx_http_ehr_is_alive(void *data, const ehr_owner_t *owner)
{
    struct flock              fl;
    ngx_http_ehr_worker_t    *worker = data;

    if (owner->slot == worker->owner.slot) {
        return owner->incarnation == worker->owner.incarnation;
    }

    ngx_memzero(&fl, sizeof(struct flock));
    fl.l_type = F_WRLCK;
    fl.l_whence = SEEK_SET;
    fl.l_start = owner->slot;
    fl.l_len = 1;

    if (fcntl(worker->slots_fd, F_OFD_GETLK, &fl) == -1) {
        /* in doubt it lives: its rows wait for the next look */
        return 1;
    }

    return fl.l_type != F_UNLCK;
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


static void
ngx_http_ehr_recovered(ngx_http_ehr_write_t *write)
{
    ngx_uint_t                n;
    ngx_http_ehr_schedule_t  *schedule = write->data;

    schedule->is_recovering = 0;

    n = schedule->recover.nretried + schedule->recover.nuncertain;

    if (schedule->recover.op.rc != EHR_OK || n == 0) {
        return;
    }

    (void) ngx_atomic_fetch_add(&schedule->worker->shared->counters[
                                    NGX_HTTP_EHR_COUNT_RECOVERED], n);

    if (schedule->recover.nuncertain) {
        ngx_http_ehr_waiters_some_settled(schedule->worker);
    }

    ngx_log_error(NGX_LOG_NOTICE, schedule->worker->cycle->log, 0,
                  "taken back from dead workers: retried=%uD uncertain=%uD",
                  schedule->recover.nretried, schedule->recover.nuncertain);

    ngx_http_ehr_schedule_kick(schedule->worker, UINT32_MAX);
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

    if (schedule->is_recovering
        || ngx_http_ehr_slot_take(schedule->worker) != NGX_OK)
    {
        return;
    }

    ngx_memzero(&schedule->recover, sizeof(ehr_store_recover_t));

    schedule->recover.op.type = EHR_STORE_OP_RECOVER;
    schedule->recover.now_ms = ngx_http_ehr_now_ms();
    schedule->recover.data = schedule->worker;
    schedule->recover.is_alive = ngx_http_ehr_is_alive;
    schedule->recover.is_repeat_safe = ngx_http_ehr_is_repeat_safe;
    schedule->recover.probe_ms = ngx_http_ehr_probe_ms;

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


static void
ngx_http_ehr_lane_init(ngx_http_ehr_lane_t *lane,
    ngx_http_ehr_worker_t *worker, ngx_http_ehr_partner_t *part)
{
    lane->worker = worker;
    lane->part = part;

    lane->dummy.fd = (ngx_socket_t) -1;
    lane->dummy.data = lane;

    lane->timer.data = &lane->dummy;
    lane->timer.handler = ngx_http_ehr_lane_timer;
    lane->timer.log = worker->cycle->log;
    lane->timer.cancelable = 1;

    ngx_add_timer(&lane->timer, 1);
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
        ngx_http_ehr_lane_init(&schedule->lanes[i], worker, &part[i]);
    }

    if (ngx_http_ehr_askings_init(worker) != NGX_OK) {
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
