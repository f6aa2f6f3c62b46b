/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * "document ..." and "job ...": deliveries, what became of them, and what a
 * person decides about one or about many.  What is possible the server
 * decides.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "args.h"
#include "call.h"
#include "ehr_id.h"
#include "ehr_json.h"
#include "output.h"


#define ADMIN         "/admin/v1/"
#define PATH_MAX_LEN  1024
#define PAGES_MAX     1000
#define POLL_NS       (300 * 1000 * 1000)
#define POLLS_MAX     (24 * 3600 * 4)


static const label_t  list_columns[] = {
    { { "HỒ SƠ", "DOCUMENT" } },
    { { "CƠ SỞ", "FACILITY" } },
    { { "LOẠI", "KIND" } },
    { { "NƠI NHẬN", "PARTNER" } },
    { { "TRẠNG THÁI", "STATE" } },
    { { "LÝ DO", "REASON" } },
    { { "NHẬN LÚC", "RECEIVED" } },
};

static const label_t  show_columns[] = {
    { { "NƠI NHẬN", "PARTNER" } },
    { { "TRẠNG THÁI", "STATE" } },
    { { "LÝ DO", "REASON" } },
    { { "MÃ TIẾP NHẬN", "REFERENCE" } },
    { { "MÃ KẾT QUẢ", "CODE" } },
};

static const label_t  timeline_columns[] = {
    { { "LÚC", "AT" } },
    { { "NƠI NHẬN", "PARTNER" } },
    { { "TRẠNG THÁI", "STATE" } },
    { { "LÝ DO", "REASON" } },
    { { "GHI CHÚ", "NOTE" } },
};

static const label_t  count_columns[] = {
    { { "NƠI NHẬN", "PARTNER" } },
    { { "CƠ SỞ", "FACILITY" } },
    { { "TRẠNG THÁI", "STATE" } },
    { { "SỐ LƯỢNG", "NUMBER" } },
};

static const label_t  job_columns[] = {
    { { "SỐ", "JOB" } },
    { { "VIỆC", "ACTION" } },
    { { "TRẠNG THÁI", "STATE" } },
    { { "ĐÃ LÀM", "CHANGED" } },
    { { "BỎ QUA", "SKIPPED" } },
    { { "LÝ DO", "REASON" } },
    { { "NGƯỜI", "BY" } },
    { { "LÚC", "AT" } },
};

static const label_t  label_dry_run = {
    { "Chạy thử: chưa có gì thay đổi", "Dry run: nothing was changed" }
};

static const label_t  label_without_content = {
    { "Không còn nội dung để gửi, sẽ bỏ qua: %" JSON_INTEGER_FORMAT,
      "Without content to send, will be skipped: %" JSON_INTEGER_FORMAT }
};

static const label_t  label_progress = {
    { "việc %s: %s, đã làm %s, bỏ qua %s",
      "job %s: %s, changed %s, skipped %s" }
};

#define COLUMNS_OF(labels)  labels, sizeof(labels) / sizeof((labels)[0])


/* --- tables -------------------------------------------------------------- */

/* Members of objects as rows; a number becomes its digits. */

static json_t *
row_of(const json_t *object, const char *const *names, size_t n)
{
    char     number[32];
    json_t  *row = json_array(), *value;

    for (size_t i = 0; i < n; i++) {
        value = json_object_get(object, names[i]);

        (void) snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
                        json_integer_value(value));

        (void) json_array_append_new(row, json_string(
            json_is_integer(value) ? number
                                   : ehrctl_text(object, names[i])));
    }

    return row;
}


static int
table(ehrctl_t *ctl, const label_t *labels, size_t n,
      const char *const *names, const json_t *objects)
{
    int      status;
    json_t  *rows = json_array();

    for (size_t i = 0; i < json_array_size(objects); i++) {
        (void) json_array_append_new(rows,
                                     row_of(json_array_get(objects, i),
                                            names, n));
    }

    status = output_table(ctl, labels, n, rows);
    json_decref(rows);

    return status;
}


static int
get(ehrctl_t *ctl, const char *path, json_t **answer)
{
    http_request_t  request = { .method = "GET", .path = path };

    *answer = ehrctl_call(ctl, &request);

    return *answer != NULL ? EHRCTL_OK : EHRCTL_FAILED;
}


