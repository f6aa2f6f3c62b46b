/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The admin API as HTTP: who the administrator is, which call a path and a
 * method mean, what the role allows, If-Match, dry_run, and the answer.  What
 * is administered is the business of ngx_http_ehr_admin_*.c; how a change
 * becomes durable, of the store.
 */

#include "ngx_http_ehr_admin.h"


#define NGX_HTTP_EHR_ADMIN_PREFIX      "/admin/v1/"
#define NGX_HTTP_EHR_ADMIN_BODY_MAX    65536
#define NGX_HTTP_EHR_ADMIN_RETRY       1      /* seconds */

/* An If-Match that names no version of ours: never the present one. */
#define NGX_HTTP_EHR_ADMIN_NO_VERSION  (-1)


static ngx_http_ehr_result_e ngx_http_ehr_administrator_handler(
    ngx_http_ehr_ctx_t *ctx);
static ngx_http_ehr_result_e ngx_http_ehr_admin_handler(
    ngx_http_ehr_ctx_t *ctx);
static ngx_uint_t ngx_http_ehr_admin_split(ngx_http_ehr_admin_t *admin,
    ngx_str_t *uri);
static ngx_http_ehr_result_e ngx_http_ehr_admin_find(
    ngx_http_ehr_admin_t *admin);
static ngx_uint_t ngx_http_ehr_admin_matches(ngx_http_ehr_admin_t *admin,
    const ngx_http_ehr_admin_call_t *call);
static void ngx_http_ehr_admin_allow(ngx_http_ehr_ctx_t *ctx,
    ngx_uint_t methods);
static ngx_http_ehr_result_e ngx_http_ehr_admin_check(
    ngx_http_ehr_admin_t *admin);
static ngx_uint_t ngx_http_ehr_admin_may(ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_admin_body(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_admin_dry_run(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_admin_if_match(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_admin_start(
    ngx_http_ehr_admin_t *admin);
static void ngx_http_ehr_admin_done(void *data);
static ngx_http_ehr_result_e ngx_http_ehr_admin_answer(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_admin_refused(
    ngx_http_ehr_admin_t *admin);
static ngx_http_ehr_result_e ngx_http_ehr_admin_undecided(
    ngx_http_ehr_admin_t *admin);
static ngx_int_t ngx_http_ehr_admin_headers(ngx_http_ehr_admin_t *admin,
    ngx_uint_t status);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_administrator = {
    "administrator",
    ngx_http_ehr_administrator_handler
};


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_admin = {
    "admin",
    ngx_http_ehr_admin_handler
};


static const ngx_http_ehr_admin_call_t *const  ngx_http_ehr_admin_calls[] = {
    ngx_http_ehr_admin_facilities,
    ngx_http_ehr_admin_partners,
    ngx_http_ehr_admin_documents,
    ngx_http_ehr_admin_reports,
    NULL
};


static const struct {
    const char            *role;
    ngx_http_ehr_right_e   right;     /* the highest it has */
} ngx_http_ehr_admin_roles[] = {
    { "viewer", NGX_HTTP_EHR_RIGHT_READ },
    { "auditor", NGX_HTTP_EHR_RIGHT_READ },
    { "operator", NGX_HTTP_EHR_RIGHT_OPERATE },
    { "admin", NGX_HTTP_EHR_RIGHT_CHANGE },
};


static ngx_http_ehr_result_e
ngx_http_ehr_administrator_handler(ngx_http_ehr_ctx_t *ctx)
{
    ngx_uint_t                     i;
    ngx_http_ehr_administrator_t  *admin;

    ctx->identity = ngx_http_ehr_identity(ctx->request);

    if (ctx->identity == NULL) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CERT_REQUIRED, NULL, NULL);
    }

    admin = ctx->mcf->administrators.elts;

    for (i = 0; i < ctx->mcf->administrators.nelts; i++) {
        if (ngx_memcmp(admin[i].sha256, ctx->identity->sha256,
                       EHR_SHA256_LEN)
            == 0)
        {
            ctx->admin = &admin[i];
            return NGX_HTTP_EHR_NEXT;
        }
    }

    return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CERT_UNKNOWN, NULL, NULL);
}


static ngx_http_ehr_result_e
ngx_http_ehr_admin_handler(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_admin_t   *admin;
    ngx_http_ehr_result_e   result;

    /* If-Match is about what is to be changed and is compared in the store;
     * nginx would compare it with the answer. */

    ctx->request->disable_not_modified = 1;

    admin = ehr_arena_calloc(ctx->arena, sizeof(ngx_http_ehr_admin_t));
    if (admin == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    admin->ctx = ctx;

    result = ngx_http_ehr_admin_find(admin);
    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    result = ngx_http_ehr_admin_check(admin);
    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    result = admin->call->prepare(admin);
    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    return ngx_http_ehr_admin_start(admin);
}


static ngx_http_ehr_result_e
ngx_http_ehr_admin_find(ngx_http_ehr_admin_t *admin)
{
    ngx_uint_t                        i, method, methods;
    ngx_http_ehr_ctx_t               *ctx = admin->ctx;
    const ngx_http_ehr_admin_call_t  *call;

    methods = 0;
    method = ctx->request->method;

    if (method == NGX_HTTP_HEAD) {
        method = NGX_HTTP_GET;
    }

    if (!ngx_http_ehr_admin_split(admin, &ctx->request->uri)) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_NOT_FOUND, NULL, NULL);
    }

    for (i = 0; ngx_http_ehr_admin_calls[i]; i++) {
        for (call = ngx_http_ehr_admin_calls[i]; call->method; call++) {

            if (!ngx_http_ehr_admin_matches(admin, call)) {
                continue;
            }

            if (call->method == method) {
                admin->call = call;
                return NGX_HTTP_EHR_NEXT;
            }

            methods |= call->method;
        }
    }

    if (methods == 0) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_NOT_FOUND, NULL, NULL);
    }

    ngx_http_ehr_admin_allow(ctx, methods);

    return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_METHOD_NOT_ALLOWED, NULL,
                               NULL);
}


