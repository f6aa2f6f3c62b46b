/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the files of this validator share.  An examination comes as JSON, or as
 * the XML that is signed inside it: the same facts in two sections, whose
 * agreement the host has checked.  Rules look at one of them.
 */

#ifndef EHR_DRIVER_EXAM_RULES_H
#define EHR_DRIVER_EXAM_RULES_H


#include "ehr_person.h"
#include "ehr_rules.h"


/* Where the facts stand. */

typedef struct {
    uint32_t  section;
    uint32_t  so;
    uint32_t  number;         /* SOCMND_PASSPORT */
    uint32_t  province;
    uint32_t  district;
    uint32_t  commune;
    uint32_t  alcohol;
    uint32_t  drugs;
    uint32_t  concluded;      /* NGAYKETLUAN */
    uint32_t  conclusion;
    uint32_t  licence;
    uint32_t  again;          /* NGAYKHAMLAI */
    uint32_t  reason;
} exam_fields_t;


/* check->data of every rule here. */

typedef struct {
    ehr_subject_t         subject;
    const exam_fields_t  *fields;
    const ehr_row_t      *row;
    ehr_day_t             concluded;
    int                   is_concluded;   /* that day can be read */
} exam_t;


static inline const exam_t *
exam_of(const ehr_check_t *check)
{
    return check->data;
}


extern const ehr_rule_t  exam_paper_rules[];
extern const ehr_rule_t  exam_result_rules[];


#endif /* EHR_DRIVER_EXAM_RULES_H */
