/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Public keys as JSON (RFC 7517, 7518 section 6), written and read.  Decides
 * which members a key has there; that a key is good enough, and its name, is
 * decided where every key is made.
 */

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "ehr_json.h"
#include "ehr_key.h"


#define EHR_JWK_ARENA_MAX  16384
#define EHR_JWK_POINT_LEN  (1 + 2 * EHR_P256_BYTES)
#define EHR_JWKS_KEYS_MAX  64       /* of a set, ours or not */


static ehr_key_t *ehr_jwk_read(const json_t *jwk, ehr_rc_t *rc);
static EVP_PKEY *ehr_jwk_ec(const json_t *jwk, ehr_arena_t *arena);
static EVP_PKEY *ehr_jwk_rsa(const json_t *jwk, ehr_arena_t *arena);
static EVP_PKEY *ehr_jwk_make(const char *type, OSSL_PARAM_BLD *build);
static ehr_str_t ehr_jwk_bytes(const json_t *jwk, const char *name,
                               ehr_arena_t *arena);


ehr_str_t
ehr_jwks_render(ehr_key_t *const *keys, size_t n, ehr_arena_t *arena)
{
    ehr_json_t        json;
    const ehr_key_t  *key;

    ehr_json_begin(&json, arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_open(&json, "keys", '[');

    for (size_t i = 0; i < n; i++) {
        key = keys[i];

        ehr_json_open(&json, NULL, '{');

        if (key->alg == EHR_ALG_ES256) {
            ehr_json_text(&json, "kty", "EC");
            ehr_json_text(&json, "crv", "P-256");
            ehr_json_string(&json, "x", key->members.first);
            ehr_json_string(&json, "y", key->members.second);

        } else {
            ehr_json_text(&json, "kty", "RSA");
            ehr_json_string(&json, "n", key->members.first);
            ehr_json_string(&json, "e", key->members.second);
        }

        ehr_json_text(&json, "kid", key->kid);
        ehr_json_text(&json, "alg", ehr_alg_name(key->alg));
        ehr_json_text(&json, "use", "sig");
        ehr_json_close(&json, '}');
    }

    ehr_json_close(&json, ']');
    ehr_json_close(&json, '}');

    return ehr_json_end(&json);
}


ehr_rc_t
ehr_jwks_read(ehr_str_t text, ehr_key_t **keys, size_t max, size_t *n)
{
    json_t        *root;
    size_t         count;
    ehr_rc_t       rc = EHR_REFUSED;
    ehr_key_t     *key;
    const json_t  *list;

    *n = 0;

    if (text.len > EHR_JWKS_MAX_BYTES) {
        return EHR_REFUSED;
    }

    root = json_loadb(text.len ? text.data : "", text.len,
                      JSON_REJECT_DUPLICATES, NULL);
    list = json_object_get(root, "keys");
    count = json_array_size(list);

    if (json_is_array(list) && count <= EHR_JWKS_KEYS_MAX) {
        rc = EHR_OK;
    }

    for (size_t i = 0; rc == EHR_OK && i < count; i++) {
        key = ehr_jwk_read(json_array_get(list, i), &rc);

        if (key != NULL && *n == max) {
            ehr_key_free(key);
            rc = EHR_REFUSED;

        } else if (key != NULL) {
            keys[(*n)++] = key;
        }
    }

    json_decref(root);

    while (rc != EHR_OK && *n > 0) {
        ehr_key_free(keys[--*n]);
    }

    return rc;
}


static int
ehr_jwk_is(const json_t *jwk, const char *name, const char *value)
{
    const char  *text = json_string_value(json_object_get(jwk, name));

    return text != NULL && strcmp(text, value) == 0;
}


/* NULL with *rc EHR_OK: a key that is not for us. */

static ehr_key_t *
ehr_jwk_read(const json_t *jwk, ehr_rc_t *rc)
{
    EVP_PKEY     *pkey;
    ehr_key_t    *key;
    const char   *error;
    ehr_arena_t  *arena;

    if (json_object_get(jwk, "use") != NULL && !ehr_jwk_is(jwk, "use", "sig"))
    {
        return NULL;
    }

    if (!ehr_jwk_is(jwk, "kty", "RSA")
        && !(ehr_jwk_is(jwk, "kty", "EC") && ehr_jwk_is(jwk, "crv", "P-256")))
    {
        return NULL;
    }

    arena = ehr_arena_create(EHR_JWK_ARENA_MAX);
    if (arena == NULL) {
        *rc = EHR_BROKEN;
        return NULL;
    }

    pkey = ehr_jwk_is(jwk, "kty", "RSA") ? ehr_jwk_rsa(jwk, arena)
                                         : ehr_jwk_ec(jwk, arena);
    ehr_arena_destroy(arena);
    ERR_clear_error();

    key = pkey ? ehr_key_wrap(pkey, 0, &error) : NULL;

    if (key != NULL && !ehr_jwk_is(jwk, "kid", key->kid)) {
        ehr_key_free(key);
        key = NULL;
    }

    if (key == NULL) {
        *rc = EHR_REFUSED;
    }

    return key;
}


static EVP_PKEY *
ehr_jwk_ec(const json_t *jwk, ehr_arena_t *arena)
{
    uint8_t          point[EHR_JWK_POINT_LEN];
    ehr_str_t        x, y;
    EVP_PKEY        *pkey = NULL;
    OSSL_PARAM_BLD  *build;

    x = ehr_jwk_bytes(jwk, "x", arena);
    y = ehr_jwk_bytes(jwk, "y", arena);
    if (x.len != EHR_P256_BYTES || y.len != EHR_P256_BYTES) {
        return NULL;
    }

    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(point + 1, x.data, EHR_P256_BYTES);
    memcpy(point + 1 + EHR_P256_BYTES, y.data, EHR_P256_BYTES);

    build = OSSL_PARAM_BLD_new();

    if (build != NULL
        && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
                                           "prime256v1", 0) == 1
        && OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
                                            point, sizeof(point)) == 1)
    {
        pkey = ehr_jwk_make("EC", build);
    }

    OSSL_PARAM_BLD_free(build);

    return pkey;
}


