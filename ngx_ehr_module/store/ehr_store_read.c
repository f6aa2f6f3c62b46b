/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reading one submission and all that happened to it, and how deep the lanes
 * are.  Each call is one view of the database.
 */

#include <inttypes.h>
#include <stdio.h>

#include "ehr_id.h"
#include "ehr_json.h"
#include "ehr_store_sqlite.h"


/* 8 partners and 5 open states are 40; room for partners that were renamed. */
#define MAX_DEPTHS  256


static ehr_rc_t
load(ehr_store_t *store, int64_t seq, ehr_arena_t *arena,
     ehr_submission_t *out)
{
    ehr_rc_t  rc;

    rc = ehr_store_load(store, seq, arena, out);

    return rc == EHR_OK ? ehr_store_load_deliveries(store, arena, out) : rc;
}


ehr_rc_t
ehr_store_document(ehr_store_t *store, ehr_str_t facility, const char *id,
                   ehr_arena_t *arena, ehr_submission_t *out)
{
    int64_t   seq;
    ehr_rc_t  rc;

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = ehr_store_find(store, facility, id, &seq);

    if (rc == EHR_OK) {
        rc = load(store, seq, arena, out);
    }

    return ehr_store_end_read(store, rc);
}


ehr_rc_t
ehr_store_same_bytes(ehr_store_t *store, ehr_str_t facility,
                     const uint8_t *sha256, ehr_arena_t *arena,
                     ehr_submission_t *out)
{
    int64_t      seq;
    ehr_rc_t     rc;
    ehr_query_t  q;

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_begin(&q, store, EHR_SQL_BYTES_FIND);
    ehr_query_str(&q, facility);
    ehr_query_blob(&q, sha256, EHR_SHA256_LEN);

    rc = ehr_store_get_int(&q, &seq);

    if (rc == EHR_OK) {
        rc = load(store, seq, arena, out);
    }

    return ehr_store_end_read(store, rc);
}


/* --- rows as JSON --- */

typedef void (*render_pt)(ehr_query_t *q, ehr_json_t *json,
                          ehr_arena_t *arena);


static void
render_time(ehr_json_t *json, const char *name, int64_t ms)
{
    char  text[EHR_TIME_LEN + 1];

    ehr_time_render(ms, text);
    ehr_json_text(json, name, text);
}


static void
render_attempt(ehr_query_t *q, ehr_json_t *json, ehr_arena_t *arena)
{
    char     worker[64];
    int64_t  ended_ms;

    ehr_json_string(json, "partner", ehr_column_str(q, 0, arena));
    ehr_json_int(json, "attempt", ehr_column_int(q, 1));
    render_time(json, "started_at", ehr_column_int(q, 2));

    ended_ms = ehr_column_int(q, 3);

    if (ended_ms == 0) {
        ehr_json_null(json, "ended_at");

    } else {
        render_time(json, "ended_at", ended_ms);
    }

    ehr_json_string(json, "state", ehr_column_str(q, 4, arena));
    ehr_json_int(json, "http_status", ehr_column_int(q, 5));
    ehr_json_string(json, "partner_code", ehr_column_str(q, 6, arena));
    ehr_json_string(json, "partner_ref", ehr_column_str(q, 7, arena));
    ehr_json_string(json, "reason", ehr_column_str(q, 8, arena));

    (void) snprintf(worker, sizeof(worker), "%" PRId64 "-%016" PRIx64,
                    ehr_column_int(q, 9), (uint64_t) ehr_column_int(q, 10));
    ehr_json_text(json, "worker", worker);
}


static void
render_step(ehr_query_t *q, ehr_json_t *json, ehr_arena_t *arena)
{
    render_time(json, "at", ehr_column_int(q, 0));
    ehr_json_string(json, "partner", ehr_column_str(q, 1, arena));
    ehr_json_string(json, "state", ehr_column_str(q, 2, arena));
    ehr_json_string(json, "reason", ehr_column_str(q, 3, arena));
}


