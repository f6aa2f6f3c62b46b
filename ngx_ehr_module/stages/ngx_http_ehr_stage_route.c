/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Where it goes: a table of the configuration, kind to partners.  A kind
 * without a row is refused: a receipt for a document that goes nowhere would
 * be a lie.  Who only asks what is wrong with it gets an answer all the same.
 */

#include "ngx_http_ehr.h"


static ngx_http_ehr_result_e ngx_http_ehr_route(ngx_http_ehr_ctx_t *ctx);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_route = {
    "route", ngx_http_ehr_route
};


static ngx_http_ehr_result_e
ngx_http_ehr_answer_validation(ngx_http_ehr_ctx_t *ctx)
{
    uint32_t           i;
    ehr_str_t          body;
    ehr_json_t         json;
    ehr_submission_t  *sub = &ctx->submit.sub;

    ehr_json_begin(&json, ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_bool(&json, "valid", 1);
    ehr_json_string(&json, "facility", ctx->fac->code);
    ehr_json_text(&json, "kind", ehr_kind_name(ctx->doc.kind));
    ehr_json_string(&json, "standard", ctx->doc.standard);
    ehr_json_string(&json, "business_key", ctx->doc.business_key);
    ehr_json_raw(&json, "warnings",
                 ehr_findings_render(&ctx->doc.findings, ctx->lang,
                                     ctx->arena));
    ehr_json_open(&json, "routes", '[');

    for (i = 0; i < sub->ndeliveries; i++) {
        ehr_json_text(&json, NULL, sub->deliveries[i].partner);
    }

    ehr_json_close(&json, ']');
    ehr_json_close(&json, '}');
    body = ehr_json_end(&json);

    if (body.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ctx->code = "valid";

    return ngx_http_ehr_send(ctx, NGX_HTTP_OK, "application/json", body);
}


static ngx_http_ehr_result_e
ngx_http_ehr_route(ngx_http_ehr_ctx_t *ctx)
{
    uint32_t                 routes;
    ngx_uint_t               i;
    ehr_submission_t        *sub = &ctx->submit.sub;
    ehr_store_delivery_t    *dlv;
    const ehr_deadline_t    *deadline;
    ngx_http_ehr_partner_t  *part;

    routes = ctx->mcf->routes[ctx->doc.kind];

    if (routes == 0 && !ctx->is_validate_only) {
        (void) ngx_http_ehr_refuse(ctx, EHR_PROBLEM_DOCUMENT_UNKNOWN_KIND,
            "Cổng chưa được cấu hình nơi nhận cho loại hồ sơ này.",
            "No partner is configured for this kind of document.");

        return ngx_http_ehr_unless_stored(ctx);
    }

    part = ctx->mcf->partners.elts;
    deadline = &ctx->mcf->deadlines[ctx->doc.kind];

    for (i = 0; i < ctx->mcf->partners.nelts; i++) {

        if (!(routes & (1u << i))) {
            continue;
        }

        dlv = &sub->deliveries[sub->ndeliveries++];

        (void) ngx_cpystrn((u_char *) dlv->partner, part[i].name.data,
                           sizeof(dlv->partner));
        dlv->state = EHR_STATE_PENDING;
        dlv->reason = ehr_str("route.table");
        dlv->target_ms = ehr_deadline_ms(deadline, ngx_http_ehr_now_ms());
        dlv->is_urgent = ehr_deadline_is_urgent(deadline);
    }

    return ctx->is_validate_only ? ngx_http_ehr_answer_validation(ctx)
                                 : NGX_HTTP_EHR_NEXT;
}
