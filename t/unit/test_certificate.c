/* SPDX-License-Identifier: BSD-2-Clause */

/* What counts as exactly one certificate that is still good. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "certificates.h"
#include "ehr_certificate.h"
#include "ehr_id.h"


#define DAY  (24 * 3600)


static const certificate_wanted_t  good = { "Bệnh viện Thử", -DAY, DAY };


static int64_t
now_ms(void)
{
    return (int64_t) time(NULL) * 1000;
}


static ehr_certificate_e
read_pem(const char *pem, ehr_arena_t *arena, ehr_certificate_t *cert)
{
    return ehr_certificate_read(ehr_str(pem), now_ms(), arena, cert);
}


static void
a_certificate_gives_digest_subject_and_end(void **state)
{
    X509               *x509;
    BIO                *bio;
    char                pem[CERTIFICATE_PEM_MAX];
    int                 len;
    uint8_t             want[EHR_SHA256_LEN];
    ehr_arena_t        *arena = ehr_arena_create(65536);
    unsigned char      *der = NULL;
    ehr_certificate_t   cert;

    certificate_make(&good, pem, NULL);
    assert_int_equal(read_pem(pem, arena, &cert), EHR_CERTIFICATE_OK);

    bio = BIO_new_mem_buf(pem, -1);
    x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    len = i2d_X509(x509, &der);
    ehr_sha256(der, (size_t) len, want);

    assert_memory_equal(cert.sha256, want, EHR_SHA256_LEN);
    assert_true(ehr_str_is(cert.subject, "CN=Bệnh viện Thử,O=Test"));
    assert_true(cert.not_after_ms > now_ms());
    assert_true(cert.not_after_ms < now_ms() + 2 * DAY * INT64_C(1000));
    assert_int_equal(cert.not_after_ms % 1000, 0);

    OPENSSL_free(der);
    X509_free(x509);
    BIO_free(bio);
    ehr_arena_destroy(arena);
}


static void
text_around_a_certificate_does_no_harm(void **state)
{
    char                pem[CERTIFICATE_PEM_MAX];
    char                text[CERTIFICATE_PEM_MAX + 64];
    ehr_arena_t        *arena = ehr_arena_create(65536);
    ehr_certificate_t   cert;

    certificate_make(&good, pem, NULL);
    (void) snprintf(text, sizeof(text), "subject=/CN=x\n%s\nthe end\n", pem);

    assert_int_equal(read_pem(text, arena, &cert), EHR_CERTIFICATE_OK);

    ehr_arena_destroy(arena);
}


static void
no_certificate_at_all_is_refused(void **state)
{
    ehr_arena_t        *arena = ehr_arena_create(65536);
    ehr_certificate_t   cert;

    assert_int_equal(read_pem("", arena, &cert), EHR_CERTIFICATE_NONE);
    assert_int_equal(read_pem("hello", arena, &cert), EHR_CERTIFICATE_NONE);

    ehr_arena_destroy(arena);
}


static void
two_certificates_are_refused(void **state)
{
    char                pem[CERTIFICATE_PEM_MAX];
    char                both[2 * CERTIFICATE_PEM_MAX];
    ehr_arena_t        *arena = ehr_arena_create(65536);
    ehr_certificate_t   cert;

    certificate_make(&good, pem, NULL);
    (void) snprintf(both, sizeof(both), "%s%s", pem, pem);

    assert_int_equal(read_pem(both, arena, &cert), EHR_CERTIFICATE_SEVERAL);

    ehr_arena_destroy(arena);
}


static void
a_private_key_is_refused_alone_and_beside_its_certificate(void **state)
{
    char                pem[CERTIFICATE_PEM_MAX], key[CERTIFICATE_PEM_MAX];
    char                both[2 * CERTIFICATE_PEM_MAX];
    ehr_arena_t        *arena = ehr_arena_create(65536);
    ehr_certificate_t   cert;

    certificate_make(&good, pem, key);

    assert_int_equal(read_pem(key, arena, &cert),
                     EHR_CERTIFICATE_PRIVATE_KEY);

    (void) snprintf(both, sizeof(both), "%s%s", pem, key);
    assert_int_equal(read_pem(both, arena, &cert),
                     EHR_CERTIFICATE_PRIVATE_KEY);

    (void) snprintf(both, sizeof(both), "%s%s", key, pem);
    assert_int_equal(read_pem(both, arena, &cert),
                     EHR_CERTIFICATE_PRIVATE_KEY);

    ehr_arena_destroy(arena);
}


static void
an_expired_certificate_is_refused(void **state)
{
    char                  pem[CERTIFICATE_PEM_MAX];
    ehr_arena_t          *arena = ehr_arena_create(65536);
    ehr_certificate_t     cert;
    certificate_wanted_t  wanted = { "x", -2 * DAY, -DAY };

    certificate_make(&wanted, pem, NULL);
    assert_int_equal(read_pem(pem, arena, &cert), EHR_CERTIFICATE_EXPIRED);

    ehr_arena_destroy(arena);
}


static void
a_certificate_of_tomorrow_is_taken(void **state)
{
    char                  pem[CERTIFICATE_PEM_MAX];
    ehr_arena_t          *arena = ehr_arena_create(65536);
    ehr_certificate_t     cert;
    certificate_wanted_t  wanted = { "x", DAY, 2 * DAY };

    certificate_make(&wanted, pem, NULL);
    assert_int_equal(read_pem(pem, arena, &cert), EHR_CERTIFICATE_OK);

    ehr_arena_destroy(arena);
}


static void
a_cut_or_changed_certificate_is_refused(void **state)
{
    char                pem[CERTIFICATE_PEM_MAX];
    ehr_arena_t        *arena = ehr_arena_create(65536);
    ehr_certificate_t   cert;

    certificate_make(&good, pem, NULL);
    pem[strlen(pem) / 2] = '\0';

    assert_int_not_equal(read_pem(pem, arena, &cert), EHR_CERTIFICATE_OK);

    assert_int_equal(read_pem("-----BEGIN CERTIFICATE-----\nAAAA\n"
                              "-----END CERTIFICATE-----\n",
                              arena, &cert),
                     EHR_CERTIFICATE_MALFORMED);

    ehr_arena_destroy(arena);
}


static void
other_pem_blocks_are_refused(void **state)
{
    ehr_arena_t        *arena = ehr_arena_create(65536);
    ehr_certificate_t   cert;

    assert_int_equal(read_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n"
                              "-----END PUBLIC KEY-----\n",
                              arena, &cert),
                     EHR_CERTIFICATE_MALFORMED);

    ehr_arena_destroy(arena);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_certificate_gives_digest_subject_and_end),
        cmocka_unit_test(text_around_a_certificate_does_no_harm),
        cmocka_unit_test(no_certificate_at_all_is_refused),
        cmocka_unit_test(two_certificates_are_refused),
        cmocka_unit_test(
            a_private_key_is_refused_alone_and_beside_its_certificate),
        cmocka_unit_test(an_expired_certificate_is_refused),
        cmocka_unit_test(a_certificate_of_tomorrow_is_taken),
        cmocka_unit_test(a_cut_or_changed_certificate_is_refused),
        cmocka_unit_test(other_pem_blocks_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
