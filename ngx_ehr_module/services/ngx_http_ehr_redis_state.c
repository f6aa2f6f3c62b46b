/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * When Redis may be asked: connects, greets, probes, pauses, and says in the
 * log when it is away and when it is back.  Refuses to know what is asked.
 *
 *   down        no connection; after a pause, connecting
 *   connecting  TCP, then TLS
 *   greeting    AUTH, SELECT, SCRIPT LOAD are under way
 *   probing     so is a PING; answered as fast as a check has to be: ready
 *   resting     connected but too slow; after a pause, probing again
 *   ready       questions are taken
 */

#include "ngx_http_ehr_redis_state.h"


#define NGX_HTTP_EHR_REDIS_PATIENCE  1000     /* ms, for a greeting or PING */
#define NGX_HTTP_EHR_REDIS_PAUSE     50       /* ms, the first one */
#define NGX_HTTP_EHR_REDIS_PAUSES    5000     /* and the longest */
#define NGX_HTTP_EHR_REDIS_STABLE    10000    /* ms ready: pauses anew */


static void
ngx_http_ehr_redis_enter(ngx_http_ehr_redis_t *redis,
    ngx_http_ehr_redis_state_e state, ngx_msec_t msec)
{
    redis->state = state;

    if (redis->step.timer_set) {
        ngx_del_timer(&redis->step);
    }

    if (msec) {
        ngx_add_timer(&redis->step, msec);
    }
}


/* Somewhere between the first pause and the present one, so that workers and
 * nodes do not come back as one. */

static ngx_msec_t
ngx_http_ehr_redis_pause(ngx_http_ehr_redis_t *redis)
{
    ngx_msec_t  longest;

    longest = ngx_max(redis->pause, NGX_HTTP_EHR_REDIS_PAUSE);
    redis->pause = ngx_min(longest * 2, NGX_HTTP_EHR_REDIS_PAUSES);

    return NGX_HTTP_EHR_REDIS_PAUSE
           + ngx_random() % (longest - NGX_HTTP_EHR_REDIS_PAUSE + 1);
}


static ngx_msec_t
ngx_http_ehr_redis_patience(ngx_http_ehr_redis_t *redis)
{
    return ngx_max(NGX_HTTP_EHR_REDIS_PATIENCE, redis->conf->timeout);
}


static void
ngx_http_ehr_redis_connect(ngx_http_ehr_redis_t *redis)
{
    redis->reader = ngx_http_ehr_redis_reader(&redis->reply);
    if (redis->reader == NULL) {
        ngx_http_ehr_redis_lose(redis, 0, "no memory");
        return;
    }

    ngx_http_ehr_redis_enter(redis, NGX_HTTP_EHR_REDIS_CONNECTING,
                             ngx_http_ehr_redis_patience(redis));

    ngx_http_ehr_redis_link_connect(&redis->link);
}


static ngx_int_t
ngx_http_ehr_redis_greet_auth(ngx_http_ehr_redis_t *redis)
{
    ngx_uint_t                  n;
    ngx_str_t                   words[3];
    ngx_http_ehr_redis_conf_t  *conf = redis->conf;

    if (conf->password.len == 0) {
        return NGX_OK;
    }

    n = 0;
    ngx_str_set(&words[n], "AUTH");
    n++;

    if (conf->user.len) {
        words[n++] = conf->user;
    }

    words[n++] = conf->password;

    (void) ngx_http_ehr_redis_push(redis, NGX_HTTP_EHR_REDIS_AUTH);

    return ngx_http_ehr_redis_command(&redis->link.out, words, n);
}


static ngx_int_t
ngx_http_ehr_redis_greet_select(ngx_http_ehr_redis_t *redis)
{
    u_char     db[NGX_INT_T_LEN];
    ngx_str_t  words[2];

    if (redis->conf->db == 0) {
        return NGX_OK;
    }

    ngx_str_set(&words[0], "SELECT");
    words[1].data = db;
    words[1].len = ngx_sprintf(db, "%i", redis->conf->db) - db;

    (void) ngx_http_ehr_redis_push(redis, NGX_HTTP_EHR_REDIS_SELECT);

    return ngx_http_ehr_redis_command(&redis->link.out, words, 2);
}


