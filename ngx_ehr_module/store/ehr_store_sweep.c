/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The journal's invariants, looked after: whatever is not settled has a time
 * at which somebody looks at it, or an owner (I6).  What breaks one is mended
 * where that is safe, else held for a person, and counted: in an ordinary run
 * there is nothing to count.
 *
 * Deliveries in sending whose owner died are not looked for here: recovery
 * takes them back each second.
 */

#include "ehr_hours.h"
#include "ehr_store_sqlite.h"


#define SWEEP_MS      60000           /* from one sweep to the next */
#define MAX_FOUND     256             /* of one kind, in one sweep */
#define MAX_PARTNERS  64              /* names in the journal */
#define WALK          20000           /* rows looked at, in one sweep */


typedef struct {
    int64_t   delivery;
    int64_t   number;                 /* seq, or that of an attempt */
    char      partner[sizeof(((ehr_store_delivery_t *) 0)->partner)];
} found_t;

typedef struct {
    found_t   rows[MAX_FOUND];
    uint32_t  n;
} found_list_t;


typedef struct {
    ehr_sweep_e  what;
    ehr_sql_e    find;
    ehr_sql_e    mend;
    const char  *state;               /* for the history; NULL: none */
    const char  *reason;
} check_t;


/* Runs a search whose rows are delivery, number, partner. */

static ehr_rc_t
collect(ehr_query_t *q, found_list_t *found)
{
    found_t   *row;
    ehr_rc_t   rc;

    for (rc = ehr_query_step(q);
         rc == EHR_AGAIN && found->n < MAX_FOUND;
         rc = ehr_query_step(q))
    {
        row = &found->rows[found->n++];
        row->delivery = ehr_column_int(q, 0);
        row->number = ehr_column_int(q, 1);
        ehr_column_copy(q, 2, row->partner, sizeof(row->partner));
    }

    ehr_query_end(q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


/* The conditions are asked again where it is changed: somebody may have been
 * quicker. */

static ehr_rc_t
mend_one(ehr_store_t *store, ehr_store_keep_t *keep, const check_t *check,
         const found_t *row)
{
    ehr_rc_t     rc;
    ehr_step_t   step;
    ehr_query_t  q;

    ehr_query_begin(&q, store, check->mend);
    ehr_query_int(&q, row->delivery);
    ehr_query_int(&q, row->number);
    ehr_query_int(&q, keep->now_ms);
    ehr_query_text(&q, check->reason);

    rc = ehr_query_run(&q);

    if (rc != EHR_OK || sqlite3_changes64(store->db) == 0) {
        return rc;
    }

    keep->nrepaired[check->what]++;

    if (check->state == NULL) {
        return EHR_OK;
    }

    step.seq = row->number;
    step.at_ms = keep->now_ms;
    step.partner = row->partner;
    step.state = check->state;
    step.reason = ehr_str(check->reason);

    return ehr_store_history_add(store, &step);
}


static ehr_rc_t
mend(ehr_store_t *store, ehr_store_keep_t *keep, const check_t *check,
     const found_list_t *found)
{
    int64_t   until_ms;
    uint32_t  i;
    ehr_rc_t  rc;

    if (found->n == 0) {
        return EHR_OK;
    }

    rc = ehr_store_begin_write(store);
    if (rc != EHR_OK) {
        return rc;
    }

    /* Who has the chores now may know partners that we do not. */

    rc = ehr_store_keep_is_mine(store, keep, EHR_LEASE_SWEEPER, &until_ms);
    if (rc == EHR_REFUSED) {
        keep->is_sweeper = 0;
        return ehr_store_end_write(store, EHR_OK);
    }

    for (i = 0; i < found->n && rc == EHR_OK; i++) {
        rc = mend_one(store, keep, check, &found->rows[i]);
    }

    keep->has_more |= found->n == MAX_FOUND;

    return ehr_store_end_write(store, rc);
}


/* --- times, and partners that nobody serves --- */

#define NAME_MAX_LEN  sizeof(((ehr_store_delivery_t *) 0)->partner)


/* One seek, however many rows a name has.  EHR_REFUSED: none is behind it. */

static ehr_rc_t
next_name(ehr_store_t *store, ehr_state_e state, char name[NAME_MAX_LEN])
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_SWEEP_PARTNERS);
    ehr_query_text(&q, ehr_state_name(state));
    ehr_query_text(&q, name);

    rc = ehr_query_step(&q);

    if (rc == EHR_AGAIN) {
        ehr_column_copy(&q, 0, name, NAME_MAX_LEN);
        ehr_query_end(&q);
        return EHR_OK;
    }

    ehr_query_end(&q);

    return rc == EHR_OK ? EHR_REFUSED : rc;
}


