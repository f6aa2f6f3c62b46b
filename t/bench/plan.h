/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What is sent and as whom: made once from the options, then only read, by
 * all threads.
 */

#ifndef PLAN_H
#define PLAN_H


#include "doc.h"
#include "options.h"
#include "target.h"


#define PLAN_PREFIX_MAX  DOC_MARKER_MAX

/* One facility. */

typedef struct {
    SSL_CTX  *ctx;                      /* NULL: no TLS */
    doc_t    *doc;                      /* NULL: the body is always the same */
    char     *request;                  /* head and body */
    size_t    request_len;
    size_t    head_len;
    char      prefix[PLAN_PREFIX_MAX + 1];
    size_t    digits;                   /* of the number behind the prefix */
} plan_sender_t;


typedef struct {
    const options_t  *options;
    target_t          target;
    plan_sender_t     senders[OPTIONS_LIST_MAX];
    int               n_senders;
} plan_t;


/* Gives 0, or -1 and why on standard error; plan_free() in both cases. */
int plan_make(plan_t *plan, const options_t *options);

void plan_free(plan_t *plan);

/* Writes the unique text of the n-th document; DOC_MARKER_MAX + 1 bytes. */
void plan_unique(const plan_sender_t *sender, uint64_t n, char *out);

/* The answer is one of those that were hoped for. */
int plan_is_expected(const plan_t *plan, int status);


#endif /* PLAN_H */
