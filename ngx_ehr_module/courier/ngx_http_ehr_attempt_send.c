/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A prepared request on its way: a subrequest to the partner's internal
 * location, with what the plugin prepared and nothing else.  What the answer
 * means is not known here.
 */

#include "ngx_http_ehr_attempt.h"


/* A line break in a value would be a header of the partner's making. */

static ngx_uint_t
ngx_http_ehr_has_control(ehr_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if ((u_char) s.data[i] < ' ' || s.data[i] == 0x7f) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_ehr_request_is_whole(const ehr_request_t *req)
{
    uint32_t  i;

    if (req->path.len == 0 || req->path.data[0] != '/'
        || req->method.len == 0 || req->nheaders > EHR_REQUEST_MAX_HEADERS
        || ngx_http_ehr_has_control(req->method)
        || ngx_http_ehr_has_control(req->content_type))
    {
        return 0;
    }

    for (i = 0; i < req->nheaders; i++) {
        if (req->headers[i].name.len == 0
            || ngx_http_ehr_has_control(req->headers[i].name)
            || ngx_http_ehr_has_control(req->headers[i].value))
        {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_ehr_push_header(ngx_pool_t *pool, ngx_list_t *headers,
    ehr_str_t name, ehr_str_t value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->key.data = (u_char *) name.data;
    h->key.len = name.len;
    h->value.data = (u_char *) value.data;
    h->value.len = value.len;

    h->lowcase_key = ngx_pnalloc(pool, name.len);
    if (h->lowcase_key == NULL) {
        return NGX_ERROR;
    }

    h->hash = ngx_hash_strlow(h->lowcase_key, h->key.data, h->key.len);

    return NGX_OK;
}


/*
 * A subrequest starts with its parent's headers, method and body; it gets
 * what the plugin prepared, and nothing else.
 */

static ngx_int_t
ngx_http_ehr_build_headers(ngx_pool_t *pool, ehr_request_t *req,
    ngx_http_headers_in_t *headers)
{
    uint32_t  i;

    static ehr_str_t  content_type = ehr_string("Content-Type");

    ngx_memzero(headers, sizeof(ngx_http_headers_in_t));

    if (ngx_list_init(&headers->headers, pool, 8, sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    headers->content_length_n = (off_t) req->body.len;
    headers->keep_alive_n = -1;

    if (req->content_type.len
        && ngx_http_ehr_push_header(pool, &headers->headers, content_type,
                                    req->content_type)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < req->nheaders; i++) {
        if (ngx_http_ehr_push_header(pool, &headers->headers,
                                     req->headers[i].name,
                                     req->headers[i].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_http_request_body_t *
ngx_http_ehr_build_body(ngx_pool_t *pool, ehr_request_t *req)
{
    ngx_buf_t                *b;
    ngx_chain_t              *cl;
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(pool, sizeof(ngx_http_request_body_t));

    if (rb == NULL || req->body.len == 0) {
        return rb;
    }

    b = ngx_calloc_buf(pool);
    cl = ngx_alloc_chain_link(pool);

    if (b == NULL || cl == NULL) {
        return NULL;
    }

    b->pos = (u_char *) req->body.data;
    b->last = b->pos + req->body.len;
    b->start = b->pos;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;

    cl->buf = b;
    cl->next = NULL;

    rb->bufs = cl;

    return rb;
}


static ngx_int_t
ngx_http_ehr_attempt_subrequest(ngx_http_ehr_attempt_t *att)
{
    ngx_str_t                    uri, args;
    ngx_uint_t                   flags;
    ehr_request_t               *req = &att->req;
    ngx_http_request_t          *r = att->request, *sr;
    ngx_http_headers_in_t       *headers;
    ngx_http_request_body_t     *rb;
    ngx_http_post_subrequest_t  *ps;

    /* All that may fail comes first: a subrequest cannot be taken back. */

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    rb = ngx_http_ehr_build_body(r->pool, req);
    headers = ngx_palloc(r->pool, sizeof(ngx_http_headers_in_t));

    if (ps == NULL || rb == NULL || headers == NULL
        || ngx_http_ehr_build_headers(r->pool, req, headers) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ps->handler = ngx_http_ehr_attempt_answered;
    ps->data = att;

    uri.len = att->part->location.len + req->path.len;
    uri.data = ngx_pnalloc(r->pool, uri.len);
    if (uri.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_cpymem(uri.data, att->part->location.data,
                          att->part->location.len),
               req->path.data, req->path.len);

    ngx_str_null(&args);
    flags = NGX_HTTP_LOG_UNSAFE;

    if (ngx_http_parse_unsafe_uri(r, &uri, &args, &flags) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_subrequest(r, &uri, args.len ? &args : NULL, &sr, ps,
                            NGX_HTTP_SUBREQUEST_IN_MEMORY
                            |NGX_HTTP_SUBREQUEST_WAITED)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    att->sr = sr;

    sr->log_handler = ngx_http_ehr_log_handler;
    sr->headers_in = *headers;
    sr->request_body = rb;
    sr->method_name.data = (u_char *) req->method.data;
    sr->method_name.len = req->method.len;
    sr->method = ehr_str_is(req->method, "GET") ? NGX_HTTP_GET
                                                : NGX_HTTP_POST;
    sr->header_only = 0;

    /* client_max_body_size is for clients; what is sent here was accepted */
    sr->discard_body = 1;

    return NGX_OK;
}


void
ngx_http_ehr_attempt_send(ngx_http_ehr_attempt_t *att)
{
    if (att->asking && att->prc > 0) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD, "query.none");
        return;
    }

    if (att->prc == EHR_PLUGIN_NO_MEMORY
        || ehr_arena_is_short(att->arena))
    {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.no-memory");
        return;
    }

    if (att->prc != 0 || !ngx_http_ehr_request_is_whole(&att->req)) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD, "plugin.failed");
        return;
    }

    if ((att->req.flags & EHR_REQUEST_LOGIN)
        && ngx_http_ehr_attempt_login(att) != NGX_OK)
    {
        return;
    }

    ngx_memzero(&att->answer, sizeof(ehr_answer_t));
    att->answer.size = sizeof(ehr_answer_t);
    att->answer.flags = att->req.flags & EHR_REQUEST_LOGIN;

    if (att->asking) {
        att->answer.flags |= EHR_REQUEST_QUERY;
    }

    att->is_answered = 0;
    att->is_sent = 1;

    if (ngx_http_ehr_attempt_subrequest(att) != NGX_OK) {
        att->is_answered = 1;
        att->is_sent = 0;
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.no-memory");
    }
}


/* nginx wakes the parent when its subrequest is finished. */

void
ngx_http_ehr_attempt_wake(ngx_http_request_t *r)
{
    ngx_http_ehr_attempt_t  *att;

    att = ngx_http_ehr_attempt_of_connection(r->connection);

    if (att && att->is_sent && att->is_answered && !att->is_finishing) {
        att->is_sent = 0;
        att->dlv.step++;
        ngx_http_ehr_attempt_judge(att);
    }
}
