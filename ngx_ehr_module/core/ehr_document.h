/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * From bytes to a document: the gate before the parser, the kind from the
 * root element, the claim envelope with its inner Base64, every field of
 * every section against the standard's table.  One parse of each section, no
 * tree.  Thread-safe; never blocks; knows no clock.
 */

#ifndef EHR_DOCUMENT_H
#define EHR_DOCUMENT_H


#include "ehr.h"
#include "ehr_problem.h"
#include "ehr_severities.h"


typedef enum {
    EHR_KIND_UNKNOWN = 0,
    EHR_KIND_CHECKIN,
    EHR_KIND_CLAIM,
    EHR_KIND_MEDICAL_ASSESSMENT,
    EHR_KIND_BIRTH_NOTICE,
    EHR_KIND_DEATH_NOTICE,
    EHR_KIND_VOUCHER,
    EHR_KIND_DRIVER_EXAM,
    EHR_KIND_PRESCRIPTION,
    EHR_KIND_LAST
} ehr_kind_e;


#define EHR_CONTENT_XML   1
#define EHR_CONTENT_JSON  2


typedef struct {
    ehr_str_t    content;       /* bytes as received; borrowed */
    int          content_form;  /* EHR_CONTENT_*, from Content-Type */
    ehr_str_t    facility;      /* MA_CSKCB of the certificate */
    ehr_str_t    standard;      /* facility's setting; empty: by dates */
    int64_t      deadline_ns;   /* thread CPU clock; 0: none.  Read through
                                   cpu_now_ns below, every few kB */
    int64_t    (*cpu_now_ns)(void);
    const ehr_severities_t  *severities;  /* settings; NULL: none */
} ehr_document_input_t;


typedef struct {
    ehr_kind_e      kind;
    ehr_str_t       standard;      /* "qd3176", "" when unknown */
    ehr_str_t       business_key;  /* claim: "<MA_CSKCB>/<MA_LK>"; check-in:
                                      MA_LK of its first row */
    ehr_str_t       facility;      /* MA_CSKCB in the document */
    ehr_problem_e   problem;       /* NONE, or the refusal */
    ehr_str_t       detail[2];     /* of the problem, by ehr_lang_e */
    ehr_findings_t  findings;      /* errors and warnings */
    const ehr_section_t  *sections;     /* what was read, by the section ids
                                           of ehr_fields.h; NULL: nothing */
} ehr_document_t;


/* "claim", "checkin", ...; "unknown". */
const char *ehr_kind_name(ehr_kind_e kind);

/* EHR_KIND_UNKNOWN for a name that is none. */
ehr_kind_e ehr_kind_of_name(ehr_str_t name);

/*
 * Does   reads and checks one document
 * Gives  EHR_OK: doc->kind, keys, warnings are set; EHR_REFUSED: doc->problem
 *        and doc->findings say why; EHR_BROKEN: no memory or a bug of ours.
 *        Of several problems another facility's document goes before a part
 *        that cannot be read, and that before wrong fields; findings hold all
 * Takes  in is borrowed for the call; everything in doc lives in the arena
 */
ehr_rc_t ehr_document_read(const ehr_document_input_t *in, ehr_arena_t *arena,
                           ehr_document_t *doc);


/*
 * Does   says again what the findings come to, when validators have added
 *        theirs to a document that was EHR_OK or only had wrong fields
 */
ehr_rc_t ehr_document_conclude(ehr_document_t *doc);


#endif /* EHR_DOCUMENT_H */
