/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The record set that validators see: every value of every row by its id,
 * whole and once, and no more memory than a document of its size explains.
 */

#include "documents.h"
#include "ehr_rows.h"
#include "ehr_tables.h"


#define ROW_XML1  "<TONG_HOP><MA_LK>99999-20260105-0001</MA_LK></TONG_HOP>"


/* A claim of XML1 with hardly anything and XML5 with these rows. */

static doc_read_t
read_rows(const char *rows)
{
    char        *xml = NULL;
    doc_part_t   parts[2] = { { "XML1", ehr_string(ROW_XML1) },
                              { "XML5", ehr_null_string } };
    ehr_str_t    content;
    doc_read_t   r;
    int          n;

    n = asprintf(&xml, "<CHITIEU_CHITIET_DIENBIENLAMSANG>"
                 "<DSACH_CHI_TIET_DIEN_BIEN_BENH>\n%s"
                 "</DSACH_CHI_TIET_DIEN_BIEN_BENH>"
                 "</CHITIEU_CHITIET_DIENBIENLAMSANG>", rows);
    assert_true(n > 0);
    parts[1].xml.data = xml;
    parts[1].xml.len = (size_t) n;

    content = doc_claim(parts, 2);
    r = doc_read(content);
    doc_free(content);
    free(xml);

    return r;
}


static const ehr_section_t *
section_of(const doc_read_t *r, uint32_t id)
{
    assert_non_null(r->doc.sections);

    return &r->doc.sections[id];
}


static void
value_is(const ehr_row_t *row, uint32_t id, const char *text)
{
    if (!ehr_str_is(row->values[id], text)) {
        fail_msg("field %u is \"%.*s\", not \"%s\"", id,
                 (int) row->values[id].len, row->values[id].data, text);
    }
}


static void
a_claims_values_are_there_by_their_ids(void **state)
{
    ehr_str_t             sample = doc_file("sample-claim-envelope.xml");
    doc_read_t            r = doc_read(sample);
    const ehr_section_t  *xml1 = section_of(&r, EHR_SECTION_XML1);
    const ehr_section_t  *xml2 = section_of(&r, EHR_SECTION_XML2);

    doc_free(sample);     /* nothing points into it */

    assert_int_equal(xml1->nrows, 1);
    assert_int_equal(xml1->rows[0].number, 0);
    assert_int_equal(xml1->nfields, EHR_XML1_LAST);
    assert_int_equal(xml1->flags, EHR_SECTION_PRESENT);
    assert_true(ehr_str_is(xml1->name, "XML1"));
    assert_true(ehr_str_is(xml1->fields[EHR_XML1_MA_BENH_CHINH],
                           "MA_BENH_CHINH"));
    value_is(&xml1->rows[0], EHR_XML1_MA_BENH_CHINH, "J20.9");
    value_is(&xml1->rows[0], EHR_XML1_LY_DO_VV, "Ho, sốt");
    value_is(&xml1->rows[0], EHR_XML1_NGAY_MIEN_CCT, "");

    assert_int_equal(xml2->nrows, 2);
    assert_int_equal(xml2->rows[1].number, 2);
    assert_true(xml2->rows[1].line > xml2->rows[0].line);
    value_is(&xml2->rows[1], EHR_XML2_STT, "2");

    assert_int_equal(section_of(&r, EHR_SECTION_XML14)->flags, 0);
    assert_int_equal(section_of(&r, EHR_SECTION_XML14)->nrows, 0);
    doc_done(&r);
}


static void
an_absent_element_is_told_from_an_empty_one(void **state)
{
    doc_read_t        r = read_rows("<CHI_TIET_DIEN_BIEN_BENH><STT/>"
                                    "<HOI_CHAN> \n\t</HOI_CHAN>"
                                    "</CHI_TIET_DIEN_BIEN_BENH>");
    const ehr_row_t  *row = section_of(&r, EHR_SECTION_XML5)->rows;

    assert_non_null(row->values[EHR_XML5_STT].data);
    assert_int_equal(row->values[EHR_XML5_STT].len, 0);
    assert_non_null(row->values[EHR_XML5_HOI_CHAN].data);
    assert_int_equal(row->values[EHR_XML5_HOI_CHAN].len, 0);
    assert_null(row->values[EHR_XML5_DIEN_BIEN_LS].data);
    assert_int_equal(row->values[EHR_XML5_DIEN_BIEN_LS].len, 0);
    doc_done(&r);
}


