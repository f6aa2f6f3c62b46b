/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Facilities as JSON.  Decides which members there are, their types and
 * bounds, and how a rate is written; knows nothing of who may send them, nor
 * of how they are kept.
 */

#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "ehr_certificate.h"
#include "ehr_document.h"
#include "ehr_facility.h"
#include "ehr_id.h"


/* A member of an object that may be sent: read() sees it when it is there. */

typedef struct ehr_member_s  ehr_member_t;

typedef ehr_rc_t  (*ehr_member_pt)(const ehr_facility_input_t *in,
                                   const ehr_member_t *member, json_t *value,
                                   void *out);

struct ehr_member_s {
    const char     *name;
    int             is_required;
    size_t          max;          /* of a string, bytes; of a number */
    size_t          offset;       /* of the result in out */
    ehr_member_pt   read;
};


static ehr_rc_t ehr_object_read(const ehr_facility_input_t *in,
                                const ehr_member_t *members, void *out);
static ehr_rc_t ehr_object_unknown(const ehr_facility_input_t *in,
                                   const ehr_member_t *members,
                                   json_t *object);
static ehr_rc_t ehr_object_members(const ehr_facility_input_t *in,
                                   const ehr_member_t *members, json_t *object,
                                   void *out);
static ehr_rc_t ehr_member_string(const ehr_facility_input_t *in,
                                  const ehr_member_t *member, json_t *value,
                                  void *out);
static ehr_rc_t ehr_member_code(const ehr_facility_input_t *in,
                                const ehr_member_t *member, json_t *value,
                                void *out);
static ehr_rc_t ehr_member_standard(const ehr_facility_input_t *in,
                                    const ehr_member_t *member, json_t *value,
                                    void *out);
static ehr_rc_t ehr_member_kinds(const ehr_facility_input_t *in,
                                 const ehr_member_t *member, json_t *value,
                                 void *out);
static ehr_rc_t ehr_member_rate(const ehr_facility_input_t *in,
                                const ehr_member_t *member, json_t *value,
                                void *out);
static ehr_rc_t ehr_member_integer(const ehr_facility_input_t *in,
                                   const ehr_member_t *member, json_t *value,
                                   void *out);
static ehr_rc_t ehr_member_certificate(const ehr_facility_input_t *in,
                                       const ehr_member_t *member,
                                       json_t *value, void *out);
static ehr_str_t ehr_member_text(json_t *value);
static int ehr_text_valid(ehr_str_t text, size_t max);
static void ehr_certificate_write(ehr_json_t *json,
                                  const ehr_certificate_t *cert);


/* What is wrong with a member: part of a stable code, and two sentences. */

typedef struct {
    const char  *suffix;
    const char  *vi;
    const char  *en;
} ehr_wrong_t;

static const ehr_wrong_t  ehr_wrong_missing = {
    "missing", "Thiếu trường bắt buộc", "The member is required"
};

static const ehr_wrong_t  ehr_wrong_unknown = {
    "unknown", "Có trường không được định nghĩa",
    "There is a member that is not defined"
};

static const ehr_wrong_t  ehr_wrong_type = {
    "type", "Sai kiểu dữ liệu", "The type of the value is wrong"
};

static const ehr_wrong_t  ehr_wrong_text = {
    "invalid", "Giá trị rỗng, quá dài hoặc có ký tự điều khiển",
    "The value is empty, too long or has control characters"
};

static const ehr_wrong_t  ehr_wrong_code = {
    "invalid", "Mã cơ sở gồm 1 đến 16 chữ cái và chữ số",
    "A facility code is 1 to 16 letters and digits"
};

static const ehr_wrong_t  ehr_wrong_standard = {
    "invalid", "Chuẩn dữ liệu không được hỗ trợ",
    "The standard is not supported"
};

static const ehr_wrong_t  ehr_wrong_kinds = {
    "invalid", "Danh sách có loại hồ sơ không được hỗ trợ hoặc bị lặp",
    "The list has a kind of document that is not known or is repeated"
};

static const ehr_wrong_t  ehr_wrong_rate = {
    "invalid", "Tốc độ phải có dạng 50r/s, 90r/m hoặc off",
    "A rate is written 50r/s, 90r/m or off"
};

