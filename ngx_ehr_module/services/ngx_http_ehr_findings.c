/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * "ehr_finding NAME error|warning|off": the administrator's word on what the
 * field tables find.  Which findings may be set is known to core.
 */

#include "ngx_http_ehr_findings.h"


static void
ngx_http_ehr_findings_free(void *data)
{
    ehr_severities_free(data);
}


/* The set grows outside the pool, so it is given back with it. */

static ngx_int_t
ngx_http_ehr_findings_begin(ngx_conf_t *cf, ngx_http_ehr_main_conf_t *mcf)
{
    ngx_pool_cleanup_t  *cln;

    if (mcf->severities.n != 0) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_ehr_findings_free;
    cln->data = &mcf->severities;

    return NGX_OK;
}


char *
ngx_http_ehr_set_finding(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    uint32_t    level;
    ehr_str_t   name;
    ngx_str_t  *value;

    value = cf->args->elts;
    name = ngx_http_ehr_str(&value[1]);
    level = ehr_severity_level(ngx_http_ehr_str(&value[2]));

    if (level == 0) {
        return "wants error, warning or off";
    }

    if (!ehr_severity_is_name(name)) {
        return "names no field, section or rule";
    }

    if (ngx_http_ehr_findings_begin(cf, mcf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    switch (ehr_severities_add(&mcf->severities, name, level)) {

    case EHR_OK:
        return NGX_CONF_OK;

    case EHR_REFUSED:
        return "is there too often";

    default:
        return NGX_CONF_ERROR;
    }
}
