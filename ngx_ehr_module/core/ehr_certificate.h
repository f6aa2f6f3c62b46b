/* SPDX-License-Identifier: BSD-2-Clause */

/* A certificate in PEM to what the registry keeps of it. */

#ifndef EHR_CERTIFICATE_H
#define EHR_CERTIFICATE_H


#include "ehr.h"
#include "ehr_store.h"


typedef enum {
    EHR_CERTIFICATE_OK = 0,
    EHR_CERTIFICATE_NONE,         /* no PEM block, or one that is no
                                     certificate */
    EHR_CERTIFICATE_SEVERAL,
    EHR_CERTIFICATE_PRIVATE_KEY,  /* never to be sent to anybody */
    EHR_CERTIFICATE_MALFORMED,
    EHR_CERTIFICATE_EXPIRED,
    EHR_CERTIFICATE_BROKEN        /* ours: no memory */
} ehr_certificate_e;


/*
 * Does   reads exactly one certificate: digest of its DER, subject (RFC 2253,
 *        UTF-8), end of validity; added_ms is now_ms
 * Never  asks who signed it: the TLS listener does, at every handshake
 */
ehr_certificate_e ehr_certificate_read(ehr_str_t pem, int64_t now_ms,
                                       ehr_arena_t *arena,
                                       ehr_certificate_t *cert);


#endif /* EHR_CERTIFICATE_H */
