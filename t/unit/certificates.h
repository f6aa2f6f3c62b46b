/* SPDX-License-Identifier: BSD-2-Clause */

/* Certificates made for one test: a fresh key, a subject, a validity. */

#ifndef EHR_TEST_CERTIFICATES_H
#define EHR_TEST_CERTIFICATES_H


#include <string.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>


#define CERTIFICATE_PEM_MAX  4096


typedef struct {
    const char  *name;            /* CN, UTF-8 */
    long         from_sec;        /* of now */
    long         to_sec;
} certificate_wanted_t;


static inline void
certificate_text(BIO *bio, char pem[CERTIFICATE_PEM_MAX])
{
    int  len;

    len = BIO_read(bio, pem, CERTIFICATE_PEM_MAX - 1);
    pem[len > 0 ? len : 0] = '\0';

    BIO_free(bio);
}


/* key_pem may be NULL. */

static inline void
certificate_make(const certificate_wanted_t *wanted,
                 char pem[CERTIFICATE_PEM_MAX],
                 char key_pem[CERTIFICATE_PEM_MAX])
{
    BIO        *bio;
    X509       *x509 = X509_new();
    EVP_PKEY   *key = EVP_EC_gen("P-256");
    X509_NAME  *name = X509_get_subject_name(x509);

    (void) X509_set_version(x509, 2);
    (void) ASN1_INTEGER_set(X509_get_serialNumber(x509), 7);
    (void) X509_gmtime_adj(X509_getm_notBefore(x509), wanted->from_sec);
    (void) X509_gmtime_adj(X509_getm_notAfter(x509), wanted->to_sec);

    (void) X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                                      (const unsigned char *) "Test", -1, -1,
                                      0);
    (void) X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                      (const unsigned char *) wanted->name,
                                      -1, -1, 0);

    (void) X509_set_issuer_name(x509, name);
    (void) X509_set_pubkey(x509, key);
    (void) X509_sign(x509, key, EVP_sha256());

    bio = BIO_new(BIO_s_mem());
    (void) PEM_write_bio_X509(bio, x509);
    certificate_text(bio, pem);

    if (key_pem != NULL) {
        bio = BIO_new(BIO_s_mem());
        (void) PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
        certificate_text(bio, key_pem);
    }

    EVP_PKEY_free(key);
    X509_free(x509);
}


#endif /* EHR_TEST_CERTIFICATES_H */
