/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Access tokens (RFC 9068, bound by RFC 8705): which claims are required,
 * what each must be, and the same made by ourselves.  Decides for one moment
 * and one certificate, both arguments; knows no clock, no registry and no
 * cache.
 */

#include <jwt.h>

#include "ehr_id.h"
#include "ehr_json.h"
#include "ehr_jws.h"
#include "ehr_token.h"


#define EHR_TOKEN_TYP            "at+jwt"
#define EHR_TOKEN_URI_MAX        512    /* of iss and of an aud */
#define EHR_TOKEN_SCOPE_MAX      1024
#define EHR_TOKEN_AUDIENCES_MAX  16
#define EHR_TOKEN_CNF_LEN        43     /* base64url of a SHA-256 */

/* base64url of {"alg":"none"}: the header libjwt is given, which knows no
 * at+jwt and would parse the key's PEM again for each token. */

#define EHR_TOKEN_PLAIN_HEADER   "eyJhbGciOiJub25lIn0"


static const struct {
    const char  *word;
    uint32_t     scope;
} ehr_scope_words[] = {
    { "documents:submit", EHR_SCOPE_SUBMIT },
    { "documents:read", EHR_SCOPE_READ },
    { "lookups", EHR_SCOPE_LOOKUPS },
};

#define EHR_SCOPE_WORDS  (sizeof(ehr_scope_words) / sizeof(ehr_scope_words[0]))


/* Key, algorithm and signature share a sentence: which of them failed helps
 * nobody but a forger. */

#define EHR_TOKEN_UNVERIFIED_VI                                               \
    "Không xác minh được chữ ký của mã truy cập"
#define EHR_TOKEN_UNVERIFIED_EN                                               \
    "The signature of the access token cannot be verified"

static const char *const  ehr_token_reasons[][2] = {
    [EHR_TOKEN_OK] = { "", "" },
    [EHR_TOKEN_TOO_LARGE] = {
        "Mã truy cập quá dài", "The access token is too long" },
    [EHR_TOKEN_MALFORMED] = {
        "Mã truy cập không đọc được", "The access token cannot be read" },
    [EHR_TOKEN_HEADER] = {
        "Phần đầu của mã truy cập có mục không được phép",
        "The header of the access token has a member that is not allowed" },
    [EHR_TOKEN_TYPE] = {
        "Mã truy cập không phải kiểu at+jwt",
        "The token is not of type at+jwt" },
    [EHR_TOKEN_KEY] = { EHR_TOKEN_UNVERIFIED_VI, EHR_TOKEN_UNVERIFIED_EN },
    [EHR_TOKEN_ALG] = { EHR_TOKEN_UNVERIFIED_VI, EHR_TOKEN_UNVERIFIED_EN },
    [EHR_TOKEN_SIGNATURE] = {
        EHR_TOKEN_UNVERIFIED_VI, EHR_TOKEN_UNVERIFIED_EN },
    [EHR_TOKEN_ISSUER] = {
        "Mã truy cập do nơi khác cấp",
        "The access token is of another issuer" },
    [EHR_TOKEN_AUDIENCE] = {
        "Mã truy cập không dành cho cổng kết nối này",
        "The access token is meant for another audience" },
    [EHR_TOKEN_CLAIMS] = {
        "Mã truy cập thiếu hoặc sai một mục bắt buộc",
        "A required claim of the access token is missing or not valid" },
    [EHR_TOKEN_EXPIRED] = {
        "Mã truy cập đã hết hạn", "The access token has expired" },
    [EHR_TOKEN_NOT_YET] = {
        "Mã truy cập chưa có hiệu lực", "The access token is not valid yet" },
    [EHR_TOKEN_NOT_BOUND] = {
        "Mã truy cập không thuộc chứng thư số đang dùng",
        "The access token is bound to another certificate" },
    [EHR_TOKEN_BROKEN] = {
        "Lỗi của cổng kết nối", "Internal error of the gateway" },
};

#define EHR_TOKEN_REASONS                                                     \
    (sizeof(ehr_token_reasons) / sizeof(ehr_token_reasons[0]))


/* The claims that must be right but are not part of the result. */

typedef struct {
    ehr_str_t   issuer;
    int64_t     not_before;
} ehr_token_terms_t;


static ehr_token_e ehr_token_types(const json_t *claims, ehr_arena_t *arena,
                                   ehr_token_t *out);
static int ehr_token_is_audience(const json_t *aud);
static ehr_token_e ehr_token_confirmation(const json_t *cnf,
                                          ehr_arena_t *arena,
                                          uint8_t out[EHR_SHA256_LEN]);
