/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One connection to Redis for each worker, many questions under way at once:
 * all that are asked in one turn of the event loop leave in one send.  Decides
 * who gets which answer, and who has waited long enough; refuses to know what
 * a script means.
 *
 * Life of a question:
 *   1. ask: the asker's memory and an entry of the ring point at each other
 *   2. the answer, the time-out or the loss of the connection takes both
 *      pointers back and calls done(), once
 *   3. or the asker goes first: ngx_http_ehr_redis_forget() takes them back
 *   4. after a time-out the entry stays until its late answer is dropped, for
 *      Redis answers in order
 */

#include "ngx_http_ehr_redis_state.h"


#define NGX_HTTP_EHR_REDIS_REPLY  65536       /* bytes of one reply */


static void ngx_http_ehr_redis_init_event(ngx_http_ehr_redis_t *redis,
    ngx_event_t *ev, ngx_event_handler_pt handler);
static ngx_int_t ngx_http_ehr_redis_take(void *data, u_char *bytes,
    size_t n);
static void ngx_http_ehr_redis_flush_handler(ngx_event_t *ev);
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

    /* From inside the loop: while a worker starts its clock stands still, and
     * every time measured against it would be over at once. */

    ngx_add_timer(&redis->step, 1);

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
        ngx_http_ehr_redis_mark(worker, 0);
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

ngx_http_ehr_redis_op_t *
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
        redis->has_grace = 0;
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

void
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


/* --- events -------------------------------------------------------------- */

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
