/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Giving due deliveries to an owner.  Decides which are due and in what
 * order (I7); knows nothing of how they are sent, nor of calendars: when a
 * window opens is the caller's to say.
 *
 * What is ready stands in three rings: urgent, not urgent, tried before.  A
 * turn's number says which ring is asked first, so that none shuts another
 * out.  Within a ring facilities take turns, one delivery each; within a
 * facility the nearest deadline goes first.  A look is one seek in an index,
 * whatever its depth.
 *
 * What waits for a time stands in an index of its own and becomes ready here.
 */

#include "ehr_hours.h"
#include "ehr_store_sqlite.h"


/* What one claim may move from waiting to ready, and from ready to held by a
 * closed window; the next one goes on. */
#define MAX_DUE     256
#define MAX_CLOSED  64

#define RINGS       EHR_STORE_RINGS


/* Half the turns are for what was tried before; of the others, three of four
 * for what is urgent.  Where a ring is empty the next one of the row has the
 * turn. */

#define TURNS  8

static const uint8_t  turns[TURNS][RINGS] = {
    { 2, 0, 1 },
    { 0, 1, 2 },
    { 2, 0, 1 },
    { 0, 1, 2 },
    { 2, 0, 1 },
    { 0, 1, 2 },
    { 2, 0, 1 },
    { 1, 0, 2 }
};


typedef struct {
    int64_t  delivery;
    int64_t  seq;
    char     facility[sizeof(((ehr_store_turn_t *) 0)->after[0])];
} due_t;


/* EHR_REFUSED: nothing of that ring behind that facility. */

static ehr_rc_t
find_behind(ehr_store_t *store, const char *partner, uint32_t ring,
            const char *after, due_t *due)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_CLAIM_READY);
    ehr_query_text(&q, partner);
    ehr_query_int(&q, ring);
    ehr_query_text(&q, after);

    rc = ehr_query_step(&q);

    if (rc == EHR_AGAIN) {
        due->delivery = ehr_column_int(&q, 0);
        due->seq = ehr_column_int(&q, 1);
        ehr_column_copy(&q, 2, due->facility, sizeof(due->facility));
        ehr_query_end(&q);
        return EHR_OK;
    }

    ehr_query_end(&q);

    return rc == EHR_OK ? EHR_REFUSED : rc;
}


static ehr_rc_t
find_in_ring(ehr_store_t *store, const char *partner, uint32_t ring,
             const ehr_store_turn_t *turn, due_t *due)
{
    ehr_rc_t  rc;

    rc = find_behind(store, partner, ring, turn->after[ring], due);

    if (rc == EHR_REFUSED && turn->after[ring][0] != '\0') {
        rc = find_behind(store, partner, ring, "", due);
    }

    return rc;
}


/* EHR_REFUSED: nothing is ready. */

static ehr_rc_t
find_ready(ehr_store_t *store, const char *partner,
           const ehr_store_turn_t *turn, uint32_t *ring, due_t *due)
{
    uint32_t        i;
    ehr_rc_t        rc;
    const uint8_t  *row = turns[turn->number % TURNS];

    for (i = 0, rc = EHR_REFUSED; i < RINGS && rc == EHR_REFUSED; i++) {
        *ring = row[i];
        rc = find_in_ring(store, partner, row[i], turn, due);
    }

    return rc;
}


static void
end_turn(ehr_store_turn_t *turn, uint32_t ring, const due_t *due)
{
    memcpy(turn->after[ring], due->facility, sizeof(due->facility));
    turn->number++;
}


static ehr_rc_t
find_next(ehr_store_t *store, const char *partner, int64_t *next_due_ms)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_CLAIM_NEXT);
    ehr_query_text(&q, partner);

    return ehr_store_get_int(&q, next_due_ms);
}


static ehr_rc_t
window_opened(ehr_store_t *store, const ehr_store_claim_t *op, int64_t seq)
{
    ehr_step_t  step;

    step.seq = seq;
    step.at_ms = op->now_ms;
    step.partner = op->partner;
    step.state = ehr_state_name(EHR_STATE_RETRYING);
    step.reason = ehr_str(EHR_REASON_OPENED);

    return ehr_store_history_add(store, &step);
}


/* What has waited long enough becomes ready; says when the next one will. */

