/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One connection to Redis for each worker: nginx owns the socket and its TLS,
 * many questions are under way at once, all that are asked in one turn of the
 * event loop leave in one send.  Decides when Redis may be asked and when it
 * counts as away; refuses to know what a script means.
 *
 *   down        no connection; after a pause, connecting
 *   connecting  TCP, then TLS
 *   greeting    AUTH, SELECT, SCRIPT LOAD are under way
 *   probing     so is a PING; answered as fast as a check has to be: ready
 *   resting     connected but too slow; after a pause, probing again
 *   ready       questions are taken
 *
 * Life of a question:
 *   1. ask: the asker's memory and an entry of the ring point at each other
 *   2. the answer, the time-out or the loss of the connection takes both
 *      pointers back and calls done(), once
 *   3. or the asker goes first: ngx_http_ehr_redis_forget() takes them back
 *   4. after a time-out the entry stays until its late answer is dropped, for
 *      Redis answers in order
 */

#include "ngx_http_ehr_redis_link.h"


#define NGX_HTTP_EHR_REDIS_RING      4096     /* a power of two */
#define NGX_HTTP_EHR_REDIS_PATIENCE  1000     /* ms, for a greeting or PING */
#define NGX_HTTP_EHR_REDIS_PAUSE     50       /* ms, the first one */
#define NGX_HTTP_EHR_REDIS_PAUSES    5000     /* and the longest */
#define NGX_HTTP_EHR_REDIS_STABLE    10000    /* ms ready: pauses anew */
#define NGX_HTTP_EHR_REDIS_REPLY     65536    /* bytes of one reply */


typedef enum {
    NGX_HTTP_EHR_REDIS_DOWN = 0,
    NGX_HTTP_EHR_REDIS_CONNECTING,
    NGX_HTTP_EHR_REDIS_GREETING,
    NGX_HTTP_EHR_REDIS_PROBING,
    NGX_HTTP_EHR_REDIS_RESTING,
    NGX_HTTP_EHR_REDIS_READY
} ngx_http_ehr_redis_state_e;


typedef enum {
    NGX_HTTP_EHR_REDIS_AUTH = 0,
    NGX_HTTP_EHR_REDIS_SELECT,
    NGX_HTTP_EHR_REDIS_LOAD,
    NGX_HTTP_EHR_REDIS_PING,
    NGX_HTTP_EHR_REDIS_SCRIPT,
    NGX_HTTP_EHR_REDIS_SCRIPT_TEXT    /* sent after NOSCRIPT */
} ngx_http_ehr_redis_op_e;


typedef struct {
    ngx_http_ehr_redis_op_e       type;
    ngx_uint_t                    script;
    ngx_msec_t                    sent;
    ngx_http_ehr_redis_ask_t     *ask;        /* NULL: nobody waits */
} ngx_http_ehr_redis_op_t;


struct ngx_http_ehr_redis_s {
    ngx_http_ehr_worker_t        *worker;
    ngx_http_ehr_redis_conf_t    *conf;
    ngx_http_ehr_redis_state_e    state;

    ngx_http_ehr_redis_link_t     link;
    redisReader                  *reader;
    ngx_http_ehr_redis_reply_t    reply;
    u_char                        sha[NGX_HTTP_EHR_SCRIPT_LAST]
                                     [NGX_HTTP_EHR_REDIS_SHA];

    /* entries head..tail - 1 are under way, the oldest first */
    ngx_http_ehr_redis_op_t       ring[NGX_HTTP_EHR_REDIS_RING];
    uint32_t                      head;
    uint32_t                      tail;
    uint32_t                      stamped;    /* sent, as far as it could */

    ngx_connection_t              dummy;      /* the events' data */
    ngx_event_t                   flush;      /* posted: one send a turn */
    ngx_event_t                   step;       /* the state lasts too long */
    ngx_event_t                   check;      /* the oldest entry does */

    ngx_msec_t                    pause;      /* the next one, at most */
    ngx_msec_t                    ready_since;
    ngx_msec_t                    lost_since;
    ngx_uint_t                    decided_here;   /* since then */
    unsigned                      is_lost:1;
    unsigned                      has_grace:1;
};


