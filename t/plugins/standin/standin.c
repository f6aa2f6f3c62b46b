/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A partner that tests put in the place of one that is not there yet: notices
 * of birth and death and driver's exams, none of which may be sent twice.  The
 * document goes as it is to /documents, the question to /documents/ID; the
 * answers are single lines of text, as t/sim/standin gives them.  Not
 * installed.
 *
 * set.query=on    a delivery can be asked for
 * set.crash=...   prepare, judge, query or validate: that function really
 *                 crashes on a document, or a business key, with CRASH in it
 * set.gate=FILE   validate waits as long as FILE is there, with a document
 *                 that has GATE in it, after it wrote one byte to its end
 * set.loop=on     prepare never returns for one with LOOP in it
 */

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ehr_plugin.h"


#define PATH_MAX_LEN  128
#define LINE_MAX_LEN  256
#define WAITS_MAX     30000       /* a minute */


static const char *standin_check(const ehr_host_t *host, ehr_call_t *call);
static int standin_validate(const ehr_host_t *host, ehr_call_t *call,
                            const ehr_plugin_document_t *doc);
static int standin_prepare(const ehr_host_t *host, ehr_call_t *call,
                           const ehr_delivery_t *dlv, ehr_request_t *request);
static int standin_judge(const ehr_host_t *host, ehr_call_t *call,
                         const ehr_delivery_t *dlv,
                         const ehr_answer_t *answer, ehr_outcome_t *outcome);
static int standin_query(const ehr_host_t *host, ehr_call_t *call,
                         const ehr_delivery_t *dlv, ehr_request_t *request);


static const ehr_plugin_kind_t  kinds[] = {
    { "birth_notice", 0, 0 },
    { "death_notice", 0, 0 },
    { "driver_exam", 0, 0 },
    { NULL, 0, 0 }
};


EHR_PLUGIN_EXPORT extern const ehr_plugin_t  ehr_plugin;

const ehr_plugin_t  ehr_plugin = {
    EHR_PLUGIN_INIT,
    "standin",
    "1.0.0",
    kinds,
    standin_check,
    standin_validate,
    standin_prepare,
    standin_judge,
    0,
    NULL,
    standin_query
};


static int
is_set(const ehr_host_t *host, ehr_call_t *call, const char *name,
       const char *value)
{
    const char  *text = host->setting(call, name);

    return text != NULL && strcmp(text, value) == 0;
}


static int
holds(ehr_str_t s, const char *word)
{
    return s.len > 0 && memmem(s.data, s.len, word, strlen(word)) != NULL;
}


/* An address no program has: the kernel's own SIGSEGV, not a raised one. */

static void
maybe_crash(const ehr_host_t *host, ehr_call_t *call, const char *where,
            ehr_str_t text)
{
    volatile uintptr_t  nowhere = 64;

    if (is_set(host, call, "crash", where) && holds(text, "CRASH")) {
        *(volatile char *) nowhere = 1;
    }
}


static void
maybe_wait(const ehr_host_t *host, ehr_call_t *call, ehr_str_t text)
{
    int                    fd;
    const char            *gate = host->setting(call, "gate");
    const struct timespec  pause = { 0, 2 * 1000 * 1000 };

    if (gate == NULL || !holds(text, "GATE")) {
        return;
    }

    fd = open(gate, O_WRONLY|O_APPEND|O_CLOEXEC);
    if (fd == -1) {
        return;
    }

    (void) !write(fd, ".", 1);
    (void) close(fd);

    for (int i = 0; i < WAITS_MAX && access(gate, F_OK) == 0; i++) {
        (void) nanosleep(&pause, NULL);
    }
}


static const char *
standin_check(const ehr_host_t *host, ehr_call_t *call)
{
    if (host->setting(call, "query") != NULL
        && !is_set(host, call, "query", "on")
        && !is_set(host, call, "query", "off"))
    {
        return "query is on or off";
    }

    return NULL;
}


static int
standin_validate(const ehr_host_t *host, ehr_call_t *call,
                 const ehr_plugin_document_t *doc)
{
    maybe_wait(host, call, doc->content);
    maybe_crash(host, call, "validate", doc->content);

    return 0;
}


