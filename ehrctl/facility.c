/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * "facility ...": the calls of /admin/v1/facilities.  Decides path, query and
 * body of each, and which members are shown; what is allowed the server
 * decides.  One check is made here: a private key is never sent.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "args.h"
#include "call.h"
#include "ehr_certificate.h"
#include "ehr_facility.h"
#include "ehr_id.h"
#include "ehr_json.h"
#include "file.h"
#include "http.h"
#include "output.h"


#define FACILITIES     "/admin/v1/facilities"
#define PAGE_LIMIT     "100"
#define PAGES_MAX      1000
#define PATH_MAX_LEN   512
#define CURSOR_MAX     128
#define TEXT_MAX       256


typedef enum {
    COLUMN_CODE = 0,
    COLUMN_NAME,
    COLUMN_STATE,
    COLUMN_STANDARD,
    COLUMN_RATE,
    COLUMN_CERTS,
    COLUMNS
} column_e;

static const label_t  columns[COLUMNS] = {
    { { "MÃ", "CODE" } },
    { { "TÊN", "NAME" } },
    { { "TRẠNG THÁI", "STATE" } },
    { { "CHUẨN", "STANDARD" } },
    { { "TỐC ĐỘ", "RATE" } },
    { { "CHỨNG THƯ", "CERTIFICATES" } },
};


static const label_t  label_code = { { "Mã cơ sở", "Code" } };
static const label_t  label_name = { { "Tên", "Name" } };
static const label_t  label_state = { { "Trạng thái", "State" } };
static const label_t  label_reason = { { "Lý do", "Reason" } };
static const label_t  label_standard = { { "Chuẩn dữ liệu", "Standard" } };
static const label_t  label_kinds = { { "Loại hồ sơ", "Kinds" } };
static const label_t  label_rate = { { "Tốc độ", "Rate" } };
static const label_t  label_burst = { { "Gửi dồn", "Burst" } };
static const label_t  label_version = { { "Phiên bản", "Version" } };
static const label_t  label_changed = { { "Thay đổi lúc", "Changed at" } };
static const label_t  label_cert = { { "Chứng thư", "Certificate" } };
static const label_t  label_until = { { "hết hạn", "until" } };

static const label_t  label_active = { { "hoạt động", "active" } };
static const label_t  label_suspended = { { "tạm ngừng", "suspended" } };
static const label_t  label_default = { { "mặc định", "default" } };
static const label_t  label_by_date = { { "theo ngày", "by dates" } };
static const label_t  label_all = { { "tất cả", "all" } };
static const label_t  label_dry_run = {
    { "Chạy thử: chưa có gì thay đổi", "Dry run: nothing was changed" }
};

static const label_t  label_private_key = {
    { "tệp chứa khóa riêng, không gửi", "holds a private key, not sent" }
};

static const label_t  label_no_certificate = {
    { "phải chứa đúng một chứng thư số (PEM)",
      "must hold exactly one certificate (PEM)" }
};


/* --- calls --------------------------------------------------------------- */

/* A code goes into a path: what is none goes nowhere. */

static int
code_check(ehrctl_t *ctl)
{
    if (ctl->noperands > 0
        && !ehr_facility_code_valid(ehr_str(ctl->operands[0])))
    {
        (void) output_failure("CODE must be 1 to 16 letters and digits", NULL);
        return EHRCTL_USAGE;
    }

    return ehrctl_args_connection(ctl);
}


static int
if_match_render(ehrctl_t *ctl, char tag[TEXT_MAX])
{
    size_t       len;
    const char  *text = ctl->if_match;

    /* 3 and "3" are the same to people. */

    len = strlen(text);

    if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
        text++;
        len -= 2;
    }

    if (len == 0 || len > 18 || strspn(text, "0123456789") < len) {
        (void) output_failure("VERSION must be a number", NULL);
        return EHRCTL_USAGE;
    }

    (void) snprintf(tag, TEXT_MAX, "\"%.*s\"", (int) len, text);

    return EHRCTL_OK;
}


/* --- one facility -------------------------------------------------------- */

static const char *
state_of(ehrctl_t *ctl, const json_t *fac)
{
    return strcmp(ehrctl_text(fac, "state"), "active") == 0
           ? label_active.text[ctl->lang]
           : label_suspended.text[ctl->lang];
}


