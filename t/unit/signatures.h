/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * For tests of signatures: keys, certificates and signed documents made by
 * libxml2's C14N and OpenSSL alone, so that what is tested is checked by
 * other hands than made it.
 *
 * A document is a text with marks: @S@ where the signature goes, and in the
 * signature @0@ @1@ for digests, @V@ for its value, @K@ for KeyInfo.
 */

#ifndef EHR_TEST_SIGNATURES_H
#define EHR_TEST_SIGNATURES_H


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "ehr_signature.h"


#define SIGN_DSIG    "http://www.w3.org/2000/09/xmldsig#"
#define SIGN_MORE    "http://www.w3.org/2001/04/xmldsig-more#"
#define SIGN_XMLENC  "http://www.w3.org/2001/04/xmlenc#"
#define SIGN_C14N    "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define SIGN_EXC     "http://www.w3.org/2001/10/xml-exc-c14n#"
#define SIGN_C14N11  "http://www.w3.org/2006/12/xml-c14n11"

#define SIGN_YEAR    (365L * 24 * 3600)
#define SIGN_ARENA   (64 * 1024 * 1024)


/* --- certificates -------------------------------------------------------- */


typedef struct {
    EVP_PKEY  *key;
    X509      *x509;
} signer_t;


typedef struct {
    const char      *name;        /* CN */
    const char      *tax;         /* UID; NULL: none */
    const char      *usage;       /* keyUsage; NULL: none */
    const signer_t  *issuer;      /* NULL: itself */
    long             from_sec;    /* of now */
    long             to_sec;
    int              is_ca;
    const EVP_MD    *md;          /* NULL: SHA-256 */
} signer_wanted_t;


static inline void
signer_extension(X509 *x509, int nid, const char *value)
{
    X509_EXTENSION  *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(e);
    assert_int_equal(X509_add_ext(x509, e, -1), 1);
    X509_EXTENSION_free(e);
}


static inline void
signer_name(X509_NAME *name, const char *field, const char *value)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                                (const uint8_t *) value, -1,
                                                -1, 0), 1);
}


/* Takes key. */

static inline signer_t
signer_make(const signer_wanted_t *w, EVP_PKEY *key)
{
    static long       serial = 1000;
    signer_t          s = { key, X509_new() };
    const signer_t   *issuer = w->issuer ? w->issuer : &s;
    X509_NAME        *name = X509_get_subject_name(s.x509);

    assert_non_null(key);
    (void) X509_set_version(s.x509, 2);
    (void) ASN1_INTEGER_set(X509_get_serialNumber(s.x509), serial++);
    (void) X509_gmtime_adj(X509_getm_notBefore(s.x509), w->from_sec);
    (void) X509_gmtime_adj(X509_getm_notAfter(s.x509), w->to_sec);

    if (w->tax) {
        signer_name(name, "UID", w->tax);
    }

    signer_name(name, "CN", w->name);
    (void) X509_set_issuer_name(s.x509, X509_get_subject_name(issuer->x509));
    (void) X509_set_pubkey(s.x509, key);

    signer_extension(s.x509, NID_basic_constraints,
                     w->is_ca ? "critical,CA:TRUE" : "CA:FALSE");

    if (w->usage) {
        signer_extension(s.x509, NID_key_usage, w->usage);
    }

    assert_true(X509_sign(s.x509, issuer->key,
                          w->md ? w->md : EVP_sha256()) > 0);

    return s;
}


static inline void
signer_drop(signer_t *s)
{
    EVP_PKEY_free(s->key);
    X509_free(s->x509);
}


static inline void
signer_save(const char *path, const signer_t *const *list)
{
    FILE  *f = fopen(path, "w");

    assert_non_null(f);

    for ( ; *list; list++) {
        assert_int_equal(PEM_write_X509(f, (*list)->x509), 1);
    }

    assert_int_equal(fclose(f), 0);
}


static inline void
signer_hex(const signer_t *s, char hex[65])
{
    uint8_t       md[32];
    unsigned int  len;

    assert_int_equal(X509_digest(s->x509, EVP_sha256(), md, &len), 1);

    for (int i = 0; i < 32; i++) {
        (void) sprintf(hex + 2 * i, "%02x", md[i]);
    }
}


/* --- text ---------------------------------------------------------------- */


/* text with every "from" replaced; frees text. */

static inline char *
sign_put(char *text, const char *from, const char *to)
{
    char    *at, *out;
    size_t   flen = strlen(from), tlen = strlen(to), before;

    for (before = 0; (at = strstr(text + before, from)); before += tlen) {
        before = (size_t) (at - text);
        out = malloc(strlen(text) - flen + tlen + 1);
        assert_non_null(out);

        memcpy(out, text, before);
        memcpy(out + before, to, tlen);
        (void) strcpy(out + before + tlen, at + flen);

        free(text);
        text = out;
    }

    return text;
}


static inline char *
sign_base64(const uint8_t *bytes, size_t len)
{
    char  *text = malloc(4 * (len / 3 + 1) + 1);

    assert_non_null(text);
    (void) EVP_EncodeBlock((uint8_t *) text, bytes, (int) len);

    return text;
}


