/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How an answer leaves and how a request's headers are read: status, fields,
 * body, the problem in the caller's language.  What the answer says is
 * decided elsewhere.
 */

#include "ngx_http_ehr.h"
#include "ngx_http_ehr_limit.h"

#include <sys/mman.h>
#include <time.h>


#define NGX_HTTP_EHR_MAX_HEADERS  65536   /* more than nginx's buffers hold */


uint64_t
ngx_http_ehr_now_ns(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


void
ngx_http_ehr_ctx_release(ngx_http_ehr_ctx_t *ctx)
{
    if (ctx->body_timer.timer_set) {
        ngx_del_timer(&ctx->body_timer);
    }

    ngx_http_ehr_bytes_release(ctx);

    if (ctx->content_map) {
        (void) munmap(ctx->content_map, ctx->content.len);
        ctx->content_map = NULL;
    }

    ngx_http_ehr_registry_release(ctx);

    ehr_arena_destroy(ctx->arena);
    ctx->arena = NULL;
}


ngx_str_t *
ngx_http_ehr_header_line(ngx_http_request_t *r, const char *name,
    ngx_http_ehr_header_place_t *place)
{
    size_t            len;
    ngx_uint_t        n;
    ngx_table_elt_t  *h;

    if (place->part == NULL) {
        place->part = &r->headers_in.headers.part;
    }

    len = ngx_strlen(name);

    for (n = 0; n < NGX_HTTP_EHR_MAX_HEADERS; n++) {

        if (place->i >= place->part->nelts) {
            if (place->part->next == NULL) {
                break;
            }

            place->part = place->part->next;
            place->i = 0;
            continue;
        }

        h = (ngx_table_elt_t *) place->part->elts + place->i++;

        if (h->hash != 0 && h->key.len == len
            && ngx_strncmp(h->lowcase_key, name, len) == 0)
        {
            return &h->value;
        }
    }

    return NULL;
}


ngx_str_t *
ngx_http_ehr_header(ngx_http_request_t *r, const char *name,
    ngx_uint_t *twice)
{
    ngx_str_t                    *found;
    ngx_http_ehr_header_place_t   place;

    ngx_memzero(&place, sizeof(ngx_http_ehr_header_place_t));

    found = ngx_http_ehr_header_line(r, name, &place);

    if (found && twice && ngx_http_ehr_header_line(r, name, &place)) {
        *twice = 1;
    }

    return found;
}


/* The length of all lines with a comma behind each; copies them when there is
 * a place for it. */

static size_t
ngx_http_ehr_header_join(ngx_http_request_t *r, const char *name, u_char *p)
{
    size_t                        len = 0;
    ngx_str_t                    *line;
    ngx_http_ehr_header_place_t   place;

    ngx_memzero(&place, sizeof(ngx_http_ehr_header_place_t));

    while ((line = ngx_http_ehr_header_line(r, name, &place)) != NULL) {
        len += line->len + 1;

        if (p) {
            p = ngx_cpymem(p, line->data, line->len);
            *p++ = ',';
        }
    }

    return len;
}


ehr_str_t
ngx_http_ehr_header_list(ngx_http_request_t *r, const char *name)
{
    u_char      *p;
    size_t       len;
    ehr_str_t    list = ehr_null_string;
    ngx_str_t   *line;
    ngx_uint_t   twice = 0;

    line = ngx_http_ehr_header(r, name, &twice);

    if (line == NULL || !twice) {
        return line ? ngx_http_ehr_str(line) : list;
    }

    len = ngx_http_ehr_header_join(r, name, NULL);

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return list;
    }

    (void) ngx_http_ehr_header_join(r, name, p);

    list.data = (char *) p;
    list.len = len;

    return list;
}


/* "name" alone, without "=": nginx does not know it as an argument. */

static ngx_uint_t
ngx_http_ehr_is_bare_argument(ngx_http_request_t *r, const char *name)
{
    size_t   len;
    u_char  *p, *last, *end;

    len = ngx_strlen(name);
    last = r->args.data + r->args.len;

    for (p = r->args.data; p < last; p = end + 1) {
        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        if ((size_t) (end - p) == len && ngx_strncmp(p, name, len) == 0) {
            return 1;
        }
    }

    return 0;
}


