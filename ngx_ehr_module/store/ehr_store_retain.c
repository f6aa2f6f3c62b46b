/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What is past its retention goes: first the bytes of a document, later, if
 * at all, its record with deliveries, attempts and history.  Never of a
 * submission with a delivery that is not settled for good; and never the
 * newest record, so that no number is given twice.  The records of one
 * business key go oldest first: what newer content was accepted is known for
 * as long as there is an older one that it must keep from being sent (I7).
 *
 * The history forbids to be removed.  A removal is entered in its own table
 * first, in the same transaction, and only for what stands there the history
 * gives way; the audit keeps how much went.
 */

#include <stdio.h>

#include "ehr_id.h"
#include "ehr_store_sqlite.h"


#define RETAIN_MS     INT64_C(600000) /* from one round to the next, or the
                                         shortest time that is kept */
#define MAX_LOOKED    1000            /* submissions, in one step */
#define MAX_REMOVED   64              /* of them, in one transaction */
#define STATE_REMOVED "removed"


typedef struct {
    int64_t  seq;
    int64_t  content_before_ms;       /* settled before: its bytes go */
    int64_t  record_before_ms;        /* its record goes; 0: never */
    int      is_record;               /* it is its record's turn */
} old_t;

typedef struct {
    old_t     rows[MAX_REMOVED];
    uint32_t  n;
    int64_t   last;                   /* seq looked at */
    int       is_end;                 /* nothing old is behind it */
} old_list_t;


typedef struct {
    int      has_content;
    int      is_open;
    int64_t  settled_ms;
    int64_t  older;                   /* content of the same key: its seq, of
                                         the nearest; 0: none */
} age_t;


static const ehr_retention_t *
rule_of(const ehr_store_keep_t *keep, const char *kind)
{
    uint32_t                i;
    const ehr_retention_t  *rule = NULL;

    for (i = 0; i < keep->nretentions; i++) {

        if (keep->retentions[i].kind == NULL && rule == NULL) {
            rule = &keep->retentions[i];

        } else if (keep->retentions[i].kind != NULL
                   && strcmp(keep->retentions[i].kind, kind) == 0)
        {
            rule = &keep->retentions[i];
        }
    }

    return rule;
}


/* When it was received at the latest, to be past any time. */

static int64_t
newest_old(const ehr_store_keep_t *keep)
{
    int64_t   least = INT64_MAX;
    uint32_t  i;

    for (i = 0; i < keep->nretentions; i++) {

        if (keep->retentions[i].content_ms > 0
            && keep->retentions[i].content_ms < least)
        {
            least = keep->retentions[i].content_ms;
        }

        if (keep->retentions[i].record_ms > 0
            && keep->retentions[i].record_ms < least)
        {
            least = keep->retentions[i].record_ms;
        }
    }

    return keep->now_ms - least;
}


static ehr_rc_t
look_at(ehr_store_t *store, int64_t seq, age_t *age)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_RETAIN_AGE);
    ehr_query_int(&q, seq);

    rc = ehr_query_step(&q);

    if (rc == EHR_AGAIN) {
        age->has_content = ehr_column_int(&q, 0) != 0;
        age->is_open = ehr_column_int(&q, 1) != 0;
        age->settled_ms = ehr_column_int(&q, 2);
        age->older = ehr_column_int(&q, 3);
        rc = EHR_OK;
    }

    ehr_query_end(&q);

    return rc;
}


static int
loses_record(const old_t *row, const age_t *age)
{
    return !age->is_open && row->record_before_ms != 0
           && age->settled_ms < row->record_before_ms;
}


static int
loses_content(const old_t *row, const age_t *age)
{
    return !age->is_open && age->has_content && row->content_before_ms != 0
           && age->settled_ms < row->content_before_ms;
}


