/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Read this file first.  Every call the gateway answers is a row of one
 * table: a method, a path, and the stages its request goes through, in
 * order.  A stage does one thing and says how it went:
 *
 *   next      go on
 *   parked    it waits for a disk, a thread, Redis or a partner; whoever it
 *             waits for calls ngx_http_ehr_resume() once
 *   refused   ctx->problem says why; the client learns it, nothing is kept
 *   sent      the answer is on its way
 *   broken    our fault; logged by the stage, 500 to the client
 *
 * No byte of a body is read before identity, token and limit said yes (I4).
 *
 * Columns: method, role, path, scope the token needs, largest body (0: as
 * ehr_body_max_size says), stages.
 */

#include "ngx_http_ehr.h"


#define ID  "{id}"

#define GET   NGX_HTTP_GET
#define POST  NGX_HTTP_POST
#define ANY   (GET|POST|NGX_HTTP_DELETE|NGX_HTTP_PUT|NGX_HTTP_PATCH)

#define stage(name)  &ngx_http_ehr_stage_##name


static const ngx_http_ehr_endpoint_t  ngx_http_ehr_endpoints[] = {

    { POST, NGX_HTTP_EHR_ROLE_GATEWAY, "/v1/documents", EHR_SCOPE_SUBMIT, 0,
      { stage(identity), stage(cert_limit), stage(token), stage(limit),
        stage(headers), stage(read), stage(validate), stage(route),
        stage(journal), stage(wait), stage(receipt) } },

    { GET, NGX_HTTP_EHR_ROLE_GATEWAY, "/v1/documents", EHR_SCOPE_READ, 0,
      { stage(identity), stage(cert_limit), stage(token),
        stage(documents) } },

    { GET, NGX_HTTP_EHR_ROLE_GATEWAY, "/v1/documents/" ID, EHR_SCOPE_READ, 0,
      { stage(identity), stage(cert_limit), stage(token),
        stage(document) } },

    { GET, NGX_HTTP_EHR_ROLE_GATEWAY, "/v1/documents/" ID "/receipt",
      EHR_SCOPE_READ, 0,
      { stage(identity), stage(cert_limit), stage(token),
        stage(document_receipt) } },

    { GET, NGX_HTTP_EHR_ROLE_GATEWAY, "/v1/documents/" ID "/content",
      EHR_SCOPE_READ, 0,
      { stage(identity), stage(cert_limit), stage(token), stage(content) } },

    { POST, NGX_HTTP_EHR_ROLE_GATEWAY, "/oauth2/token", 0, 4 * 1024,
      { stage(identity), stage(cert_limit), stage(read), stage(grant) } },

    { GET, NGX_HTTP_EHR_ROLE_GATEWAY,
      "/.well-known/oauth-authorization-server", 0, 0, { stage(metadata) } },

    { GET, NGX_HTTP_EHR_ROLE_GATEWAY, "/.well-known/jwks.json", 0, 0,
      { stage(jwks) } },

    { ANY, NGX_HTTP_EHR_ROLE_ADMIN, "/admin/v1/*", 0, 256 * 1024,
      { stage(administrator), stage(read), stage(admin) } },

    { GET, NGX_HTTP_EHR_ROLE_OPS, "/livez", 0, 0, { stage(livez) } },
    { GET, NGX_HTTP_EHR_ROLE_OPS, "/readyz", 0, 0, { stage(readyz) } },
    { GET, NGX_HTTP_EHR_ROLE_OPS, "/metrics", 0, 0, { stage(metrics) } }
};

#define NGX_HTTP_EHR_ENDPOINTS                                                \
    (sizeof(ngx_http_ehr_endpoints) / sizeof(ngx_http_ehr_endpoints[0]))


static void ngx_http_ehr_run(ngx_http_ehr_ctx_t *ctx);
static void ngx_http_ehr_finish(ngx_http_ehr_ctx_t *ctx,
    ngx_http_ehr_result_e result);


/* {id} matches a canonical UUID; a trailing * matches the rest. */

