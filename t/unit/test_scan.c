/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the reader of XML takes and what it refuses, that its events are those
 * of libxml2, and that neither costs more than its bytes.
 */

#include "documents.h"
#include "scan_agrees.h"


#define HOSTILE_NS  (200 * 1000000LL)


static ehr_scan_fault_t  fault;
static ehr_scan_t        scan;


static ehr_scan_e
check_by(ehr_str_t text, const ehr_scan_limits_t *limits)
{
    ehr_scan_input_t  in;
    ehr_rc_t          rc;

    memset(&in, 0, sizeof(in));
    in.content = text;
    in.limits = limits;
    rc = ehr_scan(&scan, &in, &fault);
    assert_int_equal(rc == EHR_OK, fault.kind == EHR_SCAN_OK);

    return fault.kind;
}


static ehr_scan_e
check(const char *text, size_t len)
{
    ehr_str_t  s = { text, len };

    return check_by(s, &ehr_scan_document);
}


#define expect(what, text)                                                    \
    assert_int_equal(check(text, sizeof(text) - 1), what)

#define expect_ok(text)  expect(EHR_SCAN_OK, text)


/* before, n times piece, after: by a bounded cost. */

static ehr_scan_e
check_repeated(const char *before, const char *piece, size_t n,
               const char *after)
{
    size_t      len = strlen(piece), size;
    char       *text = malloc(strlen(before) + len * n + strlen(after) + 1);
    char       *p;
    int64_t     begin;
    ehr_scan_e  rc;

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
    expect_ok("<a b=\"x > y\"><c/></a>");
}


static void
mark_and_blank_lines_before_the_declaration_are_skipped(void **state)
{
    expect_ok("\xef\xbb\xbf<a/>");
    assert_int_equal(scan.skip, 3);
    expect_ok("\xef\xbb\xbf\r\n\r\n <?xml version=\"1.0\"?><a/>");
    assert_int_equal(scan.skip, 8);
    assert_int_equal(scan.skipped_lines, 2);
    expect_ok("\n<a/>");
    assert_int_equal(scan.skip, 1);

    /* a mark stands first, and once */
    expect(EHR_SCAN_SYNTAX, "\n\xef\xbb\xbf<a/>");
    expect(EHR_SCAN_SYNTAX, "\xef\xbb\xbf\xef\xbb\xbf<a/>");
}


/* VersionNum of XML 1.0, section 2.8; libxml2 takes "1." too. */

static void
a_version_has_a_digit_behind_its_point(void **state)
{
    expect_ok("<?xml version='1.0'?><a/>");
    expect_ok("<?xml version='1.19'?><a/>");
    expect(EHR_SCAN_SYNTAX, "<?xml version='1.'?><a/>");
    expect(EHR_SCAN_SYNTAX, "<?xml version=\"1.\"?><a/>");
    expect(EHR_SCAN_SYNTAX, "<?xml version='1'?><a/>");
    expect(EHR_SCAN_SYNTAX, "<?xml version='1.0.'?><a/>");
    expect(EHR_SCAN_SYNTAX, "<?xml version='.0'?><a/>");
}


static void
nothing_is_refused(void **state)
{
    expect(EHR_SCAN_EMPTY, "");
    expect(EHR_SCAN_EMPTY, " \r\n\t");
    expect(EHR_SCAN_EMPTY, "\xef\xbb\xbf");
}


static void
bytes_that_are_no_utf8_are_refused(void **state)
{
    expect(EHR_SCAN_UTF8, "<a>\x80</a>");
    expect(EHR_SCAN_UTF8, "<a>\xff</a>");
    expect(EHR_SCAN_UTF8, "<a>\xc3</a>");
    expect(EHR_SCAN_UTF8, "<a>\xc3");
    expect(EHR_SCAN_UTF8, "<a>\xe1\xba</a>");
    expect(EHR_SCAN_UTF8, "<\xe9/>");
    expect(EHR_SCAN_UTF8, "<a b='\xe9'/>");
    expect(EHR_SCAN_UTF8, "<a><!--\xe9--></a>");
    expect(EHR_SCAN_UTF8, "<a><![CDATA[\xe9]]></a>");
}


