/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides, event by event, where in a section the scan stands and which row
 * of the table speaks of it.  Knows no section by name, and leaves what a
 * value may be to ehr_field.c.
 */

#include "ehr_section.h"


#define EHR_UNKNOWN_MAX  10   /* strange elements of a section worth a word */


/* A flat section has no rows to count. */

static ehr_place_t
section_place(const ehr_reader_t *s, const ehr_field_t *field, uint32_t line)
{
    ehr_place_t  place = { s->table, field, s->table->list ? s->row : 0,
                           line };

    return place;
}


static void
section_report(ehr_reader_t *s, const ehr_field_t *field, ehr_fault_e fault)
{
    ehr_place_t  place = section_place(s, field, s->scan->line);

    ehr_report(s->reading, &place, fault);
}


static void
section_skip(ehr_reader_t *s)
{
    s->skipped = s->depth;
}


static void
section_partial(ehr_reader_t *s)
{
    if (s->rows.section) {
        s->rows.section->flags |= EHR_SECTION_PARTIAL;
    }
}


static void
section_unknown(ehr_reader_t *s)
{
    section_skip(s);

    if (s->depth < s->field_depth) {
        section_partial(s);
    }

    if (s->nunknown++ < EHR_UNKNOWN_MAX) {
        section_report(s, NULL, EHR_FAULT_UNKNOWN);
    }
}


/* What belongs to whoever checks signatures: CHUKYDONVI beside the list, or
 * a Signature of whatever prefix among the fields of a flat document. */

static int
section_is_signature(const ehr_reader_t *s, ehr_str_t name)
{
    if (s->table->kind == EHR_KIND_UNKNOWN || s->depth != 2) {
        return 0;
    }

    if (s->field_depth == 2) {
        return ehr_str_is(name, "Signature")
               || ehr_str_is(name, EHR_SCAN_FOREIGN);
    }

    return ehr_str_is(name, "CHUKYDONVI");
}


/* An element that is neither of its table nor of a signature. */

static void
section_stranger(ehr_reader_t *s, ehr_str_t name)
{
    if (section_is_signature(s, name)) {
        section_skip(s);

        return;
    }

    section_unknown(s);
}


static void
section_row_begin(ehr_reader_t *s)
{
    memset(s->seen, 0, sizeof(s->seen));
    s->nseen = 0;
    s->next = 0;
    s->row++;
    s->row_line = s->scan->line;

    /* a document with so many errors is refused without more of them */
    if (s->reading->findings->nerrors >= EHR_FINDINGS_MAX) {
        ehr_rows_stop(&s->rows);
    }

    ehr_rows_row(&s->rows, s->table->list ? s->row : 0, s->row_line);
}


static int
section_has_seen(const ehr_reader_t *s, uint32_t position)
{
    return (s->seen[position / 64] >> (position % 64)) & 1;
}


static void
section_row_end(ehr_reader_t *s)
{
    ehr_place_t  place = section_place(s, NULL, s->row_line);

    if (s->nseen == s->table->nfields) {
        return;
    }

    for (uint32_t i = 0; i < s->table->nfields; i++) {
        if (s->table->fields[i].required == EHR_REQUIRED_YES
            && !section_has_seen(s, i))
        {
            place.field = &s->table->fields[i];
            ehr_report(s->reading, &place, EHR_FAULT_MISSING);
        }
    }
}


static void
section_field_begin(ehr_reader_t *s, ehr_str_t name)
{
    uint32_t  i = ehr_table_find(s->table, name, s->next);

    if (i == s->table->nfields) {
        section_stranger(s, name);

        return;
    }

    s->field = &s->table->fields[i];
    s->line = s->scan->line;
    ehr_value_init(&s->value);
    ehr_rows_value(&s->rows);

    if (section_has_seen(s, i)) {
        section_report(s, s->field, EHR_FAULT_DUPLICATE);

    } else {
        s->seen[i / 64] |= 1ULL << (i % 64);
        s->nseen++;
    }

    if (i < s->next && !s->told_order) {
        s->told_order = 1;
        section_report(s, NULL, EHR_FAULT_ORDER);
    }

    s->next = i + 1;
}


