/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The host of validators against plugins that are wrong in one way each, and
 * against one that fails, floods or lies: a doubt stops the start, a failure
 * never accepts, a setting decides how severe a rule is.
 */

#include "documents.h"
#include "ehr_validators.h"


#define DOUBT  512


static ehr_str_t  sample;


static ehr_validator_t *
open_with(const char *variant, const ehr_setting_t *settings, size_t n,
          char *doubt)
{
    char                  path[512];
    ehr_validator_conf_t  conf = { path, settings, n, 0 };

    (void) snprintf(path, sizeof(path), EHR_OUT "/t/plugins/odd-%s.so",
                    variant);
    doubt[0] = '\0';

    return ehr_validator_open(&conf, doubt, DOUBT);
}


static void
expect_doubt(const char *variant, const char *words)
{
    char              doubt[DOUBT];
    ehr_validator_t  *v = open_with(variant, NULL, 0, doubt);

    if (v != NULL || strstr(doubt, words) == NULL) {
        fail_msg("%s: \"%s\" lacks \"%s\"", variant, doubt, words);
    }
}


static void
a_plugin_without_a_doubt_is_opened(void **state)
{
    char              doubt[DOUBT];
    ehr_validator_t  *v = open_with("NONE", NULL, 0, doubt);

    assert_string_equal(doubt, "");
    assert_non_null(v);
    assert_string_equal(ehr_validator_plugin(v)->name, "odd");
    assert_true(ehr_validator_takes(v, EHR_KIND_CLAIM));
    assert_false(ehr_validator_takes(v, EHR_KIND_CHECKIN));
    assert_false(ehr_validator_takes(v, EHR_KIND_UNKNOWN));
    ehr_validator_close(v);
    ehr_validator_close(NULL);
}


static void
every_doubt_about_a_plugin_is_said(void **state)
{
    expect_doubt("nowhere", "cannot open");
    expect_doubt("SYMBOL", "exports no");
    expect_doubt("MAJOR", "was built with version 2.2 of ehr_plugin.h: "
                          "1.1 to 1.2 fit");
    expect_doubt("MINOR", "was built with version 1.3 of");
    expect_doubt("FIRST", "was built with version 1.0 of");
    expect_doubt("SHORT", "has not the size of its version");
    expect_doubt("LONG", "has not the size of its version");
    expect_doubt("SIZE", "other sizes");
    expect_doubt("FLAGS", "flags that nobody knows");
    expect_doubt("NAME", "no name");
    expect_doubt("PARTNER", "is not a validator");
    expect_doubt("DIGEST", "other tables of fields");
    expect_doubt("KIND", "unknown kind");
    expect_doubt("KINDS", "no kind");
    expect_doubt("TWICE", "two rules of one id");
    expect_doubt("SENTENCE", "without class, sentences or source");
}


static void
expect_setting(const char *name, const char *value, const char *words)
{
    ehr_setting_t     setting = { name, value };
    char              doubt[DOUBT];
    ehr_validator_t  *v = open_with("NONE", &setting, 1, doubt);

    if (words == NULL) {
        assert_non_null(v);

    } else if (v != NULL || strstr(doubt, words) == NULL) {
        fail_msg("%s=%s: \"%s\"", name, value, doubt);
    }

    ehr_validator_close(v);
}


static void
settings_are_checked_before_any_document(void **state)
{
    expect_setting("rule.X1", "warning", NULL);
    expect_setting("rule.X1", "error", NULL);
    expect_setting("rule.X1", "off", NULL);
    expect_setting("rule.X1", "on", "error, warning or off");
    expect_setting("rule.X1", "", "error, warning or off");
    expect_setting("rule.X9", "off", "no rule");
    expect_setting("rule.", "off", "no rule");
    expect_setting("do", "nothing", NULL);
    expect_setting("do", "complain", "\"odd\": set.do is complain");
}


static void
one_setting_given_twice_is_a_doubt(void **state)
{
    ehr_setting_t  settings[3] = { { "rule.X1", "off" }, { "do", "one" },
                                   { "rule.X1", "error" } };
    char           doubt[DOUBT];

    assert_null(open_with("NONE", settings, 3, doubt));
    assert_non_null(strstr(doubt, "one setting twice"));
}


/* --- running ------------------------------------------------------------- */


static ehr_rc_t
run(ehr_str_t content, const ehr_setting_t *settings, size_t n, doc_read_t *r)
{
    char               doubt[DOUBT];
    ehr_validator_t   *v = open_with("NONE", settings, n, doubt);
    ehr_validation_t   in;
    ehr_rc_t           rc;

    assert_non_null(v);
    *r = doc_read(content);
    assert_true(ehr_document_is_whole(&r->doc));

    in.content = content;
    in.arena = r->arena;
    in.now_ms = 0;
    in.deadline_ns = 0;
    rc = ehr_validator_run(v, &in, &r->doc);
    ehr_validator_close(v);

    return rc;
}


static void
a_failed_plugin_breaks_its_document(void **state)
{
    static const char *const  ways[] = { "fail", "size" };

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        ehr_setting_t  setting = { "do", ways[i] };
        doc_read_t     r;

        assert_int_equal(run(sample, &setting, 1, &r), EHR_BROKEN);
        doc_done(&r);
    }
}