/* npartners: nobody serves it. */

static uint32_t
partner_of(const ehr_store_keep_t *keep, const char *name)
{
    uint32_t  i;

    for (i = 0; i < keep->npartners; i++) {
        if (strcmp(keep->partners[i], name) == 0) {
            break;
        }
    }

    return i;
}


static ehr_rc_t
sweep_times(ehr_store_t *store, ehr_store_keep_t *keep, const char *name)
{
    static const check_t  check = {
        EHR_SWEEP_DUE, EHR_SQL_SWEEP_DUE, EHR_SQL_SWEEP_DUE_MEND, NULL, ""
    };

    ehr_rc_t      rc;
    ehr_query_t   q;
    found_list_t  found;

    found.n = 0;

    ehr_query_begin(&q, store, check.find);
    ehr_query_text(&q, name);
    ehr_query_int(&q, keep->now_ms + keep->retry_max_ms + EHR_CLOCK_LAG_MS);
    ehr_query_int(&q, keep->now_ms + EHR_HOURS_LONGEST_MS + EHR_CLOCK_LAG_MS);
    ehr_query_int(&q, MAX_FOUND);

    rc = collect(&q, &found);

    return rc == EHR_OK ? mend(store, keep, &check, &found) : rc;
}


/* Held for a deadline that has not passed: the clock was ahead, or the
 * deadline was nearer.  Held for a partner that nobody served: somebody does.
 */

static ehr_rc_t
sweep_held(ehr_store_t *store, ehr_store_keep_t *keep, uint32_t partner,
           const check_t *check)
{
    ehr_rc_t      rc;
    ehr_query_t   q;
    found_list_t  found;

    found.n = 0;

    ehr_query_begin(&q, store, check->find);
    ehr_query_text(&q, keep->partners[partner]);
    ehr_query_int(&q, keep->now_ms - keep->deadlines_ms[partner]);
    ehr_query_int(&q, WALK);
    ehr_query_int(&q, MAX_FOUND);

    rc = collect(&q, &found);

    return rc == EHR_OK ? mend(store, keep, check, &found) : rc;
}


static ehr_rc_t
sweep_served(ehr_store_t *store, ehr_store_keep_t *keep, ehr_state_e state,
             uint32_t partner)
{
    static const check_t  early = {
        EHR_SWEEP_DUE, EHR_SQL_SWEEP_EARLY, EHR_SQL_SWEEP_RESUME,
        "retrying", EHR_REASON_EARLY
    };
    static const check_t  served = {
        EHR_SWEEP_PARTNER, EHR_SQL_SWEEP_SERVED, EHR_SQL_SWEEP_RESUME,
        "retrying", EHR_REASON_RELOADED
    };

    ehr_rc_t  rc;

    rc = sweep_times(store, keep, keep->partners[partner]);

    if (rc != EHR_OK || state != EHR_STATE_HELD || keep->deadlines_ms == NULL)
    {
        return rc;
    }

    rc = sweep_held(store, keep, partner, &early);

    return rc == EHR_OK ? sweep_held(store, keep, partner, &served) : rc;
}


static ehr_rc_t
sweep_partner(ehr_store_t *store, ehr_store_keep_t *keep, const char *name)
{
    static const check_t  check = {
        EHR_SWEEP_PARTNER, EHR_SQL_SWEEP_PARTNER, EHR_SQL_SWEEP_HOLD,
        "held", EHR_REASON_NO_PARTNER
    };

    ehr_rc_t      rc;
    ehr_query_t   q;
    found_list_t  found;

    found.n = 0;

    ehr_query_begin(&q, store, check.find);
    ehr_query_text(&q, name);
    ehr_query_int(&q, MAX_FOUND);

    rc = collect(&q, &found);

    return rc == EHR_OK ? mend(store, keep, &check, &found) : rc;
}