static ehr_rc_t
wake_due(ehr_store_t *store, ehr_store_claim_t *op)
{
    ehr_rc_t     rc, added;
    ehr_query_t  q;

    rc = find_next(store, op->partner, &op->next_due_ms);

    if (rc != EHR_OK || op->next_due_ms == 0 || op->next_due_ms > op->now_ms) {
        return rc;
    }

    ehr_query_begin(&q, store, EHR_SQL_CLAIM_DUE);
    ehr_query_text(&q, op->partner);
    ehr_query_int(&q, op->now_ms);
    ehr_query_int(&q, MAX_DUE);
    ehr_query_text(&q, EHR_REASON_CLOSED);
    ehr_query_text(&q, EHR_REASON_OPENED);

    for (rc = ehr_query_step(&q); rc == EHR_AGAIN; rc = ehr_query_step(&q)) {

        if (!ehr_str_is(ehr_column_str(&q, 1, op->arena), EHR_REASON_OPENED)) {
            continue;
        }

        added = window_opened(store, op, ehr_column_int(&q, 0));
        if (added != EHR_OK) {
            rc = added;
            break;
        }
    }

    ehr_query_end(&q);

    return rc == EHR_OK ? find_next(store, op->partner, &op->next_due_ms)
                        : rc;
}


/* The wall clock was ahead when these began to wait, and was put back. */

static ehr_rc_t
wake_far(ehr_store_t *store, ehr_store_claim_t *op)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    if (op->cap_ms == 0) {
        return EHR_OK;
    }

    ehr_query_begin(&q, store, EHR_SQL_CLAIM_FAR);
    ehr_query_text(&q, op->partner);
    ehr_query_int(&q, op->now_ms + op->cap_ms + EHR_CLOCK_LAG_MS);
    ehr_query_int(&q, op->now_ms);
    ehr_query_int(&q, op->now_ms + EHR_HOURS_LONGEST_MS + EHR_CLOCK_LAG_MS);
    ehr_query_int(&q, MAX_DUE);

    for (rc = ehr_query_step(&q); rc == EHR_AGAIN; rc = ehr_query_step(&q)) {
        op->nfar++;
    }

    ehr_query_end(&q);

    return rc;
}


static ehr_rc_t
is_paused(ehr_store_t *store, ehr_store_claim_t *op)
{
    int64_t      value;
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_CLAIM_PAUSED);
    ehr_query_text(&q, op->partner);

    rc = ehr_store_get_int(&q, &value);
    op->is_paused = (rc == EHR_OK && value != 0);

    return rc == EHR_REFUSED ? EHR_OK : rc;
}


/* due_ms: when it becomes ready again; 0: when a person says so. */

static ehr_rc_t
hold(ehr_store_t *store, ehr_store_claim_t *op, const due_t *due,
     const char *reason, int64_t due_ms)
{
    ehr_rc_t     rc;
    ehr_step_t   step;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_CLAIM_HOLD);
    ehr_query_int(&q, due->delivery);
    ehr_query_int(&q, due_ms);
    ehr_query_text(&q, reason);

    rc = ehr_query_run(&q);
    if (rc != EHR_OK) {
        return rc;
    }

    op->nclosed++;

    step.seq = due->seq;
    step.at_ms = op->now_ms;
    step.partner = op->partner;
    step.state = ehr_state_name(EHR_STATE_HELD);
    step.reason = ehr_str(reason);

    return ehr_store_history_add(store, &step);
}


static ehr_rc_t
hold_closed(ehr_store_t *store, ehr_store_claim_t *op, const due_t *due,
            int64_t opens_ms)
{
    if (op->next_due_ms == 0 || opens_ms < op->next_due_ms) {
        op->next_due_ms = opens_ms;
    }

    return hold(store, op, due, EHR_REASON_CLOSED, opens_ms);
}


/* Remembered for who tells a person. */

static ehr_rc_t
hold_unreadable(ehr_store_t *store, ehr_store_claim_t *op, const due_t *due,
                ehr_content_e is)
{
    ehr_unreadable_t  *held;

    held = &op->unreadable[op->nunreadable++];
    memcpy(held->id, op->claims[op->nclaims].sub.id, sizeof(held->id));
    held->is = is;

    switch (is) {

    case EHR_CONTENT_REMOVED:
        return hold(store, op, due, EHR_REASON_MISSING, 0);

    case EHR_CONTENT_NO_KEY:
        return hold(store, op, due, EHR_REASON_NO_KEY, 0);

    default:
        return hold(store, op, due, EHR_REASON_DAMAGED, 0);
    }
}


/*
 * Bytes that cannot be read, or are not those that were received, hold their
 * own delivery and not the lane (EHR_AGAIN).  Where the database's page itself
 * makes no sense the transaction is lost: the next claim knows which one it
 * was.
 */

