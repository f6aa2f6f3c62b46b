/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Whole documents in XML: envelopes with their sections in Base64, and the
 * kinds that are one section.
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

    (void) fuzz_document(bytes, EHR_CONTENT_XML, arena, &doc);
}
