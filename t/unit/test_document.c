/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * From bytes to a verdict: kinds, envelopes, keys, the one problem that stands
 * for a document, and hostile files by a bounded cost.
 */

#include "documents.h"


#define HOSTILE_NS  (200 * 1000000LL)


static doc_part_t  parts[7];

static const char  *part_files[7][2] = {
    { "XML1", "sample-xml1.xml" }, { "XML2", "sample-xml2.xml" },
    { "XML3", "sample-xml3.xml" }, { "XML4", "sample-xml4.xml" },
    { "XML5", "sample-xml5.xml" }, { "XML7", "sample-xml7.xml" },
    { "XML8", "sample-xml8.xml" }
};


static int
load_parts(void **state)
{
    for (size_t i = 0; i < 7; i++) {
        parts[i].name = part_files[i][0];
        parts[i].xml = doc_file(part_files[i][1]);
    }

    return 0;
}


static int
free_parts(void **state)
{
    for (size_t i = 0; i < 7; i++) {
        doc_free(parts[i].xml);
    }

    return 0;
}


static void
expect_refused(ehr_str_t content, ehr_problem_e problem)
{
    int64_t     begin = doc_cpu_ns();
    doc_read_t  r = doc_read(content);

    assert_true(doc_cpu_ns() - begin < HOSTILE_NS);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, problem);
    assert_true(r.doc.detail[EHR_LANG_VI].len > 0);
    assert_true(r.doc.detail[EHR_LANG_EN].len > 0);
    doc_done(&r);
}


static void
expect_malformed(const char *text)
{
    expect_refused(ehr_str(text), EHR_PROBLEM_DOCUMENT_MALFORMED);
}


/* --- accepted ------------------------------------------------------------ */


static void
accept_file(const char *name, const char *facility, const char *key)
{
    ehr_str_t   s = doc_file(name);
    doc_read_t  r = doc_read_as(s, facility, "");

    if (r.rc != EHR_OK) {
        doc_print(&r);
    }

    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_NONE);
    assert_int_equal(r.doc.findings.n, 0);
    assert_true(ehr_str_is(r.doc.standard, "qd3176"));
    assert_true(ehr_str_is(r.doc.facility, facility));
    assert_true(ehr_str_is(r.doc.business_key, key));
    doc_done(&r);
    doc_free(s);
}


static void
samples_are_accepted_without_a_word(void **state)
{
    accept_file("claim-99001.xml", "99001", "99001/99001-20260105-0001");
    accept_file("claim-99002.xml", "99002", "99002/99002-20260105-0001");
    accept_file("checkin-99001.xml", "99001", "99001-20260105-0001");
    accept_file("checkin-99002.xml", "99002", "99002-20260105-0001");
    accept_file("sample-claim-envelope.xml", "99999",
                "99999/99999-20260105-0001");
    accept_file("sample-checkin.xml", "99999", "99999-20260105-0001");
}


static void
a_claim_of_one_section_is_accepted(void **state)
{
    ehr_str_t   s = doc_claim(parts, 1);
    doc_read_t  r = doc_read(s);

    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.kind, EHR_KIND_CLAIM);
    doc_done(&r);
    doc_free(s);
}


static void
mark_and_blank_lines_do_not_shift_lines(void **state)
{
    ehr_str_t   s = doc_file("sample-checkin.xml");
    doc_read_t  r;

    s = doc_swap(s, "<?xml", "\xef\xbb\xbf\n\n<?xml");
    s = doc_swap(s, "<GIOI_TINH>2<", "<GIOI_TINH>7<");
    r = doc_read(s);
    doc_expect_one(&r, "checkin.gioi_tinh.code", 1);
    assert_int_equal(doc_finding(&r, "checkin.gioi_tinh.code", 1)->line, 13);
    doc_done(&r);
    doc_free(s);
}


