/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Is it what it says, and whole: digest, well-formedness, kind, fields, what
 * the validators of its kind say, and who signed it.  A document over 16 kB
 * is read in a thread (I12); a small one costs less than the way there.
 */

#include "ehr_digest.h"
#include "ngx_http_ehr_guard.h"
#include "ngx_http_ehr_validators.h"

#include <time.h>


#define NGX_HTTP_EHR_INLINE_MAX  (16 * 1024)
#define NGX_HTTP_EHR_CRASHES     2    /* then it is not looked at again */
#define NGX_HTTP_EHR_QUARANTINE_RETRY  3600   /* s; a plugin takes time to
                                                 be mended */


static ngx_http_ehr_result_e ngx_http_ehr_validate(ngx_http_ehr_ctx_t *ctx);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_validate = {
    "validate", ngx_http_ehr_validate
};


/*
 * The deadline is one of CPU time, whose clock is a system call; the clock of
 * elapsed time is not.  No thread runs longer than time passes: as long as
 * that bound keeps the deadline, it is the answer.  Each thread's own, for the
 * length of one document.
 */

static _Thread_local struct {
    int64_t  behind_ns;         /* CPU time less elapsed time, at its start */
    int64_t  deadline_ns;
} ngx_http_ehr_cpu;


static int64_t
ngx_http_ehr_cpu_read_ns(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


static int64_t
ngx_http_ehr_cpu_now_ns(void)
{
    int64_t  most;

    most = (int64_t) ngx_http_ehr_now_ns() + ngx_http_ehr_cpu.behind_ns;

    return most <= ngx_http_ehr_cpu.deadline_ns ? most
                                                : ngx_http_ehr_cpu_read_ns();
}


static int64_t
ngx_http_ehr_cpu_start(ngx_msec_t limit)
{
    int64_t  elapsed, now;

    /* in this order: what runs between the two is counted, not forgotten */
    elapsed = (int64_t) ngx_http_ehr_now_ns();
    now = ngx_http_ehr_cpu_read_ns();

    ngx_http_ehr_cpu.behind_ns = now - elapsed;
    ngx_http_ehr_cpu.deadline_ns = now + (int64_t) limit * 1000000;

    return ngx_http_ehr_cpu.deadline_ns;
}


static ngx_http_ehr_guard_t *
ngx_http_ehr_validate_guard(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_guard_t  *guard;

    guard = ngx_http_ehr_guard(ctx->worker);

    if (guard) {
        guard->which = 0;
        guard->configured_ms = ctx->mcf->configured_ms;
        ngx_memcpy(guard->sha256, ctx->submit.sub.sha256, EHR_SHA256_LEN);
    }

    return guard;
}


/* After the first crash one copy is checked at a time: many at once would
 * take a worker along each before the second crash is known. */

static ngx_uint_t
ngx_http_ehr_validate_is_barred(ngx_http_ehr_ctx_t *ctx,
    const ngx_http_ehr_guard_t *guard)
{
    ngx_http_ehr_guard_known_t  known;

    known = ngx_http_ehr_guard_of_content(ctx->worker,
                                          ctx->submit.sub.sha256);

    return known.crashes >= NGX_HTTP_EHR_CRASHES
           || (known.crashes && (known.is_checked || guard == NULL));
}


static void
ngx_http_ehr_validate_check(ngx_http_ehr_ctx_t *ctx,
    ngx_http_ehr_guard_t *guard)
{
    ehr_checks_t           checks;
    ehr_document_input_t   in;

    ngx_memzero(&in, sizeof(ehr_document_input_t));

    in.content = ctx->content;
    in.content_form = ctx->content_form;
    in.facility = ctx->fac->code;
    in.standard = ctx->fac->standard;
    in.severities = &ctx->mcf->severities;
    in.cpu_now_ns = ngx_http_ehr_cpu_now_ns;
    in.deadline_ns = ngx_http_ehr_cpu_start(ctx->lcf->cpu_deadline);

    checks = ctx->mcf->checks;
    checks.policies = ctx->mcf->signatures;
    checks.now_ms = ctx->validated_ms;

    if (guard) {
        checks.running = &guard->which;
    }

    ctx->rc = ehr_document_check(&in, &checks, ctx->arena, &ctx->doc);
}


/*
 * In a thread, or at once: touches nothing of nginx but the context.  The
 * whole check is guarded, not the validators alone: a crash of our own reader
 * hurts the others as much.
 */

static void
ngx_http_ehr_validate_run(void *data)
{
    ngx_http_ehr_ctx_t    *ctx = data;
    ngx_http_ehr_guard_t  *guard;

    ehr_sha256(ctx->content.data, ctx->content.len, ctx->submit.sub.sha256);

    guard = ngx_http_ehr_validate_guard(ctx);
    ngx_http_ehr_guard_enter(guard, NGX_HTTP_EHR_CALL_CHECK);

    if (ngx_http_ehr_validate_is_barred(ctx, guard)) {
        ctx->doc.problem = EHR_PROBLEM_DOCUMENT_QUARANTINED;
        ctx->rc = EHR_REFUSED;

    } else {
        ngx_http_ehr_validate_check(ctx, guard);
    }

    ngx_http_ehr_guard_leave(guard);
}


/* What is packed here, nobody waits for behind the journal's one thread. */

static void
ngx_http_ehr_validate_thread(void *data)
{
    ngx_http_ehr_ctx_t  *ctx = data;

    ngx_http_ehr_validate_run(ctx);

    if (ctx->rc == EHR_OK && !ctx->is_validate_only && ctx->worker->packers) {
        ctx->submit.packed = ehr_packers_pack(ctx->worker->packers,
                                              ctx->content, ctx->arena);
        ctx->submit.is_packing_done = 1;
    }
}


/* NGX_OK: equal or not there; NGX_DECLINED: not equal, or not readable. */

static ngx_int_t
ngx_http_ehr_content_digest(ngx_http_ehr_ctx_t *ctx)
{
    ehr_str_t                     line;
    ngx_str_t                    *value;
    ehr_digest_t                  digest;
    ngx_http_ehr_header_place_t   place;

    ngx_memzero(&digest, sizeof(ehr_digest_t));
    ngx_memzero(&place, sizeof(ngx_http_ehr_header_place_t));

    /* each call leaves a header behind */

    for ( ;; ) {
        value = ngx_http_ehr_header_line(ctx->request, "content-digest",
                                         &place);
        if (value == NULL) {
            break;
        }

        line.data = (const char *) value->data;
        line.len = value->len;

        ehr_digest_read(&digest, line);
    }

    if (digest.is_broken) {
        return NGX_DECLINED;
    }

    return !digest.has_sha256
           || ngx_memcmp(digest.sha256, ctx->submit.sub.sha256,
                         EHR_SHA256_LEN) == 0 ? NGX_OK : NGX_DECLINED;
}


/* Crashed once, and another copy is being checked: over in a moment, one way
 * or the other. */

static ngx_http_ehr_result_e
ngx_http_ehr_validate_twin(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_count(ctx->worker, QUARANTINED_DOCUMENT);

    return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_DOCUMENT_QUARANTINED,
        "Hồ sơ này đã một lần làm hỏng tiến trình kiểm tra, và một bản khác "
        "của nó đang được kiểm tra. Bản này chưa được lưu; gửi lại sau.",
        "Checking this document broke the gateway's process once, and another "
        "copy of it is being checked now. This one is not stored; send it "
        "again later.");
}


