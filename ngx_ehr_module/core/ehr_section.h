/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One section checked against its table while its events arrive: rows,
 * fields, no tree.  Fields are read by name; another order is only told.
 */

#ifndef EHR_SECTION_H
#define EHR_SECTION_H


#include "ehr_report.h"


typedef struct {
    const ehr_section_table_t  *table;
    ehr_reading_t              *reading;
    const ehr_scan_t           *scan;        /* for line numbers */
    ehr_value_t                 value;
    const ehr_field_t          *field;       /* that the parser is inside */
    uint64_t                    seen[EHR_FIELDS_MAX / 64];
    uint32_t                    depth;
    uint32_t                    field_depth; /* of a field's element */
    uint32_t                    skipped;     /* depth of what is not read */
    uint32_t                    next;        /* position expected next */
    uint32_t                    row;
    uint32_t                    row_line;
    uint32_t                    line;        /* of the field */
    uint32_t                    nseen;
    uint32_t                    nunknown;
    ehr_rows_t                  rows;
    unsigned                    has_list:1;
    unsigned                    told_order:1;
    unsigned                    told_text:1;
} ehr_reader_t;


/* Begins; the events are then what the scan must be given. */
void ehr_section_begin(ehr_reader_t *section,
                       const ehr_section_table_t *table,
                       ehr_reading_t *reading, ehr_scan_t *scan);
ehr_scan_events_t ehr_section_events(ehr_reader_t *section);

/* When the section was read to its end: what is wrong with it as a whole. */
void ehr_section_end(ehr_reader_t *section);


#endif /* EHR_SECTION_H */
