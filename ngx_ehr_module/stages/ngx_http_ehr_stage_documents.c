/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What became of it: state, list, receipt and bytes of a facility's own
 * documents.  Another facility's document is as one that does not exist.
 */

#include "ngx_http_ehr.h"
#include "ngx_http_ehr_render.h"


#define NGX_HTTP_EHR_LIST_LIMIT  50


static ngx_http_ehr_result_e ngx_http_ehr_document(ngx_http_ehr_ctx_t *ctx);
static ngx_http_ehr_result_e ngx_http_ehr_receipt(ngx_http_ehr_ctx_t *ctx);
static ngx_http_ehr_result_e ngx_http_ehr_content(ngx_http_ehr_ctx_t *ctx);
static ngx_http_ehr_result_e ngx_http_ehr_documents(ngx_http_ehr_ctx_t *ctx);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_document = {
    "document", ngx_http_ehr_document
};

const ngx_http_ehr_stage_t  ngx_http_ehr_stage_document_receipt = {
    "document_receipt", ngx_http_ehr_receipt
};

const ngx_http_ehr_stage_t  ngx_http_ehr_stage_content = {
    "content", ngx_http_ehr_content
};

const ngx_http_ehr_stage_t  ngx_http_ehr_stage_documents = {
    "documents", ngx_http_ehr_documents
};


/* What a reader's thread brings back. */

typedef struct {
    ngx_http_ehr_ctx_t     *ctx;
    ehr_rc_t                rc;
    ehr_submission_t        sub;
    ehr_str_t               attempts;
    ehr_str_t               history;
    ehr_content_t           content;
    ehr_store_filter_t      filter;
    ehr_submission_t       *subs;
    uint32_t                nsubs;
} ngx_http_ehr_query_t;


static ngx_http_ehr_result_e
ngx_http_ehr_query(ngx_http_ehr_ctx_t *ctx, ngx_http_ehr_query_t *query,
    void (*run)(ehr_store_t *store, void *data), void (*done)(void *data))
{
    query->ctx = ctx;

    if (ngx_http_ehr_journal_read(ctx->worker, run, done, query) != NGX_OK) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_OVERLOADED, NULL, NULL);
    }

    ngx_http_ehr_park(ctx);

    return NGX_HTTP_EHR_PARKED;
}


static ngx_http_ehr_result_e
ngx_http_ehr_query_failed(ngx_http_ehr_query_t *query)
{
    if (query->rc == EHR_REFUSED) {
        return ngx_http_ehr_refuse(query->ctx, EHR_PROBLEM_NOT_FOUND, NULL,
                                   NULL);
    }

    if (query->rc == EHR_LATER) {
        return ngx_http_ehr_refuse(query->ctx, EHR_PROBLEM_STORE_UNAVAILABLE,
                                   NULL, NULL);
    }

    return NGX_HTTP_EHR_BROKEN;
}


static void
ngx_http_ehr_document_run(ehr_store_t *store, void *data)
{
    ngx_http_ehr_query_t  *query = data;
    ngx_http_ehr_ctx_t    *ctx = query->ctx;

    query->rc = ehr_store_document(store, ctx->fac->code, ctx->path_id,
                                   ctx->arena, &query->sub);

    if (query->rc == EHR_OK) {
        query->rc = ehr_store_attempts(store, ctx->path_id, ctx->arena,
                                       &query->attempts);
    }

    if (query->rc == EHR_OK) {
        query->rc = ehr_store_history(store, ctx->path_id, ctx->arena,
                                      &query->history);
    }
}


static ngx_http_ehr_result_e
ngx_http_ehr_document_answer(ngx_http_ehr_query_t *query)
{
    ehr_str_t            body;
    ehr_json_t           json;
    ngx_http_ehr_ctx_t  *ctx = query->ctx;

    if (query->rc != EHR_OK) {
        return ngx_http_ehr_query_failed(query);
    }

    ctx->sub = &query->sub;
    ctx->code = "ok";

    ehr_json_begin(&json, ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ngx_http_ehr_render_submission(&json, &query->sub);
    ngx_http_ehr_render_deliveries(&json, &query->sub);
    ngx_http_ehr_render_warnings(&json, &query->sub, ctx->lang);
    ehr_json_raw(&json, "attempts", query->attempts);
    ehr_json_raw(&json, "decisions", query->history);
    ehr_json_close(&json, '}');
    body = ehr_json_end(&json);

    if (body.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    return ngx_http_ehr_send(ctx, NGX_HTTP_OK, "application/json", body);
}


static void
ngx_http_ehr_document_done(void *data)
{
    ngx_http_ehr_query_t  *query = data;

    ngx_http_ehr_resume(query->ctx, ngx_http_ehr_document_answer(query));
}


static ngx_http_ehr_query_t *
ngx_http_ehr_query_create(ngx_http_ehr_ctx_t *ctx)
{
    return ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_ehr_query_t));
}


