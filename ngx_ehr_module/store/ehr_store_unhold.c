/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Deliveries that were held until a person mended the configuration are due
 * again.  Which reasons are of that kind is the caller's to say.
 */

#include "ehr_store_sqlite.h"


static ehr_rc_t
unhold_reason(ehr_store_t *store, ehr_store_unhold_t *op, const char *reason)
{
    uint32_t     left;
    ehr_rc_t     rc, added;
    ehr_step_t   step;
    ehr_query_t  q;

    memset(&step, 0, sizeof(ehr_step_t));

    step.at_ms = op->now_ms;
    step.partner = op->partner;
    step.state = ehr_state_name(EHR_STATE_RETRYING);
    step.reason = ehr_str(EHR_REASON_RELOADED);

    left = EHR_STORE_MAX_UNHOLD - op->nunheld;

    ehr_query_begin(&q, store, EHR_SQL_UNHOLD);
    ehr_query_text(&q, op->partner);
    ehr_query_text(&q, reason);
    ehr_query_int(&q, op->now_ms);
    ehr_query_text(&q, EHR_REASON_RELOADED);
    ehr_query_int(&q, left);

    for (rc = ehr_query_step(&q); rc == EHR_AGAIN; rc = ehr_query_step(&q)) {

        step.seq = ehr_column_int(&q, 0);
        op->nunheld++;

        added = ehr_store_history_add(store, &step);
        if (added != EHR_OK) {
            rc = added;
            break;
        }
    }

    ehr_query_end(&q);

    return rc;
}


ehr_rc_t
ehr_store_unhold(ehr_store_t *store, ehr_store_unhold_t *op)
{
    ehr_rc_t            rc;
    const char *const  *reason;

    op->nunheld = 0;
    op->is_full = 0;

    if (op->partner == NULL || op->partner[0] == '\0' || op->reasons == NULL) {
        return ehr_store_broken(store, "unhold without partner or reasons");
    }

    for (reason = op->reasons; *reason != NULL; reason++) {

        if (op->nunheld == EHR_STORE_MAX_UNHOLD) {
            break;
        }

        rc = unhold_reason(store, op, *reason);
        if (rc != EHR_OK) {
            return rc;
        }
    }

    op->is_full = op->nunheld == EHR_STORE_MAX_UNHOLD;

    return EHR_OK;
}