static void
the_standard_follows_the_documents_own_date(void **state)
{
    ehr_str_t   s = doc_file("sample-checkin.xml");
    doc_read_t  r;

    s = doc_swap(s, "<NGAY_VAO>2026", "<NGAY_VAO>\n <![CDATA[2024");
    s = doc_swap(s, "01050730</NGAY_VAO>", "01050730]]></NGAY_VAO>");
    r = doc_read(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_true(ehr_str_is(r.doc.standard, "qd4750"));
    doc_done(&r);

    r = doc_read_as(s, DOC_FACILITY, "qd3176");
    assert_true(ehr_str_is(r.doc.standard, "qd3176"));
    doc_done(&r);

    r = doc_read_as(s, DOC_FACILITY, "qd1");
    assert_true(ehr_str_is(r.doc.standard, "qd4750"));
    doc_done(&r);
    doc_free(s);
}


static void
the_claims_standard_follows_its_discharge(void **state)
{
    doc_part_t  own = { "XML1", doc_file("sample-xml1.xml") };
    ehr_str_t   s;
    doc_read_t  r;

    own.xml = doc_swap(own.xml, "<NGAY_RA>2026", "<NGAY_RA>2024");
    own.xml = doc_swap(own.xml, "0000000001</MA_TTDV>",
                       "00000000012</MA_TTDV>");
    s = doc_claim(&own, 1);
    r = doc_read(s);
    assert_true(ehr_str_is(r.doc.standard, "qd4750"));
    doc_expect_one(&r, "xml1.ma_ttdv.too_long", 0);
    doc_done(&r);

    r = doc_read_as(s, DOC_FACILITY, "qd3176");
    assert_int_equal(r.rc, EHR_OK);
    doc_done(&r);
    doc_free(s);
    doc_free(own.xml);
}


/* --- kinds --------------------------------------------------------------- */


static void
kinds_have_names(void **state)
{
    for (ehr_kind_e i = EHR_KIND_CHECKIN; i < EHR_KIND_LAST; i++) {
        assert_int_equal(ehr_kind_of_name(ehr_str(ehr_kind_name(i))), i);
    }

    assert_string_equal(ehr_kind_name(EHR_KIND_UNKNOWN), "unknown");
    assert_string_equal(ehr_kind_name(EHR_KIND_LAST), "unknown");
    assert_int_equal(ehr_kind_of_name(ehr_str("unknown")), EHR_KIND_UNKNOWN);
    assert_int_equal(ehr_kind_of_name(ehr_str("")), EHR_KIND_UNKNOWN);
}


static void
recognise(const char *text, ehr_kind_e kind)
{
    doc_read_t  r = doc_read(ehr_str(text));

    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, kind == EHR_KIND_UNKNOWN
                                    ? EHR_PROBLEM_DOCUMENT_UNKNOWN_KIND
                                    : EHR_PROBLEM_DOCUMENT_INVALID);
    assert_int_equal(r.doc.kind, kind);
    doc_done(&r);
}


static void
every_root_tells_its_kind(void **state)
{
    recognise("<GIAMDINHHS/>", EHR_KIND_CLAIM);
    recognise("<CHI_TIEU_TRANG_THAI_KCB/>", EHR_KIND_CHECKIN);
    recognise("<CHI_TIEU_GIAM_DINH_YKHOA/>", EHR_KIND_MEDICAL_ASSESSMENT);
    recognise("<HSDLGCS/>", EHR_KIND_BIRTH_NOTICE);
    recognise("<HSDLGBT/>", EHR_KIND_DEATH_NOTICE);
    recognise("<HSCHUNGTU/>", EHR_KIND_VOUCHER);
    recognise("<root/>", EHR_KIND_DRIVER_EXAM);
}


static void
other_roots_are_of_no_kind(void **state)
{
    recognise("<html/>", EHR_KIND_UNKNOWN);
    recognise("<giamdinhhs/>", EHR_KIND_UNKNOWN);
    recognise("<x:GIAMDINHHS xmlns:x='y'/>", EHR_KIND_UNKNOWN);
    recognise("<TONG_HOP/>", EHR_KIND_UNKNOWN);
}


static void
json_without_the_members_of_a_kind_is_of_none(void **state)
{
    doc_read_t            r;
    ehr_document_input_t  in;

    memset(&in, 0, sizeof(in));
    in.content = ehr_str("{}");
    in.content_form = EHR_CONTENT_JSON;
    r.arena = ehr_arena_create(DOC_ARENA);
    r.rc = ehr_document_read(&in, r.arena, &r.doc);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_UNKNOWN_KIND);
    doc_done(&r);
}


/* --- the facility -------------------------------------------------------- */


static void
expect_foreign(ehr_str_t s, const char *facility, const char *code,
               uint32_t row)
{
    doc_read_t  r = doc_read_as(s, facility, "");

    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_FACILITY_MISMATCH);
    assert_non_null(doc_finding(&r, code, row));
    doc_done(&r);
}


