/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * On disk, or not acknowledged (I1): the submission and its deliveries join
 * the next transaction; the request goes on when it is durable.  And what was
 * acknowledged once is a duplicate ever after, whatever the rules have become
 * since (I3).
 */

#include "ngx_http_ehr.h"
#include "ngx_http_ehr_waiters.h"
#include "ngx_http_ehr_wake.h"


static ngx_http_ehr_result_e ngx_http_ehr_store(ngx_http_ehr_ctx_t *ctx);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_journal = {
    "journal", ngx_http_ehr_store
};


static void
ngx_http_ehr_is_duplicate(ngx_http_ehr_ctx_t *ctx)
{
    ctx->submit.result = EHR_SUBMIT_DUPLICATE;
    ctx->sub = &ctx->submit.found;
    ctx->code = "duplicate";
    ngx_http_ehr_count(ctx->worker, DUPLICATE);
}


static ngx_http_ehr_result_e
ngx_http_ehr_stored(ngx_http_ehr_ctx_t *ctx)
{
    ehr_store_submit_t  *submit = &ctx->submit;

    switch (submit->op.rc) {

    case EHR_OK:
        break;

    case EHR_LATER:
        if (submit->op.is_unknown) {
            /* "503" would promise that it is not stored */
            ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                          "nobody knows whether a submission was stored");
            return NGX_HTTP_EHR_BROKEN;
        }

        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_STORE_UNAVAILABLE, NULL,
                                   NULL);

    default:
        ngx_log_error(NGX_LOG_ALERT, ctx->request->connection->log, 0,
                      "submission could not be stored: a bug");
        return NGX_HTTP_EHR_BROKEN;
    }

    switch (submit->result) {

    case EHR_SUBMIT_STORED:
        ctx->sub = &submit->sub;
        ctx->code = "accepted";
        ngx_http_ehr_count(ctx->worker, ACCEPTED);
        ngx_http_ehr_keeper_accepted(ctx->worker,
                                     ctx->mcf->routes[ctx->doc.kind],
                                     submit->stored_bytes);

        if (ctx->sub->business_key.len) {
            /* whoever waits for older content learns that it is superseded */
            ngx_http_ehr_waiters_settled(ctx->worker, ctx->sub);
        }

        ngx_http_ehr_schedule_kick(ctx->worker,
                                   ctx->mcf->routes[ctx->doc.kind]);
        return NGX_HTTP_EHR_NEXT;

    case EHR_SUBMIT_DUPLICATE:
        ngx_http_ehr_is_duplicate(ctx);
        return NGX_HTTP_EHR_NEXT;

    default:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_IDEMPOTENCY_KEY_REUSED,
                                   NULL, NULL);
    }
}


static void
ngx_http_ehr_store_done(ngx_http_ehr_write_t *write)
{
    ngx_http_ehr_ctx_t  *ctx = write->data;

    ngx_http_ehr_resume(ctx, ngx_http_ehr_stored(ctx));
}


static ngx_http_ehr_result_e
ngx_http_ehr_store(ngx_http_ehr_ctx_t *ctx)
{
    ehr_submission_t      *sub = &ctx->submit.sub;
    ngx_http_ehr_write_t  *write;

    if (ngx_http_ehr_journal_is_corrupt(ctx->worker)) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_STORE_UNAVAILABLE, NULL,
                                   NULL);
    }

    write = ngx_palloc(ctx->request->pool, sizeof(ngx_http_ehr_write_t));

    sub->received_ms = ngx_http_ehr_now_ms();

    if (write == NULL || ehr_uuid7(sub->received_ms, sub->id) != EHR_OK) {
        return NGX_HTTP_EHR_BROKEN;
    }

    sub->facility = ctx->fac->code;
    sub->kind = ehr_str(ehr_kind_name(ctx->doc.kind));
    sub->standard = ctx->doc.standard;
    sub->business_key = ctx->doc.business_key;
    sub->content_type = ngx_http_ehr_str(&ctx->content_type);
    sub->size = (int64_t) ctx->content.len;
    sub->warnings = ehr_findings_render(&ctx->doc.findings, EHR_LANG_VI,
                                        ctx->arena);
    sub->warnings_en = ehr_findings_render(&ctx->doc.findings, EHR_LANG_EN,
                                           ctx->arena);

    if (sub->warnings.data == NULL || sub->warnings_en.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ctx->submit.op.type = EHR_STORE_OP_SUBMIT;
    ctx->submit.content = ctx->content;
    ctx->wait_mark = ngx_http_ehr_wake_mark(ctx->worker);
    ctx->submit.arena = ctx->arena;

    write->op = &ctx->submit.op;
    write->done = ngx_http_ehr_store_done;
    write->data = ctx;

    if (ngx_http_ehr_journal_write(ctx->worker, write) != NGX_OK) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_OVERLOADED, NULL, NULL);
    }

    ngx_http_ehr_park(ctx);

    return NGX_HTTP_EHR_PARKED;
}


/* --- refused now, stored before ------------------------------------------ */


static void
ngx_http_ehr_known_run(ehr_store_t *store, void *data)
{
    ngx_http_ehr_ctx_t  *ctx = data;

    ctx->rc = ehr_store_same_bytes(store, ctx->fac->code,
                                   ctx->submit.sub.sha256, ctx->arena,
                                   &ctx->submit.found);
}


/* As if the journal had found it: the request goes on behind that stage. */

static void
ngx_http_ehr_skip_to_journal(ngx_http_ehr_ctx_t *ctx)
{
    while (ctx->endpoint->stages[ctx->step] != &ngx_http_ehr_stage_journal) {
        ctx->step++;
    }
}


static ngx_http_ehr_result_e
ngx_http_ehr_known(ngx_http_ehr_ctx_t *ctx)
{
    if (ctx->rc == EHR_REFUSED) {
        return NGX_HTTP_EHR_REFUSED;
    }

    ctx->findings = NULL;
    ctx->retry_after = 0;

    switch (ctx->rc) {

    case EHR_OK:
        ngx_http_ehr_is_duplicate(ctx);
        ngx_http_ehr_skip_to_journal(ctx);
        return NGX_HTTP_EHR_NEXT;

    case EHR_LATER:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_STORE_UNAVAILABLE, NULL,
                                   NULL);

    default:
        return NGX_HTTP_EHR_BROKEN;
    }
}


static void
ngx_http_ehr_known_done(void *data)
{
    ngx_http_ehr_ctx_t  *ctx = data;

    ngx_http_ehr_resume(ctx, ngx_http_ehr_known(ctx));
}


ngx_http_ehr_result_e
ngx_http_ehr_unless_stored(ngx_http_ehr_ctx_t *ctx)
{
    if (ctx->is_validate_only) {
        return NGX_HTTP_EHR_REFUSED;
    }

    ctx->wait_mark = ngx_http_ehr_wake_mark(ctx->worker);

    if (ngx_http_ehr_journal_read(ctx->worker, ngx_http_ehr_known_run,
                                  ngx_http_ehr_known_done, ctx)
        != NGX_OK)
    {
        ctx->findings = NULL;

        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_OVERLOADED, NULL, NULL);
    }

    if (!ctx->parked) {
        ngx_http_ehr_park(ctx);
    }

    return NGX_HTTP_EHR_PARKED;
}
