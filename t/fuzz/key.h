/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The one key of fuzzing, known to everybody, and compact tokens that it has
 * signed, so that units get behind the signature.
 */

#ifndef EHR_FUZZ_KEY_H
#define EHR_FUZZ_KEY_H


#include "ehr_jose.h"
#include "fuzz.h"


/* The same key each time, so that tokens of the corpus may name it: its
 * private half is the number 1. */
ehr_key_t *fuzz_key(void);

/*
 * A unit that begins with "{" is header, line feed, payload: the token of
 * that, really signed.  Any other is a token already.
 */
ehr_str_t fuzz_token(ehr_str_t unit, ehr_arena_t *arena);


#endif /* EHR_FUZZ_KEY_H */
