/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Content-Digest (RFC 9530 section 2): a dictionary of structured fields (RFC
 * 8941 section 3.2) whose member sha-256 is the digest of the body.
 */

#ifndef EHR_DIGEST_H
#define EHR_DIGEST_H


#include "ehr.h"


typedef struct {
    uint8_t   sha256[EHR_SHA256_LEN];
    unsigned  has_sha256:1;
    unsigned  is_broken:1;    /* for good, whatever the other lines say */
} ehr_digest_t;


/*
 * Does   reads one line of the field; *digest begins as zeros and collects
 *        all lines, of which the last sha-256 counts (RFC 8941 section 4.2)
 * Takes  a value of any bytes, borrowed for the call
 * Gives  is_broken: no dictionary, or a sha-256 that is none of 32 bytes.
 *        Members of other names are parsed and forgotten, as RFC 9530 has it
 */
void ehr_digest_read(ehr_digest_t *digest, ehr_str_t line);


#endif /* EHR_DIGEST_H */
