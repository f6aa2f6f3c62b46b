/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Documents of every kind: told by their content, filed under their own
 * number, refused for another facility, and what is peculiar to each.
 */

#include "documents.h"
#include "ehr_kind.h"
#include "ehr_table.h"


#define FACILITY  "99001"


static doc_read_t
read_form(ehr_str_t content, int form, const char *facility)
{
    doc_read_t            r;
    ehr_document_input_t  in;

    memset(&in, 0, sizeof(in));
    in.content = content;
    in.content_form = form;
    in.facility = ehr_str(facility);
    in.cpu_now_ns = doc_cpu_ns;
    r.arena = ehr_arena_create(DOC_ARENA);
    assert_non_null(r.arena);
    r.rc = ehr_document_read(&in, r.arena, &r.doc);

    return r;
}


static doc_read_t
read_xml(ehr_str_t content)
{
    return read_form(content, EHR_CONTENT_XML, FACILITY);
}


static doc_read_t
read_json(ehr_str_t content)
{
    return read_form(content, EHR_CONTENT_JSON, FACILITY);
}


/* The finding, whatever its row. */

static const ehr_finding_t *
finding(const doc_read_t *r, const char *code)
{
    for (uint32_t row = 0; row < 8; row++) {
        const ehr_finding_t  *f = doc_finding(r, code, row);

        if (f) {
            return f;
        }
    }

    doc_print(r);
    fail_msg("no %s", code);

    return NULL;
}


/* --- every kind ---------------------------------------------------------- */


static const struct {
    const char  *file;
    ehr_kind_e   kind;
    const char  *standard;
    const char  *key;
    const char  *facility;
} samples[] = {
    { "checkin-99001.xml", EHR_KIND_CHECKIN, "qd3176",
      "99001-20260105-0001", "99001" },
    { "claim-99001.xml", EHR_KIND_CLAIM, "qd3176",
      "99001/99001-20260105-0001", "99001" },
    { "claim-99001-all.xml", EHR_KIND_CLAIM, "qd3176",
      "99001/99001-20260105-0015", "99001" },
    { "medical-assessment-99001.xml", EHR_KIND_MEDICAL_ASSESSMENT, "qd3176",
      "0001/GDYK/2026", "" },
    { "birth-99001.xml", EHR_KIND_BIRTH_NOTICE, "civil-registration",
      "00001.GCS.99001.26", "99001" },
    { "death-99001.xml", EHR_KIND_DEATH_NOTICE, "civil-registration",
      "00001.GBT.99001.26", "99001" },
    { "voucher-99001.xml", EHR_KIND_VOUCHER, "vouchers",
      "99001/CT03/26.000123", "99001" },
    { "driver-exam-99001.json", EHR_KIND_DRIVER_EXAM, "driver-exam",
      "00001/GKSKLX/99001/26/B", "99001" },
    { "driver-exam-99001.xml", EHR_KIND_DRIVER_EXAM, "driver-exam",
      "00001/GKSKLX/99001/26/B", "99001" },
    { "prescription-99001.json", EHR_KIND_PRESCRIPTION, "prescription",
      "99001abc12de-c", "" }
};


#define NSAMPLES  (sizeof(samples) / sizeof(samples[0]))


static int
form_of(const char *file)
{
    return strstr(file, ".json") ? EHR_CONTENT_JSON : EHR_CONTENT_XML;
}


static void
a_sample_of_each_kind_is_accepted(void **state)
{
    for (size_t i = 0; i < NSAMPLES; i++) {
        ehr_str_t   s = doc_file(samples[i].file);
        doc_read_t  r = read_form(s, form_of(samples[i].file), FACILITY);

        if (r.rc != EHR_OK || r.doc.findings.n != 0) {
            doc_print(&r);
            fail_msg("%s: %zu findings", samples[i].file, r.doc.findings.n);
        }

        assert_int_equal(r.doc.kind, samples[i].kind);
        assert_true(ehr_str_is(r.doc.standard, samples[i].standard));
        assert_true(ehr_str_is(r.doc.business_key, samples[i].key));
        assert_true(ehr_str_eq(r.doc.facility,
                               ehr_str(samples[i].facility)));
        doc_done(&r);
        doc_free(s);
    }
}


