/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The arithmetic, by xmlsec: canonical form, digests, signature value.  It
 * decides nothing else: the shape was checked before, the key is given, and
 * whatever xmlsec could do beyond that is switched off twice, in the library
 * and in each context.
 */

#include <libxml/parser.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/errors.h>
#include <xmlsec/io.h>
#include <xmlsec/keys.h>
#include <xmlsec/keysdata.h>
#include <xmlsec/list.h>
#include <xmlsec/transforms.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>

#include "ehr_signature_parts.h"


#define VERIFY_REFERENCE  0x01    /* may stand in a Reference */
#define VERIFY_SIGNATURE  0x02    /* may stand beside it in SignedInfo */
#define VERIFY_SHA1       0x04    /* only where the policy says so */


typedef struct {
    xmlSecTransformId  (*klass)(void);
    unsigned             flags;
} verify_transform_t;


/* All that is left of xmlsec's transforms. */

static const verify_transform_t  verify_transforms[] = {
    { xmlSecTransformEnvelopedGetKlass, VERIFY_REFERENCE },
    { xmlSecTransformInclC14NGetKlass, VERIFY_REFERENCE|VERIFY_SIGNATURE },
    { xmlSecTransformInclC14N11GetKlass, VERIFY_REFERENCE|VERIFY_SIGNATURE },
    { xmlSecTransformExclC14NGetKlass, VERIFY_REFERENCE|VERIFY_SIGNATURE },
    { xmlSecOpenSSLTransformSha256GetKlass, VERIFY_REFERENCE },
    { xmlSecOpenSSLTransformSha384GetKlass, VERIFY_REFERENCE },
    { xmlSecOpenSSLTransformSha512GetKlass, VERIFY_REFERENCE },
    { xmlSecOpenSSLTransformSha1GetKlass, VERIFY_REFERENCE|VERIFY_SHA1 },
    { xmlSecOpenSSLTransformRsaSha256GetKlass, VERIFY_SIGNATURE },
    { xmlSecOpenSSLTransformRsaSha384GetKlass, VERIFY_SIGNATURE },
    { xmlSecOpenSSLTransformRsaSha512GetKlass, VERIFY_SIGNATURE },
    { xmlSecOpenSSLTransformEcdsaSha256GetKlass, VERIFY_SIGNATURE },
    { xmlSecOpenSSLTransformEcdsaSha384GetKlass, VERIFY_SIGNATURE },
    { xmlSecOpenSSLTransformEcdsaSha512GetKlass, VERIFY_SIGNATURE },
    { xmlSecOpenSSLTransformRsaSha1GetKlass, VERIFY_SIGNATURE|VERIFY_SHA1 }
};

#define VERIFY_TRANSFORMS                                                     \
    (sizeof(verify_transforms) / sizeof(verify_transforms[0]))


/* --- the library --------------------------------------------------------- */


/* Whoever is still able to name another transform in a signature finds that
 * this library has none. */

static ehr_rc_t
verify_restrict(void)
{
    xmlSecPtrListEmpty(xmlSecTransformIdsGet());

    for (size_t i = 0; i < VERIFY_TRANSFORMS; i++) {
        if (xmlSecTransformIdsRegister(verify_transforms[i].klass()) < 0) {
            return EHR_BROKEN;
        }
    }

    /* no way to open anything by a URI */
    xmlSecIOCleanupCallbacks();

    return EHR_OK;
}


static xmlParserInputPtr
verify_no_entity(const char *url, const char *id, xmlParserCtxtPtr ctxt)
{
    return NULL;
}


static void
verify_silence(void *data, const char *format, ...)
{
}


/* A second configuration in the same process finds the library ready; its
 * messages would quote what the sender wrote.  xmlSecInit() also prepares
 * libxml2's HTTP client, which writes to stderr about an "http_proxy" that it
 * does not understand; nothing here is ever fetched. */

ehr_rc_t
ehr_sign_library_init(void)
{
    ehr_rc_t  rc;

    xmlSecErrorsSetCallback(NULL);

    if (xmlSecPtrListGetSize(xmlSecTransformIdsGet()) == VERIFY_TRANSFORMS) {
        return EHR_OK;
    }

    xmlInitParser();
    xmlSetGenericErrorFunc(NULL, verify_silence);

    rc = xmlSecInit() == 0 && xmlSecCheckVersion() == 1
         && xmlSecOpenSSLInit() == 0
         ? EHR_OK : EHR_BROKEN;

    xmlSetGenericErrorFunc(NULL, NULL);

    if (rc != EHR_OK) {
        return rc;
    }

    xmlSecErrorsSetCallback(NULL);

    rc = verify_restrict();

    /* after xmlSecInit(), which has its own */
    xmlSetExternalEntityLoader(verify_no_entity);

    return rc;
}


