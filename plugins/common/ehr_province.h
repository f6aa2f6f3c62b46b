/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Codes of provinces: 63 until 30/06/2025, 34 of them after (Decision
 * 19/2025/QĐ-TTg).  A number keeps the code of the day it was given.
 */

#ifndef EHR_PROVINCE_H
#define EHR_PROVINCE_H


#include "ehr_plugin.h"


/* The day (yyyymmdd) since which there are no districts and 34 provinces. */
#define EHR_PROVINCE_REFORM  20250701


/* Two digits, as in MATINH_*; day as yyyymmdd, 0: ever. */
int ehr_province_is_code(ehr_str_t code, uint32_t day);

/* The first three digits of a citizen's number. */
int ehr_province_is_prefix(ehr_str_t number);


#endif /* EHR_PROVINCE_H */
