/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Access tokens: any text, and any header and claims with a signature that
 * is right (key.h).
 */

#include "ehr_token.h"
#include "key.h"


#define TOKEN_NOW_SEC  (FUZZ_NOW_MS / 1000)


static const uint8_t  thumbprint[EHR_SHA256_LEN];

static ehr_key_t  *keys[1];


void
fuzz_begin(void)
{
    keys[0] = fuzz_key();
}


static void
check_accepted(const ehr_token_t *token)
{
    fuzz_check(token->subject.len > 0);
    fuzz_check(ehr_str_eq(token->subject, token->client_id));
    fuzz_check(token->jti.len > 0 && token->jti.len <= EHR_TOKEN_JTI_MAX);
    fuzz_check((token->scopes & ~(uint32_t) EHR_SCOPE_ALL) == 0);
    fuzz_check(token->expires_at + EHR_TOKEN_GRACE_SEC > TOKEN_NOW_SEC);
    fuzz_check(token->issued_at - EHR_TOKEN_GRACE_SEC <= TOKEN_NOW_SEC);
    fuzz_check(memcmp(token->thumbprint, thumbprint, sizeof(thumbprint))
               == 0);
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    ehr_token_e         e;
    ehr_token_t         token;
    ehr_token_policy_t  policy = { ehr_string("https://gateway.example"),
                                   ehr_string("https://gateway.example"),
                                   keys, 1 };

    e = ehr_token_verify(&policy, fuzz_token(bytes, arena), thumbprint,
                         TOKEN_NOW_SEC, arena, &token);

    fuzz_check(e < EHR_TOKEN_BROKEN);

    if (e == EHR_TOKEN_OK) {
        check_accepted(&token);

    } else {
        fuzz_check(ehr_token_reason(e, 0) && ehr_token_reason(e, 1));
    }
}
