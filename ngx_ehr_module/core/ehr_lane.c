/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides how much a partner gets at once, from how it answered.  Refuses to
 * know who the partner is, what is sent, and which clock is used.
 */

#include "ehr_lane.h"


/* Beyond, min_ms * 2^n is only "long". */
#define TRIPS_MAX   31

/* Each failed swap means that another process succeeded. */
#define TRIES       1024

/* Of the word: 44 bits of milliseconds last to the year 2527. */
#define AT_BITS      44
#define WINDOW_BITS  11
#define TRIPS_BITS   5
#define STRIKE_BITS  2

/* Of a row. */
#define COUNT_BITS   16
#define COUNT_MASK   ((UINT64_C(1) << COUNT_BITS) - 1)


_Static_assert(AT_BITS + WINDOW_BITS + TRIPS_BITS + STRIKE_BITS + 1 <= 64,
               "a lane is one word");
_Static_assert(EHR_LANE_WINDOW_MAX < 1 << WINDOW_BITS, "of the word");
_Static_assert(EHR_LANE_STRIKES <= 1 << STRIKE_BITS, "of the word");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "locks do not survive a kill");


/* --- the machine --------------------------------------------------------- */

static uint32_t
window_of(const ehr_lane_conf_t *conf, ehr_lane_t lane)
{
    return lane.window == 0 || lane.window > conf->window_max
           ? conf->window_max : lane.window;
}


/* A time that this configuration cannot have set: the clock was put back. */

static int
is_impossible(const ehr_lane_conf_t *conf, ehr_lane_t lane, int64_t now_ms)
{
    return lane.at_ms - now_ms
           > (lane.phase == EHR_LANE_WAITING ? conf->max_ms : 0)
             + EHR_CLOCK_LAG_MS;
}


static int
is_over(const ehr_lane_conf_t *conf, ehr_lane_t lane, int64_t now_ms)
{
    return now_ms >= lane.at_ms || is_impossible(conf, lane, now_ms);
}


/* Full jitter: anything from nothing to the bound, which doubles. */

static int64_t
wait_for(const ehr_lane_conf_t *conf, uint32_t trips, uint32_t random)
{
    int64_t   bound = conf->min_ms;
    uint32_t  n;

    for (n = 1; n < trips && bound < conf->max_ms; n++) {
        bound *= 2;
    }

    if (bound > conf->max_ms) {
        bound = conf->max_ms;
    }

    return bound < 1 ? 1 : 1 + (int64_t) random % bound;
}


static ehr_lane_t
trip(const ehr_lane_conf_t *conf, ehr_lane_t lane,
     const ehr_lane_event_t *event)
{
    lane.trips = lane.trips < TRIPS_MAX ? lane.trips + 1 : TRIPS_MAX;
    lane.phase = EHR_LANE_WAITING;
    lane.window = 1;
    lane.strikes = 0;
    lane.at_ms = event->now_ms + wait_for(conf, lane.trips, event->random);

    return lane;
}


static ehr_lane_t
answered(const ehr_lane_conf_t *conf, ehr_lane_t lane,
         const ehr_lane_event_t *event)
{
    lane.strikes = 0;

    if (lane.phase == EHR_LANE_WAITING) {
        lane.phase = EHR_LANE_OPEN;
        lane.window = 1;
        lane.at_ms = event->now_ms;

    } else {
        lane.window = window_of(conf, lane) + 1;
    }

    if (lane.window >= conf->window_max) {
        lane.window = 0;
        lane.trips = 0;
    }

    return lane;
}


static ehr_lane_t
failed(const ehr_lane_conf_t *conf, ehr_lane_t lane,
       const ehr_lane_event_t *event)
{
    if (event->started_ms < lane.at_ms
        && !is_impossible(conf, lane, event->now_ms))
    {
        return lane;
    }

    if (lane.phase == EHR_LANE_WAITING
        || event->kind == EHR_LANE_UNREACHABLE
        || lane.strikes + 1 >= EHR_LANE_STRIKES)
    {
        return trip(conf, lane, event);
    }

    lane.strikes++;
    lane.window = (window_of(conf, lane) + 1) / 2;

    return lane;
}