/* The segments of the path behind the prefix; 0: too many, or none. */

static ngx_uint_t
ngx_http_ehr_admin_split(ngx_http_ehr_admin_t *admin, ngx_str_t *uri)
{
    u_char      *p, *last, *slash;
    ngx_uint_t   n;

    if (uri->len < sizeof(NGX_HTTP_EHR_ADMIN_PREFIX)) {
        return 0;
    }

    p = uri->data + sizeof(NGX_HTTP_EHR_ADMIN_PREFIX) - 1;
    last = uri->data + uri->len;

    for (n = 0; n < NGX_HTTP_EHR_ADMIN_SEGMENTS; n++) {
        slash = ngx_strlchr(p, last, '/');

        admin->segments[n].data = p;
        admin->segments[n].len = (slash ? slash : last) - p;

        if (slash == NULL) {
            return 1;
        }

        p = slash + 1;
    }

    return 0;
}


static ngx_uint_t
ngx_http_ehr_admin_matches(ngx_http_ehr_admin_t *admin,
    const ngx_http_ehr_admin_call_t *call)
{
    size_t       len;
    ngx_str_t   *segment;
    ngx_uint_t   i;
    const char  *name;

    for (i = 0; i < NGX_HTTP_EHR_ADMIN_SEGMENTS; i++) {
        name = call->path[i];
        segment = &admin->segments[i];

        if (name == NULL) {
            return segment->data == NULL;
        }

        len = ngx_strlen(name);

        if (segment->len == 0
            || (name[0] != '{'
                && (segment->len != len
                    || ngx_memcmp(segment->data, name, len) != 0)))
        {
            return 0;
        }
    }

    return 1;
}


