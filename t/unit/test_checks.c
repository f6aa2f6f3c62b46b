/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * All that is asked of a document, asked together: who is asked for which
 * kind, what becomes of several answers, and what of a document whose rules
 * take more time than it has.
 */

#include "documents.h"
#include "ehr_checks.h"
#include "ehr_severities.h"
#include "signatures.h"

#include <unistd.h>


#define VALIDATORS  4
#define TICK_NS     1000
#define TICKS_MAX   4000     /* more than the rules of claims need */
#define NOW_MS      INT64_C(1767870000000)   /* 2026-01-08 */


static ehr_kind_validator_t     validators[VALIDATORS];
static size_t                   nvalidators;
static ehr_signature_policy_t  *policies[EHR_KIND_LAST];
static int64_t                  clock_ns;
static ehr_str_t                sample;


/* A clock that goes on whenever it is looked at. */

static int64_t
ticking(void)
{
    return clock_ns += TICK_NS;
}


static void
validator_begin(ehr_kind_e kind, const char *path, const ehr_setting_t *set)
{
    char                  doubt[512];
    ehr_validator_conf_t  conf = { path, set, set ? 1 : 0, 0 };
    ehr_validator_t      *v = ehr_validator_open(&conf, doubt, sizeof(doubt));

    if (v == NULL) {
        fail_msg("%s", doubt);
    }

    assert_true(nvalidators < VALIDATORS);
    validators[nvalidators].kind = kind;
    validators[nvalidators++].validator = v;
}


static void
odd_begin(ehr_kind_e kind, const char *does)
{
    static ehr_setting_t  settings[VALIDATORS];

    settings[nvalidators].name = "do";
    settings[nvalidators].value = does;
    validator_begin(kind, EHR_OUT "/t/plugins/odd-NONE.so",
                    &settings[nvalidators]);
}


/* Signatures of claims, of a CA that has signed nothing. */

static void
policy_begin(ehr_signature_mode_e mode)
{
    char                       path[64], error[EHR_SIGNATURE_ERROR_MAX];
    signer_wanted_t            wanted = { .name = "CA", .is_ca = 1,
                                          .to_sec = SIGN_YEAR };
    signer_t                   ca = signer_make(&wanted, EVP_EC_gen("P-256"));
    const signer_t            *list[] = { &ca, NULL };
    ehr_signature_settings_t   settings = { .kind = EHR_KIND_CLAIM,
                                            .mode = mode, .ca_path = path };

    (void) snprintf(path, sizeof(path), "/tmp/ehr-checks-%d.pem",
                    (int) getpid());
    signer_save(path, list);
    policies[EHR_KIND_CLAIM] = ehr_signature_policy_load(&settings, error);
    assert_non_null(policies[EHR_KIND_CLAIM]);
    (void) unlink(path);
    signer_drop(&ca);
}


static int
checks_end(void **state)
{
    while (nvalidators > 0) {
        ehr_validator_close(validators[--nvalidators].validator);
    }

    ehr_signature_policy_free(policies[EHR_KIND_CLAIM]);
    policies[EHR_KIND_CLAIM] = NULL;

    return 0;
}


static doc_read_t
check_input(const ehr_document_input_t *in)
{
    doc_read_t    r;
    ehr_checks_t  checks = { validators, nvalidators, policies, NOW_MS, NULL };

    memset(&r, 0, sizeof(r));
    r.arena = ehr_arena_create(DOC_ARENA);
    r.rc = ehr_document_check(in, &checks, r.arena, &r.doc);

    return r;
}


/* ticks: how often it may look at the clock; 0: as often as it likes. */

static doc_read_t
check_as(ehr_str_t content, int64_t ticks, const char *facility)
{
    ehr_document_input_t  in = { .content = content,
                                 .content_form = EHR_CONTENT_XML,
                                 .facility = ehr_str(facility) };

    clock_ns = 0;
    in.cpu_now_ns = ticking;
    in.deadline_ns = ticks * TICK_NS;

    return check_input(&in);
}


static doc_read_t
check(ehr_str_t content, int64_t ticks)
{
    return check_as(content, ticks, DOC_FACILITY);
}


static int
has_code(const doc_read_t *r, const char *code)
{
    return doc_finding(r, code, 0) != NULL;
}


