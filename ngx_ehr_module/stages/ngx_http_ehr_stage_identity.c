/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Who is there: the SHA-256 of the connection's verified client certificate
 * leads to a facility.  Only the connection is asked, never a header.  The
 * registry is asked for each request: a resumed session and a long keep-alive
 * connection skip the certificate's own checks (engineering.md 1).
 */

#include "ngx_http_ehr.h"


static ngx_http_ehr_result_e ngx_http_ehr_identify(ngx_http_ehr_ctx_t *ctx);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_identity = {
    "identity", ngx_http_ehr_identify
};


/* Marks the identity among the connection's cleanups; has nothing to do. */

static void
ngx_http_ehr_identity_mark(void *data)
{
}


static ngx_http_ehr_identity_t *
ngx_http_ehr_identity_create(ngx_connection_t *c)
{
    X509                     *cert;
    unsigned int              len;
    ngx_pool_cleanup_t       *cln;
    ngx_http_ehr_identity_t  *identity;

    if (SSL_get_verify_result(c->ssl->connection) != X509_V_OK) {
        return NULL;
    }

    cert = SSL_get0_peer_certificate(c->ssl->connection);
    if (cert == NULL) {
        return NULL;
    }

    cln = ngx_pool_cleanup_add(c->pool, sizeof(ngx_http_ehr_identity_t));
    if (cln == NULL) {
        return NULL;
    }

    identity = cln->data;

    if (X509_digest(cert, EVP_sha256(), identity->sha256, &len) != 1
        || len != EHR_SHA256_LEN)
    {
        return NULL;
    }

    cln->handler = ngx_http_ehr_identity_mark;

    return identity;
}


const ngx_http_ehr_identity_t *
ngx_http_ehr_identity(ngx_http_request_t *r)
{
    ngx_connection_t    *c = r->connection;
    ngx_pool_cleanup_t  *cln;

#if (NGX_HTTP_V2)
    /* A stream's connection is a fake one; the session is its parent's. */
    if (r->stream) {
        c = r->stream->connection->connection;
    }
#endif

    if (c->ssl == NULL) {
        return NULL;
    }

    for (cln = c->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_ehr_identity_mark) {
            return cln->data;
        }
    }

    return ngx_http_ehr_identity_create(c);
}


ehr_problem_e
ngx_http_ehr_certificate_problem(ngx_connection_t *c)
{
    switch (SSL_get_verify_result(c->ssl->connection)) {

    case X509_V_ERR_CERT_REVOKED:
        return EHR_PROBLEM_CERT_REVOKED;

    /* Our list is at fault, not who came: nobody gets in all the same.  That
     * there is none is also said of a stranger's CA. */

    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
        return EHR_PROBLEM_CERT_UNCHECKED;

    case X509_V_OK:
        return SSL_get0_peer_certificate(c->ssl->connection)
               ? EHR_PROBLEM_BAD_REQUEST : EHR_PROBLEM_CERT_REQUIRED;

    default:
        return EHR_PROBLEM_CERT_REQUIRED;
    }
}


static ngx_http_ehr_result_e
ngx_http_ehr_identify(ngx_http_ehr_ctx_t *ctx)
{
    ctx->identity = ngx_http_ehr_identity(ctx->request);

    if (ctx->identity == NULL) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CERT_REQUIRED, NULL,
                                   NULL);
    }

    switch (ngx_http_ehr_registry_hold(ctx)) {

    case NGX_OK:
        break;

    case NGX_AGAIN:
        return NGX_HTTP_EHR_PARKED;

    default:
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_STORE_UNAVAILABLE, NULL,
                                   NULL);
    }

    ctx->fac = ngx_http_ehr_registry_by_cert(ctx, ctx->identity->sha256);

    if (ctx->fac == NULL) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_CERT_UNKNOWN,
            "Đề nghị quản trị viên đăng ký vân tay SHA-256 của chứng thư.",
            "Ask the administrator to enrol the certificate's SHA-256.");
    }

    if (ctx->fac->is_suspended) {
        return ngx_http_ehr_refuse(ctx, EHR_PROBLEM_FACILITY_SUSPENDED, NULL,
                                   NULL);
    }

    return NGX_HTTP_EHR_NEXT;
}