static int
read_old(ehr_query_t *q, const ehr_store_keep_t *keep, old_t *row)
{
    char                    kind[64];
    int64_t                 received_ms;
    const ehr_retention_t  *rule;

    row->seq = ehr_column_int(q, 0);
    ehr_column_copy(q, 1, kind, sizeof(kind));
    received_ms = ehr_column_int(q, 2);

    rule = rule_of(keep, kind);
    if (rule == NULL) {
        return 0;
    }

    row->content_before_ms = rule->content_ms > 0
                             ? keep->now_ms - rule->content_ms : 0;
    row->record_before_ms = rule->record_ms > 0
                            ? keep->now_ms - rule->record_ms : 0;

    return received_ms < row->content_before_ms
           || received_ms < row->record_before_ms;
}


/* Not kept back by older content, or that goes before it, in the same
 * transaction. */

static int
is_turn(const old_list_t *old, const age_t *age)
{
    uint32_t  i;

    if (age->older == 0) {
        return 1;
    }

    for (i = 0; i < old->n; i++) {
        if (old->rows[i].seq == age->older) {
            return old->rows[i].is_record;
        }
    }

    return 0;
}


/* What is kept back takes no place in the list. */

static ehr_rc_t
look_further(ehr_store_t *store, old_t *row, old_list_t *old)
{
    age_t     age = { 0, 1, 0, 0 };
    ehr_rc_t  rc;

    rc = look_at(store, row->seq, &age);
    if (rc != EHR_OK) {
        return rc;
    }

    row->is_record = loses_record(row, &age) && is_turn(old, &age);

    if (row->is_record || loses_content(row, &age)) {
        old->rows[old->n++] = *row;
    }

    return EHR_OK;
}


static ehr_rc_t
find_old(ehr_store_t *store, const ehr_store_keep_t *keep, old_list_t *old)
{
    old_t        row;
    int64_t      upper;
    ehr_rc_t     rc, looked;
    uint32_t     n;
    ehr_query_t  q;

    old->n = 0;
    old->last = keep->retain_position;

    /* What came later is not looked at. */
    rc = ehr_store_first_since(store, newest_old(keep) + EHR_STORE_SKEW_MS,
                               &upper);
    if (rc != EHR_OK) {
        return rc;
    }

    ehr_query_begin(&q, store, EHR_SQL_RETAIN_OLD);
    ehr_query_int(&q, old->last);
    ehr_query_int(&q, newest_old(keep));
    ehr_query_int(&q, MAX_LOOKED);
    ehr_query_int(&q, upper);

    for (n = 0, rc = ehr_query_step(&q);
         rc == EHR_AGAIN && old->n < MAX_REMOVED;
         n++, rc = ehr_query_step(&q))
    {
        if (read_old(&q, keep, &row)) {
            looked = look_further(store, &row, old);
            if (looked != EHR_OK) {
                rc = looked;
                break;
            }
        }

        old->last = row.seq;
    }

    ehr_query_end(&q);

    old->is_end = rc == EHR_OK && n < MAX_LOOKED;

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


/* --- removing --- */

static ehr_rc_t
run_seq(ehr_store_t *store, ehr_sql_e sql, int64_t seq)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, sql);
    ehr_query_int(&q, seq);

    return ehr_query_run(&q);
}


static ehr_rc_t
remove_record(ehr_store_t *store, ehr_store_keep_t *keep, int64_t seq)
{
    static const ehr_sql_e  steps[] = {
        EHR_SQL_RETAIN_ENTER, EHR_SQL_RETAIN_ATTEMPTS,
        EHR_SQL_RETAIN_DELIVERIES, EHR_SQL_RETAIN_HISTORY,
        EHR_SQL_RETAIN_KEYS, EHR_SQL_RETAIN_CONTENT,
        EHR_SQL_RETAIN_SUBMISSION, EHR_SQL_RETAIN_LEAVE
    };

    size_t    i;
    ehr_rc_t  rc = EHR_OK;

    for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc == EHR_OK; i++) {
        rc = run_seq(store, steps[i], seq);
    }

    keep->nrecords++;

    return rc;
}


