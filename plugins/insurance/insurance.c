/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The health insurance's claims gateway as a partner: which kinds it takes,
 * which request comes next, who judges its answer.  Protocol: README.md.
 */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "insurance.h"


#define MAX_SETTING_NAME  64
#define PROVINCE_LEN      2
#define FACILITY_LEN      5


typedef struct {
    const char  *kind;
    const char  *record_type;   /* loaiHoSo */
} record_t;


static const char *insurance_check(const ehr_host_t *host, ehr_call_t *call);
static int insurance_prepare(const ehr_host_t *host, ehr_call_t *call,
                             const ehr_delivery_t *dlv,
                             ehr_request_t *request);
static int insurance_judge(const ehr_host_t *host, ehr_call_t *call,
                           const ehr_delivery_t *dlv,
                           const ehr_answer_t *answer,
                           ehr_outcome_t *outcome);


static const ehr_plugin_kind_t  kinds[] = {
    { "claim", 1, 0 },
    { "checkin", 1, 0 },
    { NULL, 0, 0 }
};

static const record_t  records[] = {
    { "claim", "130" },
    { "checkin", "0" }
};

#define NRECORDS  (sizeof(records) / sizeof(records[0]))


EHR_PLUGIN_EXPORT extern const ehr_plugin_t  ehr_plugin;

const ehr_plugin_t  ehr_plugin = {
    EHR_PLUGIN_INIT,
    "insurance",
    "1.0.0",
    kinds,
    insurance_check,
    NULL,
    insurance_prepare,
    insurance_judge
};


static const char *
insurance_check(const ehr_host_t *host, ehr_call_t *call)
{
    insurance_t  in = { host, call };

    if (insurance_md5(&in, (ehr_str_t) ehr_string("")).data == NULL) {
        return "this OpenSSL gives no MD5, which the partner's log-in needs";
    }

    return insurance_settings_check(&in);
}


static const record_t *
record_of(ehr_str_t kind)
{
    size_t     i;
    ehr_str_t  name;

    for (i = 0; i < NRECORDS; i++) {
        name = insurance_text(records[i].kind);

        if (name.len == kind.len
            && memcmp(name.data, kind.data, kind.len) == 0)
        {
            return &records[i];
        }
    }

    return NULL;
}


/* The setting path.<kind>.<standard>; NULL: no such kind or standard. */

static const char *
path_of(const insurance_t *in, const ehr_delivery_t *dlv)
{
    int          len;
    char         name[MAX_SETTING_NAME];
    const char  *path;

    len = snprintf(name, sizeof(name), "path.%.*s.%.*s", (int) dlv->kind.len,
                   dlv->kind.data, (int) dlv->standard.len,
                   dlv->standard.data);

    if (len < 0 || (size_t) len >= sizeof(name)) {
        return NULL;
    }

    path = insurance_setting(in, name);

    return path != NULL && insurance_is_path(path) ? path : NULL;
}


/* Five letters or digits, the first two the province. */

static int
is_facility(ehr_str_t facility)
{
    size_t  i;

    for (i = 0; i < facility.len; i++) {
        if (!isalnum((unsigned char) facility.data[i])) {
            return 0;
        }
    }

    return facility.len == FACILITY_LEN;
}


static void
add_header(ehr_request_t *request, ehr_str_t name, ehr_str_t value)
{
    request->headers[request->nheaders].name = name;
    request->headers[request->nheaders].value = value;
    request->nheaders++;
}


static int
prepare_headers(const insurance_t *in, const ehr_delivery_t *dlv,
                ehr_request_t *request)
{
    ehr_str_t  access_token, id_token, hash;

    if (insurance_session_read(dlv->session, &access_token, &id_token) != 0) {
        return -1;
    }

    hash = insurance_md5(in, dlv->account.password);
    if (hash.data == NULL) {
        return EHR_PLUGIN_NO_MEMORY;
    }

    add_header(request, (ehr_str_t) ehr_string("accessToken"), access_token);
    add_header(request, (ehr_str_t) ehr_string("tokenId"), id_token);
    add_header(request, (ehr_str_t) ehr_string("passwordHash"), hash);
    add_header(request, (ehr_str_t) ehr_string("X-Request-Id"), dlv->id);

    return 0;
}


static ehr_str_t
prepare_body(const insurance_t *in, const ehr_delivery_t *dlv,
             const record_t *record)
{
    insurance_field_t  fields[] = {
        { ehr_string("username"), dlv->account.username },
        { ehr_string("loaiHoSo"), insurance_text(record->record_type) },
        { ehr_string("maTinh"), { dlv->facility.data, PROVINCE_LEN } },
        { ehr_string("maCSKCB"), dlv->facility }
    };

    insurance_field_t  content = { ehr_string("fileHSBase64"), dlv->content };

    return insurance_form(in, fields, 4, &content);
}


static int
prepare_document(const insurance_t *in, const ehr_delivery_t *dlv,
                 ehr_request_t *request)
{
    const char      *path;
    const record_t  *record;

    record = record_of(dlv->kind);
    path = path_of(in, dlv);

    if (record == NULL || path == NULL || !is_facility(dlv->facility)) {
        return -1;
    }

    request->flags = 0;
    request->path = insurance_text(path);
    request->body = prepare_body(in, dlv, record);

    return request->body.data ? prepare_headers(in, dlv, request) : -1;
}


/*
 * A second log-in in one attempt would be a step towards a locked account, so
 * a session that is missing after a log-in is a fault of the host.
 */

static int
insurance_prepare(const ehr_host_t *host, ehr_call_t *call,
                  const ehr_delivery_t *dlv, ehr_request_t *request)
{
    insurance_t  in = { host, call };

    if (dlv->account.username.len == 0 || dlv->account.password.len == 0) {
        return -1;
    }

    request->method = (ehr_str_t) ehr_string("POST");
    request->content_type =
        (ehr_str_t) ehr_string("application/x-www-form-urlencoded");
    request->nheaders = 0;

    if (dlv->session.len > 0) {
        return prepare_document(&in, dlv, request);
    }

    return dlv->logins == 0 ? insurance_login_prepare(&in, dlv, request) : -1;
}


static int
insurance_judge(const ehr_host_t *host, ehr_call_t *call,
                const ehr_delivery_t *dlv, const ehr_answer_t *answer,
                ehr_outcome_t *outcome)
{
    insurance_t  in = { host, call };

    if (answer->flags & EHR_REQUEST_LOGIN) {
        return insurance_login_judge(&in, answer, outcome);
    }

    return insurance_answer_judge(&in, answer, outcome);
}
