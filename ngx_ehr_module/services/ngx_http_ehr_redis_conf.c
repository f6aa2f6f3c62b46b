/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The directives ehr_redis, ehr_rate and ehr_cert_rate: what is written there
 * is complete and can be used, or nginx does not start.  The password comes
 * from a file and is named in no message.
 */

#include "ngx_http_ehr_redis.h"
#include "ehr_facility.h"
#include "ehr_gcra.h"
#include "ehr_secret.h"


#define NGX_HTTP_EHR_REDIS_PORT      6379
#define NGX_HTTP_EHR_REDIS_TIMEOUT   5        /* ms */
#define NGX_HTTP_EHR_REDIS_LONGEST   1000     /* ms: a document waits */
#define NGX_HTTP_EHR_REDIS_DB_MAX    100000
#define NGX_HTTP_EHR_REDIS_PASSWORD  1024     /* bytes of the file */


typedef struct {
    ngx_str_t      name;
    char        *(*set)(ngx_conf_t *cf, ngx_http_ehr_redis_conf_t *redis,
                        ngx_str_t *value);
} ngx_http_ehr_redis_option_t;


static char *ngx_http_ehr_redis_set_address(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *url);
static char *ngx_http_ehr_redis_set_option(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *arg);
static char *ngx_http_ehr_redis_set_timeout(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *value);
static char *ngx_http_ehr_redis_set_user(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *value);
static char *ngx_http_ehr_redis_set_password(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *value);
static char *ngx_http_ehr_redis_set_db(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *value);
static char *ngx_http_ehr_redis_set_ssl(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *value);
static char *ngx_http_ehr_redis_set_ca(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *value);
static char *ngx_http_ehr_redis_set_name(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *value);
static char *ngx_http_ehr_redis_init_ssl(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis);


static ngx_http_ehr_redis_option_t  ngx_http_ehr_redis_options[] = {
    { ngx_string("timeout="), ngx_http_ehr_redis_set_timeout },
    { ngx_string("user="), ngx_http_ehr_redis_set_user },
    { ngx_string("password_file="), ngx_http_ehr_redis_set_password },
    { ngx_string("db="), ngx_http_ehr_redis_set_db },
    { ngx_string("ssl="), ngx_http_ehr_redis_set_ssl },
    { ngx_string("ca="), ngx_http_ehr_redis_set_ca },
    { ngx_string("name="), ngx_http_ehr_redis_set_name },
    { ngx_null_string, NULL }
};


char *
ngx_http_ehr_set_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ehr_main_conf_t  *mcf = conf;

    char                       *rv;
    ngx_str_t                  *value;
    ngx_uint_t                  i;
    ngx_http_ehr_redis_conf_t  *redis = &mcf->redis;

    value = cf->args->elts;

    if (redis->addr_text.data) {
        return "is duplicate";
    }

    redis->addr_text = value[1];

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "takes nothing more with \"off\"";
    }

    redis->timeout = NGX_HTTP_EHR_REDIS_TIMEOUT;

    rv = ngx_http_ehr_redis_set_address(cf, redis, &value[1]);

    for (i = 2; rv == NGX_CONF_OK && i < cf->args->nelts; i++) {
        rv = ngx_http_ehr_redis_set_option(cf, redis, &value[i]);
    }

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (redis->user.len && redis->password.len == 0) {
        return "needs \"password_file=\" with \"user=\"";
    }

    rv = ngx_http_ehr_redis_init_ssl(cf, redis);

    if (rv == NGX_CONF_OK) {
        redis->is_set = 1;
    }

    return rv;
}


/* A name would have to be resolved, on the event loop or once for all. */

static char *
ngx_http_ehr_redis_set_address(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *url)
{
    ngx_url_t  u;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = *url;
    u.default_port = NGX_HTTP_EHR_REDIS_PORT;
    u.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in address \"%V\"",
                           u.err ? u.err : "error", url);
        return NGX_CONF_ERROR;
    }

    if (u.naddrs != 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is no literal address: write 127.0.0.1:6379"
                           ", [::1]:6379 or unix:/path", url);
        return NGX_CONF_ERROR;
    }

    redis->addr = u.addrs[0];

    return NGX_CONF_OK;
}


static char *
ngx_http_ehr_redis_set_option(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *arg)
{
    ngx_str_t                     value;
    ngx_http_ehr_redis_option_t  *option;

    for (option = ngx_http_ehr_redis_options; option->name.len; option++) {

        if (arg->len > option->name.len
            && ngx_strncmp(arg->data, option->name.data, option->name.len)
               == 0)
        {
            value.data = arg->data + option->name.len;
            value.len = arg->len - option->name.len;

            return option->set(cf, redis, &value);
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"", arg);

    return NGX_CONF_ERROR;
}


static char *
ngx_http_ehr_redis_set_timeout(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *value)
{
    ngx_int_t  msec;

    msec = ngx_parse_time(value, 0);

    if (msec < 1 || msec > NGX_HTTP_EHR_REDIS_LONGEST) {
        return "has a \"timeout=\" that is not between 1ms and 1s";
    }

    redis->timeout = msec;

    return NGX_CONF_OK;
}


static char *
ngx_http_ehr_redis_set_user(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *value)
{
    redis->user = *value;

    return NGX_CONF_OK;
}


static ssize_t
ngx_http_ehr_redis_read_file(ngx_conf_t *cf, ngx_str_t *path, u_char *buf,
    size_t size)
{
    ssize_t      n;
    ngx_fd_t     fd;
    const char  *error;

    fd = ehr_secret_open((char *) path->data, &error);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "password file \"%V\": %s",
                           path, error);
        return NGX_ERROR;
    }

    n = ngx_read_fd(fd, buf, size);

    if (n == -1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_read_fd_n " \"%V\" failed", path);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", path);
    }

    return n == -1 ? NGX_ERROR : n;
}


