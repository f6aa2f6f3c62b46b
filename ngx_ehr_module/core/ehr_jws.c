/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The strict reader of compact JWS.  Decides form, key, algorithm and type in
 * the order of RFC 8725, every refusal of structure before any signature is
 * computed.  The text never chooses: kid only picks among the keys given, alg
 * must repeat what the key says.  Knows no claim.
 */

#include <strings.h>

#include "ehr_jws.h"
#include "ehr_key.h"


#define EHR_JWS_MEDIA_PREFIX  "application/"
#define EHR_CLAIM_TIME_MAX    INT64_C(253402300799)   /* end of 9999 */


typedef struct {
    ehr_str_t  header;
    ehr_str_t  payload;
    ehr_str_t  signature;
    ehr_str_t  input;         /* header and payload with their dot */
} ehr_jws_parts_t;


/* Members that would bring a key or change the rules (RFC 7515 4.1; b64 is
 * RFC 7797).  We understand no extension, so any crit is an unknown one. */

static const char *const  ehr_jws_forbidden[] = {
    "crit", "b64", "zip", "jwk", "jku", "x5c", "x5u", "x5t", "x5t#S256", NULL
};


static ehr_jws_e ehr_jws_split(ehr_str_t text, ehr_jws_parts_t *parts);
static ehr_jws_e ehr_jws_object(ehr_str_t encoded, size_t max_depth,
                                ehr_arena_t *arena, json_t **object);
static int ehr_jws_is_shallow(ehr_str_t text, size_t max_depth);
static ehr_jws_e ehr_jws_header(const ehr_jws_policy_t *policy,
                                const json_t *header, const ehr_key_t **key);
static const ehr_key_t *ehr_jws_key(const ehr_jws_policy_t *policy,
                                    const char *kid);
static int ehr_jws_is_type(const char *typ, const char *wanted);


ehr_jws_e
ehr_jws_open(const ehr_jws_policy_t *policy, ehr_str_t text,
             ehr_arena_t *arena, ehr_jws_t *jws)
{
    json_t           *header;
    ehr_rc_t          rc;
    ehr_str_t         signature;
    ehr_jws_e         e;
    ehr_jws_parts_t   parts;
    const ehr_key_t  *key;

    memset(jws, 0, sizeof(ehr_jws_t));

    if (text.len > policy->max_bytes) {
        return EHR_JWS_TOO_LARGE;
    }

    e = ehr_jws_split(text, &parts);
    if (e != EHR_JWS_OK) {
        return e;
    }

    e = ehr_jws_object(parts.header, policy->max_depth, arena, &header);
    if (e != EHR_JWS_OK) {
        return e;
    }

    e = ehr_jws_header(policy, header, &key);
    json_decref(header);
    if (e != EHR_JWS_OK) {
        return e;
    }

    signature = ehr_base64url_decode(parts.signature, arena);
    if (signature.data == NULL) {
        return signature.len ? EHR_JWS_MALFORMED : EHR_JWS_BROKEN;
    }

    e = ehr_jws_object(parts.payload, policy->max_depth, arena, &jws->payload);
    if (e != EHR_JWS_OK) {
        return e;
    }

    rc = ehr_jws_verify(key, parts.input, signature);
    if (rc != EHR_OK) {
        ehr_jws_close(jws);
        return rc == EHR_REFUSED ? EHR_JWS_SIGNATURE : EHR_JWS_BROKEN;
    }

    jws->encoded = parts.payload;

    return EHR_JWS_OK;
}


void
ehr_jws_close(ehr_jws_t *jws)
{
    json_decref(jws->payload);
    jws->payload = NULL;
}


/* Exactly two dots and three parts, none of them empty. */

static ehr_jws_e
ehr_jws_split(ehr_str_t text, ehr_jws_parts_t *parts)
{
    const char  *first, *second, *end;

    if (text.len == 0) {
        return EHR_JWS_MALFORMED;
    }

    end = text.data + text.len;

    first = memchr(text.data, '.', text.len);
    if (first == NULL) {
        return EHR_JWS_MALFORMED;
    }

    second = memchr(first + 1, '.', (size_t) (end - first - 1));
    if (second == NULL
        || memchr(second + 1, '.', (size_t) (end - second - 1)) != NULL)
    {
        return EHR_JWS_MALFORMED;
    }

    parts->header.data = text.data;
    parts->header.len = (size_t) (first - text.data);
    parts->payload.data = first + 1;
    parts->payload.len = (size_t) (second - first - 1);
    parts->signature.data = second + 1;
    parts->signature.len = (size_t) (end - second - 1);
    parts->input.data = text.data;
    parts->input.len = (size_t) (second - text.data);

    if (parts->header.len == 0 || parts->payload.len == 0
        || parts->signature.len == 0)
    {
        return EHR_JWS_MALFORMED;
    }

    if (parts->header.len > EHR_JWS_HEADER_MAX
        || parts->signature.len > EHR_JWS_SIGNATURE_MAX)
    {
        return EHR_JWS_TOO_LARGE;
    }

    return EHR_JWS_OK;
}