static ngx_http_ehr_result_e
ngx_http_ehr_document(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_query_t  *query = ngx_http_ehr_query_create(ctx);

    if (query == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    return ngx_http_ehr_query(ctx, query, ngx_http_ehr_document_run,
                              ngx_http_ehr_document_done);
}


static void
ngx_http_ehr_receipt_run(ehr_store_t *store, void *data)
{
    ngx_http_ehr_query_t  *query = data;
    ngx_http_ehr_ctx_t    *ctx = query->ctx;

    query->rc = ehr_store_document(store, ctx->fac->code, ctx->path_id,
                                   ctx->arena, &query->sub);
}


static ngx_http_ehr_result_e
ngx_http_ehr_receipt_answer(ngx_http_ehr_query_t *query)
{
    ehr_str_t            receipt;
    ngx_http_ehr_ctx_t  *ctx = query->ctx;

    if (query->rc != EHR_OK) {
        return ngx_http_ehr_query_failed(query);
    }

    ctx->sub = &query->sub;
    ctx->code = "ok";

    receipt = ngx_http_ehr_sign_receipt(ctx, &query->sub);

    if (receipt.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    return ngx_http_ehr_send(ctx, NGX_HTTP_OK, "application/jose", receipt);
}


static void
ngx_http_ehr_receipt_done(void *data)
{
    ngx_http_ehr_query_t  *query = data;

    ngx_http_ehr_resume(query->ctx, ngx_http_ehr_receipt_answer(query));
}


static ngx_http_ehr_result_e
ngx_http_ehr_receipt(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_query_t  *query = ngx_http_ehr_query_create(ctx);

    if (query == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    return ngx_http_ehr_query(ctx, query, ngx_http_ehr_receipt_run,
                              ngx_http_ehr_receipt_done);
}


static void
ngx_http_ehr_content_run(ehr_store_t *store, void *data)
{
    ngx_http_ehr_query_t  *query = data;
    ngx_http_ehr_ctx_t    *ctx = query->ctx;

    query->rc = ehr_store_content(store, ctx->fac->code, ctx->path_id,
                                  ctx->arena, &query->content);
}


/* The same for good (410), until a person has mended it (503), or never:
 * what was damaged is not given out. */

static ngx_http_ehr_result_e
ngx_http_ehr_content_unreadable(ngx_http_ehr_query_t *query)
{
    ngx_http_ehr_ctx_t  *ctx = query->ctx;

    switch (query->content.is) {

    case EHR_CONTENT_REMOVED:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CONTENT_REMOVED, NULL,
                                   NULL);

    case EHR_CONTENT_NO_KEY:
        ngx_log_error(NGX_LOG_ALERT, ctx->request->connection->log, 0,
                      "content of a document is sealed with a key that is "
                      "not configured: document=%s", ctx->path_id);

        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_STORE_UNAVAILABLE, NULL,
                                   NULL);

    default:
        ngx_log_error(NGX_LOG_ALERT, ctx->request->connection->log, 0,
                      "content of a document was damaged or changed in the "
                      "journal: document=%s", ctx->path_id);

        return NGX_HTTP_EHR_BROKEN;
    }
}


static ngx_http_ehr_result_e
ngx_http_ehr_content_answer(ngx_http_ehr_query_t *query)
{
    ehr_str_t            type;
    ngx_http_ehr_ctx_t  *ctx = query->ctx;

    if (query->rc != EHR_OK) {
        return ngx_http_ehr_query_failed(query);
    }

    if (query->content.is != EHR_CONTENT_WHOLE) {
        return ngx_http_ehr_content_unreadable(query);
    }

    type = ehr_arena_dup(ctx->arena, query->content.type.data,
                         query->content.type.len);
    if (type.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ctx->code = "ok";

    return ngx_http_ehr_send(ctx, NGX_HTTP_OK, type.data,
                             query->content.bytes);
}


static void
ngx_http_ehr_content_done(void *data)
{
    ngx_http_ehr_query_t  *query = data;

    ngx_http_ehr_resume(query->ctx, ngx_http_ehr_content_answer(query));
}


static ngx_http_ehr_result_e
ngx_http_ehr_content(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_query_t  *query = ngx_http_ehr_query_create(ctx);

    if (query == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    /* Its size is not known yet: as much as it may have. */

    if (ngx_http_ehr_bytes_take(ctx, ctx->lcf->body_max_size) != NGX_OK) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_OVERLOADED, NULL, NULL);
    }

    return ngx_http_ehr_query(ctx, query, ngx_http_ehr_content_run,
                              ngx_http_ehr_content_done);
}


static void
ngx_http_ehr_documents_run(ehr_store_t *store, void *data)
{
    ngx_http_ehr_query_t  *query = data;

    query->rc = ehr_store_list(store, &query->filter, query->ctx->arena,
                               &query->subs, &query->nsubs);
}


static ngx_http_ehr_result_e
ngx_http_ehr_documents_answer(ngx_http_ehr_query_t *query)
{
    char                 cursor[24];
    uint32_t             i;
    ehr_str_t            body;
    ehr_json_t           json;
    ngx_http_ehr_ctx_t  *ctx = query->ctx;

    if (query->rc != EHR_OK) {
        return ngx_http_ehr_query_failed(query);
    }

    ehr_json_begin(&json, ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_open(&json, "documents", '[');

    for (i = 0; i < query->nsubs; i++) {
        ehr_json_open(&json, NULL, '{');
        ngx_http_ehr_render_submission(&json, &query->subs[i]);
        ngx_http_ehr_render_deliveries(&json, &query->subs[i]);
        ehr_json_close(&json, '}');
    }

    ehr_json_close(&json, ']');

    if (query->nsubs == query->filter.limit) {
        (void) ngx_sprintf((u_char *) cursor, "%L%Z",
                           query->subs[query->nsubs - 1].seq);
        ehr_json_text(&json, "next_cursor", cursor);

    } else {
        ehr_json_null(&json, "next_cursor");
    }

    ehr_json_close(&json, '}');
    body = ehr_json_end(&json);

    if (body.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ctx->code = "ok";

    return ngx_http_ehr_send(ctx, NGX_HTTP_OK, "application/json", body);
}


static void
ngx_http_ehr_documents_done(void *data)
{
    ngx_http_ehr_query_t  *query = data;

    ngx_http_ehr_resume(query->ctx, ngx_http_ehr_documents_answer(query));
}


static const char *
ngx_http_ehr_filter_numbers(ngx_http_request_t *r, ehr_store_filter_t *filter)
{
    off_t       n;
    ngx_str_t  *value;

    value = ngx_http_ehr_argument(r, "since");

    if (value
        && ehr_time_parse(ngx_http_ehr_str(value), &filter->since_ms)
               != EHR_OK)
    {
        return "since";
    }

    value = ngx_http_ehr_argument(r, "cursor");

    if (value) {
        n = ngx_atoof(value->data, value->len);
        if (n <= 0) {
            return "cursor";
        }

        filter->before_seq = n;
    }

    filter->limit = NGX_HTTP_EHR_LIST_LIMIT;
    value = ngx_http_ehr_argument(r, "limit");

    if (value) {
        n = ngx_atoof(value->data, value->len);
        if (n < 1 || n > 100) {
            return "limit";
        }

        filter->limit = (uint32_t) n;
    }

    return NULL;
}


/* NULL, or the name of the parameter that is wrong. */

static const char *
ngx_http_ehr_filter_read(ngx_http_ehr_ctx_t *ctx, ehr_store_filter_t *filter)
{
    ngx_str_t           *value;
    ngx_http_request_t  *r = ctx->request;

    filter->facility = ctx->fac->code;

    value = ngx_http_ehr_argument(r, "business_key");

    if (value) {
        filter->business_key = ngx_http_ehr_str(value);
    }

    value = ngx_http_ehr_argument(r, "kind");

    if (value) {
        filter->kind = ngx_http_ehr_str(value);
        if (ehr_kind_of_name(filter->kind) == EHR_KIND_UNKNOWN) {
            return "kind";
        }
    }

    value = ngx_http_ehr_argument(r, "state");

    if (value) {
        filter->state = ehr_state_of_name(ngx_http_ehr_str(value));
        if (filter->state == 0) {
            return "state";
        }
    }

    return ngx_http_ehr_filter_numbers(r, filter);
}


static ngx_http_ehr_result_e
ngx_http_ehr_documents(ngx_http_ehr_ctx_t *ctx)
{
    const char            *wrong;
    ngx_http_ehr_query_t  *query = ngx_http_ehr_query_create(ctx);

    if (query == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    wrong = ngx_http_ehr_filter_read(ctx, &query->filter);

    if (wrong) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_PARAMETER_INVALID, wrong,
                                   wrong);
    }

    return ngx_http_ehr_query(ctx, query, ngx_http_ehr_documents_run,
                              ngx_http_ehr_documents_done);
}
