/* SPDX-License-Identifier: BSD-2-Clause */

/* What the files of decisions and of jobs share. */

#ifndef EHR_STORE_PARTS_H
#define EHR_STORE_PARTS_H


#include "ehr_store_decide.h"
#include "ehr_store_sqlite.h"


/* A delivery as a decision sees it. */

typedef struct {
    int64_t      delivery;
    int64_t      seq;
    ehr_state_e  state;
    int          has_newer;           /* content of the same key */
    int          may_have_left;       /* an attempt of it was answered */
    int          is_by_person;        /* held by a person's decision */
    int          has_content;         /* to be sent */
    char         partner[32];
    char         kind[32];
} ehr_decided_row_t;


int ehr_action_takes(ehr_action_e action, ehr_state_e state);
int ehr_action_sends(ehr_action_e action);

/* Inside a transaction; nothing is written unless it is EHR_DECIDED_OK. */
ehr_decided_e ehr_store_decide_row(ehr_store_t *store,
                                   const ehr_decide_t *how, int64_t now_ms,
                                   const ehr_decided_row_t *row);

ehr_decided_e ehr_store_end_change(ehr_store_t *store,
                                   const ehr_change_t *change,
                                   ehr_decided_e result);

/* Conditions on "deliveries AS d", for what is bound by selection_bind();
 * action 0: any state.  0 when buf is too small. */
size_t ehr_selection_sql(const ehr_selection_t *sel, ehr_action_e action,
                         char *buf, size_t size);
void ehr_selection_bind(ehr_query_t *q, const ehr_selection_t *sel);


#endif /* EHR_STORE_PARTS_H */
