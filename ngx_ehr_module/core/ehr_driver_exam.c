/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides whether the two copies of a driver's health examination agree.  The
 * partner reads one and verifies the other, so a difference is a forgery or a
 * fault.
 */

#include "ehr_base64.h"
#include "ehr_driver_exam.h"
#include "ehr_fields.h"
#include "ehr_section.h"
#include "ehr_text.h"


typedef struct {
    ehr_reading_t              *reading;
    const ehr_section_table_t  *outer;
    const ehr_section_table_t  *inner;
} exam_t;


/* The published guide spells one name in two ways. */

static const char *
exam_outer_name(const char *inner)
{
    return strcmp(inner, "NGAYTHANGNAMCAPCMD") == 0 ? "NGAYTHANGNAMCAPCMND"
                                                    : inner;
}


static ehr_str_t
exam_value(const exam_t *exam, const ehr_section_table_t *table,
           const ehr_field_t *field)
{
    const ehr_section_t  *section;
    ehr_str_t             none = ehr_null_string;

    section = &exam->reading->records.sections[table->id];

    return section->nrows ? section->rows[0].values[field->id] : none;
}


/* 0.50 is 0.5. */

static ehr_str_t
exam_number(ehr_str_t v)
{
    if (memchr(v.data, '.', v.len) == NULL) {
        return v;
    }

    while (v.len > 1 && v.data[v.len - 1] == '0') {
        v.len--;
    }

    v.len -= (v.data[v.len - 1] == '.');

    return v;
}


static int
exam_differs(const exam_t *exam, const ehr_field_t *field, ehr_str_t a,
             ehr_str_t b)
{
    if (a.len == 0 || b.len == 0) {
        /* told as missing, where it must be there; a copy without the element
         * says nothing of it, one with an empty element does */
        return a.len != b.len && a.data && b.data
               && field->required != EHR_REQUIRED_YES;
    }

    if (field->type == EHR_FIELD_NUMBER) {
        a = exam_number(a);
        b = exam_number(b);
    }

    a = ehr_text_key(a, exam->reading->arena);
    b = ehr_text_key(b, exam->reading->arena);
    exam->reading->is_broken |= (a.data == NULL || b.data == NULL);

    return !ehr_str_eq(a, b);
}


static void
exam_compare(const exam_t *exam)
{
    ehr_place_t  place = { exam->outer, NULL, 0, 0 };

    for (uint32_t i = 0; i < exam->inner->nfields; i++) {
        const ehr_field_t  *field = &exam->inner->fields[i];
        const char         *name = exam_outer_name(field->name);
        uint32_t            at;

        at = ehr_table_find(exam->outer, ehr_str(name), 0);

        if (at == exam->outer->nfields) {
            continue;
        }

        place.field = &exam->outer->fields[at];

        if (exam_differs(exam, field,
                         exam_value(exam, exam->outer, place.field),
                         exam_value(exam, exam->inner, field)))
        {
            ehr_report(exam->reading, &place, EHR_FAULT_DISAGREES);
        }
    }
}


static void
exam_parse(const exam_t *exam, const ehr_document_input_t *in,
           ehr_str_t bytes)
{
    ehr_scan_t        scan;
    ehr_reader_t      reader;
    ehr_scan_input_t  input;
    ehr_scan_fault_t  fault;
    ehr_str_t         outer_key = exam->reading->key;
    ehr_rc_t          rc;

    /* its number is judged by itself: it names a facility as well */
    exam->reading->key.len = 0;
    ehr_section_begin(&reader, exam->inner, exam->reading, &scan);

    input.content = bytes;
    input.limits = &ehr_scan_section;
    input.events = ehr_section_events(&reader);
    input.deadline_ns = in->deadline_ns;
    input.cpu_now_ns = in->cpu_now_ns;

    rc = ehr_scan(&scan, &input, &fault);
    exam->reading->key = outer_key;

    if (rc == EHR_REFUSED) {
        ehr_report_xml(exam->reading, exam->inner, &fault);

        return;
    }

    ehr_section_end(&reader);
    exam_compare(exam);
}


void
ehr_driver_exam_signed(const ehr_document_input_t *in, ehr_reading_t *reading,
                       const ehr_standard_t *standard)
{
    exam_t       exam = { reading, NULL, NULL };
    ehr_place_t  place = { NULL, NULL, 0, 0 };
    ehr_str_t    text, bytes;
    ehr_rc_t     rc = EHR_OK;

    exam.outer = ehr_standard_kind(standard, EHR_KIND_DRIVER_EXAM);
    exam.inner = ehr_standard_root(standard, ehr_str("root"));
    place.table = exam.outer;
    place.field = &exam.outer->fields[ehr_table_find(exam.outer,
                                                     ehr_str("SIGNDATA"), 0)];
    text = exam_value(&exam, exam.outer, place.field);

    if (text.len == 0) {
        return;
    }

    bytes = ehr_base64_decode(text, reading->arena, &rc);

    if (rc == EHR_REFUSED) {
        reading->is_malformed = 1;
        ehr_report(reading, &place, EHR_FAULT_BASE64);

        return;
    }

    if (bytes.data == NULL) {
        reading->is_broken = 1;

        return;
    }

    exam_parse(&exam, in, bytes);
}
