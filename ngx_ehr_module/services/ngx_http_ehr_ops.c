/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Operations: does the process turn (/livez), can a document be accepted now
 * (/readyz), what was counted (/metrics, Prometheus text format 0.0.4).  It
 * counts nothing itself and never names a facility, a person or a document.
 */

#include "ngx_http_ehr.h"
#include "ngx_http_ehr_guard.h"
#include "ngx_http_ehr_health.h"

#include <inttypes.h>



#define NGX_HTTP_EHR_OPS_METRICS_SIZE  (128 * 1024)

#define NGX_HTTP_EHR_OPS_TEXT          "text/plain; charset=utf-8"
#define NGX_HTTP_EHR_OPS_PROMETHEUS                                           \
    "text/plain; version=0.0.4; charset=utf-8"


/* Gauges: what is so now; a gauge exists only as a row here.  name, help */

#define NGX_HTTP_EHR_GAUGES(X)                                                \
    X(DELIVERIES, "ehr_deliveries",                                           \
      "Open deliveries, by partner and state")                                \
    X(OLDEST, "ehr_delivery_oldest_age_seconds",                              \
      "Time since the oldest open delivery was received")                     \
    X(LATE, "ehr_deliveries_late",                                            \
      "Open deliveries past the deadline of their kind")                      \
    X(LANE_WINDOW, "ehr_lane_window",                                         \
      "Attempts a lane allows at once now; 0 while it waits")                 \
    X(LANE_IN_FLIGHT, "ehr_lane_in_flight",                                   \
      "Attempts under way or about to begin, over all workers")               \
    X(LANE_WAIT, "ehr_lane_wait_seconds",                                     \
      "Time until a lane that waits looks again")                             \
    X(READABLE, "ehr_store_readable",                                         \
      "1 when the journal could be read for this answer")                     \
    X(CORRUPT, "ehr_store_corrupt",                                           \
      "1 when a page of the journal made no sense: nothing is accepted")      \
    X(FREE, "ehr_store_free_bytes",                                           \
      "Free space where the journal lies")                                    \
    X(USED, "ehr_store_used_bytes",                                           \
      "What the journal and its log take on the disk")                        \
    X(FULL, "ehr_store_full",                                                 \
      "1 while nothing new is accepted for want of room")                     \
    X(ROOM, "ehr_room_seconds",                                               \
      "How long an outage of the partner may last, as things are")            \
    X(CONTENTS, "ehr_store_contents",                                         \
      "Documents whose bytes are kept, by the key that has sealed them")      \
    X(WAITING, "ehr_journal_waiting_operations",                              \
      "Operations that wait for the journal in the worker that answers")      \
    X(AWAY, "ehr_redis_away_workers",                                         \
      "Workers that limit without Redis at the moment")                       \
    X(CALL, "ehr_plugin_call_seconds",                                        \
      "How long the longest call runs that a plugin is in now")


typedef enum {
#define X(id, name, help)  NGX_HTTP_EHR_GAUGE_##id,
    NGX_HTTP_EHR_GAUGES(X)
#undef X
    NGX_HTTP_EHR_GAUGE_LAST
} ngx_http_ehr_gauge_e;


typedef struct {
    const char              *name;
    const char              *labels;
    const char              *help;
} ngx_http_ehr_metric_t;


/* What the reader's thread saw; in the request's arena. */

typedef struct {
    ngx_http_ehr_ctx_t      *ctx;
    ehr_store_depth_t       *depths;
    uint32_t                 ndepths;
    ehr_rc_t                 rc;
    ngx_http_ehr_room_t      room;
} ngx_http_ehr_probe_t;


typedef struct {
    u_char                  *start;       /* of all that was added */
    u_char                  *pos;
    u_char                  *last;
} ngx_http_ehr_text_t;


static ngx_http_ehr_result_e ngx_http_ehr_livez_handler(
    ngx_http_ehr_ctx_t *ctx);
static ngx_http_ehr_result_e ngx_http_ehr_readyz_handler(
    ngx_http_ehr_ctx_t *ctx);
static ngx_http_ehr_result_e ngx_http_ehr_metrics_handler(
    ngx_http_ehr_ctx_t *ctx);

