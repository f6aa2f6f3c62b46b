/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Deliveries by a selection: a list, and what a job on it would touch.  The
 * text of a query is put together from constants only, values are bound.
 */

#include <stdio.h>

#include "ehr_store_parts.h"


#define SQL_MAX     2048
#define STATES_MAX  256


/* Unless accepted is one of them, an index has them all. */

static size_t
states_sql(ehr_action_e action, char *buf, size_t size)
{
    int          n = 0, state;
    const char  *comma = "";

    n = snprintf(buf, size, "%s AND d.state IN (",
                 ehr_action_takes(action, EHR_STATE_ACCEPTED)
                 ? "" : " AND d.state <> 'accepted'");

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


/* Nearly all are accepted, and no index has them together: they are walked by
 * their numbers.  Of every other state the index has all. */

static int
is_walked(const ehr_selection_t *sel, ehr_action_e action)
{
    if (sel->state != 0) {
        return sel->state == EHR_STATE_ACCEPTED;
    }

    return action == 0 || ehr_action_takes(action, EHR_STATE_ACCEPTED);
}


/* "form" has a place for where the deliveries come from, and one for the
 * conditions; :low and :before bound their numbers.  EHR_BROKEN: too long. */

typedef struct {
    const char    *form;
    ehr_action_e   action;
    int64_t        low;
    int64_t        before;
} text_t;


static ehr_rc_t
begin(ehr_query_t *q, ehr_store_t *store, const ehr_selection_t *sel,
      const text_t *text)
{
    int   n;
    char  where[SQL_MAX], sql[SQL_MAX];

    if (ehr_selection_sql(sel, text->action, where, sizeof(where)) == 0) {
        return ehr_store_broken(store, "the query of a selection is too long");
    }

    n = snprintf(sql, sizeof(sql), text->form,
                 is_walked(sel, text->action)
                 ? "deliveries AS d NOT INDEXED"
                 : "deliveries AS d INDEXED BY deliveries_state",
                 where);

    if (n < 0 || (size_t) n >= sizeof(sql)) {
        return ehr_store_broken(store, "the query of a selection is too long");
    }

    ehr_query_begin_text(q, store, sql);
    ehr_selection_bind(q, sel);
    ehr_query_named_int(q, ":low", text->low);
    ehr_query_named_int(q, ":before", text->before);

    return EHR_OK;
}


/* --- where to look --- */

/* The first delivery of what was received then or later, or of what comes
 * after the newest: they are numbered in the order of acceptance. */

static ehr_rc_t
first_delivery(ehr_store_t *store, int64_t since_ms, int64_t *delivery)
{
    int64_t      seq;
    ehr_rc_t     rc;
    ehr_query_t  q;

    rc = ehr_store_first_since(store, since_ms, &seq);
    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_begin(&q, store, EHR_SQL_FIRST_DELIVERY);
    ehr_query_int(&q, seq);

    return ehr_store_get_int(&q, delivery);
}


/* The numbers that can have been received between since and until. */

static ehr_rc_t
find_bounds(ehr_store_t *store, const ehr_selection_t *sel, int64_t *low,
            int64_t *before)
{
    ehr_rc_t  rc;

    *low = 1;

    rc = first_delivery(store, sel->until_ms > 0
                               ? sel->until_ms + EHR_STORE_SKEW_MS
                               : INT64_MAX, before);

    if (rc == EHR_OK && sel->since_ms > 0) {
        rc = first_delivery(store, sel->since_ms - EHR_STORE_SKEW_MS, low);
    }

    return rc;
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


/* Only the numbers are sorted, where something has to be. */

#define PAGE                                                                  \
    "SELECT d.id, s.id, d.facility, d.kind, s.received_ms, d.partner,"        \
    " d.state, d.due_ms, d.attempts, d.probes, d.probe_ms, d.partner_ref,"    \
    " d.partner_code, d.reason FROM (SELECT d.id AS id FROM %s"               \
    " WHERE d.id >= :low AND d.id < :before%s"                                \
    " ORDER BY d.id DESC LIMIT :limit) AS p"                                  \
    " CROSS JOIN deliveries AS d ON d.id = p.id"                              \
    " CROSS JOIN submissions AS s ON s.seq = d.seq"                           \
    " ORDER BY d.id DESC"


static ehr_rc_t
read_rows(ehr_store_t *store, const ehr_selection_t *sel, int64_t low,
          ehr_arena_t *arena, ehr_delivery_page_t *page)
{
    text_t       text = { PAGE, 0, low, page->before };
    ehr_rc_t     rc;
    ehr_query_t  q;

    rc = begin(&q, store, sel, &text);
    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_named_int(&q, ":limit", page->limit);

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && page->nrows < page->limit;
         rc = ehr_query_step(&q))
    {
        read_row(&q, arena, &page->rows[page->nrows++]);
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


static ehr_rc_t
read_page(ehr_store_t *store, const ehr_selection_t *sel, ehr_arena_t *arena,
          ehr_delivery_page_t *page)
{
    int64_t   lowest, low, upper;
    ehr_rc_t  rc;

    rc = find_bounds(store, sel, &lowest, &upper);
    if (rc != EHR_OK) {
        return rc;
    }

    if (page->before <= 0 || page->before > upper) {
        page->before = upper;
    }

    low = is_walked(sel, 0) && page->before - lowest > EHR_STORE_WALK
          ? page->before - EHR_STORE_WALK : lowest;

    rc = read_rows(store, sel, low, arena, page);

    if (page->nrows == page->limit) {
        page->next = page->rows[page->nrows - 1].delivery;

    } else if (low > lowest) {
        page->next = low;
    }

    return rc;
}


ehr_rc_t
ehr_store_deliveries(ehr_store_t *store, const ehr_selection_t *sel,
                     ehr_arena_t *arena, ehr_delivery_page_t *page)
{
    ehr_rc_t  rc;

    page->nrows = 0;
    page->next = 0;

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    page->rows = page->limit > 0 && page->limit <= EHR_STORE_MAX_DELIVERIES
                 ? ehr_arena_calloc(arena, page->limit
                                           * sizeof(ehr_delivery_row_t))
                 : NULL;

    rc = page->rows != NULL
         ? read_page(store, sel, arena, page)
         : ehr_store_broken(store, "deliveries with impossible arguments");

    return ehr_store_end_read(store, rc);
}


/* --- a preview --- */

/* What there is nothing to send of is looked at, but not meant. */

#define IS_MEANT  "(:sends = 0 OR " EHR_SQL_HAS_CONTENT ") AS is_meant"

#define COUNTS                                                                \
    "SELECT partner, facility, state, sum(is_meant),"                         \
    " sum(sum(is_meant)) OVER (), sum(count(*)) OVER () FROM ("               \
    "SELECT d.partner AS partner, d.facility AS facility, d.state AS state, " \
    IS_MEANT " FROM %s WHERE d.id >= :low AND d.id < :before%s LIMIT :upto)"  \
    " GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3 LIMIT :limit"

#define FIRST                                                                 \
    "SELECT s.id FROM (SELECT id, seq FROM ("                                 \
    "SELECT d.id AS id, d.seq AS seq, " IS_MEANT " FROM %s"                   \
    " WHERE d.id >= :low AND d.id < :before%s ORDER BY d.id LIMIT :upto)"     \
    " WHERE is_meant ORDER BY id LIMIT :limit)"                               \
    " AS p CROSS JOIN submissions AS s ON s.seq = p.seq ORDER BY p.id"


static ehr_rc_t
read_counts(ehr_store_t *store, const ehr_selection_t *sel, text_t *text,
            ehr_preview_t *out)
{
    int64_t       looked = 0;
    ehr_rc_t      rc;
    ehr_count_t  *count;
    ehr_query_t   q;

    text->form = COUNTS;

    rc = begin(&q, store, sel, text);
    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_named_int(&q, ":sends", ehr_action_sends(text->action));
    ehr_query_named_int(&q, ":upto", EHR_STORE_COUNT_UP_TO);
    ehr_query_named_int(&q, ":limit", EHR_STORE_MAX_COUNTS);

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && out->ncounts < EHR_STORE_MAX_COUNTS;
         rc = ehr_query_step(&q))
    {
        out->total = ehr_column_int(&q, 4);
        looked = ehr_column_int(&q, 5);

        /* The largest come first. */
        if (ehr_column_int(&q, 3) == 0) {
            break;
        }

        count = &out->counts[out->ncounts++];
        ehr_column_copy(&q, 0, count->partner, sizeof(count->partner));
        ehr_column_copy(&q, 1, count->facility, sizeof(count->facility));
        count->state = ehr_column_state(&q, 2);
        count->count = ehr_column_int(&q, 3);
    }

    ehr_query_end(&q);
    out->without_content = looked - out->total;
    out->is_more = looked >= EHR_STORE_COUNT_UP_TO;

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


static ehr_rc_t
read_first(ehr_store_t *store, const ehr_selection_t *sel, text_t *text,
           ehr_preview_t *out)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    text->form = FIRST;

    rc = begin(&q, store, sel, text);
    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_named_int(&q, ":sends", ehr_action_sends(text->action));
    ehr_query_named_int(&q, ":upto", EHR_STORE_COUNT_UP_TO);
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
    text_t    text = { .action = action };
    ehr_rc_t  rc;

    memset(out, 0, sizeof(ehr_preview_t));

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = find_bounds(store, sel, &text.low, &text.before);

    if (rc == EHR_OK) {
        rc = read_counts(store, sel, &text, out);
    }

    if (rc == EHR_OK) {
        rc = read_first(store, sel, &text, out);
    }

    return ehr_store_end_read(store, rc);
}
