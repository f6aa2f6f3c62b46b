/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lists of submissions, newest first.  The filter decides which index leads,
 * so that a page costs the same with a million stored as with none; the text
 * of the query is put together from constants only, values are bound.
 */

#include <stdio.h>
#include <stdlib.h>

#include "ehr_document.h"
#include "ehr_store_sqlite.h"


#define MAX_LIMIT  100
#define SQL_MAX    1024


/* The names of all partners with something ready, a seek for each. */

#define READY  "state IN ('pending', 'retrying') AND due_ms = 0"

#define READY_PARTNERS                                                        \
    "WITH RECURSIVE p (name) AS ("                                            \
    "SELECT min(partner) FROM deliveries INDEXED BY deliveries_ready"         \
    " WHERE " READY                                                           \
    " UNION ALL SELECT ("                                                     \
    "SELECT min(partner) FROM deliveries INDEXED BY deliveries_ready"         \
    " WHERE " READY " AND partner > p.name)"                                  \
    " FROM p WHERE p.name IS NOT NULL)"                                       \
    " SELECT name FROM p WHERE name IS NOT NULL"


/* A new delivery pays for each index it enters: the one by facility and state
 * is not among them, and the one it is claimed by serves instead. */

static int
is_pending_of_facility(const ehr_store_filter_t *filter)
{
    return filter->business_key.len == 0 && filter->facility.len != 0
           && filter->state == EHR_STATE_PENDING;
}


/* Which rows lead.  "accepted" is where nearly all deliveries end: the newest
 * submissions are walked for it and no index holds it. */

static const char *
leading_rows(const ehr_store_filter_t *filter)
{
    if (filter->business_key.len != 0) {
        return "submissions AS x INDEXED BY submissions_business";
    }

    if (is_pending_of_facility(filter)) {
        return "deliveries AS x INDEXED BY deliveries_ready";
    }

    if (filter->state != 0 && filter->state != EHR_STATE_ACCEPTED) {
        return filter->facility.len != 0
               ? "deliveries AS x INDEXED BY deliveries_facility"
               : "deliveries AS x INDEXED BY deliveries_state";
    }

    /* Of one kind: see leads_with_kinds(). */
    if (filter->facility.len != 0) {
        return "submissions AS x INDEXED BY submissions_kind";
    }

    /* All of them, newest first: what is rare among them is far away. */
    return "submissions AS x";
}


/* Everything of a facility comes out of the index by facility and kind, a
 * page of each kind and the newest of them all: one index less for every
 * document that is stored. */

static int
leads_with_kinds(const ehr_store_filter_t *filter)
{
    return filter->facility.len != 0 && filter->kind.len == 0
           && filter->business_key.len == 0
           && (filter->state == 0 || filter->state == EHR_STATE_ACCEPTED);
}


static const char *
state_condition(const ehr_store_filter_t *filter)
{
    if (filter->state == 0) {
        return "";
    }

    if (is_pending_of_facility(filter)) {
        return " AND x.state IN ('pending', 'retrying') AND x.due_ms = 0"
               " AND x.partner IN (" READY_PARTNERS ")"
               " AND x.rank IN (0, 1) AND x.state = :state";
    }

    if (filter->business_key.len == 0 && filter->facility.len != 0
        && filter->state != EHR_STATE_ACCEPTED)
    {
        return " AND x.state NOT IN ('accepted', 'pending')"
               " AND x.state = :state";
    }

    if (filter->business_key.len == 0
        && filter->state != EHR_STATE_ACCEPTED)
    {
        return " AND x.state <> 'accepted' AND x.state = :state";
    }

    return " AND EXISTS (SELECT 1 FROM deliveries AS d"
           " WHERE d.seq = x.seq AND d.state = :state)";
}


size_t
ehr_store_list_sql(const ehr_store_filter_t *filter, char *buf, size_t size)
{
    int  n;

    n = snprintf(buf, size,
                 "SELECT DISTINCT x.seq FROM %s"
                 " WHERE x.seq < :before AND x.seq >= :from%s%s%s%s%s"
                 " ORDER BY x.seq DESC LIMIT :limit",
                 leading_rows(filter),
                 filter->business_key.len ? " AND x.business_key = :key" : "",
                 filter->facility.len ? " AND x.facility = :facility" : "",
                 filter->kind.len ? " AND x.kind = :kind" : "",
                 state_condition(filter),
                 filter->since_ms > 0
                 ? " AND (SELECT t.received_ms FROM submissions AS t"
                   " WHERE t.seq = x.seq) >= :since"
                 : "");

    return n > 0 && (size_t) n < size ? (size_t) n : 0;
}


typedef struct {
    int64_t   all[EHR_KIND_LAST * MAX_LIMIT];
    uint32_t  n;
} seqs_t;


