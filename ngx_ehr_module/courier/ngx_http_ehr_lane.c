/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One partner's lane in this worker: what is due is claimed, never more at
 * once than the lane allows over all workers, never faster than its rate.
 * When it allows how much is decided in core/ehr_lane.c; how a delivery is
 * tried is the attempt's part.
 *
 * A lane looks when it is kicked (something was accepted, an attempt ended
 * and more was there), when the next delivery is due, when its wait is over,
 * and every second, for other workers accept and die too.
 *
 * Places and documents of the rate are taken before the claim and given back
 * for what it did not bring: what is sending is being sent.
 *
 * What was held because of the configuration, the accounts above all, is
 * tried again by each new worker, for a new worker is how a mended one comes.
 */

#include "ngx_http_ehr_schedule.h"


#define NGX_HTTP_EHR_POLL        1000     /* ms, give or take a quarter */
#define NGX_HTTP_EHR_COLLIDED    4        /* ms, and up to as many more */
#define NGX_HTTP_EHR_FAR_EVERY   10000    /* ms: looks for waits too long */


static void ngx_http_ehr_lane_timer(ngx_event_t *ev);


/* Reasons that lie in the configuration: ours, and a plugin's of a log-in. */

static const char *const  ngx_http_ehr_config_reasons[] = {
    "config.",
    "account.missing",
    "account.blocked",
    "session.refused",
    "login.",
    NULL
};


ngx_msec_t
ngx_http_ehr_poll_ms(void)
{
    return NGX_HTTP_EHR_POLL * 3 / 4 + ngx_random() % (NGX_HTTP_EHR_POLL / 2);
}


/* Attempts that nothing was claimed for. */

static void
ngx_http_ehr_batch_spare(ngx_http_ehr_batch_t *batch)
{
    while (batch->nattempts) {
        ngx_http_ehr_attempt_destroy(batch->attempts[--batch->nattempts]);
    }
}


