/* SPDX-License-Identifier: BSD-2-Clause */

/* One section against its table: what each kind of field takes, and what
 * not. */

#include "documents.h"


static ehr_str_t  xml1, xml2, xml3, xml5, xml6, checkin;


static int
load(void **state)
{
    xml1 = doc_file("sample-xml1.xml");
    xml2 = doc_file("sample-xml2.xml");
    xml3 = doc_file("sample-xml3.xml");
    xml5 = doc_file("sample-xml5.xml");
    xml6 = doc_file("sample-xml6.xml");
    checkin = doc_file("sample-checkin.xml");

    return 0;
}


static int
unload(void **state)
{
    doc_free(xml1);
    doc_free(xml2);
    doc_free(xml3);
    doc_free(xml5);
    doc_free(xml6);
    doc_free(checkin);

    return 0;
}


static ehr_str_t
copy(ehr_str_t s)
{
    ehr_str_t  c = { malloc(s.len + 1), s.len };

    assert_non_null(c.data);
    memcpy((void *) (uintptr_t) c.data, s.data, s.len + 1);

    return c;
}


/* A claim of XML1 and one section more with one change in it. */

static doc_read_t
read_changed(ehr_str_t section, const char *name, const char *from,
             const char *to)
{
    doc_part_t  two[2] = { { "XML1", xml1 }, { name, copy(section) } };
    size_t      first = strcmp(name, "XML1") == 0;
    ehr_str_t   s;
    doc_read_t  r;

    two[1].xml = doc_swap(two[1].xml, from, to);
    s = doc_claim(two + first, 2 - first);
    r = doc_read(s);
    doc_free(s);
    doc_free(two[1].xml);

    return r;
}


static void
expect_error(ehr_str_t section, const char *name, const char *change[2],
             const char *code)
{
    doc_read_t  r = read_changed(section, name, change[0], change[1]);
    uint32_t    row = strcmp(name, "XML1") == 0 ? 0 : 1;

    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_INVALID);
    doc_expect_one(&r, code, row);
    doc_done(&r);
}


static void
xml1_error(const char *from, const char *to, const char *code)
{
    expect_error(xml1, "XML1", (const char *[2]) { from, to }, code);
}


static void
xml2_error(const char *from, const char *to, const char *code)
{
    expect_error(xml2, "XML2", (const char *[2]) { from, to }, code);
}


static void
xml6_error(const char *from, const char *to, const char *code)
{
    expect_error(xml6, "XML6", (const char *[2]) { from, to }, code);
}


static void
xml6_ok(const char *from, const char *to, size_t nwarnings)
{
    doc_read_t  r = read_changed(xml6, "XML6", from, to);

    if (r.rc != EHR_OK || r.doc.findings.n != nwarnings) {
        doc_print(&r);
        fail_msg("%s: not accepted as expected", to);
    }

    doc_done(&r);
}


/* Accepted, with so many warnings. */

static void
xml1_ok(const char *from, const char *to, size_t nwarnings)
{
    doc_read_t  r = read_changed(xml1, "XML1", from, to);

    if (r.rc != EHR_OK || r.doc.findings.n != nwarnings) {
        doc_print(&r);
        fail_msg("%s: not accepted as expected", to);
    }

    doc_done(&r);
}


static void
xml2_ok(const char *from, const char *to, size_t nwarnings)
{
    doc_read_t  r = read_changed(xml2, "XML2", from, to);

    if (r.rc != EHR_OK || r.doc.findings.n != nwarnings) {
        doc_print(&r);
        fail_msg("%s: not accepted as expected", to);
    }

    doc_done(&r);
}


static void
a_required_field_must_have_a_value(void **state)
{
    xml2_error("<MA_THUOC>40.48</MA_THUOC>", "", "xml2.ma_thuoc.missing");
    xml2_error("<MA_THUOC>40.48<", "<MA_THUOC><", "xml2.ma_thuoc.missing");
    xml2_error("<MA_THUOC>40.48</MA_THUOC>", "<MA_THUOC/>",
               "xml2.ma_thuoc.missing");
    xml2_error(">40.48<", "> \n\t<", "xml2.ma_thuoc.missing");
    xml2_error(">40.48<", "><![CDATA[ ]]><", "xml2.ma_thuoc.missing");
    xml2_error(">40.48<", "><!-- 40.48 --><", "xml2.ma_thuoc.missing");
}


