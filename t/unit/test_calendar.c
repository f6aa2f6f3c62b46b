/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Days, lists and codes of validators: counted without the C library, and the
 * same in any time zone of the machine.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ehr_rules.h"


static ehr_str_t
text(const char *s)
{
    ehr_str_t  t = { s, strlen(s) };

    return t;
}


static ehr_day_t
day(const char *s)
{
    ehr_day_t  d = 0;

    assert_true(ehr_day_parse(text(s), &d));

    return d;
}


static ehr_minute_t
minute(const char *s)
{
    ehr_minute_t  m = 0;

    assert_true(ehr_minute_parse(text(s), &m));

    return m;
}


static void
days_are_counted_from_1970(void **state)
{
    assert_int_equal(day("19700101"), 0);
    assert_int_equal(day("19691231"), -1);
    assert_int_equal(day("20000229"), 11016);
    assert_int_equal(day("20260105"), 20458);
    assert_int_equal(day("202601072359"), 20460);
    assert_int_equal(day("20240301") - day("20240228"), 2);
    assert_int_equal(day("21000301") - day("21000228"), 1);
}


/* Every day of eight hundred years, against the C library. */

static void
every_day_agrees_with_the_c_library(void **state)
{
    ehr_day_t  last = day("25991231");

    for (ehr_day_t d = day("18000101"); d <= last; d++) {
        time_t     t = (time_t) d * 86400;
        struct tm  tm;
        ehr_day_t  back;

        assert_non_null(gmtime_r(&t, &tm));

        if (ehr_day_number(d) != (uint32_t) ((tm.tm_year + 1900) * 10000
                                             + (tm.tm_mon + 1) * 100
                                             + tm.tm_mday)
            || !ehr_day_make((uint32_t) tm.tm_year + 1900,
                             (uint32_t) tm.tm_mon + 1,
                             (uint32_t) tm.tm_mday, &back)
            || back != d)
        {
            fail_msg("day %d", d);
        }
    }
}


static void
what_is_no_time_is_refused(void **state)
{
    static const char *const  texts[] = {
        "", "2026", "2026010", "202601050", "2026010507300", "20260105073",
        "20260230", "20250229", "21000229", "20261301", "20260001", "20260100",
        "202601052400", "202601051260", "2026-1-5", "2026010a", "17991231",
        "00000000", "199000000000", " 20260105", "20260105 730"
    };

    ehr_minute_t  m = 7;
    ehr_day_t     d = 7;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (ehr_minute_parse(text(texts[i]), &m)
            || ehr_day_parse(text(texts[i]), &d))
        {
            fail_msg("taken for a time: %s", texts[i]);
        }
    }

    assert_true(m == 7 && d == 7);
}


static void
minutes_order_times_and_give_their_day(void **state)
{
    assert_true(minute("20260105") == minute("202601050000"));
    assert_true(minute("202601052359") + 1 == minute("20260106"));
    assert_true(minute("202601050731") - minute("202601050730") == 1);
    assert_int_equal(ehr_day_of(minute("202601052359")), day("20260105"));
    assert_int_equal(ehr_day_of(minute("195001010000")), day("19500101"));
    assert_int_equal(ehr_day_of(-1), -1);
}


static void
now_is_the_time_of_viet_nam_wherever_we_are(void **state)
{
    int64_t  utc_1700 = (int64_t) 20458 * 86400000 + 17 * 3600000;

    assert_int_equal(setenv("TZ", "America/New_York", 1), 0);
    tzset();

    assert_int_equal(ehr_day_now(utc_1700 - 1), day("20260105"));
    assert_int_equal(ehr_day_now(utc_1700), day("20260106"));
    assert_true(ehr_minute_now(utc_1700 + 59999) == minute("202601060000"));
    assert_true(ehr_minute_now(-1) == minute("197001010659"));
}


static void
months_end_where_the_month_ends(void **state)
{
    assert_int_equal(ehr_day_add_months(day("20260131"), 1), day("20260228"));
    assert_int_equal(ehr_day_add_months(day("20240331"), -1),
                     day("20240229"));
    assert_int_equal(ehr_day_add_months(day("20251231"), 1), day("20260131"));
    assert_int_equal(ehr_day_add_months(day("20260115"), -13),
                     day("20241215"));
    assert_int_equal(ehr_day_add_months(day("20260115"), 0), day("20260115"));
    assert_int_equal(ehr_day_add_months(day("20260115"), INT32_MAX),
                     day("20260115"));
}


