/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The insurance plugin behind its ABI, as a host sees it: every case of
 * plugins/insurance/cases is a test of its own name; what no case can say
 * (memory that runs out, large documents, settings) is below in C.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dlfcn.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "ehr_plugin.h"


#define CASES       EHR_TOP "/plugins/insurance/cases/"
#define NOW_MS      1767573000000LL    /* 2026-01-05T00:30:00Z */
#define MAX_TESTS   300
#define MAX_ALLOCS  64


/* --- a host of a few lines --- */

struct ehr_call_s {
    void          *allocs[MAX_ALLOCS];
    int            nallocs;
    int            fail_at;      /* the allocation that fails; -1: none */
    const json_t  *settings;
};


static const ehr_plugin_t  *plugin;


static void *
host_alloc(ehr_call_t *call, size_t size)
{
    if (call->nallocs == call->fail_at) {
        return NULL;
    }

    assert_true(call->nallocs < MAX_ALLOCS);

    call->allocs[call->nallocs] = malloc(size ? size : 1);
    assert_non_null(call->allocs[call->nallocs]);

    return call->allocs[call->nallocs++];
}


static int64_t
host_now_ms(ehr_call_t *call)
{
    return NOW_MS;
}


static const char *
host_setting(ehr_call_t *call, const char *name)
{
    return json_string_value(json_object_get(call->settings, name));
}


static int
host_finding(ehr_call_t *call, const ehr_finding_t *finding)
{
    fail_msg("a partner plugin has no findings");
    return -1;
}


static const ehr_host_t  host = {
    sizeof(ehr_host_t), EHR_ABI_MAJOR, EHR_ABI_MINOR, 0,
    host_alloc, host_now_ms, host_setting, host_finding, NULL
};


static void
call_begin(ehr_call_t *call, const json_t *settings)
{
    memset(call, 0, sizeof(*call));
    call->fail_at = -1;
    call->settings = settings;
}


static void
call_end(ehr_call_t *call)
{
    while (call->nallocs > 0) {
        free(call->allocs[--call->nallocs]);
    }
}


/* --- from JSON to the structures of the ABI --- */

static ehr_str_t
str(const char *text)
{
    return (ehr_str_t){ text, strlen(text) };
}


static ehr_str_t
member(const json_t *object, const char *name, const char *otherwise)
{
    const json_t  *value;

    value = json_object_get(object, name);

    return json_is_string(value)
               ? (ehr_str_t){ json_string_value(value),
                              json_string_length(value) }
               : str(otherwise);
}


static int64_t
number(const json_t *object, const char *name, int64_t otherwise)
{
    const json_t  *value;

    value = json_object_get(object, name);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}


static ehr_delivery_t
delivery_of(const json_t *object)
{
    ehr_delivery_t  dlv;

    memset(&dlv, 0, sizeof(dlv));

    dlv.size = sizeof(dlv);
    dlv.attempt = 1;
    dlv.logins = (uint32_t) number(object, "logins", 0);
    dlv.step = dlv.logins;
    dlv.id = str("0193a000-0000-7000-8000-000000000001");
    dlv.facility = member(object, "facility", "99001");
    dlv.kind = member(object, "kind", "claim");
    dlv.standard = member(object, "standard", "qd3176");
    dlv.content = member(object, "content", "<GIAMDINHHS/>");
    dlv.content_type = str("application/xml");
    dlv.account.username = member(object, "username", "99001_BV");
    dlv.account.password = member(object, "password", "password");
    dlv.session = member(object, "session", "");

    return dlv;
}


static ehr_answer_t
answer_of(const json_t *object)
{
    ehr_str_t     kind;
    ehr_answer_t  answer;

    memset(&answer, 0, sizeof(answer));
    kind = member(object, "kind", "http");

    answer.size = sizeof(answer);
    answer.kind = kind.data[0] == 'h'   ? EHR_ANSWER_HTTP
                  : kind.data[0] == 'u' ? EHR_ANSWER_UNSENT
                                        : EHR_ANSWER_LOST;
    answer.status = (uint32_t) number(object, "status", 200);
    answer.is_truncated = json_is_true(json_object_get(object,
                                                       "is_truncated"));
    answer.body = member(object, "body", "");

    return answer;
}


/* Exactly as many bytes as it is long, so that a sanitizer sees an overrun;
 * the caller frees. */

static char *
own_body(const json_t *object, ehr_answer_t *answer)
{
    char       *body;
    unsigned    byte;
    size_t      i, len;
    ehr_str_t   hex;

    hex = member(object, "body_hex", "");
    len = hex.len ? hex.len / 2 : answer->body.len;
    body = malloc(len ? len : 1);
    assert_non_null(body);

    if (hex.len == 0) {
        memcpy(body, answer->body.data, len);
    }

    for (i = 0; i < hex.len / 2; i++) {
        assert_int_equal(sscanf(hex.data + 2 * i, "%2x", &byte), 1);
        body[i] = (char) byte;
    }

    answer->body = (ehr_str_t){ body, len };

    return body;
}