static int
standin_prepare(const ehr_host_t *host, ehr_call_t *call,
                const ehr_delivery_t *dlv, ehr_request_t *request)
{
    volatile int  is_for_ever = 1;

    maybe_crash(host, call, "prepare", dlv->content);

    while (is_set(host, call, "loop", "on") && holds(dlv->content, "LOOP")
           && is_for_ever)
    {
        /* as a plugin with a bug would */
    }

    request->method = (ehr_str_t) ehr_string("POST");
    request->path = (ehr_str_t) ehr_string("/documents");
    request->content_type = dlv->content_type;
    request->body = dlv->content;
    request->headers[0].name = (ehr_str_t) ehr_string("X-Request-Id");
    request->headers[0].value = dlv->id;
    request->nheaders = 1;

    return 0;
}


static int
standin_query(const ehr_host_t *host, ehr_call_t *call,
              const ehr_delivery_t *dlv, ehr_request_t *request)
{
    static const char  prefix[] = "/documents/";

    char  *path;

    if (!is_set(host, call, "query", "on")) {
        return 1;
    }

    maybe_crash(host, call, "query", dlv->business_key);

    path = host->alloc(call, PATH_MAX_LEN);

    if (path == NULL || sizeof(prefix) - 1 + dlv->id.len > PATH_MAX_LEN) {
        return -1;
    }

    memcpy(path, prefix, sizeof(prefix) - 1);
    memcpy(path + sizeof(prefix) - 1, dlv->id.data, dlv->id.len);

    request->method = (ehr_str_t) ehr_string("GET");
    request->path.data = path;
    request->path.len = sizeof(prefix) - 1 + dlv->id.len;

    return 0;
}


/* "word rest": 1 when the line begins so; rest may be empty. */

static int
line_is(ehr_str_t line, const char *word, ehr_str_t *rest)
{
    size_t  len = strlen(word);

    if (line.len < len || line.len > LINE_MAX_LEN
        || memcmp(line.data, word, len) != 0
        || (line.len > len && line.data[len] != ' '))
    {
        return 0;
    }

    rest->len = line.len > len ? line.len - len - 1 : 0;
    rest->data = line.data + line.len - rest->len;

    return 1;
}


static int
standin_judge(const ehr_host_t *host, ehr_call_t *call,
              const ehr_delivery_t *dlv, const ehr_answer_t *answer,
              ehr_outcome_t *outcome)
{
    ehr_str_t  rest;

    maybe_crash(host, call, "judge", dlv->content);

    if (answer->kind == EHR_ANSWER_UNSENT) {
        outcome->kind = EHR_OUTCOME_RETRY;
        outcome->reason = (ehr_str_t) ehr_string("partner.unreachable");
        return 0;
    }

    outcome->kind = EHR_OUTCOME_UNCERTAIN;
    outcome->reason = (ehr_str_t) ehr_string("partner.no-answer");

    if (answer->kind != EHR_ANSWER_HTTP || answer->status != 200
        || answer->is_truncated)
    {
        return 0;
    }

    if (line_is(answer->body, "accepted", &rest)) {
        outcome->kind = EHR_OUTCOME_ACCEPTED;
        outcome->reason = (ehr_str_t) ehr_null_string;
        outcome->partner_ref = rest;

    } else if (line_is(answer->body, "refused", &rest)) {
        outcome->kind = EHR_OUTCOME_REFUSED;
        outcome->reason = (ehr_str_t) ehr_string("partner.refused");
        outcome->partner_code = rest;

    } else if (line_is(answer->body, "later", &rest)) {
        outcome->kind = EHR_OUTCOME_RETRY;
        outcome->reason = (ehr_str_t) ehr_string("partner.busy");

    } else if ((answer->flags & EHR_REQUEST_QUERY)
               && line_is(answer->body, "absent", &rest))
    {
        outcome->kind = EHR_OUTCOME_ABSENT;

    } else if (line_is(answer->body, "processing", &rest)) {
        outcome->reason = (ehr_str_t) ehr_string("partner.processing");
    }

    return 0;
}
