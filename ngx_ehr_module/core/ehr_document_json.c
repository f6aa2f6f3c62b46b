/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides what a JSON document is, by its members alone, and walks it along
 * the tables of its standard: one for the members of the document, one for
 * each list in it.  Knows no member by name but those that tell the kind.
 */

#include <stdio.h>

#include <jansson.h>

#include "ehr_document_json.h"
#include "ehr_driver_exam.h"
#include "ehr_json_gate.h"
#include "ehr_rows.h"
#include "ehr_standard.h"


#define EHR_UNKNOWN_MAX  10   /* strange members of an object worth a word */
#define EHR_NUMBER_MAX   48   /* characters of a JSON number written again */


typedef struct {
    ehr_reading_t         *reading;
    const ehr_standard_t  *standard;
    uint32_t               nunknown;
} walk_t;


/* --- from bytes to values ------------------------------------------------ */


static void
json_refuse(ehr_reading_t *reading, ehr_fault_e fault, uint32_t line)
{
    reading->is_malformed = 1;
    ehr_report_document(reading, fault, line);
}


static ehr_fault_e
json_fault(const json_error_t *error)
{
    switch (json_error_code(error)) {

    case json_error_duplicate_key:
        return EHR_FAULT_JSON_DUPLICATE;

    case json_error_stack_overflow:
        return EHR_FAULT_JSON_DEPTH;

    default:
        return EHR_FAULT_JSON;
    }
}


static int
json_passes(const ehr_document_input_t *in, ehr_reading_t *reading,
            size_t *skip)
{
    static const ehr_fault_e  faults[] = {
        [EHR_JSON_GATE_EMPTY] = EHR_FAULT_JSON_EMPTY,
        [EHR_JSON_GATE_SIZE] = EHR_FAULT_JSON_SIZE,
        [EHR_JSON_GATE_UTF8] = EHR_FAULT_JSON_UTF8,
        [EHR_JSON_GATE_CONTROL] = EHR_FAULT_JSON_CONTROL,
        [EHR_JSON_GATE_DEPTH] = EHR_FAULT_JSON_DEPTH,
        [EHR_JSON_GATE_VALUES] = EHR_FAULT_JSON_VALUES
    };
    ehr_json_gate_result_t    result;
    ehr_json_gate_e           rc = ehr_json_gate_check(in->content, &result);

    *skip = result.skip;

    if (rc != EHR_JSON_GATE_OK) {
        json_refuse(reading, faults[rc], result.line);

        return 0;
    }

    return 1;
}


static json_t *
json_parse(const ehr_document_input_t *in, ehr_reading_t *reading)
{
    json_error_t  error;
    json_t       *root;
    size_t        skip;

    if (!json_passes(in, reading, &skip)) {
        return NULL;
    }

    root = json_loadb(in->content.data + skip, in->content.len - skip,
                      JSON_REJECT_DUPLICATES, &error);

    /* jansson gives a code for whatever is wrong with the text, and not for
     * each piece of memory that it lacks */

    if (root == NULL
        && (json_error_code(&error) == json_error_out_of_memory
            || json_error_code(&error) == json_error_unknown))
    {
        reading->is_broken = 1;

    } else if (root == NULL) {
        json_refuse(reading, json_fault(&error),
                    error.line > 0 ? (uint32_t) error.line : 0);
    }

    return root;
}


static ehr_kind_e
json_kind(const json_t *root)
{
    if (json_object_get(root, "SO") && json_object_get(root, "HANGBANGLAI")) {
        return EHR_KIND_DRIVER_EXAM;
    }

    if (json_object_get(root, "ma_don_thuoc")) {
        return EHR_KIND_PRESCRIPTION;
    }

    return EHR_KIND_UNKNOWN;
}


/* --- values -------------------------------------------------------------- */


static int
json_has_control(ehr_str_t text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char  c = (unsigned char) text.data[i];

        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
            return 1;
        }
    }

    return 0;
}


/* A value as text; 0 for what has none. */

static int
json_text(const json_t *value, char *buf, ehr_str_t *text)
{
    int  n = 0;

    switch (json_typeof(value)) {

    case JSON_STRING:
        text->data = json_string_value(value);
        text->len = json_string_length(value);

        return 1;

    case JSON_INTEGER:
        n = snprintf(buf, EHR_NUMBER_MAX, "%" JSON_INTEGER_FORMAT,
                     json_integer_value(value));
        break;

    case JSON_REAL:
        n = snprintf(buf, EHR_NUMBER_MAX, "%.15g", json_real_value(value));
        break;

    case JSON_NULL:
        break;

    default:
        return 0;
    }

    text->data = buf;
    text->len = n > 0 ? (size_t) n : 0;

    return 1;
}