static void
text_comes_whole_whatever_its_pieces(void **state)
{
    doc_read_t        r = read_rows(
        "<CHI_TIET_DIEN_BIEN_BENH><STT>1</STT><DIEN_BIEN_LS>\n a &lt;b&gt; "
        "&amp;&#65;<!-- c --><![CDATA[<d> &amp;]]> e \n</DIEN_BIEN_LS>"
        "<STT>2</STT></CHI_TIET_DIEN_BIEN_BENH>");
    const ehr_row_t  *row = section_of(&r, EHR_SECTION_XML5)->rows;

    value_is(row, EHR_XML5_DIEN_BIEN_LS, "a <b> &A<d> &amp; e");
    value_is(row, EHR_XML5_STT, "1");     /* the first of two */
    doc_done(&r);
}


static void
long_values_and_their_neighbours_stay_whole(void **state)
{
    static const size_t  sizes[] = { 1, 447, 449, 2040, 2041, 4079, 4080,
                                     4081, 70000 };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char             *text = calloc(1, sizes[i] + 1), *rows = NULL;
        doc_read_t        r;
        const ehr_row_t  *row;

        assert_non_null(text);
        memset(text, 'x', sizes[i]);
        text[0] = 'a';
        text[sizes[i] - 1] = 'z';
        assert_true(asprintf(&rows, "<CHI_TIET_DIEN_BIEN_BENH>"
                             "<STT>1</STT><DIEN_BIEN_LS>%s</DIEN_BIEN_LS>"
                             "<HOI_CHAN>%s</HOI_CHAN>"
                             "</CHI_TIET_DIEN_BIEN_BENH>", text, text) > 0);
        r = read_rows(rows);
        row = section_of(&r, EHR_SECTION_XML5)->rows;
        value_is(row, EHR_XML5_STT, "1");
        value_is(row, EHR_XML5_DIEN_BIEN_LS, text);
        value_is(row, EHR_XML5_HOI_CHAN, text);
        doc_done(&r);
        free(rows);
        free(text);
    }
}


static void
rows_in_a_strange_element_make_the_section_partial(void **state)
{
    doc_read_t  r = read_rows("<x><CHI_TIET_DIEN_BIEN_BENH/></x>"
                              "<CHI_TIET_DIEN_BIEN_BENH><STT>1</STT>"
                              "</CHI_TIET_DIEN_BIEN_BENH>");

    assert_int_equal(section_of(&r, EHR_SECTION_XML5)->flags,
                     EHR_SECTION_PRESENT | EHR_SECTION_PARTIAL);
    assert_int_equal(section_of(&r, EHR_SECTION_XML5)->nrows, 1);
    assert_int_equal(section_of(&r, EHR_SECTION_XML1)->flags,
                     EHR_SECTION_PRESENT);
    doc_done(&r);
}


/* --- bounds -------------------------------------------------------------- */


static void
the_record_set_of_empty_rows_is_bounded(void **state)
{
    ehr_arena_t    *arena = ehr_arena_create(DOC_ARENA);
    ehr_records_t   records;
    ehr_rows_t      rows;
    uint32_t        n = 0;

    assert_non_null(arena);
    assert_int_equal(ehr_records_begin(&records, arena, 1000), EHR_OK);
    ehr_rows_begin(&rows, &records,
                   ehr_standard_section(ehr_standard_of_date(0),
                                        ehr_str("XML3")));

    while (rows.section && n < 1000000) {
        ehr_rows_row(&rows, ++n, 1);
    }

    assert_true(n > 1000 && n < 10000);
    assert_true(rows.is_full);
    assert_false(rows.is_broken);
    assert_true(ehr_arena_used(arena) < 2 * 1024 * 1024);
    assert_int_equal(records.sections[EHR_SECTION_XML3].flags,
                     EHR_SECTION_PRESENT | EHR_SECTION_PARTIAL);

    /* and nothing more is taken in */
    ehr_rows_set(&rows, EHR_XML3_STT, ehr_str("1"));
    ehr_arena_destroy(arena);
}