static void
validators_are_asked_about_their_kind_alone(void **state)
{
    doc_read_t  r;

    odd_begin(EHR_KIND_CHECKIN, "one");
    odd_begin(EHR_KIND_CLAIM, "nothing");

    r = check(sample, 0);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.findings.n, 0);
    doc_done(&r);

    validators[1].kind = EHR_KIND_CHECKIN;
    validators[0].kind = EHR_KIND_CLAIM;
    r = check(sample, 0);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.findings.n, 2);
    doc_done(&r);
}


static void
one_that_breaks_ends_it_whatever_others_say(void **state)
{
    doc_read_t  r;

    odd_begin(EHR_KIND_CLAIM, "one");
    odd_begin(EHR_KIND_CLAIM, "fail");
    odd_begin(EHR_KIND_CLAIM, "nothing");
    policy_begin(EHR_SIGNATURE_WHEN_PRESENT);

    r = check(sample, 0);
    assert_int_equal(r.rc, EHR_BROKEN);
    doc_done(&r);
}


static void
a_missing_signature_is_the_problem_of_a_good_document(void **state)
{
    doc_read_t  r;

    odd_begin(EHR_KIND_CLAIM, "nothing");
    policy_begin(EHR_SIGNATURE_REQUIRED);

    r = check(sample, 0);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_SIGNATURE_REQUIRED);
    assert_true(has_code(&r, "signature.missing"));
    doc_done(&r);
}


static void
wrong_fields_stay_the_problem_and_both_are_told(void **state)
{
    doc_read_t  r;

    odd_begin(EHR_KIND_CLAIM, "one");
    policy_begin(EHR_SIGNATURE_REQUIRED);

    r = check(sample, 0);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_INVALID);
    assert_true(has_code(&r, "signature.missing"));
    assert_non_null(doc_finding(&r, "xml2.don_gia.x1", 2));
    doc_done(&r);
}


/* Papers that no table describes alone: nothing of it was read. */

static void
a_document_that_nobody_could_tell_again_is_refused(void **state)
{
    ehr_str_t   s = doc_file("voucher-99001.xml");
    doc_read_t  r;

    r = check_as(s, 0, "99001");
    assert_int_equal(r.rc, EHR_OK);
    assert_true(r.doc.business_key.len > 0);
    doc_done(&r);

    s = doc_swap(s, ">CT03<", ">CT99<");
    r = check_as(s, 0, "99001");
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_INVALID);
    assert_non_null(doc_finding(&r, "hschungtu.loaihoso.unchecked", 1));
    assert_true(has_code(&r, "document.key.missing"));
    doc_done(&r);
    doc_free(s);
}


/* Each has a number, the file has none. */

static void
several_vouchers_in_one_file_are_accepted(void **state)
{
    ehr_str_t   s = doc_vouchers("2");
    doc_read_t  r = check_as(s, 0, "99001");

    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.doc.business_key.len, 0);
    doc_done(&r);
    doc_free(s);
}


/* It says which field is wrong, and that is enough. */

static void
a_missing_number_is_told_once(void **state)
{
    ehr_str_t   s = doc_file("checkin-99001.xml");
    doc_read_t  r;

    s = doc_swap(s, "<MA_LK>99001-20260105-0001", "<MA_LK>");
    r = check_as(s, 0, "99001");
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_non_null(doc_finding(&r, "checkin.ma_lk.missing", 1));
    assert_false(has_code(&r, "document.key.missing"));
    doc_done(&r);
    doc_free(s);
}


typedef struct {
    const char  *file;
    const char  *number;      /* all of it that is taken away */
} numbered_t;


static void
expect_needed(const numbered_t *n, const ehr_severities_t *severities)
{
    ehr_str_t             s = doc_file(n->file);
    int                   is_json = strstr(n->file, ".json") != NULL;
    ehr_document_input_t  in = {
        .content_form = is_json ? EHR_CONTENT_JSON : EHR_CONTENT_XML,
        .facility = ehr_str("99001"), .severities = severities
    };
    doc_read_t            r;

    in.content = s;
    r = check_input(&in);
    assert_int_equal(r.rc, EHR_OK);
    assert_true(r.doc.business_key.len > 0);
    doc_done(&r);

    s = doc_swap(s, n->number, "");
    in.content = s;
    r = check_input(&in);

    if (r.rc != EHR_REFUSED || !has_code(&r, "document.key.missing")) {
        doc_print(&r);
        fail_msg("%s: accepted without a number", n->file);
    }

    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_INVALID);
    doc_done(&r);
    doc_free(s);
}


