/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The answer we owe: what was accepted, where it stands, and the receipt as
 * a signed JWS of the same facts.
 */

#include "ngx_http_ehr.h"
#include "ngx_http_ehr_render.h"


static ngx_http_ehr_result_e ngx_http_ehr_acknowledge(
    ngx_http_ehr_ctx_t *ctx);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_receipt = {
    "receipt", ngx_http_ehr_acknowledge
};


static ngx_uint_t
ngx_http_ehr_acknowledge_status(ngx_http_ehr_ctx_t *ctx)
{
    uint32_t  i;

    if (ctx->submit.result == EHR_SUBMIT_DUPLICATE) {
        return NGX_HTTP_OK;
    }

    if (ctx->wait_sec < 0) {
        return NGX_HTTP_ACCEPTED;
    }

    for (i = 0; i < ctx->sub->ndeliveries; i++) {
        if (!ehr_state_is_settled(ctx->sub->deliveries[i].state)) {
            return NGX_HTTP_ACCEPTED;
        }
    }

    return NGX_HTTP_OK;
}


static ngx_int_t
ngx_http_ehr_location(ngx_http_ehr_ctx_t *ctx)
{
    ngx_str_t  value;

    value.len = sizeof("/v1/documents/") - 1 + EHR_UUID_LEN;
    value.data = ngx_pnalloc(ctx->request->pool, value.len + 1);

    if (value.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(value.data, "/v1/documents/%s%Z", ctx->sub->id);

    return ngx_http_ehr_add_header(ctx->request, "Location", &value);
}


static ngx_http_ehr_result_e
ngx_http_ehr_acknowledge(ngx_http_ehr_ctx_t *ctx)
{
    ehr_str_t    body, receipt;
    ehr_json_t   json;

    receipt = ngx_http_ehr_sign_receipt(ctx, ctx->sub);

    if (receipt.data == NULL || ngx_http_ehr_location(ctx) != NGX_OK) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ehr_json_begin(&json, ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ngx_http_ehr_render_submission(&json, ctx->sub);
    ehr_json_bool(&json, "duplicate",
                  ctx->submit.result == EHR_SUBMIT_DUPLICATE);
    ngx_http_ehr_render_deliveries(&json, ctx->sub);
    ngx_http_ehr_render_warnings(&json, ctx->sub, ctx->lang);
    ehr_json_string(&json, "receipt", receipt);
    ehr_json_close(&json, '}');
    body = ehr_json_end(&json);

    if (body.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    return ngx_http_ehr_send(ctx, ngx_http_ehr_acknowledge_status(ctx),
                             "application/json", body);
}
