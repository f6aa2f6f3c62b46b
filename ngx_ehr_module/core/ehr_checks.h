/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * All that is asked of a document before anybody accepts it: its own reading,
 * the validators of its kind, its signature.  The gateway and ehrctl ask here,
 * so they cannot say two things of one document.
 */

#ifndef EHR_CHECKS_H
#define EHR_CHECKS_H


#include "ehr_signature.h"
#include "ehr_validators.h"


/* One line of the configuration; a plugin may be there for several kinds. */

typedef struct {
    ehr_kind_e        kind;
    ehr_validator_t  *validator;
} ehr_kind_validator_t;


/* policies: NULL where signatures are off. */

typedef struct {
    const ehr_kind_validator_t     *validators;   /* in the order they run */
    size_t                          nvalidators;
    ehr_signature_policy_t *const  *policies;     /* by ehr_kind_e */
    int64_t                         now_ms;       /* Unix time */
    uint32_t                       *running;      /* which validator is at
                                                     work, from 1, or 0; NULL:
                                                     nobody asks */
} ehr_checks_t;


/*
 * Does   ehr_document_read(), then what the checks add to its findings
 * Gives  as ehr_document_read(); EHR_BROKEN also when a plugin failed
 * Takes  everything is borrowed for the call
 * When   any thread; several may use the same checks at once
 */
ehr_rc_t ehr_document_check(const ehr_document_input_t *in,
                            const ehr_checks_t *checks, ehr_arena_t *arena,
                            ehr_document_t *doc);


#endif /* EHR_CHECKS_H */
