/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * "receipt verify": is this receipt one of the gateway, and what does it say.
 * Decides by the public keys it is given and by nothing else; opens no
 * connection.
 */

#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "ehr_id.h"
#include "ehr_receipt.h"
#include "ehrctl.h"
#include "file.h"
#include "output.h"


#define RECEIPT_KEYS_MAX  16


typedef struct {
    ehr_key_t  *list[RECEIPT_KEYS_MAX];
    size_t      n;
} keys_t;


typedef struct {
    const char  *member;
    label_t      label;
} fact_t;

static const fact_t  facts_shown[] = {
    { "id", { { "Mã tiếp nhận", "Document" } } },
    { "facility", { { "Cơ sở", "Facility" } } },
    { "kind", { { "Loại hồ sơ", "Kind" } } },
    { "standard", { { "Chuẩn dữ liệu", "Standard" } } },
    { "business_key", { { "Khóa nghiệp vụ", "Business key" } } },
    { "sha256", { { "SHA-256", "SHA-256" } } },
    { "size", { { "Số byte", "Bytes" } } },
    { "received_at", { { "Tiếp nhận lúc", "Received at" } } },
    { "issuer", { { "Nơi cấp", "Issuer" } } },
};

#define FACTS  (sizeof(facts_shown) / sizeof(facts_shown[0]))

static const label_t  label_valid = {
    { "Biên nhận hợp lệ", "The receipt is valid" }
};

static const label_t  label_invalid = {
    { "Biên nhận KHÔNG hợp lệ: sai chữ ký, sai khóa hoặc sai định dạng",
      "The receipt is NOT valid: wrong signature, key or form" }
};


static int
keys_read(ehrctl_t *ctl, keys_t *keys)
{
    ehr_str_t    text;
    const char  *error = NULL;

    if (ctl->key != NULL) {
        keys->list[0] = ehr_key_load(ctl->key, &error);
        keys->n = keys->list[0] != NULL;

        return keys->n > 0 ? EHRCTL_OK : output_failure(ctl->key, error);
    }

    text = file_read(ctl, ctl->jwks);
    if (text.data == NULL) {
        return EHRCTL_FAILED;
    }

    if (ehr_jwks_read(text, keys->list, RECEIPT_KEYS_MAX, &keys->n) != EHR_OK)
    {
        keys->n = 0;
        return output_failure(ctl->jwks, "is no set of public keys (JWKS)");
    }

    return EHRCTL_OK;
}


static void
keys_free(keys_t *keys)
{
    for (size_t i = 0; i < keys->n; i++) {
        ehr_key_free(keys->list[i]);
    }
}


/* The receipt itself, or the member "receipt" of the gateway's answer. */

static ehr_str_t
receipt_find(ehrctl_t *ctl, ehr_str_t text)
{
    json_t      *answer;
    ehr_str_t    jws = ehr_null_string;
    const char  *member;

    while (text.len > 0 && strchr(" \t\r\n", text.data[0]) != NULL) {
        text.data++;
        text.len--;
    }

    while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL)
    {
        text.len--;
    }

    if (text.len == 0 || text.data[0] != '{') {
        return text;
    }

    answer = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    member = json_string_value(json_object_get(answer, "receipt"));

    if (member != NULL) {
        jws = ehr_arena_dup(ctl->arena, member, strlen(member));
    }

    json_decref(answer);

    return jws;
}


static json_t *
string_of(ehr_str_t s)
{
    return json_stringn(s.data ? s.data : "", s.len);
}


static json_t *
facts_json(const ehr_receipt_t *facts)
{
    char     at[EHR_TIME_LEN + 1], hex[2 * EHR_SHA256_LEN + 1];
    json_t  *object = json_object();

    ehr_hex(facts->sha256, EHR_SHA256_LEN, hex);
    ehr_time_render(facts->received_at_ms, at);

    if (json_object_set_new(object, "id", string_of(facts->id)) != 0
        || json_object_set_new(object, "facility",
                               string_of(facts->facility)) != 0
        || json_object_set_new(object, "kind", string_of(facts->kind)) != 0
        || json_object_set_new(object, "standard",
                               string_of(facts->standard)) != 0
        || json_object_set_new(object, "business_key",
                               string_of(facts->business_key)) != 0
        || json_object_set_new(object, "sha256", json_string(hex)) != 0
        || json_object_set_new(object, "size",
                               json_integer((json_int_t) facts->size)) != 0
        || json_object_set_new(object, "received_at", json_string(at)) != 0
        || json_object_set_new(object, "issuer",
                               string_of(facts->issuer)) != 0)
    {
        json_decref(object);
        return NULL;
    }

    return object;
}


static void
facts_table(ehrctl_t *ctl, const json_t *facts)
{
    char          number[32];
    size_t        width = 0, w;
    const char   *text;
    const json_t *value;

    for (size_t i = 0; i < FACTS; i++) {
        w = output_width(facts_shown[i].label.text[ctl->lang]);
        width = w > width ? w : width;
    }

    (void) printf("%s\n", label_valid.text[ctl->lang]);

    for (size_t i = 0; i < FACTS; i++) {
        value = json_object_get(facts, facts_shown[i].member);
        text = json_string_value(value);

        if (json_is_integer(value)) {
            (void) snprintf(number, sizeof(number), "%" PRId64,
                            (int64_t) json_integer_value(value));
            text = number;
        }

        output_field(facts_shown[i].label.text[ctl->lang], width,
                     text != NULL ? text : "");
    }
}


static int
receipt_show(ehrctl_t *ctl, const ehr_receipt_t *facts)
{
    int      status = EHRCTL_OK;
    json_t  *object;

    object = facts_json(facts);
    if (object == NULL) {
        return output_failure("no memory", NULL);
    }

    if (ctl->output == EHRCTL_JSON) {
        status = output_json(object);

    } else {
        facts_table(ctl, object);
    }

    json_decref(object);

    return status;
}


int
ehrctl_receipt_verify(ehrctl_t *ctl)
{
    int            status;
    keys_t         keys = { .n = 0 };
    ehr_str_t      text;
    ehr_receipt_t  facts;

    text = file_read(ctl, ctl->operands[0]);
    if (text.data == NULL) {
        return EHRCTL_FAILED;
    }

    text = receipt_find(ctl, text);

    status = keys_read(ctl, &keys);

    if (status == EHRCTL_OK) {
        status = text.len > 0
                 && ehr_receipt_verify(keys.list, keys.n, text, ctl->arena,
                                       &facts) == EHR_OK
                 ? receipt_show(ctl, &facts)
                 : output_failure(label_invalid.text[ctl->lang], NULL);
    }

    keys_free(&keys);

    return status;
}
