/* SPDX-License-Identifier: BSD-2-Clause */

/* Receipts hold the facts of interface section 3.1, signed, and are read back
 * only when nothing was changed. */

#include "jose_keys.h"

#include <jansson.h>

#include "ehr_receipt.h"


#define ID  "019a0f22-79b0-7cc3-98c4-dc0c0c07398f"

#define HEADER                                                                \
    "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"ehr-receipt+jwt\"}"
#define FACTS                                                                 \
    "{\"iss\":\"https://g.test\",\"jti\":\"" ID "\",\"id\":\"" ID "\","       \
    "\"facility\":\"99001\",\"kind\":\"claim\",\"standard\":\"qd3176\","      \
    "\"business_key\":\"99001/X\",\"sha256\":\"ba7816bf8f01cfea414140de5dae"  \
    "2223b00361a396177a9cb410ff61f20015ad\",\"size\":3,"                      \
    "\"received_at\":\"2026-11-21T03:04:05.678Z\",\"iat\":1795230245}"


typedef struct {
    jose_world_t    w;
    EVP_PKEY       *ec;
    EVP_PKEY       *rsa;
    ehr_key_t      *key;
    ehr_key_t      *rs;
    ehr_receipt_t   facts;
} fixture_t;


static int
setup(void **state)
{
    fixture_t            *f = calloc(1, sizeof(*f));
    const ehr_receipt_t   facts = {
        .issuer = ehr_string("https://gateway.test"),
        .id = ehr_string(ID),
        .facility = ehr_string("99001"),
        .kind = ehr_string("claim"),
        .standard = ehr_string("qd3176"),
        .business_key = ehr_string("99001/HỒ \"1\""),
        .sha256 = { 0xba, 0x78, 0x16, 0xff },
        .size = 21468,
        .received_at_ms = INT64_C(1795230245678),
        .issued_at_sec = 1795230245,
    };

    jose_world_open(&f->w);
    f->ec = EVP_EC_gen("P-256");
    f->rsa = EVP_RSA_gen(2048);
    f->key = jose_load(&f->w, f->ec, 1);
    f->rs = jose_load(&f->w, f->rsa, 1);
    f->facts = facts;
    *state = f;

    return 0;
}


static int
teardown(void **state)
{
    fixture_t  *f = *state;

    ehr_key_free(f->key);
    ehr_key_free(f->rs);
    EVP_PKEY_free(f->ec);
    EVP_PKEY_free(f->rsa);
    jose_world_close(&f->w);
    free(f);

    return 0;
}


static ehr_rc_t
verify(fixture_t *f, ehr_str_t jws, ehr_receipt_t *facts)
{
    return ehr_receipt_verify(&f->key, 1, jws, f->w.arena, facts);
}


static void
a_receipt_is_read_back_whole(void **state)
{
    fixture_t      *f = *state;
    ehr_str_t       jws = ehr_receipt_sign(f->key, &f->facts, f->w.arena);
    ehr_receipt_t   got;

    assert_non_null(jws.data);
    assert_int_equal(verify(f, jws, &got), EHR_OK);

    assert_true(ehr_str_eq(got.issuer, f->facts.issuer));
    assert_true(ehr_str_eq(got.id, f->facts.id));
    assert_true(ehr_str_eq(got.facility, f->facts.facility));
    assert_true(ehr_str_eq(got.kind, f->facts.kind));
    assert_true(ehr_str_eq(got.standard, f->facts.standard));
    assert_true(ehr_str_eq(got.business_key, f->facts.business_key));
    assert_memory_equal(got.sha256, f->facts.sha256, EHR_SHA256_LEN);
    assert_true(got.size == f->facts.size);
    assert_true(got.received_at_ms == f->facts.received_at_ms);
    assert_true(got.issued_at_sec == f->facts.issued_at_sec);
}