static char *
ngx_http_ehr_redis_set_password(ngx_conf_t *cf,
    ngx_http_ehr_redis_conf_t *redis, ngx_str_t *value)
{
    u_char   *buf;
    ssize_t   n;

    if (ngx_conf_full_name(cf->cycle, value, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    buf = ngx_pnalloc(cf->pool, NGX_HTTP_EHR_REDIS_PASSWORD);
    if (buf == NULL) {
        return NGX_CONF_ERROR;
    }

    n = ngx_http_ehr_redis_read_file(cf, value, buf,
                                     NGX_HTTP_EHR_REDIS_PASSWORD);
    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if (n == NGX_HTTP_EHR_REDIS_PASSWORD) {
        return "has a \"password_file=\" of more than 1023 bytes";
    }

    while (n && (buf[n - 1] == LF || buf[n - 1] == CR)) {
        n--;
    }

    if (n == 0) {
        return "has an empty \"password_file=\"";
    }

    redis->password.data = buf;
    redis->password.len = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_ehr_redis_set_db(ngx_conf_t *cf, ngx_http_ehr_redis_conf_t *redis,
    ngx_str_t *value)
{
    redis->db = ngx_atoi(value->data, value->len);

    if (redis->db == NGX_ERROR || redis->db > NGX_HTTP_EHR_REDIS_DB_MAX) {
        return "has a \"db=\" that is no number";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_ehr_redis_set_ssl(ngx_conf_t *cf, ngx_http_ehr_redis_conf_t *redis,
    ngx_str_t *value)
{
    if (ngx_strcmp(value->data, "on") == 0) {
        redis->ssl = 1;

    } else if (ngx_strcmp(value->data, "off") != 0) {
        return "has an \"ssl=\" that is neither \"on\" nor \"off\"";
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_ehr_redis_set_ca(ngx_conf_t *cf, ngx_http_ehr_redis_conf_t *redis,
    ngx_str_t *value)
{
    redis->ssl_ca = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_ehr_redis_set_name(ngx_conf_t *cf, ngx_http_ehr_redis_conf_t *redis,
    ngx_str_t *value)
{
    redis->ssl_name = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_ehr_redis_init_ssl(ngx_conf_t *cf, ngx_http_ehr_redis_conf_t *redis)
{
    ngx_ssl_t           *ssl;
    ngx_pool_cleanup_t  *cln;

    if (!redis->ssl) {
        return redis->ssl_ca.len || redis->ssl_name.len
               ? "takes \"ca=\" and \"name=\" only with \"ssl=on\""
               : NGX_CONF_OK;
    }

    /* TLS that does not check who answers is none. */

    if (redis->ssl_ca.len == 0 || redis->ssl_name.len == 0) {
        return "needs \"ca=\" and \"name=\" with \"ssl=on\"";
    }

    ssl = ngx_pcalloc(cf->pool, sizeof(ngx_ssl_t));
    if (ssl == NULL) {
        return NGX_CONF_ERROR;
    }

    ssl->log = cf->log;

    if (ngx_ssl_create(ssl, NGX_SSL_TLSv1_2|NGX_SSL_TLSv1_3, NULL) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        ngx_ssl_cleanup_ctx(ssl);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_ssl_cleanup_ctx;
    cln->data = ssl;

    if (ngx_ssl_trusted_certificate(cf, ssl, &redis->ssl_ca, 4) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    redis->ssl_ctx = ssl;

    return NGX_CONF_OK;
}


/* Without burst: what one second brings, at least one. */

char *
ngx_http_ehr_set_rate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_int_t             burst;
    ngx_str_t            *value;
    ngx_http_ehr_rate_t  *rate;

    rate = (ngx_http_ehr_rate_t *) ((u_char *) conf + cmd->offset);
    value = cf->args->elts;

    if (rate->rate_milli != NGX_CONF_UNSET) {
        return "is duplicate";
    }

    if (ehr_rate_parse(ngx_http_ehr_str(&value[1]), &rate->rate_milli)
        != EHR_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid rate \"%V\": write 50r/s, 600r/m or off",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (rate->rate_milli < 0) {
        rate->rate_milli = 0;
        return cf->args->nelts == 2 ? NGX_CONF_OK
                                    : "takes no burst with \"off\"";
    }

    rate->burst = ngx_max(rate->rate_milli / 1000, 1);

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    burst = NGX_ERROR;

    if (value[2].len > 6 && ngx_strncmp(value[2].data, "burst=", 6) == 0) {
        burst = ngx_atoi(value[2].data + 6, value[2].len - 6);
    }

    if (burst < 1 || burst > EHR_GCRA_BURST_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\": write burst=100, at "
                           "least 1", &value[2]);
        return NGX_CONF_ERROR;
    }

    rate->burst = burst;

    return NGX_CONF_OK;
}
