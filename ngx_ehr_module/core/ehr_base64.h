/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Base64 (RFC 4648 section 4) as documents carry it: the standard alphabet,
 * white space dropped, padding required and exact, no bits left over.
 */

#ifndef EHR_BASE64_H
#define EHR_BASE64_H


#include "ehr.h"


/* Room that feeding len characters may need. */
#define ehr_base64_room(len)  ((len) / 4 * 3 + 6)


typedef struct {
    uint32_t  bits;           /* of the group that is not full yet */
    uint8_t   n;              /* characters in it, padding included */
    uint8_t   npad;
    uint8_t   is_done;        /* padding was complete: only blanks follow */
    uint8_t   is_broken;
} ehr_base64_t;


void ehr_base64_init(ehr_base64_t *b);

/* Decodes a piece, which may end anywhere; returns the bytes written to out,
 * at most ehr_base64_room(len).  A fault is remembered. */
size_t ehr_base64_feed(ehr_base64_t *b, const char *text, size_t len,
                       uint8_t *out);

/* EHR_OK, or EHR_REFUSED: a foreign character, wrong or missing padding. */
ehr_rc_t ehr_base64_finish(const ehr_base64_t *b);

/* In one go.  data NULL: refused (*rc EHR_REFUSED) or no memory. */
ehr_str_t ehr_base64_decode(ehr_str_t text, ehr_arena_t *arena, ehr_rc_t *rc);


#endif /* EHR_BASE64_H */
