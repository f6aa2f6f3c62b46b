/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Refusals as text: the rows of the table of problems, RFC 9457 documents,
 * lists of findings, the language of the answer.  Decides shape and bounds;
 * knows neither who refused nor why, and never sees a value of a document.
 */

#include <stdio.h>
#include <strings.h>

#include "ehr_json.h"
#include "ehr_problem.h"


#define EHR_PROBLEM_TYPE     "https://ehr-gateway.invalid/problems/"
#define EHR_FINDINGS_FIRST   8
#define EHR_LANG_RANGES_MAX  32     /* of Accept-Language; more are ignored */
#define EHR_LANG_Q_MAX       1000   /* q in thousandths */
#define EHR_LANG_Q_NONE      (-1)


/* What Accept-Language says of our two languages; EHR_LANG_Q_NONE: nothing. */

typedef struct {
    int  vi;
    int  en;
    int  any;
} ehr_lang_weights_t;


static const ehr_problem_row_t  ehr_problem_rows[] = {
    { "none", 500, { "", "" } },
#define X(id, code, status, vi, en)  { code, status, { vi, en } },
    EHR_PROBLEM_TABLE(X)
#undef X
};


static const struct {
    int            status;
    ehr_problem_e  problem;
} ehr_problem_statuses[] = {
    { 400, EHR_PROBLEM_BAD_REQUEST },
    { 404, EHR_PROBLEM_NOT_FOUND },
    { 405, EHR_PROBLEM_METHOD_NOT_ALLOWED },
    { 406, EHR_PROBLEM_NOT_ACCEPTABLE },
    { 408, EHR_PROBLEM_BODY_TIMEOUT },
    { 412, EHR_PROBLEM_PRECONDITION_FAILED },
    { 413, EHR_PROBLEM_BODY_TOO_LARGE },
    { 414, EHR_PROBLEM_URI_TOO_LONG },
    { 415, EHR_PROBLEM_BODY_TYPE },
    { 431, EHR_PROBLEM_HEADER_TOO_LARGE },
    { 494, EHR_PROBLEM_HEADER_TOO_LARGE },
    { 495, EHR_PROBLEM_CERT_REQUIRED },     /* the certificate is not valid */
    { 496, EHR_PROBLEM_CERT_REQUIRED },     /* there is none */
    { 497, EHR_PROBLEM_BAD_REQUEST },       /* plain HTTP to the TLS port */
    { 500, EHR_PROBLEM_INTERNAL },
    { 501, EHR_PROBLEM_NOT_IMPLEMENTED },
    { 502, EHR_PROBLEM_INTERNAL },
    { 503, EHR_PROBLEM_OVERLOADED },
    { 504, EHR_PROBLEM_INTERNAL },
    { 505, EHR_PROBLEM_VERSION_NOT_SUPPORTED },
};

#define EHR_PROBLEM_STATUSES                                                  \
    (sizeof(ehr_problem_statuses) / sizeof(ehr_problem_statuses[0]))


static ehr_str_t ehr_problem_detail(const ehr_problem_view_t *view, char *buf,
                                    size_t size);
static void ehr_finding_write(ehr_json_t *json, const ehr_finding_t *f,
                              ehr_lang_e lang);
static void ehr_findings_write(ehr_json_t *json, const char *name,
                               const ehr_findings_t *findings,
                               ehr_lang_e lang);
static ehr_rc_t ehr_findings_grow(ehr_findings_t *findings);
static int ehr_findings_drop_warning(ehr_findings_t *findings);
static void ehr_lang_range(ehr_lang_weights_t *weights, ehr_str_t range);
static int ehr_lang_quality(ehr_str_t range, size_t pos);
static ehr_str_t ehr_lang_trim(ehr_str_t s);
static int ehr_lang_matches(ehr_str_t tag, const char *lang);


const ehr_problem_row_t *
ehr_problem_row(ehr_problem_e problem)
{
    if (problem <= EHR_PROBLEM_NONE || problem >= EHR_PROBLEM_LAST) {
        problem = EHR_PROBLEM_INTERNAL;
    }

    return &ehr_problem_rows[problem];
}


ehr_problem_e
ehr_problem_of_status(int status)
{
    for (size_t i = 0; i < EHR_PROBLEM_STATUSES; i++) {
        if (ehr_problem_statuses[i].status == status) {
            return ehr_problem_statuses[i].problem;
        }
    }

    return EHR_PROBLEM_INTERNAL;
}


