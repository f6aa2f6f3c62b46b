/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The envelopes GIAMDINHHS (a claim) and HSCHUNGTU (vouchers), of one shape:
 * who sends, how many, and the sections inside in Base64, each decoded and
 * checked when its FILEHOSO ends, so that only one is in memory at a time.
 */

#ifndef EHR_ENVELOPE_H
#define EHR_ENVELOPE_H


#include "ehr_base64.h"
#include "ehr_section.h"
#include "ehr_standard.h"


#define EHR_ENVELOPE_DEPTH  8
#define EHR_ENVELOPE_NODES  12


typedef struct {
    const ehr_document_input_t  *in;
    ehr_reading_t               *reading;
    const ehr_standard_t        *standard;   /* NULL until a date was seen */
    const ehr_section_table_t   *table;      /* of the envelope's own fields */
    ehr_scan_t                  *scan;       /* reads the envelope */
    ehr_reader_t                 section;
    ehr_base64_t                 base64;
    ehr_value_t                  value;
    char                        *bytes;      /* of the section, decoded */
    size_t                       nbytes;
    size_t                       allocated;
    uint8_t                      stack[EHR_ENVELOPE_DEPTH];
    uint32_t                     count[EHR_ENVELOPE_NODES];
    uint32_t                     depth;
    uint32_t                     skipped;
    uint32_t                     line;       /* of the leaf */
    uint32_t                     content_line;
    uint32_t                     file;       /* FILEHOSO, 1.. */
    uint32_t                     last_order; /* of the sections so far */
    uint32_t                     nsections;  /* bits by order */
    uint32_t                     nunknown;
    char                         name[24];   /* LOAIHOSO of this FILEHOSO */
    char                         wanted[12]; /* SOLUONGHOSO */
    unsigned                     has_content:1;
    unsigned                     has_bad_base64:1;
    unsigned                     has_signature:1;
    unsigned                     told_text:1;
    unsigned                     has_lost:1; /* a section, for its name */
} ehr_envelope_t;


/* Of reading->kind; ehr_envelope_free() is due. */
void ehr_envelope_begin(ehr_envelope_t *envelope,
                        const ehr_document_input_t *in,
                        ehr_reading_t *reading, ehr_scan_t *scan);
ehr_scan_events_t ehr_envelope_events(ehr_envelope_t *envelope);

/* When the envelope was read to its end: what it lacks as a whole. */
void ehr_envelope_end(ehr_envelope_t *envelope);

void ehr_envelope_free(ehr_envelope_t *envelope);


#endif /* EHR_ENVELOPE_H */
