/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Storing a submission once (I3).  The transaction holds the writers' lock,
 * so what is looked up here cannot change before it is written: twins that
 * come at the same moment, in one batch or in two processes, meet here.
 *
 * The same bytes again are a duplicate whatever happened to the first: when A
 * was corrected by B and A comes once more, the answer is A's submission with
 * its superseded deliveries, and B stays the newest content.  A sender who
 * wants A back must change a byte of it.
 */

#include "ehr_store_sqlite.h"


static int
has_partner_twice(const ehr_submission_t *sub)
{
    uint32_t  i, j;

    for (i = 1; i < sub->ndeliveries; i++) {
        for (j = 0; j < i; j++) {
            if (strcmp(sub->deliveries[i].partner,
                       sub->deliveries[j].partner)
                == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


static int
has_bad_partner(const ehr_submission_t *sub)
{
    size_t    size;
    uint32_t  i;

    size = sizeof(sub->deliveries[0].partner);

    for (i = 0; i < sub->ndeliveries; i++) {
        if (sub->deliveries[i].partner[0] == '\0'
            || memchr(sub->deliveries[i].partner, '\0', size) == NULL)
        {
            return 1;
        }
    }

    return 0;
}


static ehr_rc_t
check(ehr_store_t *store, const ehr_store_submit_t *op)
{
    const ehr_submission_t  *sub = &op->sub;

    if (op->arena == NULL || sub->facility.len == 0
        || memchr(sub->id, '\0', sizeof(sub->id)) != sub->id + EHR_UUID_LEN)
    {
        return ehr_store_broken(store, "submit without id or facility");
    }

    if (sub->ndeliveries > EHR_STORE_MAX_PARTNERS || has_bad_partner(sub)
        || has_partner_twice(sub))
    {
        return ehr_store_broken(store, "submit with impossible partners");
    }

    return EHR_OK;
}


/* Sets result when the key is known; *seq stays 0 when it is not. */

static ehr_rc_t
find_key(ehr_store_t *store, ehr_store_submit_t *op, int64_t *seq)
{
    uint8_t      sha256[EHR_SHA256_LEN];
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_KEY_FIND);
    ehr_query_str(&q, op->sub.facility);
    ehr_query_str(&q, op->idempotency_key);

    rc = ehr_query_step(&q);

    if (rc != EHR_AGAIN) {
        ehr_query_end(&q);
        return rc;
    }

    *seq = ehr_column_int(&q, 0);

    op->result = ehr_column_bytes(&q, 1, sha256, EHR_SHA256_LEN)
                 && memcmp(sha256, op->sub.sha256, EHR_SHA256_LEN) == 0
                 ? EHR_SUBMIT_DUPLICATE
                 : EHR_SUBMIT_KEY_REUSED;

    ehr_query_end(&q);

    return EHR_OK;
}


static ehr_rc_t
find_bytes(ehr_store_t *store, ehr_store_submit_t *op, int64_t *seq)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_BYTES_FIND);
    ehr_query_str(&q, op->sub.facility);
    ehr_query_blob(&q, op->sub.sha256, EHR_SHA256_LEN);

    rc = ehr_store_get_int(&q, seq);
    if (rc == EHR_REFUSED) {
        return ehr_store_broken(store, "submit with an id that is taken");
    }

    op->result = EHR_SUBMIT_DUPLICATE;

    return rc;
}


static ehr_rc_t
add_key(ehr_store_t *store, const ehr_store_submit_t *op, int64_t seq)
{
    ehr_query_t  q;

    if (op->idempotency_key.len == 0) {
        return EHR_OK;
    }

    ehr_query_begin(&q, store, EHR_SQL_KEY_ADD);
    ehr_query_str(&q, op->sub.facility);
    ehr_query_str(&q, op->idempotency_key);
    ehr_query_int(&q, seq);

    return ehr_query_run(&q);
}


/* New bytes are the rule: the insertion itself finds out whether they are.
 * EHR_REFUSED: they or the id are known, and nothing was written. */

static ehr_rc_t
add_submission(ehr_store_t *store, const ehr_store_submit_t *op, int64_t *seq)
{
    ehr_rc_t                 rc;
    ehr_query_t              q;
    const ehr_submission_t  *sub = &op->sub;

    ehr_query_begin(&q, store, EHR_SQL_SUBMISSION_ADD);
    ehr_query_text(&q, sub->id);
    ehr_query_str(&q, sub->facility);
    ehr_query_str(&q, sub->kind);
    ehr_query_str(&q, sub->standard);
    ehr_query_str(&q, sub->business_key);
    ehr_query_str(&q, sub->content_type);
    ehr_query_blob(&q, sub->sha256, EHR_SHA256_LEN);
    ehr_query_int(&q, (int64_t) op->content.len);
    ehr_query_int(&q, sub->received_ms);
    ehr_query_str(&q, sub->warnings);
    ehr_query_str(&q, sub->warnings_en);

    rc = ehr_query_run(&q);
    if (rc != EHR_OK) {
        return rc;
    }

    if (sqlite3_changes64(store->db) == 0) {
        return EHR_REFUSED;
    }

    *seq = sqlite3_last_insert_rowid(store->db);

    return EHR_OK;
}


static ehr_rc_t
add_delivery(ehr_store_t *store, const ehr_submission_t *sub, int64_t seq,
             const ehr_store_delivery_t *dlv)
{
    ehr_rc_t     rc;
    ehr_step_t   step;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_DELIVERY_ADD);
    ehr_query_int(&q, seq);
    ehr_query_text(&q, dlv->partner);
    ehr_query_str(&q, sub->facility);
    ehr_query_str(&q, sub->kind);
    ehr_query_str(&q, sub->business_key);
    ehr_query_str(&q, dlv->reason);
    ehr_query_int(&q, !dlv->is_urgent);
    ehr_query_int(&q, dlv->target_ms);

    rc = ehr_query_run(&q);
    if (rc != EHR_OK) {
        return rc;
    }

    step.seq = seq;
    step.at_ms = sub->received_ms;
    step.partner = dlv->partner;
    step.state = ehr_state_name(EHR_STATE_PENDING);
    step.reason = dlv->reason;

    return ehr_store_history_add(store, &step);
}


