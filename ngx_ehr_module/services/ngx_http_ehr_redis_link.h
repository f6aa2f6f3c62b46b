/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One connection to one Redis server: nginx's socket, nginx's TLS, bytes both
 * ways.  Says what happens through three calls; plans nothing.
 */

#ifndef NGX_HTTP_EHR_REDIS_LINK_H
#define NGX_HTTP_EHR_REDIS_LINK_H


#include "ngx_http_ehr_redis_codec.h"


typedef struct {
    ngx_http_ehr_redis_conf_t   *conf;
    ngx_connection_t            *connection;  /* NULL: none */
    ngx_http_ehr_redis_out_t     out;         /* waits to be sent */
    ngx_log_t                    quiet;       /* of the connection */
    unsigned                     is_open:1;   /* TCP and TLS are done */

    void                        *data;
    void                       (*opened)(void *data);

    /* NGX_ERROR: the link was closed inside. */
    ngx_int_t                  (*received)(void *data, u_char *bytes,
                                           size_t n);

    /* Must close the link; the last thing it hears of this connection. */
    void                       (*failed)(void *data, ngx_err_t err,
                                         const char *reason);
} ngx_http_ehr_redis_link_t;


/* opened() or failed() follows, possibly from inside. */
void ngx_http_ehr_redis_link_connect(ngx_http_ehr_redis_link_t *link);

/* Sends what it can of out now, the rest when the socket takes it. */
void ngx_http_ehr_redis_link_send(ngx_http_ehr_redis_link_t *link);

/* 1: bytes have arrived that the loop has not come to; they will be read in
 * this turn. */
ngx_uint_t ngx_http_ehr_redis_link_is_behind(ngx_http_ehr_redis_link_t *link);

/* Allowed at any time; frees out. */
void ngx_http_ehr_redis_link_close(ngx_http_ehr_redis_link_t *link);


#endif /* NGX_HTTP_EHR_REDIS_LINK_H */
