/* SPDX-License-Identifier: BSD-2-Clause */

/* Keys that are good enough and only those; signatures made and checked,
 * compared with OpenSSL alone and with libjwt. */

#include "jose_keys.h"

#include <jwt.h>

#include <jansson.h>

#include "ehr_jws.h"


typedef struct {
    jose_world_t   w;
    EVP_PKEY      *ec;
    EVP_PKEY      *rsa;
    ehr_key_t     *es;
    ehr_key_t     *rs;
} fixture_t;


static int
setup(void **state)
{
    fixture_t  *f = calloc(1, sizeof(*f));

    jose_world_open(&f->w);
    f->ec = EVP_EC_gen("P-256");
    f->rsa = EVP_RSA_gen(2048);
    f->es = jose_load(&f->w, f->ec, 1);
    f->rs = jose_load(&f->w, f->rsa, 1);
    *state = f;

    return 0;
}


static int
teardown(void **state)
{
    fixture_t  *f = *state;

    ehr_key_free(f->es);
    ehr_key_free(f->rs);
    EVP_PKEY_free(f->ec);
    EVP_PKEY_free(f->rsa);
    jose_world_close(&f->w);
    free(f);

    return 0;
}


/* --- base64url ---------------------------------------------------------- */

static void
base64url_agrees_with_rfc_4648(void **state)
{
    fixture_t  *f = *state;
    ehr_str_t   text, back;

    static const struct {
        const char  *plain;
        const char  *text;
    } cases[] = {
        { "", "" }, { "f", "Zg" }, { "fo", "Zm8" }, { "foo", "Zm9v" },
        { "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy" }, { "\xfb\xff\xbf", "-_-_" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = ehr_base64url_encode(cases[i].plain, strlen(cases[i].plain),
                                    f->w.arena);
        assert_string_equal(text.data, cases[i].text);

        back = ehr_base64url_decode(text, f->w.arena);
        assert_non_null(back.data);
        assert_true(ehr_str_is(back, cases[i].plain));
    }
}


static void
base64url_of_every_length_comes_back(void **state)
{
    uint8_t       bytes[300];
    ehr_str_t     text, back;
    fixture_t    *f = *state;
    ehr_arena_t  *arena = ehr_arena_create(1 << 20);

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t) (i * 151 + 7);
    }

    for (size_t len = 0; len < sizeof(bytes); len++) {
        text = ehr_base64url_encode(bytes, len, arena);
        assert_true(ehr_str_eq(text, jose_base64url(&f->w, bytes, len)));

        back = ehr_base64url_decode(text, arena);
        assert_int_equal(back.len, len);
        assert_memory_equal(back.data, bytes, len);
    }

    ehr_arena_destroy(arena);
}


static void
base64url_in_another_form_is_refused(void **state)
{
    fixture_t  *f = *state;
    ehr_str_t   out;

    static const char *const  bad[] = {
        "Z", "Zm9vY", "Zg==", "Zm8=", "Zg=", "=", "Zm9v\n", "Zm 9v", "+/+/",
        "Zh", "Zm9", "Z_", "____a", "Zm9v.", "\xc3\xa9Zm", "AB", "AAB",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        out = ehr_base64url_decode(ehr_str(bad[i]), f->w.arena);
        assert_null(out.data);
        assert_true(out.len == (size_t) -1);
    }
}


static void
base64url_without_memory_is_no_refusal(void **state)
{
    ehr_str_t     out;
    ehr_arena_t  *arena = ehr_arena_create(0);

    out = ehr_base64url_decode(ehr_str("Zm9v"), arena);
    assert_null(out.data);
    assert_int_equal(out.len, 0);

    out = ehr_base64url_encode("foo", 3, arena);
    assert_null(out.data);

    ehr_arena_destroy(arena);
}


/* --- keys --------------------------------------------------------------- */

static void
keys_know_their_algorithm_and_half(void **state)
{
    fixture_t  *f = *state;
    ehr_key_t  *half = jose_load(&f->w, f->ec, 0);

    assert_int_equal(ehr_key_alg(f->es), EHR_ALG_ES256);
    assert_int_equal(ehr_key_alg(f->rs), EHR_ALG_RS256);
    assert_true(ehr_key_is_private(f->es));
    assert_true(ehr_key_is_private(f->rs));

    assert_false(ehr_key_is_private(half));
    assert_string_equal(ehr_key_kid(half), ehr_key_kid(f->es));
    assert_string_not_equal(ehr_key_kid(f->rs), ehr_key_kid(f->es));
    assert_int_equal(strlen(ehr_key_kid(f->rs)), 43);

    ehr_key_free(half);
}