ehr_str_t
ehr_problem_render(const ehr_problem_view_t *view, ehr_arena_t *arena)
{
    char                      type[128], beyond[128];
    ehr_str_t                 detail;
    ehr_json_t                json;
    ehr_lang_e                lang;
    const ehr_findings_t     *findings = view->findings;
    const ehr_problem_row_t  *row;

    row = ehr_problem_row(view->problem);
    lang = view->lang == EHR_LANG_EN ? EHR_LANG_EN : EHR_LANG_VI;
    detail = ehr_problem_detail(view, beyond, sizeof(beyond));

    (void) snprintf(type, sizeof(type), EHR_PROBLEM_TYPE "%s", row->code);

    ehr_json_begin(&json, arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_text(&json, "type", type);
    ehr_json_text(&json, "code", row->code);
    ehr_json_int(&json, "status", row->status);
    ehr_json_text(&json, "title", row->title[lang]);

    if (detail.len != 0) {
        ehr_json_string(&json, "detail", detail);
    }

    if (view->instance.len != 0) {
        ehr_json_string(&json, "instance", view->instance);
    }

    if (view->request_id.len != 0) {
        ehr_json_string(&json, "request_id", view->request_id);
    }

    if (findings != NULL && findings->n != 0) {
        ehr_findings_write(&json, "errors", findings, lang);
    }

    if (findings != NULL && findings->beyond != 0) {
        ehr_json_int(&json, "errors_omitted", (int64_t) findings->beyond);
    }

    ehr_json_close(&json, '}');

    return ehr_json_end(&json);
}


/* The detail as given; without one, it tells what the list leaves out. */

static ehr_str_t
ehr_problem_detail(const ehr_problem_view_t *view, char *buf, size_t size)
{
    const char  *format;

    if (view->detail.len != 0 || view->findings == NULL
        || view->findings->beyond == 0)
    {
        return view->detail;
    }

    format = view->lang == EHR_LANG_EN
             ? "%zu more findings are not listed"
             : "Còn %zu lỗi hoặc cảnh báo khác không được liệt kê";

    (void) snprintf(buf, size, format, view->findings->beyond);

    return ehr_str(buf);
}


ehr_str_t
ehr_findings_render(const ehr_findings_t *findings, ehr_lang_e lang,
                    ehr_arena_t *arena)
{
    ehr_json_t  json;

    ehr_json_begin(&json, arena);
    ehr_findings_write(&json, NULL, findings, lang);

    return ehr_json_end(&json);
}


static void
ehr_findings_write(ehr_json_t *json, const char *name,
                   const ehr_findings_t *findings, ehr_lang_e lang)
{
    ehr_json_open(json, name, '[');

    for (size_t i = 0; findings != NULL && i < findings->n; i++) {
        ehr_finding_write(json, &findings->items[i], lang);
    }

    ehr_json_close(json, ']');
}


static void
ehr_finding_text(ehr_json_t *json, const char *name, ehr_str_t value)
{
    if (value.len != 0) {
        ehr_json_string(json, name, value);
    }
}


static void
ehr_finding_write(ehr_json_t *json, const ehr_finding_t *f, ehr_lang_e lang)
{
    ehr_str_t  message;

    message = lang == EHR_LANG_EN && f->message_en.len != 0 ? f->message_en
                                                            : f->message_vi;

    ehr_json_open(json, NULL, '{');
    ehr_json_string(json, "code", f->code);
    ehr_finding_text(json, "section", f->section);

    if (f->row != 0) {
        ehr_json_int(json, "row", f->row);
    }

    ehr_finding_text(json, "field", f->field);
    ehr_finding_text(json, "path", f->path);

    if (f->line != 0) {
        ehr_json_int(json, "line", f->line);
    }

    ehr_json_string(json, "message", message);
    ehr_finding_text(json, "rule", f->rule);
    ehr_json_text(json, "severity",
                  f->severity == EHR_SEVERITY_WARNING ? "warning" : "error");
    ehr_json_close(json, '}');
}


ehr_rc_t
ehr_findings_add(ehr_findings_t *findings, const ehr_finding_t *f)
{
    size_t          size;
    ehr_finding_t  *item;

    if (f->severity != EHR_SEVERITY_WARNING) {
        findings->nerrors++;
    }

    if (findings->n == EHR_FINDINGS_MAX) {
        findings->beyond++;

        if (f->severity == EHR_SEVERITY_WARNING
            || !ehr_findings_drop_warning(findings))
        {
            return EHR_REFUSED;
        }
    }

    if (findings->n == findings->allocated
        && ehr_findings_grow(findings) != EHR_OK)
    {
        return EHR_BROKEN;
    }

    /* A plugin may have been compiled with a shorter structure. */

    size = f->size;
    if (size == 0 || size > sizeof(ehr_finding_t)) {
        size = sizeof(ehr_finding_t);
    }

    item = &findings->items[findings->n++];
    memset(item, 0, sizeof(ehr_finding_t));
    memcpy(item, f, size);
    item->size = sizeof(ehr_finding_t);

    return EHR_OK;
}


/* An error must not be lost to warnings that came first. */

static int
ehr_findings_drop_warning(ehr_findings_t *findings)
{
    size_t  i;

    /* the errors before this one fill the list: none of them was lost */
    if (findings->nerrors > EHR_FINDINGS_MAX) {
        return 0;
    }

    for (i = findings->n; i-- > 0; ) {
        if (findings->items[i].severity == EHR_SEVERITY_WARNING) {
            break;
        }
    }

    if (i == (size_t) -1) {
        return 0;
    }

    findings->n--;
    memmove(&findings->items[i], &findings->items[i + 1],
            (findings->n - i) * sizeof(ehr_finding_t));

    return 1;
}


static ehr_rc_t
ehr_findings_grow(ehr_findings_t *findings)
{
    size_t          allocated;
    ehr_finding_t  *items;

    allocated = findings->allocated ? 2 * findings->allocated
                                    : EHR_FINDINGS_FIRST;
    if (allocated > EHR_FINDINGS_MAX) {
        allocated = EHR_FINDINGS_MAX;
    }

    items = ehr_arena_alloc(findings->arena,
                            allocated * sizeof(ehr_finding_t));
    if (items == NULL) {
        return EHR_BROKEN;
    }

    if (findings->n != 0) {
        memcpy(items, findings->items, findings->n * sizeof(ehr_finding_t));
    }

    findings->items = items;
    findings->allocated = allocated;

    return EHR_OK;
}


ehr_lang_e
ehr_lang_negotiate(ehr_str_t accept_language)
{
    int                 vi, en;
    size_t              start = 0, end, n;
    ehr_str_t           range;
    ehr_lang_weights_t  weights = {
        EHR_LANG_Q_NONE, EHR_LANG_Q_NONE, EHR_LANG_Q_NONE
    };

    for (n = 0; n < EHR_LANG_RANGES_MAX && start < accept_language.len; n++) {
        for (end = start; end < accept_language.len; end++) {
            if (accept_language.data[end] == ',') {
                break;
            }
        }

        range.data = accept_language.data + start;
        range.len = end - start;
        ehr_lang_range(&weights, range);
        start = end + 1;
    }

    vi = weights.vi == EHR_LANG_Q_NONE ? weights.any : weights.vi;
    en = weights.en == EHR_LANG_Q_NONE ? weights.any : weights.en;

    return en > 0 && en > vi ? EHR_LANG_EN : EHR_LANG_VI;
}


/* One "en-GB;q=0.8"; what cannot be read counts as not sent. */

static void
ehr_lang_range(ehr_lang_weights_t *weights, ehr_str_t range)
{
    int         quality = EHR_LANG_Q_MAX;
    int        *weight;
    size_t      i;
    ehr_str_t   tag = range;

    for (i = 0; i < range.len; i++) {
        if (range.data[i] == ';') {
            quality = ehr_lang_quality(range, i + 1);
            break;
        }
    }

    tag.len = i;
    tag = ehr_lang_trim(tag);

    if (ehr_lang_matches(tag, "vi")) {
        weight = &weights->vi;

    } else if (ehr_lang_matches(tag, "en")) {
        weight = &weights->en;

    } else if (ehr_str_is(tag, "*")) {
        weight = &weights->any;

    } else {
        return;
    }

    if (quality > *weight) {
        *weight = quality;
    }
}


/* "q=0.8" at pos, in thousandths (RFC 9110 12.4.2); EHR_LANG_Q_NONE when it
 * is wrong. */

static int
ehr_lang_quality(ehr_str_t range, size_t pos)
{
    int        value, unit = 100;
    ehr_str_t  q;

    q.data = range.data + pos;
    q.len = range.len - pos;
    q = ehr_lang_trim(q);

    if (q.len < 3 || q.len > 7 || (q.data[0] | 0x20) != 'q'
        || q.data[1] != '=' || (q.data[2] != '0' && q.data[2] != '1'))
    {
        return EHR_LANG_Q_NONE;
    }

    if (q.len > 3 && q.data[3] != '.') {
        return EHR_LANG_Q_NONE;
    }

    value = (q.data[2] - '0') * EHR_LANG_Q_MAX;

    for (size_t i = 4; i < q.len; i++) {
        if (q.data[i] < '0' || q.data[i] > '9') {
            return EHR_LANG_Q_NONE;
        }

        value += (q.data[i] - '0') * unit;
        unit /= 10;
    }

    return value > EHR_LANG_Q_MAX ? EHR_LANG_Q_NONE : value;
}


static ehr_str_t
ehr_lang_trim(ehr_str_t s)
{
    while (s.len != 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }

    while (s.len != 0
           && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
    {
        s.len--;
    }

    return s;
}


static int
ehr_lang_matches(ehr_str_t tag, const char *lang)
{
    return tag.len >= 2 && strncasecmp(tag.data, lang, 2) == 0
           && (tag.len == 2 || tag.data[2] == '-');
}