static void
bind_filter(ehr_query_t *q, const ehr_store_filter_t *filter, int64_t from)
{
    ehr_query_named_int(q, ":from", from);
    ehr_query_named_int(q, ":before",
                        filter->before_seq > 0 ? filter->before_seq
                                               : INT64_MAX);
    ehr_query_named_int(q, ":since", filter->since_ms);
    ehr_query_named_int(q, ":limit", filter->limit);
    ehr_query_named_str(q, ":key", filter->business_key);
    ehr_query_named_str(q, ":facility", filter->facility);
    ehr_query_named_str(q, ":kind", filter->kind);
    ehr_query_named_str(q, ":state", ehr_str(ehr_state_name(filter->state)));
}


/* Adds a page. */

static ehr_rc_t
find_page(ehr_store_t *store, const ehr_store_filter_t *filter, int64_t from,
          seqs_t *seqs)
{
    char         sql[SQL_MAX];
    uint32_t     n;
    ehr_rc_t     rc;
    ehr_query_t  q;

    if (ehr_store_list_sql(filter, sql, sizeof(sql)) == 0) {
        return ehr_store_broken(store, "the query of a list is too long");
    }

    ehr_query_begin_text(&q, store, sql);
    bind_filter(&q, filter, from);

    for (rc = ehr_query_step(&q), n = 0;
         rc == EHR_AGAIN && n < MAX_LIMIT;
         rc = ehr_query_step(&q), n++)
    {
        seqs->all[seqs->n++] = ehr_column_int(&q, 0);
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


static int
newest_first(const void *a, const void *b)
{
    const int64_t  *x = a, *y = b;

    return (*x < *y) - (*x > *y);
}


static ehr_rc_t
find_of_kinds(ehr_store_t *store, const ehr_store_filter_t *filter,
              int64_t from, seqs_t *seqs)
{
    int                 kind;
    ehr_rc_t            rc;
    ehr_store_filter_t  one;

    one = *filter;
    rc = EHR_OK;

    for (kind = EHR_KIND_UNKNOWN + 1;
         kind < EHR_KIND_LAST && rc == EHR_OK;
         kind++)
    {
        one.kind = ehr_str(ehr_kind_name((ehr_kind_e) kind));
        rc = find_page(store, &one, from, seqs);
    }

    qsort(seqs->all, seqs->n, sizeof(int64_t), newest_first);

    if (seqs->n > filter->limit) {
        seqs->n = filter->limit;
    }

    return rc;
}


static ehr_rc_t
find_seqs(ehr_store_t *store, const ehr_store_filter_t *filter, seqs_t *seqs)
{
    int64_t   from;
    ehr_rc_t  rc;

    from = 0;
    rc = EHR_OK;

    if (filter->since_ms > 0) {
        rc = ehr_store_first_since(store,
                                   filter->since_ms - EHR_STORE_SKEW_MS,
                                   &from);
    }

    if (rc != EHR_OK) {
        return rc;
    }

    return leads_with_kinds(filter)
           ? find_of_kinds(store, filter, from, seqs)
           : find_page(store, filter, from, seqs);
}


static ehr_rc_t
load_all(ehr_store_t *store, const seqs_t *seqs, ehr_arena_t *arena,
         ehr_submission_t **subs)
{
    uint32_t           i;
    ehr_rc_t           rc;
    ehr_submission_t  *all;

    if (seqs->n == 0) {
        return EHR_OK;
    }

    all = ehr_arena_calloc(arena, seqs->n * sizeof(ehr_submission_t));
    if (all == NULL) {
        return ehr_store_broken(store, "the arena is full");
    }

    for (i = 0; i < seqs->n; i++) {

        rc = ehr_store_load(store, seqs->all[i], arena, &all[i]);

        if (rc == EHR_OK) {
            rc = ehr_store_load_deliveries(store, arena, &all[i]);
        }

        if (rc != EHR_OK) {
            return rc;
        }
    }

    *subs = all;

    return EHR_OK;
}


ehr_rc_t
ehr_store_list(ehr_store_t *store, const ehr_store_filter_t *filter,
               ehr_arena_t *arena, ehr_submission_t **subs, uint32_t *nsubs)
{
    seqs_t    seqs;
    ehr_rc_t  rc;

    seqs.n = 0;
    *subs = NULL;
    *nsubs = 0;

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    if (filter->limit == 0 || filter->limit > MAX_LIMIT
        || (filter->state != 0 && ehr_state_name(filter->state) == NULL))
    {
        rc = ehr_store_broken(store, "list with impossible arguments");
    }

    if (rc == EHR_OK) {
        rc = find_seqs(store, filter, &seqs);
    }

    if (rc == EHR_OK) {
        rc = load_all(store, &seqs, arena, subs);
    }

    if (rc == EHR_OK) {
        *nsubs = seqs.n;
    }

    return ehr_store_end_read(store, rc);
}
