/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every uncertain fact is a setting: the narrowest name decides, and what
 * protects others cannot be set.
 */

#include "documents.h"


static doc_read_t
read_set(ehr_str_t content, const ehr_severities_t *set, const char *facility)
{
    doc_read_t            r;
    ehr_document_input_t  in;

    memset(&in, 0, sizeof(in));
    in.content = content;
    in.content_form = EHR_CONTENT_XML;
    in.facility = ehr_str(facility);
    in.severities = set;
    r.arena = ehr_arena_create(DOC_ARENA);
    r.rc = ehr_document_read(&in, r.arena, &r.doc);

    return r;
}


static void
set(ehr_severities_t *severities, const char *name, const char *word)
{
    uint32_t  level = ehr_severity_level(ehr_str(word));

    assert_true(level > 0);
    assert_true(ehr_severity_is_name(ehr_str(name)));
    assert_int_equal(ehr_severities_add(severities, ehr_str(name), level),
                     EHR_OK);
}


static ehr_str_t
doubtful(void)
{
    ehr_str_t  s = doc_file("birth-99001.xml");

    return doc_swap(s, "<MA_DANTOC_NND>01<", "<MA_DANTOC_NND>001<");
}


static void
an_uncertain_fact_can_be_made_an_error(void **state)
{
    static const char *const  names[] = {
        "hsdlgcs.ma_dantoc_nnd.too_long", "hsdlgcs.ma_dantoc_nnd", "hsdlgcs",
        "F11"
    };
    ehr_str_t                 s = doubtful();

    for (size_t i = 0; i < 4; i++) {
        ehr_severities_t  severities = { NULL, 0, 0 };
        doc_read_t        r;

        set(&severities, names[i], "error");
        r = read_set(s, &severities, "99001");
        assert_int_equal(r.rc, EHR_REFUSED);
        doc_expect_one(&r, "hsdlgcs.ma_dantoc_nnd.too_long", 0);
        doc_done(&r);
        ehr_severities_free(&severities);
    }

    doc_free(s);
}


static void
a_finding_can_be_switched_off(void **state)
{
    ehr_severities_t  severities = { NULL, 0, 0 };
    ehr_str_t         s = doubtful();
    doc_read_t        r;

    set(&severities, "hsdlgcs.ma_dantoc_nnd", "off");
    r = read_set(s, &severities, "99001");
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 0);
    doc_done(&r);
    ehr_severities_free(&severities);
    doc_free(s);
}


static void
the_narrowest_name_decides(void **state)
{
    ehr_severities_t  severities = { NULL, 0, 0 };
    ehr_str_t         s = doubtful();
    doc_read_t        r;

    set(&severities, "F11", "error");
    set(&severities, "hsdlgcs", "off");
    set(&severities, "hsdlgcs.ma_dantoc_nnd", "error");
    set(&severities, "hsdlgcs.ma_dantoc_nnd.too_long", "warning");
    r = read_set(s, &severities, "99001");
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 1);
    doc_done(&r);

    /* and the last word of one name */
    set(&severities, "hsdlgcs.ma_dantoc_nnd.too_long", "error");
    r = read_set(s, &severities, "99001");
    assert_int_equal(r.rc, EHR_REFUSED);
    doc_done(&r);
    ehr_severities_free(&severities);
    doc_free(s);
}


/* A section of no claim under a name that is only too long. */

static void
a_long_name_is_still_the_name_of_no_section(void **state)
{
    doc_part_t        part = { "XML1", doc_file("sample-xml1.xml") };
    ehr_severities_t  severities = { NULL, 0, 0 };
    ehr_str_t         s;
    doc_read_t        r;

    s = doc_swap(doc_claim(&part, 1), "</NOIDUNGFILE></FILEHOSO>",
                 "</NOIDUNGFILE></FILEHOSO><FILEHOSO><LOAIHOSO>"
                 "XML2 XML2 XML2 XML2 XML2 XML2 XML2</LOAIHOSO>"
                 "<NOIDUNGFILE>AAAA</NOIDUNGFILE></FILEHOSO>");
    set(&severities, "F11", "off");
    r = read_set(s, &severities, "99999");
    assert_int_equal(r.rc, EHR_REFUSED);
    doc_expect_one(&r, "giamdinhhs.loaihoso.unknown", 2);
    doc_done(&r);
    ehr_severities_free(&severities);
    doc_free(part.xml);
    doc_free(s);
}


/* Nobody could tell where it goes. */

