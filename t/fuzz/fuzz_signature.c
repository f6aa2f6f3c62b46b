/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Signatures over any document, JSON with SIGNDATA among them.  Nothing may
 * be opened on the way, and what is accepted must really be signed: without
 * a signature there is never EHR_OK where one is required.
 */

#include <libxml/xmlIO.h>

#include "document.h"
#include "ehr_signature.h"


#define SIGNATURE_CA  EHR_TOP "/t/fuzz/ca.pem"


typedef struct {
    ehr_signature_policy_t  *xml;
    ehr_signature_policy_t  *json;
} policies_t;

static policies_t  policies;


static int
opens(const char *name)
{
    fuzz_broken("nothing is opened", name, 0);
}


static void *
opened(const char *name)
{
    return NULL;
}


static int
read_none(void *context, char *buffer, int len)
{
    return -1;
}


static ehr_signature_policy_t *
policy_of(ehr_kind_e kind, unsigned allows_sha1)
{
    char                      error[EHR_SIGNATURE_ERROR_MAX];
    ehr_signature_settings_t  settings = { kind, EHR_SIGNATURE_REQUIRED,
                                           SIGNATURE_CA, NULL, 0 };
    ehr_signature_policy_t   *policy;

    settings.allows_sha1 = allows_sha1 != 0;
    policy = ehr_signature_policy_load(&settings, error);
    fuzz_check(policy != NULL);

    return policy;
}


void
fuzz_begin(void)
{
    policies.xml = policy_of(EHR_KIND_CLAIM, 0);
    policies.json = policy_of(EHR_KIND_DRIVER_EXAM, 1);

    fuzz_check(xmlRegisterInputCallbacks(opens, opened, read_none, NULL) >= 0);
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    ehr_rc_t               rc;
    ehr_problem_e          problem = EHR_PROBLEM_NONE;
    ehr_findings_t         findings;
    ehr_signature_input_t  in;

    memset(&findings, 0, sizeof(findings));
    findings.arena = arena;

    memset(&in, 0, sizeof(in));
    in.content = bytes;
    in.content_form = fuzz_form(bytes);
    in.facility = ehr_str(FUZZ_FACILITY);
    in.received_ms = FUZZ_NOW_MS;
    in.cpu_now_ns = fuzz_cpu_ns;

    rc = ehr_signature_check(in.content_form == EHR_CONTENT_JSON
                                 ? policies.json : policies.xml,
                             &in, arena, &findings, &problem);

    fuzz_check(rc == EHR_OK || rc == EHR_REFUSED);
    fuzz_check((rc == EHR_OK) == (problem == EHR_PROBLEM_NONE));
    fuzz_check((rc == EHR_OK) == (findings.nerrors == 0));
    fuzz_check_findings(&findings, arena);
}
