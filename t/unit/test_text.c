/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Text that went through a wrong conversion is recognised, and text that is
 * only unusual is left in peace.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ehr_text.h"


static void
expect(const char *text, ehr_text_e what)
{
    if (ehr_text_look(ehr_str(text)) != what) {
        fail_msg("\"%s\" is taken for %d", text, ehr_text_look(ehr_str(text)));
    }
}


static void
good_text_is_good(void **state)
{
    static const char *const  texts[] = {
        "", "abc", "Nguy\u1ec5n V\u0103n M\u1eabu", "\u0110\u1eb7ng Th\u1ecb",
        "TR\u1ea0M Y T\u1ebe X\u00c3\u201d, x\u00e3 Th\u1eed",
        "X\u00c3\u00a0ABC", "\u00abkh\u00e1\u00bb v\u00e0 t\u1ed1t",
        "5\u00b5g/l, 37\u00b0C, m\u00b2, \u00b110%, \u00bd vi\u00ean",
        "Panadol\u00ae Extra", "Efferalgan\u00ae, 500 mg",
        "Ho\u00e0 B\u00ecnh, tu\u1ea7n, tu\u00e2n, i\u00ean, qu\u00fd",
        "Zo\u00eb Citro\u00ebn", "Ra\u00fal", "Espa\u00f1a", "na\u00efve",
        "CSST<M75_T37_HA120/70_NT18_HL2>", "\u03b2-lactam \u2265 5",
        "paracetamol\u00b7HCl", "H\u1ea2I PH\u00d2NG", "\U0001f600"
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        expect(texts[i], EHR_TEXT_GOOD);
    }
}


static void
decomposed_text_is_recognised(void **state)
{
    expect("Nguye\u0302\u0303n", EHR_TEXT_DECOMPOSED);
    expect("Nguy\u00ea\u0303n", EHR_TEXT_DECOMPOSED);
    expect("Tra\u0300", EHR_TEXT_DECOMPOSED);
    expect("o\u031b", EHR_TEXT_DECOMPOSED);
}


/* Copied from a page or a sheet, they make another code of a code. */

static void
invisible_characters_are_recognised(void **state)
{
    expect("\u00a0", EHR_TEXT_INVISIBLE);
    expect("\u00a040.17", EHR_TEXT_INVISIBLE);
    expect("40.17\u00a0", EHR_TEXT_INVISIBLE);
    expect("J18\u200b.9", EHR_TEXT_INVISIBLE);
    expect("\ufeffJ18.9", EHR_TEXT_INVISIBLE);
    expect("A\u202eB", EHR_TEXT_INVISIBLE);
    expect("A\u2060", EHR_TEXT_INVISIBLE);
    expect("500\u00a0mg", EHR_TEXT_GOOD);
    expect("\u201c\u2026\u201d \u2013 \u2028", EHR_TEXT_GOOD);
}


static void
tcvn3_leftovers_are_recognised(void **state)
{
    expect("Nguy\u00d4n V\u00a8n M\u00c9u", EHR_TEXT_TCVN3);
    expect("H\u00b5 N\u00e9i", EHR_TEXT_TCVN3);
    expect("b\u00b8c s\u00dc", EHR_TEXT_TCVN3);
    expect("\u00aei\u00d6n t\u00a9m \u00ae\u00e5", EHR_TEXT_TCVN3);
}


static void
vni_leftovers_are_recognised(void **state)
{
    expect("Nguye\u00e3n Va\u00ean", EHR_TEXT_VNI);
    expect("Tra\u00e0n Th\u00f2 Lan", EHR_TEXT_VNI);
    expect("be\u00e4nh vie\u00e4n", EHR_TEXT_VNI);
    expect("TRA\u00c0N VA\u00caN", EHR_TEXT_VNI);
}


static void
mojibake_is_recognised(void **state)
{
    /* UTF-8 read as Latin-1, and as Windows-1252 */
    expect("Nguy\u00e1\u00bb\xc2\x85" "n", EHR_TEXT_MOJIBAKE);
    expect("Nguy\u00e1\u00bb\u2026n", EHR_TEXT_MOJIBAKE);
    expect("\u00c4\u2018\u00e1\u00ba\u00b7ng", EHR_TEXT_MOJIBAKE);
    expect("V\u00c4\u0192n", EHR_TEXT_MOJIBAKE);
    expect("b\u00c3\u00a1c", EHR_TEXT_MOJIBAKE);
    expect("s\u00c6\u00b0", EHR_TEXT_MOJIBAKE);
    expect("Nguy\ufffdn", EHR_TEXT_MOJIBAKE);
}


