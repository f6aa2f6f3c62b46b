/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Access tokens: JWT (RFC 7519) under the profile of RFC 9068, bound to the
 * client certificate (RFC 8705), read under RFC 8725.  Our strict reader
 * picks key and algorithm, OpenSSL verifies with a parsed key, libjwt reads
 * the grants of what is verified.
 */

#ifndef EHR_TOKEN_H
#define EHR_TOKEN_H


#include "ehr_jose.h"


#define EHR_TOKEN_MAX_BYTES   8192    /* the whole compact token */
#define EHR_TOKEN_MAX_DEPTH   4       /* nesting of header and claims */
#define EHR_TOKEN_GRACE_SEC   30      /* clock skew either way */
#define EHR_TOKEN_JTI_MAX     128


typedef enum {
    EHR_SCOPE_SUBMIT = 0x01,          /* documents:submit */
    EHR_SCOPE_READ = 0x02,            /* documents:read */
    EHR_SCOPE_LOOKUPS = 0x04          /* lookups */
} ehr_scope_e;

#define EHR_SCOPE_ALL  (EHR_SCOPE_SUBMIT | EHR_SCOPE_READ | EHR_SCOPE_LOOKUPS)


/* Why a token is refused: each has a sentence, none is told apart to an
 * attacker beyond invalid / expired / not-bound. */

typedef enum {
    EHR_TOKEN_OK = 0,
    EHR_TOKEN_TOO_LARGE,
    EHR_TOKEN_MALFORMED,      /* parts, base64url, JSON, duplicates, depth */
    EHR_TOKEN_HEADER,         /* crit, embedded keys (jwk, jku, x5c, x5u) */
    EHR_TOKEN_TYPE,           /* typ is not at+jwt */
    EHR_TOKEN_KEY,            /* unknown kid */
    EHR_TOKEN_ALG,            /* not the key's own */
    EHR_TOKEN_SIGNATURE,
    EHR_TOKEN_ISSUER,
    EHR_TOKEN_AUDIENCE,
    EHR_TOKEN_CLAIMS,         /* a required claim is missing or mistyped */
    EHR_TOKEN_EXPIRED,
    EHR_TOKEN_NOT_YET,        /* nbf or iat in the future */
    EHR_TOKEN_NOT_BOUND,      /* cnf.x5t#S256 is another certificate's */
    EHR_TOKEN_BROKEN          /* ours: no memory */
} ehr_token_e;


typedef struct {
    ehr_str_t           issuer;
    ehr_str_t           audience;
    ehr_key_t *const   *keys;         /* all that verify */
    size_t              nkeys;
} ehr_token_policy_t;


typedef struct {
    ehr_str_t   subject;              /* sub: facility code */
    ehr_str_t   client_id;
    ehr_str_t   jti;
    uint32_t    scopes;               /* ehr_scope_e, unknown ones ignored */
    int64_t     issued_at;            /* Unix seconds */
    int64_t     expires_at;
    uint8_t     thumbprint[EHR_SHA256_LEN];   /* cnf.x5t#S256 */
} ehr_token_t;


/*
 * Does   everything but what needs the registry: sub == client_id is checked
 *        here, that it is the connection's facility is the caller's part
 * Takes  thumbprint: SHA-256 of the connection's certificate (DER)
 */
ehr_token_e ehr_token_verify(const ehr_token_policy_t *policy,
                             ehr_str_t token,
                             const uint8_t thumbprint[EHR_SHA256_LEN],
                             int64_t now_sec, ehr_arena_t *arena,
                             ehr_token_t *out);

/* A sentence for the problem's detail, by language (0 vi, 1 en). */
const char *ehr_token_reason(ehr_token_e e, int lang);

/* Mints one: iss, aud of the policy, sub = client_id = facility, jti, iat,
 * nbf, exp, scope, cnf.  Data NULL on failure. */
ehr_str_t ehr_token_mint(const ehr_token_policy_t *policy,
                         const ehr_key_t *key, ehr_str_t facility,
                         uint32_t scopes,
                         const uint8_t thumbprint[EHR_SHA256_LEN],
                         const char *jti, int64_t now_sec, int64_t ttl_sec,
                         ehr_arena_t *arena);

/* Space separated scope list (RFC 6749 3.3) to bits; *unknown is set to 1
 * when a word is none of ours. */
uint32_t ehr_scopes_parse(ehr_str_t list, int *unknown);
ehr_str_t ehr_scopes_render(uint32_t scopes, ehr_arena_t *arena);


#endif /* EHR_TOKEN_H */
