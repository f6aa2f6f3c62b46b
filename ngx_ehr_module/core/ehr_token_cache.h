/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Verified access tokens in memory that processes share, so that a token is
 * verified once and not at every request.  The memory is the caller's; all
 * zero is an empty cache.  What is lost here is only verified again.
 */

#ifndef EHR_TOKEN_CACHE_H
#define EHR_TOKEN_CACHE_H


#include "ehr.h"


#define EHR_TOKEN_CACHE_MAX_SEC  300  /* an entry's life, if exp is later */


typedef struct {
    char      facility[EHR_FACILITY_MAX + 1];     /* NUL-terminated */
    uint32_t  scopes;                 /* ehr_scope_e */
    int64_t   issued_at;              /* Unix seconds, of the token */
    int64_t   expires_at;
    int64_t   facility_version;       /* of the registry, when verified */
    uint8_t   thumbprint[EHR_SHA256_LEN];     /* of its certificate */
} ehr_token_cached_t;


/*
 * Does   looks up a token that was verified before on the same certificate
 * Takes  mem: aligned to 8, shared by everybody who calls; digest: SHA-256 of
 *        the compact token; thumbprint: of this connection's certificate
 * Gives  1 and *out, or 0: not there, dead, or another certificate's.  The
 *        caller must still compare out->facility_version with the registry's
 *        and take a difference for a miss: that is how suspending or changing
 *        a facility reaches its tokens at once
 * Never  waits for a writer
 */
int ehr_token_cache_get(void *mem, size_t size,
                        const uint8_t digest[EHR_SHA256_LEN],
                        const uint8_t thumbprint[EHR_SHA256_LEN],
                        int64_t now_sec, ehr_token_cached_t *out);

/*
 * Does   keeps a verified token until min(expires_at, now_sec + 5 minutes),
 *        or until a younger one needs the room
 * Never  waits; when another process is just writing there, nothing is kept
 */
void ehr_token_cache_put(void *mem, size_t size,
                         const uint8_t digest[EHR_SHA256_LEN],
                         int64_t now_sec, const ehr_token_cached_t *in);


#endif /* EHR_TOKEN_CACHE_H */