static ngx_uint_t
ngx_http_ehr_path_matches(const char *path, ngx_str_t *uri, char *id)
{
    u_char     *p, *last;
    ehr_str_t   uuid;

    p = uri->data;
    last = p + uri->len;

    while (*path) {

        if (*path == '*') {
            return 1;
        }

        if (*path != '{') {
            if (p == last || *p != (u_char) *path) {
                return 0;
            }

            p++;
            path++;
            continue;
        }

        if (last - p < EHR_UUID_LEN) {
            return 0;
        }

        uuid.data = (char *) p;
        uuid.len = EHR_UUID_LEN;

        if (!ehr_uuid_valid(uuid)) {
            return 0;
        }

        ngx_memcpy(id, p, EHR_UUID_LEN);
        id[EHR_UUID_LEN] = '\0';

        p += EHR_UUID_LEN;
        path += sizeof(ID) - 1;
    }

    return p == last;
}


static ngx_int_t
ngx_http_ehr_allow(ngx_http_ehr_ctx_t *ctx, ngx_uint_t methods)
{
    u_char  *p;

    p = ngx_pnalloc(ctx->request->pool, sizeof("GET, HEAD, POST") - 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->allow.data = p;

    if (methods & GET) {
        p = ngx_cpymem(p, "GET, HEAD", sizeof("GET, HEAD") - 1);
    }

    if (methods & POST) {
        if (methods & GET) {
            *p++ = ',';
            *p++ = ' ';
        }

        p = ngx_cpymem(p, "POST", sizeof("POST") - 1);
    }

    ctx->allow.len = p - ctx->allow.data;

    return NGX_OK;
}


static ngx_http_ehr_result_e
ngx_http_ehr_find_endpoint(ngx_http_ehr_ctx_t *ctx)
{
    ngx_uint_t                      i, method, methods;
    ngx_http_request_t             *r = ctx->request;
    const ngx_http_ehr_endpoint_t  *ep;

    methods = 0;

    /* RFC 9110: HEAD is GET without the content. */
    method = (r->method == NGX_HTTP_HEAD) ? NGX_HTTP_GET : r->method;

    for (i = 0; i < NGX_HTTP_EHR_ENDPOINTS; i++) {
        ep = &ngx_http_ehr_endpoints[i];

        if (ep->role != ctx->lcf->role
            || !ngx_http_ehr_path_matches(ep->path, &r->uri, ctx->path_id))
        {
            continue;
        }

        if (ep->method & method) {
            ctx->endpoint = ep;
            return NGX_HTTP_EHR_NEXT;
        }

        methods |= ep->method;
    }

    if (methods == 0) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_NOT_FOUND, NULL, NULL);
    }

    if (ngx_http_ehr_allow(ctx, methods) != NGX_OK) {
        return NGX_HTTP_EHR_BROKEN;
    }

    return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_METHOD_NOT_ALLOWED, NULL,
                               NULL);
}


static void
ngx_http_ehr_ctx_cleanup(void *data)
{
    ngx_http_ehr_ctx_t  *ctx = data;

    ngx_http_ehr_ctx_release(ctx);
}