static void
a_document_of_another_facility_is_refused(void **state)
{
    doc_part_t  own = { "XML1", doc_file("sample-xml1.xml") };
    ehr_str_t   s;

    s = doc_file("claim-99002.xml");
    expect_foreign(s, "99001", "giamdinhhs.macskcb.mismatch", 0);
    expect_foreign(s, "9900", "giamdinhhs.macskcb.mismatch", 0);
    expect_foreign(s, "", "giamdinhhs.macskcb.mismatch", 0);
    doc_free(s);

    s = doc_file("checkin-99002.xml");
    expect_foreign(s, "99001", "checkin.ma_cskcb.mismatch", 1);
    doc_free(s);

    own.xml = doc_swap(own.xml, "<MA_CSKCB>99999<", "<MA_CSKCB>99998<");
    s = doc_claim(&own, 1);
    expect_foreign(s, "99999", "xml1.ma_cskcb.mismatch", 0);
    doc_free(s);

    /* even when something else is broken too */
    own.xml = doc_swap(own.xml, "</TONG_HOP>", "</TONG>");
    s = doc_claim(&own, 1);
    expect_foreign(s, "99999", "xml1.ma_cskcb.mismatch", 0);
    doc_free(s);
    doc_free(own.xml);
}


/* --- the envelope -------------------------------------------------------- */


/* The envelope of XML1 with one change gives this error alone. */

static void
expect_envelope(const char *from, const char *to, const char *code,
                uint32_t row)
{
    ehr_str_t   s = doc_swap(doc_claim(parts, 1), from, to);
    doc_read_t  r = doc_read(s);

    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_INVALID);
    doc_expect_one(&r, code, row);
    doc_done(&r);
    doc_free(s);
}


static void
what_an_envelope_lacks_is_told(void **state)
{
    expect_envelope("<MACSKCB>99999</MACSKCB>", "",
                    "giamdinhhs.macskcb.missing", 0);
    expect_envelope("<MACSKCB>99999</MACSKCB>", "<MACSKCB> </MACSKCB>",
                    "giamdinhhs.macskcb.missing", 0);
    expect_envelope("<NGAYLAP>20260107</NGAYLAP>", "",
                    "giamdinhhs.ngaylap.missing", 0);
    expect_envelope("<NGAYLAP>20260107", "<NGAYLAP>20260132",
                    "giamdinhhs.ngaylap.date", 0);
    expect_envelope("<SOLUONGHOSO>1</SOLUONGHOSO>", "",
                    "giamdinhhs.soluonghoso.missing", 0);
    expect_envelope("<SOLUONGHOSO>1<", "<SOLUONGHOSO>2<",
                    "giamdinhhs.soluonghoso.value", 0);
    expect_envelope("<NGAYLAP>", "<NGAYLAP>20260107</NGAYLAP><NGAYLAP>",
                    "giamdinhhs.ngaylap.duplicate", 0);
    expect_envelope("<NGAYLAP>20260107", "<NGAYLAP>20260107<x/>",
                    "giamdinhhs.ngaylap.children", 0);
}


/* What has no row in the table is named by the first field inside it. */

static void
a_part_that_comes_twice_is_named(void **state)
{
    expect_envelope("</THONGTINDONVI>",
                    "</THONGTINDONVI><THONGTINDONVI><MACSKCB>99999</MACSKCB>"
                    "</THONGTINDONVI>",
                    "giamdinhhs.macskcb.duplicate", 0);
    expect_envelope("</THONGTINHOSO>", "</THONGTINHOSO><THONGTINHOSO/>",
                    "giamdinhhs.ngaylap.duplicate", 0);
    expect_envelope("</DANHSACHHOSO>", "</DANHSACHHOSO><DANHSACHHOSO/>",
                    "giamdinhhs.list", 0);
}


static void
there_is_exactly_one_record(void **state)
{
    expect_envelope("</HOSO></DANHSACHHOSO>", "</HOSO><HOSO/></DANHSACHHOSO>",
                    "giamdinhhs.hoso", 0);
}


