/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The states of one connection.  Readiness is edge-triggered, both ways at
 * once, so that a request costs no epoll_ctl(): whoever gets readiness turns
 * the connection until it says CONN_NOTHING.
 */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <openssl/err.h>

#include "conn.h"


#define CONN_READ_SIZE   16384
#define CONN_IO_AGAIN    -1
#define CONN_IO_ERROR    -2


static const char  *conn_fault_names[] = {
#define X(id, name)  name,
    CONN_FAULTS(X)
#undef X
};


const char *
conn_fault_name(conn_fault_e fault)
{
    return conn_fault_names[fault];
}


void
conn_close(conn_t *c)
{
    if (c->state == CONN_CLOSED) {
        return;
    }

    if (c->ssl != NULL) {
        SSL_free(c->ssl);
        c->ssl = NULL;
    }

    (void) close(c->fd);

    c->fd = -1;
    c->out = NULL;
    c->out_len = 0;
    c->state = CONN_CLOSED;
}


static conn_event_e
conn_lose(conn_t *c, conn_fault_e fault)
{
    conn_close(c);
    c->fault = fault;

    return CONN_LOST;
}


conn_event_e
conn_expire(conn_t *c)
{
    return conn_lose(c, CONN_FAULT_TIMEOUT);
}


static int
conn_start_tls(conn_t *c)
{
    const char  *host = c->target->host;

    if (c->ctx == NULL) {
        return 0;
    }

    c->ssl = SSL_new(c->ctx);

    if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1) {
        return -1;
    }

    SSL_set_connect_state(c->ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(c->ssl), host) == 1) {
        return 0;
    }

    return SSL_set1_host(c->ssl, host) == 1
           && SSL_set_tlsext_host_name(c->ssl, host) == 1 ? 0 : -1;
}


static int
conn_start(conn_t *c)
{
    int                 on = 1;
    struct epoll_event  ee;

    ee.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    ee.data.ptr = c;

    if (setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0
        || conn_start_tls(c) != 0)
    {
        return -1;
    }

    if (connect(c->fd, (const struct sockaddr *) &c->target->addr,
                c->target->addr_len) != 0
        && errno != EINPROGRESS)
    {
        return -1;
    }

    return epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->fd, &ee);
}


int
conn_open(conn_t *c)
{
    c->fd = socket(c->target->addr.ss_family,
                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (c->fd == -1) {
        c->fault = CONN_FAULT_CONNECT;
        return -1;
    }

    c->state = CONN_CONNECTING;

    if (conn_start(c) != 0) {
        (void) conn_lose(c, CONN_FAULT_CONNECT);
        return -1;
    }

    return 0;
}


static int
conn_tls_result(conn_t *c, int n)
{
    switch (SSL_get_error(c->ssl, n)) {

    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return CONN_IO_AGAIN;

    case SSL_ERROR_ZERO_RETURN:
        return 0;

    default:
        return CONN_IO_ERROR;
    }
}


/* Bytes, 0 for the end of what is read, or CONN_IO_*. */

static int
conn_read(conn_t *c, char *buf, int size)
{
    int  n;

    if (c->ssl != NULL) {
        ERR_clear_error();
        n = SSL_read(c->ssl, buf, size);
        return n > 0 ? n : conn_tls_result(c, n);
    }

    n = (int) recv(c->fd, buf, (size_t) size, 0);
    if (n >= 0) {
        return n;
    }

    return errno == EAGAIN ? CONN_IO_AGAIN : CONN_IO_ERROR;
}


static int
conn_write(conn_t *c, const char *buf, size_t size)
{
    int  n;

    if (c->ssl != NULL) {
        ERR_clear_error();
        n = SSL_write(c->ssl, buf, size > INT32_MAX ? INT32_MAX : (int) size);
        n = n > 0 ? n : conn_tls_result(c, n);
        return n == 0 ? CONN_IO_ERROR : n;
    }

    n = (int) send(c->fd, buf, size, MSG_NOSIGNAL);
    if (n >= 0) {
        return n;
    }

    return errno == EAGAIN ? CONN_IO_AGAIN : CONN_IO_ERROR;
}


static conn_event_e
conn_turn_connecting(conn_t *c)
{
    int        err = 0;
    socklen_t  len = sizeof(err);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0
        || err != 0)
    {
        return conn_lose(c, CONN_FAULT_CONNECT);
    }

    if (c->ssl == NULL) {
        c->state = CONN_IDLE;
        return CONN_READY;
    }

    c->state = CONN_HANDSHAKE;

    return conn_turn(c);
}


static conn_event_e
conn_turn_handshake(conn_t *c)
{
    int  n;

    ERR_clear_error();

    n = SSL_do_handshake(c->ssl);

    if (n == 1) {
        c->state = CONN_IDLE;
        return CONN_READY;
    }

    if (conn_tls_result(c, n) == CONN_IO_AGAIN) {
        return CONN_NOTHING;
    }

    return conn_lose(c, CONN_FAULT_TLS);
}


/* TLS tickets come here, and the news that an idle connection ended. */

static conn_event_e
conn_turn_idle(conn_t *c)
{
    int   n;
    char  buf[1];

    n = conn_read(c, buf, sizeof(buf));

    if (n == CONN_IO_AGAIN) {
        return CONN_NOTHING;
    }

    return conn_lose(c, n > 0 ? CONN_FAULT_PROTOCOL : CONN_FAULT_LOST);
}


static conn_event_e
conn_answered(conn_t *c)
{
    /* answered before all was sent: the rest would be taken for a request */

    if (c->state == CONN_WRITING || c->answer.is_last) {
        conn_close(c);

    } else {
        c->state = CONN_IDLE;
    }

    return CONN_ANSWERED;
}


static conn_event_e
conn_turn_reading(conn_t *c)
{
    int   n;
    char  buf[CONN_READ_SIZE];

    for ( ;; ) {
        n = conn_read(c, buf, sizeof(buf));

        if (n == CONN_IO_AGAIN) {
            return CONN_NOTHING;
        }

        if (n <= 0) {
            return conn_lose(c, CONN_FAULT_LOST);
        }

        switch (http_answer_feed(&c->answer, buf, (size_t) n)) {

        case HTTP_DONE:
            return conn_answered(c);

        case HTTP_BAD:
            return conn_lose(c, CONN_FAULT_PROTOCOL);

        case HTTP_MORE:
            break;
        }
    }
}


static conn_event_e
conn_turn_writing(conn_t *c)
{
    int  n;

    while (c->out_len > 0) {
        n = conn_write(c, c->out, c->out_len);

        /* refused in the middle of the body: the answer may be there */

        if (n == CONN_IO_AGAIN || n == CONN_IO_ERROR) {
            return conn_turn_reading(c);
        }

        c->out += n;
        c->out_len -= (size_t) n;
    }

    c->state = CONN_READING;

    return conn_turn_reading(c);
}


conn_event_e
conn_turn(conn_t *c)
{
    switch (c->state) {

    case CONN_CONNECTING:
        return conn_turn_connecting(c);

    case CONN_HANDSHAKE:
        return conn_turn_handshake(c);

    case CONN_IDLE:
        return conn_turn_idle(c);

    case CONN_WRITING:
        return conn_turn_writing(c);

    case CONN_READING:
        return conn_turn_reading(c);

    case CONN_CLOSED:
        break;
    }

    return CONN_NOTHING;
}


void
conn_send(conn_t *c, const char *bytes, size_t len)
{
    http_answer_reset(&c->answer);

    c->out = bytes;
    c->out_len = len;
    c->state = CONN_WRITING;
}
