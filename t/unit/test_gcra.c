/* SPDX-License-Identifier: BSD-2-Clause */

/* GCRA: what fits a rate, what does not, and that no number of processes on
 * one bucket, killed or not, lets more through. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ehr_gcra.h"


#define START_US   (1000 * 1000 * 1000LL)
#define SECOND_US  (1000 * 1000LL)
#define TABLE      (64 * 1024)
#define PROCESSES  4
#define KEYS       500


typedef struct {
    _Atomic int  go;
    _Atomic int  admitted;
    _Atomic int  of_key[KEYS];
    _Alignas(64) unsigned char  table[TABLE];
} shared_t;


static const ehr_gcra_rate_t  ten_a_second = { 10 * 1000, 5 };


static shared_t *
shared_create(void)
{
    shared_t  *sh;

    sh = mmap(NULL, sizeof(shared_t), PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(sh != MAP_FAILED);

    return sh;
}


static void
shared_free(shared_t *sh)
{
    assert_int_equal(munmap(sh, sizeof(shared_t)), 0);
}


static int
take_many(const ehr_gcra_rate_t *rate, int64_t now_us, int64_t *tat, int n)
{
    int  admitted = 0;

    for (int i = 0; i < n; i++) {
        admitted += ehr_gcra_take(rate, now_us, tat).is_allowed;
    }

    return admitted;
}


static void
a_burst_is_allowed_and_one_more_is_refused(void **state)
{
    int64_t             tat = 0;
    ehr_gcra_verdict_t  v;

    for (int i = 0; i < 5; i++) {
        v = ehr_gcra_take(&ten_a_second, START_US, &tat);
        assert_true(v.is_allowed);
        assert_int_equal(v.limit, 5);
        assert_int_equal(v.remaining, 4 - i);
        assert_int_equal(v.reset_us, (i + 1) * SECOND_US / 10);
        assert_int_equal(v.retry_us, 0);
    }

    v = ehr_gcra_take(&ten_a_second, START_US, &tat);
    assert_false(v.is_allowed);
    assert_int_equal(v.remaining, 0);
    assert_int_equal(v.retry_us, SECOND_US / 10);
}


static void
after_retry_us_one_is_allowed_and_not_a_microsecond_before(void **state)
{
    int64_t             tat = 0, copy;
    ehr_gcra_verdict_t  v;

    (void) take_many(&ten_a_second, START_US, &tat, 5);
    v = ehr_gcra_take(&ten_a_second, START_US + 30000, &tat);
    assert_false(v.is_allowed);

    copy = tat;
    assert_false(ehr_gcra_take(&ten_a_second,
                               START_US + 30000 + v.retry_us - 1, &copy)
                     .is_allowed);
    assert_true(ehr_gcra_take(&ten_a_second, START_US + 30000 + v.retry_us,
                              &tat).is_allowed);
    assert_false(ehr_gcra_take(&ten_a_second, START_US + 30000 + v.retry_us,
                               &tat).is_allowed);
}


static void
over_a_long_time_the_rate_holds_exactly(void **state)
{
    int      admitted = 0;
    int64_t  tat = 0;

    for (int64_t t = 0; t < 100 * SECOND_US; t += 7001) {
        admitted += ehr_gcra_take(&ten_a_second, START_US + t, &tat)
                        .is_allowed;
    }

    assert_in_range(admitted, 1000, 1005);
}


static void
after_reset_us_the_whole_burst_is_there_again(void **state)
{
    int64_t  tat = 0;

    assert_int_equal(take_many(&ten_a_second, START_US, &tat, 9), 5);
    assert_int_equal(take_many(&ten_a_second, START_US + SECOND_US / 2, &tat,
                               9), 5);
}


static void
slow_rates_are_whole_microseconds_and_never_too_fast(void **state)
{
    ehr_gcra_rate_t  one_a_minute = { 17, 1 }, odd = { 30 * 1000, 1 };
    ehr_gcra_rate_t  nonsense = { 0, -3 }, huge = { INT64_MAX, INT64_MAX };

    assert_int_equal(ehr_gcra_step_us(&one_a_minute), 58823530);
    assert_int_equal(ehr_gcra_step_us(&odd), 33334);
    assert_int_equal(ehr_gcra_step_us(&nonsense), 1000 * SECOND_US);
    assert_int_equal(ehr_gcra_window_us(&nonsense), 1000 * SECOND_US);
    assert_int_equal(ehr_gcra_step_us(&huge), 1);
    assert_int_equal(ehr_gcra_window_us(&huge), EHR_GCRA_BURST_MAX);
}


static void
a_tat_from_a_clock_set_back_refuses_for_one_step_only(void **state)
{
    int64_t  tat = START_US + 3600 * SECOND_US;

    assert_false(ehr_gcra_take(&ten_a_second, START_US, &tat).is_allowed);
    assert_false(ehr_gcra_take(&ten_a_second, START_US + 99999, &tat)
                     .is_allowed);
    assert_true(ehr_gcra_take(&ten_a_second, START_US + 100000, &tat)
                    .is_allowed);
}


static void
a_verdict_made_elsewhere_is_cut_to_what_is_possible(void **state)
{
    ehr_gcra_verdict_t  v;

    v = ehr_gcra_verdict(&ten_a_second, 1, 200000);
    assert_true(v.is_allowed);
    assert_int_equal(v.remaining, 3);
    assert_int_equal(v.reset_us, 200000);

    v = ehr_gcra_verdict(&ten_a_second, 1, -5);
    assert_int_equal(v.remaining, 5);

    v = ehr_gcra_verdict(&ten_a_second, 0, INT64_MAX);
    assert_int_equal(v.remaining, 0);
    assert_int_equal(v.retry_us, 100000);

    v = ehr_gcra_verdict(&ten_a_second, 0, 0);
    assert_true(v.retry_us >= 1);
}


static void
keys_of_a_table_do_not_touch_each_other(void **state)
{
    shared_t          *sh = shared_create();
    ehr_gcra_table_t   table = { sh->table, TABLE };

    for (uint64_t key = 1; key <= KEYS; key++) {
        for (int i = 0; i < 5; i++) {
            assert_true(ehr_gcra_table_take(&table, key, &ten_a_second,
                                            START_US).is_allowed);
        }
    }

    for (uint64_t key = 1; key <= KEYS; key++) {
        assert_false(ehr_gcra_table_take(&table, key, &ten_a_second, START_US)
                         .is_allowed);
    }

    shared_free(sh);
}


static void
key_zero_has_a_bucket_too(void **state)
{
    shared_t          *sh = shared_create();
    ehr_gcra_table_t   table = { sh->table, TABLE };
    ehr_gcra_rate_t    one = { 1000, 1 };

    assert_true(ehr_gcra_table_take(&table, 0, &one, START_US).is_allowed);
    assert_false(ehr_gcra_table_take(&table, 0, &one, START_US).is_allowed);

    shared_free(sh);
}


static void
in_a_full_set_the_oldest_goes_and_the_others_stay(void **state)
{
    shared_t          *sh = shared_create();
    ehr_gcra_table_t   table = { sh->table, EHR_GCRA_TABLE_MIN };
    ehr_gcra_rate_t    one = { 1000, 1 };

    for (uint64_t key = 1; key <= EHR_GCRA_WAYS; key++) {
        assert_true(ehr_gcra_table_take(&table, key, &one,
                        START_US + (int64_t) key * 1000).is_allowed);
    }

    /* Key 1 has expired by now, the others not. */

    assert_true(ehr_gcra_table_take(&table, 99, &one,
                                    START_US + SECOND_US + 1500).is_allowed);

    for (uint64_t key = 2; key <= EHR_GCRA_WAYS; key++) {
        assert_false(ehr_gcra_table_take(&table, key, &one,
                                         START_US + SECOND_US + 1500)
                         .is_allowed);
    }

    shared_free(sh);
}


