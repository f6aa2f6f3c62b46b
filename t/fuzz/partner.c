/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The host's side of the contract for a partner plugin, as small as it can
 * be.
 */

#include "partner.h"


static void *
partner_alloc(ehr_call_t *call, size_t size)
{
    return ehr_arena_alloc(call->arena, size);
}


static int64_t
partner_now_ms(ehr_call_t *call)
{
    return FUZZ_NOW_MS;
}


static const char *
partner_setting(ehr_call_t *call, const char *name)
{
    size_t     len = strlen(name);
    ehr_str_t  line, rest = call->settings;

    while (rest.len) {
        line = fuzz_part(&rest, '\0');

        if (line.len > len && memcmp(line.data, name, len) == 0
            && line.data[len] == '=')
        {
            return line.data + len + 1;
        }
    }

    return NULL;
}


static int
partner_finding(ehr_call_t *call, const ehr_finding_t *finding)
{
    fuzz_broken("a partner plugin has no findings", __FILE__, __LINE__);
}


const ehr_host_t  partner_host = {
    sizeof(ehr_host_t), EHR_ABI_MAJOR, EHR_ABI_MINOR, 0,
    partner_alloc, partner_now_ms, partner_setting, partner_finding,
    NULL
};


ehr_delivery_t
partner_delivery(void)
{
    ehr_delivery_t  dlv;

    memset(&dlv, 0, sizeof(dlv));
    dlv.size = sizeof(dlv);
    dlv.attempt = 1;
    dlv.id = ehr_str("0193a000-0000-7000-8000-000000000001");
    dlv.facility = ehr_str("99001");
    dlv.kind = ehr_str("claim");
    dlv.standard = ehr_str("qd3176");
    dlv.content = ehr_str("<GIAMDINHHS/>");
    dlv.content_type = ehr_str("application/xml");
    dlv.account.username = ehr_str("99001_BV");
    dlv.account.password = ehr_str("password");

    return dlv;
}


/* --- a request ----------------------------------------------------------- */


static void
check_visible(ehr_str_t text)
{
    fuzz_check(text.len > 0);

    for (size_t i = 0; i < text.len; i++) {
        fuzz_check(text.data[i] >= ' ' && text.data[i] != 0x7f);
    }
}


void
partner_check_request(const ehr_request_t *request)
{
    check_visible(request->method);
    check_visible(request->path);
    check_visible(request->content_type);

    fuzz_check(request->path.data[0] == '/');
    fuzz_check(memchr(request->path.data, ' ', request->path.len) == NULL);
    fuzz_check(request->nheaders <= EHR_REQUEST_MAX_HEADERS);

    for (uint32_t i = 0; i < request->nheaders; i++) {
        check_visible(request->headers[i].name);
        check_visible(request->headers[i].value);
    }

    for (size_t i = 0; i < request->body.len; i++) {
        fuzz_check(request->body.data[i] > ' '
                   && request->body.data[i] != 0x7f);
    }
}