static void
ngx_http_ehr_admin_allow(ngx_http_ehr_ctx_t *ctx, ngx_uint_t methods)
{
    switch (methods) {

    case NGX_HTTP_GET:
        ngx_str_set(&ctx->allow, "GET, HEAD");
        break;

    case NGX_HTTP_GET|NGX_HTTP_POST:
        ngx_str_set(&ctx->allow, "GET, HEAD, POST");
        break;

    case NGX_HTTP_DELETE:
        ngx_str_set(&ctx->allow, "DELETE");
        break;

    default:
        ngx_str_set(&ctx->allow, "POST");
    }
}


/* All that is the same for every call. */

static ngx_http_ehr_result_e
ngx_http_ehr_admin_check(ngx_http_ehr_admin_t *admin)
{
    ngx_http_ehr_ctx_t     *ctx = admin->ctx;
    ngx_http_ehr_result_e   result;

    if (!ngx_http_ehr_admin_may(admin)) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_ROLE_NOT_ALLOWED,
            "Vai trò đã đăng ký của chứng thư số không được làm việc này",
            "The certificate is not enrolled in a role that may do this");
    }

    result = ngx_http_ehr_admin_body(admin);
    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    if (admin->call->right == NGX_HTTP_EHR_RIGHT_READ) {
        return NGX_HTTP_EHR_NEXT;
    }

    admin->change.actor = ngx_http_ehr_str((ngx_str_t *) &ctx->admin->name);
    admin->change.request_id = ngx_http_ehr_str(&ctx->request_id);
    admin->change.now_ms = ngx_http_ehr_now_ms();

    result = ngx_http_ehr_admin_dry_run(admin);
    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    return ngx_http_ehr_admin_if_match(admin);
}


static ngx_uint_t
ngx_http_ehr_admin_may(ngx_http_ehr_admin_t *admin)
{
    ngx_uint_t  i;
    ehr_str_t   role;

    role = ngx_http_ehr_str((ngx_str_t *) &admin->ctx->admin->role);

    for (i = 0; i < sizeof(ngx_http_ehr_admin_roles)
                    / sizeof(ngx_http_ehr_admin_roles[0]); i++)
    {
        if (ehr_str_is(role, ngx_http_ehr_admin_roles[i].role)) {
            return admin->call->right <= ngx_http_ehr_admin_roles[i].right;
        }
    }

    return 0;
}


/* A body is JSON, small, and says so. */

static ngx_http_ehr_result_e
ngx_http_ehr_admin_body(ngx_http_ehr_admin_t *admin)
{
    size_t               len;
    ngx_str_t           *type;
    ngx_http_ehr_ctx_t  *ctx = admin->ctx;

    if (ctx->content.len == 0) {
        return NGX_HTTP_EHR_NEXT;
    }

    if (ctx->content.len > NGX_HTTP_EHR_ADMIN_BODY_MAX) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_BODY_TOO_LARGE, NULL,
                                   NULL);
    }

    if (ctx->request->headers_in.content_type == NULL) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_BODY_TYPE, NULL, NULL);
    }

    type = &ctx->request->headers_in.content_type->value;
    len = sizeof("application/json") - 1;

    if (type->len < len
        || ngx_strncasecmp(type->data, (u_char *) "application/json", len) != 0
        || (type->len > len && type->data[len] != ';'
            && type->data[len] != ' '))
    {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_BODY_TYPE, NULL, NULL);
    }

    return NGX_HTTP_EHR_NEXT;
}


/* The one parameter a change has.  Whoever wrote "?dry_run" or "?dryrun=true"
 * wanted nothing changed: what is not understood is refused. */

static ngx_http_ehr_result_e
ngx_http_ehr_admin_dry_run(ngx_http_ehr_admin_t *admin)
{
    ehr_str_t  s;

    s = ngx_http_ehr_str(&admin->ctx->request->args);

    if (ehr_str_is(s, "dry_run=true")) {
        admin->change.is_dry_run = 1;
        return NGX_HTTP_EHR_NEXT;
    }

    if (s.len == 0 || ehr_str_is(s, "dry_run=false")) {
        return NGX_HTTP_EHR_NEXT;
    }

    return ngx_http_ehr_refuse(admin->ctx, EHR_PROBLEM_PARAMETER_INVALID,
        "Chỉ nhận một tham số: dry_run=true hoặc dry_run=false",
        "The only parameter is dry_run=true or dry_run=false");
}


