/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Documents in JSON: driver's examinations and prescriptions.
 */

#include "document.h"


void
fuzz_begin(void)
{
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    ehr_document_t  doc;

    (void) fuzz_document(bytes, EHR_CONTENT_JSON, arena, &doc);
}
