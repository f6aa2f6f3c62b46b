/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reads the command line by a table; refuses what makes no sense together.
 */

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"


#define OPTIONS_OK          0
#define OPTIONS_BAD         2
#define OPTIONS_SECONDS     86400
#define OPTIONS_TIMEOUT_MS  60000

typedef enum {
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_REAL,
    OPTION_FLAG,
    OPTION_LIST,
    OPTION_HELP
} option_kind_e;


typedef struct {
    const char     *name;
    const char     *argument;
    option_kind_e   kind;
    size_t          offset;
    const char     *help;
} option_t;


#define OPT(member)  offsetof(options_t, member)

static const option_t  options_table[] = {

    { "method", "GET|POST", OPTION_TEXT, OPT(method),
      "default POST with a body or template, else GET" },
    { "template", "FILE", OPTION_LIST, OPT(templates),
      "document to make unique; repeat: one for each --cert" },
    { "marker", "TEXT", OPTION_TEXT, OPT(marker),
      "what is replaced in it; default the content of its first MA_LK" },
    { "prefix", "TEXT", OPTION_TEXT, OPT(prefix),
      "of the unique texts; default made of time and process" },
    { "body", "FILE", OPTION_TEXT, OPT(body), "send this, always the same" },
    { "type", "TYPE", OPTION_TEXT, OPT(type),
      "Content-Type, default application/xml" },
    { "header", "'NAME: VALUE'", OPTION_LIST, OPT(headers),
      "one more header field" },

    { "ca", "FILE", OPTION_TEXT, OPT(ca),
      "who issued the server's certificate" },
    { "cert", "FILE", OPTION_LIST, OPT(certs),
      "client certificate; repeat: several facilities, in turn" },
    { "key", "FILE", OPTION_LIST, OPT(keys), "its key; one for each --cert" },
    { "token", "TEXT", OPTION_LIST, OPT(tokens),
      "bearer token; one for each --cert" },
    { "fetch-token", NULL, OPTION_FLAG, OPT(fetch_token),
      "get the tokens from /oauth2/token first" },

    { "connections", "N", OPTION_NUMBER, OPT(clients),
      "clients at once, default 1" },
    { "requests", "N", OPTION_NUMBER, OPT(requests),
      "stop after so many documents" },
    { "seconds", "S", OPTION_REAL, OPT(seconds), "stop after this time" },
    { "warmup", "S", OPTION_REAL, OPT(warmup),
      "measure only after this time" },
    { "rate", "R", OPTION_REAL, OPT(rate),
      "documents a second on a fixed schedule (open loop); latency counts\n"
      "from the scheduled time.  Without: closed loop" },
    { "threads", "N", OPTION_NUMBER, OPT(threads), "default 1" },
    { "twins", NULL, OPTION_FLAG, OPT(twins),
      "send each document twice at once, on two connections" },
    { "once", NULL, OPTION_FLAG, OPT(once),
      "a new connection for each request" },
    { "retry", "N", OPTION_NUMBER, OPT(retry),
      "send the same bytes again, up to N times, when the connection is\n"
      "lost or the answer is 429 or 503" },
    { "timeout", "MS", OPTION_NUMBER, OPT(timeout_ms),
      "for one answer, default 60000" },

    { "expect-status", "N", OPTION_LIST, OPT(expect),
      "an answer that is right; repeat; default any 2xx" },
    { "ledger", "FILE", OPTION_TEXT, OPT(ledger),
      "a line for each answer: unique text, sha256, status, id or '-',\n"
      "'first' or 'duplicate'" },
    { "account", "PID", OPTION_LIST, OPT(pids),
      "tell the CPU time of this process; repeat" },
    { "json", NULL, OPTION_FLAG, OPT(json), "print the result as JSON" },
    { "help", NULL, OPTION_HELP, 0, "this text" },
};

#define OPTIONS_N  (sizeof(options_table) / sizeof(options_table[0]))


static void
options_help(FILE *fp)
{
    char             left[40];
    const char      *p;
    const option_t  *opt;

    fprintf(fp, "usage: ehr-load [options] URL\n\n"
                "Puts load on a server of this machine over HTTP/1.1 and "
                "mutual TLS.\n\n");

    for (size_t i = 0; i < OPTIONS_N; i++) {
        opt = &options_table[i];

        (void) snprintf(left, sizeof(left), "--%s %s", opt->name,
                        opt->argument != NULL ? opt->argument : "");
        fprintf(fp, "  %-24s ", left);

        for (p = opt->help; *p != '\0'; p++) {
            (void) fputc(*p, fp);

            if (*p == '\n') {
                fprintf(fp, "%27s", "");
            }
        }

        (void) fputc('\n', fp);
    }

    fprintf(fp, "\nExit status: 0 every answer was right, 1 not so, "
                "2 usage or nothing could start.\n");
}


