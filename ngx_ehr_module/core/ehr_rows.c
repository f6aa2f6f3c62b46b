/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides where the values of a document lie: texts one behind the other in
 * large pieces of the arena, a row's values side by side.  What they mean is
 * known to the tables and the validators.
 */

#include "ehr_fields.h"
#include "ehr_rows.h"
#include "ehr_text.h"


#define EHR_ROWS_TEXT   4080  /* a piece of the arena without waste */
#define EHR_ROWS_FIRST  16

/* A row costs 16 bytes a field; whoever fills in what a row needs has written
 * more than that.  Empty rows would cost fifty times their size. */

#define EHR_ROWS_RATIO  3
#define EHR_ROWS_SPARE  (1024 * 1024)


ehr_rc_t
ehr_records_begin(ehr_records_t *records, ehr_arena_t *arena,
                  size_t content_len)
{
    memset(records, 0, sizeof(*records));
    records->arena = arena;
    records->left = EHR_ROWS_SPARE;
    records->kept = ehr_arena_calloc(arena, EHR_SECTION_LAST
                                             * sizeof(ehr_rows_kept_t));

    if (content_len <= (SIZE_MAX - EHR_ROWS_SPARE) / EHR_ROWS_RATIO) {
        records->left += EHR_ROWS_RATIO * content_len;
    }

    if (records->kept) {
        records->sections = ehr_arena_calloc(arena, EHR_SECTION_LAST
                                                    * sizeof(ehr_section_t));
    }

    return records->sections ? EHR_OK : EHR_BROKEN;
}


static void *
rows_alloc(ehr_rows_t *rows, size_t size)
{
    void  *piece;

    if (size > rows->records->left) {
        rows->is_full = 1;

        return NULL;
    }

    rows->records->left -= size;
    piece = ehr_arena_alloc(rows->records->arena, size);
    rows->is_broken |= (piece == NULL);

    return piece;
}


void
ehr_records_doubt(ehr_records_t *records)
{
    for (uint32_t i = 0; records->sections && i < EHR_SECTION_LAST; i++) {
        if ((records->sections[i].flags & EHR_SECTION_PRESENT) == 0) {
            records->sections[i].flags |= EHR_SECTION_PARTIAL;
        }
    }
}


/* A kind of paper may come several times: its rows go on. */

void
ehr_rows_begin(ehr_rows_t *rows, ehr_records_t *records,
               const ehr_section_table_t *table)
{
    ehr_section_t  *section;

    memset(rows, 0, sizeof(*rows));
    rows->records = records;

    if (records->sections == NULL) {
        return;
    }

    section = &records->sections[table->id];
    section->name = ehr_str(table->name);
    section->fields = table->names;
    section->nfields = table->nids;
    section->flags |= EHR_SECTION_PRESENT;
    rows->section = section;
    rows->kept = &records->kept[table->id];
    rows->is_flat = (table->list == NULL);
}


void
ehr_rows_stop(ehr_rows_t *rows)
{
    if (rows->section) {
        rows->section->flags |= EHR_SECTION_PARTIAL;
    }

    rows->section = NULL;
    rows->values = NULL;
}


static int
rows_grow(ehr_rows_t *rows)
{
    uint32_t    n = rows->section->nrows;
    uint32_t    allocated = n ? 2 * n : EHR_ROWS_FIRST;
    ehr_row_t  *grown;

    if (rows->is_flat && n == 0) {
        allocated = 1;
    }

    grown = rows_alloc(rows, allocated * sizeof(ehr_row_t));
    if (grown == NULL) {
        return 0;
    }

    if (n) {
        memcpy(grown, rows->section->rows, n * sizeof(ehr_row_t));
    }

    rows->kept->rows = grown;
    rows->kept->allocated = allocated;
    rows->section->rows = grown;

    return 1;
}


void
ehr_rows_row(ehr_rows_t *rows, uint32_t number, uint32_t line)
{
    ehr_section_t  *section = rows->section;
    ehr_row_t      *row;

    if (section == NULL) {
        return;
    }

    rows->values = rows_alloc(rows, section->nfields * sizeof(ehr_str_t));

    if (rows->values == NULL
        || (section->nrows == rows->kept->allocated && !rows_grow(rows)))
    {
        ehr_rows_stop(rows);

        return;
    }

    memset(rows->values, 0, section->nfields * sizeof(ehr_str_t));

    row = &rows->kept->rows[section->nrows++];
    row->values = rows->values;
    row->number = number;
    row->line = line;
}


static int
rows_room(ehr_rows_t *rows, size_t wanted)
{
    size_t   size = EHR_ROWS_TEXT;
    char    *text;

    if (wanted > EHR_ROWS_TEXT / 2) {
        size = 2 * wanted;
    }

    text = rows_alloc(rows, size);
    if (text == NULL) {
        ehr_rows_stop(rows);

        return 0;
    }

    if (rows->len) {
        memcpy(text, rows->records->text, rows->len);
    }

    rows->records->text = text;
    rows->records->room = size;

    return 1;
}


static int
rows_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}


void
ehr_rows_value(ehr_rows_t *rows)
{
    rows->len = 0;
}


void
ehr_rows_text(ehr_rows_t *rows, const char *text, size_t len)
{
    ehr_records_t  *records = rows->records;

    if (rows->values == NULL) {
        return;
    }

    while (rows->len == 0 && len > 0 && rows_is_blank(*text)) {
        text++;
        len--;
    }

    if (len == 0
        || (rows->len + len > records->room
            && !rows_room(rows, rows->len + len)))
    {
        return;
    }

    memcpy(records->text + rows->len, text, len);
    rows->len += len;
}


/* What is compared has one form; what is kept and sent is not this copy. */

static void
rows_normalize(ehr_rows_t *rows, ehr_str_t *value)
{
    ehr_str_t  key = ehr_text_key(*value, rows->records->arena);
    size_t     taken = key.data == value->data ? 0 : key.len;

    *value = key;

    if (key.data && taken <= rows->records->left) {
        rows->records->left -= taken;

        return;
    }

    rows->is_broken |= (key.data == NULL);
    rows->is_full |= (key.data != NULL);
    ehr_rows_stop(rows);
}


void
ehr_rows_value_end(ehr_rows_t *rows, uint32_t id)
{
    ehr_records_t  *records = rows->records;
    ehr_str_t      *value;

    if (rows->values == NULL || rows->values[id].data != NULL) {
        return;
    }

    while (rows->len > 0 && rows_is_blank(records->text[rows->len - 1])) {
        rows->len--;
    }

    value = &rows->values[id];

    if (rows->len == 0) {
        value->data = "";

        return;
    }

    value->data = records->text;
    value->len = rows->len;
    records->text += rows->len;
    records->room -= rows->len;
    rows->len = 0;

    rows_normalize(rows, value);
}


void
ehr_rows_set(ehr_rows_t *rows, uint32_t id, ehr_str_t value)
{
    ehr_rows_value(rows);
    ehr_rows_text(rows, value.data, value.len);
    ehr_rows_value_end(rows, id);
}
