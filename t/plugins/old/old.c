/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A plugin as somebody built it with ehr_plugin.h 1.1, before there was a
 * query(): for documents that may not be sent twice, in the way of standin,
 * and a validator with one opinion of every claim.  Not installed.
 */

#include <string.h>

#include "ehr_plugin_1_1.h"


static int old_validate(const ehr_host_t *host, ehr_call_t *call,
                        const ehr_plugin_document_t *doc);
static int old_prepare(const ehr_host_t *host, ehr_call_t *call,
                       const ehr_delivery_t *dlv, ehr_request_t *request);
static int old_judge(const ehr_host_t *host, ehr_call_t *call,
                     const ehr_delivery_t *dlv, const ehr_answer_t *answer,
                     ehr_outcome_t *outcome);
static int old_behind(const ehr_host_t *host, ehr_call_t *call,
                      const ehr_delivery_t *dlv, ehr_request_t *request);


static const ehr_plugin_kind_t  kinds[] = {
    { "claim", 0, 0 },
    { "birth_notice", 0, 0 },
    { "death_notice", 0, 0 },
    { "driver_exam", 0, 0 },
    { NULL, 0, 0 }
};


/* What lies behind the structure is not the host's to read: where a newer
 * plugin has query(), this one has something that asks a question too. */

typedef struct {
    ehr_plugin_t   plugin;
    int          (*behind)(const ehr_host_t *host, ehr_call_t *call,
                           const ehr_delivery_t *dlv, ehr_request_t *request);
} old_plugin_t;


EHR_PLUGIN_EXPORT extern const old_plugin_t  ehr_plugin;

const old_plugin_t  ehr_plugin = {
    {
        EHR_PLUGIN_INIT,
        "old",
        "1.0.0",
        kinds,
        NULL,
        old_validate,
        old_prepare,
        old_judge,
        0,
        NULL
    },
    old_behind
};


static int
old_validate(const ehr_host_t *host, ehr_call_t *call,
             const ehr_plugin_document_t *doc)
{
    ehr_finding_t  f;

    memset(&f, 0, sizeof(f));
    f.size = sizeof(f);
    f.severity = EHR_SEVERITY_WARNING;
    f.code = (ehr_str_t) ehr_string("old.opinion");
    f.message_vi = (ehr_str_t) ehr_string("ngờ");
    f.message_en = (ehr_str_t) ehr_string("doubtful");

    return host->finding(call, &f);
}


static int
old_prepare(const ehr_host_t *host, ehr_call_t *call,
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
old_behind(const ehr_host_t *host, ehr_call_t *call,
           const ehr_delivery_t *dlv, ehr_request_t *request)
{
    request->method = (ehr_str_t) ehr_string("GET");
    request->path = (ehr_str_t) ehr_string("/documents/unknown");

    return 0;
}


static int
old_judge(const ehr_host_t *host, ehr_call_t *call,
          const ehr_delivery_t *dlv, const ehr_answer_t *answer,
          ehr_outcome_t *outcome)
{
    static const char  accepted[] = "accepted ";
    const size_t       len = sizeof(accepted) - 1;

    if (answer->kind == EHR_ANSWER_UNSENT) {
        outcome->kind = EHR_OUTCOME_RETRY;
        outcome->reason = (ehr_str_t) ehr_string("partner.unreachable");
        return 0;
    }

    if (answer->kind == EHR_ANSWER_HTTP && answer->status == 200
        && answer->body.len > len
        && memcmp(answer->body.data, accepted, len) == 0)
    {
        outcome->kind = EHR_OUTCOME_ACCEPTED;
        outcome->partner_ref.data = answer->body.data + len;
        outcome->partner_ref.len = answer->body.len - len;
        return 0;
    }

    outcome->kind = EHR_OUTCOME_UNCERTAIN;
    outcome->reason = (ehr_str_t) ehr_string("partner.no-answer");

    return 0;
}
