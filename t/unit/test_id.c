/* SPDX-License-Identifier: BSD-2-Clause */

/* UUIDv7, hexadecimal, SHA-256 and RFC 3339 times, written and read. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "ehr_id.h"


static void
uuid_has_version_variant_and_time(void **state)
{
    char  text[EHR_UUID_LEN + 1];

    /* The time of the example in RFC 9562, appendix A.6. */

    assert_int_equal(ehr_uuid7(0x017f22e279b0, text), EHR_OK);
    assert_int_equal(strlen(text), EHR_UUID_LEN);
    assert_memory_equal(text, "017f22e2-79b0-7", 15);
    assert_non_null(strchr("89ab", text[19]));
    assert_true(ehr_uuid_valid(ehr_str(text)));
}


static void
uuids_differ_and_sort_by_time(void **state)
{
    char  a[EHR_UUID_LEN + 1], b[EHR_UUID_LEN + 1];

    assert_int_equal(ehr_uuid7(1800000000000, a), EHR_OK);
    assert_int_equal(ehr_uuid7(1800000000000, b), EHR_OK);
    assert_string_not_equal(a, b);

    assert_int_equal(ehr_uuid7(1800000000001, b), EHR_OK);
    assert_true(strcmp(a, b) < 0);
}


static void
only_canonical_lower_case_uuids_are_valid(void **state)
{
    const char *const  bad[] = {
        "",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
        "017f22e2079b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398\n",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
        "017f22e279b07cc398c4dc0c0c07398f----",
    };

    assert_true(ehr_uuid_valid(
        ehr_str("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")));

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(ehr_uuid_valid(ehr_str(bad[i])));
    }
}


static void
hex_is_written_and_read_back(void **state)
{
    char     text[11];
    uint8_t  back[5];
    uint8_t  bytes[] = { 0x00, 0x7f, 0x80, 0xff, 0x1a };

    ehr_hex(bytes, 5, text);
    assert_string_equal(text, "007f80ff1a");
    assert_int_equal(ehr_unhex(ehr_str(text), back, 5), EHR_OK);
    assert_memory_equal(back, bytes, 5);
    assert_int_equal(ehr_unhex(ehr_str("007F80FF1A"), back, 5), EHR_OK);
    assert_memory_equal(back, bytes, 5);
}


static void
what_is_not_hex_is_refused(void **state)
{
    uint8_t  out[2];

    assert_int_equal(ehr_unhex(ehr_str("001"), out, 2), EHR_REFUSED);
    assert_int_equal(ehr_unhex(ehr_str("00112"), out, 2), EHR_REFUSED);
    assert_int_equal(ehr_unhex(ehr_str("001122"), out, 2), EHR_REFUSED);
    assert_int_equal(ehr_unhex(ehr_str("00g1"), out, 2), EHR_REFUSED);
    assert_int_equal(ehr_unhex(ehr_str(" 011"), out, 2), EHR_REFUSED);
    assert_int_equal(ehr_unhex(ehr_str("0x11"), out, 2), EHR_REFUSED);
    assert_int_equal(ehr_unhex(ehr_str(NULL), out, 2), EHR_REFUSED);
    assert_int_equal(ehr_unhex(ehr_str(NULL), out, 0), EHR_OK);
}


static void
sha256_agrees_with_fips_180(void **state)
{
    char     text[2 * EHR_SHA256_LEN + 1];
    uint8_t  hash[EHR_SHA256_LEN];

    ehr_sha256("abc", 3, hash);
    ehr_hex(hash, sizeof(hash), text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223"
                              "b00361a396177a9cb410ff61f20015ad");

    ehr_sha256(NULL, 0, hash);
    ehr_hex(hash, sizeof(hash), text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb924"
                              "27ae41e4649b934ca495991b7852b855");
}


