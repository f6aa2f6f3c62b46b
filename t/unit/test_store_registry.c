/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The registry: every change is counted, audited and seen at once by others;
 * a dry run and a refused change leave nothing.
 */

#include "store_world.h"


static const ehr_change_t  by_admin = {
    .actor = ehr_string("an-administrator"),
    .request_id = ehr_string("req-1"),
    .now_ms = NOW
};


static ehr_facility_t
facility(const char *code)
{
    ehr_facility_t  fac = { 0 };

    fac.code = ehr_str(code);
    fac.name = ehr_str("B\xe1\xbb\x87nh vi\xe1\xbb\x87n");
    fac.standard = ehr_str("qd3176");
    fac.kinds = 6;
    fac.rate_milli = -1;
    fac.burst = 20;

    return fac;
}


static ehr_certificate_t
certificate(uint8_t first)
{
    ehr_certificate_t  cert = { 0 };

    cert.sha256[0] = first;
    cert.subject = ehr_str("CN=99001,O=Made Up");
    cert.not_after_ms = NOW + 1000;

    return cert;
}


static ehr_registry_e
add(world_t *w, const char *code)
{
    ehr_facility_t  fac = facility(code);

    return ehr_registry_add(w->store, &by_admin, &fac, w->arena, NULL);
}


static ehr_registry_e
cert_add(world_t *w, const char *code, uint8_t first)
{
    ehr_certificate_t  cert = certificate(first);

    return ehr_registry_cert_add(w->store, &by_admin, ehr_str(code), &cert,
                                 w->arena, NULL);
}


static int64_t
load(world_t *w, ehr_facility_t **facs, uint32_t *n)
{
    int64_t  generation;

    assert_ok(ehr_registry_load(w->store, w->arena, facs, n, &generation));

    return generation;
}


static void
an_added_facility_comes_back(void **state)
{
    world_t         *w = *state;
    int64_t          before, after;
    uint32_t         n;
    ehr_facility_t   fac = facility("99001");
    ehr_facility_t   out, *facs;

    before = load(w, &facs, &n);
    assert_int_equal(n, 0);

    assert_int_equal(ehr_registry_add(w->store, &by_admin, &fac, w->arena,
                                      &out), EHR_REGISTRY_OK);
    assert_true(ehr_str_eq(out.code, fac.code));
    assert_true(ehr_str_eq(out.name, fac.name));
    assert_true(ehr_str_eq(out.standard, fac.standard));
    assert_int_equal(out.kinds, 6);
    assert_int_equal(out.rate_milli, -1);
    assert_int_equal(out.burst, 20);
    assert_int_equal(out.version, 1);
    assert_int_equal(out.is_suspended, 0);
    assert_int_equal(out.changed_ms, NOW);
    assert_int_equal(out.ncerts, 0);

    assert_int_equal(add(w, "99000"), EHR_REGISTRY_OK);
    after = load(w, &facs, &n);
    assert_int_equal(after, before + 2);
    assert_int_equal(n, 2);
    assert_true(ehr_str_is(facs[0].code, "99000"));
    assert_true(ehr_str_is(facs[1].code, "99001"));
}


static void
a_code_exists_once(void **state)
{
    world_t         *w = *state;
    int64_t          before;
    uint32_t         n;
    ehr_facility_t  *facs;

    assert_int_equal(add(w, "99001"), EHR_REGISTRY_OK);
    before = load(w, &facs, &n);
    assert_int_equal(add(w, "99001"), EHR_REGISTRY_EXISTS);
    assert_int_equal(load(w, &facs, &n), before);
    assert_int_equal(ask(w, "SELECT count(*) FROM audit"), 1);
}


static void
two_certificates_fit_and_belong_to_one_facility(void **state)
{
    world_t         *w = *state;
    uint32_t         n;
    ehr_facility_t  *facs;

    assert_int_equal(add(w, "99001"), EHR_REGISTRY_OK);
    assert_int_equal(add(w, "99002"), EHR_REGISTRY_OK);
    assert_int_equal(cert_add(w, "99001", 1), EHR_REGISTRY_OK);
    assert_int_equal(cert_add(w, "99001", 1), EHR_REGISTRY_EXISTS);
    assert_int_equal(cert_add(w, "99002", 1), EHR_REGISTRY_EXISTS);
    assert_int_equal(cert_add(w, "99001", 2), EHR_REGISTRY_OK);
    assert_int_equal(cert_add(w, "99001", 3), EHR_REGISTRY_FULL);
    assert_int_equal(cert_add(w, "99003", 3), EHR_REGISTRY_NOT_FOUND);

    (void) load(w, &facs, &n);
    assert_int_equal(facs[0].ncerts, 2);
    assert_int_equal(facs[0].certs[0].sha256[0], 1);
    assert_int_equal(facs[0].certs[1].sha256[0], 2);
    assert_true(ehr_str_is(facs[0].certs[0].subject, "CN=99001,O=Made Up"));
    assert_int_equal(facs[0].certs[0].not_after_ms, NOW + 1000);
    assert_int_equal(facs[0].certs[0].added_ms, NOW);
    assert_int_equal(facs[1].ncerts, 0);
}


