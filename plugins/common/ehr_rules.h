/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a validator is made of: tables of rules, one runner, and short ways to
 * the values of a document.  A rule is a function that looks at the document
 * and fails where it does not hold; when a value it needs is absent or cannot
 * be read it keeps quiet, because others tell that.
 */

#ifndef EHR_RULES_H
#define EHR_RULES_H


#include <string.h>

#include "ehr_calendar.h"
#include "ehr_decimal.h"
#include "ehr_fields.h"
#include "ehr_plugin.h"


#define EHR_NO_FIELD  UINT32_MAX


typedef ehr_plugin_rule_t  ehr_rule_t;


/* One document under one validator. */

struct ehr_check_s {
    const ehr_host_t             *host;
    ehr_call_t                   *call;
    const ehr_plugin_document_t  *doc;
    const ehr_rule_t             *rule;   /* that runs now */
    const void                   *data;   /* the validator's own */
    int                           is_broken;
};


/* Runs every rule that is not off, as long as the host gives it time.  0, or
 * -1: the host had no memory. */
int ehr_rules_run(ehr_check_t *check, const ehr_rule_t *const *tables);

/* The present rule does not hold there.  row NULL: the section as a whole;
 * field EHR_NO_FIELD: the row as a whole. */
void ehr_fail(ehr_check_t *check, const ehr_section_t *section,
              const ehr_row_t *row, uint32_t field);


/* --- values -------------------------------------------------------------- */

static inline const ehr_section_t *
ehr_section(const ehr_check_t *check, uint32_t id)
{
    return &check->doc->sections[id];
}


/* It came, and the host has told already that it could not read all of it or
 * found no row: what is missing in it proves nothing. */

static inline int
ehr_is_unread(const ehr_section_t *section)
{
    return (section->flags & EHR_SECTION_PARTIAL) != 0
           || (section->nrows == 0
               && (section->flags & EHR_SECTION_PRESENT) != 0);
}


/* Sections without a list: their row, or NULL. */

static inline const ehr_row_t *
ehr_flat(const ehr_check_t *check, uint32_t id)
{
    const ehr_section_t  *section = ehr_section(check, id);

    return section->nrows ? &section->rows[0] : NULL;
}


static inline ehr_str_t
ehr_value(const ehr_row_t *row, uint32_t field)
{
    return row->values[field];
}


static inline int
ehr_is_empty(const ehr_row_t *row, uint32_t field)
{
    return row->values[field].len == 0;
}


static inline int
ehr_number(const ehr_row_t *row, uint32_t field, ehr_decimal_t *d)
{
    return ehr_decimal_parse(row->values[field], d);
}


/* An empty field counts as 0; 0 for what is no number. */

static inline int
ehr_amount(const ehr_row_t *row, uint32_t field, ehr_decimal_t *d)
{
    *d = 0;

    return row->values[field].len == 0
           || ehr_decimal_parse(row->values[field], d);
}


static inline int
ehr_time(const ehr_row_t *row, uint32_t field, ehr_minute_t *minute)
{
    return ehr_minute_parse(row->values[field], minute);
}


static inline int
ehr_text_is(ehr_str_t text, const char *literal)
{
    size_t  len = strlen(literal);

    return text.len == len && memcmp(text.data, literal, len) == 0;
}


static inline int
ehr_text_eq(ehr_str_t a, ehr_str_t b)
{
    return a.len == b.len
           && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


/* One of the words, a space between: ehr_text_in(v, "02 03 04"). */
int ehr_text_in(ehr_str_t text, const char *words);

int ehr_text_is_digits(ehr_str_t text);


/* --- lists inside a field ------------------------------------------------ */

/* "a;;b" has three parts, "a;" two, "" none. */

typedef struct {
    ehr_str_t  rest;
    char       separator;
    int        is_done;
} ehr_list_t;

static inline ehr_list_t
ehr_list(ehr_str_t value, char separator)
{
    ehr_list_t  list = { value, separator, value.len == 0 };

    return list;
}


/* Takes the next part off; 0 when there is none. */
int ehr_list_next(ehr_list_t *list, ehr_str_t *part);

size_t ehr_list_count(ehr_str_t value, char separator);

int ehr_list_has(ehr_str_t value, char separator, ehr_str_t part);


/* --- lists of codes ------------------------------------------------------ */

/* Ascending by strcmp() of code, then by from; days as yyyymmdd, 0: always. */

typedef struct {
    const char  *code;
    uint32_t     from;
    uint32_t     until;       /* its last day */
} ehr_code_t;

typedef struct {
    const ehr_code_t  *codes;
    uint32_t           n;
} ehr_codes_t;

#define ehr_codes(array)  { array, sizeof(array) / sizeof((array)[0]) }


/* The row that is valid on that day (yyyymmdd; 0: on any), or NULL. */
const ehr_code_t *ehr_code_find(const ehr_codes_t *codes, ehr_str_t code,
                                uint32_t day);


#endif /* EHR_RULES_H */
