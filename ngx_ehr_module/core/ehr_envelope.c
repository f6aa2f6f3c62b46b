/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides whether an envelope is what the insurance gateway takes: of a claim
 * one record, its sections known, ascending and once each; of vouchers any
 * number of papers.  What is inside a section is left to ehr_section.c.
 */

#include <stdio.h>
#include <stdlib.h>

#include "ehr_envelope.h"


typedef enum {
    NODE_NONE = 0,
    NODE_ROOT,
    NODE_UNIT,
    NODE_SENDER,              /* leaf */
    NODE_FILES,
    NODE_DATE,                /* leaf */
    NODE_COUNT,               /* leaf */
    NODE_LIST,
    NODE_RECORD,
    NODE_FILE,
    NODE_NAME,                /* leaf */
    NODE_CONTENT,             /* leaf */
    NODE_LAST
} node_e;


typedef struct {
    const char  *name;
    uint8_t      parent;
    uint8_t      is_leaf;
} node_t;


_Static_assert(NODE_LAST == EHR_ENVELOPE_NODES, "one count a node");


static const node_t  envelope_nodes[NODE_LAST] = {
    [NODE_ROOT] = { "", NODE_NONE, 0 },      /* has the name of its table */
    [NODE_UNIT] = { "THONGTINDONVI", NODE_ROOT, 0 },
    [NODE_SENDER] = { "MACSKCB", NODE_UNIT, 1 },
    [NODE_FILES] = { "THONGTINHOSO", NODE_ROOT, 0 },
    [NODE_DATE] = { "NGAYLAP", NODE_FILES, 1 },
    [NODE_COUNT] = { "SOLUONGHOSO", NODE_FILES, 1 },
    [NODE_LIST] = { "DANHSACHHOSO", NODE_FILES, 0 },
    [NODE_RECORD] = { "HOSO", NODE_LIST, 0 },
    [NODE_FILE] = { "FILEHOSO", NODE_RECORD, 0 },
    [NODE_NAME] = { "LOAIHOSO", NODE_FILE, 1 },
    [NODE_CONTENT] = { "NOIDUNGFILE", NODE_FILE, 1 }
};


static const ehr_field_t *
envelope_field(const ehr_envelope_t *e, node_e node)
{
    const char  *name = envelope_nodes[node].name;
    uint32_t     i;

    if (!envelope_nodes[node].is_leaf) {
        return NULL;
    }

    i = ehr_table_find(e->table, ehr_str(name), 0);

    return i < e->table->nfields ? &e->table->fields[i] : NULL;
}


static ehr_place_t
envelope_place(const ehr_envelope_t *e, node_e node, uint32_t line)
{
    ehr_place_t  place = { e->table, envelope_field(e, node), 0, line };

    if (envelope_nodes[node].parent == NODE_FILE) {
        place.row = e->file;
    }

    return place;
}


static void
envelope_report(ehr_envelope_t *e, node_e node, ehr_fault_e fault)
{
    ehr_place_t  place = envelope_place(e, node, e->line);

    ehr_report(e->reading, &place, fault);
}


static int
envelope_is_claim(const ehr_envelope_t *e)
{
    return e->reading->kind == EHR_KIND_CLAIM;
}


/* Sections of a claim come once each, in order. */

static int
envelope_expects(ehr_envelope_t *e, const ehr_section_table_t *table)
{
    if (e->nsections & (1U << table->order)) {
        envelope_report(e, NODE_NAME, EHR_FAULT_SECTION_TWICE);

        return 0;
    }

    if (table->order < e->last_order) {
        envelope_report(e, NODE_NAME, EHR_FAULT_SECTION_ORDER);
    }

    e->last_order = table->order;
    e->nsections |= 1U << table->order;

    return 1;
}


/* A name without a table: of a later standard, or of a paper that nobody has
 * described, is passed on; any other is no section of a claim. */

static void
envelope_nameless(ehr_envelope_t *e)
{
    const ehr_standard_t       *newest;
    const ehr_section_table_t  *table;

    newest = ehr_standard_of_kind(e->reading->kind, 0);
    table = ehr_standard_section(newest, ehr_str(e->name));

    if (envelope_is_claim(e) && (table == NULL || !table->is_inner)) {
        envelope_report(e, NODE_NAME, EHR_FAULT_SECTION_UNKNOWN);
        e->has_lost = 1;

        return;
    }

    envelope_report(e, NODE_NAME, EHR_FAULT_SECTION_UNCHECKED);
}


/* The table for the section of this FILEHOSO, with what its name can have
 * wrong. */