static void
walk_field(walk_t *walk, ehr_rows_t *rows, const ehr_place_t *place,
           const json_t *json)
{
    char         buf[EHR_NUMBER_MAX];
    ehr_value_t  value;
    ehr_str_t    text;

    if (!json_text(json, buf, &text)) {
        ehr_report(walk->reading, place, EHR_FAULT_JSON_TYPE);

        return;
    }

    if (json_has_control(text)) {
        ehr_report(walk->reading, place, EHR_FAULT_CONTROL);
    }

    ehr_value_init(&value);
    ehr_value_add(&value, text.data, text.len);
    ehr_report_value(walk->reading, place, &value);
    ehr_rows_set(rows, place->field->id, text);
}


/* --- objects ------------------------------------------------------------- */


static int
walk_is_list(const walk_t *walk, const char *name)
{
    for (uint32_t i = 0; i < walk->standard->nsections; i++) {
        const ehr_section_table_t  *table = &walk->standard->sections[i];

        if (table->is_json && table->list && strcmp(table->list, name) == 0) {
            return 1;
        }
    }

    return 0;
}


/* Members that no table knows; never by name, it could be a person's. */

static void
walk_strangers(walk_t *walk, const ehr_place_t *place, json_t *object)
{
    const char  *name;
    json_t      *value;

    json_object_foreach(object, name, value) {
        if (ehr_table_find(place->table, ehr_str(name), 0)
            < place->table->nfields)
        {
            continue;
        }

        if (place->table->list == NULL && walk_is_list(walk, name)) {
            continue;
        }

        if (walk->nunknown++ < EHR_UNKNOWN_MAX) {
            ehr_report(walk->reading, place, EHR_FAULT_UNKNOWN);
        }
    }
}


static void
walk_object(walk_t *walk, ehr_rows_t *rows, ehr_place_t place, json_t *object)
{
    const ehr_section_table_t  *table = place.table;

    ehr_rows_row(rows, place.row, 0);

    for (uint32_t i = 0; i < table->nfields; i++) {
        const json_t  *value = json_object_get(object, table->fields[i].name);

        place.field = &table->fields[i];

        if (value) {
            walk_field(walk, rows, &place, value);

        } else if (place.field->required == EHR_REQUIRED_YES) {
            ehr_report(walk->reading, &place, EHR_FAULT_MISSING);
        }
    }

    place.field = NULL;
    walk_strangers(walk, &place, object);
}


static int
walk_needs_rows(const ehr_section_table_t *table)
{
    for (uint32_t i = 0; i < table->nfields; i++) {
        if (table->fields[i].required == EHR_REQUIRED_YES) {
            return 1;
        }
    }

    return 0;
}


/* A list of objects, or one object that stands for a list of one. */

static void
walk_list(walk_t *walk, const ehr_section_table_t *table, json_t *list)
{
    ehr_reading_t  *reading = walk->reading;
    ehr_place_t     place = { table, NULL, 0, 0 };
    ehr_rows_t      rows;
    size_t          n = json_is_array(list) ? json_array_size(list)
                                            : (size_t) json_is_object(list);

    if (list == NULL || n == 0) {
        if (walk_needs_rows(table)) {
            ehr_report(reading, &place, EHR_FAULT_ROWS);
        }

        return;
    }

    ehr_rows_begin(&rows, &reading->records, table);

    /* bounded by the gate's count of values */
    for (size_t i = 0; i < n; i++) {
        json_t  *row = json_is_array(list) ? json_array_get(list, i) : list;

        place.row = (uint32_t) i + 1;

        if (json_is_object(row)) {
            walk_object(walk, &rows, place, row);

        } else {
            ehr_report(reading, &place, EHR_FAULT_JSON_ROW);
        }
    }

    ehr_report_rows(reading, table, &rows);
}


static void
walk_document(walk_t *walk, json_t *root)
{
    ehr_reading_t              *reading = walk->reading;
    const ehr_section_table_t  *table;
    ehr_place_t                 place = { NULL, NULL, 0, 0 };
    ehr_rows_t                  rows;

    place.table = ehr_standard_kind(walk->standard, reading->kind);

    ehr_rows_begin(&rows, &reading->records, place.table);
    walk_object(walk, &rows, place, root);
    ehr_report_rows(reading, place.table, &rows);

    for (uint32_t i = 0; i < walk->standard->nsections; i++) {
        table = &walk->standard->sections[i];

        if (table->is_json && table->list) {
            walk_list(walk, table, json_object_get(root, table->list));
        }
    }
}


const ehr_standard_t *
ehr_document_json_read(const ehr_document_input_t *in, ehr_reading_t *reading)
{
    walk_t   walk = { reading, NULL, 0 };
    json_t  *root = json_parse(in, reading);

    if (root == NULL) {
        return NULL;
    }

    reading->kind = json_kind(root);

    if (reading->kind != EHR_KIND_UNKNOWN) {
        walk.standard = ehr_standard_set(reading->kind, in->standard);

        if (walk.standard == NULL) {
            walk.standard = ehr_standard_of_kind(reading->kind, 0);
        }

        walk_document(&walk, root);
    }

    if (reading->kind == EHR_KIND_DRIVER_EXAM && !reading->is_broken) {
        ehr_driver_exam_signed(in, reading, walk.standard);
    }

    json_decref(root);

    return walk.standard;
}