static ngx_int_t
ngx_http_ehr_redis_greet_scripts(ngx_http_ehr_redis_t *redis)
{
    ngx_str_t                 words[3];
    ngx_uint_t                i;
    ngx_http_ehr_redis_op_t  *op;

    ngx_str_set(&words[0], "SCRIPT");
    ngx_str_set(&words[1], "LOAD");

    for (i = 0; i < NGX_HTTP_EHR_SCRIPT_LAST; i++) {
        words[2] = ngx_http_ehr_scripts[i];

        op = ngx_http_ehr_redis_push(redis, NGX_HTTP_EHR_REDIS_LOAD);
        op->script = i;

        if (ngx_http_ehr_redis_command(&redis->link.out, words, 3) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


void
ngx_http_ehr_redis_greet(void *data)
{
    ngx_http_ehr_redis_t  *redis = data;

    ngx_http_ehr_redis_enter(redis, NGX_HTTP_EHR_REDIS_GREETING,
                             ngx_http_ehr_redis_patience(redis));

    if (ngx_http_ehr_redis_greet_auth(redis) != NGX_OK
        || ngx_http_ehr_redis_greet_select(redis) != NGX_OK
        || ngx_http_ehr_redis_greet_scripts(redis) != NGX_OK)
    {
        ngx_http_ehr_redis_lose(redis, 0, "no memory");
    }
}


void
ngx_http_ehr_redis_probe(ngx_http_ehr_redis_t *redis)
{
    static const ngx_str_t  ping = ngx_string("PING");

    if (redis->tail - redis->head == NGX_HTTP_EHR_REDIS_RING
        || ngx_http_ehr_redis_command(&redis->link.out, &ping, 1) != NGX_OK)
    {
        ngx_http_ehr_redis_lose(redis, 0, "too much is unanswered");
        return;
    }

    ngx_http_ehr_redis_enter(redis, NGX_HTTP_EHR_REDIS_PROBING,
                             ngx_http_ehr_redis_patience(redis));

    (void) ngx_http_ehr_redis_push(redis, NGX_HTTP_EHR_REDIS_PING);
}


void
ngx_http_ehr_redis_ready(ngx_http_ehr_redis_t *redis)
{
    ngx_http_ehr_redis_enter(redis, NGX_HTTP_EHR_REDIS_READY, 0);

    redis->ready_since = ngx_current_msec;

    if (!redis->is_lost) {
        redis->decided_here = 0;
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, redis->worker->cycle->log, 0,
                  "redis is back: address=%V away_ms=%M decided_here=%ui",
                  &redis->conf->addr_text,
                  ngx_current_msec - redis->lost_since, redis->decided_here);

    redis->is_lost = 0;
    redis->decided_here = 0;

    ngx_http_ehr_redis_mark(redis->worker, 0);
}


/* Once for each time Redis goes, whatever else fails until it is back. */

static void
ngx_http_ehr_redis_report(ngx_http_ehr_redis_t *redis, ngx_err_t err,
    const char *reason)
{
    if (redis->state == NGX_HTTP_EHR_REDIS_READY
        && ngx_current_msec - redis->ready_since > NGX_HTTP_EHR_REDIS_STABLE)
    {
        redis->pause = 0;
    }

    if (redis->is_lost) {
        return;
    }

    redis->is_lost = 1;
    redis->lost_since = ngx_current_msec;

    ngx_http_ehr_redis_mark(redis->worker, 1);
    ngx_http_ehr_count(redis->worker, REDIS_LOST);

    ngx_log_error(NGX_LOG_ERR, redis->worker->cycle->log, err,
                  "redis is away, limits are decided here: address=%V "
                  "reason=\"%s\"", &redis->conf->addr_text, reason);
}


void
ngx_http_ehr_redis_rest(ngx_http_ehr_redis_t *redis)
{
    ngx_http_ehr_redis_report(redis, 0, "it answers too slowly");

    ngx_http_ehr_redis_enter(redis, NGX_HTTP_EHR_REDIS_RESTING,
                             ngx_http_ehr_redis_pause(redis));

    ngx_http_ehr_redis_abandon(redis);
}


void
ngx_http_ehr_redis_lose(void *data, ngx_err_t err, const char *reason)
{
    ngx_http_ehr_redis_t  *redis = data;

    ngx_http_ehr_redis_report(redis, err, reason);
    ngx_http_ehr_redis_close(redis);

    ngx_http_ehr_redis_enter(redis, NGX_HTTP_EHR_REDIS_DOWN,
                             ngx_http_ehr_redis_pause(redis));

    ngx_http_ehr_redis_abandon(redis);

    redis->head = redis->tail;
    redis->stamped = redis->tail;
}


void
ngx_http_ehr_redis_close(ngx_http_ehr_redis_t *redis)
{
    if (redis->flush.posted) {
        ngx_delete_posted_event(&redis->flush);
    }

    if (redis->reader) {
        redisReaderFree(redis->reader);
        redis->reader = NULL;
    }

    ngx_http_ehr_redis_link_close(&redis->link);
}


void
ngx_http_ehr_redis_step_handler(ngx_event_t *ev)
{
    ngx_connection_t      *c = ev->data;
    ngx_http_ehr_redis_t  *redis = c->data;

    switch (redis->state) {

    case NGX_HTTP_EHR_REDIS_DOWN:
        ngx_http_ehr_redis_connect(redis);
        break;

    case NGX_HTTP_EHR_REDIS_RESTING:
        ngx_http_ehr_redis_probe(redis);
        break;

    case NGX_HTTP_EHR_REDIS_CONNECTING:
        ngx_http_ehr_redis_lose(redis, 0, "it cannot be reached in time");
        break;

    case NGX_HTTP_EHR_REDIS_GREETING:
    case NGX_HTTP_EHR_REDIS_PROBING:
        ngx_http_ehr_redis_lose(redis, 0, "it does not answer");
        break;

    case NGX_HTTP_EHR_REDIS_READY:
        break;
    }
}


/*
 * A worker that lost Redis leaves its pid, not a number to add to: what a
 * killed one leaves is seen to be of nobody, and is cleared.
 */

void
ngx_http_ehr_redis_mark(ngx_http_ehr_worker_t *worker, ngx_uint_t is_away)
{
    ngx_uint_t          i;
    ngx_atomic_t       *rows = worker->shared->redis_away;
    ngx_atomic_uint_t   pid = (ngx_atomic_uint_t) ngx_pid;

    for (i = 0; i < NGX_HTTP_EHR_WORKERS; i++) {

        if (is_away && (rows[i] == pid || ngx_atomic_cmp_set(&rows[i], 0,
                                                             pid)))
        {
            return;
        }

        if (!is_away && ngx_atomic_cmp_set(&rows[i], pid, 0)) {
            return;
        }
    }
}


ngx_uint_t
ngx_http_ehr_redis_away(ngx_http_ehr_worker_t *worker)
{
    ngx_uint_t          i, n;
    ngx_atomic_t       *rows = worker->shared->redis_away;
    ngx_atomic_uint_t   pid;

    for (i = 0, n = 0; i < NGX_HTTP_EHR_WORKERS; i++) {
        pid = rows[i];

        if (pid == 0) {
            continue;
        }

        if (kill((pid_t) pid, 0) == -1 && ngx_errno == ESRCH) {
            (void) ngx_atomic_cmp_set(&rows[i], pid, 0);
            continue;
        }

        n++;
    }

    return n;
}
