/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Money of validators: exact to the last place, rounded once, told when it
 * does not fit.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ehr_decimal.h"


static int
parse(const char *text, ehr_decimal_t *d)
{
    ehr_str_t  s = { text, strlen(text) };

    return ehr_decimal_parse(s, d);
}


static ehr_decimal_t
number(const char *text)
{
    ehr_decimal_t  d = 0;

    assert_true(parse(text, &d));

    return d;
}


static void
expect_product(const char *a, const char *b, unsigned percents,
               const char *product)
{
    ehr_decimal_t  factors[2] = { number(a), number(b) }, p = 0;

    assert_true(ehr_decimal_product(factors, 2, percents, &p));
    assert_true(p == number(product));
}


static void
numbers_are_read_to_the_millionth(void **state)
{
    assert_true(number("0") == 0);
    assert_true(number("-0.0") == 0);
    assert_true(number("12") == 12000000);
    assert_true(number("00012.50") == 12500000);
    assert_true(number("-0.000001") == -1);
    assert_true(number("0.1234560000") == 123456);
    assert_true(number("9223372036854.775807") == INT64_MAX);
}


static void
what_is_no_number_is_refused(void **state)
{
    static const char *const  texts[] = {
        "", "-", ".", "-.5", ".5", "5.", "1,5", "1 000", "1e3", "+1", "0x10",
        "1.2.3", "--1", "1-", "NaN", "\xc3\xa9", "0.0000001", "0.1234567",
        "9223372036854.775808", "99999999999999999999",
        "00000000000000000000000000000000000000000000000000000000000000001"
    };

    ehr_decimal_t  d = 7;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (parse(texts[i], &d)) {
            fail_msg("taken for a number: %s", texts[i]);
        }
    }

    assert_true(d == 7);
}


static void
sums_are_exact_and_do_not_wrap(void **state)
{
    ehr_decimal_t  sum = 0;

    for (int i = 0; i < 1000; i++) {
        assert_true(ehr_decimal_add(&sum, number("0.1")));
    }

    assert_true(sum == number("100"));

    sum = INT64_MAX;
    assert_false(ehr_decimal_add(&sum, 1));
    assert_true(sum == INT64_MAX);
    sum = INT64_MIN;
    assert_false(ehr_decimal_add(&sum, -1));
    assert_true(sum == INT64_MIN);
}


static void
halves_are_rounded_away_from_zero(void **state)
{
    assert_true(ehr_decimal_round(number("2.345"), 2) == number("2.35"));
    assert_true(ehr_decimal_round(number("2.344999"), 2) == number("2.34"));
    assert_true(ehr_decimal_round(number("-2.345"), 2) == number("-2.35"));
    assert_true(ehr_decimal_round(number("0.5"), 0) == number("1"));
    assert_true(ehr_decimal_round(number("-0.5"), 0) == number("-1"));
    assert_true(ehr_decimal_round(number("1.234567"), 6)
                == number("1.234567"));
    assert_true(ehr_decimal_round(0, 2) == 0);
    assert_true(ehr_decimal_round(INT64_MAX, 0) == INT64_MAX);
    assert_true(ehr_decimal_round(INT64_MIN, 0) == INT64_MIN);
}


static void
products_are_rounded_once(void **state)
{
    expect_product("2", "2100", 0, "4200");
    expect_product("3", "33.333", 0, "100.00");
    expect_product("0.333", "1.015", 0, "0.34");
    expect_product("1.005", "1", 0, "1.01");      /* binary says 1.00 */
    expect_product("1.115", "100", 0, "111.5");
    expect_product("-1.005", "1", 0, "-1.01");
    expect_product("12345.67", "80", 1, "9876.54");
    expect_product("50", "50", 2, "0.25");
    expect_product("0", "999999", 0, "0");
    expect_product("0.001", "4.9", 0, "0");
    expect_product("0.001", "5", 0, "0.01");
}


static void
four_factors_with_ratios_fit(void **state)
{
    ehr_decimal_t  factors[4] = { number("1000.125"), number("98765432.123"),
                                  number("50"), number("80") };
    ehr_decimal_t  p;

    assert_true(ehr_decimal_product(factors, 4, 2, &p));
    assert_true(p == number("39511111120.81"));
    assert_true(ehr_decimal_product(factors, 0, 0, &p));
    assert_true(p == number("1"));
}


static void
a_product_out_of_range_is_told(void **state)
{
    ehr_decimal_t  factors[4] = { number("9000000000000"), number("2"),
                                  INT64_MAX, INT64_MAX };
    ehr_decimal_t  p = 7;

    assert_false(ehr_decimal_product(factors, 2, 0, &p));
    assert_false(ehr_decimal_product(factors, 4, 0, &p));
    factors[0] = INT64_MIN;
    assert_false(ehr_decimal_product(factors, 2, 0, &p));
    assert_true(p == 7);
}


static void
tolerance_counts_both_ways_and_does_not_overflow(void **state)
{
    assert_true(ehr_decimal_is_near(number("100"), number("102"),
                                    number("2")));
    assert_true(ehr_decimal_is_near(number("102"), number("100"),
                                    number("2")));
    assert_false(ehr_decimal_is_near(number("100"), number("102.000001"),
                                     number("2")));
    assert_true(ehr_decimal_is_near(5, 5, 0));
    assert_false(ehr_decimal_is_near(INT64_MIN, INT64_MAX, INT64_MAX));
}


static void
places_that_were_written_are_counted(void **state)
{
    ehr_str_t  texts[] = { ehr_string("1.50"), ehr_string("15"),
                           ehr_string("1."), ehr_null_string };

    assert_int_equal(ehr_decimal_places(texts[0]), 2);
    assert_int_equal(ehr_decimal_places(texts[1]), 0);
    assert_int_equal(ehr_decimal_places(texts[2]), 0);
    assert_int_equal(ehr_decimal_places(texts[3]), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(numbers_are_read_to_the_millionth),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(sums_are_exact_and_do_not_wrap),
        cmocka_unit_test(halves_are_rounded_away_from_zero),
        cmocka_unit_test(products_are_rounded_once),
        cmocka_unit_test(four_factors_with_ratios_fit),
        cmocka_unit_test(a_product_out_of_range_is_told),
        cmocka_unit_test(tolerance_counts_both_ways_and_does_not_overflow),
        cmocka_unit_test(places_that_were_written_are_counted)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