static const char *
outcome_name(uint32_t kind)
{
    static const char *const  names[] = {
        "broken", "accepted", "accepted_with_message", "refused", "retry",
        "uncertain", "held", "session", "expired", "continue"
    };

    return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}


static void
assert_str(ehr_str_t got, ehr_str_t wanted)
{
    if (got.len != wanted.len || memcmp(got.data, wanted.data, got.len)) {
        fail_msg("got \"%.*s\", wanted \"%.*s\"", (int) got.len, got.data,
                 (int) wanted.len, wanted.data);
    }
}


static void
assert_member(ehr_str_t got, const json_t *expect, const char *name)
{
    if (json_object_get(expect, name) != NULL) {
        assert_str(got, member(expect, name, ""));
    }
}


/* --- one test for each case --- */

static void
assert_headers(const ehr_request_t *request, json_t *wanted)
{
    uint32_t     i;
    json_t      *value;
    const char  *name;

    if (wanted == NULL) {
        return;
    }

    assert_int_equal(request->nheaders, json_object_size(wanted));

    json_object_foreach(wanted, name, value) {
        for (i = 0; i < request->nheaders; i++) {
            if (strlen(name) == request->headers[i].name.len
                && memcmp(name, request->headers[i].name.data,
                          strlen(name)) == 0)
            {
                assert_str(request->headers[i].value,
                           str(json_string_value(value)));
                break;
            }
        }

        assert_true(i < request->nheaders);
    }
}


static void
request_case(void **state)
{
    int             rc;
    json_t         *one = *state, *expect;
    ehr_call_t      call;
    ehr_request_t   request;
    ehr_delivery_t  dlv;

    memset(&request, 0, sizeof(request));
    request.size = sizeof(request);
    dlv = delivery_of(json_object_get(one, "delivery"));
    expect = json_object_get(one, "expect");

    call_begin(&call, json_object_get(one, "settings"));
    rc = plugin->prepare(&host, &call, &dlv, &request);

    assert_int_equal(rc, json_is_null(expect) ? -1 : 0);

    if (rc == 0) {
        assert_int_equal(
            request.flags,
            json_is_true(json_object_get(expect, "is_login"))
                ? EHR_REQUEST_LOGIN : 0);
        assert_str(request.method, str("POST"));
        assert_str(request.content_type,
                   str("application/x-www-form-urlencoded"));
        assert_member(request.path, expect, "path");
        assert_member(request.body, expect, "body");
        assert_headers(&request, json_object_get(expect, "headers"));
    }

    call_end(&call);
}


static void
judge_case(json_t *one, uint32_t flags)
{
    char           *body;
    json_t         *expect = json_object_get(one, "expect");
    ehr_call_t      call;
    ehr_answer_t    answer;
    ehr_outcome_t   outcome;
    ehr_delivery_t  dlv;

    memset(&outcome, 0, sizeof(outcome));
    outcome.size = sizeof(outcome);
    dlv = delivery_of(one);
    answer = answer_of(json_object_get(one, "answer"));
    answer.flags = flags;
    body = own_body(json_object_get(one, "answer"), &answer);

    call_begin(&call, json_object_get(one, "settings"));
    assert_int_equal(
        plugin->judge(&host, &call, &dlv, &answer, &outcome), 0);

    /* Whatever it keeps must be its own. */
    memset(body, '#', answer.body.len);
    free(body);

    assert_string_equal(outcome_name(outcome.kind),
                        member(expect, "outcome", "?").data);
    assert_str(outcome.reason, member(expect, "reason", ""));
    assert_member(outcome.partner_code, expect, "code");
    assert_member(outcome.partner_ref, expect, "ref");
    assert_member(outcome.message, expect, "message");
    assert_member(outcome.session, expect, "session");
    assert_int_equal(outcome.retry_after_ms,
                     number(expect, "retry_after_ms",
                            outcome.retry_after_ms));
    assert_true(outcome.session_expires_ms
                == (outcome.kind == EHR_OUTCOME_SESSION
                        ? NOW_MS + number(expect, "life_ms",
                                          outcome.session_expires_ms
                                          - NOW_MS)
                        : 0));
    call_end(&call);
}


static void
login_case(void **state)
{
    judge_case(*state, EHR_REQUEST_LOGIN);
}


static void
answer_case(void **state)
{
    judge_case(*state, 0);
}


/* --- what no case can say --- */

static json_t *
setting(const char *name, const char *value)
{
    json_t  *settings;

    settings = json_pack("{s:s}", name, value);
    assert_non_null(settings);

    return settings;
}