static void
an_optional_field_may_be_empty_or_absent(void **state)
{
    xml1_ok("<NHOM_MAU/>", "", 0);
    xml1_ok("<NHOM_MAU/>", "<NHOM_MAU> </NHOM_MAU>", 0);
    xml1_ok("<MA_TAI_NAN>0</MA_TAI_NAN>", "<MA_TAI_NAN/>", 0);
}


static void
what_depends_on_other_fields_is_not_required_here(void **state)
{
    xml1_ok("<MA_TTDV>0000000001</MA_TTDV>", "<MA_TTDV/>", 0);
    xml1_ok("<MA_DKBD>99999</MA_DKBD>", "", 0);
}


static void
length_is_of_characters_not_bytes(void **state)
{
    static const char  word[] = "ườườườườườ";      /* 10 */
    char               text[4096] = "<DON_VI_TINH>", *p;

    p = text + strlen(text);

    for (int i = 0; i < 5; i++) {
        p = stpcpy(p, word);
    }

    (void) stpcpy(p, "<");
    xml2_ok("<DON_VI_TINH>Viên<", text, 0);
    (void) stpcpy(p, "x<");
    xml2_error("<DON_VI_TINH>Viên<", text, "xml2.don_vi_tinh.too_long");
    /* a decomposed letter is two */
    (void) stpcpy(p, "\xcc\x81<");
    xml2_error("<DON_VI_TINH>Viên<", text, "xml2.don_vi_tinh.too_long");
}


static void
outer_white_space_is_no_part_of_a_value(void **state)
{
    xml1_ok("<MA_KHOA>K03<", "<MA_KHOA>\n    K03\t\r\n <", 0);
    xml1_ok("<MA_CSKCB>99999<", "<MA_CSKCB>  99999      <", 0);
    xml1_ok("<NGAY_RA>202601070830<", "<NGAY_RA> 202601070830 <", 0);
    xml1_ok("<SO_NGAY_DTRI>3<", "<SO_NGAY_DTRI> <!-- x -->3 <", 0);
    xml1_error("<SO_NGAY_DTRI>3<", "<SO_NGAY_DTRI>1 3<",
               "xml1.so_ngay_dtri.type");
}


static void
text_may_come_in_pieces(void **state)
{
    xml1_ok("<MA_KHOA>K03<", "<MA_KHOA><![CDATA[K]]>0<!-- x -->&#51;<", 0);
    xml1_ok("<GIOI_TINH>2<", "<GIOI_TINH>&#x32;<", 0);
    xml1_ok("<LY_DO_VV>Ho, sốt<",
            "<LY_DO_VV><![CDATA[<Ho> ]]]]><![CDATA[>]]><", 0);
    xml1_error("<GIOI_TINH>2<", "<GIOI_TINH>2<![CDATA[2]]><",
               "xml1.gioi_tinh.too_long");
}


static void
numbers_have_a_point_and_nothing_else(void **state)
{
    xml2_ok("<SO_LUONG>12<", "<SO_LUONG>-12<", 0);
    xml2_ok("<SO_LUONG>12<", "<SO_LUONG>0.125<", 0);
    xml2_ok("<SO_LUONG>12<", "<SO_LUONG>1234567.125<", 0);
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>12345678.125<",
               "xml2.so_luong.too_long");
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>1,5<", "xml2.so_luong.type");
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>1.000.000<", "xml2.so_luong.type");
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>1e3<", "xml2.so_luong.type");
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>+1<", "xml2.so_luong.type");
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>-<", "xml2.so_luong.type");
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>.<", "xml2.so_luong.type");
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>.5<", "xml2.so_luong.type");
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>5.<", "xml2.so_luong.type");
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>1-2<", "xml2.so_luong.type");
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>\xd9\xa1<", "xml2.so_luong.type");
    xml2_error("<SO_LUONG>12<", "<SO_LUONG>0x10<", "xml2.so_luong.type");
}