ngx_str_t *
ngx_http_ehr_argument(ngx_http_request_t *r, const char *name)
{
    u_char     *dst, *src;
    ngx_str_t  *value, raw;

    /* What an argument without a value, or without memory for it, gives: it
     * is there, and no meaning fits it. */
    static ngx_str_t  empty = ngx_string("");

    if (r->args.len == 0) {
        return NULL;
    }

    if (ngx_http_arg(r, (u_char *) name, ngx_strlen(name), &raw) != NGX_OK) {
        return ngx_http_ehr_is_bare_argument(r, name) ? &empty : NULL;
    }

    value = ngx_palloc(r->pool, sizeof(ngx_str_t));
    if (value == NULL) {
        return &empty;
    }

    value->data = ngx_pnalloc(r->pool, raw.len + 1);
    if (value->data == NULL) {
        return &empty;
    }

    dst = value->data;
    src = raw.data;

    ngx_unescape_uri(&dst, &src, raw.len, 0);

    value->len = dst - value->data;
    value->data[value->len] = '\0';

    return value;
}


ehr_lang_e
ngx_http_ehr_language(ngx_http_request_t *r)
{
    /* No headers yet when the request line itself is refused. */

    if (r->headers_in.headers.part.elts == NULL) {
        return EHR_LANG_VI;
    }

    return ehr_lang_negotiate(ngx_http_ehr_header_list(r, "accept-language"));
}


ngx_int_t
ngx_http_ehr_request_id(ngx_http_request_t *r, ngx_str_t *id)
{
    ngx_http_variable_value_t  *vv;
    ngx_http_ehr_main_conf_t   *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_ehr_module);

    vv = ngx_http_get_indexed_variable(r, mcf->request_id_index);
    if (vv == NULL || vv->not_found) {
        return NGX_ERROR;
    }

    id->data = vv->data;
    id->len = vv->len;

    return NGX_OK;
}


/* The URI is decoded: a line break in it must not begin a line of the log. */

static u_char *
ngx_http_ehr_log_uri(u_char *p, size_t len, ngx_str_t *uri)
{
    size_t  i;

    for (i = 0; i < uri->len && i < len; i++) {
        *p++ = uri->data[i] < 0x20 || uri->data[i] == 0x7f ? '?'
                                                           : uri->data[i];
    }

    return p;
}


u_char *
ngx_http_ehr_log_handler(ngx_http_request_t *r, ngx_http_request_t *sr,
    u_char *buf, size_t len)
{
    u_char                    *p;
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    p = ngx_snprintf(buf, len, ", server: %V, request: %V ",
                     &cscf->server_name, &r->method_name);
    len -= p - buf;
    buf = ngx_http_ehr_log_uri(p, len, &r->uri);
    len -= buf - p;

    if (r != sr) {
        p = ngx_snprintf(buf, len, ", subrequest: ");
        len -= p - buf;
        buf = ngx_http_ehr_log_uri(p, len, &sr->uri);
    }

    return buf;
}