ehr_lane_t
ehr_lane_after(const ehr_lane_conf_t *conf, ehr_lane_t lane,
               const ehr_lane_event_t *event)
{
    switch (event->kind) {

    case EHR_LANE_ANSWERED:
        return answered(conf, lane, event);

    case EHR_LANE_FAILED:
    case EHR_LANE_UNREACHABLE:
        return failed(conf, lane, event);

    case EHR_LANE_PROBE:
        if (lane.phase == EHR_LANE_WAITING && lane.at_ms > event->now_ms) {
            lane.at_ms = event->now_ms;
        }
    }

    return lane;
}


ehr_lane_verdict_t
ehr_lane_may(const ehr_lane_conf_t *conf, ehr_lane_t lane, int64_t now_ms)
{
    ehr_lane_verdict_t  verdict = { 0, 0 };

    if (lane.phase == EHR_LANE_OPEN) {
        verdict.window = window_of(conf, lane);

    } else if (is_over(conf, lane, now_ms)) {
        verdict.window = 1;

    } else {
        verdict.wait_ms = lane.at_ms - now_ms;
    }

    return verdict;
}


const char *
ehr_lane_name(const ehr_lane_conf_t *conf, ehr_lane_t lane, int64_t now_ms)
{
    if (lane.phase == EHR_LANE_OPEN) {
        return window_of(conf, lane) < conf->window_max ? "slow" : "open";
    }

    return is_over(conf, lane, now_ms) ? "probing" : "waiting";
}


uint64_t
ehr_lane_pack(ehr_lane_t lane)
{
    uint64_t  word;

    word = (uint64_t) lane.at_ms & ((UINT64_C(1) << AT_BITS) - 1);
    word = word << WINDOW_BITS | (lane.window & ((1u << WINDOW_BITS) - 1));
    word = word << TRIPS_BITS | (lane.trips & ((1u << TRIPS_BITS) - 1));
    word = word << STRIKE_BITS | (lane.strikes & ((1u << STRIKE_BITS) - 1));

    return word << 1 | (lane.phase == EHR_LANE_WAITING);
}


ehr_lane_t
ehr_lane_unpack(uint64_t word)
{
    ehr_lane_t  lane;

    lane.phase = word & 1 ? EHR_LANE_WAITING : EHR_LANE_OPEN;
    word >>= 1;
    lane.strikes = (uint32_t) (word & ((1u << STRIKE_BITS) - 1));
    word >>= STRIKE_BITS;
    lane.trips = (uint32_t) (word & ((1u << TRIPS_BITS) - 1));
    word >>= TRIPS_BITS;
    lane.window = (uint32_t) (word & ((1u << WINDOW_BITS) - 1));
    lane.at_ms = (int64_t) (word >> WINDOW_BITS);

    return lane;
}


/* --- shared -------------------------------------------------------------- */

ehr_lane_shared_t *
ehr_lane_find(ehr_lane_shared_t *lanes, uint32_t n, uint64_t name)
{
    uint32_t  i;
    uint64_t  found;

    for (i = 0; i < n; i++) {
        found = 0;

        if (atomic_compare_exchange_strong(&lanes[i].name, &found, name)
            || found == name)
        {
            return &lanes[i];
        }
    }

    return NULL;
}


ehr_lane_t
ehr_lane_read(ehr_lane_shared_t *lane)
{
    return ehr_lane_unpack(atomic_load(&lane->word));
}


ehr_lane_t
ehr_lane_tell(ehr_lane_shared_t *lane, const ehr_lane_conf_t *conf,
              const ehr_lane_event_t *event, ehr_lane_t *before)
{
    int         i;
    uint64_t    word;
    ehr_lane_t  old, new;

    word = atomic_load(&lane->word);

    for (i = 0; i < TRIES; i++) {
        old = ehr_lane_unpack(word);
        new = ehr_lane_after(conf, old, event);

        if (ehr_lane_pack(new) == word
            || atomic_compare_exchange_weak(&lane->word, &word,
                                            ehr_lane_pack(new)))
        {
            break;
        }
    }

    if (before != NULL) {
        *before = old;
    }

    return new;
}


