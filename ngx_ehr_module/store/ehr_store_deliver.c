/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What becomes of a claimed delivery: its result, its recovery from a dead
 * worker.  Everything is written only where the state is sending and the
 * fence is still the caller's.
 */

#include "ehr_store_sqlite.h"


/* Owners and rows one recovery looks at; the next one goes on. */

#define MAX_OWNERS     256
#define MAX_RECOVERED  1000
#define MAX_ASKED      64


/* What an UPDATE of a delivery says of the row it changed. */

typedef struct {
    int64_t   seq;
    char      partner[sizeof(((ehr_store_delivery_t *) 0)->partner)];
    uint32_t  attempt;
} changed_t;


/* What a dead owner had. */

typedef struct {
    ehr_taken_t  taken;
    char         partner[sizeof(((changed_t *) 0)->partner)];
    char         kind[64];
} lost_t;


/* EHR_REFUSED: no row was in that state with that fence. */

static ehr_rc_t
run_change(ehr_query_t *q, changed_t *changed)
{
    ehr_rc_t  rc;

    rc = ehr_query_step(q);

    if (rc == EHR_AGAIN) {
        changed->seq = ehr_column_int(q, 0);
        ehr_column_copy(q, 1, changed->partner, sizeof(changed->partner));
        changed->attempt = (uint32_t) ehr_column_int(q, 2);
        ehr_query_end(q);
        return EHR_OK;
    }

    ehr_query_end(q);

    return rc == EHR_OK ? EHR_REFUSED : rc;
}


static ehr_rc_t
supersede_self(ehr_store_t *store, int64_t delivery, int64_t now_ms)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_SUPERSEDE_SELF);
    ehr_query_int(&q, delivery);
    ehr_query_text(&q, EHR_REASON_NEWER);

    return ehr_store_supersede(&q, now_ms);
}


static ehr_rc_t
end_attempt(ehr_store_t *store, const ehr_store_finish_t *op,
            const changed_t *changed)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_ATTEMPT_END);
    ehr_query_int(&q, op->delivery);
    ehr_query_int(&q, changed->attempt);
    ehr_query_int(&q, op->now_ms);
    ehr_query_text(&q, ehr_state_name(op->state));
    ehr_query_int(&q, op->http_status);
    ehr_query_str(&q, op->partner_ref);
    ehr_query_str(&q, op->partner_code);
    ehr_query_str(&q, op->reason);

    return ehr_query_run(&q);
}


static ehr_rc_t
write_history(ehr_store_t *store, const ehr_store_finish_t *op,
              const changed_t *changed)
{
    ehr_rc_t    rc;
    ehr_step_t  step;

    step.seq = changed->seq;
    step.at_ms = op->now_ms;
    step.partner = changed->partner;
    step.state = ehr_state_name(op->state);
    step.reason = op->reason.len ? op->reason : ehr_str(EHR_REASON_ANSWERED);

    rc = ehr_store_history_add(store, &step);

    if (rc == EHR_OK
        && (op->state == EHR_STATE_RETRYING || op->state == EHR_STATE_HELD))
    {
        rc = supersede_self(store, op->delivery, op->now_ms);
    }

    return rc;
}


ehr_rc_t
ehr_store_finish(ehr_store_t *store, const ehr_store_finish_t *op)
{
    ehr_rc_t     rc;
    changed_t    changed;
    ehr_query_t  q;

    if (ehr_state_name(op->state) == NULL || op->state == EHR_STATE_PENDING
        || op->state == EHR_STATE_SENDING)
    {
        return ehr_store_broken(store, "an attempt cannot end in that state");
    }

    ehr_query_begin(&q, store, EHR_SQL_FINISH);
    ehr_query_int(&q, op->delivery);
    ehr_query_int(&q, op->fence);
    ehr_query_text(&q, ehr_state_name(op->state));
    ehr_query_int(&q, op->state == EHR_STATE_RETRYING
                          ? op->next_attempt_ms : 0);
    ehr_query_str(&q, op->partner_ref);
    ehr_query_str(&q, op->partner_code);
    ehr_query_str(&q, op->message);
    ehr_query_str(&q, op->reason);
    ehr_query_int(&q, op->state == EHR_STATE_UNCERTAIN
                          ? op->next_probe_ms : 0);

    rc = run_change(&q, &changed);

    if (rc == EHR_OK) {
        rc = end_attempt(store, op, &changed);
    }

    if (rc == EHR_OK) {
        rc = write_history(store, op, &changed);
    }

    return rc;
}