static void
overlong_forms_surrogates_and_beyond_unicode_are_refused(void **state)
{
    expect(EHR_SCAN_UTF8, "<a>\xc0\xbc</a>");
    expect(EHR_SCAN_UTF8, "<a>\xc1\xbf</a>");
    expect(EHR_SCAN_UTF8, "<a>\xe0\x80\xbc</a>");
    expect(EHR_SCAN_UTF8, "<a>\xe0\x9f\xbf</a>");
    expect(EHR_SCAN_UTF8, "<a>\xf0\x8f\xbf\xbf</a>");
    expect(EHR_SCAN_UTF8, "<a>\xed\xa0\x80</a>");
    expect(EHR_SCAN_UTF8, "<a>\xed\xbf\xbf</a>");
    expect(EHR_SCAN_UTF8, "<a>\xf4\x90\x80\x80</a>");
    expect(EHR_SCAN_UTF8, "<a>\xf5\x80\x80\x80</a>");
    expect(EHR_SCAN_UTF8, "<a>\xef\xbf\xbe</a>");
    expect_ok("<a>\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\xef\xbf\xbd</a>");
}


static void
control_characters_are_refused(void **state)
{
    expect(EHR_SCAN_CONTROL, "<a>\0</a>");
    expect(EHR_SCAN_CONTROL, "<a>\x01</a>");
    expect(EHR_SCAN_CONTROL, "<a>\x1f</a>");
    expect(EHR_SCAN_CONTROL, "<a>\x0b</a>");
    expect(EHR_SCAN_CONTROL, "<a\0/>");
    expect(EHR_SCAN_CONTROL, "<a b='\x08'/>");
    expect(EHR_SCAN_CONTROL, "<a><!--\x0c--></a>");
    expect(EHR_SCAN_CONTROL, "<a>1234567\0" "01234567</a>");
}


static void
each_position_of_a_word_is_looked_at(void **state)
{
    char  text[] = "<a>0123456789012345678901234567890123456789</a>";

    for (size_t i = 3; i < sizeof(text) - 5; i++) {
        char  kept = text[i];

        text[i] = '\x02';
        assert_int_equal(check(text, sizeof(text) - 1), EHR_SCAN_CONTROL);
        assert_int_equal(fault.offset, i);
        text[i] = '\xfe';
        assert_int_equal(check(text, sizeof(text) - 1), EHR_SCAN_UTF8);
        assert_int_equal(fault.offset, i);
        text[i] = kept;
    }
}


static void
other_encodings_are_refused(void **state)
{
    expect(EHR_SCAN_UTF8, "\xff\xfe<\0a\0/\0>\0");
    expect(EHR_SCAN_UTF8, "\xfe\xff\0<\0a\0/\0>");
    expect(EHR_SCAN_CONTROL, "\0\0\xfe\xff\0\0\0<");
    expect(EHR_SCAN_UTF8, "\xff\xfe\0\0<\0\0\0");
    expect(EHR_SCAN_CONTROL, "<\0a\0/\0>\0");
    expect(EHR_SCAN_DECLARED, "<?xml version='1.0' encoding='UTF-7'?><a/>");
    expect(EHR_SCAN_DECLARED, "<?xml version='1.0' encoding='utf-16'?><a/>");
    expect(EHR_SCAN_DECLARED,
           "<?xml version='1.0' encoding='windows-1258'?><a/>");
    expect(EHR_SCAN_DECLARED, "<?xml version='1.0' encoding='UTF-8-X'?><a/>");
    expect(EHR_SCAN_DECLARED, "<?xml version='1.0' encoding = ''?><a/>");
    expect(EHR_SCAN_DECLARED, "<?xml version='1.0' encoding=UTF-8 ?><a/>");
}


static void
a_doctype_is_refused_wherever_it_stands(void **state)
{
    expect(EHR_SCAN_DOCTYPE, "<!DOCTYPE a><a/>");
    expect(EHR_SCAN_DOCTYPE,
           "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a/>");
    expect(EHR_SCAN_DOCTYPE, "<?xml version='1.0'?>\n<!-- x --><!DOCTYPE a>");
    expect(EHR_SCAN_DOCTYPE, "<a><!ENTITY x 'y'></a>");
    expect(EHR_SCAN_DOCTYPE, "<a/><!doctype a>");
    expect(EHR_SCAN_DOCTYPE, "<![CDATA[<a/>]]>");
    expect(EHR_SCAN_DOCTYPE, "<a><![IGNORE[ x ]]></a>");
}


static void
processing_instructions_are_refused(void **state)
{
    expect(EHR_SCAN_INSTRUCTION, "<?xml-stylesheet href='x'?><a/>");
    expect(EHR_SCAN_INSTRUCTION, "<a><?php x ?></a>");
    expect(EHR_SCAN_INSTRUCTION, "<a/><?xml version='1.0'?>");
}