static ehr_rc_t
load_content(ehr_store_t *store, ehr_store_claim_t *op, const due_t *due,
             ehr_claim_t *claim)
{
    ehr_rc_t       rc;
    ehr_content_t  content = { .is = EHR_CONTENT_DAMAGED };

    if (due->seq != store->damaged_seq) {

        rc = ehr_store_load_content(store, &claim->sub, op->arena, &content);

        if (rc == EHR_LATER && store->must_reopen && store->is_corrupt) {
            store->damaged_seq = due->seq;
        }

        if (rc != EHR_OK) {
            return rc;
        }
    }

    claim->content = content.bytes;

    if (content.is == EHR_CONTENT_WHOLE) {
        return EHR_OK;
    }

    rc = hold_unreadable(store, op, due, content.is);

    return rc == EHR_OK ? EHR_AGAIN : rc;
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
    step.reason = ehr_str(EHR_REASON_DUE);

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

    return rc == EHR_REFUSED
           ? ehr_store_broken(store, "a delivery without its submission")
           : rc;
}


/* Reads before it takes: what does not fit the arena is left where it is. */

static ehr_rc_t
take_one(ehr_store_t *store, ehr_store_claim_t *op, const due_t *due)
{
    int64_t       opens_ms;
    ehr_rc_t      rc;
    ehr_claim_t  *claim;

    if (op->claims == NULL) {
        op->claims = ehr_arena_calloc(op->arena,
                                      op->max * sizeof(ehr_claim_t));
        op->unreadable = ehr_arena_calloc(op->arena, MAX_CLOSED
                                                 * sizeof(ehr_unreadable_t));
    }

    if (op->claims == NULL || op->unreadable == NULL) {
        return ehr_store_broken(store, "the arena is full");
    }

    claim = &op->claims[op->nclaims];

    rc = load(store, op, due, claim);
    if (rc != EHR_OK) {
        return rc;
    }

    opens_ms = op->opens_ms != NULL
               ? op->opens_ms(op->data, &claim->sub, op->now_ms) : 0;

    if (opens_ms > op->now_ms) {
        return hold_closed(store, op, due, opens_ms);
    }

    rc = load_content(store, op, due, claim);
    if (rc == EHR_AGAIN) {
        return EHR_OK;                /* held */
    }

    if (rc == EHR_OK) {
        rc = take(store, op, claim);
    }

    if (rc == EHR_OK) {
        op->nclaims++;
    }

    return rc == EHR_REFUSED
           ? ehr_store_broken(store, "a delivery without its content") : rc;
}


/* EHR_REFUSED: nothing is ready any more. */

static ehr_rc_t
take_ready(ehr_store_t *store, ehr_store_claim_t *op, ehr_store_turn_t *turn)
{
    due_t     due;
    uint32_t  ring;
    ehr_rc_t  rc;

    while (op->nclaims < op->max && op->nclosed < MAX_CLOSED
           && ehr_arena_used(op->arena) < EHR_STORE_CLAIM_BYTES)
    {

        rc = find_ready(store, op->partner, turn, &ring, &due);
        if (rc != EHR_OK) {
            return rc;
        }

        rc = take_one(store, op, &due);

        if (rc == EHR_BROKEN && op->nclaims > 0) {
            return EHR_OK;
        }

        if (rc != EHR_OK) {
            return rc;
        }

        end_turn(turn, ring, &due);
    }

    return find_ready(store, op->partner, turn, &ring, &due);
}


static ehr_rc_t
claim_ready(ehr_store_t *store, ehr_store_claim_t *op)
{
    ehr_rc_t          rc;
    ehr_store_turn_t  turn;

    memset(&turn, 0, sizeof(ehr_store_turn_t));

    rc = take_ready(store, op, op->turn != NULL ? op->turn : &turn);

    if (rc == EHR_OK) {
        op->next_due_ms = op->now_ms;
    }

    if (op->nclaims == 0) {
        op->claims = NULL;
    }

    return rc == EHR_REFUSED ? EHR_OK : rc;
}


ehr_rc_t
ehr_store_claim(ehr_store_t *store, ehr_store_claim_t *op)
{
    ehr_rc_t  rc;

    op->claims = NULL;
    op->nclaims = 0;
    op->nclosed = 0;
    op->unreadable = NULL;
    op->nunreadable = 0;
    op->nfar = 0;
    op->next_due_ms = 0;
    op->is_paused = 0;

    if (op->arena == NULL || op->partner == NULL || op->partner[0] == '\0'
        || op->max == 0 || op->max > EHR_STORE_MAX_CLAIM
        || op->owner.incarnation == 0 || op->owner.incarnation > INT64_MAX)
    {
        return ehr_store_broken(store, "claim with impossible arguments");
    }

    rc = is_paused(store, op);

    if (rc != EHR_OK || op->is_paused) {
        return rc;
    }

    rc = wake_far(store, op);

    if (rc == EHR_OK) {
        rc = wake_due(store, op);
    }

    return rc == EHR_OK ? claim_ready(store, op) : rc;
}
