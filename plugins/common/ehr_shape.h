/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Forms of single values that no type of a field table can tell, and one way
 * to try a form on many fields.  Empty values are never tried: whether a
 * field may be empty is another rule.
 */

#ifndef EHR_SHAPE_H
#define EHR_SHAPE_H


#include "ehr_rules.h"


#define EHR_FACILITY_LEN  5


typedef struct {
    uint32_t  section;
    uint32_t  field;
} ehr_place_t;

typedef struct {
    const ehr_place_t  *places;
    size_t              n;
} ehr_places_t;

#define ehr_places(array)  { array, sizeof(array) / sizeof((array)[0]) }

typedef int (*ehr_shape_f)(ehr_str_t value);


/* The present rule fails at each of these fields, in each row, whose value is
 * not of that form. */
void ehr_check_shape(ehr_check_t *check, const ehr_places_t *at,
                     ehr_shape_f is_right);

/* The same for values that are lists with ';' between: one finding a value. */
void ehr_check_shapes(ehr_check_t *check, const ehr_places_t *at,
                      ehr_shape_f is_right);


static inline int
ehr_is_digit(char c)
{
    return c >= '0' && c <= '9';
}


static inline int
ehr_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}


static inline int
ehr_is_alnum(char c)
{
    return ehr_is_digit(c) || ehr_is_upper(c) || (c >= 'a' && c <= 'z');
}


static inline int
ehr_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}


int ehr_text_begins(ehr_str_t text, const char *literal);
int ehr_text_ends(ehr_str_t text, const char *literal);

/* What stands behind the first n bytes; "" when there is less. */
ehr_str_t ehr_text_after(ehr_str_t text, size_t n);

/* Without white space at its ends. */
ehr_str_t ehr_text_trim(ehr_str_t text);

/* Exactly n of them. */
int ehr_is_digits(ehr_str_t text, size_t n);

/* MA_CSKCB: five letters or digits, the first two the province's (F10). */
int ehr_is_facility(ehr_str_t text);

/* The form of an insurance card (K1). */
int ehr_is_card(ehr_str_t card);

/* MA_TTDV before QĐ 3176 and MA_BHXH: ten digits, not only zeros (F9). */
int ehr_is_insurance_number(ehr_str_t text);


#endif /* EHR_SHAPE_H */