/* A correction would go its own way beside what it corrects. */

static void
no_setting_makes_a_number_needless(void **state)
{
    static const numbered_t  rows[] = {
        { "checkin-99001.xml", "99001-20260105-0001" },
        { "birth-99001.xml", "00001.GCS.99001.26" },
        { "death-99001.xml", "00001.GBT.99001.26" },
        { "medical-assessment-99001.xml", "0001/GDYK/2026" },
        { "driver-exam-99001.xml", "00001/GKSKLX/99001/26" },
        { "driver-exam-99001.xml", "<HANGBANGLAI>B</HANGBANGLAI>" },
        { "driver-exam-99001.json", "00001/GKSKLX/99001/26" },
        { "prescription-99001.json", "99001abc12de-c" }
    };

    ehr_severities_t  severities = { NULL, 0, 0 };
    ehr_str_t         rule = ehr_str("T.required");

    assert_int_equal(ehr_severities_add(&severities, rule,
                                        EHR_SEVERITY_OFF), EHR_OK);
    assert_int_equal(ehr_severities_add(&severities, ehr_str("T.key"),
                                        EHR_SEVERITY_OFF), EHR_OK);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect_needed(&rows[i], &severities);
    }

    ehr_severities_free(&severities);
}


static void
a_validator_that_waits_for_ever_is_stopped_and_told(void **state)
{
    doc_read_t  r;

    odd_begin(EHR_KIND_CLAIM, "wait");

    r = check(sample, 500);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.doc.problem, EHR_PROBLEM_DOCUMENT_INVALID);
    assert_true(has_code(&r, "document.xml.cost"));
    doc_done(&r);

    r = check(sample, 0);
    assert_int_equal(r.rc, EHR_OK);
    doc_done(&r);
}


/* Wherever time ends: in the reading, before any of the rules, never. */

static void
a_document_without_time_for_all_its_rules_is_refused(void **state)
{
    doc_read_t  r;
    int64_t     reading, looks;

    r = check(sample, TICKS_MAX);
    assert_int_equal(r.rc, EHR_OK);
    reading = clock_ns / TICK_NS;
    doc_done(&r);

    validator_begin(EHR_KIND_CLAIM, EHR_OUT "/plugins/claims.so", NULL);

    r = check(sample, TICKS_MAX);
    assert_int_equal(r.rc, EHR_OK);
    looks = clock_ns / TICK_NS;
    doc_done(&r);

    /* a look before each rule: there are more than a hundred */
    assert_true(looks > reading + 100);

    for (int64_t ticks = 1; ticks < looks; ticks++) {
        r = check(sample, ticks);
        assert_int_equal(r.rc, EHR_REFUSED);
        assert_int_equal(r.doc.problem, ticks < reading
                         ? EHR_PROBLEM_DOCUMENT_MALFORMED
                         : EHR_PROBLEM_DOCUMENT_INVALID);
        doc_done(&r);
    }

    r = check(sample, looks);
    assert_int_equal(r.rc, EHR_OK);
    doc_done(&r);
}


#define TEST(test)  cmocka_unit_test_teardown(test, checks_end)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        TEST(validators_are_asked_about_their_kind_alone),
        TEST(one_that_breaks_ends_it_whatever_others_say),
        TEST(a_missing_signature_is_the_problem_of_a_good_document),
        TEST(wrong_fields_stay_the_problem_and_both_are_told),
        TEST(a_document_that_nobody_could_tell_again_is_refused),
        TEST(several_vouchers_in_one_file_are_accepted),
        TEST(a_missing_number_is_told_once),
        TEST(no_setting_makes_a_number_needless),
        TEST(a_validator_that_waits_for_ever_is_stopped_and_told),
        TEST(a_document_without_time_for_all_its_rules_is_refused)
    };

    int  nfailed;

    sample = doc_file("sample-claim-envelope.xml");
    nfailed = cmocka_run_group_tests(tests, NULL, NULL);
    doc_free(sample);

    return nfailed;
}