static void
sections_are_known_ascending_and_once_each(void **state)
{
    doc_part_t  two[2] = { parts[0], parts[1] };
    ehr_str_t   s;
    doc_read_t  r;

    expect_envelope("</NOIDUNGFILE></FILEHOSO>\n",
                    "</NOIDUNGFILE></FILEHOSO><FILEHOSO><LOAIHOSO>XML16"
                    "</LOAIHOSO><NOIDUNGFILE>AAAA</NOIDUNGFILE></FILEHOSO>",
                    "giamdinhhs.loaihoso.unknown", 2);
    expect_envelope("</NOIDUNGFILE></FILEHOSO>\n",
                    "</NOIDUNGFILE></FILEHOSO><FILEHOSO><LOAIHOSO>XML12"
                    "</LOAIHOSO><NOIDUNGFILE>AAAA</NOIDUNGFILE></FILEHOSO>",
                    "giamdinhhs.loaihoso.unknown", 2);

    two[1] = parts[0];
    s = doc_claim(two, 2);
    r = doc_read(s);
    doc_expect_one(&r, "giamdinhhs.loaihoso.twice", 2);
    doc_done(&r);
    doc_free(s);

    two[0] = parts[1];
    s = doc_claim(two, 2);
    r = doc_read(s);
    doc_expect_one(&r, "giamdinhhs.loaihoso.order", 2);
    doc_done(&r);
    doc_free(s);

    s = doc_claim(parts + 1, 1);
    r = doc_read(s);
    doc_expect_one(&r, "xml1.missing", 0);
    doc_done(&r);
    doc_free(s);
}


static void
elements_of_a_file_may_stand_in_any_order(void **state)
{
    ehr_str_t   s = doc_claim(parts, 1);
    doc_read_t  r;

    s = doc_swap(s, "<LOAIHOSO>XML1</LOAIHOSO>", "");
    s = doc_swap(s, "</FILEHOSO>", "<LOAIHOSO>\n<![CDATA[XML1]]> </LOAIHOSO>"
                 "</FILEHOSO>");
    r = doc_read(s);
    assert_int_equal(r.rc, EHR_OK);
    doc_done(&r);
    doc_free(s);
}


static void
unknown_elements_of_an_envelope_are_only_told(void **state)
{
    ehr_str_t   s = doc_claim(parts, 1);
    doc_read_t  r;

    s = doc_swap(s, "<CHUKYDONVI/>", "<x><FILEHOSO/>text</x><CHUKYDONVI>"
                 "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#'>"
                 "<MACSKCB>1</MACSKCB></Signature></CHUKYDONVI>");
    r = doc_read(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 1);
    assert_non_null(doc_finding(&r, "giamdinhhs.unknown", 0));
    doc_done(&r);
    doc_free(s);
}


static void
every_section_is_checked(void **state)
{
    doc_part_t  two[2] = { parts[0], { "XML14", ehr_string(
        "<CHI_TIEU_GIAYHEN_KHAMLAI><MA_LK>99999-20260105-0001</MA_LK>"
        "<NGAY_CT>x</NGAY_CT></CHI_TIEU_GIAYHEN_KHAMLAI>") } };
    ehr_str_t   s = doc_claim(two, 2);
    doc_read_t  r = doc_read(s);

    assert_int_equal(r.rc, EHR_REFUSED);
    assert_true(r.doc.findings.nerrors > 1);
    assert_non_null(doc_finding(&r, "xml14.ngay_ct.date", 0));
    doc_done(&r);
    doc_free(s);
}


/* --- broken parts -------------------------------------------------------- */


/* XML1, a second section of that content, XML3 with an error: what breaks is
 * told, what stands behind it still checked. */

static void
expect_broken_part(ehr_str_t content, const char *code, uint32_t line)
{
    doc_part_t  three[3] = { parts[0], { "XML2", content }, parts[2] };
    ehr_str_t   s, third = doc_file("sample-xml3.xml");
    doc_read_t  r;

    third = doc_swap(third, "<MA_NHOM>13<", "<MA_NHOM>x<");
    three[0].xml = doc_base64(parts[0].xml);
    three[2].xml = doc_base64(third);

    s = doc_envelope(three, 3);
    r = doc_read(s);

    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_MALFORMED);
    assert_int_equal(r.doc.findings.nerrors, 2);
    assert_non_null(doc_finding(&r, "xml3.ma_nhom.type", 1));
    assert_true(ehr_str_is(r.doc.findings.items[0].code, code));

    if (line) {
        assert_int_equal(r.doc.findings.items[0].line, line);
    }

    doc_done(&r);
    doc_free(s);
    doc_free(third);
    doc_free(three[0].xml);
    doc_free(three[2].xml);
}


static void
expect_broken_xml(const char *xml, const char *code, uint32_t line)
{
    ehr_str_t  content = doc_base64(ehr_str(xml));

    expect_broken_part(content, code, line);
    doc_free(content);
}