static void
ngx_http_ehr_batch_unref(ngx_http_ehr_batch_t *batch)
{
    if (--batch->refs > 0) {
        return;
    }

    ngx_http_ehr_batch_spare(batch);
    ehr_arena_destroy(batch->arena);
    ngx_free(batch);
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


/* Gives back what a claim did not need.  1: somebody found no room meanwhile
 * and relies on whoever has some next. */

static ngx_uint_t
ngx_http_ehr_lane_return(ngx_http_ehr_lane_t *lane, ngx_uint_t places,
    ngx_uint_t documents)
{
    if (documents && lane->part->rate.rate_milli) {
        ehr_lane_rate_return(lane->shared, &lane->part->rate,
                             (uint32_t) documents);
    }

    if (places == 0) {
        return 0;
    }

    ehr_lane_return(lane->shared, &lane->owner, (uint32_t) places);

    return atomic_exchange(&lane->shared->is_wanted, 0) != 0;
}


/* Half of what is free, so that all workers that were kicked get some: who
 * has places keeps them busy, and the others only look once a second. */

static ngx_uint_t
ngx_http_ehr_lane_share(ngx_http_ehr_lane_t *lane, ngx_uint_t window)
{
    ngx_uint_t  busy = ehr_lane_in_flight(lane->shared);

    return busy < window ? ngx_min((window - busy + 1) / 2,
                                   NGX_HTTP_EHR_CLAIM_MAX)
                         : 1;
}


/* How many a claim may ask for now; 0: the lane looks again by itself. */

static ngx_uint_t
ngx_http_ehr_lane_places(ngx_http_ehr_lane_t *lane)
{
    int64_t             now, retry_us;
    uint32_t            n, room;
    ehr_lane_verdict_t  verdict;

    now = ngx_http_ehr_now_ms();
    verdict = ehr_lane_may(&lane->conf, ehr_lane_read(lane->shared),
                           ngx_http_ehr_steady_ms());

    if (verdict.window == 0) {
        ngx_http_ehr_lane_wake_at(lane, now + verdict.wait_ms);
        return 0;
    }

    room = ehr_lane_reserve(lane->shared, &lane->owner,
                            ngx_http_ehr_lane_share(lane, verdict.window),
                            verdict.window);

    if (room == 0) {
        atomic_store(&lane->shared->is_wanted, 1);

        if (ehr_lane_in_flight(lane->shared) < verdict.window) {
            ngx_http_ehr_lane_wake_at(lane, now + NGX_HTTP_EHR_COLLIDED
                                      + ngx_random() % NGX_HTTP_EHR_COLLIDED);
        }

        return 0;
    }

    if (lane->part->rate.rate_milli == 0) {
        return room;
    }

    n = ehr_lane_rate_take(lane->shared, &lane->part->rate,
                           ngx_http_ehr_steady_ms() * 1000, room, &retry_us);

    if (n < room) {
        (void) ngx_http_ehr_lane_return(lane, room - n, 0);
        ngx_http_ehr_lane_wake_at(lane, now + 1 + retry_us / 1000);
    }

    return n;
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
    uint32_t               i, unused;
    ngx_uint_t             again;
    ehr_store_claim_t     *claim;
    ngx_http_ehr_lane_t   *lane;
    ngx_http_ehr_batch_t  *batch = write->data;

    lane = batch->lane;
    claim = &batch->claim;

    if (claim->op.rc != EHR_OK) {
        claim->nclaims = 0;
        claim->nunreadable = 0;
        claim->nfar = 0;
    }

    unused = claim->max - claim->nclaims;

    lane->is_claiming = 0;
    lane->has_more = (claim->nclaims + claim->nunreadable == claim->max);
    again = lane->is_wanted || lane->has_more;
    lane->is_wanted = 0;

    if (ngx_http_ehr_lane_return(lane, unused, unused)) {
        again = 1;
    }

    for (i = 0; i < claim->nclaims; i++) {
        batch->refs++;
        ngx_http_ehr_attempt_start(batch, &claim->claims[i]);
    }

    ngx_http_ehr_batch_spare(batch);

    if (claim->nfar) {
        ngx_log_error(NGX_LOG_WARN, lane->timer.log, 0,
                      "the clock was put back: partner=%V deliveries=%uD do "
                      "not wait for it", &lane->part->name, claim->nfar);
    }

    if (claim->nunreadable) {
        ngx_http_ehr_lane_unreadable(lane, claim);
    }

    if (claim->op.rc != EHR_OK || claim->is_paused) {
        again = 0;

    } else if (claim->next_due_ms) {
        ngx_http_ehr_lane_wake_at(lane, claim->next_due_ms);
    }

    ngx_http_ehr_batch_unref(batch);

    if (again) {
        ngx_http_ehr_lane_kick(lane);
    }
}


/* In the writer's thread: reads the configuration alone. */

static int64_t
ngx_http_ehr_lane_opens_ms(void *data, const ehr_submission_t *sub,
    int64_t now_ms)
{
    ehr_hours_query_t        query;
    ngx_http_ehr_partner_t  *part = data;

    query.kind = ehr_kind_of_name(sub->kind);
    query.size = sub->size;
    query.now_ms = now_ms;

    return ehr_hours_next_ms(part->hours.elts, (uint32_t) part->hours.nelts,
                             &query);
}


static ngx_http_ehr_batch_t *
ngx_http_ehr_batch_create(ngx_http_ehr_lane_t *lane, ngx_uint_t max)
{
    ngx_http_ehr_batch_t    *batch;
    ngx_http_ehr_attempt_t  *att;

    batch = ngx_calloc(sizeof(ngx_http_ehr_batch_t), lane->timer.log);
    if (batch == NULL) {
        return NULL;
    }

    batch->lane = lane;
    batch->refs = 1;

    batch->arena = ehr_arena_create(EHR_STORE_CLAIM_ARENA);
    if (batch->arena == NULL) {
        goto failed;
    }

    while (batch->nattempts < max) {
        att = ngx_http_ehr_attempt_create(lane->worker);
        if (att == NULL) {
            goto failed;
        }

        batch->attempts[batch->nattempts++] = att;
    }

    return batch;

failed:

    ngx_http_ehr_batch_unref(batch);

    return NULL;
}


static void
ngx_http_ehr_batch_fill(ngx_http_ehr_batch_t *batch)
{
    ngx_http_ehr_lane_t  *lane = batch->lane;

    batch->claim.op.type = EHR_STORE_OP_CLAIM;
    batch->claim.partner = (char *) lane->part->name.data;
    batch->claim.owner = lane->worker->owner;
    batch->claim.now_ms = ngx_http_ehr_now_ms();
    batch->claim.max = (uint32_t) batch->nattempts;
    batch->claim.arena = batch->arena;

    if ((ngx_msec_int_t) (ngx_current_msec - lane->far_at) >= 0) {
        lane->far_at = ngx_current_msec + NGX_HTTP_EHR_FAR_EVERY;
        batch->claim.cap_ms = (int64_t) lane->part->retry_max;
    }

    batch->claim.turn = &lane->turn;
    batch->claim.data = lane->part;
    batch->claim.opens_ms = ngx_http_ehr_lane_opens_ms;

    batch->write.op = &batch->claim.op;
    batch->write.done = ngx_http_ehr_lane_claimed;
    batch->write.data = batch;
}


void
ngx_http_ehr_lane_kick(ngx_http_ehr_lane_t *lane)
{
    ngx_uint_t             max;
    ngx_http_ehr_batch_t  *batch;

    if (ngx_exiting || ngx_terminate) {
        return;
    }

    if (lane->is_claiming) {
        lane->is_wanted = 1;
        return;
    }

    if (ngx_http_ehr_slot_take(lane->worker) != NGX_OK) {
        return;
    }

    max = ngx_http_ehr_lane_places(lane);

    if (max == 0) {
        lane->has_more = 1;
        return;
    }

    batch = ngx_http_ehr_batch_create(lane, max);

    if (batch == NULL) {
        (void) ngx_http_ehr_lane_return(lane, max, max);
        return;
    }

    ngx_http_ehr_batch_fill(batch);

    if (ngx_http_ehr_journal_write(lane->worker, &batch->write) != NGX_OK) {
        (void) ngx_http_ehr_lane_return(lane, max, max);
        ngx_http_ehr_batch_unref(batch);
        return;
    }

    lane->is_claiming = 1;
}


/* The change of the lane is one line of the log, whoever told it. */

void
ngx_http_ehr_lane_tell(ngx_http_ehr_lane_t *lane, ehr_lane_event_e kind,
    int64_t started_ms)
{
    ehr_lane_t        before, now;
    ngx_uint_t        level;
    ehr_lane_event_t  event;

    event.kind = kind;
    event.started_ms = started_ms;
    event.now_ms = ngx_http_ehr_steady_ms();
    event.random = (uint32_t) ngx_random();

    now = ehr_lane_tell(lane->shared, &lane->conf, &event, &before);

    if (now.phase == before.phase && now.trips <= before.trips) {
        return;
    }

    if (now.phase == EHR_LANE_OPEN) {
        ngx_log_error(NGX_LOG_NOTICE, lane->timer.log, 0,
                      "partner answers again: partner=%V", &lane->part->name);
        return;
    }

    ngx_http_ehr_count(lane->worker, LANE_TRIPS);

    level = (before.phase == EHR_LANE_OPEN) ? NGX_LOG_WARN : NGX_LOG_INFO;

    ngx_log_error(level, lane->timer.log, 0,
                  "partner fails, its lane waits: partner=%V times=%uD "
                  "wait_ms=%L", &lane->part->name, now.trips,
                  now.at_ms - event.now_ms);
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
    ngx_uint_t            is_wanted;
    ngx_http_ehr_lane_t  *lane = batch->lane;

    is_wanted = ngx_http_ehr_lane_return(lane, 1, 0);

    ngx_http_ehr_batch_unref(batch);

    if (due_ms) {
        ngx_http_ehr_lane_wake_at(lane, due_ms);
    }

    if (is_wanted || lane->has_more) {
        ngx_http_ehr_lane_kick(lane);
    }
}


/* The slot is new: nothing is under way in it, whoever had it before. */

void
ngx_http_ehr_lane_own(ngx_http_ehr_lane_t *lane)
{
    lane->owner.slot = lane->worker->owner.slot;
    lane->owner.incarnation = lane->worker->owner.incarnation;

    ehr_lane_own(lane->shared, &lane->owner);
}


ngx_int_t
ngx_http_ehr_lane_init(ngx_http_ehr_lane_t *lane,
    ngx_http_ehr_worker_t *worker, ngx_http_ehr_partner_t *part)
{
    lane->worker = worker;
    lane->part = part;

    lane->conf.window_max = (uint32_t) part->concurrency;
    lane->conf.min_ms = (int64_t) part->retry_min;
    lane->conf.max_ms = (int64_t) ngx_min(part->retry_max,
                                          NGX_HTTP_EHR_LANE_WAIT_MAX);

    lane->shared = ehr_lane_find(worker->shared->lanes, NGX_HTTP_EHR_LANES,
                                 ehr_gcra_key(part->name.data,
                                              part->name.len));
    if (lane->shared == NULL) {
        ngx_log_error(NGX_LOG_EMERG, worker->cycle->log, 0,
                      "more than %d names of partners since nginx was "
                      "started: start it anew", NGX_HTTP_EHR_LANES);
        return NGX_ERROR;
    }

    lane->dummy.fd = (ngx_socket_t) -1;
    lane->dummy.data = lane;

    lane->timer.data = &lane->dummy;
    lane->timer.handler = ngx_http_ehr_lane_timer;
    lane->timer.log = worker->cycle->log;
    lane->timer.cancelable = 1;

    ngx_add_timer(&lane->timer, 1);

    return NGX_OK;
}


ngx_int_t
ngx_http_ehr_lane_look(ngx_http_ehr_worker_t *worker, ngx_uint_t index,
    ngx_http_ehr_lane_look_t *look)
{
    int64_t               now;
    ehr_lane_t            state;
    ehr_lane_verdict_t    verdict;
    ngx_http_ehr_lane_t  *lane;

    if (worker->schedule == NULL || index >= worker->mcf->partners.nelts) {
        return NGX_DECLINED;
    }

    now = ngx_http_ehr_steady_ms();
    lane = &worker->schedule->lanes[index];
    state = ehr_lane_read(lane->shared);
    verdict = ehr_lane_may(&lane->conf, state, now);

    look->name = ehr_lane_name(&lane->conf, state, now);
    look->window = verdict.window;
    look->window_max = lane->conf.window_max;
    look->in_flight = ehr_lane_in_flight(lane->shared);
    look->trips = state.trips;
    look->wait_ms = verdict.wait_ms;
    look->is_well = (state.phase == EHR_LANE_OPEN);

    return NGX_OK;
}


void
ngx_http_ehr_lane_probe(ngx_http_ehr_worker_t *worker, ngx_uint_t index)
{
    ehr_lane_event_t      event;
    ngx_http_ehr_lane_t  *lane;

    if (worker->schedule == NULL) {
        return;
    }

    lane = &worker->schedule->lanes[index];

    ngx_memzero(&event, sizeof(ehr_lane_event_t));
    event.kind = EHR_LANE_PROBE;
    event.now_ms = ngx_http_ehr_steady_ms();

    (void) ehr_lane_tell(lane->shared, &lane->conf, &event, NULL);
}


int64_t
ngx_http_ehr_lane_next_ms(ngx_http_ehr_worker_t *worker, ehr_str_t partner)
{
    ngx_uint_t                 i;
    ngx_http_ehr_partner_t    *part = worker->mcf->partners.elts;
    ngx_http_ehr_lane_look_t   look;

    for (i = 0; i < worker->mcf->partners.nelts; i++) {
        if (ehr_str_eq(ngx_http_ehr_str(&part[i].name), partner)
            && ngx_http_ehr_lane_look(worker, i, &look) == NGX_OK)
        {
            return ngx_http_ehr_now_ms() + look.wait_ms;
        }
    }

    return ngx_http_ehr_now_ms();
}
