/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reads a URL, resolves it on this machine, loads certificates.
 */

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "target.h"


#define TARGET_PORT_MAX      5

#define TARGET_CIPHERS                                                        \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"              \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"


static int
target_is_loopback(const struct sockaddr *sa)
{
    struct sockaddr_in   sin;
    struct sockaddr_in6  sin6;

    if (sa->sa_family == AF_INET) {
        memcpy(&sin, sa, sizeof(sin));
        return ntohl(sin.sin_addr.s_addr) >> 24 == 127;
    }

    if (sa->sa_family == AF_INET6) {
        memcpy(&sin6, sa, sizeof(sin6));
        return IN6_IS_ADDR_LOOPBACK(&sin6.sin6_addr);
    }

    return 0;
}


static const char *
target_resolve(target_t *target, const char *port)
{
    const char        *fault = NULL;
    struct addrinfo    hints, *res;

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;

    if (getaddrinfo(target->host, port, &hints, &res) != 0) {
        return "unknown host";
    }

    if (target_is_loopback(res->ai_addr)) {
        memcpy(&target->addr, res->ai_addr, res->ai_addrlen);
        target->addr_len = res->ai_addrlen;

    } else {
        fault = "not an address of this machine";
    }

    freeaddrinfo(res);

    return fault;
}


/* host, [v6] or host:port, into host and port. */

static const char *
target_split(target_t *target, char *port)
{
    size_t       len;
    const char  *p, *host;

    host = target->authority;

    if (*host == '[') {
        host++;
        len = strcspn(host, "]");
        p = host + len + (host[len] == ']');

    } else {
        len = strcspn(host, ":");
        p = host + len;
    }

    if (len == 0 || len > TARGET_HOST_MAX) {
        return "no host";
    }

    memcpy(target->host, host, len);
    target->host[len] = '\0';

    if (*p == '\0') {
        (void) strcpy(port, target->is_tls ? "443" : "80");
        return NULL;
    }

    if (*p != ':' || strlen(p + 1) > TARGET_PORT_MAX) {
        return "bad port";
    }

    (void) strcpy(port, p + 1);

    return NULL;
}


static const char *
target_read_url(target_t *target, const char *url)
{
    char         port[TARGET_PORT_MAX + 1];
    size_t       len;
    const char  *fault;

    memset(target, 0, sizeof(target_t));

    target->is_tls = (strncmp(url, "https://", 8) == 0);

    if (!target->is_tls && strncmp(url, "http://", 7) != 0) {
        return "not an http or https URL";
    }

    url += target->is_tls ? 8 : 7;
    len = strcspn(url, "/?");

    if (len > TARGET_AUTHORITY_MAX || strlen(url + len) >= TARGET_PATH_MAX) {
        return "too long";
    }

    memcpy(target->authority, url, len);

    (void) snprintf(target->path, sizeof(target->path), "%s%s",
                    url[len] == '/' ? "" : "/", url + len);

    fault = target_split(target, port);

    return fault != NULL ? fault : target_resolve(target, port);
}


int
target_parse(target_t *target, const char *url)
{
    const char  *fault;

    fault = target_read_url(target, url);

    if (fault != NULL) {
        fprintf(stderr, "ehr-load: %s: %s\n", url, fault);
        return -1;
    }

    return 0;
}


static const char *
target_load_files(SSL_CTX *ctx, const target_tls_t *files)
{
    if (files->ca != NULL) {
        if (SSL_CTX_load_verify_locations(ctx, files->ca, NULL) != 1) {
            return files->ca;
        }

        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    }

    if (files->cert == NULL) {
        return NULL;
    }

    if (SSL_CTX_use_certificate_chain_file(ctx, files->cert) != 1) {
        return files->cert;
    }

    if (files->key == NULL
        || SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM)
           != 1)
    {
        return files->key == NULL ? "a key for each certificate" : files->key;
    }

    return NULL;
}


SSL_CTX *
target_context(const target_tls_t *files)
{
    SSL_CTX     *ctx;
    const char  *fault;

    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL) {
        return NULL;
    }

    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                          | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                          | SSL_MODE_RELEASE_BUFFERS);

    fault = SSL_CTX_set_cipher_list(ctx, TARGET_CIPHERS) == 1
            ? target_load_files(ctx, files) : "no cipher";

    if (fault != NULL) {
        fprintf(stderr, "ehr-load: cannot use %s: %s\n", fault,
                ERR_reason_error_string(ERR_peek_last_error()));
        SSL_CTX_free(ctx);
        return NULL;
    }

    return ctx;
}
