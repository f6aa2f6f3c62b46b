/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A lane slows when its partner fails, looks with one probe, grows again, and
 * is never stuck; the counts that workers share are never above the window
 * and survive the death of who counted.
 */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ehr_lane.h"


#define NOW    INT64_C(1790000000000)
#define WALKS  300
#define STEPS  400


static const ehr_lane_conf_t  conf = { 8, 1000, 60000 };


static ehr_lane_t
after(ehr_lane_t lane, ehr_lane_event_e kind, int64_t started_ms,
      int64_t now_ms)
{
    ehr_lane_event_t  event = { kind, started_ms, now_ms, UINT32_MAX };

    return ehr_lane_after(&conf, lane, &event);
}


static uint32_t
window(ehr_lane_t lane, int64_t now_ms)
{
    return ehr_lane_may(&conf, lane, now_ms).window;
}


/* --- the machine --- */

static void
a_new_lane_is_open(void **state)
{
    ehr_lane_t  lane = ehr_lane_unpack(0);

    (void) state;

    assert_int_equal(window(lane, NOW), 8);
    assert_string_equal(ehr_lane_name(&conf, lane, NOW), "open");
}


static void
one_document_that_fails_slows_and_does_not_stop(void **state)
{
    ehr_lane_t  lane = { 0 };

    (void) state;

    lane = after(lane, EHR_LANE_FAILED, NOW, NOW);
    assert_int_equal(window(lane, NOW), 4);
    lane = after(lane, EHR_LANE_FAILED, NOW, NOW);
    assert_int_equal(window(lane, NOW), 2);
    lane = after(lane, EHR_LANE_ANSWERED, NOW, NOW);
    assert_int_equal(window(lane, NOW), 3);
    lane = after(lane, EHR_LANE_FAILED, NOW, NOW);
    lane = after(lane, EHR_LANE_FAILED, NOW, NOW);
    assert_int_equal(lane.phase, EHR_LANE_OPEN);
    assert_true(window(lane, NOW) >= 1);
}


static void
three_failures_in_a_row_stop_the_lane_for_a_while(void **state)
{
    int         i;
    ehr_lane_t  lane = { 0 };

    (void) state;

    for (i = 0; i < EHR_LANE_STRIKES; i++) {
        assert_int_equal(lane.phase, EHR_LANE_OPEN);
        lane = after(lane, EHR_LANE_FAILED, NOW, NOW);
    }

    assert_int_equal(window(lane, NOW), 0);
    assert_in_range(ehr_lane_may(&conf, lane, NOW).wait_ms, 1, 1000);
    assert_string_equal(ehr_lane_name(&conf, lane, NOW), "waiting");
    assert_int_equal(window(lane, NOW + 1000), 1);
    assert_string_equal(ehr_lane_name(&conf, lane, NOW + 1000), "probing");
}


static void
no_connection_stops_it_at_once(void **state)
{
    ehr_lane_t  lane = { 0 };

    (void) state;

    lane = after(lane, EHR_LANE_UNREACHABLE, NOW, NOW);
    assert_int_equal(window(lane, NOW), 0);
}


/* Eight were under way when the partner went: one event, not eight. */

static void
what_began_before_says_nothing_new_when_it_fails(void **state)
{
    int         i;
    int64_t     until;
    ehr_lane_t  lane = { 0 };

    (void) state;

    lane = after(lane, EHR_LANE_UNREACHABLE, NOW, NOW + 1);
    until = lane.at_ms;

    for (i = 0; i < 7; i++) {
        lane = after(lane, EHR_LANE_FAILED, NOW, NOW + 30000);
    }

    assert_int_equal(lane.at_ms, until);
    assert_int_equal(lane.trips, 1);

    lane = after(lane, EHR_LANE_ANSWERED, until, until + 5);
    lane = after(lane, EHR_LANE_UNREACHABLE, NOW, until + 9);
    assert_int_equal(lane.phase, EHR_LANE_OPEN);
    assert_int_equal(lane.strikes, 0);
}


static void
waits_double_up_to_the_cap_and_spread_from_nothing(void **state)
{
    int               i;
    int64_t           bound, now = NOW;
    ehr_lane_t        lane = { 0 };
    ehr_lane_event_t  event = { EHR_LANE_UNREACHABLE, 0, 0, 0 };

    (void) state;

    for (i = 0, bound = 1000; i < 40; i++) {
        event.started_ms = event.now_ms = now;

        event.random = 0;
        assert_int_equal(ehr_lane_after(&conf, lane, &event).at_ms, now + 1);

        event.random = (uint32_t) bound - 1;
        lane = ehr_lane_after(&conf, lane, &event);
        assert_int_equal(lane.at_ms, now + bound);

        now = lane.at_ms;
        bound = bound * 2 > 60000 ? 60000 : bound * 2;
    }
}


