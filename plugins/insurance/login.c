/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The log-in: its request, what its answer means, and the bytes of a session.
 * A refused log-in is never repeated here, because a handful of wrong ones
 * locks the account; where sessions live and who may log in is the host's.
 */

#include <string.h>
#include <time.h>

#include "insurance.h"


/* Below this a number is a life in seconds, from MIN_EPOCH_MS on it is an
 * epoch in milliseconds, between them an epoch in seconds. */

#define MIN_EPOCH_SEC  1000000000LL
#define MIN_EPOCH_MS   1000000000000LL

/* The partner's clock and ours differ; a session lives at least as long as
 * one attempt, and no longer than a day, whatever was said. */

#define MIN_LIFE_MS    20000
#define MAX_LIFE_MS    86400000

#define MAX_FRACTION   9


int
insurance_login_prepare(const insurance_t *in, const ehr_delivery_t *dlv,
                        ehr_request_t *request)
{
    insurance_field_t  fields[] = {
        { ehr_string("username"), dlv->account.username },
        { ehr_string("password"), insurance_md5(in, dlv->account.password) }
    };

    if (fields[1].value.data == NULL) {
        return EHR_PLUGIN_NO_MEMORY;
    }

    request->flags = EHR_REQUEST_LOGIN;
    request->path = insurance_text(insurance_setting(in, "path.login"));
    request->body = insurance_form(in, fields, 2, NULL);

    return request->body.data ? 0 : -1;
}


/* A token becomes a header: nothing but visible ASCII. */

static int
is_token(ehr_str_t token)
{
    size_t  i;

    for (i = 0; i < token.len; i++) {
        if (token.data[i] < '!' || token.data[i] > '~') {
            return 0;
        }
    }

    return token.len > 0 && token.len <= INSURANCE_MAX_TOKEN;
}


int
insurance_session_read(ehr_str_t session, ehr_str_t *access_token,
                       ehr_str_t *id_token)
{
    const char  *p;

    p = session.len ? memchr(session.data, '\n', session.len) : NULL;
    if (p == NULL) {
        return -1;
    }

    access_token->data = session.data;
    access_token->len = (size_t) (p - session.data);
    id_token->data = p + 1;
    id_token->len = session.len - access_token->len - 1;

    return is_token(*access_token) && is_token(*id_token) ? 0 : -1;
}


static ehr_str_t
session_write(const insurance_t *in, ehr_str_t access_token,
              ehr_str_t id_token)
{
    char    *p;
    size_t   len;

    len = access_token.len + 1 + id_token.len;

    p = in->host->alloc(in->call, len);
    if (p == NULL) {
        return (ehr_str_t) ehr_null_string;
    }

    memcpy(p, access_token.data, access_token.len);
    p[access_token.len] = '\n';
    memcpy(p + access_token.len + 1, id_token.data, id_token.len);

    return (ehr_str_t){ p, len };
}


/* Takes n digits and, when it is not 0, the character after them; -1 when
 * they are not there or above max. */

static int
number(ehr_str_t *text, size_t n, int max, char after)
{
    int     value;
    size_t  i;

    if (text->len < n + (after != 0)) {
        return -1;
    }

    for (i = 0, value = 0; i < n; i++) {
        if (text->data[i] < '0' || text->data[i] > '9') {
            return -1;
        }

        value = value * 10 + (text->data[i] - '0');
    }

    if (value > max || (after && text->data[n] != after)) {
        return -1;
    }

    text->data += n + (after != 0);
    text->len -= n + (after != 0);

    return value;
}


static void
skip_fraction(ehr_str_t *text)
{
    size_t  n;

    if (text->len == 0 || text->data[0] != '.') {
        return;
    }

    n = 1;

    while (n <= MAX_FRACTION && n < text->len && text->data[n] >= '0'
           && text->data[n] <= '9')
    {
        n++;
    }

    text->data += n;
    text->len -= n;
}


/* Seconds east of UTC; no zone is UTC, as documented.  -1: no zone at all. */

static int
zone(ehr_str_t *text, int *offset_sec)
{
    int  sign, hour, minute;

    *offset_sec = 0;

    if (text->len == 0 || (text->len == 1 && text->data[0] == 'Z')) {
        return 0;
    }

    if (text->data[0] != '+' && text->data[0] != '-') {
        return -1;
    }

    sign = text->data[0] == '+' ? 1 : -1;
    text->data++;
    text->len--;

    hour = number(text, 2, 14, ':');
    minute = number(text, 2, 59, 0);
    *offset_sec = sign * (hour * 3600 + minute * 60);

    return hour < 0 || minute < 0 || text->len > 0 ? -1 : 0;
}


/* "2026-01-01T03:10:00.0000000Z" as Unix milliseconds; -1: it is none. */

