/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What may they do: the bearer token (RFC 6750) of this connection's
 * facility, verified once and then known by its digest until it expires, its
 * facility changes, or five minutes are over.
 */

#include "ngx_http_ehr.h"
#include "ehr_token_cache.h"


static ngx_http_ehr_result_e ngx_http_ehr_check_token(ngx_http_ehr_ctx_t *ctx);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_token = {
    "token", ngx_http_ehr_check_token
};


static ngx_http_ehr_result_e
ngx_http_ehr_bearer(ngx_http_ehr_ctx_t *ctx, ehr_str_t *token)
{
    ngx_str_t   *value;
    ngx_uint_t   twice;

    twice = 0;
    value = ngx_http_ehr_header(ctx->request, "authorization", &twice);

    if (value == NULL) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_TOKEN_MISSING, NULL,
                                   NULL);
    }

    if (twice || value->len < sizeof("Bearer ")
        || ngx_strncasecmp(value->data, (u_char *) "Bearer ",
                           sizeof("Bearer ") - 1)
               != 0)
    {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_TOKEN_INVALID,
            "Tiêu đề Authorization phải có đúng một mã Bearer.",
            "Authorization must hold exactly one Bearer token.");
    }

    token->data = (char *) value->data + sizeof("Bearer ") - 1;
    token->len = value->len - (sizeof("Bearer ") - 1);

    return NGX_HTTP_EHR_NEXT;
}


static ngx_http_ehr_result_e
ngx_http_ehr_token_refused(ngx_http_ehr_ctx_t *ctx, ehr_token_e why)
{
    ehr_problem_e  problem;

    switch (why) {

    case EHR_TOKEN_BROKEN:
        return NGX_HTTP_EHR_BROKEN;

    case EHR_TOKEN_EXPIRED:
        problem = EHR_PROBLEM_TOKEN_EXPIRED;
        break;

    case EHR_TOKEN_NOT_BOUND:
        problem = EHR_PROBLEM_TOKEN_NOT_BOUND;
        break;

    default:
        problem = EHR_PROBLEM_TOKEN_INVALID;
    }

    return ngx_http_ehr_refuse(ctx, problem, ehr_token_reason(why, 0),
                               ehr_token_reason(why, 1));
}


static ngx_http_ehr_result_e
ngx_http_ehr_token_verify(ngx_http_ehr_ctx_t *ctx, ehr_str_t text,
    ehr_token_cached_t *known)
{
    ehr_token_e            why;
    ehr_token_t            token;
    const ehr_facility_t  *fac = ctx->fac;

    why = ehr_token_verify(&ctx->mcf->policy, text, ctx->identity->sha256,
                           ngx_time(), ctx->arena, &token);

    if (why != EHR_TOKEN_OK) {
        return ngx_http_ehr_token_refused(ctx, why);
    }

    if (!ehr_str_eq(token.subject, fac->code)) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_TOKEN_INVALID,
            "Mã truy cập thuộc cơ sở khác.",
            "The token belongs to another facility.");
    }

    ngx_memzero(known, sizeof(ehr_token_cached_t));
    ngx_memcpy(known->facility, fac->code.data,
               ngx_min(fac->code.len, (size_t) EHR_FACILITY_MAX));
    ngx_memcpy(known->thumbprint, ctx->identity->sha256, EHR_SHA256_LEN);

    known->scopes = token.scopes;
    known->issued_at = token.issued_at;
    known->expires_at = token.expires_at;
    known->facility_version = fac->version;

    return NGX_HTTP_EHR_NEXT;
}


static ngx_http_ehr_result_e
ngx_http_ehr_token_known(ngx_http_ehr_ctx_t *ctx, ehr_str_t text,
    ehr_token_cached_t *known)
{
    uint8_t                 digest[EHR_SHA256_LEN];
    u_char                 *mem = ctx->worker->shared->token_cache;
    ngx_http_ehr_result_e   result;

    if (!ctx->mcf->token_cache || text.len > EHR_TOKEN_MAX_BYTES) {
        return ngx_http_ehr_token_verify(ctx, text, known);
    }

    ehr_sha256(text.data, text.len, digest);

    if (ehr_token_cache_get(mem, NGX_HTTP_EHR_TOKEN_CACHE, digest,
                            ctx->identity->sha256, ngx_time(), known)
        && known->facility_version == ctx->fac->version
        && ehr_str_is(ctx->fac->code, known->facility))
    {
        ngx_http_ehr_count(ctx->worker, TOKEN_CACHE_HIT);
        return NGX_HTTP_EHR_NEXT;
    }

    ngx_http_ehr_count(ctx->worker, TOKEN_CACHE_MISS);

    result = ngx_http_ehr_token_verify(ctx, text, known);

    if (result == NGX_HTTP_EHR_NEXT) {
        ehr_token_cache_put(mem, NGX_HTTP_EHR_TOKEN_CACHE, digest,
                            ngx_time(), known);
    }

    return result;
}


static ngx_http_ehr_result_e
ngx_http_ehr_check_token(ngx_http_ehr_ctx_t *ctx)
{
    ehr_str_t               text = ehr_null_string;
    ehr_token_cached_t      known;
    ngx_http_ehr_result_e   result;

    result = ngx_http_ehr_bearer(ctx, &text);

    if (result == NGX_HTTP_EHR_NEXT) {
        result = ngx_http_ehr_token_known(ctx, text, &known);
    }

    if (result != NGX_HTTP_EHR_NEXT) {
        return result;
    }

    /* A suspension voids what was issued before it, for good; iat counts
     * whole seconds, so its own second is void too. */

    if (known.issued_at * 1000 < ctx->fac->tokens_from_ms) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_TOKEN_INVALID,
            "Mã truy cập được cấp trước khi cơ sở bị tạm ngừng.",
            "The token was issued before the facility was suspended.");
    }

    ctx->scopes = known.scopes;

    if ((ctx->scopes & ctx->endpoint->scope) != ctx->endpoint->scope) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_TOKEN_SCOPE, NULL, NULL);
    }

    return NGX_HTTP_EHR_NEXT;
}
