/* SPDX-License-Identifier: BSD-2-Clause */

/* When a delivery is tried again: between bounds that double, and not after
 * its deadline. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ehr_schedule.h"


static const ehr_backoff_t  backoff = { 1000, 300000, 60000 };


static void
the_wait_is_never_shorter_than_the_shortest(void **state)
{
    uint32_t  attempt;

    for (attempt = 1; attempt < 100; attempt++) {
        assert_int_equal(ehr_backoff_wait_ms(&backoff, attempt, 0, 0), 1000);
    }
}


/* The longest possible wait of an attempt: over all of a range of random
 * numbers that is larger than any spread. */

static int64_t
longest(uint32_t attempt)
{
    int64_t   wait, max = 0;
    uint32_t  random;

    for (random = 0; random < 300000; random += 7) {
        wait = ehr_backoff_wait_ms(&backoff, attempt, random, 0);

        if (wait > max) {
            max = wait;
        }
    }

    return max;
}


static void
the_longest_wait_doubles_up_to_the_limit(void **state)
{
    assert_in_range(longest(1), 1990, 2000);
    assert_in_range(longest(2), 3990, 4000);
    assert_in_range(longest(5), 31990, 32000);
    assert_in_range(longest(9), 299990, 300000);
    assert_in_range(longest(1000), 299990, 300000);
}


static void
random_numbers_spread_the_waits(void **state)
{
    assert_int_not_equal(ehr_backoff_wait_ms(&backoff, 3, 100, 0),
                         ehr_backoff_wait_ms(&backoff, 3, 5000, 0));
    assert_in_range(ehr_backoff_wait_ms(&backoff, 3, UINT32_MAX, 0),
                    1000, 8000);
}


static void
the_partners_wish_is_heard_within_the_limit(void **state)
{
    assert_int_equal(ehr_backoff_wait_ms(&backoff, 1, 0, 60000), 60000);
    assert_int_equal(ehr_backoff_wait_ms(&backoff, 1, 0, 900000), 300000);
    assert_int_equal(ehr_backoff_wait_ms(&backoff, 1, 0, 10), 1000);
}


static void
equal_bounds_are_a_fixed_wait(void **state)
{
    ehr_backoff_t  fixed = { 500, 500, 60000 };

    assert_int_equal(ehr_backoff_wait_ms(&fixed, 1, 12345, 0), 500);
    assert_int_equal(ehr_backoff_wait_ms(&fixed, 40, 12345, 0), 500);
}


static void
the_deadline_counts_from_acceptance(void **state)
{
    assert_false(ehr_backoff_is_over(&backoff, 1000, 1000));
    assert_false(ehr_backoff_is_over(&backoff, 1000, 61000));
    assert_true(ehr_backoff_is_over(&backoff, 1000, 61001));
    assert_false(ehr_backoff_is_over(&backoff, 61001, 1000));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_wait_is_never_shorter_than_the_shortest),
        cmocka_unit_test(the_longest_wait_doubles_up_to_the_limit),
        cmocka_unit_test(random_numbers_spread_the_waits),
        cmocka_unit_test(the_partners_wish_is_heard_within_the_limit),
        cmocka_unit_test(equal_bounds_are_a_fixed_wait),
        cmocka_unit_test(the_deadline_counts_from_acceptance)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
