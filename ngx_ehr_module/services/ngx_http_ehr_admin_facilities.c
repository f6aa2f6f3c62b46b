/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The calls of /admin/v1/facilities: what each takes from path, query and
 * body, and which function of the registry it runs.  Knows no headers and no
 * roles beyond naming the right a call needs.
 */

#include "ngx_http_ehr_admin.h"


#define NGX_HTTP_EHR_ADMIN_LIMIT        50
#define NGX_HTTP_EHR_ADMIN_LIMIT_MAX    100

/* Room for every facility of the country while a list is made. */
#define NGX_HTTP_EHR_ADMIN_LOAD_MAX     (64 * 1024 * 1024)


static ngx_http_ehr_result_e ngx_http_ehr_facility_prepare_list(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_facility_prepare_code(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_facility_prepare_add(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_facility_prepare_suspend(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_facility_prepare_resume(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_facility_prepare_cert_add(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_facility_prepare_cert_remove(
    ngx_http_ehr_admin_t *admin);
static ngx_int_t ngx_http_ehr_facility_input(ngx_http_ehr_admin_t *admin,
    ehr_facility_input_t *in);
static ngx_http_ehr_result_e ngx_http_ehr_facility_input_result(
    ngx_http_ehr_admin_t *admin, ehr_facility_input_t *in, ehr_rc_t rc);

static void ngx_http_ehr_facility_run_list(ehr_store_t *store, void *data);
static void ngx_http_ehr_facility_run_show(ehr_store_t *store, void *data);
static void ngx_http_ehr_facility_run_add(ehr_store_t *store, void *data);
static void ngx_http_ehr_facility_run_suspend(ehr_store_t *store, void *data);
static void ngx_http_ehr_facility_run_resume(ehr_store_t *store, void *data);
static void ngx_http_ehr_facility_run_cert_add(ehr_store_t *store,
    void *data);
static void ngx_http_ehr_facility_run_cert_remove(ehr_store_t *store,
    void *data);
static void ngx_http_ehr_facility_page(ngx_http_ehr_admin_t *admin,
    const ehr_facility_t *facs, uint32_t nfacs);
static const ehr_facility_t *ngx_http_ehr_facility_find(
    const ehr_facility_t *facs, uint32_t nfacs, ehr_str_t code);
static void ngx_http_ehr_facility_shown(ngx_http_ehr_admin_t *admin,
    const ehr_facility_t *fac);
static int ngx_http_ehr_facility_compare(ehr_str_t a, ehr_str_t b);


const ngx_http_ehr_admin_call_t  ngx_http_ehr_admin_facilities[] = {

    { NGX_HTTP_GET, { "facilities", NULL },
      NGX_HTTP_EHR_RIGHT_READ, NGX_HTTP_OK,
      ngx_http_ehr_facility_prepare_list,
      ngx_http_ehr_facility_run_list },

    { NGX_HTTP_POST, { "facilities", NULL },
      NGX_HTTP_EHR_RIGHT_CHANGE, NGX_HTTP_CREATED,
      ngx_http_ehr_facility_prepare_add,
      ngx_http_ehr_facility_run_add },

    { NGX_HTTP_GET, { "facilities", "{code}", NULL },
      NGX_HTTP_EHR_RIGHT_READ, NGX_HTTP_OK,
      ngx_http_ehr_facility_prepare_code,
      ngx_http_ehr_facility_run_show },

    { NGX_HTTP_POST, { "facilities", "{code}", "suspend", NULL },
      NGX_HTTP_EHR_RIGHT_OPERATE, NGX_HTTP_OK,
      ngx_http_ehr_facility_prepare_suspend,
      ngx_http_ehr_facility_run_suspend },

    { NGX_HTTP_POST, { "facilities", "{code}", "resume", NULL },
      NGX_HTTP_EHR_RIGHT_OPERATE, NGX_HTTP_OK,
      ngx_http_ehr_facility_prepare_resume,
      ngx_http_ehr_facility_run_resume },

    { NGX_HTTP_POST, { "facilities", "{code}", "certificates", NULL },
      NGX_HTTP_EHR_RIGHT_CHANGE, NGX_HTTP_CREATED,
      ngx_http_ehr_facility_prepare_cert_add,
      ngx_http_ehr_facility_run_cert_add },

    { NGX_HTTP_DELETE,
      { "facilities", "{code}", "certificates", "{sha256}", NULL },
      NGX_HTTP_EHR_RIGHT_CHANGE, NGX_HTTP_OK,
      ngx_http_ehr_facility_prepare_cert_remove,
      ngx_http_ehr_facility_run_cert_remove },

    { 0, { NULL }, 0, 0, NULL, NULL }
};


/* --- on the event loop --------------------------------------------------- */


static ngx_http_ehr_result_e
ngx_http_ehr_facility_prepare_list(ngx_http_ehr_admin_t *admin)
{
    ngx_int_t            limit;
    ngx_str_t            value;
    ngx_http_ehr_ctx_t  *ctx = admin->ctx;

    admin->limit = NGX_HTTP_EHR_ADMIN_LIMIT;

    if (ngx_http_arg(ctx->request, (u_char *) "limit", 5, &value) == NGX_OK) {
        limit = ngx_atoi(value.data, value.len);

        if (limit < 1 || limit > NGX_HTTP_EHR_ADMIN_LIMIT_MAX) {
            return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_PARAMETER_INVALID,
                                       "limit phải từ 1 đến 100",
                                       "limit must be from 1 to 100");
        }

        admin->limit = (uint32_t) limit;
    }

    if (ngx_http_arg(ctx->request, (u_char *) "cursor", 6, &value) != NGX_OK) {
        return NGX_HTTP_EHR_NEXT;
    }

    admin->after = ehr_base64url_decode(ngx_http_ehr_str(&value), ctx->arena);

    if (admin->after.data == NULL || !ehr_facility_code_valid(admin->after)) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_PARAMETER_INVALID,
            "cursor không phải là giá trị next_cursor đã nhận",
            "cursor is not a next_cursor that was given");
    }

    return NGX_HTTP_EHR_NEXT;
}


static ngx_http_ehr_result_e
ngx_http_ehr_facility_prepare_code(ngx_http_ehr_admin_t *admin)
{
    admin->code = ngx_http_ehr_str(&admin->segments[1]);

    if (!ehr_facility_code_valid(admin->code)) {
        return ngx_http_ehr_refuse(admin->ctx, EHR_PROBLEM_NOT_FOUND, NULL,
                                   NULL);
    }

    return NGX_HTTP_EHR_NEXT;
}


static ngx_http_ehr_result_e
ngx_http_ehr_facility_prepare_add(ngx_http_ehr_admin_t *admin)
{
    ehr_rc_t              rc;
    ehr_facility_input_t  in;

    /* RFC 9110 13.1.1: what does not exist yet matches nothing, not even
     * "*". */

    if (admin->ctx->request->headers_in.if_match) {
        return ngx_http_ehr_refuse(admin->ctx,
                                   EHR_PROBLEM_PRECONDITION_FAILED, NULL,
                                   NULL);
    }

    if (ngx_http_ehr_facility_input(admin, &in) != NGX_OK) {
        return NGX_HTTP_EHR_BROKEN;
    }

    rc = ehr_facility_read(&in, &admin->fac);

    return ngx_http_ehr_facility_input_result(admin, &in, rc);
}


static ngx_http_ehr_result_e
ngx_http_ehr_facility_prepare_suspend(ngx_http_ehr_admin_t *admin)
{
    ehr_rc_t               rc;
    ehr_facility_input_t   in;
    ngx_http_ehr_result_e  result;

    result = ngx_http_ehr_facility_prepare_code(admin);
    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    if (ngx_http_ehr_facility_input(admin, &in) != NGX_OK) {
        return NGX_HTTP_EHR_BROKEN;
    }

    rc = ehr_facility_read_reason(&in, &admin->reason);

    return ngx_http_ehr_facility_input_result(admin, &in, rc);
}


static ngx_http_ehr_result_e
ngx_http_ehr_facility_prepare_resume(ngx_http_ehr_admin_t *admin)
{
    ehr_rc_t               rc;
    ehr_facility_input_t   in;
    ngx_http_ehr_result_e  result;

    result = ngx_http_ehr_facility_prepare_code(admin);
    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    if (ngx_http_ehr_facility_input(admin, &in) != NGX_OK) {
        return NGX_HTTP_EHR_BROKEN;
    }

    rc = ehr_facility_read_empty(&in);

    return ngx_http_ehr_facility_input_result(admin, &in, rc);
}


static ngx_http_ehr_result_e
ngx_http_ehr_facility_prepare_cert_add(ngx_http_ehr_admin_t *admin)
{
    ehr_rc_t               rc;
    ehr_facility_input_t   in;
    ngx_http_ehr_result_e  result;

    result = ngx_http_ehr_facility_prepare_code(admin);
    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    if (ngx_http_ehr_facility_input(admin, &in) != NGX_OK) {
        return NGX_HTTP_EHR_BROKEN;
    }

    rc = ehr_facility_read_certificate(&in, &admin->cert);

    return ngx_http_ehr_facility_input_result(admin, &in, rc);
}


static ngx_http_ehr_result_e
ngx_http_ehr_facility_prepare_cert_remove(ngx_http_ehr_admin_t *admin)
{
    ehr_str_t              hex;
    ngx_http_ehr_result_e  result;

    result = ngx_http_ehr_facility_prepare_code(admin);
    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    hex = ngx_http_ehr_str(&admin->segments[3]);

    if (ehr_unhex(hex, admin->cert.sha256, EHR_SHA256_LEN) != EHR_OK) {
        return ngx_http_ehr_refuse(admin->ctx, EHR_PROBLEM_NOT_FOUND, NULL,
                                   NULL);
    }

    return NGX_HTTP_EHR_NEXT;
}


static ngx_int_t
ngx_http_ehr_facility_input(ngx_http_ehr_admin_t *admin,
    ehr_facility_input_t *in)
{
    ngx_http_ehr_ctx_t  *ctx = admin->ctx;

    in->json = ctx->content;
    in->now_ms = ngx_http_ehr_now_ms();
    in->arena = ctx->arena;
    in->findings = ehr_arena_calloc(ctx->arena, sizeof(ehr_findings_t));

    if (in->findings == NULL) {
        return NGX_ERROR;
    }

    in->findings->arena = ctx->arena;

    return NGX_OK;
}


static ngx_http_ehr_result_e
ngx_http_ehr_facility_input_result(ngx_http_ehr_admin_t *admin,
    ehr_facility_input_t *in, ehr_rc_t rc)
{
    switch (rc) {

    case EHR_OK:
        return NGX_HTTP_EHR_NEXT;

    case EHR_REFUSED:
        admin->ctx->findings = in->findings;
        return ngx_http_ehr_refuse(admin->ctx, EHR_PROBLEM_PARAMETER_INVALID,
                                   NULL, NULL);

    default:
        return NGX_HTTP_EHR_BROKEN;
    }
}


/* --- in a thread of the journal ------------------------------------------ */


static void
ngx_http_ehr_facility_run_list(ehr_store_t *store, void *data)
{
    ngx_http_ehr_admin_t  *admin = data;

    int64_t          generation;
    uint32_t         n;
    ehr_arena_t     *arena;
    ehr_facility_t  *facs;

    admin->result = EHR_REGISTRY_LATER;

    arena = ehr_arena_create(NGX_HTTP_EHR_ADMIN_LOAD_MAX);
    if (arena == NULL) {
        return;
    }

    if (ehr_registry_load(store, arena, &facs, &n, &generation) == EHR_OK) {
        admin->result = EHR_REGISTRY_OK;
        ngx_http_ehr_facility_page(admin, facs, n);
    }

    ehr_arena_destroy(arena);
}


/* Facilities come ordered by code: the cursor is the last one shown. */

static void
ngx_http_ehr_facility_page(ngx_http_ehr_admin_t *admin,
    const ehr_facility_t *facs, uint32_t nfacs)
{
    uint32_t      i, n;
    ehr_str_t     cursor;
    ehr_json_t    json;
    ehr_arena_t  *arena = admin->ctx->arena;

    for (i = 0; i < nfacs; i++) {
        if (ngx_http_ehr_facility_compare(facs[i].code, admin->after) > 0) {
            break;
        }
    }

    ehr_json_begin(&json, arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_open(&json, "facilities", '[');

    for (n = 0; n < admin->limit && i < nfacs; n++, i++) {
        ehr_facility_write(&json, NULL, &facs[i]);
    }

    ehr_json_close(&json, ']');

    if (i < nfacs) {
        cursor = ehr_base64url_encode(facs[i - 1].code.data,
                                      facs[i - 1].code.len, arena);
        ehr_json_string(&json, "next_cursor", cursor);

    } else {
        ehr_json_null(&json, "next_cursor");
    }

    ehr_json_close(&json, '}');

    admin->body = ehr_json_end(&json);
}


static void
ngx_http_ehr_facility_run_show(ehr_store_t *store, void *data)
{
    ngx_http_ehr_admin_t  *admin = data;

    int64_t                generation;
    uint32_t               n;
    ehr_arena_t           *arena;
    ehr_facility_t        *facs;
    const ehr_facility_t  *fac;

    admin->result = EHR_REGISTRY_LATER;

    arena = ehr_arena_create(NGX_HTTP_EHR_ADMIN_LOAD_MAX);
    if (arena == NULL) {
        return;
    }

    if (ehr_registry_load(store, arena, &facs, &n, &generation) == EHR_OK) {
        fac = ngx_http_ehr_facility_find(facs, n, admin->code);

        admin->result = fac ? EHR_REGISTRY_OK : EHR_REGISTRY_NOT_FOUND;
        ngx_http_ehr_facility_shown(admin, fac);
    }

    ehr_arena_destroy(arena);
}


static const ehr_facility_t *
ngx_http_ehr_facility_find(const ehr_facility_t *facs, uint32_t nfacs,
    ehr_str_t code)
{
    uint32_t  i;

    for (i = 0; i < nfacs; i++) {
        if (ehr_str_eq(facs[i].code, code)) {
            return &facs[i];
        }
    }

    return NULL;
}


static void
ngx_http_ehr_facility_run_add(ehr_store_t *store, void *data)
{
    ngx_http_ehr_admin_t  *admin = data;

    ehr_facility_t  out;

    admin->code = admin->fac.code;
    admin->result = ehr_registry_add(store, &admin->change, &admin->fac,
                                     admin->ctx->arena, &out);

    ngx_http_ehr_facility_shown(admin, &out);
}


static void
ngx_http_ehr_facility_run_suspend(ehr_store_t *store, void *data)
{
    ngx_http_ehr_admin_t  *admin = data;

    ehr_facility_t  out;

    admin->result = ehr_registry_suspend(store, &admin->change, admin->code,
                                         admin->reason, admin->ctx->arena,
                                         &out);

    ngx_http_ehr_facility_shown(admin, &out);
}


static void
ngx_http_ehr_facility_run_resume(ehr_store_t *store, void *data)
{
    ngx_http_ehr_admin_t  *admin = data;

    ehr_facility_t  out;

    admin->result = ehr_registry_resume(store, &admin->change, admin->code,
                                        admin->ctx->arena, &out);

    ngx_http_ehr_facility_shown(admin, &out);
}


static void
ngx_http_ehr_facility_run_cert_add(ehr_store_t *store, void *data)
{
    ngx_http_ehr_admin_t  *admin = data;

    ehr_facility_t  out;

    admin->result = ehr_registry_cert_add(store, &admin->change, admin->code,
                                          &admin->cert, admin->ctx->arena,
                                          &out);

    ngx_http_ehr_facility_shown(admin, &out);
}


static void
ngx_http_ehr_facility_run_cert_remove(ehr_store_t *store, void *data)
{
    ngx_http_ehr_admin_t  *admin = data;

    ehr_facility_t  out;

    admin->result = ehr_registry_cert_remove(store, &admin->change,
                                             admin->code, admin->cert.sha256,
                                             admin->ctx->arena, &out);

    ngx_http_ehr_facility_shown(admin, &out);
}


/* The answer of a call that succeeded: the facility as it is now. */

static void
ngx_http_ehr_facility_shown(ngx_http_ehr_admin_t *admin,
    const ehr_facility_t *fac)
{
    ehr_json_t  json;

    if (admin->result != EHR_REGISTRY_OK) {
        return;
    }

    ehr_json_begin(&json, admin->ctx->arena);
    ehr_facility_write(&json, NULL, fac);

    admin->body = ehr_json_end(&json);
    admin->version = fac->version;
}


static int
ngx_http_ehr_facility_compare(ehr_str_t a, ehr_str_t b)
{
    int     rc;
    size_t  len;

    len = ngx_min(a.len, b.len);
    rc = (len == 0) ? 0 : ngx_memcmp(a.data, b.data, len);

    if (rc != 0) {
        return rc;
    }

    return (a.len > b.len) - (a.len < b.len);
}
