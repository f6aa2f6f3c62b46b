/* SPDX-License-Identifier: BSD-2-Clause */

/* What the byte gate lets through to the parser, and what it does not. */

#include "documents.h"
#include "ehr_gate.h"


#define HOSTILE_NS  (200 * 1000000LL)


static ehr_gate_result_t  result;


static ehr_gate_e
check(const char *text, size_t len)
{
    ehr_str_t  s = { text, len };

    return ehr_gate_check(s, &ehr_gate_document, &result);
}


#define expect(what, text)                                                    \
    assert_int_equal(check(text, sizeof(text) - 1), what)

#define expect_ok(text)  expect(EHR_GATE_OK, text)


/* before, n times piece, after: by a bounded cost. */

static ehr_gate_e
check_repeated(const char *before, const char *piece, size_t n,
               const char *after)
{
    size_t      len = strlen(piece), size;
    char       *text = malloc(strlen(before) + len * n + strlen(after) + 1);
    char       *p;
    int64_t     begin;
    ehr_gate_e  rc;

    assert_non_null(text);
    p = stpcpy(text, before);

    for (size_t i = 0; i < n; i++) {
        memcpy(p, piece, len);
        p += len;
    }

    p = stpcpy(p, after);
    size = (size_t) (p - text);

    begin = doc_cpu_ns();
    rc = check(text, size);
    assert_true(doc_cpu_ns() - begin < HOSTILE_NS);

    free(text);

    return rc;
}


static void
plain_documents_pass(void **state)
{
    expect_ok("<a/>");
    expect_ok("<a b=\"1\" c='2'>x</a>");
    expect_ok("<?xml version=\"1.0\"?><a/>");
    expect_ok("<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<a>\t</a>\n");
    expect_ok("<?xml version='1.0' encoding='UTF-8' standalone='yes'?><a/>");
    expect_ok("<a>\xe1\xba\xa6 \xf0\x9f\x98\x80 \xc2\x80</a>");
    expect_ok("<a><!-- <!DOCTYPE a> & > --></a>");
    expect_ok("<a><![CDATA[<!DOCTYPE a><?x?> > \" ' ]] >]]></a>");
    expect_ok("<a b=\"<!DOCTYPE\"/>");
    expect_ok("<a b=\"x > y\"><c/></a>");
}


static void
mark_and_blank_lines_before_the_declaration_are_skipped(void **state)
{
    expect_ok("\xef\xbb\xbf<a/>");
    assert_int_equal(result.skip, 3);
    expect_ok("\xef\xbb\xbf\r\n\r\n <?xml version=\"1.0\"?><a/>");
    assert_int_equal(result.skip, 8);
    assert_int_equal(result.skipped_lines, 2);
    expect_ok("\n<a/>");
    assert_int_equal(result.skip, 1);
}


static void
nothing_is_refused(void **state)
{
    expect(EHR_GATE_EMPTY, "");
    expect(EHR_GATE_EMPTY, " \r\n\t");
    expect(EHR_GATE_EMPTY, "\xef\xbb\xbf");
}


static void
bytes_that_are_no_utf8_are_refused(void **state)
{
    expect(EHR_GATE_UTF8, "<a>\x80</a>");
    expect(EHR_GATE_UTF8, "<a>\xff</a>");
    expect(EHR_GATE_UTF8, "<a>\xc3</a>");
    expect(EHR_GATE_UTF8, "<a>\xc3");
    expect(EHR_GATE_UTF8, "<a>\xe1\xba</a>");
    expect(EHR_GATE_UTF8, "<\xe9/>");
    expect(EHR_GATE_UTF8, "<a b='\xe9'/>");
    expect(EHR_GATE_UTF8, "<a><!--\xe9--></a>");
    expect(EHR_GATE_UTF8, "<a><![CDATA[\xe9]]></a>");
}


static void
overlong_forms_surrogates_and_beyond_unicode_are_refused(void **state)
{
    expect(EHR_GATE_UTF8, "<a>\xc0\xbc</a>");
    expect(EHR_GATE_UTF8, "<a>\xc1\xbf</a>");
    expect(EHR_GATE_UTF8, "<a>\xe0\x80\xbc</a>");
    expect(EHR_GATE_UTF8, "<a>\xe0\x9f\xbf</a>");
    expect(EHR_GATE_UTF8, "<a>\xf0\x8f\xbf\xbf</a>");
    expect(EHR_GATE_UTF8, "<a>\xed\xa0\x80</a>");
    expect(EHR_GATE_UTF8, "<a>\xed\xbf\xbf</a>");
    expect(EHR_GATE_UTF8, "<a>\xf4\x90\x80\x80</a>");
    expect(EHR_GATE_UTF8, "<a>\xf5\x80\x80\x80</a>");
    expect(EHR_GATE_UTF8, "<a>\xef\xbf\xbe</a>");
    expect_ok("<a>\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\xef\xbf\xbd</a>");
}