static void
times_are_of_the_calendar(void **state)
{
    static const char  *good[] = { "202402290000", "202601312359",
                                   "200002290000", "209912311200" };
    static const char  *bad[] = { "202602290000", "190002290000",
                                  "202613010000", "202600010000",
                                  "202601000000", "202601320000",
                                  "202604310000", "202601012400",
                                  "202601010060", "20260101",
                                  "2026010100000", "20260101 000",
                                  "2026-01-01", "000001010000",
                                  "17991231000", "abcdefghijkl" };
    char                text[64];

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        (void) snprintf(text, sizeof(text), "<NGAY_TTOAN>%s<", good[i]);
        xml1_ok("<NGAY_TTOAN>202601070915<", text, 0);
    }

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void) snprintf(text, sizeof(text), "<NGAY_TTOAN>%s<", bad[i]);
        xml1_error("<NGAY_TTOAN>202601070915<", text, "xml1.ngay_ttoan.date");
    }
}


static void
a_birth_may_be_known_in_part(void **state)
{
    xml1_ok(">199003140000<", ">199003142359<", 0);
    xml1_ok(">199003140000<", ">199000000000<", 0);
    xml1_error(">199003140000<", ">199003000000<", "xml1.ngay_sinh.date");
    xml1_error(">199003140000<", ">199000140000<", "xml1.ngay_sinh.date");
    xml1_error(">199003140000<", ">19900314<", "xml1.ngay_sinh.date");
    xml1_error(">199003140000<", ">199000002400<", "xml1.ngay_sinh.date");
    xml1_error(">199003140000<", ">000000000000<", "xml1.ngay_sinh.date");
}


static void
some_dates_have_two_forms(void **state)
{
    xml1_ok("<NGAY_MIEN_CCT/>", "<NGAY_MIEN_CCT>20260101</NGAY_MIEN_CCT>", 0);
    xml1_ok("<NGAY_MIEN_CCT/>", "<NGAY_MIEN_CCT>202601010830</NGAY_MIEN_CCT>",
            0);
    xml1_error("<NGAY_MIEN_CCT/>", "<NGAY_MIEN_CCT>2026010108</NGAY_MIEN_CCT>",
               "xml1.ngay_mien_cct.date");
    xml1_error("<NAM_NAM_LIEN_TUC/>",
               "<NAM_NAM_LIEN_TUC>202601010830</NAM_NAM_LIEN_TUC>",
               "xml1.nam_nam_lien_tuc.date");
}


static void
codes_are_those_of_the_list(void **state)
{
    xml1_ok("<GIOI_TINH>2<", "<GIOI_TINH>3<", 0);
    xml1_error("<GIOI_TINH>2<", "<GIOI_TINH>0<", "xml1.gioi_tinh.code");
    xml1_error("<GIOI_TINH>2<", "<GIOI_TINH>M<", "xml1.gioi_tinh.type");
    xml1_ok("<KET_QUA_DTRI>2<", "<KET_QUA_DTRI>8<", 0);
    xml1_error("<KET_QUA_DTRI>2<", "<KET_QUA_DTRI>9<",
               "xml1.ket_qua_dtri.code");
}