typedef struct {
    ehr_owner_t  all[MAX_OWNERS];
    uint32_t     n;
} owners_t;


static ehr_rc_t
find_owners(ehr_store_t *store, ehr_sql_e sql, owners_t *owners)
{
    ehr_rc_t      rc;
    ehr_owner_t  *owner;
    ehr_query_t   q;

    ehr_query_begin(&q, store, sql);
    ehr_query_int(&q, MAX_OWNERS);

    owners->n = 0;

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && owners->n < MAX_OWNERS;
         rc = ehr_query_step(&q))
    {
        owner = &owners->all[owners->n++];
        owner->slot = (uint32_t) ehr_column_int(&q, 0);
        owner->incarnation = (uint64_t) ehr_column_int(&q, 1);
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


/* Counts a crash; is_last: it was the one too many. */

static ehr_rc_t
count_crash(ehr_store_t *store, ehr_store_recover_t *op,
            const ehr_taken_t *taken, int *is_last)
{
    int64_t      n;
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_CRASHED);
    ehr_query_int(&q, taken->delivery);
    ehr_query_int(&q, taken->fence);

    rc = ehr_store_get_int(&q, &n);
    *is_last = (rc == EHR_OK && n >= EHR_STORE_MAX_CRASHES);

    if (*is_last && op->nquarantined++ < EHR_STORE_MAX_QUARANTINED) {
        op->quarantined[op->nquarantined - 1] = *taken;
    }

    return rc;
}


static ehr_state_e
recovered_state(int is_safe, int is_quarantined)
{
    if (!is_safe) {
        return EHR_STATE_UNCERTAIN;
    }

    return is_quarantined ? EHR_STATE_HELD : EHR_STATE_RETRYING;
}


static ehr_rc_t
finish_recovered(ehr_store_t *store, ehr_store_recover_t *op,
                 const lost_t *lost)
{
    int                 is_last = 0;
    ehr_rc_t            rc;
    ehr_crash_e         crash = EHR_CRASH_NONE;
    ehr_store_finish_t  end;

    memset(&end, 0, sizeof(ehr_store_finish_t));

    end.delivery = lost->taken.delivery;
    end.fence = lost->taken.fence;
    end.now_ms = op->now_ms;
    end.next_attempt_ms = op->now_ms;
    end.reason = ehr_str(EHR_REASON_LOST);

    if (op->crashed != NULL) {
        crash = op->crashed(op->data, &lost->taken);
    }

    if (crash != EHR_CRASH_NONE) {
        end.reason = ehr_str(EHR_REASON_CRASHED);

        rc = count_crash(store, op, &lost->taken, &is_last);
        if (rc != EHR_OK) {
            return rc;
        }
    }

    end.state = recovered_state(crash == EHR_CRASH_UNSENT
                                || op->is_repeat_safe(op->data, lost->partner,
                                                      lost->kind),
                                is_last);

    if (end.state == EHR_STATE_UNCERTAIN && !is_last && op->probe_ms != NULL) {
        end.next_probe_ms = op->probe_ms(op->data, lost->partner);
    }

    op->nretried += (end.state == EHR_STATE_RETRYING);
    op->nuncertain += (end.state == EHR_STATE_UNCERTAIN);
    op->nheld += (end.state == EHR_STATE_HELD);

    return ehr_store_finish(store, &end);
}


/* Takes back one row of a dead owner; EHR_REFUSED: it has none left.  I8:
 * whether it reached the partner is not known. */

static ehr_rc_t
recover_one(ehr_store_t *store, ehr_store_recover_t *op,
            const ehr_owner_t *owner)
{
    lost_t       lost;
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_OWNED);
    ehr_query_int(&q, owner->slot);
    ehr_query_int(&q, (int64_t) owner->incarnation);

    rc = ehr_query_step(&q);

    if (rc != EHR_AGAIN) {
        ehr_query_end(&q);
        return rc == EHR_OK ? EHR_REFUSED : rc;
    }

    lost.taken.delivery = ehr_column_int(&q, 0);
    lost.taken.fence = ehr_column_int(&q, 1);
    ehr_column_copy(&q, 2, lost.partner, sizeof(lost.partner));
    ehr_column_copy(&q, 3, lost.kind, sizeof(lost.kind));
    ehr_query_end(&q);

    return finish_recovered(store, op, &lost);
}