static void
section_field_end(ehr_reader_t *s)
{
    ehr_place_t  place = section_place(s, s->field, s->line);

    ehr_report_value(s->reading, &place, &s->value);
    ehr_rows_value_end(&s->rows, s->field->id);
    s->field = NULL;
}


static void
section_root(ehr_reader_t *s, ehr_str_t name)
{
    if (!ehr_str_is(name, s->table->root)) {
        section_report(s, NULL, EHR_FAULT_ROOT);
        section_skip(s);
        section_partial(s);

        /* no second word about what it lacks */
        s->row = 1;

        return;
    }

    if (s->field_depth == 2) {
        section_row_begin(s);
    }
}


/* Two records in a file of one: which of them was meant? */

static void
section_row(ehr_reader_t *s)
{
    if (s->table->list == NULL && s->row > 0) {
        section_report(s, NULL, EHR_FAULT_ROW_TWICE);
        section_skip(s);

        return;
    }

    section_row_begin(s);
}


static void
section_list(ehr_reader_t *s, ehr_str_t name)
{
    if (!ehr_str_is(name, s->table->list)) {
        section_stranger(s, name);

        return;
    }

    if (s->has_list) {
        section_report(s, NULL, EHR_FAULT_LIST);
    }

    s->has_list = 1;
}


static void
section_start(void *data, ehr_str_t name)
{
    ehr_reader_t  *s = data;

    s->depth++;

    if (s->skipped) {
        return;
    }

    if (s->depth == s->field_depth) {
        section_field_begin(s, name);

    } else if (s->depth > s->field_depth) {
        section_report(s, s->field, EHR_FAULT_CHILDREN);
        section_skip(s);

    } else if (s->depth == 1) {
        section_root(s, name);

    } else if (s->depth == 2 && s->table->list) {
        section_list(s, name);

    } else if (ehr_str_is(name, s->table->row)) {
        section_row(s);

    } else {
        section_stranger(s, name);
    }
}


static void
section_stop(void *data)
{
    ehr_reader_t  *s = data;

    if (s->skipped) {
        s->skipped = (s->skipped == s->depth) ? 0 : s->skipped;
        s->depth--;

        return;
    }

    if (s->depth == s->field_depth) {
        section_field_end(s);

    } else if (s->depth == s->field_depth - 1) {
        section_row_end(s);
    }

    s->depth--;
}


static int
section_is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != ' ' && text[i] != '\n' && text[i] != '\t'
            && text[i] != '\r')
        {
            return 0;
        }
    }

    return 1;
}


static void
section_text(void *data, const char *text, size_t len)
{
    ehr_reader_t  *s = data;

    if (s->skipped) {
        return;
    }

    if (s->field) {
        ehr_value_add(&s->value, text, len);
        ehr_rows_text(&s->rows, text, len);

        return;
    }

    if (s->told_text || section_is_blank(text, len)) {
        return;
    }

    s->told_text = 1;
    section_report(s, NULL, EHR_FAULT_TEXT);
}


void
ehr_section_begin(ehr_reader_t *section, const ehr_section_table_t *table,
                  ehr_reading_t *reading, ehr_scan_t *scan)
{
    memset(section, 0, offsetof(ehr_reader_t, value));
    memset(&section->field, 0,
           sizeof(ehr_reader_t) - offsetof(ehr_reader_t, field));
    ehr_value_init(&section->value);

    section->table = table;
    section->reading = reading;
    section->scan = scan;
    section->field_depth = table->list ? 4 : (table->row ? 3 : 2);
    ehr_rows_begin(&section->rows, &reading->records, table);
}


ehr_scan_events_t
ehr_section_events(ehr_reader_t *section)
{
    ehr_scan_events_t  events = { section_start, section_stop, section_text,
                                 section };

    return events;
}


void
ehr_section_end(ehr_reader_t *section)
{
    ehr_place_t  place = { section->table, NULL, 0, 1 };

    ehr_report_rows(section->reading, section->table, &section->rows);

    if (section->row == 0) {
        ehr_report(section->reading, &place, EHR_FAULT_ROWS);
    }
}