static void
broken_base64_is_told_and_the_rest_still_checked(void **state)
{
    expect_broken_part(ehr_str("QUJD*"), "giamdinhhs.noidungfile.base64", 0);
    expect_broken_part(ehr_str("QUJ"), "giamdinhhs.noidungfile.base64", 0);
    expect_broken_part(ehr_str("<CHITIEU_CHITIET_THUOC/>"),
                       "giamdinhhs.noidungfile.base64", 0);
    expect_broken_part(ehr_str("&#65;&#65;&#65;-"),
                       "giamdinhhs.noidungfile.base64", 0);
}


static void
a_broken_section_is_told_and_the_rest_still_checked(void **state)
{
    expect_broken_xml("<CHITIEU_CHITIET_THUOC>\n\n</b>", "xml2.xml", 3);
    expect_broken_xml("<CHITIEU_CHITIET_THUOC>\n", "xml2.xml", 0);
    expect_broken_xml("plain text", "xml2.xml", 1);
    expect_broken_xml("<CHITIEU_CHITIET_THUOC>&x;</CHITIEU_CHITIET_THUOC>",
                      "xml2.xml", 1);
    expect_broken_xml("<!DOCTYPE x><CHITIEU_CHITIET_THUOC/>",
                      "xml2.xml.doctype", 1);
    expect_broken_xml("<a>\n\x01</a>", "xml2.xml.control", 2);
    expect_broken_xml("<a>\n\xff</a>", "xml2.xml.utf8", 2);
    expect_broken_xml(" \n", "xml2.xml.empty", 0);
    expect_broken_xml("<?xml version='1.0' encoding='TCVN'?><a/>",
                      "xml2.xml.encoding", 1);
}


static void
an_envelope_that_is_not_well_formed_is_malformed(void **state)
{
    expect_malformed("");
    expect_malformed("   ");
    expect_malformed("text");
    expect_malformed("<GIAMDINHHS>");
    expect_malformed("<GIAMDINHHS></GIAMDINH>");
    expect_malformed("<GIAMDINHHS/><GIAMDINHHS/>");
    expect_malformed("<GIAMDINHHS>&amp</GIAMDINHHS>");
    expect_malformed("<GIAMDINHHS>&#0;</GIAMDINHHS>");
    expect_malformed("<GIAMDINHHS a='1' a='2'/>");
    expect_malformed("<GIAMDINHHS><x:y/></GIAMDINHHS>");
}


/* --- hostile ------------------------------------------------------------- */


static void
documents_with_a_dtd_are_refused(void **state)
{
    expect_malformed(
        "<!DOCTYPE a [<!ENTITY l 'lol'><!ENTITY m '&l;&l;&l;&l;&l;&l;&l;'>"
        "<!ENTITY n '&m;&m;&m;&m;&m;&m;'>]><GIAMDINHHS>&n;</GIAMDINHHS>");
    expect_malformed(
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
        "<GIAMDINHHS>&x;</GIAMDINHHS>");
    expect_malformed(
        "<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x.dtd'><GIAMDINHHS/>");
    expect_malformed("<GIAMDINHHS/><!DOCTYPE a>");
}


static void
documents_in_other_encodings_are_refused(void **state)
{
    ehr_str_t  utf16 = ehr_string("\xff\xfe<\0a\0/\0>\0");
    ehr_str_t  nul = ehr_string("<GIAMDINHHS>\0</GIAMDINHHS>");

    expect_refused(utf16, EHR_PROBLEM_DOCUMENT_MALFORMED);
    expect_refused(nul, EHR_PROBLEM_DOCUMENT_MALFORMED);
    expect_malformed("<?xml version='1.0' encoding='UTF-7'?>"
                     "+ADw-GIAMDINHHS/+AD4-");
}


/* size bytes of the piece between head and tail; the caller frees data. */

static ehr_str_t
repeated(const char *head, const char *piece, size_t n, const char *tail)
{
    size_t      len = strlen(piece);
    char       *data = malloc(strlen(head) + len * n + strlen(tail) + 1), *p;
    ehr_str_t   s;

    assert_non_null(data);
    p = stpcpy(data, head);

    for (size_t i = 0; i < n; i++) {
        memcpy(p, piece, len);
        p += len;
    }

    p = stpcpy(p, tail);
    s.data = data;
    s.len = (size_t) (p - data);

    return s;
}


