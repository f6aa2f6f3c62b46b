/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What administrators said of a partner (paused, by whom, why), and how much
 * waits for each and for how long.  A change is one transaction with its
 * audit row; a dry run is the same transaction, rolled back.  What a pause
 * does is the claim's part.
 */

#include "ehr_store_sqlite.h"


/* 8 partners and 5 open states are 40; room for partners that were renamed. */
#define MAX_ROWS      256

/* Halvings of a 63-bit number. */
#define MAX_HALVINGS  64


/* Ends of the ages; what is older is the last one. */

static const int64_t  ages_ms[EHR_STORE_AGES - 1] = {
    5 * INT64_C(60000),
    30 * INT64_C(60000),
    2 * INT64_C(3600000),
    8 * INT64_C(3600000),
    24 * INT64_C(3600000)
};


/* --- what was said --- */

static ehr_rc_t
load(ehr_store_t *store, ehr_str_t name, ehr_arena_t *arena,
     ehr_partner_t *out)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    memset(out, 0, sizeof(ehr_partner_t));

    ehr_query_begin(&q, store, EHR_SQL_PARTNER);
    ehr_query_str(&q, name);

    rc = ehr_query_step(&q);

    if (rc == EHR_AGAIN) {
        out->is_paused = ehr_column_int(&q, 0) != 0;
        out->reason = ehr_column_str(&q, 1, arena);
        out->actor = ehr_column_str(&q, 2, arena);
        out->version = ehr_column_int(&q, 3);
        out->changed_ms = ehr_column_int(&q, 4);
        rc = q.no_memory ? ehr_store_broken(store, "the arena is full")
                         : EHR_OK;
    }

    ehr_query_end(&q);

    return rc;
}


ehr_rc_t
ehr_partner_load(ehr_store_t *store, ehr_str_t name, ehr_arena_t *arena,
                 ehr_partner_t *out)
{
    ehr_rc_t  rc;

    rc = ehr_store_begin_read(store);

    return rc == EHR_OK
           ? ehr_store_end_read(store, load(store, name, arena, out)) : rc;
}


static ehr_rc_t
set(ehr_store_t *store, const ehr_change_t *who,
    const ehr_partner_change_t *what)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_PARTNER_SET);
    ehr_query_str(&q, what->name);
    ehr_query_int(&q, what->action == EHR_PARTNER_PAUSE);
    ehr_query_str(&q, what->reason);
    ehr_query_str(&q, who->actor);
    ehr_query_int(&q, who->now_ms);

    return ehr_query_run(&q);
}


/* Names what was done and to whom; not the text that a person typed. */

static ehr_rc_t
audit(ehr_store_t *store, const ehr_change_t *who,
      const ehr_partner_change_t *what)
{
    static const char *const  actions[] = {
        [EHR_PARTNER_PAUSE] = "partner.pause",
        [EHR_PARTNER_RESUME] = "partner.resume",
        [EHR_PARTNER_PROBE] = "partner.probe"
    };

    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_AUDIT_ADD);
    ehr_query_int(&q, who->now_ms);
    ehr_query_str(&q, who->actor);
    ehr_query_str(&q, who->request_id);
    ehr_query_text(&q, actions[what->action]);
    ehr_query_str(&q, what->name);
    ehr_query_text(&q, "{}");

    return ehr_query_run(&q);
}


static ehr_registry_e
run_change(ehr_store_t *store, const ehr_change_t *who,
           const ehr_partner_change_t *what, ehr_partner_t *out)
{
    ehr_rc_t  rc;

    rc = load(store, what->name, what->arena, out);

    if (rc != EHR_OK) {
        return EHR_REGISTRY_LATER;
    }

    if (who->if_version != 0 && who->if_version != out->version) {
        return EHR_REGISTRY_VERSION;
    }

    if (what->action == EHR_PARTNER_PROBE && out->is_paused) {
        return EHR_REGISTRY_PAUSED;
    }

    if (what->action != EHR_PARTNER_PROBE) {
        rc = set(store, who, what);
    }

    if (rc == EHR_OK) {
        rc = audit(store, who, what);
    }

    if (rc == EHR_OK) {
        rc = load(store, what->name, what->arena, out);
    }

    return rc == EHR_OK ? EHR_REGISTRY_OK : EHR_REGISTRY_LATER;
}


