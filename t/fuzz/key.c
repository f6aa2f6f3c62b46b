/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Makes the key and signs by itself, with OpenSSL alone: header and payload
 * may be anything.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "key.h"


#define KEY_POINT  65         /* bytes of a public key of P-256 */
#define KEY_HALF   32         /* of a signature */


static EVP_PKEY  *signer;


/* --- the key ------------------------------------------------------------- */


/* The public half of the private key 1 is the generator itself. */

static OSSL_PARAM *
key_params(void)
{
    uint8_t          point[KEY_POINT];
    BIGNUM          *one = BN_new();
    EC_GROUP        *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    OSSL_PARAM      *params;
    OSSL_PARAM_BLD  *bld = OSSL_PARAM_BLD_new();

    fuzz_check(one && group && bld && BN_one(one));
    fuzz_check(EC_POINT_point2oct(group, EC_GROUP_get0_generator(group),
                                  POINT_CONVERSION_UNCOMPRESSED, point,
                                  sizeof(point), NULL) == sizeof(point));

    fuzz_check(OSSL_PARAM_BLD_push_utf8_string(
                   bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0)
               && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, one)
               && OSSL_PARAM_BLD_push_octet_string(
                   bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)));

    params = OSSL_PARAM_BLD_to_param(bld);
    fuzz_check(params != NULL);

    OSSL_PARAM_BLD_free(bld);
    EC_GROUP_free(group);
    BN_free(one);

    return params;
}


static void
key_make(void)
{
    OSSL_PARAM    *params = key_params();
    EVP_PKEY_CTX  *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

    fuzz_check(ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1);
    fuzz_check(EVP_PKEY_fromdata(ctx, &signer, EVP_PKEY_KEYPAIR, params)
               == 1);

    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
}


ehr_key_t *
fuzz_key(void)
{
    int          fd;
    char         path[] = "/tmp/ehr-fuzz-XXXXXX";
    FILE        *f;
    ehr_key_t   *key;
    const char  *error;

    key_make();

    fd = mkstemp(path);
    fuzz_check(fd >= 0);
    f = fdopen(fd, "w");
    fuzz_check(f != NULL);
    fuzz_check(PEM_write_PrivateKey(f, signer, NULL, NULL, 0, NULL, NULL)
               == 1);
    fuzz_check(fclose(f) == 0);

    key = ehr_key_load(path, &error);
    fuzz_check(unlink(path) == 0);
    fuzz_check(key != NULL);

    return key;
}


/* --- tokens -------------------------------------------------------------- */


/* r and s side by side (RFC 7518 section 3.4). */

static void
sign(ehr_str_t text, uint8_t value[2 * KEY_HALF])
{
    uint8_t         der[128];
    size_t          len = sizeof(der);
    ECDSA_SIG      *pair;
    EVP_MD_CTX     *ctx = EVP_MD_CTX_new();
    const uint8_t  *p = der;

    fuzz_check(ctx != NULL);
    fuzz_check(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, signer)
               == 1);
    fuzz_check(EVP_DigestSign(ctx, der, &len, (const uint8_t *) text.data,
                              text.len) == 1);
    EVP_MD_CTX_free(ctx);

    pair = d2i_ECDSA_SIG(NULL, &p, (long) len);
    fuzz_check(pair != NULL);
    fuzz_check(BN_bn2binpad(ECDSA_SIG_get0_r(pair), value, KEY_HALF)
               == KEY_HALF);
    fuzz_check(BN_bn2binpad(ECDSA_SIG_get0_s(pair), value + KEY_HALF,
                            KEY_HALF) == KEY_HALF);
    ECDSA_SIG_free(pair);
}


static ehr_str_t
joined(ehr_str_t a, ehr_str_t b, ehr_arena_t *arena)
{
    char       *data = ehr_arena_alloc(arena, a.len + 1 + b.len);
    ehr_str_t   s = { data, a.len + 1 + b.len };

    fuzz_check(data != NULL && a.data != NULL && b.data != NULL);
    memcpy(data, a.data, a.len);
    data[a.len] = '.';
    memcpy(data + a.len + 1, b.data, b.len);

    return s;
}


ehr_str_t
fuzz_token(ehr_str_t unit, ehr_arena_t *arena)
{
    uint8_t    value[2 * KEY_HALF];
    ehr_str_t  header, text;

    if (unit.len == 0 || unit.data[0] != '{') {
        return unit;
    }

    header = fuzz_part(&unit, '\n');
    text = joined(ehr_base64url_encode(header.data, header.len, arena),
                  ehr_base64url_encode(unit.data, unit.len, arena), arena);
    sign(text, value);

    return joined(text, ehr_base64url_encode(value, sizeof(value), arena),
                  arena);
}