static void
a_cut_last_character_does_no_harm(void **state)
{
    ehr_str_t  s = ehr_str("Nguy\u1ec5n");

    for (size_t len = 0; len <= s.len; len++) {
        ehr_str_t  head = { s.data, len };

        assert_int_equal(ehr_text_look(head), EHR_TEXT_GOOD);
    }
}


#define TWO_MARKS  "\u0301\u0323"
#define TEN_MARKS  TWO_MARKS TWO_MARKS TWO_MARKS TWO_MARKS TWO_MARKS


static void
the_key_is_the_same_for_both_forms(void **state)
{
    ehr_arena_t  *arena = ehr_arena_create(1 << 16);
    ehr_str_t     nfc, nfd, plain = ehr_str("99001-0001");
    ehr_str_t     most = ehr_str("a" TEN_MARKS TEN_MARKS TEN_MARKS);
    ehr_str_t     more = ehr_str("a" TEN_MARKS TEN_MARKS TEN_MARKS "\u0301");
    ehr_str_t     lone = ehr_str(TEN_MARKS TEN_MARKS TEN_MARKS "\u0301");

    nfc = ehr_text_key(ehr_str("Nguy\u1ec5n-1"), arena);
    nfd = ehr_text_key(ehr_str("Nguye\u0302\u0303n-1"), arena);
    assert_true(ehr_str_eq(nfc, nfd));
    assert_true(ehr_str_is(nfc, "Nguy\u1ec5n-1"));

    /* no copy of what has one form only, nor of what is composed already */
    assert_ptr_equal(ehr_text_key(plain, arena).data, plain.data);
    assert_ptr_equal(ehr_text_key(nfc, arena).data, nfc.data);

    /* signs that have another normal form, of three bytes each */
    assert_true(ehr_str_is(ehr_text_key(ehr_str("5 \u2126"), arena),
                           "5 \u03a9"));
    assert_true(ehr_str_is(ehr_text_key(ehr_str("\u1f71"), arena),
                           "\u03ac"));
    assert_true(ehr_str_is(ehr_text_key(ehr_str("\u1ec5\u0323"), arena),
                           "\u1ec7\u0303"));

    /* more marks than any letter has are not put into order */
    assert_ptr_not_equal(ehr_text_key(most, arena).data, most.data);
    assert_ptr_equal(ehr_text_key(more, arena).data, more.data);
    assert_ptr_equal(ehr_text_key(lone, arena).data, lone.data);

    /* and what is no UTF-8 is not touched */
    assert_true(ehr_str_is(ehr_text_key(ehr_str("\xff\xfe"), arena),
                           "\xff\xfe"));
    ehr_arena_destroy(arena);
}


static void
different_texts_have_different_keys(void **state)
{
    ehr_arena_t  *arena = ehr_arena_create(1 << 16);
    ehr_str_t     a = ehr_text_key(ehr_str("\u1ea1"), arena);
    ehr_str_t     b = ehr_text_key(ehr_str("a"), arena);

    assert_false(ehr_str_eq(a, b));
    /* compatibility forms stay what they are */
    assert_false(ehr_str_eq(ehr_text_key(ehr_str("\u2160"), arena),
                            ehr_str("I")));
    ehr_arena_destroy(arena);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(good_text_is_good),
        cmocka_unit_test(decomposed_text_is_recognised),
        cmocka_unit_test(invisible_characters_are_recognised),
        cmocka_unit_test(tcvn3_leftovers_are_recognised),
        cmocka_unit_test(vni_leftovers_are_recognised),
        cmocka_unit_test(mojibake_is_recognised),
        cmocka_unit_test(a_cut_last_character_does_no_harm),
        cmocka_unit_test(the_key_is_the_same_for_both_forms),
        cmocka_unit_test(different_texts_have_different_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