static void
a_newcomer_in_a_live_set_never_gets_more_than_its_burst(void **state)
{
    int                admitted = 0;
    shared_t          *sh = shared_create();
    ehr_gcra_table_t   table = { sh->table, EHR_GCRA_TABLE_MIN };

    for (uint64_t key = 1; key <= 4 * EHR_GCRA_WAYS; key++) {
        (void) ehr_gcra_table_take(&table, key, &ten_a_second, START_US);
    }

    for (int i = 0; i < 20; i++) {
        admitted += ehr_gcra_table_take(&table, 1000, &ten_a_second, START_US)
                        .is_allowed;
    }

    assert_in_range(admitted, 0, 5);

    shared_free(sh);
}


/* --- processes ----------------------------------------------------------- */

static void
wait_for_go(shared_t *sh)
{
    while (!atomic_load(&sh->go)) {
        /* all start at once */
    }
}


static void
run_processes(shared_t *sh, void (*child)(shared_t *sh), int nkilled)
{
    int    status, i;
    pid_t  pids[PROCESSES];

    for (i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);

        if (pids[i] == 0) {
            wait_for_go(sh);
            child(sh);
            _exit(0);
        }
    }

    atomic_store(&sh->go, 1);

    for (i = 0; i < nkilled; i++) {
        (void) usleep(200 + 150 * (unsigned) i);
        (void) kill(pids[i], SIGKILL);
    }

    for (i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) || i < nkilled);
    }
}


