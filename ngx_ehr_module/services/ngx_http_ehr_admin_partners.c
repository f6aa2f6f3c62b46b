/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The calls of /admin/v1/partners: the lane of each as it is now, how much
 * waits for it and for how long, and pause, resume and probe.  What a lane
 * does is the courier's part, what is durable the store's.
 */

#include "ngx_http_ehr_admin.h"


static ngx_http_ehr_result_e ngx_http_ehr_partners_prepare_list(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_partners_prepare_name(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_partners_prepare_pause(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_partners_prepare_empty(
    ngx_http_ehr_admin_t *admin);

static void ngx_http_ehr_partners_run_list(ehr_store_t *store, void *data);
static void ngx_http_ehr_partners_run_show(ehr_store_t *store, void *data);
static void ngx_http_ehr_partners_run_pause(ehr_store_t *store, void *data);
static void ngx_http_ehr_partners_run_resume(ehr_store_t *store, void *data);
static void ngx_http_ehr_partners_run_probe(ehr_store_t *store, void *data);


const ngx_http_ehr_admin_call_t  ngx_http_ehr_admin_partners[] = {

    { NGX_HTTP_GET, { "partners", NULL },
      NGX_HTTP_EHR_RIGHT_READ, NGX_HTTP_OK,
      ngx_http_ehr_partners_prepare_list,
      ngx_http_ehr_partners_run_list },

    { NGX_HTTP_GET, { "partners", "{name}", NULL },
      NGX_HTTP_EHR_RIGHT_READ, NGX_HTTP_OK,
      ngx_http_ehr_partners_prepare_name,
      ngx_http_ehr_partners_run_show },

    { NGX_HTTP_POST, { "partners", "{name}", "pause", NULL },
      NGX_HTTP_EHR_RIGHT_OPERATE, NGX_HTTP_OK,
      ngx_http_ehr_partners_prepare_pause,
      ngx_http_ehr_partners_run_pause },

    { NGX_HTTP_POST, { "partners", "{name}", "resume", NULL },
      NGX_HTTP_EHR_RIGHT_OPERATE, NGX_HTTP_OK,
      ngx_http_ehr_partners_prepare_empty,
      ngx_http_ehr_partners_run_resume },

    { NGX_HTTP_POST, { "partners", "{name}", "probe", NULL },
      NGX_HTTP_EHR_RIGHT_OPERATE, NGX_HTTP_OK,
      ngx_http_ehr_partners_prepare_empty,
      ngx_http_ehr_partners_run_probe },

    { 0, { NULL }, 0, 0, NULL, NULL }
};


/* What the store says of all partners, for one answer. */

typedef struct {
    ehr_store_depth_t   *depths;
    uint32_t             ndepths;
    ehr_store_queue_t   *queues;
    uint32_t             nqueues;
    int64_t              now_ms;
} ngx_http_ehr_partners_view_t;


/* --- on the event loop --------------------------------------------------- */


static ngx_http_ehr_result_e
ngx_http_ehr_partners_prepare_list(ngx_http_ehr_admin_t *admin)
{
    return NGX_HTTP_EHR_NEXT;
}


static ngx_http_ehr_result_e
ngx_http_ehr_partners_prepare_name(ngx_http_ehr_admin_t *admin)
{
    ngx_uint_t                 i;
    ngx_http_ehr_main_conf_t  *mcf = admin->ctx->mcf;
    ngx_http_ehr_partner_t    *part = mcf->partners.elts;

    admin->code = ngx_http_ehr_str(&admin->segments[1]);

    for (i = 0; i < mcf->partners.nelts; i++) {
        if (ehr_str_eq(ngx_http_ehr_str(&part[i].name), admin->code)) {
            admin->partner = i;
            return NGX_HTTP_EHR_NEXT;
        }
    }

    return ngx_http_ehr_refuse(admin->ctx, EHR_PROBLEM_NOT_FOUND, NULL, NULL);
}


static ngx_http_ehr_result_e
ngx_http_ehr_partners_body(ngx_http_ehr_admin_t *admin,
    ngx_uint_t has_reason)
{
    ehr_rc_t               rc;
    ngx_http_ehr_ctx_t    *ctx = admin->ctx;
    ehr_facility_input_t   in;

    in.json = ctx->content;
    in.now_ms = ngx_http_ehr_now_ms();
    in.arena = ctx->arena;
    in.findings = ehr_arena_calloc(ctx->arena, sizeof(ehr_findings_t));

    if (in.findings == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    in.findings->arena = ctx->arena;

    rc = has_reason ? ehr_facility_read_reason(&in, &admin->reason)
                    : ehr_facility_read_empty(&in);

    if (rc == EHR_REFUSED) {
        ctx->findings = in.findings;
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_PARAMETER_INVALID, NULL,
                                   NULL);
    }

    return rc == EHR_OK ? NGX_HTTP_EHR_NEXT : NGX_HTTP_EHR_BROKEN;
}


static ngx_http_ehr_result_e
ngx_http_ehr_partners_prepare_pause(ngx_http_ehr_admin_t *admin)
{
    ngx_http_ehr_result_e  result;

    result = ngx_http_ehr_partners_prepare_name(admin);

    return result == NGX_HTTP_EHR_NEXT ? ngx_http_ehr_partners_body(admin, 1)
                                       : result;
}


static ngx_http_ehr_result_e
ngx_http_ehr_partners_prepare_empty(ngx_http_ehr_admin_t *admin)
{
    ngx_http_ehr_result_e  result;

    result = ngx_http_ehr_partners_prepare_name(admin);

    return result == NGX_HTTP_EHR_NEXT ? ngx_http_ehr_partners_body(admin, 0)
                                       : result;
}


/* --- in a thread of the journal ------------------------------------------ */


static void
ngx_http_ehr_partners_time(ehr_json_t *json, const char *name, int64_t ms)
{
    char  text[EHR_TIME_LEN + 1];

    if (ms == 0) {
        ehr_json_null(json, name);
        return;
    }

    ehr_time_render(ms, text);
    ehr_json_text(json, name, text);
}


static void
ngx_http_ehr_partners_write_lane(ehr_json_t *json,
    ngx_http_ehr_admin_t *admin, ngx_uint_t index)
{
    ngx_http_ehr_lane_look_t  look;

    if (ngx_http_ehr_lane_look(admin->ctx->worker, index, &look) != NGX_OK) {
        ehr_json_null(json, "lane");
        return;
    }

    ehr_json_open(json, "lane", '{');
    ehr_json_text(json, "state", look.name);
    ehr_json_int(json, "window", look.window);
    ehr_json_int(json, "concurrency", look.window_max);
    ehr_json_int(json, "in_flight", look.in_flight);
    ehr_json_int(json, "failures", look.trips);
    ehr_json_int(json, "wait_ms", look.wait_ms);
    ehr_json_close(json, '}');
}


static void
ngx_http_ehr_partners_write_queue(ehr_json_t *json,
    const ngx_http_ehr_partners_view_t *view, const char *name)
{
    static const char *const  ages[EHR_STORE_AGES] = {
        "5m", "30m", "2h", "8h", "1d", "older"
    };

    int64_t   late, oldest_ms;
    uint32_t  i, k;

    late = oldest_ms = 0;

    ehr_json_open(json, "queue", '{');

    for (i = 0; i < view->ndepths; i++) {

        if (ngx_strcmp(view->depths[i].partner, name) != 0) {
            continue;
        }

        ehr_json_int(json, ehr_state_name(view->depths[i].state),
                     view->depths[i].count);
        late += view->depths[i].late;

        if (oldest_ms == 0 || view->depths[i].oldest_ms < oldest_ms) {
            oldest_ms = view->depths[i].oldest_ms;
        }
    }

    ehr_json_int(json, "late", late);
    ngx_http_ehr_partners_time(json, "oldest_at", oldest_ms);
    ehr_json_open(json, "ages", '{');

    for (i = 0; i < view->nqueues; i++) {

        if (ngx_strcmp(view->queues[i].partner, name) != 0) {
            continue;
        }

        for (k = 0; k < EHR_STORE_AGES; k++) {
            ehr_json_int(json, ages[k], view->queues[i].ages[k]);
        }
    }

    ehr_json_close(json, '}');
    ehr_json_close(json, '}');
}


static void
ngx_http_ehr_partners_write(ehr_json_t *json, ngx_http_ehr_admin_t *admin,
    ngx_uint_t index, const ehr_partner_t *said,
    const ngx_http_ehr_partners_view_t *view)
{
    ngx_http_ehr_partner_t  *part = admin->ctx->mcf->partners.elts;

    part += index;

    ehr_json_open(json, NULL, '{');
    ehr_json_text(json, "name", (char *) part->name.data);
    ehr_json_bool(json, "paused", said->is_paused);
    ehr_json_string(json, "reason", said->reason);
    ehr_json_string(json, "changed_by", said->actor);
    ngx_http_ehr_partners_time(json, "changed_at", said->changed_ms);
    ehr_json_int(json, "version", said->version);
    ngx_http_ehr_partners_write_lane(json, admin, index);
    ngx_http_ehr_partners_write_queue(json, view, (char *) part->name.data);
    ehr_json_close(json, '}');
}


static ehr_rc_t
ngx_http_ehr_partners_look(ehr_store_t *store, ngx_http_ehr_admin_t *admin,
    ngx_http_ehr_partners_view_t *view)
{
    ehr_rc_t      rc;
    ehr_arena_t  *arena = admin->ctx->arena;

    view->now_ms = ngx_http_ehr_now_ms();

    rc = ehr_store_depths(store, view->now_ms, arena, &view->depths,
                          &view->ndepths);

    return rc == EHR_OK ? ehr_store_queues(store, view->now_ms, arena,
                                           &view->queues, &view->nqueues)
                        : rc;
}


static void
ngx_http_ehr_partners_run_list(ehr_store_t *store, void *data)
{
    ngx_http_ehr_admin_t  *admin = data;

    ehr_json_t                     json;
    ngx_uint_t                     i;
    ehr_partner_t                  said;
    ngx_http_ehr_partner_t        *part = admin->ctx->mcf->partners.elts;
    ngx_http_ehr_partners_view_t   view;

    admin->result = EHR_REGISTRY_LATER;

    if (ngx_http_ehr_partners_look(store, admin, &view) != EHR_OK) {
        return;
    }

    ehr_json_begin(&json, admin->ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_open(&json, "partners", '[');

    for (i = 0; i < admin->ctx->mcf->partners.nelts; i++) {

        if (ehr_partner_load(store, ngx_http_ehr_str(&part[i].name),
                             admin->ctx->arena, &said)
            != EHR_OK)
        {
            return;
        }

        ngx_http_ehr_partners_write(&json, admin, i, &said, &view);
    }

    ehr_json_close(&json, ']');
    ehr_json_close(&json, '}');

    admin->body = ehr_json_end(&json);
    admin->result = EHR_REGISTRY_OK;
}


static void
ngx_http_ehr_partners_shown(ehr_store_t *store, ngx_http_ehr_admin_t *admin,
    const ehr_partner_t *said)
{
    ehr_json_t                    json;
    ngx_http_ehr_partners_view_t  view;

    if (ngx_http_ehr_partners_look(store, admin, &view) != EHR_OK) {
        ngx_memzero(&view, sizeof(ngx_http_ehr_partners_view_t));
    }

    ehr_json_begin(&json, admin->ctx->arena);
    ngx_http_ehr_partners_write(&json, admin, admin->partner, said, &view);

    admin->body = ehr_json_end(&json);
    admin->version = said->version;
}


static void
ngx_http_ehr_partners_run_show(ehr_store_t *store, void *data)
{
    ngx_http_ehr_admin_t  *admin = data;

    ehr_partner_t  said;

    admin->result = EHR_REGISTRY_LATER;

    if (ehr_partner_load(store, admin->code, admin->ctx->arena, &said)
        == EHR_OK)
    {
        admin->result = EHR_REGISTRY_OK;
        ngx_http_ehr_partners_shown(store, admin, &said);
    }
}


static void
ngx_http_ehr_partners_change(ehr_store_t *store, ngx_http_ehr_admin_t *admin,
    ehr_partner_action_e action)
{
    ehr_partner_t         said;
    ehr_partner_change_t  what;

    what.name = admin->code;
    what.action = action;
    what.reason = admin->reason;
    what.arena = admin->ctx->arena;

    admin->result = ehr_partner_change(store, &admin->change, &what, &said);

    if (admin->result != EHR_REGISTRY_OK) {
        return;
    }

    if (action == EHR_PARTNER_PROBE && !admin->change.is_dry_run) {
        ngx_http_ehr_lane_probe(admin->ctx->worker, admin->partner);
    }

    ngx_http_ehr_partners_shown(store, admin, &said);
}


static void
ngx_http_ehr_partners_run_pause(ehr_store_t *store, void *data)
{
    ngx_http_ehr_partners_change(store, data, EHR_PARTNER_PAUSE);
}


static void
ngx_http_ehr_partners_run_resume(ehr_store_t *store, void *data)
{
    ngx_http_ehr_partners_change(store, data, EHR_PARTNER_RESUME);
}


static void
ngx_http_ehr_partners_run_probe(ehr_store_t *store, void *data)
{
    ngx_http_ehr_partners_change(store, data, EHR_PARTNER_PROBE);
}
