/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Changing the registry of facilities.  Every change is one transaction of
 * the same shape: the facility and its version, the change, version and
 * generation, the audit row.  A dry run is the same transaction, rolled back.
 *
 * The audit names what was changed and by whom; it repeats no text a person
 * typed and no name from a certificate.
 */

#include <inttypes.h>
#include <stdio.h>

#include "ehr_id.h"
#include "ehr_store_sqlite.h"


#define DETAIL_MAX  512


typedef struct change_s  change_t;

struct change_s {
    ehr_store_t              *store;
    const ehr_change_t       *who;
    const char               *action;
    ehr_str_t                 code;
    ehr_registry_e          (*run)(change_t *ch);
    ehr_arena_t              *arena;
    ehr_facility_t           *out;

    /* what the one or the other action needs */
    const ehr_facility_t     *fac;
    const ehr_certificate_t  *cert;
    const uint8_t            *sha256;
    ehr_str_t                 reason;

    char                      detail[DETAIL_MAX];
};


static ehr_registry_e
registry_result(ehr_rc_t rc)
{
    return rc == EHR_OK ? EHR_REGISTRY_OK : EHR_REGISTRY_LATER;
}


/* --- the shape of a change --- */

/* EHR_REFUSED: there is none. */

static ehr_rc_t
present_version(change_t *ch, int64_t *version)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, ch->store, EHR_SQL_FACILITY);
    ehr_query_str(&q, ch->code);

    rc = ehr_query_step(&q);
    if (rc == EHR_AGAIN) {
        *version = ehr_column_int(&q, 8);
        rc = EHR_OK;

    } else if (rc == EHR_OK) {
        rc = EHR_REFUSED;
    }

    ehr_query_end(&q);

    return rc;
}


static ehr_registry_e
check_version(change_t *ch)
{
    int64_t   version;
    ehr_rc_t  rc;

    rc = present_version(ch, &version);

    if (rc == EHR_REFUSED) {
        return ch->fac != NULL ? EHR_REGISTRY_OK : EHR_REGISTRY_NOT_FOUND;
    }

    if (rc != EHR_OK) {
        return EHR_REGISTRY_LATER;
    }

    if (ch->fac != NULL) {
        return EHR_REGISTRY_EXISTS;
    }

    return ch->who->if_version == 0 || ch->who->if_version == version
           ? EHR_REGISTRY_OK
           : EHR_REGISTRY_VERSION;
}


static ehr_rc_t
touch(change_t *ch)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, ch->store, EHR_SQL_FACILITY_TOUCH);
    ehr_query_str(&q, ch->code);
    ehr_query_int(&q, ch->who->now_ms);

    rc = ehr_query_run(&q);

    return rc == EHR_OK ? ehr_store_run(ch->store, EHR_SQL_GENERATION_RAISE)
                        : rc;
}


static ehr_rc_t
audit(change_t *ch)
{
    ehr_query_t  q;

    ehr_query_begin(&q, ch->store, EHR_SQL_AUDIT_ADD);
    ehr_query_int(&q, ch->who->now_ms);
    ehr_query_str(&q, ch->who->actor);
    ehr_query_str(&q, ch->who->request_id);
    ehr_query_text(&q, ch->action);
    ehr_query_str(&q, ch->code);
    ehr_query_text(&q, ch->detail);

    return ehr_query_run(&q);
}


static ehr_rc_t
load_result(change_t *ch)
{
    return ch->out != NULL
           ? ehr_store_load_facility(ch->store, ch->code, ch->arena, ch->out)
           : EHR_OK;
}


static ehr_registry_e
run_change(change_t *ch)
{
    ehr_rc_t        rc;
    ehr_registry_e  result;

    result = check_version(ch);

    if (result == EHR_REGISTRY_OK) {
        result = ch->run(ch);
    }

    if (result != EHR_REGISTRY_OK) {
        return result;
    }

    rc = touch(ch);

    if (rc == EHR_OK) {
        rc = audit(ch);
    }

    if (rc == EHR_OK) {
        rc = load_result(ch);
    }

    return registry_result(rc);
}


