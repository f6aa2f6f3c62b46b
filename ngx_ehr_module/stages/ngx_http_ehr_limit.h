/* SPDX-License-Identifier: BSD-2-Clause */

/* What the limiter tells the client. */

#ifndef NGX_HTTP_EHR_LIMIT_H
#define NGX_HTTP_EHR_LIMIT_H


#include "ngx_http_ehr.h"


/*
 * Does   adds RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-
 *        headers) when ctx->verdict says that there is a limit
 * Gives  NGX_OK, or NGX_ERROR without memory
 */
ngx_int_t ngx_http_ehr_ratelimit_headers(ngx_http_ehr_ctx_t *ctx);


#endif /* NGX_HTTP_EHR_LIMIT_H */
