/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Cases of validators, plugins/<validator>/cases/<RULE>-<ok|bad>-<what>.json:
 * builds the document that a case describes, out of the samples.  What a case
 * may say is in plugins/claims/README.md.
 */

#ifndef EHR_TEST_CASES_H
#define EHR_TEST_CASES_H


#include <ctype.h>
#include <jansson.h>

#include "documents.h"
#include "ehr_tables.h"


#define CASE_SECTIONS  16
#define CASE_NAME_MAX  64
#define CASE_LK        DOC_FACILITY "-20260105-0001"


/* The place "XML2.1.THANH_TIEN_BV"; row 0 and field "": not said. */

typedef struct {
    char      section[CASE_NAME_MAX];
    uint32_t  row;
    char      field[CASE_NAME_MAX];
} case_place_t;


/* One section's text while it is changed. */

typedef struct {
    char                        name[CASE_NAME_MAX];
    const ehr_section_table_t  *table;
    ehr_str_t                   text;
} case_part_t;


typedef struct {
    case_part_t  parts[CASE_SECTIONS];
    size_t       n;
    int          is_whole;    /* one part, and it is the document */
} case_doc_t;


typedef struct {
    size_t  begin;
    size_t  end;
} case_range_t;


/* The newest standard's, whichever has it. */

static inline const ehr_section_table_t *
case_table(const char *name)
{
    for (uint32_t i = ehr_nstandards; i-- > 0; ) {
        const ehr_section_table_t  *table;

        table = ehr_standard_section(&ehr_standards[i], ehr_str(name));
        if (table) {
            return table;
        }
    }

    fail_msg("no section is called %s", name);

    return NULL;
}


static inline const char *
case_row_element(const case_part_t *part)
{
    return part->table->row ? part->table->row : part->table->root;
}


static inline case_place_t
case_place(const char *text)
{
    case_place_t  place = { "", 0, "" };
    const char   *at = strchr(text, '.');
    size_t        len = at ? (size_t) (at - text) : strlen(text);

    assert_true(len > 0 && len < sizeof(place.section));
    memcpy(place.section, text, len);

    if (at && isdigit((unsigned char) at[1])) {
        place.row = (uint32_t) strtoul(at + 1, NULL, 10);
        at = strchr(at + 1, '.');
    }

    if (at) {
        assert_true(strlen(at + 1) < sizeof(place.field));
        (void) stpcpy(place.field, at + 1);
    }

    return place;
}


/* --- text ---------------------------------------------------------------- */


/* Puts bytes in the place of a range. */

static inline void
case_splice(case_part_t *part, case_range_t range, const char *bytes)
{
    size_t  len = strlen(bytes), rest = part->text.len - range.end;
    char   *data = malloc(range.begin + len + rest + 1);

    assert_non_null(data);
    memcpy(data, part->text.data, range.begin);
    memcpy(data + range.begin, bytes, len);
    memcpy(data + range.begin + len, part->text.data + range.end, rest);
    data[range.begin + len + rest] = '\0';

    doc_free(part->text);
    part->text.data = data;
    part->text.len = range.begin + len + rest;
}


/* The n-th element of that name inside the range, with its tags. */

static inline int
case_element(const case_part_t *part, case_range_t in, const char *name,
             uint32_t n, case_range_t *found)
{
    char         open[CASE_NAME_MAX + 2], shut[CASE_NAME_MAX + 4];
    const char  *at = part->text.data + in.begin, *after, *end;

    (void) snprintf(open, sizeof(open), "<%s", name);
    (void) snprintf(shut, sizeof(shut), "</%s>", name);

    while ((at = strstr(at, open)) != NULL
           && (size_t) (at - part->text.data) < in.end)
    {
        after = at + strlen(open);

        if ((*after == '>' || *after == '/' || *after == ' ') && --n == 0) {
            end = *after == '/' ? after + 2
                                : strstr(after, shut) + strlen(shut);
            found->begin = (size_t) (at - part->text.data);
            found->end = (size_t) (end - part->text.data);

            return 1;
        }

        at = after;
    }

    return 0;
}


static inline case_range_t
case_row(const case_part_t *part, uint32_t row)
{
    case_range_t  all = { 0, part->text.len }, found = { 0, 0 };

    if (!case_element(part, all, case_row_element(part), row ? row : 1,
                      &found))
    {
        fail_msg("%s has no row %u", part->name, row);
    }

    return found;
}


/* Where an element that is not there belongs: behind the field before it. */

