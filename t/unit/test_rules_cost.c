/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the rules of claims cost in rows and in long values: twice as much of
 * them costs about twice the CPU time, whatever they say.  Compared within
 * one run; rows and values are put behind the reading, which has limits of
 * its own, and the rules have none but these.
 */

#include "documents.h"
#include "ehr_fields.h"
#include "ehr_validators.h"


#define ROWS        10000
#define REPEATS     40000
#define SLACK_NS    5000000  /* what the machine alone may add; a square of
                                these lengths is seconds */
#define ROUNDS      5        /* the fastest of them counts */
#define ARENA_MAX   ((size_t) 512 * 1024 * 1024)
#define NOW_MS      INT64_C(1767870000000)   /* 2026-01-08 */
#define TEXT_MAX    64

/* Of twice as much to as much.  A sanitizer looks at all that memmem() might
 * read, in each call. */

#if defined(__SANITIZE_ADDRESS__)
#define RATIO_MAX   4.5
#else
#define RATIO_MAX   2.5
#endif


/* A value in each row of a section; "%u" in it is the row's number. */

typedef struct {
    uint32_t     section;
    uint32_t     field;
    const char  *value;       /* NULL ends a list */
} change_t;


/* Makes a document that is n times as long. */

typedef void (*grow_pt)(ehr_document_t *doc, uint32_t n, const void *data);


static ehr_validator_t  *validator;
static ehr_str_t         sample;


/* --- long documents ------------------------------------------------------ */


static ehr_str_t
value_of(const char *format, uint32_t n, ehr_arena_t *arena)
{
    const char  *at = strstr(format, "%u");
    char         text[TEXT_MAX];
    int          len;

    if (at == NULL) {
        return ehr_str(format);
    }

    len = snprintf(text, sizeof(text), "%.*s%u%s", (int) (at - format),
                   format, n, at + 2);
    assert_true(len > 0 && (size_t) len < sizeof(text));

    return ehr_arena_dup(arena, text, (size_t) len);
}


/* The rows of the sample in turn, nrows of them, each its own copy. */

static void
rows_make(ehr_section_t *s, uint32_t nrows, ehr_arena_t *arena)
{
    ehr_row_t  *rows = ehr_arena_alloc(arena, nrows * sizeof(ehr_row_t));
    size_t      size = s->nfields * sizeof(ehr_str_t);
    ehr_str_t  *values;

    assert_non_null(rows);

    for (uint32_t i = 0; i < nrows; i++) {
        values = ehr_arena_calloc(arena, size);
        assert_non_null(values);

        if (s->nrows > 0) {
            memcpy(values, s->rows[i % s->nrows].values, size);
        }

        rows[i].values = values;
        rows[i].number = i + 1;
        rows[i].line = i + 1;
    }

    s->rows = rows;
    s->nrows = nrows;
    s->flags |= EHR_SECTION_PRESENT;
}


static ehr_section_t *
section_of(ehr_document_t *doc, uint32_t id)
{
    return (ehr_section_t *) (uintptr_t) &doc->sections[id];
}


static void
value_set(ehr_section_t *s, uint32_t row, uint32_t field, ehr_str_t value)
{
    ehr_str_t  *values = (ehr_str_t *) (uintptr_t) s->rows[row].values;

    values[field] = value;
}


/* The tables of a claim, with the changes of data in each of their rows. */

static void
grow_rows(ehr_document_t *doc, uint32_t n, const void *data)
{
    static const uint32_t  tables[] = { EHR_SECTION_XML2, EHR_SECTION_XML3,
                                        EHR_SECTION_XML4, EHR_SECTION_XML5 };

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        rows_make(section_of(doc, tables[i]), n * ROWS, doc->findings.arena);
    }

    for (const change_t *c = data; c && c->value; c++) {
        ehr_section_t  *s = section_of(doc, c->section);

        for (uint32_t i = 0; i < s->nrows; i++) {
            value_set(s, i, c->field,
                      value_of(c->value, i + 1, doc->findings.arena));
        }
    }
}