static void
settings_as_they_come_are_right(void **state)
{
    ehr_call_t  call;

    call_begin(&call, NULL);
    assert_null(plugin->check(&host, &call));
    call_end(&call);
}


static void
wrong_settings_are_named(void **state)
{
    static const char *const  wrong[][2] = {
        { "path.login", "api/token/take" },
        { "path.login", "" },
        { "path.claim.qd3176", "/a b" },
        { "path.claim.qd3176", "/a\r\nX-Evil: 1" },
        { "path.checkin.qd130", "/a?token=1" },
        { "codes.accepted", "200 OK" },
        { "accepted_texts", "a||b" },
        { "doubtful_texts", " " },
        { "wait_seconds", "" },
        { "wait_seconds", "soon" },
        { "session_margin_seconds", "123456" }
    };

    size_t       i;
    json_t      *settings;
    ehr_call_t   call;
    const char  *sentence;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        settings = setting(wrong[i][0], wrong[i][1]);
        call_begin(&call, settings);

        sentence = plugin->check(&host, &call);
        assert_non_null(sentence);
        assert_non_null(strstr(sentence, wrong[i][0]));

        call_end(&call);
        json_decref(settings);
    }
}


static void
right_settings_are_taken(void **state)
{
    static const char *const  right[][2] = {
        { "path.login", "/api/auth/token/take" },
        { "codes.wait", "" },
        { "codes.retry", "500, 100,101" },
        { "accepted_texts", "thành công|đã nhận" },
        { "doubtful_texts", "" },
        { "wait_seconds", "0" }
    };

    size_t       i;
    json_t      *settings;
    ehr_call_t   call;

    for (i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        settings = setting(right[i][0], right[i][1]);
        call_begin(&call, settings);
        assert_null(plugin->check(&host, &call));
        call_end(&call);
        json_decref(settings);
    }
}


/* Undoes the percent encoding and the Base64 of the last field. */

static size_t
decode(ehr_str_t body, unsigned char *out)
{
    int          len, pad;
    char        *text;
    size_t       i, n;
    unsigned     byte;
    const char  *p, *end = body.data + body.len;

    p = memmem(body.data, body.len, "fileHSBase64=", 13);
    assert_non_null(p);
    p += 13;

    text = malloc((size_t) (end - p) + 1);
    assert_non_null(text);

    for (n = 0; p < end; n++) {
        assert_null(strchr("+/=&", *p));
        if (*p != '%') {
            text[n] = *p++;
            continue;
        }
        assert_int_equal(sscanf(p, "%%%2x", &byte), 1);
        text[n] = (char) byte;
        p += 3;
    }

    for (i = n, pad = 0; i > 0 && text[i - 1] == '='; i--) {
        pad++;
    }

    len = EVP_DecodeBlock(out, (unsigned char *) text, (int) n);
    free(text);
    assert_true(len >= 0);

    return (size_t) (len - pad);
}


static void
every_length_and_byte_survives_the_form(void **state)
{
    size_t           i, len;
    unsigned         seed = 1;
    ehr_call_t       call;
    ehr_request_t    request;
    ehr_delivery_t   dlv = delivery_of(NULL);
    unsigned char    content[600], back[700];

    dlv.session = str("a\ni");

    for (len = 1; len < sizeof(content); len++) {
        for (i = 0; i < len; i++) {
            seed = seed * 1103515245 + 12345;
            content[i] = len % 3 ? (unsigned char) (seed >> 16) : 0xff;
        }

        memset(&request, 0, sizeof(request));
        dlv.content = (ehr_str_t){ (char *) content, len };

        call_begin(&call, NULL);
        assert_int_equal(plugin->prepare(&host, &call, &dlv, &request), 0);
        assert_int_equal(decode(request.body, back), len);
        assert_memory_equal(back, content, len);
        call_end(&call);
    }
}


static void
memory_that_runs_out_is_a_failed_call_or_a_sound_one(void **state)
{
    static const char  login[] =
        "{\"maKetQua\":200,\"APIKey\":{\"access_token\":\"A\","
        "\"id_token\":\"I\",\"expires_in\":600}}";
    static const char  reply[] =
        "{\"maKetQua\":200,\"maGiaoDich\":12,\"thongDiep\":\"x\"}";

    int             fail_at, is_login;
    ehr_call_t      call;
    ehr_answer_t    answer = answer_of(NULL);
    ehr_outcome_t   outcome;
    ehr_request_t   request;
    ehr_delivery_t  dlv = delivery_of(NULL);

    for (fail_at = 0; fail_at < 8; fail_at++) {
        for (is_login = 0; is_login < 2; is_login++) {
            memset(&outcome, 0, sizeof(outcome));
            memset(&request, 0, sizeof(request));
            dlv.session = str(is_login ? "" : "a\ni");
            answer.flags = is_login ? EHR_REQUEST_LOGIN : 0;
            answer.body = str(is_login ? login : reply);

            call_begin(&call, NULL);
            call.fail_at = fail_at;

            if (plugin->prepare(&host, &call, &dlv, &request) == 0) {
                assert_non_null(request.body.data);
            }
            call_end(&call);

            if (plugin->judge(&host, &call, &dlv, &answer, &outcome) == 0) {
                assert_int_not_equal(outcome.kind, 0);
            }
            call_end(&call);
        }
    }
}