static void
another_facilitys_document_is_refused_where_it_is_named(void **state)
{
    for (size_t i = 0; i < NSAMPLES; i++) {
        ehr_str_t   s = doc_file(samples[i].file);
        doc_read_t  r = read_form(s, form_of(samples[i].file), "99002");

        if (samples[i].facility[0] != '\0') {
            assert_int_equal(r.rc, EHR_REFUSED);
            assert_int_equal(r.doc.problem, EHR_PROBLEM_FACILITY_MISMATCH);
        }

        doc_done(&r);
        doc_free(s);
    }
}


static void
a_standard_set_for_claims_does_not_concern_notices(void **state)
{
    ehr_str_t             s = doc_file("birth-99001.xml");
    ehr_document_input_t  in;
    doc_read_t            r;

    memset(&in, 0, sizeof(in));
    in.content = s;
    in.content_form = EHR_CONTENT_XML;
    in.facility = ehr_str(FACILITY);
    in.standard = ehr_str("qd4750");
    r.arena = ehr_arena_create(DOC_ARENA);
    r.rc = ehr_document_read(&in, r.arena, &r.doc);
    assert_int_equal(r.rc, EHR_OK);
    assert_true(ehr_str_is(r.doc.standard, "civil-registration"));
    doc_done(&r);
    doc_free(s);
}


/* --- old records --------------------------------------------------------- */