static void
every_part_of_a_list_is_a_code(void **state)
{
    static const char  state_2[] = "<MA_TINH_TRANG_DK>2<";

    xml6_ok(state_2, "<MA_TINH_TRANG_DK>2;9<", 0);
    xml6_ok(state_2, "<MA_TINH_TRANG_DK> 3;2;3 <", 0);
    xml6_error(state_2, "<MA_TINH_TRANG_DK>0<", "xml6.ma_tinh_trang_dk.code");
    xml6_error(state_2, "<MA_TINH_TRANG_DK>2;10<",
               "xml6.ma_tinh_trang_dk.code");
    xml6_error(state_2, "<MA_TINH_TRANG_DK>2;<",
               "xml6.ma_tinh_trang_dk.code");
    xml6_error(state_2, "<MA_TINH_TRANG_DK>;2<",
               "xml6.ma_tinh_trang_dk.code");
    xml6_error(state_2, "<MA_TINH_TRANG_DK>2; 3<",
               "xml6.ma_tinh_trang_dk.code");
    xml6_error(state_2, "<MA_TINH_TRANG_DK>2,3<",
               "xml6.ma_tinh_trang_dk.code");
}


static void
an_uncertain_list_of_codes_warns(void **state)
{
    xml6_ok("<MA_BAC_PHAC_DO/>", "<MA_BAC_PHAC_DO>3</MA_BAC_PHAC_DO>", 0);
    xml6_ok("<MA_BAC_PHAC_DO/>", "<MA_BAC_PHAC_DO>4</MA_BAC_PHAC_DO>", 1);
}


static void
a_field_stands_once_in_a_row(void **state)
{
    xml2_error("<MA_NHOM>", "<MA_NHOM>4</MA_NHOM><MA_NHOM>",
               "xml2.ma_nhom.duplicate");
    xml1_error("<NHOM_MAU/>", "<NHOM_MAU/><NHOM_MAU/>",
               "xml1.nhom_mau.duplicate");
}


static void
another_order_is_told_once(void **state)
{
    doc_read_t  r = read_changed(xml2, "XML2", "<MA_PP_CHEBIEN/>",
                                 "<DU_PHONG/><MA_PP_CHEBIEN/>");

    /* and the second DU_PHONG of the row */
    assert_non_null(doc_finding(&r, "xml2.order", 1));
    doc_expect_one(&r, "xml2.du_phong.duplicate", 1);
    doc_done(&r);

    xml1_ok("<HO_TEN>TRẦN THỊ THỬ NGHIỆM</HO_TEN>\n  <SO_CCCD>001190000000"
            "</SO_CCCD>", "<SO_CCCD>001190000000</SO_CCCD><HO_TEN>X</HO_TEN>",
            1);
}


static void
an_unknown_element_is_told_without_its_name(void **state)
{
    doc_read_t  r = read_changed(xml1, "XML1", "<NHOM_MAU/>",
                                 "<TRAN_THI><X>y</X></TRAN_THI><NHOM_MAU/>");

    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 1);
    assert_non_null(doc_finding(&r, "xml1.unknown", 0));
    assert_null(strstr(r.doc.findings.items[0].path.data, "TRAN"));
    assert_null(strstr(r.doc.findings.items[0].message_vi.data, "TRAN"));
    assert_int_equal(r.doc.findings.items[0].line, 10);
    doc_done(&r);

    xml1_ok("<NHOM_MAU/>", "<x:NHOM_MAU xmlns:x='y'/><NHOM_MAU/>", 1);
}


static void
unknown_elements_do_not_drown_the_rest(void **state)
{
    char        text[8192] = "", *p = text;
    doc_read_t  r;

    for (int i = 0; i < 300; i++) {
        p = stpcpy(p, "<X/>");
    }

    (void) stpcpy(p, "<NHOM_MAU/>");
    r = read_changed(xml1, "XML1", "<NHOM_MAU/>", text);
    assert_int_equal(r.rc, EHR_OK);
    assert_true(r.doc.findings.n <= 10);
    doc_done(&r);
}


static void
markup_inside_a_value_is_refused(void **state)
{
    xml1_error("<LY_DO_VV>Ho, sốt<", "<LY_DO_VV>Ho <b>sốt</b><",
               "xml1.ly_do_vv.children");
    xml2_error("<TEN_THUOC>Paracetamol (mẫu)<", "<TEN_THUOC>a<a><b/></a><",
               "xml2.ten_thuoc.children");
}