static void
age_changes_on_the_birthday(void **state)
{
    assert_int_equal(ehr_day_age(day("19900314"), day("20260313")), 35);
    assert_int_equal(ehr_day_age(day("19900314"), day("20260314")), 36);
    assert_int_equal(ehr_day_age(day("20240229"), day("20250228")), 0);
    assert_int_equal(ehr_day_age(day("20240229"), day("20250301")), 1);
    assert_int_equal(ehr_day_age(day("20260105"), day("20260105")), 0);
    assert_true(ehr_day_age(day("20260106"), day("20260105")) < 0);
}


static void
expect_parts(const char *value, const char *const *parts, size_t n)
{
    ehr_list_t  list = ehr_list(text(value), ';');
    ehr_str_t   part;

    assert_int_equal(ehr_list_count(text(value), ';'), n);

    for (size_t i = 0; i < n; i++) {
        assert_true(ehr_list_next(&list, &part));
        assert_true(ehr_text_is(part, parts[i]));
    }

    assert_false(ehr_list_next(&list, &part));
    assert_false(ehr_list_next(&list, &part));
}


static void
lists_keep_their_empty_parts(void **state)
{
    static const char *const  parts[] = { "a", "", "b", "" };

    ehr_list_t  none = ehr_list((ehr_str_t) ehr_null_string, ';');
    ehr_str_t   part;

    expect_parts("a;;b", parts, 3);
    expect_parts("a;;b;", parts, 4);
    expect_parts(";b", parts + 1, 2);
    expect_parts("a;", parts, 2);
    expect_parts("a", parts, 1);
    expect_parts("", NULL, 0);
    assert_false(ehr_list_next(&none, &part));
}


static void
words_are_found_whole(void **state)
{
    assert_true(ehr_text_in(text("03"), "02 03 04"));
    assert_true(ehr_text_in(text("04"), "02 03 04"));
    assert_false(ehr_text_in(text("0"), "02 03 04"));
    assert_false(ehr_text_in(text(""), "02 03 04"));
    assert_false(ehr_text_in(text("02 03"), "02 03 04"));
    assert_true(ehr_list_has(text("K1;K2"), ';', text("K2")));
    assert_false(ehr_list_has(text("K1;K2"), ';', text("K")));
    assert_true(ehr_text_is_digits(text("0123456789")));
    assert_false(ehr_text_is_digits(text("")));
    assert_false(ehr_text_is_digits(text("12a")));
}


static void
codes_are_valid_on_their_days_only(void **state)
{
    static const ehr_code_t  rows[] = {
        { "1", 0, 0 },
        { "1.1", 20230101, 20250630 },
        { "1.1", 20250701, 0 },
        { "10", 0, 20241231 },
        { "2", 20250101, 0 }
    };
    static const ehr_codes_t  codes = ehr_codes(rows);

    assert_ptr_equal(ehr_code_find(&codes, text("1"), 20260105), &rows[0]);
    assert_ptr_equal(ehr_code_find(&codes, text("1.1"), 20250630), &rows[1]);
    assert_ptr_equal(ehr_code_find(&codes, text("1.1"), 20250701), &rows[2]);
    assert_null(ehr_code_find(&codes, text("1.1"), 20221231));
    assert_ptr_equal(ehr_code_find(&codes, text("10"), 20241231), &rows[3]);
    assert_null(ehr_code_find(&codes, text("10"), 20250101));
    assert_ptr_equal(ehr_code_find(&codes, text("10"), 0), &rows[3]);
    assert_null(ehr_code_find(&codes, text("2"), 20241231));
    assert_null(ehr_code_find(&codes, text(""), 0));
    assert_null(ehr_code_find(&codes, text("11"), 0));
    assert_null(ehr_code_find(&codes, text("3"), 0));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(days_are_counted_from_1970),
        cmocka_unit_test(every_day_agrees_with_the_c_library),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(minutes_order_times_and_give_their_day),
        cmocka_unit_test(now_is_the_time_of_viet_nam_wherever_we_are),
        cmocka_unit_test(months_end_where_the_month_ends),
        cmocka_unit_test(age_changes_on_the_birthday),
        cmocka_unit_test(lists_keep_their_empty_parts),
        cmocka_unit_test(words_are_found_whole),
        cmocka_unit_test(codes_are_valid_on_their_days_only)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
