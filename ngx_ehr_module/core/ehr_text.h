/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Vietnamese text as it really arrives: one form for comparing, and a word
 * about text that went through a wrong conversion.  Nothing is ever mended:
 * the bytes belong to the sender.
 */

#ifndef EHR_TEXT_H
#define EHR_TEXT_H


#include "ehr.h"


typedef enum {
    EHR_TEXT_GOOD = 0,
    EHR_TEXT_DECOMPOSED,      /* marks of their own: NFD, or half of it */
    EHR_TEXT_TCVN3,           /* bytes of the ABC fonts taken for Latin-1 */
    EHR_TEXT_VNI,             /* bytes of the VNI fonts taken for Latin-1 */
    EHR_TEXT_MOJIBAKE,        /* UTF-8 encoded twice, or U+FFFD */
    EHR_TEXT_INVISIBLE        /* what no reader sees and every program does */
} ehr_text_e;


/*
 * Does   guesses how the text was spoilt; text is valid UTF-8, a cut last
 *        character is allowed
 * Gives  EHR_TEXT_GOOD unless the sequence cannot be meant: a single foreign
 *        name, a unit or a quotation mark is none
 */
ehr_text_e ehr_text_look(ehr_str_t text);

/*
 * The text in NFC, for comparing: itself when it is ASCII or Vietnamese as it
 * should be, else perhaps a copy in the arena.  data NULL: no memory.  What is
 * not UTF-8, or has more than thirty marks on one letter, is given back as it
 * is.
 */
ehr_str_t ehr_text_key(ehr_str_t text, ehr_arena_t *arena);


#endif /* EHR_TEXT_H */
