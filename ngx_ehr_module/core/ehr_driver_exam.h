/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The signed copy inside a driver's health examination: SIGNDATA is Base64 of
 * a <root> document that says the same as the JSON around it.
 */

#ifndef EHR_DRIVER_EXAM_H
#define EHR_DRIVER_EXAM_H


#include "ehr_report.h"


/*
 * Does   reads SIGNDATA of the record set against its own table, and tells
 *        what it says otherwise than the JSON; who signed it is not asked
 * Takes  a reading whose JSON members are in reading->records
 */
void ehr_driver_exam_signed(const ehr_document_input_t *in,
                            ehr_reading_t *reading,
                            const ehr_standard_t *standard);


#endif /* EHR_DRIVER_EXAM_H */