static void
depth_attributes_and_names_do_not_cost(void **state)
{
    ehr_str_t  s;

    s = repeated("<GIAMDINHHS>", "<a>", 1000000, "");
    expect_refused(s, EHR_PROBLEM_DOCUMENT_MALFORMED);
    doc_free(s);

    s = repeated("<GIAMDINHHS ", "xmlns:a='b' ", 100000, "/>");
    expect_refused(s, EHR_PROBLEM_DOCUMENT_MALFORMED);
    doc_free(s);

    s = repeated("<GIAMDINHHS a='", "x", 1000000, "'/>");
    expect_refused(s, EHR_PROBLEM_DOCUMENT_MALFORMED);
    doc_free(s);

    s = repeated("<", "G", 1000000, "/>");
    expect_refused(s, EHR_PROBLEM_DOCUMENT_MALFORMED);
    doc_free(s);

    s = repeated("<GIAMDINHHS>", "<!-- -->", 200000, "");
    expect_refused(s, EHR_PROBLEM_DOCUMENT_MALFORMED);
    doc_free(s);
}


/* Each is short and stands once. */

static void
many_different_names_cost_no_more_than_one(void **state)
{
    char        *data = malloc(200000 * 12 + 64), *p = data;
    ehr_str_t    s;

    assert_non_null(data);
    p = stpcpy(p, "<CHI_TIEU_TRANG_THAI_KCB>");

    for (int i = 0; i < 200000; i++) {
        p += sprintf(p, "<n%d/>", i);
    }

    p = stpcpy(p, "</CHI_TIEU_TRANG_THAI_KCB>");
    s.data = data;
    s.len = (size_t) (p - data);

    /* it has no row */
    expect_refused(s, EHR_PROBLEM_DOCUMENT_INVALID);
    doc_free(s);
}


static void
an_envelope_cut_anywhere_is_malformed(void **state)
{
    ehr_str_t  s = doc_file("claim-99001.xml"), cut = s;

    for (cut.len = 0; cut.len < s.len - 14; cut.len += 251) {
        doc_read_t  r = doc_read_as(cut, "99001", "");

        assert_int_equal(r.rc, EHR_REFUSED);
        assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_MALFORMED);
        doc_done(&r);
    }

    doc_free(s);
}


/* A section that decodes to something large and worthless. */

static void
bombs_inside_base64_are_refused(void **state)
{
    ehr_str_t   bomb;
    doc_part_t  two[2] = { parts[0], { "XML2", ehr_null_string } };

    static const struct {
        const char  *head, *piece, *tail;
        size_t       n;
    } bombs[] = {
        { "", "<a>", "", 500000 },
        { "<a ", "b='' ", "/>", 200000 },
        { "<a><![CDATA[", "xxxxxxxxxx", "]]></a>", 1000000 },
        { "<!DOCTYPE a [", "<!ENTITY a 'b'>", "]><a/>", 50000 },
    };

    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        bomb = repeated(bombs[i].head, bombs[i].piece, bombs[i].n,
                        bombs[i].tail);
        two[1].xml = bomb;

        if (bomb.len > 0) {
            ehr_str_t  s = doc_claim(two, 2);

            expect_refused(s, EHR_PROBLEM_DOCUMENT_MALFORMED);
            doc_free(s);
        }

        doc_free(bomb);
    }
}


static void
a_million_wrong_rows_are_counted_not_described(void **state)
{
    doc_part_t  two[2] = { parts[0], { "XML2", ehr_null_string } };
    ehr_str_t   s;
    doc_read_t  r;

    two[1].xml = repeated("<CHITIEU_CHITIET_THUOC><DSACH_CHI_TIET_THUOC>",
                          "<CHI_TIET_THUOC/>", 100000,
                          "</DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>");
    s = doc_claim(two, 2);
    r = doc_read(s);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.findings.n, EHR_FINDINGS_MAX);
    assert_true(r.doc.findings.beyond > 1000000);
    assert_true(ehr_arena_used(r.arena) < 1024 * 1024);
    doc_done(&r);
    doc_free(s);
    doc_free(two[1].xml);
}


/* Valid as XML, refused by the tables, or not refused at all; the arena is as
 * large as memory may get. */

static void
expect_linear(ehr_str_t content, ehr_rc_t rc)
{
    int64_t  best = INT64_MAX;

    for (int i = 0; i < DOC_FLOODS; i++) {
        int64_t     begin = doc_cpu_ns(), took;
        doc_read_t  r = doc_read(content);

        took = doc_cpu_ns() - begin;
        best = took < best ? took : best;
        assert_int_equal(r.rc, rc);
        doc_done(&r);
    }

    assert_true(best < DOC_FLOOD_NS);
}


