/* SPDX-License-Identifier: BSD-2-Clause */

/* Signatures in the configuration and of a document. */

#ifndef NGX_HTTP_EHR_SIGNATURES_H
#define NGX_HTTP_EHR_SIGNATURES_H


#include "ngx_http_ehr.h"


/*
 * Does   checks the signature of ctx->doc by the policy of its kind; what is
 *        found joins the findings, and becomes the problem when there was
 *        none before
 * Gives  what ctx->rc becomes
 * When   after the validators, in their thread
 */
ehr_rc_t ngx_http_ehr_signatures_check(ngx_http_ehr_ctx_t *ctx,
    const ehr_document_input_t *in);

char *ngx_http_ehr_set_signature(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_EHR_SIGNATURES_H */