static ehr_token_e ehr_token_grants(ehr_str_t payload, ehr_arena_t *arena,
                                    ehr_token_t *out,
                                    ehr_token_terms_t *terms);
static ehr_token_e ehr_token_copy(jwt_t *jwt, ehr_arena_t *arena,
                                  ehr_token_t *out, ehr_token_terms_t *terms);
static ehr_token_e ehr_token_judge(const ehr_token_policy_t *policy,
                                   const json_t *claims,
                                   const ehr_token_terms_t *terms,
                                   const ehr_token_t *token);
static int ehr_token_is_for(const json_t *aud, ehr_str_t audience);
static ehr_token_e ehr_token_time(const ehr_token_t *token,
                                  const ehr_token_terms_t *terms,
                                  int64_t now_sec);


static ehr_token_e
ehr_token_of_jws(ehr_jws_e e)
{
    static const ehr_token_e  map[] = {
        [EHR_JWS_OK] = EHR_TOKEN_OK,
        [EHR_JWS_TOO_LARGE] = EHR_TOKEN_TOO_LARGE,
        [EHR_JWS_MALFORMED] = EHR_TOKEN_MALFORMED,
        [EHR_JWS_HEADER] = EHR_TOKEN_HEADER,
        [EHR_JWS_TYPE] = EHR_TOKEN_TYPE,
        [EHR_JWS_KEY] = EHR_TOKEN_KEY,
        [EHR_JWS_ALG] = EHR_TOKEN_ALG,
        [EHR_JWS_SIGNATURE] = EHR_TOKEN_SIGNATURE,
        [EHR_JWS_BROKEN] = EHR_TOKEN_BROKEN,
    };

    return map[e];
}


ehr_token_e
ehr_token_verify(const ehr_token_policy_t *policy, ehr_str_t token,
                 const uint8_t thumbprint[EHR_SHA256_LEN], int64_t now_sec,
                 ehr_arena_t *arena, ehr_token_t *out)
{
    ehr_jws_t          jws;
    ehr_token_e        e;
    ehr_token_terms_t  terms;

    const ehr_jws_policy_t  form = {
        .typ = EHR_TOKEN_TYP,
        .max_bytes = EHR_TOKEN_MAX_BYTES,
        .max_depth = EHR_TOKEN_MAX_DEPTH,
        .keys = policy->keys,
        .nkeys = policy->nkeys,
    };

    memset(out, 0, sizeof(ehr_token_t));

    e = ehr_token_of_jws(ehr_jws_open(&form, token, arena, &jws));
    if (e != EHR_TOKEN_OK) {
        return e;
    }

    e = ehr_token_types(jws.payload, arena, out);

    if (e == EHR_TOKEN_OK) {
        e = ehr_token_grants(jws.encoded, arena, out, &terms);
    }

    if (e == EHR_TOKEN_OK) {
        e = ehr_token_judge(policy, jws.payload, &terms, out);
    }

    ehr_jws_close(&jws);

    if (e == EHR_TOKEN_OK) {
        e = ehr_token_time(out, &terms, now_sec);
    }

    if (e == EHR_TOKEN_OK
        && !ehr_equal_secret(out->thumbprint, thumbprint, EHR_SHA256_LEN))
    {
        e = EHR_TOKEN_NOT_BOUND;
    }

    return e;
}


/* Every required claim is there and of its type, before one is believed. */

static ehr_token_e
ehr_token_types(const json_t *claims, ehr_arena_t *arena, ehr_token_t *out)
{
    int64_t       sec;
    const json_t  *scope;

    if (ehr_claim_word(claims, "iss", EHR_TOKEN_URI_MAX).data == NULL
        || ehr_claim_word(claims, "sub", EHR_FACILITY_MAX).data == NULL
        || ehr_claim_word(claims, "client_id", EHR_FACILITY_MAX).data == NULL
        || ehr_claim_word(claims, "jti", EHR_TOKEN_JTI_MAX).data == NULL)
    {
        return EHR_TOKEN_CLAIMS;
    }

    if (ehr_claim_time(claims, "exp", &sec) != EHR_OK
        || ehr_claim_time(claims, "nbf", &sec) != EHR_OK
        || ehr_claim_time(claims, "iat", &sec) != EHR_OK)
    {
        return EHR_TOKEN_CLAIMS;
    }

    scope = json_object_get(claims, "scope");
    if (!json_is_string(scope)
        || json_string_length(scope) > EHR_TOKEN_SCOPE_MAX)
    {
        return EHR_TOKEN_CLAIMS;
    }

    if (!ehr_token_is_audience(json_object_get(claims, "aud"))) {
        return EHR_TOKEN_CLAIMS;
    }

    return ehr_token_confirmation(json_object_get(claims, "cnf"), arena,
                                  out->thumbprint);
}


