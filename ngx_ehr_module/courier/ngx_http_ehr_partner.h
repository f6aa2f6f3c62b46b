/* SPDX-License-Identifier: BSD-2-Clause */

/* Partners: their configuration, their plugins, and calls into these. */

#ifndef NGX_HTTP_EHR_PARTNER_H
#define NGX_HTTP_EHR_PARTNER_H


#include "ngx_http_ehr.h"


/* Opens every partner's plugin in this worker; checked at "nginx -t". */
ngx_int_t ngx_http_ehr_partners_load(ngx_http_ehr_worker_t *worker);
void ngx_http_ehr_partners_unload(ngx_http_ehr_worker_t *worker);

/* NULL: the facility has no account at the partner. */
const ngx_http_ehr_account_t *ngx_http_ehr_partner_account(
    const ngx_http_ehr_partner_t *part, ehr_str_t facility);

ngx_uint_t ngx_http_ehr_partner_is_repeat_safe(
    const ngx_http_ehr_partner_t *part, const char *kind);

/* The same by a partner's name, as the store asks it; data is the main
 * configuration. */
int ngx_http_ehr_repeat_is_safe(void *data, const char *partner,
    const char *kind);

/* "name=value" of an ehr_partner; NULL, or what is wrong with it.  *arg is cut
 * at its "=". */
char *ngx_http_ehr_partner_setting(ngx_conf_t *cf,
    ngx_http_ehr_partner_t *part, ngx_str_t *arg);

/* 1: it can be asked what became of an uncertain delivery. */
ngx_uint_t ngx_http_ehr_partner_has_query(const ngx_http_ehr_partner_t *part);


/* A call into a plugin: its memory lives in the arena given. */

struct ehr_call_s {
    const ngx_http_ehr_partner_t  *part;
    ehr_arena_t                   *arena;
    int64_t                        now_ms;
};

extern const ehr_host_t  ngx_http_ehr_host;

/* Content handler of the courier's server. */
ngx_int_t ngx_http_ehr_courier_handler(ngx_http_request_t *r);


#endif /* NGX_HTTP_EHR_PARTNER_H */