static uint64_t
row_of(const ehr_lane_owner_t *owner)
{
    return owner->incarnation << COUNT_BITS;
}


void
ehr_lane_own(ehr_lane_shared_t *lane, const ehr_lane_owner_t *owner)
{
    atomic_store(&lane->rows[owner->slot], row_of(owner));
}


uint32_t
ehr_lane_in_flight(ehr_lane_shared_t *lane)
{
    uint32_t  i, sum;

    for (i = 0, sum = 0; i < EHR_LANE_ROWS; i++) {
        sum += (uint32_t) (atomic_load(&lane->rows[i]) & COUNT_MASK);
    }

    return sum;
}


/* Adds first and counts then: of those that meet, the last to add sees all
 * others, so what all keep is never more than the window. */

uint32_t
ehr_lane_reserve(ehr_lane_shared_t *lane, const ehr_lane_owner_t *owner,
                 uint32_t want, uint32_t window)
{
    uint32_t  sum, excess;

    if (want > window) {
        want = window;
    }

    (void) atomic_fetch_add(&lane->rows[owner->slot], want);

    sum = ehr_lane_in_flight(lane);
    excess = sum > window ? sum - window : 0;

    if (excess > want) {
        excess = want;
    }

    ehr_lane_return(lane, owner, excess);

    return want - excess;
}


/* Only the owner takes from its row, so there is what it takes; a row that is
 * not its own any more is left alone. */

void
ehr_lane_return(ehr_lane_shared_t *lane, const ehr_lane_owner_t *owner,
                uint32_t n)
{
    uint64_t  row;

    row = atomic_load(&lane->rows[owner->slot]);

    if (n != 0 && row >> COUNT_BITS == row_of(owner) >> COUNT_BITS
        && (row & COUNT_MASK) >= n)
    {
        (void) atomic_fetch_sub(&lane->rows[owner->slot], n);
    }
}


uint32_t
ehr_lane_reap(ehr_lane_shared_t *lane, void *data,
              int (*is_alive)(void *data, uint32_t slot))
{
    uint32_t  i, freed;
    uint64_t  row;

    for (i = 0, freed = 0; i < EHR_LANE_ROWS; i++) {

        row = atomic_load(&lane->rows[i]);

        if ((row & COUNT_MASK) == 0 || is_alive(data, i)) {
            continue;
        }

        /* A new owner that came meanwhile has written its own number. */
        if (atomic_compare_exchange_strong(&lane->rows[i], &row, 0)) {
            freed += (uint32_t) (row & COUNT_MASK);
        }
    }

    return freed;
}


uint32_t
ehr_lane_rate_take(ehr_lane_shared_t *lane, const ehr_gcra_rate_t *rate,
                   int64_t now_us, uint32_t want, int64_t *retry_us)
{
    int                 i;
    int64_t             old, tat;
    uint32_t            n;
    ehr_gcra_verdict_t  verdict;

    old = atomic_load(&lane->tat_us);
    *retry_us = 0;

    for (i = 0; i < TRIES; i++) {
        tat = old;

        for (n = 0; n < want; n++) {
            verdict = ehr_gcra_take(rate, now_us, &tat);

            if (!verdict.is_allowed) {
                *retry_us = verdict.retry_us;
                break;
            }
        }

        if (atomic_compare_exchange_weak(&lane->tat_us, &old, tat)) {
            return n;
        }
    }

    *retry_us = ehr_gcra_step_us(rate);

    return 0;
}


void
ehr_lane_rate_return(ehr_lane_shared_t *lane, const ehr_gcra_rate_t *rate,
                     uint32_t n)
{
    (void) atomic_fetch_sub(&lane->tat_us, n * ehr_gcra_step_us(rate));
}
