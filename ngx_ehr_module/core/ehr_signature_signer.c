/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides who signed and whether to believe it: certificates come from the
 * signature's X509Data and nowhere else, the authorities and pins from the
 * policy.  A certificate is judged at the time the gateway received the
 * document; the signer's own SigningTime proves nothing.
 */

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "ehr_signature_parts.h"


#define SIGNER_RSA_MIN    2048
#define SIGNER_RSA_MAX    8192
#define SIGNER_SOON_SEC   (30 * 24 * 3600)
#define SIGNER_PARTS_MAX  32
#define SIGNER_LEVEL      2       /* OpenSSL's: 112 bits, no SHA-1 */


/* --- from KeyInfo -------------------------------------------------------- */


static ehr_sign_fault_e
signer_certificate(ehr_sign_t *s, const xmlNode *node)
{
    X509                 *x509;
    ehr_rc_t              rc;
    ehr_str_t             der;
    const unsigned char  *p;

    if (sk_X509_num(s->others) == EHR_SIGN_CERTIFICATES) {
        return EHR_SIGN_STRUCTURE;
    }

    rc = ehr_sign_base64(s, node, &der);
    if (rc != EHR_OK) {
        return rc == EHR_BROKEN ? EHR_SIGN_BROKEN : EHR_SIGN_CERTIFICATE;
    }

    p = (const unsigned char *) der.data;
    x509 = d2i_X509(NULL, &p, (long) der.len);

    if (x509 == NULL || p != (const unsigned char *) der.data + der.len) {
        X509_free(x509);

        return EHR_SIGN_CERTIFICATE;
    }

    if (sk_X509_push(s->others, x509) == 0) {
        X509_free(x509);

        return EHR_SIGN_BROKEN;
    }

    return EHR_SIGN_NONE;
}


/* Names of the certificate are not believed, so they are not read. */

static ehr_sign_fault_e
signer_x509_data(ehr_sign_t *s, const xmlNode *data)
{
    xmlNodePtr        node;
    ehr_sign_fault_e  fault;

    for (node = ehr_sign_element(data->children); node;
         node = ehr_sign_element(node->next))
    {
        if (ehr_sign_is(node, "X509Certificate")) {
            fault = signer_certificate(s, node);
            if (fault != EHR_SIGN_NONE) {
                return fault;
            }

        } else if (!ehr_sign_is(node, "X509SubjectName")
                   && !ehr_sign_is(node, "X509IssuerSerial")
                   && !ehr_sign_is(node, "X509SKI"))
        {
            return EHR_SIGN_STRUCTURE;
        }
    }

    return EHR_SIGN_NONE;
}


/* A chain may come in any order: the signer is the only one that issues
 * nothing.  Sent twice is once. */

static ehr_sign_fault_e
signer_choose(ehr_sign_t *s)
{
    int    n = sk_X509_num(s->others);
    X509  *x509;

    if (n == 0) {
        return EHR_SIGN_NO_CERTIFICATE;
    }

    if (n == 1) {
        s->signer = sk_X509_value(s->others, 0);

        return EHR_SIGN_NONE;
    }

    for (int i = 0; i < n; i++) {
        x509 = sk_X509_value(s->others, i);

        if (X509_check_ca(x509) != 0
            || (s->signer && X509_cmp(s->signer, x509) == 0))
        {
            continue;
        }

        if (s->signer) {
            return EHR_SIGN_CERTIFICATE;
        }

        s->signer = x509;
    }

    return s->signer ? EHR_SIGN_NONE : EHR_SIGN_CERTIFICATE;
}


/* The key must be of the kind that the method names, and strong. */

static int
signer_key_fits(const ehr_sign_t *s)
{
    int              bits;
    char             curve[32];
    EVP_PKEY        *key = X509_get0_pubkey(s->signer);

    static const int  curves[] = {
        NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1
    };

    if (key == NULL) {
        return 0;
    }

    if (s->is_rsa) {
        bits = EVP_PKEY_get_bits(key);

        return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA
               && bits >= SIGNER_RSA_MIN && bits <= SIGNER_RSA_MAX;
    }

    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC
        || EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1)
    {
        return 0;
    }

    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (OBJ_sn2nid(curve) == curves[i]) {
            return 1;
        }
    }

    return 0;
}


ehr_sign_fault_e
ehr_sign_signer(ehr_sign_t *s)
{
    xmlNodePtr        node;
    ehr_sign_fault_e  fault;

    s->others = sk_X509_new_null();
    if (s->others == NULL) {
        return EHR_SIGN_BROKEN;
    }

    for (node = ehr_sign_element(s->key_info->children); node;
         node = ehr_sign_element(node->next))
    {
        fault = EHR_SIGN_NONE;

        if (ehr_sign_is(node, "X509Data")) {
            fault = signer_x509_data(s, node);

        } else if (!ehr_sign_is(node, "KeyValue")
                   && !ehr_sign_is(node, "KeyName"))
        {
            fault = EHR_SIGN_STRUCTURE;
        }

        if (fault != EHR_SIGN_NONE) {
            return fault;
        }
    }

    fault = signer_choose(s);
    if (fault != EHR_SIGN_NONE) {
        return fault;
    }

    return signer_key_fits(s) ? EHR_SIGN_NONE : EHR_SIGN_KEY;
}


void
ehr_sign_signer_free(ehr_sign_t *s)
{
    sk_X509_pop_free(s->others, X509_free);
}


/* --- trust --------------------------------------------------------------- */


