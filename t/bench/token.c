/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One request on one connection, before the load begins.
 */

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "conn.h"
#include "token.h"


#define TOKEN_TURNS_MAX    1000
#define TOKEN_TIMEOUT_MS   10000
#define TOKEN_REQUEST_MAX  (TARGET_AUTHORITY_MAX + 256)

#define TOKEN_FORM         "grant_type=client_credentials"


static conn_event_e
token_exchange(conn_t *c, const char *request, size_t len)
{
    conn_event_e        event;
    struct epoll_event  ee;

    for (int i = 0; i < TOKEN_TURNS_MAX; i++) {
        event = conn_turn(c);

        if (event == CONN_READY) {
            conn_send(c, request, len);
            continue;
        }

        if (event != CONN_NOTHING) {
            return event;
        }

        if (epoll_wait(c->epoll, &ee, 1, TOKEN_TIMEOUT_MS) != 1) {
            break;
        }
    }

    return conn_expire(c);
}


static int
token_ask(conn_t *c, char *out)
{
    int   n;
    char  request[TOKEN_REQUEST_MAX];

    n = snprintf(request, sizeof(request),
                 "POST /oauth2/token HTTP/1.1\r\n"
                 "Host: %s\r\n"
                 "Content-Type: application/x-www-form-urlencoded\r\n"
                 "Content-Length: %zu\r\n"
                 "\r\n" TOKEN_FORM,
                 c->target->authority, strlen(TOKEN_FORM));

    if (n < 0 || n >= (int) sizeof(request)) {
        return -1;
    }

    if (conn_open(c) != 0
        || token_exchange(c, request, (size_t) n) != CONN_ANSWERED)
    {
        fprintf(stderr, "ehr-load: no token: %s\n",
                conn_fault_name(c->fault));
        return -1;
    }

    if (c->answer.status != 200
        || http_answer_text(&c->answer, "access_token", out, TOKEN_MAX) != 0)
    {
        fprintf(stderr, "ehr-load: no token: status %d\n", c->answer.status);
        return -1;
    }

    return 0;
}


int
token_fetch(const target_t *target, SSL_CTX *ctx, char *out)
{
    int     rc;
    conn_t  c;

    memset(&c, 0, sizeof(conn_t));

    c.target = target;
    c.ctx = ctx;

    c.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (c.epoll == -1) {
        perror("ehr-load: epoll");
        return -1;
    }

    rc = token_ask(&c, out);

    conn_close(&c);
    http_answer_free(&c.answer);
    (void) close(c.epoll);

    return rc;
}
