/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One check from bytes to verdict: the order of the steps, which problem
 * stands for what they found, and the sentences.  Tells of one fault in the
 * shape, since nothing behind it has a meaning; of content and signer it
 * tells both.
 */

#include <jansson.h>
#include <libxml/xmlerror.h>
#include <openssl/err.h>

#include "ehr_base64.h"
#include "ehr_signature_parts.h"


#define SIGNATURE_JSON_MAX  (4 * 1024 * 1024)
#define SIGNATURE_FIELD     "SIGNDATA"


/* How a fault is told, beside its words. */

typedef enum {
    TOLD_REQUIRED = 0,
    TOLD_INVALID,
    TOLD_UNTRUSTED,
    TOLD_WARNING
} signature_told_e;


typedef struct {
    signature_told_e  told;
    ehr_str_t         code;
    ehr_str_t         element;
    ehr_str_t         text[2];    /* by ehr_lang_e */
} signature_row_t;


static const signature_row_t  signature_rows[EHR_SIGN_BROKEN] = {
    [EHR_SIGN_NONE] = { TOLD_INVALID, ehr_null_string, ehr_null_string,
                        { ehr_null_string, ehr_null_string } },
#define X(id, told, code, element, vi, en)                                    \
    [EHR_SIGN_##id] = { TOLD_##told, ehr_string(code), ehr_string(element),   \
                        { ehr_string(vi), ehr_string(en) } },
    EHR_SIGN_FAULTS(X)
#undef X
};


static const ehr_problem_e  signature_problems[] = {
    [TOLD_REQUIRED] = EHR_PROBLEM_SIGNATURE_REQUIRED,
    [TOLD_INVALID] = EHR_PROBLEM_SIGNATURE_INVALID,
    [TOLD_UNTRUSTED] = EHR_PROBLEM_SIGNATURE_UNTRUSTED,
    [TOLD_WARNING] = EHR_PROBLEM_NONE
};


/* The line is told for the document itself only: that of a decoded SIGNDATA
 * says nothing to who wrote the JSON. */

static uint32_t
signature_line(const ehr_sign_t *s)
{
    long  line;

    if (s->signature == NULL || s->in->content_form != EHR_CONTENT_XML) {
        return 0;
    }

    line = xmlGetLineNo(s->signature);

    return line > 0 ? (uint32_t) line + s->skipped_lines : 0;
}


static ehr_rc_t
signature_tell(ehr_sign_t *s, ehr_sign_fault_e fault)
{
    ehr_finding_t           f;
    const signature_row_t  *row;

    if (fault == EHR_SIGN_NONE) {
        return EHR_OK;
    }

    if (fault >= EHR_SIGN_BROKEN) {
        return EHR_BROKEN;
    }

    row = &signature_rows[fault];
    memset(&f, 0, sizeof(f));

    f.size = sizeof(f);
    f.severity = row->told == TOLD_WARNING ? EHR_SEVERITY_WARNING
                                           : EHR_SEVERITY_ERROR;
    f.line = signature_line(s);
    f.code = row->code;
    f.section = ehr_str(s->shape->section);
    f.field = row->element;
    f.message_vi = row->text[EHR_LANG_VI];
    f.message_en = row->text[EHR_LANG_EN];

    if (s->problem == EHR_PROBLEM_NONE) {
        s->problem = signature_problems[row->told];
    }

    return ehr_findings_add(s->findings, &f) == EHR_BROKEN ? EHR_BROKEN
                                                           : EHR_OK;
}


/* --- SIGNDATA ------------------------------------------------------------ */


/* bytes.len stays 0 when the member is not there or empty. */

static ehr_sign_fault_e
signature_member(ehr_sign_t *s, const json_t *json, ehr_str_t *bytes)
{
    ehr_rc_t       rc;
    ehr_str_t      text;
    const json_t  *member = json_object_get(json, SIGNATURE_FIELD);

    if (member == NULL || json_is_null(member)) {
        return EHR_SIGN_NONE;
    }

    if (!json_is_string(member)) {
        return EHR_SIGN_MALFORMED;
    }

    text.data = json_string_value(member);
    text.len = json_string_length(member);

    if (text.len == 0) {
        return EHR_SIGN_NONE;
    }

    *bytes = ehr_base64_decode(text, s->arena, &rc);

    if (bytes->data == NULL) {
        return rc == EHR_BROKEN ? EHR_SIGN_BROKEN : EHR_SIGN_MALFORMED;
    }

    return EHR_SIGN_NONE;
}