static void
control_characters_are_refused(void **state)
{
    expect(EHR_GATE_CONTROL, "<a>\0</a>");
    expect(EHR_GATE_CONTROL, "<a>\x01</a>");
    expect(EHR_GATE_CONTROL, "<a>\x1f</a>");
    expect(EHR_GATE_CONTROL, "<a>\x0b</a>");
    expect(EHR_GATE_CONTROL, "<a\0/>");
    expect(EHR_GATE_CONTROL, "<a b='\x08'/>");
    expect(EHR_GATE_CONTROL, "<a><!--\x0c--></a>");
    expect(EHR_GATE_CONTROL, "<a>1234567\0" "01234567</a>");
}


static void
each_position_of_a_word_is_looked_at(void **state)
{
    char  text[] = "<a>0123456789012345678901234567890123456789</a>";

    for (size_t i = 3; i < sizeof(text) - 5; i++) {
        char  kept = text[i];

        text[i] = '\x02';
        assert_int_equal(check(text, sizeof(text) - 1), EHR_GATE_CONTROL);
        assert_int_equal(result.offset, i);
        text[i] = '\xfe';
        assert_int_equal(check(text, sizeof(text) - 1), EHR_GATE_UTF8);
        assert_int_equal(result.offset, i);
        text[i] = kept;
    }
}


static void
other_encodings_are_refused(void **state)
{
    expect(EHR_GATE_UTF8, "\xff\xfe<\0a\0/\0>\0");
    expect(EHR_GATE_UTF8, "\xfe\xff\0<\0a\0/\0>");
    expect(EHR_GATE_CONTROL, "\0\0\xfe\xff\0\0\0<");
    expect(EHR_GATE_UTF8, "\xff\xfe\0\0<\0\0\0");
    expect(EHR_GATE_CONTROL, "<\0a\0/\0>\0");
    expect(EHR_GATE_DECLARED, "<?xml version='1.0' encoding='UTF-7'?><a/>");
    expect(EHR_GATE_DECLARED, "<?xml version='1.0' encoding='utf-16'?><a/>");
    expect(EHR_GATE_DECLARED,
           "<?xml version='1.0' encoding='windows-1258'?><a/>");
    expect(EHR_GATE_DECLARED, "<?xml version='1.0' encoding='UTF-8-X'?><a/>");
    expect(EHR_GATE_DECLARED, "<?xml version='1.0' encoding = ''?><a/>");
    expect(EHR_GATE_DECLARED, "<?xml version='1.0' encoding=UTF-8 ?><a/>");
}


static void
a_doctype_is_refused_wherever_it_stands(void **state)
{
    expect(EHR_GATE_DOCTYPE, "<!DOCTYPE a><a/>");
    expect(EHR_GATE_DOCTYPE,
           "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a/>");
    expect(EHR_GATE_DOCTYPE, "<?xml version='1.0'?>\n<!-- x --><!DOCTYPE a>");
    expect(EHR_GATE_DOCTYPE, "<a><!ENTITY x 'y'></a>");
    expect(EHR_GATE_DOCTYPE, "<a/><!doctype a>");
    expect(EHR_GATE_DOCTYPE, "<![CDATA[<a/>]]>");
    expect(EHR_GATE_DOCTYPE, "<a><![IGNORE[ x ]]></a>");
}


static void
processing_instructions_are_refused(void **state)
{
    expect(EHR_GATE_INSTRUCTION, "<?xml-stylesheet href='x'?><a/>");
    expect(EHR_GATE_INSTRUCTION, "<a><?php x ?></a>");
    expect(EHR_GATE_INSTRUCTION, "<a/><?xml version='1.0'?>");
}


static void
what_is_cut_off_is_refused(void **state)
{
    expect(EHR_GATE_CUT, "<");
    expect(EHR_GATE_CUT, "<a");
    expect(EHR_GATE_CUT, "<a b='");
    expect(EHR_GATE_CUT, "<a><!-- ");
    expect(EHR_GATE_CUT, "<a><![CDATA[ ]]");
    expect(EHR_GATE_CUT, "<?xml version='1.0'");
    /* not markup: the parser's part */
    expect_ok("<a><b>");
}


static void
the_place_of_a_refusal_is_told(void **state)
{
    expect(EHR_GATE_CONTROL, "<a>\n\n <b>\x02</b></a>");
    assert_int_equal(result.line, 3);
    assert_int_equal(result.offset, 9);
}


