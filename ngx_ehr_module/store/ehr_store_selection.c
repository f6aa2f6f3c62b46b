/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Deliveries by a selection: a list, and what a job on it would touch.  The
 * text of a query is put together from constants only, values are bound.
 */

#include <stdio.h>

#include "ehr_store_parts.h"


#define SQL_MAX     2048
#define STATES_MAX  256


static size_t
states_sql(ehr_action_e action, char *buf, size_t size)
{
    int          n = 0, state;
    const char  *comma = "";

    n = snprintf(buf, size, " AND d.state IN (");

    for (state = EHR_STATE_PENDING; state <= EHR_STATE_SUPERSEDED; state++) {
        if (!ehr_action_takes(action, state) || (size_t) n >= size) {
            continue;
        }

        n += snprintf(buf + n, size - (size_t) n, "%s'%s'", comma,
                      ehr_state_name(state));
        comma = ", ";
    }

    if ((size_t) n < size) {
        n += snprintf(buf + n, size - (size_t) n, ")");
    }

    return n > 0 && (size_t) n < size ? (size_t) n : 0;
}


size_t
ehr_selection_sql(const ehr_selection_t *sel, ehr_action_e action, char *buf,
                  size_t size)
{
    int   n;
    char  states[STATES_MAX] = "";

    if (action != 0 && states_sql(action, states, sizeof(states)) == 0) {
        return 0;
    }

    n = snprintf(buf, size, "%s%s%s%s%s%s%s%s", states,
                 sel->state == 0 ? ""
                 : sel->state == EHR_STATE_ACCEPTED
                 ? " AND d.state = :state"
                 : " AND d.state <> 'accepted' AND d.state = :state",
                 sel->partner.len ? " AND d.partner = :partner" : "",
                 sel->facility.len ? " AND d.facility = :facility" : "",
                 sel->kind.len ? " AND d.kind = :kind" : "",
                 sel->reason.len == 0 ? ""
                 : sel->reason.data[sel->reason.len - 1] == '.'
                 ? " AND substr(d.reason, 1, length(:reason)) = :reason"
                 : " AND d.reason = :reason",
                 sel->since_ms
                 ? " AND (SELECT s.received_ms FROM submissions AS s"
                   " WHERE s.seq = d.seq) >= :since" : "",
                 sel->until_ms
                 ? " AND (SELECT s.received_ms FROM submissions AS s"
                   " WHERE s.seq = d.seq) < :until" : "");

    return n >= 0 && (size_t) n < size ? (size_t) n + 1 : 0;
}


void
ehr_selection_bind(ehr_query_t *q, const ehr_selection_t *sel)
{
    ehr_query_named_str(q, ":state", ehr_str(ehr_state_name(sel->state)));
    ehr_query_named_str(q, ":partner", sel->partner);
    ehr_query_named_str(q, ":facility", sel->facility);
    ehr_query_named_str(q, ":kind", sel->kind);
    ehr_query_named_str(q, ":reason", sel->reason);
    ehr_query_named_int(q, ":since", sel->since_ms);
    ehr_query_named_int(q, ":until", sel->until_ms);
}


/* "before%s" around the conditions; EHR_BROKEN when it is too long. */

static ehr_rc_t
begin(ehr_query_t *q, ehr_store_t *store, const ehr_selection_t *sel,
      ehr_action_e action, const char *form)
{
    int   n;
    char  where[SQL_MAX], sql[SQL_MAX];

    if (ehr_selection_sql(sel, action, where, sizeof(where)) == 0) {
        return ehr_store_broken(store, "the query of a selection is too long");
    }

    n = snprintf(sql, sizeof(sql), form, where);

    if (n < 0 || (size_t) n >= sizeof(sql)) {
        return ehr_store_broken(store, "the query of a selection is too long");
    }

    ehr_query_begin_text(q, store, sql);
    ehr_selection_bind(q, sel);

    return EHR_OK;
}


/* --- a list --- */

static void
read_row(ehr_query_t *q, ehr_arena_t *arena, ehr_delivery_row_t *row)
{
    row->delivery = ehr_column_int(q, 0);
    ehr_column_copy(q, 1, row->id, sizeof(row->id));
    ehr_column_copy(q, 2, row->facility, sizeof(row->facility));
    ehr_column_copy(q, 3, row->kind, sizeof(row->kind));
    row->received_ms = ehr_column_int(q, 4);
    ehr_column_copy(q, 5, row->dlv.partner, sizeof(row->dlv.partner));
    row->dlv.state = ehr_column_state(q, 6);
    row->dlv.next_attempt_ms = ehr_column_int(q, 7);
    row->dlv.attempts = (uint32_t) ehr_column_int(q, 8);
    row->dlv.probes = (uint32_t) ehr_column_int(q, 9);
    row->dlv.next_probe_ms = ehr_column_int(q, 10);
    row->dlv.partner_ref = ehr_column_str(q, 11, arena);
    row->dlv.partner_code = ehr_column_str(q, 12, arena);
    row->dlv.reason = ehr_column_str(q, 13, arena);
}


