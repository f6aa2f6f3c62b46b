/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The insurance plugin's prepare over deliveries: parts of the unit, each
 * ended by 0x1F, are kind, standard, facility, user name, password, session,
 * content; the rest are settings, which its check() sees first.
 */

#include "partner.h"


#define PREPARE_MARK  0x1f


void
fuzz_begin(void)
{
}


/* Settings are text with an end, as configuration files have them. */

static ehr_str_t
settings_of(ehr_str_t bytes, ehr_arena_t *arena)
{
    char       *copy = ehr_arena_alloc(arena, bytes.len + 1);
    ehr_str_t   s = { copy, bytes.len + 1 };

    fuzz_check(copy != NULL);

    for (size_t i = 0; i < bytes.len; i++) {
        copy[i] = bytes.data[i] == '\n' ? '\0' : bytes.data[i];
    }

    copy[bytes.len] = '\0';

    return s;
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    int             rc;
    ehr_call_t      call = { arena, ehr_null_string };
    ehr_request_t   request;
    ehr_delivery_t  dlv = partner_delivery();

    dlv.logins = fuzz_byte(&bytes) % 2;
    dlv.step = dlv.logins;
    dlv.kind = fuzz_part(&bytes, PREPARE_MARK);
    dlv.standard = fuzz_part(&bytes, PREPARE_MARK);
    dlv.facility = fuzz_part(&bytes, PREPARE_MARK);
    dlv.account.username = fuzz_part(&bytes, PREPARE_MARK);
    dlv.account.password = fuzz_part(&bytes, PREPARE_MARK);
    dlv.session = fuzz_part(&bytes, PREPARE_MARK);
    dlv.content = fuzz_part(&bytes, PREPARE_MARK);
    call.settings = settings_of(bytes, arena);

    if (ehr_plugin.check(&partner_host, &call) != NULL) {
        return;
    }

    memset(&request, 0, sizeof(request));
    request.size = sizeof(request);
    rc = ehr_plugin.prepare(&partner_host, &call, &dlv, &request);

    fuzz_check(rc == 0 || rc == -1);

    if (rc == 0) {
        partner_check_request(&request);
        fuzz_check((request.flags & EHR_REQUEST_LOGIN) == 0
                   || (dlv.session.len == 0 && dlv.logins == 0));
    }
}
