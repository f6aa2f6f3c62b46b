/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the access log may know of a request: facility, document id, kind,
 * code, stage times, the caller's trace id.  Nothing of a person, nothing of
 * a body.
 */

#include "ngx_http_ehr_variables.h"


enum {
    NGX_HTTP_EHR_VAR_FACILITY = 0,
    NGX_HTTP_EHR_VAR_DOCUMENT,
    NGX_HTTP_EHR_VAR_KIND,
    NGX_HTTP_EHR_VAR_CODE,
    NGX_HTTP_EHR_VAR_STAGES,
    NGX_HTTP_EHR_VAR_TRACE
};


static ngx_int_t ngx_http_ehr_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_http_ehr_vars[] = {

    { ngx_string("ehr_facility"), NULL, ngx_http_ehr_variable,
      NGX_HTTP_EHR_VAR_FACILITY, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ehr_document"), NULL, ngx_http_ehr_variable,
      NGX_HTTP_EHR_VAR_DOCUMENT, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ehr_kind"), NULL, ngx_http_ehr_variable,
      NGX_HTTP_EHR_VAR_KIND, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ehr_code"), NULL, ngx_http_ehr_variable,
      NGX_HTTP_EHR_VAR_CODE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ehr_stages"), NULL, ngx_http_ehr_variable,
      NGX_HTTP_EHR_VAR_STAGES, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ehr_trace_id"), NULL, ngx_http_ehr_variable,
      NGX_HTTP_EHR_VAR_TRACE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static ehr_str_t
ngx_http_ehr_stage_times(ngx_http_ehr_ctx_t *ctx)
{
    ngx_uint_t                   i;
    ehr_json_t                   json;
    const ngx_http_ehr_stage_t  *stage;

    ehr_json_begin(&json, ctx->arena);
    ehr_json_open(&json, NULL, '{');

    for (i = 0; ctx->endpoint && i <= ctx->step; i++) {
        stage = ctx->endpoint->stages[i];

        if (stage == NULL) {
            break;
        }

        ehr_json_int(&json, stage->name, ctx->stage_ns[i] / 1000);
    }

    ehr_json_close(&json, '}');

    return ehr_json_end(&json);
}


/* Sent twice it is none (W3C Trace Context section 3.2). */

static ehr_str_t
ngx_http_ehr_trace(ngx_http_request_t *r)
{
    ehr_str_t    none = ehr_null_string;
    ngx_str_t   *value;
    ngx_uint_t   twice = 0;

    value = ngx_http_ehr_header(r, "traceparent", &twice);

    return value && !twice ? ehr_trace_id(ngx_http_ehr_str(value)) : none;
}


static ehr_str_t
ngx_http_ehr_variable_of_ctx(ngx_http_ehr_ctx_t *ctx, uintptr_t which)
{
    ehr_str_t  none = ehr_null_string;

    switch (which) {

    case NGX_HTTP_EHR_VAR_FACILITY:
        return ctx->fac ? ctx->fac->code : none;

    case NGX_HTTP_EHR_VAR_DOCUMENT:
        return ctx->sub ? ehr_str(ctx->sub->id) : none;

    case NGX_HTTP_EHR_VAR_KIND:
        return ctx->doc.kind ? ehr_str(ehr_kind_name(ctx->doc.kind)) : none;

    case NGX_HTTP_EHR_VAR_CODE:
        return ctx->code ? ehr_str(ctx->code) : none;

    case NGX_HTTP_EHR_VAR_TRACE:
        return ngx_http_ehr_trace(ctx->request);

    default:
        return ngx_http_ehr_stage_times(ctx);
    }
}


static ngx_int_t
ngx_http_ehr_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ehr_str_t            value;
    ngx_http_ehr_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_ehr_module);

    if (ctx) {
        value = ngx_http_ehr_variable_of_ctx(ctx, data);

    } else {
        value = ehr_str(data == NGX_HTTP_EHR_VAR_CODE
                        ? ngx_http_ehr_get_code(r) : NULL);
    }

    if (value.len == 0 && data == NGX_HTTP_EHR_VAR_STAGES) {
        value = ehr_str("{}");
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = value.len;
    v->data = (u_char *) (value.data ? value.data : "");

    return NGX_OK;
}


ngx_int_t
ngx_http_ehr_variables_add(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_ehr_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}
