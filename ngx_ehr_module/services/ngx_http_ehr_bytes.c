/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A worker's budget of document bytes: what a slow disk or slow readers pile
 * up is bounded by its size, not by its number.
 */

#include "ngx_http_ehr.h"


ngx_int_t
ngx_http_ehr_bytes_take(ngx_http_ehr_ctx_t *ctx, size_t bytes)
{
    ngx_http_ehr_worker_t  *worker = ctx->worker;

    if (bytes <= ctx->bytes) {
        return NGX_OK;
    }

    bytes -= ctx->bytes;

    if (bytes > ctx->mcf->inflight_max
        || worker->bytes > ctx->mcf->inflight_max - bytes)
    {
        return NGX_BUSY;
    }

    ctx->bytes += bytes;
    worker->bytes += bytes;

    return NGX_OK;
}


void
ngx_http_ehr_bytes_release(ngx_http_ehr_ctx_t *ctx)
{
    ctx->worker->bytes -= ctx->bytes;
    ctx->bytes = 0;
}