static void
what_is_cut_off_is_refused(void **state)
{
    expect(EHR_SCAN_CUT, "<");
    expect(EHR_SCAN_CUT, "<a");
    expect(EHR_SCAN_CUT, "<a b='");
    expect(EHR_SCAN_CUT, "<a><!-- ");
    expect(EHR_SCAN_CUT, "<a><![CDATA[ ]]");
    expect(EHR_SCAN_CUT, "<?xml version='1.0'");
    /* not inside markup */
    expect(EHR_SCAN_SYNTAX, "<a><b>");
}


static void
the_place_of_a_refusal_is_told(void **state)
{
    expect(EHR_SCAN_CONTROL, "<a>\n\n <b>\x02</b></a>");
    assert_int_equal(fault.line, 3);
    assert_int_equal(fault.offset, 9);
}


static void
depth_is_bounded(void **state)
{
    size_t  max = ehr_scan_document.depth;

    assert_int_equal(check_repeated("", "<a>", max, ""), EHR_SCAN_SYNTAX);
    assert_int_equal(check_repeated("<a>", "<b>", max, "<c/>"),
                     EHR_SCAN_DEPTH_MAX);
    assert_int_equal(check_repeated("", "<a>", max + 1, ""),
                     EHR_SCAN_DEPTH_MAX);
    assert_int_equal(check_repeated("", "<a>", 1000000, ""),
                     EHR_SCAN_DEPTH_MAX);
    assert_int_equal(check_repeated("<a>", "<b></b><c/>", 100000, "</a>"),
                     EHR_SCAN_OK);
}


static void
attributes_are_bounded(void **state)
{
    size_t  max = ehr_scan_document.attributes;

    assert_int_equal(check_repeated("<a ", "b='' ", max, "/>"),
                     EHR_SCAN_SYNTAX);
    assert_int_equal(check_repeated("<a ", "b='' ", max + 1, "/>"),
                     EHR_SCAN_ATTRIBUTES_MAX);
    assert_int_equal(check_repeated("<a ", "xmlns:b='c' ", 100000, "/>"),
                     EHR_SCAN_ATTRIBUTES_MAX);
    /* an equals sign inside a value is none */
    assert_int_equal(check_repeated("<a b='", "=", max + 1, "'/>"),
                     EHR_SCAN_OK);
}


/* Long names of namespaces that differ in their ends, and tags that use them
 * all: a tag costs what it is long, not what the names are. */

static void
a_namespace_costs_where_it_is_declared(void **state)
{
    enum { SPACES = EHR_SCAN_DEPTH - 1, LONG = 16000, TAGS = 1000 };

    static char  text[SPACES * (LONG + 64) + TAGS * SPACES * 16];
    int64_t      begin = doc_cpu_ns();
    char        *p = text;

    for (int i = 0; i < SPACES; i++) {
        p += sprintf(p, "<a xmlns:n%d='u:", i);
        memset(p, 'x', LONG);
        p += LONG;
        p += sprintf(p, "%d'>", i);
    }

    for (int n = 0; n < TAGS; n++) {
        p += sprintf(p, "<b");

        for (int i = 0; i < SPACES; i++) {
            p += sprintf(p, " n%d:c=''", i);
        }

        p += sprintf(p, "/>");
    }

    for (int i = 0; i < SPACES; i++) {
        p += sprintf(p, "</a>");
    }

    assert_int_equal(check(text, (size_t) (p - text)), EHR_SCAN_OK);
    assert_true(doc_cpu_ns() - begin < HOSTILE_NS);
}


static void
tags_comments_and_names_are_bounded(void **state)
{
    size_t  name = ehr_scan_document.name_bytes;

    assert_int_equal(check_repeated("<", "a", name + 1, "/>"),
                     EHR_SCAN_NAME_MAX);
    assert_int_equal(check_repeated("<", "a", name, "/>"), EHR_SCAN_OK);
    assert_int_equal(check_repeated("<", "a", 1000000, "/>"),
                     EHR_SCAN_NAME_MAX);
    assert_int_equal(check_repeated("<a ", "b", 1000000, "=''/>"),
                     EHR_SCAN_NAME_MAX);
    assert_int_equal(check_repeated("<", "\xc3\xa9", 1000, "/>"),
                     EHR_SCAN_NAME_MAX);
    assert_int_equal(check_repeated("<a b='", "x", 1000000, "'/>"),
                     EHR_SCAN_TAG_MAX);
    assert_int_equal(check_repeated("<a ", " ", 1000000, "/>"),
                     EHR_SCAN_TAG_MAX);
    assert_int_equal(check_repeated("<a><!--", "x", 1000000, "--></a>"),
                     EHR_SCAN_TAG_MAX);
    assert_int_equal(check_repeated("<?xml ", " ", 1000000, "?><a/>"),
                     EHR_SCAN_TAG_MAX);
}