static void
text_between_elements_is_refused(void **state)
{
    doc_read_t  r = read_changed(xml2, "XML2", "</STT>", "</STT>x");

    doc_expect_one(&r, "xml2.text", 1);
    doc_done(&r);
    r = read_changed(xml2, "XML2", "<CHI_TIET_THUOC>", "x<CHI_TIET_THUOC>");
    doc_expect_one(&r, "xml2.text", 0);
    doc_done(&r);
    xml1_error("</STT>", "</STT><![CDATA[x]]>", "xml1.text");
}


static void
a_section_has_its_root_one_list_and_rows(void **state)
{
    static const char  none[] = "<CHITIEU_CHITIET_THUOC>"
                                "<DSACH_CHI_TIET_THUOC/>"
                                "</CHITIEU_CHITIET_THUOC>";
    static const char  two[] = "</DSACH_CHI_TIET_THUOC><DSACH_CHI_TIET_THUOC/>"
                               "</CHITIEU_CHITIET_THUOC>";
    doc_part_t         parts[2] = { { "XML1", xml1 },
                                    { "XML2", ehr_string(none) } };
    ehr_str_t          s = doc_claim(parts, 2);
    doc_read_t         r = doc_read(s);

    doc_expect_one(&r, "xml2.row.empty", 0);
    doc_done(&r);
    doc_free(s);

    r = read_changed(xml2, "XML2",
                     "</DSACH_CHI_TIET_THUOC>\n</CHITIEU_CHITIET_THUOC>", two);
    doc_expect_one(&r, "xml2.list", 2);
    doc_done(&r);

    parts[1].name = "XML3";
    parts[1].xml = xml2;
    s = doc_claim(parts, 2);
    r = doc_read(s);
    doc_expect_one(&r, "xml3.root", 0);
    doc_done(&r);
    doc_free(s);

    xml2_ok("<DSACH_CHI_TIET_THUOC>", "<DSACH_CHI_TIET_THUOC><X/>", 1);
    xml2_ok("<DSACH_CHI_TIET_THUOC>", "<X/><DSACH_CHI_TIET_THUOC>", 1);
}


static void
all_sections_share_one_key(void **state)
{
    xml2_error("<MA_LK>99999-20260105-0001<", "<MA_LK>99999-20260105-0002<",
               "xml2.ma_lk.mismatch");
    xml2_ok("<MA_LK>99999-20260105-0001<", "<MA_LK> 99999-20260105-0001 <", 0);
}


static void
rows_of_a_checkin_may_be_of_several_visits(void **state)
{
    const char  *begin = strstr(checkin.data, "<TRANG_THAI_KCB>");
    const char  *end = strstr(checkin.data, "</TRANG_THAI_KCB>");
    char         row[4096];
    ehr_str_t    s = copy(checkin);
    doc_read_t   r;

    (void) snprintf(row, sizeof(row), "%.*s</TRANG_THAI_KCB>"
                    "</DSACH_TRANG_THAI_KCB>", (int) (end - begin), begin);
    s = doc_swap(s, "</DSACH_TRANG_THAI_KCB>", row);
    s = doc_swap(s, "<MA_LK>99999-20260105-0001", "<MA_LK>99999-first");
    r = doc_read(s);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 1);
    assert_non_null(doc_finding(&r, "checkin.ma_lk.varies", 2));
    assert_true(ehr_str_is(r.doc.business_key, "99999-first"));
    doc_done(&r);
    doc_free(s);
}


static void
a_length_the_partner_takes_only_warns(void **state)
{
    doc_read_t  r;

    xml1_ok("<MA_DOITUONG_KCB>1.1<", "<MA_DOITUONG_KCB>1.111<", 1);
    xml1_error("<MA_DOITUONG_KCB>1.1<", "<MA_DOITUONG_KCB>1.1111<",
               "xml1.ma_doituong_kcb.too_long");

    r = read_changed(xml1, "XML1", "<MA_TAI_NAN>0<", "<MA_TAI_NAN>00<");
    assert_int_equal(r.rc, EHR_OK);
    assert_non_null(doc_finding(&r, "xml1.ma_tai_nan.long", 0));
    doc_done(&r);
}