static void
a_document_beyond_all_bounds_is_not_sent(void **state)
{
    ehr_call_t      call;
    ehr_request_t   request;
    ehr_delivery_t  dlv = delivery_of(NULL);

    memset(&request, 0, sizeof(request));
    dlv.session = str("a\ni");
    dlv.content.len = (size_t) 1 << 40;    /* never read */

    call_begin(&call, NULL);
    assert_int_equal(plugin->prepare(&host, &call, &dlv, &request), -1);
    call_end(&call);
}


/* Every beginning of a good answer, and every answer with one byte changed:
 * never a crash, never silence. */

static void
no_answer_leaves_the_outcome_open(void **state)
{
    static const char  good[] =
        "{\"maKetQua\":\"200\",\"maGiaoDich\":\"G\",\"thongDiep\":"
        "\"Ti\xe1\xba\xbfp nh\xe1\xba\xadn th\xc3\xa0nh c\xc3\xb4ng\"}";
    static const char  marks[] = "\"{}[]\\:,0\x80\xe1\xff";

    char           *body;
    size_t          len, i;
    ehr_call_t      call;
    ehr_answer_t    answer = answer_of(NULL);
    ehr_outcome_t   outcome;
    ehr_delivery_t  dlv = delivery_of(NULL);

    for (len = 0; len < sizeof(good); len++) {
        for (i = 0; i < sizeof(marks) - 1; i++) {
            body = malloc(len ? len : 1);
            assert_non_null(body);
            memcpy(body, good, len);
            if (i > 0 && len > 0) {
                body[len - 1] = marks[i];
            }

            memset(&outcome, 0, sizeof(outcome));
            answer.body = (ehr_str_t){ body, len };
            answer.flags = i & 1 ? EHR_REQUEST_LOGIN : 0;

            call_begin(&call, NULL);
            assert_int_equal(
                plugin->judge(&host, &call, &dlv, &answer, &outcome), 0);
            assert_int_not_equal(outcome.kind, 0);
            call_end(&call);
            free(body);
        }
    }
}


/* --- the list of tests --- */

static size_t
add_cases(struct CMUnitTest *tests, const char *path, CMUnitTestFunction run,
          json_t **keep)
{
    size_t         i;
    json_t        *cases, *one;
    json_error_t   error;

    cases = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (cases == NULL || json_array_size(cases) == 0) {
        fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
        exit(1);
    }

    json_array_foreach(cases, i, one) {
        memset(&tests[i], 0, sizeof(tests[i]));
        tests[i].name = json_string_value(json_object_get(one, "name"));
        tests[i].test_func = run;
        tests[i].initial_state = one;
    }

    *keep = cases;

    return json_array_size(cases);
}


int
main(void)
{
    static const struct CMUnitTest  own[] = {
        cmocka_unit_test(settings_as_they_come_are_right),
        cmocka_unit_test(wrong_settings_are_named),
        cmocka_unit_test(right_settings_are_taken),
        cmocka_unit_test(every_length_and_byte_survives_the_form),
        cmocka_unit_test(memory_that_runs_out_is_a_failed_call_or_a_sound_one),
        cmocka_unit_test(a_document_beyond_all_bounds_is_not_sent),
        cmocka_unit_test(no_answer_leaves_the_outcome_open)
    };

    static struct CMUnitTest  tests[MAX_TESTS];

    int      rc;
    void    *object;
    size_t   n;
    json_t  *keep[3];

    object = dlopen(EHR_OUT "/plugins/insurance.so", RTLD_NOW | RTLD_LOCAL);
    plugin = object ? dlsym(object, EHR_PLUGIN_SYMBOL) : NULL;
    if (plugin == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }

    n = add_cases(tests, CASES "requests.json", request_case, &keep[0]);
    n += add_cases(tests + n, CASES "logins.json", login_case, &keep[1]);
    n += add_cases(tests + n, CASES "answers.json", answer_case, &keep[2]);
    memcpy(tests + n, own, sizeof(own));
    n += sizeof(own) / sizeof(own[0]);

    rc = _cmocka_run_group_tests("plugin_insurance", tests, n, NULL, NULL);

    json_decref(keep[0]);
    json_decref(keep[1]);
    json_decref(keep[2]);
    dlclose(object);

    return rc;
}
