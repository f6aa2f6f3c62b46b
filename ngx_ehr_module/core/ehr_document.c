/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides what a document is, by its root element alone, and which single
 * problem stands for all that was found in it.  The checks themselves are
 * elsewhere.
 */

#include "ehr_document_json.h"
#include "ehr_envelope.h"
#include "ehr_kind.h"


/* One reading, from the root element to its end. */

typedef struct {
    const ehr_document_input_t  *in;
    ehr_document_t              *doc;
    ehr_scan_t                  *scan;
    ehr_reading_t                reading;
    ehr_envelope_t               envelope;
    ehr_reader_t                 section;
    const ehr_standard_t        *standard;
    unsigned                     has_envelope:1;
    unsigned                     has_section:1;
    unsigned                     is_json:1;
} document_t;


/* --- the root element decides who reads the rest ------------------------- */


static void
document_envelope(document_t *d, ehr_scan_events_t *events)
{
    d->has_envelope = 1;

    ehr_envelope_begin(&d->envelope, d->in, &d->reading, d->scan);
    *events = ehr_envelope_events(&d->envelope);
}


static void
document_section(document_t *d, ehr_str_t root, ehr_scan_events_t *events)
{
    ehr_kind_e                  kind = d->doc->kind;
    const ehr_section_table_t  *table;

    d->standard = ehr_standard_set(kind, d->in->standard);
    table = ehr_standard_root(ehr_standard_of_kind(kind, 0), root);

    if (d->standard == NULL && table->date_tag) {
        d->standard = ehr_standard_peek(kind, d->in->content,
                                        table->date_tag);
    }

    if (d->standard) {
        table = ehr_standard_root(d->standard, root);
    }

    d->has_section = 1;
    ehr_section_begin(&d->section, table, &d->reading, d->scan);
    *events = ehr_section_events(&d->section);
}


static void
document_start(void *data, ehr_str_t name)
{
    document_t         *d = data;
    ehr_scan_events_t   events = { NULL, NULL, NULL, NULL };

    d->doc->kind = ehr_kind_of_root(name);
    d->reading.kind = d->doc->kind;

    switch (d->doc->kind) {

    case EHR_KIND_UNKNOWN:
        ehr_scan_stop(d->scan);
        break;

    case EHR_KIND_CLAIM:
    case EHR_KIND_VOUCHER:
        document_envelope(d, &events);
        break;

    default:
        document_section(d, name, &events);
        break;
    }

    if (events.start) {
        ehr_scan_switch(d->scan, &events);
        events.start(events.data, name);
    }
}


static void
document_end(void *data)
{
}


static void
document_text(void *data, const char *text, size_t len)
{
}


/* --- what it comes to ---------------------------------------------------- */


static void
document_problem(ehr_document_t *doc, ehr_problem_e problem, const char *vi,
                 const char *en)
{
    doc->problem = problem;
    doc->detail[EHR_LANG_VI] = ehr_str(vi);
    doc->detail[EHR_LANG_EN] = ehr_str(en);
}


static ehr_rc_t
document_unknown(document_t *d)
{
    document_problem(d->doc, EHR_PROBLEM_DOCUMENT_UNKNOWN_KIND,
                     d->is_json ? "Nội dung JSON không phải của loại hồ sơ nào"
                     : "Phần tử gốc không phải của loại hồ sơ nào",
                     d->is_json ? "The JSON is of no known kind of document"
                     : "The root element is of no known kind of document");

    return EHR_REFUSED;
}


ehr_rc_t
ehr_document_conclude(ehr_document_t *doc)
{
    if (doc->findings.nerrors == 0) {
        return EHR_OK;
    }

    document_problem(doc, EHR_PROBLEM_DOCUMENT_INVALID,
                     "Hồ sơ có lỗi, xem danh sách lỗi",
                     "The document has errors, see the list of errors");

    return EHR_REFUSED;
}


static ehr_rc_t
document_judge(document_t *d)
{
    ehr_reading_t   *reading = &d->reading;
    ehr_document_t  *doc = d->doc;

    if (reading->is_foreign) {
        document_problem(doc, EHR_PROBLEM_FACILITY_MISMATCH,
                         "Mã cơ sở trong hồ sơ khác với cơ sở của chứng thư "
                         "số", "The facility code in the document is not "
                         "the certificate's");

        return EHR_REFUSED;
    }

    if (reading->is_malformed) {
        document_problem(doc, EHR_PROBLEM_DOCUMENT_MALFORMED,
                         "Có phần không đọc được, xem danh sách lỗi",
                         "A part cannot be read, see the list of errors");

        return EHR_REFUSED;
    }

    if (doc->kind == EHR_KIND_UNKNOWN) {
        return document_unknown(d);
    }

    return ehr_document_conclude(doc);
}


