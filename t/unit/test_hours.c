/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Hours of partners and deadlines of kinds, in Vietnamese time: what is open
 * when, when a closed one opens, and which deadlines are urgent.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ehr_hours.h"


#define MINUTE   INT64_C(60000)
#define DAY      (24 * 60 * MINUTE)

/* Monday the 2nd of November 2026, 00:00 in Vietnam. */
#define MONDAY   (INT64_C(1793552400000))

#define LARGE    (25 * 1024 * 1024)

#define at(day, hour, minute)                                                 \
    (MONDAY + (day) * DAY + ((hour) * 60 + (minute)) * MINUTE)


typedef struct {
    ehr_hours_t  all[8];
    uint32_t     n;
} rules_t;


static void
add(rules_t *rules, int is_closed, const char *text)
{
    ehr_hours_t  *rule = &rules->all[rules->n++];

    assert_int_equal(ehr_hours_parse(ehr_str(text), rule), EHR_OK);
    rule->is_closed = is_closed;
}


static int64_t
next_of(rules_t *rules, ehr_kind_e kind, int64_t size, int64_t now_ms)
{
    ehr_hours_query_t  query = { kind, size, now_ms };

    return ehr_hours_next_ms(rules->all, rules->n, &query);
}


static void
without_rules_everything_is_open(void **state)
{
    rules_t  rules = { 0 };

    (void) state;

    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, LARGE, MONDAY), 0);
}


/* Over 20 MB only outside 8 to 11 and 14 to 19, Monday to Friday. */

static void
the_insurance_gateway_takes_large_files_outside_office_hours(void **state)
{
    rules_t  rules = { 0 };

    (void) state;

    add(&rules, 1, "08:00-11:00,mon-fri,size>20m");
    add(&rules, 1, "14:00-19:00,mon-fri,size>20m");

    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1000, at(0, 9, 0)), 0);
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 20 * 1024 * 1024,
                             at(0, 9, 0)), 0);
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, LARGE, at(0, 7, 59)), 0);
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, LARGE, at(0, 8, 0)),
                     at(0, 11, 0));
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, LARGE,
                             at(0, 10, 59) + 59999), at(0, 11, 0));
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, LARGE, at(0, 11, 0)), 0);
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, LARGE, at(4, 18, 0)),
                     at(4, 19, 0));
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, LARGE, at(5, 9, 0)), 0);
}


static void
only_then_rules_open_and_closed_ones_win(void **state)
{
    rules_t  rules = { 0 };

    (void) state;

    add(&rules, 0, "20:00-06:00");
    add(&rules, 0, "sat-sun");
    add(&rules, 1, "02:00-03:00");

    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(0, 12, 0)),
                     at(0, 20, 0));
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(0, 23, 59)), 0);
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(1, 1, 59)), 0);
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(1, 2, 0)),
                     at(1, 3, 0));
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(1, 6, 0)),
                     at(1, 20, 0));
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(5, 12, 0)), 0);
}


static void
a_night_belongs_to_the_day_on_which_it_begins(void **state)
{
    rules_t  rules = { 0 };

    (void) state;

    add(&rules, 0, "22:00-04:00,fri");

    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(4, 21, 59)),
                     at(4, 22, 0));
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(5, 3, 59)), 0);
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(5, 4, 0)),
                     at(11, 22, 0));
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(4, 3, 0)),
                     at(4, 22, 0));
}


/* The settlement of a month: until the fifth of the next one. */

static void
days_of_the_month_are_a_window(void **state)
{
    rules_t  rules = { 0 };

    (void) state;

    add(&rules, 0, "day:1-5,kind:claim");

    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(3, 23, 59)), 0);
    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(4, 0, 0)),
                     at(29, 0, 0));
    assert_int_equal(next_of(&rules, EHR_KIND_CHECKIN, 1, at(4, 0, 0)), 0);
}


/* Nothing waits for ever: what never opens is looked at again. */

static void
what_never_opens_is_looked_at_tomorrow(void **state)
{
    rules_t  rules = { 0 };

    (void) state;

    add(&rules, 0, "08:00-12:00");
    add(&rules, 1, "mon-sun");

    assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, at(0, 9, 0)),
                     at(1, 9, 0));
}


/* The next opening is open, is later, and nothing before it is open: every
 * minute is asked. */

static void
an_opening_is_the_first_one(void **state)
{
    int64_t   now, opens, t;
    rules_t   rules = { 0 };
    uint64_t  seed = 42;
    int       i;

    (void) state;

    add(&rules, 0, "20:15-06:10,mon-thu");
    add(&rules, 0, "12:00-12:20,sat");
    add(&rules, 1, "23:00-01:00,wed");
    add(&rules, 1, "day:15");

    for (i = 0; i < 300; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        now = MONDAY + (int64_t) ((seed >> 33) % (40 * 1440)) * MINUTE;
        opens = next_of(&rules, EHR_KIND_CLAIM, 1, now);

        if (opens == 0) {
            continue;
        }

        assert_true(opens > now && opens <= now + 7 * DAY);
        assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, opens), 0);

        for (t = now; t < opens; t += MINUTE) {
            assert_int_equal(next_of(&rules, EHR_KIND_CLAIM, 1, t), opens);
        }
    }
}