static ngx_http_ehr_result_e
ngx_http_ehr_validate_quarantined(ngx_http_ehr_ctx_t *ctx)
{
    ngx_str_t                    name = ngx_string("the gateway's own check");
    ngx_http_ehr_validator_t    *val = ctx->mcf->validators.elts;
    ngx_http_ehr_guard_known_t   known;

    known = ngx_http_ehr_guard_of_content(ctx->worker,
                                          ctx->submit.sub.sha256);

    if (known.crashes < NGX_HTTP_EHR_CRASHES) {
        return ngx_http_ehr_validate_twin(ctx);
    }

    if (known.which && known.which <= ctx->mcf->validators.nelts) {
        name = val[known.which - 1].plugin_path;
    }

    ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                  "quarantined: a document crashed \"%V\" twice, it is not "
                  "looked at again before a reload", &name);

    ngx_http_ehr_count(ctx->worker, QUARANTINED_DOCUMENT);
    ctx->retry_after = NGX_HTTP_EHR_QUARANTINE_RETRY;

    return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_DOCUMENT_QUARANTINED,
        "Hồ sơ này đã hai lần làm hỏng tiến trình kiểm tra. Hồ sơ chưa được "
        "lưu. Báo quản trị viên của cổng kèm request_id; gửi lại sau khi lỗi "
        "được sửa.",
        "Checking this document broke the gateway's process twice. It is not "
        "stored. Tell the gateway's administrator the request_id; send it "
        "again when that is mended.");
}


