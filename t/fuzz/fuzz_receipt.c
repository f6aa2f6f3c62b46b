/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Receipts as a client reads them, and sets of keys (RFC 7517).  What was
 * read can be signed again, and read again to the same.
 */

#include "ehr_receipt.h"
#include "key.h"


#define RECEIPT_KEYS  4


static ehr_key_t  *keys[1];


void
fuzz_begin(void)
{
    keys[0] = fuzz_key();
}


static void
check_again(const ehr_receipt_t *facts, ehr_arena_t *arena)
{
    ehr_str_t      jws;
    ehr_receipt_t  again;

    jws = ehr_receipt_sign(keys[0], facts, arena);

    if (jws.data == NULL) {
        /* the way it is written now is longer than a receipt may be */
        return;
    }

    fuzz_check(ehr_receipt_verify(keys, 1, jws, arena, &again) == EHR_OK);
    fuzz_check(ehr_str_eq(facts->id, again.id));
    fuzz_check(ehr_str_eq(facts->facility, again.facility));
    fuzz_check(ehr_str_eq(facts->business_key, again.business_key));
    fuzz_check(facts->size == again.size);
    fuzz_check(facts->received_at_ms == again.received_at_ms);
    fuzz_check(memcmp(facts->sha256, again.sha256, EHR_SHA256_LEN) == 0);
}


static void
read_keys(ehr_str_t text)
{
    size_t      n = 0;
    ehr_rc_t    rc;
    ehr_key_t  *set[RECEIPT_KEYS];

    rc = ehr_jwks_read(text, set, RECEIPT_KEYS, &n);
    fuzz_check(rc == EHR_OK || rc == EHR_REFUSED);
    fuzz_check(rc == EHR_OK ? n <= RECEIPT_KEYS : n == 0);

    while (n) {
        fuzz_check(!ehr_key_is_private(set[--n]));
        ehr_key_free(set[n]);
    }
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    static const char  set[] = "{\"keys\"";

    ehr_rc_t       rc;
    ehr_receipt_t  facts;

    if (bytes.len > sizeof(set)
        && memcmp(bytes.data, set, sizeof(set) - 1) == 0)
    {
        read_keys(bytes);

        return;
    }

    rc = ehr_receipt_verify(keys, 1, fuzz_token(bytes, arena), arena, &facts);
    fuzz_check(rc == EHR_OK || rc == EHR_REFUSED);

    if (rc == EHR_OK) {
        check_again(&facts, arena);
    }
}