static ehr_registry_e
change(change_t *ch)
{
    int             is_kept;
    ehr_rc_t        rc;
    ehr_registry_e  result;

    if (ehr_store_enter(ch->store) != EHR_OK) {
        return EHR_REGISTRY_LATER;
    }

    if (ehr_store_begin_write(ch->store) != EHR_OK) {
        ehr_store_leave(ch->store);
        return EHR_REGISTRY_LATER;
    }

    result = run_change(ch);
    is_kept = result == EHR_REGISTRY_OK && !ch->who->is_dry_run;

    rc = ehr_store_end_write(ch->store, is_kept ? EHR_OK : EHR_REFUSED);

    if (is_kept && rc != EHR_OK) {
        result = EHR_REGISTRY_LATER;
    }

    ehr_store_leave(ch->store);

    return result;
}


/* --- the changes --- */

static ehr_registry_e
run_add(change_t *ch)
{
    ehr_query_t            q;
    const ehr_facility_t  *fac = ch->fac;

    (void) snprintf(ch->detail, sizeof(ch->detail),
                    "{\"kinds\":%" PRIu32 ",\"rate_milli\":%" PRId64
                    ",\"burst\":%" PRId64 "}",
                    fac->kinds, fac->rate_milli, fac->burst);

    ehr_query_begin(&q, ch->store, EHR_SQL_FACILITY_ADD);
    ehr_query_str(&q, fac->code);
    ehr_query_str(&q, fac->name);
    ehr_query_str(&q, fac->standard);
    ehr_query_int(&q, fac->kinds);
    ehr_query_int(&q, fac->rate_milli);
    ehr_query_int(&q, fac->burst);
    ehr_query_int(&q, ch->who->now_ms);

    return registry_result(ehr_query_run(&q));
}


/* Tokens of before stay void after a resume: why they were stopped may be
 * who holds them. */

static ehr_registry_e
run_suspend(change_t *ch)
{
    ehr_query_t  q;

    ehr_query_begin(&q, ch->store, EHR_SQL_FACILITY_SUSPEND);
    ehr_query_str(&q, ch->code);
    ehr_query_str(&q, ch->reason);
    ehr_query_int(&q, ch->who->now_ms);

    return registry_result(ehr_query_run(&q));
}


static ehr_registry_e
run_resume(change_t *ch)
{
    ehr_query_t  q;

    ehr_query_begin(&q, ch->store, EHR_SQL_FACILITY_RESUME);
    ehr_query_str(&q, ch->code);

    return registry_result(ehr_query_run(&q));
}


static void
detail_of_certificate(change_t *ch, const uint8_t *sha256)
{
    char  hex[2 * EHR_SHA256_LEN + 1];

    ehr_hex(sha256, EHR_SHA256_LEN, hex);
    (void) snprintf(ch->detail, sizeof(ch->detail), "{\"sha256\":\"%s\"}",
                    hex);
}


/* EHR_AGAIN: some facility has it. */

static ehr_rc_t
find_certificate(change_t *ch)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, ch->store, EHR_SQL_CERT_FIND);
    ehr_query_blob(&q, ch->cert->sha256, EHR_SHA256_LEN);

    rc = ehr_query_step(&q);
    ehr_query_end(&q);

    return rc;
}


