/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the files of this validator share: its tables of rules, one a file,
 * and a way through the rows.
 */

#ifndef EHR_CHECKIN_H
#define EHR_CHECKIN_H


#include "ehr_person.h"
#include "ehr_rules.h"


/* The field that is wrong in this row, or EHR_NO_FIELD. */
typedef uint32_t (*checkin_row_f)(const ehr_check_t *check,
                                  const ehr_row_t *row);


static inline void
checkin_each(ehr_check_t *check, checkin_row_f wrong)
{
    const ehr_section_t  *s = ehr_section(check, EHR_SECTION_CHECKIN);

    for (uint32_t i = 0; i < s->nrows; i++) {
        uint32_t  field = wrong(check, &s->rows[i]);

        if (field != EHR_NO_FIELD) {
            ehr_fail(check, s, &s->rows[i], field);
        }
    }
}


extern const ehr_rule_t  checkin_code_rules[];
extern const ehr_rule_t  checkin_number_rules[];
extern const ehr_rule_t  checkin_visit_rules[];


#endif /* EHR_CHECKIN_H */
