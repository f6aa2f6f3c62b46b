/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the files of this plugin share.  It speaks to the claims gateway of
 * the health insurance: one log-in for each account, one document a call.
 * Nothing here knows how a request travels or where a session is kept.
 */

#ifndef INSURANCE_H
#define INSURANCE_H


#include <jansson.h>

#include "ehr_plugin.h"


#define INSURANCE_MD5_HEX      32

/* Bounds of what is taken over from the partner. */

#define INSURANCE_MAX_CODE     16
#define INSURANCE_MAX_REF      128
#define INSURANCE_MAX_MESSAGE  1024
#define INSURANCE_MAX_TOKEN    2048
#define INSURANCE_MAX_FOLDED   2048

/* The partner takes 100 MB at most; more would not fit its form either. */

#define INSURANCE_MAX_CONTENT  (128 * 1024 * 1024)


/* One call: whom to ask for memory, time and settings. */

typedef struct {
    const ehr_host_t  *host;
    ehr_call_t        *call;
} insurance_t;


typedef struct {
    ehr_str_t  name;
    ehr_str_t  value;
} insurance_field_t;


/* --- settings.c --- */

/* The administrator's value, else the default; NULL: neither. */
const char *insurance_setting(const insurance_t *in, const char *name);

/* Seconds as milliseconds; the value was checked before. */
int64_t insurance_setting_ms(const insurance_t *in, const char *name);

/* NULL, or a sentence about the first setting that is wrong. */
const char *insurance_settings_check(const insurance_t *in);

/* 1: may stand in a request line as it is. */
int insurance_is_path(const char *path);


/* --- form.c --- */

/* Gives the body, percent-encoded: the fields, then, when content is not
 * NULL, name=Base64 of content.  data NULL: no memory, or content too big. */
ehr_str_t insurance_form(const insurance_t *in,
                         const insurance_field_t *fields, size_t nfields,
                         const insurance_field_t *content);

/* MD5 in upper case hexadecimal; data NULL: no memory, or no MD5. */
ehr_str_t insurance_md5(const insurance_t *in, ehr_str_t text);


/* --- text.c --- */

ehr_str_t insurance_text(const char *text);
ehr_str_t insurance_copy(const insurance_t *in, ehr_str_t text);
ehr_str_t insurance_trim(ehr_str_t text);

/* The longest beginning of at most max bytes that ends between characters. */
ehr_str_t insurance_cut(ehr_str_t text, size_t max);

/* 1 when text holds one of the phrases in list ("a|b|c"), whatever the case
 * and whether the letters are composed; *is_long is set when text was too
 * long to be read to its end. */
int insurance_text_has(ehr_str_t text, const char *list, int *is_long);

/* 1 when code is in list ("054 055"); leading zeros do not count. */
int insurance_code_in(ehr_str_t code, const char *list);


/* --- reply.c --- */

/* An object, or NULL for everything else: not JSON, too deep, too long, a
 * member twice.  The caller drops it. */
json_t *insurance_reply_load(const ehr_answer_t *answer);

/* The member as text, trimmed: a text or a whole number; empty otherwise.
 * Borrowed from the object, or, for a number, allocated. */
ehr_str_t insurance_reply_text(const insurance_t *in, const json_t *object,
                               const char *name);

/* maKetQua when it looks like a code, else empty. */
ehr_str_t insurance_reply_code(const insurance_t *in, const json_t *object);


/* --- login.c --- */

int insurance_login_prepare(const insurance_t *in, const ehr_delivery_t *dlv,
                            ehr_request_t *request);
int insurance_login_judge(const insurance_t *in, const ehr_answer_t *answer,
                          ehr_outcome_t *outcome);

/* 0 and the two tokens out of the bytes that a log-in gave; -1: they are not
 * such bytes. */
int insurance_session_read(ehr_str_t session, ehr_str_t *access_token,
                           ehr_str_t *id_token);


/* --- answer.c --- */

int insurance_answer_judge(const insurance_t *in, const ehr_answer_t *answer,
                           ehr_outcome_t *outcome);

/* Sets kind and reason; always 0, so that a judge can return it. */
int insurance_outcome(ehr_outcome_t *outcome, ehr_outcome_e kind,
                      const char *reason);

/* 1: an HTTP status that says nothing of the document. */
int insurance_is_temporary(uint32_t status);

/* The partner's code when no code was in the body: "HTTP 503". */
int insurance_outcome_http(const insurance_t *in, uint32_t status,
                           ehr_outcome_t *outcome);


#endif /* INSURANCE_H */