static const char *
or_label(ehrctl_t *ctl, const char *text, const label_t *label)
{
    return text[0] != '\0' ? text : label->text[ctl->lang];
}


static void
field(ehrctl_t *ctl, const label_t *label, const char *value)
{
    static const label_t *const  widest[] = {
        &label_code, &label_name, &label_state, &label_reason,
        &label_standard, &label_kinds, &label_rate, &label_burst,
        &label_version, &label_changed, &label_cert,
    };

    size_t  width = 0, w;

    for (size_t i = 0; i < sizeof(widest) / sizeof(widest[0]); i++) {
        w = output_width(widest[i]->text[ctl->lang]);
        width = w > width ? w : width;
    }

    output_field(label->text[ctl->lang], width, value);
}


static void
field_integer(ehrctl_t *ctl, const label_t *label, const json_t *value)
{
    char  text[32];

    (void) snprintf(text, sizeof(text), "%" PRId64,
                    (int64_t) json_integer_value(value));

    field(ctl, label, text);
}


static void
field_kinds(ehrctl_t *ctl, const json_t *kinds)
{
    int   n = 0;
    char  text[TEXT_MAX] = "";

    for (size_t i = 0; i < json_array_size(kinds); i++) {
        n += snprintf(text + n, sizeof(text) - (size_t) n, "%s%s",
                      i > 0 ? ", " : "",
                      json_string_value(json_array_get(kinds, i)));

        if (n < 0 || (size_t) n >= sizeof(text)) {
            break;
        }
    }

    field(ctl, &label_kinds, or_label(ctl, text, &label_all));
}


static void
field_certificate(ehrctl_t *ctl, const json_t *cert)
{
    char  text[1024];

    field(ctl, &label_cert, ehrctl_text(cert, "sha256"));

    (void) snprintf(text, sizeof(text), "  %s, %s %s",
                    ehrctl_text(cert, "subject"), label_until.text[ctl->lang],
                    ehrctl_text(cert, "not_after"));

    field(ctl, &(label_t) { { "", "" } }, text);
}


static void
facility_table(ehrctl_t *ctl, const json_t *fac)
{
    const json_t  *certs = json_object_get(fac, "certificates");

    field(ctl, &label_code, ehrctl_text(fac, "code"));
    field(ctl, &label_name, ehrctl_text(fac, "name"));
    field(ctl, &label_state, state_of(ctl, fac));

    if (ehrctl_text(fac, "suspended_reason")[0] != '\0') {
        field(ctl, &label_reason, ehrctl_text(fac, "suspended_reason"));
    }

    field(ctl, &label_standard,
          or_label(ctl, ehrctl_text(fac, "standard"), &label_by_date));
    field_kinds(ctl, json_object_get(fac, "kinds"));
    field(ctl, &label_rate,
          or_label(ctl, ehrctl_text(fac, "rate"), &label_default));

    if (json_integer_value(json_object_get(fac, "burst")) > 0) {
        field_integer(ctl, &label_burst, json_object_get(fac, "burst"));
    }

    field_integer(ctl, &label_version, json_object_get(fac, "version"));
    field(ctl, &label_changed, ehrctl_text(fac, "changed_at"));

    for (size_t i = 0; i < json_array_size(certs); i++) {
        field_certificate(ctl, json_array_get(certs, i));
    }
}


/* The call's answer is a facility: shows it. */

static int
facility_call(ehrctl_t *ctl, http_request_t *request)
{
    int      status = EHRCTL_OK;
    json_t  *fac;

    fac = ehrctl_call(ctl, request);
    if (fac == NULL) {
        return EHRCTL_FAILED;
    }

    if (ctl->is_dry_run) {
        (void) fprintf(stderr, "%s\n", label_dry_run.text[ctl->lang]);
    }

    if (ctl->output == EHRCTL_JSON) {
        status = output_json(fac);

    } else {
        facility_table(ctl, fac);
    }

    json_decref(fac);

    return status;
}


/* rest: of the path, behind the facilities. */

static int
facility_change(ehrctl_t *ctl, const char *method, const char *rest,
                ehr_str_t body)
{
    int             status;
    char            path[PATH_MAX_LEN], tag[TEXT_MAX];
    http_request_t  request = { .method = method, .path = path };

    if (ctl->if_match != NULL) {
        status = if_match_render(ctl, tag);
        if (status != EHRCTL_OK) {
            return status;
        }

        request.if_match = tag;
    }

    (void) snprintf(path, sizeof(path), FACILITIES "%s%s", rest,
                    ctl->is_dry_run ? "?dry_run=true" : "");

    request.body = body;

    return facility_call(ctl, &request);
}