static void
after_a_good_probe_the_window_grows_from_one(void **state)
{
    uint32_t    i;
    ehr_lane_t  lane = { 0 };

    (void) state;

    lane = after(lane, EHR_LANE_UNREACHABLE, NOW, NOW);
    lane = after(lane, EHR_LANE_ANSWERED, NOW + 1000, NOW + 1001);

    for (i = 1; i < 8; i++) {
        assert_int_equal(window(lane, NOW + 1002), i);
        assert_string_equal(ehr_lane_name(&conf, lane, NOW + 1002), "slow");
        lane = after(lane, EHR_LANE_ANSWERED, NOW + 1001, NOW + 1002);
    }

    assert_int_equal(window(lane, NOW + 1002), 8);
    assert_string_equal(ehr_lane_name(&conf, lane, NOW + 1002), "open");
    assert_int_equal(lane.trips, 0);
}


/* A partner that answers once and goes again is not asked as often as one
 * that went for the first time. */

static void
a_partner_that_flaps_is_waited_for_longer(void **state)
{
    ehr_lane_t  lane = { 0 };

    (void) state;

    lane = after(lane, EHR_LANE_UNREACHABLE, NOW, NOW);
    lane = after(lane, EHR_LANE_ANSWERED, NOW + 1000, NOW + 1000);
    lane = after(lane, EHR_LANE_UNREACHABLE, NOW + 1001, NOW + 1001);
    assert_int_equal(lane.trips, 2);
}


static void
a_person_may_look_now(void **state)
{
    ehr_lane_t  lane = { 0 };

    (void) state;

    assert_int_equal(after(lane, EHR_LANE_PROBE, NOW, NOW).phase,
                     EHR_LANE_OPEN);

    lane = after(lane, EHR_LANE_UNREACHABLE, NOW, NOW);
    lane = after(lane, EHR_LANE_PROBE, NOW, NOW);
    assert_int_equal(window(lane, NOW), 1);
    assert_string_equal(ehr_lane_name(&conf, lane, NOW), "probing");

    lane = after(lane, EHR_LANE_UNREACHABLE, NOW, NOW + 3);
    assert_int_equal(window(lane, NOW + 3), 0);
    assert_int_equal(lane.trips, 2);
}


static void
a_clock_put_back_does_not_stop_a_lane(void **state)
{
    ehr_lane_t  lane = { 0 };

    (void) state;

    lane = after(lane, EHR_LANE_UNREACHABLE, NOW, NOW);
    assert_int_equal(window(lane, NOW - 3600000), 1);

    lane = after(lane, EHR_LANE_UNREACHABLE, NOW - 3600000, NOW - 3600000);
    assert_int_equal(window(lane, NOW - 3600000), 0);

    lane = after(lane, EHR_LANE_ANSWERED, NOW, NOW);
    lane = after(lane, EHR_LANE_UNREACHABLE, NOW - 3600000, NOW - 3600000);
    assert_int_equal(lane.phase, EHR_LANE_WAITING);
}


/* Its reading of the clock is older than that of the one that wrote. */

static void
a_worker_that_is_behind_takes_no_wait_for_over(void **state)
{
    ehr_lane_t  lane = { 0 }, after_it;

    (void) state;

    lane = after(lane, EHR_LANE_UNREACHABLE, NOW, NOW);
    assert_int_equal(window(lane, NOW - 5000), 0);

    lane = after(lane, EHR_LANE_ANSWERED, NOW + 1000, NOW + 1000);
    assert_int_equal(lane.phase, EHR_LANE_OPEN);

    after_it = after(lane, EHR_LANE_FAILED, NOW - 5000, NOW - 5000);
    assert_int_equal(after_it.strikes, lane.strikes);
    assert_int_equal(after_it.window, lane.window);
}


static void
a_state_is_one_word(void **state)
{
    ehr_lane_t  lane = { EHR_LANE_WAITING, 1024, 2, 31, NOW }, back;

    (void) state;

    back = ehr_lane_unpack(ehr_lane_pack(lane));
    assert_int_equal(back.phase, lane.phase);
    assert_int_equal(back.window, lane.window);
    assert_int_equal(back.strikes, lane.strikes);
    assert_int_equal(back.trips, lane.trips);
    assert_int_equal(back.at_ms, lane.at_ms);
}