/* The example of RFC 7638 section 3.1. */

static void
the_kid_is_the_thumbprint_of_rfc_7638(void **state)
{
    size_t      n;
    ehr_key_t  *key[1];

    static const char  jwks[] =
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmb"
        "XEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
        "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65"
        "YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n9"
        "1CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBni"
        "Iqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\","
        "\"alg\":\"RS256\","
        "\"kid\":\"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\"}]}";

    assert_int_equal(ehr_jwks_read(ehr_str(jwks), key, 1, &n), EHR_OK);
    assert_int_equal(n, 1);
    assert_string_equal(ehr_key_kid(key[0]),
                        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    ehr_key_free(key[0]);
}


static void
other_kinds_of_keys_are_refused(void **state)
{
    fixture_t  *f = *state;

    const struct {
        EVP_PKEY    *pkey;
        const char  *word;
    } cases[] = {
        { EVP_EC_gen("P-384"), "P-256" },
        { EVP_EC_gen("secp256k1"), "P-256" },
        { EVP_RSA_gen(1024), "2048" },
        { EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "neither" },
        { EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), "neither" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int half = 0; half < 2; half++) {
            assert_non_null(cases[i].pkey);
            assert_non_null(strstr(
                jose_refusal(&f->w, jose_pem(&f->w, cases[i].pkey, half)),
                cases[i].word));
        }

        EVP_PKEY_free(cases[i].pkey);
    }
}


static void
files_without_a_key_are_refused(void **state)
{
    char        *big;
    BIO         *bio;
    char        *data;
    long         len;
    fixture_t   *f = *state;
    ehr_str_t    pem = jose_pem(&f->w, f->ec, 1);
    const char  *error = NULL;

    assert_null(ehr_key_load("/nonexistent/key.pem", &error));
    assert_string_equal(error, "the key file cannot be opened");
    assert_null(ehr_key_load("/", &error));
    assert_non_null(error);

    (void) jose_refusal(&f->w, ehr_str(""));
    (void) jose_refusal(&f->w, ehr_str("hello\n"));

    pem.len /= 2;
    (void) jose_refusal(&f->w, pem);

    big = calloc(1, 70000);
    memset(big, '\n', 70000);
    assert_non_null(strstr(jose_refusal(&f->w, (ehr_str_t) { big, 70000 }),
                           "too large"));
    free(big);

    /* One with a passphrase must not stop the start with a question. */

    bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, f->ec, EVP_aes_128_cbc(),
                                              (const unsigned char *) "secret",
                                              6, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &data);
    assert_non_null(strstr(
        jose_refusal(&f->w, (ehr_str_t) { data, (size_t) len }),
        "passphrase"));
    BIO_free(bio);
}


static void
a_private_key_must_be_secret_a_public_one_need_not(void **state)
{
    int          is_private;
    fixture_t   *f = *state;
    ehr_str_t    pem;
    ehr_key_t   *key;
    const char  *path, *error;

    for (is_private = 0; is_private <= 1; is_private++) {
        pem = jose_pem(&f->w, f->ec, is_private);
        path = jose_file(&f->w, pem.data, pem.len);
        assert_int_equal(chmod(path, 0644), 0);

        error = NULL;
        key = ehr_key_load(path, &error);

        if (is_private) {
            assert_null(key);
            assert_non_null(strstr(error, "chmod 0600"));

        } else {
            assert_non_null(key);
            ehr_key_free(key);
        }
    }
}


static void
the_jwks_holds_public_members_only(void **state)
{
    json_t       *root, *list, *jwk;
    fixture_t    *f = *state;
    ehr_str_t     text;
    ehr_key_t    *keys[] = { f->es, f->rs };

    text = ehr_jwks_render(keys, 2, f->w.arena);
    root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    list = json_object_get(root, "keys");
    assert_int_equal(json_array_size(list), 2);

    for (size_t i = 0; i < 2; i++) {
        jwk = json_array_get(list, i);
        assert_int_equal(json_object_size(jwk), i ? 6 : 7);
        assert_null(json_object_get(jwk, "d"));
        assert_string_equal(json_string_value(json_object_get(jwk, "use")),
                            "sig");
        assert_string_equal(json_string_value(json_object_get(jwk, "alg")),
                            i ? "RS256" : "ES256");
        assert_string_equal(json_string_value(json_object_get(jwk, "kid")),
                            ehr_key_kid(keys[i]));
    }

    assert_string_equal(
        json_string_value(json_object_get(json_array_get(list, 1), "e")),
        "AQAB");
    json_decref(root);
}