static void
what_is_no_rule_is_refused(void **state)
{
    static const char *const  bad[] = {
        "", ",", "08:00", "08:00-", "8-9", "25:00-26:00", "08:60-09:00",
        "24:01-03:00", "08:00-11:00,", "08:00-11:00,12:00-13:00", "monday",
        "mon-", "mon,tue", "day:0-5", "day:5-1", "day:32", "day:", "size>",
        "size>20g", "size>20m,size>1m", "kind:letter", "day:1,day:2",
        "size>99999999999999999999", "08:00-11:00 mon"
    };

    size_t       i;
    ehr_hours_t  hours;

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (ehr_hours_parse(ehr_str(bad[i]), &hours) == EHR_OK) {
            print_error("%s\n", bad[i]);
            fail();
        }
    }

    assert_int_equal(ehr_hours_parse(ehr_str("kind:claim,kind:checkin,"
                                             "00:00-24:00"), &hours), EHR_OK);
    assert_int_equal(hours.kinds, 1 << EHR_KIND_CLAIM | 1 << EHR_KIND_CHECKIN);
}


/* --- deadlines --- */

static int64_t
deadline(const char *text, int64_t received_ms)
{
    ehr_deadline_t  d;

    assert_int_equal(ehr_deadline_parse(ehr_str(text), &d), EHR_OK);

    return ehr_deadline_ms(&d, received_ms);
}


static void
deadlines_are_counted_in_vietnamese_time(void **state)
{
    (void) state;

    assert_int_equal(deadline("off", at(0, 9, 0)), 0);
    assert_int_equal(deadline("now", at(0, 9, 0)), at(0, 9, 0));
    assert_int_equal(deadline("30m", at(0, 9, 0)), at(0, 9, 30));
    assert_int_equal(deadline("4h", at(0, 22, 0)), at(1, 2, 0));
    assert_int_equal(deadline("day", at(0, 23, 59)), at(1, 0, 0));
    assert_int_equal(deadline("day", at(0, 0, 0)), at(1, 0, 0));
    assert_int_equal(deadline("3d", at(0, 9, 0)), at(4, 0, 0));
}


static void
working_hours_skip_noon_nights_and_weekends(void **state)
{
    (void) state;

    assert_int_equal(deadline("4wh", at(0, 8, 0)), at(0, 12, 0));
    assert_int_equal(deadline("4wh", at(0, 9, 30)), at(0, 14, 30));
    assert_int_equal(deadline("4wh", at(0, 12, 30)), at(0, 17, 0));
    assert_int_equal(deadline("4wh", at(0, 16, 0)), at(1, 11, 0));
    assert_int_equal(deadline("4wh", at(0, 3, 0)), at(0, 12, 0));
    assert_int_equal(deadline("4wh", at(4, 16, 0)), at(7, 11, 0));
    assert_int_equal(deadline("4wh", at(5, 10, 0)), at(7, 12, 0));
    assert_int_equal(deadline("40wh", at(0, 8, 0)), at(4, 17, 0));
}


static void
what_is_due_within_half_a_day_is_urgent(void **state)
{
    static const struct {
        const char  *text;
        int          is_urgent;
    } rows[] = {
        { "now", 1 }, { "4wh", 1 }, { "12h", 1 }, { "13h", 0 }, { "day", 0 },
        { "3d", 0 }, { "off", 0 }
    };

    size_t          i;
    ehr_deadline_t  d;

    (void) state;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(ehr_deadline_parse(ehr_str(rows[i].text), &d),
                         EHR_OK);
        assert_int_equal(ehr_deadline_is_urgent(&d), rows[i].is_urgent);
    }
}


static void
what_is_no_deadline_is_refused(void **state)
{
    static const char *const  bad[] = {
        "", "0h", "4", "wh", "-1h", "4wd", "1000000h", "tomorrow", "4h "
    };

    size_t          i;
    ehr_deadline_t  d;

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ehr_deadline_parse(ehr_str(bad[i]), &d),
                         EHR_REFUSED);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(without_rules_everything_is_open),
        cmocka_unit_test(
            the_insurance_gateway_takes_large_files_outside_office_hours),
        cmocka_unit_test(only_then_rules_open_and_closed_ones_win),
        cmocka_unit_test(a_night_belongs_to_the_day_on_which_it_begins),
        cmocka_unit_test(days_of_the_month_are_a_window),
        cmocka_unit_test(what_never_opens_is_looked_at_tomorrow),
        cmocka_unit_test(an_opening_is_the_first_one),
        cmocka_unit_test(what_is_no_rule_is_refused),
        cmocka_unit_test(deadlines_are_counted_in_vietnamese_time),
        cmocka_unit_test(working_hours_skip_noon_nights_and_weekends),
        cmocka_unit_test(what_is_due_within_half_a_day_is_urgent),
        cmocka_unit_test(what_is_no_deadline_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
