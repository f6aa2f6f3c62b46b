/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The connection of the small HTTPS client: address, socket, TLS, and bytes
 * both ways with time limits.  Decides whom to trust (the CA given, and the
 * name or address of the URL); knows nothing of what is said.
 */

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "http.h"


#define HTTP_TIMEOUT_SEC  30
#define HTTP_READ_FIRST   65536


typedef struct {
    SSL_CTX          *ssl_ctx;
    SSL              *ssl;
    int               fd;
    http_response_t  *response;
} http_connection_t;


__attribute__((format(printf, 2, 3)))
static ehr_rc_t
failed(http_response_t *response, const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    (void) vsnprintf(response->error, sizeof(response->error), format, args);
    va_end(args);

    return EHR_LATER;
}


static const char *
ssl_reason(void)
{
    unsigned long  e = ERR_peek_last_error();
    const char    *reason;

    reason = e != 0 ? ERR_reason_error_string(e) : NULL;

    return reason != NULL ? reason : "connection closed";
}


static ehr_rc_t
ssl_context(const http_peer_t *peer, http_connection_t *c)
{
    c->ssl_ctx = SSL_CTX_new(TLS_client_method());

    if (c->ssl_ctx == NULL
        || SSL_CTX_set_min_proto_version(c->ssl_ctx, TLS1_2_VERSION) != 1)
    {
        return failed(c->response, "TLS: %s", ssl_reason());
    }

    SSL_CTX_set_verify(c->ssl_ctx, SSL_VERIFY_PEER, NULL);

    if (SSL_CTX_load_verify_locations(c->ssl_ctx, peer->ca, NULL) != 1) {
        return failed(c->response, "CA \"%s\": %s", peer->ca, ssl_reason());
    }

    if (SSL_CTX_use_certificate_chain_file(c->ssl_ctx, peer->cert) != 1) {
        return failed(c->response, "certificate \"%s\": %s", peer->cert,
                      ssl_reason());
    }

    if (SSL_CTX_use_PrivateKey_file(c->ssl_ctx, peer->key, SSL_FILETYPE_PEM)
            != 1
        || SSL_CTX_check_private_key(c->ssl_ctx) != 1)
    {
        return failed(c->response, "key \"%s\": %s", peer->key, ssl_reason());
    }

    return EHR_OK;
}


static int
socket_open(const struct addrinfo *ai)
{
    int             fd;
    struct timeval  limit = { .tv_sec = HTTP_TIMEOUT_SEC };

    fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC,
                ai->ai_protocol);
    if (fd == -1) {
        return -1;
    }

    /* On Linux the limit for sending holds for connect(), too. */

    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) == 0
        && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) == 0
        && connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
    {
        return fd;
    }

    (void) close(fd);

    return -1;
}


static ehr_rc_t
connect_to(const http_url_t *url, http_connection_t *c)
{
    int               rc;
    struct addrinfo   hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo  *list, *ai;

    rc = getaddrinfo(url->host, url->port, &hints, &list);
    if (rc != 0) {
        return failed(c->response, "%s: %s", url->host, gai_strerror(rc));
    }

    for (ai = list; ai != NULL && c->fd == -1; ai = ai->ai_next) {
        c->fd = socket_open(ai);
    }

    rc = errno;
    freeaddrinfo(list);

    if (c->fd == -1) {
        return failed(c->response, "%s port %s: %s", url->host, url->port,
                      strerror(rc));
    }

    return EHR_OK;
}