static const ehr_wrong_t  ehr_wrong_range = {
    "range", "Giá trị nằm ngoài khoảng cho phép", "The value is out of range"
};

static const ehr_wrong_t  ehr_wrong_json = {
    "malformed", "Nội dung không phải là một đối tượng JSON hợp lệ",
    "The body is not a valid JSON object"
};

/* By ehr_certificate_e; none for OK and BROKEN. */

static const ehr_wrong_t  ehr_wrong_certificates[] = {
    [EHR_CERTIFICATE_NONE] = {
        "invalid", "Không có chứng thư số ở dạng PEM",
        "There is no certificate in PEM"
    },
    [EHR_CERTIFICATE_SEVERAL] = {
        "several", "Chỉ được gửi đúng một chứng thư số",
        "Exactly one certificate may be sent"
    },
    [EHR_CERTIFICATE_PRIVATE_KEY] = {
        "private-key",
        "Nội dung chứa khóa riêng: không được gửi khóa riêng cho bất kỳ ai,"
        " hãy thay khóa này",
        "The text holds a private key: never send one to anybody, replace"
        " this key"
    },
    [EHR_CERTIFICATE_MALFORMED] = {
        "malformed", "Chứng thư số không đọc được",
        "The certificate cannot be read"
    },
    [EHR_CERTIFICATE_EXPIRED] = {
        "expired", "Chứng thư số đã hết hạn", "The certificate has expired"
    },
};


static const char *const  ehr_standards[] = { "qd130", "qd4750", "qd3176" };

#define EHR_STANDARDS  (sizeof(ehr_standards) / sizeof(ehr_standards[0]))


static const ehr_member_t  ehr_facility_members[] = {

    { "code", 1, EHR_FACILITY_MAX, offsetof(ehr_facility_t, code),
      ehr_member_code },

    { "name", 1, EHR_FACILITY_NAME_MAX, offsetof(ehr_facility_t, name),
      ehr_member_string },

    { "standard", 0, 0, offsetof(ehr_facility_t, standard),
      ehr_member_standard },

    { "kinds", 0, EHR_KIND_LAST, offsetof(ehr_facility_t, kinds),
      ehr_member_kinds },

    { "rate", 0, 0, offsetof(ehr_facility_t, rate_milli), ehr_member_rate },

    { "burst", 0, EHR_BURST_MAX, offsetof(ehr_facility_t, burst),
      ehr_member_integer },

    { NULL, 0, 0, 0, NULL }
};

static const ehr_member_t  ehr_reason_members[] = {
    { "reason", 1, EHR_FACILITY_REASON_MAX, 0, ehr_member_string },
    { NULL, 0, 0, 0, NULL }
};

static const ehr_member_t  ehr_certificate_members[] = {
    { "certificate", 1, EHR_FACILITY_PEM_MAX, 0, ehr_member_certificate },
    { NULL, 0, 0, 0, NULL }
};

static const ehr_member_t  ehr_no_members[] = {
    { NULL, 0, 0, 0, NULL }
};


int
ehr_facility_code_valid(ehr_str_t code)
{
    if (code.len == 0 || code.len > EHR_FACILITY_MAX) {
        return 0;
    }

    for (size_t i = 0; i < code.len; i++) {
        char  c = code.data[i];

        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
              || (c >= 'a' && c <= 'z')))
        {
            return 0;
        }
    }

    return 1;
}


ehr_rc_t
ehr_rate_parse(ehr_str_t text, int64_t *rate_milli)
{
    size_t   i;
    int64_t  n = 0;

    if (ehr_str_is(text, "off")) {
        *rate_milli = -1;
        return EHR_OK;
    }

    for (i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9';
         i++)
    {
        n = n * 10 + (text.data[i] - '0');

        if (n > EHR_RATE_MAX) {
            return EHR_REFUSED;
        }
    }

    if (n == 0 || text.data[0] == '0' || text.len - i != 3) {
        return EHR_REFUSED;
    }

    if (memcmp(text.data + i, "r/s", 3) == 0) {
        *rate_milli = n * 1000;
        return EHR_OK;
    }

    if (memcmp(text.data + i, "r/m", 3) == 0) {
        *rate_milli = (n * 1000 + 30) / 60;
        return EHR_OK;
    }

    return EHR_REFUSED;
}


