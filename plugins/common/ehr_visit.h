/* SPDX-License-Identifier: BSD-2-Clause */

/* Kinds of care and categories of patients: the same in check-ins and claims,
 * as far as their day is the same. */

#ifndef EHR_VISIT_H
#define EHR_VISIT_H


#include "ehr_rules.h"


extern const ehr_codes_t  ehr_visit_cares;      /* MA_LOAI_KCB */
extern const ehr_codes_t  ehr_visit_routes;     /* MA_DOITUONG_KCB */


#endif /* EHR_VISIT_H */