static ngx_http_ehr_ctx_t *
ngx_http_ehr_create_ctx(ngx_http_request_t *r)
{
    ngx_http_ehr_ctx_t  *ctx;
    ngx_pool_cleanup_t  *cln;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_ehr_ctx_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (ctx == NULL || cln == NULL) {
        return NULL;
    }

    ctx->request = r;
    ctx->mcf = ngx_http_get_module_main_conf(r, ngx_http_ehr_module);
    ctx->lcf = ngx_http_get_module_loc_conf(r, ngx_http_ehr_module);
    ctx->worker = ctx->mcf->worker;
    ctx->lang = ngx_http_ehr_language(r);
    ctx->wait_sec = -1;

    ctx->arena = ehr_arena_create(NGX_HTTP_EHR_ARENA_CAP);
    if (ctx->arena == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_ehr_ctx_cleanup;
    cln->data = ctx;

    if (ngx_http_ehr_request_id(r, &ctx->request_id) != NGX_OK) {
        return NULL;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_ehr_module);

    return ctx;
}


ngx_int_t
ngx_http_ehr_handler(ngx_http_request_t *r)
{
    ngx_http_ehr_ctx_t     *ctx;
    ngx_http_ehr_result_e   result;

    ctx = ngx_http_ehr_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* A 2xx of ours says "stored": no condition of the client's changes it. */
    r->disable_not_modified = 1;

    /* From here the request is ours until ngx_http_ehr_finish(). */
    r->main->count++;

    result = ngx_http_ehr_find_endpoint(ctx);

    if (result != NGX_HTTP_EHR_NEXT) {
        ngx_http_ehr_finish(ctx, result);
        return NGX_DONE;
    }

    ngx_http_ehr_run(ctx);

    return NGX_DONE;
}


static void
ngx_http_ehr_run(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_result_e        result;
    const ngx_http_ehr_stage_t  *stage;

    for ( ;; ) {
        stage = ctx->endpoint->stages[ctx->step];

        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, ctx->request->connection->log, 0,
                       "ehr stage \"%s\"", stage->name);

        ctx->stage_start_ns = ngx_http_ehr_now_ns();

        result = stage->handler(ctx);

        ctx->stage_ns[ctx->step] +=
                                ngx_http_ehr_now_ns() - ctx->stage_start_ns;

        if (result == NGX_HTTP_EHR_PARKED) {
            return;
        }

        if (result != NGX_HTTP_EHR_NEXT) {
            ngx_http_ehr_finish(ctx, result);
            return;
        }

        ctx->step++;
    }
}


/*
 * result AGAIN-like re-entry does not exist: a stage that must run again
 * (the registry was loaded meanwhile) is resumed with ngx_http_ehr_rerun().
 */

static void
ngx_http_ehr_unpark(ngx_http_ehr_ctx_t *ctx)
{
    ctx->stage_ns[ctx->step] += ngx_http_ehr_now_ns() - ctx->stage_start_ns;

    if (ctx->parked) {
        ctx->parked = 0;
        ctx->request->main->blocked--;
        ngx_http_ehr_unhold(ctx->worker);
    }

    ngx_http_set_log_request(ctx->request->connection->log, ctx->request);
}


void
ngx_http_ehr_resume(ngx_http_ehr_ctx_t *ctx, ngx_http_ehr_result_e result)
{
    ngx_connection_t  *c = ctx->request->connection;

    ngx_http_ehr_unpark(ctx);

    if (result == NGX_HTTP_EHR_NEXT) {
        ctx->step++;
        ngx_http_ehr_run(ctx);

    } else {
        ngx_http_ehr_finish(ctx, result);
    }

    ngx_http_run_posted_requests(c);
}


void
ngx_http_ehr_rerun(ngx_http_ehr_ctx_t *ctx)
{
    ngx_connection_t  *c = ctx->request->connection;

    ngx_http_ehr_unpark(ctx);
    ngx_http_ehr_run(ctx);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_ehr_finish(ngx_http_ehr_ctx_t *ctx, ngx_http_ehr_result_e result)
{
    ngx_http_request_t  *r = ctx->request;

    if (result == NGX_HTTP_EHR_BROKEN) {
        (void) ngx_http_ehr_refuse(ctx, EHR_PROBLEM_INTERNAL, NULL, NULL);
        result = NGX_HTTP_EHR_REFUSED;
    }

    if (result == NGX_HTTP_EHR_REFUSED) {
        result = ngx_http_ehr_send_problem(ctx);
    }

    if (result == NGX_HTTP_EHR_SENT) {
        ngx_http_finalize_request(r, NGX_OK);
        return;
    }

    ngx_http_finalize_request(r, NGX_ERROR);
}


ngx_http_ehr_result_e
ngx_http_ehr_refuse(ngx_http_ehr_ctx_t *ctx, ehr_problem_e problem,
    const char *detail_vi, const char *detail_en)
{
    ctx->problem = problem;
    ctx->detail = ehr_str(ctx->lang == EHR_LANG_EN ? detail_en : detail_vi);

    return NGX_HTTP_EHR_REFUSED;
}