static int
id_check(ehrctl_t *ctl)
{
    if (ctl->noperands > 0 && !ehr_uuid_valid(ehr_str(ctl->operands[0]))) {
        (void) output_failure("ID must be a document's id (UUID)", NULL);
        return EHRCTL_USAGE;
    }

    return ehrctl_args_connection(ctl);
}


/* --- list, show, timeline ------------------------------------------------ */

/* Only what is safe in a query string; the server judges the values. */

static int
filter_add(char *path, size_t size, const char *name, const char *value)
{
    size_t  len = strlen(path);

    if (value == NULL) {
        return EHRCTL_OK;
    }

    if (value[0] == '\0'
        || strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvw"
                         "xyz0123456789-_.:") < strlen(value)
        || snprintf(path + len, size - len, "&%s=%s", name, value)
           >= (int) (size - len))
    {
        (void) output_failure("not a value for the filter", name);
        return EHRCTL_USAGE;
    }

    return EHRCTL_OK;
}


static int
filter_path(ehrctl_t *ctl, char *path, size_t size)
{
    const struct {
        const char  *name;
        const char  *value;
    } members[] = {
        { "facility", ctl->facility }, { "partner", ctl->partner },
        { "kind", ctl->kind }, { "state", ctl->state },
        { "reason", ctl->why }, { "since", ctl->since },
        { "until", ctl->until },
    };

    (void) snprintf(path, size, ADMIN "deliveries?limit=100");

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        int  status = filter_add(path, size, members[i].name,
                                 members[i].value);

        if (status != EHRCTL_OK) {
            return status;
        }
    }

    return EHRCTL_OK;
}


static int
pages_read(ehrctl_t *ctl, const char *filter, json_t *all)
{
    int      status;
    char     path[PATH_MAX_LEN + 64], cursor[32] = "";
    json_t  *answer;

    for (int i = 0; i < PAGES_MAX; i++) {
        (void) snprintf(path, sizeof(path), "%s%s%s", filter,
                        cursor[0] != '\0' ? "&cursor=" : "", cursor);

        status = get(ctl, path, &answer);
        if (status != EHRCTL_OK) {
            return status;
        }

        (void) json_array_extend(all, json_object_get(answer, "deliveries"));
        (void) snprintf(cursor, sizeof(cursor), "%s",
                        ehrctl_text(answer, "next_cursor"));
        json_decref(answer);

        if (cursor[0] == '\0'
            || strspn(cursor, "0123456789") < strlen(cursor))
        {
            break;
        }
    }

    return EHRCTL_OK;
}


int
ehrctl_document_list(ehrctl_t *ctl)
{
    static const char *const  names[] = {
        "id", "facility", "kind", "partner", "state", "reason", "received_at"
    };

    int      status;
    char     path[PATH_MAX_LEN];
    json_t  *all, *shown;

    status = id_check(ctl);

    if (status == EHRCTL_OK) {
        status = filter_path(ctl, path, sizeof(path));
    }

    if (status != EHRCTL_OK) {
        return status;
    }

    all = json_array();
    status = pages_read(ctl, path, all);

    if (status == EHRCTL_OK && ctl->output == EHRCTL_JSON) {
        shown = json_pack("{s:O}", "deliveries", all);
        status = output_json(shown);
        json_decref(shown);

    } else if (status == EHRCTL_OK) {
        status = table(ctl, COLUMNS_OF(list_columns), names, all);
    }

    json_decref(all);

    return status;
}


static int
document_table(ehrctl_t *ctl, const json_t *doc)
{
    static const char *const  names[] = {
        "partner", "state", "reason", "partner_ref", "partner_code"
    };

    (void) printf("%s  %s  %s  %s\n\n", ehrctl_text(doc, "id"),
                  ehrctl_text(doc, "facility"), ehrctl_text(doc, "kind"),
                  ehrctl_text(doc, "received_at"));

    return table(ctl, COLUMNS_OF(show_columns), names,
                 json_object_get(doc, "deliveries"));
}