static int64_t
date_time_ms(ehr_str_t text)
{
    int        offset_sec;
    struct tm  tm;

    memset(&tm, 0, sizeof(tm));

    tm.tm_year = number(&text, 4, 9999, '-') - 1900;
    tm.tm_mon = number(&text, 2, 12, '-') - 1;
    tm.tm_mday = number(&text, 2, 31, 'T');
    tm.tm_hour = number(&text, 2, 23, ':');
    tm.tm_min = number(&text, 2, 59, ':');
    tm.tm_sec = number(&text, 2, 60, 0);

    if (tm.tm_year < 70 || tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_hour < 0
        || tm.tm_min < 0 || tm.tm_sec < 0)
    {
        return -1;
    }

    skip_fraction(&text);

    if (zone(&text, &offset_sec) != 0) {
        return -1;
    }

    return ((int64_t) timegm(&tm) - offset_sec) * 1000;
}


static int64_t
number_ms(ehr_str_t text, int64_t now_ms)
{
    size_t   i;
    int64_t  value;

    if (text.len == 0 || text.len > 15) {
        return -1;
    }

    for (i = 0, value = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }

        value = value * 10 + (text.data[i] - '0');
    }

    if (value < MIN_EPOCH_SEC) {
        return now_ms + value * 1000;
    }

    return value < MIN_EPOCH_MS ? value * 1000 : value;
}


static int64_t
expires_ms(const insurance_t *in, ehr_str_t text)
{
    int64_t  now_ms, at_ms, life_ms, margin_ms;

    now_ms = in->host->now_ms(in->call);

    at_ms = number_ms(text, now_ms);
    if (at_ms < 0) {
        at_ms = date_time_ms(text);
    }

    life_ms = at_ms < 0 ? insurance_setting_ms(in, "session_seconds")
                        : at_ms - now_ms;

    if (life_ms > MAX_LIFE_MS) {
        life_ms = MAX_LIFE_MS;
    }

    margin_ms = insurance_setting_ms(in, "session_margin_seconds");

    if (life_ms < margin_ms + MIN_LIFE_MS) {
        return now_ms + MIN_LIFE_MS;
    }

    return now_ms + life_ms - margin_ms;
}


static int
judge_refusal(const insurance_t *in, ehr_str_t code, ehr_outcome_t *outcome)
{
    if (insurance_code_in(code, insurance_setting(in, "codes.retry"))) {
        return insurance_outcome(outcome, EHR_OUTCOME_RETRY,
                                 "login.unavailable");
    }

    if (insurance_code_in(code,
                          insurance_setting(in, "codes.configuration")))
    {
        return insurance_outcome(outcome, EHR_OUTCOME_HELD,
                                 "login.configuration");
    }

    if (insurance_code_in(code, insurance_setting(in, "codes.account"))) {
        return insurance_outcome(outcome, EHR_OUTCOME_HELD, "login.locked");
    }

    return insurance_outcome(outcome, EHR_OUTCOME_HELD, "login.refused");
}


static int
judge_reply(const insurance_t *in, const json_t *reply,
            ehr_outcome_t *outcome)
{
    ehr_str_t      code, access_token, id_token;
    const json_t  *key;

    code = insurance_reply_code(in, reply);

    outcome->partner_code = insurance_copy(in, code);
    if (outcome->partner_code.data == NULL) {
        return -1;
    }

    if (!insurance_code_in(code, insurance_setting(in, "codes.accepted"))) {
        return judge_refusal(in, code, outcome);
    }

    key = json_object_get(reply, "APIKey");
    access_token = insurance_reply_text(in, key, "access_token");
    id_token = insurance_reply_text(in, key, "id_token");

    if (!is_token(access_token) || !is_token(id_token)) {
        return insurance_outcome(outcome, EHR_OUTCOME_HELD,
                                 "login.no-session");
    }

    outcome->session = session_write(in, access_token, id_token);
    outcome->session_expires_ms =
        expires_ms(in, insurance_reply_text(in, key, "expires_in"));

    insurance_outcome(outcome, EHR_OUTCOME_SESSION, "");

    return outcome->session.data ? 0 : -1;
}


int
insurance_login_judge(const insurance_t *in, const ehr_answer_t *answer,
                      ehr_outcome_t *outcome)
{
    int      rc;
    json_t  *reply;

    if (answer->kind != EHR_ANSWER_HTTP) {
        return insurance_outcome(outcome, EHR_OUTCOME_RETRY,
                                 "login.unavailable");
    }

    if (answer->status == 401 || answer->status == 403) {
        insurance_outcome(outcome, EHR_OUTCOME_HELD, "login.refused");
        return insurance_outcome_http(in, answer->status, outcome);
    }

    if (insurance_is_temporary(answer->status)) {
        insurance_outcome(outcome, EHR_OUTCOME_RETRY, "login.unavailable");
        return insurance_outcome_http(in, answer->status, outcome);
    }

    if (answer->status < 200 || answer->status > 299) {
        insurance_outcome(outcome, EHR_OUTCOME_HELD, "partner.http-status");
        return insurance_outcome_http(in, answer->status, outcome);
    }

    reply = insurance_reply_load(answer);
    if (reply == NULL) {
        return insurance_outcome(outcome, EHR_OUTCOME_RETRY,
                                 "login.unreadable");
    }

    rc = judge_reply(in, reply, outcome);
    json_decref(reply);

    return rc;
}
