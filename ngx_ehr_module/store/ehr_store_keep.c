/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Who does the journal's chores, and in what order: one worker of all, for as
 * long as its lease stands.  Sweeping has a lease of its own: an nginx without
 * the courier does not know the partners that it needs.  Each chore looks in a
 * read view, which stands in nobody's way, and changes in small transactions.
 */

#include <stdio.h>

#include "ehr_store_sqlite.h"


#define LEASE_MS       30000
#define LEASE_MAX_MS   (LEASE_MS + EHR_CLOCK_LAG_MS)
#define SHRINK_PAGES   256            /* a step gives back */
#define SHRINK_KEEP    1024           /* free pages that are left for use */


ehr_rc_t
ehr_store_keep_is_mine(ehr_store_t *store, const ehr_store_keep_t *keep,
                       const char *lease, int64_t *until_ms)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_CHORE_MINE);
    ehr_query_int(&q, (int64_t) keep->owner.incarnation);
    ehr_query_text(&q, lease);

    return ehr_store_get_int(&q, until_ms);
}


static ehr_rc_t
is_free(ehr_store_t *store, const ehr_store_keep_t *keep, const char *lease,
        int *is)
{
    int64_t      left_ms;
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_CHORE_LEFT);
    ehr_query_int(&q, keep->now_ms);
    ehr_query_int(&q, (int64_t) keep->owner.incarnation);
    ehr_query_int(&q, keep->configured_ms);
    ehr_query_text(&q, lease);

    rc = ehr_store_get_int(&q, &left_ms);

    /* A lease of a time that a clock has jumped away from is none. */
    *is = rc == EHR_REFUSED || left_ms <= 0 || left_ms > LEASE_MAX_MS;

    return rc == EHR_REFUSED ? EHR_OK : rc;
}


static ehr_rc_t
take_lease(ehr_store_t *store, const ehr_store_keep_t *keep,
           const char *lease, int *is_mine)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    rc = ehr_store_begin_write(store);
    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_begin(&q, store, EHR_SQL_CHORE_TAKE);
    ehr_query_int(&q, (int64_t) keep->owner.incarnation);
    ehr_query_int(&q, keep->now_ms + LEASE_MS);
    ehr_query_int(&q, keep->now_ms);
    ehr_query_int(&q, keep->configured_ms);
    ehr_query_text(&q, lease);

    rc = ehr_query_run(&q);
    *is_mine = rc == EHR_OK && sqlite3_changes64(store->db) == 1;

    rc = ehr_store_end_write(store, rc);

    if (rc != EHR_OK) {
        *is_mine = 0;
    }

    return rc;
}


/* Renewed when half of it is over; asked for only when it seems free. */

static ehr_rc_t
hold_lease(ehr_store_t *store, const ehr_store_keep_t *keep,
           const char *lease, int *is_mine)
{
    int       is;
    int64_t   left_ms = 0;
    ehr_rc_t  rc;

    rc = ehr_store_keep_is_mine(store, keep, lease, &left_ms);
    left_ms -= keep->now_ms;
    *is_mine = rc == EHR_OK;

    if (rc == EHR_REFUSED) {
        rc = is_free(store, keep, lease, &is);

        return rc == EHR_OK && is ? take_lease(store, keep, lease, is_mine)
                                  : rc;
    }

    return rc == EHR_OK && (left_ms <= LEASE_MS / 2 || left_ms > LEASE_MAX_MS)
           ? take_lease(store, keep, lease, is_mine) : rc;
}


int
ehr_store_is_due(const ehr_store_keep_t *keep, int64_t due_ms,
                 int64_t period_ms)
{
    return keep->now_ms >= due_ms || due_ms - keep->now_ms > period_ms;
}


/* --- giving pages back --- */

static ehr_rc_t
get_int(ehr_store_t *store, const char *sql, int64_t *value)
{
    ehr_query_t  q;

    ehr_query_begin_text(&q, store, sql);

    return ehr_store_get_int(&q, value);
}


