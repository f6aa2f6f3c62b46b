/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides what a document is, by its root element alone, and which single
 * problem stands for all that was found in it.  The checks themselves are
 * elsewhere.
 */

#include <stdio.h>

#include "ehr_envelope.h"


#define EHR_DETAIL_MAX  160


typedef struct {
    const char  *name;
    const char  *root;        /* NULL: not an XML document */
} kind_row_t;


static const kind_row_t  document_kinds[EHR_KIND_LAST] = {
    [EHR_KIND_UNKNOWN] = { "unknown", NULL },
    [EHR_KIND_CHECKIN] = { "checkin", "CHI_TIEU_TRANG_THAI_KCB" },
    [EHR_KIND_CLAIM] = { "claim", "GIAMDINHHS" },
    [EHR_KIND_MEDICAL_ASSESSMENT] = { "medical_assessment",
                                      "CHI_TIEU_GIAM_DINH_YKHOA" },
    [EHR_KIND_BIRTH_NOTICE] = { "birth_notice", "HSDLGCS" },
    [EHR_KIND_DEATH_NOTICE] = { "death_notice", "HSDLGBT" },
    [EHR_KIND_VOUCHER] = { "voucher", "HSCHUNGTU" },
    [EHR_KIND_DRIVER_EXAM] = { "driver_exam", "root" },
    [EHR_KIND_PRESCRIPTION] = { "prescription", NULL }
};


/* One reading, from the root element to its end. */

typedef struct {
    const ehr_document_input_t  *in;
    ehr_document_t              *doc;
    ehr_xml_t                   *xml;
    ehr_reading_t                reading;
    ehr_envelope_t               envelope;
    ehr_section_t                section;
    const ehr_standard_t        *standard;
    unsigned                     has_envelope:1;
    unsigned                     has_section:1;
} document_t;


const char *
ehr_kind_name(ehr_kind_e kind)
{
    if (kind >= EHR_KIND_LAST) {
        kind = EHR_KIND_UNKNOWN;
    }

    return document_kinds[kind].name;
}


ehr_kind_e
ehr_kind_of_name(ehr_str_t name)
{
    for (ehr_kind_e i = EHR_KIND_CHECKIN; i < EHR_KIND_LAST; i++) {
        if (ehr_str_is(name, document_kinds[i].name)) {
            return i;
        }
    }

    return EHR_KIND_UNKNOWN;
}


void
ehr_document_init(void)
{
    ehr_xml_init();
}


static ehr_kind_e
document_kind_of_root(const char *root)
{
    for (ehr_kind_e i = EHR_KIND_CHECKIN; i < EHR_KIND_LAST; i++) {
        const char  *name = document_kinds[i].root;

        if (name && strcmp(name, root) == 0) {
            return i;
        }
    }

    return EHR_KIND_UNKNOWN;
}


/* --- the root element decides who reads the rest ------------------------- */


static void
document_claim(document_t *d, ehr_xml_events_t *events)
{
    d->has_envelope = 1;

    if (ehr_envelope_begin(&d->envelope, d->in, &d->reading, d->xml)
        != EHR_OK)
    {
        d->reading.is_broken = 1;
        ehr_xml_stop(d->xml);

        return;
    }

    *events = ehr_envelope_events(&d->envelope);
}


static void
document_checkin(document_t *d, ehr_xml_events_t *events)
{
    const ehr_section_table_t  *table;

    d->standard = ehr_standard_of_name(d->in->standard);
    table = ehr_standard_kind(ehr_standard_of_date(0), EHR_KIND_CHECKIN);

    if (d->standard == NULL && table->date_tag) {
        d->standard = ehr_standard_peek(d->in->content, table->date_tag);
    }

    if (d->standard) {
        table = ehr_standard_kind(d->standard, EHR_KIND_CHECKIN);
    }

    d->has_section = 1;
    ehr_section_begin(&d->section, table, &d->reading, d->xml);
    *events = ehr_section_events(&d->section);
}