static void
take_from_one_bucket(shared_t *sh)
{
    ehr_gcra_table_t  table = { sh->table, TABLE };
    ehr_gcra_rate_t   rate = { 1000, 1000 };

    for (int i = 0; i < 5000; i++) {
        if (ehr_gcra_table_take(&table, 42, &rate, START_US).is_allowed) {
            atomic_fetch_add(&sh->admitted, 1);
        }
    }
}


static void
processes_on_one_bucket_admit_exactly_the_burst(void **state)
{
    for (int round = 0; round < 10; round++) {
        shared_t  *sh = shared_create();

        run_processes(sh, take_from_one_bucket, 0);
        assert_int_equal(atomic_load(&sh->admitted), 1000);
        shared_free(sh);
    }
}


static void
processes_killed_inside_leave_a_table_that_still_decides(void **state)
{
    ehr_gcra_rate_t  one = { 1000, 1 };

    for (int round = 0; round < 20; round++) {
        shared_t          *sh = shared_create();
        ehr_gcra_table_t   table = { sh->table, TABLE };

        run_processes(sh, take_from_one_bucket, PROCESSES - 1);

        /* A process may die between the swap and the count of this test. */

        assert_in_range(atomic_load(&sh->admitted), 1000 - (PROCESSES - 1),
                        1000);

        assert_true(ehr_gcra_table_take(&table, 43, &one, START_US)
                        .is_allowed);
        assert_false(ehr_gcra_table_take(&table, 43, &one, START_US)
                         .is_allowed);
        shared_free(sh);
    }
}


static void
meet_new_keys(shared_t *sh)
{
    ehr_gcra_rate_t   one = { 1000, 1 };
    ehr_gcra_table_t  table = { sh->table, TABLE };

    for (int key = 0; key < KEYS; key++) {
        if (ehr_gcra_table_take(&table, ehr_gcra_key(&key, sizeof(key)), &one,
                                START_US).is_allowed)
        {
            atomic_fetch_add(&sh->of_key[key], 1);
        }
    }
}


static void
processes_that_meet_a_new_key_at_once_open_one_bucket(void **state)
{
    for (int round = 0; round < 10; round++) {
        shared_t  *sh = shared_create();

        run_processes(sh, meet_new_keys, 0);

        for (int key = 0; key < KEYS; key++) {
            assert_int_equal(atomic_load(&sh->of_key[key]), 1);
        }

        shared_free(sh);
    }
}


static void
keys_of_codes_are_spread_and_never_zero(void **state)
{
    char      code[6];
    uint64_t  key;
    unsigned  sets[16] = { 0 };

    for (int i = 0; i < 1600; i++) {
        code[0] = '0';
        code[1] = '1';
        code[2] = (char) ('0' + i / 100 % 10);
        code[3] = (char) ('0' + i / 10 % 10);
        code[4] = (char) ('0' + i % 10);
        code[5] = (char) ('A' + i / 1000);

        key = ehr_gcra_key(code, sizeof(code));
        assert_true(key != 0);
        sets[key % 16]++;
    }

    for (int i = 0; i < 16; i++) {
        assert_in_range(sets[i], 60, 140);
    }

    assert_true(ehr_gcra_key("", 0) != 0);
    assert_true(ehr_gcra_key("01001", 5) != ehr_gcra_key("01002", 5));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_burst_is_allowed_and_one_more_is_refused),
        cmocka_unit_test(
            after_retry_us_one_is_allowed_and_not_a_microsecond_before),
        cmocka_unit_test(over_a_long_time_the_rate_holds_exactly),
        cmocka_unit_test(after_reset_us_the_whole_burst_is_there_again),
        cmocka_unit_test(slow_rates_are_whole_microseconds_and_never_too_fast),
        cmocka_unit_test(
            a_tat_from_a_clock_set_back_refuses_for_one_step_only),
        cmocka_unit_test(a_verdict_made_elsewhere_is_cut_to_what_is_possible),
        cmocka_unit_test(keys_of_a_table_do_not_touch_each_other),
        cmocka_unit_test(key_zero_has_a_bucket_too),
        cmocka_unit_test(in_a_full_set_the_oldest_goes_and_the_others_stay),
        cmocka_unit_test(
            a_newcomer_in_a_live_set_never_gets_more_than_its_burst),
        cmocka_unit_test(processes_on_one_bucket_admit_exactly_the_burst),
        cmocka_unit_test(
            processes_killed_inside_leave_a_table_that_still_decides),
        cmocka_unit_test(
            processes_that_meet_a_new_key_at_once_open_one_bucket),
        cmocka_unit_test(keys_of_codes_are_spread_and_never_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
