/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Receipts as signed text, and back.  Decides which facts a receipt holds and
 * how they are written; knows nothing of how the document was kept.
 */

#include "ehr_id.h"
#include "ehr_json.h"
#include "ehr_jws.h"
#include "ehr_receipt.h"


#define EHR_RECEIPT_MAX_DEPTH  1


static ehr_rc_t ehr_receipt_words(const json_t *claims, ehr_arena_t *arena,
                                  ehr_receipt_t *facts);
static ehr_rc_t ehr_receipt_numbers(const json_t *claims,
                                    ehr_receipt_t *facts);
static ehr_rc_t ehr_receipt_word(const json_t *claims, const char *name,
                                 ehr_arena_t *arena, ehr_str_t *out);


ehr_str_t
ehr_receipt_sign(const ehr_key_t *key, const ehr_receipt_t *facts,
                 ehr_arena_t *arena)
{
    char             sha256[2 * EHR_SHA256_LEN + 1];
    char             received_at[EHR_TIME_LEN + 1];
    ehr_str_t        payload, jws;
    ehr_json_t       json;
    const ehr_str_t  none = ehr_null_string;

    if (ehr_key_alg(key) != EHR_ALG_ES256 || facts->size > INT64_MAX) {
        return none;
    }

    ehr_hex(facts->sha256, EHR_SHA256_LEN, sha256);
    ehr_time_render(facts->received_at_ms, received_at);

    ehr_json_begin(&json, arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_string(&json, "iss", facts->issuer);
    ehr_json_string(&json, "jti", facts->id);
    ehr_json_string(&json, "id", facts->id);
    ehr_json_string(&json, "facility", facts->facility);
    ehr_json_string(&json, "kind", facts->kind);
    ehr_json_string(&json, "standard", facts->standard);
    ehr_json_string(&json, "business_key", facts->business_key);
    ehr_json_text(&json, "sha256", sha256);
    ehr_json_int(&json, "size", (int64_t) facts->size);
    ehr_json_text(&json, "received_at", received_at);
    ehr_json_int(&json, "iat", facts->issued_at_sec);
    ehr_json_close(&json, '}');

    payload = ehr_json_end(&json);
    if (payload.data == NULL) {
        return none;
    }

    jws = ehr_jws_sign(key, EHR_RECEIPT_TYP, payload, arena);

    return jws.len <= EHR_RECEIPT_MAX_BYTES ? jws : none;
}


ehr_rc_t
ehr_receipt_verify(ehr_key_t *const *keys, size_t n, ehr_str_t jws,
                   ehr_arena_t *arena, ehr_receipt_t *facts)
{
    ehr_rc_t    rc;
    ehr_jws_e   e;
    ehr_jws_t   opened;

    const ehr_jws_policy_t  form = {
        .typ = EHR_RECEIPT_TYP,
        .max_bytes = EHR_RECEIPT_MAX_BYTES,
        .max_depth = EHR_RECEIPT_MAX_DEPTH,
        .keys = keys,
        .nkeys = n,
    };

    memset(facts, 0, sizeof(ehr_receipt_t));

    e = ehr_jws_open(&form, jws, arena, &opened);
    if (e != EHR_JWS_OK) {
        return e == EHR_JWS_BROKEN ? EHR_BROKEN : EHR_REFUSED;
    }

    rc = ehr_receipt_words(opened.payload, arena, facts);

    if (rc == EHR_OK) {
        rc = ehr_receipt_numbers(opened.payload, facts);
    }

    ehr_jws_close(&opened);

    return rc;
}


static ehr_rc_t
ehr_receipt_words(const json_t *claims, ehr_arena_t *arena,
                  ehr_receipt_t *facts)
{
    ehr_rc_t   rc;
    ehr_str_t  jti;

    const struct {
        const char  *name;
        ehr_str_t   *out;
    } words[] = {
        { "iss", &facts->issuer },
        { "jti", &jti },
        { "id", &facts->id },
        { "facility", &facts->facility },
        { "kind", &facts->kind },
        { "standard", &facts->standard },
        { "business_key", &facts->business_key },
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        rc = ehr_receipt_word(claims, words[i].name, arena, words[i].out);
        if (rc != EHR_OK) {
            return rc;
        }
    }

    return ehr_uuid_valid(facts->id) && ehr_str_eq(facts->id, jti)
           ? EHR_OK : EHR_REFUSED;
}


static ehr_rc_t
ehr_receipt_word(const json_t *claims, const char *name, ehr_arena_t *arena,
                 ehr_str_t *out)
{
    const json_t  *value;

    value = json_object_get(claims, name);
    if (!json_is_string(value)) {
        return EHR_REFUSED;
    }

    *out = ehr_arena_dup(arena, json_string_value(value),
                         json_string_length(value));

    return out->data ? EHR_OK : EHR_BROKEN;
}


static ehr_rc_t
ehr_receipt_numbers(const json_t *claims, ehr_receipt_t *facts)
{
    const json_t  *size;

    if (ehr_unhex(ehr_claim_word(claims, "sha256", 2 * EHR_SHA256_LEN),
                  facts->sha256, EHR_SHA256_LEN) != EHR_OK)
    {
        return EHR_REFUSED;
    }

    size = json_object_get(claims, "size");
    if (!json_is_integer(size) || json_integer_value(size) < 0) {
        return EHR_REFUSED;
    }

    facts->size = (uint64_t) json_integer_value(size);

    if (ehr_time_parse(ehr_claim_word(claims, "received_at", EHR_TIME_LEN),
                       &facts->received_at_ms) != EHR_OK)
    {
        return EHR_REFUSED;
    }

    return ehr_claim_time(claims, "iat", &facts->issued_at_sec);
}
