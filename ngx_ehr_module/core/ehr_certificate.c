/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One certificate in PEM.  Decides what counts as exactly one certificate
 * that is still good; refuses to see a private key and does not know who may
 * have signed it.
 */

#include <limits.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "ehr_certificate.h"
#include "ehr_id.h"


#define EHR_CERTIFICATE_BLOCKS  8     /* PEM blocks looked at */


static ehr_certificate_e ehr_certificate_block(BIO *bio, X509 **x509);
static ehr_certificate_e ehr_certificate_der(const char *name,
                                             const unsigned char *der,
                                             long len, X509 **x509);
static ehr_certificate_e ehr_certificate_facts(X509 *x509, int64_t now_ms,
                                               ehr_arena_t *arena,
                                               ehr_certificate_t *cert);
static ehr_str_t ehr_certificate_subject(X509 *x509, ehr_arena_t *arena);


ehr_certificate_e
ehr_certificate_read(ehr_str_t pem, int64_t now_ms, ehr_arena_t *arena,
                     ehr_certificate_t *cert)
{
    BIO               *bio;
    X509              *x509 = NULL;
    ehr_certificate_e  rc = EHR_CERTIFICATE_NONE;

    memset(cert, 0, sizeof(ehr_certificate_t));

    if (pem.len == 0 || pem.len > INT_MAX) {
        return EHR_CERTIFICATE_NONE;
    }

    bio = BIO_new_mem_buf(pem.data, (int) pem.len);
    if (bio == NULL) {
        return EHR_CERTIFICATE_BROKEN;
    }

    for (int i = 0; i < EHR_CERTIFICATE_BLOCKS; i++) {
        rc = ehr_certificate_block(bio, &x509);
        if (rc != EHR_CERTIFICATE_OK) {
            break;
        }
    }

    /* The blocks have ended and one of them was a certificate. */

    if (rc == EHR_CERTIFICATE_NONE && x509 != NULL) {
        rc = ehr_certificate_facts(x509, now_ms, arena, cert);
    }

    X509_free(x509);
    BIO_free(bio);
    ERR_clear_error();

    return rc;
}


/* The next block: OK when it is the first certificate, NONE at the end. */

static ehr_certificate_e
ehr_certificate_block(BIO *bio, X509 **x509)
{
    long               len = 0;
    char              *name = NULL, *header = NULL;
    unsigned char     *der = NULL;
    unsigned long      error;
    ehr_certificate_e  rc;

    if (PEM_read_bio(bio, &name, &header, &der, &len) != 1) {
        error = ERR_peek_last_error();
        ERR_clear_error();

        return ERR_GET_REASON(error) == PEM_R_NO_START_LINE
               ? EHR_CERTIFICATE_NONE
               : EHR_CERTIFICATE_MALFORMED;
    }

    rc = ehr_certificate_der(name, der, len, x509);

    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(der, (size_t) len);

    return rc;
}


static ehr_certificate_e
ehr_certificate_der(const char *name, const unsigned char *der, long len,
                    X509 **x509)
{
    const unsigned char  *p = der;

    if (strstr(name, "PRIVATE KEY") != NULL) {
        return EHR_CERTIFICATE_PRIVATE_KEY;
    }

    if (strcmp(name, PEM_STRING_X509) != 0
        && strcmp(name, PEM_STRING_X509_OLD) != 0)
    {
        return EHR_CERTIFICATE_MALFORMED;
    }

    if (*x509 != NULL) {
        return EHR_CERTIFICATE_SEVERAL;
    }

    *x509 = d2i_X509(NULL, &p, len);

    if (*x509 == NULL || p != der + len) {
        return EHR_CERTIFICATE_MALFORMED;
    }

    return EHR_CERTIFICATE_OK;
}


static ehr_certificate_e
ehr_certificate_facts(X509 *x509, int64_t now_ms, ehr_arena_t *arena,
                      ehr_certificate_t *cert)
{
    time_t        end;
    unsigned int  len = 0;
    struct tm     tm;

    if (X509_digest(x509, EVP_sha256(), cert->sha256, &len) != 1
        || len != EHR_SHA256_LEN)
    {
        return EHR_CERTIFICATE_BROKEN;
    }

    if (ASN1_TIME_to_tm(X509_get0_notAfter(x509), &tm) != 1) {
        return EHR_CERTIFICATE_MALFORMED;
    }

    end = timegm(&tm);

    cert->not_after_ms = (int64_t) end * 1000;
    cert->added_ms = now_ms;

    if (cert->not_after_ms <= now_ms) {
        return EHR_CERTIFICATE_EXPIRED;
    }

    cert->subject = ehr_certificate_subject(x509, arena);

    return cert->subject.data == NULL ? EHR_CERTIFICATE_BROKEN
                                      : EHR_CERTIFICATE_OK;
}


static ehr_str_t
ehr_certificate_subject(X509 *x509, ehr_arena_t *arena)
{
    BIO        *bio;
    long        len;
    char       *data = NULL;
    ehr_str_t   subject = { NULL, 0 };

    bio = BIO_new(BIO_s_mem());
    if (bio == NULL) {
        return subject;
    }

    /* UTF-8 stays readable; control characters are still escaped. */

    if (X509_NAME_print_ex(bio, X509_get_subject_name(x509), 0,
                           XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB)
        >= 0)
    {
        len = BIO_get_mem_data(bio, &data);
        subject = ehr_arena_dup(arena, len > 0 ? data : "", (size_t) len);
    }

    BIO_free(bio);

    return subject;
}
