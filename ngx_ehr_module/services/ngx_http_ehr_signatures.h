/* SPDX-License-Identifier: BSD-2-Clause */

/* Signatures in the configuration. */

#ifndef NGX_HTTP_EHR_SIGNATURES_H
#define NGX_HTTP_EHR_SIGNATURES_H


#include "ngx_http_ehr.h"


char *ngx_http_ehr_set_signature(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_EHR_SIGNATURES_H */