static inline char *
sign_certificate(const signer_t *s)
{
    char     *text;
    uint8_t  *der = NULL;
    int       len = i2d_X509(s->x509, &der);

    assert_true(len > 0);
    text = sign_base64(der, (size_t) len);
    OPENSSL_free(der);

    return text;
}


/* --- signing ------------------------------------------------------------- */


#define SIGN_REFERENCES  4


/* What is digested: an element by its Id, or the document without the
 * signature ("" and everything that is no "#..."). */

typedef struct {
    const char  *uri;             /* NULL: no attribute */
    const char  *digested;        /* what uri says when NULL */
    const char  *transforms;      /* XML inside Transforms; NULL: none */
    const char  *method;          /* NULL: SHA-256 */
    const char  *c14n;            /* of these bytes; NULL: inclusive */
} sign_reference_t;


typedef struct {
    const char        *document;      /* with @S@ */
    sign_reference_t   references[SIGN_REFERENCES];
    int                nreferences;
    const char        *c14n;          /* NULL: inclusive */
    const char        *method;        /* NULL: by the key, SHA-256 */
    const char        *key_info;      /* NULL: X509Data of the signer */
    const char        *attributes;    /* of Signature, " Id=\"x\"" */
    const char        *objects;       /* NULL: none */
    const signer_t    *signer;
    const uint8_t     *secret;        /* HMAC instead of the signer's key */
    size_t             nsecret;
} sign_t;


static inline const EVP_MD *
sign_md(const char *method)
{
    if (strstr(method, "sha512")) {
        return EVP_sha512();
    }

    if (strstr(method, "sha384")) {
        return EVP_sha384();
    }

    return strstr(method, "sha1") ? EVP_sha1() : EVP_sha256();
}


static inline int
sign_is_below(void *data, xmlNodePtr node, xmlNodePtr parent)
{
    /* a namespace is no xmlNode: its parent is told */

    if (node->type == XML_NAMESPACE_DECL) {
        node = parent;
    }

    for ( ; node; node = node->parent) {
        if (node == data) {
            return 1;
        }
    }

    return 0;
}


static inline xmlNodePtr
sign_by_id(xmlNodePtr node, const char *id)
{
    xmlChar     *value;
    xmlNodePtr   found = NULL;

    for ( ; node && !found; node = node->next) {
        if (node->type != XML_ELEMENT_NODE) {
            continue;
        }

        value = xmlGetNoNsProp(node, BAD_CAST "Id");

        if (value && strcmp((char *) value, id) == 0) {
            found = node;
        }

        xmlFree(value);
        found = found ? found : sign_by_id(node->children, id);
    }

    return found;
}


static inline xmlNodePtr
sign_by_name(xmlNodePtr node, const char *name)
{
    xmlNodePtr  found = NULL;

    for ( ; node && !found; node = node->next) {
        if (node->type == XML_ELEMENT_NODE) {
            found = strcmp((const char *) node->name, name) == 0
                    ? node : sign_by_name(node->children, name);
        }
    }

    return found;
}


/* node NULL: all of the document. */

static inline xmlChar *
sign_canonical(xmlDocPtr doc, xmlNodePtr node, const char *c14n, size_t *len)
{
    int                 mode = XML_C14N_1_0;
    xmlChar            *bytes;
    xmlOutputBufferPtr  out = xmlAllocOutputBuffer(NULL);

    if (c14n && strcmp(c14n, SIGN_EXC) == 0) {
        mode = XML_C14N_EXCLUSIVE_1_0;

    } else if (c14n && strcmp(c14n, SIGN_C14N11) == 0) {
        mode = XML_C14N_1_1;
    }

    assert_true(xmlC14NExecute(doc, node ? sign_is_below : NULL, node, mode,
                               NULL, 0, out) >= 0);
    *len = xmlOutputBufferGetSize(out);
    bytes = xmlStrndup(xmlOutputBufferGetContent(out), (int) *len);
    (void) xmlOutputBufferClose(out);

    return bytes;
}


static inline char *
sign_digest(const char *text, const sign_reference_t *r)
{
    char          *base64;
    size_t         len;
    uint8_t        md[EVP_MAX_MD_SIZE];
    xmlChar       *bytes;
    xmlDocPtr      doc;
    xmlNodePtr     node = NULL, signature;
    const char    *what = r->digested ? r->digested : r->uri;
    unsigned int   n;

    doc = xmlReadMemory(text, (int) strlen(text), NULL, NULL, 0);
    assert_non_null(doc);

    if (what && what[0] == '#') {
        node = sign_by_id(xmlDocGetRootElement(doc), what + 1);
        assert_non_null(node);
    }

    if (r->transforms && strstr(r->transforms, "enveloped")) {
        signature = sign_by_name(xmlDocGetRootElement(doc), "Signature");
        xmlUnlinkNode(signature);
        xmlFreeNode(signature);
    }

    bytes = sign_canonical(doc, node, r->c14n, &len);
    assert_int_equal(EVP_Digest(bytes, len, md, &n,
                                sign_md(r->method ? r->method : "sha256"),
                                NULL), 1);
    base64 = sign_base64(md, n);

    xmlFree(bytes);
    xmlFreeDoc(doc);

    return base64;
}


