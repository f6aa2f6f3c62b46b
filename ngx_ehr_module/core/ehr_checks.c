/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides in which order a document is asked, and which answer stands when
 * several have one.  What each asks is its own affair.
 */

#include "ehr_checks.h"
#include "ehr_fields.h"
#include "ehr_report.h"


static int
checks_has_rows(const ehr_document_t *doc)
{
    for (uint32_t i = 0; i < EHR_SECTION_LAST; i++) {
        if (doc->sections[i].nrows > 0) {
            return 1;
        }
    }

    return 0;
}


/* Without its number nobody could tell a correction from a second document,
 * whatever the settings say of an empty field.  Papers of vouchers may have
 * none, and a file of several has none of its own; but one of which nothing
 * was read is not even known to be papers. */

static ehr_rc_t
checks_key(ehr_arena_t *arena, ehr_document_t *doc)
{
    ehr_reading_t  reading;

    if (doc->business_key.len > 0 || doc->findings.nerrors > 0
        || (doc->kind == EHR_KIND_VOUCHER && checks_has_rows(doc)))
    {
        return EHR_OK;
    }

    memset(&reading, 0, sizeof(reading));
    reading.arena = arena;
    reading.findings = &doc->findings;
    reading.kind = doc->kind;
    ehr_report_document(&reading, EHR_FAULT_KEYLESS, 0);

    return reading.is_broken ? EHR_BROKEN : EHR_OK;
}


/* Written for whoever looks when the call never came back. */

static void
checks_tell(const ehr_checks_t *checks, size_t running)
{
    if (checks->running != NULL) {
        __atomic_store_n(checks->running, (uint32_t) running,
                         __ATOMIC_RELEASE);
    }
}


/* The first that breaks ends it. */

static ehr_rc_t
checks_validate(const ehr_document_input_t *in, const ehr_checks_t *checks,
                ehr_arena_t *arena, ehr_document_t *doc)
{
    ehr_rc_t          rc = EHR_OK;
    ehr_validation_t  v = { in->content, arena, checks->now_ms,
                            in->deadline_ns, in->cpu_now_ns };

    for (size_t i = 0; i < checks->nvalidators && rc != EHR_BROKEN; i++) {
        if (checks->validators[i].kind == doc->kind) {
            checks_tell(checks, i + 1);
            rc = ehr_validator_run(checks->validators[i].validator, &v, doc);
        }
    }

    checks_tell(checks, 0);

    return rc == EHR_BROKEN ? rc : ehr_document_conclude(doc);
}


/* Wrong fields were the problem before: the list has both. */

static ehr_rc_t
checks_sign(const ehr_document_input_t *in, const ehr_checks_t *checks,
            ehr_arena_t *arena, ehr_document_t *doc)
{
    ehr_rc_t               rc;
    ehr_problem_e          problem = EHR_PROBLEM_NONE;
    ehr_signature_input_t  signed_in;

    signed_in.content = in->content;
    signed_in.content_form = in->content_form;
    signed_in.facility = in->facility;
    signed_in.received_ms = checks->now_ms;
    signed_in.deadline_ns = in->deadline_ns;
    signed_in.cpu_now_ns = in->cpu_now_ns;

    rc = ehr_signature_check(checks->policies[doc->kind], &signed_in, arena,
                             &doc->findings, &problem);

    if (rc == EHR_REFUSED && doc->problem == EHR_PROBLEM_NONE) {
        doc->problem = problem;
    }

    /* only a plain yes is a yes (I10) */

    return rc == EHR_OK || rc == EHR_REFUSED ? rc : EHR_BROKEN;
}


ehr_rc_t
ehr_document_check(const ehr_document_input_t *in, const ehr_checks_t *checks,
                   ehr_arena_t *arena, ehr_document_t *doc)
{
    ehr_rc_t  rc, signed_rc;

    rc = ehr_document_read(in, arena, doc);

    /* of what could not be read nothing can be said */

    if (rc == EHR_BROKEN || !ehr_document_is_whole(doc)) {
        return rc;
    }

    if (checks_key(arena, doc) != EHR_OK) {
        return EHR_BROKEN;
    }

    rc = checks_validate(in, checks, arena, doc);

    if (rc == EHR_BROKEN || checks->policies[doc->kind] == NULL) {
        return rc;
    }

    signed_rc = checks_sign(in, checks, arena, doc);

    return signed_rc == EHR_OK ? rc : signed_rc;
}
