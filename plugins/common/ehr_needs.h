/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Fields that must be filled because of a code in another field of their row,
 * as a table.
 */

#ifndef EHR_NEEDS_H
#define EHR_NEEDS_H


#include "ehr_rules.h"


typedef struct {
    const char  *rule;        /* its id */
    uint32_t     section;
    uint32_t     field;       /* that must be filled */
    uint32_t     because;     /* the field that asks for it */
    const char  *codes;       /* any of these in it, a space between; of a
                                 list with ';' between: in any part */
} ehr_need_t;

typedef struct {
    const ehr_need_t  *needs;
    size_t             n;
} ehr_needs_t;

#define ehr_needs(array)  { array, sizeof(array) / sizeof((array)[0]) }


/* The present rule fails at each field that a line of its id asks for in
 * vain: once, when lines that stand together name the same field. */
void ehr_check_needs(ehr_check_t *check, const ehr_needs_t *table);


#endif /* EHR_NEEDS_H */