static void
text_is_bounded(void **state)
{
    ehr_scan_limits_t  limits = ehr_scan_document;
    ehr_str_t          five = ehr_string("<a>12345</a>");
    ehr_str_t          cdata = ehr_string("<a><![CDATA[12345]]></a>");

    limits.text_bytes = 5;
    assert_int_equal(check_by(five, &limits), EHR_SCAN_OK);
    assert_int_equal(check_by(cdata, &limits), EHR_SCAN_OK);
    limits.text_bytes = 4;
    assert_int_equal(check_by(five, &limits), EHR_SCAN_TEXT_MAX);
    assert_int_equal(check_by(cdata, &limits), EHR_SCAN_TEXT_MAX);
}


/* --- beside libxml2 ------------------------------------------------------ */


/* As written here, and with every line feed of it as CR LF and as CR. */

static void
agree(const char *text, size_t len)
{
    char       *copy = malloc(2 * len + 1), *p;
    ehr_str_t   s = { text, len };
    agrees_e    agrees;

    assert_non_null(copy);

    for (int ends = 0; ends < 3; ends++) {
        p = copy;

        for (size_t i = 0; i < len; i++) {
            if (text[i] == '\n' && ends > 0) {
                *p++ = '\r';
            }

            if (text[i] != '\n' || ends < 2) {
                *p++ = text[i];
            }
        }

        s.data = copy;
        s.len = (size_t) (p - copy);
        agrees = agrees_with_libxml2(s, &ehr_scan_document);

        if (agrees > AGREES_BOUND) {
            fail_msg("%s: %s", text, agrees == AGREES_LAXER
                     ? "libxml2 refuses it" : agrees == AGREES_STRICTER
                     ? "libxml2 takes it" : "other events");
        }
    }

    free(copy);
}


static void
expect_taken(const char *text)
{
    if (check(text, strlen(text)) != EHR_SCAN_OK) {
        fail_msg("%s: not taken", text);
    }

    agree(text, strlen(text));
}


static void
expect_syntax(const char *text)
{
    if (check(text, strlen(text)) != EHR_SCAN_SYNTAX) {
        fail_msg("%s: %d", text, fault.kind);
    }

    agree(text, strlen(text));
}