static ehr_jws_e
ehr_jws_object(ehr_str_t encoded, size_t max_depth, ehr_arena_t *arena,
               json_t **object)
{
    ehr_str_t     text;
    json_error_t  error;

    text = ehr_base64url_decode(encoded, arena);
    if (text.data == NULL) {
        return text.len ? EHR_JWS_MALFORMED : EHR_JWS_BROKEN;
    }

    /* jansson passes over a NUL behind a number, others end there */

    if (memchr(text.data, '\0', text.len) != NULL
        || !ehr_jws_is_shallow(text, max_depth))
    {
        return EHR_JWS_MALFORMED;
    }

    *object = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    if (*object == NULL) {
        return json_error_code(&error) == json_error_out_of_memory
               ? EHR_JWS_BROKEN : EHR_JWS_MALFORMED;
    }

    if (!json_is_object(*object)) {
        json_decref(*object);
        *object = NULL;
        return EHR_JWS_MALFORMED;
    }

    return EHR_JWS_OK;
}


/* Counts brackets outside strings, before any parser allocates for them. */

static int
ehr_jws_is_shallow(ehr_str_t text, size_t max_depth)
{
    char    c;
    int     is_string = 0;
    size_t  depth = 0;

    for (size_t i = 0; i < text.len; i++) {
        c = text.data[i];

        if (is_string) {
            i += (c == '\\');
            is_string = (c != '"');
            continue;
        }

        is_string = (c == '"');

        if (c == '{' || c == '[') {
            depth++;
        }

        if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }

        if (depth > max_depth) {
            return 0;
        }
    }

    return 1;
}


static ehr_jws_e
ehr_jws_header(const ehr_jws_policy_t *policy, const json_t *header,
               const ehr_key_t **key)
{
    const char  *kid, *alg, *typ;

    kid = json_string_value(json_object_get(header, "kid"));
    *key = kid ? ehr_jws_key(policy, kid) : NULL;
    if (*key == NULL) {
        return EHR_JWS_KEY;
    }

    alg = json_string_value(json_object_get(header, "alg"));
    if (alg == NULL || strcmp(alg, ehr_alg_name(ehr_key_alg(*key))) != 0) {
        return EHR_JWS_ALG;
    }

    for (size_t i = 0; ehr_jws_forbidden[i] != NULL; i++) {
        if (json_object_get(header, ehr_jws_forbidden[i]) != NULL) {
            return EHR_JWS_HEADER;
        }
    }

    typ = json_string_value(json_object_get(header, "typ"));
    if (typ == NULL || !ehr_jws_is_type(typ, policy->typ)) {
        return EHR_JWS_TYPE;
    }

    return EHR_JWS_OK;
}


static const ehr_key_t *
ehr_jws_key(const ehr_jws_policy_t *policy, const char *kid)
{
    for (size_t i = 0; i < policy->nkeys; i++) {
        if (strcmp(ehr_key_kid(policy->keys[i]), kid) == 0) {
            return policy->keys[i];
        }
    }

    return NULL;
}


/* RFC 7515 4.1.9: a media type, compared without case, whose "application/"
 * may be left out. */

static int
ehr_jws_is_type(const char *typ, const char *wanted)
{
    size_t  len = sizeof(EHR_JWS_MEDIA_PREFIX) - 1;

    if (strncasecmp(typ, EHR_JWS_MEDIA_PREFIX, len) == 0) {
        typ += len;
    }

    return strcasecmp(typ, wanted) == 0;
}


ehr_str_t
ehr_claim_word(const json_t *object, const char *name, size_t max)
{
    json_t           *value;
    ehr_str_t         word;
    const ehr_str_t   none = ehr_null_string;

    value = json_object_get(object, name);
    if (!json_is_string(value)) {
        return none;
    }

    word.data = json_string_value(value);
    word.len = json_string_length(value);

    if (word.len == 0 || word.len > max) {
        return none;
    }

    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] < 0x21 || word.data[i] > 0x7e) {
            return none;
        }
    }

    return word;
}


ehr_rc_t
ehr_claim_time(const json_t *object, const char *name, int64_t *sec)
{
    json_t  *value;

    value = json_object_get(object, name);
    if (!json_is_integer(value)) {
        return EHR_REFUSED;
    }

    *sec = json_integer_value(value);

    return *sec >= 0 && *sec <= EHR_CLAIM_TIME_MAX ? EHR_OK : EHR_REFUSED;
}
