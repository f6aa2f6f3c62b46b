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
} ngx_http_ehr_validator_t;


/* Opens those of the configuration into mcf->checks, and closes them. */
ngx_int_t ngx_http_ehr_validators_load(ngx_http_ehr_worker_t *worker);
void ngx_http_ehr_validators_unload(ngx_http_ehr_worker_t *worker);

char *ngx_http_ehr_set_validator(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_EHR_VALIDATORS_H */