static ehr_rc_t
question_crashed(ehr_store_t *store, ehr_store_recover_t *op,
                 const ehr_taken_t *taken)
{
    int                 is_last;
    ehr_rc_t            rc;
    ehr_store_probed_t  end;

    rc = count_crash(store, op, taken, &is_last);
    if (rc != EHR_OK) {
        return rc;
    }

    memset(&end, 0, sizeof(ehr_store_probed_t));

    end.delivery = taken->delivery;
    end.fence = taken->fence;
    end.state = EHR_STATE_UNCERTAIN;
    end.now_ms = op->now_ms;
    end.next_probe_ms = is_last ? 0 : op->now_ms;
    end.reason = ehr_str(EHR_REASON_CRASHED);

    return ehr_store_probed(store, &end);
}


/* A worker has one question under way for each partner. */

static ehr_rc_t
recover_crashed_asker(ehr_store_t *store, ehr_store_recover_t *op,
                      const ehr_owner_t *owner)
{
    uint32_t     i, n;
    ehr_rc_t     rc;
    ehr_query_t  q;
    ehr_taken_t  all[MAX_ASKED];

    ehr_query_begin(&q, store, EHR_SQL_ASKED);
    ehr_query_int(&q, owner->slot);
    ehr_query_int(&q, (int64_t) owner->incarnation);
    ehr_query_int(&q, MAX_ASKED);

    n = 0;

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && n < MAX_ASKED;
         rc = ehr_query_step(&q))
    {
        all[n].delivery = ehr_column_int(&q, 0);
        all[n++].fence = ehr_column_int(&q, 1);
    }

    ehr_query_end(&q);

    for (i = 0; i < n && (rc == EHR_OK || rc == EHR_AGAIN); i++) {
        if (op->crashed(op->data, &all[i]) != EHR_CRASH_NONE) {
            rc = question_crashed(store, op, &all[i]);
        }
    }

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


/* A question that died with its worker changed nothing: it is due again. */

static ehr_rc_t
recover_askers(ehr_store_t *store, ehr_store_recover_t *op)
{
    owners_t     owners;
    uint32_t     i;
    ehr_rc_t     rc;
    ehr_query_t  q;

    rc = find_owners(store, EHR_SQL_ASKERS, &owners);

    for (i = 0; i < owners.n && rc == EHR_OK; i++) {

        if (op->is_alive(op->data, &owners.all[i])) {
            continue;
        }

        if (op->crashed != NULL) {
            rc = recover_crashed_asker(store, op, &owners.all[i]);
            if (rc != EHR_OK) {
                return rc;
            }
        }

        ehr_query_begin(&q, store, EHR_SQL_ASKER_LOST);
        ehr_query_int(&q, owners.all[i].slot);
        ehr_query_int(&q, (int64_t) owners.all[i].incarnation);
        ehr_query_int(&q, op->now_ms);
        ehr_query_int(&q, MAX_RECOVERED);

        rc = ehr_query_run(&q);
    }

    return rc;
}


ehr_rc_t
ehr_store_recover(ehr_store_t *store, ehr_store_recover_t *op)
{
    owners_t  owners;
    uint32_t  i, n;
    ehr_rc_t  rc;

    op->nretried = 0;
    op->nuncertain = 0;
    op->nheld = 0;
    op->nquarantined = 0;

    if (op->is_alive == NULL || op->is_repeat_safe == NULL) {
        return ehr_store_broken(store, "recover without its questions");
    }

    rc = recover_askers(store, op);

    if (rc == EHR_OK) {
        rc = find_owners(store, EHR_SQL_OWNERS, &owners);
    }

    if (rc != EHR_OK) {
        return rc;
    }

    for (i = 0, n = 0; i < owners.n && n < MAX_RECOVERED; i++) {

        if (op->is_alive(op->data, &owners.all[i])) {
            continue;
        }

        for (rc = EHR_OK; rc == EHR_OK && n < MAX_RECOVERED; n++) {
            rc = recover_one(store, op, &owners.all[i]);
        }

        if (rc != EHR_OK && rc != EHR_REFUSED) {
            return rc;
        }
    }

    return EHR_OK;
}
