/* SPDX-License-Identifier: BSD-2-Clause */

/* What the writer writes is JSON that a strict reader reads back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "ehr_json.h"


static int
setup(void **state)
{
    *state = ehr_arena_create(1 << 20);

    return *state ? 0 : -1;
}


static int
teardown(void **state)
{
    ehr_arena_destroy(*state);

    return 0;
}


static ehr_str_t
one_string(ehr_arena_t *arena, const char *data, size_t len)
{
    ehr_str_t   value = { data, len };
    ehr_json_t  json;

    ehr_json_begin(&json, arena);
    ehr_json_string(&json, NULL, value);

    return ehr_json_end(&json);
}


static void
every_kind_of_value_is_written(void **state)
{
    ehr_str_t   text;
    ehr_json_t  json;

    ehr_json_begin(&json, *state);
    ehr_json_open(&json, NULL, '{');
    ehr_json_text(&json, "a", "x");
    ehr_json_open(&json, "b", '[');
    ehr_json_int(&json, NULL, 1);
    ehr_json_int(&json, NULL, INT64_MIN);
    ehr_json_open(&json, NULL, '{');
    ehr_json_close(&json, '}');
    ehr_json_open(&json, NULL, '[');
    ehr_json_close(&json, '[');
    ehr_json_bool(&json, NULL, 2);
    ehr_json_close(&json, ']');
    ehr_json_bool(&json, "c", 0);
    ehr_json_null(&json, "d");
    ehr_json_raw(&json, "e", ehr_str("{\"f\":1}"));
    ehr_json_text(&json, "g", NULL);
    ehr_json_string(&json, "h", ehr_str(NULL));
    ehr_json_close(&json, '}');
    text = ehr_json_end(&json);

    assert_string_equal(text.data,
                        "{\"a\":\"x\",\"b\":[1,-9223372036854775808,{},[],"
                        "true],\"c\":false,\"d\":null,\"e\":{\"f\":1},"
                        "\"g\":null,\"h\":\"\"}");
    assert_int_equal(text.len, strlen(text.data));
}


static void
quotes_and_controls_are_escaped(void **state)
{
    ehr_str_t  text;

    text = one_string(*state, "\"\\/\n\r\t\b\x1f\x7f\0z", 11);
    assert_string_equal(text.data,
                        "\"\\\"\\\\/\\n\\r\\t\\u0008\\u001f\x7f\\u0000z\"");
}


static void
names_are_escaped_too(void **state)
{
    ehr_str_t   text;
    ehr_json_t  json;

    ehr_json_begin(&json, *state);
    ehr_json_open(&json, NULL, '{');
    ehr_json_int(&json, "a\"b", 1);
    ehr_json_close(&json, '}');
    text = ehr_json_end(&json);

    assert_string_equal(text.data, "{\"a\\\"b\":1}");
}


static void
utf8_passes_unchanged(void **state)
{
    ehr_str_t    text;
    const char  *vi = "Hồ sơ \xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf"
                      "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";

    text = one_string(*state, vi, strlen(vi));
    assert_int_equal(text.len, strlen(vi) + 2);
    assert_memory_equal(text.data + 1, vi, strlen(vi));
}


static void
what_is_not_utf8_is_replaced(void **state)
{
    json_t     *back;
    ehr_str_t   text;

    static const char *const  bad[] = {
        "\x80", "\xff", "\xc0\xaf", "\xc1\xbf", "\xc3", "\xe0\x80\x80",
        "\xed\xa0\x80", "\xe1\xbf", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xe1\x80q", "ok\xc3\x28ok", "\xf0\x9f\x98",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        text = one_string(*state, bad[i], strlen(bad[i]));
        assert_non_null(text.data);
        assert_non_null(strstr(text.data, "\xef\xbf\xbd"));

        back = json_loadb(text.data, text.len, JSON_DECODE_ANY, NULL);
        assert_non_null(back);
        json_decref(back);
    }
}


static void
every_byte_survives_or_is_replaced(void **state)
{
    char         all[256];
    json_t      *back;
    ehr_str_t    text;

    for (int i = 0; i < 256; i++) {
        all[i] = (char) i;
    }

    text = one_string(*state, all, sizeof(all));
    back = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL,
                      NULL);
    assert_non_null(back);
    assert_int_equal(json_string_length(back), 128 + 3 * 128);
    assert_memory_equal(json_string_value(back), all, 128);
    json_decref(back);
}


static void
a_long_text_grows_in_the_arena(void **state)
{
    json_t      *back;
    ehr_str_t    text;
    ehr_json_t   json;

    ehr_json_begin(&json, *state);
    ehr_json_open(&json, NULL, '[');

    for (int i = 0; i < 5000; i++) {
        ehr_json_text(&json, NULL, "0123456789");
    }

    ehr_json_close(&json, ']');
    text = ehr_json_end(&json);
    assert_int_equal(text.len, 5000 * 13 + 1);

    back = json_loadb(text.data, text.len, 0, NULL);
    assert_int_equal(json_array_size(back), 5000);
    json_decref(back);
}


static void
missing_memory_is_told_at_the_end(void **state)
{
    ehr_str_t     text;
    ehr_json_t    json;
    ehr_arena_t  *small = ehr_arena_create(600);

    ehr_json_begin(&json, small);
    ehr_json_open(&json, NULL, '[');

    for (int i = 0; i < 100; i++) {
        ehr_json_text(&json, NULL, "0123456789");
    }

    ehr_json_close(&json, ']');
    text = ehr_json_end(&json);

    assert_null(text.data);
    assert_int_equal(text.len, 0);

    ehr_arena_destroy(small);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(every_kind_of_value_is_written),
        cmocka_unit_test(quotes_and_controls_are_escaped),
        cmocka_unit_test(names_are_escaped_too),
        cmocka_unit_test(utf8_passes_unchanged),
        cmocka_unit_test(what_is_not_utf8_is_replaced),
        cmocka_unit_test(every_byte_survives_or_is_replaced),
        cmocka_unit_test(a_long_text_grows_in_the_arena),
        cmocka_unit_test(missing_memory_is_told_at_the_end),
    };

    return cmocka_run_group_tests_name("json", tests, setup, teardown);
}