/* --- walks --- */

typedef struct {
    uint64_t         seed;
    int64_t          now_ms;
    ehr_lane_t       lane;
    ehr_lane_conf_t  conf;
    int64_t          started[EHR_LANE_WINDOW_MAX];
    uint32_t         n;               /* under way */
} walk_t;


static uint32_t
any(walk_t *w)
{
    w->seed ^= w->seed << 13;
    w->seed ^= w->seed >> 7;
    w->seed ^= w->seed << 17;

    return (uint32_t) (w->seed >> 16);
}


static void
walk_tell(walk_t *w, ehr_lane_event_e kind, int64_t started_ms)
{
    ehr_lane_event_t  event = { kind, started_ms, w->now_ms, any(w) };
    uint64_t          word;

    w->lane = ehr_lane_after(&w->conf, w->lane, &event);

    /* what is kept is what is shared */
    word = ehr_lane_pack(w->lane);
    assert_true(ehr_lane_pack(ehr_lane_unpack(word)) == word);
    w->lane = ehr_lane_unpack(word);
}


static ehr_lane_verdict_t
walk_may(walk_t *w)
{
    ehr_lane_verdict_t  v = ehr_lane_may(&w->conf, w->lane, w->now_ms);

    assert_true(v.window <= w->conf.window_max);
    assert_true((v.window == 0) == (v.wait_ms > 0));
    assert_in_range(v.wait_ms, 0, w->conf.max_ms);

    return v;
}


/* A partner that is well answers whatever is under way: the lane is whole
 * again after one wait and as many answers as the window has places. */

static void
walk_heals(walk_t *w)
{
    uint32_t            answers;
    ehr_lane_verdict_t  v;

    v = walk_may(w);
    w->now_ms += v.wait_ms;
    assert_true(walk_may(w).window >= 1);

    for (answers = 0; answers <= w->conf.window_max; answers++) {
        if (walk_may(w).window == w->conf.window_max
            && w->lane.phase == EHR_LANE_OPEN)
        {
            break;
        }
        walk_tell(w, EHR_LANE_ANSWERED, w->now_ms);
    }

    assert_int_equal(walk_may(w).window, w->conf.window_max);
    assert_int_equal(w->lane.trips * (w->lane.window != 0), 0);
}


static void
walk_step(walk_t *w)
{
    uint32_t            pick = any(w) % 100, one;
    ehr_lane_event_e    kind;
    ehr_lane_verdict_t  v = walk_may(w);

    if (pick < 40 && w->n < v.window) {
        w->started[w->n++] = w->now_ms;
        assert_true(w->n <= v.window);

    } else if (pick < 70 && w->n > 0) {
        kind = any(w) % 3 == 0 ? EHR_LANE_ANSWERED
               : any(w) % 4 == 0 ? EHR_LANE_UNREACHABLE : EHR_LANE_FAILED;
        one = any(w) % w->n;
        walk_tell(w, kind, w->started[one]);
        w->started[one] = w->started[--w->n];

    } else if (pick < 72) {
        walk_tell(w, EHR_LANE_PROBE, w->now_ms);

    } else if (pick < 74) {
        w->now_ms += (int64_t) any(w) % 7200000 - 3600000;

    } else {
        w->now_ms += any(w) % 3000;
    }
}


static void
a_lane_is_never_stuck_and_never_above_its_window(void **state)
{
    int     i, k;
    walk_t  w, copy;

    (void) state;

    for (i = 1; i <= WALKS; i++) {
        memset(&w, 0, sizeof(walk_t));
        w.seed = (uint64_t) i * UINT64_C(0x9e3779b97f4a7c15);
        w.now_ms = NOW;
        w.conf.window_max = 1 + any(&w) % (i % 10 == 0 ? 1024 : 12);
        w.conf.min_ms = 1 + any(&w) % 2000;
        w.conf.max_ms = w.conf.min_ms + any(&w) % 60000;

        for (k = 0; k < STEPS; k++) {
            walk_step(&w);
            copy = w;
            walk_heals(&copy);
        }
    }
}


/* While nobody answers, attempts are few: each wait is over before the next
 * one begins, and there is one at a time. */

