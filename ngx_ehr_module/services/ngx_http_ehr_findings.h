/* SPDX-License-Identifier: BSD-2-Clause */

/* How severe the findings of the field tables are, in the configuration. */

#ifndef NGX_HTTP_EHR_FINDINGS_H
#define NGX_HTTP_EHR_FINDINGS_H


#include "ngx_http_ehr.h"


char *ngx_http_ehr_set_finding(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* NGX_HTTP_EHR_FINDINGS_H */
