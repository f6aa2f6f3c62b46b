/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Connections under TLS, seen where their text is still, or again, in clear:
 * a point in a talk with a sender or with a partner is named by who says
 * something, not by records and handshakes.  It looks at ports only.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>

#include "preload.h"


#define MAX_PORT  8


/* OpenSSL's, of which we want no header. */

int SSL_write(void *ssl, const void *data, int len);
int SSL_read(void *ssl, void *data, int len);

typedef struct {
    char  own[MAX_PORT];
    char  peer[MAX_PORT];
} ends_t;

static int  (*true_SSL_write)(void *, const void *, int);
static int  (*true_SSL_read)(void *, void *, int);
static int  (*true_SSL_get_fd)(const void *);


static void
name_end(char *name, const struct sockaddr_in *addr)
{
    unsigned  port = addr->sin_family == AF_INET ? ntohs(addr->sin_port) : 0;

    (void) snprintf(name, MAX_PORT, ":%u", port);
}


static fault_names_t
names_of(const void *ssl, ends_t *ends)
{
    int                 fd;
    socklen_t           len;
    fault_names_t       names = { NULL, NULL };
    struct sockaddr_in  addr;

    if (!fault_is_planned()) {
        return names;
    }

    fault_find(&true_SSL_get_fd, "SSL_get_fd");
    fd = true_SSL_get_fd(ssl);

    addr.sin_family = AF_UNSPEC;
    len = sizeof(addr);
    (void) getsockname(fd, (struct sockaddr *) (void *) &addr, &len);
    name_end(ends->own, &addr);

    addr.sin_family = AF_UNSPEC;
    len = sizeof(addr);
    (void) getpeername(fd, (struct sockaddr *) (void *) &addr, &len);
    name_end(ends->peer, &addr);

    names.first = ends->own;
    names.second = ends->peer;

    return names;
}


int
SSL_write(void *ssl, const void *data, int len)
{
    int          n;
    ends_t       ends;
    fault_act_e  act;

    if (true_SSL_write == NULL) {
        fault_find(&true_SSL_write, "SSL_write");
    }

    act = fault_act("send", names_of(ssl, &ends));
    n = true_SSL_write(ssl, data, len);
    fault_after(act);

    return n;
}


/* What did not come is no call: nginx asks again when there is something. */

int
SSL_read(void *ssl, void *data, int len)
{
    int     n;
    ends_t  ends;

    if (true_SSL_read == NULL) {
        fault_find(&true_SSL_read, "SSL_read");
    }

    n = true_SSL_read(ssl, data, len);

    if (n > 0) {
        fault_after(fault_act("recv", names_of(ssl, &ends)));
    }

    return n;
}
