/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How the limiter asks Redis: one script, one key, a few integers there and
 * back.  Whoever asks knows nothing of connections, nodes or TLS, so that
 * Sentinel, Cluster and more scripts can come behind the same two calls.
 */

#ifndef NGX_HTTP_EHR_REDIS_H
#define NGX_HTTP_EHR_REDIS_H


#include "ngx_http_ehr.h"


#define NGX_HTTP_EHR_REDIS_ARGS    2
#define NGX_HTTP_EHR_REDIS_VALUES  3


typedef enum {
    NGX_HTTP_EHR_SCRIPT_GCRA = 0,     /* step, burst; allowed, ahead, now */
    NGX_HTTP_EHR_SCRIPT_LAST
} ngx_http_ehr_script_e;


typedef struct ngx_http_ehr_redis_ask_s  ngx_http_ehr_redis_ask_t;

/* The asker's memory; it stays until done() or ngx_http_ehr_redis_forget(). */

struct ngx_http_ehr_redis_ask_s {
    ngx_http_ehr_script_e    script;
    ngx_str_t                key;     /* with a {hash tag}, for Cluster */
    int64_t                  args[NGX_HTTP_EHR_REDIS_ARGS];

    /* values: NGX_HTTP_EHR_REDIS_VALUES of them, not yet checked; NULL when
     * Redis did not decide in time.  NGX_ERROR: they make no sense, such a
     * server is not asked again. */
    ngx_int_t              (*done)(ngx_http_ehr_redis_ask_t *ask,
                                   const int64_t *values);
    void                    *data;

    void                    *op;      /* services/ngx_http_ehr_redis.c's */
};


/*
 * Gives  NGX_OK: done() is called once, at most the configured time-out
 *        later, never from inside; NGX_DECLINED: Redis is away or too much is
 *        in flight, done() is not called
 */
ngx_int_t ngx_http_ehr_redis_ask(ngx_http_ehr_worker_t *worker,
                                 ngx_http_ehr_redis_ask_t *ask);

/* done() will not be called; allowed at any time, also after done(). */
void ngx_http_ehr_redis_forget(ngx_http_ehr_redis_ask_t *ask);


#endif /* NGX_HTTP_EHR_REDIS_H */
