/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Prepares everything that does not change from one request to the next: the
 * head, the template, the TLS context and the token of each facility.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "plan.h"
#include "token.h"


#define PLAN_BODY_MAX    (64 * 1024 * 1024)
#define PLAN_DIGITS_MIN  9
#define PLAN_RUN_MAX     14


static int
plan_choose_prefix(plan_t *plan, plan_sender_t *sender)
{
    size_t           room, len;
    char             run[PLAN_RUN_MAX * 2];
    const char      *prefix;
    struct timespec  ts;

    room = doc_marker_len(sender->doc) - PLAN_DIGITS_MIN;
    prefix = plan->options->prefix;

    if (prefix == NULL) {
        if (clock_gettime(CLOCK_REALTIME, &ts) != 0) {
            return -1;
        }

        (void) snprintf(run, sizeof(run), "%lx-%05lx-", (long) ts.tv_sec,
                        (ts.tv_nsec / 1000 + getpid()) & 0xfffff);

        /* where there is little room, what changes fastest */

        len = strlen(run);
        prefix = run + (len > room ? len - room : 0);
    }

    len = strlen(prefix);
    if (len > room) {
        fprintf(stderr, "ehr-load: --prefix: at most %zu characters\n", room);
        return -1;
    }

    memcpy(sender->prefix, prefix, len + 1);
    sender->digits = doc_marker_len(sender->doc) - len;

    return 0;
}


/* What the body is: *body is borrowed from doc, or from *file. */

static int
plan_load_body(plan_t *plan, int i, char **file, size_t *len)
{
    const char       *path;
    plan_sender_t    *sender = &plan->senders[i];
    const options_t  *o = plan->options;

    if (o->templates.n > 0) {
        path = o->templates.values[o->templates.n > 1 ? i : 0];

        sender->doc = doc_load(path, o->marker);
        if (sender->doc == NULL) {
            return -1;
        }

        *len = doc_size(sender->doc);
        return plan_choose_prefix(plan, sender);
    }

    *len = 0;

    if (o->body == NULL) {
        return 0;
    }

    *file = file_read(o->body, PLAN_BODY_MAX, len);
    if (*file == NULL) {
        fprintf(stderr, "ehr-load: %s: %s\n", o->body, strerror(errno));
        return -1;
    }

    return 0;
}


static void
plan_write_head(const plan_t *plan, FILE *fp, const char *token, size_t len)
{
    const options_t  *o = plan->options;

    fprintf(fp, "%s %s HTTP/1.1\r\nHost: %s\r\n", o->method,
            plan->target.path, plan->target.authority);

    if (len > 0) {
        fprintf(fp, "Content-Type: %s\r\nContent-Length: %zu\r\n", o->type,
                len);
    }

    if (token != NULL) {
        fprintf(fp, "Authorization: Bearer %s\r\n", token);
    }

    for (int i = 0; i < o->headers.n; i++) {
        fprintf(fp, "%s\r\n", o->headers.values[i]);
    }

    fprintf(fp, "%s\r\n", o->once ? "Connection: close\r\n" : "");
}


static int
plan_write_request(plan_t *plan, int i, const char *token)
{
    int             rc;
    FILE           *fp;
    char           *file = NULL;
    size_t          len;
    const char     *body;
    plan_sender_t  *sender = &plan->senders[i];

    if (plan_load_body(plan, i, &file, &len) != 0) {
        return -1;
    }

    fp = open_memstream(&sender->request, &sender->request_len);
    if (fp == NULL) {
        free(file);
        return -1;
    }

    plan_write_head(plan, fp, token, len);

    rc = fflush(fp);
    sender->head_len = sender->request_len;

    body = sender->doc != NULL ? doc_image(sender->doc) : file;
    if (len > 0 && fwrite(body, 1, len, fp) != len) {
        rc = -1;
    }

    free(file);

    return fclose(fp) != 0 ? -1 : rc;
}


static int
plan_make_sender(plan_t *plan, int i)
{
    char              token[TOKEN_MAX];
    const char       *bearer;
    target_tls_t      files;
    plan_sender_t    *sender = &plan->senders[i];
    const options_t  *o = plan->options;

    files.ca = o->ca;
    files.cert = i < o->certs.n ? o->certs.values[i] : NULL;
    files.key = i < o->keys.n ? o->keys.values[i] : NULL;

    if (plan->target.is_tls) {
        sender->ctx = target_context(&files);
        if (sender->ctx == NULL) {
            return -1;
        }
    }

    bearer = i < o->tokens.n ? o->tokens.values[i] : NULL;

    if (bearer == NULL && o->fetch_token) {
        if (token_fetch(&plan->target, sender->ctx, token) != 0) {
            return -1;
        }

        bearer = token;
    }

    return plan_write_request(plan, i, bearer);
}


int
plan_make(plan_t *plan, const options_t *options)
{
    memset(plan, 0, sizeof(plan_t));

    plan->options = options;
    plan->n_senders = options->certs.n > 0 ? options->certs.n : 1;

    if (target_parse(&plan->target, options->url) != 0) {
        return -1;
    }

    for (int i = 0; i < plan->n_senders; i++) {
        if (plan_make_sender(plan, i) != 0) {
            return -1;
        }
    }

    return 0;
}


void
plan_free(plan_t *plan)
{
    for (int i = 0; i < plan->n_senders; i++) {
        SSL_CTX_free(plan->senders[i].ctx);
        doc_free(plan->senders[i].doc);
        free(plan->senders[i].request);
    }
}


void
plan_unique(const plan_sender_t *sender, uint64_t n, char *out)
{
    size_t  at, len;

    len = strlen(sender->prefix);
    memcpy(out, sender->prefix, len);

    at = len + sender->digits;
    out[at] = '\0';

    while (at > len) {
        out[--at] = (char) ('0' + n % 10);
        n /= 10;
    }
}


int
plan_is_expected(const plan_t *plan, int status)
{
    const options_list_t  *expect = &plan->options->expect;

    if (expect->n == 0) {
        return status >= 200 && status < 300;
    }

    for (int i = 0; i < expect->n; i++) {
        if (atoi(expect->values[i]) == status) {
            return 1;
        }
    }

    return 0;
}