static void
a_dead_partner_is_asked_seldom(void **state)
{
    int                i, attempts;
    ehr_lane_t         lane = { 0 };
    ehr_lane_event_t   event = { EHR_LANE_UNREACHABLE, 0, 0, 0 };

    (void) state;

    event.now_ms = NOW;

    for (i = 0, attempts = 0; i < 3600 * 10; i++, event.now_ms += 100) {
        if (ehr_lane_may(&conf, lane, event.now_ms).window > 0) {
            event.started_ms = event.now_ms;
            event.random = (uint32_t) i * 2654435761u;
            lane = ehr_lane_after(&conf, lane, &event);
            attempts++;
        }
    }

    /* an hour of waits of half a minute on average */
    assert_in_range(attempts, 60, 240);
}


/* --- shared --- */

static ehr_lane_shared_t *
shared_lane(void)
{
    ehr_lane_shared_t  *lane = calloc(1, sizeof(ehr_lane_shared_t));

    assert_non_null(lane);

    return lane;
}


static void
a_lane_is_found_by_its_name(void **state)
{
    ehr_lane_shared_t  *lanes = calloc(2, sizeof(ehr_lane_shared_t));

    (void) state;

    assert_non_null(lanes);
    assert_ptr_equal(ehr_lane_find(lanes, 2, 7), &lanes[0]);
    assert_ptr_equal(ehr_lane_find(lanes, 2, 9), &lanes[1]);
    assert_ptr_equal(ehr_lane_find(lanes, 2, 7), &lanes[0]);
    assert_null(ehr_lane_find(lanes, 2, 11));
    free(lanes);
}


static void
a_window_is_for_all_workers_together(void **state)
{
    ehr_lane_owner_t    a = { 1, 111 }, b = { 2, 222 };
    ehr_lane_shared_t  *lane = shared_lane();

    (void) state;

    ehr_lane_own(lane, &a);
    ehr_lane_own(lane, &b);

    assert_int_equal(ehr_lane_reserve(lane, &a, 5, 8), 5);
    assert_int_equal(ehr_lane_reserve(lane, &b, 5, 8), 3);
    assert_int_equal(ehr_lane_reserve(lane, &a, 1, 8), 0);
    assert_int_equal(ehr_lane_reserve(lane, &b, 1, 4), 0);
    assert_int_equal(ehr_lane_in_flight(lane), 8);

    ehr_lane_return(lane, &b, 3);
    assert_int_equal(ehr_lane_in_flight(lane), 5);
    ehr_lane_return(lane, &b, 1);
    assert_int_equal(ehr_lane_in_flight(lane), 5);
    free(lane);
}


static int
is_alive(void *data, uint32_t slot)
{
    return slot != *(uint32_t *) data;
}


static void
a_dead_worker_holds_nothing(void **state)
{
    uint32_t            dead = 1;
    ehr_lane_owner_t    a = { 1, 111 }, b = { 2, 222 }, heir = { 1, 333 };
    ehr_lane_shared_t  *lane = shared_lane();

    (void) state;

    ehr_lane_own(lane, &a);
    ehr_lane_own(lane, &b);
    assert_int_equal(ehr_lane_reserve(lane, &a, 5, 8), 5);
    assert_int_equal(ehr_lane_reserve(lane, &b, 2, 8), 2);

    assert_int_equal(ehr_lane_reap(lane, &dead, is_alive), 5);
    assert_int_equal(ehr_lane_in_flight(lane), 2);
    assert_int_equal(ehr_lane_reap(lane, &dead, is_alive), 0);

    /* its slot is taken again, by itself or by somebody who did not see it */
    ehr_lane_own(lane, &a);
    assert_int_equal(ehr_lane_reserve(lane, &a, 5, 8), 5);
    ehr_lane_own(lane, &heir);
    assert_int_equal(ehr_lane_in_flight(lane), 2);
    ehr_lane_return(lane, &a, 5);
    assert_int_equal(ehr_lane_in_flight(lane), 2);
    free(lane);
}


#define THREADS  4
#define ROUNDS   20000
#define WINDOW   5

typedef struct {
    ehr_lane_shared_t  *lane;
    uint32_t            slot;
    atomic_uint        *inside;
    atomic_uint        *worst;
    uint32_t            granted;
} runner_t;


