/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Opens, feeds and closes one connection to Redis on nginx's event loop.
 * Decides whether the server on the other side is the one we trust (TLS);
 * refuses to know commands, answers, and when to try again.
 */

#include "ngx_http_ehr_redis_link.h"


#define NGX_HTTP_EHR_REDIS_BUFFER  16384
#define NGX_HTTP_EHR_REDIS_READS   16     /* buffers in one turn */


static void ngx_http_ehr_redis_link_connected(
    ngx_http_ehr_redis_link_t *link);
static void ngx_http_ehr_redis_link_tls(ngx_http_ehr_redis_link_t *link);
static void ngx_http_ehr_redis_link_tls_done(ngx_connection_t *c);
static void ngx_http_ehr_redis_link_opened(ngx_http_ehr_redis_link_t *link);
static void ngx_http_ehr_redis_link_read(ngx_event_t *rev);
static void ngx_http_ehr_redis_link_write(ngx_event_t *wev);


void
ngx_http_ehr_redis_link_connect(ngx_http_ehr_redis_link_t *link)
{
    ngx_int_t               rc;
    ngx_connection_t       *c;
    ngx_peer_connection_t   peer;

    /* A loss is one line of the owner's, not one of each failed connect(). */

    link->quiet = *ngx_cycle->log;
    link->quiet.log_level = NGX_LOG_ALERT;
    link->quiet.next = NULL;

    ngx_memzero(&peer, sizeof(ngx_peer_connection_t));

    peer.sockaddr = link->conf->addr.sockaddr;
    peer.socklen = link->conf->addr.socklen;
    peer.name = &link->conf->addr_text;
    peer.get = ngx_event_get_peer;
    peer.log = &link->quiet;
    peer.log_error = NGX_ERROR_ERR;

    rc = ngx_event_connect_peer(&peer);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        link->failed(link->data, ngx_socket_errno, "connect() failed");
        return;
    }

    c = peer.connection;
    link->connection = c;

    c->data = link;
    c->read->handler = ngx_http_ehr_redis_link_read;
    c->write->handler = ngx_http_ehr_redis_link_write;

    c->pool = ngx_create_pool(512, &link->quiet);
    if (c->pool == NULL) {
        link->failed(link->data, 0, "no memory");
        return;
    }

    if (rc == NGX_OK) {
        ngx_http_ehr_redis_link_connected(link);
    }
}


static void
ngx_http_ehr_redis_link_connected(ngx_http_ehr_redis_link_t *link)
{
    int                err;
    socklen_t          len;
    ngx_connection_t  *c = link->connection;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_socket_errno;
    }

    if (err) {
        link->failed(link->data, err, "connect() failed");
        return;
    }

    if (ngx_tcp_nodelay(c) != NGX_OK) {
        link->failed(link->data, ngx_socket_errno, "setsockopt() failed");
        return;
    }

    if (link->conf->ssl) {
        ngx_http_ehr_redis_link_tls(link);
        return;
    }

    ngx_http_ehr_redis_link_opened(link);
}


