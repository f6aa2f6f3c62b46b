/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How much may come: by certificate before the token is looked at, so that
 * checking tokens stays cheap; by facility after it.  The bucket in shared
 * memory always speaks first, so that a flood never reaches Redis; Redis
 * counts over all nodes; when it does not answer in time, what the first one
 * said stands.  No request fails because Redis does.
 */

#include "ngx_http_ehr_limit.h"
#include "ngx_http_ehr_redis.h"
#include "ehr_gcra.h"


#define NGX_HTTP_EHR_LIMIT_PREFIX  "ehr:gcra:"
#define NGX_HTTP_EHR_SEC_US        1000000


typedef struct {
    ngx_http_ehr_redis_ask_t   ask;
    ehr_gcra_rate_t            rate;
    u_char                     key[sizeof(NGX_HTTP_EHR_LIMIT_PREFIX "{}")
                                   + EHR_FACILITY_MAX];
} ngx_http_ehr_limit_ask_t;


static ngx_http_ehr_result_e ngx_http_ehr_cert_limit(ngx_http_ehr_ctx_t *ctx);
static ngx_http_ehr_result_e ngx_http_ehr_limit(ngx_http_ehr_ctx_t *ctx);
static ngx_int_t ngx_http_ehr_limit_ask(ngx_http_ehr_ctx_t *ctx,
    const ehr_gcra_rate_t *rate);
static ngx_int_t ngx_http_ehr_limit_done(ngx_http_ehr_redis_ask_t *ask,
    const int64_t *values);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_cert_limit = {
    "cert_limit", ngx_http_ehr_cert_limit
};

const ngx_http_ehr_stage_t  ngx_http_ehr_stage_limit = {
    "limit", ngx_http_ehr_limit
};


/* --- rates and verdicts -------------------------------------------------- */

/* The facility's own, or the default; 0: there is no limit. */

static ngx_uint_t
ngx_http_ehr_limit_rate(ngx_http_ehr_ctx_t *ctx, ehr_gcra_rate_t *rate)
{
    rate->rate_milli = ctx->fac->rate_milli ? ctx->fac->rate_milli
                                            : ctx->mcf->rate.rate_milli;
    rate->burst = ctx->fac->burst ? ctx->fac->burst : ctx->mcf->rate.burst;

    if (rate->burst < 1) {
        rate->burst = ngx_max(rate->rate_milli / 1000, 1);
    }

    return rate->rate_milli > 0;
}


/* The workers' common clock; it never goes back. */

static int64_t
ngx_http_ehr_limit_now_us(void)
{
    return (int64_t) ngx_current_msec * 1000;
}


static int64_t
ngx_http_ehr_limit_sec(int64_t us)
{
    return (us + NGX_HTTP_EHR_SEC_US - 1) / NGX_HTTP_EHR_SEC_US;
}


static void
ngx_http_ehr_limit_fill(ngx_http_ehr_verdict_t *verdict,
    const ehr_gcra_verdict_t *v)
{
    verdict->is_limited = 1;
    verdict->is_allowed = v->is_allowed ? 1 : 0;
    verdict->limit = v->limit;
    verdict->remaining = v->remaining;
    verdict->reset_sec = ngx_http_ehr_limit_sec(v->reset_us);
    verdict->retry_after_sec = ngx_http_ehr_limit_sec(v->retry_us);

    /* Refused: both fields must name the same moment. */

    if (!v->is_allowed) {
        verdict->reset_sec = verdict->retry_after_sec;
    }
}


/* Of two who both allow the stricter one is told. */

static void
ngx_http_ehr_limit_add(ngx_http_ehr_ctx_t *ctx, const ehr_gcra_verdict_t *v)
{
    ngx_http_ehr_verdict_t  *verdict = &ctx->verdict;

    if (!verdict->is_limited || !v->is_allowed
        || v->remaining < verdict->remaining)
    {
        ngx_http_ehr_limit_fill(verdict, v);
    }
}


