/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The insurance plugin's judge over answers of a partner that lies.  Byte 0
 * says what kind of answer and what was asked, bytes 1 and 2 are the HTTP
 * status, the rest is the body.
 */

#include "ehr_json.h"
#include "partner.h"


void
fuzz_begin(void)
{
}


static void
check_outcome(const ehr_outcome_t *outcome, uint32_t flags,
              ehr_arena_t *arena)
{
    ehr_json_t  json;

    fuzz_check(outcome->kind >= EHR_OUTCOME_ACCEPTED
               && outcome->kind <= EHR_OUTCOME_CONTINUE);

    if (outcome->kind == EHR_OUTCOME_SESSION) {
        fuzz_check(flags & EHR_REQUEST_LOGIN);
        fuzz_check(outcome->session.len > 0);
        fuzz_check(outcome->session_expires_ms > FUZZ_NOW_MS);
    }

    fuzz_check(outcome->retry_after_ms >= 0);

    ehr_json_begin(&json, arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_string(&json, "ref", outcome->partner_ref);
    ehr_json_string(&json, "code", outcome->partner_code);
    ehr_json_string(&json, "message", outcome->message);
    ehr_json_string(&json, "reason", outcome->reason);
    ehr_json_close(&json, '}');
    fuzz_check_json(ehr_json_end(&json));
}


/* A session that judge() gave is one that prepare() takes. */

static void
check_session(ehr_call_t *call, const ehr_outcome_t *outcome)
{
    ehr_request_t   request;
    ehr_delivery_t  dlv = partner_delivery();

    dlv.session = outcome->session;
    memset(&request, 0, sizeof(request));
    request.size = sizeof(request);

    fuzz_check(ehr_plugin.prepare(&partner_host, call, &dlv, &request) == 0);
    partner_check_request(&request);
    fuzz_check((request.flags & EHR_REQUEST_LOGIN) == 0);
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    unsigned        what = fuzz_byte(&bytes);
    ehr_call_t      call = { arena, ehr_null_string };
    ehr_answer_t    answer;
    ehr_outcome_t   outcome;
    ehr_delivery_t  dlv = partner_delivery();

    memset(&answer, 0, sizeof(answer));
    memset(&outcome, 0, sizeof(outcome));

    answer.size = sizeof(answer);
    answer.kind = EHR_ANSWER_HTTP + what % 3;
    answer.flags = what & 0x04 ? EHR_REQUEST_LOGIN : 0;
    answer.is_truncated = (what & 0x08) != 0;
    answer.status = fuzz_byte(&bytes) % 10 * 100;
    answer.status += fuzz_byte(&bytes) % 100;
    answer.body = bytes;
    outcome.size = sizeof(outcome);
    dlv.kind = ehr_str(what & 0x10 ? "checkin" : "claim");

    fuzz_check(ehr_plugin.judge(&partner_host, &call, &dlv, &answer, &outcome)
               == 0);
    check_outcome(&outcome, answer.flags, arena);

    if (outcome.kind == EHR_OUTCOME_SESSION) {
        check_session(&call, &outcome);
    }
}
