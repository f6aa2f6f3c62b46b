/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What stands in a document's way now or will soon: keys, room, lists of
 * revoked certificates.  Finds it out; whether that is a reason to refuse,
 * to warn or to be silent is the caller's.
 */

#include "ngx_http_ehr_health.h"

#include <openssl/x509.h>


#define NGX_HTTP_EHR_CRL_MAX   64     /* that are looked at, of a server */


ngx_uint_t
ngx_http_ehr_health_keys(ngx_http_ehr_main_conf_t *mcf)
{
    ehr_key_t  **keys = mcf->token_keys.elts;

    if (!mcf->has_gateway) {
        return 1;
    }

    return mcf->token_keys.nelts > 0 && ehr_key_is_private(keys[0])
           && mcf->receipt_key != NULL
           && ehr_key_is_private(mcf->receipt_key);
}


uint64_t
ngx_http_ehr_health_missing(ngx_http_ehr_worker_t *worker)
{
    int64_t                 id;
    uint64_t                n;
    ngx_uint_t              i;
    ngx_http_ehr_shared_t  *shared = worker->shared;

    n = 0;

    for (i = 0; i < shared->nkeys && i < EHR_STORE_MAX_KEYS_SEEN; i++) {
        id = (int64_t) shared->key_ids[i];

        if (id != 0 && !ehr_seal_keys_has(&worker->mcf->store_keys, id)) {
            n += (uint64_t) shared->key_counts[i];
        }
    }

    return n;
}


int64_t
ngx_http_ehr_health_room(ngx_http_ehr_worker_t *worker,
    const ngx_http_ehr_room_t *room)
{
    int64_t     least, seconds;
    ngx_uint_t  i;

    least = -1;

    for (i = 0; i < worker->mcf->partners.nelts && i < NGX_HTTP_EHR_RATES;
         i++)
    {
        seconds = ngx_http_ehr_room_seconds(worker, i, room);

        if (seconds >= 0 && (least == -1 || seconds < least)) {
            least = seconds;
        }
    }

    return least;
}


/* A list without an end does not become too old. */

static void
ngx_http_ehr_crl_see(ngx_http_ehr_crl_t *crl, X509_CRL *list)
{
    int               days, seconds;
    int64_t           left;
    const ASN1_TIME  *end;

    crl->n++;

    end = X509_CRL_get0_nextUpdate(list);

    if (end == NULL || !ASN1_TIME_diff(&days, &seconds, NULL, end)) {
        return;
    }

    left = (int64_t) days * 86400 + seconds;
    crl->left_sec = ngx_min(crl->left_sec, left);
}


static void
ngx_http_ehr_crl_server(ngx_http_ehr_crl_t *crl, SSL_CTX *ssl)
{
    int                     i;
    X509_OBJECT            *object;
    STACK_OF(X509_OBJECT)  *objects;

    objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ssl));

    for (i = 0; i < sk_X509_OBJECT_num(objects) && i < NGX_HTTP_EHR_CRL_MAX;
         i++)
    {
        object = sk_X509_OBJECT_value(objects, i);

        if (X509_OBJECT_get_type(object) == X509_LU_CRL) {
            ngx_http_ehr_crl_see(crl, X509_OBJECT_get0_X509_CRL(object));
        }
    }
}


void
ngx_http_ehr_health_crl(ngx_http_request_t *r, ngx_http_ehr_crl_t *crl)
{
    ngx_uint_t                   i;
    ngx_http_ssl_srv_conf_t     *sscf;
    ngx_http_ehr_srv_conf_t     *scf;
    ngx_http_core_srv_conf_t   **cscf;
    ngx_http_core_main_conf_t   *cmcf;

    crl->n = 0;
    crl->left_sec = NGX_MAX_INT32_VALUE;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    cscf = cmcf->servers.elts;

    for (i = 0; i < cmcf->servers.nelts; i++) {
        scf = cscf[i]->ctx->srv_conf[ngx_http_ehr_module.ctx_index];
        sscf = cscf[i]->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

        if (scf->is_gateway && sscf->ssl.ctx != NULL) {
            ngx_http_ehr_crl_server(crl, sscf->ssl.ctx);
        }
    }
}