static ngx_http_ehr_result_e ngx_http_ehr_probe(ngx_http_ehr_ctx_t *ctx,
    void (*done)(void *data), ngx_http_ehr_result_e (*answer)(
    ngx_http_ehr_probe_t *probe));
static void ngx_http_ehr_probe_run(ehr_store_t *store, void *data);

static void ngx_http_ehr_readyz_done(void *data);
static ngx_http_ehr_result_e ngx_http_ehr_readyz_answer(
    ngx_http_ehr_probe_t *probe);
static void ngx_http_ehr_readyz_check(ehr_json_t *json, const char *name,
    ngx_uint_t is_ok, ngx_uint_t *is_ready);
static void ngx_http_ehr_readyz_lanes(ehr_json_t *json,
    ngx_http_ehr_worker_t *worker);
static void ngx_http_ehr_readyz_soon(ehr_json_t *json,
    ngx_http_ehr_probe_t *probe);
static void ngx_http_ehr_readyz_degraded(ehr_json_t *json,
    ngx_uint_t is_degraded);

static void ngx_http_ehr_metrics_done(void *data);
static ngx_http_ehr_result_e ngx_http_ehr_metrics_answer(
    ngx_http_ehr_probe_t *probe);
static void ngx_http_ehr_metrics_counters(ngx_http_ehr_text_t *text,
    ngx_http_ehr_shared_t *shared);
static void ngx_http_ehr_metrics_gauges(ngx_http_ehr_text_t *text,
    ngx_http_ehr_probe_t *probe);
static void ngx_http_ehr_metrics_room(ngx_http_ehr_text_t *text,
    ngx_http_ehr_probe_t *probe);
static void ngx_http_ehr_metrics_keys(ngx_http_ehr_text_t *text,
    ngx_http_ehr_shared_t *shared);
static void ngx_http_ehr_metrics_depths(ngx_http_ehr_text_t *text,
    ngx_http_ehr_probe_t *probe, ngx_http_ehr_gauge_e gauge);
static void ngx_http_ehr_metrics_lanes(ngx_http_ehr_text_t *text,
    ngx_http_ehr_worker_t *worker, ngx_http_ehr_gauge_e gauge);
static void ngx_http_ehr_metrics_depth(ngx_http_ehr_text_t *text,
    ngx_http_ehr_gauge_e gauge, const char *partner, ehr_state_e state,
    ehr_store_depth_t *depth);
static ehr_store_depth_t *ngx_http_ehr_probe_depth(
    ngx_http_ehr_probe_t *probe, ngx_str_t *partner, ehr_state_e state);
static ngx_uint_t ngx_http_ehr_probe_is_configured(
    ngx_http_ehr_probe_t *probe, ehr_store_depth_t *depth);
static void ngx_http_ehr_metrics_value(ngx_http_ehr_text_t *text,
    ngx_http_ehr_gauge_e gauge, uint64_t value);
static void ngx_http_ehr_metrics_head(ngx_http_ehr_text_t *text,
    const ngx_http_ehr_metric_t *metric, const char *type);
static void ngx_http_ehr_text_add(ngx_http_ehr_text_t *text, const char *fmt,
    ...);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_livez = {
    "livez",
    ngx_http_ehr_livez_handler
};


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_readyz = {
    "readyz",
    ngx_http_ehr_readyz_handler
};


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_metrics = {
    "metrics",
    ngx_http_ehr_metrics_handler
};


static const ngx_http_ehr_metric_t  ngx_http_ehr_counters[] = {
#define X(id, name, labels, help)  { name, labels, help },
    NGX_HTTP_EHR_COUNTERS(X)
#undef X
};


static const ngx_http_ehr_metric_t  ngx_http_ehr_gauges[] = {
#define X(id, name, help)  { name, "", help },
    NGX_HTTP_EHR_GAUGES(X)
#undef X
};


/* Shown even when there is none, so that no series comes and goes. */

static const ehr_state_e  ngx_http_ehr_open_states[] = {
    EHR_STATE_PENDING,
    EHR_STATE_SENDING,
    EHR_STATE_RETRYING,
    EHR_STATE_UNCERTAIN,
    EHR_STATE_HELD
};