static int
document_get(ehrctl_t *ctl, int is_timeline)
{
    static const char *const  names[] = {
        "at", "partner", "state", "reason", "note"
    };

    int      status;
    char     path[PATH_MAX_LEN];
    json_t  *doc;

    status = id_check(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    (void) snprintf(path, sizeof(path), ADMIN "documents/%s",
                    ctl->operands[0]);

    status = get(ctl, path, &doc);
    if (status != EHRCTL_OK) {
        return status;
    }

    if (ctl->output == EHRCTL_JSON) {
        status = output_json(doc);

    } else if (is_timeline) {
        status = table(ctl, COLUMNS_OF(timeline_columns), names,
                       json_object_get(doc, "decisions"));

    } else {
        status = document_table(ctl, doc);
    }

    json_decref(doc);

    return status;
}


int
ehrctl_document_show(ehrctl_t *ctl)
{
    return document_get(ctl, 0);
}


int
ehrctl_document_timeline(ehrctl_t *ctl)
{
    return document_get(ctl, 1);
}


/* --- decisions ----------------------------------------------------------- */

static void
member(ehr_json_t *json, const char *name, const char *value)
{
    if (value != NULL) {
        ehr_json_text(json, name, value);
    }
}


static ehr_str_t
body_of(ehrctl_t *ctl)
{
    ehr_json_t  json;

    ehr_json_begin(&json, ctl->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_text(&json, "reason", ctl->reason);

    if (ctl->noperands > 0) {
        ehr_json_text(&json, "id", ctl->operands[0]);
        member(&json, "partner", ctl->partner);
        member(&json, "as", ctl->as);
        member(&json, "partner_ref", ctl->partner_ref);

        if (ctl->is_forced) {
            ehr_json_bool(&json, "force", 1);
        }

    } else {
        ehr_json_open(&json, "filter", '{');
        member(&json, "facility", ctl->facility);
        member(&json, "partner", ctl->partner);
        member(&json, "kind", ctl->kind);
        member(&json, "state", ctl->state);
        member(&json, "reason", ctl->why);
        member(&json, "since", ctl->since);
        member(&json, "until", ctl->until);
        ehr_json_close(&json, '}');

        if (ctl->rate != NULL) {
            ehr_json_int(&json, "rate", strtol(ctl->rate, NULL, 10));
        }
    }

    ehr_json_close(&json, '}');

    return ehr_json_end(&json);
}


static int
job_table(ehrctl_t *ctl, json_t *jobs)
{
    static const char *const  names[] = {
        "id", "action", "state", "changed", "skipped", "reason", "actor",
        "created_at"
    };

    return table(ctl, COLUMNS_OF(job_columns), names, jobs);
}


static void
progress(ehrctl_t *ctl, const json_t *job)
{
    static const char *const  names[] = { "id", "state", "changed",
                                          "skipped" };

    json_t  *row = row_of(job, names, 4);

    (void) fprintf(stderr, "\r");
    (void) fprintf(stderr, ctl->lang == EHR_LANG_VI
                           ? label_progress.text[EHR_LANG_VI]
                           : label_progress.text[EHR_LANG_EN],
                   json_string_value(json_array_get(row, 0)),
                   json_string_value(json_array_get(row, 1)),
                   json_string_value(json_array_get(row, 2)),
                   json_string_value(json_array_get(row, 3)));
    (void) fflush(stderr);
    json_decref(row);
}


/* Until it is done, paused or cancelled; the job needs nobody to look. */

static int
job_follow(ehrctl_t *ctl, json_t **job)
{
    int              status;
    char             path[PATH_MAX_LEN];
    struct timespec  pause = { 0, POLL_NS };

    (void) snprintf(path, sizeof(path), ADMIN "jobs/%" JSON_INTEGER_FORMAT,
                    json_integer_value(json_object_get(*job, "id")));

    for (int i = 0; i < POLLS_MAX; i++) {
        progress(ctl, *job);

        if (ctl->is_no_wait
            || strcmp(ehrctl_text(*job, "state"), "running") != 0)
        {
            break;
        }

        (void) nanosleep(&pause, NULL);
        json_decref(*job);

        status = get(ctl, path, job);
        if (status != EHRCTL_OK) {
            return status;
        }
    }

    (void) fprintf(stderr, "\n");

    return strcmp(ehrctl_text(*job, "state"), "cancelled") == 0
           ? EHRCTL_FAILED : EHRCTL_OK;
}


static int
job_show(ehrctl_t *ctl, json_t *job)
{
    int      status;
    json_t  *jobs;

    if (ctl->output == EHRCTL_JSON) {
        return output_json(job);
    }

    jobs = json_pack("[O]", job);
    status = job_table(ctl, jobs);
    json_decref(jobs);

    return status;
}


static int
preview_show(ehrctl_t *ctl, const json_t *preview)
{
    static const char *const  names[] = { "partner", "facility", "state",
                                          "count" };

    json_int_t  n;

    n = json_integer_value(json_object_get(preview, "without_content"));

    if (n > 0) {
        (void) fprintf(stderr, ctl->lang == EHR_LANG_VI
                               ? label_without_content.text[EHR_LANG_VI]
                               : label_without_content.text[EHR_LANG_EN], n);
        (void) fprintf(stderr, "\n");
    }

    return table(ctl, COLUMNS_OF(count_columns), names,
                 json_object_get(preview, "counts"));
}


static int
decided_show(ehrctl_t *ctl, json_t **answer)
{
    int  status, followed = EHRCTL_OK;

    if (ctl->noperands == 0 && !ctl->is_dry_run) {
        followed = job_follow(ctl, answer);

        if (*answer == NULL) {
            return EHRCTL_FAILED;
        }

        status = job_show(ctl, *answer);

        return followed != EHRCTL_OK ? followed : status;
    }

    if (ctl->output == EHRCTL_JSON) {
        return output_json(*answer);
    }

    return ctl->noperands > 0 ? document_table(ctl, *answer)
                              : preview_show(ctl, *answer);
}


static int
decide(ehrctl_t *ctl, const char *verb)
{
    int             status;
    char            path[PATH_MAX_LEN], tag[64];
    json_t         *answer;
    http_request_t  request = { .method = "POST", .path = path };

    status = id_check(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    if (ctl->if_match != NULL) {
        (void) snprintf(tag, sizeof(tag), "\"%d\"", atoi(ctl->if_match));
        request.if_match = tag;
    }

    (void) snprintf(path, sizeof(path), ADMIN "documents/%s%s", verb,
                    ctl->is_dry_run ? "?dry_run=true" : "");

    request.body = body_of(ctl);

    answer = ehrctl_call(ctl, &request);
    if (answer == NULL) {
        return EHRCTL_FAILED;
    }

    if (ctl->is_dry_run) {
        (void) fprintf(stderr, "%s\n", label_dry_run.text[ctl->lang]);
    }

    status = decided_show(ctl, &answer);
    json_decref(answer);

    return status;
}


int
ehrctl_document_hold(ehrctl_t *ctl)
{
    return decide(ctl, "hold");
}


int
ehrctl_document_release(ehrctl_t *ctl)
{
    return decide(ctl, "release");
}


int
ehrctl_document_replay(ehrctl_t *ctl)
{
    return decide(ctl, "replay");
}


/* --- jobs ---------------------------------------------------------------- */

int
ehrctl_job_list(ehrctl_t *ctl)
{
    int      status;
    json_t  *answer;

    status = ehrctl_args_connection(ctl);

    if (status == EHRCTL_OK) {
        status = get(ctl, ADMIN "jobs", &answer);
    }

    if (status != EHRCTL_OK) {
        return status;
    }

    status = ctl->output == EHRCTL_JSON
             ? output_json(answer)
             : job_table(ctl, json_object_get(answer, "jobs"));

    json_decref(answer);

    return status;
}


static int
job_set(ehrctl_t *ctl, const char *verb)
{
    int             status;
    char            path[PATH_MAX_LEN];
    json_t         *job;
    http_request_t  request = { .method = "POST", .path = path };

    status = ehrctl_args_connection(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    if (strspn(ctl->operands[0], "0123456789") < strlen(ctl->operands[0])) {
        (void) output_failure("JOB must be a number", NULL);
        return EHRCTL_USAGE;
    }

    (void) snprintf(path, sizeof(path), ADMIN "jobs/%s/%s%s",
                    ctl->operands[0], verb,
                    ctl->is_dry_run ? "?dry_run=true" : "");

    job = ehrctl_call(ctl, &request);
    if (job == NULL) {
        return EHRCTL_FAILED;
    }

    status = job_show(ctl, job);
    json_decref(job);

    return status;
}


int
ehrctl_job_pause(ehrctl_t *ctl)
{
    return job_set(ctl, "pause");
}


int
ehrctl_job_resume(ehrctl_t *ctl)
{
    return job_set(ctl, "resume");
}


int
ehrctl_job_cancel(ehrctl_t *ctl)
{
    return job_set(ctl, "cancel");
}