static void
the_payload_has_these_members_and_no_other(void **state)
{
    json_t      *root;
    fixture_t   *f = *state;
    ehr_str_t    jws = ehr_receipt_sign(f->key, &f->facts, f->w.arena);
    ehr_str_t    part;
    const char  *dot = strchr(jws.data, '.') + 1;

    part = (ehr_str_t) { dot, (size_t) (strchr(dot, '.') - dot) };
    part = ehr_base64url_decode(part, f->w.arena);
    root = json_loadb(part.data, part.len, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_object_size(root), 11);

#define TEXT(name)  json_string_value(json_object_get(root, name))

    assert_string_equal(TEXT("iss"), "https://gateway.test");
    assert_string_equal(TEXT("jti"), ID);
    assert_string_equal(TEXT("id"), ID);
    assert_string_equal(TEXT("sha256"), "ba7816ff000000000000000000000000"
                                        "00000000000000000000000000000000");
    assert_string_equal(TEXT("received_at"), "2026-11-21T03:04:05.678Z");

#undef TEXT

    assert_true(json_is_integer(json_object_get(root, "size")));
    assert_true(json_is_integer(json_object_get(root, "iat")));
    json_decref(root);
}


static void
every_changed_character_is_refused(void **state)
{
    char           *text;
    fixture_t      *f = *state;
    ehr_str_t       jws = ehr_receipt_sign(f->key, &f->facts, f->w.arena);
    ehr_receipt_t   got;

    text = ehr_arena_alloc(f->w.arena, jws.len);
    memcpy(text, jws.data, jws.len);

    for (size_t i = 0; i < jws.len; i++) {
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_int_equal(verify(f, (ehr_str_t) { text, jws.len }, &got),
                         EHR_REFUSED);
        text[i] = jws.data[i];
    }
}


static void
another_key_is_refused(void **state)
{
    fixture_t      *f = *state;
    ehr_str_t       jws = ehr_receipt_sign(f->key, &f->facts, f->w.arena);
    ehr_receipt_t   got;

    assert_int_equal(ehr_receipt_verify(&f->rs, 1, jws, f->w.arena, &got),
                     EHR_REFUSED);
    assert_int_equal(ehr_receipt_verify(NULL, 0, jws, f->w.arena, &got),
                     EHR_REFUSED);
    assert_null(got.id.data);
}


static void
a_token_is_no_receipt(void **state)
{
    fixture_t      *f = *state;
    ehr_str_t       jws;
    ehr_receipt_t   got;

    jws = ehr_jws_sign(f->key, "at+jwt", ehr_str(FACTS), f->w.arena);
    assert_int_equal(verify(f, jws, &got), EHR_REFUSED);

    jws = ehr_jws_sign(f->key, EHR_RECEIPT_TYP, ehr_str(FACTS), f->w.arena);
    assert_int_equal(verify(f, jws, &got), EHR_OK);
}


static void
a_receipt_signed_by_openssl_alone_is_accepted(void **state)
{
    fixture_t      *f = *state;
    ehr_str_t       jws;
    ehr_receipt_t   got;

    jws = jose_sign(&f->w, f->ec,
                    jose_format(&f->w, HEADER, ehr_key_kid(f->key)),
                    ehr_str(FACTS));
    assert_int_equal(verify(f, jws, &got), EHR_OK);
    assert_true(ehr_str_is(got.business_key, "99001/X"));
    assert_true(got.received_at_ms == INT64_C(1795230245678));
}


/* Each fact in turn left out, or of another type, although well signed. */

