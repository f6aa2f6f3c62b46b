/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The record set: what a section's parser has read, kept as rows of values
 * for validators.  One copy of each value, in NFC, in the document's arena; no
 * tree; no more memory than a document of its size can honestly need.  It
 * knows field ids only, and judges nothing.
 */

#ifndef EHR_ROWS_H
#define EHR_ROWS_H


#include "ehr_table.h"


/* Where the rows of one section lie. */

typedef struct {
    ehr_row_t  *rows;         /* section->rows, while they may still move */
    uint32_t    allocated;
} ehr_rows_kept_t;


/* Of one document.  One value is read at a time, whatever section it is of. */

typedef struct {
    ehr_arena_t      *arena;
    ehr_section_t    *sections;     /* by id; NULL: nothing is kept */
    ehr_rows_kept_t  *kept;         /* by id */
    char             *text;         /* of the value that is read now */
    size_t            room;         /* from text on */
    size_t            left;         /* bytes that may still be taken */
} ehr_records_t;


/* One section while it grows. */

typedef struct {
    ehr_records_t    *records;
    ehr_rows_kept_t  *kept;         /* of this section */
    ehr_section_t    *section;      /* NULL: nothing is kept */
    ehr_str_t        *values;       /* of the last row */
    size_t            len;          /* of the value that is read now */
    unsigned          is_flat:1;    /* one row each time it comes */
    unsigned          is_full:1;    /* more rows than the bytes explain */
    unsigned          is_broken:1;  /* no memory */
} ehr_rows_t;


/* Empty, for a document of that many bytes; EHR_BROKEN without memory. */
ehr_rc_t ehr_records_begin(ehr_records_t *records, ehr_arena_t *arena,
                           size_t content_len);

/* Something came that could not be told from any section: that one did not
 * come proves nothing. */
void ehr_records_doubt(ehr_records_t *records);

void ehr_rows_begin(ehr_rows_t *rows, ehr_records_t *records,
                    const ehr_section_table_t *table);

/* No more rows of this section: nobody will ask for them. */
void ehr_rows_stop(ehr_rows_t *rows);

/* A new row; what follows belongs to it.  Without one values are dropped. */
void ehr_rows_row(ehr_rows_t *rows, uint32_t number, uint32_t line);

/* A value: begin, its text in any pieces, end. */
void ehr_rows_value(ehr_rows_t *rows);
void ehr_rows_text(ehr_rows_t *rows, const char *text, size_t len);
void ehr_rows_value_end(ehr_rows_t *rows, uint32_t id);

/* The same in one call. */
void ehr_rows_set(ehr_rows_t *rows, uint32_t id, ehr_str_t value);


#endif /* EHR_ROWS_H */