static ehr_rc_t
count_certificates(change_t *ch, uint32_t *n)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, ch->store, EHR_SQL_CERTS);
    ehr_query_str(&q, ch->code);

    *n = 0;

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && *n < EHR_FACILITY_MAX_CERTS;
         rc = ehr_query_step(&q))
    {
        (*n)++;
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


static ehr_rc_t
insert_certificate(change_t *ch)
{
    ehr_query_t  q;

    ehr_query_begin(&q, ch->store, EHR_SQL_CERT_ADD);
    ehr_query_blob(&q, ch->cert->sha256, EHR_SHA256_LEN);
    ehr_query_str(&q, ch->code);
    ehr_query_str(&q, ch->cert->subject);
    ehr_query_int(&q, ch->cert->not_after_ms);
    ehr_query_int(&q, ch->who->now_ms);

    return ehr_query_run(&q);
}


static ehr_registry_e
run_cert_add(change_t *ch)
{
    uint32_t  n;
    ehr_rc_t  rc;

    detail_of_certificate(ch, ch->cert->sha256);

    rc = find_certificate(ch);

    if (rc == EHR_AGAIN) {
        return EHR_REGISTRY_EXISTS;
    }

    if (rc == EHR_OK) {
        rc = count_certificates(ch, &n);
    }

    if (rc != EHR_OK) {
        return EHR_REGISTRY_LATER;
    }

    if (n == EHR_FACILITY_MAX_CERTS) {
        return EHR_REGISTRY_FULL;
    }

    return registry_result(insert_certificate(ch));
}


static ehr_registry_e
run_cert_remove(change_t *ch)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    detail_of_certificate(ch, ch->sha256);

    ehr_query_begin(&q, ch->store, EHR_SQL_CERT_REMOVE);
    ehr_query_blob(&q, ch->sha256, EHR_SHA256_LEN);
    ehr_query_str(&q, ch->code);

    rc = ehr_query_step(&q);
    ehr_query_end(&q);

    if (rc == EHR_AGAIN) {
        return EHR_REGISTRY_OK;
    }

    return rc == EHR_OK ? EHR_REGISTRY_NOT_FOUND : EHR_REGISTRY_LATER;
}


ehr_registry_e
ehr_registry_add(ehr_store_t *store, const ehr_change_t *who,
                 const ehr_facility_t *fac, ehr_arena_t *arena,
                 ehr_facility_t *out)
{
    change_t  ch = {
        .store = store, .who = who, .action = "facility.add",
        .code = fac->code, .run = run_add, .arena = arena, .out = out,
        .fac = fac, .detail = "{}"
    };

    return change(&ch);
}


ehr_registry_e
ehr_registry_suspend(ehr_store_t *store, const ehr_change_t *who,
                     ehr_str_t code, ehr_str_t reason, ehr_arena_t *arena,
                     ehr_facility_t *out)
{
    change_t  ch = {
        .store = store, .who = who, .action = "facility.suspend",
        .code = code, .run = run_suspend, .arena = arena, .out = out,
        .reason = reason, .detail = "{}"
    };

    return change(&ch);
}


ehr_registry_e
ehr_registry_resume(ehr_store_t *store, const ehr_change_t *who,
                    ehr_str_t code, ehr_arena_t *arena, ehr_facility_t *out)
{
    change_t  ch = {
        .store = store, .who = who, .action = "facility.resume",
        .code = code, .run = run_resume, .arena = arena, .out = out,
        .detail = "{}"
    };

    return change(&ch);
}


ehr_registry_e
ehr_registry_cert_add(ehr_store_t *store, const ehr_change_t *who,
                      ehr_str_t code, const ehr_certificate_t *cert,
                      ehr_arena_t *arena, ehr_facility_t *out)
{
    change_t  ch = {
        .store = store, .who = who, .action = "facility.cert-add",
        .code = code, .run = run_cert_add, .arena = arena, .out = out,
        .cert = cert, .detail = "{}"
    };

    return change(&ch);
}


ehr_registry_e
ehr_registry_cert_remove(ehr_store_t *store, const ehr_change_t *who,
                         ehr_str_t code,
                         const uint8_t sha256[EHR_SHA256_LEN],
                         ehr_arena_t *arena, ehr_facility_t *out)
{
    change_t  ch = {
        .store = store, .who = who, .action = "facility.cert-remove",
        .code = code, .run = run_cert_remove, .arena = arena, .out = out,
        .sha256 = sha256, .detail = "{}"
    };

    return change(&ch);
}