/* A string, or a short array of strings (RFC 7519 4.1.3). */

static int
ehr_token_is_audience(const json_t *aud)
{
    size_t  n;

    if (json_is_string(aud)) {
        return 1;
    }

    n = json_array_size(aud);
    if (n == 0 || n > EHR_TOKEN_AUDIENCES_MAX) {
        return 0;
    }

    for (size_t i = 0; i < n; i++) {
        if (!json_is_string(json_array_get(aud, i))) {
            return 0;
        }
    }

    return 1;
}


/* Another member would be another proof that nobody here checks. */

static ehr_token_e
ehr_token_confirmation(const json_t *cnf, ehr_arena_t *arena,
                       uint8_t out[EHR_SHA256_LEN])
{
    ehr_str_t  text, bytes;

    if (json_object_size(cnf) != 1) {
        return EHR_TOKEN_CLAIMS;
    }

    text = ehr_claim_word(cnf, "x5t#S256", EHR_TOKEN_CNF_LEN);
    if (text.len != EHR_TOKEN_CNF_LEN) {
        return EHR_TOKEN_CLAIMS;
    }

    bytes = ehr_base64url_decode(text, arena);
    if (bytes.data == NULL) {
        return bytes.len ? EHR_TOKEN_CLAIMS : EHR_TOKEN_BROKEN;
    }

    if (bytes.len != EHR_SHA256_LEN) {
        return EHR_TOKEN_CLAIMS;
    }

    memcpy(out, bytes.data, EHR_SHA256_LEN);

    return EHR_TOKEN_OK;
}


/*
 * libjwt takes a NULL key for "believe everything": it is called here only,
 * behind a verified signature.
 */

static ehr_token_e
ehr_token_grants(ehr_str_t payload, ehr_arena_t *arena, ehr_token_t *out,
                 ehr_token_terms_t *terms)
{
    char         *text;
    jwt_t        *jwt;
    size_t        head = sizeof(EHR_TOKEN_PLAIN_HEADER) - 1;
    ehr_token_e   e;

    text = ehr_arena_alloc(arena, head + payload.len + 3);
    if (text == NULL) {
        return EHR_TOKEN_BROKEN;
    }

    memcpy(text, EHR_TOKEN_PLAIN_HEADER, head);
    text[head] = '.';
    memcpy(text + head + 1, payload.data, payload.len);
    memcpy(text + head + 1 + payload.len, ".", 2);

    if (jwt_decode(&jwt, text, NULL, 0) != 0) {
        return EHR_TOKEN_BROKEN;
    }

    e = ehr_token_copy(jwt, arena, out, terms);
    jwt_free(jwt);

    return e;
}


static ehr_str_t
ehr_token_word(jwt_t *jwt, const char *name, ehr_arena_t *arena)
{
    ehr_str_t  word = ehr_str(jwt_get_grant(jwt, name));

    return word.data ? ehr_arena_dup(arena, word.data, word.len) : word;
}


static ehr_token_e
ehr_token_copy(jwt_t *jwt, ehr_arena_t *arena, ehr_token_t *out,
               ehr_token_terms_t *terms)
{
    int         unknown;
    ehr_str_t   scope;

    terms->issuer = ehr_token_word(jwt, "iss", arena);
    terms->not_before = jwt_get_grant_int(jwt, "nbf");

    scope = ehr_token_word(jwt, "scope", arena);

    out->subject = ehr_token_word(jwt, "sub", arena);
    out->client_id = ehr_token_word(jwt, "client_id", arena);
    out->jti = ehr_token_word(jwt, "jti", arena);
    out->issued_at = jwt_get_grant_int(jwt, "iat");
    out->expires_at = jwt_get_grant_int(jwt, "exp");

    if (terms->issuer.data == NULL || scope.data == NULL
        || out->subject.data == NULL || out->client_id.data == NULL
        || out->jti.data == NULL)
    {
        return EHR_TOKEN_BROKEN;
    }

    out->scopes = ehr_scopes_parse(scope, &unknown);

    return EHR_TOKEN_OK;
}


static ehr_token_e
ehr_token_judge(const ehr_token_policy_t *policy, const json_t *claims,
                const ehr_token_terms_t *terms, const ehr_token_t *token)
{
    if (!ehr_str_eq(terms->issuer, policy->issuer)) {
        return EHR_TOKEN_ISSUER;
    }

    if (!ehr_token_is_for(json_object_get(claims, "aud"), policy->audience)) {
        return EHR_TOKEN_AUDIENCE;
    }

    /* A client that acts for itself is its own subject (RFC 9068 2.2). */

    if (!ehr_str_eq(token->subject, token->client_id)) {
        return EHR_TOKEN_CLAIMS;
    }

    return EHR_TOKEN_OK;
}


