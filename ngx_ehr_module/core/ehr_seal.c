/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * XAES-256-GCM and the files its keys come from.  Knows neither what is
 * sealed nor where it is kept.
 */

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "ehr_base64.h"
#include "ehr_id.h"
#include "ehr_seal.h"
#include "ehr_secret.h"


#define BLOCK           16            /* of AES */
#define GCM_NONCE       12
#define HEX_LEN         (2 * EHR_SEAL_KEY_LEN)
#define BASE64_LEN      44
#define FILE_MAX        128           /* a key in any form, and its line end */
#define KEY_LABEL       "ehr store key 1"


struct ehr_sealer_s {
    const ehr_seal_keys_t  *keys;
    EVP_CIPHER             *gcm;
    EVP_CIPHER_CTX         *record;                   /* one record's key */
    EVP_CIPHER_CTX         *master[EHR_SEAL_MAX_KEYS];
    uint8_t                 subkey[EHR_SEAL_MAX_KEYS][BLOCK];
};


/* --- keys --- */

static int64_t
id_of(const uint8_t bytes[EHR_SEAL_KEY_LEN])
{
    size_t    i;
    uint8_t   digest[EHR_SHA256_LEN];
    uint64_t  id = 0;
    char      text[sizeof(KEY_LABEL) + EHR_SEAL_KEY_LEN];

    memcpy(text, KEY_LABEL, sizeof(KEY_LABEL));
    memcpy(text + sizeof(KEY_LABEL), bytes, EHR_SEAL_KEY_LEN);
    ehr_sha256(text, sizeof(text), digest);
    OPENSSL_cleanse(text, sizeof(text));

    for (i = 0; i < sizeof(id); i++) {
        id = id << 8 | digest[i];
    }

    id &= INT64_MAX;

    return id != 0 ? (int64_t) id : 1;
}


static ehr_str_t
without_line_end(ehr_str_t text)
{
    while (text.len > 0 && (text.data[text.len - 1] == '\n'
                            || text.data[text.len - 1] == '\r'))
    {
        text.len--;
    }

    return text;
}


static int
read_base64(ehr_str_t text, uint8_t bytes[EHR_SEAL_KEY_LEN])
{
    int      n;
    uint8_t  out[BASE64_LEN / 4 * 3];

    if (text.len != BASE64_LEN || text.data[BASE64_LEN - 1] != '='
        || text.data[BASE64_LEN - 2] == '=')
    {
        return 0;
    }

    n = EVP_DecodeBlock(out, (const uint8_t *) text.data, BASE64_LEN);
    memcpy(bytes, out, EHR_SEAL_KEY_LEN);
    OPENSSL_cleanse(out, sizeof(out));

    return n == (int) sizeof(out);
}


/* Random bytes never are; half a key in hex, or a password, is. */

static int
is_text(ehr_str_t bytes)
{
    size_t  i;

    for (i = 0; i < bytes.len; i++) {
        if (bytes.data[i] < 0x20 || bytes.data[i] > 0x7e) {
            return 0;
        }
    }

    return 1;
}


static int
read_key(ehr_str_t text, uint8_t bytes[EHR_SEAL_KEY_LEN])
{
    if (text.len == EHR_SEAL_KEY_LEN && !is_text(without_line_end(text))) {
        memcpy(bytes, text.data, EHR_SEAL_KEY_LEN);
        return 1;
    }

    text = without_line_end(text);

    if (text.len == HEX_LEN) {
        return ehr_unhex(text, bytes, EHR_SEAL_KEY_LEN) == EHR_OK;
    }

    return read_base64(text, bytes);
}


const char *
ehr_seal_keys_add(ehr_seal_keys_t *keys, ehr_str_t text)
{
    ehr_seal_key_t  *key;

    if (keys->n == EHR_SEAL_MAX_KEYS) {
        return "there are eight keys already";
    }

    key = &keys->keys[keys->n];

    if (!read_key(text, key->bytes)) {
        OPENSSL_cleanse(key, sizeof(ehr_seal_key_t));
        return "is not a key: 32 bytes, as they are, in hex or in Base64";
    }

    key->id = id_of(key->bytes);

    if (ehr_seal_keys_has(keys, key->id)) {
        OPENSSL_cleanse(key, sizeof(ehr_seal_key_t));
        return "holds a key that is there already";
    }

    keys->n++;

    return NULL;
}


const char *
ehr_seal_keys_load(ehr_seal_keys_t *keys, const char *path)
{
    int          fd;
    char         buf[FILE_MAX];
    ssize_t      n;
    ehr_str_t    text;
    const char  *error;

    fd = ehr_secret_open(path, &error);
    if (fd == -1) {
        return error;
    }

    n = read(fd, buf, sizeof(buf));
    text.data = buf;
    text.len = n > 0 ? (size_t) n : 0;
    error = ehr_seal_keys_add(keys, text);

    OPENSSL_cleanse(buf, sizeof(buf));
    (void) close(fd);

    return error;
}


