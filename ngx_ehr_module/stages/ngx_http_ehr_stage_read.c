/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The body, whole and bounded: nginx reads it (beyond a buffer into a file),
 * this stage gives it a deadline in total and makes it one piece of memory.
 * A body in a file is mapped, never copied.
 */

#include "ngx_http_ehr.h"

#include <sys/mman.h>


static ngx_http_ehr_result_e ngx_http_ehr_read_body(ngx_http_ehr_ctx_t *ctx);
static void ngx_http_ehr_body_handler(ngx_http_request_t *r);
static void ngx_http_ehr_body_timeout(ngx_event_t *ev);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_read = {
    "read", ngx_http_ehr_read_body
};


static ngx_http_ehr_result_e
ngx_http_ehr_body_map(ngx_http_ehr_ctx_t *ctx, ngx_buf_t *b)
{
    void  *map;

    ctx->content.len = (size_t) (b->file_last - b->file_pos);

    map = mmap(NULL, ctx->content.len, PROT_READ, MAP_PRIVATE, b->file->fd,
               0);

    if (map == MAP_FAILED) {
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, ngx_errno,
                      "mmap() of a request body failed");
        return NGX_HTTP_EHR_BROKEN;
    }

    ctx->content_map = map;
    ctx->content.data = map;

    return NGX_HTTP_EHR_NEXT;
}


static ngx_http_ehr_result_e
ngx_http_ehr_body_collect(ngx_http_ehr_ctx_t *ctx)
{
    char         *p;
    size_t        len;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    len = 0;

    for (cl = ctx->request->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (b->in_file) {
            /* nginx leaves all of it in the one file, from its start */
            return ngx_http_ehr_body_map(ctx, b);
        }

        len += b->last - b->pos;
    }

    if (len == 0) {
        return NGX_HTTP_EHR_NEXT;
    }

    cl = ctx->request->request_body->bufs;

    if (cl->next == NULL) {
        ctx->content.data = (char *) cl->buf->pos;
        ctx->content.len = len;
        return NGX_HTTP_EHR_NEXT;
    }

    p = ehr_arena_alloc(ctx->arena, len);
    if (p == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ctx->content.data = p;
    ctx->content.len = len;

    for ( /* void */ ; cl; cl = cl->next) {
        if (cl->buf->last == cl->buf->pos) {
            continue;           /* the last of a chunked body points nowhere */
        }

        p = (char *) ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    return NGX_HTTP_EHR_NEXT;
}


static size_t
ngx_http_ehr_body_max(ngx_http_ehr_ctx_t *ctx)
{
    return ctx->endpoint->body_max ? ctx->endpoint->body_max
                                   : ctx->lcf->body_max_size;
}


static ngx_http_ehr_result_e
ngx_http_ehr_body_whole(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_result_e  result;

    if (ctx->body_timer.timer_set) {
        ngx_del_timer(&ctx->body_timer);
    }

    result = ngx_http_ehr_body_collect(ctx);

    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    /* A chunked body tells its size only now. */

    if (ctx->content.len > ngx_http_ehr_body_max(ctx)) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_BODY_TOO_LARGE, NULL,
                                   NULL);
    }

    if (ngx_http_ehr_bytes_take(ctx, ctx->content.len) != NGX_OK) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_OVERLOADED, NULL, NULL);
    }

    return NGX_HTTP_EHR_NEXT;
}


/*
 * Called by nginx when the body is whole: at once, inside the stage, when it
 * came with the headers, or later from the event loop.
 */

static void
ngx_http_ehr_body_handler(ngx_http_request_t *r)
{
    ngx_http_ehr_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_ehr_module);

    /* I5: from here on the client may go, the document stays. */
    r->read_event_handler = ngx_http_block_reading;

    ctx->body_is_read = 1;

    if (!ctx->body_is_inline) {
        ngx_http_ehr_resume(ctx, ngx_http_ehr_body_whole(ctx));
    }
}


static void
ngx_http_ehr_body_timeout(ngx_event_t *ev)
{
    ngx_connection_t    *c = ev->data;
    ngx_http_request_t  *r = c->data;
    ngx_http_ehr_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_ehr_module);

    /* nginx may have refused the body meanwhile, and be closing slowly */

    if (ctx == NULL || r->header_sent || r->done) {
        return;
    }

    r->read_event_handler = ngx_http_block_reading;

    ngx_http_ehr_resume(ctx, ngx_http_ehr_refuse(ctx,
                                     EHR_PROBLEM_BODY_TIMEOUT, NULL, NULL));
}


static ngx_http_ehr_result_e
ngx_http_ehr_read_body(ngx_http_ehr_ctx_t *ctx)
{
    off_t                len;
    ngx_int_t            rc;
    ngx_http_request_t  *r = ctx->request;

    if (ngx_http_ehr_header(r, "content-encoding", NULL)) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_BODY_TYPE,
            "Không dùng Content-Encoding.",
            "Content-Encoding is not supported.");
    }

    len = ngx_max(r->headers_in.content_length_n, 0);

    if (len > (off_t) ngx_http_ehr_body_max(ctx)) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_BODY_TOO_LARGE, NULL,
                                   NULL);
    }

    if (ngx_http_ehr_bytes_take(ctx, (size_t) len) != NGX_OK) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_OVERLOADED, NULL, NULL);
    }

    r->request_body_in_single_buf = 1;

    ctx->body_is_inline = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_ehr_body_handler);

    ctx->body_is_inline = 0;

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return ngx_http_ehr_refuse(ctx, ehr_problem_of_status((int) rc),
                                   NULL, NULL);
    }

    /* The request is counted by ngx_http_ehr_handler() already. */
    r->main->count--;

    if (ctx->body_is_read) {
        return ngx_http_ehr_body_whole(ctx);
    }

    ctx->body_timer.data = r->connection;
    ctx->body_timer.handler = ngx_http_ehr_body_timeout;
    ctx->body_timer.log = r->connection->log;

    ngx_add_timer(&ctx->body_timer, ctx->lcf->body_deadline);

    return NGX_HTTP_EHR_PARKED;
}
