/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every table of every standard, driven by the tables themselves: a record
 * made of good values passes without a word, and each field in turn missing,
 * too long, of a wrong type or with a wrong code is told on that very field,
 * and on no other.
 */

#include "ehr_section.h"
#include "tables.h"


#define VALUE_MAX  2600
#define TEXT_MAX   (256 * 1024)


typedef struct {
    const ehr_standard_t       *standard;
    const ehr_section_table_t  *table;
    char                        text[TEXT_MAX];
    size_t                      nvalid;
    size_t                      nwrong;
} bed_t;


/* One field with another value; NULL: absent. */

typedef struct {
    const ehr_section_table_t  *table;
    const ehr_field_t          *field;
    const char                 *value;
    int                         is_raw;   /* JSON, not a string of it */
} change_t;


static const change_t  no_change;

static bed_t  bed;


/* --- good and bad values ------------------------------------------------- */


static int
is_code(const ehr_field_t *field, const char *value)
{
    const char  *p = field->codes;
    size_t       len = strlen(value);

    while ((p = strstr(p, value)) != NULL) {
        if ((p == field->codes || p[-1] == ' ')
            && (p[len] == ' ' || p[len] == '\0'))
        {
            return 1;
        }

        p++;
    }

    return 0;
}


/* A value of the right type and length that is no code; NULL: all are. */

static const char *
wrong_code(const ehr_field_t *field)
{
    static char  value[8];

    for (int i = 0; i < 100; i++) {
        (void) snprintf(value, sizeof(value), "%d", i);

        if ((field->longest == 0 || strlen(value) <= field->longest)
            && !is_code(field, value))
        {
            return value;
        }
    }

    return NULL;
}


/* One more than what is allowed. */

static const char *
long_value(const ehr_field_t *field, const char **fault)
{
    static char  value[VALUE_MAX];
    uint32_t     limit = field->longest ? field->longest : field->official;

    if (limit == 0 || field->type == EHR_FIELD_BASE64
        || (field->type != EHR_FIELD_TEXT && field->type != EHR_FIELD_NUMBER
            && field->type != EHR_FIELD_BYTES))
    {
        return NULL;
    }

    assert_true(limit + 2 < sizeof(value));
    memset(value, '7', limit + 1);
    value[limit + 1] = '\0';
    *fault = field->longest ? "too_long" : "long";

    return value;
}


/* --- records ------------------------------------------------------------- */


static const char *
value_of(const change_t *change, const ehr_section_table_t *table,
         const ehr_field_t *field)
{
    if (change->table == table && change->field == field) {
        return change->value;
    }

    return table_good(table, field);
}


static char *
put_fields(char *p, const ehr_section_table_t *table, const change_t *change)
{
    for (uint32_t i = 0; i < table->nfields; i++) {
        const ehr_field_t  *field = &table->fields[i];
        const char         *value = value_of(change, table, field);

        if (value) {
            p += sprintf(p, "<%s>%s</%s>", field->name, value, field->name);
        }
    }

    return p;
}


static ehr_str_t
put_xml(char *text, const ehr_section_table_t *table, const change_t *change)
{
    char       *p = text + sprintf(text, "<%s>", table->root);
    ehr_str_t   s;

    p += table->list ? sprintf(p, "<%s>", table->list) : 0;
    p += table->row ? sprintf(p, "<%s>", table->row) : 0;
    p = put_fields(p, table, change);
    p += table->row ? sprintf(p, "</%s>", table->row) : 0;
    p += table->list ? sprintf(p, "</%s>", table->list) : 0;
    p += sprintf(p, "</%s>", table->root);
    s.data = text;
    s.len = (size_t) (p - text);

    return s;
}


/* The signed copy says what the JSON would say without the change. */

static char *
put_signed(char *p)
{
    static char                 text[TEXT_MAX];
    const ehr_section_table_t  *table = ehr_standard_root(bed.standard,
                                                          ehr_str("root"));
    ehr_str_t                   base64;

    base64 = doc_base64(put_xml(text, table, &no_change));
    p += sprintf(p, "\"%.*s\"", (int) base64.len, base64.data);
    doc_free(base64);

    return p;
}


static char *
put_members(char *p, const ehr_section_table_t *table, const change_t *change)
{
    const char  *comma = "";

    for (uint32_t i = 0; i < table->nfields; i++) {
        const ehr_field_t  *field = &table->fields[i];
        const char         *value = value_of(change, table, field);

        if (value == NULL) {
            continue;
        }

        p += sprintf(p, "%s\"%s\":", comma, field->name);
        comma = ",";

        if (field->type == EHR_FIELD_BASE64 && field != change->field) {
            p = put_signed(p);

        } else {
            int  is_raw = change->is_raw && field == change->field;

            p += sprintf(p, is_raw ? "%s" : "\"%s\"", value);
        }
    }

    return p;
}