static ehr_rc_t
remove_content(ehr_store_t *store, ehr_store_keep_t *keep, int64_t seq)
{
    ehr_rc_t    rc;
    ehr_step_t  step;

    rc = run_seq(store, EHR_SQL_RETAIN_CONTENT, seq);
    if (rc != EHR_OK) {
        return rc;
    }

    keep->ncontents++;

    step.seq = seq;
    step.at_ms = keep->now_ms;
    step.partner = "";
    step.state = STATE_REMOVED;
    step.reason = ehr_str(EHR_REASON_RETENTION);

    return ehr_store_history_add(store, &step);
}


/* Looked at again: a person may have sent it anew meanwhile. */

static ehr_rc_t
remove_one(ehr_store_t *store, ehr_store_keep_t *keep, const old_t *row)
{
    age_t        age = { 0, 1, 0, 0 };
    int64_t      newest;
    ehr_rc_t     rc;
    ehr_query_t  q;

    rc = look_at(store, row->seq, &age);
    if (rc != EHR_OK) {
        return rc;
    }

    if (loses_record(row, &age) && age.older == 0) {
        ehr_query_begin(&q, store, EHR_SQL_RETAIN_NEWEST);
        rc = ehr_store_get_int(&q, &newest);

        if (rc != EHR_OK || row->seq < newest) {
            return rc == EHR_OK ? remove_record(store, keep, row->seq) : rc;
        }
    }

    return loses_content(row, &age)
           ? remove_content(store, keep, row->seq) : EHR_OK;
}


static ehr_rc_t
write_audit(ehr_store_t *store, const ehr_store_keep_t *keep)
{
    char         detail[128];
    ehr_query_t  q;

    (void) snprintf(detail, sizeof(detail),
                    "{\"contents\":%u,\"records\":%u}", keep->ncontents,
                    keep->nrecords);

    ehr_query_begin(&q, store, EHR_SQL_AUDIT_ADD);
    ehr_query_int(&q, keep->now_ms);
    ehr_query_text(&q, "retention");
    ehr_query_text(&q, "");
    ehr_query_text(&q, "retention.remove");
    ehr_query_text(&q, "");
    ehr_query_text(&q, detail);

    return ehr_query_run(&q);
}


static ehr_rc_t
remove_old(ehr_store_t *store, ehr_store_keep_t *keep, const old_list_t *old)
{
    uint32_t  i;
    ehr_rc_t  rc;

    if (old->n == 0) {
        return EHR_OK;
    }

    rc = ehr_store_begin_write(store);
    if (rc != EHR_OK) {
        return rc;
    }

    for (i = 0; i < old->n && rc == EHR_OK; i++) {
        rc = remove_one(store, keep, &old->rows[i]);
    }

    if (rc == EHR_OK && keep->ncontents + keep->nrecords > 0) {
        rc = write_audit(store, keep);
    }

    rc = ehr_store_end_write(store, rc);

    if (rc != EHR_OK) {
        keep->ncontents = 0;
        keep->nrecords = 0;
    }

    return rc;
}


ehr_rc_t
ehr_store_retain(ehr_store_t *store, ehr_store_keep_t *keep)
{
    int64_t     period_ms;
    ehr_rc_t    rc;
    old_list_t  old;

    period_ms = keep->now_ms - newest_old(keep);
    period_ms = period_ms < RETAIN_MS ? period_ms : RETAIN_MS;

    if (keep->nretentions == 0
        || !ehr_store_is_due(keep, keep->retain_due_ms, period_ms))
    {
        return EHR_OK;
    }

    rc = find_old(store, keep, &old);

    if (rc == EHR_OK) {
        rc = remove_old(store, keep, &old);
    }

    if (rc != EHR_OK) {
        return rc;
    }

    if (old.is_end) {
        keep->retain_position = 0;
        keep->retain_due_ms = keep->now_ms + period_ms;

    } else {
        keep->retain_position = old.last;
        keep->has_more = 1;
    }

    return EHR_OK;
}
