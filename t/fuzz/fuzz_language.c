/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Small texts from outside: Accept-Language, and text that may be spoilt.
 * The first byte chooses.
 */

#include "ehr_text.h"
#include "fuzz.h"


void
fuzz_begin(void)
{
}


/* The key of a key is the key. */

static void
text_key(ehr_str_t text, ehr_arena_t *arena)
{
    ehr_str_t  key = ehr_text_key(text, arena), again;

    fuzz_check(key.data != NULL || text.len == 0);

    again = ehr_text_key(key, arena);
    fuzz_check(ehr_str_eq(key, again));

    fuzz_check(ehr_text_look(key) <= EHR_TEXT_MOJIBAKE);
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    ehr_lang_e  lang;

    if (fuzz_byte(&bytes) % 2) {
        text_key(bytes, arena);

        return;
    }

    lang = ehr_lang_negotiate(bytes);
    fuzz_check(lang == EHR_LANG_VI || lang == EHR_LANG_EN);
}