static ehr_rc_t
sweep_state(ehr_store_t *store, ehr_store_keep_t *keep, ehr_state_e state)
{
    int       i;
    char      name[NAME_MAX_LEN] = "";
    ehr_rc_t  rc = EHR_OK;
    uint32_t  partner;

    for (i = 0; i < MAX_PARTNERS && rc == EHR_OK; i++) {

        rc = next_name(store, state, name);
        partner = partner_of(keep, name);

        if (rc == EHR_OK) {
            rc = partner < keep->npartners
                 ? sweep_served(store, keep, state, partner)
                 : sweep_partner(store, keep, name);
        }
    }

    return rc == EHR_REFUSED ? EHR_OK : rc;
}


static ehr_rc_t
sweep_partners(ehr_store_t *store, ehr_store_keep_t *keep)
{
    static const ehr_state_e  states[] = {
        EHR_STATE_PENDING, EHR_STATE_RETRYING, EHR_STATE_HELD
    };

    size_t    i;
    ehr_rc_t  rc = EHR_OK;

    for (i = 0; i < 3 && rc == EHR_OK; i++) {
        rc = sweep_state(store, keep, states[i]);
    }

    return rc;
}


/* --- rows that belong together, a stretch of them each time --- */

static ehr_rc_t
walk(ehr_store_t *store, ehr_store_keep_t *keep, const check_t *check,
     int64_t *position)
{
    int64_t       last;
    ehr_rc_t      rc;
    ehr_query_t   q;
    found_list_t  found;

    found.n = 0;

    ehr_query_begin(&q, store, check->find);
    ehr_query_int(&q, *position);
    ehr_query_int(&q, *position + WALK);
    ehr_query_int(&q, MAX_FOUND);

    rc = collect(&q, &found);

    if (rc == EHR_OK) {
        ehr_query_begin(&q, store, EHR_SQL_SWEEP_LAST);
        rc = ehr_store_get_int(&q, &last);
    }

    if (rc == EHR_OK && found.n < MAX_FOUND) {
        *position = *position + WALK < last ? *position + WALK : 0;
    }

    return rc == EHR_OK ? mend(store, keep, check, &found) : rc;
}


static ehr_rc_t
sweep_rows(ehr_store_t *store, ehr_store_keep_t *keep)
{
    static const check_t  checks[] = {
        { EHR_SWEEP_SUBMISSION, EHR_SQL_SWEEP_SUBMISSION, EHR_SQL_SWEEP_HOLD,
          NULL, EHR_REASON_MISSING },
        { EHR_SWEEP_CONTENT, EHR_SQL_SWEEP_CONTENT, EHR_SQL_SWEEP_HOLD,
          "held", EHR_REASON_MISSING },
        { EHR_SWEEP_ATTEMPT, EHR_SQL_SWEEP_ATTEMPT,
          EHR_SQL_SWEEP_ATTEMPT_MEND, NULL, EHR_REASON_LOST }
    };

    size_t    i;
    ehr_rc_t  rc = EHR_OK;

    for (i = 0; i < 3 && rc == EHR_OK; i++) {
        rc = walk(store, keep, &checks[i], &keep->sweep_position[i]);
    }

    return rc;
}


ehr_rc_t
ehr_store_sweep(ehr_store_t *store, ehr_store_keep_t *keep)
{
    ehr_rc_t  rc;

    if (!ehr_store_is_due(keep, keep->sweep_due_ms, SWEEP_MS)) {
        return EHR_OK;
    }

    rc = sweep_partners(store, keep);

    if (rc == EHR_OK) {
        rc = sweep_rows(store, keep);
    }

    if (rc == EHR_OK && !keep->has_more) {
        keep->sweep_due_ms = keep->now_ms + SWEEP_MS;
    }

    return rc;
}
