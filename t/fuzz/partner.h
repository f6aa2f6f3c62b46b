/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A host of a few lines for a partner plugin, and what it expects of a
 * request.
 */

#ifndef EHR_FUZZ_PARTNER_H
#define EHR_FUZZ_PARTNER_H


#include "fuzz.h"


/* settings: lines of NAME=VALUE with a NUL at the end of each. */

struct ehr_call_s {
    ehr_arena_t  *arena;
    ehr_str_t     settings;
};


extern const ehr_plugin_t  ehr_plugin;
extern const ehr_host_t    partner_host;


/* A good one, without a session. */
ehr_delivery_t partner_delivery(void);

/* Nothing in it can end a header or the request line. */
void partner_check_request(const ehr_request_t *request);


#endif /* EHR_FUZZ_PARTNER_H */