static ehr_str_t
put_json(const change_t *change)
{
    ehr_str_t   s = { bed.text, 0 };
    char       *p = bed.text;

    *p++ = '{';

    for (uint32_t i = 0; i < bed.standard->nsections; i++) {
        const ehr_section_table_t  *table = &bed.standard->sections[i];

        if (!table->is_json) {
            continue;
        }

        if (table->list == NULL) {
            if (p != bed.text + 1) {
                continue;
            }

            p = put_members(p, table, change);
            continue;
        }

        p += sprintf(p, ",\"%s\":[{", table->list);
        p = put_members(p, table, change);
        p = stpcpy(p, "}]");
    }

    *p++ = '}';
    s.len = (size_t) (p - bed.text);

    return s;
}


/* --- reading and judging ------------------------------------------------- */


static doc_read_t
read_section(ehr_str_t text)
{
    static ehr_reader_t  reader;
    doc_read_t           r;
    ehr_reading_t        reading;
    ehr_scan_input_t     in;
    ehr_scan_fault_t     fault;
    ehr_scan_t           scan;

    memset(&r, 0, sizeof(r));
    memset(&reading, 0, sizeof(reading));
    memset(&in, 0, sizeof(in));
    r.arena = ehr_arena_create(DOC_ARENA);
    r.doc.findings.arena = r.arena;
    reading.arena = r.arena;
    reading.findings = &r.doc.findings;
    reading.sender = ehr_str(DOC_FACILITY);
    reading.kind = bed.table->kind;
    assert_int_equal(ehr_records_begin(&reading.records, r.arena, text.len),
                     EHR_OK);
    in.content = text;
    in.limits = &ehr_scan_section;

    ehr_section_begin(&reader, bed.table, &reading, &scan);
    in.events = ehr_section_events(&reader);
    assert_int_equal(ehr_scan(&scan, &in, &fault), EHR_OK);
    ehr_section_end(&reader);
    assert_false(reading.is_broken);

    return r;
}


static doc_read_t
read_json(ehr_str_t text)
{
    doc_read_t            r;
    ehr_document_input_t  in;

    memset(&in, 0, sizeof(in));
    in.content = text;
    in.content_form = EHR_CONTENT_JSON;
    in.facility = ehr_str(DOC_FACILITY);
    r.arena = ehr_arena_create(DOC_ARENA);
    r.rc = ehr_document_read(&in, r.arena, &r.doc);
    assert_int_not_equal(r.rc, EHR_BROKEN);

    return r;
}


static doc_read_t
read_changed(const change_t *change)
{
    return bed.table->is_json ? read_json(put_json(change))
                              : read_section(put_xml(bed.text, bed.table,
                                                     change));
}


static void
complain(const doc_read_t *r, const change_t *change, const char *fault)
{
    doc_print(r);
    fail_msg("%s %s.%s: expected %s", bed.standard->name, bed.table->name,
             change->field ? change->field->name : "", fault);
}


/* What the two copies disagree about is another test. */

static int
is_counted(const ehr_finding_t *f)
{
    static const char  end[] = ".disagrees";
    size_t             len = sizeof(end) - 1;

    return f->code.len < len
           || memcmp(f->code.data + f->code.len - len, end, len) != 0;
}


/* fault NULL: nothing is found. */

static void
expect(const change_t *change, const char *fault, uint32_t severity)
{
    doc_read_t   r = read_changed(change);
    char         code[256];
    uint32_t     row = bed.table->list ? 1 : 0;
    size_t       n = 0;

    for (size_t i = 0; i < r.doc.findings.n; i++) {
        n += (size_t) is_counted(&r.doc.findings.items[i]);
    }

    if (fault == NULL) {
        if (n != 0) {
            complain(&r, change, "nothing");
        }

        bed.nvalid++;

    } else {
        const ehr_finding_t  *f;

        (void) snprintf(code, sizeof(code), "%s.%s", change->field->code,
                        fault);
        f = doc_finding(&r, code, row);

        if (n != 1 || f == NULL || f->severity != severity
            || !ehr_str_is(f->field, change->field->name)
            || !ehr_str_is(f->section, bed.table->name)
            || f->message_vi.len == 0 || f->message_en.len == 0
            || f->rule.len == 0)
        {
            complain(&r, change, code);
        }

        bed.nwrong++;
    }

    doc_done(&r);
}