static const struct {
    int64_t      ms;
    const char  *text;
} rendered_times[] = {
    { 0, "1970-01-01T00:00:00.000Z" },
    { -1, "1969-12-31T23:59:59.999Z" },
    { INT64_C(1795230245678), "2026-11-21T03:04:05.678Z" },
    { INT64_C(951782400000), "2000-02-29T00:00:00.000Z" },
    { INT64_C(4107542400000), "2100-03-01T00:00:00.000Z" },
    { INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
    { INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z" },
};


static void
times_are_written_and_read_back(void **state)
{
    char     text[EHR_TIME_LEN + 1];
    int64_t  ms;

    for (size_t i = 0;
         i < sizeof(rendered_times) / sizeof(rendered_times[0]); i++)
    {
        ehr_time_render(rendered_times[i].ms, text);
        assert_string_equal(text, rendered_times[i].text);
        assert_int_equal(ehr_time_parse(ehr_str(text), &ms), EHR_OK);
        assert_true(ms == rendered_times[i].ms);
    }
}


static void
times_beyond_four_digits_of_the_year_are_clamped(void **state)
{
    char  text[EHR_TIME_LEN + 1];

    ehr_time_render(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    ehr_time_render(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}


static void
every_day_of_four_centuries_survives_the_round_trip(void **state)
{
    char     text[EHR_TIME_LEN + 1];
    int64_t  ms;

    for (int64_t day = -146097; day <= 146097; day++) {
        ehr_time_render(day * 86400000, text);
        assert_int_equal(ehr_time_parse(ehr_str(text), &ms), EHR_OK);
        assert_true(ms == day * 86400000);
    }
}


static void
times_of_others_are_read(void **state)
{
    int64_t  ms;

    static const struct {
        const char  *text;
        int64_t      ms;
    } good[] = {
        { "2026-11-21T03:04:05Z", INT64_C(1795230245000) },
        { "2026-11-21t03:04:05z", INT64_C(1795230245000) },
        { "2026-11-21T03:04:05.2479123Z", INT64_C(1795230245247) },
        { "2026-11-21T03:04:05.9Z", INT64_C(1795230245900) },
        { "2026-11-21T03:04:05.999999999999Z", INT64_C(1795230245999) },
        { "2026-11-21T10:04:05+07:00", INT64_C(1795230245000) },
        { "2026-11-20T22:34:05.5-04:30", INT64_C(1795230245500) },
        { "2026-11-21T03:04:05-00:00", INT64_C(1795230245000) },
        { "1990-12-31T23:59:60Z", INT64_C(662688000000) },
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(ehr_time_parse(ehr_str(good[i].text), &ms), EHR_OK);
        assert_true(ms == good[i].ms);
    }
}


static void
what_is_not_rfc3339_is_refused(void **state)
{
    int64_t  ms;

    static const char *const  bad[] = {
        "", "2026", "2026-11-21", "2026-11-21T03:04:05",
        "2026-11-21T03:04Z", "2026-11-21 03:04:05Z", "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-11-00T00:00:00Z", "2026-11-21T24:00:00Z",
        "2026-11-21T03:60:05Z", "2026-11-21T03:04:61Z",
        "2026-11-21T03:04:05.Z", "2026-11-21T03:04:05,5Z",
        "2026-11-21T03:04:05.5", "2026-11-21T03:04:05+7:00",
        "2026-11-21T03:04:05+0700", "2026-11-21T03:04:05+24:00",
        "2026-11-21T03:04:05+07:60", "2026-11-21T03:04:05ZZ",
        "2026-11-21T03:04:05Z ", " 026-11-21T03:04:05Z",
        "+026-11-21T03:04:05Z", "2026-1a-21T03:04:05Z",
        "2026/11/21T03:04:05Z",
        "2026-11-21T03:04:05.0000000000000000000000000000000000000000000000Z",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ehr_time_parse(ehr_str(bad[i]), &ms), EHR_REFUSED);
    }
}


static void
trace_ids_are_those_of_a_valid_traceparent(void **state)
{
    static const char *const  good[] = {
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-new",
    };
    static const char *const  bad[] = {
        "",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(ehr_str_is(ehr_trace_id(ehr_str(good[i])),
                               "4bf92f3577b34da6a3ce929d0e0e4736"));
    }

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ehr_trace_id(ehr_str(bad[i])).len, 0);
    }
}


static void
secrets_are_compared_whole(void **state)
{
    assert_true(ehr_equal_secret("abc", "abc", 3));
    assert_false(ehr_equal_secret("abc", "abd", 3));
    assert_false(ehr_equal_secret("abc", "xbc", 3));
    assert_true(ehr_equal_secret("abc", "abd", 2));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(uuid_has_version_variant_and_time),
        cmocka_unit_test(uuids_differ_and_sort_by_time),
        cmocka_unit_test(only_canonical_lower_case_uuids_are_valid),
        cmocka_unit_test(hex_is_written_and_read_back),
        cmocka_unit_test(what_is_not_hex_is_refused),
        cmocka_unit_test(sha256_agrees_with_fips_180),
        cmocka_unit_test(times_are_written_and_read_back),
        cmocka_unit_test(times_beyond_four_digits_of_the_year_are_clamped),
        cmocka_unit_test(every_day_of_four_centuries_survives_the_round_trip),
        cmocka_unit_test(times_of_others_are_read),
        cmocka_unit_test(what_is_not_rfc3339_is_refused),
        cmocka_unit_test(trace_ids_are_those_of_a_valid_traceparent),
        cmocka_unit_test(secrets_are_compared_whole),
    };

    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
