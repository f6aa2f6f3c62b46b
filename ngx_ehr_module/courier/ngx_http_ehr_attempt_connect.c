/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * An attempt's connection: a socket pair, one end of which nginx gets as if
 * it had been accepted on the courier's listening socket.  Knows nothing of
 * what is asked over it.
 */

#include "ngx_http_ehr_attempt.h"


/* What the courier's connection says; the path is for its access log. */

static ngx_int_t
ngx_http_ehr_attempt_write_line(ngx_http_ehr_attempt_t *att)
{
    u_char  *p, buf[256];

    p = ngx_snprintf(buf, sizeof(buf), "GET /attempt/%V/%s HTTP/1.0" CRLF CRLF,
                     &att->part->name, att->claim->sub.id);

    /* a fresh socket pair takes a few hundred bytes, or it is broken */

    return write(att->peer, buf, p - buf) == p - buf ? NGX_OK : NGX_ERROR;
}


/* As ngx_event_accept() does it. */

static ngx_connection_t *
ngx_http_ehr_attempt_accept(ngx_http_ehr_attempt_t *att, ngx_socket_t s)
{
    ngx_log_t           *log;
    ngx_event_t         *rev, *wev;
    ngx_listening_t     *ls = att->worker->mcf->courier_ls;
    ngx_connection_t    *c;
    ngx_pool_cleanup_t  *cln;

    static ngx_str_t  addr_text = ngx_string("courier");

    c = ngx_get_connection(s, att->worker->cycle->log);
    if (c == NULL) {
        (void) ngx_close_socket(s);
        return NULL;
    }

    c->type = SOCK_STREAM;

    c->pool = ngx_create_pool(ls->pool_size, att->worker->cycle->log);
    if (c->pool == NULL) {
        goto failed;
    }

    log = ngx_palloc(c->pool, sizeof(ngx_log_t));
    cln = ngx_pool_cleanup_add(c->pool, 0);

    if (log == NULL || cln == NULL) {
        goto failed;
    }

    *log = ls->log;
    log->data = NULL;
    log->handler = NULL;

    c->recv = ngx_recv;
    c->send = ngx_send;
    c->recv_chain = ngx_recv_chain;
    c->send_chain = ngx_send_chain;

    c->log = log;
    c->pool->log = log;
    c->listening = ls;
    c->sockaddr = ls->sockaddr;
    c->socklen = ls->socklen;
    c->local_sockaddr = ls->sockaddr;
    c->local_socklen = ls->socklen;
    c->addr_text = addr_text;
    c->tcp_nopush = NGX_TCP_NOPUSH_DISABLED;
    c->tcp_nodelay = NGX_TCP_NODELAY_DISABLED;

    rev = c->read;
    wev = c->write;
    wev->ready = 1;
    rev->log = log;
    wev->log = log;

    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);
    c->start_time = ngx_current_msec;

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_accepted, 1);
    (void) ngx_atomic_fetch_add(ngx_stat_handled, 1);
    (void) ngx_atomic_fetch_add(ngx_stat_active, 1);
#endif

    cln->handler = ngx_http_ehr_attempt_closed;
    cln->data = att;

    return c;

failed:

    if (c->pool) {
        ngx_destroy_pool(c->pool);
    }

    ngx_free_connection(c);
    (void) ngx_close_socket(s);

    return NULL;
}


ngx_int_t
ngx_http_ehr_attempt_connect(ngx_http_ehr_attempt_t *att)
{
    ngx_socket_t       pair[2];
    ngx_connection_t  *c;

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0, pair)
        == -1)
    {
        ngx_log_error(NGX_LOG_ERR, att->worker->cycle->log, ngx_errno,
                      "socketpair() failed");
        return NGX_ERROR;
    }

    att->peer = pair[0];

    if (ngx_http_ehr_attempt_write_line(att) != NGX_OK) {
        (void) ngx_close_socket(pair[1]);
        return NGX_ERROR;
    }

    c = ngx_http_ehr_attempt_accept(att, pair[1]);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->listening->handler(c);

    return NGX_OK;
}