/* --- one signature ------------------------------------------------------- */


static int
verify_enable(const ehr_sign_t *s, xmlSecDSigCtxPtr ctx)
{
    int                        rc = 0;
    const verify_transform_t  *t = verify_transforms;

    for (size_t i = 0; i < VERIFY_TRANSFORMS && rc >= 0; i++, t++) {
        if ((t->flags & VERIFY_SHA1) && !s->policy->allows_sha1) {
            continue;
        }

        if (t->flags & VERIFY_REFERENCE) {
            rc = xmlSecDSigCtxEnableReferenceTransform(ctx, t->klass());
        }

        if (rc >= 0 && (t->flags & VERIFY_SIGNATURE)) {
            rc = xmlSecDSigCtxEnableSignatureTransform(ctx, t->klass());
        }
    }

    return rc;
}


/* With a key in the context xmlsec does not look into KeyInfo. */

static xmlSecKeyPtr
verify_key(const ehr_sign_t *s)
{
    EVP_PKEY          *pkey = X509_get0_pubkey(s->signer);
    xmlSecKeyPtr       key;
    xmlSecKeyDataPtr   data;

    if (pkey == NULL || EVP_PKEY_up_ref(pkey) != 1) {
        return NULL;
    }

    data = xmlSecOpenSSLEvpKeyAdopt(pkey);
    if (data == NULL) {
        EVP_PKEY_free(pkey);

        return NULL;
    }

    key = xmlSecKeyCreate();

    if (key == NULL || xmlSecKeySetValue(key, data) < 0) {
        xmlSecKeyDataDestroy(data);

        if (key) {
            xmlSecKeyDestroy(key);
        }

        return NULL;
    }

    return key;
}


static xmlSecDSigCtxPtr
verify_context(const ehr_sign_t *s)
{
    xmlSecDSigCtxPtr  ctx;

    ctx = xmlSecDSigCtxCreate(NULL);
    if (ctx == NULL) {
        return NULL;
    }

    /* the second finds an Id by the table that ehr_sign_choices() filled,
     * without XPointer */
    ctx->flags = XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS
                 | XMLSEC_DSIG_FLAGS_USE_VISA3D_HACK;

    ctx->enabledReferenceUris = xmlSecTransformUriTypeEmpty
                                | xmlSecTransformUriTypeSameDocument;

    ctx->keyInfoReadCtx.retrievalMethodCtx.enabledUris =
        xmlSecTransformUriTypeNone;
    ctx->keyInfoReadCtx.maxRetrievalMethodLevel = 0;
    ctx->keyInfoReadCtx.maxEncryptedKeyLevel = 0;

    ctx->signKey = verify_key(s);

    if (ctx->signKey == NULL || verify_enable(s, ctx) < 0) {
        xmlSecDSigCtxDestroy(ctx);

        return NULL;
    }

    return ctx;
}


/* Succeeded must mean that each of the references counted before did. */

static ehr_sign_fault_e
verify_judge(const ehr_sign_t *s, xmlSecDSigCtxPtr ctx)
{
    xmlSecSize                 n;
    xmlSecDSigReferenceCtxPtr  reference;

    n = xmlSecPtrListGetSize(&ctx->signedInfoReferences);

    for (xmlSecSize i = 0; i < n; i++) {
        reference = xmlSecPtrListGetItem(&ctx->signedInfoReferences, i);

        if (reference == NULL
            || reference->status != xmlSecDSigStatusSucceeded)
        {
            return EHR_SIGN_DIGEST;
        }
    }

    return n == s->nreferences && ctx->status == xmlSecDSigStatusSucceeded
           ? EHR_SIGN_NONE : EHR_SIGN_VALUE;
}


ehr_sign_fault_e
ehr_sign_verify(ehr_sign_t *s)
{
    xmlSecDSigCtxPtr   ctx;
    ehr_sign_fault_e   fault;

    ctx = verify_context(s);
    if (ctx == NULL) {
        return EHR_SIGN_BROKEN;
    }

    /* a negative result is a value of the wrong size, or no memory: either
     * way nothing was proved */
    if (xmlSecDSigCtxVerify(ctx, s->signature) < 0) {
        ctx->status = xmlSecDSigStatusInvalid;
    }

    fault = verify_judge(s, ctx);
    xmlSecDSigCtxDestroy(ctx);

    return fault;
}
