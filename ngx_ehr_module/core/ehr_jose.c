/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Signatures over bytes, and the compact form of a JWS we make ourselves.
 * The algorithm is the key's; knows nothing of headers that others wrote.
 */

#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include "ehr_id.h"
#include "ehr_json.h"
#include "ehr_key.h"


#define EHR_ES256_BYTES    (2 * EHR_P256_BYTES)
#define EHR_ES256_DER_MAX  72
#define EHR_SIGNATURE_MAX  (EHR_RSA_MAX_BITS / 8)


static ehr_str_t ehr_jws_input(const ehr_key_t *key, const char *typ,
                               ehr_str_t payload, ehr_arena_t *arena);
static ehr_str_t ehr_jws_join(ehr_str_t a, ehr_str_t b, ehr_arena_t *arena);
static size_t ehr_signature_make(const ehr_key_t *key, ehr_str_t input,
                                 uint8_t out[EHR_SIGNATURE_MAX]);
static size_t ehr_es256_make(const ehr_key_t *key, ehr_str_t input,
                             uint8_t out[EHR_ES256_BYTES]);
static size_t ehr_es256_from_der(const uint8_t *der, size_t len,
                                 uint8_t out[EHR_ES256_BYTES]);
static int ehr_signature_is_sound(const ehr_key_t *key, ehr_str_t signature);
static size_t ehr_es256_to_der(const uint8_t in[EHR_ES256_BYTES],
                               uint8_t der[EHR_ES256_DER_MAX]);
static ehr_rc_t ehr_signature_check(const ehr_key_t *key, ehr_str_t input,
                                    const uint8_t *signature, size_t len);


ehr_str_t
ehr_jws_sign(const ehr_key_t *key, const char *typ, ehr_str_t payload,
             ehr_arena_t *arena)
{
    size_t           len;
    uint8_t          signature[EHR_SIGNATURE_MAX];
    ehr_str_t        input, text;
    const ehr_str_t  none = ehr_null_string;

    if (!key->is_private) {
        return none;
    }

    input = ehr_jws_input(key, typ, payload, arena);
    if (input.data == NULL) {
        return none;
    }

    len = ehr_signature_make(key, input, signature);
    if (len == 0) {
        ERR_clear_error();
        return none;
    }

    text = ehr_base64url_encode(signature, len, arena);
    if (text.data == NULL) {
        return none;
    }

    return ehr_jws_join(input, text, arena);
}


static ehr_str_t
ehr_jws_input(const ehr_key_t *key, const char *typ, ehr_str_t payload,
              ehr_arena_t *arena)
{
    ehr_str_t        header, first, second;
    ehr_json_t       json;
    const ehr_str_t  none = ehr_null_string;

    ehr_json_begin(&json, arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_text(&json, "alg", ehr_alg_name(key->alg));
    ehr_json_text(&json, "kid", key->kid);
    ehr_json_text(&json, "typ", typ);
    ehr_json_close(&json, '}');

    header = ehr_json_end(&json);
    if (header.data == NULL) {
        return none;
    }

    first = ehr_base64url_encode(header.data, header.len, arena);
    second = ehr_base64url_encode(payload.data, payload.len, arena);
    if (first.data == NULL || second.data == NULL) {
        return none;
    }

    return ehr_jws_join(first, second, arena);
}


static ehr_str_t
ehr_jws_join(ehr_str_t a, ehr_str_t b, ehr_arena_t *arena)
{
    char       *p;
    ehr_str_t   s = ehr_null_string;

    p = ehr_arena_alloc(arena, a.len + b.len + 2);
    if (p == NULL) {
        return s;
    }

    memcpy(p, a.data, a.len);
    p[a.len] = '.';
    memcpy(p + a.len + 1, b.data, b.len);

    s.data = p;
    s.len = a.len + 1 + b.len;
    p[s.len] = '\0';

    return s;
}


/* Length of the signature, 0 when it failed. */

static size_t
ehr_signature_make(const ehr_key_t *key, ehr_str_t input,
                   uint8_t out[EHR_SIGNATURE_MAX])
{
    int          is_done;
    size_t       len;
    EVP_MD_CTX  *ctx;

    if (key->alg == EHR_ALG_ES256) {
        return ehr_es256_make(key, input, out);
    }

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return 0;
    }

    len = EHR_SIGNATURE_MAX;
    is_done = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1
              && EVP_DigestSign(ctx, out, &len,
                                (const unsigned char *) input.data, input.len)
                 == 1;

    EVP_MD_CTX_free(ctx);

    return is_done ? len : 0;
}


