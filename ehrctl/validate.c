/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The gateway's checks without a gateway: each file read and validated as the
 * server would, findings file by file, then how often each rule failed.  It
 * sends nothing and keeps nothing.
 */

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "validators.h"


#define FILES_MAX      1000000
#define FILE_SIZE_MAX  (64 * 1024 * 1024)
#define ARENA_CAP      ((size_t) 512 * 1024 * 1024)
#define RULES_MAX      2048
#define DEPTH_MAX      32           /* open folders at a time */
#define CPU_LIMIT_NS   ((int64_t) 10 * 1000000000)


typedef struct {
    char     *rule;
    uint32_t  severity;
    size_t    count;
    char     *message;
} tally_t;


typedef struct {
    ehrctl_t      *ctl;
    validators_t   validators;
    json_t        *files;
    tally_t        tallies[RULES_MAX];
    size_t         ntallies;
    size_t         done;
    size_t         wrong;
    int            is_terminal;
} validate_t;


static const label_t  finding_labels[] = {
    { { "Mức", "Severity" } },
    { { "Vị trí", "Place" } },
    { { "Quy tắc", "Rule" } },
    { { "Nội dung", "Says" } }
};

static const label_t  tally_labels[] = {
    { { "Quy tắc", "Rule" } },
    { { "Mức", "Severity" } },
    { { "Số lần", "Times" } },
    { { "Nội dung", "Says" } }
};

static const label_t  severity_labels[] = {
    { { "lỗi", "error" } },
    { { "cảnh báo", "warning" } }
};


/* nftw() has no argument of the caller's; used by one thread. */

static char  **walked;
static size_t  nwalked;


/* --- which files --------------------------------------------------------- */


static int
path_add(const char *path)
{
    char  **grown;

    if (nwalked == FILES_MAX) {
        return output_failure("too many files", NULL);
    }

    /* doubled at powers of two */
    if ((nwalked & (nwalked - 1)) == 0) {
        grown = realloc(walked, (nwalked ? 2 * nwalked : 1) * sizeof(char *));
        if (grown == NULL) {
            return output_failure("no memory", NULL);
        }

        walked = grown;
    }

    walked[nwalked] = strdup(path);

    return walked[nwalked++] ? EHRCTL_OK : output_failure("no memory", NULL);
}


static int
is_document(const char *path)
{
    const char  *dot = strrchr(path, '.');

    return dot && (strcasecmp(dot, ".xml") == 0
                   || strcasecmp(dot, ".json") == 0);
}


static int
folder_entry(const char *path, const struct stat *st, int type,
             struct FTW *where)
{
    return type == FTW_F && is_document(path) ? path_add(path) : EHRCTL_OK;
}


static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}


static int
paths_collect(const char *path)
{
    struct stat  st;
    size_t       first = nwalked;
    int          status;

    if (stat(path, &st) != 0) {
        return output_failure("cannot be read", path);
    }

    if (!S_ISDIR(st.st_mode)) {
        return path_add(path);
    }

    status = nftw(path, folder_entry, DEPTH_MAX, FTW_PHYS);

    if (status < 0) {
        return output_failure("the folder cannot be read", path);
    }

    if (nwalked > first) {
        qsort(walked + first, nwalked - first, sizeof(char *), by_name);
    }

    return status;
}


static void
paths_free(void)
{
    while (nwalked > 0) {
        free(walked[--nwalked]);
    }

    free(walked);
    walked = NULL;
}


/* --- one file ------------------------------------------------------------ */


static int64_t
cpu_now_ns(void)
{
    struct timespec  t;

    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);

    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}


static ehr_str_t
content_read(const char *path, ehr_arena_t *arena)
{
    ehr_str_t    s = ehr_null_string;
    struct stat  st;
    FILE        *f = fopen(path, "rb");
    char        *data;

    if (f == NULL) {
        return s;
    }

    if (fstat(fileno(f), &st) == 0 && st.st_size <= FILE_SIZE_MAX) {
        data = ehr_arena_alloc(arena, (size_t) st.st_size);

        if (data && fread(data, 1, (size_t) st.st_size, f)
                    == (size_t) st.st_size)
        {
            s.data = data;
            s.len = (size_t) st.st_size;
        }
    }

    (void) fclose(f);

    return s;
}


/* Without --facility the document's own code is taken for the sender's. */