static ehr_rc_t
shrink(ehr_store_t *store, ehr_store_keep_t *keep)
{
    char      sql[64];
    int       frames;
    int64_t   free_pages, left_pages, n;
    ehr_rc_t  rc;

    rc = get_int(store, "PRAGMA freelist_count", &free_pages);
    if (rc != EHR_OK || free_pages <= SHRINK_KEEP) {
        return rc;
    }

    n = free_pages - SHRINK_KEEP;
    n = n < SHRINK_PAGES ? n : SHRINK_PAGES;

    (void) snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%lld)",
                    (long long) n);

    rc = ehr_store_begin_write(store);
    if (rc != EHR_OK) {
        return rc;
    }

    if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        rc = ehr_store_failed(store, sqlite3_errcode(store->db));
    }

    if (rc == EHR_OK) {
        rc = get_int(store, "PRAGMA freelist_count", &left_pages);
    }

    rc = ehr_store_end_write(store, rc);

    if (rc == EHR_OK && left_pages < free_pages) {
        keep->npages += (uint32_t) (free_pages - left_pages);
        keep->has_more = 1;

        /* The file is cut when the log is moved into it. */
        rc = ehr_store_move_log(store, &frames);
    }

    return rc;
}


/* --- all of it --- */

typedef ehr_rc_t (*chore_pt)(ehr_store_t *store, ehr_store_keep_t *keep);


static const chore_pt  chores[] = {
    ehr_store_retain,
    ehr_store_reseal,
    shrink
};


static ehr_rc_t
do_sweep(ehr_store_t *store, ehr_store_keep_t *keep)
{
    ehr_rc_t  rc;

    if (!keep->is_sweeping) {
        return EHR_OK;
    }

    rc = hold_lease(store, keep, EHR_LEASE_SWEEPER, &keep->is_sweeper);

    return rc == EHR_OK && keep->is_sweeper ? ehr_store_sweep(store, keep)
                                            : rc;
}


static ehr_rc_t
do_chores(ehr_store_t *store, ehr_store_keep_t *keep)
{
    size_t    i;
    ehr_rc_t  rc;

    rc = do_sweep(store, keep);

    if (rc == EHR_OK) {
        rc = hold_lease(store, keep, EHR_LEASE_KEEPER, &keep->is_mine);
    }

    if (rc != EHR_OK || !keep->is_mine) {
        return rc;
    }

    for (i = 0; i < sizeof(chores) / sizeof(chores[0]); i++) {
        rc = chores[i](store, keep);
        if (rc != EHR_OK) {
            return rc;
        }
    }

    return EHR_OK;
}


ehr_rc_t
ehr_store_keep(ehr_store_t *store, ehr_store_keep_t *keep)
{
    ehr_rc_t  rc;

    memset(keep->nrepaired, 0, sizeof(keep->nrepaired));
    keep->ncontents = 0;
    keep->nrecords = 0;
    keep->nresealed = 0;
    keep->npages = 0;
    keep->has_more = 0;

    rc = ehr_store_enter(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = do_chores(store, keep);
    ehr_store_leave(store);

    return rc;
}


static ehr_rc_t
drop_leases(ehr_store_t *store, const ehr_store_keep_t *keep)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    rc = ehr_store_begin_write(store);
    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_begin(&q, store, EHR_SQL_CHORE_DROP);
    ehr_query_int(&q, (int64_t) keep->owner.incarnation);

    return ehr_store_end_write(store, ehr_query_run(&q));
}


ehr_rc_t
ehr_store_keep_end(ehr_store_t *store, ehr_store_keep_t *keep)
{
    ehr_rc_t  rc;

    if (!keep->is_mine && !keep->is_sweeper) {
        return EHR_OK;
    }

    rc = ehr_store_enter(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = drop_leases(store, keep);
    keep->is_mine = 0;
    keep->is_sweeper = 0;
    ehr_store_leave(store);

    return rc;
}