void
ehr_rate_render(int64_t rate_milli, char text[EHR_RATE_TEXT])
{
    text[0] = '\0';

    if (rate_milli < 0) {
        (void) snprintf(text, EHR_RATE_TEXT, "off");

    } else if (rate_milli % 1000 != 0) {
        (void) snprintf(text, EHR_RATE_TEXT, "%" PRId64 "r/m",
                        (rate_milli * 60 + 500) / 1000);

    } else if (rate_milli > 0) {
        (void) snprintf(text, EHR_RATE_TEXT, "%" PRId64 "r/s",
                        rate_milli / 1000);
    }
}


ehr_rc_t
ehr_facility_read(const ehr_facility_input_t *in, ehr_facility_t *fac)
{
    memset(fac, 0, sizeof(ehr_facility_t));

    return ehr_object_read(in, ehr_facility_members, fac);
}


ehr_rc_t
ehr_facility_read_reason(const ehr_facility_input_t *in, ehr_str_t *reason)
{
    return ehr_object_read(in, ehr_reason_members, reason);
}


ehr_rc_t
ehr_facility_read_empty(const ehr_facility_input_t *in)
{
    if (in->json.len == 0) {
        return EHR_OK;
    }

    return ehr_object_read(in, ehr_no_members, NULL);
}


ehr_rc_t
ehr_facility_read_certificate(const ehr_facility_input_t *in,
                              ehr_certificate_t *cert)
{
    return ehr_object_read(in, ehr_certificate_members, cert);
}


void
ehr_facility_write(ehr_json_t *json, const char *name,
                   const ehr_facility_t *fac)
{
    char  text[EHR_RATE_TEXT], at[EHR_TIME_LEN + 1];

    ehr_rate_render(fac->rate_milli, text);
    ehr_time_render(fac->changed_ms, at);

    ehr_json_open(json, name, '{');
    ehr_json_string(json, "code", fac->code);
    ehr_json_string(json, "name", fac->name);
    ehr_json_string(json, "standard", fac->standard);

    ehr_json_open(json, "kinds", '[');

    for (int kind = EHR_KIND_UNKNOWN + 1; kind < EHR_KIND_LAST; kind++) {
        if (fac->kinds & (UINT32_C(1) << kind)) {
            ehr_json_text(json, NULL, ehr_kind_name((ehr_kind_e) kind));
        }
    }

    ehr_json_close(json, ']');

    ehr_json_text(json, "state", fac->is_suspended ? "suspended" : "active");
    ehr_json_string(json, "suspended_reason", fac->suspended_reason);
    ehr_json_text(json, "rate", text);
    ehr_json_int(json, "burst", fac->burst);
    ehr_json_int(json, "version", fac->version);
    ehr_json_text(json, "changed_at", at);

    ehr_json_open(json, "certificates", '[');

    for (uint32_t i = 0; i < fac->ncerts && i < EHR_FACILITY_MAX_CERTS; i++) {
        ehr_certificate_write(json, &fac->certs[i]);
    }

    ehr_json_close(json, ']');
    ehr_json_close(json, '}');
}


static void
ehr_certificate_write(ehr_json_t *json, const ehr_certificate_t *cert)
{
    char  at[EHR_TIME_LEN + 1], hex[2 * EHR_SHA256_LEN + 1];

    ehr_hex(cert->sha256, EHR_SHA256_LEN, hex);

    ehr_json_open(json, NULL, '{');
    ehr_json_text(json, "sha256", hex);
    ehr_json_string(json, "subject", cert->subject);

    ehr_time_render(cert->not_after_ms, at);
    ehr_json_text(json, "not_after", at);

    ehr_time_render(cert->added_ms, at);
    ehr_json_text(json, "added_at", at);
    ehr_json_close(json, '}');
}


/* One error at a member; the member's name is ours, never the sender's. */