static ehr_str_t
repeated(const char *text, size_t n, ehr_arena_t *arena)
{
    size_t     len = strlen(text);
    char      *all = ehr_arena_alloc(arena, n * len);
    ehr_str_t  s = { all, n * len };

    assert_non_null(all);

    for (size_t i = 0; i < n; i++) {
        memcpy(all + i * len, text, len);
    }

    return s;
}


/* XML1 and its card with lists as long as the tables beside it. */

static void
grow_lists(ehr_document_t *doc, uint32_t n, const void *data)
{
    static const change_t  lists[] = {
        { EHR_SECTION_XML1, EHR_XML1_MA_THE_BHYT, "GD5990000000001;" },
        { EHR_SECTION_XML1, EHR_XML1_MA_DKBD, "99999;" },
        { EHR_SECTION_XML1, EHR_XML1_GT_THE_TU, "20260101;" },
        { EHR_SECTION_XML1, EHR_XML1_GT_THE_DEN, "20261231;" },
        { EHR_SECTION_XML1, EHR_XML1_MA_BENH_KT, "J20.9;" },
        { EHR_SECTION_XML1, EHR_XML1_MA_BENH_YHCT, "U50.1;" },
        { EHR_SECTION_XML1, EHR_XML1_CAN_NANG_CON, "3000;" },
        { EHR_SECTION_XML1, EHR_XML1_NGAY_TAI_KHAM, "20260114;" }
    };

    ehr_section_t  *xml1 = section_of(doc, EHR_SECTION_XML1);

    grow_rows(doc, n, data);
    rows_make(xml1, 1, doc->findings.arena);
    rows_make(section_of(doc, EHR_SECTION_XML9), n * ROWS,
              doc->findings.arena);

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        value_set(xml1, 0, lists[i].field,
                  repeated(lists[i].value, n * ROWS, doc->findings.arena));
    }
}


/* Every value but those of XML1 is that text, again and again; and so are
 * XML1's that no other rule needs to get so far. */

static void
grow_values(ehr_document_t *doc, uint32_t n, const void *data)
{
    ehr_str_t  value = repeated(data, n * REPEATS, doc->findings.arena);

    for (uint32_t id = EHR_SECTION_XML2; id <= EHR_SECTION_XML15; id++) {
        ehr_section_t  *s = section_of(doc, id);

        if (s->nfields == 0) {
            continue;
        }

        rows_make(s, 2, doc->findings.arena);

        for (uint32_t field = 0; field < s->nfields; field++) {
            value_set(s, 1, field, value);
        }
    }
}


/* --- what they cost ------------------------------------------------------ */


static int64_t
cost_once(grow_pt grow, const void *data, uint32_t n)
{
    doc_read_t         r;
    ehr_validation_t   in = { .now_ms = NOW_MS };
    ehr_document_input_t  input = { .content = sample,
                                    .content_form = EHR_CONTENT_XML,
                                    .facility = ehr_str("99001") };
    int64_t            begin, end;

    r.arena = ehr_arena_create(ARENA_MAX);
    assert_non_null(r.arena);
    assert_int_equal(ehr_document_read(&input, r.arena, &r.doc), EHR_OK);
    grow(&r.doc, n, data);
    in.arena = r.arena;

    begin = doc_cpu_ns();
    assert_int_not_equal(ehr_validator_run(validator, &in, &r.doc),
                         EHR_BROKEN);
    end = doc_cpu_ns();
    doc_done(&r);

    return end - begin;
}


static void
costs_no_more_than_its_length(grow_pt grow, const void *data)
{
    int64_t  once = INT64_MAX, twice = INT64_MAX, ns;

    for (int i = 0; i < ROUNDS; i++) {
        ns = cost_once(grow, data, 1);
        once = ns < once ? ns : once;
        ns = cost_once(grow, data, 2);
        twice = ns < twice ? ns : twice;

        if ((double) twice <= RATIO_MAX * (double) once + SLACK_NS) {
            return;
        }
    }

    fail_msg("%.1f ms, and %.1f ms for twice as much", (double) once / 1e6,
             (double) twice / 1e6);
}