static const ehr_section_table_t *
envelope_table(ehr_envelope_t *e)
{
    const ehr_standard_t       *standard = e->standard;
    const ehr_section_table_t  *table;

    if (standard == NULL) {
        standard = ehr_standard_of_kind(e->reading->kind, 0);
    }

    table = ehr_standard_section(standard, ehr_str(e->name));

    if (table == NULL || !table->is_inner) {
        envelope_nameless(e);

        return NULL;
    }

    if (envelope_is_claim(e) && !envelope_expects(e, table)) {
        return NULL;
    }

    if (e->standard == NULL && table->date_tag) {
        ehr_str_t  bytes = { e->bytes, e->nbytes };

        e->standard = ehr_standard_peek(e->reading->kind, bytes,
                                        table->date_tag);

        if (e->standard) {
            table = ehr_standard_section(e->standard, ehr_str(e->name));
        }
    }

    return table;
}


static void
envelope_section(ehr_envelope_t *e, const ehr_section_table_t *table)
{
    ehr_report_mark_t  mark = ehr_report_mark(e->reading);
    ehr_scan_t         scan;
    ehr_scan_input_t   in;
    ehr_scan_fault_t   fault;

    ehr_section_begin(&e->section, table, e->reading, &scan);

    in.content.data = e->bytes;
    in.content.len = e->nbytes;
    in.limits = &ehr_scan_section;
    in.events = ehr_section_events(&e->section);
    in.deadline_ns = e->in->deadline_ns;
    in.cpu_now_ns = e->in->cpu_now_ns;

    if (ehr_scan(&scan, &in, &fault) == EHR_OK) {
        ehr_section_end(&e->section);

    } else {
        if (ehr_scan_is_hostile(fault.kind)) {
            ehr_report_forget(e->reading, &mark);
        }

        ehr_report_xml(e->reading, table, &fault);
    }
}


static void
envelope_file_end(ehr_envelope_t *e)
{
    const ehr_section_table_t  *table;
    ehr_place_t                 place;

    if (e->count[NODE_NAME] == 0) {
        envelope_report(e, NODE_NAME, EHR_FAULT_SECTION_NAMELESS);
    }

    if (e->count[NODE_CONTENT] == 0) {
        envelope_report(e, NODE_CONTENT, EHR_FAULT_MISSING);
    }

    if (e->name[0] == '\0') {
        e->has_lost = 1;

        return;
    }

    table = envelope_table(e);

    if (!e->has_content || (table == NULL && envelope_is_claim(e))) {
        return;
    }

    if (e->has_bad_base64) {
        e->reading->is_malformed = 1;
        place = envelope_place(e, NODE_CONTENT, e->content_line);
        ehr_report(e->reading, &place, EHR_FAULT_BASE64);

        return;
    }

    if (table) {
        envelope_section(e, table);
    }
}


/* --- elements ------------------------------------------------------------ */


static node_e
envelope_child(const ehr_envelope_t *e, node_e parent, ehr_str_t name)
{
    if (parent == NODE_NONE) {
        return ehr_str_is(name, e->table->root) ? NODE_ROOT : NODE_NONE;
    }

    for (node_e i = NODE_ROOT; i < NODE_LAST; i++) {
        if (envelope_nodes[i].parent == parent
            && ehr_str_is(name, envelope_nodes[i].name))
        {
            return i;
        }
    }

    return NODE_NONE;
}


static void
envelope_forget(ehr_envelope_t *e, node_e parent)
{
    for (node_e i = NODE_ROOT; i < NODE_LAST; i++) {
        if (envelope_nodes[i].parent == parent) {
            e->count[i] = 0;
        }
    }
}


static void
envelope_file_begin(ehr_envelope_t *e)
{
    e->file++;
    e->name[0] = '\0';
    e->nbytes = 0;
    e->has_content = 0;
    e->has_bad_base64 = 0;
    ehr_base64_init(&e->base64);
}


/* What is in it is read where signatures are checked; here, that it is one. */

static void
envelope_signature(ehr_envelope_t *e)
{
    uint32_t     i = ehr_table_find(e->table, ehr_str("CHUKYDONVI"), 0);
    ehr_place_t  place = { e->table, NULL, 0, e->line };

    if (e->has_signature && i < e->table->nfields) {
        place.field = &e->table->fields[i];
        ehr_report(e->reading, &place, EHR_FAULT_DUPLICATE);
    }

    e->has_signature = 1;
}


/* What is not one of the nodes; CHUKYDONVI is left to whoever checks
 * signatures. */

static void
envelope_stranger(ehr_envelope_t *e, node_e parent, ehr_str_t name)
{
    if (parent == NODE_CONTENT) {
        /* raw XML where Base64 belongs */
        e->has_bad_base64 = 1;

    } else if (envelope_nodes[parent].is_leaf) {
        envelope_report(e, parent, EHR_FAULT_CHILDREN);

    } else if (parent == NODE_ROOT && ehr_str_is(name, "CHUKYDONVI")) {
        envelope_signature(e);

    } else if (e->nunknown++ == 0) {
        envelope_report(e, NODE_NONE, EHR_FAULT_UNKNOWN);
    }

    e->skipped = e->depth;
}


