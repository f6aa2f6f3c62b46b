/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Facilities from rows to structures: one, or all of them with the generation
 * that says whether a copy is still true.
 */

#include "ehr_store_sqlite.h"


#define MAX_FACILITIES  100000


static int
read_certificate(ehr_query_t *q, ehr_arena_t *arena, ehr_certificate_t *cert)
{
    cert->subject = ehr_column_str(q, 1, arena);
    cert->not_after_ms = ehr_column_int(q, 2);
    cert->added_ms = ehr_column_int(q, 3);

    return ehr_column_bytes(q, 0, cert->sha256, EHR_SHA256_LEN);
}


static ehr_rc_t
load_certificates(ehr_store_t *store, ehr_arena_t *arena,
                  ehr_facility_t *fac)
{
    int          is_good;
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_CERTS);
    ehr_query_str(&q, fac->code);

    is_good = 1;
    fac->ncerts = 0;

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && fac->ncerts < EHR_FACILITY_MAX_CERTS;
         rc = ehr_query_step(&q))
    {
        is_good &= read_certificate(&q, arena, &fac->certs[fac->ncerts]);
        fac->ncerts++;
    }

    ehr_query_end(&q);

    if (rc != EHR_OK && rc != EHR_AGAIN) {
        return rc;
    }

    return is_good && !q.no_memory
           ? EHR_OK
           : ehr_store_broken(store, "a certificate cannot be read");
}


static void
read_facility(ehr_query_t *q, ehr_arena_t *arena, ehr_facility_t *fac)
{
    memset(fac, 0, sizeof(ehr_facility_t));

    fac->code = ehr_column_str(q, 0, arena);
    fac->name = ehr_column_str(q, 1, arena);
    fac->standard = ehr_column_str(q, 2, arena);
    fac->kinds = (uint32_t) ehr_column_int(q, 3);
    fac->is_suspended = ehr_column_int(q, 4) != 0;
    fac->suspended_reason = ehr_column_str(q, 5, arena);
    fac->rate_milli = ehr_column_int(q, 6);
    fac->burst = ehr_column_int(q, 7);
    fac->version = ehr_column_int(q, 8);
    fac->tokens_from_ms = ehr_column_int(q, 9);
    fac->changed_ms = ehr_column_int(q, 10);
}


ehr_rc_t
ehr_store_load_facility(ehr_store_t *store, ehr_str_t code,
                        ehr_arena_t *arena, ehr_facility_t *out)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_FACILITY);
    ehr_query_str(&q, code);

    rc = ehr_query_step(&q);

    if (rc == EHR_AGAIN) {
        read_facility(&q, arena, out);
    }

    ehr_query_end(&q);

    if (rc != EHR_AGAIN || q.no_memory) {
        return ehr_store_broken(store, "a facility cannot be read");
    }

    return load_certificates(store, arena, out);
}


static ehr_rc_t
get_int(ehr_store_t *store, ehr_sql_e sql, int64_t *value)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, sql);

    return ehr_store_get_int(&q, value);
}


static ehr_rc_t
read_facilities(ehr_store_t *store, ehr_arena_t *arena, ehr_facility_t *all,
                int64_t *n)
{
    int64_t      i;
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_FACILITIES);
    ehr_query_int(&q, *n);

    for (i = 0, rc = ehr_query_step(&q);
         rc == EHR_AGAIN && i < *n;
         rc = ehr_query_step(&q))
    {
        read_facility(&q, arena, &all[i++]);
    }

    ehr_query_end(&q);
    *n = i;

    if (rc == EHR_OK && q.no_memory) {
        return ehr_store_broken(store, "the arena is full");
    }

    for (i = 0; i < *n && rc == EHR_OK; i++) {
        rc = load_certificates(store, arena, &all[i]);
    }

    return rc;
}


static ehr_rc_t
load_registry(ehr_store_t *store, ehr_arena_t *arena, ehr_facility_t **facs,
              uint32_t *nfacs)
{
    int64_t   n;
    ehr_rc_t  rc;

    rc = get_int(store, EHR_SQL_FACILITY_COUNT, &n);

    if (rc != EHR_OK || n == 0) {
        return rc;
    }

    if (n > MAX_FACILITIES) {
        return ehr_store_broken(store, "too many facilities");
    }

    *facs = ehr_arena_calloc(arena, (size_t) n * sizeof(ehr_facility_t));
    if (*facs == NULL) {
        return ehr_store_broken(store, "the arena is full");
    }

    rc = read_facilities(store, arena, *facs, &n);
    *nfacs = rc == EHR_OK ? (uint32_t) n : 0;

    return rc;
}


ehr_rc_t
ehr_registry_generation(ehr_store_t *store, int64_t *generation)
{
    ehr_rc_t  rc;

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = get_int(store, EHR_SQL_GENERATION, generation);

    return ehr_store_end_read(store, rc);
}


ehr_rc_t
ehr_registry_load(ehr_store_t *store, ehr_arena_t *arena,
                  ehr_facility_t **facs, uint32_t *nfacs,
                  int64_t *generation)
{
    ehr_rc_t  rc;

    *facs = NULL;
    *nfacs = 0;

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = get_int(store, EHR_SQL_GENERATION, generation);

    if (rc == EHR_OK) {
        rc = load_registry(store, arena, facs, nfacs);
    }

    return ehr_store_end_read(store, rc);
}