static void
rows_as_hospitals_write_them(void **state)
{
    costs_no_more_than_its_length(grow_rows, NULL);
}


static void
operations_that_all_overlap(void **state)
{
    static const change_t  changes[] = {
        { EHR_SECTION_XML3, EHR_XML3_MA_NHOM, "8" },
        { EHR_SECTION_XML3, EHR_XML3_TYLE_TT_DV, "100" },
        { 0, 0, NULL }
    };

    costs_no_more_than_its_length(grow_rows, changes);
}


static void
services_that_all_differ(void **state)
{
    static const change_t  changes[] = {
        { EHR_SECTION_XML3, EHR_XML3_MA_DICH_VU, "22.%u" },
        { EHR_SECTION_XML4, EHR_XML4_MA_DICH_VU, "23.%u" },
        { EHR_SECTION_XML4, EHR_XML4_MA_CHI_SO, "%u" },
        { 0, 0, NULL }
    };

    costs_no_more_than_its_length(grow_rows, changes);
}


static void
packages_of_one_row_and_of_all(void **state)
{
    static const change_t  one[] = {
        { EHR_SECTION_XML3, EHR_XML3_MA_NHOM, "10" },
        { EHR_SECTION_XML3, EHR_XML3_GOI_VTYT, "G1" },
        { EHR_SECTION_XML3, EHR_XML3_MA_DICH_VU, "22.1" },
        { EHR_SECTION_XML3, EHR_XML3_T_TRANTT, "1" },
        { 0, 0, NULL }
    };
    static const change_t  many[] = {
        { EHR_SECTION_XML3, EHR_XML3_MA_NHOM, "10" },
        { EHR_SECTION_XML3, EHR_XML3_GOI_VTYT, "G%u" },
        { EHR_SECTION_XML3, EHR_XML3_MA_DICH_VU, "22.%u" },
        { EHR_SECTION_XML3, EHR_XML3_MA_VAT_TU, "N%u" },
        { 0, 0, NULL }
    };

    costs_no_more_than_its_length(grow_rows, one);
    costs_no_more_than_its_length(grow_rows, many);
}


/* A card of another level in each part, and a level in each row. */

static void
long_lists_beside_many_rows(void **state)
{
    static const change_t  changes[] = {
        { EHR_SECTION_XML2, EHR_XML2_MUC_HUONG, "80" },
        { EHR_SECTION_XML3, EHR_XML3_MUC_HUONG, "95" },
        { 0, 0, NULL }
    };

    costs_no_more_than_its_length(grow_lists, changes);
}


static void
long_values_of_any_text(void **state)
{
    static const char *const  texts[] = {
        ";", "1", "A", "A;", "1;", ".", "+", "(", "N", ";;N", "0.", "99999;",
        "CSST<", "CSST<M1_T3", "CSST<M1>", "_", "M1_", "20260101;", "B20;",
        "C.", "K.9", "\xe1\xba\xbf", "XX.n.", "G1;N1;", " "
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        costs_no_more_than_its_length(grow_values, texts[i]);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(rows_as_hospitals_write_them),
        cmocka_unit_test(operations_that_all_overlap),
        cmocka_unit_test(services_that_all_differ),
        cmocka_unit_test(packages_of_one_row_and_of_all),
        cmocka_unit_test(long_lists_beside_many_rows),
        cmocka_unit_test(long_values_of_any_text)
    };

    char                  doubt[512];
    int                   nfailed;
    ehr_validator_conf_t  conf = { EHR_OUT "/plugins/claims.so", NULL, 0,
                                   NOW_MS };

    validator = ehr_validator_open(&conf, doubt, sizeof(doubt));
    sample = doc_file("claim-99001-all.xml");
    nfailed = validator ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    ehr_validator_close(validator);
    doc_free(sample);

    return nfailed;
}
