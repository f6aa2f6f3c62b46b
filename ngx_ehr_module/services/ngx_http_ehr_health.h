/* SPDX-License-Identifier: BSD-2-Clause */

/* What /readyz and the doctor's report both look at. */

#ifndef NGX_HTTP_EHR_HEALTH_H
#define NGX_HTTP_EHR_HEALTH_H


#include "ngx_http_ehr.h"
#include "ngx_http_ehr_keeper.h"


#define NGX_HTTP_EHR_ROOM_SHORT   86400           /* seconds: degraded */
#define NGX_HTTP_EHR_CRL_SOON     (3 * 86400)     /* seconds: degraded */


typedef struct {
    ngx_uint_t   n;                   /* lists of revoked certificates */
    int64_t      left_sec;            /* until the first one is too old */
} ngx_http_ehr_crl_t;


/* Tokens can be issued and receipts signed. */
ngx_uint_t ngx_http_ehr_health_keys(ngx_http_ehr_main_conf_t *mcf);

/* Documents sealed with a key that is not configured, as the one with the
 * lease counted them, about a minute ago. */
uint64_t ngx_http_ehr_health_missing(ngx_http_ehr_worker_t *worker);

/* The least room_seconds of all partners; -1: nothing comes for any. */
int64_t ngx_http_ehr_health_room(ngx_http_ehr_worker_t *worker,
    const ngx_http_ehr_room_t *room);

/* What the gateway's servers have loaded: on the event loop. */
void ngx_http_ehr_health_crl(ngx_http_request_t *r, ngx_http_ehr_crl_t *crl);


#endif /* NGX_HTTP_EHR_HEALTH_H */
