/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Validator plugins as the administrator wrote them: opened and closed at
 * "nginx -t", opened again by each worker, as partners are.  What a plugin
 * must be, and how it runs, is core/ehr_validators.c's.
 */

#include "ngx_http_ehr_validators.h"


#define NGX_HTTP_EHR_DOUBT  512


static ehr_validator_t *
ngx_http_ehr_validator_open(ngx_http_ehr_validator_t *val, ngx_log_t *log)
{
    char                   doubt[NGX_HTTP_EHR_DOUBT];
    ehr_validator_t       *opened;
    ehr_validator_conf_t   conf;

    conf.path = (const char *) val->plugin_path.data;
    conf.settings = val->settings.elts;
    conf.nsettings = val->settings.nelts;
    conf.now_ms = ngx_http_ehr_now_ms();

    opened = ehr_validator_open(&conf, doubt, sizeof(doubt));

    if (opened == NULL) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "ehr_validator: %s", doubt);
        return NULL;
    }

    if (!ehr_validator_takes(opened, val->kind)) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "ehr_validator: plugin \"%V\" does not check kind "
                      "\"%s\"", &val->plugin_path, ehr_kind_name(val->kind));
        ehr_validator_close(opened);
        return NULL;
    }

    return opened;
}


ngx_int_t
ngx_http_ehr_validators_load(ngx_http_ehr_worker_t *worker)
{
    ngx_uint_t                  i;
    ehr_validator_t            *opened;
    ngx_http_ehr_validator_t   *val;
    ngx_http_ehr_main_conf_t   *mcf = worker->mcf;

    val = mcf->validators.elts;
    mcf->checks.validators = mcf->opened;

    for (i = 0; i < mcf->validators.nelts; i++) {
        opened = ngx_http_ehr_validator_open(&val[i], worker->cycle->log);
        if (opened == NULL) {
            return NGX_ERROR;
        }

        mcf->opened[i].kind = val[i].kind;
        mcf->opened[i].validator = opened;
        mcf->checks.nvalidators++;
    }

    return NGX_OK;
}


void
ngx_http_ehr_validators_unload(ngx_http_ehr_worker_t *worker)
{
    ngx_http_ehr_main_conf_t  *mcf = worker->mcf;

    while (mcf->checks.nvalidators > 0) {
        mcf->checks.nvalidators--;
        ehr_validator_close(mcf->opened[mcf->checks.nvalidators].validator);
    }
}


/* NULL, or what is wrong with "name=value". */

static char *
ngx_http_ehr_validator_setting(ngx_conf_t *cf, ngx_http_ehr_validator_t *val,
    ngx_str_t *arg)
{
    u_char         *eq;
    ehr_setting_t  *setting;

    eq = ngx_strlchr(arg->data, arg->data + arg->len, '=');
    if (eq == NULL) {
        return "takes name=value";
    }

    *eq = '\0';

    if (ngx_strcmp(arg->data, "plugin") == 0) {
        val->plugin_path.data = eq + 1;
        val->plugin_path.len = arg->data + arg->len - eq - 1;
        return ngx_conf_full_name(cf->cycle, &val->plugin_path, 0) == NGX_OK
               ? NULL : "plugin=";
    }

    if (ngx_strncmp(arg->data, "set.", 4) != 0) {
        return "has an unknown setting";
    }

    setting = ngx_array_push(&val->settings);
    if (setting == NULL) {
        return "no memory";
    }

    setting->name = (const char *) arg->data + 4;
    setting->value = (const char *) eq + 1;

    return NULL;
}


static ngx_int_t
ngx_http_ehr_validator_test(ngx_conf_t *cf, ngx_http_ehr_validator_t *val)
{
    ehr_validator_t  *opened;

    opened = ngx_http_ehr_validator_open(val, cf->log);
    if (opened == NULL) {
        return NGX_ERROR;
    }

    ehr_validator_close(opened);

    return NGX_OK;
}


char *
ngx_http_ehr_set_validator(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    char                      *wrong;
    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_ehr_validator_t  *val;

    value = cf->args->elts;

    if (mcf->validators.nelts == NGX_HTTP_EHR_MAX_VALIDATORS) {
        return "is there too often";
    }

    val = ngx_array_push(&mcf->validators);
    if (val == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(val, sizeof(ngx_http_ehr_validator_t));

    val->kind = ehr_kind_of_name(ngx_http_ehr_str(&value[1]));
    if (val->kind == EHR_KIND_UNKNOWN) {
        return "names an unknown kind of document";
    }

    if (ngx_array_init(&val->settings, cf->pool, 4, sizeof(ehr_setting_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        wrong = ngx_http_ehr_validator_setting(cf, val, &value[i]);
        if (wrong) {
            return wrong;
        }
    }

    if (val->plugin_path.len == 0) {
        return "needs plugin=";
    }

    if (ngx_http_ehr_validator_test(cf, val) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}