static void
ngx_http_ehr_redis_link_tls(ngx_http_ehr_redis_link_t *link)
{
    ngx_int_t          rc;
    ngx_connection_t  *c = link->connection;

    if (ngx_ssl_create_connection(link->conf->ssl_ctx, c, NGX_SSL_CLIENT)
            != NGX_OK
        || SSL_set_tlsext_host_name(c->ssl->connection,
                                    (char *) link->conf->ssl_name.data)
               != 1)
    {
        link->failed(link->data, 0, "TLS cannot be set up");
        return;
    }

    /* What waits to be sent grows and moves between two attempts. */

    (void) SSL_set_mode(c->ssl->connection,
                        SSL_MODE_ENABLE_PARTIAL_WRITE
                        |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    rc = ngx_ssl_handshake(c);

    if (rc == NGX_AGAIN) {
        c->ssl->handler = ngx_http_ehr_redis_link_tls_done;
        return;
    }

    ngx_http_ehr_redis_link_tls_done(c);
}


static void
ngx_http_ehr_redis_link_tls_done(ngx_connection_t *c)
{
    ngx_http_ehr_redis_link_t  *link = c->data;

    if (!c->ssl->handshaked) {
        link->failed(link->data, 0, "the TLS handshake failed");
        return;
    }

    if (SSL_get_verify_result(c->ssl->connection) != X509_V_OK) {
        link->failed(link->data, 0, "its certificate is not trusted");
        return;
    }

    if (ngx_ssl_check_host(c, &link->conf->ssl_name) != NGX_OK) {
        link->failed(link->data, 0, "its certificate has another name");
        return;
    }

    /* The handshake put its own handlers there. */

    c->read->handler = ngx_http_ehr_redis_link_read;
    c->write->handler = ngx_http_ehr_redis_link_write;

    ngx_http_ehr_redis_link_opened(link);
}


static void
ngx_http_ehr_redis_link_opened(ngx_http_ehr_redis_link_t *link)
{
    link->is_open = 1;
    link->opened(link->data);
}


void
ngx_http_ehr_redis_link_send(ngx_http_ehr_redis_link_t *link)
{
    ssize_t                    n;
    ngx_connection_t          *c = link->connection;
    ngx_http_ehr_redis_out_t  *out = &link->out;

    while (out->pos < out->last) {
        n = c->send(c, out->pos, out->last - out->pos);

        if (n == NGX_ERROR) {
            link->failed(link->data, ngx_socket_errno, "send() failed");
            return;
        }

        if (n <= 0) {
            break;
        }

        out->pos += n;
    }

    if (out->pos == out->last) {
        ngx_http_ehr_redis_out_reset(out);
    }

    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        link->failed(link->data, 0, "its events cannot be watched");
    }
}


static void
ngx_http_ehr_redis_link_write(ngx_event_t *wev)
{
    ngx_connection_t           *c = wev->data;
    ngx_http_ehr_redis_link_t  *link = c->data;

    if (!link->is_open) {
        ngx_http_ehr_redis_link_connected(link);
        return;
    }

    ngx_http_ehr_redis_link_send(link);
}


static void
ngx_http_ehr_redis_link_read(ngx_event_t *rev)
{
    u_char                      buf[NGX_HTTP_EHR_REDIS_BUFFER];
    ssize_t                     n;
    ngx_uint_t                  i;
    ngx_connection_t           *c = rev->data;
    ngx_http_ehr_redis_link_t  *link = c->data;

    if (!link->is_open) {
        ngx_http_ehr_redis_link_connected(link);
        return;
    }

    for (i = 0; i < NGX_HTTP_EHR_REDIS_READS; i++) {
        n = c->recv(c, buf, NGX_HTTP_EHR_REDIS_BUFFER);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == 0) {
            link->failed(link->data, 0, "it closed the connection");
            return;
        }

        if (n < 0) {
            link->failed(link->data, ngx_socket_errno, "recv() failed");
            return;
        }

        if (link->received(link->data, buf, n) != NGX_OK) {
            return;
        }
    }

    if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        link->failed(link->data, 0, "its events cannot be watched");
        return;
    }

    /* Edge-triggered: nobody announces again what is left unread. */

    if (i == NGX_HTTP_EHR_REDIS_READS && !rev->posted) {
        ngx_post_event(rev, &ngx_posted_events);
    }
}


ngx_uint_t
ngx_http_ehr_redis_link_is_behind(ngx_http_ehr_redis_link_t *link)
{
    char               byte;
    ngx_connection_t  *c = link->connection;

    if (recv(c->fd, &byte, 1, MSG_PEEK|MSG_DONTWAIT) != 1) {
        return 0;
    }

    c->read->ready = 1;
    c->read->available = -1;

    if (!c->read->posted) {
        ngx_post_event(c->read, &ngx_posted_events);
    }

    return 1;
}


void
ngx_http_ehr_redis_link_close(ngx_http_ehr_redis_link_t *link)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c = link->connection;

    ngx_http_ehr_redis_out_free(&link->out);

    if (c == NULL) {
        return;
    }

    link->connection = NULL;
    link->is_open = 0;

    if (c->ssl) {

        /* Quietly: a close_notify that blocks would outlive us. */

        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        (void) ngx_ssl_shutdown(c);
    }

    pool = c->pool;
    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }
}