static ehr_rc_t
render_rows(ehr_query_t *q, ehr_arena_t *arena, render_pt render,
            ehr_str_t *out)
{
    ehr_rc_t    rc;
    ehr_json_t  json;

    ehr_json_begin(&json, arena);
    ehr_json_open(&json, NULL, '[');

    for (rc = ehr_query_step(q); rc == EHR_AGAIN; rc = ehr_query_step(q)) {
        ehr_json_open(&json, NULL, '{');
        render(q, &json, arena);
        ehr_json_close(&json, '}');
    }

    ehr_json_close(&json, ']');
    ehr_query_end(q);

    if (rc != EHR_OK) {
        return rc;
    }

    *out = ehr_json_end(&json);

    return out->data == NULL || q->no_memory
           ? ehr_store_broken(q->store, "the arena is full")
           : EHR_OK;
}


typedef struct {
    ehr_sql_e    sql;
    render_pt    render;
} rows_t;


static ehr_rc_t
rows_of(ehr_store_t *store, const char *id, const rows_t *rows,
        ehr_arena_t *arena, ehr_str_t *json)
{
    int64_t      seq;
    ehr_rc_t     rc;
    ehr_query_t  q;

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = ehr_store_find(store, ehr_str(NULL), id, &seq);

    if (rc == EHR_OK) {
        ehr_query_begin(&q, store, rows->sql);
        ehr_query_int(&q, seq);
        ehr_query_int(&q, EHR_STORE_MAX_ROWS);
        rc = render_rows(&q, arena, rows->render, json);
    }

    return ehr_store_end_read(store, rc);
}


ehr_rc_t
ehr_store_attempts(ehr_store_t *store, const char *id, ehr_arena_t *arena,
                   ehr_str_t *json)
{
    static const rows_t  rows = { EHR_SQL_ATTEMPTS, render_attempt };

    return rows_of(store, id, &rows, arena, json);
}


static void
render_step_noted(ehr_query_t *q, ehr_json_t *json, ehr_arena_t *arena)
{
    ehr_str_t  note = ehr_column_str(q, 4, arena);

    render_step(q, json, arena);

    if (note.len != 0) {
        ehr_json_string(json, "note", note);
    }
}


ehr_rc_t
ehr_store_timeline(ehr_store_t *store, const char *id, ehr_arena_t *arena,
                   ehr_str_t *json)
{
    static const rows_t  rows = { EHR_SQL_HISTORY, render_step_noted };

    return rows_of(store, id, &rows, arena, json);
}


ehr_rc_t
ehr_store_history(ehr_store_t *store, const char *id, ehr_arena_t *arena,
                  ehr_str_t *json)
{
    static const rows_t  rows = { EHR_SQL_HISTORY, render_step };

    return rows_of(store, id, &rows, arena, json);
}


/* --- depths --- */

static ehr_rc_t
read_depths(ehr_store_t *store, int64_t now_ms, ehr_store_depth_t *all,
            uint32_t *n)
{
    ehr_rc_t            rc;
    ehr_query_t         q;
    ehr_store_depth_t  *depth;

    ehr_query_begin(&q, store, EHR_SQL_DEPTHS);
    ehr_query_int(&q, MAX_DEPTHS);
    ehr_query_int(&q, now_ms);

    *n = 0;

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && *n < MAX_DEPTHS;
         rc = ehr_query_step(&q))
    {
        depth = &all[(*n)++];
        ehr_column_copy(&q, 0, depth->partner, sizeof(depth->partner));
        depth->state = ehr_column_state(&q, 1);
        depth->count = ehr_column_int(&q, 2);
        depth->oldest_ms = ehr_column_int(&q, 3);
        depth->late = ehr_column_int(&q, 4);
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


ehr_rc_t
ehr_store_depths(ehr_store_t *store, int64_t now_ms, ehr_arena_t *arena,
                 ehr_store_depth_t **depths, uint32_t *n)
{
    ehr_rc_t  rc;

    *n = 0;
    *depths = ehr_arena_calloc(arena, MAX_DEPTHS * sizeof(ehr_store_depth_t));

    if (*depths == NULL) {
        return EHR_BROKEN;
    }

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    return ehr_store_end_read(store, read_depths(store, now_ms, *depths, n));
}
