/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reading a signed compact JWS that somebody else wrote, as RFC 8725 wants
 * it: bounds, form, key, algorithm, header and type first, the signature
 * last; afterwards the payload is an authentic JSON object.
 */

#ifndef EHR_JWS_H
#define EHR_JWS_H


#include <jansson.h>

#include "ehr_jose.h"


#define EHR_JWS_HEADER_MAX     1024   /* characters of the encoded header */
#define EHR_JWS_SIGNATURE_MAX  1366   /* RSA of 8192 bits */


typedef enum {
    EHR_JWS_OK = 0,
    EHR_JWS_TOO_LARGE,
    EHR_JWS_MALFORMED,        /* parts, base64url, JSON, duplicates, depth */
    EHR_JWS_HEADER,           /* crit, or a key inside the header */
    EHR_JWS_TYPE,
    EHR_JWS_KEY,              /* no key has this kid */
    EHR_JWS_ALG,              /* not the key's own */
    EHR_JWS_SIGNATURE,
    EHR_JWS_BROKEN            /* ours: no memory */
} ehr_jws_e;


typedef struct {
    const char         *typ;          /* "at+jwt"; "application/at+jwt" too */
    size_t              max_bytes;    /* of the whole text */
    size_t              max_depth;    /* of header and payload */
    ehr_key_t *const   *keys;
    size_t              nkeys;
} ehr_jws_policy_t;


typedef struct {
    ehr_str_t   encoded;      /* the payload as it stands in the text */
    json_t     *payload;      /* an object without duplicate members */
} ehr_jws_t;


/*
 * Does   everything before the meaning of the payload's members
 * Takes  text is borrowed; jws->encoded points into it
 * Gives  jws->payload to be released by ehr_jws_close(); NULL when refused
 */
ehr_jws_e ehr_jws_open(const ehr_jws_policy_t *policy, ehr_str_t text,
                       ehr_arena_t *arena, ehr_jws_t *jws);
void ehr_jws_close(ehr_jws_t *jws);

/* A string member of 1..max visible ASCII characters, borrowed from the
 * object; data NULL when it is missing or something else. */
ehr_str_t ehr_claim_word(const json_t *object, const char *name, size_t max);

/* A time in Unix seconds: an integer, 0 to the year 9999.  EHR_REFUSED. */
ehr_rc_t ehr_claim_time(const json_t *object, const char *name, int64_t *sec);


#endif /* EHR_JWS_H */
