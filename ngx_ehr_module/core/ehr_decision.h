/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A person's decision as an administrator sends it, and jobs as they are
 * shown.  Every member is checked, unknown ones are refused.
 */

#ifndef EHR_DECISION_H
#define EHR_DECISION_H


#include "ehr.h"
#include "ehr_json.h"
#include "ehr_store_decide.h"


#define EHR_DECISION_NOTE_MAX  500    /* bytes of UTF-8 */
#define EHR_DECISION_REF_MAX   128
#define EHR_DECISION_RATE      10     /* deliveries a second, if none is
                                         given */

/* id empty: a selection, for a job. */

typedef struct {
    ehr_action_e     action;          /* in: of the path; out: what it means */
    ehr_str_t        id;
    ehr_str_t        partner;
    ehr_str_t        note;
    ehr_str_t        partner_ref;
    int              is_forced;
    ehr_selection_t  sel;
    int64_t          rate;
} ehr_decision_t;


/* What is wrong, in both languages. */

typedef struct {
    const char  *vi;
    const char  *en;
} ehr_decision_fault_t;


/*
 * {"id", "partner"?, "reason", "force"?, "as"?, "partner_ref"?} or
 * {"filter": {"facility"?, "partner"?, "kind"?, "state"?, "reason"?,
 * "since"?, "until"?}, "reason", "rate"?}
 *
 * EHR_OK; EHR_REFUSED with the fault; strings live in the arena.
 */
ehr_rc_t ehr_decision_read(ehr_str_t json, ehr_arena_t *arena,
                           ehr_decision_t *decision,
                           ehr_decision_fault_t *fault);

/* The same of one member of a selection: for a query string. */
ehr_rc_t ehr_selection_set(ehr_selection_t *sel, const char *name,
                           ehr_str_t value, ehr_decision_fault_t *fault);

void ehr_job_write(ehr_json_t *json, const char *name, const ehr_job_t *job);


#endif /* EHR_DECISION_H */
