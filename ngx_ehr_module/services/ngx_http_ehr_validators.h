/* SPDX-License-Identifier: BSD-2-Clause */

/* Validators in the configuration and in a worker. */

#ifndef NGX_HTTP_EHR_VALIDATORS_H
#define NGX_HTTP_EHR_VALIDATORS_H


#include "ngx_http_ehr.h"
#include "ehr_validators.h"


typedef struct {
    ngx_str_t                plugin_path; /* NUL-terminated */
    ngx_array_t              settings;    /* ehr_setting_t */
    ehr_kind_e               kind;
    ehr_validator_t         *opened;      /* this worker's; NULL in master */
} ngx_http_ehr_validator_t;


ngx_int_t ngx_http_ehr_validators_load(ngx_http_ehr_worker_t *worker);
void ngx_http_ehr_validators_unload(ngx_http_ehr_worker_t *worker);

/*
 * Does   runs the validators of the document's kind over ctx->doc
 * Gives  what ctx->rc becomes; EHR_BROKEN also when a plugin failed
 * When   after ehr_document_read(), in its thread
 */
ehr_rc_t ngx_http_ehr_validators_run(ngx_http_ehr_ctx_t *ctx);

char *ngx_http_ehr_set_validator(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_EHR_VALIDATORS_H */