static void
a_section_that_comes_again_goes_on(void **state)
{
    const ehr_section_table_t  *table;
    ehr_arena_t                *arena = ehr_arena_create(DOC_ARENA);
    ehr_records_t               records;
    ehr_rows_t                  rows;
    const ehr_section_t        *section;

    assert_non_null(arena);
    assert_int_equal(ehr_records_begin(&records, arena, 1000), EHR_OK);
    table = ehr_standard_section(ehr_standard_of_date(0), ehr_str("XML7"));

    for (uint32_t i = 0; i < 40; i++) {
        char  text[16];

        (void) snprintf(text, sizeof(text), "%u", i);
        ehr_rows_begin(&rows, &records, table);
        ehr_rows_row(&rows, 0, i + 1);
        ehr_rows_set(&rows, EHR_XML7_MA_LK, ehr_str(text));
    }

    section = &records.sections[EHR_SECTION_XML7];
    assert_int_equal(section->nrows, 40);
    value_is(&section->rows[0], EHR_XML7_MA_LK, "0");
    value_is(&section->rows[39], EHR_XML7_MA_LK, "39");
    ehr_arena_destroy(arena);
}


/* A paper of that length is short, and one of a month's thousands. */

static void
thousands_of_short_papers_fit(void **state)
{
    const size_t                paper = 1000;
    const ehr_section_table_t  *table;
    ehr_arena_t                *arena = ehr_arena_create(DOC_ARENA);
    ehr_records_t               records;
    ehr_rows_t                  rows;

    assert_non_null(arena);
    assert_int_equal(ehr_records_begin(&records, arena, 5000 * paper),
                     EHR_OK);
    table = ehr_standard_section(ehr_standard_of_date(0), ehr_str("XML7"));

    for (uint32_t i = 0; i < 5000; i++) {
        ehr_rows_begin(&rows, &records, table);
        ehr_rows_row(&rows, 0, i + 1);
        ehr_rows_set(&rows, EHR_XML7_MA_LK, ehr_str("99001-1"));
        assert_false(rows.is_full);
    }

    assert_int_equal(records.sections[EHR_SECTION_XML7].nrows, 5000);
    assert_int_equal(records.sections[EHR_SECTION_XML7].flags,
                     EHR_SECTION_PRESENT);
    ehr_arena_destroy(arena);
}


static void
without_memory_nothing_is_kept_and_it_is_said(void **state)
{
    for (size_t cap = 1024; cap < 64 * 1024; cap += 512) {
        ehr_arena_t    *arena = ehr_arena_create(cap);
        ehr_records_t   records;
        ehr_rows_t      rows;

        assert_non_null(arena);

        if (ehr_records_begin(&records, arena, 1 << 20) == EHR_OK) {
            ehr_rows_begin(&rows, &records,
                           ehr_standard_section(ehr_standard_of_date(0),
                                                ehr_str("XML2")));

            for (uint32_t i = 1; i < 1000; i++) {
                ehr_rows_row(&rows, i, i);
                ehr_rows_set(&rows, EHR_XML2_MA_THUOC, ehr_str("05C.123"));
            }

            assert_true(rows.is_broken);
            assert_null(rows.section);
        }

        ehr_arena_destroy(arena);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_claims_values_are_there_by_their_ids),
        cmocka_unit_test(an_absent_element_is_told_from_an_empty_one),
        cmocka_unit_test(text_comes_whole_whatever_its_pieces),
        cmocka_unit_test(long_values_and_their_neighbours_stay_whole),
        cmocka_unit_test(rows_in_a_strange_element_make_the_section_partial),
        cmocka_unit_test(the_record_set_of_empty_rows_is_bounded),
        cmocka_unit_test(a_section_that_comes_again_goes_on),
        cmocka_unit_test(thousands_of_short_papers_fit),
        cmocka_unit_test(without_memory_nothing_is_kept_and_it_is_said)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
