/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the command line asks for.
 */

#ifndef OPTIONS_H
#define OPTIONS_H


#include <stdint.h>
#include <sys/types.h>


#define OPTIONS_LIST_MAX     16
#define OPTIONS_THREADS_MAX  64

typedef struct {
    const char  *values[OPTIONS_LIST_MAX];
    int          n;
} options_list_t;


typedef struct {
    const char      *url;
    const char      *method;
    const char      *type;          /* Content-Type */
    options_list_t   templates;     /* of all, or one a certificate */
    const char      *body;          /* a file, sent as it is */
    const char      *marker;
    const char      *prefix;        /* of the unique texts */
    options_list_t   headers;

    const char      *ca;
    options_list_t   certs;
    options_list_t   keys;
    options_list_t   tokens;
    int              fetch_token;

    int64_t          clients;       /* of all threads */
    int64_t          requests;      /* documents of all; 0: by seconds */
    double           seconds;
    double           warmup;        /* seconds not counted */
    double           rate;          /* documents a second; 0: closed loop */
    int64_t          threads;
    int64_t          retry;         /* how often one document is sent again */
    int64_t          timeout_ms;
    int              twins;
    int              once;          /* a connection for each request */

    options_list_t   expect;        /* status codes; none: any 2xx */
    const char      *ledger;
    options_list_t   pids;          /* whose CPU time is told */
    int              json;
} options_t;


/* Gives -1 to go on; else the exit status, after printing why. */
int options_parse(options_t *o, int argc, char **argv);


#endif /* OPTIONS_H */