static ehr_rc_t
ehr_object_wrong(const ehr_facility_input_t *in, const char *name,
                 const ehr_wrong_t *wrong)
{
    int            n;
    char           text[64];
    ehr_str_t      path;
    ehr_finding_t  f;

    memset(&f, 0, sizeof(ehr_finding_t));
    f.size = sizeof(ehr_finding_t);
    f.severity = EHR_SEVERITY_ERROR;

    n = snprintf(text, sizeof(text), "%s.%s", name, wrong->suffix);
    f.code = ehr_arena_dup(in->arena, text, (size_t) n);

    n = snprintf(text, sizeof(text), "/%s", name);
    path = ehr_arena_dup(in->arena, text, (size_t) n);

    if (f.code.data == NULL || path.data == NULL) {
        return EHR_BROKEN;
    }

    if (strcmp(name, "body") != 0) {
        f.field = ehr_str(name);
        f.path = path;
    }

    f.message_vi = ehr_str(wrong->vi);
    f.message_en = ehr_str(wrong->en);

    return ehr_findings_add(in->findings, &f) == EHR_BROKEN ? EHR_BROKEN
                                                            : EHR_REFUSED;
}


/* The worse of two results, so that all errors are told at once. */

static ehr_rc_t
ehr_object_worse(ehr_rc_t a, ehr_rc_t b)
{
    if (a == EHR_BROKEN || b == EHR_BROKEN) {
        return EHR_BROKEN;
    }

    return a == EHR_OK ? b : a;
}


static ehr_rc_t
ehr_object_read(const ehr_facility_input_t *in, const ehr_member_t *members,
                void *out)
{
    json_t    *object;
    ehr_rc_t   rc;

    object = json_loadb(in->json.data ? in->json.data : "", in->json.len,
                        JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(object)) {
        json_decref(object);
        return ehr_object_wrong(in, "body", &ehr_wrong_json);
    }

    rc = ehr_object_worse(ehr_object_unknown(in, members, object),
                          ehr_object_members(in, members, object, out));

    json_decref(object);

    return rc;
}


static ehr_rc_t
ehr_object_unknown(const ehr_facility_input_t *in, const ehr_member_t *members,
                   json_t *object)
{
    size_t  known = 0;

    for (int i = 0; members[i].name != NULL; i++) {
        known += json_object_get(object, members[i].name) != NULL;
    }

    if (known == json_object_size(object)) {
        return EHR_OK;
    }

    return ehr_object_wrong(in, "body", &ehr_wrong_unknown);
}


static ehr_rc_t
ehr_object_members(const ehr_facility_input_t *in, const ehr_member_t *members,
                   json_t *object, void *out)
{
    json_t              *value;
    ehr_rc_t             rc = EHR_OK, one;
    const ehr_member_t  *m;

    for (m = members; m->name != NULL; m++) {
        value = json_object_get(object, m->name);
        one = EHR_OK;

        if (value != NULL) {
            one = m->read(in, m, value, (char *) out + m->offset);

        } else if (m->is_required) {
            one = ehr_object_wrong(in, m->name, &ehr_wrong_missing);
        }

        rc = ehr_object_worse(rc, one);
    }

    return rc;
}


static ehr_rc_t
ehr_member_string(const ehr_facility_input_t *in, const ehr_member_t *member,
                  json_t *value, void *out)
{
    ehr_str_t  text, *copy = out;

    if (!json_is_string(value)) {
        return ehr_object_wrong(in, member->name, &ehr_wrong_type);
    }

    text = ehr_member_text(value);

    if (!ehr_text_valid(text, member->max)) {
        return ehr_object_wrong(in, member->name, &ehr_wrong_text);
    }

    *copy = ehr_arena_dup(in->arena, text.data, text.len);

    return copy->data == NULL ? EHR_BROKEN : EHR_OK;
}


static ehr_rc_t
ehr_member_code(const ehr_facility_input_t *in, const ehr_member_t *member,
                json_t *value, void *out)
{
    if (json_is_string(value)
        && !ehr_facility_code_valid(ehr_member_text(value)))
    {
        return ehr_object_wrong(in, member->name, &ehr_wrong_code);
    }

    return ehr_member_string(in, member, value, out);
}


/* "" stands for "by the dates of the document". */