static void
a_check_in_of_2023_is_read_by_decision_130(void **state)
{
    ehr_str_t   s = doc_file("checkin-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, "<NGAY_VAO>2026", "<NGAY_VAO>2023");
    r = read_xml(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_true(ehr_str_is(r.doc.standard, "qd130"));

    /* what came later is told, and does no harm */
    assert_non_null(doc_finding(&r, "checkin.unknown", 1));
    doc_done(&r);
    doc_free(s);
}


static void
a_section_of_a_later_decision_is_passed_on(void **state)
{
    doc_part_t  two[2] = { { "XML1", doc_file("sample-xml1.xml") },
                           { "XML14", doc_file("sample-xml14.xml") } };
    ehr_str_t   s;
    doc_read_t  r;

    two[0].xml = doc_swap(two[0].xml, "<NGAY_RA>2026", "<NGAY_RA>2023");
    s = doc_claim(two, 2);
    r = doc_read(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_true(ehr_str_is(r.doc.standard, "qd130"));
    assert_int_equal(finding(&r, "giamdinhhs.loaihoso.unchecked")->severity,
                     EHR_SEVERITY_WARNING);
    doc_done(&r);
    doc_free(s);
    doc_free(two[0].xml);
    doc_free(two[1].xml);
}


/* --- notices ------------------------------------------------------------- */


static void
a_second_notice_in_one_file_is_refused(void **state)
{
    ehr_str_t   s = doc_file("birth-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, "</GIAYCHUNGSINH>", "</GIAYCHUNGSINH><GIAYCHUNGSINH>"
                 "<MA_GCS>00002.GCS.99001.26</MA_GCS></GIAYCHUNGSINH>");
    r = read_xml(s);
    assert_int_equal(r.rc, EHR_REFUSED);
    doc_expect_one(&r, "hsdlgcs.row.twice", 0);
    assert_true(ehr_str_is(r.doc.business_key, "00001.GCS.99001.26"));
    doc_done(&r);
    doc_free(s);
}


static void
a_number_must_name_its_facility(void **state)
{
    static const char *const  wrong[] = {
        "00001.GBT.99001.26", "00001.GCS.99001", "00001GCS9900126",
        "00001.GCS..26", "00001.GCS.99001.2026", ".GCS.99001.26",
        "00001.GCS.99001.26."
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ehr_str_t   s = doc_file("birth-99001.xml");
        doc_read_t  r;

        s = doc_swap(s, "00001.GCS.99001.26", wrong[i]);
        r = read_xml(s);
        assert_int_equal(r.rc, EHR_REFUSED);
        assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_INVALID);
        assert_int_equal(r.doc.findings.nerrors, 1);
        assert_true(ehr_str_is(r.doc.findings.items[0].field, "MA_GCS"));
        doc_done(&r);
        doc_free(s);
    }
}


static void
the_path_of_a_notices_field_is_an_xpath(void **state)
{
    ehr_str_t   s = doc_file("death-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, "<NGAY_TV>202603122215<", "<NGAY_TV>202603322215<");
    r = read_xml(s);
    doc_expect_one(&r, "hsdlgbt.ngay_tv.date", 0);
    assert_true(ehr_str_is(finding(&r, "hsdlgbt.ngay_tv.date")->path,
                           "/HSDLGBT/GIAYBAOTU/NGAY_TV"));
    doc_done(&r);
    doc_free(s);
}


static void
uncertain_facts_only_warn(void **state)
{
    ehr_str_t   s = doc_file("birth-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, "<MA_DANTOC_NND>01<", "<MA_DANTOC_NND>001<");
    s = doc_swap(s, "<GIOI_TINH_CON>2<", "<GIOI_TINH_CON>7<");
    r = read_xml(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 2);
    finding(&r, "hsdlgcs.ma_dantoc_nnd.too_long");
    finding(&r, "hsdlgcs.gioi_tinh_con.code");
    doc_done(&r);
    doc_free(s);
}


/* --- vouchers ------------------------------------------------------------ */


static void
several_vouchers_in_one_file_are_allowed(void **state)
{
    ehr_str_t   s = doc_vouchers("2");
    doc_read_t  r = read_xml(s);

    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 0);
    /* no number stands for both */
    assert_int_equal(r.doc.business_key.len, 0);
    doc_done(&r);
    doc_free(s);
}


static void
a_wrong_count_of_vouchers_is_told(void **state)
{
    ehr_str_t   s = doc_vouchers("3");
    doc_read_t  r = read_xml(s);

    assert_int_equal(r.rc, EHR_OK);
    finding(&r, "hschungtu.soluonghoso.value");
    doc_done(&r);
    doc_free(s);
}


static void
a_voucher_nobody_has_described_is_passed_on(void **state)
{
    ehr_str_t   s = doc_file("voucher-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, ">CT03<", ">CT99<");
    r = read_xml(s);
    assert_int_equal(r.rc, EHR_OK);
    finding(&r, "hschungtu.loaihoso.unchecked");
    doc_done(&r);
    doc_free(s);
}


static void
a_voucher_that_is_no_base64_cannot_be_read(void **state)
{
    ehr_str_t   s = doc_file("voucher-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, ">CT03<", ">CT99<");
    s = doc_swap(s, "<NOIDUNGFILE>", "<NOIDUNGFILE>*");
    r = read_xml(s);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_MALFORMED);
    finding(&r, "hschungtu.noidungfile.base64");
    doc_done(&r);
    doc_free(s);
}


static void
sections_of_a_claim_are_none_of_a_voucher(void **state)
{
    ehr_str_t   s = doc_file("claim-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, "<GIAMDINHHS ", "<HSCHUNGTU ");
    s = doc_swap(s, "</GIAMDINHHS>", "</HSCHUNGTU>");
    r = read_xml(s);
    assert_int_equal(r.doc.kind, EHR_KIND_VOUCHER);
    finding(&r, "hschungtu.loaihoso.unchecked");
    doc_done(&r);
    doc_free(s);
}


/* --- a driver's examination ---------------------------------------------- */


static void
facts_of_the_two_copies_must_agree(void **state)
{
    static const char *const  changes[][3] = {
        { "\"HOTEN\": \"Nguy", "\"HOTEN\": \"Khuy",
          "driver_exam.hoten.disagrees" },
        { "\"SO\": \"00001", "\"SO\": \"00002",
          "driver_exam.so.disagrees" },
        { "\"KETLUAN\": \"A0-1\"", "\"KETLUAN\": \"A0-2\"",
          "driver_exam.ketluan.disagrees" },
        { "\"HANGBANGLAI\": \"B\"", "\"HANGBANGLAI\": \"C1\"",
          "driver_exam.hangbanglai.disagrees" },
        { "\"SOCMND_PASSPORT\": \"0010", "\"SOCMND_PASSPORT\": \"0020",
          "driver_exam.socmnd_passport.disagrees" },
        { "\"NGAYTHANGNAMCAPCMND\": \"10", "\"NGAYTHANGNAMCAPCMND\": \"11",
          "driver_exam.ngaythangnamcapcmnd.disagrees" }
    };

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        ehr_str_t   s = doc_file("driver-exam-99001.json");
        doc_read_t  r;

        s = doc_swap(s, changes[i][0], changes[i][1]);
        r = read_json(s);
        assert_int_equal(r.rc, EHR_REFUSED);
        doc_expect_one(&r, changes[i][2], 0);
        doc_done(&r);
        doc_free(s);
    }
}


static void
the_same_number_written_otherwise_agrees(void **state)
{
    ehr_str_t   s = doc_file("driver-exam-99001.json");
    doc_read_t  r;

    s = doc_swap(s, "\"NONGDOCON\": \"0\"", "\"NONGDOCON\": 0");
    r = read_json(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 0);
    doc_done(&r);
    doc_free(s);
}


/* The JSON around another text in SIGNDATA. */

static ehr_str_t
signed_text(const char *xml)
{
    ehr_str_t    s = doc_file("driver-exam-99001.json");
    ehr_str_t    inner = doc_base64(ehr_str(xml));
    const char  *at = strstr(s.data, "\"SIGNDATA\": \"");
    size_t       size = s.len + inner.len + 64;
    char        *text = malloc(size);

    assert_non_null(at);
    assert_non_null(text);
    (void) snprintf(text, size, "%.*s\"SIGNDATA\": \"%.*s\"\n}",
                    (int) (at - s.data), s.data, (int) inner.len,
                    inner.data);
    doc_free(inner);
    doc_free(s);

    return ehr_str(text);
}


static doc_read_t
read_signed(const char *xml)
{
    ehr_str_t   text = signed_text(xml);
    doc_read_t  r = read_json(text);

    doc_free(text);

    return r;
}


static void
what_is_signed_must_be_the_examination(void **state)
{
    doc_read_t  r = read_signed("<other/>");

    assert_int_equal(r.rc, EHR_REFUSED);
    finding(&r, "signdata.root");
    doc_done(&r);

    r = read_signed("<root/>");
    assert_int_equal(r.rc, EHR_REFUSED);
    finding(&r, "signdata.so.missing");
    finding(&r, "signdata.ketluan.missing");
    doc_done(&r);

    r = read_signed("test");
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_MALFORMED);
    doc_done(&r);

    r = read_signed("<!DOCTYPE root [<!ENTITY x 'y'>]><root>&x;</root>");
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_MALFORMED);
    finding(&r, "signdata.xml.doctype");
    doc_done(&r);
}


/* JSON and 6.7 MB of Base64 around elements that nobody knows, and around one
 * text. */

static void
a_large_signed_copy_costs_what_its_size_is(void **state)
{
    static const char *const  floods[][3] = {
        { "<root>", "<a/>", "</root>" },
        { "<root><SO>", "x<!---->", "</SO></root>" }
    };

    for (size_t i = 0; i < 2; i++) {
        size_t      len = strlen(floods[i][1]), n = 5025000 / len;
        char       *xml = malloc(n * len + 64), *p;
        int64_t     best = INT64_MAX;
        ehr_str_t   text;

        assert_non_null(xml);
        p = stpcpy(xml, floods[i][0]);

        for (size_t k = 0; k < n; k++) {
            p = mempcpy(p, floods[i][1], len);
        }

        (void) stpcpy(p, floods[i][2]);
        text = signed_text(xml);
        assert_true(text.len > 6700000);

        for (int round = 0; round < DOC_FLOODS; round++) {
            int64_t     begin = doc_cpu_ns(), took;
            doc_read_t  r = read_json(text);

            took = doc_cpu_ns() - begin;
            best = took < best ? took : best;
            assert_int_equal(r.rc, EHR_REFUSED);
            doc_done(&r);
        }

        assert_true(best < DOC_FLOOD_NS);
        doc_free(text);
        free(xml);
    }
}


static void
a_signed_copy_of_another_facility_is_refused(void **state)
{
    ehr_str_t   s = doc_file("driver-exam-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, "/GKSKLX/99001/", "/GKSKLX/99002/");
    r = read_signed(s.data);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_FACILITY_MISMATCH);
    assert_true(ehr_str_is(r.doc.business_key, "00001/GKSKLX/99001/26/B"));
    doc_done(&r);
    doc_free(s);
}


static void
a_signature_beside_the_fields_is_no_stranger(void **state)
{
    ehr_str_t   s = doc_file("driver-exam-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, "</root>", "<Signature xmlns='http://www.w3.org/2000/09/"
                 "xmldsig#'><SO>1</SO></Signature></root>");
    r = read_xml(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 0);
    doc_done(&r);

    s = doc_swap(s, "<Signature xmlns=", "<ds:Signature xmlns:ds=");
    s = doc_swap(s, "</Signature>", "</ds:Signature>");
    r = read_xml(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 0);
    doc_done(&r);
    doc_free(s);
}


static void
lengths_in_bytes_are_counted_in_bytes(void **state)
{
    ehr_str_t   s = doc_file("driver-exam-99001.xml");
    doc_read_t  r;

    /* 25 characters, 34 bytes */
    s = doc_swap(s, "<NOICAP>B\u1ed9 C\u00f4ng an<",
                 "<NOICAP>C\u1ee5c C\u1ea3nh s\u00e1t QLHC v\u1ec1 TTXH<");
    r = read_xml(s);
    finding(&r, "signdata.noicap.too_long");
    doc_done(&r);
    doc_free(s);
}


/* --- JSON ---------------------------------------------------------------- */


static void
expect_malformed(ehr_str_t s, const char *code)
{
    doc_read_t  r = read_json(s);

    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_MALFORMED);
    finding(&r, code);
    assert_int_equal(r.doc.findings.n, 1);
    doc_done(&r);
}


static void
json_that_cannot_be_read_is_malformed(void **state)
{
    static const char  nul[] = "{\"ma_don_thuoc\":\"1\0\"}";
    ehr_str_t          s = { nul, sizeof(nul) - 1 };

    expect_malformed(s, "document.json.control");
    expect_malformed(ehr_str(""), "document.json.empty");
    expect_malformed(ehr_str(" \n\t"), "document.json.empty");
    expect_malformed(ehr_str("{"), "document.json");
    expect_malformed(ehr_str("{\"a\":1,}"), "document.json");
    expect_malformed(ehr_str("{} {}"), "document.json");
    expect_malformed(ehr_str("{\"a\":\"\\u0000\"}"), "document.json");
    expect_malformed(ehr_str("{\"a\":\"\\ud800\"}"), "document.json");
    expect_malformed(ehr_str("{\"a\":\"\xff\"}"), "document.json.utf8");
    expect_malformed(ehr_str("{\"a\":\"\xed\xa0\x80\"}"),
                     "document.json.utf8");
    expect_malformed(ehr_str("\"ma_don_thuoc\""), "document.json");
    expect_malformed(ehr_str("{\"SO\":\"1\",\"SO\":\"2\"}"),
                     "document.json.duplicate");
    expect_malformed(ehr_str("{\"a\":{\"b\":1,\"b\":2}}"),
                     "document.json.duplicate");
    expect_malformed(ehr_str("{\"a\":1,\"\\u0061\":2}"),
                     "document.json.duplicate");
}


static ehr_str_t
repeated(const char *begin, const char *what, size_t n)
{
    size_t   first = strlen(begin), len = strlen(what);
    char    *text = malloc(first + n * len + 1);
    ehr_str_t  s = { text, first + n * len };

    assert_non_null(text);
    memcpy(text, begin, first);

    for (size_t i = 0; i < n; i++) {
        memcpy(text + first + i * len, what, len);
    }

    text[s.len] = '\0';

    return s;
}


static void
json_bombs_are_refused_before_the_parser(void **state)
{
    ehr_str_t  s = repeated("", "[", 1000000);

    expect_malformed(s, "document.json.depth");
    doc_free(s);

    s = repeated("[", "0,", 1000000);
    expect_malformed(s, "document.json.values");
    doc_free(s);

    s = repeated("", "{}", 1000000);
    expect_malformed(s, "document.json.values");
    doc_free(s);

    s = repeated("\"", "x", 9 * 1024 * 1024);
    expect_malformed(s, "document.json.size");
    doc_free(s);
}


static void
json_findings_name_json_paths(void **state)
{
    ehr_str_t   s = doc_file("prescription-99001.json");
    doc_read_t  r;

    s = doc_swap(s, "\"loai_don_thuoc\": \"c\"", "\"loai_don_thuoc\": \"q\"");
    s = doc_swap(s, "\"don_vi_tinh\": \"Vi\u00ean\"", "\"don_vi_tinh\": \"\"");
    r = read_json(s);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_true(ehr_str_is(finding(&r, "don_thuoc.loai_don_thuoc.code")->path,
                           "$.loai_don_thuoc"));
    assert_true(ehr_str_is(finding(&r, "thuoc.don_vi_tinh.missing")->path,
                           "$.thong_tin_don_thuoc[0].don_vi_tinh"));
    assert_int_equal(finding(&r, "thuoc.don_vi_tinh.missing")->row, 1);
    doc_done(&r);
    doc_free(s);
}


static void
strange_members_are_told_without_their_names(void **state)
{
    ehr_str_t   s = doc_file("prescription-99001.json");
    doc_read_t  r;

    s = doc_swap(s, "\"luu_y\"", "\"Nguyen Van A\": [[1]], \"luu_y\"");
    r = read_json(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 1);
    assert_null(strstr(finding(&r, "don_thuoc.unknown")->message_en.data,
                       "Nguyen"));
    doc_done(&r);
    doc_free(s);
}


static void
values_of_a_wrong_json_type_are_told(void **state)
{
    ehr_str_t   s = doc_file("prescription-99001.json");
    doc_read_t  r;

    s = doc_swap(s, "\"dia_chi\": \"", "\"dia_chi\": true, \"x\": \"");
    s = doc_swap(s, "\"ten_thuoc\": \"", "\"ten_thuoc\": [], \"y\": \"");
    s = doc_swap(s, "\"dot\": 1", "\"dot\": 1.5e2");
    r = read_json(s);
    finding(&r, "don_thuoc.dia_chi.json");
    finding(&r, "thuoc.ten_thuoc.json");
    assert_null(doc_finding(&r, "dot_dung_thuoc.dot.type", 1));
    doc_done(&r);
    doc_free(s);

    s = repeated("{\"ma_don_thuoc\":\"1\",\"thong_tin_don_thuoc\":[1]}", "",
                 0);
    r = read_json(s);
    finding(&r, "thuoc.row.json");
    doc_done(&r);
    doc_free(s);
}


static void
escaped_control_characters_are_refused(void **state)
{
    ehr_str_t   s = doc_file("prescription-99001.json");
    doc_read_t  r;

    s = doc_swap(s, "\"loi_dan\": \"", "\"loi_dan\": \"\\u0007");
    r = read_json(s);
    assert_int_equal(r.rc, EHR_REFUSED);
    doc_expect_one(&r, "don_thuoc.loi_dan.control", 0);
    doc_done(&r);
    doc_free(s);
}


static void
a_byte_order_mark_before_json_is_left_out(void **state)
{
    ehr_str_t   s = doc_file("prescription-99001.json");
    doc_read_t  r;

    s = doc_swap(s, "{", "\xef\xbb\xbf{");
    r = read_json(s);
    assert_int_equal(r.rc, EHR_OK);
    doc_done(&r);
    doc_free(s);
}


static void
the_kind_of_json_comes_from_its_members(void **state)
{
    static const char *const  none[] = {
        "{}", "[]", "{\"SO\":\"1\"}", "{\"HANGBANGLAI\":\"B\"}",
        "{\"x\":{\"ma_don_thuoc\":\"1\"}}", "[{\"ma_don_thuoc\":\"1\"}]"
    };
    doc_read_t                r;

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        r = read_json(ehr_str(none[i]));
        assert_int_equal(r.rc, EHR_REFUSED);
        assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_UNKNOWN_KIND);
        assert_int_equal(r.doc.kind, EHR_KIND_UNKNOWN);
        doc_done(&r);
    }

    r = read_json(ehr_str("{\"SO\":\"1\",\"HANGBANGLAI\":\"B\"}"));
    assert_int_equal(r.doc.kind, EHR_KIND_DRIVER_EXAM);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_INVALID);
    doc_done(&r);
}