#define NGX_HTTP_EHR_OPEN_STATES                                              \
    (sizeof(ngx_http_ehr_open_states) / sizeof(ngx_http_ehr_open_states[0]))


static ngx_http_ehr_result_e
ngx_http_ehr_livez_handler(ngx_http_ehr_ctx_t *ctx)
{
    return ngx_http_ehr_send(ctx, NGX_HTTP_OK, NGX_HTTP_EHR_OPS_TEXT,
                             ehr_str("ok\n"));
}


/*
 * A worker that cannot load its registry accepts nobody: that refusal is the
 * registry's own (store.unavailable, 503).
 */

static ngx_http_ehr_result_e
ngx_http_ehr_readyz_handler(ngx_http_ehr_ctx_t *ctx)
{
    switch (ngx_http_ehr_registry_hold(ctx)) {

    case NGX_OK:
        return ngx_http_ehr_probe(ctx, ngx_http_ehr_readyz_done,
                                  ngx_http_ehr_readyz_answer);

    case NGX_AGAIN:
        return NGX_HTTP_EHR_PARKED;

    default:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_STORE_UNAVAILABLE, NULL,
                                   NULL);
    }
}


static ngx_http_ehr_result_e
ngx_http_ehr_metrics_handler(ngx_http_ehr_ctx_t *ctx)
{
    return ngx_http_ehr_probe(ctx, ngx_http_ehr_metrics_done,
                              ngx_http_ehr_metrics_answer);
}


/* Looks at store and disk in the reader's thread; a full queue is an answer
 * too. */