void
ehr_seal_keys_clear(ehr_seal_keys_t *keys)
{
    OPENSSL_cleanse(keys, sizeof(ehr_seal_keys_t));
}


int
ehr_seal_keys_has(const ehr_seal_keys_t *keys, int64_t id)
{
    uint32_t  i;

    for (i = 0; i < keys->n; i++) {
        if (keys->keys[i].id == id) {
            return 1;
        }
    }

    return 0;
}


/* --- the sealer --- */

/* One block of AES under a master key. */

static int
encrypt_block(EVP_CIPHER_CTX *master, const uint8_t in[BLOCK],
              uint8_t out[BLOCK])
{
    int  n;

    return EVP_EncryptUpdate(master, out, &n, in, BLOCK) == 1 && n == BLOCK;
}


/* CMAC's first subkey (NIST SP 800-38B): zero encrypted, then doubled. */

static int
derive_subkey(EVP_CIPHER_CTX *master, uint8_t subkey[BLOCK])
{
    int      i;
    uint8_t  block[BLOCK] = { 0 };

    if (!encrypt_block(master, block, block)) {
        return 0;
    }

    for (i = 0; i < BLOCK; i++) {
        subkey[i] = (uint8_t) (block[i] << 1
                               | (i + 1 < BLOCK ? block[i + 1] >> 7 : 0));
    }

    if (block[0] & 0x80) {
        subkey[BLOCK - 1] ^= 0x87;
    }

    return 1;
}


static int
prepare_master(ehr_sealer_t *sealer, uint32_t i, const EVP_CIPHER *ecb)
{
    EVP_CIPHER_CTX  *master;

    master = EVP_CIPHER_CTX_new();
    sealer->master[i] = master;

    return master != NULL
           && EVP_EncryptInit_ex2(master, ecb, sealer->keys->keys[i].bytes,
                                  NULL, NULL)
              == 1
           && EVP_CIPHER_CTX_set_padding(master, 0) == 1
           && derive_subkey(master, sealer->subkey[i]);
}


ehr_sealer_t *
ehr_sealer_create(const ehr_seal_keys_t *keys)
{
    int            is_ready;
    uint32_t       i;
    EVP_CIPHER    *ecb;
    ehr_sealer_t  *sealer;

    if (keys == NULL || keys->n == 0) {
        return NULL;
    }

    sealer = calloc(1, sizeof(ehr_sealer_t));
    if (sealer == NULL) {
        return NULL;
    }

    ecb = EVP_CIPHER_fetch(NULL, "AES-256-ECB", NULL);

    sealer->keys = keys;
    sealer->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    sealer->record = EVP_CIPHER_CTX_new();

    is_ready = ecb != NULL && sealer->gcm != NULL && sealer->record != NULL;

    for (i = 0; i < keys->n && is_ready; i++) {
        is_ready = prepare_master(sealer, i, ecb);
    }

    EVP_CIPHER_free(ecb);

    if (!is_ready) {
        ehr_sealer_destroy(sealer);
        return NULL;
    }

    return sealer;
}


void
ehr_sealer_destroy(ehr_sealer_t *sealer)
{
    uint32_t  i;

    if (sealer == NULL) {
        return;
    }

    for (i = 0; i < EHR_SEAL_MAX_KEYS; i++) {
        EVP_CIPHER_CTX_free(sealer->master[i]);
    }

    EVP_CIPHER_CTX_free(sealer->record);
    EVP_CIPHER_free(sealer->gcm);
    OPENSSL_cleanse(sealer, sizeof(ehr_sealer_t));
    free(sealer);
}


/* The derivation of XAES-256-GCM: two blocks, the counter first. */

static int
derive_key(ehr_sealer_t *sealer, uint32_t i, const uint8_t *nonce,
           uint8_t key[EHR_SEAL_KEY_LEN])
{
    int      counter, at;
    uint8_t  block[BLOCK];

    for (counter = 1; counter <= 2; counter++) {

        block[0] = 0;
        block[1] = (uint8_t) counter;
        block[2] = 'X';
        block[3] = 0;
        memcpy(block + 4, nonce, GCM_NONCE);

        for (at = 0; at < BLOCK; at++) {
            block[at] ^= sealer->subkey[i][at];
        }

        if (!encrypt_block(sealer->master[i], block,
                           key + (counter - 1) * BLOCK))
        {
            return 0;
        }
    }

    return 1;
}


