/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the two halves of the connection to Redis share: the questions
 * (ngx_http_ehr_redis.c) and the states (ngx_http_ehr_redis_state.c).  Nobody
 * else includes this.
 */

#ifndef NGX_HTTP_EHR_REDIS_STATE_H
#define NGX_HTTP_EHR_REDIS_STATE_H


#include "ngx_http_ehr_redis_link.h"


#define NGX_HTTP_EHR_REDIS_RING  4096       /* a power of two */


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


/* --- states -------------------------------------------------------------- */

/* The link is open: AUTH, SELECT, SCRIPT LOAD go out. */
void ngx_http_ehr_redis_greet(void *data);

/* They are answered, or the rest is over: so goes a PING. */
void ngx_http_ehr_redis_probe(ngx_http_ehr_redis_t *redis);

void ngx_http_ehr_redis_ready(ngx_http_ehr_redis_t *redis);

/* It is too slow: nobody waits any longer, the connection stays. */
void ngx_http_ehr_redis_rest(ngx_http_ehr_redis_t *redis);

/* Closes and plans the next attempt; the caller touches neither link nor ring
 * afterwards. */
void ngx_http_ehr_redis_lose(void *data, ngx_err_t err, const char *reason);

/* For good, at the end of the worker too. */
void ngx_http_ehr_redis_close(ngx_http_ehr_redis_t *redis);

void ngx_http_ehr_redis_step_handler(ngx_event_t *ev);


/* --- questions ----------------------------------------------------------- */

/* One more entry of the ring, for a command that the caller appends to
 * redis->link.out; there is room for it. */
ngx_http_ehr_redis_op_t *ngx_http_ehr_redis_push(ngx_http_ehr_redis_t *redis,
    ngx_http_ehr_redis_op_e type);

/* Everybody who waits is told that Redis did not decide. */
void ngx_http_ehr_redis_abandon(ngx_http_ehr_redis_t *redis);


#endif /* NGX_HTTP_EHR_REDIS_STATE_H */
