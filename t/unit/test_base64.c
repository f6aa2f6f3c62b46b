/* SPDX-License-Identifier: BSD-2-Clause */

/* Base64 as documents carry it: strict, in pieces of any size. */

#include "documents.h"
#include "ehr_base64.h"


/* Decodes in pieces of that many characters; -1 when it is refused. */

static int
decode(const char *text, size_t len, size_t piece, uint8_t *out)
{
    ehr_base64_t  b;
    size_t        n = 0, at, part;

    ehr_base64_init(&b);

    for (at = 0; at < len; at += part) {
        part = len - at < piece ? len - at : piece;
        n += ehr_base64_feed(&b, text + at, part, out + n);
    }

    return ehr_base64_finish(&b) == EHR_OK ? (int) n : -1;
}


static void
expect(const char *text, const char *bytes)
{
    uint8_t  out[256];
    int      n;

    for (size_t piece = 1; piece <= 9; piece++) {
        n = decode(text, strlen(text), piece, out);

        if (bytes == NULL) {
            assert_int_equal(n, -1);

        } else {
            assert_int_equal(n, (int) strlen(bytes));
            assert_memory_equal(out, bytes, strlen(bytes));
        }
    }
}


static void
vectors_of_rfc_4648_decode(void **state)
{
    expect("", "");
    expect("Zg==", "f");
    expect("Zm8=", "fo");
    expect("Zm9v", "foo");
    expect("Zm9vYg==", "foob");
    expect("Zm9vYmE=", "fooba");
    expect("Zm9vYmFy", "foobar");
    expect("+/+/", "\xfb\xff\xbf");
}


static void
white_space_is_dropped(void **state)
{
    expect(" Z m\r\n9\tv ", "foo");
    expect("Zm9v\nYg==\n", "foob");
    expect("Zg=\n=", "f");
    expect(" \n", "");
}


static void
padding_is_required_and_exact(void **state)
{
    expect("Zg", NULL);
    expect("Zg=", NULL);
    expect("Zm8", NULL);
    expect("Z", NULL);
    expect("Z===", NULL);
    expect("====", NULL);
    expect("=", NULL);
    expect("Zm9v=", NULL);
    expect("Zm9v====", NULL);
    expect("Zg==Zg==", NULL);
    expect("Zg==Z", NULL);
    expect("Z=g=", NULL);
    expect("Zm=v", NULL);
}


static void
bits_hidden_behind_the_padding_are_refused(void **state)
{
    expect("Zh==", NULL);
    expect("Zm9=", NULL);
}


static void
other_characters_are_refused(void **state)
{
    expect("Zm9-", NULL);
    expect("Zm9_", NULL);
    expect("Zm9v!", NULL);
    expect("Zm9v\xc3\xa9", NULL);
    expect("<a>", NULL);
    expect("Zm9v\x0b", NULL);
}


static void
every_byte_alone_has_one_verdict(void **state)
{
    static const char  alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t            out[16];

    for (int c = 0; c < 256; c++) {
        char  text[4] = { (char) c, 'A', 'A', 'A' };
        int   n = decode(text, 4, 4, out);

        if (c != 0 && strchr(alphabet, c)) {
            assert_int_equal(n, 3);
            assert_int_equal(out[0] >> 2, strchr(alphabet, c) - alphabet);

        } else {
            assert_int_equal(n, -1);
        }
    }
}


static void
what_another_library_encodes_decodes(void **state)
{
    uint8_t     bytes[1000], out[2000];
    ehr_str_t   raw = { (const char *) bytes, 0 }, text;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t) (i * 7 + i / 256);
    }

    for (raw.len = 0; raw.len < sizeof(bytes); raw.len += 37) {
        text = doc_base64(raw);
        assert_int_equal(decode(text.data, text.len, 61, out), (int) raw.len);
        assert_memory_equal(out, bytes, raw.len);
        doc_free(text);
    }
}


static void
room_is_never_exceeded(void **state)
{
    /* the worst case: each piece ends a group begun before it */
    for (size_t len = 1; len < 64; len++) {
        uint8_t       *out;
        char           text[64];
        ehr_base64_t   b;

        memset(text, 'A', sizeof(text));

        for (size_t before = 0; before < 4; before++) {
            out = malloc(ehr_base64_room(len));
            assert_non_null(out);
            ehr_base64_init(&b);
            (void) ehr_base64_feed(&b, text, before, out);
            assert_true(ehr_base64_feed(&b, text, len, out)
                        <= ehr_base64_room(len));
            free(out);
        }
    }
}


static void
one_go_gives_bytes_or_a_refusal(void **state)
{
    ehr_arena_t  *arena = ehr_arena_create(1024);
    ehr_arena_t  *small = ehr_arena_create(16);
    ehr_str_t     text = ehr_string("Zm9vYmFy"), bad = ehr_string("Zm9v*");
    ehr_str_t     large = ehr_string("Zm9vZm9vZm9vZm9vZm9vZm9vZm9vZm9v");
    ehr_str_t     bytes;
    ehr_rc_t      rc;

    bytes = ehr_base64_decode(text, arena, &rc);
    assert_int_equal(rc, EHR_OK);
    assert_true(ehr_str_is(bytes, "foobar"));

    bytes = ehr_base64_decode(bad, arena, &rc);
    assert_int_equal(rc, EHR_REFUSED);
    assert_null(bytes.data);

    bytes = ehr_base64_decode(large, small, &rc);
    assert_int_equal(rc, EHR_BROKEN);
    assert_null(bytes.data);

    ehr_arena_destroy(arena);
    ehr_arena_destroy(small);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(vectors_of_rfc_4648_decode),
        cmocka_unit_test(white_space_is_dropped),
        cmocka_unit_test(padding_is_required_and_exact),
        cmocka_unit_test(bits_hidden_behind_the_padding_are_refused),
        cmocka_unit_test(other_characters_are_refused),
        cmocka_unit_test(every_byte_alone_has_one_verdict),
        cmocka_unit_test(what_another_library_encodes_decodes),
        cmocka_unit_test(room_is_never_exceeded),
        cmocka_unit_test(one_go_gives_bytes_or_a_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
