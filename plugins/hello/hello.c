/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The smallest partner plugin: sends the document as it is to one path, and
 * takes every 2xx for an acceptance.  It knows no log-in and no result code.
 * Copy this folder to begin a partner of your own.
 */

#include "ehr_plugin.h"


static const char *hello_check(const ehr_host_t *host, ehr_call_t *call);
static int hello_prepare(const ehr_host_t *host, ehr_call_t *call,
                         const ehr_delivery_t *dlv, ehr_request_t *request);
static int hello_judge(const ehr_host_t *host, ehr_call_t *call,
                       const ehr_delivery_t *dlv, const ehr_answer_t *answer,
                       ehr_outcome_t *outcome);


/* A repeat is called unsafe here, so a lost answer waits for a person. */

static const ehr_plugin_kind_t  kinds[] = {
    { "claim", 0, 0 },
    { "checkin", 0, 0 },
    { NULL, 0, 0 }
};


EHR_PLUGIN_EXPORT extern const ehr_plugin_t  ehr_plugin;

const ehr_plugin_t  ehr_plugin = {
    EHR_PLUGIN_INIT,
    "hello",
    "1.0.0",
    kinds,
    hello_check,
    NULL,                     /* no validator */
    hello_prepare,
    hello_judge
};


/* No settings, nothing to find wrong with them. */

static const char *
hello_check(const ehr_host_t *host, ehr_call_t *call)
{
    return NULL;
}


static int
hello_prepare(const ehr_host_t *host, ehr_call_t *call,
              const ehr_delivery_t *dlv, ehr_request_t *request)
{
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
hello_judge(const ehr_host_t *host, ehr_call_t *call,
            const ehr_delivery_t *dlv, const ehr_answer_t *answer,
            ehr_outcome_t *outcome)
{
    if (answer->kind == EHR_ANSWER_UNSENT) {
        outcome->kind = EHR_OUTCOME_RETRY;
        outcome->reason = (ehr_str_t) ehr_string("partner.unreachable");
        return 0;
    }

    if (answer->kind != EHR_ANSWER_HTTP || answer->status >= 500) {
        outcome->kind = EHR_OUTCOME_UNCERTAIN;
        outcome->reason = (ehr_str_t) ehr_string("partner.no-answer");
        return 0;
    }

    if (answer->status >= 200 && answer->status <= 299) {
        outcome->kind = EHR_OUTCOME_ACCEPTED;
        return 0;
    }

    outcome->kind = EHR_OUTCOME_REFUSED;
    outcome->reason = (ehr_str_t) ehr_string("partner.refused");

    return 0;
}