static void
a_removed_certificate_may_be_enrolled_elsewhere(void **state)
{
    world_t            *w = *state;
    ehr_facility_t      out;
    ehr_certificate_t   cert = certificate(1);

    assert_int_equal(add(w, "99001"), EHR_REGISTRY_OK);
    assert_int_equal(add(w, "99002"), EHR_REGISTRY_OK);
    assert_int_equal(cert_add(w, "99001", 1), EHR_REGISTRY_OK);

    assert_int_equal(ehr_registry_cert_remove(w->store, &by_admin,
                                              ehr_str("99002"), cert.sha256,
                                              w->arena, &out),
                     EHR_REGISTRY_NOT_FOUND);
    assert_int_equal(ehr_registry_cert_remove(w->store, &by_admin,
                                              ehr_str("99001"), cert.sha256,
                                              w->arena, &out),
                     EHR_REGISTRY_OK);
    assert_int_equal(out.ncerts, 0);
    assert_int_equal(out.version, 3);
    assert_int_equal(cert_add(w, "99002", 1), EHR_REGISTRY_OK);
}


static void
suspending_voids_tokens_and_resuming_does_not_revive_them(void **state)
{
    world_t         *w = *state;
    ehr_facility_t   out;

    assert_int_equal(add(w, "99001"), EHR_REGISTRY_OK);
    assert_int_equal(ehr_registry_suspend(w->store, &by_admin,
                                          ehr_str("99001"),
                                          ehr_str("contract ended"),
                                          w->arena, &out), EHR_REGISTRY_OK);
    assert_int_equal(out.is_suspended, 1);
    assert_true(ehr_str_is(out.suspended_reason, "contract ended"));
    assert_int_equal(out.tokens_from_ms, NOW);

    assert_int_equal(ehr_registry_resume(w->store, &by_admin,
                                         ehr_str("99001"), w->arena, &out),
                     EHR_REGISTRY_OK);
    assert_int_equal(out.is_suspended, 0);
    assert_true(ehr_str_is(out.suspended_reason, ""));
    assert_int_equal(out.tokens_from_ms, NOW);
    assert_int_equal(out.version, 3);

    assert_int_equal(ehr_registry_suspend(w->store, &by_admin,
                                          ehr_str("none"), ehr_str(""),
                                          w->arena, &out),
                     EHR_REGISTRY_NOT_FOUND);
    assert_int_equal(ehr_registry_resume(w->store, &by_admin,
                                         ehr_str("none"), w->arena, &out),
                     EHR_REGISTRY_NOT_FOUND);
}


static void
an_old_version_is_refused(void **state)
{
    world_t         *w = *state;
    ehr_change_t     who = by_admin;
    ehr_facility_t   out;

    assert_int_equal(add(w, "99001"), EHR_REGISTRY_OK);
    assert_int_equal(cert_add(w, "99001", 1), EHR_REGISTRY_OK);

    who.if_version = 1;
    assert_int_equal(ehr_registry_resume(w->store, &who, ehr_str("99001"),
                                         w->arena, &out),
                     EHR_REGISTRY_VERSION);
    who.if_version = 2;
    assert_int_equal(ehr_registry_resume(w->store, &who, ehr_str("99001"),
                                         w->arena, &out), EHR_REGISTRY_OK);
    assert_int_equal(out.version, 3);
}


