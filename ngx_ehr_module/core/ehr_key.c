/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Keys: from a PEM file to a parsed key with its name (RFC 7638) and its one
 * algorithm.  Decides which keys are good enough; refuses everything but EC
 * on P-256 and RSA of 2048 bits and more, and private ones that are no
 * secret; never asks for a passphrase.
 */

#include <stdio.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "ehr_id.h"
#include "ehr_json.h"
#include "ehr_key.h"
#include "ehr_secret.h"


#define EHR_KEY_FILE_MAX   65536
#define EHR_KEY_ARENA_MAX  16384
#define EHR_KEY_GROUP_MAX  64


static EVP_PKEY *ehr_key_read_file(FILE *file, char *pem, int *is_private,
                                   const char **error);
static EVP_PKEY *ehr_key_read_pem(const char *pem, size_t len,
                                  int *is_private);
static const char *ehr_key_judge(ehr_key_t *key);
static int ehr_key_is_consistent(const ehr_key_t *key);
static ehr_rc_t ehr_key_prepare(ehr_key_t *key);
static ehr_rc_t ehr_key_members(ehr_key_t *key);
static ehr_str_t ehr_key_member(ehr_key_t *key, const char *param,
                                int fixed_len);
static ehr_rc_t ehr_key_name(ehr_key_t *key);
static int ehr_key_no_passphrase(char *buf, int size, int rwflag, void *data);


ehr_key_t *
ehr_key_load(const char *path, const char **error)
{
    int        is_private;
    char      *pem;
    FILE      *file;
    EVP_PKEY  *pkey;

    file = fopen(path, "rb");
    if (file == NULL) {
        *error = "the key file cannot be opened";
        return NULL;
    }

    pem = malloc(EHR_KEY_FILE_MAX);
    if (pem == NULL) {
        (void) fclose(file);
        *error = "no memory";
        return NULL;
    }

    pkey = ehr_key_read_file(file, pem, &is_private, error);

    (void) fclose(file);
    OPENSSL_cleanse(pem, EHR_KEY_FILE_MAX);
    free(pem);

    return pkey ? ehr_key_wrap(pkey, is_private, error) : NULL;
}


static EVP_PKEY *
ehr_key_read_file(FILE *file, char *pem, int *is_private, const char **error)
{
    size_t     len;
    EVP_PKEY  *pkey;

    len = fread(pem, 1, EHR_KEY_FILE_MAX, file);

    if (ferror(file)) {
        *error = "the key file cannot be read";
        return NULL;
    }

    if (len == EHR_KEY_FILE_MAX) {
        *error = "the key file is too large";
        return NULL;
    }

    pkey = ehr_key_read_pem(pem, len, is_private);
    if (pkey == NULL) {
        *error = "the file has no key in PEM form without a passphrase";
        return NULL;
    }

    *error = *is_private ? ehr_secret_check(fileno(file)) : NULL;

    if (*error != NULL) {
        EVP_PKEY_free(pkey);
        return NULL;
    }

    return pkey;
}


static EVP_PKEY *
ehr_key_read_pem(const char *pem, size_t len, int *is_private)
{
    BIO       *bio;
    EVP_PKEY  *pkey;

    bio = BIO_new_mem_buf(pem, (int) len);
    if (bio == NULL) {
        return NULL;
    }

    *is_private = 1;
    pkey = PEM_read_bio_PrivateKey(bio, NULL, ehr_key_no_passphrase, NULL);

    if (pkey == NULL && BIO_reset(bio) == 1) {
        *is_private = 0;
        pkey = PEM_read_bio_PUBKEY(bio, NULL, ehr_key_no_passphrase, NULL);
    }

    BIO_free(bio);

    /* What is left in OpenSSL's queue would be blamed on somebody's TLS. */

    ERR_clear_error();

    return pkey;
}


/* OpenSSL's own callback would ask on the terminal. */

static int
ehr_key_no_passphrase(char *buf, int size, int rwflag, void *data)
{
    return -1;
}


ehr_key_t *
ehr_key_wrap(EVP_PKEY *pkey, int is_private, const char **error)
{
    ehr_key_t  *key;

    key = calloc(1, sizeof(ehr_key_t));
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        *error = "no memory";
        return NULL;
    }

    key->pkey = pkey;
    key->is_private = is_private;

    *error = ehr_key_judge(key);
    if (*error != NULL) {
        goto failed;
    }

    *error = "no memory";

    key->arena = ehr_arena_create(EHR_KEY_ARENA_MAX);
    if (key->arena == NULL) {
        goto failed;
    }

    if (ehr_key_prepare(key) != EHR_OK || ehr_key_members(key) != EHR_OK
        || ehr_key_name(key) != EHR_OK)
    {
        goto failed;
    }

    *error = NULL;

    return key;

failed:

    ehr_key_free(key);

    return NULL;
}


void
ehr_key_free(ehr_key_t *key)
{
    if (key == NULL) {
        return;
    }

    EVP_PKEY_CTX_free(key->signer);
    EVP_PKEY_free(key->pkey);
    ehr_arena_destroy(key->arena);
    free(key);
}


const char *
ehr_key_kid(const ehr_key_t *key)
{
    return key->kid;
}


ehr_alg_e
ehr_key_alg(const ehr_key_t *key)
{
    return key->alg;
}