static void
the_jwks_read_back_verifies(void **state)
{
    size_t      n, dot;
    fixture_t  *f = *state;
    ehr_str_t   jwks, jws, input, signature;
    ehr_key_t  *keys[] = { f->es, f->rs }, *back[2];

    jwks = ehr_jwks_render(keys, 2, f->w.arena);
    assert_int_equal(ehr_jwks_read(jwks, back, 2, &n), EHR_OK);
    assert_int_equal(n, 2);

    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(ehr_key_kid(back[i]), ehr_key_kid(keys[i]));
        assert_false(ehr_key_is_private(back[i]));

        jws = ehr_jws_sign(keys[i], "JWT", ehr_str("{}"), f->w.arena);
        dot = (size_t) (strrchr(jws.data, '.') - jws.data);
        input = (ehr_str_t) { jws.data, dot };
        signature = ehr_base64url_decode(ehr_str(jws.data + dot + 1),
                                         f->w.arena);
        assert_int_equal(ehr_jws_verify(back[i], input, signature), EHR_OK);
        ehr_key_free(back[i]);
    }

    assert_int_equal(ehr_jwks_read(jwks, back, 1, &n), EHR_REFUSED);
    assert_int_equal(n, 0);
}


static void
damaged_jwks_are_refused_and_foreign_keys_left_out(void **state)
{
    char       *kid;
    size_t      n;
    ehr_str_t   text;
    fixture_t  *f = *state;
    ehr_key_t  *back[4];

    static const char *const  bad[] = {
        "", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[{\"kty\":\"RSA\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\","
        "\"y\":\"AA\"}]}",
        "{\"keys\":[],\"keys\":[]}",
        /* not on the curve */
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\","
        "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\"}]}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ehr_jwks_read(ehr_str(bad[i]), back, 4, &n),
                         EHR_REFUSED);
        assert_int_equal(n, 0);
    }

    /* a sound key under another name */

    text = ehr_jwks_render(&f->es, 1, f->w.arena);
    kid = strstr(text.data, ehr_key_kid(f->es));
    *kid = *kid == 'A' ? 'B' : 'A';
    assert_int_equal(ehr_jwks_read(text, back, 4, &n), EHR_REFUSED);

    assert_int_equal(
        ehr_jwks_read(ehr_str("{\"keys\":[{\"kty\":\"OKP\"},"
                              "{\"kty\":\"EC\",\"crv\":\"P-384\"},"
                              "{\"kty\":\"RSA\",\"use\":\"enc\"},7]}"),
                      back, 4, &n), EHR_OK);
    assert_int_equal(n, 0);
}


/* --- signatures --------------------------------------------------------- */

static void
signatures_made_by_openssl_alone_are_accepted(void **state)
{
    uint8_t     raw[1024];
    fixture_t  *f = *state;
    ehr_str_t   input = ehr_str("header.payload"), signature;

    signature.data = (const char *) raw;

    signature.len = jose_raw_signature(f->ec, input, raw);
    assert_int_equal(signature.len, 64);
    assert_int_equal(ehr_jws_verify(f->es, input, signature), EHR_OK);
    assert_int_equal(ehr_jws_verify(f->rs, input, signature), EHR_REFUSED);

    signature.len = jose_raw_signature(f->rsa, input, raw);
    assert_int_equal(signature.len, 256);
    assert_int_equal(ehr_jws_verify(f->rs, input, signature), EHR_OK);
    assert_int_equal(ehr_jws_verify(f->es, input, signature), EHR_REFUSED);
}


/* The example of RFC 7515 appendix A.3. */

static void
the_es256_example_of_rfc_7515_is_accepted(void **state)
{
    fixture_t   *f = *state;
    size_t       n;
    ehr_str_t    input, signature;
    ehr_key_t   *key[1];

    static const char  jwks[] =
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\","
        "\"kid\":\"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U\"}]}";

    assert_int_equal(ehr_jwks_read(ehr_str(jwks), key, 1, &n), EHR_OK);

    input = ehr_str("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA"
                    "4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnV"
                    "lfQ");
    signature = ehr_base64url_decode(
        ehr_str("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8I"
                "SlSApmWQxfKTUJqPP3-Kg6NU1Q"), f->w.arena);

    assert_int_equal(ehr_jws_verify(key[0], input, signature), EHR_OK);
    ehr_key_free(key[0]);
}


static void
every_flipped_bit_of_a_signature_is_refused(void **state)
{
    uint8_t     raw[1024];
    fixture_t  *f = *state;
    ehr_str_t   input = ehr_str("header.payload"), signature;

    signature.data = (const char *) raw;
    signature.len = jose_raw_signature(f->ec, input, raw);

    for (size_t bit = 0; bit < 8 * signature.len; bit++) {
        raw[bit / 8] ^= (uint8_t) (1 << bit % 8);
        assert_int_equal(ehr_jws_verify(f->es, input, signature),
                         EHR_REFUSED);
        raw[bit / 8] ^= (uint8_t) (1 << bit % 8);
    }

    assert_int_equal(ehr_jws_verify(f->es, input, signature), EHR_OK);
}


static void
signatures_of_another_length_are_refused(void **state)
{
    uint8_t     raw[1024];
    size_t      len;
    fixture_t  *f = *state;
    ehr_str_t   input = ehr_str("header.payload"), signature;

    signature.data = (const char *) raw;

    len = jose_raw_signature(f->ec, input, raw);
    for (signature.len = 0; signature.len < 300; signature.len++) {
        assert_int_equal(ehr_jws_verify(f->es, input, signature),
                         signature.len == len ? EHR_OK : EHR_REFUSED);
    }

    len = jose_raw_signature(f->rsa, input, raw);
    for (signature.len = 0; signature.len < 300; signature.len++) {
        assert_int_equal(ehr_jws_verify(f->rs, input, signature),
                         signature.len == len ? EHR_OK : EHR_REFUSED);
    }
}


static void
zero_and_oversized_numbers_are_refused(void **state)
{
    uint8_t     raw[1024], good[1024];
    fixture_t  *f = *state;
    ehr_str_t   input = ehr_str("header.payload");
    ehr_str_t   signature = { (const char *) raw, 64 };

    (void) jose_raw_signature(f->ec, input, good);

    memset(raw, 0, 64);
    assert_int_equal(ehr_jws_verify(f->es, input, signature), EHR_REFUSED);

    memcpy(raw, good, 64);
    memset(raw, 0, 32);
    assert_int_equal(ehr_jws_verify(f->es, input, signature), EHR_REFUSED);

    memcpy(raw, good, 64);
    memset(raw + 32, 0, 32);
    assert_int_equal(ehr_jws_verify(f->es, input, signature), EHR_REFUSED);

    memset(raw, 0xff, 64);
    assert_int_equal(ehr_jws_verify(f->es, input, signature), EHR_REFUSED);

    /* DER where r||s belongs. */

    memset(raw, 0, 64);
    raw[0] = 0x30;
    raw[1] = 0x06;
    memcpy(raw + 2, "\x02\x01\x01\x02\x01\x01", 6);
    assert_int_equal(ehr_jws_verify(f->es, input, signature), EHR_REFUSED);
}


static void
what_we_sign_has_our_header(void **state)
{
    fixture_t  *f = *state;
    ehr_str_t   jws, header, expected;

    jws = ehr_jws_sign(f->es, "at+jwt", ehr_str("{\"a\":1}"), f->w.arena);
    assert_non_null(jws.data);
    assert_int_equal(strlen(jws.data), jws.len);

    header = (ehr_str_t) {
        jws.data, (size_t) (strchr(jws.data, '.') - jws.data)
    };
    header = ehr_base64url_decode(header, f->w.arena);
    expected = jose_format(
        &f->w, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"at+jwt\"}",
        ehr_key_kid(f->es));
    assert_true(ehr_str_eq(header, expected));
}


static void
a_public_key_does_not_sign(void **state)
{
    fixture_t  *f = *state;
    ehr_key_t  *half = jose_load(&f->w, f->rsa, 0);

    assert_null(ehr_jws_sign(half, "JWT", ehr_str("{}"), f->w.arena).data);
    ehr_key_free(half);
}


static void
failures_leave_nothing_in_the_queue_of_openssl(void **state)
{
    fixture_t        *f = *state;
    uint8_t           raw[1024];
    ehr_str_t         input = ehr_str("a.b");
    const ehr_str_t   signature = { (const char *) raw, 64 };

    memset(raw, 0xff, 64);
    assert_int_equal(ehr_jws_verify(f->es, input, signature), EHR_REFUSED);
    (void) jose_refusal(&f->w, ehr_str("hello\n"));
    assert_int_equal(ERR_peek_error(), 0);
}


/* --- libjwt as the independent second opinion --------------------------- */

static int
libjwt_accepts(ehr_str_t token, ehr_str_t pem)
{
    int     rc;
    jwt_t  *jwt = NULL;

    rc = jwt_decode(&jwt, token.data, (const unsigned char *) pem.data,
                    (int) pem.len);
    jwt_free(jwt);
    ERR_clear_error();

    return rc == 0;
}


static int
we_accept(fixture_t *f, ehr_str_t token)
{
    ehr_jws_e               e;
    ehr_jws_t               jws;
    ehr_key_t              *keys[] = { f->es, f->rs };
    const ehr_jws_policy_t  policy = { "JWT", 8192, 4, keys, 2 };

    e = ehr_jws_open(&policy, token, f->w.arena, &jws);
    ehr_jws_close(&jws);
    assert_true(e == EHR_JWS_OK || e == EHR_JWS_SIGNATURE);

    return e == EHR_JWS_OK;
}


static void
both_verdicts_are(fixture_t *f, EVP_PKEY *pkey, ehr_str_t token, int verdict)
{
    assert_int_equal(we_accept(f, token), verdict);
    assert_int_equal(libjwt_accepts(token, jose_pem(&f->w, pkey, 0)),
                     verdict);
}


static void
libjwt_agrees_on_valid_and_on_corrupted_signatures(void **state)
{
    size_t       len;
    uint8_t      raw[1024];
    fixture_t   *f = *state;
    ehr_str_t    header, input, token;
    EVP_PKEY    *pkeys[] = { f->ec, f->rsa };
    ehr_key_t   *keys[] = { f->es, f->rs };

    for (int k = 0; k < 2; k++) {
        header = jose_format(&f->w,
                             "{\"alg\":\"%s\",\"typ\":\"JWT\","
                             "\"kid\":\"%s\"}", k ? "RS256" : "ES256",
                             ehr_key_kid(keys[k]));
        input = jose_input(&f->w, header, ehr_str("{\"sub\":\"99001\"}"));
        len = jose_raw_signature(pkeys[k], input, raw);

        token = jose_format(&f->w, "%s.%s", input.data,
                            jose_base64url(&f->w, raw, len).data);
        both_verdicts_are(f, pkeys[k], token, 1);

        for (size_t i = 0; i < len; i += len / 16 - 1) {
            raw[i] ^= 0x10;
            token = jose_format(&f->w, "%s.%s", input.data,
                                jose_base64url(&f->w, raw, len).data);
            both_verdicts_are(f, pkeys[k], token, 0);
            raw[i] ^= 0x10;
        }

        token = ehr_jws_sign(keys[k], "JWT", ehr_str("{\"sub\":\"1\"}"),
                             f->w.arena);
        both_verdicts_are(f, pkeys[k], token, 1);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(base64url_agrees_with_rfc_4648),
        cmocka_unit_test(base64url_of_every_length_comes_back),
        cmocka_unit_test(base64url_in_another_form_is_refused),
        cmocka_unit_test(base64url_without_memory_is_no_refusal),
        cmocka_unit_test(keys_know_their_algorithm_and_half),
        cmocka_unit_test(the_kid_is_the_thumbprint_of_rfc_7638),
        cmocka_unit_test(other_kinds_of_keys_are_refused),
        cmocka_unit_test(files_without_a_key_are_refused),
        cmocka_unit_test(a_private_key_must_be_secret_a_public_one_need_not),
        cmocka_unit_test(the_jwks_holds_public_members_only),
        cmocka_unit_test(the_jwks_read_back_verifies),
        cmocka_unit_test(damaged_jwks_are_refused_and_foreign_keys_left_out),
        cmocka_unit_test(signatures_made_by_openssl_alone_are_accepted),
        cmocka_unit_test(the_es256_example_of_rfc_7515_is_accepted),
        cmocka_unit_test(every_flipped_bit_of_a_signature_is_refused),
        cmocka_unit_test(signatures_of_another_length_are_refused),
        cmocka_unit_test(zero_and_oversized_numbers_are_refused),
        cmocka_unit_test(what_we_sign_has_our_header),
        cmocka_unit_test(a_public_key_does_not_sign),
        cmocka_unit_test(failures_leave_nothing_in_the_queue_of_openssl),
        cmocka_unit_test(libjwt_agrees_on_valid_and_on_corrupted_signatures),
    };

    return cmocka_run_group_tests_name("jose", tests, setup, teardown);
}
