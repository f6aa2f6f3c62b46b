/* SPDX-License-Identifier: BSD-2-Clause */

/* Sealing of stored documents, and the files of keys. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "ehr_id.h"
#include "ehr_seal.h"


#define HEX                                                                   \
    "000102030405060708090a0b0c0d0e0f"                                        \
    "101112131415161718191a1b1c1d1e1f"
#define HEX2                                                                  \
    "ff0102030405060708090a0b0c0d0e0f"                                        \
    "101112131415161718191a1b1c1d1e1f"
#define B64   "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


typedef struct {
    ehr_arena_t      *arena;
    ehr_seal_keys_t   keys;
    ehr_sealer_t     *sealer;
} world_t;


static int
set_up(void **state)
{
    world_t  *w = calloc(1, sizeof(world_t));

    assert_non_null(w);
    w->arena = ehr_arena_create(64 * 1024 * 1024);
    assert_non_null(w->arena);
    assert_null(ehr_seal_keys_add(&w->keys, ehr_str(HEX)));
    assert_null(ehr_seal_keys_add(&w->keys, ehr_str(HEX2)));
    w->sealer = ehr_sealer_create(&w->keys);
    assert_non_null(w->sealer);
    *state = w;

    return 0;
}


static int
tear_down(void **state)
{
    world_t  *w = *state;

    ehr_sealer_destroy(w->sealer);
    ehr_arena_destroy(w->arena);
    free(w);

    return 0;
}


static ehr_str_t
str_of(const void *data, size_t len)
{
    ehr_str_t  s = { data, len };

    return s;
}


/* C2SP, XAES-256-GCM, the two vectors of its appendix. */

static void
vectors_of_the_specification_open(void **state)
{
    static const struct {
        uint8_t      key;             /* 32 times */
        const char  *context;
        const char  *sealed;
    } vectors[] = {
        { 0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"
        },
        { 0x03, "c2sp.org/XAES-256-GCM",
          "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d" }
    };

    size_t            i;
    world_t          *w = *state;
    uint8_t           key[EHR_SEAL_KEY_LEN];
    uint8_t           sealed[24 + 28];
    ehr_str_t         bytes;
    ehr_sealer_t     *sealer;
    ehr_seal_keys_t   keys;

    for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        memset(&keys, 0, sizeof(keys));
        memset(key, vectors[i].key, sizeof(key));
        assert_null(ehr_seal_keys_add(&keys, str_of(key, sizeof(key))));
        sealer = ehr_sealer_create(&keys);
        assert_non_null(sealer);

        memcpy(sealed, "ABCDEFGHIJKLMNOPQRSTUVWX", 24);
        assert_int_equal(ehr_unhex(ehr_str(vectors[i].sealed), sealed + 24,
                                   28),
                         EHR_OK);

        assert_int_equal(ehr_unseal(sealer, keys.keys[0].id,
                                    ehr_str(vectors[i].context),
                                    str_of(sealed, sizeof(sealed)), w->arena,
                                    &bytes),
                         EHR_OK);
        assert_true(ehr_str_is(bytes, "XAES-256-GCM"));
        ehr_sealer_destroy(sealer);
    }
}


static void
what_is_sealed_opens_and_is_sealed_anew_each_time(void **state)
{
    size_t      len;
    world_t    *w = *state;
    ehr_str_t   bytes, one, two, back;
    char       *text = malloc(300000);

    assert_non_null(text);
    memset(text, 'x', 300000);
    bytes.data = text;

    for (len = 0; len < 300000; len = len * 5 + 1) {
        bytes.len = len;
        one = ehr_seal(w->sealer, ehr_str("row 1"), bytes, w->arena);
        two = ehr_seal(w->sealer, ehr_str("row 1"), bytes, w->arena);
        assert_int_equal(one.len, len + EHR_SEAL_EXTRA);
        assert_false(ehr_str_eq(one, two));
        assert_int_equal(ehr_unseal(w->sealer, w->keys.keys[0].id,
                                    ehr_str("row 1"), one, w->arena, &back),
                         EHR_OK);
        assert_true(ehr_str_eq(back, bytes));
    }

    free(text);
}


static void
another_context_or_key_does_not_open_it(void **state)
{
    world_t    *w = *state;
    ehr_str_t   sealed, back;

    sealed = ehr_seal(w->sealer, ehr_str("row 1"), ehr_str("<A/>"), w->arena);

    assert_int_equal(ehr_unseal(w->sealer, w->keys.keys[0].id,
                                ehr_str("row 2"), sealed, w->arena, &back),
                     EHR_BROKEN);
    assert_int_equal(ehr_unseal(w->sealer, w->keys.keys[1].id,
                                ehr_str("row 1"), sealed, w->arena, &back),
                     EHR_BROKEN);
    assert_int_equal(ehr_unseal(w->sealer, 12345, ehr_str("row 1"), sealed,
                                w->arena, &back),
                     EHR_REFUSED);
    assert_int_equal(ehr_unseal(NULL, w->keys.keys[0].id, ehr_str("row 1"),
                                sealed, w->arena, &back),
                     EHR_REFUSED);
}


