/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One connection: connect, handshake, one request at a time, its answer.
 * Never blocks; an epoll set says when to turn it.  Knows neither documents
 * nor how many connections there are.
 */

#ifndef CONN_H
#define CONN_H


#include "http.h"
#include "target.h"


typedef enum {
    CONN_CLOSED = 0,
    CONN_CONNECTING,
    CONN_HANDSHAKE,
    CONN_IDLE,                  /* a request may be sent */
    CONN_WRITING,               /* an answer may come before all is sent */
    CONN_READING
} conn_state_e;

typedef enum {
    CONN_NOTHING = 0,           /* turn it again when epoll says so */
    CONN_READY,                 /* just became idle after the handshake */
    CONN_ANSWERED,              /* conn->answer is whole */
    CONN_LOST                   /* closed; conn->fault says how */
} conn_event_e;

/*  id, name in the result */

#define CONN_FAULTS(X)                                                        \
    X(CONNECT, "connect")                                                     \
    X(TLS, "tls")                                                             \
    X(LOST, "lost")                                                           \
    X(PROTOCOL, "protocol")                                                   \
    X(TIMEOUT, "timeout")

typedef enum {
#define X(id, name)  CONN_FAULT_##id,
    CONN_FAULTS(X)
#undef X
    CONN_FAULT_LAST
} conn_fault_e;


/* Lives as long as its epoll set; all zero is CONN_CLOSED. */

typedef struct {
    int               epoll;
    SSL_CTX          *ctx;      /* NULL: no TLS */
    const target_t   *target;
    void             *data;     /* the owner's; epoll gives the conn_t */

    conn_state_e      state;
    conn_fault_e      fault;
    int               fd;
    SSL              *ssl;
    const char       *out;      /* borrowed until answered or lost */
    size_t            out_len;
    http_answer_t     answer;
} conn_t;


/* From CONN_CLOSED.  Gives -1 with conn->fault: stays closed. */
int conn_open(conn_t *c);

/* From CONN_IDLE.  Nothing is sent before the next turn. */
void conn_send(conn_t *c, const char *bytes, size_t len);

/* Does what can be done now; call it again until CONN_NOTHING. */
conn_event_e conn_turn(conn_t *c);

/* From any state; the answer stays readable until the next conn_send(). */
void conn_close(conn_t *c);

/* Closes and gives CONN_LOST: the owner's clock says so. */
conn_event_e conn_expire(conn_t *c);

const char *conn_fault_name(conn_fault_e fault);


#endif /* CONN_H */