int
ehr_key_is_private(const ehr_key_t *key)
{
    return key->is_private;
}


const char *
ehr_alg_name(ehr_alg_e alg)
{
    return alg == EHR_ALG_ES256 ? "ES256" : "RS256";
}


/* The key's algorithm, or the sentence that refuses it. */

static const char *
ehr_key_judge(ehr_key_t *key)
{
    int   bits;
    char  group[EHR_KEY_GROUP_MAX];

    if (EVP_PKEY_is_a(key->pkey, "EC")) {

        /* No curve check later: ES256 means P-256 (RFC 7518 3.4). */

        if (EVP_PKEY_get_group_name(key->pkey, group, sizeof(group), NULL) != 1
            || strcmp(group, "prime256v1") != 0)
        {
            ERR_clear_error();
            return "the curve of the EC key is not P-256";
        }

        key->alg = EHR_ALG_ES256;

    } else if (EVP_PKEY_is_a(key->pkey, "RSA")) {

        bits = EVP_PKEY_get_bits(key->pkey);
        if (bits < EHR_RSA_MIN_BITS || bits > EHR_RSA_MAX_BITS) {
            return "the RSA key is not of 2048 to 8192 bits";
        }

        key->alg = EHR_ALG_RS256;

    } else {
        return "the key is neither EC nor RSA";
    }

    if (!ehr_key_is_consistent(key)) {
        return "the key is damaged";
    }

    return NULL;
}


static int
ehr_key_is_consistent(const ehr_key_t *key)
{
    int            is_good;
    EVP_PKEY_CTX  *ctx;

    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    if (ctx == NULL) {
        return 0;
    }

    is_good = EVP_PKEY_public_check(ctx) == 1
              && (!key->is_private || EVP_PKEY_pairwise_check(ctx) == 1);

    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();

    return is_good;
}


/* OpenSSL looks up algorithms by name each time a signature begins; a receipt
 * is signed for every document, so that is done once. */

static ehr_rc_t
ehr_key_prepare(ehr_key_t *key)
{
    if (!key->is_private || key->alg != EHR_ALG_ES256) {
        return EHR_OK;
    }

    key->signer = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);

    return key->signer && EVP_PKEY_sign_init(key->signer) == 1
           ? EHR_OK : EHR_BROKEN;
}


static ehr_rc_t
ehr_key_members(ehr_key_t *key)
{
    ehr_key_members_t  *m = &key->members;

    if (key->alg == EHR_ALG_ES256) {
        m->first = ehr_key_member(key, OSSL_PKEY_PARAM_EC_PUB_X,
                                  EHR_P256_BYTES);
        m->second = ehr_key_member(key, OSSL_PKEY_PARAM_EC_PUB_Y,
                                   EHR_P256_BYTES);

    } else {
        m->first = ehr_key_member(key, OSSL_PKEY_PARAM_RSA_N, 0);
        m->second = ehr_key_member(key, OSSL_PKEY_PARAM_RSA_E, 0);
    }

    return m->first.data && m->second.data ? EHR_OK : EHR_BROKEN;
}


/* A number of the key; fixed_len 0: as short as it goes (RFC 7518 6.3.1). */

static ehr_str_t
ehr_key_member(ehr_key_t *key, const char *param, int fixed_len)
{
    int        len;
    BIGNUM    *number = NULL;
    uint8_t    bytes[EHR_RSA_MAX_BITS / 8];
    ehr_str_t  text = ehr_null_string;

    if (EVP_PKEY_get_bn_param(key->pkey, param, &number) != 1) {
        ERR_clear_error();
        return text;
    }

    len = fixed_len ? fixed_len : BN_num_bytes(number);

    if (len <= (int) sizeof(bytes) && BN_bn2binpad(number, bytes, len) == len)
    {
        text = ehr_base64url_encode(bytes, (size_t) len, key->arena);
    }

    BN_free(number);

    return text;
}


/* RFC 7638: the required members alone, sorted by name. */

static ehr_rc_t
ehr_key_name(ehr_key_t *key)
{
    uint8_t     hash[EHR_SHA256_LEN];
    ehr_str_t   text;
    ehr_json_t  json;

    ehr_json_begin(&json, key->arena);
    ehr_json_open(&json, NULL, '{');

    if (key->alg == EHR_ALG_ES256) {
        ehr_json_text(&json, "crv", "P-256");
        ehr_json_text(&json, "kty", "EC");
        ehr_json_string(&json, "x", key->members.first);
        ehr_json_string(&json, "y", key->members.second);

    } else {
        ehr_json_string(&json, "e", key->members.second);
        ehr_json_text(&json, "kty", "RSA");
        ehr_json_string(&json, "n", key->members.first);
    }

    ehr_json_close(&json, '}');

    text = ehr_json_end(&json);
    if (text.data == NULL) {
        return EHR_BROKEN;
    }

    ehr_sha256(text.data, text.len, hash);

    text = ehr_base64url_encode(hash, sizeof(hash), key->arena);
    if (text.data == NULL || text.len != EHR_KEY_KID_LEN) {
        return EHR_BROKEN;
    }

    memcpy(key->kid, text.data, EHR_KEY_KID_LEN + 1);

    return EHR_OK;
}