static ehr_rc_t
ehr_member_standard(const ehr_facility_input_t *in, const ehr_member_t *member,
                    json_t *value, void *out)
{
    ehr_str_t  text, *standard = out;

    if (!json_is_string(value)) {
        return ehr_object_wrong(in, member->name, &ehr_wrong_type);
    }

    text = ehr_member_text(value);

    if (text.len == 0) {
        *standard = ehr_str("");
        return EHR_OK;
    }

    for (size_t i = 0; i < EHR_STANDARDS; i++) {
        if (ehr_str_is(text, ehr_standards[i])) {
            *standard = ehr_str(ehr_standards[i]);
            return EHR_OK;
        }
    }

    return ehr_object_wrong(in, member->name, &ehr_wrong_standard);
}


static ehr_rc_t
ehr_member_kinds(const ehr_facility_input_t *in, const ehr_member_t *member,
                 json_t *value, void *out)
{
    json_t      *item;
    uint32_t     bit, *kinds = out;
    ehr_kind_e   kind;

    if (!json_is_array(value)) {
        return ehr_object_wrong(in, member->name, &ehr_wrong_type);
    }

    if (json_array_size(value) > member->max) {
        return ehr_object_wrong(in, member->name, &ehr_wrong_kinds);
    }

    for (size_t i = 0; i < json_array_size(value); i++) {
        item = json_array_get(value, i);

        if (!json_is_string(item)) {
            return ehr_object_wrong(in, member->name, &ehr_wrong_type);
        }

        kind = ehr_kind_of_name(ehr_member_text(item));
        bit = UINT32_C(1) << kind;

        if (kind == EHR_KIND_UNKNOWN || (*kinds & bit)) {
            return ehr_object_wrong(in, member->name, &ehr_wrong_kinds);
        }

        *kinds |= bit;
    }

    return EHR_OK;
}


static ehr_rc_t
ehr_member_rate(const ehr_facility_input_t *in, const ehr_member_t *member,
                json_t *value, void *out)
{
    int64_t  *rate_milli = out;

    if (!json_is_string(value)) {
        return ehr_object_wrong(in, member->name, &ehr_wrong_type);
    }

    if (ehr_rate_parse(ehr_member_text(value), rate_milli) != EHR_OK) {
        return ehr_object_wrong(in, member->name, &ehr_wrong_rate);
    }

    return EHR_OK;
}


static ehr_rc_t
ehr_member_integer(const ehr_facility_input_t *in, const ehr_member_t *member,
                   json_t *value, void *out)
{
    int64_t  *n = out;

    if (!json_is_integer(value)) {
        return ehr_object_wrong(in, member->name, &ehr_wrong_type);
    }

    *n = json_integer_value(value);

    if (*n < 1 || *n > (int64_t) member->max) {
        return ehr_object_wrong(in, member->name, &ehr_wrong_range);
    }

    return EHR_OK;
}


static ehr_rc_t
ehr_member_certificate(const ehr_facility_input_t *in,
                       const ehr_member_t *member, json_t *value, void *out)
{
    ehr_str_t          pem;
    ehr_certificate_e  e;

    if (!json_is_string(value)) {
        return ehr_object_wrong(in, member->name, &ehr_wrong_type);
    }

    pem = ehr_member_text(value);

    if (pem.len > member->max) {
        return ehr_object_wrong(in, member->name, &ehr_wrong_range);
    }

    e = ehr_certificate_read(pem, in->now_ms, in->arena, out);

    switch (e) {
    case EHR_CERTIFICATE_OK:
        return EHR_OK;
    case EHR_CERTIFICATE_BROKEN:
        return EHR_BROKEN;
    default:
        return ehr_object_wrong(in, member->name, &ehr_wrong_certificates[e]);
    }
}


static ehr_str_t
ehr_member_text(json_t *value)
{
    ehr_str_t  text;

    text.data = json_string_value(value);
    text.len = json_string_length(value);

    return text;
}


static int
ehr_text_valid(ehr_str_t text, size_t max)
{
    if (text.len == 0 || text.len > max) {
        return 0;
    }

    for (size_t i = 0; i < text.len; i++) {
        unsigned char  c = (unsigned char) text.data[i];

        if (c < 0x20 || c == 0x7f) {
            return 0;
        }
    }

    return 1;
}