/* --- each field ---------------------------------------------------------- */


static void
break_absent(const ehr_field_t *field)
{
    const char  *fault = field->required == EHR_REQUIRED_YES ? "missing"
                                                             : NULL;
    change_t     change = { bed.table, field, NULL, 0 };

    /* without them the JSON is of another kind, or of none */
    if (strcmp(field->name, "SO") != 0 && strcmp(field->name, "HANGBANGLAI")
        && strcmp(field->name, "ma_don_thuoc"))
    {
        expect(&change, fault, field->severity);
    }

    change.value = "";
    expect(&change, fault, field->severity);
    change.value = " \t ";

    if (!bed.table->is_json) {
        expect(&change, fault, field->severity);
    }
}


static void
break_length(const ehr_field_t *field)
{
    const char  *fault = NULL;
    change_t     change = { bed.table, field, long_value(field, &fault), 0 };

    if (change.value) {
        expect(&change, fault, field->longest ? field->severity
                                              : EHR_SEVERITY_WARNING);
    }
}


static void
break_type(const ehr_field_t *field)
{
    static const char *const  numbers[] = { "1,5", "1.000.000", "1e3", "x" };
    static const char *const  dates[] = {
        "x", "20260229", "2026-01-01", "202601012460", "31/02/2026", "0",
        "1/1/2026", "20260101120060"
    };
    change_t                  change = { bed.table, field, NULL, 0 };

    if (field->type == EHR_FIELD_NUMBER) {
        for (size_t i = 0; i < 4; i++) {
            change.value = numbers[i];
            expect(&change, "type", field->severity);
        }

    } else if (field->type != EHR_FIELD_TEXT && field->type != EHR_FIELD_BYTES
               && field->type != EHR_FIELD_BASE64)
    {
        for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
            change.value = dates[i];
            expect(&change, "date", field->severity);
        }
    }

    if (field->type == EHR_FIELD_BASE64) {
        change.value = "***";
        expect(&change, "base64", EHR_SEVERITY_ERROR);
    }

    if (bed.table->is_json) {
        change.is_raw = 1;
        change.value = "{}";
        expect(&change, "json", bed.table->severity);
        change.value = "true";
        expect(&change, "json", bed.table->severity);
    }
}


static void
break_code(const ehr_field_t *field)
{
    change_t  change = { bed.table, field, NULL, 0 };

    if (field->codes == NULL || (change.value = wrong_code(field)) == NULL) {
        return;
    }

    expect(&change, "code", field->codes_severity);
}


static void
try_table(const ehr_standard_t *standard, const ehr_section_table_t *table)
{
    bed.standard = standard;
    bed.table = table;
    bed.nvalid = 0;
    bed.nwrong = 0;

    expect(&no_change, NULL, 0);

    for (uint32_t i = 0; i < table->nfields; i++) {
        break_absent(&table->fields[i]);
        break_length(&table->fields[i]);
        break_type(&table->fields[i]);
        break_code(&table->fields[i]);
    }

    print_message("%s %s: %zu valid, %zu wrong\n", standard->name,
                  table->name, bed.nvalid, bed.nwrong);
    assert_true(bed.nwrong >= table->nfields / 4);
}


/* An envelope's fields are paths; it is read as a whole. */

static int
is_envelope(const ehr_section_table_t *table)
{
    return strchr(table->fields[0].path, '/') != NULL;
}


static void
try_standard(const char *name)
{
    const ehr_standard_t  *standard = ehr_standard_of_name(ehr_str(name));

    assert_non_null(standard);

    for (uint32_t i = 0; i < standard->nsections; i++) {
        if (!is_envelope(&standard->sections[i])) {
            try_table(standard, &standard->sections[i]);
        }
    }
}


static void
each_field_of_decision_130_is_checked(void **state)
{
    try_standard("qd130");
}


static void
each_field_of_decision_4750_is_checked(void **state)
{
    try_standard("qd4750");
}


static void
each_field_of_decision_3176_is_checked(void **state)
{
    try_standard("qd3176");
}


static void
each_field_of_civil_registration_is_checked(void **state)
{
    try_standard("civil-registration");
}


static void
each_field_of_vouchers_is_checked(void **state)
{
    try_standard("vouchers");
}


static void
each_field_of_a_driver_exam_is_checked(void **state)
{
    try_standard("driver-exam");
}


static void
each_field_of_a_prescription_is_checked(void **state)
{
    try_standard("prescription");
}


static void
no_standard_is_left_out(void **state)
{
    assert_int_equal(ehr_nstandards, 7);
}


/* --- envelopes ----------------------------------------------------------- */