static ehr_rc_t
document_check(validate_t *v, const char *path, ehr_str_t content,
               ehr_arena_t *arena, ehr_document_t *doc)
{
    ehr_document_input_t  in;
    ehr_checks_t          checks = { v->validators.list, v->validators.n,
                                     v->validators.policies,
                                     validators_now_ms(), NULL };
    const char           *dot = strrchr(path, '.');

    memset(&in, 0, sizeof(in));
    in.content = content;
    in.content_form = dot && strcasecmp(dot, ".json") == 0 ? EHR_CONTENT_JSON
                                                           : EHR_CONTENT_XML;
    in.facility = ehr_str(v->ctl->facility);
    in.standard = ehr_str(v->ctl->standard);
    in.severities = &v->validators.severities;
    in.cpu_now_ns = cpu_now_ns;
    in.deadline_ns = cpu_now_ns() + CPU_LIMIT_NS;

    if (v->ctl->facility == NULL
        && ehr_document_read(&in, arena, doc) != EHR_BROKEN)
    {
        in.facility = doc->facility;
    }

    return ehr_document_check(&in, &checks, arena, doc);
}


/* --- the sum ------------------------------------------------------------- */


static tally_t *
tally_find(validate_t *v, const ehr_finding_t *f)
{
    tally_t  *t;

    for (size_t i = 0; i < v->ntallies; i++) {
        t = &v->tallies[i];

        if (t->severity == f->severity && ehr_str_is(f->rule, t->rule)) {
            return t;
        }
    }

    if (v->ntallies == RULES_MAX) {
        return NULL;
    }

    t = &v->tallies[v->ntallies++];
    t->rule = f->rule.len ? strndup(f->rule.data, f->rule.len) : strdup("");
    t->severity = f->severity;

    return t;
}


/* A rule of fields has as many sentences as fields: the first is shown. */

static void
tally_add(validate_t *v, const ehr_findings_t *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        const ehr_finding_t  *f = &findings->items[i];
        ehr_str_t             m = v->ctl->lang == EHR_LANG_VI ? f->message_vi
                                                              : f->message_en;
        tally_t              *t = tally_find(v, f);

        if (t == NULL || t->rule == NULL) {
            continue;
        }

        if (t->count++ == 0) {
            t->message = strndup(m.data, m.len);
        }
    }
}


static int
by_count(const void *a, const void *b)
{
    const tally_t  *x = a, *y = b;

    if (x->severity != y->severity) {
        return x->severity < y->severity ? -1 : 1;
    }

    return (x->count < y->count) - (x->count > y->count);
}


static json_t *
tally_rows(validate_t *v)
{
    json_t      *rows = json_array();
    const char  *severity;
    char         count[32];

    qsort(v->tallies, v->ntallies, sizeof(tally_t), by_count);

    for (size_t i = 0; i < v->ntallies; i++) {
        const tally_t  *t = &v->tallies[i];
        const char     *message = t->message ? t->message : "";

        severity = severity_labels[t->severity == EHR_SEVERITY_WARNING]
                   .text[v->ctl->lang];
        (void) snprintf(count, sizeof(count), "%zu", t->count);

        (void) json_array_append_new(rows,
            v->ctl->output == EHRCTL_JSON
            ? json_pack("{s:s, s:s, s:I, s:s}", "rule", t->rule, "severity",
                        severity_labels[t->severity == EHR_SEVERITY_WARNING]
                        .text[EHR_LANG_EN],
                        "count", (json_int_t) t->count, "message", message)
            : json_pack("[s, s, s, s]", t->rule, severity, count, message));
    }

    return rows;
}


/* --- how it looks -------------------------------------------------------- */


static void
progress(const validate_t *v)
{
    if (v->is_terminal) {
        (void) fprintf(stderr, "\r%zu/%zu", v->done, nwalked);
        (void) fflush(stderr);
    }
}


static void
progress_clear(const validate_t *v)
{
    if (v->is_terminal) {
        (void) fprintf(stderr, "\r%*s\r", 24, "");
    }
}


/* "XML2.1.THANH_TIEN_BV" */

static json_t *
finding_row(const validate_t *v, const ehr_finding_t *f)
{
    char        place[256], row[16] = "";
    ehr_str_t   m = v->ctl->lang == EHR_LANG_VI ? f->message_vi
                                                : f->message_en;

    if (f->row) {
        (void) snprintf(row, sizeof(row), ".%u", f->row);
    }

    (void) snprintf(place, sizeof(place), "%.*s%s%s%.*s",
                    (int) f->section.len, f->section.data, row,
                    f->field.len ? "." : "", (int) f->field.len,
                    f->field.data);

    return json_pack("[s, s, s%, s%]",
                     severity_labels[f->severity == EHR_SEVERITY_WARNING]
                     .text[v->ctl->lang],
                     place, f->rule.data, f->rule.len, m.data, m.len);
}


static void
file_table(const validate_t *v, const char *path, const ehr_document_t *doc,
           const char *verdict)
{
    json_t  *rows = json_array();

    for (size_t i = 0; i < doc->findings.n; i++) {
        (void) json_array_append_new(rows,
                                     finding_row(v, &doc->findings.items[i]));
    }

    output_field(path, output_width(path), verdict);

    if (json_array_size(rows) > 0) {
        (void) output_table(v->ctl, finding_labels, 4, rows);
        (void) printf("\n");
    }

    json_decref(rows);
}


