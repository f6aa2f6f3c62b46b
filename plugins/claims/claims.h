/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the files of this validator share: what is worked out once for a
 * document, and the tables of rules, one a file.
 */

#ifndef EHR_CLAIMS_H
#define EHR_CLAIMS_H


#include "ehr_rules.h"


/* check->data of every rule here. */

typedef struct {
    ehr_decimal_t     tolerance;    /* of money, either way; in dong */
    const ehr_row_t  *xml1;         /* NULL: no XML1 in the document */
    ehr_day_t         today;
} claim_t;


static inline const claim_t *
claim_of(const ehr_check_t *check)
{
    return check->data;
}


extern const ehr_rule_t  claims_card_rules[];
extern const ehr_rule_t  claims_link_rules[];
extern const ehr_rule_t  claims_money_rules[];
extern const ehr_rule_t  claims_time_rules[];


#endif /* EHR_CLAIMS_H */