/* Of elements without a row in the table, by the field they begin with. */

static void
envelope_twice(ehr_envelope_t *e, node_e node)
{
    switch (node) {

    case NODE_UNIT:
        envelope_report(e, NODE_SENDER, EHR_FAULT_DUPLICATE);
        break;

    case NODE_FILES:
        envelope_report(e, NODE_DATE, EHR_FAULT_DUPLICATE);
        break;

    case NODE_LIST:
        envelope_report(e, node, EHR_FAULT_LIST);
        break;

    default:
        envelope_report(e, node, EHR_FAULT_DUPLICATE);
    }
}


static void
envelope_node_begin(ehr_envelope_t *e, node_e node)
{
    if (++e->count[node] > 1 && node != NODE_FILE && node != NODE_RECORD) {
        envelope_twice(e, node);
        e->skipped = e->depth;

        return;
    }

    if (node == NODE_RECORD && e->count[node] > 1 && envelope_is_claim(e)) {
        /* told when the envelope ends; its sections would look like twins */
        e->skipped = e->depth;

        return;
    }

    envelope_forget(e, node);

    if (node == NODE_FILE) {
        envelope_file_begin(e);
    }

    if (node == NODE_CONTENT) {
        e->content_line = e->line;

    } else if (envelope_nodes[node].is_leaf) {
        ehr_value_init(&e->value);
    }
}


static void
envelope_start(void *data, ehr_str_t name)
{
    ehr_envelope_t  *e = data;
    node_e           parent, node;

    e->depth++;

    if (e->skipped) {
        return;
    }

    parent = e->depth > 1 ? e->stack[e->depth - 2] : NODE_NONE;
    node = envelope_child(e, parent, name);
    e->line = e->scan->line;

    if (node == NODE_NONE) {
        envelope_stranger(e, parent, name);

        return;
    }

    e->stack[e->depth - 1] = (uint8_t) node;
    envelope_node_begin(e, node);
}


static void
envelope_content_end(ehr_envelope_t *e)
{
    if (ehr_base64_finish(&e->base64) != EHR_OK) {
        e->has_bad_base64 = 1;
    }

    e->has_content = e->nbytes > 0 || e->has_bad_base64;

    if (!e->has_content) {
        envelope_report(e, NODE_CONTENT, EHR_FAULT_MISSING);
    }
}


static void
envelope_leaf_end(ehr_envelope_t *e, node_e node)
{
    ehr_place_t  place = envelope_place(e, node, e->line);
    ehr_str_t    v = ehr_value_str(&e->value);

    if (node == NODE_NAME && v.len == 0) {
        ehr_report(e->reading, &place, EHR_FAULT_SECTION_NAMELESS);

        return;
    }

    ehr_report_value(e->reading, &place, &e->value);

    if (node == NODE_COUNT && v.len > 0 && !ehr_str_is(v, "1")
        && envelope_is_claim(e))
    {
        ehr_report(e->reading, &place, EHR_FAULT_ONE);
    }

    if (node == NODE_COUNT && v.len < sizeof(e->wanted)) {
        memcpy(e->wanted, v.data, v.len);
        e->wanted[v.len] = '\0';
    }

    if (node == NODE_NAME) {
        /* what is cut is the name of no section, and told as that */
        size_t  len = v.len < sizeof(e->name) ? v.len : sizeof(e->name) - 1;

        memcpy(e->name, v.data, len);
        e->name[len] = '\0';
    }
}


static void
envelope_stop(void *data)
{
    ehr_envelope_t  *e = data;
    node_e           node;

    if (e->skipped) {
        e->skipped = (e->skipped == e->depth) ? 0 : e->skipped;
        e->depth--;

        return;
    }

    node = e->stack[--e->depth];

    if (node == NODE_CONTENT) {
        envelope_content_end(e);

    } else if (envelope_nodes[node].is_leaf) {
        envelope_leaf_end(e, node);

    } else if (node == NODE_FILE) {
        envelope_file_end(e);
    }
}


/* --- text ---------------------------------------------------------------- */


static int
envelope_room(ehr_envelope_t *e, size_t wanted)
{
    size_t   size = e->allocated ? e->allocated : 16 * 1024;
    char    *bytes;

    if (wanted <= e->allocated) {
        return 1;
    }

    /* bounded by the document's own size */
    while (size < wanted) {
        size *= 2;
    }

    bytes = realloc(e->bytes, size);
    if (bytes == NULL) {
        e->reading->is_broken = 1;
        ehr_scan_stop(e->scan);

        return 0;
    }

    e->bytes = bytes;
    e->allocated = size;

    return 1;
}