static ehr_rc_t
read_rows(ehr_store_t *store, const ehr_selection_t *sel, int64_t before,
          uint32_t limit, ehr_arena_t *arena, ehr_delivery_row_t *rows,
          uint32_t *n)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    rc = begin(&q, store, sel, 0,
               "SELECT d.id, s.id, d.facility, d.kind, s.received_ms,"
               " d.partner, d.state, d.due_ms, d.attempts, d.probes,"
               " d.probe_ms, d.partner_ref, d.partner_code, d.reason"
               " FROM deliveries AS d JOIN submissions AS s ON s.seq = d.seq"
               " WHERE d.id < :before%s ORDER BY d.id DESC LIMIT :limit");
    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_named_int(&q, ":before", before > 0 ? before : INT64_MAX);
    ehr_query_named_int(&q, ":limit", limit);

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && *n < limit;
         rc = ehr_query_step(&q))
    {
        read_row(&q, arena, &rows[(*n)++]);
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


ehr_rc_t
ehr_store_deliveries(ehr_store_t *store, const ehr_selection_t *sel,
                     int64_t before, uint32_t limit, ehr_arena_t *arena,
                     ehr_delivery_row_t **rows, uint32_t *nrows)
{
    ehr_rc_t  rc;

    *nrows = 0;

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    *rows = limit > 0 && limit <= EHR_STORE_MAX_DELIVERIES
            ? ehr_arena_calloc(arena, limit * sizeof(ehr_delivery_row_t))
            : NULL;

    rc = *rows != NULL
         ? read_rows(store, sel, before, limit, arena, *rows, nrows)
         : ehr_store_broken(store, "deliveries with impossible arguments");

    return ehr_store_end_read(store, rc);
}


/* --- a preview --- */

static ehr_rc_t
read_counts(ehr_store_t *store, const ehr_selection_t *sel,
            ehr_action_e action, ehr_preview_t *out)
{
    ehr_rc_t      rc;
    ehr_count_t  *count;
    ehr_query_t   q;

    rc = begin(&q, store, sel, action,
               "SELECT partner, facility, state, count(*),"
               " sum(count(*)) OVER () FROM ("
               "SELECT d.partner AS partner, d.facility AS facility,"
               " d.state AS state FROM deliveries AS d WHERE 1%s"
               " LIMIT :upto) GROUP BY 1, 2, 3"
               " ORDER BY 4 DESC, 1, 2, 3 LIMIT :limit");
    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_named_int(&q, ":upto", EHR_STORE_COUNT_UP_TO);
    ehr_query_named_int(&q, ":limit", EHR_STORE_MAX_COUNTS);

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && out->ncounts < EHR_STORE_MAX_COUNTS;
         rc = ehr_query_step(&q))
    {
        count = &out->counts[out->ncounts++];
        ehr_column_copy(&q, 0, count->partner, sizeof(count->partner));
        ehr_column_copy(&q, 1, count->facility, sizeof(count->facility));
        count->state = ehr_column_state(&q, 2);
        count->count = ehr_column_int(&q, 3);
        out->total = ehr_column_int(&q, 4);
    }

    ehr_query_end(&q);
    out->is_more = out->total >= EHR_STORE_COUNT_UP_TO;

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


static ehr_rc_t
read_first(ehr_store_t *store, const ehr_selection_t *sel,
           ehr_action_e action, ehr_preview_t *out)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    rc = begin(&q, store, sel, action,
               "SELECT s.id FROM deliveries AS d"
               " JOIN submissions AS s ON s.seq = d.seq WHERE 1%s"
               " ORDER BY d.id LIMIT :limit");
    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_named_int(&q, ":limit", EHR_STORE_MAX_FIRST);

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && out->nfirst < EHR_STORE_MAX_FIRST;
         rc = ehr_query_step(&q))
    {
        ehr_column_copy(&q, 0, out->first[out->nfirst++],
                        sizeof(out->first[0]));
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


ehr_rc_t
ehr_store_preview(ehr_store_t *store, const ehr_selection_t *sel,
                  ehr_action_e action, ehr_preview_t *out)
{
    ehr_rc_t  rc;

    memset(out, 0, sizeof(ehr_preview_t));

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = read_counts(store, sel, action, out);

    if (rc == EHR_OK) {
        rc = read_first(store, sel, action, out);
    }

    return ehr_store_end_read(store, rc);
}