static ngx_http_ehr_result_e
ngx_http_ehr_limit_refuse(ngx_http_ehr_ctx_t *ctx,
    const ehr_gcra_verdict_t *v)
{
    ngx_http_ehr_count(ctx->worker, LIMIT_REFUSED);

    ctx->retry_after = ngx_http_ehr_limit_sec(v->retry_us);

    return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_LIMIT_RATE,
                        "Hãy gửi lại sau thời gian ghi trong Retry-After.",
                        "Send it again after the time in Retry-After.");
}


/* --- fields -------------------------------------------------------------- */

static ngx_int_t
ngx_http_ehr_limit_fields(ngx_http_ehr_ctx_t *ctx, const char *name,
    const ehr_gcra_rate_t *rate, const ngx_http_ehr_verdict_t *verdict)
{
    u_char     *p;
    ngx_str_t   policy, state;

    p = ngx_pnalloc(ctx->request->pool, 2 * 128);
    if (p == NULL) {
        return NGX_ERROR;
    }

    policy.data = p;
    policy.len = ngx_snprintf(p, 128, "\"%s\";q=%L;w=%L", name,
                              verdict->limit,
                              ngx_http_ehr_limit_sec(ehr_gcra_window_us(rate)))
                 - p;
    p += 128;

    state.data = p;
    state.len = ngx_snprintf(p, 128, "\"%s\";r=%L;t=%L", name,
                             verdict->remaining, verdict->reset_sec)
                - p;

    if (ngx_http_ehr_add_header(ctx->request, "RateLimit-Policy", &policy)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_ehr_add_header(ctx->request, "RateLimit", &state);
}


ngx_int_t
ngx_http_ehr_ratelimit_headers(ngx_http_ehr_ctx_t *ctx)
{
    ehr_gcra_rate_t  rate;

    if (!ctx->verdict.is_limited || ctx->fac == NULL
        || !ngx_http_ehr_limit_rate(ctx, &rate))
    {
        return NGX_OK;
    }

    return ngx_http_ehr_limit_fields(ctx, "facility", &rate, &ctx->verdict);
}


/* --- the stages ---------------------------------------------------------- */

/* Says nothing while it allows: the facility's policy is what counts for the
 * client.  ctx->verdict stays the facility's. */

static ngx_http_ehr_result_e
ngx_http_ehr_cert_limit(ngx_http_ehr_ctx_t *ctx)
{
    uint64_t                key;
    ehr_gcra_rate_t         rate;
    ehr_gcra_table_t        table;
    ehr_gcra_verdict_t      v;
    ngx_http_ehr_verdict_t  verdict;

    if (ctx->mcf->cert_rate.rate_milli <= 0) {
        return NGX_HTTP_EHR_NEXT;
    }

    rate.rate_milli = ctx->mcf->cert_rate.rate_milli;
    rate.burst = ctx->mcf->cert_rate.burst;

    table.mem = ctx->worker->shared->gcra_cert;
    table.size = NGX_HTTP_EHR_GCRA_TABLE;

    ngx_memcpy(&key, ctx->identity->sha256, sizeof(uint64_t));

    v = ehr_gcra_table_take(&table, key, &rate, ngx_http_ehr_limit_now_us());

    if (v.is_allowed) {
        return NGX_HTTP_EHR_NEXT;
    }

    ngx_http_ehr_limit_fill(&verdict, &v);

    if (ngx_http_ehr_limit_fields(ctx, "certificate", &rate, &verdict)
        != NGX_OK)
    {
        return NGX_HTTP_EHR_BROKEN;
    }

    return ngx_http_ehr_limit_refuse(ctx, &v);
}


static ngx_http_ehr_result_e
ngx_http_ehr_limit(ngx_http_ehr_ctx_t *ctx)
{
    uint64_t            key;
    ehr_gcra_rate_t     rate;
    ehr_gcra_table_t    table;
    ehr_gcra_verdict_t  v;

    if (!ngx_http_ehr_limit_rate(ctx, &rate)) {
        return NGX_HTTP_EHR_NEXT;
    }

    table.mem = ctx->worker->shared->gcra_facility;
    table.size = NGX_HTTP_EHR_GCRA_TABLE;

    key = ehr_gcra_key(ctx->fac->code.data, ctx->fac->code.len);

    v = ehr_gcra_table_take(&table, key, &rate, ngx_http_ehr_limit_now_us());

    ngx_http_ehr_limit_add(ctx, &v);

    if (!v.is_allowed) {
        ngx_http_ehr_count(ctx->worker, LIMIT_LOCAL);
        return ngx_http_ehr_limit_refuse(ctx, &v);
    }

    if (!ctx->mcf->redis.is_set) {
        ngx_http_ehr_count(ctx->worker, LIMIT_LOCAL);
        return NGX_HTTP_EHR_NEXT;
    }

    if (ngx_http_ehr_limit_ask(ctx, &rate) == NGX_OK) {
        return NGX_HTTP_EHR_PARKED;
    }

    ngx_http_ehr_count(ctx->worker, LIMIT_FALLBACK);

    return NGX_HTTP_EHR_NEXT;
}


/* --- Redis --------------------------------------------------------------- */

/* The request went first; its pool, where the question lives, still stands. */

static void
ngx_http_ehr_limit_cleanup(void *data)
{
    ngx_http_ehr_redis_forget(data);
}


static ngx_int_t
ngx_http_ehr_limit_ask(ngx_http_ehr_ctx_t *ctx, const ehr_gcra_rate_t *rate)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_ehr_limit_ask_t  *la;

    if (ctx->fac->code.len > EHR_FACILITY_MAX) {
        return NGX_DECLINED;
    }

    cln = ngx_pool_cleanup_add(ctx->request->pool,
                               sizeof(ngx_http_ehr_limit_ask_t));
    if (cln == NULL) {
        return NGX_DECLINED;
    }

    la = cln->data;

    la->rate = *rate;
    la->ask.script = NGX_HTTP_EHR_SCRIPT_GCRA;
    la->ask.args[0] = ehr_gcra_step_us(rate);
    la->ask.args[1] = ehr_gcra_window_us(rate) / la->ask.args[0];
    la->ask.key.data = la->key;
    la->ask.key.len = ngx_sprintf(la->key, NGX_HTTP_EHR_LIMIT_PREFIX "{%*s}",
                                  ctx->fac->code.len, ctx->fac->code.data)
                      - la->key;
    la->ask.done = ngx_http_ehr_limit_done;
    la->ask.data = ctx;

    if (ngx_http_ehr_redis_ask(ctx->worker, &la->ask) != NGX_OK) {
        return NGX_DECLINED;
    }

    cln->handler = ngx_http_ehr_limit_cleanup;
    ctx->redis_op = &la->ask;

    ngx_http_ehr_park(ctx);

    return NGX_OK;
}


