/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * "doctor": the report of /admin/v1/reports/doctor, a line for each check.
 * What is well the server decides; a check that failed is exit status 1.
 */

#include "args.h"
#include "call.h"
#include "output.h"


static const label_t  columns[] = {
    { { "MỤC", "CHECK" } },
    { { "TÌNH TRẠNG", "STATE" } },
    { { "CHI TIẾT", "DETAIL" } },
    { { "VIỆC CẦN LÀM", "WHAT TO DO" } }
};

#define COLUMNS  (sizeof(columns) / sizeof(columns[0]))

static const char *const  members[COLUMNS] = {
    "name", "state", "detail", "advice"
};


static int
show(ehrctl_t *ctl, const json_t *checks)
{
    int      status;
    size_t   i, k;
    json_t  *row, *rows = json_array();

    for (i = 0; i < json_array_size(checks); i++) {
        row = json_array();

        for (k = 0; k < COLUMNS; k++) {
            (void) json_array_append_new(row, json_string(
                ehrctl_text(json_array_get(checks, i), members[k])));
        }

        (void) json_array_append_new(rows, row);
    }

    status = output_table(ctl, columns, COLUMNS, rows);
    json_decref(rows);

    return status;
}


/* An answer without a state is not taken for a good one. */

static int
is_failed(const json_t *answer)
{
    const char  *state = ehrctl_text(answer, "state");

    return strcmp(state, "ok") != 0 && strcmp(state, "warn") != 0;
}


int
ehrctl_doctor(ehrctl_t *ctl)
{
    int             status;
    json_t         *answer;
    http_request_t  request = { .method = "GET",
                                .path = "/admin/v1/reports/doctor" };

    status = ehrctl_args_connection(ctl);
    if (status != EHRCTL_OK) {
        return status;
    }

    answer = ehrctl_call(ctl, &request);
    if (answer == NULL) {
        return EHRCTL_FAILED;
    }

    status = ctl->output == EHRCTL_JSON
             ? output_json(answer)
             : show(ctl, json_object_get(answer, "checks"));

    if (status == EHRCTL_OK && is_failed(answer)) {
        status = EHRCTL_FAILED;
    }

    json_decref(answer);

    return status;
}