static ehr_sign_fault_e
signer_fault(int error)
{
    switch (error) {

    case X509_V_ERR_CERT_HAS_EXPIRED:
        return EHR_SIGN_EXPIRED;

    case X509_V_ERR_CERT_NOT_YET_VALID:
        return EHR_SIGN_NOT_YET;

    case X509_V_ERR_OUT_OF_MEM:
        return EHR_SIGN_BROKEN;

    default:
        return EHR_SIGN_CHAIN;
    }
}


/* Any certificate of the bundle may end the chain, so that an administrator
 * can trust one issuing authority and not all below its root. */

static ehr_sign_fault_e
signer_chain(const ehr_sign_t *s)
{
    X509_STORE_CTX     *ctx;
    X509_VERIFY_PARAM  *param;
    ehr_sign_fault_e    fault = EHR_SIGN_BROKEN;

    ctx = X509_STORE_CTX_new();
    if (ctx == NULL) {
        return EHR_SIGN_BROKEN;
    }

    if (X509_STORE_CTX_init(ctx, s->policy->authorities, s->signer,
                            s->others)
        == 1)
    {
        param = X509_STORE_CTX_get0_param(ctx);
        X509_VERIFY_PARAM_set_time(param,
                                   (time_t) (s->in->received_ms / 1000));
        X509_VERIFY_PARAM_set_depth(param, EHR_SIGN_CERTIFICATES);
        X509_VERIFY_PARAM_set_auth_level(param, SIGNER_LEVEL);
        (void) X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);

        fault = X509_verify_cert(ctx) == 1
                ? EHR_SIGN_NONE
                : signer_fault(X509_STORE_CTX_get_error(ctx));
    }

    X509_STORE_CTX_free(ctx);

    return fault;
}


static ehr_sign_fault_e
signer_dates(const ehr_sign_t *s)
{
    time_t  at = (time_t) (s->in->received_ms / 1000);

    if (X509_cmp_time(X509_get0_notAfter(s->signer), &at) != 1) {
        return EHR_SIGN_EXPIRED;
    }

    return X509_cmp_time(X509_get0_notBefore(s->signer), &at) == -1
           ? EHR_SIGN_NONE : EHR_SIGN_NOT_YET;
}


int
ehr_sign_expires_soon(const ehr_sign_t *s)
{
    time_t  soon = (time_t) (s->in->received_ms / 1000) + SIGNER_SOON_SEC;

    return X509_cmp_time(X509_get0_notAfter(s->signer), &soon) == -1;
}


/* "MST:0101234567", "VATVN-0101234567" or the number alone. */

static int
signer_says(const ASN1_STRING *value, const char *tax_code)
{
    static const char *const  prefixes[] = { "", "MST:", "MST", "VATVN-" };

    const char  *text = (const char *) ASN1_STRING_get0_data(value);
    size_t       len = (size_t) ASN1_STRING_length(value), n;

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        n = strlen(prefixes[i]);

        if (len == n + strlen(tax_code) && memcmp(text, prefixes[i], n) == 0
            && memcmp(text + n, tax_code, len - n) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
signer_has_tax_code(const ehr_sign_t *s, const char *tax_code)
{
    int               nid, n;
    X509_NAME        *name = X509_get_subject_name(s->signer);
    X509_NAME_ENTRY  *entry;

    n = X509_NAME_entry_count(name);
    n = n < SIGNER_PARTS_MAX ? n : SIGNER_PARTS_MAX;

    for (int i = 0; i < n; i++) {
        entry = X509_NAME_get_entry(name, i);
        nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));

        if ((nid == NID_userId || nid == NID_serialNumber
             || nid == NID_organizationIdentifier || nid == NID_commonName)
            && signer_says(X509_NAME_ENTRY_get_data(entry), tax_code))
        {
            return 1;
        }
    }

    return 0;
}


static int
signer_is_listed(const ehr_sign_t *s)
{
    uint8_t                 sha256[EHR_SHA256_LEN];
    unsigned int            len;
    const ehr_sign_pin_t   *pin = s->policy->pins;

    if (X509_digest(s->signer, EVP_sha256(), sha256, &len) != 1) {
        return 0;
    }

    for (size_t i = 0; i < s->policy->npins; i++, pin++) {
        if (!ehr_str_is(s->in->facility, pin->facility)) {
            continue;
        }

        if (pin->tax_code[0] != '\0'
            ? signer_has_tax_code(s, pin->tax_code)
            : memcmp(pin->sha256, sha256, EHR_SHA256_LEN) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* keyUsage, where there is one, names what a key may do; contentCommitment
 * is what signing certificates for people and organisations carry. */

static int
signer_may_sign(const ehr_sign_t *s)
{
    uint32_t  usage = X509_get_key_usage(s->signer);

    return usage == UINT32_MAX
           || (usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
}


ehr_sign_fault_e
ehr_sign_trust(const ehr_sign_t *s, ehr_sign_fault_e *warning)
{
    ehr_sign_fault_e  fault;

    fault = s->policy->authorities ? signer_chain(s) : signer_dates(s);
    if (fault != EHR_SIGN_NONE) {
        return fault;
    }

    if (!signer_may_sign(s)) {
        return EHR_SIGN_USAGE;
    }

    if (!s->policy->has_pins) {
        *warning = EHR_SIGN_NOT_LISTED;

        return EHR_SIGN_NONE;
    }

    return signer_is_listed(s) ? EHR_SIGN_NONE : EHR_SIGN_FACILITY;
}
