/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the partner's answer to a document means.  The table of result codes
 * is here; it refuses mostly with HTTP 200 and a code inside, and its HTTP
 * status alone decides only what is temporary and what is an expired session.
 *
 * What cannot be read is repeated: a claim or a check-in sent again with the
 * same content replaces itself (see README.md).
 */

#include <stdio.h>

#include "insurance.h"


typedef struct {
    const char     *codes;      /* the setting that lists them */
    ehr_outcome_e   kind;
    const char     *reason;
} rule_t;


/* The first row that lists the code decides. */

static const rule_t  rules[] = {
    { "codes.accepted", EHR_OUTCOME_ACCEPTED, "" },
    { "codes.expired", EHR_OUTCOME_EXPIRED, "session.expired" },
    { "codes.account", EHR_OUTCOME_HELD, "partner.account" },
    { "codes.configuration", EHR_OUTCOME_HELD, "partner.configuration" },
    { "codes.window", EHR_OUTCOME_HELD, "partner.time-window" },
    { "codes.size", EHR_OUTCOME_HELD, "partner.too-large" },
    { "codes.wait", EHR_OUTCOME_RETRY, "partner.wait" },
    { "codes.refused", EHR_OUTCOME_REFUSED, "partner.refused" },
    { "codes.retry", EHR_OUTCOME_RETRY, "partner.unavailable" },
    { NULL, EHR_OUTCOME_HELD, "partner.unknown-code" }
};


int
insurance_outcome(ehr_outcome_t *outcome, ehr_outcome_e kind,
                  const char *reason)
{
    outcome->kind = kind;
    outcome->reason = insurance_text(reason);

    return 0;
}


int
insurance_outcome_http(const insurance_t *in, uint32_t status,
                       ehr_outcome_t *outcome)
{
    char  code[16];
    int   len;

    len = snprintf(code, sizeof(code), "HTTP %03u", status % 1000);

    outcome->partner_code = insurance_copy(in, (ehr_str_t){ code,
                                                            (size_t) len });

    return outcome->partner_code.data ? 0 : -1;
}


int
insurance_is_temporary(uint32_t status)
{
    return status >= 500 || status == 408 || status == 429;
}


/* Also fresh from its log-in: what that means the courier knows. */

static int
expired(ehr_outcome_t *outcome)
{
    return insurance_outcome(outcome, EHR_OUTCOME_EXPIRED,
                             "session.expired");
}


static int
says_expired(const insurance_t *in, ehr_str_t text)
{
    int  is_long;

    return insurance_text_has(text, insurance_setting(in, "expired_texts"),
                              &is_long);
}


/*
 * Nothing said, or success and nothing that casts a doubt on it ("Tiếp nhận
 * không thành công" holds the words of success too).
 */

static int
is_plain_success(const insurance_t *in, ehr_str_t message)
{
    int  is_long;

    if (message.len == 0) {
        return 1;
    }

    return !insurance_text_has(message,
                               insurance_setting(in, "doubtful_texts"),
                               &is_long)
           && !is_long
           && insurance_text_has(message,
                                 insurance_setting(in, "accepted_texts"),
                                 &is_long);
}


static const rule_t *
rule_of(const insurance_t *in, ehr_str_t code)
{
    const rule_t  *rule;

    for (rule = rules; rule->codes != NULL; rule++) {
        if (insurance_code_in(code, insurance_setting(in, rule->codes))) {
            break;
        }
    }

    return rule;
}


/* The transaction code goes into lists and logs: visible ASCII or nothing. */

static ehr_str_t
reference(ehr_str_t text)
{
    size_t  i;

    if (text.len > INSURANCE_MAX_REF) {
        return (ehr_str_t) ehr_string("");
    }

    for (i = 0; i < text.len; i++) {
        if (text.data[i] < '!' || text.data[i] > '~') {
            return (ehr_str_t) ehr_string("");
        }
    }

    return text;
}


/* A thongDiep that is neither text nor null is something a person sees. */

static int
has_odd_message(const json_t *reply)
{
    const json_t  *value;

    value = json_object_get(reply, "thongDiep");

    return value != NULL && !json_is_null(value) && !json_is_string(value);
}


static int
judge_reply(const insurance_t *in, const json_t *reply,
            ehr_outcome_t *outcome)
{
    ehr_str_t      code, message;
    const rule_t  *rule;

    code = insurance_reply_code(in, reply);
    message = insurance_reply_text(in, reply, "thongDiep");

    outcome->partner_code = insurance_copy(in, code);
    outcome->partner_ref = insurance_copy(
        in, reference(insurance_reply_text(in, reply, "maGiaoDich")));
    outcome->message = insurance_copy(
        in, insurance_cut(message, INSURANCE_MAX_MESSAGE));

    if (outcome->partner_code.data == NULL
        || outcome->partner_ref.data == NULL || outcome->message.data == NULL)
    {
        return -1;
    }

    if (says_expired(in, message)) {
        return expired(outcome);
    }

    if (code.len == 0) {
        return insurance_outcome(outcome, EHR_OUTCOME_RETRY,
                                 "partner.unreadable");
    }

    rule = rule_of(in, code);

    switch (rule->kind) {

    case EHR_OUTCOME_EXPIRED:
        return expired(outcome);

    case EHR_OUTCOME_ACCEPTED:
        if (has_odd_message(reply) || !is_plain_success(in, message)) {
            return insurance_outcome(outcome,
                                     EHR_OUTCOME_ACCEPTED_WITH_MESSAGE,
                                     "partner.message");
        }
        break;

    case EHR_OUTCOME_RETRY:
        if (insurance_code_in(code, insurance_setting(in, "codes.wait"))) {
            outcome->retry_after_ms = insurance_setting_ms(in,
                                                           "wait_seconds");
        }
        break;

    default:
        break;
    }

    return insurance_outcome(outcome, rule->kind, rule->reason);
}


int
insurance_answer_judge(const insurance_t *in, const ehr_answer_t *answer,
                       ehr_outcome_t *outcome)
{
    int      rc;
    json_t  *reply;

    if (answer->kind != EHR_ANSWER_HTTP) {
        return insurance_outcome(outcome, EHR_OUTCOME_RETRY,
                                 answer->kind == EHR_ANSWER_UNSENT
                                     ? "partner.unreachable"
                                     : "partner.no-answer");
    }

    if (answer->status == 401 || answer->status == 403) {
        expired(outcome);
        return insurance_outcome_http(in, answer->status, outcome);
    }

    if (insurance_is_temporary(answer->status)) {
        insurance_outcome(outcome, EHR_OUTCOME_RETRY, "partner.unavailable");
        return insurance_outcome_http(in, answer->status, outcome);
    }

    if (answer->status < 200 || answer->status > 299) {
        insurance_outcome(outcome, EHR_OUTCOME_HELD, "partner.http-status");
        return insurance_outcome_http(in, answer->status, outcome);
    }

    reply = insurance_reply_load(answer);

    if (reply == NULL) {
        return says_expired(in, answer->body)
                   ? expired(outcome)
                   : insurance_outcome(outcome, EHR_OUTCOME_RETRY,
                                       "partner.unreadable");
    }

    rc = judge_reply(in, reply, outcome);
    json_decref(reply);

    return rc;
}