typedef struct {
    const char  *root;
    const char  *name;
    ehr_str_t    content;     /* Base64 */
    const char  *leaf;        /* that has another value */
    const char  *value;       /* NULL: absent */
} envelope_t;


static char *
put_leaf(char *p, const envelope_t *e, const char *leaf, ehr_str_t value)
{
    if (e->leaf && strcmp(e->leaf, leaf) == 0) {
        value = ehr_str(e->value);

        if (value.data == NULL) {
            return p;
        }
    }

    return p + sprintf(p, "<%s>%.*s</%s>", leaf, (int) value.len, value.data,
                       leaf);
}


static ehr_str_t
put_envelope(const envelope_t *e)
{
    char       *p = bed.text + sprintf(bed.text, "<%s><THONGTINDONVI>",
                                       e->root);
    ehr_str_t   s = { bed.text, 0 };

    p = put_leaf(p, e, "MACSKCB", ehr_str(DOC_FACILITY));
    p = stpcpy(p, "</THONGTINDONVI><THONGTINHOSO>");
    p = put_leaf(p, e, "NGAYLAP", ehr_str("20260107"));
    p = put_leaf(p, e, "SOLUONGHOSO", ehr_str("1"));
    p = stpcpy(p, "<DANHSACHHOSO><HOSO><FILEHOSO>");
    p = put_leaf(p, e, "LOAIHOSO", ehr_str(e->name));
    p = put_leaf(p, e, "NOIDUNGFILE", e->content);
    p += sprintf(p, "</FILEHOSO></HOSO></DANHSACHHOSO></THONGTINHOSO>"
                 "<CHUKYDONVI/></%s>", e->root);
    s.len = (size_t) (p - bed.text);

    return s;
}


static void
expect_leaf(envelope_t *e, const ehr_field_t *field, const char *fault,
            const char *value)
{
    uint32_t     row = strstr(field->path, "FILEHOSO/") ? 1 : 0;
    char         code[128];
    doc_read_t   r;

    e->leaf = field->name;
    e->value = value;
    (void) snprintf(code, sizeof(code), "%s.%s", field->code, fault);
    r = doc_read(put_envelope(e));

    if (doc_finding(&r, code, row) == NULL) {
        doc_print(&r);
        fail_msg("%s: expected %s", e->root, code);
    }

    assert_int_equal(r.rc, EHR_REFUSED);
    doc_done(&r);
}


static void
try_envelope(const char *standard_name, const char *root, const char *name)
{
    static char                 text[TEXT_MAX];
    const ehr_standard_t       *standard;
    const ehr_section_table_t  *table;
    envelope_t                  e = { root, name, ehr_null_string, NULL,
                                      NULL };
    const char                 *fault;
    doc_read_t                  r;

    standard = ehr_standard_of_name(ehr_str(standard_name));
    table = ehr_standard_section(standard, ehr_str(root));
    assert_non_null(table);
    e.content = doc_base64(put_xml(text,
                                   ehr_standard_section(standard,
                                                        ehr_str(name)),
                                   &no_change));

    r = doc_read(put_envelope(&e));
    doc_print(&r);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 0);
    doc_done(&r);

    for (uint32_t i = 0; i + 1 < table->nfields; i++) {
        const ehr_field_t  *field = &table->fields[i];
        const char         *value = long_value(field, &fault);

        expect_leaf(&e, field, "missing", NULL);
        expect_leaf(&e, field, "missing", "");

        if (value && field->role != EHR_ROLE_FACILITY) {
            expect_leaf(&e, field, fault, value);
        }

        if (field->type == EHR_FIELD_DATE) {
            expect_leaf(&e, field, "date", "20260230");
        }

        if (field->type == EHR_FIELD_NUMBER) {
            expect_leaf(&e, field, "type", "x");
        }
    }

    doc_free(e.content);
}


static void
each_field_of_an_envelope_is_checked(void **state)
{
    try_envelope("qd3176", "GIAMDINHHS", "XML1");
    try_envelope("vouchers", "HSCHUNGTU", "CT03");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(no_standard_is_left_out),
        cmocka_unit_test(each_field_of_decision_130_is_checked),
        cmocka_unit_test(each_field_of_decision_4750_is_checked),
        cmocka_unit_test(each_field_of_decision_3176_is_checked),
        cmocka_unit_test(each_field_of_civil_registration_is_checked),
        cmocka_unit_test(each_field_of_vouchers_is_checked),
        cmocka_unit_test(each_field_of_a_driver_exam_is_checked),
        cmocka_unit_test(each_field_of_a_prescription_is_checked),
        cmocka_unit_test(each_field_of_an_envelope_is_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