static void
a_section_without_a_name_stays_refused(void **state)
{
    static const char *const  names[] = {
        "", "<LOAIHOSO/>", "<LOAIHOSO> \n</LOAIHOSO>"
    };

    doc_part_t        part = { "XML1", doc_file("sample-xml1.xml") };
    ehr_severities_t  severities = { NULL, 0, 0 };

    set(&severities, "T.required", "off");
    set(&severities, "T.section", "off");
    set(&severities, "giamdinhhs.loaihoso.missing", "off");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char        file[256];
        ehr_str_t   s;
        doc_read_t  r;

        (void) snprintf(file, sizeof(file), "</NOIDUNGFILE></FILEHOSO>"
                        "<FILEHOSO>%s<NOIDUNGFILE>AAAA</NOIDUNGFILE>"
                        "</FILEHOSO>", names[i]);
        s = doc_swap(doc_claim(&part, 1), "</NOIDUNGFILE></FILEHOSO>", file);
        r = read_set(s, &severities, "99999");
        assert_int_equal(r.rc, EHR_REFUSED);
        doc_expect_one(&r, "giamdinhhs.loaihoso.missing", 2);
        doc_done(&r);
        doc_free(s);
    }

    ehr_severities_free(&severities);
    doc_free(part.xml);
}


static void
what_protects_others_cannot_be_set(void **state)
{
    ehr_severities_t  severities = { NULL, 0, 0 };
    ehr_str_t         s = doc_file("death-99001.xml");
    doc_read_t        r;

    set(&severities, "hsdlgbt", "off");
    set(&severities, "L15", "off");
    set(&severities, "T.xml", "off");
    r = read_set(s, &severities, "99002");
    assert_int_equal(r.doc.problem, EHR_PROBLEM_FACILITY_MISMATCH);
    assert_true(r.doc.findings.nerrors > 0);
    doc_done(&r);

    s.len -= 20;
    r = read_set(s, &severities, "99001");
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_MALFORMED);
    doc_done(&r);
    ehr_severities_free(&severities);
    doc_free(s);
}


static void
names_that_are_none_are_refused(void **state)
{
    static const char *const  good[] = {
        "xml2", "xml2.ma_thuoc", "xml2.ma_thuoc.missing", "xml2.order",
        "checkin.unknown", "don_thuoc.loi_dan", "thuoc", "T.nfc", "F11"
    };
    static const char *const  bad[] = {
        "", "x", "xml99", "xml2.ma_thuo", "xml22.ma_thuoc", "ma_thuoc",
        "hsdlgcs.ma_dan_toc_nnd"
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(ehr_severity_is_name(ehr_str(good[i])));
    }

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(ehr_severity_is_name(ehr_str(bad[i])));
    }

    assert_int_equal(ehr_severity_level(ehr_str("on")), 0);
    assert_int_equal(ehr_severity_level(ehr_str("")), 0);
}


static void
there_is_a_bound(void **state)
{
    static char       names[EHR_SEVERITIES_MAX + 1][16];
    ehr_severities_t  severities = { NULL, 0, 0 };

    for (int i = 0; i < EHR_SEVERITIES_MAX; i++) {
        (void) snprintf(names[i], sizeof(names[i]), "R%d", i);
        assert_int_equal(ehr_severities_add(&severities, ehr_str(names[i]),
                                            1), EHR_OK);
    }

    assert_int_equal(ehr_severities_add(&severities, ehr_str("Z"), 1),
                     EHR_REFUSED);
    ehr_severities_free(&severities);
}


/* Each of 200,000 empty rows lacks the same few fields: they are looked up
 * among the settings once, and counted as without any. */

static void
settings_do_not_make_a_flood_dearer(void **state)
{
    int64_t           begin, took, best = INT64_MAX;
    char             *p, *rows = malloc(200000 * 20);
    doc_part_t        part = { "XML2", ehr_null_string };
    doc_read_t        with, without;
    ehr_str_t         s;
    ehr_severities_t  severities = { NULL, 0, 0 };

    assert_non_null(rows);
    p = stpcpy(rows, "<CHITIEU_CHITIET_THUOC><DSACH_CHI_TIET_THUOC>");

    for (int i = 0; i < 200000; i++) {
        p = stpcpy(p, "<CHI_TIET_THUOC/>");
    }

    p = stpcpy(p, "</DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>");
    part.xml.data = rows;
    part.xml.len = (size_t) (p - rows);
    s = doc_claim(&part, 1);

    without = doc_read(s);
    set(&severities, "xml2.ma_thuoc", "off");
    set(&severities, "xml2.don_gia", "warning");

    for (int i = 0; i < 3; i++) {
        begin = doc_cpu_ns();
        with = read_set(s, &severities, DOC_FACILITY);
        took = doc_cpu_ns() - begin;
        best = took < best ? took : best;

        assert_int_equal(without.doc.findings.nerrors
                         - with.doc.findings.nerrors, 400000);
        assert_int_equal(without.doc.findings.beyond
                         - with.doc.findings.beyond, 200000);
        doc_done(&with);
    }

    assert_true(best < DOC_FLOOD_NS);

    doc_done(&without);
    ehr_severities_free(&severities);
    doc_free(s);
    free(rows);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(an_uncertain_fact_can_be_made_an_error),
        cmocka_unit_test(a_finding_can_be_switched_off),
        cmocka_unit_test(the_narrowest_name_decides),
        cmocka_unit_test(a_long_name_is_still_the_name_of_no_section),
        cmocka_unit_test(a_section_without_a_name_stays_refused),
        cmocka_unit_test(what_protects_others_cannot_be_set),
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(there_is_a_bound),
        cmocka_unit_test(settings_do_not_make_a_flood_dearer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
