/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Giving due deliveries to an owner.  Decides which are due and in what
 * order (I7); knows nothing of how they are sent.
 *
 * Half of a claim goes to what is retrying and due, the other half to what is
 * new, the rest to whatever is left: neither a flood of new documents nor a
 * heap of old failures shuts the other out.
 */

#include "ehr_store_sqlite.h"


typedef struct {
    int64_t  delivery;
    int64_t  seq;
} due_t;


/* One more than asked for, to see whether something is left. */

typedef struct {
    due_t     rows[EHR_STORE_MAX_CLAIM + 1];
    uint32_t  n;
} due_list_t;


static int
is_listed(const due_list_t *due, int64_t delivery)
{
    uint32_t  i;

    for (i = 0; i < due->n; i++) {
        if (due->rows[i].delivery == delivery) {
            return 1;
        }
    }

    return 0;
}


/* Fills the list up to a length from one of the two queues. */

static ehr_rc_t
find_due(ehr_store_t *store, const ehr_store_claim_t *op, ehr_sql_e sql,
         due_list_t *due, uint32_t length)
{
    due_t        row;
    ehr_rc_t     rc;
    ehr_query_t  q;

    if (due->n >= length) {
        return EHR_OK;
    }

    ehr_query_begin(&q, store, sql);
    ehr_query_text(&q, op->partner);
    ehr_query_int(&q, length);

    if (sql == EHR_SQL_CLAIM_RETRYING) {
        ehr_query_int(&q, op->now_ms);
    }

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && due->n < length;
         rc = ehr_query_step(&q))
    {
        row.delivery = ehr_column_int(&q, 0);
        row.seq = ehr_column_int(&q, 1);

        if (!is_listed(due, row.delivery)) {
            due->rows[due->n++] = row;
        }
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


static ehr_rc_t
find_all_due(ehr_store_t *store, const ehr_store_claim_t *op,
             due_list_t *due)
{
    ehr_rc_t  rc;

    due->n = 0;

    rc = find_due(store, op, EHR_SQL_CLAIM_RETRYING, due, (op->max + 1) / 2);

    if (rc == EHR_OK) {
        rc = find_due(store, op, EHR_SQL_CLAIM_PENDING, due, op->max + 1);
    }

    if (rc == EHR_OK) {
        rc = find_due(store, op, EHR_SQL_CLAIM_RETRYING, due, op->max + 1);
    }

    return rc;
}


static ehr_rc_t
find_next(ehr_store_t *store, ehr_store_claim_t *op)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_CLAIM_NEXT);
    ehr_query_text(&q, op->partner);
    ehr_query_int(&q, op->now_ms);

    return ehr_store_get_int(&q, &op->next_due_ms);
}


static ehr_rc_t
begin_attempt(ehr_store_t *store, const ehr_store_claim_t *op,
              const ehr_claim_t *claim)
{
    ehr_rc_t     rc;
    ehr_step_t   step;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_ATTEMPT_ADD);
    ehr_query_int(&q, claim->delivery);
    ehr_query_int(&q, claim->attempt);
    ehr_query_int(&q, claim->fence);
    ehr_query_int(&q, op->owner.slot);
    ehr_query_int(&q, (int64_t) op->owner.incarnation);
    ehr_query_int(&q, op->now_ms);

    rc = ehr_query_run(&q);
    if (rc != EHR_OK) {
        return rc;
    }

    memset(&step, 0, sizeof(ehr_step_t));

    step.seq = claim->sub.seq;
    step.at_ms = op->now_ms;
    step.partner = op->partner;
    step.state = ehr_state_name(EHR_STATE_SENDING);

    return ehr_store_history_add(store, &step);
}


