/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The names of the states of a delivery, as interface.md and the database
 * spell them.  Knows no database.
 */

#include "ehr_store.h"


static const char *const  state_names[] = {
    [EHR_STATE_PENDING] = "pending",
    [EHR_STATE_SENDING] = "sending",
    [EHR_STATE_ACCEPTED] = "accepted",
    [EHR_STATE_ACCEPTED_WITH_MESSAGE] = "accepted_with_message",
    [EHR_STATE_REFUSED] = "refused",
    [EHR_STATE_RETRYING] = "retrying",
    [EHR_STATE_UNCERTAIN] = "uncertain",
    [EHR_STATE_HELD] = "held",
    [EHR_STATE_SUPERSEDED] = "superseded"
};


const char *
ehr_state_name(ehr_state_e state)
{
    if ((int) state < EHR_STATE_PENDING
        || (int) state > EHR_STATE_SUPERSEDED)
    {
        return NULL;
    }

    return state_names[state];
}


ehr_state_e
ehr_state_of_name(ehr_str_t name)
{
    int  state;

    if (name.len == 0) {
        return 0;
    }

    for (state = EHR_STATE_PENDING; state <= EHR_STATE_SUPERSEDED; state++) {
        if (ehr_str_is(name, state_names[state])) {
            return state;
        }
    }

    return 0;
}


int
ehr_state_is_settled(ehr_state_e state)
{
    switch (state) {

    case EHR_STATE_ACCEPTED:
    case EHR_STATE_ACCEPTED_WITH_MESSAGE:
    case EHR_STATE_REFUSED:
    case EHR_STATE_UNCERTAIN:
    case EHR_STATE_HELD:
    case EHR_STATE_SUPERSEDED:
        return 1;

    default:
        return 0;
    }
}
