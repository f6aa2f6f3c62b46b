/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Documents that arrive as JSON: the gate before jansson, the kind from the
 * members, every member against the same tables as XML.
 */

#ifndef EHR_DOCUMENT_JSON_H
#define EHR_DOCUMENT_JSON_H


#include "ehr_report.h"


/*
 * Does   reads the document of in, sets reading->kind (UNKNOWN when its
 *        members tell of none) and what else a reading holds
 * Gives  the standard it was read by; NULL when it could not be read
 */
const ehr_standard_t *ehr_document_json_read(const ehr_document_input_t *in,
                                             ehr_reading_t *reading);


#endif /* EHR_DOCUMENT_JSON_H */