/* Between elements only white space; told once. */

static void
envelope_loose_text(ehr_envelope_t *e, const char *text, size_t len)
{
    while (len > 0 && (*text == ' ' || *text == '\t' || *text == '\n'
                       || *text == '\r'))
    {
        text++;
        len--;
    }

    if (len > 0 && !e->told_text) {
        e->told_text = 1;
        envelope_report(e, NODE_NONE, EHR_FAULT_TEXT);
    }
}


static void
envelope_text(void *data, const char *text, size_t len)
{
    ehr_envelope_t  *e = data;
    node_e           node;

    if (e->skipped || e->depth == 0) {
        return;
    }

    node = e->stack[e->depth - 1];

    if (!envelope_nodes[node].is_leaf) {
        envelope_loose_text(e, text, len);

        return;
    }

    if (node != NODE_CONTENT) {
        ehr_value_add(&e->value, text, len);

        return;
    }

    if (envelope_room(e, e->nbytes + ehr_base64_room(len))) {
        e->nbytes += ehr_base64_feed(&e->base64, text, len,
                                     (uint8_t *) e->bytes + e->nbytes);
    }
}


/* --- the whole ----------------------------------------------------------- */


void
ehr_envelope_begin(ehr_envelope_t *envelope, const ehr_document_input_t *in,
                   ehr_reading_t *reading, ehr_scan_t *scan)
{
    ehr_kind_e             kind = reading->kind;
    const ehr_standard_t  *newest = ehr_standard_of_kind(kind, 0);

    memset(envelope, 0, sizeof(*envelope));

    envelope->in = in;
    envelope->reading = reading;
    envelope->scan = scan;
    envelope->standard = ehr_standard_set(kind, in->standard);
    envelope->table = ehr_standard_kind(envelope->standard
                                        ? envelope->standard : newest, kind);

    if (envelope->standard == NULL && envelope->table->date_tag) {
        envelope->standard = ehr_standard_peek(kind, in->content,
                                               envelope->table->date_tag);
    }
}


ehr_scan_events_t
ehr_envelope_events(ehr_envelope_t *envelope)
{
    ehr_scan_events_t  events = { envelope_start, envelope_stop, envelope_text,
                                 envelope };

    return events;
}


static void
envelope_need(ehr_envelope_t *e, node_e node)
{
    if (e->count[node] == 0) {
        envelope_report(e, node, EHR_FAULT_MISSING);
    }
}


/* XML1 is the heart of a claim. */

static void
envelope_end_claim(ehr_envelope_t *e, ehr_place_t place)
{
    const ehr_standard_t       *standard = e->standard;
    const ehr_section_table_t  *first;

    standard = standard ? standard : ehr_standard_of_date(0);
    first = ehr_standard_section(standard, ehr_str("XML1"));

    if (e->count[NODE_RECORD] != 1 || e->count[NODE_FILE] == 0) {
        ehr_report(e->reading, &place, EHR_FAULT_RECORDS);
    }

    if (first && !(e->nsections & (1U << first->order))) {
        place.table = first;
        ehr_report(e->reading, &place, EHR_FAULT_ABSENT);
    }
}


/* A file of several records has no number of its own. */

static void
envelope_end_vouchers(ehr_envelope_t *e, ehr_place_t place)
{
    char  text[sizeof(e->wanted)];

    if (e->count[NODE_RECORD] == 0 || e->file == 0) {
        ehr_report(e->reading, &place, EHR_FAULT_ROWS);
    }

    if (e->count[NODE_RECORD] > 1) {
        e->reading->key.len = 0;
    }

    (void) snprintf(text, sizeof(text), "%u", e->count[NODE_RECORD]);

    if (e->wanted[0] != '\0' && strcmp(text, e->wanted) != 0) {
        envelope_report(e, NODE_COUNT, EHR_FAULT_COUNT);
    }
}


void
ehr_envelope_end(ehr_envelope_t *envelope)
{
    ehr_place_t  place = { envelope->table, NULL, 0, 1 };

    envelope->line = 1;
    envelope_need(envelope, NODE_SENDER);
    envelope_need(envelope, NODE_DATE);
    envelope_need(envelope, NODE_COUNT);

    if (envelope->has_lost) {
        ehr_records_doubt(&envelope->reading->records);
    }

    if (envelope_is_claim(envelope)) {
        envelope_end_claim(envelope, place);

        return;
    }

    envelope_end_vouchers(envelope, place);
}


void
ehr_envelope_free(ehr_envelope_t *envelope)
{
    free(envelope->bytes);
}