ngx_int_t
ngx_http_ehr_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ehr_common_headers(ngx_http_ehr_ctx_t *ctx)
{
    u_char      *p;
    ngx_str_t    seconds;

    static ngx_str_t  no_store = ngx_string("no-store");
    static ngx_str_t  nosniff = ngx_string("nosniff");

    if (ngx_http_ehr_add_header(ctx->request, "X-Request-Id",
                                &ctx->request_id)
            != NGX_OK
        || ngx_http_ehr_add_header(ctx->request, "Cache-Control", &no_store)
               != NGX_OK
        || ngx_http_ehr_add_header(ctx->request, "X-Content-Type-Options",
                                   &nosniff)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ctx->retry_after) {
        p = ngx_pnalloc(ctx->request->pool, NGX_INT_T_LEN);
        if (p == NULL) {
            return NGX_ERROR;
        }

        seconds.data = p;
        seconds.len = ngx_sprintf(p, "%ui", ctx->retry_after) - p;

        if (ngx_http_ehr_add_header(ctx->request, "Retry-After", &seconds)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_ehr_ratelimit_headers(ctx);
}


ngx_http_ehr_result_e
ngx_http_ehr_send(ngx_http_ehr_ctx_t *ctx, ngx_uint_t status,
    const char *type, ehr_str_t body)
{
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r = ctx->request;

    /* "100 Continue" must not follow a refusal. */
    r->expect_tested = 1;

    if (r->request_body == NULL) {
        if (ngx_http_discard_request_body(r) != NGX_OK) {
            r->keepalive = 0;
        }

    } else if (!ctx->body_is_read) {
        /* what is left of the body must not be read as the next request */
        r->keepalive = 0;
        r->lingering_close = 1;
    }

    if (ngx_exiting) {
        /* nginx closes it after this answer: the client is told, lest it
         * sends its next request into the end of the connection */
        r->keepalive = 0;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = body.len;
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    if (ngx_http_ehr_common_headers(ctx) != NGX_OK) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ctx->is_answered = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        r->connection->error = 1;
        return NGX_HTTP_EHR_SENT;
    }

    if (r->header_only) {
        return NGX_HTTP_EHR_SENT;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        r->connection->error = 1;
        return NGX_HTTP_EHR_SENT;
    }

    b->pos = (u_char *) body.data;
    b->last = b->pos + body.len;
    b->memory = body.len ? 1 : 0;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    (void) ngx_http_output_filter(r, &out);

    return NGX_HTTP_EHR_SENT;
}


static ngx_int_t
ngx_http_ehr_problem_headers(ngx_http_ehr_ctx_t *ctx, int status)
{
    static ngx_str_t  basic = ngx_string("Bearer realm=\"ehr\"");
    static ngx_str_t  invalid = ngx_string("Bearer realm=\"ehr\", "
                                           "error=\"invalid_token\"");
    static ngx_str_t  scope = ngx_string("Bearer realm=\"ehr\", "
                                         "error=\"insufficient_scope\"");

    /* RFC 6750 section 3.1 */

    if (ctx->problem == EHR_PROBLEM_TOKEN_MISSING) {
        return ngx_http_ehr_add_header(ctx->request, "WWW-Authenticate",
                                       &basic);
    }

    if (ctx->problem == EHR_PROBLEM_TOKEN_SCOPE) {
        return ngx_http_ehr_add_header(ctx->request, "WWW-Authenticate",
                                       &scope);
    }

    if (status == NGX_HTTP_UNAUTHORIZED) {
        return ngx_http_ehr_add_header(ctx->request, "WWW-Authenticate",
                                       &invalid);
    }

    if (ctx->allow.len) {
        return ngx_http_ehr_add_header(ctx->request, "Allow", &ctx->allow);
    }

    return NGX_OK;
}


/* Documents alone: a wrong call of the admin API is none. */

static void
ngx_http_ehr_count_problem(ngx_http_ehr_ctx_t *ctx, int status)
{
    if (ctx->endpoint == NULL || ctx->endpoint->scope != EHR_SCOPE_SUBMIT) {
        return;
    }

    if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        ngx_http_ehr_count(ctx->worker, LATER);

    } else {
        ngx_http_ehr_count(ctx->worker, REFUSED);
    }
}


ngx_http_ehr_result_e
ngx_http_ehr_send_problem(ngx_http_ehr_ctx_t *ctx)
{
    ehr_str_t                 body;
    ehr_problem_view_t        view;
    const ehr_problem_row_t  *row;

    row = ehr_problem_row(ctx->problem);
    ctx->code = row->code;

    if (row->status == NGX_HTTP_SERVICE_UNAVAILABLE && !ctx->retry_after) {
        ctx->retry_after = NGX_HTTP_EHR_RETRY_AFTER;
    }

    ngx_http_ehr_count_problem(ctx, row->status);

    ngx_memzero(&view, sizeof(ehr_problem_view_t));

    view.problem = ctx->problem;
    view.lang = ctx->lang;
    view.detail = ctx->detail;
    view.instance = ngx_http_ehr_str(&ctx->request->uri);
    view.request_id = ngx_http_ehr_str(&ctx->request_id);
    view.findings = ctx->findings;

    body = ehr_problem_render(&view, ctx->arena);

    if (body.data == NULL
        || ngx_http_ehr_problem_headers(ctx, row->status) != NGX_OK)
    {
        return NGX_HTTP_EHR_BROKEN;
    }

    return ngx_http_ehr_send(ctx, row->status, "application/problem+json",
                             body);
}
