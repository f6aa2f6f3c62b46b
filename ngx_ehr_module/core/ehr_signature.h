/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * XMLDSig signatures of facilities, in CHUKYDONVI and in SIGNDATA: is there
 * one, does it cover what the gateway processes, was anything changed since,
 * and is the signer the facility.  What the sender chooses is never an
 * instruction: algorithms, transforms, references and keys are only compared
 * with a short list, and nothing is ever fetched.
 */

#ifndef EHR_SIGNATURE_H
#define EHR_SIGNATURE_H


#include "ehr.h"
#include "ehr_document.h"
#include "ehr_problem.h"


#define EHR_SIGNATURE_ERROR_MAX  256


typedef enum {
    EHR_SIGNATURE_OFF = 0,
    EHR_SIGNATURE_WHEN_PRESENT,   /* none is fine, a wrong one is not */
    EHR_SIGNATURE_REQUIRED
} ehr_signature_mode_e;


typedef struct {
    ehr_kind_e             kind;
    ehr_signature_mode_e   mode;
    const char            *ca_path;       /* PEM bundle; NULL: none */
    const char            *pins_path;     /* NULL: none */
    unsigned               allows_sha1:1;
} ehr_signature_settings_t;


typedef struct ehr_signature_policy_s  ehr_signature_policy_t;


typedef struct {
    ehr_str_t    content;       /* as received; XML, or JSON with SIGNDATA */
    int          content_form;  /* EHR_CONTENT_* */
    ehr_str_t    facility;      /* MA_CSKCB of the TLS certificate */
    int64_t      received_ms;   /* Unix time; certificates are judged by it */
    int64_t      deadline_ns;   /* as in ehr_document_input_t */
    int64_t    (*cpu_now_ns)(void);
} ehr_signature_input_t;


/* EHR_REFUSED: no such word. */
ehr_rc_t ehr_signature_mode_of_name(ehr_str_t name,
                                    ehr_signature_mode_e *mode);

/*
 * Does   takes one word of the configuration behind kind and mode: ca=, pins=
 *        or sha1=on|off.  Paths stay as they are written
 * Gives  NULL, or what is wrong with it
 * Takes  the word for as long as the settings live
 */
const char *ehr_signature_setting(ehr_signature_settings_t *settings,
                                  const char *word);

/*
 * Does   reads CA bundle and list of pins; the first call also makes xmlsec
 *        ready and takes from it everything but what is allowed here
 * Gives  NULL, and error says why (English, for nginx -t)
 * When   at configuration, before threads and fork
 */
ehr_signature_policy_t *ehr_signature_policy_load(
    const ehr_signature_settings_t *settings,
    char error[EHR_SIGNATURE_ERROR_MAX]);

/* NULL is allowed. */
void ehr_signature_policy_free(ehr_signature_policy_t *policy);

/*
 * Does   checks the signature of one document that ehr_document_read() could
 *        read; policy NULL is off
 * Gives  EHR_OK: nothing against it, perhaps a warning in findings;
 *        EHR_REFUSED: *problem, and one finding or more; EHR_BROKEN: no
 *        memory
 * Takes  everything is borrowed for the call; beside the document at most
 *        its text once more and 16 MB are held, and given back
 * When   any thread; never blocks, opens no file and no socket
 */
ehr_rc_t ehr_signature_check(const ehr_signature_policy_t *policy,
                             const ehr_signature_input_t *in,
                             ehr_arena_t *arena, ehr_findings_t *findings,
                             ehr_problem_e *problem);


#endif /* EHR_SIGNATURE_H */
