/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Keys and hand-made tokens for the tests of JOSE.  Signs by itself, with
 * OpenSSL alone, so that a mistake of the code under test is not repeated.
 */

#ifndef JOSE_KEYS_H
#define JOSE_KEYS_H


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "ehr_jose.h"


#define JOSE_FILES_MAX  32
#define JOSE_TEXT_MAX   16384


typedef struct {
    char          folder[64];
    char         *files[JOSE_FILES_MAX];
    int           nfiles;
    ehr_arena_t  *arena;
} jose_world_t;


static inline void
jose_world_open(jose_world_t *w)
{
    memset(w, 0, sizeof(*w));
    strcpy(w->folder, "/tmp/ehr-unit-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    w->arena = ehr_arena_create(64 << 20);
    assert_non_null(w->arena);
}


static inline void
jose_world_close(jose_world_t *w)
{
    for (int i = 0; i < w->nfiles; i++) {
        (void) unlink(w->files[i]);
        free(w->files[i]);
    }

    (void) rmdir(w->folder);
    ehr_arena_destroy(w->arena);
}


static inline const char *
jose_file(jose_world_t *w, const char *text, size_t len)
{
    char  *path;
    FILE  *file;

    assert_true(w->nfiles < JOSE_FILES_MAX);
    assert_true(asprintf(&path, "%s/%d.pem", w->folder, w->nfiles) > 0);
    w->files[w->nfiles++] = path;

    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);

    return path;
}


/* The PEM text of a key, for the arena's life. */

static inline ehr_str_t
jose_pem(jose_world_t *w, EVP_PKEY *pkey, int is_private)
{
    BIO        *bio = BIO_new(BIO_s_mem());
    char       *data;
    long        len;
    ehr_str_t   pem;

    if (is_private) {
        assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0,
                                                  NULL, NULL), 1);

    } else {
        assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
    }

    len = BIO_get_mem_data(bio, &data);
    pem = ehr_arena_dup(w->arena, data, (size_t) len);
    BIO_free(bio);

    return pem;
}


static inline ehr_key_t *
jose_load(jose_world_t *w, EVP_PKEY *pkey, int is_private)
{
    ehr_str_t    pem = jose_pem(w, pkey, is_private);
    ehr_key_t   *key;
    const char  *error = NULL;

    key = ehr_key_load(jose_file(w, pem.data, pem.len), &error);
    if (key == NULL) {
        fail_msg("%s", error);
    }

    return key;
}


/* The error sentence of a file that must not load. */

static inline const char *
jose_refusal(jose_world_t *w, ehr_str_t pem)
{
    ehr_key_t   *key;
    const char  *error = NULL;

    key = ehr_key_load(jose_file(w, pem.data, pem.len), &error);
    assert_null(key);
    assert_non_null(error);

    return error;
}


static inline ehr_str_t
jose_base64url(jose_world_t *w, const void *data, size_t len)
{
    char       *text, *p;
    ehr_str_t   s;

    text = ehr_arena_alloc(w->arena, len / 3 * 4 + 8);
    (void) EVP_EncodeBlock((unsigned char *) text, data, (int) len);

    for (p = text; *p != '\0' && *p != '='; p++) {
        *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
    }

    *p = '\0';
    s.data = text;
    s.len = (size_t) (p - text);

    return s;
}


/* r||s or the RSA signature; the length. */

static inline size_t
jose_raw_signature(EVP_PKEY *pkey, ehr_str_t input, uint8_t out[1024])
{
    size_t                len = 1024;
    uint8_t               der[1024];
    ECDSA_SIG            *sig;
    EVP_MD_CTX           *ctx = EVP_MD_CTX_new();
    const unsigned char  *p = der;

    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey),
                     1);
    assert_int_equal(EVP_DigestSign(ctx, der, &len,
                                    (const unsigned char *) input.data,
                                    input.len), 1);
    EVP_MD_CTX_free(ctx);

    if (!EVP_PKEY_is_a(pkey, "EC")) {
        memcpy(out, der, len);
        return len;
    }

    sig = d2i_ECDSA_SIG(NULL, &p, (long) len);
    assert_non_null(sig);
    len = (size_t) (EVP_PKEY_get_bits(pkey) + 7) / 8;
    assert_true(BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int) len) > 0);
    assert_true(BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + len, (int) len)
                > 0);
    ECDSA_SIG_free(sig);

    return 2 * len;
}


static inline ehr_str_t
jose_format(jose_world_t *w, const char *format, ...)
{
    int       n;
    char     *text = ehr_arena_alloc(w->arena, JOSE_TEXT_MAX);
    va_list   args;

    va_start(args, format);
    n = vsnprintf(text, JOSE_TEXT_MAX, format, args);
    va_end(args);
    assert_in_range(n, 0, JOSE_TEXT_MAX - 1);

    return (ehr_str_t) { text, (size_t) n };
}


/* header and payload are text before base64url. */

static inline ehr_str_t
jose_input(jose_world_t *w, ehr_str_t header, ehr_str_t payload)
{
    ehr_str_t  first = jose_base64url(w, header.data, header.len);
    ehr_str_t  second = jose_base64url(w, payload.data, payload.len);

    return jose_format(w, "%s.%s", first.data, second.data);
}


static inline ehr_str_t
jose_sign(jose_world_t *w, EVP_PKEY *pkey, ehr_str_t header,
          ehr_str_t payload)
{
    size_t     len;
    uint8_t    raw[1024];
    ehr_str_t  input = jose_input(w, header, payload);

    len = jose_raw_signature(pkey, input, raw);

    return jose_format(w, "%s.%s", input.data,
                       jose_base64url(w, raw, len).data);
}


#endif /* JOSE_KEYS_H */
