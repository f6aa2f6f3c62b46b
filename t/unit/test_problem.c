/* SPDX-License-Identifier: BSD-2-Clause */

/* Problems keep the shape of RFC 9457 and of interface section 4; findings
 * keep their bound; the language follows Accept-Language. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "ehr_problem.h"


static int
setup(void **state)
{
    *state = ehr_arena_create(4 << 20);

    return *state ? 0 : -1;
}


static int
teardown(void **state)
{
    ehr_arena_destroy(*state);

    return 0;
}


static ehr_finding_t
finding(ehr_severity_e severity, uint32_t row)
{
    ehr_finding_t  f = {
        .size = sizeof(ehr_finding_t),
        .severity = severity,
        .row = row,
        .line = 41,
        .code = ehr_string("xml2.ma_thuoc.missing"),
        .section = ehr_string("XML2"),
        .field = ehr_string("MA_THUOC"),
        .path = ehr_string("/A/B[3]/MA_THUOC"),
        .rule = ehr_string("R2"),
        .message_vi = ehr_string("Mã thuốc không được để trống"),
        .message_en = ehr_string("The drug code must not be empty"),
    };

    return f;
}


static json_t *
parsed(ehr_str_t text)
{
    json_t  *root;

    assert_non_null(text.data);
    root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);

    return root;
}


static const char *
member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}


static void
every_row_is_complete_and_its_own(void **state)
{
    const ehr_problem_row_t  *row, *other;

    for (int i = EHR_PROBLEM_NONE + 1; i < EHR_PROBLEM_LAST; i++) {
        row = ehr_problem_row((ehr_problem_e) i);
        assert_in_range(row->status, 400, 599);
        assert_true(row->title[EHR_LANG_VI][0] != '\0');
        assert_true(row->title[EHR_LANG_EN][0] != '\0');

        for (int k = EHR_PROBLEM_NONE + 1; k < i; k++) {
            other = ehr_problem_row((ehr_problem_e) k);
            assert_string_not_equal(row->code, other->code);
        }
    }
}


static void
a_number_out_of_range_is_an_internal_error(void **state)
{
    assert_string_equal(ehr_problem_row(EHR_PROBLEM_NONE)->code, "internal");
    assert_string_equal(ehr_problem_row(EHR_PROBLEM_LAST)->code, "internal");
    assert_string_equal(ehr_problem_row((ehr_problem_e) -1)->code,
                        "internal");
}


static void
statuses_of_nginx_have_their_problem(void **state)
{
    static const int  same[] = {
        400, 404, 405, 406, 408, 413, 414, 415, 431, 500, 501, 503, 505
    };

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        assert_int_equal(
            ehr_problem_row(ehr_problem_of_status(same[i]))->status, same[i]);
    }

    assert_int_equal(ehr_problem_of_status(494), EHR_PROBLEM_HEADER_TOO_LARGE);
    assert_int_equal(ehr_problem_of_status(495), EHR_PROBLEM_CERT_REQUIRED);
    assert_int_equal(ehr_problem_of_status(496), EHR_PROBLEM_CERT_REQUIRED);
    assert_int_equal(ehr_problem_of_status(497), EHR_PROBLEM_BAD_REQUEST);
    assert_int_equal(ehr_problem_of_status(502), EHR_PROBLEM_INTERNAL);
    assert_int_equal(ehr_problem_of_status(418), EHR_PROBLEM_INTERNAL);
    assert_int_equal(ehr_problem_of_status(0), EHR_PROBLEM_INTERNAL);
}


static void
a_problem_without_findings_is_exactly_this(void **state)
{
    ehr_str_t                 text;
    const ehr_problem_view_t  view = {
        .problem = EHR_PROBLEM_DOCUMENT_INVALID,
        .lang = EHR_LANG_VI,
        .detail = ehr_string("Một \"chi tiết\""),
        .instance = ehr_string("/v1/documents"),
        .request_id = ehr_string("r1"),
    };

    text = ehr_problem_render(&view, *state);
    assert_string_equal(
        text.data,
        "{\"type\":\"https://ehr-gateway.invalid/problems/document.invalid\","
        "\"code\":\"document.invalid\",\"status\":422,"
        "\"title\":\"Hồ sơ không hợp lệ\","
        "\"detail\":\"Một \\\"chi tiết\\\"\","
        "\"instance\":\"/v1/documents\",\"request_id\":\"r1\"}");
}


static void
what_is_empty_is_left_out(void **state)
{
    ehr_str_t                 text;
    ehr_findings_t            none = { .arena = *state };
    const ehr_problem_view_t  view = {
        .problem = EHR_PROBLEM_NOT_FOUND,
        .lang = EHR_LANG_EN,
        .findings = &none,
    };

    text = ehr_problem_render(&view, *state);
    assert_string_equal(
        text.data,
        "{\"type\":\"https://ehr-gateway.invalid/problems/not-found\","
        "\"code\":\"not-found\",\"status\":404,\"title\":\"Not found\"}");
}


static void
a_finding_is_exactly_this_in_both_languages(void **state)
{
    ehr_str_t       text;
    ehr_finding_t   f = finding(EHR_SEVERITY_ERROR, 3);
    ehr_findings_t  findings = { .arena = *state };

    assert_int_equal(ehr_findings_add(&findings, &f), EHR_OK);

    text = ehr_findings_render(&findings, EHR_LANG_VI, *state);
    assert_string_equal(
        text.data,
        "[{\"code\":\"xml2.ma_thuoc.missing\",\"section\":\"XML2\","
        "\"row\":3,\"field\":\"MA_THUOC\",\"path\":\"/A/B[3]/MA_THUOC\","
        "\"line\":41,\"message\":\"Mã thuốc không được để trống\","
        "\"rule\":\"R2\",\"severity\":\"error\"}]");

    text = ehr_findings_render(&findings, EHR_LANG_EN, *state);
    assert_non_null(strstr(text.data, "The drug code must not be empty"));
    assert_null(strstr(text.data, "Mã thuốc"));
}


static void
no_findings_are_an_empty_array(void **state)
{
    ehr_findings_t  findings = { .arena = *state };

    assert_string_equal(
        ehr_findings_render(&findings, EHR_LANG_VI, *state).data, "[]");
    assert_string_equal(
        ehr_findings_render(NULL, EHR_LANG_VI, *state).data, "[]");
}


static void
a_finding_about_the_whole_document_names_no_place(void **state)
{
    ehr_str_t       text;
    ehr_finding_t   f = {
        .size = sizeof(ehr_finding_t),
        .severity = EHR_SEVERITY_WARNING,
        .code = ehr_string("claim.old"),
        .message_vi = ehr_string("Cũ"),
    };
    ehr_findings_t  findings = { .arena = *state };

    assert_int_equal(ehr_findings_add(&findings, &f), EHR_OK);
    assert_int_equal(findings.nerrors, 0);

    text = ehr_findings_render(&findings, EHR_LANG_EN, *state);
    assert_string_equal(text.data,
                        "[{\"code\":\"claim.old\",\"message\":\"Cũ\","
                        "\"severity\":\"warning\"}]");
}


static void
findings_beyond_the_bound_are_counted_and_said(void **state)
{
    json_t              *root;
    ehr_finding_t        f = finding(EHR_SEVERITY_ERROR, 1);
    ehr_findings_t       findings = { .arena = *state };
    ehr_problem_view_t   view = {
        .problem = EHR_PROBLEM_DOCUMENT_INVALID,
        .lang = EHR_LANG_EN,
        .findings = &findings,
    };

    for (uint32_t i = 0; i < EHR_FINDINGS_MAX; i++) {
        f.row = i + 1;
        assert_int_equal(ehr_findings_add(&findings, &f), EHR_OK);
    }

    for (int i = 0; i < 17; i++) {
        assert_int_equal(ehr_findings_add(&findings, &f), EHR_REFUSED);
    }

    assert_int_equal(findings.n, EHR_FINDINGS_MAX);
    assert_int_equal(findings.beyond, 17);
    assert_int_equal(findings.nerrors, EHR_FINDINGS_MAX + 17);
    assert_int_equal(findings.items[199].row, 200);

    root = parsed(ehr_problem_render(&view, *state));
    assert_int_equal(json_array_size(json_object_get(root, "errors")),
                     EHR_FINDINGS_MAX);
    assert_int_equal(
        json_integer_value(json_object_get(root, "errors_omitted")), 17);
    assert_string_equal(member(root, "detail"),
                        "17 more findings are not listed");
    json_decref(root);

    view.detail = ehr_str("given");
    root = parsed(ehr_problem_render(&view, *state));
    assert_string_equal(member(root, "detail"), "given");
    json_decref(root);
}


static void
an_error_takes_the_place_of_the_last_warning(void **state)
{
    ehr_finding_t   f = finding(EHR_SEVERITY_ERROR, 1);
    ehr_findings_t  findings = { .arena = *state };

    for (uint32_t i = 0; i < EHR_FINDINGS_MAX; i++) {
        f = finding(i % 2 ? EHR_SEVERITY_WARNING : EHR_SEVERITY_ERROR, i);
        assert_int_equal(ehr_findings_add(&findings, &f), EHR_OK);
    }

    f = finding(EHR_SEVERITY_ERROR, 1000);
    assert_int_equal(ehr_findings_add(&findings, &f), EHR_OK);
    assert_int_equal(findings.n, EHR_FINDINGS_MAX);
    assert_int_equal(findings.beyond, 1);
    assert_int_equal(findings.nerrors, EHR_FINDINGS_MAX / 2 + 1);
    assert_int_equal(findings.items[197].row, 197);
    assert_int_equal(findings.items[198].row, 198);
    assert_int_equal(findings.items[199].row, 1000);

    for (int i = 0; i < EHR_FINDINGS_MAX / 2 - 1; i++) {
        assert_int_equal(ehr_findings_add(&findings, &f), EHR_OK);
    }

    assert_int_equal(ehr_findings_add(&findings, &f), EHR_REFUSED);
    assert_int_equal(findings.items[0].row, 0);
    assert_int_equal(findings.items[1].row, 2);

    f = finding(EHR_SEVERITY_WARNING, 1);
    assert_int_equal(ehr_findings_add(&findings, &f), EHR_REFUSED);
}


static void
a_shorter_finding_of_an_older_plugin_is_read_to_its_end_only(void **state)
{
    ehr_finding_t   f = finding(EHR_SEVERITY_ERROR, 1);
    ehr_findings_t  findings = { .arena = *state };

    f.size = offsetof(ehr_finding_t, message_en);
    assert_int_equal(ehr_findings_add(&findings, &f), EHR_OK);
    assert_int_equal(findings.items[0].message_en.len, 0);
    assert_int_equal(findings.items[0].message_vi.len, f.message_vi.len);
    assert_int_equal(findings.items[0].size, sizeof(ehr_finding_t));
}


static void
without_memory_nothing_is_rendered_or_added(void **state)
{
    ehr_arena_t              *small = ehr_arena_create(64);
    ehr_finding_t             f = finding(EHR_SEVERITY_ERROR, 1);
    ehr_findings_t            findings = { .arena = small };
    const ehr_problem_view_t  view = { .problem = EHR_PROBLEM_INTERNAL };

    assert_null(ehr_problem_render(&view, small).data);
    assert_int_equal(ehr_findings_add(&findings, &f), EHR_BROKEN);
    assert_int_equal(findings.n, 0);

    ehr_arena_destroy(small);
}


static void
the_language_follows_accept_language(void **state)
{
    static const struct {
        const char  *header;
        ehr_lang_e   lang;
    } cases[] = {
        { "", EHR_LANG_VI },
        { "vi", EHR_LANG_VI },
        { "en", EHR_LANG_EN },
        { "EN-us", EHR_LANG_EN },
        { "en-GB, en;q=0.9", EHR_LANG_EN },
        { "vi-VN,vi;q=0.9,en-US;q=0.8,en;q=0.7", EHR_LANG_VI },
        { "en-US,en;q=0.9,vi;q=0.8", EHR_LANG_EN },
        { "vi;q=0.2, en;q=0.21", EHR_LANG_EN },
        { "vi;q=0.211, en;q=0.21", EHR_LANG_VI },
        { "en, vi", EHR_LANG_VI },
        { "fr, en;q=0.1", EHR_LANG_EN },
        { "fr", EHR_LANG_VI },
        { "*", EHR_LANG_VI },
        { "vi;q=0.1, *;q=0.5", EHR_LANG_EN },
        { "en;q=0.1, *;q=0.5", EHR_LANG_VI },
        { "en;q=0", EHR_LANG_VI },
        { "vi;q=0, en;q=0", EHR_LANG_VI },
        { "vi;q=0, *", EHR_LANG_EN },
        { "\ten\t;\tq=1.000 ", EHR_LANG_EN },
        { "en;Q=1", EHR_LANG_EN },
        { ",,,en,,", EHR_LANG_EN },
        { "english", EHR_LANG_VI },
        { "en;q=2", EHR_LANG_VI },
        { "en;q=1.001", EHR_LANG_VI },
        { "en;q=0.1234", EHR_LANG_VI },
        { "en;q=", EHR_LANG_VI },
        { "en;q=-1", EHR_LANG_VI },
        { "en;level=1", EHR_LANG_VI },
        { "e", EHR_LANG_VI },
        { ";;;", EHR_LANG_VI },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (ehr_lang_negotiate(ehr_str(cases[i].header)) != cases[i].lang) {
            fail_msg("Accept-Language: %s", cases[i].header);
        }
    }
}


static void
ranges_beyond_the_bound_are_ignored(void **state)
{
    char  header[256] = "";

    for (int i = 0; i < 31; i++) {
        strcat(header, "fr,");
    }

    strcat(header, "en");
    assert_int_equal(ehr_lang_negotiate(ehr_str(header)), EHR_LANG_EN);

    memmove(header + 3, header, strlen(header) + 1);
    memcpy(header, "fr,", 3);
    assert_int_equal(ehr_lang_negotiate(ehr_str(header)), EHR_LANG_VI);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(every_row_is_complete_and_its_own),
        cmocka_unit_test(a_number_out_of_range_is_an_internal_error),
        cmocka_unit_test(statuses_of_nginx_have_their_problem),
        cmocka_unit_test(a_problem_without_findings_is_exactly_this),
        cmocka_unit_test(what_is_empty_is_left_out),
        cmocka_unit_test(a_finding_is_exactly_this_in_both_languages),
        cmocka_unit_test(no_findings_are_an_empty_array),
        cmocka_unit_test(a_finding_about_the_whole_document_names_no_place),
        cmocka_unit_test(findings_beyond_the_bound_are_counted_and_said),
        cmocka_unit_test(an_error_takes_the_place_of_the_last_warning),
        cmocka_unit_test(
            a_shorter_finding_of_an_older_plugin_is_read_to_its_end_only),
        cmocka_unit_test(without_memory_nothing_is_rendered_or_added),
        cmocka_unit_test(the_language_follows_accept_language),
        cmocka_unit_test(ranges_beyond_the_bound_are_ignored),
    };

    return cmocka_run_group_tests_name("problem", tests, setup, teardown);
}