/* --- text ---------------------------------------------------------------- */


static void
spoilt_text_is_told_on_its_field(void **state)
{
    ehr_str_t   s = doc_file("death-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, "<NGUOI_GHIGIAY>", "<NGUOI_GHIGIAY>Tra\u0300 ");
    s = doc_swap(s, "<NGUYENNHAN_TV>", "<NGUYENNHAN_TV>b\u00c3\u00a1c ");
    r = read_xml(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 2);
    finding(&r, "hsdlgbt.nguoi_ghigiay.decomposed");
    finding(&r, "hsdlgbt.nguyennhan_tv.mojibake");
    doc_done(&r);
    doc_free(s);
}


static void
a_decomposed_key_is_the_same_key(void **state)
{
    ehr_str_t   s = doc_file("checkin-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, "<MA_LK>99001", "<MA_LK>\u00e1");
    r = read_xml(s);
    assert_true(ehr_str_is(r.doc.business_key, "\u00e1-20260105-0001"));
    doc_done(&r);

    s = doc_swap(s, "<MA_LK>\u00e1", "<MA_LK>a\u0301");
    r = read_xml(s);
    assert_true(ehr_str_is(r.doc.business_key, "\u00e1-20260105-0001"));
    doc_done(&r);
    doc_free(s);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_sample_of_each_kind_is_accepted),
        cmocka_unit_test(
            another_facilitys_document_is_refused_where_it_is_named),
        cmocka_unit_test(a_standard_set_for_claims_does_not_concern_notices),
        cmocka_unit_test(a_check_in_of_2023_is_read_by_decision_130),
        cmocka_unit_test(a_section_of_a_later_decision_is_passed_on),
        cmocka_unit_test(a_second_notice_in_one_file_is_refused),
        cmocka_unit_test(a_number_must_name_its_facility),
        cmocka_unit_test(the_path_of_a_notices_field_is_an_xpath),
        cmocka_unit_test(uncertain_facts_only_warn),
        cmocka_unit_test(several_vouchers_in_one_file_are_allowed),
        cmocka_unit_test(a_wrong_count_of_vouchers_is_told),
        cmocka_unit_test(a_voucher_nobody_has_described_is_passed_on),
        cmocka_unit_test(a_voucher_that_is_no_base64_cannot_be_read),
        cmocka_unit_test(sections_of_a_claim_are_none_of_a_voucher),
        cmocka_unit_test(facts_of_the_two_copies_must_agree),
        cmocka_unit_test(the_same_number_written_otherwise_agrees),
        cmocka_unit_test(what_is_signed_must_be_the_examination),
        cmocka_unit_test(a_large_signed_copy_costs_what_its_size_is),
        cmocka_unit_test(a_signed_copy_of_another_facility_is_refused),
        cmocka_unit_test(a_signature_beside_the_fields_is_no_stranger),
        cmocka_unit_test(lengths_in_bytes_are_counted_in_bytes),
        cmocka_unit_test(json_that_cannot_be_read_is_malformed),
        cmocka_unit_test(json_bombs_are_refused_before_the_parser),
        cmocka_unit_test(json_findings_name_json_paths),
        cmocka_unit_test(strange_members_are_told_without_their_names),
        cmocka_unit_test(values_of_a_wrong_json_type_are_told),
        cmocka_unit_test(escaped_control_characters_are_refused),
        cmocka_unit_test(a_byte_order_mark_before_json_is_left_out),
        cmocka_unit_test(the_kind_of_json_comes_from_its_members),
        cmocka_unit_test(spoilt_text_is_told_on_its_field),
        cmocka_unit_test(a_decomposed_key_is_the_same_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