/* An object with one member. */

static ehr_str_t
body_of(ehrctl_t *ctl, const char *name, ehr_str_t value)
{
    ehr_json_t  json;

    ehr_json_begin(&json, ctl->arena);
    ehr_json_open(&json, NULL, '{');

    if (name != NULL) {
        ehr_json_string(&json, name, value);
    }

    ehr_json_close(&json, '}');

    return ehr_json_end(&json);
}


/* --- verbs --------------------------------------------------------------- */

static void
write_kinds(ehr_json_t *json, const char *list)
{
    size_t     len;
    ehr_str_t  kind;

    ehr_json_open(json, "kinds", '[');

    while (*list != '\0') {
        len = strcspn(list, ",");

        kind.data = list;
        kind.len = len;
        ehr_json_string(json, NULL, kind);

        list += len + (list[len] == ',');
    }

    ehr_json_close(json, ']');
}


int
ehrctl_facility_add(ehrctl_t *ctl)
{
    int         status;
    char       *end = NULL;
    long        burst = 0;
    ehr_json_t  json;

    status = code_check(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    if (ctl->burst != NULL) {
        burst = strtol(ctl->burst, &end, 10);

        if (end == ctl->burst || *end != '\0') {
            (void) output_failure("--burst must be a number", NULL);
            return EHRCTL_USAGE;
        }
    }

    ehr_json_begin(&json, ctl->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_text(&json, "code", ctl->operands[0]);
    ehr_json_text(&json, "name", ctl->name);

    if (ctl->standard != NULL) {
        ehr_json_text(&json, "standard", ctl->standard);
    }

    if (ctl->kinds != NULL) {
        write_kinds(&json, ctl->kinds);
    }

    if (ctl->rate != NULL) {
        ehr_json_text(&json, "rate", ctl->rate);
    }

    if (ctl->burst != NULL) {
        ehr_json_int(&json, "burst", burst);
    }

    ehr_json_close(&json, '}');

    return facility_change(ctl, "POST", "", ehr_json_end(&json));
}


int
ehrctl_facility_show(ehrctl_t *ctl)
{
    int             status;
    char            path[PATH_MAX_LEN];
    http_request_t  request = { .method = "GET", .path = path };

    status = code_check(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    (void) snprintf(path, sizeof(path), FACILITIES "/%s", ctl->operands[0]);

    return facility_call(ctl, &request);
}


int
ehrctl_facility_suspend(ehrctl_t *ctl)
{
    int   status;
    char  rest[PATH_MAX_LEN];

    status = code_check(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    (void) snprintf(rest, sizeof(rest), "/%s/suspend", ctl->operands[0]);

    return facility_change(ctl, "POST", rest,
                           body_of(ctl, "reason", ehr_str(ctl->reason)));
}


int
ehrctl_facility_resume(ehrctl_t *ctl)
{
    int   status;
    char  rest[PATH_MAX_LEN];

    status = code_check(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    (void) snprintf(rest, sizeof(rest), "/%s/resume", ctl->operands[0]);

    return facility_change(ctl, "POST", rest,
                           body_of(ctl, NULL, ehr_str("")));
}


/* Any time will do: that it has expired is the server's to say. */

static int
certificate_read(ehrctl_t *ctl, ehr_str_t *pem, ehr_certificate_t *cert)
{
    ehr_certificate_e  e;

    *pem = file_read(ctl, ctl->operands[1]);
    if (pem->data == NULL) {
        return EHRCTL_FAILED;
    }

    e = ehr_certificate_read(*pem, 0, ctl->arena, cert);

    if (e == EHR_CERTIFICATE_OK) {
        return EHRCTL_OK;
    }

    return output_failure(ctl->operands[1],
                          e == EHR_CERTIFICATE_PRIVATE_KEY
                          ? label_private_key.text[ctl->lang]
                          : label_no_certificate.text[ctl->lang]);
}


int
ehrctl_facility_cert_add(ehrctl_t *ctl)
{
    int                status;
    char               rest[PATH_MAX_LEN];
    ehr_str_t          pem;
    ehr_certificate_t  cert;

    status = code_check(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    status = certificate_read(ctl, &pem, &cert);
    if (status != EHRCTL_OK) {
        return status;
    }

    (void) snprintf(rest, sizeof(rest), "/%s/certificates",
                    ctl->operands[0]);

    return facility_change(ctl, "POST", rest,
                           body_of(ctl, "certificate", pem));
}


int
ehrctl_facility_cert_remove(ehrctl_t *ctl)
{
    int                status;
    char               rest[PATH_MAX_LEN], hex[2 * EHR_SHA256_LEN + 1];
    ehr_str_t          pem;
    ehr_certificate_t  cert;

    status = code_check(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    if (ehr_unhex(ehr_str(ctl->operands[1]), cert.sha256, EHR_SHA256_LEN)
        != EHR_OK)
    {
        status = certificate_read(ctl, &pem, &cert);
        if (status != EHRCTL_OK) {
            return status;
        }
    }

    ehr_hex(cert.sha256, EHR_SHA256_LEN, hex);

    (void) snprintf(rest, sizeof(rest), "/%s/certificates/%s",
                    ctl->operands[0], hex);

    return facility_change(ctl, "DELETE", rest, (ehr_str_t) ehr_null_string);
}


/* --- list ---------------------------------------------------------------- */

static json_t *
row_of(ehrctl_t *ctl, const json_t *fac)
{
    char     certs[32];
    json_t  *row;

    (void) snprintf(certs, sizeof(certs), "%zu",
                    json_array_size(json_object_get(fac, "certificates")));

    row = json_pack("[s, s, s, s, s, s]", ehrctl_text(fac, "code"),
                    ehrctl_text(fac, "name"), state_of(ctl, fac),
                    or_label(ctl, ehrctl_text(fac, "standard"),
                             &label_by_date),
                    or_label(ctl, ehrctl_text(fac, "rate"), &label_default),
                    certs);

    return row;
}


static int
facilities_show(ehrctl_t *ctl, json_t *all)
{
    int      status;
    json_t  *rows;

    if (ctl->output == EHRCTL_JSON) {
        rows = json_pack("{s:O, s:n}", "facilities", all, "next_cursor");
        status = rows != NULL ? output_json(rows)
                              : output_failure("no memory", NULL);
        json_decref(rows);

        return status;
    }

    rows = json_array();

    for (size_t i = 0; i < json_array_size(all); i++) {
        if (json_array_append_new(rows, row_of(ctl, json_array_get(all, i)))
            != 0)
        {
            json_decref(rows);
            return output_failure("no memory", NULL);
        }
    }

    status = output_table(ctl, columns, COLUMNS, rows);
    json_decref(rows);

    return status;
}


/* One page: appends to all and gives the cursor of the next; "": the last. */

static int
page_read(ehrctl_t *ctl, json_t *all, char cursor[CURSOR_MAX])
{
    int             n;
    char            path[PATH_MAX_LEN];
    json_t         *answer;
    http_request_t  request = { .method = "GET", .path = path };

    (void) snprintf(path, sizeof(path), FACILITIES "?limit=" PAGE_LIMIT "%s%s",
                    cursor[0] != '\0' ? "&cursor=" : "", cursor);

    answer = ehrctl_call(ctl, &request);
    if (answer == NULL) {
        return EHRCTL_FAILED;
    }

    n = snprintf(cursor, CURSOR_MAX, "%s", ehrctl_text(answer, "next_cursor"));

    if (n >= CURSOR_MAX || strspn(cursor, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "abcdefghijklmnopqrstuvwxyz"
                                          "0123456789-_") < (size_t) n
        || json_array_extend(all, json_object_get(answer, "facilities")) != 0)
    {
        json_decref(answer);
        return output_failure(ctl->server, "the answer is no list");
    }

    json_decref(answer);

    return EHRCTL_OK;
}


int
ehrctl_facility_list(ehrctl_t *ctl)
{
    int      status;
    char     cursor[CURSOR_MAX] = "";
    json_t  *all;

    status = code_check(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    all = json_array();

    for (int i = 0; i < PAGES_MAX; i++) {
        status = page_read(ctl, all, cursor);

        if (status != EHRCTL_OK || cursor[0] == '\0') {
            break;
        }
    }

    if (status == EHRCTL_OK) {
        status = facilities_show(ctl, all);
    }

    json_decref(all);

    return status;
}