static ehr_rc_t
handshake(const http_url_t *url, http_connection_t *c)
{
    long                verified;
    X509_VERIFY_PARAM  *param;

    c->ssl = SSL_new(c->ssl_ctx);

    if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1) {
        return failed(c->response, "TLS: %s", ssl_reason());
    }

    param = SSL_get0_param(c->ssl);

    if (url->is_address
        ? X509_VERIFY_PARAM_set1_ip_asc(param, url->host) != 1
        : SSL_set1_host(c->ssl, url->host) != 1
          || SSL_set_tlsext_host_name(c->ssl, url->host) != 1)
    {
        return failed(c->response, "TLS: %s", ssl_reason());
    }

    ERR_clear_error();

    if (SSL_connect(c->ssl) == 1) {
        return EHR_OK;
    }

    verified = SSL_get_verify_result(c->ssl);

    if (verified != X509_V_OK) {
        return failed(c->response, "the server's certificate: %s",
                      X509_verify_cert_error_string(verified));
    }

    return failed(c->response, "TLS: %s", ssl_reason());
}


static ehr_rc_t
send_all(http_connection_t *c, ehr_str_t text)
{
    size_t  sent;

    ERR_clear_error();

    if (SSL_write_ex(c->ssl, text.data, text.len, &sent) != 1
        || sent != text.len)
    {
        return failed(c->response, "sending: %s", ssl_reason());
    }

    return EHR_OK;
}


/* Everything until the peer closes; *is_clean: with TLS's own goodbye. */

static ehr_rc_t
receive_all(http_connection_t *c, ehr_arena_t *arena, ehr_str_t *text,
            int *is_clean)
{
    char    *data, *bigger;
    size_t   n, len = 0, size = HTTP_READ_FIRST;

    data = ehr_arena_alloc(arena, size);

    while (data != NULL) {
        ERR_clear_error();

        if (SSL_read_ex(c->ssl, data + len, size - len, &n) != 1) {
            text->data = data;
            text->len = len;
            *is_clean = SSL_get_error(c->ssl, 0) == SSL_ERROR_ZERO_RETURN;

            return len > 0 ? EHR_OK
                           : failed(c->response, "receiving: %s",
                                    ssl_reason());
        }

        len += n;

        if (len < size) {
            continue;
        }

        if (size >= HTTP_RESPONSE_MAX) {
            return failed(c->response, "the answer is too long");
        }

        bigger = ehr_arena_alloc(arena, 2 * size);
        if (bigger != NULL) {
            memcpy(bigger, data, len);
        }

        data = bigger;
        size *= 2;
    }

    return failed(c->response, "no memory");
}


static ehr_rc_t
exchange(http_connection_t *c, const http_peer_t *peer,
         const http_request_t *request, ehr_arena_t *arena)
{
    int         is_clean = 0;
    ehr_rc_t    rc;
    ehr_str_t   text;
    http_url_t  url;

    if (http_url_read(peer->url, &url) != EHR_OK) {
        return failed(c->response, "\"%s\" is no https URL", peer->url);
    }

    text = http_request_render(&url, request, arena);
    if (text.data == NULL) {
        return failed(c->response, "the request is too long");
    }

    rc = ssl_context(peer, c);

    if (rc == EHR_OK) {
        rc = connect_to(&url, c);
    }

    if (rc == EHR_OK) {
        rc = handshake(&url, c);
    }

    if (rc == EHR_OK) {
        rc = send_all(c, text);
    }

    if (rc == EHR_OK) {
        rc = receive_all(c, arena, &text, &is_clean);
    }

    if (rc == EHR_OK
        && http_response_read(text, is_clean, arena, c->response) != EHR_OK)
    {
        rc = failed(c->response, "the answer is cut or no HTTP/1.1");
    }

    return rc;
}


ehr_rc_t
http_call(const http_peer_t *peer, const http_request_t *request,
          ehr_arena_t *arena, http_response_t *response)
{
    ehr_rc_t           rc;
    http_connection_t  c = { .fd = -1, .response = response };

    memset(response, 0, sizeof(http_response_t));

    rc = exchange(&c, peer, request, arena);

    if (rc == EHR_OK) {
        (void) SSL_shutdown(c.ssl);
    }

    SSL_free(c.ssl);
    SSL_CTX_free(c.ssl_ctx);

    if (c.fd != -1) {
        (void) close(c.fd);
    }

    return rc;
}