/* RFC 9110 13.1.1 with one entity tag: a version in quotes, or any (*). */

static ngx_http_ehr_result_e
ngx_http_ehr_admin_if_match(ngx_http_ehr_admin_t *admin)
{
    ngx_int_t         version;
    ngx_str_t         tag;
    ngx_table_elt_t  *h;

    h = admin->ctx->request->headers_in.if_match;
    if (h == NULL) {
        return NGX_HTTP_EHR_NEXT;
    }

    tag = h->value;

    if (tag.len == 1 && tag.data[0] == '*') {
        return NGX_HTTP_EHR_NEXT;
    }

    if (ngx_strlchr(tag.data, tag.data + tag.len, ',') != NULL) {
        return ngx_http_ehr_refuse(admin->ctx, EHR_PROBLEM_PARAMETER_INVALID,
                                   "If-Match chỉ được có một thẻ phiên bản",
                                   "If-Match takes one entity tag");
    }

    /* Weak and foreign tags never match (RFC 9110 8.8.3.2). */

    version = NGX_ERROR;

    if (tag.len > 2 && tag.data[0] == '"' && tag.data[tag.len - 1] == '"') {
        version = ngx_atoi(tag.data + 1, tag.len - 2);
    }

    admin->change.if_version = (version > 0) ? version
                                             : NGX_HTTP_EHR_ADMIN_NO_VERSION;

    return NGX_HTTP_EHR_NEXT;
}


static ngx_http_ehr_result_e
ngx_http_ehr_admin_start(ngx_http_ehr_admin_t *admin)
{
    ngx_int_t            rc;
    ngx_http_ehr_ctx_t  *ctx = admin->ctx;

    if (admin->call->right == NGX_HTTP_EHR_RIGHT_READ || admin->is_reading) {
        rc = ngx_http_ehr_journal_read(ctx->worker, admin->call->run,
                                       ngx_http_ehr_admin_done, admin);

    } else {
        rc = ngx_http_ehr_journal_change(ctx->worker, admin->call->run,
                                         ngx_http_ehr_admin_done, admin);
    }

    if (rc != NGX_OK) {
        ctx->retry_after = NGX_HTTP_EHR_ADMIN_RETRY;
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_OVERLOADED, NULL, NULL);
    }

    ngx_http_ehr_park(ctx);

    return NGX_HTTP_EHR_PARKED;
}


static void
ngx_http_ehr_admin_done(void *data)
{
    ngx_http_ehr_admin_t  *admin = data;

    if (admin->result == EHR_REGISTRY_OK
        && admin->call->right != NGX_HTTP_EHR_RIGHT_READ
        && admin->data == NULL && !admin->change.is_dry_run)
    {
        ngx_http_ehr_registry_changed(admin->ctx->worker);
    }

    ngx_http_ehr_resume(admin->ctx, ngx_http_ehr_admin_answer(admin));
}


static ngx_http_ehr_result_e
ngx_http_ehr_admin_answer(ngx_http_ehr_admin_t *admin)
{
    ngx_uint_t           status;
    ngx_http_ehr_ctx_t  *ctx = admin->ctx;

    if (admin->result != EHR_REGISTRY_OK) {
        return ngx_http_ehr_admin_refused(admin);
    }

    if (admin->decided != EHR_DECIDED_OK) {
        return ngx_http_ehr_admin_undecided(admin);
    }

    /* Nothing is created by a dry run. */

    status = admin->change.is_dry_run ? NGX_HTTP_OK : admin->call->status;

    if (admin->body.data == NULL
        || ngx_http_ehr_admin_headers(admin, status) != NGX_OK)
    {
        return NGX_HTTP_EHR_BROKEN;
    }

    return ngx_http_ehr_send(ctx, status, "application/json", admin->body);
}