static void
floods_of_what_is_valid_cost_what_their_size_is(void **state)
{
    static const char  checkin[] = "<CHI_TIEU_TRANG_THAI_KCB>";
    static const char  end[] = "</CHI_TIEU_TRANG_THAI_KCB>";
    doc_part_t         two[2] = { parts[0], { "XML2", ehr_null_string } };
    ehr_str_t          s = doc_file("sample-checkin.xml");
    const char        *row = strstr(s.data, "<TRANG_THAI_KCB>");
    const char        *after = strstr(s.data, "</TRANG_THAI_KCB>");
    char              *head, *piece;
    ehr_str_t          flood;

    assert_non_null(row);
    assert_non_null(after);
    after += strlen("</TRANG_THAI_KCB>");
    head = strndup(s.data, (size_t) (row - s.data));
    piece = strndup(row, (size_t) (after - row));

    flood = repeated(head, piece, 18 * 1000 * 1000 / strlen(piece), after);
    expect_linear(flood, EHR_OK);
    doc_free(flood);

    two[1].xml = repeated("<CHITIEU_CHITIET_THUOC><DSACH_CHI_TIET_THUOC>",
                          "<CHI_TIET_THUOC/>", 400000,
                          "</DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>");
    flood = doc_claim(two, 2);
    expect_linear(flood, EHR_REFUSED);
    doc_free(flood);
    doc_free(two[1].xml);

    flood = repeated(checkin, "&lt;\n", 3000000, end);
    expect_linear(flood, EHR_REFUSED);
    doc_free(flood);

    flood = repeated("<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB>"
                     "<TRANG_THAI_KCB><HO_TEN>a", "\u0301\u0323", 1000000,
                     "</HO_TEN></TRANG_THAI_KCB></DSACH_TRANG_THAI_KCB>"
                     "</CHI_TIEU_TRANG_THAI_KCB>");
    expect_linear(flood, EHR_REFUSED);
    doc_free(flood);

    flood = repeated(checkin, "<![CDATA[x]]>", 1000000, end);
    expect_linear(flood, EHR_REFUSED);
    doc_free(flood);

    free(head);
    free(piece);
    doc_free(s);
}


static int64_t
late_ns(void)
{
    return 2;
}


static void
a_document_beyond_its_deadline_is_refused(void **state)
{
    doc_read_t            r;
    ehr_document_input_t  in;
    ehr_str_t             s = doc_file("claim-99001.xml");

    memset(&in, 0, sizeof(in));
    in.content = s;
    in.content_form = EHR_CONTENT_XML;
    in.facility = ehr_str("99001");
    in.cpu_now_ns = late_ns;
    in.deadline_ns = 1;

    r.arena = ehr_arena_create(DOC_ARENA);
    r.rc = ehr_document_read(&in, r.arena, &r.doc);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_MALFORMED);
    assert_non_null(doc_finding(&r, "document.xml.cost", 0));
    doc_done(&r);

    in.deadline_ns = 3;
    r.arena = ehr_arena_create(DOC_ARENA);
    r.rc = ehr_document_read(&in, r.arena, &r.doc);
    assert_int_equal(r.rc, EHR_OK);
    doc_done(&r);
    doc_free(s);
}


/* --- large, and short of memory ------------------------------------------ */


static void
a_section_beyond_ten_megabytes_is_read(void **state)
{
    ehr_str_t    s = doc_file("sample-xml2.xml");
    doc_part_t   two[2] = { parts[0], { "XML2", ehr_null_string } };
    const char  *begin = strstr(s.data, "<CHI_TIET_THUOC>");
    const char  *end = strstr(s.data, "</CHI_TIET_THUOC>");
    char        *head, *row;
    doc_read_t   r;

    assert_non_null(begin);
    assert_non_null(end);
    head = strndup(s.data, (size_t) (begin - s.data));
    row = strndup(begin, (size_t) (end + 17 - begin));
    two[1].xml = repeated(head, row, 12 * 1024 * 1024 / strlen(row),
                          "</DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>");
    doc_free(s);

    s = doc_claim(two, 2);
    assert_true(s.len > 16 * 1024 * 1024);
    r = doc_read(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 0);
    doc_done(&r);

    doc_free(s);
    doc_free(two[1].xml);
    free(head);
    free(row);
}