/* Sets the record's key, nonce and context; what follows is its text. */

static int
begin(ehr_sealer_t *sealer, uint32_t i, const uint8_t *nonce,
      ehr_str_t context, int is_sealing)
{
    int      n, rc;
    uint8_t  key[EHR_SEAL_KEY_LEN];

    rc = derive_key(sealer, i, nonce, key)
         && EVP_CipherInit_ex2(sealer->record, sealer->gcm, key,
                               nonce + GCM_NONCE, is_sealing, NULL)
            == 1
         && EVP_CipherUpdate(sealer->record, NULL, &n,
                             (const uint8_t *) context.data,
                             (int) context.len)
            == 1;

    OPENSSL_cleanse(key, sizeof(key));

    return rc;
}


static int
seal_into(ehr_sealer_t *sealer, ehr_str_t context, ehr_str_t bytes,
          uint8_t *out)
{
    int       n, rest;
    uint8_t  *text = out + EHR_SEAL_NONCE_LEN;

    return RAND_bytes(out, EHR_SEAL_NONCE_LEN) == 1
           && begin(sealer, 0, out, context, 1)
           && EVP_CipherUpdate(sealer->record, text, &n,
                               (const uint8_t *) bytes.data, (int) bytes.len)
              == 1
           && EVP_CipherFinal_ex(sealer->record, text + n, &rest) == 1
           && EVP_CIPHER_CTX_ctrl(sealer->record, EVP_CTRL_AEAD_GET_TAG,
                                  EHR_SEAL_TAG_LEN, text + bytes.len)
              == 1;
}


ehr_str_t
ehr_seal(ehr_sealer_t *sealer, ehr_str_t context, ehr_str_t bytes,
         ehr_arena_t *arena)
{
    uint8_t    *out;
    ehr_str_t   none = ehr_null_string, sealed;

    if (bytes.len > INT_MAX || context.len > INT_MAX) {
        return none;
    }

    out = ehr_arena_alloc(arena, bytes.len + EHR_SEAL_EXTRA);

    if (out == NULL || !seal_into(sealer, context, bytes, out)) {
        return none;
    }

    sealed.data = (const char *) out;
    sealed.len = bytes.len + EHR_SEAL_EXTRA;

    return sealed;
}


/* Only the tag's comparison, which needs no memory, says that it is not what
 * was sealed; whatever fails before it may do better later. */

static ehr_rc_t
unseal_into(ehr_sealer_t *sealer, uint32_t i, ehr_str_t context,
            ehr_str_t sealed, uint8_t *out)
{
    int       n, rest, len;
    uint8_t  *in, tag[EHR_SEAL_TAG_LEN];

    in = (uint8_t *) sealed.data;
    len = (int) (sealed.len - EHR_SEAL_EXTRA);
    memcpy(tag, in + EHR_SEAL_NONCE_LEN + len, EHR_SEAL_TAG_LEN);

    if (!begin(sealer, i, in, context, 0)
        || EVP_CipherUpdate(sealer->record, out, &n, in + EHR_SEAL_NONCE_LEN,
                            len)
           != 1
        || EVP_CIPHER_CTX_ctrl(sealer->record, EVP_CTRL_AEAD_SET_TAG,
                               EHR_SEAL_TAG_LEN, tag)
           != 1)
    {
        return EHR_LATER;
    }

    return EVP_CipherFinal_ex(sealer->record, out + n, &rest) == 1
           ? EHR_OK : EHR_BROKEN;
}


ehr_rc_t
ehr_unseal(ehr_sealer_t *sealer, int64_t key_id, ehr_str_t context,
           ehr_str_t sealed, ehr_arena_t *arena, ehr_str_t *bytes)
{
    char      *out;
    uint32_t   i;
    ehr_rc_t   rc;

    if (sealer == NULL || !ehr_seal_keys_has(sealer->keys, key_id)) {
        return EHR_REFUSED;
    }

    if (sealed.len < EHR_SEAL_EXTRA || sealed.len > INT_MAX) {
        return EHR_BROKEN;
    }

    for (i = 0; sealer->keys->keys[i].id != key_id; i++) { /* void */ }

    out = ehr_arena_alloc(arena, sealed.len - EHR_SEAL_EXTRA + 1);
    if (out == NULL) {
        return EHR_LATER;
    }

    rc = unseal_into(sealer, i, context, sealed, (uint8_t *) out);

    if (rc != EHR_OK) {
        OPENSSL_cleanse(out, sealed.len - EHR_SEAL_EXTRA);
        return rc;
    }

    bytes->data = out;
    bytes->len = sealed.len - EHR_SEAL_EXTRA;

    return EHR_OK;
}
