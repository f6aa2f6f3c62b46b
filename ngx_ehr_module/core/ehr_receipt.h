/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Receipts: what a hospital holds in hand after a document was accepted, as
 * a JWS (RFC 7515) of type "ehr-receipt+jwt", signed with ES256.
 */

#ifndef EHR_RECEIPT_H
#define EHR_RECEIPT_H


#include "ehr_jose.h"


#define EHR_RECEIPT_TYP        "ehr-receipt+jwt"
#define EHR_RECEIPT_MAX_BYTES  8192   /* the whole compact text */


typedef struct {
    ehr_str_t   issuer;               /* iss */
    ehr_str_t   id;                   /* jti and id: the submission's UUIDv7 */
    ehr_str_t   facility;
    ehr_str_t   kind;
    ehr_str_t   standard;             /* may be empty */
    ehr_str_t   business_key;
    uint8_t     sha256[EHR_SHA256_LEN];       /* of the bytes received */
    uint64_t    size;                 /* in bytes */
    int64_t     received_at_ms;
    int64_t     issued_at_sec;        /* iat */
} ehr_receipt_t;


/* Data NULL on failure: no private ES256 key, no memory, or a receipt that
 * would be longer than EHR_RECEIPT_MAX_BYTES. */
ehr_str_t ehr_receipt_sign(const ehr_key_t *key, const ehr_receipt_t *facts,
                           ehr_arena_t *arena);

/*
 * Takes  keys: the gateway's public keys; jws without white space around it
 * Gives  EHR_OK and facts in the arena; EHR_REFUSED: the signature or the
 *        form is wrong; EHR_BROKEN: no memory
 */
ehr_rc_t ehr_receipt_verify(ehr_key_t *const *keys, size_t n, ehr_str_t jws,
                            ehr_arena_t *arena, ehr_receipt_t *facts);


#endif /* EHR_RECEIPT_H */