static void
findings_say_where_and_never_what(void **state)
{
    doc_read_t            r = read_changed(xml2, "XML2", "<STT>2<",
                                           "<STT>CANARY-7<");
    const ehr_finding_t  *f = doc_finding(&r, "xml2.stt.type", 2);

    assert_non_null(f);
    assert_true(ehr_str_is(f->section, "XML2"));
    assert_true(ehr_str_is(f->field, "STT"));
    assert_true(ehr_str_is(f->rule, "F6"));
    assert_true(ehr_str_is(f->path, "/CHITIEU_CHITIET_THUOC/"
                           "DSACH_CHI_TIET_THUOC/CHI_TIET_THUOC[2]/STT"));
    assert_int_equal(f->line, 47);
    assert_int_equal(f->severity, EHR_SEVERITY_ERROR);
    assert_non_null(strstr(f->message_vi.data, "Số thứ tự"));
    assert_non_null(strstr(f->message_en.data, "Row number"));
    assert_null(strstr(f->message_vi.data, "CANARY"));
    assert_null(strstr(f->message_en.data, "CANARY"));
    doc_done(&r);
}


static void
vital_signs_pass_in_both_spellings(void **state)
{
    doc_read_t  r = read_changed(xml5, "XML5", "CSST&lt;M84", "CSST&lt;M84");

    assert_int_equal(r.rc, EHR_OK);
    doc_done(&r);
    r = read_changed(xml5, "XML5", "<DIEN_BIEN_LS>Ho, sốt nhẹ. CSST&lt;"
                     "M84_T37.8_HA130/80_NT20_SP97&gt;",
                     "<DIEN_BIEN_LS><![CDATA[CSST<M84_T37.8_HA130/80>]]>");
    assert_int_equal(r.rc, EHR_OK);
    doc_done(&r);

    /* unescaped, the section cannot be read at all */
    r = read_changed(xml5, "XML5", "CSST&lt;M84_T37.8_HA130/80_NT20_SP97&gt;",
                     "CSST<M84_T37.8_HA130/80_NT20_SP97>");
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_MALFORMED);
    assert_non_null(doc_finding(&r, "xml5.xml", 0));
    doc_done(&r);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_required_field_must_have_a_value),
        cmocka_unit_test(an_optional_field_may_be_empty_or_absent),
        cmocka_unit_test(what_depends_on_other_fields_is_not_required_here),
        cmocka_unit_test(length_is_of_characters_not_bytes),
        cmocka_unit_test(outer_white_space_is_no_part_of_a_value),
        cmocka_unit_test(text_may_come_in_pieces),
        cmocka_unit_test(numbers_have_a_point_and_nothing_else),
        cmocka_unit_test(times_are_of_the_calendar),
        cmocka_unit_test(a_birth_may_be_known_in_part),
        cmocka_unit_test(some_dates_have_two_forms),
        cmocka_unit_test(codes_are_those_of_the_list),
        cmocka_unit_test(every_part_of_a_list_is_a_code),
        cmocka_unit_test(an_uncertain_list_of_codes_warns),
        cmocka_unit_test(a_field_stands_once_in_a_row),
        cmocka_unit_test(another_order_is_told_once),
        cmocka_unit_test(an_unknown_element_is_told_without_its_name),
        cmocka_unit_test(unknown_elements_do_not_drown_the_rest),
        cmocka_unit_test(markup_inside_a_value_is_refused),
        cmocka_unit_test(text_between_elements_is_refused),
        cmocka_unit_test(a_section_has_its_root_one_list_and_rows),
        cmocka_unit_test(all_sections_share_one_key),
        cmocka_unit_test(rows_of_a_checkin_may_be_of_several_visits),
        cmocka_unit_test(a_length_the_partner_takes_only_warns),
        cmocka_unit_test(findings_say_where_and_never_what),
        cmocka_unit_test(vital_signs_pass_in_both_spellings),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