static ngx_int_t
ngx_http_ehr_admin_headers(ngx_http_ehr_admin_t *admin, ngx_uint_t status)
{
    ngx_str_t            value;
    ngx_http_request_t  *r = admin->ctx->request;

    if (admin->version == 0 || admin->change.is_dry_run) {
        return NGX_OK;
    }

    value.data = ngx_pnalloc(r->pool, NGX_INT64_LEN + 2);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    value.len = ngx_sprintf(value.data, "\"%L\"", admin->version)
                - value.data;

    if (ngx_http_ehr_add_header(r, "ETag", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (status != NGX_HTTP_CREATED) {
        return NGX_OK;
    }

    value.len = sizeof("/admin/v1/facilities/") - 1 + admin->code.len;
    value.data = ngx_pnalloc(r->pool, value.len);
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_sprintf(value.data, "/admin/v1/facilities/%*s",
                       admin->code.len, admin->code.data);

    return ngx_http_ehr_add_header(r, "Location", &value);
}


static ngx_http_ehr_result_e
ngx_http_ehr_admin_refused(ngx_http_ehr_admin_t *admin)
{
    ngx_http_ehr_ctx_t  *ctx = admin->ctx;

    switch (admin->result) {

    case EHR_REGISTRY_NOT_FOUND:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_NOT_FOUND, NULL, NULL);

    case EHR_REGISTRY_EXISTS:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CONFLICT,
            "Mã cơ sở hoặc chứng thư số này đã được đăng ký",
            "This facility code or certificate is enrolled already");

    case EHR_REGISTRY_PAUSED:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CONFLICT,
            "Đối tác đang tạm dừng: cho chạy tiếp trước",
            "The partner is paused: resume it first");

    case EHR_REGISTRY_FULL:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CONFLICT,
            "Cơ sở đã có hai chứng thư số: gỡ một chứng thư số cũ trước",
            "The facility has two certificates: remove an old one first");

    case EHR_REGISTRY_VERSION:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_PRECONDITION_FAILED, NULL,
                                   NULL);

    case EHR_REGISTRY_LATER:
        ctx->retry_after = NGX_HTTP_EHR_ADMIN_RETRY;
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_STORE_UNAVAILABLE, NULL,
                                   NULL);

    default:
        return NGX_HTTP_EHR_BROKEN;
    }
}


/* A decision about a delivery, or a job, that was not taken. */

static ngx_http_ehr_result_e
ngx_http_ehr_admin_undecided(ngx_http_ehr_admin_t *admin)
{
    ngx_http_ehr_ctx_t  *ctx = admin->ctx;

    switch (admin->decided) {

    case EHR_DECIDED_NOT_FOUND:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_NOT_FOUND, NULL, NULL);

    case EHR_DECIDED_VERSION:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_PRECONDITION_FAILED, NULL,
                                   NULL);

    case EHR_DECIDED_SEVERAL:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_PARAMETER_INVALID,
            "Hồ sơ có nhiều nơi nhận: phải nêu partner",
            "The document has several partners: name one (partner)");

    case EHR_DECIDED_STATE:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CONFLICT,
            "Không thể thực hiện từ trạng thái hiện tại",
            "This cannot be done from the present state");

    case EHR_DECIDED_UNSAFE:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CONFLICT,
            "Nơi nhận có thể đã có hồ sơ và gửi lại không an toàn: hỏi nơi"
            " nhận trước, rồi dùng force nếu họ chưa nhận",
            "The partner may have it and a repeat is not safe: ask the"
            " partner first, then use force if it has not got it");

    case EHR_DECIDED_NEWER:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CONFLICT,
            "Đã nhận nội dung mới hơn của hồ sơ này: nội dung cũ không được"
            " gửi sau nội dung mới",
            "Newer content of this document was accepted: the old one is not"
            " sent after it");

    case EHR_DECIDED_CONTENT:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CONFLICT,
            "Không còn giữ nội dung của hồ sơ này: không có gì để gửi",
            "The content of this document is not kept any more: there is"
            " nothing to send");

    default:
        ctx->retry_after = NGX_HTTP_EHR_ADMIN_RETRY;
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_STORE_UNAVAILABLE, NULL,
                                   NULL);
    }
}