static EVP_PKEY *
ehr_jwk_rsa(const json_t *jwk, ehr_arena_t *arena)
{
    BIGNUM          *n, *e;
    EVP_PKEY        *pkey = NULL;
    ehr_str_t        modulus, exponent;
    OSSL_PARAM_BLD  *build;

    modulus = ehr_jwk_bytes(jwk, "n", arena);
    exponent = ehr_jwk_bytes(jwk, "e", arena);
    if (modulus.len == 0 || modulus.len > EHR_RSA_MAX_BITS / 8
        || exponent.len == 0 || exponent.len > EHR_RSA_MAX_BITS / 8)
    {
        return NULL;
    }

    n = BN_bin2bn((const uint8_t *) modulus.data, (int) modulus.len, NULL);
    e = BN_bin2bn((const uint8_t *) exponent.data, (int) exponent.len, NULL);
    build = OSSL_PARAM_BLD_new();

    if (n != NULL && e != NULL && build != NULL
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1
        && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
    {
        pkey = ehr_jwk_make("RSA", build);
    }

    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);

    return pkey;
}


static EVP_PKEY *
ehr_jwk_make(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY      *pkey = NULL;
    OSSL_PARAM    *params;
    EVP_PKEY_CTX  *ctx;

    params = OSSL_PARAM_BLD_to_param(build);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1) {
        (void) EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params);
    }

    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);

    return pkey;
}


/* len 0 when the member is missing or no base64url. */

static ehr_str_t
ehr_jwk_bytes(const json_t *jwk, const char *name, ehr_arena_t *arena)
{
    json_t           *value;
    ehr_str_t         text, bytes;
    const ehr_str_t   none = ehr_null_string;

    value = json_object_get(jwk, name);
    if (!json_is_string(value)) {
        return none;
    }

    text.data = json_string_value(value);
    text.len = json_string_length(value);

    bytes = ehr_base64url_decode(text, arena);

    return bytes.data ? bytes : none;
}