/* allowed, TAT - now, now: all of the server's making. */

static ngx_uint_t
ngx_http_ehr_limit_is_sane(const ngx_http_ehr_limit_ask_t *la,
    const int64_t *values)
{
    return (values[0] == 0 || values[0] == 1)
           && values[1] >= 0 && values[1] <= ehr_gcra_window_us(&la->rate);
}


static ngx_int_t
ngx_http_ehr_limit_done(ngx_http_ehr_redis_ask_t *ask, const int64_t *values)
{
    ehr_gcra_verdict_t         v;
    ngx_http_ehr_ctx_t        *ctx = ask->data;
    ngx_http_ehr_result_e      result;
    ngx_http_ehr_limit_ask_t  *la = (ngx_http_ehr_limit_ask_t *) ask;

    ctx->redis_op = NULL;

    if (values == NULL || !ngx_http_ehr_limit_is_sane(la, values)) {
        ngx_http_ehr_count(ctx->worker, LIMIT_FALLBACK);
        ngx_http_ehr_resume(ctx, NGX_HTTP_EHR_NEXT);
        return values == NULL ? NGX_OK : NGX_ERROR;
    }

    ngx_http_ehr_count(ctx->worker, LIMIT_REDIS);

    v = ehr_gcra_verdict(&la->rate, (int) values[0], values[1]);

    ngx_http_ehr_limit_add(ctx, &v);

    result = v.is_allowed ? NGX_HTTP_EHR_NEXT
                          : ngx_http_ehr_limit_refuse(ctx, &v);

    ngx_http_ehr_resume(ctx, result);

    return NGX_OK;
}