static int
options_number(const char *text, double *value)
{
    char  *end;

    *value = strtod(text, &end);

    return (*text == '\0' || *end != '\0' || !(*value >= 0)
            || *value > 1e15) ? -1 : 0;
}


static int
options_add(options_list_t *list, const char *text)
{
    if (list->n == OPTIONS_LIST_MAX) {
        return -1;
    }

    list->values[list->n++] = text;

    return 0;
}


static int
options_set(options_t *o, const option_t *opt, const char *text)
{
    char    *at = (char *) o + opt->offset;
    double   value = 0;

    switch (opt->kind) {

    case OPTION_TEXT:
        *(const char **) at = text;
        return 0;

    case OPTION_NUMBER:
        if (options_number(text, &value) != 0) {
            return -1;
        }

        *(int64_t *) at = (int64_t) value;
        return 0;

    case OPTION_REAL:
        return options_number(text, (double *) at);

    case OPTION_FLAG:
        *(int *) at = 1;
        return 0;

    case OPTION_LIST:
        return options_add((options_list_t *) at, text);

    case OPTION_HELP:
        break;
    }

    return -1;
}


static const char *
options_check(const options_t *o)
{
    if (o->body != NULL && o->templates.n > 0) {
        return "--body or --template, not both";
    }

    if (o->certs.n != o->keys.n) {
        return "one --key for each --cert";
    }

    if (o->tokens.n > 0 && o->tokens.n != (o->certs.n ? o->certs.n : 1)) {
        return "one --token for each --cert";
    }

    if (o->templates.n > 1 && o->templates.n != o->certs.n) {
        return "one --template, or one for each --cert";
    }

    if (o->clients < 1 || o->threads < 1 || o->threads > OPTIONS_THREADS_MAX
        || o->clients < o->threads)
    {
        return "at least one connection for each thread";
    }

    if (o->requests > 0 && o->requests < o->threads) {
        return "at least one request for each thread";
    }

    if (o->seconds > OPTIONS_SECONDS || o->warmup > OPTIONS_SECONDS) {
        return "--seconds is too long";
    }

    if (o->requests == 0 && o->seconds == 0) {
        return "--requests or --seconds must say when to stop";
    }

    return NULL;
}


static void
options_defaults(options_t *o)
{
    memset(o, 0, sizeof(options_t));

    o->type = "application/xml";
    o->clients = 1;
    o->threads = 1;
    o->timeout_ms = OPTIONS_TIMEOUT_MS;
}


static int
options_usage(const char *fault)
{
    fprintf(stderr, "ehr-load: %s; try --help\n", fault);

    return OPTIONS_BAD;
}


/* -1: all read. */

static int
options_read(options_t *o, int argc, char **argv)
{
    int             n;
    struct option   longs[OPTIONS_N + 1];

    memset(longs, 0, sizeof(longs));

    for (size_t i = 0; i < OPTIONS_N; i++) {
        longs[i].name = options_table[i].name;
        longs[i].has_arg = options_table[i].argument != NULL;
        longs[i].val = (int) i;
    }

    while ((n = getopt_long(argc, argv, "", longs, NULL)) != -1) {

        if (n == '?') {
            return OPTIONS_BAD;
        }

        if (options_table[n].kind == OPTION_HELP) {
            options_help(stdout);
            return OPTIONS_OK;
        }

        if (options_set(o, &options_table[n], optarg) != 0) {
            return options_usage(options_table[n].name);
        }
    }

    return -1;
}


int
options_parse(options_t *o, int argc, char **argv)
{
    int          rc;
    const char  *fault;

    options_defaults(o);

    rc = options_read(o, argc, argv);
    if (rc != -1) {
        return rc;
    }

    if (optind != argc - 1) {
        return options_usage("one URL");
    }

    o->url = argv[optind];

    if (o->method == NULL) {
        o->method = (o->body != NULL || o->templates.n > 0) ? "POST" : "GET";
    }

    fault = options_check(o);

    return fault != NULL ? options_usage(fault) : -1;
}