static void
a_small_arena_gives_broken_and_never_a_verdict(void **state)
{
    ehr_str_t             s = doc_file("claim-99001-wrong.xml");
    ehr_document_input_t  in;
    doc_read_t            r;

    memset(&in, 0, sizeof(in));
    in.content = s;
    in.content_form = EHR_CONTENT_XML;
    in.facility = ehr_str("99001");

    for (size_t cap = 16; cap < 256 * 1024; cap += cap / 8 + 16) {
        r.arena = ehr_arena_create(cap);
        r.rc = ehr_document_read(&in, r.arena, &r.doc);
        assert_true(r.rc == EHR_BROKEN
                    || (r.rc == EHR_REFUSED && r.doc.findings.nerrors == 11));
        doc_done(&r);
    }

    doc_free(s);
}


static void
the_planted_errors_are_all_found_at_once(void **state)
{
    static const struct {
        const char  *code;
        uint32_t     row;
    } planted[] = {
        { "xml1.ngay_sinh.date", 0 }, { "xml1.gioi_tinh.code", 0 },
        { "xml1.ma_benh_chinh.too_long", 0 }, { "xml2.ma_thuoc.missing", 2 },
        { "xml2.so_luong.type", 3 }, { "xml2.ma_lk.mismatch", 4 },
        { "xml3.don_gia_bv.missing", 1 }, { "xml3.ngay_yl.date", 2 },
        { "xml5.thoi_diem_dbls.date", 2 }, { "xml7.ngay_ct.date", 0 },
        { "xml8.ket_qua_dtri.missing", 0 },
    };

    ehr_str_t   s = doc_file("claim-99001-wrong.xml");
    doc_read_t  r = doc_read_as(s, "99001", "");

    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_INVALID);
    assert_int_equal(r.doc.findings.n, sizeof(planted) / sizeof(planted[0]));

    for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
        assert_non_null(doc_finding(&r, planted[i].code, planted[i].row));
    }

    doc_done(&r);
    doc_free(s);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(samples_are_accepted_without_a_word),
        cmocka_unit_test(a_claim_of_one_section_is_accepted),
        cmocka_unit_test(mark_and_blank_lines_do_not_shift_lines),
        cmocka_unit_test(the_standard_follows_the_documents_own_date),
        cmocka_unit_test(the_claims_standard_follows_its_discharge),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(every_root_tells_its_kind),
        cmocka_unit_test(other_roots_are_of_no_kind),
        cmocka_unit_test(json_without_the_members_of_a_kind_is_of_none),
        cmocka_unit_test(a_document_of_another_facility_is_refused),
        cmocka_unit_test(what_an_envelope_lacks_is_told),
        cmocka_unit_test(a_part_that_comes_twice_is_named),
        cmocka_unit_test(there_is_exactly_one_record),
        cmocka_unit_test(sections_are_known_ascending_and_once_each),
        cmocka_unit_test(elements_of_a_file_may_stand_in_any_order),
        cmocka_unit_test(unknown_elements_of_an_envelope_are_only_told),
        cmocka_unit_test(every_section_is_checked),
        cmocka_unit_test(broken_base64_is_told_and_the_rest_still_checked),
        cmocka_unit_test(a_broken_section_is_told_and_the_rest_still_checked),
        cmocka_unit_test(an_envelope_that_is_not_well_formed_is_malformed),
        cmocka_unit_test(documents_with_a_dtd_are_refused),
        cmocka_unit_test(documents_in_other_encodings_are_refused),
        cmocka_unit_test(depth_attributes_and_names_do_not_cost),
        cmocka_unit_test(many_different_names_cost_no_more_than_one),
        cmocka_unit_test(an_envelope_cut_anywhere_is_malformed),
        cmocka_unit_test(bombs_inside_base64_are_refused),
        cmocka_unit_test(a_million_wrong_rows_are_counted_not_described),
        cmocka_unit_test(floods_of_what_is_valid_cost_what_their_size_is),
        cmocka_unit_test(a_document_beyond_its_deadline_is_refused),
        cmocka_unit_test(a_section_beyond_ten_megabytes_is_read),
        cmocka_unit_test(a_small_arena_gives_broken_and_never_a_verdict),
        cmocka_unit_test(the_planted_errors_are_all_found_at_once),
    };

    return cmocka_run_group_tests(tests, load_parts, free_parts);
}
