/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Which standard a document belongs to: by the facility's setting, or by the
 * document's own day, which has to be known before it is parsed.
 */

#ifndef EHR_STANDARD_H
#define EHR_STANDARD_H


#include "ehr_table.h"


/* The standard of a document by the day behind its tag ("<NGAY_RA>"); NULL
 * when there is none in it. */
const ehr_standard_t *ehr_standard_peek(ehr_kind_e kind, ehr_str_t content,
                                        const char *tag);

/* The facility's setting, if it is a standard that knows the kind. */
const ehr_standard_t *ehr_standard_set(ehr_kind_e kind, ehr_str_t name);


#endif /* EHR_STANDARD_H */