static void
every_changed_bit_and_every_cut_is_found(void **state)
{
    char       *copy;
    size_t      i;
    world_t    *w = *state;
    ehr_str_t   sealed, changed, back;

    sealed = ehr_seal(w->sealer, ehr_str("row 1"), ehr_str("<A/>"), w->arena);

    for (i = 0; i < sealed.len * 8; i++) {
        copy = ehr_arena_alloc(w->arena, sealed.len);
        assert_non_null(copy);
        memcpy(copy, sealed.data, sealed.len);
        copy[i / 8] ^= (char) (1 << i % 8);
        changed = str_of(copy, sealed.len);
        assert_int_equal(ehr_unseal(w->sealer, w->keys.keys[0].id,
                                    ehr_str("row 1"), changed, w->arena,
                                    &back),
                         EHR_BROKEN);
    }

    for (i = 0; i < sealed.len; i++) {
        assert_int_equal(ehr_unseal(w->sealer, w->keys.keys[0].id,
                                    ehr_str("row 1"),
                                    str_of(sealed.data, i), w->arena, &back),
                         EHR_BROKEN);
    }
}


static void
an_older_key_opens_what_it_sealed(void **state)
{
    world_t          *w = *state;
    ehr_str_t         sealed, back;
    ehr_sealer_t     *sealer;
    ehr_seal_keys_t   keys = { 0 };

    sealed = ehr_seal(w->sealer, ehr_str("c"), ehr_str("<A/>"), w->arena);

    assert_null(ehr_seal_keys_add(&keys, ehr_str(HEX2)));
    assert_null(ehr_seal_keys_add(&keys, ehr_str(HEX)));
    sealer = ehr_sealer_create(&keys);
    assert_non_null(sealer);
    assert_int_equal(ehr_unseal(sealer, w->keys.keys[0].id, ehr_str("c"),
                                sealed, w->arena, &back),
                     EHR_OK);
    assert_true(ehr_str_is(back, "<A/>"));
    ehr_sealer_destroy(sealer);
}


static void
one_key_is_the_same_in_every_form(void **state)
{
    uint8_t           raw[EHR_SEAL_KEY_LEN];
    size_t            i;
    ehr_seal_keys_t   keys = { 0 };
    const char *const forms[] = { HEX, HEX "\n", HEX "\r\n", B64, B64 "\n" };

    (void) state;

    for (i = 0; i < sizeof(raw); i++) {
        raw[i] = (uint8_t) i;
    }

    assert_null(ehr_seal_keys_add(&keys, str_of(raw, sizeof(raw))));
    assert_true(keys.keys[0].id > 0);

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        assert_string_equal(ehr_seal_keys_add(&keys, ehr_str(forms[i])),
                            "holds a key that is there already");
        assert_int_equal(keys.n, 1);
    }

    assert_true(ehr_seal_keys_has(&keys, keys.keys[0].id));
    assert_false(ehr_seal_keys_has(&keys, keys.keys[0].id + 1));
}


static void
what_is_no_key_is_refused(void **state)
{
    size_t            i;
    ehr_seal_keys_t   keys = { 0 };
    const char *const wrong[] = {
        "", "\n", "secret", HEX "0", HEX " ", "zz" HEX2,
        "000102030405060708090a0b0c0d0e0f",      /* half a key in hex */
        "a password of thirty-two letters",
        "a password, two ends of a line\r\n",
        "a password, its line end 32nd..\n",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g",
        "!AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    };

    (void) state;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_non_null(ehr_seal_keys_add(&keys, ehr_str(wrong[i])));
        assert_int_equal(keys.n, 0);
    }
}


static void
eight_keys_are_taken_and_no_more(void **state)
{
    int               i;
    char              hex[65];
    ehr_seal_keys_t   keys = { 0 };

    (void) state;

    for (i = 0; i < EHR_SEAL_MAX_KEYS; i++) {
        (void) snprintf(hex, sizeof(hex), "%064x", i + 1);
        assert_null(ehr_seal_keys_add(&keys, ehr_str(hex)));
    }

    assert_non_null(ehr_seal_keys_add(&keys, ehr_str(HEX)));
    assert_int_equal(keys.n, EHR_SEAL_MAX_KEYS);
}


static void
a_file_is_read_only_if_it_is_secret(void **state)
{
    int               fd;
    char              path[] = "/tmp/ehr-seal-XXXXXX";
    ehr_seal_keys_t   keys = { 0 };

    (void) state;

    fd = mkstemp(path);
    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, HEX "\n", 65), 65);

    assert_int_equal(fchmod(fd, 0604), 0);
    assert_non_null(ehr_seal_keys_load(&keys, path));
    assert_int_equal(keys.n, 0);
    assert_int_equal(fchmod(fd, 0400), 0);
    assert_null(ehr_seal_keys_load(&keys, path));
    assert_int_equal(keys.n, 1);

    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    assert_non_null(ehr_seal_keys_load(&keys, path));
    assert_non_null(ehr_seal_keys_load(&keys, "/tmp"));
    assert_non_null(ehr_seal_keys_load(&keys, "/dev/null"));

    ehr_seal_keys_clear(&keys);
    assert_int_equal(keys.n, 0);
}


#define seal_test(name)                                                       \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        seal_test(vectors_of_the_specification_open),
        seal_test(what_is_sealed_opens_and_is_sealed_anew_each_time),
        seal_test(another_context_or_key_does_not_open_it),
        seal_test(every_changed_bit_and_every_cut_is_found),
        seal_test(an_older_key_opens_what_it_sealed),
        cmocka_unit_test(one_key_is_the_same_in_every_form),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(eight_keys_are_taken_and_no_more),
        cmocka_unit_test(a_file_is_read_only_if_it_is_secret)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