static void
missing_and_mistyped_facts_are_refused(void **state)
{
    char           *text;
    json_t         *root;
    fixture_t      *f = *state;
    ehr_str_t       jws;
    ehr_receipt_t   got;

    static const char *const  names[] = {
        "iss", "jti", "id", "facility", "kind", "standard", "business_key",
        "sha256", "size", "received_at", "iat"
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (int k = 0; k < 5; k++) {
            root = json_loads(FACTS, 0, NULL);
            assert_int_equal(json_object_del(root, names[i]), 0);

            if (k > 0) {
                json_object_set_new(root, names[i],
                                    k == 1 ? json_null()
                                    : k == 2 ? json_real(1.5)
                                    : k == 3 ? json_array()
                                    : json_integer(-1));
            }

            text = json_dumps(root, 0);
            jws = ehr_jws_sign(f->key, EHR_RECEIPT_TYP, ehr_str(text),
                               f->w.arena);
            assert_int_equal(verify(f, jws, &got), EHR_REFUSED);
            free(text);
            json_decref(root);
        }
    }
}


static void
two_different_names_of_the_document_are_refused(void **state)
{
    json_t         *root = json_loads(FACTS, 0, NULL);
    char           *text;
    fixture_t      *f = *state;
    ehr_receipt_t   got;

    json_object_set_new(root, "jti", json_string("another"));
    text = json_dumps(root, 0);
    assert_int_equal(verify(f, ehr_jws_sign(f->key, EHR_RECEIPT_TYP,
                                            ehr_str(text), f->w.arena),
                            &got), EHR_REFUSED);
    free(text);
    json_decref(root);
}


static void
only_a_private_es256_key_signs_receipts(void **state)
{
    fixture_t  *f = *state;
    ehr_key_t  *half = jose_load(&f->w, f->ec, 0);

    assert_null(ehr_receipt_sign(half, &f->facts, f->w.arena).data);
    assert_null(ehr_receipt_sign(f->rs, &f->facts, f->w.arena).data);
    ehr_key_free(half);
}


static void
a_receipt_that_nobody_could_read_is_not_signed(void **state)
{
    char           *big = calloc(1, 8001);
    fixture_t      *f = *state;
    ehr_receipt_t   facts = f->facts;

    memset(big, 'k', 8000);
    facts.business_key = ehr_str(big);
    assert_null(ehr_receipt_sign(f->key, &facts, f->w.arena).data);
    free(big);
}


static void
without_memory_nothing_is_signed_and_nobody_blamed(void **state)
{
    fixture_t       *f = *state;
    ehr_rc_t         rc = EHR_BROKEN;
    ehr_str_t        text = ehr_null_string, jws;
    ehr_arena_t     *arena;
    ehr_receipt_t    got;

    for (size_t cap = 0; text.data == NULL; cap += 16) {
        assert_true(cap < 32768);
        arena = ehr_arena_create(cap);
        text = ehr_receipt_sign(f->key, &f->facts, arena);
        ehr_arena_destroy(arena);
    }

    jws = ehr_receipt_sign(f->key, &f->facts, f->w.arena);

    for (size_t cap = 0; rc != EHR_OK; cap += 16) {
        assert_true(cap < 32768);
        arena = ehr_arena_create(cap);
        rc = ehr_receipt_verify(&f->key, 1, jws, arena, &got);
        assert_int_not_equal(rc, EHR_REFUSED);
        ehr_arena_destroy(arena);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_receipt_is_read_back_whole),
        cmocka_unit_test(the_payload_has_these_members_and_no_other),
        cmocka_unit_test(every_changed_character_is_refused),
        cmocka_unit_test(another_key_is_refused),
        cmocka_unit_test(a_token_is_no_receipt),
        cmocka_unit_test(a_receipt_signed_by_openssl_alone_is_accepted),
        cmocka_unit_test(missing_and_mistyped_facts_are_refused),
        cmocka_unit_test(two_different_names_of_the_document_are_refused),
        cmocka_unit_test(only_a_private_es256_key_signs_receipts),
        cmocka_unit_test(a_receipt_that_nobody_could_read_is_not_signed),
        cmocka_unit_test(without_memory_nothing_is_signed_and_nobody_blamed),
    };

    return cmocka_run_group_tests_name("receipt", tests, setup, teardown);
}