static inline case_range_t
case_gap(const case_part_t *part, case_range_t row, const char *field)
{
    const ehr_section_table_t  *table = part->table;
    case_range_t                found = { 0, 0 };
    uint32_t                    i = ehr_table_find(table, ehr_str(field),
                                                   0);

    while (i < table->nfields && i-- > 0) {
        if (case_element(part, row, table->fields[i].name, 1, &found)) {
            found.begin = found.end;

            return found;
        }
    }

    found.begin = (size_t) (strchr(part->text.data + row.begin, '>') + 1
                            - part->text.data);
    found.end = found.begin;

    return found;
}


static inline char *
case_escaped(char *to, const char *text)
{
    for (/* void */; *text; text++) {
        switch (*text) {

        case '<':
            to = stpcpy(to, "&lt;");
            break;

        case '&':
            to = stpcpy(to, "&amp;");
            break;

        default:
            *to++ = *text;
        }
    }

    *to = '\0';

    return to;
}


/* "<FIELD>text</FIELD>", the caller frees it. */

static inline char *
case_field(const char *field, const char *text)
{
    char  *xml = malloc(2 * strlen(field) + 5 * strlen(text) + 8), *at = xml;

    assert_non_null(xml);
    at += sprintf(at, "<%s>", field);
    at = case_escaped(at, text);
    (void) sprintf(at, "</%s>", field);

    return xml;
}


static inline void
case_set(case_part_t *part, const case_place_t *place, const char *value)
{
    case_range_t  row = case_row(part, place->row), found = row;
    char         *xml = case_field(place->field, value);

    if (!case_element(part, row, place->field, 1, &found)) {
        found = case_gap(part, row, place->field);
    }

    case_splice(part, found, xml);
    free(xml);
}


static inline void
case_drop(case_part_t *part, const case_place_t *place)
{
    case_range_t  row = case_row(part, place->row), found = row;

    if (place->field[0]
        && !case_element(part, row, place->field, 1, &found))
    {
        fail_msg("%s has no %s", part->name, place->field);
    }

    case_splice(part, found, "");
}


/* Behind the last row. */

static inline void
case_append(case_part_t *part, const char *xml)
{
    case_range_t  all = { 0, part->text.len }, found, last = { 0, 0 };
    uint32_t      n = 0;

    while (case_element(part, all, case_row_element(part), n + 1, &found)) {
        last = found;
        n++;
    }

    if (n == 0) {
        char   shut[2 * CASE_NAME_MAX];
        char  *at;

        (void) snprintf(shut, sizeof(shut), "</%s>", part->table->list);
        at = strstr(part->text.data, shut);
        assert_non_null(at);
        last.end = (size_t) (at - part->text.data);
    }

    last.begin = last.end;
    case_splice(part, last, xml);
}


static inline void
case_copy(case_part_t *part, uint32_t row)
{
    case_range_t  range = case_row(part, row);
    char         *xml = strndup(part->text.data + range.begin,
                                range.end - range.begin);

    assert_non_null(xml);
    case_append(part, xml);
    free(xml);
}


/* --- sections ------------------------------------------------------------ */


static inline case_part_t *
case_part(case_doc_t *doc, const char *name)
{
    for (size_t i = 0; i < doc->n; i++) {
        if (doc->is_whole || strcmp(doc->parts[i].name, name) == 0) {
            return &doc->parts[i];
        }
    }

    return NULL;
}


static inline case_part_t *
case_part_new(case_doc_t *doc, const char *name, ehr_str_t text)
{
    case_part_t  *part = &doc->parts[doc->n++];

    assert_true(doc->n <= CASE_SECTIONS);
    assert_true(strlen(name) < sizeof(part->name));
    (void) stpcpy(part->name, name);
    part->table = case_table(name);
    part->text = text;

    return part;
}


static inline void
case_part_sample(case_doc_t *doc, const char *name)
{
    char    file[CASE_NAME_MAX + 16];
    size_t  i, n = (size_t) snprintf(file, sizeof(file), "sample-%s.xml",
                                     name);

    for (i = 0; i < n; i++) {
        file[i] = (char) tolower((unsigned char) file[i]);
    }

    (void) case_part_new(doc, name, doc_file(file));
}


/* A section without a row, or with an empty one where there is no list. */

static inline case_part_t *
case_part_empty(case_doc_t *doc, const char *name)
{
    const ehr_section_table_t  *t = case_table(name);
    ehr_str_t                   text;
    char                       *data = NULL;
    int                         n;

    n = t->list ? asprintf(&data, "<%s><%s></%s></%s>", t->root, t->list,
                           t->list, t->root)
                : asprintf(&data, "<%s></%s>", t->root, t->root);

    assert_true(n > 0);
    text.data = data;
    text.len = (size_t) n;

    return case_part_new(doc, name, text);
}


