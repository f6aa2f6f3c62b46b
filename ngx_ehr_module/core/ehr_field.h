/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One field's value as it arrives in pieces, and what its table row says of
 * it.  Outer white space is not part of a value.
 */

#ifndef EHR_FIELD_H
#define EHR_FIELD_H


#include "ehr_scan.h"
#include "ehr_table.h"


#define EHR_VALUE_HEAD  448   /* bytes kept: the longest key, 100 characters
                                 of four bytes, fits */


/* Text of any length is measured, only its head is kept. */

typedef struct {
    size_t  bytes;            /* up to its last character that is no blank */
    size_t  chars;            /* the same in characters */
    size_t  blanks;           /* behind that */
    size_t  kept;             /* bytes in head */
    char    head[EHR_VALUE_HEAD];
} ehr_value_t;


typedef enum {
    EHR_FAULT_NONE = 0,
    EHR_FAULT_MISSING,
    EHR_FAULT_TOO_LONG,
    EHR_FAULT_LONG,           /* longer than the annex says: a warning */
    EHR_FAULT_DIGITS,         /* a number of too many digits */
    EHR_FAULT_NUMBER,
    EHR_FAULT_DATE,
    EHR_FAULT_TIME,
    EHR_FAULT_DATE_OR_TIME,
    EHR_FAULT_BIRTH,
    EHR_FAULT_SECOND,
    EHR_FAULT_DAY,
    EHR_FAULT_DMY,
    EHR_FAULT_TOO_MANY_BYTES,
    EHR_FAULT_CODES,
    EHR_FAULT_DUPLICATE,
    EHR_FAULT_CHILDREN,
    EHR_FAULT_KEY,            /* MA_LK is not that of the other sections */
    EHR_FAULT_KEY_VARIES,     /* the same, where it may: a warning */
    EHR_FAULT_KEY_FORM,       /* a number that should name its facility */
    EHR_FAULT_FACILITY,
    EHR_FAULT_ONE,            /* must be 1 */
    EHR_FAULT_SECTION_NAMELESS,
    EHR_FAULT_SECTION_UNKNOWN,
    EHR_FAULT_SECTION_UNCHECKED,
    EHR_FAULT_SECTION_TWICE,
    EHR_FAULT_SECTION_ORDER,
    EHR_FAULT_BASE64,
    EHR_FAULT_JSON_TYPE,      /* a list, an object, true or false */
    EHR_FAULT_CONTROL,        /* a control character, escaped in JSON */
    EHR_FAULT_COUNT,          /* SOLUONGHOSO is not what there is */
    EHR_FAULT_DISAGREES,      /* not what the signed copy says */
    EHR_FAULT_DECOMPOSED,     /* how text was made: warnings */
    EHR_FAULT_TCVN3,
    EHR_FAULT_VNI,
    EHR_FAULT_MOJIBAKE,
    EHR_FAULT_INVISIBLE,
    EHR_FAULT_FIELD_LAST,     /* from here on of sections, not of fields */
    EHR_FAULT_UNKNOWN,        /* an element that is in no table: a warning */
    EHR_FAULT_ORDER,
    EHR_FAULT_TEXT,           /* text between elements */
    EHR_FAULT_ROOT,
    EHR_FAULT_LIST,           /* the list element twice */
    EHR_FAULT_ROWS,           /* none */
    EHR_FAULT_ABSENT,         /* the section itself */
    EHR_FAULT_RECORDS,        /* not exactly one HOSO */
    EHR_FAULT_KEYLESS,        /* the document has no business key */
    EHR_FAULT_ROW_TWICE,      /* one row only */
    EHR_FAULT_JSON_ROW,       /* what is not an object in a list of them */
    EHR_FAULT_JSON,           /* not JSON */
    EHR_FAULT_JSON_EMPTY,
    EHR_FAULT_JSON_UTF8,
    EHR_FAULT_JSON_CONTROL,
    EHR_FAULT_JSON_DUPLICATE, /* a name twice in one object */
    EHR_FAULT_JSON_SIZE,
    EHR_FAULT_JSON_DEPTH,
    EHR_FAULT_JSON_VALUES,
    EHR_FAULT_XML,            /* + ehr_scan_e, up to EHR_SCAN_LAST */
    EHR_FAULT_XML_MEMORY = EHR_FAULT_XML + EHR_SCAN_LAST,
    EHR_FAULT_LAST
} ehr_fault_e;


void ehr_value_init(ehr_value_t *value);
void ehr_value_add(ehr_value_t *value, const char *text, size_t len);

/* Without outer blanks; its head only, when it is longer. */
ehr_str_t ehr_value_str(const ehr_value_t *value);

/* The first thing wrong with it by its row, or EHR_FAULT_NONE. */
ehr_fault_e ehr_field_check(const ehr_field_t *field,
                            const ehr_value_t *value);

/* yyyymmdd of the first eight characters, 0 when they are no date. */
uint32_t ehr_date_of(ehr_str_t text);


#endif /* EHR_FIELD_H */
