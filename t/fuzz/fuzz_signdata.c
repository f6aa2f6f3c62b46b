/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The signed copy in a driver's examination: the unit is the XML inside
 * SIGNDATA, around it stands a good document.
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

    (void) fuzz_document(fuzz_exam(bytes, arena), EHR_CONTENT_JSON, arena,
                         &doc);
}
