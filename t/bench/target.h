/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Where requests go: an address of this machine, taken from a URL, and the
 * TLS context that leads there.  Refuses every other machine: load is for
 * one's own.
 */

#ifndef TARGET_H
#define TARGET_H


#include <sys/socket.h>

#include <openssl/ssl.h>


#define TARGET_HOST_MAX       255
#define TARGET_AUTHORITY_MAX  (TARGET_HOST_MAX + 16)
#define TARGET_PATH_MAX       2047

typedef struct {
    int                      is_tls;
    char                     host[TARGET_HOST_MAX + 1];
    char                     authority[TARGET_AUTHORITY_MAX + 1];
    char                     path[TARGET_PATH_MAX + 1];
    struct sockaddr_storage  addr;
    socklen_t                addr_len;
} target_t;


/* The files of one TLS client; NULL where there is none. */

typedef struct {
    const char  *ca;            /* who may have issued the server's */
    const char  *cert;
    const char  *key;
} target_tls_t;


/* Gives 0, or -1 and why on standard error. */
int target_parse(target_t *target, const char *url);

/* Gives NULL, and why on standard error; else SSL_CTX_free() it. */
SSL_CTX *target_context(const target_tls_t *files);


#endif /* TARGET_H */
