/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The calls of /admin/v1/documents, deliveries and jobs: what each takes from
 * path, query and body, and which function of the store it runs.  What may be
 * decided from which state is the store's to say.
 */

#include "ngx_http_ehr_admin.h"
#include "ngx_http_ehr_partner.h"
#include "ngx_http_ehr_render.h"
#include "ehr_decision.h"


#define NGX_HTTP_EHR_DELIVERIES_LIMIT  50


/* Lifetime: request. */

typedef struct {
    ehr_decision_t    decision;
    ehr_job_t         job;
    ehr_job_state_e   job_state;
    int64_t           number;         /* of a job, or a cursor */
    char              id[EHR_UUID_LEN + 1];
} ngx_http_ehr_decision_t;


static ngx_http_ehr_result_e ngx_http_ehr_document_prepare_id(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_document_prepare_list(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_document_prepare_decision(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_job_prepare_all(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_job_prepare(
    ngx_http_ehr_admin_t *admin);
static void ngx_http_ehr_document_run_show(ehr_store_t *store, void *data);
static void ngx_http_ehr_document_run_list(ehr_store_t *store, void *data);
static void ngx_http_ehr_document_run_decision(ehr_store_t *store,
    void *data);
static void ngx_http_ehr_job_run_list(ehr_store_t *store, void *data);
static void ngx_http_ehr_job_run_set(ehr_store_t *store, void *data);


const ngx_http_ehr_admin_call_t  ngx_http_ehr_admin_documents[] = {

    { NGX_HTTP_GET, { "documents", "{id}", NULL },
      NGX_HTTP_EHR_RIGHT_READ, NGX_HTTP_OK,
      ngx_http_ehr_document_prepare_id,
      ngx_http_ehr_document_run_show },

    { NGX_HTTP_GET, { "deliveries", NULL },
      NGX_HTTP_EHR_RIGHT_READ, NGX_HTTP_OK,
      ngx_http_ehr_document_prepare_list,
      ngx_http_ehr_document_run_list },

    { NGX_HTTP_POST, { "documents", "hold", NULL },
      NGX_HTTP_EHR_RIGHT_OPERATE, NGX_HTTP_OK,
      ngx_http_ehr_document_prepare_decision,
      ngx_http_ehr_document_run_decision },

    { NGX_HTTP_POST, { "documents", "release", NULL },
      NGX_HTTP_EHR_RIGHT_OPERATE, NGX_HTTP_OK,
      ngx_http_ehr_document_prepare_decision,
      ngx_http_ehr_document_run_decision },

    { NGX_HTTP_POST, { "documents", "replay", NULL },
      NGX_HTTP_EHR_RIGHT_OPERATE, NGX_HTTP_OK,
      ngx_http_ehr_document_prepare_decision,
      ngx_http_ehr_document_run_decision },

    { NGX_HTTP_GET, { "jobs", NULL },
      NGX_HTTP_EHR_RIGHT_READ, NGX_HTTP_OK,
      ngx_http_ehr_job_prepare_all,
      ngx_http_ehr_job_run_list },

    { NGX_HTTP_GET, { "jobs", "{number}", NULL },
      NGX_HTTP_EHR_RIGHT_READ, NGX_HTTP_OK,
      ngx_http_ehr_job_prepare,
      ngx_http_ehr_job_run_list },

    { NGX_HTTP_POST, { "jobs", "{number}", "{verb}", NULL },
      NGX_HTTP_EHR_RIGHT_OPERATE, NGX_HTTP_OK,
      ngx_http_ehr_job_prepare,
      ngx_http_ehr_job_run_set },

    { 0, { NULL }, 0, 0, NULL, NULL }
};


/* --- on the event loop --------------------------------------------------- */


static ngx_http_ehr_decision_t *
ngx_http_ehr_decision_create(ngx_http_ehr_admin_t *admin)
{
    admin->data = ehr_arena_calloc(admin->ctx->arena,
                                   sizeof(ngx_http_ehr_decision_t));

    return admin->data;
}


static ngx_http_ehr_result_e
ngx_http_ehr_document_prepare_id(ngx_http_ehr_admin_t *admin)
{
    ehr_str_t                 id = ngx_http_ehr_str(&admin->segments[1]);
    ngx_http_ehr_decision_t  *dec = ngx_http_ehr_decision_create(admin);

    if (dec == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    if (!ehr_uuid_valid(id)) {
        return ngx_http_ehr_refuse(admin->ctx, EHR_PROBLEM_NOT_FOUND, NULL,
                                   NULL);
    }

    ngx_memcpy(dec->id, id.data, EHR_UUID_LEN);

    return NGX_HTTP_EHR_NEXT;
}


static ngx_http_ehr_result_e
ngx_http_ehr_document_prepare_list(ngx_http_ehr_admin_t *admin)
{
    static const char *const  names[] = {
        "facility", "partner", "kind", "state", "reason", "since", "until",
        NULL
    };

    ngx_int_t                 n;
    ngx_str_t                *value;
    const char *const        *name;
    ngx_http_request_t       *r = admin->ctx->request;
    ehr_decision_fault_t      fault;
    ngx_http_ehr_decision_t  *dec = ngx_http_ehr_decision_create(admin);

    if (dec == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    for (name = names; *name; name++) {
        value = ngx_http_ehr_argument(r, *name);

        if (value && ehr_selection_set(&dec->decision.sel, *name,
                                       ngx_http_ehr_str(value), &fault)
                     != EHR_OK)
        {
            return ngx_http_ehr_refuse(admin->ctx,
                                       EHR_PROBLEM_PARAMETER_INVALID,
                                       fault.vi, fault.en);
        }
    }

    admin->limit = NGX_HTTP_EHR_DELIVERIES_LIMIT;
    value = ngx_http_ehr_argument(r, "limit");

    if (value) {
        n = ngx_atoi(value->data, value->len);

        if (n < 1 || n > EHR_STORE_MAX_DELIVERIES) {
            return ngx_http_ehr_refuse(admin->ctx,
                                       EHR_PROBLEM_PARAMETER_INVALID,
                                       "limit phải từ 1 đến 100",
                                       "limit must be from 1 to 100");
        }

        admin->limit = (uint32_t) n;
    }

    value = ngx_http_ehr_argument(r, "cursor");

    if (value) {
        dec->number = ngx_atoi(value->data, value->len);

        if (dec->number < 1) {
            return ngx_http_ehr_refuse(admin->ctx,
                EHR_PROBLEM_PARAMETER_INVALID,
                "cursor không phải là giá trị next_cursor đã nhận",
                "cursor is not a next_cursor that was given");
        }
    }

    return NGX_HTTP_EHR_NEXT;
}


static ngx_http_ehr_result_e
ngx_http_ehr_document_prepare_decision(ngx_http_ehr_admin_t *admin)
{
    ngx_http_ehr_ctx_t       *ctx = admin->ctx;
    ehr_decision_t           *decision;
    ehr_decision_fault_t      fault;
    ngx_http_ehr_decision_t  *dec = ngx_http_ehr_decision_create(admin);

    if (dec == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    decision = &dec->decision;
    decision->action = ehr_action_of_name(
                                       ngx_http_ehr_str(&admin->segments[1]));

    if (ehr_decision_read(ctx->content, ctx->arena, decision, &fault)
        != EHR_OK)
    {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_PARAMETER_INVALID,
                                   fault.vi, fault.en);
    }

    if (decision->id.len) {
        ngx_memcpy(dec->id, decision->id.data, EHR_UUID_LEN);
        return NGX_HTTP_EHR_NEXT;
    }

    if (ctx->request->headers_in.if_match) {
        /* a selection has no version */
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_PRECONDITION_FAILED, NULL,
                                   NULL);
    }

    dec->job.action = decision->action;
    dec->job.sel = decision->sel;
    dec->job.rate = decision->rate;
    dec->job.note = decision->note;

    /* A preview reads, perhaps for long: not in the writer's way. */
    admin->is_reading = admin->change.is_dry_run;

    return NGX_HTTP_EHR_NEXT;
}


static ngx_http_ehr_result_e
ngx_http_ehr_job_prepare_all(ngx_http_ehr_admin_t *admin)
{
    return ngx_http_ehr_decision_create(admin) ? NGX_HTTP_EHR_NEXT
                                               : NGX_HTTP_EHR_BROKEN;
}


static ngx_http_ehr_result_e
ngx_http_ehr_job_prepare(ngx_http_ehr_admin_t *admin)
{
    ehr_str_t                 verb = ngx_http_ehr_str(&admin->segments[2]);
    ngx_str_t                *number = &admin->segments[1];
    ngx_http_ehr_decision_t  *dec = ngx_http_ehr_decision_create(admin);

    if (dec == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    dec->number = ngx_atoi(number->data, number->len);

    if (ehr_str_is(verb, "pause")) {
        dec->job_state = EHR_JOB_PAUSED;

    } else if (ehr_str_is(verb, "resume")) {
        dec->job_state = EHR_JOB_RUNNING;

    } else if (ehr_str_is(verb, "cancel")) {
        dec->job_state = EHR_JOB_CANCELLED;
    }

    if (dec->number < 1 || (verb.len && dec->job_state == 0)) {
        return ngx_http_ehr_refuse(admin->ctx, EHR_PROBLEM_NOT_FOUND, NULL,
                                   NULL);
    }

    return NGX_HTTP_EHR_NEXT;
}


/* --- in a thread of the journal ------------------------------------------ */


static void
ngx_http_ehr_document_members(ngx_http_ehr_admin_t *admin, ehr_json_t *json,
    const ehr_submission_t *sub)
{
    ngx_http_ehr_render_submission(json, sub);
    ngx_http_ehr_render_deliveries(json, sub);
    ehr_json_int(json, "version", admin->version);
}


static void
ngx_http_ehr_document_run_show(ehr_store_t *store, void *data)
{
    ehr_rc_t                  rc;
    ehr_str_t                 attempts, decisions;
    ehr_json_t                json;
    ehr_submission_t          sub;
    ngx_http_ehr_admin_t     *admin = data;
    ngx_http_ehr_decision_t  *dec = admin->data;
    ehr_arena_t              *arena = admin->ctx->arena;

    rc = ehr_store_version(store, dec->id, &admin->version);

    if (rc == EHR_OK) {
        rc = ehr_store_document(store, ehr_str(""), dec->id, arena, &sub);
    }

    if (rc == EHR_OK) {
        rc = ehr_store_attempts(store, dec->id, arena, &attempts);
    }

    if (rc == EHR_OK) {
        rc = ehr_store_timeline(store, dec->id, arena, &decisions);
    }

    if (rc != EHR_OK) {
        admin->decided = rc == EHR_REFUSED ? EHR_DECIDED_NOT_FOUND
                                           : EHR_DECIDED_LATER;
        return;
    }

    ehr_json_begin(&json, arena);
    ehr_json_open(&json, NULL, '{');
    ngx_http_ehr_document_members(admin, &json, &sub);
    ehr_json_raw(&json, "attempts", attempts);
    ehr_json_raw(&json, "decisions", decisions);
    ehr_json_close(&json, '}');

    admin->body = ehr_json_end(&json);
}


static void
ngx_http_ehr_document_row(ehr_json_t *json, const ehr_delivery_row_t *row)
{
    char  at[EHR_TIME_LEN + 1];

    ehr_time_render(row->received_ms, at);

    ehr_json_open(json, NULL, '{');
    ehr_json_text(json, "id", row->id);
    ehr_json_text(json, "facility", row->facility);
    ehr_json_text(json, "kind", row->kind);
    ehr_json_text(json, "received_at", at);
    ngx_http_ehr_render_delivery(json, &row->dlv);
    ehr_json_int(json, "queries", row->dlv.probes);
    ehr_json_close(json, '}');
}


static void
ngx_http_ehr_document_run_list(ehr_store_t *store, void *data)
{
    uint32_t                  i;
    char                      cursor[NGX_INT64_LEN + 1];
    ehr_json_t                json;
    ngx_http_ehr_admin_t     *admin = data;
    ehr_delivery_page_t       page;
    ngx_http_ehr_decision_t  *dec = admin->data;
    ehr_arena_t              *arena = admin->ctx->arena;

    page.before = dec->number;
    page.limit = admin->limit;

    if (ehr_store_deliveries(store, &dec->decision.sel, arena, &page)
        != EHR_OK)
    {
        admin->decided = EHR_DECIDED_LATER;
        return;
    }

    ehr_json_begin(&json, arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_open(&json, "deliveries", '[');

    for (i = 0; i < page.nrows; i++) {
        ngx_http_ehr_document_row(&json, &page.rows[i]);
    }

    ehr_json_close(&json, ']');

    if (page.next) {
        *ngx_sprintf((u_char *) cursor, "%L", page.next) = '\0';
        ehr_json_text(&json, "next_cursor", cursor);

    } else {
        ehr_json_null(&json, "next_cursor");
    }

    ehr_json_close(&json, '}');

    admin->body = ehr_json_end(&json);
}


static void
ngx_http_ehr_document_run_one(ehr_store_t *store, ngx_http_ehr_admin_t *admin)
{
    ehr_json_t                json;
    ehr_decide_t              how;
    ehr_submission_t          sub;
    ngx_http_ehr_decision_t  *dec = admin->data;

    ngx_memzero(&how, sizeof(ehr_decide_t));

    how.action = dec->decision.action;
    how.is_forced = dec->decision.is_forced;
    how.note = dec->decision.note;
    how.partner_ref = dec->decision.partner_ref;
    how.data = admin->ctx->mcf;
    how.is_repeat_safe = ngx_http_ehr_repeat_is_safe;

    admin->decided = ehr_store_decide(store, &admin->change, dec->id,
                                      dec->decision.partner, &how,
                                      admin->ctx->arena, &sub,
                                      &admin->version);

    if (admin->decided != EHR_DECIDED_OK) {
        return;
    }

    ehr_json_begin(&json, admin->ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ngx_http_ehr_document_members(admin, &json, &sub);
    ehr_json_close(&json, '}');

    admin->body = ehr_json_end(&json);
}


static void
ngx_http_ehr_document_preview(ngx_http_ehr_admin_t *admin,
    const ehr_preview_t *preview)
{
    uint32_t    i;
    ehr_json_t  json;

    ehr_json_begin(&json, admin->ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_int(&json, "total", preview->total);
    ehr_json_int(&json, "without_content", preview->without_content);
    ehr_json_bool(&json, "is_more", preview->is_more);
    ehr_json_open(&json, "counts", '[');

    for (i = 0; i < preview->ncounts; i++) {
        ehr_json_open(&json, NULL, '{');
        ehr_json_text(&json, "partner", preview->counts[i].partner);
        ehr_json_text(&json, "facility", preview->counts[i].facility);
        ehr_json_text(&json, "state",
                      ehr_state_name(preview->counts[i].state));
        ehr_json_int(&json, "count", preview->counts[i].count);
        ehr_json_close(&json, '}');
    }

    ehr_json_close(&json, ']');
    ehr_json_open(&json, "first", '[');

    for (i = 0; i < preview->nfirst; i++) {
        ehr_json_text(&json, NULL, preview->first[i]);
    }

    ehr_json_close(&json, ']');
    ehr_json_close(&json, '}');

    admin->body = ehr_json_end(&json);
}


static void
ngx_http_ehr_job_shown(ngx_http_ehr_admin_t *admin, const ehr_job_t *job)
{
    ehr_json_t  json;

    ehr_json_begin(&json, admin->ctx->arena);
    ehr_job_write(&json, NULL, job);

    admin->body = ehr_json_end(&json);
    admin->version = job->version;
}


static void
ngx_http_ehr_document_run_decision(ehr_store_t *store, void *data)
{
    ehr_preview_t            *preview;
    ngx_http_ehr_admin_t     *admin = data;
    ngx_http_ehr_decision_t  *dec = admin->data;

    if (dec->decision.id.len) {
        ngx_http_ehr_document_run_one(store, admin);
        return;
    }

    if (admin->is_reading) {
        preview = ehr_arena_alloc(admin->ctx->arena, sizeof(ehr_preview_t));

        if (preview && ehr_store_preview(store, &dec->job.sel,
                                         dec->job.action, preview)
                       == EHR_OK)
        {
            ngx_http_ehr_document_preview(admin, preview);
            return;
        }

        admin->decided = EHR_DECIDED_LATER;
        return;
    }

    admin->decided = ehr_job_add(store, &admin->change, &dec->job);

    if (admin->decided == EHR_DECIDED_OK) {
        ngx_http_ehr_job_shown(admin, &dec->job);
    }
}


static void
ngx_http_ehr_job_run_list(ehr_store_t *store, void *data)
{
    uint32_t                  i, n;
    ehr_job_t                *jobs;
    ehr_json_t                json;
    ngx_http_ehr_admin_t     *admin = data;
    ngx_http_ehr_decision_t  *dec = admin->data;

    if (ehr_job_list(store, dec->number, admin->ctx->arena, &jobs, &n)
        != EHR_OK)
    {
        admin->decided = EHR_DECIDED_LATER;
        return;
    }

    if (dec->number) {
        if (n == 0) {
            admin->decided = EHR_DECIDED_NOT_FOUND;
            return;
        }

        ngx_http_ehr_job_shown(admin, &jobs[0]);
        return;
    }

    ehr_json_begin(&json, admin->ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_open(&json, "jobs", '[');

    for (i = 0; i < n; i++) {
        ehr_job_write(&json, NULL, &jobs[i]);
    }

    ehr_json_close(&json, ']');
    ehr_json_close(&json, '}');

    admin->body = ehr_json_end(&json);
}


static void
ngx_http_ehr_job_run_set(ehr_store_t *store, void *data)
{
    ngx_http_ehr_admin_t     *admin = data;
    ngx_http_ehr_decision_t  *dec = admin->data;

    admin->decided = ehr_job_set(store, &admin->change, dec->number,
                                 dec->job_state, admin->ctx->arena,
                                 &dec->job);

    if (admin->decided == EHR_DECIDED_OK) {
        ngx_http_ehr_job_shown(admin, &dec->job);
    }
}
