/* SPDX-License-Identifier: BSD-2-Clause */

/* A facility as an administrator sends it and as it is shown. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "certificates.h"
#include "ehr_document.h"
#include "ehr_facility.h"


#define DAY  (24 * 3600)


typedef struct {
    ehr_facility_input_t  in;
    ehr_findings_t        findings;
} sent_t;


static int
setup(void **state)
{
    sent_t  *sent = calloc(1, sizeof(sent_t));

    sent->in.arena = ehr_arena_create(1024 * 1024);
    sent->in.now_ms = (int64_t) time(NULL) * 1000;
    sent->in.findings = &sent->findings;
    sent->findings.arena = sent->in.arena;

    *state = sent;

    return 0;
}


static int
teardown(void **state)
{
    sent_t  *sent = *state;

    ehr_arena_destroy(sent->in.arena);
    free(sent);

    return 0;
}


static ehr_rc_t
read_facility(sent_t *sent, const char *json, ehr_facility_t *fac)
{
    memset(&sent->findings, 0, sizeof(ehr_findings_t));
    sent->findings.arena = sent->in.arena;
    sent->in.json = ehr_str(json);

    return ehr_facility_read(&sent->in, fac);
}


static void
assert_only_finding(sent_t *sent, const char *code)
{
    assert_int_equal(sent->findings.n, 1);
    assert_true(ehr_str_is(sent->findings.items[0].code, code));
}


static void
a_whole_facility_is_read(void **state)
{
    sent_t          *sent = *state;
    ehr_facility_t   fac;

    assert_int_equal(
        read_facility(sent,
                      "{\"code\":\"99001\",\"name\":\"Bệnh viện Thử\","
                      "\"standard\":\"qd3176\",\"kinds\":[\"claim\","
                      "\"checkin\"],\"rate\":\"50r/s\",\"burst\":100}",
                      &fac),
        EHR_OK);

    assert_true(ehr_str_is(fac.code, "99001"));
    assert_true(ehr_str_is(fac.name, "Bệnh viện Thử"));
    assert_true(ehr_str_is(fac.standard, "qd3176"));
    assert_int_equal(fac.kinds,
                     1 << EHR_KIND_CLAIM | 1 << EHR_KIND_CHECKIN);
    assert_int_equal(fac.rate_milli, 50000);
    assert_int_equal(fac.burst, 100);
    assert_int_equal(fac.ncerts, 0);
}


static void
code_and_name_are_enough(void **state)
{
    sent_t          *sent = *state;
    ehr_facility_t   fac;

    assert_int_equal(
        read_facility(sent, "{\"code\":\"99001\",\"name\":\"a\"}", &fac),
        EHR_OK);

    assert_int_equal(fac.kinds, 0);
    assert_int_equal(fac.rate_milli, 0);
    assert_int_equal(fac.burst, 0);
    assert_int_equal(fac.standard.len, 0);
}


static void
what_is_no_json_object_is_refused(void **state)
{
    sent_t          *sent = *state;
    ehr_facility_t   fac;

    const char *const  bad[] = {
        "", "[]", "null", "{", "{\"code\":\"1\"} x", "\"code\"",
        "{\"code\":\"1\",\"code\":\"2\",\"name\":\"a\"}",
        "{\"code\":\"1\",\"name\":\"\\u0000\"}",
        "{\"code\":\"1\",\"name\":\"\xff\"}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(read_facility(sent, bad[i], &fac), EHR_REFUSED);
        assert_only_finding(sent, "body.malformed");
    }
}


static void
one_wrong_member_is_named(void **state)
{
    sent_t          *sent = *state;
    char             json[1024];
    ehr_facility_t   fac;

    const struct {
        const char  *member;
        const char  *code;
    } bad[] = {
        { "\"standard\":\"qd4210\"", "standard.invalid" },
        { "\"standard\":3176", "standard.type" },
        { "\"standard\":null", "standard.type" },
        { "\"kinds\":\"claim\"", "kinds.type" },
        { "\"kinds\":[1]", "kinds.type" },
        { "\"kinds\":[\"claims\"]", "kinds.invalid" },
        { "\"kinds\":[\"claim\",\"claim\"]", "kinds.invalid" },
        { "\"rate\":50", "rate.type" },
        { "\"rate\":\"50\"", "rate.invalid" },
        { "\"burst\":\"5\"", "burst.type" },
        { "\"burst\":5.0", "burst.type" },
        { "\"burst\":true", "burst.type" },
        { "\"burst\":0", "burst.range" },
        { "\"burst\":-1", "burst.range" },
        { "\"burst\":1000001", "burst.range" },
        { "\"version\":1", "body.unknown" },
        { "\"Code\":\"1\"", "body.unknown" },
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void) snprintf(json, sizeof(json),
                        "{\"code\":\"99001\",\"name\":\"a\",%s}",
                        bad[i].member);

        assert_int_equal(read_facility(sent, json, &fac), EHR_REFUSED);
        assert_only_finding(sent, bad[i].code);
    }
}


static void
wrong_codes_and_names_are_refused(void **state)
{
    sent_t          *sent = *state;
    ehr_facility_t   fac;

    const struct {
        const char  *json;
        const char  *code;
    } bad[] = {
        { "{\"name\":\"a\"}", "code.missing" },
        { "{\"code\":\"99001\"}", "name.missing" },
        { "{\"code\":99001,\"name\":\"a\"}", "code.type" },
        { "{\"code\":\"\",\"name\":\"a\"}", "code.invalid" },
        { "{\"code\":\"99/01\",\"name\":\"a\"}", "code.invalid" },
        { "{\"code\":\"99001 \",\"name\":\"a\"}", "code.invalid" },
        { "{\"code\":\"12345678901234567\",\"name\":\"a\"}", "code.invalid" },
        { "{\"code\":\"99001\",\"name\":\"\"}", "name.invalid" },
        { "{\"code\":\"99001\",\"name\":\"a\\nb\"}", "name.invalid" },
        { "{\"code\":\"99001\",\"name\":\"\\u007f\"}", "name.invalid" },
        { "{\"code\":\"99001\",\"name\":[\"a\"]}", "name.type" },
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(read_facility(sent, bad[i].json, &fac), EHR_REFUSED);
        assert_only_finding(sent, bad[i].code);
    }
}


static void
all_errors_are_told_at_once_and_repeat_no_value(void **state)
{
    sent_t          *sent = *state;
    ehr_str_t        text;
    ehr_facility_t   fac;

    assert_int_equal(
        read_facility(sent,
                      "{\"code\":\"CANARY-1\",\"rate\":\"CANARY\","
                      "\"burst\":0,\"CANARY\":1}",
                      &fac),
        EHR_REFUSED);

    assert_int_equal(sent->findings.n, 5);

    text = ehr_findings_render(&sent->findings, EHR_LANG_EN, sent->in.arena);
    assert_non_null(text.data);
    assert_null(memmem(text.data, text.len, "CANARY", 6));
}


static void
rates_are_read_and_written_the_same(void **state)
{
    char     text[EHR_RATE_TEXT];
    int64_t  rate;

    const struct {
        const char  *text;
        int64_t      rate;
        const char  *shown;
    } good[] = {
        { "off", -1, "off" },
        { "1r/s", 1000, "1r/s" },
        { "50r/s", 50000, "50r/s" },
        { "1000000r/s", 1000000000, "1000000r/s" },
        { "1r/m", 17, "1r/m" },
        { "60r/m", 1000, "1r/s" },
        { "90r/m", 1500, "90r/m" },
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(ehr_rate_parse(ehr_str(good[i].text), &rate),
                         EHR_OK);
        assert_int_equal(rate, good[i].rate);

        ehr_rate_render(rate, text);
        assert_string_equal(text, good[i].shown);
    }

    ehr_rate_render(0, text);
    assert_string_equal(text, "");

    for (int64_t n = 1; n < 1000; n++) {
        (void) snprintf(text, sizeof(text), "%dr/m", (int) n);
        assert_int_equal(ehr_rate_parse(ehr_str(text), &rate), EHR_OK);

        ehr_rate_render(rate, text);
        assert_int_equal(n, strstr(text, "r/s") ? atoi(text) * 60
                                                : atoi(text));
    }
}


static void
wrong_rates_are_refused(void **state)
{
    int64_t  rate;

    const char *const  bad[] = {
        "", "r/s", "0r/s", "05r/s", "-1r/s", "+1r/s", "1r/h", "1 r/s",
        "1r/s ", "1r/ss", "1", "1000001r/s", "99999999999999999999r/s",
        "OFF", "1.5r/s",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ehr_rate_parse(ehr_str(bad[i]), &rate), EHR_REFUSED);
    }
}


static void
a_reason_is_required_and_bounded(void **state)
{
    sent_t     *sent = *state;
    char        json[1024];
    ehr_str_t   reason;

    sent->in.json = ehr_str("{\"reason\":\"hết hợp đồng\"}");
    assert_int_equal(ehr_facility_read_reason(&sent->in, &reason), EHR_OK);
    assert_true(ehr_str_is(reason, "hết hợp đồng"));

    sent->in.json = ehr_str("{}");
    assert_int_equal(ehr_facility_read_reason(&sent->in, &reason),
                     EHR_REFUSED);
    assert_only_finding(sent, "reason.missing");

    (void) snprintf(json, sizeof(json), "{\"reason\":\"%0501d\"}", 1);
    sent->in.json = ehr_str(json);
    assert_int_equal(ehr_facility_read_reason(&sent->in, &reason),
                     EHR_REFUSED);
}


static void
resume_takes_an_empty_object_or_nothing(void **state)
{
    sent_t  *sent = *state;

    sent->in.json = ehr_str("");
    assert_int_equal(ehr_facility_read_empty(&sent->in), EHR_OK);

    sent->in.json = ehr_str(" {} ");
    assert_int_equal(ehr_facility_read_empty(&sent->in), EHR_OK);

    sent->in.json = ehr_str("{\"a\":1}");
    assert_int_equal(ehr_facility_read_empty(&sent->in), EHR_REFUSED);
    assert_only_finding(sent, "body.unknown");
}


static ehr_rc_t
read_certificate(sent_t *sent, const char *pem, ehr_certificate_t *cert)
{
    ehr_json_t  json;

    memset(&sent->findings, 0, sizeof(ehr_findings_t));
    sent->findings.arena = sent->in.arena;

    ehr_json_begin(&json, sent->in.arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_text(&json, "certificate", pem);
    ehr_json_close(&json, '}');

    sent->in.json = ehr_json_end(&json);

    return ehr_facility_read_certificate(&sent->in, cert);
}


static void
a_certificate_is_read_and_a_key_is_not(void **state)
{
    sent_t               *sent = *state;
    char                  pem[CERTIFICATE_PEM_MAX], key[CERTIFICATE_PEM_MAX];
    ehr_certificate_t     cert;
    certificate_wanted_t  wanted = { "99001", -DAY, DAY };

    certificate_make(&wanted, pem, key);

    assert_int_equal(read_certificate(sent, pem, &cert), EHR_OK);
    assert_true(ehr_str_is(cert.subject, "CN=99001,O=Test"));
    assert_int_equal(cert.added_ms, sent->in.now_ms);

    assert_int_equal(read_certificate(sent, key, &cert), EHR_REFUSED);
    assert_only_finding(sent, "certificate.private-key");

    assert_int_equal(read_certificate(sent, "x", &cert), EHR_REFUSED);
    assert_only_finding(sent, "certificate.invalid");

    wanted.to_sec = -1;
    certificate_make(&wanted, pem, NULL);
    assert_int_equal(read_certificate(sent, pem, &cert), EHR_REFUSED);
    assert_only_finding(sent, "certificate.expired");
}


static void
a_facility_is_shown_whole(void **state)
{
    sent_t          *sent = *state;
    ehr_str_t        text;
    ehr_json_t       json;
    ehr_facility_t   fac;

    memset(&fac, 0, sizeof(fac));
    fac.code = ehr_str("99001");
    fac.name = ehr_str("Bệnh viện \"Thử\"");
    fac.kinds = 1 << EHR_KIND_CLAIM;
    fac.rate_milli = -1;
    fac.version = 3;
    fac.is_suspended = 1;
    fac.suspended_reason = ehr_str("x");
    fac.ncerts = 1;
    fac.certs[0].subject = ehr_str("CN=99001");
    fac.certs[0].sha256[0] = 0xab;

    ehr_json_begin(&json, sent->in.arena);
    ehr_facility_write(&json, NULL, &fac);
    text = ehr_json_end(&json);

    assert_string_equal(
        text.data,
        "{\"code\":\"99001\",\"name\":\"Bệnh viện \\\"Thử\\\"\","
        "\"standard\":\"\",\"kinds\":[\"claim\"],\"state\":\"suspended\","
        "\"suspended_reason\":\"x\",\"rate\":\"off\",\"burst\":0,"
        "\"version\":3,\"changed_at\":\"1970-01-01T00:00:00.000Z\","
        "\"certificates\":[{\"sha256\":\"ab000000000000000000000000000000"
        "00000000000000000000000000000000\",\"subject\":\"CN=99001\","
        "\"not_after\":\"1970-01-01T00:00:00.000Z\","
        "\"added_at\":\"1970-01-01T00:00:00.000Z\"}]}");
}


#define facility_test(f)  cmocka_unit_test_setup_teardown(f, setup, teardown)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        facility_test(a_whole_facility_is_read),
        facility_test(code_and_name_are_enough),
        facility_test(what_is_no_json_object_is_refused),
        facility_test(one_wrong_member_is_named),
        facility_test(wrong_codes_and_names_are_refused),
        facility_test(all_errors_are_told_at_once_and_repeat_no_value),
        facility_test(rates_are_read_and_written_the_same),
        facility_test(wrong_rates_are_refused),
        facility_test(a_reason_is_required_and_bounded),
        facility_test(resume_takes_an_empty_object_or_nothing),
        facility_test(a_certificate_is_read_and_a_key_is_not),
        facility_test(a_facility_is_shown_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
