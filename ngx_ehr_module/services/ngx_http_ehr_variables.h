/* SPDX-License-Identifier: BSD-2-Clause */

/* Variables for the access log, one line a request. */

#ifndef NGX_HTTP_EHR_VARIABLES_H
#define NGX_HTTP_EHR_VARIABLES_H


#include "ngx_http_ehr.h"


ngx_int_t ngx_http_ehr_variables_add(ngx_conf_t *cf);


#endif /* NGX_HTTP_EHR_VARIABLES_H */