static size_t
ehr_es256_make(const ehr_key_t *key, ehr_str_t input,
               uint8_t out[EHR_ES256_BYTES])
{
    size_t   len;
    uint8_t  digest[EHR_SHA256_LEN], der[EHR_ES256_DER_MAX];

    ehr_sha256(input.data, input.len, digest);

    len = sizeof(der);

    return EVP_PKEY_sign(key->signer, der, &len, digest, sizeof(digest)) == 1
           ? ehr_es256_from_der(der, len, out) : 0;
}


static size_t
ehr_es256_from_der(const uint8_t *der, size_t len,
                   uint8_t out[EHR_ES256_BYTES])
{
    int         is_done;
    ECDSA_SIG  *sig;

    sig = d2i_ECDSA_SIG(NULL, &der, (long) len);
    if (sig == NULL) {
        return 0;
    }

    is_done = BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, EHR_P256_BYTES) >= 0
              && BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + EHR_P256_BYTES,
                              EHR_P256_BYTES) >= 0;

    ECDSA_SIG_free(sig);

    return is_done ? EHR_ES256_BYTES : 0;
}


ehr_rc_t
ehr_jws_verify(const ehr_key_t *key, ehr_str_t signing_input,
               ehr_str_t signature)
{
    size_t          len = signature.len;
    uint8_t         der[EHR_ES256_DER_MAX];
    ehr_rc_t        rc;
    const uint8_t  *bytes = (const uint8_t *) signature.data;

    if (!ehr_signature_is_sound(key, signature)) {
        return EHR_REFUSED;
    }

    if (key->alg == EHR_ALG_ES256) {
        len = ehr_es256_to_der(bytes, der);
        bytes = der;
    }

    rc = len ? ehr_signature_check(key, signing_input, bytes, len)
             : EHR_BROKEN;

    if (rc != EHR_OK) {
        ERR_clear_error();
    }

    return rc;
}


/* Of the key's length; for ES256 neither r nor s is 0 (CVE-2022-21449 is what
 * became of those who forgot). */

static int
ehr_signature_is_sound(const ehr_key_t *key, ehr_str_t signature)
{
    static const char  zeros[EHR_P256_BYTES];

    if (key->alg == EHR_ALG_RS256) {
        return signature.len == (size_t) EVP_PKEY_get_size(key->pkey);
    }

    return signature.len == EHR_ES256_BYTES
           && memcmp(signature.data, zeros, EHR_P256_BYTES) != 0
           && memcmp(signature.data + EHR_P256_BYTES, zeros, EHR_P256_BYTES)
              != 0;
}


/* 0 without memory. */

static size_t
ehr_es256_to_der(const uint8_t in[EHR_ES256_BYTES],
                 uint8_t der[EHR_ES256_DER_MAX])
{
    int         len;
    BIGNUM     *r, *s;
    ECDSA_SIG  *sig;

    sig = ECDSA_SIG_new();
    r = BN_bin2bn(in, EHR_P256_BYTES, NULL);
    s = BN_bin2bn(in + EHR_P256_BYTES, EHR_P256_BYTES, NULL);

    if (sig == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return 0;
    }

    len = i2d_ECDSA_SIG(sig, &der);
    ECDSA_SIG_free(sig);

    return len > 0 ? (size_t) len : 0;
}


static ehr_rc_t
ehr_signature_check(const ehr_key_t *key, ehr_str_t input,
                    const uint8_t *signature, size_t len)
{
    ehr_rc_t     rc;
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return EHR_BROKEN;
    }

    if (EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) != 1) {
        EVP_MD_CTX_free(ctx);
        return EHR_BROKEN;
    }

    /* 0 and the negative answers (a broken encoding) are one refusal. */

    rc = EVP_DigestVerify(ctx, signature, len,
                          (const unsigned char *) input.data, input.len) == 1
         ? EHR_OK : EHR_REFUSED;

    EVP_MD_CTX_free(ctx);

    return rc;
}