static ehr_sign_fault_e
signature_bytes(ehr_sign_t *s, ehr_str_t *bytes)
{
    json_t            *json;
    json_error_t       error;
    ehr_sign_fault_e   fault;

    *bytes = s->in->content;

    if (s->in->content_form != EHR_CONTENT_JSON) {
        return EHR_SIGN_NONE;
    }

    if (bytes->len > SIGNATURE_JSON_MAX) {
        return EHR_SIGN_SIZE;
    }

    json = json_loadb(bytes->data, bytes->len, JSON_REJECT_DUPLICATES,
                      &error);
    bytes->len = 0;

    if (json == NULL) {
        return EHR_SIGN_MALFORMED;
    }

    fault = signature_member(s, json, bytes);
    json_decref(json);

    return fault;
}


/* --- the steps ----------------------------------------------------------- */


/* Up to a signature whose shape is known; none at all leaves s->signature
 * NULL. */

static ehr_sign_fault_e
signature_open(ehr_sign_t *s)
{
    ehr_str_t         bytes;
    ehr_sign_fault_e  fault;

    fault = signature_bytes(s, &bytes);
    if (fault != EHR_SIGN_NONE || bytes.len == 0) {
        return fault;
    }

    fault = ehr_sign_tree(s, bytes);
    if (fault != EHR_SIGN_NONE) {
        return fault;
    }

    fault = ehr_sign_find(s);
    if (fault != EHR_SIGN_NONE || s->signature == NULL) {
        return fault;
    }

    fault = ehr_sign_choices(s);

    return fault != EHR_SIGN_NONE ? fault : ehr_sign_signer(s);
}


static ehr_rc_t
signature_judge(ehr_sign_t *s)
{
    ehr_sign_fault_e  fault, warning = EHR_SIGN_NONE;

    if (s->in->deadline_ns != 0 && s->in->cpu_now_ns() > s->in->deadline_ns)
    {
        return signature_tell(s, EHR_SIGN_CPU);
    }

    if (signature_tell(s, ehr_sign_verify(s)) != EHR_OK) {
        return EHR_BROKEN;
    }

    fault = ehr_sign_trust(s, &warning);

    if (signature_tell(s, fault) != EHR_OK) {
        return EHR_BROKEN;
    }

    if (s->problem != EHR_PROBLEM_NONE) {
        return EHR_OK;
    }

    if (signature_tell(s, warning) != EHR_OK
        || (s->is_sha1 && signature_tell(s, EHR_SIGN_SHA1) != EHR_OK)
        || (ehr_sign_expires_soon(s)
            && signature_tell(s, EHR_SIGN_EXPIRES_SOON) != EHR_OK))
    {
        return EHR_BROKEN;
    }

    return EHR_OK;
}


static ehr_rc_t
signature_run(ehr_sign_t *s)
{
    ehr_sign_fault_e  fault;

    fault = signature_open(s);

    if (fault != EHR_SIGN_NONE) {
        return signature_tell(s, fault);
    }

    if (s->signature == NULL) {
        return s->policy->mode == EHR_SIGNATURE_REQUIRED
               ? signature_tell(s, EHR_SIGN_ABSENT) : EHR_OK;
    }

    return signature_judge(s);
}


static void
signature_say_nothing(void *data, xmlErrorPtr error)
{
}


/* libxml2's and OpenSSL's errors are this thread's: the first would be
 * printed with values of the document, the second be taken by nginx for its
 * own. */

ehr_rc_t
ehr_signature_check(const ehr_signature_policy_t *policy,
                    const ehr_signature_input_t *in, ehr_arena_t *arena,
                    ehr_findings_t *findings, ehr_problem_e *problem)
{
    void                    *data = xmlStructuredErrorContext;
    ehr_rc_t                 rc;
    ehr_sign_t               s;
    xmlStructuredErrorFunc   func = xmlStructuredError;

    *problem = EHR_PROBLEM_NONE;

    if (policy == NULL || policy->mode == EHR_SIGNATURE_OFF) {
        return EHR_OK;
    }

    memset(&s, 0, sizeof(s));

    s.policy = policy;
    s.in = in;
    s.shape = ehr_sign_shape(policy->kind);
    s.arena = arena;
    s.findings = findings;

    xmlSetStructuredErrorFunc(NULL, signature_say_nothing);

    rc = signature_run(&s);

    ehr_sign_signer_free(&s);
    ehr_sign_tree_free(&s);
    xmlSetStructuredErrorFunc(data, func);
    ERR_clear_error();

    *problem = s.problem;

    if (rc != EHR_OK) {
        return EHR_BROKEN;
    }

    return s.problem == EHR_PROBLEM_NONE ? EHR_OK : EHR_REFUSED;
}
