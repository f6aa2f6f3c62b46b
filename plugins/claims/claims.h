/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the files of this validator share: what is worked out once for a
 * document, and the tables of rules, one a file.
 */

#ifndef EHR_CLAIMS_H
#define EHR_CLAIMS_H


#include "ehr_person.h"
#include "ehr_rules.h"


typedef struct claim_money_s  claim_money_t;    /* money.h */


/* check->data of every rule here. */

typedef struct {
    ehr_subject_t         subject;      /* the first: see ehr_person.h */
    ehr_decimal_t         tolerance;    /* of money, either way; in dong */
    const ehr_row_t      *xml1;     /* NULL: no XML1 in the document */
    const claim_money_t  *money;
    ehr_day_t             today;
    uint32_t              day;      /* NGAY_RA as yyyymmdd; 0: not known */
} claim_t;


static inline const claim_t *
claim_of(const ehr_check_t *check)
{
    return check->data;
}


/* NULL without memory. */
const claim_money_t *claims_money_read(const ehr_check_t *check);


/* Who stands where, and the card, in the sections of a claim. */
void claims_subject(ehr_subject_t *subject, ehr_day_t today);


extern const ehr_rule_t  claims_card_rules[];
extern const ehr_rule_t  claims_form_row_rules[];
extern const ehr_rule_t  claims_codelist_rules[];
extern const ehr_rule_t  claims_form_rules[];
extern const ehr_rule_t  claims_identity_rules[];
extern const ehr_rule_t  claims_level_rules[];
extern const ehr_rule_t  claims_link_rules[];
extern const ehr_rule_t  claims_money_rules[];
extern const ehr_rule_t  claims_need_rules[];
extern const ehr_rule_t  claims_number_rules[];
extern const ehr_rule_t  claims_package_rules[];
extern const ehr_rule_t  claims_paper_rules[];
extern const ehr_rule_t  claims_payer_rules[];
extern const ehr_rule_t  claims_repeat_rules[];
extern const ehr_rule_t  claims_required_rules[];
extern const ehr_rule_t  claims_result_rules[];
extern const ehr_rule_t  claims_route_rules[];
extern const ehr_rule_t  claims_row_time_rules[];
extern const ehr_rule_t  claims_stay_rules[];
extern const ehr_rule_t  claims_time_rules[];
extern const ehr_rule_t  claims_total_rules[];


#endif /* EHR_CLAIMS_H */