static void
depth_is_bounded(void **state)
{
    size_t  max = ehr_gate_document.depth;

    assert_int_equal(check_repeated("", "<a>", max, ""), EHR_GATE_OK);
    assert_int_equal(check_repeated("", "<a>", max + 1, ""), EHR_GATE_DEPTH);
    assert_int_equal(check_repeated("", "<a>", 1000000, ""), EHR_GATE_DEPTH);
    assert_int_equal(check_repeated("<a>", "<b></b><c/>", 100000, "</a>"),
                     EHR_GATE_OK);
}


static void
attributes_are_bounded(void **state)
{
    size_t  max = ehr_gate_document.attributes;

    assert_int_equal(check_repeated("<a ", "b='' ", max, "/>"), EHR_GATE_OK);
    assert_int_equal(check_repeated("<a ", "b='' ", max + 1, "/>"),
                     EHR_GATE_ATTRIBUTES);
    assert_int_equal(check_repeated("<a ", "xmlns:b='c' ", 100000, "/>"),
                     EHR_GATE_ATTRIBUTES);
    /* an equals sign inside a value is none */
    assert_int_equal(check_repeated("<a b='", "=", max + 1, "'/>"),
                     EHR_GATE_OK);
}


static void
tags_comments_and_names_are_bounded(void **state)
{
    size_t  name = ehr_gate_document.name_bytes;

    assert_int_equal(check_repeated("<", "a", name, "/>"), EHR_GATE_NAME);
    assert_int_equal(check_repeated("<", "a", name - 2, "/>"), EHR_GATE_OK);
    assert_int_equal(check_repeated("<", "a", 1000000, "/>"), EHR_GATE_NAME);
    assert_int_equal(check_repeated("<a ", "b", 1000000, "=''/>"),
                     EHR_GATE_NAME);
    assert_int_equal(check_repeated("<", "\xc3\xa9", 1000, "/>"),
                     EHR_GATE_NAME);
    assert_int_equal(check_repeated("<a b='", "x", 1000000, "'/>"),
                     EHR_GATE_TAG);
    assert_int_equal(check_repeated("<a ", " ", 1000000, "/>"), EHR_GATE_TAG);
    assert_int_equal(check_repeated("<a><!--", "x", 1000000, "--></a>"),
                     EHR_GATE_TAG);
    assert_int_equal(check_repeated("<?xml ", " ", 1000000, "?><a/>"),
                     EHR_GATE_TAG);
}


static void
text_is_bounded(void **state)
{
    ehr_gate_limits_t  limits = ehr_gate_document;
    ehr_str_t          five = ehr_string("<a>12345</a>");
    ehr_str_t          cdata = ehr_string("<a><![CDATA[12345]]></a>");

    limits.text_bytes = 5;
    assert_int_equal(ehr_gate_check(five, &limits, &result), EHR_GATE_OK);
    assert_int_equal(ehr_gate_check(cdata, &limits, &result), EHR_GATE_OK);
    limits.text_bytes = 4;
    assert_int_equal(ehr_gate_check(five, &limits, &result), EHR_GATE_TEXT);
    assert_int_equal(ehr_gate_check(cdata, &limits, &result), EHR_GATE_TEXT);
}


/* Any prefix of any sample ends in a verdict, and none reads past its end:
 * each is copied to a place of its own size. */

static void
no_prefix_of_a_sample_is_read_beyond_its_end(void **state)
{
    ehr_str_t  s = doc_file("sample-xml5.xml");

    for (size_t len = 1; len <= s.len; len++) {
        char  *copy = malloc(len);

        assert_non_null(copy);
        memcpy(copy, s.data, len);
        (void) check(copy, len);
        assert_true(result.skip <= len);
        free(copy);
    }

    doc_free(s);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(plain_documents_pass),
        cmocka_unit_test(
            mark_and_blank_lines_before_the_declaration_are_skipped),
        cmocka_unit_test(nothing_is_refused),
        cmocka_unit_test(bytes_that_are_no_utf8_are_refused),
        cmocka_unit_test(
            overlong_forms_surrogates_and_beyond_unicode_are_refused),
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(each_position_of_a_word_is_looked_at),
        cmocka_unit_test(other_encodings_are_refused),
        cmocka_unit_test(a_doctype_is_refused_wherever_it_stands),
        cmocka_unit_test(processing_instructions_are_refused),
        cmocka_unit_test(what_is_cut_off_is_refused),
        cmocka_unit_test(the_place_of_a_refusal_is_told),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(attributes_are_bounded),
        cmocka_unit_test(tags_comments_and_names_are_bounded),
        cmocka_unit_test(text_is_bounded),
        cmocka_unit_test(no_prefix_of_a_sample_is_read_beyond_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
