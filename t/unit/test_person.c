/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Forms of persons' numbers, days as documents write them, and provinces.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ehr_person.h"
#include "ehr_province.h"
#include "ehr_shape.h"


static ehr_str_t
text(const char *literal)
{
    ehr_str_t  s = { literal, strlen(literal) };

    return s;
}


static void
numbers_have_the_form_they_are_written_in(void **state)
{
    static const struct {
        const char     *number;
        ehr_id_form_e   form;
    } rows[] = {
        { "", EHR_ID_NONE },
        { "001190000000", EHR_ID_CITIZEN },
        { "012345679", EHR_ID_OLD },
        { "B1234567", EHR_ID_PASSPORT },
        { "000000000000", EHR_ID_DUMMY },
        { "111111111", EHR_ID_DUMMY },
        { "123456789012", EHR_ID_DUMMY },
        { "01190000000", EHR_ID_SHORT },
        { "99190000000", EHR_ID_OTHER },
        { "001.190.000.000", EHR_ID_SPOILED },
        { "O01190000000", EHR_ID_SPOILED },
        { "b1234567", EHR_ID_SPOILED },
        { "1234567890", EHR_ID_OTHER },
        { "GKS-2020-1", EHR_ID_OTHER },
        { "001190000000 001190000000 001190000000", EHR_ID_OTHER }
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (ehr_id_form(text(rows[i].number)) != rows[i].form) {
            fail_msg("row %zu", i);
        }
    }
}


static void
days_are_read_in_all_their_forms(void **state)
{
    static const char *const  right[] = { "20260105", "202601050730",
                                          "20260105073000", "05/01/2026" };
    static const char *const  wrong[] = { "", "2026", "05-01-2026",
                                          "31/02/2026", "5/1/2026",
                                          "199000000000" };

    ehr_day_t  day;

    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        assert_true(ehr_person_day(text(right[i]), &day));
        assert_int_equal(ehr_day_number(day), 20260105);
    }

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(ehr_person_day(text(wrong[i]), &day));
    }

    assert_int_equal(ehr_person_year(text("199000000000")), 1990);
    assert_int_equal(ehr_person_year(text("1990")), 1990);
    assert_int_equal(ehr_person_year(text("05/01/1990")), 1990);
    assert_int_equal(ehr_person_year(text("90")), 0);
}


static uint32_t
provinces_on(uint32_t day)
{
    uint32_t  n = 0;
    char      code[3];

    for (unsigned i = 0; i < 100; i++) {
        (void) snprintf(code, sizeof(code), "%02u", i);
        n += (uint32_t) ehr_province_is_code(text(code), day);
    }

    return n;
}


static void
there_were_63_provinces_and_there_are_34(void **state)
{
    assert_int_equal(provinces_on(0), 63);
    assert_int_equal(provinces_on(20250630), 63);
    assert_int_equal(provinces_on(20250701), 34);

    assert_true(ehr_province_is_prefix(text("030190000000")));
    assert_false(ehr_province_is_prefix(text("130190000000")));
    assert_false(ehr_province_is_prefix(text("00")));
    assert_false(ehr_province_is_prefix(text("")));
    assert_false(ehr_province_is_code(text("3"), 0));
}


static void
facilities_and_cards_are_known_by_form(void **state)
{
    assert_true(ehr_is_facility(text("01001")));
    assert_true(ehr_is_facility(text("01A23")));
    assert_false(ehr_is_facility(text("HN001")));
    assert_false(ehr_is_facility(text("0100")));
    assert_false(ehr_is_facility(text("")));

    assert_true(ehr_is_card(text("DN4010100000000")));
    assert_false(ehr_is_card(text("DN6010100000000")));
    assert_false(ehr_is_card(text("DN401010000000")));
    assert_false(ehr_is_card(text("")));

    assert_true(ehr_is_insurance_number(text("0100000000")));
    assert_false(ehr_is_insurance_number(text("0000000000")));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(numbers_have_the_form_they_are_written_in),
        cmocka_unit_test(days_are_read_in_all_their_forms),
        cmocka_unit_test(there_were_63_provinces_and_there_are_34),
        cmocka_unit_test(facilities_and_cards_are_known_by_form)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