static void
findings_get_their_code_path_and_severity(void **state)
{
    ehr_setting_t         setting = { "do", "one" };
    const ehr_finding_t  *f;
    doc_read_t            r;

    assert_int_equal(run(sample, &setting, 1, &r), EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_INVALID);
    assert_int_equal(r.doc.findings.n, 2);
    assert_int_equal(r.doc.findings.nerrors, 1);

    f = doc_finding(&r, "xml2.don_gia.x1", 2);
    assert_non_null(f);
    assert_int_equal(f->line, 7);
    assert_true(ehr_str_is(f->path, "/CHITIEU_CHITIET_THUOC"
                           "/DSACH_CHI_TIET_THUOC/CHI_TIET_THUOC[2]"
                           "/DON_GIA"));
    assert_non_null(doc_finding(&r, "xml2.don_gia.x2", 2));
    doc_done(&r);
}


static void
a_validator_of_an_older_header_works(void **state)
{
    ehr_validator_conf_t  conf = { EHR_OUT "/t/plugins/old.so", NULL, 0, 0 };
    char                  doubt[DOUBT] = "";
    ehr_validator_t      *v = ehr_validator_open(&conf, doubt, DOUBT);
    doc_read_t            r = doc_read(sample);
    ehr_validation_t      in = { sample, r.arena, 0, 0, NULL };

    assert_string_equal(doubt, "");
    assert_non_null(v);
    assert_int_equal(ehr_validator_plugin(v)->abi_minor, 1);
    assert_true(ehr_validator_plugin(v)->abi_minor < EHR_ABI_MINOR);
    assert_int_equal(ehr_validator_run(v, &in, &r.doc), EHR_OK);
    assert_non_null(doc_finding(&r, "old.opinion", 0));
    assert_int_equal(r.doc.findings.n, 1);
    ehr_validator_close(v);
    doc_done(&r);
}


static void
the_administrators_severity_goes_before_the_rules(void **state)
{
    ehr_setting_t  settings[3] = { { "do", "one" }, { "rule.X1", "warning" },
                                   { "rule.X2", "off" } };
    doc_read_t     r;

    assert_int_equal(run(sample, settings, 3, &r), EHR_OK);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_NONE);
    assert_int_equal(r.doc.findings.n, 1);
    assert_int_equal(r.doc.findings.items[0].severity, EHR_SEVERITY_WARNING);
    doc_done(&r);

    settings[1].value = "off";
    settings[2].value = "error";
    assert_int_equal(run(sample, settings, 3, &r), EHR_REFUSED);
    assert_int_equal(r.doc.findings.n, 1);
    assert_non_null(doc_finding(&r, "xml2.don_gia.x2", 2));
    doc_done(&r);
}


static void
a_flood_of_findings_is_counted_and_not_kept(void **state)
{
    ehr_setting_t  setting = { "do", "many" };
    doc_read_t     r;

    assert_int_equal(run(sample, &setting, 1, &r), EHR_REFUSED);
    assert_int_equal(r.doc.findings.n, EHR_FINDINGS_MAX);
    assert_int_equal(r.doc.findings.nerrors, 1000);
    assert_true(ehr_arena_used(r.arena) < 1024 * 1024);
    doc_done(&r);
}


static void
wrong_fields_and_failed_rules_are_told_together(void **state)
{
    ehr_setting_t     setting = { "do", "one" };
    ehr_str_t         wrong = doc_file("claim-99001-wrong.xml");
    char              doubt[DOUBT];
    ehr_validator_t  *v = open_with("NONE", &setting, 1, doubt);
    doc_read_t        r = doc_read_as(wrong, "99001", "");
    ehr_validation_t  in = { wrong, r.arena, 0, 0, NULL };
    size_t            before = r.doc.findings.nerrors;

    assert_non_null(v);
    assert_true(before > 0);
    assert_true(ehr_document_is_whole(&r.doc));
    assert_int_equal(ehr_validator_run(v, &in, &r.doc), EHR_REFUSED);
    assert_int_equal(r.doc.findings.nerrors, before + 1);
    ehr_validator_close(v);
    doc_done(&r);
    doc_free(wrong);
}


static void
what_cannot_be_read_is_not_shown_to_validators(void **state)
{
    ehr_str_t   cut = { sample.data, sample.len / 2 };
    doc_read_t  r = doc_read(cut);

    assert_int_equal(r.rc, EHR_REFUSED);
    assert_false(ehr_document_is_whole(&r.doc));
    doc_done(&r);

    r = doc_read_as(sample, "99001", "");
    assert_int_equal(r.doc.problem, EHR_PROBLEM_FACILITY_MISMATCH);
    assert_false(ehr_document_is_whole(&r.doc));
    doc_done(&r);
}


static int
load(void **state)
{
    sample = doc_file("sample-claim-envelope.xml");

    return 0;
}


static int
unload(void **state)
{
    doc_free(sample);

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_plugin_without_a_doubt_is_opened),
        cmocka_unit_test(every_doubt_about_a_plugin_is_said),
        cmocka_unit_test(settings_are_checked_before_any_document),
        cmocka_unit_test(one_setting_given_twice_is_a_doubt),
        cmocka_unit_test(a_failed_plugin_breaks_its_document),
        cmocka_unit_test(findings_get_their_code_path_and_severity),
        cmocka_unit_test(a_validator_of_an_older_header_works),
        cmocka_unit_test(the_administrators_severity_goes_before_the_rules),
        cmocka_unit_test(a_flood_of_findings_is_counted_and_not_kept),
        cmocka_unit_test(wrong_fields_and_failed_rules_are_told_together),
        cmocka_unit_test(what_cannot_be_read_is_not_shown_to_validators)
    };

    return cmocka_run_group_tests(tests, load, unload);
}
