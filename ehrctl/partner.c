/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * "partner ..." and "queue": the calls of /admin/v1/partners.  Decides path
 * and body of each, and which members are shown; what is allowed the server
 * decides.
 */

#include <inttypes.h>
#include <stdio.h>

#include "args.h"
#include "call.h"
#include "ehr_json.h"
#include "output.h"


#define PARTNERS  "/admin/v1/partners"
#define PATH_MAX_LEN   512
#define NAME_MAX_LEN   31
#define TEXT_MAX       32


static const label_t  partner_columns[] = {
    { { "ĐỐI TÁC", "PARTNER" } },
    { { "LÀN", "LANE" } },
    { { "CỬA SỔ", "WINDOW" } },
    { { "ĐANG GỬI", "IN FLIGHT" } },
    { { "CHỜ", "PENDING" } },
    { { "THỬ LẠI", "RETRYING" } },
    { { "GIỮ", "HELD" } },
    { { "TRỄ HẠN", "LATE" } }
};

static const label_t  queue_columns[] = {
    { { "ĐỐI TÁC", "PARTNER" } },
    { { "TỔNG", "TOTAL" } },
    { { "5 PHÚT", "5 MIN" } },
    { { "30 PHÚT", "30 MIN" } },
    { { "2 GIỜ", "2 H" } },
    { { "8 GIỜ", "8 H" } },
    { { "1 NGÀY", "1 DAY" } },
    { { "LÂU HƠN", "OLDER" } }
};

#define COLUMNS  (sizeof(partner_columns) / sizeof(partner_columns[0]))

static const label_t  label_paused = { { "tạm dừng", "paused" } };
static const label_t  label_dry_run = {
    { "Chạy thử: chưa có gì thay đổi", "Dry run: nothing was changed" }
};


/* A name goes into a path: what is none goes nowhere. */

static int
name_check(ehrctl_t *ctl)
{
    size_t       len = strlen(ctl->operands[0]);
    const char  *good = "abcdefghijklmnopqrstuvwxyz"
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    if (len == 0 || len > NAME_MAX_LEN
        || strspn(ctl->operands[0], good) != len)
    {
        (void) output_failure("NAME must be a partner's name", NULL);
        return EHRCTL_USAGE;
    }

    return ehrctl_args_connection(ctl);
}


/* --- rows ---------------------------------------------------------------- */

static int64_t
number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}


static void
add_number(json_t *row, int64_t value)
{
    char  text[TEXT_MAX];

    (void) snprintf(text, sizeof(text), "%" PRId64, value);
    (void) json_array_append_new(row, json_string(text));
}


static json_t *
partner_row(ehrctl_t *ctl, const json_t *partner)
{
    json_t        *row = json_array();
    const json_t  *lane = json_object_get(partner, "lane");
    const json_t  *queue = json_object_get(partner, "queue");

    (void) json_array_append_new(row,
                                 json_string(ehrctl_text(partner, "name")));
    (void) json_array_append_new(row, json_string(
        json_is_true(json_object_get(partner, "paused"))
        ? label_paused.text[ctl->lang] : ehrctl_text(lane, "state")));
    add_number(row, number_of(lane, "window"));
    add_number(row, number_of(lane, "in_flight"));
    add_number(row, number_of(queue, "pending"));
    add_number(row, number_of(queue, "retrying"));
    add_number(row, number_of(queue, "held"));
    add_number(row, number_of(queue, "late"));

    return row;
}


static json_t *
queue_row(ehrctl_t *ctl, const json_t *partner)
{
    static const char *const  ages[] = {
        "5m", "30m", "2h", "8h", "1d", "older"
    };

    json_t        *row = json_array();
    size_t         i;
    int64_t        total;
    const json_t  *queue;

    (void) ctl;

    queue = json_object_get(json_object_get(partner, "queue"), "ages");

    for (i = 0, total = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        total += number_of(queue, ages[i]);
    }

    (void) json_array_append_new(row,
                                 json_string(ehrctl_text(partner, "name")));
    add_number(row, total);

    for (i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
        add_number(row, number_of(queue, ages[i]));
    }

    return row;
}


/* A list of partners, or one of them by itself. */

static int
show(ehrctl_t *ctl, json_t *answer, const label_t *labels,
     json_t *(*row_of)(ehrctl_t *ctl, const json_t *partner))
{
    int            status;
    json_t        *rows;
    size_t         i;
    const json_t  *all = json_object_get(answer, "partners");

    if (ctl->output == EHRCTL_JSON) {
        return output_json(answer);
    }

    rows = json_array();

    if (all == NULL) {
        (void) json_array_append_new(rows, row_of(ctl, answer));
    }

    for (i = 0; i < json_array_size(all); i++) {
        (void) json_array_append_new(rows,
                                     row_of(ctl, json_array_get(all, i)));
    }

    status = output_table(ctl, labels, COLUMNS, rows);
    json_decref(rows);

    return status;
}


/* --- verbs --------------------------------------------------------------- */

static int
list(ehrctl_t *ctl, const label_t *labels,
     json_t *(*row_of)(ehrctl_t *ctl, const json_t *partner))
{
    int             status;
    json_t         *answer;
    http_request_t  request = { .method = "GET", .path = PARTNERS };

    status = ehrctl_args_connection(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    answer = ehrctl_call(ctl, &request);
    if (answer == NULL) {
        return EHRCTL_FAILED;
    }

    status = show(ctl, answer, labels, row_of);
    json_decref(answer);

    return status;
}


int
ehrctl_partner_list(ehrctl_t *ctl)
{
    return list(ctl, partner_columns, partner_row);
}


int
ehrctl_queue(ehrctl_t *ctl)
{
    return list(ctl, queue_columns, queue_row);
}


static int
one(ehrctl_t *ctl, const char *method, const char *verb, ehr_str_t body)
{
    int             status;
    char            path[PATH_MAX_LEN];
    json_t         *answer;
    http_request_t  request = { .method = method, .path = path };

    status = name_check(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    (void) snprintf(path, sizeof(path), PARTNERS "/%s%s%s", ctl->operands[0],
                    verb, ctl->is_dry_run ? "?dry_run=true" : "");

    request.body = body;

    answer = ehrctl_call(ctl, &request);
    if (answer == NULL) {
        return EHRCTL_FAILED;
    }

    if (ctl->is_dry_run) {
        (void) fprintf(stderr, "%s\n", label_dry_run.text[ctl->lang]);
    }

    status = show(ctl, answer, partner_columns, partner_row);
    json_decref(answer);

    return status;
}


int
ehrctl_partner_show(ehrctl_t *ctl)
{
    return one(ctl, "GET", "", ehr_str(""));
}


int
ehrctl_partner_pause(ehrctl_t *ctl)
{
    ehr_json_t  json;

    ehr_json_begin(&json, ctl->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_text(&json, "reason", ctl->reason);
    ehr_json_close(&json, '}');

    return one(ctl, "POST", "/pause", ehr_json_end(&json));
}


int
ehrctl_partner_resume(ehrctl_t *ctl)
{
    return one(ctl, "POST", "/resume", ehr_str("{}"));
}


int
ehrctl_partner_probe(ehrctl_t *ctl)
{
    return one(ctl, "POST", "/probe", ehr_str("{}"));
}