static void *
run(void *data)
{
    int                i;
    runner_t          *r = data;
    uint32_t           got, now, worst;
    ehr_lane_owner_t   owner = { r->slot, 1000 + r->slot };

    ehr_lane_own(r->lane, &owner);

    for (i = 0; i < ROUNDS; i++) {
        got = ehr_lane_reserve(r->lane, &owner, 1 + (uint32_t) i % 4, WINDOW);
        now = atomic_fetch_add(r->inside, got) + got;
        worst = atomic_load(r->worst);

        while (now > worst
               && !atomic_compare_exchange_weak(r->worst, &worst, now))
        {
            /* another one was worse: looked at again */
        }

        r->granted += got;
        (void) atomic_fetch_sub(r->inside, got);
        ehr_lane_return(r->lane, &owner, got);
    }

    return NULL;
}


static void
all_together_never_hold_more_than_the_window(void **state)
{
    uint32_t            i, granted;
    runner_t            runners[THREADS];
    pthread_t           threads[THREADS];
    atomic_uint         inside = 0, worst = 0;
    ehr_lane_shared_t  *lane = shared_lane();

    (void) state;

    for (i = 0; i < THREADS; i++) {
        runners[i] = (runner_t) { lane, i + 1, &inside, &worst, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, run, &runners[i]),
                         0);
    }

    for (i = 0, granted = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        granted += runners[i].granted;
    }

    assert_in_range(atomic_load(&worst), 1, WINDOW);
    assert_true(granted > 0);
    assert_int_equal(ehr_lane_in_flight(lane), 0);
    free(lane);
}


static void
a_rate_is_kept_and_what_is_not_used_comes_back(void **state)
{
    int                 i;
    int64_t             now_us = NOW * 1000, retry_us;
    uint32_t            n;
    ehr_gcra_rate_t     rate = { 20 * 1000, 4 };
    ehr_lane_shared_t  *lane = shared_lane();

    (void) state;

    assert_int_equal(ehr_lane_rate_take(lane, &rate, now_us, 16, &retry_us),
                     4);
    assert_int_equal(ehr_lane_rate_take(lane, &rate, now_us, 1, &retry_us),
                     0);
    assert_int_equal(retry_us, 50000);

    ehr_lane_rate_return(lane, &rate, 3);
    assert_int_equal(ehr_lane_rate_take(lane, &rate, now_us, 16, &retry_us),
                     3);

    for (i = 0, n = 0; i < 1000; i++) {
        now_us += 10000;
        n += ehr_lane_rate_take(lane, &rate, now_us, 16, &retry_us);
        ehr_lane_rate_return(lane, &rate,
                             ehr_lane_rate_take(lane, &rate, now_us, 16,
                                                &retry_us));
    }

    assert_in_range(n, 199, 201);
    free(lane);
}


static void
an_event_reaches_the_shared_state(void **state)
{
    ehr_lane_t          before, now;
    ehr_lane_event_t    event = { EHR_LANE_UNREACHABLE, NOW, NOW, 0 };
    ehr_lane_shared_t  *lane = shared_lane();

    (void) state;

    now = ehr_lane_tell(lane, &conf, &event, &before);
    assert_int_equal(before.phase, EHR_LANE_OPEN);
    assert_int_equal(now.phase, EHR_LANE_WAITING);
    assert_int_equal(ehr_lane_read(lane).phase, EHR_LANE_WAITING);
    free(lane);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_new_lane_is_open),
        cmocka_unit_test(one_document_that_fails_slows_and_does_not_stop),
        cmocka_unit_test(three_failures_in_a_row_stop_the_lane_for_a_while),
        cmocka_unit_test(no_connection_stops_it_at_once),
        cmocka_unit_test(what_began_before_says_nothing_new_when_it_fails),
        cmocka_unit_test(waits_double_up_to_the_cap_and_spread_from_nothing),
        cmocka_unit_test(after_a_good_probe_the_window_grows_from_one),
        cmocka_unit_test(a_partner_that_flaps_is_waited_for_longer),
        cmocka_unit_test(a_person_may_look_now),
        cmocka_unit_test(a_clock_put_back_does_not_stop_a_lane),
        cmocka_unit_test(a_worker_that_is_behind_takes_no_wait_for_over),
        cmocka_unit_test(a_state_is_one_word),
        cmocka_unit_test(a_lane_is_never_stuck_and_never_above_its_window),
        cmocka_unit_test(a_dead_partner_is_asked_seldom),
        cmocka_unit_test(a_lane_is_found_by_its_name),
        cmocka_unit_test(a_window_is_for_all_workers_together),
        cmocka_unit_test(a_dead_worker_holds_nothing),
        cmocka_unit_test(all_together_never_hold_more_than_the_window),
        cmocka_unit_test(a_rate_is_kept_and_what_is_not_used_comes_back),
        cmocka_unit_test(an_event_reaches_the_shared_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