static int
ehr_token_is_for(const json_t *aud, ehr_str_t audience)
{
    size_t        n;
    ehr_str_t     one;
    const json_t  *value;

    n = json_is_string(aud) ? 1 : json_array_size(aud);

    for (size_t i = 0; i < n; i++) {
        value = json_is_string(aud) ? aud : json_array_get(aud, i);
        one.data = json_string_value(value);
        one.len = json_string_length(value);

        if (ehr_str_eq(one, audience)) {
            return 1;
        }
    }

    return 0;
}


static ehr_token_e
ehr_token_time(const ehr_token_t *token, const ehr_token_terms_t *terms,
               int64_t now_sec)
{
    if (now_sec >= token->expires_at + EHR_TOKEN_GRACE_SEC) {
        return EHR_TOKEN_EXPIRED;
    }

    if (terms->not_before > now_sec + EHR_TOKEN_GRACE_SEC
        || token->issued_at > now_sec + EHR_TOKEN_GRACE_SEC)
    {
        return EHR_TOKEN_NOT_YET;
    }

    return EHR_TOKEN_OK;
}


const char *
ehr_token_reason(ehr_token_e e, int lang)
{
    if ((size_t) e >= EHR_TOKEN_REASONS) {
        e = EHR_TOKEN_BROKEN;
    }

    return ehr_token_reasons[e][lang == 1];
}


ehr_str_t
ehr_token_mint(const ehr_token_policy_t *policy, const ehr_key_t *key,
               ehr_str_t facility, uint32_t scopes,
               const uint8_t thumbprint[EHR_SHA256_LEN], const char *jti,
               int64_t now_sec, int64_t ttl_sec, ehr_arena_t *arena)
{
    ehr_str_t        scope, cnf, payload;
    ehr_json_t       json;
    const ehr_str_t  none = ehr_null_string;

    scope = ehr_scopes_render(scopes, arena);
    cnf = ehr_base64url_encode(thumbprint, EHR_SHA256_LEN, arena);
    if (scope.data == NULL || cnf.data == NULL) {
        return none;
    }

    ehr_json_begin(&json, arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_string(&json, "iss", policy->issuer);
    ehr_json_string(&json, "aud", policy->audience);
    ehr_json_string(&json, "sub", facility);
    ehr_json_string(&json, "client_id", facility);
    ehr_json_text(&json, "jti", jti);
    ehr_json_int(&json, "iat", now_sec);
    ehr_json_int(&json, "nbf", now_sec);
    ehr_json_int(&json, "exp", now_sec + ttl_sec);
    ehr_json_string(&json, "scope", scope);
    ehr_json_open(&json, "cnf", '{');
    ehr_json_string(&json, "x5t#S256", cnf);
    ehr_json_close(&json, '}');
    ehr_json_close(&json, '}');

    payload = ehr_json_end(&json);

    return payload.data ? ehr_jws_sign(key, EHR_TOKEN_TYP, payload, arena)
                        : none;
}


static uint32_t
ehr_scope_of_word(ehr_str_t word)
{
    for (size_t i = 0; i < EHR_SCOPE_WORDS; i++) {
        if (ehr_str_is(word, ehr_scope_words[i].word)) {
            return ehr_scope_words[i].scope;
        }
    }

    return 0;
}


/* Words between single blanks; an empty word is none of ours. */

uint32_t
ehr_scopes_parse(ehr_str_t list, int *unknown)
{
    size_t      start, end;
    uint32_t    scope, scopes = 0;
    ehr_str_t   word;

    *unknown = 0;

    for (start = 0; list.len != 0 && start <= list.len; start = end + 1) {
        for (end = start; end < list.len && list.data[end] != ' '; end++) {
            /* void */
        }

        word.data = list.data + start;
        word.len = end - start;

        scope = ehr_scope_of_word(word);
        scopes |= scope;
        *unknown |= (scope == 0);
    }

    return scopes;
}


ehr_str_t
ehr_scopes_render(uint32_t scopes, ehr_arena_t *arena)
{
    char    text[128] = "";
    size_t  len = 0, n;

    for (size_t i = 0; i < EHR_SCOPE_WORDS; i++) {
        n = strlen(ehr_scope_words[i].word);

        if (!(scopes & ehr_scope_words[i].scope)
            || len + n + 1 > sizeof(text))
        {
            continue;
        }

        if (len != 0) {
            text[len++] = ' ';
        }

        memcpy(text + len, ehr_scope_words[i].word, n);
        len += n;
    }

    return ehr_arena_dup(arena, text, len);
}