/* XMLDSig has r and s side by side, OpenSSL a DER sequence. */

static inline size_t
sign_plain_ecdsa(uint8_t *value, size_t len, const EVP_PKEY *key)
{
    int             half = (EVP_PKEY_get_bits(key) + 7) / 8;
    ECDSA_SIG      *sig;
    const uint8_t  *p = value;

    sig = d2i_ECDSA_SIG(NULL, &p, (long) len);
    assert_non_null(sig);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), value, half), half);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), value + half, half),
                     half);
    ECDSA_SIG_free(sig);

    return 2 * (size_t) half;
}


static inline char *
sign_value(const sign_t *w, const char *method, const uint8_t *bytes,
           size_t len)
{
    size_t         n = 1024;
    uint8_t        value[1024];
    EVP_MD_CTX    *ctx;
    unsigned int   nhmac;

    if (w->secret) {
        assert_non_null(HMAC(sign_md(method), w->secret, (int) w->nsecret,
                             bytes, len, value, &nhmac));

        return sign_base64(value, nhmac);
    }

    ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, sign_md(method), NULL,
                                        w->signer->key), 1);
    assert_int_equal(EVP_DigestSign(ctx, value, &n, bytes, len), 1);
    EVP_MD_CTX_free(ctx);

    if (EVP_PKEY_get_base_id(w->signer->key) == EVP_PKEY_EC) {
        n = sign_plain_ecdsa(value, n, w->signer->key);
    }

    return sign_base64(value, n);
}


static inline const char *
sign_method(const sign_t *w)
{
    if (w->method) {
        return w->method;
    }

    return EVP_PKEY_get_base_id(w->signer->key) == EVP_PKEY_EC
           ? SIGN_MORE "ecdsa-sha256" : SIGN_MORE "rsa-sha256";
}


static inline void
sign_reference(FILE *f, const sign_reference_t *r, int i)
{
    (void) fprintf(f, "<Reference");

    if (r->uri) {
        (void) fprintf(f, " URI=\"%s\"", r->uri);
    }

    (void) fprintf(f, ">");

    if (r->transforms) {
        (void) fprintf(f, "<Transforms>%s</Transforms>", r->transforms);
    }

    (void) fprintf(f, "<DigestMethod Algorithm=\"%s\"/>"
                   "<DigestValue>@%d@</DigestValue></Reference>",
                   r->method ? r->method : SIGN_XMLENC "sha256", i);
}


static inline char *
sign_template(const sign_t *w)
{
    char    *text = NULL;
    size_t   len;
    FILE    *f = open_memstream(&text, &len);

    (void) fprintf(f, "<Signature xmlns=\"" SIGN_DSIG "\"%s><SignedInfo>"
                   "<CanonicalizationMethod Algorithm=\"%s\"/>"
                   "<SignatureMethod Algorithm=\"%s\"/>",
                   w->attributes ? w->attributes : "",
                   w->c14n ? w->c14n : SIGN_C14N, sign_method(w));

    for (int i = 0; i < w->nreferences; i++) {
        sign_reference(f, &w->references[i], i);
    }

    (void) fprintf(f, "</SignedInfo><SignatureValue>@V@</SignatureValue>"
                   "%s%s</Signature>",
                   w->key_info ? w->key_info
                   : "<KeyInfo><X509Data><X509Certificate>@K@"
                     "</X509Certificate></X509Data></KeyInfo>",
                   w->objects ? w->objects : "");
    (void) fclose(f);

    return text;
}


/* The signed text; the caller frees it. */

static inline char *
sign_make(const sign_t *w)
{
    char       *text = strdup(w->document), *piece, mark[16];
    size_t      len;
    xmlChar    *info;
    xmlDocPtr   doc;

    piece = sign_template(w);
    text = sign_put(text, "@S@", piece);
    free(piece);

    piece = sign_certificate(w->signer);
    text = sign_put(text, "@K@", piece);
    free(piece);

    for (int i = 0; i < w->nreferences; i++) {
        (void) snprintf(mark, sizeof(mark), "@%d@", i);
        piece = sign_digest(text, &w->references[i]);
        text = sign_put(text, mark, piece);
        free(piece);
    }

    doc = xmlReadMemory(text, (int) strlen(text), NULL, NULL, 0);
    info = sign_canonical(doc, sign_by_name(xmlDocGetRootElement(doc),
                                            "SignedInfo"), w->c14n, &len);
    xmlFreeDoc(doc);

    piece = sign_value(w, sign_method(w), info, len);
    text = sign_put(text, "@V@", piece);
    free(piece);
    xmlFree(info);

    return text;
}


#endif /* EHR_TEST_SIGNATURES_H */