static ehr_rc_t
take(ehr_store_t *store, const ehr_store_claim_t *op, ehr_claim_t *claim)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_CLAIM_TAKE);
    ehr_query_int(&q, claim->delivery);
    ehr_query_int(&q, op->owner.slot);
    ehr_query_int(&q, (int64_t) op->owner.incarnation);

    rc = ehr_query_step(&q);

    if (rc != EHR_AGAIN) {
        ehr_query_end(&q);
        return rc == EHR_OK
               ? ehr_store_broken(store, "a due delivery is not due")
               : rc;
    }

    claim->fence = ehr_column_int(&q, 0);
    claim->attempt = (uint32_t) ehr_column_int(&q, 1);
    ehr_query_end(&q);

    claim->sub.deliveries[0].state = EHR_STATE_SENDING;
    claim->sub.deliveries[0].next_attempt_ms = 0;
    claim->sub.deliveries[0].attempts = claim->attempt;

    return begin_attempt(store, op, claim);
}


/* Leaves the claimed delivery alone at the front. */

static ehr_rc_t
keep_partner(ehr_store_t *store, const char *partner, ehr_submission_t *sub)
{
    uint32_t  i;

    for (i = 0; i < sub->ndeliveries; i++) {
        if (strcmp(sub->deliveries[i].partner, partner) == 0) {
            sub->deliveries[0] = sub->deliveries[i];
            sub->ndeliveries = 1;
            return EHR_OK;
        }
    }

    return ehr_store_broken(store, "a due delivery is not its submission's");
}


static ehr_rc_t
load(ehr_store_t *store, const ehr_store_claim_t *op, const due_t *due,
     ehr_claim_t *claim)
{
    ehr_rc_t  rc;

    claim->delivery = due->delivery;

    rc = ehr_store_load(store, due->seq, op->arena, &claim->sub);

    if (rc == EHR_OK) {
        rc = ehr_store_load_deliveries(store, op->arena, &claim->sub);
    }

    if (rc == EHR_OK) {
        rc = keep_partner(store, op->partner, &claim->sub);
    }

    if (rc == EHR_OK) {
        rc = ehr_store_load_content(store, due->seq, op->arena,
                                    &claim->content);
    }

    return rc == EHR_REFUSED
           ? ehr_store_broken(store, "a delivery without its submission")
           : rc;
}


/* Reads before it takes: what does not fit the arena is left where it is. */

static ehr_rc_t
take_due(ehr_store_t *store, ehr_store_claim_t *op, const due_list_t *due)
{
    uint32_t  i, n;
    ehr_rc_t  rc;

    n = due->n < op->max ? due->n : op->max;

    op->claims = ehr_arena_calloc(op->arena, n * sizeof(ehr_claim_t));
    if (op->claims == NULL) {
        return ehr_store_broken(store, "the arena is full");
    }

    for (i = 0; i < n; i++) {

        rc = load(store, op, &due->rows[i], &op->claims[i]);

        if (rc == EHR_BROKEN && i > 0) {
            op->next_due_ms = op->now_ms;
            break;
        }

        if (rc == EHR_OK) {
            rc = take(store, op, &op->claims[i]);
        }

        if (rc != EHR_OK) {
            return rc;
        }

        op->nclaims++;
    }

    return EHR_OK;
}


ehr_rc_t
ehr_store_claim(ehr_store_t *store, ehr_store_claim_t *op)
{
    ehr_rc_t    rc;
    due_list_t  due;

    op->claims = NULL;
    op->nclaims = 0;
    op->next_due_ms = 0;

    if (op->arena == NULL || op->partner == NULL || op->partner[0] == '\0'
        || op->max == 0 || op->max > EHR_STORE_MAX_CLAIM
        || op->owner.incarnation == 0 || op->owner.incarnation > INT64_MAX)
    {
        return ehr_store_broken(store, "claim with impossible arguments");
    }

    rc = find_all_due(store, op, &due);
    if (rc != EHR_OK) {
        return rc;
    }

    if (due.n > op->max) {
        op->next_due_ms = op->now_ms;

    } else {
        rc = find_next(store, op);
        if (rc != EHR_OK) {
            return rc;
        }
    }

    return due.n == 0 ? EHR_OK : take_due(store, op, &due);
}