static void
document_start(void *data, const char *name, size_t len)
{
    document_t        *d = data;
    ehr_xml_events_t   events = { NULL, NULL, NULL, NULL };

    d->doc->kind = document_kind_of_root(name);

    switch (d->doc->kind) {

    case EHR_KIND_CLAIM:
        document_claim(d, &events);
        break;

    case EHR_KIND_CHECKIN:
        document_checkin(d, &events);
        break;

    default:
        ehr_xml_stop(d->xml);
        break;
    }

    if (events.start) {
        ehr_xml_switch(d->xml, &events);
        events.start(events.data, name, len);
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


/* A root we know of a kind that is not read yet. */

static ehr_rc_t
document_not_enabled(document_t *d)
{
    static const char *const  words[2] = {
        "Loại hồ sơ này chưa được cổng kết nối tiếp nhận: %s",
        "This kind of document is not enabled at the gateway: %s"
    };
    char                      text[EHR_DETAIL_MAX];
    ehr_str_t                *detail = d->doc->detail;

    d->doc->problem = EHR_PROBLEM_DOCUMENT_UNKNOWN_KIND;

    for (int lang = EHR_LANG_VI; lang <= EHR_LANG_EN; lang++) {
        (void) snprintf(text, sizeof(text), words[lang],
                        ehr_kind_name(d->doc->kind));
        detail[lang] = ehr_arena_dup(d->reading.arena, text, strlen(text));

        if (detail[lang].data == NULL) {
            return EHR_BROKEN;
        }
    }

    return EHR_REFUSED;
}


static ehr_rc_t
document_unknown(document_t *d)
{
    if (d->doc->kind != EHR_KIND_UNKNOWN) {
        return document_not_enabled(d);
    }

    document_problem(d->doc, EHR_PROBLEM_DOCUMENT_UNKNOWN_KIND,
                     "Phần tử gốc không phải của loại hồ sơ nào",
                     "The root element is of no known kind of document");

    return EHR_REFUSED;
}


/* claim: "<MA_CSKCB>/<MA_LK>"; in an accepted one the facility code is the
 * certificate's, so the slash is never in doubt. */

static ehr_str_t
document_key(document_t *d)
{
    ehr_str_t  facility = d->reading.facility, lk = d->reading.key;
    ehr_str_t  key = ehr_null_string;
    char      *text;

    if (d->doc->kind != EHR_KIND_CLAIM || lk.len == 0 || facility.len == 0) {
        return lk;
    }

    text = ehr_arena_alloc(d->reading.arena, facility.len + 1 + lk.len);
    if (text == NULL) {
        d->reading.is_broken = 1;

        return key;
    }

    key.data = text;
    key.len = facility.len + 1 + lk.len;
    memcpy(text, facility.data, facility.len);
    text[facility.len] = '/';
    memcpy(text + facility.len + 1, lk.data, lk.len);

    return key;
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

    if (doc->kind == EHR_KIND_UNKNOWN || !(d->has_envelope || d->has_section))
    {
        return document_unknown(d);
    }

    if (doc->findings.nerrors > 0) {
        document_problem(doc, EHR_PROBLEM_DOCUMENT_INVALID,
                         "Hồ sơ có lỗi, xem danh sách lỗi",
                         "The document has errors, see the list of errors");

        return EHR_REFUSED;
    }

    return EHR_OK;
}


static void
document_close(document_t *d, ehr_rc_t rc, const ehr_xml_fault_t *fault)
{
    const ehr_section_table_t  *table = NULL;

    if (d->has_envelope) {
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
    ehr_document_t  *doc = d->doc;

    if (!d->has_envelope && !d->has_section) {
        return;
    }

    if (d->standard == NULL) {
        d->standard = ehr_standard_of_date(0);
    }

    doc->standard = ehr_str(d->standard->name);
    doc->facility = d->reading.facility;
    doc->business_key = document_key(d);
}


static ehr_rc_t
document_parse(document_t *d)
{
    ehr_xml_fault_t  fault;
    ehr_xml_input_t  in;
    ehr_rc_t         rc;

    in.content = d->in->content;
    in.limits = &ehr_gate_document;
    in.deadline_ns = d->in->deadline_ns;
    in.cpu_now_ns = d->in->cpu_now_ns;
    in.events.start = document_start;
    in.events.end = document_end;
    in.events.text = document_text;
    in.events.data = d;

    rc = ehr_xml_parse(d->xml, &in, &fault);

    if (rc == EHR_BROKEN || d->reading.is_broken) {
        return EHR_BROKEN;
    }

    document_close(d, rc, &fault);
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

    if (in->content_form == EHR_CONTENT_JSON) {
        document_problem(doc, EHR_PROBLEM_DOCUMENT_UNKNOWN_KIND,
                         "Chưa có loại hồ sơ JSON nào được tiếp nhận",
                         "No kind of JSON document is enabled yet");

        return EHR_REFUSED;
    }

    d = ehr_arena_calloc(arena, sizeof(document_t));
    if (d == NULL) {
        return EHR_BROKEN;
    }

    d->in = in;
    d->doc = doc;
    d->reading.arena = arena;
    d->reading.findings = &doc->findings;
    d->reading.sender = in->facility;

    d->xml = ehr_xml_create();
    rc = d->xml ? document_parse(d) : EHR_BROKEN;

    if (d->has_envelope) {
        ehr_envelope_free(&d->envelope);
    }

    ehr_xml_destroy(d->xml);

    return rc;
}