ehr_registry_e
ehr_partner_change(ehr_store_t *store, const ehr_change_t *who,
                   const ehr_partner_change_t *what, ehr_partner_t *out)
{
    int             is_kept;
    ehr_rc_t        rc;
    ehr_registry_e  result;

    if (ehr_store_enter(store) != EHR_OK) {
        return EHR_REGISTRY_LATER;
    }

    if (ehr_store_begin_write(store) != EHR_OK) {
        ehr_store_leave(store);
        return EHR_REGISTRY_LATER;
    }

    result = run_change(store, who, what, out);
    is_kept = result == EHR_REGISTRY_OK && !who->is_dry_run;

    rc = ehr_store_end_write(store, is_kept ? EHR_OK : EHR_REFUSED);

    if (is_kept && rc != EHR_OK) {
        result = EHR_REGISTRY_LATER;
    }

    ehr_store_leave(store);

    return result;
}


/* --- how much waits, and how long --- */

ehr_rc_t
ehr_store_first_since(ehr_store_t *store, int64_t since_ms, int64_t *seq)
{
    int          i;
    int64_t      low = 1, high, middle, received_ms;
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_NEWEST);
    rc = ehr_store_get_int(&q, &high);
    high++;

    for (i = 0; i < MAX_HALVINGS && low < high && rc == EHR_OK; i++) {
        middle = low + (high - low) / 2;

        ehr_query_begin(&q, store, EHR_SQL_RECEIVED_FROM);
        ehr_query_int(&q, middle);
        rc = ehr_store_get_int(&q, &received_ms);

        if (rc == EHR_REFUSED) {
            high = middle;
            rc = EHR_OK;

        } else if (rc == EHR_OK && received_ms < since_ms) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    *seq = low;

    return rc;
}


static ehr_rc_t
read_queues(ehr_store_t *store, int64_t now_ms, ehr_store_queue_t *all,
            uint32_t *n)
{
    int                 i;
    int64_t             seqs[EHR_STORE_AGES - 1];
    ehr_rc_t            rc = EHR_OK;
    ehr_query_t         q;
    ehr_store_queue_t  *row;

    for (i = 0; i < EHR_STORE_AGES - 1 && rc == EHR_OK; i++) {
        rc = ehr_store_first_since(store, now_ms - ages_ms[i], &seqs[i]);
    }

    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_begin(&q, store, EHR_SQL_QUEUES);
    for (i = 0; i < EHR_STORE_AGES - 1; i++) {
        ehr_query_int(&q, seqs[i]);
    }
    ehr_query_int(&q, MAX_ROWS);

    for (rc = ehr_query_step(&q); rc == EHR_AGAIN && *n < MAX_ROWS;
         rc = ehr_query_step(&q))
    {
        row = &all[(*n)++];
        ehr_column_copy(&q, 0, row->partner, sizeof(row->partner));

        for (i = 0; i < EHR_STORE_AGES; i++) {
            row->ages[i] = ehr_column_int(&q, 1 + i);
        }
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


ehr_rc_t
ehr_store_queues(ehr_store_t *store, int64_t now_ms, ehr_arena_t *arena,
                 ehr_store_queue_t **queues, uint32_t *n)
{
    ehr_rc_t  rc;

    *n = 0;
    *queues = ehr_arena_calloc(arena, MAX_ROWS * sizeof(ehr_store_queue_t));

    if (*queues == NULL) {
        return EHR_BROKEN;
    }

    rc = ehr_store_begin_read(store);

    return rc == EHR_OK
           ? ehr_store_end_read(store, read_queues(store, now_ms, *queues, n))
           : rc;
}
