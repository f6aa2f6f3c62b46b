/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A small HTTPS client: one request, one connection, one answer.  TLS 1.2 or
 * newer, the server's certificate and name or address verified, a client
 * certificate shown.  No proxies, no redirects, no cookies.
 */

#ifndef EHRCTL_HTTP_H
#define EHRCTL_HTTP_H


#include "ehr.h"


#define HTTP_RESPONSE_MAX  (16 * 1024 * 1024)
#define HTTP_HOST_MAX      256
#define HTTP_PREFIX_MAX    256
#define HTTP_ERROR_MAX     512


typedef struct {
    const char   *url;            /* https://host[:port][/prefix] */
    const char   *cert;
    const char   *key;
    const char   *ca;
} http_peer_t;


typedef struct {
    const char   *method;
    const char   *path;
    const char   *language;       /* Accept-Language */
    const char   *if_match;       /* entity tag with its quotes, or NULL */
    ehr_str_t     body;           /* JSON; empty: none */
} http_request_t;


typedef struct {
    int           status;
    ehr_str_t     body;           /* in the arena, NUL behind it */
    char          error[HTTP_ERROR_MAX];
} http_response_t;


/* EHR_OK: there is a whole answer, of any status; else error says why not. */
ehr_rc_t http_call(const http_peer_t *peer, const http_request_t *request,
                   ehr_arena_t *arena, http_response_t *response);


/* --- http_message.c: text in, text out; no socket ------------------------ */

typedef struct {
    char          host[HTTP_HOST_MAX];    /* without brackets */
    char          port[8];
    char          prefix[HTTP_PREFIX_MAX];    /* "" or "/x" */
    int           is_address;
} http_url_t;

/* EHR_REFUSED when it is no https URL. */
ehr_rc_t http_url_read(const char *text, http_url_t *url);

/* The request as it goes over the wire; data NULL without memory. */
ehr_str_t http_request_render(const http_url_t *url,
                              const http_request_t *request,
                              ehr_arena_t *arena);

/*
 * Reads a whole answer (everything until the peer closed).  The body may be
 * framed by Content-Length or by chunks, or end with the connection if that
 * was closed as TLS demands.  EHR_REFUSED: it is cut or no HTTP/1.1.
 */
ehr_rc_t http_response_read(ehr_str_t text, int is_closed_cleanly,
                            ehr_arena_t *arena, http_response_t *response);


#endif /* EHRCTL_HTTP_H */
