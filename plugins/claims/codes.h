/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lists of codes in the fields of a claim: how a field is held against one.
 */

#ifndef EHR_CLAIMS_CODES_H
#define EHR_CLAIMS_CODES_H


#include "claims.h"


typedef struct {
    uint32_t            section;
    uint32_t            field;
    uint32_t            flags;    /* CODES_* */
    const ehr_codes_t  *codes;
} code_field_t;

#define CODES_NUMBERS  0x01   /* what is no number is told by others, and a
                                 zero may stand before a digit */
#define CODES_TABLED   0x02   /* what is in no list of any day is told by the
                                 table of fields */


/* Fails where a value that is there was no code of the list on the day the
 * claim ended. */
void codes_hold(ehr_check_t *check, const code_field_t *field);


/* Without the zero before a digit. */

static inline ehr_str_t
code_plain(ehr_str_t code)
{
    if (code.len == 2 && code.data[0] == '0') {
        code.data++;
        code.len--;
    }

    return code;
}


#endif /* EHR_CLAIMS_CODES_H */
