/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The policy of signatures as the administrator wrote it, one for a kind,
 * read at "nginx -t" and shared by all workers.  What a good signature is,
 * core/ehr_signature.c says.
 */

#include "ngx_http_ehr_signatures.h"


/* A relative path is one beside the configuration. */

static ngx_int_t
ngx_http_ehr_signature_path(ngx_conf_t *cf, const char **path)
{
    ngx_str_t  name;

    if (*path == NULL) {
        return NGX_OK;
    }

    name.data = (u_char *) *path;
    name.len = ngx_strlen(name.data);

    if (ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    *path = (const char *) name.data;

    return NGX_OK;
}


static void
ngx_http_ehr_signature_cleanup(void *data)
{
    ehr_signature_policy_free(data);
}


static char *
ngx_http_ehr_signature_load(ngx_conf_t *cf, ngx_http_ehr_main_conf_t *mcf,
    const ehr_signature_settings_t *settings)
{
    char                     error[EHR_SIGNATURE_ERROR_MAX];
    ngx_pool_cleanup_t      *cln;
    ehr_signature_policy_t  *policy;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    policy = ehr_signature_policy_load(settings, error);

    if (policy == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "ehr_signature: %s", error);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_ehr_signature_cleanup;
    cln->data = policy;

    mcf->signatures[settings->kind] = policy;

    return NGX_CONF_OK;
}


char *
ngx_http_ehr_set_signature(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    const char                *wrong;
    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ehr_signature_settings_t   settings;

    value = cf->args->elts;
    ngx_memzero(&settings, sizeof(ehr_signature_settings_t));

    settings.kind = ehr_kind_of_name(ngx_http_ehr_str(&value[1]));

    if (settings.kind == EHR_KIND_UNKNOWN) {
        return "names an unknown kind of document";
    }

    if (mcf->signatures[settings.kind]) {
        return "has this kind twice";
    }

    if (ehr_signature_mode_of_name(ngx_http_ehr_str(&value[2]),
                                   &settings.mode)
        != EHR_OK)
    {
        return "takes off, when-present or required";
    }

    for (i = 3; i < cf->args->nelts; i++) {
        wrong = ehr_signature_setting(&settings, (char *) value[i].data);
        if (wrong) {
            return (char *) wrong;
        }
    }

    if (ngx_http_ehr_signature_path(cf, &settings.ca_path) != NGX_OK
        || ngx_http_ehr_signature_path(cf, &settings.pins_path) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return ngx_http_ehr_signature_load(cf, mcf, &settings);
}
