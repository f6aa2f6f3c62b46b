/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What "name=value" of an ehr_partner means and which values it may have.
 * Whether all of them together make a partner is decided where the directive
 * is.
 */

#include "ngx_http_ehr_partner.h"
#include "ehr_facility.h"


#define NGX_HTTP_EHR_CONCURRENCY_MAX   1024
#define NGX_HTTP_EHR_QUERIES_MAX       1000


/* NULL, or what is wrong with the value. */

typedef char *(*ngx_http_ehr_setting_pt)(ngx_conf_t *cf,
    ngx_http_ehr_partner_t *part, ngx_str_t *value);

typedef struct {
    const char                *name;
    ngx_http_ehr_setting_pt    set;
} ngx_http_ehr_setting_t;


static char *
ngx_http_ehr_setting_plugin(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    part->plugin_path = *value;

    return ngx_conf_full_name(cf->cycle, &part->plugin_path, 0) == NGX_OK
           ? NULL : "plugin=";
}


static char *
ngx_http_ehr_setting_location(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    part->location = *value;

    return value->len && value->data[0] == '/'
           ? NULL : "location= must begin with \"/\"";
}


static char *
ngx_http_ehr_setting_accounts(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    part->accounts_path = *value;

    return NULL;
}


static char *
ngx_http_ehr_setting_concurrency(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);
    part->concurrency = (ngx_uint_t) n;

    return n >= 1 && n <= NGX_HTTP_EHR_CONCURRENCY_MAX
           ? NULL : "concurrency= is 1 to 1024";
}


static char *
ngx_http_ehr_setting_rate(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    if (ehr_rate_parse(ngx_http_ehr_str(value), &part->rate.rate_milli)
        != EHR_OK)
    {
        return "rate= is 20r/s, 600r/m or off";
    }

    if (part->rate.rate_milli < 0) {
        part->rate.rate_milli = 0;
    }

    return NULL;
}


static char *
ngx_http_ehr_setting_burst(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);
    part->rate.burst = n;

    return n >= 1 && n <= EHR_GCRA_BURST_MAX ? NULL : "burst= is at least 1";
}


static char *
ngx_http_ehr_setting_hours(ngx_http_ehr_partner_t *part, ngx_str_t *value,
    int is_closed)
{
    ehr_hours_t  *hours;

    hours = ngx_array_push(&part->hours);
    if (hours == NULL) {
        return "no memory";
    }

    if (ehr_hours_parse(ngx_http_ehr_str(value), hours) != EHR_OK) {
        return "has wrong hours: window=20:00-06:00,mon-fri,size>20m";
    }

    hours->is_closed = is_closed;

    return NULL;
}


static char *
ngx_http_ehr_setting_window(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    return ngx_http_ehr_setting_hours(part, value, 0);
}


static char *
ngx_http_ehr_setting_closed(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    return ngx_http_ehr_setting_hours(part, value, 1);
}


/* "<first>,<longest>", as in 1s,5m. */

static ngx_int_t
ngx_http_ehr_setting_times(ngx_str_t *value, ngx_msec_t *least,
    ngx_msec_t *most)
{
    u_char     *comma;
    ngx_int_t   min, max;
    ngx_str_t   first, second;

    comma = ngx_strlchr(value->data, value->data + value->len, ',');
    if (comma == NULL) {
        return NGX_ERROR;
    }

    first.data = value->data;
    first.len = comma - value->data;
    second.data = comma + 1;
    second.len = value->data + value->len - second.data;

    min = ngx_parse_time(&first, 0);
    max = ngx_parse_time(&second, 0);

    if (min == NGX_ERROR || max == NGX_ERROR || min == 0 || max < min) {
        return NGX_ERROR;
    }

    *least = (ngx_msec_t) min;
    *most = (ngx_msec_t) max;

    return NGX_OK;
}


static char *
ngx_http_ehr_setting_retry(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    return ngx_http_ehr_setting_times(value, &part->retry_min,
                                      &part->retry_max) == NGX_OK
           ? NULL : "retry=<first>,<longest> is needed, as in retry=1s,5m";
}


static char *
ngx_http_ehr_setting_query(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    return ngx_http_ehr_setting_times(value, &part->query_min,
                                      &part->query_max) == NGX_OK
           ? NULL : "query=<first>,<longest> is needed, as in query=10s,1h";
}


static char *
ngx_http_ehr_setting_queries(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);
    part->queries = (ngx_uint_t) n;

    return n >= 0 && n <= NGX_HTTP_EHR_QUERIES_MAX
           ? NULL : "queries= is 0 to 1000";
}


static char *
ngx_http_ehr_setting_deadline(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    part->deadline = ngx_parse_time(value, 1);

    return part->deadline != (time_t) NGX_ERROR
           ? NULL : "deadline= has a wrong time";
}


static char *
ngx_http_ehr_setting_refused(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_parse_time(value, 0);
    part->refused = (ngx_msec_t) n;

    return n != NGX_ERROR ? NULL : "refused= has a wrong time";
}


static const ngx_http_ehr_setting_t  ngx_http_ehr_settings[] = {
    { "plugin", ngx_http_ehr_setting_plugin },
    { "location", ngx_http_ehr_setting_location },
    { "accounts", ngx_http_ehr_setting_accounts },
    { "concurrency", ngx_http_ehr_setting_concurrency },
    { "rate", ngx_http_ehr_setting_rate },
    { "burst", ngx_http_ehr_setting_burst },
    { "window", ngx_http_ehr_setting_window },
    { "closed", ngx_http_ehr_setting_closed },
    { "retry", ngx_http_ehr_setting_retry },
    { "query", ngx_http_ehr_setting_query },
    { "queries", ngx_http_ehr_setting_queries },
    { "deadline", ngx_http_ehr_setting_deadline },
    { "refused", ngx_http_ehr_setting_refused },
    { NULL, NULL }
};


/* "set.NAME" is the plugin's. */

static char *
ngx_http_ehr_setting_of_plugin(ngx_http_ehr_partner_t *part, u_char *name,
    ngx_str_t *value)
{
    ngx_keyval_t  *kv;

    kv = ngx_array_push(&part->settings);
    if (kv == NULL) {
        return "no memory";
    }

    kv->key.data = name;
    kv->key.len = ngx_strlen(name);
    kv->value = *value;

    return NULL;
}


char *
ngx_http_ehr_partner_setting(ngx_conf_t *cf, ngx_http_ehr_partner_t *part,
    ngx_str_t *arg)
{
    u_char                        *eq;
    ngx_str_t                      value;
    const ngx_http_ehr_setting_t  *setting;

    eq = ngx_strlchr(arg->data, arg->data + arg->len, '=');
    if (eq == NULL) {
        return "takes name=value";
    }

    *eq = '\0';
    value.data = eq + 1;
    value.len = arg->data + arg->len - value.data;

    for (setting = ngx_http_ehr_settings; setting->name; setting++) {
        if (ngx_strcmp(arg->data, setting->name) == 0) {
            return setting->set(cf, part, &value);
        }
    }

    if (ngx_strncmp(arg->data, "set.", 4) == 0) {
        return ngx_http_ehr_setting_of_plugin(part, arg->data + 4, &value);
    }

    return "has an unknown setting";
}