static void ngx_http_ehr_redis_init_event(ngx_http_ehr_redis_t *redis,
    ngx_event_t *ev, ngx_event_handler_pt handler);
static void ngx_http_ehr_redis_connect(ngx_http_ehr_redis_t *redis);
static void ngx_http_ehr_redis_probe(ngx_http_ehr_redis_t *redis);
static void ngx_http_ehr_redis_ready(ngx_http_ehr_redis_t *redis);
static void ngx_http_ehr_redis_rest(ngx_http_ehr_redis_t *redis);
static void ngx_http_ehr_redis_lose(void *data, ngx_err_t err,
    const char *reason);
static void ngx_http_ehr_redis_close(ngx_http_ehr_redis_t *redis);
static void ngx_http_ehr_redis_greet(void *data);
static ngx_int_t ngx_http_ehr_redis_take(void *data, u_char *bytes,
    size_t n);
static void ngx_http_ehr_redis_flush_handler(ngx_event_t *ev);
static void ngx_http_ehr_redis_step_handler(ngx_event_t *ev);
static void ngx_http_ehr_redis_check_handler(ngx_event_t *ev);


ngx_int_t
ngx_http_ehr_redis_init(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_redis_t  *redis;

    redis = ngx_calloc(sizeof(ngx_http_ehr_redis_t), worker->cycle->log);
    if (redis == NULL) {
        return NGX_ERROR;
    }

    worker->redis = redis;

    redis->worker = worker;
    redis->conf = &worker->mcf->redis;
    redis->pause = NGX_HTTP_EHR_REDIS_PAUSE;

    redis->link.conf = redis->conf;
    redis->link.data = redis;
    redis->link.opened = ngx_http_ehr_redis_greet;
    redis->link.received = ngx_http_ehr_redis_take;
    redis->link.failed = ngx_http_ehr_redis_lose;

    redis->dummy.fd = (ngx_socket_t) -1;
    redis->dummy.log = worker->cycle->log;
    redis->dummy.data = redis;

    ngx_http_ehr_redis_init_event(redis, &redis->flush,
                                  ngx_http_ehr_redis_flush_handler);
    ngx_http_ehr_redis_init_event(redis, &redis->step,
                                  ngx_http_ehr_redis_step_handler);
    ngx_http_ehr_redis_init_event(redis, &redis->check,
                                  ngx_http_ehr_redis_check_handler);

    ngx_http_ehr_redis_connect(redis);

    return NGX_OK;
}


static void
ngx_http_ehr_redis_init_event(ngx_http_ehr_redis_t *redis, ngx_event_t *ev,
    ngx_event_handler_pt handler)
{
    ev->data = &redis->dummy;
    ev->handler = handler;
    ev->log = redis->dummy.log;
    ev->cancelable = 1;
}


void
ngx_http_ehr_redis_exit(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_redis_t  *redis = worker->redis;

    worker->redis = NULL;

    ngx_http_ehr_redis_close(redis);

    if (redis->step.timer_set) {
        ngx_del_timer(&redis->step);
    }

    if (redis->check.timer_set) {
        ngx_del_timer(&redis->check);
    }

    if (redis->is_lost) {
        (void) ngx_atomic_fetch_add(&worker->shared->redis_away, -1);
    }

    ngx_free(redis);
}


ngx_uint_t
ngx_http_ehr_redis_is_away(ngx_http_ehr_worker_t *worker)
{
    return worker->redis != NULL
           && worker->redis->state != NGX_HTTP_EHR_REDIS_READY;
}


/* --- questions ----------------------------------------------------------- */

static ngx_http_ehr_redis_op_t *
ngx_http_ehr_redis_push(ngx_http_ehr_redis_t *redis,
    ngx_http_ehr_redis_op_e type)
{
    ngx_http_ehr_redis_op_t  *op;

    op = &redis->ring[redis->tail++ % NGX_HTTP_EHR_REDIS_RING];

    op->type = type;
    op->script = 0;
    op->sent = ngx_current_msec;
    op->ask = NULL;

    if (!redis->flush.posted) {
        ngx_post_event(&redis->flush, &ngx_posted_events);
    }

    return op;
}


