/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the headers of a submission promise, checked before a byte of the
 * body is read: media type, key, preference, mode.
 */

#include "ngx_http_ehr.h"
#include "ehr_prefer.h"


#define NGX_HTTP_EHR_KEY_MAX  128     /* characters of Idempotency-Key */


static ngx_http_ehr_result_e ngx_http_ehr_check_headers(
    ngx_http_ehr_ctx_t *ctx);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_headers = {
    "headers", ngx_http_ehr_check_headers
};


static ngx_http_ehr_result_e
ngx_http_ehr_check_type(ngx_http_ehr_ctx_t *ctx)
{
    u_char     *p;
    ngx_str_t  *value, type;

    value = ngx_http_ehr_header(ctx->request, "content-type", NULL);

    if (value == NULL) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_BODY_TYPE,
            "Cần Content-Type: application/xml, text/xml hoặc "
            "application/json.",
            "Content-Type must be application/xml, text/xml or "
            "application/json.");
    }

    type = *value;

    p = ngx_strlchr(type.data, type.data + type.len, ';');
    if (p) {
        type.len = p - type.data;
    }

    while (type.len && type.data[type.len - 1] == ' ') {
        type.len--;
    }

#define type_is(s)                                                            \
    (type.len == sizeof(s) - 1                                                \
     && ngx_strncasecmp(type.data, (u_char *) s, sizeof(s) - 1) == 0)

    ctx->content_type = type;

    if (type_is("application/xml") || type_is("text/xml")) {
        ctx->content_form = EHR_CONTENT_XML;
        return NGX_HTTP_EHR_NEXT;
    }

    if (type_is("application/json")) {
        ctx->content_form = EHR_CONTENT_JSON;
        return NGX_HTTP_EHR_NEXT;
    }

    return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_BODY_TYPE,
        "Chỉ nhận application/xml, text/xml hoặc application/json.",
        "Only application/xml, text/xml and application/json are taken.");
}


static ngx_http_ehr_result_e
ngx_http_ehr_check_key(ngx_http_ehr_ctx_t *ctx)
{
    size_t       i;
    ngx_str_t   *value;
    ngx_uint_t   twice;

    twice = 0;
    value = ngx_http_ehr_header(ctx->request, "idempotency-key", &twice);

    if (value == NULL) {
        return NGX_HTTP_EHR_NEXT;
    }

    if (twice || value->len == 0 || value->len > NGX_HTTP_EHR_KEY_MAX) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_IDEMPOTENCY_KEY_INVALID,
            "Cần đúng một khóa, từ 1 đến 128 ký tự.",
            "Exactly one key of 1 to 128 characters is needed.");
    }

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < 0x21 || value->data[i] > 0x7e) {
            return ngx_http_ehr_refuse(ctx,
                EHR_PROBLEM_IDEMPOTENCY_KEY_INVALID,
                "Khóa chỉ gồm ký tự ASCII nhìn thấy được.",
                "The key is made of visible ASCII characters.");
        }
    }

    ctx->submit.idempotency_key = ngx_http_ehr_str(value);

    return NGX_HTTP_EHR_NEXT;
}


/* The one parameter.  Whoever wrote "?validate-only=true" wanted nothing sent:
 * what is not understood is refused. */

static ngx_http_ehr_result_e
ngx_http_ehr_read_arguments(ngx_http_ehr_ctx_t *ctx)
{
    ehr_str_t  s = ngx_http_ehr_str(&ctx->request->args);

    if (s.len == 0 || ehr_str_is(s, "validate_only=false")) {
        return NGX_HTTP_EHR_NEXT;
    }

    if (ehr_str_is(s, "validate_only=true")) {
        ctx->is_validate_only = 1;
        return NGX_HTTP_EHR_NEXT;
    }

    return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_PARAMETER_INVALID,
        "Chỉ nhận một tham số: validate_only=true hoặc validate_only=false",
        "The only parameter is validate_only=true or validate_only=false");
}


static ngx_http_ehr_result_e
ngx_http_ehr_check_headers(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_result_e  result;

    result = ngx_http_ehr_check_type(ctx);

    if (result == NGX_HTTP_EHR_NEXT) {
        result = ngx_http_ehr_check_key(ctx);
    }

    if (result == NGX_HTTP_EHR_NEXT) {
        result = ngx_http_ehr_read_arguments(ctx);
    }

    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    ctx->wait_sec = ehr_prefer_wait(ngx_http_ehr_header_list(ctx->request,
                                                             "prefer"));

    if (ctx->worker->is_full && !ctx->is_validate_only) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_STORE_UNAVAILABLE, NULL,
                                   NULL);
    }

    return NGX_HTTP_EHR_NEXT;
}
