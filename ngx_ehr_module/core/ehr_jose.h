/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Keys and JSON Web Signatures in compact form (RFC 7515, 7517, 7518, 7638):
 * ES256 and RS256, nothing else.  Keys are parsed once and kept; a token
 * never chooses its algorithm, its key does.
 */

#ifndef EHR_JOSE_H
#define EHR_JOSE_H


#include "ehr.h"


typedef enum {
    EHR_ALG_ES256 = 1,
    EHR_ALG_RS256
} ehr_alg_e;


typedef struct ehr_key_s  ehr_key_t;


/*
 * Takes  a PEM file: private key (signs and verifies) or public key
 * Gives  NULL and a sentence in *error (static or static-like, no path);
 *        refused: other than EC P-256 and RSA of 2048 bits and more, and a
 *        private key that is no secret (ehr_secret_check)
 * When   at configuration; reads a file
 */
ehr_key_t *ehr_key_load(const char *path, const char **error);
void ehr_key_free(ehr_key_t *key);

/* RFC 7638 thumbprint (SHA-256, base64url), NUL-terminated: the kid. */
const char *ehr_key_kid(const ehr_key_t *key);
ehr_alg_e ehr_key_alg(const ehr_key_t *key);
int ehr_key_is_private(const ehr_key_t *key);

/* {"keys":[...]} of the public halves, with kid, alg, use "sig". */
ehr_str_t ehr_jwks_render(ehr_key_t *const *keys, size_t n,
                          ehr_arena_t *arena);

/*
 * Does   the way back, for clients: reads a set of public keys (RFC 7517);
 *        keys that are not for us (another kty, crv, use) are left out
 * Takes  keys: room for max
 * Gives  *n keys, each for ehr_key_free(); EHR_REFUSED and none when the text
 *        is no JWK set, a key is damaged or named otherwise than by RFC 7638,
 *        or there are more than max
 */
#define EHR_JWKS_MAX_BYTES  65536
ehr_rc_t ehr_jwks_read(ehr_str_t text, ehr_key_t **keys, size_t max,
                       size_t *n);

/* header {"alg","kid","typ"}; payload is JSON text.  Data NULL on failure.
 * One thread at a time signs with a key. */
ehr_str_t ehr_jws_sign(const ehr_key_t *key, const char *typ,
                       ehr_str_t payload, ehr_arena_t *arena);

/* The signature alone, over signing_input, as raw bytes (r||s or RSA). */
ehr_rc_t ehr_jws_verify(const ehr_key_t *key, ehr_str_t signing_input,
                        ehr_str_t signature);

/* Strict base64url without padding (RFC 4648 section 5): any other character,
 * '=' or non-zero trailing bits are refused (data NULL, len (size_t) -1). */
ehr_str_t ehr_base64url_encode(const void *data, size_t len,
                               ehr_arena_t *arena);
ehr_str_t ehr_base64url_decode(ehr_str_t text, ehr_arena_t *arena);


#endif /* EHR_JOSE_H */