static ngx_int_t
ngx_http_ehr_redis_send_ask(ngx_http_ehr_redis_t *redis,
    ngx_http_ehr_redis_ask_t *ask, ngx_http_ehr_redis_op_e type)
{
    u_char                   *sha;
    ngx_http_ehr_redis_op_t  *op;

    if (redis->tail - redis->head == NGX_HTTP_EHR_REDIS_RING) {
        return NGX_DECLINED;
    }

    sha = type == NGX_HTTP_EHR_REDIS_SCRIPT ? redis->sha[ask->script] : NULL;

    if (ngx_http_ehr_redis_eval(&redis->link.out, ask, sha) != NGX_OK) {
        return NGX_DECLINED;
    }

    op = ngx_http_ehr_redis_push(redis, type);
    op->ask = ask;
    ask->op = op;

    if (!redis->check.timer_set) {
        ngx_add_timer(&redis->check, redis->conf->timeout);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_ehr_redis_ask(ngx_http_ehr_worker_t *worker,
    ngx_http_ehr_redis_ask_t *ask)
{
    ngx_http_ehr_redis_t  *redis = worker->redis;

    ask->op = NULL;

    if (redis == NULL) {
        return NGX_DECLINED;
    }

    if (redis->state == NGX_HTTP_EHR_REDIS_READY
        && ngx_http_ehr_redis_send_ask(redis, ask, NGX_HTTP_EHR_REDIS_SCRIPT)
           == NGX_OK)
    {
        return NGX_OK;
    }

    redis->decided_here++;

    return NGX_DECLINED;
}


void
ngx_http_ehr_redis_forget(ngx_http_ehr_redis_ask_t *ask)
{
    ngx_http_ehr_redis_op_t  *op = ask->op;

    if (op) {
        op->ask = NULL;
        ask->op = NULL;
    }
}


/* done() may ask again and is then turned down, so the ring stands still. */

static void
ngx_http_ehr_redis_abandon(ngx_http_ehr_redis_t *redis)
{
    uint32_t                   i;
    ngx_http_ehr_redis_ask_t  *ask;

    for (i = redis->head; i != redis->tail; i++) {
        ask = redis->ring[i % NGX_HTTP_EHR_REDIS_RING].ask;

        if (ask == NULL) {
            continue;
        }

        ngx_http_ehr_redis_forget(ask);
        redis->decided_here++;

        (void) ask->done(ask, NULL);
    }
}


/* --- states -------------------------------------------------------------- */

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
    ngx_msec_t  pause;

    pause = NGX_HTTP_EHR_REDIS_PAUSE
            + ngx_random() % (redis->pause - NGX_HTTP_EHR_REDIS_PAUSE + 1);

    redis->pause = ngx_min(redis->pause * 2, NGX_HTTP_EHR_REDIS_PAUSES);

    return pause;
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


static void
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


static void
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


static void
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

    (void) ngx_atomic_fetch_add(&redis->worker->shared->redis_away, -1);
}


/* Once for each time Redis goes, whatever else fails until it is back. */

static void
ngx_http_ehr_redis_report(ngx_http_ehr_redis_t *redis, ngx_err_t err,
    const char *reason)
{
    if (redis->state == NGX_HTTP_EHR_REDIS_READY
        && ngx_current_msec - redis->ready_since > NGX_HTTP_EHR_REDIS_STABLE)
    {
        redis->pause = NGX_HTTP_EHR_REDIS_PAUSE;
    }

    if (redis->is_lost) {
        return;
    }

    redis->is_lost = 1;
    redis->lost_since = ngx_current_msec;

    (void) ngx_atomic_fetch_add(&redis->worker->shared->redis_away, 1);
    ngx_http_ehr_count(redis->worker, REDIS_LOST);

    ngx_log_error(NGX_LOG_ERR, redis->worker->cycle->log, err,
                  "redis is away, limits are decided here: address=%V "
                  "reason=\"%s\"", &redis->conf->addr_text, reason);
}


static void
ngx_http_ehr_redis_rest(ngx_http_ehr_redis_t *redis)
{
    ngx_http_ehr_redis_report(redis, 0, "it answers too slowly");

    ngx_http_ehr_redis_enter(redis, NGX_HTTP_EHR_REDIS_RESTING,
                             ngx_http_ehr_redis_pause(redis));

    ngx_http_ehr_redis_abandon(redis);
}


/* Closes and plans the next attempt; the caller touches neither connection
 * nor ring afterwards. */

static void
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


static void
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


/* --- events -------------------------------------------------------------- */

static void
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


static void
ngx_http_ehr_redis_check_handler(ngx_event_t *ev)
{
    ngx_msec_t                age, timeout;
    ngx_connection_t         *c = ev->data;
    ngx_http_ehr_redis_t     *redis = c->data;
    ngx_http_ehr_redis_op_t  *op;

    if (redis->state != NGX_HTTP_EHR_REDIS_READY
        || redis->head == redis->tail)
    {
        return;
    }

    op = &redis->ring[redis->head % NGX_HTTP_EHR_REDIS_RING];

    age = ngx_current_msec - op->sent;
    timeout = redis->conf->timeout;

    if (age < timeout) {
        redis->has_grace = 0;
        ngx_add_timer(ev, timeout - age);
        return;
    }

    /* The loop may be late, not Redis: what has arrived is read first, but
     * nobody waits twice for that. */

    if (!redis->has_grace
        && ngx_http_ehr_redis_link_is_behind(&redis->link))
    {
        redis->has_grace = 1;
        ngx_add_timer(ev, 1);
        return;
    }

    ngx_http_ehr_redis_rest(redis);
}


/* The time of a question runs from here: that this turn of the loop was long
 * is no fault of Redis. */

static void
ngx_http_ehr_redis_flush_handler(ngx_event_t *ev)
{
    ngx_connection_t      *c = ev->data;
    ngx_http_ehr_redis_t  *redis = c->data;

    ngx_time_update();

    for ( /* void */ ; redis->stamped != redis->tail; redis->stamped++) {
        redis->ring[redis->stamped % NGX_HTTP_EHR_REDIS_RING].sent =
                                                             ngx_current_msec;
    }

    ngx_http_ehr_redis_link_send(&redis->link);
}


/* --- answers ------------------------------------------------------------- */

/* NULL, or why the connection must go. */

static const char *
ngx_http_ehr_redis_judge(ngx_http_ehr_redis_t *redis,
    ngx_http_ehr_redis_op_t *op)
{
    ngx_http_ehr_redis_reply_t  *reply = &redis->reply;

    if (reply->is_strange) {
        return "its answer is of another kind";
    }

    switch (op->type) {

    case NGX_HTTP_EHR_REDIS_AUTH:
    case NGX_HTTP_EHR_REDIS_SELECT:
        return ngx_http_ehr_redis_reply_is(reply, REDIS_REPLY_STATUS, "OK")
               ? NULL : "it does not let us in";

    case NGX_HTTP_EHR_REDIS_LOAD:
        return reply->type == REDIS_REPLY_STRING
               && reply->len == NGX_HTTP_EHR_REDIS_SHA
               ? NULL : "it does not take the scripts";

    case NGX_HTTP_EHR_REDIS_PING:
        return ngx_http_ehr_redis_reply_is(reply, REDIS_REPLY_STATUS, "PONG")
               ? NULL : "it is not ready";

    case NGX_HTTP_EHR_REDIS_SCRIPT:
        if (ngx_http_ehr_redis_reply_is(reply, REDIS_REPLY_ERROR, "NOSCRIPT"))
        {
            return NULL;
        }

        /* fall through */

    case NGX_HTTP_EHR_REDIS_SCRIPT_TEXT:
        return reply->type == REDIS_REPLY_ARRAY
               && reply->n == NGX_HTTP_EHR_REDIS_VALUES
               ? NULL : "it does not decide";
    }

    return NULL;
}


static void
ngx_http_ehr_redis_answer_ask(ngx_http_ehr_redis_t *redis,
    ngx_http_ehr_redis_op_t *op)
{
    ngx_http_ehr_redis_ask_t  *ask = op->ask;

    if (ask == NULL) {
        return;
    }

    ngx_http_ehr_redis_forget(ask);

    if (redis->reply.type == REDIS_REPLY_ARRAY) {
        if (ask->done(ask, redis->reply.values) != NGX_OK) {
            ngx_http_ehr_redis_lose(redis, 0, "its numbers make no sense");
        }

        return;
    }

    /* NOSCRIPT: somebody emptied the cache.  The text puts it back; this one
     * may take a second round trip, and the time of one more. */

    if (ngx_http_ehr_redis_send_ask(redis, ask,
                                    NGX_HTTP_EHR_REDIS_SCRIPT_TEXT)
        != NGX_OK)
    {
        redis->decided_here++;
        (void) ask->done(ask, NULL);
    }
}


static void
ngx_http_ehr_redis_answer(ngx_http_ehr_redis_t *redis,
    ngx_http_ehr_redis_op_t *op)
{
    switch (op->type) {

    case NGX_HTTP_EHR_REDIS_LOAD:
        ngx_memcpy(redis->sha[op->script], redis->reply.text,
                   NGX_HTTP_EHR_REDIS_SHA);
        break;

    case NGX_HTTP_EHR_REDIS_PING:
        if (ngx_current_msec - op->sent > redis->conf->timeout) {
            ngx_http_ehr_redis_rest(redis);

        } else {
            ngx_http_ehr_redis_ready(redis);
        }

        return;

    case NGX_HTTP_EHR_REDIS_SCRIPT:
    case NGX_HTTP_EHR_REDIS_SCRIPT_TEXT:
        ngx_http_ehr_redis_answer_ask(redis, op);
        return;

    default:
        break;
    }

    if (redis->state == NGX_HTTP_EHR_REDIS_GREETING
        && redis->head == redis->tail)
    {
        ngx_http_ehr_redis_probe(redis);
    }
}


static void
ngx_http_ehr_redis_reject(ngx_http_ehr_redis_t *redis, const char *reason)
{
    u_char      text[256];
    ngx_str_t   code;

    code = ngx_http_ehr_redis_error_code(&redis->reply);

    if (redis->reply.type != REDIS_REPLY_ERROR || code.len == 0) {
        ngx_http_ehr_redis_lose(redis, 0, reason);
        return;
    }

    (void) ngx_snprintf(text, sizeof(text), "%s: %V%Z", reason, &code);
    ngx_http_ehr_redis_lose(redis, 0, (char *) text);
}


/* The oldest entry's answer is in redis->reply; NGX_ERROR: the link is
 * closed. */

static ngx_int_t
ngx_http_ehr_redis_take_one(ngx_http_ehr_redis_t *redis)
{
    const char               *reason;
    ngx_http_ehr_redis_op_t   op;

    if (redis->head == redis->tail) {
        ngx_http_ehr_redis_lose(redis, 0, "it speaks without being asked");
        return NGX_ERROR;
    }

    /* A copy, for done() may ask anew and take the entry. */

    op = redis->ring[redis->head % NGX_HTTP_EHR_REDIS_RING];

    reason = ngx_http_ehr_redis_judge(redis, &op);

    if (reason) {
        ngx_http_ehr_redis_reject(redis, reason);
        return NGX_ERROR;
    }

    redis->head++;
    ngx_http_ehr_redis_answer(redis, &op);

    return redis->link.connection ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_ehr_redis_take(void *data, u_char *bytes, size_t n)
{
    void                  *object;
    ngx_http_ehr_redis_t  *redis = data;

    if (redisReaderFeed(redis->reader, (char *) bytes, n) != REDIS_OK) {
        ngx_http_ehr_redis_lose(redis, 0, "no memory");
        return NGX_ERROR;
    }

    for ( ;; ) {
        object = NULL;

        if (redisReaderGetReply(redis->reader, &object) != REDIS_OK
            || (object == NULL
                && redis->reader->len > NGX_HTTP_EHR_REDIS_REPLY))
        {
            ngx_http_ehr_redis_lose(redis, 0, "it does not speak RESP");
            return NGX_ERROR;
        }

        if (object == NULL) {
            return NGX_OK;
        }

        if (ngx_http_ehr_redis_take_one(redis) != NGX_OK) {
            return NGX_ERROR;
        }
    }
}
