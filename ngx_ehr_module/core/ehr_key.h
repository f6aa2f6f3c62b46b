/* SPDX-License-Identifier: BSD-2-Clause */

/* What a key is inside; only for the files that make, sign and verify. */

#ifndef EHR_KEY_H
#define EHR_KEY_H


#include <openssl/evp.h>

#include "ehr_jose.h"


#define EHR_P256_BYTES         32     /* of r, s, x and y */
#define EHR_RSA_MIN_BITS       2048
#define EHR_RSA_MAX_BITS       8192
#define EHR_KEY_KID_LEN        43     /* base64url of 32 bytes */


/* The public members of the JWK, in base64url: x and y, or n and e. */

typedef struct {
    ehr_str_t  first;
    ehr_str_t  second;
} ehr_key_members_t;


struct ehr_key_s {
    EVP_PKEY           *pkey;
    EVP_PKEY_CTX       *signer;       /* ready to sign; ES256, private */
    ehr_arena_t        *arena;        /* of the members */
    ehr_alg_e           alg;
    int                 is_private;
    ehr_key_members_t   members;
    char                kid[EHR_KEY_KID_LEN + 1];
};


/*
 * Takes  pkey, also when it fails
 * Gives  NULL and a sentence in *error, as ehr_key_load()
 */
ehr_key_t *ehr_key_wrap(EVP_PKEY *pkey, int is_private, const char **error);

/* "ES256" or "RS256". */
const char *ehr_alg_name(ehr_alg_e alg);


#endif /* EHR_KEY_H */