static inline char *
case_row_xml(const case_part_t *part, json_t *row)
{
    const char  *element = case_row_element(part);
    size_t       size = 4096;
    char        *xml, *at;

    for (uint32_t i = 0; i < part->table->nfields; i++) {
        json_t  *v = json_object_get(row, part->table->fields[i].name);

        size += 5 * json_string_length(v) + 2 * CASE_NAME_MAX;
    }

    xml = malloc(size);
    assert_non_null(xml);
    at = xml + sprintf(xml, "<%s>", element);

    for (uint32_t i = 0; i < part->table->nfields; i++) {
        const char  *name = part->table->fields[i].name;
        const char  *value = json_string_value(json_object_get(row, name));

        if (value == NULL && strcmp(name, "MA_LK") == 0) {
            value = CASE_LK;
        }

        if (value) {
            char  *one = case_field(name, value);

            at = stpcpy(at, one);
            free(one);
        }
    }

    (void) sprintf(at, "</%s>", element);

    return xml;
}


static inline void
case_add(case_doc_t *doc, const char *name, json_t *rows)
{
    case_part_t  *part = case_part(doc, name);
    size_t        i;
    json_t       *row;

    if (part == NULL) {
        part = case_part_empty(doc, name);
    }

    json_array_foreach(rows, i, row) {
        char  *xml = case_row_xml(part, row);

        if (part->table->list) {
            case_append(part, xml);

        } else {
            case_range_t  all = { 0, part->text.len };

            case_splice(part, all, xml);
        }

        free(xml);
    }
}


/* --- the whole ----------------------------------------------------------- */


static inline void
case_base(case_doc_t *doc, json_t *c)
{
    static const char *const  samples[] = { "XML1", "XML2", "XML3", "XML4",
                                            "XML5", "XML7", "XML8" };

    const char  *document = json_string_value(json_object_get(c, "document"));
    json_t      *sections = json_object_get(c, "sections"), *section;
    size_t       i;

    memset(doc, 0, sizeof(*doc));

    if (document) {
        const char  *part = json_string_value(json_object_get(c, "part"));

        doc->is_whole = 1;
        (void) case_part_new(doc, part ? part : "CHECKIN",
                             doc_file(document));

        return;
    }

    if (sections) {
        json_array_foreach(sections, i, section) {
            case_part_sample(doc, json_string_value(section));
        }

        return;
    }

    for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        case_part_sample(doc, samples[i]);
    }
}


static inline case_part_t *
case_part_of(case_doc_t *doc, const char *name)
{
    case_part_t  *part = case_part(doc, name);

    if (part == NULL) {
        fail_msg("the case has no section %s", name);
    }

    return part;
}


static inline void
case_drops(case_doc_t *doc, json_t *drops)
{
    size_t   i;
    json_t  *what;

    json_array_foreach(drops, i, what) {
        case_place_t  place = case_place(json_string_value(what));
        case_part_t  *part = case_part_of(doc, place.section);

        if (place.row || place.field[0]) {
            case_drop(part, &place);
            continue;
        }

        doc_free(part->text);
        doc->n--;
        memmove(part, part + 1,
                (size_t) (&doc->parts[doc->n] - part) * sizeof(*part));
    }
}


/* Sections as an envelope wants them: ascending. */

static inline int
case_order(const void *a, const void *b)
{
    const case_part_t  *x = a, *y = b;

    return (x->table->order > y->table->order)
           - (x->table->order < y->table->order);
}


static inline ehr_str_t
case_content(case_doc_t *doc)
{
    doc_part_t  parts[CASE_SECTIONS];
    ehr_str_t   text;

    if (doc->is_whole) {
        return doc->parts[0].text;
    }

    qsort(doc->parts, doc->n, sizeof(doc->parts[0]), case_order);

    for (size_t i = 0; i < doc->n; i++) {
        parts[i].name = doc->parts[i].name;
        parts[i].xml = doc->parts[i].text;
    }

    text = doc_claim(parts, doc->n);

    for (size_t i = 0; i < doc->n; i++) {
        doc_free(doc->parts[i].text);
    }

    return text;
}


/* The document a case describes; the caller frees it. */

static inline ehr_str_t
case_build(json_t *c)
{
    case_doc_t    doc;
    const char   *key;
    json_t       *value;
    size_t        i;
    case_place_t  place;

    case_base(&doc, c);

    json_object_foreach(json_object_get(c, "add"), key, value) {
        case_add(&doc, key, value);
    }

    json_array_foreach(json_object_get(c, "copy"), i, value) {
        place = case_place(json_string_value(value));
        case_copy(case_part_of(&doc, place.section), place.row);
    }

    case_drops(&doc, json_object_get(c, "drop"));

    json_object_foreach(json_object_get(c, "set"), key, value) {
        place = case_place(key);
        assert_true(json_is_string(value) && place.field[0]);
        case_set(case_part_of(&doc, place.section), &place,
                 json_string_value(value));
    }

    return case_content(&doc);
}


#endif /* EHR_TEST_CASES_H */
