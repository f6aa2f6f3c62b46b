/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the files of this validator share: its tables of rules, one a file.
 */

#ifndef EHR_NOTICES_H
#define EHR_NOTICES_H


#include "ehr_person.h"
#include "ehr_rules.h"


extern const ehr_rule_t  notices_birth_rules[];
extern const ehr_rule_t  notices_death_rules[];
extern const ehr_rule_t  notices_paper_rules[];


#endif /* EHR_NOTICES_H */
