/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nginx refuses some requests itself (a broken request line, a missing
 * certificate, a body too large).  This filter gives those answers the same
 * words as ours: problem+json in place of nginx's HTML page.
 */

#include "ngx_http_ehr.h"


typedef struct {
    ehr_arena_t   *arena;
    ngx_buf_t     *body;
    const char    *code;
    unsigned       is_sent:1;
} ngx_http_ehr_problem_ctx_t;


#define NGX_HTTP_EHR_PROBLEM_CAP  (64 * 1024)


static ngx_int_t ngx_http_ehr_problem_filter_init(ngx_conf_t *cf);

static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_http_module_t  ngx_http_ehr_problem_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_ehr_problem_filter_init,      /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_ehr_problem_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_ehr_problem_filter_module_ctx,   /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/*
 * nginx has turned its own codes 494..497 into 400 by now; what they were
 * shows in the connection.
 */

static ehr_problem_e
ngx_http_ehr_problem_of_request(ngx_http_request_t *r)
{
    ngx_connection_t  *c = r->connection;

    if (r->headers_out.status != NGX_HTTP_BAD_REQUEST) {
        return ehr_problem_of_status((int) r->headers_out.status);
    }

    if (r->http_state == NGX_HTTP_READING_REQUEST_STATE) {
        return r->header_in && r->header_in->pos == r->header_in->end
               ? EHR_PROBLEM_HEADER_TOO_LARGE : EHR_PROBLEM_BAD_REQUEST;
    }

    if (c->ssl == NULL) {
        return EHR_PROBLEM_BAD_REQUEST;
    }

    return ngx_http_ehr_certificate_problem(c);
}


static void
ngx_http_ehr_problem_cleanup(void *data)
{
    ehr_arena_destroy(data);
}


static ngx_http_ehr_problem_ctx_t *
ngx_http_ehr_problem_create(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t          *cln;
    ngx_http_ehr_problem_ctx_t  *ctx;

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_ehr_problem_ctx_t));
    cln = ngx_pool_cleanup_add(r->pool, 0);

    if (ctx == NULL || cln == NULL) {
        return NULL;
    }

    ctx->body = ngx_calloc_buf(r->pool);
    ctx->arena = ehr_arena_create(NGX_HTTP_EHR_PROBLEM_CAP);

    if (ctx->body == NULL || ctx->arena == NULL) {
        ehr_arena_destroy(ctx->arena);
        return NULL;
    }

    cln->handler = ngx_http_ehr_problem_cleanup;
    cln->data = ctx->arena;

    ngx_http_set_ctx(r, ctx, ngx_http_ehr_problem_filter_module);

    return ctx;
}


void
ngx_http_ehr_set_code(ngx_http_request_t *r, const char *code)
{
    ngx_http_ehr_ctx_t          *ehr;
    ngx_http_ehr_problem_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_ehr_problem_filter_module);
    ehr = ngx_http_get_module_ctx(r, ngx_http_ehr_module);

    if (ctx) {
        ctx->code = code;
    }

    if (ehr) {
        ehr->code = code;
    }
}


const char *
ngx_http_ehr_get_code(ngx_http_request_t *r)
{
    ngx_http_ehr_problem_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_ehr_problem_filter_module);

    return ctx ? ctx->code : NULL;
}


static ngx_int_t
ngx_http_ehr_problem_headers(ngx_http_request_t *r, ngx_str_t *id,
    int status)
{
    static ngx_str_t  later = ngx_string(ngx_value(NGX_HTTP_EHR_RETRY_AFTER));

    if (id->len
        && ngx_http_ehr_add_header(r, "X-Request-Id", id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return status == NGX_HTTP_SERVICE_UNAVAILABLE
           ? ngx_http_ehr_add_header(r, "Retry-After", &later) : NGX_OK;
}


static ngx_int_t
ngx_http_ehr_problem_render(ngx_http_request_t *r,
    ngx_http_ehr_problem_ctx_t *ctx)
{
    ngx_str_t                 id = ngx_null_string;
    ehr_str_t                 text;
    ehr_problem_view_t        view;
    const ehr_problem_row_t  *row;

    ngx_memzero(&view, sizeof(ehr_problem_view_t));

    view.problem = ngx_http_ehr_problem_of_request(r);
    view.lang = ngx_http_ehr_language(r);
    view.instance = ngx_http_ehr_str(&r->uri);

    if (ngx_http_ehr_request_id(r, &id) == NGX_OK) {
        view.request_id = ngx_http_ehr_str(&id);
    }

    row = ehr_problem_row(view.problem);
    text = ehr_problem_render(&view, ctx->arena);

    if (text.data == NULL
        || ngx_http_ehr_problem_headers(r, &id, row->status) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_ehr_set_code(r, row->code);

    ctx->body->pos = (u_char *) text.data;
    ctx->body->last = ctx->body->pos + text.len;
    ctx->body->memory = 1;
    ctx->body->last_buf = 1;
    ctx->body->last_in_chain = 1;

    r->headers_out.status = row->status;
    r->headers_out.status_line.len = 0;
    r->headers_out.content_length_n = text.len;
    ngx_str_set(&r->headers_out.content_type, "application/problem+json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    if (r->headers_out.content_length) {
        r->headers_out.content_length->hash = 0;
        r->headers_out.content_length = NULL;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ehr_problem_header_filter(ngx_http_request_t *r)
{
    ngx_http_ehr_ctx_t          *ehr;
    ngx_http_ehr_srv_conf_t     *scf;
    ngx_http_ehr_problem_ctx_t  *ctx;

    if (r != r->main || r->headers_out.status < NGX_HTTP_BAD_REQUEST) {
        return ngx_http_next_header_filter(r);
    }

    scf = ngx_http_get_module_srv_conf(r, ngx_http_ehr_module);
    ehr = ngx_http_get_module_ctx(r, ngx_http_ehr_module);

    if (!scf->has_problems || (ehr && ehr->is_answered)) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_ehr_problem_create(r);
    if (ctx == NULL || ngx_http_ehr_problem_render(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_ehr_problem_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t                  out, *cl;
    ngx_http_ehr_problem_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_ehr_problem_filter_module);

    if (ctx == NULL || in == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
    }

    if (ctx->is_sent) {
        return NGX_OK;
    }

    ctx->is_sent = 1;

    out.buf = ctx->body;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}


static ngx_int_t
ngx_http_ehr_problem_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_ehr_problem_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_ehr_problem_body_filter;

    return NGX_OK;
}