static void
what_is_taken_is_told_as_by_libxml2(void **state)
{
    static const char *const  texts[] = {
        "<a/>", "<a />", "<a\n/>", "<a></a >", "<a></a\n>", "<a\n\n></a>",
        "<a>x</a>", "<a>\n x \n</a>\n\n", "<a><b/>x<b>y</b>\n</a>",
        "<a>x > y ]] > ] ]]&gt; \" '</a>", "<a>]</a>", "<a>]]</a>",
        "<a>&amp;&lt;&gt;&quot;&apos;</a>", "<a>x&amp;y&lt;z</a>",
        "<a>&#65;&#x41;&#x6F;</a>",
        "<a>&#9;&#10;&#13;&#32;</a>", "<a>&#xd7ff;&#xe000;&#xfffd;</a>",
        "<a>&#x10000;&#x10ffff;&#0000000000000000000000000065;</a>",
        "<a><![CDATA[]]></a>", "<a><![CDATA[x]]></a>",
        "<a><![CDATA[]]]]><![CDATA[>]]></a>", "<a>x<![CDATA[y]]>z</a>",
        "<a><![CDATA[<b>&amp;]] ]>\n</b>]]></a>", "<a><![CDATA[]]]></a>",
        "<a>x<!-- y -->z</a>", "<!----><a/>", "<!-- - x --><a/><!-- > -->",
        "<a><!-- <b> & ]]> \xe1\xba\xa6 --></a>",
        "<?xml version='1.0'?><a/>", "<?xml version='1.1' ?><a/>",
        "<?xml version = \"1.0\"\nencoding\n=\n'uTf-8'\n?>\n<a/>\n",
        "<?xml version='1.0' standalone='no'?><a/>",
        "<?xml version='1.0' encoding='UTF-8' standalone=\"yes\" ?><a/>",
        "<a b='1' c=\"2\"/>", "<a b = '1'\nc='>'></a>", "<a b='\"' c=\"'\"/>",
        "<a b='&lt;&#60;&quot;\n\t'/>", "<a b='x > y'>z</a>",
        "<a xml:lang='vi' xml:space='preserve'/>",
        "<a xmlns='urn:x'><b/></a>", "<a xmlns=''/>",
        "<a xmlns='http://www.w3.org/2000/09/xmldsig#'/>",
        "<x:a xmlns:x='urn:x'/>", "<x:a xmlns:x='urn:x'><x:b/></x:a>",
        "<a xmlns:x='u:x'><x:b x:c='1' c='2'/></a>",
        "<a xmlns:x='u:x' xmlns:y='u:y' x:c='1' y:c='2'/>",
        "<a xmlns:x='u:x'><b xmlns:x='u:y'><x:c/></b><x:d/></a>",
        "<a xmlns:x='u:x'><b xmlns:y='u:y'/><b xmlns:z='u:y' x:c='' z:c=''/>"
        "</a>",
        "<a xmlns:x='u:x'><b xmlns:y='u:x' xmlns:z='u:z' y:c='' z:c=''/></a>",
        "<xml:a/>", "<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns:x='http://h.vn:80/p/q?r=&#x73;#u'/>",
        "<a xmlns:x='x' xmlns:y='/x' xmlns:z='//h/x'/>",
        "<a xmlns:x='http://[::1]/' xmlns:y='http://u:p@h/'/>",
        "<a xmlns:x='http://1.2.3.4:5/' xmlns:y='u:%41'/>",
        "<T\xc3\x8aN>x</T\xc3\x8aN>", "<_a-b.c1/>", "<a\xc2\xb7/>",
        "<a><b></b><b></b></a>", "<a>\xe1\xba\xa6\xf0\x9f\x98\x80\x7f</a>",
        "\n\n<a>\n<b/></a>", "\xef\xbb\xbf<?xml version='1.0'?>\n<a\n/>"
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        expect_taken(texts[i]);
    }
}


static void
what_is_not_well_formed_is_refused_as_by_libxml2(void **state)
{
    static const char *const  texts[] = {
        "x", "x<a/>", "<a/>x", "<a/>&amp;", "<a/><b/>", "<a></a><a></a>",
        "<!-- x -->", "</a>", "<a></b>", "<a></ab>", "<ab></a>", "<a><b></a>",
        "<a><b></a></b>", "<a></a b='c'>", "<a/ >", "<a / >", "< a/>",
        "<a>< b/></a>", "<1/>", "<-a/>", "<.a/>", "<a><></></a>", "<a!/>",
        "<a\xc3\x97/>", "<\xc2\xb7/>", "<a&#65;/>",
        "<a b/>", "<a b=/>", "<a b=c/>", "<a =''/>", "<a b'c'/>",
        "<a b='<'/>", "<a b='&'/>", "<a b='&x;'/>", "<a b='&#0;'/>",
        "<a b='c'd='e'/>", "<a b='1' b='2'/>", "<a 'b'/>", "<a b=\"c'/>\n\"d>",
        "<a>]]></a>", "<a>x]]>y</a>", "<a>]]]></a>", "<a>&</a>", "<a>& b</a>",
        "<a>&b;</a>", "<a>&amp</a>", "<a>&amp ;</a>", "<a>& amp;</a>",
        "<a>&AMP;</a>", "<a>&nbsp;</a>", "<a>&#;</a>", "<a>&#x;</a>",
        "<a>&#65</a>", "<a>&#6x;</a>", "<a>&#X41;</a>", "<a>&#xg;</a>",
        "<a>&#0;</a>", "<a>&#8;</a>", "<a>&#31;</a>", "<a>&#xd800;</a>",
        "<a>&#xdfff;</a>", "<a>&#xfffe;</a>", "<a>&#xffff;</a>",
        "<a>&#x110000;</a>", "<a>&#99999999999999999999;</a>",
        "<a>&#4294967361;</a>", "<a>&#-65;</a>",
        "<!-- -- --><a/>", "<!--- ---><a/>", "<a><!-- x --- y --></a>",
        "<?xml version='2.0'?><a/>", "<?xml version=''?><a/>",
        "<?xml version='1'?><a/>", "<?xml version='1.x'?><a/>",
        "<?xml standalone='yes'?><a/>", "<?xml version='1.0'standalone='no'?>"
        "<a/>", "<?xml version='1.0' standalone='maybe'?><a/>",
        "<?xml version='1.0' x='y'?><a/>", "<?xml version='1.0' ?" "?><a/>",
        "<?xml version='1.0'?>", "<?xml version='1.0'?>x<a/>",
        "<x:a/>", "<a x:b=''/>", "<a:/>", "<:a/>", "<a:b:c xmlns:a='u:x'/>",
        "<a xmlns:x=''/>", "<a xmlns:xmlns='u:x'/>", "<xmlns:a/>",
        "<a xmlns:xml='u:x'/>", "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>",
        "<a xmlns:x='http://www.w3.org/2000/xmlns/'/>",
        "<a xmlns='u:x' xmlns='u:y'/>", "<a xmlns:x='u:x' xmlns:x='u:y'/>",
        "<a xmlns:x='u:x' x:b='1' x:b='2'/>",
        "<a xmlns:x='u:x' xmlns:y='u:x' x:b='1' y:b='2'/>",
        "<a xmlns:x='u:x' xmlns:y='&#117;:x' x:b='1' y:b='2'/>",
        "<a><b xmlns:x='u:x'/><x:c/></a>", "<a xmlns='u x'/>",
        "<a xmlns:x='u:\xe1\xba\xa6'/>", "<a xmlns:x='{u}'/>",
        "<a xmlns:x='http://h:p/'/>", "<a xmlns:x='u:%4'/>",
        "<a xmlns:x='u:x?y&amp;z'/>", "<a xmlns:x='http://[::1'/>",
        "<a xmlns:x=':x'/>",
        "<a xmlns:x='//[a b]' xmlns:y='//[a\tb]' x:c='' y:c=''/>",
        "<a xmlns:x='//[\xc3\xa9]' xmlns:y='//[&#xe9;]' x:c='' y:c=''/>",
        "<a xmlns:x='u:x'><b xmlns:y='u:y'/><b xmlns:z='u:x' x:c='' z:c=''/>"
        "</a>"
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        expect_syntax(texts[i]);
    }
}