static ngx_http_ehr_result_e
ngx_http_ehr_validate_verdict(ngx_http_ehr_ctx_t *ctx)
{
    if (ctx->doc.problem == EHR_PROBLEM_DOCUMENT_QUARANTINED) {
        return ngx_http_ehr_validate_quarantined(ctx);
    }

    if (ctx->rc != EHR_OK) {
        ctx->problem = ctx->doc.problem;
        ctx->detail = ctx->doc.detail[ctx->lang];
        ctx->findings = &ctx->doc.findings;

        return NGX_HTTP_EHR_REFUSED;
    }

    if (ctx->fac->kinds && !(ctx->fac->kinds & (1u << ctx->doc.kind))) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_KIND_NOT_ALLOWED, NULL,
                                   NULL);
    }

    return NGX_HTTP_EHR_NEXT;
}


static ngx_http_ehr_result_e
ngx_http_ehr_validated(ngx_http_ehr_ctx_t *ctx)
{
    ngx_http_ehr_result_e  result;

    if (ngx_http_ehr_content_digest(ctx) != NGX_OK) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_DIGEST_MISMATCH, NULL,
                                   NULL);
    }

    if (ctx->rc == EHR_BROKEN) {
        ngx_log_error(NGX_LOG_ALERT, ctx->request->connection->log, 0,
                      "document could not be checked: no memory, a bug or "
                      "a validator that failed");
        return NGX_HTTP_EHR_BROKEN;
    }

    result = ngx_http_ehr_validate_verdict(ctx);

    return result == NGX_HTTP_EHR_REFUSED ? ngx_http_ehr_unless_stored(ctx)
                                          : result;
}


static void
ngx_http_ehr_validate_done(void *data)
{
    ngx_http_ehr_ctx_t     *ctx = data;
    ngx_http_ehr_result_e   result;

    result = ngx_http_ehr_validated(ctx);

    if (result != NGX_HTTP_EHR_PARKED) {
        ngx_http_ehr_resume(ctx, result);
    }
}


static ngx_http_ehr_result_e
ngx_http_ehr_validate(ngx_http_ehr_ctx_t *ctx)
{
    if (ctx->content.len == 0) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_BODY_EMPTY, NULL, NULL);
    }

    ctx->validated_ms = ngx_http_ehr_now_ms();

    if (ctx->content.len <= NGX_HTTP_EHR_INLINE_MAX) {
        ngx_http_ehr_validate_run(ctx);
        return ngx_http_ehr_validated(ctx);
    }

    if (ngx_http_ehr_thread_post(ctx->worker, ctx->mcf->work_pool,
                                 ngx_http_ehr_validate_thread,
                                 ngx_http_ehr_validate_done, ctx)
        != NGX_OK)
    {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_OVERLOADED, NULL, NULL);
    }

    ngx_http_ehr_park(ctx);

    return NGX_HTTP_EHR_PARKED;
}
