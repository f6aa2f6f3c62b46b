/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What one reading of a document has found so far, and the sentences of its
 * findings.  A sentence names section, field and row; a value never gets in.
 */

#ifndef EHR_REPORT_H
#define EHR_REPORT_H


#include "ehr_field.h"
#include "ehr_problem.h"
#include "ehr_rows.h"
#include "ehr_scan.h"


/* Shared by all sections of one document. */

/* What the administrator's settings made of a fault of a field: a list of a
 * hundred thousand empty rows asks for the same few again and again. */

#define EHR_REPORT_LEVELS  64

typedef struct {
    const void  *of;              /* field or table; NULL: not asked yet */
    uint32_t     fault;
    uint32_t     severity;
} ehr_report_level_t;


typedef struct {
    ehr_arena_t     *arena;
    ehr_findings_t  *findings;
    ehr_records_t    records;      /* for validators */
    const ehr_severities_t  *severities;  /* NULL: none */
    ehr_str_t        sender;       /* facility of the certificate */
    ehr_kind_e       kind;
    ehr_str_t        key;          /* MA_LK, the first one seen, in NFC */
    ehr_str_t        facility;     /* MA_CSKCB, the first one seen */
    unsigned         is_foreign:1; /* some MA_CSKCB is not the sender's */
    unsigned         is_malformed:1;
    unsigned         is_broken:1;  /* no memory */
    ehr_report_level_t  levels[EHR_REPORT_LEVELS];
} ehr_reading_t;


/* Where; field NULL: the row or the section, row 0: no row. */

typedef struct {
    const ehr_section_table_t  *table;
    const ehr_field_t          *field;
    uint32_t                    row;
    uint32_t                    line;
} ehr_place_t;


/* What is known at one moment. */

typedef struct {
    size_t     nfindings;
    size_t     nerrors;
    size_t     beyond;
    ehr_str_t  key;
    ehr_str_t  facility;
    unsigned   is_foreign:1;
    unsigned   is_malformed:1;
} ehr_report_mark_t;


ehr_report_mark_t ehr_report_mark(const ehr_reading_t *reading);

/* Nothing of what was read since counts: its bytes alone refuse it. */
void ehr_report_forget(ehr_reading_t *reading, const ehr_report_mark_t *mark);

/* Adds a finding; a fault that tells of lost memory is remembered. */
void ehr_report(ehr_reading_t *reading, const ehr_place_t *place,
                ehr_fault_e fault);

/* When a section's rows are all there: whether they could be kept. */
void ehr_report_rows(ehr_reading_t *reading, const ehr_section_table_t *table,
                     const ehr_rows_t *rows);

/* Fills in code and path of a validator's finding at that place, where they
 * are empty.  EHR_OK, EHR_BROKEN without memory. */
ehr_rc_t ehr_report_place(ehr_arena_t *arena, const ehr_place_t *place,
                          ehr_finding_t *f);

/* The same for what stopped the scanner; table NULL: the document itself. */
void ehr_report_xml(ehr_reading_t *reading, const ehr_section_table_t *table,
                    const ehr_scan_fault_t *fault);

/* The same for the document as a whole; line 0: unknown. */
void ehr_report_document(ehr_reading_t *reading, ehr_fault_e fault,
                         uint32_t line);

/* Checks a finished value, its role in the document included. */
void ehr_report_value(ehr_reading_t *reading, const ehr_place_t *place,
                      const ehr_value_t *value);


#endif /* EHR_REPORT_H */