static ngx_http_ehr_result_e
ngx_http_ehr_probe(ngx_http_ehr_ctx_t *ctx, void (*done)(void *data),
    ngx_http_ehr_result_e (*answer)(ngx_http_ehr_probe_t *probe))
{
    ngx_http_ehr_probe_t  *probe;

    probe = ehr_arena_calloc(ctx->arena, sizeof(ngx_http_ehr_probe_t));
    if (probe == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    probe->ctx = ctx;
    probe->rc = EHR_LATER;

    if (ngx_http_ehr_journal_read(ctx->worker, ngx_http_ehr_probe_run, done,
                                  probe)
        != NGX_OK)
    {
        return answer(probe);
    }

    ngx_http_ehr_park(ctx);

    return NGX_HTTP_EHR_PARKED;
}


static void
ngx_http_ehr_probe_run(ehr_store_t *store, void *data)
{
    ngx_http_ehr_probe_t  *probe = data;

    probe->rc = ehr_store_depths(store, ngx_http_ehr_now_ms(),
                                 probe->ctx->arena, &probe->depths,
                                 &probe->ndepths);

    ngx_http_ehr_room_look(probe->ctx->mcf, store, &probe->room);
}


static void
ngx_http_ehr_readyz_done(void *data)
{
    ngx_http_ehr_probe_t  *probe = data;

    ngx_http_ehr_resume(probe->ctx, ngx_http_ehr_readyz_answer(probe));
}


static ngx_http_ehr_result_e
ngx_http_ehr_readyz_answer(ngx_http_ehr_probe_t *probe)
{
    ehr_str_t            checks, body;
    ehr_json_t           json;
    ngx_uint_t           is_ready, is_away;
    ngx_http_ehr_ctx_t  *ctx = probe->ctx;
    ngx_http_ehr_crl_t   crl;

    is_ready = 1;
    is_away = ctx->mcf->redis.is_set
              && ngx_http_ehr_redis_is_away(ctx->worker);

    ehr_json_begin(&json, ctx->arena);
    ehr_json_open(&json, NULL, '{');

    ngx_http_ehr_readyz_check(&json, "store",
                              probe->rc == EHR_OK
                              && ngx_http_ehr_journal_is_healthy(ctx->worker)
                              && !ngx_http_ehr_journal_is_corrupt(
                                                               ctx->worker),
                              &is_ready);
    ngx_http_ehr_readyz_check(&json, "disk",
                              probe->room.is_known && !probe->room.is_full,
                              &is_ready);
    ngx_http_ehr_readyz_check(&json, "keys",
                              ngx_http_ehr_health_keys(ctx->mcf), &is_ready);

    /* With a list that is too old every certificate is refused. */

    ngx_http_ehr_health_crl(ctx->request, &crl);
    ngx_http_ehr_readyz_check(&json, "crl", crl.left_sec > 0, &is_ready);

    ngx_http_ehr_readyz_check(&json, "registry", ctx->registry != NULL,
                              &is_ready);

    /* Without Redis each worker limits by itself: nobody is refused. */

    ehr_json_open(&json, "redis", '{');
    ngx_http_ehr_readyz_degraded(&json, is_away);
    ehr_json_close(&json, '}');

    ngx_http_ehr_readyz_soon(&json, probe);
    ngx_http_ehr_readyz_lanes(&json, ctx->worker);

    ehr_json_close(&json, '}');
    checks = ehr_json_end(&json);

    ehr_json_begin(&json, ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_bool(&json, "ready", (int) is_ready);
    ehr_json_raw(&json, "checks", checks);
    ehr_json_close(&json, '}');
    body = ehr_json_end(&json);

    if (checks.data == NULL || body.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    return ngx_http_ehr_send(ctx,
                             is_ready ? NGX_HTTP_OK
                                      : NGX_HTTP_SERVICE_UNAVAILABLE,
                             "application/json", body);
}


static void
ngx_http_ehr_readyz_check(ehr_json_t *json, const char *name,
    ngx_uint_t is_ok, ngx_uint_t *is_ready)
{
    ehr_json_open(json, name, '{');
    ehr_json_bool(json, "ok", (int) is_ok);
    ehr_json_close(json, '}');

    if (!is_ok) {
        *is_ready = 0;
    }
}


/* A partner that is away hinders nobody from handing in documents. */

static void
ngx_http_ehr_readyz_lanes(ehr_json_t *json, ngx_http_ehr_worker_t *worker)
{
    ngx_uint_t                 i;
    ngx_http_ehr_partner_t    *part = worker->mcf->partners.elts;
    ngx_http_ehr_lane_look_t   look;

    ehr_json_open(json, "partners", '{');

    for (i = 0; i < worker->mcf->partners.nelts; i++) {

        if (ngx_http_ehr_lane_look(worker, i, &look) != NGX_OK) {
            break;
        }

        ehr_json_open(json, (char *) part[i].name.data, '{');
        ngx_http_ehr_readyz_degraded(json, !look.is_well);
        ehr_json_text(json, "lane", look.name);
        ehr_json_close(json, '}');
    }

    ehr_json_close(json, '}');
}


/* What will stand in the way if nobody does anything; nobody is refused for
 * it yet. */

static void
ngx_http_ehr_readyz_soon(ehr_json_t *json, ngx_http_ehr_probe_t *probe)
{
    char                    text[64];
    int64_t                 seconds;
    uint64_t                missing;
    ngx_http_ehr_worker_t  *worker = probe->ctx->worker;

    missing = ngx_http_ehr_health_missing(worker);

    ehr_json_open(json, "store_keys", '{');
    ngx_http_ehr_readyz_degraded(json, missing != 0);
    ehr_json_int(json, "documents_without_key", (int64_t) missing);
    ehr_json_close(json, '}');

    seconds = probe->room.is_known
              ? ngx_http_ehr_health_room(worker, &probe->room) : -1;

    ehr_json_open(json, "room", '{');
    ngx_http_ehr_readyz_degraded(json, seconds >= 0
                                       && seconds < NGX_HTTP_EHR_ROOM_SHORT);

    if (seconds >= 0) {
        (void) snprintf(text, sizeof(text), "room for %" PRId64 " hours",
                        seconds / 3600);
        ehr_json_text(json, "detail", text);
    }

    ehr_json_close(json, '}');
}


static void
ngx_http_ehr_readyz_degraded(ehr_json_t *json, ngx_uint_t is_degraded)
{
    ehr_json_bool(json, "ok", !is_degraded);
    ehr_json_bool(json, "degraded", (int) is_degraded);
}


static void
ngx_http_ehr_metrics_done(void *data)
{
    ngx_http_ehr_probe_t  *probe = data;

    ngx_http_ehr_resume(probe->ctx, ngx_http_ehr_metrics_answer(probe));
}


static ngx_http_ehr_result_e
ngx_http_ehr_metrics_answer(ngx_http_ehr_probe_t *probe)
{
    ehr_str_t             body;
    ngx_http_ehr_ctx_t   *ctx = probe->ctx;
    ngx_http_ehr_text_t   text;

    text.start = ehr_arena_alloc(ctx->arena, NGX_HTTP_EHR_OPS_METRICS_SIZE);
    if (text.start == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    text.pos = text.start;
    text.last = text.start + NGX_HTTP_EHR_OPS_METRICS_SIZE;

    ngx_http_ehr_metrics_counters(&text, ctx->worker->shared);
    ngx_http_ehr_metrics_gauges(&text, probe);

    /* Half a list of metrics would be read as a whole one. */

    if (text.pos == text.last) {
        ngx_log_error(NGX_LOG_ALERT, ctx->request->connection->log, 0,
                      "metrics do not fit into %d bytes",
                      NGX_HTTP_EHR_OPS_METRICS_SIZE);
        return NGX_HTTP_EHR_BROKEN;
    }

    body.data = (char *) text.start;
    body.len = text.pos - text.start;

    return ngx_http_ehr_send(ctx, NGX_HTTP_OK, NGX_HTTP_EHR_OPS_PROMETHEUS,
                             body);
}


/* Rows of one name stand together: the first one has the help. */

static void
ngx_http_ehr_metrics_counters(ngx_http_ehr_text_t *text,
    ngx_http_ehr_shared_t *shared)
{
    uint64_t                      value;
    ngx_uint_t                    i;
    const ngx_http_ehr_metric_t  *metric;

    for (i = 0; i < NGX_HTTP_EHR_COUNT_LAST; i++) {
        metric = &ngx_http_ehr_counters[i];
        value = shared->counters[i];

        if (metric->help[0]) {
            ngx_http_ehr_metrics_head(text, metric, "counter");
        }

        if (metric->labels[0]) {
            ngx_http_ehr_text_add(text, "%s{%s} %uL\n", metric->name,
                                  metric->labels, value);

        } else {
            ngx_http_ehr_text_add(text, "%s %uL\n", metric->name, value);
        }
    }
}


static void
ngx_http_ehr_metrics_gauges(ngx_http_ehr_text_t *text,
    ngx_http_ehr_probe_t *probe)
{
    int64_t                 ms;
    ngx_http_ehr_worker_t  *worker = probe->ctx->worker;

    if (probe->rc == EHR_OK) {
        ngx_http_ehr_metrics_depths(text, probe,
                                    NGX_HTTP_EHR_GAUGE_DELIVERIES);
        ngx_http_ehr_metrics_depths(text, probe, NGX_HTTP_EHR_GAUGE_OLDEST);
        ngx_http_ehr_metrics_depths(text, probe, NGX_HTTP_EHR_GAUGE_LATE);
    }

    ngx_http_ehr_metrics_lanes(text, worker, NGX_HTTP_EHR_GAUGE_LANE_WINDOW);
    ngx_http_ehr_metrics_lanes(text, worker,
                               NGX_HTTP_EHR_GAUGE_LANE_IN_FLIGHT);
    ngx_http_ehr_metrics_lanes(text, worker, NGX_HTTP_EHR_GAUGE_LANE_WAIT);

    ngx_http_ehr_metrics_value(text, NGX_HTTP_EHR_GAUGE_READABLE,
                               probe->rc == EHR_OK);

    ngx_http_ehr_metrics_value(text, NGX_HTTP_EHR_GAUGE_CORRUPT,
                               ngx_http_ehr_journal_is_corrupt(worker));

    if (probe->room.is_known) {
        ngx_http_ehr_metrics_room(text, probe);
    }

    ngx_http_ehr_metrics_keys(text, worker->shared);

    ngx_http_ehr_metrics_value(text, NGX_HTTP_EHR_GAUGE_WAITING,
                               ngx_http_ehr_journal_waiting(worker));
    ngx_http_ehr_metrics_value(text, NGX_HTTP_EHR_GAUGE_AWAY,
                               ngx_http_ehr_redis_away(worker));

    (void) ngx_http_ehr_guard_longest(worker, &ms);

    ngx_http_ehr_metrics_value(text, NGX_HTTP_EHR_GAUGE_CALL,
                               (uint64_t) ms / 1000);
}


/* No series for a partner for whom nothing comes: it has room for ever. */

static void
ngx_http_ehr_metrics_room(ngx_http_ehr_text_t *text,
    ngx_http_ehr_probe_t *probe)
{
    int64_t                  seconds;
    ngx_uint_t               i;
    ngx_http_ehr_partner_t  *partner = probe->ctx->mcf->partners.elts;

    ngx_http_ehr_metrics_value(text, NGX_HTTP_EHR_GAUGE_FREE,
                               probe->room.free_bytes);
    ngx_http_ehr_metrics_value(text, NGX_HTTP_EHR_GAUGE_USED,
                               probe->room.used_bytes);
    ngx_http_ehr_metrics_value(text, NGX_HTTP_EHR_GAUGE_FULL,
                               probe->room.is_full);

    ngx_http_ehr_metrics_head(text,
                              &ngx_http_ehr_gauges[NGX_HTTP_EHR_GAUGE_ROOM],
                              "gauge");

    for (i = 0; i < probe->ctx->mcf->partners.nelts
                && i < NGX_HTTP_EHR_RATES; i++)
    {
        seconds = ngx_http_ehr_room_seconds(probe->ctx->worker, i,
                                            &probe->room);

        if (seconds >= 0) {
            ngx_http_ehr_text_add(text,
                                  "ehr_room_seconds{partner=\"%V\"} %L\n",
                                  &partner[i].name, seconds);
        }
    }
}


/* As the one with the lease counted them, about a minute ago. */

static void
ngx_http_ehr_metrics_keys(ngx_http_ehr_text_t *text,
    ngx_http_ehr_shared_t *shared)
{
    char        name[2 * sizeof(uint64_t) + 1];
    uint64_t    id;
    ngx_uint_t  i;

    ngx_http_ehr_metrics_head(text, &ngx_http_ehr_gauges[
                                         NGX_HTTP_EHR_GAUGE_CONTENTS],
                              "gauge");

    for (i = 0; i < shared->nkeys && i < EHR_STORE_MAX_KEYS_SEEN; i++) {
        id = shared->key_ids[i];
        (void) snprintf(name, sizeof(name), "%016" PRIx64, id);

        ngx_http_ehr_text_add(text, "ehr_store_contents{key=\"%s\"} %uL\n",
                              id ? name : "none",
                              (uint64_t) shared->key_counts[i]);
    }
}


/* Configured partners in every open state, then those that only the journal
 * still knows. */

static void
ngx_http_ehr_metrics_depths(ngx_http_ehr_text_t *text,
    ngx_http_ehr_probe_t *probe, ngx_http_ehr_gauge_e gauge)
{
    uint32_t                 n;
    ngx_uint_t               i, k;
    ehr_state_e              state;
    ehr_store_depth_t       *depth;
    ngx_http_ehr_partner_t  *partner;

    ngx_http_ehr_metrics_head(text, &ngx_http_ehr_gauges[gauge], "gauge");

    partner = probe->ctx->mcf->partners.elts;

    for (i = 0; i < probe->ctx->mcf->partners.nelts; i++) {
        for (k = 0; k < NGX_HTTP_EHR_OPEN_STATES; k++) {
            state = ngx_http_ehr_open_states[k];
            depth = ngx_http_ehr_probe_depth(probe, &partner[i].name, state);

            ngx_http_ehr_metrics_depth(text, gauge,
                                       (char *) partner[i].name.data, state,
                                       depth);
        }
    }

    for (n = 0; n < probe->ndepths; n++) {
        depth = &probe->depths[n];

        if (!ngx_http_ehr_probe_is_configured(probe, depth)) {
            ngx_http_ehr_metrics_depth(text, gauge, depth->partner,
                                       depth->state, depth);
        }
    }
}


/* Lanes are of all workers: whichever answers knows them.  A worker without
 * the courier's role says nothing. */

static void
ngx_http_ehr_metrics_lanes(ngx_http_ehr_text_t *text,
    ngx_http_ehr_worker_t *worker, ngx_http_ehr_gauge_e gauge)
{
    ngx_uint_t                 i;
    ngx_http_ehr_partner_t    *part = worker->mcf->partners.elts;
    ngx_http_ehr_lane_look_t   look;

    ngx_http_ehr_metrics_head(text, &ngx_http_ehr_gauges[gauge], "gauge");

    for (i = 0; i < worker->mcf->partners.nelts; i++) {

        if (ngx_http_ehr_lane_look(worker, i, &look) != NGX_OK) {
            return;
        }

        if (gauge == NGX_HTTP_EHR_GAUGE_LANE_WAIT) {
            ngx_http_ehr_text_add(text, "%s{partner=\"%V\"} %L.%03L\n",
                                  ngx_http_ehr_gauges[gauge].name,
                                  &part[i].name, look.wait_ms / 1000,
                                  look.wait_ms % 1000);
            continue;
        }

        ngx_http_ehr_text_add(text, "%s{partner=\"%V\"} %uD\n",
                              ngx_http_ehr_gauges[gauge].name, &part[i].name,
                              gauge == NGX_HTTP_EHR_GAUGE_LANE_WINDOW
                              ? look.window : look.in_flight);
    }
}


/* depth NULL: there is no such delivery. */

static void
ngx_http_ehr_metrics_depth(ngx_http_ehr_text_t *text,
    ngx_http_ehr_gauge_e gauge, const char *partner, ehr_state_e state,
    ehr_store_depth_t *depth)
{
    int64_t  value;

    if (depth == NULL) {
        value = 0;

    } else if (gauge == NGX_HTTP_EHR_GAUGE_DELIVERIES) {
        value = depth->count;

    } else if (gauge == NGX_HTTP_EHR_GAUGE_LATE) {
        value = depth->late;

    } else {
        value = (ngx_http_ehr_now_ms() - depth->oldest_ms) / 1000;
    }

    ngx_http_ehr_text_add(text, "%s{partner=\"%s\",state=\"%s\"} %L\n",
                          ngx_http_ehr_gauges[gauge].name, partner,
                          ehr_state_name(state), ngx_max(value, 0));
}


static ehr_store_depth_t *
ngx_http_ehr_probe_depth(ngx_http_ehr_probe_t *probe, ngx_str_t *partner,
    ehr_state_e state)
{
    uint32_t  i;

    for (i = 0; i < probe->ndepths; i++) {
        if (probe->depths[i].state == state
            && ehr_str_is(ngx_http_ehr_str(partner),
                          probe->depths[i].partner))
        {
            return &probe->depths[i];
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_ehr_probe_is_configured(ngx_http_ehr_probe_t *probe,
    ehr_store_depth_t *depth)
{
    ngx_uint_t               i;
    ngx_http_ehr_partner_t  *partner;

    partner = probe->ctx->mcf->partners.elts;

    for (i = 0; i < probe->ctx->mcf->partners.nelts; i++) {
        if (ehr_str_is(ngx_http_ehr_str(&partner[i].name), depth->partner)) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_ehr_metrics_value(ngx_http_ehr_text_t *text,
    ngx_http_ehr_gauge_e gauge, uint64_t value)
{
    ngx_http_ehr_metrics_head(text, &ngx_http_ehr_gauges[gauge], "gauge");

    ngx_http_ehr_text_add(text, "%s %uL\n", ngx_http_ehr_gauges[gauge].name,
                          value);
}


static void
ngx_http_ehr_metrics_head(ngx_http_ehr_text_t *text,
    const ngx_http_ehr_metric_t *metric, const char *type)
{
    ngx_http_ehr_text_add(text, "# HELP %s %s\n# TYPE %s %s\n", metric->name,
                          metric->help, metric->name, type);
}


/* Stops at the end of the room; pos == last then. */

static void
ngx_http_ehr_text_add(ngx_http_ehr_text_t *text, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    text->pos = ngx_vslprintf(text->pos, text->last, fmt, args);
    va_end(args);
}
