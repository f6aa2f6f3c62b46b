/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The policy of signatures as the administrator wrote it, one for a kind,
 * read at "nginx -t" and shared by all workers.  What a good signature is,
 * core/ehr_signature.c says.
 */

#include "ngx_http_ehr_signatures.h"


ehr_rc_t
ngx_http_ehr_signatures_check(ngx_http_ehr_ctx_t *ctx,
    const ehr_document_input_t *in)
{
    ehr_rc_t                 rc;
    ehr_problem_e            problem;
    ehr_signature_input_t    sin;
    ehr_signature_policy_t  *policy = ctx->mcf->signatures[ctx->doc.kind];

    /* of what could not be read nothing can be said */

    if (policy == NULL || ctx->rc == EHR_BROKEN
        || (ctx->rc != EHR_OK
            && ctx->doc.problem != EHR_PROBLEM_DOCUMENT_INVALID))
    {
        return ctx->rc;
    }

    sin.content = in->content;
    sin.content_form = in->content_form;
    sin.facility = in->facility;
    sin.received_ms = ctx->validated_ms;
    sin.deadline_ns = in->deadline_ns;
    sin.cpu_now_ns = in->cpu_now_ns;

    rc = ehr_signature_check(policy, &sin, ctx->arena, &ctx->doc.findings,
                             &problem);

    /* only a plain yes is a yes (I10) */

    if (rc != EHR_OK && rc != EHR_REFUSED) {
        return EHR_BROKEN;
    }

    /* wrong fields were the problem before: the list has both */

    if (rc == EHR_OK || ctx->rc != EHR_OK) {
        return ctx->rc;
    }

    ctx->doc.problem = problem;

    return EHR_REFUSED;
}


static char *
ngx_http_ehr_signature_path(ngx_conf_t *cf, ngx_str_t *arg, size_t skip,
    const char **path)
{
    ngx_str_t  name;

    name.data = arg->data + skip;
    name.len = arg->len - skip;

    if (name.len == 0 || *path
        || ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK)
    {
        return "needs a file, once";
    }

    *path = (const char *) name.data;

    return NULL;
}


/* NULL, or what is wrong with "name=value". */

static char *
ngx_http_ehr_signature_setting(ngx_conf_t *cf, ngx_str_t *arg,
    ehr_signature_settings_t *settings)
{
    if (ngx_strncmp(arg->data, "ca=", 3) == 0) {
        return ngx_http_ehr_signature_path(cf, arg, 3, &settings->ca_path);
    }

    if (ngx_strncmp(arg->data, "pins=", 5) == 0) {
        return ngx_http_ehr_signature_path(cf, arg, 5, &settings->pins_path);
    }

    if (ngx_strcmp(arg->data, "sha1=on") == 0) {
        settings->allows_sha1 = 1;
        return NULL;
    }

    if (ngx_strcmp(arg->data, "sha1=off") == 0) {
        return NULL;
    }

    return "has an unknown setting: ca=, pins= or sha1=on|off";
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

    char                      *wrong;
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
        wrong = ngx_http_ehr_signature_setting(cf, &value[i], &settings);
        if (wrong) {
            return wrong;
        }
    }

    return ngx_http_ehr_signature_load(cf, mcf, &settings);
}
