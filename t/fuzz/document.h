/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Documents out of the bytes of a unit, read as the gateway reads them, and
 * what must hold of each.
 */

#ifndef EHR_FUZZ_DOCUMENT_H
#define EHR_FUZZ_DOCUMENT_H


#include "ehr_document.h"
#include "fuzz.h"


#define FUZZ_FACILITY  "99001"


/* EHR_OK or EHR_REFUSED, whose promises are checked. */
ehr_rc_t fuzz_document(ehr_str_t content, int form, ehr_arena_t *arena,
                       ehr_document_t *doc);

/* The result of another look at it, by a validator. */
void fuzz_check_document(ehr_rc_t rc, const ehr_document_t *doc,
                         ehr_arena_t *arena);

/* "{" makes it EHR_CONTENT_JSON. */
int fuzz_form(ehr_str_t content);

/* A driver's examination around a text that is said to be signed. */
ehr_str_t fuzz_exam(ehr_str_t signed_xml, ehr_arena_t *arena);


#endif /* EHR_FUZZ_DOCUMENT_H */