static json_t *
file_json(const validate_t *v, const char *path, const ehr_document_t *doc,
          ehr_arena_t *arena)
{
    ehr_str_t  findings = ehr_findings_render(&doc->findings, v->ctl->lang,
                                              arena);
    json_t    *list = findings.data ? json_loadb(findings.data, findings.len,
                                                 0, NULL)
                                    : NULL;

    return json_pack("{s:s, s:s, s:s%, s:s?, s:o?}", "path", path, "kind",
                     ehr_kind_name(doc->kind), "standard",
                     doc->standard.data ? doc->standard.data : "",
                     doc->standard.len, "problem",
                     doc->problem ? ehr_problem_row(doc->problem)->code
                                  : NULL,
                     "findings", list);
}


static const char *
verdict_of(const validate_t *v, const ehr_document_t *doc, ehr_rc_t rc)
{
    static const label_t  valid = { { "hợp lệ", "valid" } };
    static const label_t  warned = { { "hợp lệ, có cảnh báo",
                                       "valid, with warnings" } };

    if (rc == EHR_OK) {
        return doc->findings.n ? warned.text[v->ctl->lang]
                               : valid.text[v->ctl->lang];
    }

    return doc->detail[v->ctl->lang].data ? doc->detail[v->ctl->lang].data
           : ehr_problem_row(rc == EHR_BROKEN ? EHR_PROBLEM_INTERNAL
                                              : doc->problem)
             ->title[v->ctl->lang];
}


static void
file_validate(validate_t *v, const char *path, ehr_arena_t *arena)
{
    ehr_document_t  doc;
    ehr_str_t       content = content_read(path, arena);
    ehr_rc_t        rc;

    progress(v);
    v->done++;

    if (content.data == NULL) {
        v->wrong++;
        (void) output_failure("cannot be read, or too large", path);

        return;
    }

    rc = document_check(v, path, content, arena, &doc);
    v->wrong += (rc != EHR_OK);
    tally_add(v, &doc.findings);
    progress_clear(v);

    if (v->ctl->output == EHRCTL_JSON) {
        (void) json_array_append_new(v->files,
                                     file_json(v, path, &doc, arena));

    } else {
        file_table(v, path, &doc, verdict_of(v, &doc, rc));
    }
}


static int
summary(validate_t *v)
{
    static const label_t  total = { { "%zu tệp, %zu tệp có lỗi\n",
                                      "%zu files, %zu with errors\n" } };

    json_t  *rows = tally_rows(v);
    int      status = EHRCTL_OK;

    if (v->ctl->output == EHRCTL_JSON) {
        json_t  *all = json_pack("{s:O, s:{s:I, s:I, s:O}}", "files",
                                 v->files, "summary", "files",
                                 (json_int_t) v->done, "wrong",
                                 (json_int_t) v->wrong, "rules", rows);

        status = output_json(all);
        json_decref(all);

    } else {
        if (json_array_size(rows) > 0) {
            status = output_table(v->ctl, tally_labels, 4, rows);
            (void) printf("\n");
        }

        (void) printf(total.text[v->ctl->lang], v->done, v->wrong);
    }

    json_decref(rows);

    return status;
}


static int
files_validate(validate_t *v)
{
    for (size_t i = 0; i < nwalked; i++) {
        ehr_arena_t  *arena = ehr_arena_create(ARENA_CAP);

        if (arena == NULL) {
            return output_failure("no memory", NULL);
        }

        file_validate(v, walked[i], arena);
        ehr_arena_destroy(arena);
    }

    return summary(v);
}


static void
validate_free(validate_t *v)
{
    for (size_t i = 0; i < v->ntallies; i++) {
        free(v->tallies[i].rule);
        free(v->tallies[i].message);
    }

    validators_close(&v->validators);
    json_decref(v->files);
    paths_free();
    free(v);
}


int
ehrctl_validate(ehrctl_t *ctl)
{
    validate_t  *v = calloc(1, sizeof(validate_t));
    int          status;

    if (v == NULL) {
        return output_failure("no memory", NULL);
    }

    v->ctl = ctl;
    v->files = json_array();
    v->is_terminal = isatty(STDERR_FILENO);
    status = validators_open(ctl, &v->validators);

    for (int i = 0; status == EHRCTL_OK && i < ctl->npaths; i++) {
        status = paths_collect(ctl->paths[i]);
    }

    if (status == EHRCTL_OK) {
        status = files_validate(v);
    }

    if (status == EHRCTL_OK && v->wrong > 0) {
        status = EHRCTL_FAILED;
    }

    validate_free(v);

    return status;
}