/* Every prefix, and every single byte that is doubled, lost or another one. */

static void
spoilt_samples_are_refused_or_read_alike(void **state)
{
    static const char  others[] = "<>&;/'\" =!-]\r\nx:";
    ehr_str_t          s = ehr_string(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
        "<a xmlns:x=\"u:x\"\n  b='&#49;' x:b=\"2\"><!-- c -->\n"
        "<x:d>t\xe1\xba\xa6&amp;]]&gt;\r\n</x:d>\r<![CDATA[<e>]]]></a>\n");
    char              *copy = malloc(s.len + 1);

    assert_non_null(copy);

    for (size_t at = 0; at < s.len; at++) {
        agree(s.data, at);

        memcpy(copy, s.data, at);
        memcpy(copy + at, s.data + at + 1, s.len - at - 1);
        agree(copy, s.len - 1);

        memcpy(copy + at + 1, s.data + at, s.len - at);

        for (size_t i = 0; i < sizeof(others) - 1; i++) {
            copy[at] = others[i];
            agree(copy, s.len + 1);
        }
    }

    free(copy);
}


static void
samples_are_read_as_by_libxml2(void **state)
{
    static const char *const  names[] = {
        "claim-99001.xml", "checkin-99001.xml", "sample-xml1.xml",
        "sample-xml2.xml", "sample-xml3.xml", "sample-xml5.xml",
        "sample-birth.xml"
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ehr_str_t  s = doc_file(names[i]);

        assert_int_equal(check(s.data, s.len), EHR_SCAN_OK);
        agree(s.data, s.len);
        doc_free(s);
    }
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
        assert_true(scan.skip <= len);
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
        cmocka_unit_test(a_version_has_a_digit_behind_its_point),
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
        cmocka_unit_test(a_namespace_costs_where_it_is_declared),
        cmocka_unit_test(tags_comments_and_names_are_bounded),
        cmocka_unit_test(text_is_bounded),
        cmocka_unit_test(no_prefix_of_a_sample_is_read_beyond_its_end),
        cmocka_unit_test(what_is_taken_is_told_as_by_libxml2),
        cmocka_unit_test(what_is_not_well_formed_is_refused_as_by_libxml2),
        cmocka_unit_test(spoilt_samples_are_refused_or_read_alike),
        cmocka_unit_test(samples_are_read_as_by_libxml2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