static void
begin_older(ehr_query_t *q, ehr_store_t *store, ehr_sql_e sql,
            const ehr_submission_t *sub)
{
    ehr_query_begin(q, store, sql);
    ehr_query_str(q, sub->business_key);
    ehr_query_str(q, sub->facility);
    ehr_query_str(q, sub->kind);
    ehr_query_int(q, sub->seq);
}


/* Looks first: most content is the first of its key, and a change that
 * returns rows builds a table for them even where there are none. */

static ehr_rc_t
supersede_older(ehr_store_t *store, const ehr_submission_t *sub)
{
    int64_t      found;
    ehr_rc_t     rc;
    ehr_query_t  q;

    if (sub->business_key.len == 0) {
        return EHR_OK;
    }

    begin_older(&q, store, EHR_SQL_OLDER_FIND, sub);

    rc = ehr_store_get_int(&q, &found);
    if (rc != EHR_OK) {
        return rc == EHR_REFUSED ? EHR_OK : rc;
    }

    begin_older(&q, store, EHR_SQL_SUPERSEDE_OLDER, sub);
    ehr_query_text(&q, EHR_REASON_NEWER);

    return ehr_store_supersede(&q, sub->received_ms);
}


static ehr_rc_t
store_new(ehr_store_t *store, ehr_store_submit_t *op)
{
    int64_t   seq;
    uint32_t  i;
    ehr_rc_t  rc;

    rc = add_submission(store, op, &seq);
    if (rc != EHR_OK) {
        return rc;
    }

    op->sub.seq = seq;
    op->result = EHR_SUBMIT_STORED;

    rc = ehr_store_add_content(store, op, seq);

    if (rc == EHR_OK) {
        rc = add_key(store, op, seq);
    }

    for (i = 0; i < op->sub.ndeliveries && rc == EHR_OK; i++) {
        rc = add_delivery(store, &op->sub, seq, &op->sub.deliveries[i]);
    }

    return rc == EHR_OK ? supersede_older(store, &op->sub) : rc;
}


static ehr_rc_t
load_found(ehr_store_t *store, ehr_store_submit_t *op, int64_t seq)
{
    ehr_rc_t  rc;

    rc = ehr_store_load(store, seq, op->arena, &op->found);

    return rc == EHR_OK
           ? ehr_store_load_deliveries(store, op->arena, &op->found)
           : rc;
}


ehr_rc_t
ehr_store_submit(ehr_store_t *store, ehr_store_submit_t *op)
{
    int64_t   seq;
    ehr_rc_t  rc;

    rc = check(store, op);
    if (rc != EHR_OK) {
        return rc;
    }

    seq = 0;

    if (op->idempotency_key.len != 0) {
        rc = find_key(store, op, &seq);
        if (rc != EHR_OK) {
            return rc;
        }

        if (seq != 0) {
            return op->result == EHR_SUBMIT_KEY_REUSED
                   ? EHR_OK
                   : load_found(store, op, seq);
        }
    }

    rc = store_new(store, op);
    if (rc != EHR_REFUSED) {
        return rc;
    }

    rc = find_bytes(store, op, &seq);
    if (rc != EHR_OK) {
        return rc;
    }

    /* Loaded first: without memory nothing is written. */
    rc = load_found(store, op, seq);

    return rc == EHR_OK ? add_key(store, op, seq) : rc;
}