/* What its bytes alone refuse was never a document: nothing of what was read
 * before counts. */

static void
document_forget(document_t *d)
{
    ehr_report_mark_t  nothing;

    memset(&nothing, 0, sizeof(nothing));
    ehr_report_forget(&d->reading, &nothing);
    d->doc->kind = EHR_KIND_UNKNOWN;
    d->reading.kind = EHR_KIND_UNKNOWN;
}


static void
document_close(document_t *d, ehr_rc_t rc, const ehr_scan_fault_t *fault)
{
    const ehr_section_table_t  *table = NULL;

    if (rc == EHR_REFUSED && ehr_scan_is_hostile(fault->kind)) {
        document_forget(d);

    } else if (d->has_envelope) {
        table = d->envelope.table;
        d->standard = d->envelope.standard;

    } else if (d->has_section) {
        table = d->section.table;
    }

    if (rc == EHR_REFUSED) {
        ehr_report_xml(&d->reading, table, fault);

        return;
    }

    if (d->has_envelope) {
        ehr_envelope_end(&d->envelope);

    } else if (d->has_section) {
        ehr_section_end(&d->section);
    }
}


static void
document_fill(document_t *d)
{
    ehr_document_t    *doc = d->doc;
    ehr_kind_facts_t   facts;

    if (doc->kind == EHR_KIND_UNKNOWN) {
        return;
    }

    if (d->standard == NULL) {
        d->standard = ehr_standard_of_kind(doc->kind, 0);
    }

    facts.kind = doc->kind;
    facts.key = d->reading.key;
    facts.facility = d->reading.facility;
    facts.sections = d->reading.records.sections;

    doc->standard = ehr_str(d->standard->name);
    doc->facility = d->reading.facility;

    if (ehr_kind_key(&facts, d->reading.arena, &doc->business_key) != EHR_OK) {
        d->reading.is_broken = 1;
    }
}


static ehr_rc_t
document_parse(document_t *d)
{
    ehr_scan_t        scan;
    ehr_scan_fault_t  fault;
    ehr_scan_input_t  in;
    ehr_rc_t          rc;

    d->scan = &scan;
    in.content = d->in->content;
    in.limits = &ehr_scan_document;
    in.deadline_ns = d->in->deadline_ns;
    in.cpu_now_ns = d->in->cpu_now_ns;
    in.events.start = document_start;
    in.events.end = document_end;
    in.events.text = document_text;
    in.events.data = d;

    rc = ehr_scan(&scan, &in, &fault);

    if (d->reading.is_broken) {
        return EHR_BROKEN;
    }

    document_close(d, rc, &fault);
    document_fill(d);
    rc = document_judge(d);

    return d->reading.is_broken ? EHR_BROKEN : rc;
}


static ehr_rc_t
document_read_json(document_t *d)
{
    ehr_rc_t  rc;

    d->standard = ehr_document_json_read(d->in, &d->reading);
    d->doc->kind = d->reading.kind;

    if (d->reading.is_broken) {
        return EHR_BROKEN;
    }

    document_fill(d);
    rc = document_judge(d);

    return d->reading.is_broken ? EHR_BROKEN : rc;
}


ehr_rc_t
ehr_document_read(const ehr_document_input_t *in, ehr_arena_t *arena,
                  ehr_document_t *doc)
{
    document_t  *d;
    ehr_rc_t     rc;

    memset(doc, 0, sizeof(*doc));
    doc->findings.arena = arena;
    doc->standard = ehr_str("");

    d = ehr_arena_calloc(arena, sizeof(document_t));
    if (d == NULL) {
        return EHR_BROKEN;
    }

    d->in = in;
    d->doc = doc;
    d->reading.arena = arena;
    d->reading.findings = &doc->findings;
    d->reading.sender = in->facility;
    d->reading.severities = in->severities;

    if (ehr_records_begin(&d->reading.records, arena, in->content.len)
        != EHR_OK)
    {
        return EHR_BROKEN;
    }

    doc->sections = d->reading.records.sections;

    d->is_json = (in->content_form == EHR_CONTENT_JSON);

    if (d->is_json) {
        return document_read_json(d);
    }

    rc = document_parse(d);

    if (d->has_envelope) {
        ehr_envelope_free(&d->envelope);
    }

    return rc;
}