static void
a_dry_run_tells_and_changes_nothing(void **state)
{
    world_t         *w = *state;
    int64_t          before;
    uint32_t         n;
    ehr_change_t     who = by_admin;
    ehr_facility_t   fac = facility("99002");
    ehr_facility_t   out, *facs;

    assert_int_equal(add(w, "99001"), EHR_REGISTRY_OK);
    before = load(w, &facs, &n);

    who.is_dry_run = 1;
    assert_int_equal(ehr_registry_add(w->store, &who, &fac, w->arena, &out),
                     EHR_REGISTRY_OK);
    assert_int_equal(out.version, 1);
    assert_int_equal(ehr_registry_suspend(w->store, &who, ehr_str("99001"),
                                          ehr_str("x"), w->arena, &out),
                     EHR_REGISTRY_OK);
    assert_int_equal(out.is_suspended, 1);

    fac = facility("99001");
    assert_int_equal(ehr_registry_add(w->store, &who, &fac, w->arena, &out),
                     EHR_REGISTRY_EXISTS);

    assert_int_equal(load(w, &facs, &n), before);
    assert_int_equal(n, 1);
    assert_int_equal(facs[0].is_suspended, 0);
    assert_int_equal(ask(w, "SELECT count(*) FROM audit"), 1);
}


static void
the_audit_says_who_did_what_and_no_more(void **state)
{
    world_t         *w = *state;
    ehr_facility_t   out;

    assert_int_equal(add(w, "99001"), EHR_REGISTRY_OK);
    assert_int_equal(cert_add(w, "99001", 0xab), EHR_REGISTRY_OK);
    assert_int_equal(ehr_registry_suspend(w->store, &by_admin,
                                          ehr_str("99001"),
                                          ehr_str("Nguyen Van Canary"),
                                          w->arena, &out), EHR_REGISTRY_OK);

    assert_int_equal(ask(w, "SELECT count(*) FROM audit"
                            " WHERE actor = 'an-administrator'"
                            " AND request_id = 'req-1'"
                            " AND target = '99001'"
                            " AND json_valid(detail)"), 3);
    assert_int_equal(ask(w, "SELECT count(*) FROM audit"
                            " WHERE action = 'facility.cert-add'"
                            " AND json_extract(detail, '$.sha256')"
                            " LIKE 'ab00%'"), 1);
    assert_int_equal(ask(w, "SELECT count(*) FROM audit"
                            " WHERE detail LIKE '%Canary%'"
                            " OR detail LIKE '%Made Up%'"), 0);
}


static void
another_handle_sees_a_change_at_once(void **state)
{
    world_t         *w = *state;
    int64_t          first, second;
    uint32_t         n;
    ehr_store_t     *reader;
    ehr_facility_t  *facs;

    reader = world_open(w, 1);
    assert_non_null(reader);

    assert_ok(ehr_registry_load(reader, w->arena, &facs, &n, &first));
    assert_int_equal(add(w, "99001"), EHR_REGISTRY_OK);
    assert_ok(ehr_registry_load(reader, w->arena, &facs, &n, &second));
    assert_int_equal(second, first + 1);
    assert_int_equal(n, 1);

    assert_int_equal(ehr_registry_add(reader, &by_admin, &facs[0], w->arena,
                                      NULL), EHR_REGISTRY_LATER);
    ehr_store_close(reader);
}


static void
a_registry_that_does_not_fit_the_arena_is_broken(void **state)
{
    world_t         *w = *state;
    int64_t          generation;
    uint32_t         n;
    ehr_arena_t     *small;
    ehr_facility_t  *facs;

    assert_int_equal(add(w, "99001"), EHR_REGISTRY_OK);

    small = ehr_arena_create(32);
    assert_int_equal(ehr_registry_load(w->store, small, &facs, &n,
                                       &generation), EHR_BROKEN);
    assert_int_equal(n, 0);
    ehr_arena_destroy(small);

    small = ehr_arena_create(sizeof(ehr_facility_t) + 32);
    assert_int_equal(ehr_registry_load(w->store, small, &facs, &n,
                                       &generation), EHR_BROKEN);
    ehr_arena_destroy(small);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(an_added_facility_comes_back),
        store_test(a_code_exists_once),
        store_test(two_certificates_fit_and_belong_to_one_facility),
        store_test(a_removed_certificate_may_be_enrolled_elsewhere),
        store_test(suspending_voids_tokens_and_resuming_does_not_revive_them),
        store_test(an_old_version_is_refused),
        store_test(a_dry_run_tells_and_changes_nothing),
        store_test(the_audit_says_who_did_what_and_no_more),
        store_test(another_handle_sees_a_change_at_once),
        store_test(a_registry_that_does_not_fit_the_arena_is_broken)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
