/* SPDX-License-Identifier: BSD-2-Clause */

/* Access tokens: the good ones are read right, every known way to make a bad
 * one is refused, and for its own reason. */

#include "jose_keys.h"

#include <jansson.h>
#include <openssl/hmac.h>

#include "ehr_token.h"


#define NOW     INT64_C(1800000000)
#define ISSUER  "https://gateway.test"
#define AUD     "https://gateway.test/v1"
#define CNF     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

#define HEADER  "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\"}"
#define CLAIMS_REST                                                           \
    "\"iss\":\"" ISSUER "\",\"aud\":\"" AUD "\",\"sub\":\"99001\","          \
    "\"client_id\":\"99001\",\"jti\":\"j-1\",\"iat\":1800000000,"             \
    "\"nbf\":1800000000,\"exp\":1800000600,"                                  \
    "\"scope\":\"documents:submit lookups\","                                 \
    "\"cnf\":{\"x5t#S256\":\"" CNF "\"}}"
#define CLAIMS  "{" CLAIMS_REST


typedef struct {
    jose_world_t         w;
    EVP_PKEY            *ec;
    EVP_PKEY            *rsa;
    EVP_PKEY            *stranger;
    ehr_key_t           *keys[2];     /* ES256, RS256 */
    ehr_token_policy_t   policy;
    uint8_t              thumbprint[EHR_SHA256_LEN];
    ehr_token_t          out;
} fixture_t;


static int
setup(void **state)
{
    fixture_t  *f = calloc(1, sizeof(*f));

    jose_world_open(&f->w);
    f->ec = EVP_EC_gen("P-256");
    f->rsa = EVP_RSA_gen(2048);
    f->stranger = EVP_EC_gen("P-256");
    f->keys[0] = jose_load(&f->w, f->ec, 1);
    f->keys[1] = jose_load(&f->w, f->rsa, 1);
    f->policy.issuer = ehr_str(ISSUER);
    f->policy.audience = ehr_str(AUD);
    f->policy.keys = f->keys;
    f->policy.nkeys = 2;

    for (int i = 0; i < EHR_SHA256_LEN; i++) {
        f->thumbprint[i] = (uint8_t) i;
    }

    *state = f;

    return 0;
}


static int
teardown(void **state)
{
    fixture_t  *f = *state;

    ehr_key_free(f->keys[0]);
    ehr_key_free(f->keys[1]);
    EVP_PKEY_free(f->ec);
    EVP_PKEY_free(f->rsa);
    EVP_PKEY_free(f->stranger);
    jose_world_close(&f->w);
    free(f);

    return 0;
}


/* "@E" and "@R" become the kids of the two keys. */

static ehr_str_t
expand(fixture_t *f, const char *text)
{
    char  *out = ehr_arena_alloc(f->w.arena, JOSE_TEXT_MAX), *p = out;

    for ( ; *text != '\0'; text++) {
        assert_true(p - out < JOSE_TEXT_MAX - 64);

        if (text[0] == '@' && (text[1] == 'E' || text[1] == 'R')) {
            p = stpcpy(p, ehr_key_kid(f->keys[text[1] == 'R']));
            text++;
            continue;
        }

        *p++ = *text;
    }

    *p = '\0';

    return (ehr_str_t) { out, (size_t) (p - out) };
}


static ehr_str_t
token(fixture_t *f, EVP_PKEY *pkey, const char *header, const char *claims)
{
    return jose_sign(&f->w, pkey, expand(f, header), expand(f, claims));
}


static ehr_token_e
verdict(fixture_t *f, ehr_str_t text)
{
    ehr_token_e    e;
    ehr_arena_t  *arena = ehr_arena_create(1 << 20);

    e = ehr_token_verify(&f->policy, text, f->thumbprint, NOW, arena,
                         &f->out);
    assert_int_equal(ERR_peek_error(), 0);
    ehr_arena_destroy(arena);

    return e;
}


static void
expect(fixture_t *f, ehr_str_t text, ehr_token_e wanted, const char *what)
{
    ehr_token_e  e = verdict(f, text);

    if (e != wanted) {
        fail_msg("verdict %d instead of %d: %.200s", (int) e, (int) wanted,
                 what);
    }
}


/* --- accepted ----------------------------------------------------------- */

static void
a_good_token_is_read_whole(void **state)
{
    fixture_t    *f = *state;
    ehr_token_t   t;
    ehr_str_t     text = token(f, f->ec, HEADER, CLAIMS);

    assert_int_equal(ehr_token_verify(&f->policy, text, f->thumbprint, NOW,
                                      f->w.arena, &t), EHR_TOKEN_OK);
    assert_true(ehr_str_is(t.subject, "99001"));
    assert_true(ehr_str_is(t.client_id, "99001"));
    assert_true(ehr_str_is(t.jti, "j-1"));
    assert_int_equal(t.scopes, EHR_SCOPE_SUBMIT | EHR_SCOPE_LOOKUPS);
    assert_true(t.issued_at == NOW);
    assert_true(t.expires_at == NOW + 600);
    assert_memory_equal(t.thumbprint, f->thumbprint, EHR_SHA256_LEN);
}


static void
what_we_mint_we_accept_with_either_key(void **state)
{
    fixture_t    *f = *state;
    ehr_str_t     text;
    ehr_token_t   t;

    for (int k = 0; k < 2; k++) {
        text = ehr_token_mint(&f->policy, f->keys[k], ehr_str("99002"),
                              EHR_SCOPE_ALL, f->thumbprint, "0193-x", NOW,
                              600, f->w.arena);
        assert_non_null(text.data);
        assert_int_equal(ehr_token_verify(&f->policy, text, f->thumbprint,
                                          NOW, f->w.arena, &t),
                         EHR_TOKEN_OK);
        assert_true(ehr_str_is(t.subject, "99002"));
        assert_true(ehr_str_is(t.jti, "0193-x"));
        assert_int_equal(t.scopes, EHR_SCOPE_ALL);
        assert_true(t.expires_at == NOW + 600);
    }
}


static void
a_public_key_mints_nothing(void **state)
{
    fixture_t  *f = *state;
    ehr_key_t  *half = jose_load(&f->w, f->ec, 0);

    assert_null(ehr_token_mint(&f->policy, half, ehr_str("99001"),
                               EHR_SCOPE_ALL, f->thumbprint, "j", NOW, 600,
                               f->w.arena).data);
    ehr_key_free(half);
}


static const char *const  good_headers[] = {
    "{\"typ\":\"AT+JWT\",\"kid\":\"@E\",\"alg\":\"ES256\"}",
    "{\"typ\":\"application/at+jwt\",\"kid\":\"@E\",\"alg\":\"ES256\"}",
    "{\"typ\":\"Application/At+Jwt\",\"kid\":\"@E\",\"alg\":\"ES256\"}",
    "{\"typ\":\"at+jwt\",\"kid\":\"@E\",\"alg\":\"ES256\",\"x-own\":[[]]}",
    " { \"typ\" : \"at+jwt\" , \"kid\":\"@E\",\"alg\":\"ES\\u0032\\u00356\"}",
};


static void
other_spellings_of_a_good_header_are_accepted(void **state)
{
    fixture_t  *f = *state;

    for (size_t i = 0; i < sizeof(good_headers) / sizeof(char *); i++) {
        expect(f, token(f, f->ec, good_headers[i], CLAIMS), EHR_TOKEN_OK,
               good_headers[i]);
    }
}


/* --- the header and the signature --------------------------------------- */

static const struct {
    const char   *header;
    ehr_token_e   verdict;
} bad_headers[] = {
    { "{\"alg\":\"none\",\"kid\":\"@E\",\"typ\":\"at+jwt\"}",
      EHR_TOKEN_ALG },
    { "{\"alg\":\"None\",\"kid\":\"@E\",\"typ\":\"at+jwt\"}",
      EHR_TOKEN_ALG },
    { "{\"alg\":\"none\",\"typ\":\"at+jwt\"}", EHR_TOKEN_KEY },
    { "{\"alg\":\"HS256\",\"kid\":\"@E\",\"typ\":\"at+jwt\"}",
      EHR_TOKEN_ALG },
    { "{\"alg\":\"RS256\",\"kid\":\"@E\",\"typ\":\"at+jwt\"}",
      EHR_TOKEN_ALG },
    { "{\"alg\":\"ES256\",\"kid\":\"@R\",\"typ\":\"at+jwt\"}",
      EHR_TOKEN_ALG },
    { "{\"alg\":\"ES384\",\"kid\":\"@E\",\"typ\":\"at+jwt\"}",
      EHR_TOKEN_ALG },
    { "{\"alg\":\"es256\",\"kid\":\"@E\",\"typ\":\"at+jwt\"}",
      EHR_TOKEN_ALG },
    { "{\"alg\":[\"ES256\"],\"kid\":\"@E\",\"typ\":\"at+jwt\"}",
      EHR_TOKEN_ALG },
    { "{\"kid\":\"@E\",\"typ\":\"at+jwt\"}", EHR_TOKEN_ALG },

    { "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", EHR_TOKEN_KEY },
    { "{\"alg\":\"ES256\",\"kid\":\"\",\"typ\":\"at+jwt\"}", EHR_TOKEN_KEY },
    { "{\"alg\":\"ES256\",\"kid\":0,\"typ\":\"at+jwt\"}", EHR_TOKEN_KEY },
    { "{\"alg\":\"ES256\",\"kid\":null,\"typ\":\"at+jwt\"}", EHR_TOKEN_KEY },
    { "{\"alg\":\"ES256\",\"kid\":\"@Ex\",\"typ\":\"at+jwt\"}",
      EHR_TOKEN_KEY },
    { "{\"alg\":\"ES256\",\"kid\":\"../../dev/null\",\"typ\":\"at+jwt\"}",
      EHR_TOKEN_KEY },

    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"JWT\"}", EHR_TOKEN_TYPE },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\"}", EHR_TOKEN_TYPE },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":1}", EHR_TOKEN_TYPE },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt \"}",
      EHR_TOKEN_TYPE },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"ehr-receipt+jwt\"}",
      EHR_TOKEN_TYPE },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\","
      "\"typ\":\"application/application/at+jwt\"}", EHR_TOKEN_TYPE },

    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"crit\":[\"exp\"],\"exp\":1}", EHR_TOKEN_HEADER },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\",\"crit\":[]}",
      EHR_TOKEN_HEADER },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\",\"crit\":null}",
      EHR_TOKEN_HEADER },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"b64\":false}", EHR_TOKEN_HEADER },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"jwk\":{\"kty\":\"EC\"}}", EHR_TOKEN_HEADER },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"jku\":\"https://evil.test/jwks\"}", EHR_TOKEN_HEADER },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"x5c\":[\"AA\"]}", EHR_TOKEN_HEADER },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"x5u\":\"https://evil.test/x\"}", EHR_TOKEN_HEADER },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"x5t\":\"AA\"}", EHR_TOKEN_HEADER },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"x5t#S256\":\"" CNF "\"}", EHR_TOKEN_HEADER },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"zip\":\"DEF\"}", EHR_TOKEN_HEADER },

    /* the same names through escapes */
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"cri\\u0074\":[\"x\"]}", EHR_TOKEN_HEADER },
    { "{\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"@E\","
      "\"typ\":\"at+jwt\"}", EHR_TOKEN_MALFORMED },
    { "{\"alg\":\"none\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"al\\u0067\":\"ES256\"}", EHR_TOKEN_MALFORMED },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"kid\":\"@R\","
      "\"typ\":\"at+jwt\"}", EHR_TOKEN_MALFORMED },

    { "", EHR_TOKEN_MALFORMED },
    { "null", EHR_TOKEN_MALFORMED },
    { "[]", EHR_TOKEN_MALFORMED },
    { "\"alg\"", EHR_TOKEN_MALFORMED },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\"",
      EHR_TOKEN_MALFORMED },
    { HEADER HEADER, EHR_TOKEN_MALFORMED },
    { HEADER "x", EHR_TOKEN_MALFORMED },
    { "\xef\xbb\xbf" HEADER, EHR_TOKEN_MALFORMED },
    { "{'alg':'ES256'}", EHR_TOKEN_MALFORMED },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\",}",
      EHR_TOKEN_MALFORMED },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"a\":\"\xff\"}", EHR_TOKEN_MALFORMED },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\\u0000\",\"typ\":\"at+jwt\"}",
      EHR_TOKEN_MALFORMED },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"a\":[[[[]]]]}", EHR_TOKEN_MALFORMED },
    { "{\"alg\":\"ES256\",\"kid\":\"@E\",\"typ\":\"at+jwt\","
      "\"a\":1e999}", EHR_TOKEN_MALFORMED },
};


static void
bad_headers_are_refused_although_signed(void **state)
{
    EVP_PKEY   *pkey;
    fixture_t  *f = *state;

    for (size_t i = 0; i < sizeof(bad_headers) / sizeof(bad_headers[0]); i++)
    {
        pkey = strstr(bad_headers[i].header, "@R") ? f->rsa : f->ec;
        expect(f, token(f, pkey, bad_headers[i].header, CLAIMS),
               bad_headers[i].verdict, bad_headers[i].header);
    }
}


/* Structure is judged before the signature: these are signed by a stranger,
 * and still get the verdict of their header. */

static void
bad_headers_are_refused_before_the_signature(void **state)
{
    fixture_t  *f = *state;

    for (size_t i = 0; i < sizeof(bad_headers) / sizeof(bad_headers[0]); i++)
    {
        expect(f, token(f, f->stranger, bad_headers[i].header, CLAIMS),
               bad_headers[i].verdict, bad_headers[i].header);
    }
}


static void
unsigned_tokens_are_refused(void **state)
{
    fixture_t  *f = *state;
    ehr_str_t   input;

    input = jose_input(&f->w, expand(f, "{\"alg\":\"none\",\"kid\":\"@E\","
                                        "\"typ\":\"at+jwt\"}"),
                       ehr_str(CLAIMS));
    expect(f, jose_format(&f->w, "%s.", input.data), EHR_TOKEN_MALFORMED,
           "none, empty signature");
    expect(f, jose_format(&f->w, "%s.AA", input.data), EHR_TOKEN_ALG,
           "none, some signature");

    input = jose_input(&f->w, expand(f, HEADER), ehr_str(CLAIMS));
    expect(f, jose_format(&f->w, "%s.", input.data), EHR_TOKEN_MALFORMED,
           "ES256, empty signature");
}


static void
token_signed_with_the_public_key_as_hmac_secret_is_refused(void **state)
{
    uint8_t        mac[EVP_MAX_MD_SIZE];
    unsigned       len;
    fixture_t     *f = *state;
    ehr_str_t      pem, input;
    EVP_PKEY      *pkeys[] = { f->ec, f->rsa };

    static const char *const  headers[] = {
        "{\"alg\":\"HS256\",\"kid\":\"@E\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"HS256\",\"kid\":\"@R\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}",
    };

    for (size_t i = 0; i < 3; i++) {
        pem = jose_pem(&f->w, pkeys[i % 2], 0);
        input = jose_input(&f->w, expand(f, headers[i]), ehr_str(CLAIMS));
        assert_non_null(HMAC(EVP_sha256(), pem.data, (int) pem.len,
                             (const unsigned char *) input.data, input.len,
                             mac, &len));
        expect(f, jose_format(&f->w, "%s.%s", input.data,
                              jose_base64url(&f->w, mac, len).data),
               i == 2 ? EHR_TOKEN_KEY : EHR_TOKEN_ALG, headers[i]);
    }
}


static void
a_signature_of_the_other_key_is_refused(void **state)
{
    fixture_t  *f = *state;

    static const char  rs[] =
        "{\"alg\":\"RS256\",\"kid\":\"@R\",\"typ\":\"at+jwt\"}";

    expect(f, token(f, f->rsa, rs, CLAIMS), EHR_TOKEN_OK, "RS256");
    expect(f, token(f, f->ec, rs, CLAIMS), EHR_TOKEN_SIGNATURE,
           "ES256 signature under the RSA key");
    expect(f, token(f, f->rsa, HEADER, CLAIMS), EHR_TOKEN_SIGNATURE,
           "RS256 signature under the EC key");
    expect(f, token(f, f->stranger, HEADER, CLAIMS), EHR_TOKEN_SIGNATURE,
           "a stranger's key under our kid");
}


static void
a_removed_key_verifies_nothing_more(void **state)
{
    fixture_t           *f = *state;
    ehr_token_t          t;
    ehr_str_t            text = token(f, f->ec, HEADER, CLAIMS);
    ehr_token_policy_t   policy = f->policy;

    policy.keys = f->keys + 1;
    policy.nkeys = 1;
    assert_int_equal(ehr_token_verify(&policy, text, f->thumbprint, NOW,
                                      f->w.arena, &t), EHR_TOKEN_KEY);

    policy.nkeys = 0;
    assert_int_equal(ehr_token_verify(&policy, text, f->thumbprint, NOW,
                                      f->w.arena, &t), EHR_TOKEN_KEY);
}


/* --- the text ----------------------------------------------------------- */

static void
every_prefix_of_a_token_is_refused(void **state)
{
    fixture_t    *f = *state;
    ehr_str_t     good = token(f, f->ec, HEADER, CLAIMS), part = good;
    ehr_token_e   e;

    for (part.len = 0; part.len < good.len; part.len++) {
        e = verdict(f, part);
        assert_true(e == EHR_TOKEN_MALFORMED || e == EHR_TOKEN_SIGNATURE);
    }

    expect(f, good, EHR_TOKEN_OK, "whole");
    expect(f, ehr_str(NULL), EHR_TOKEN_MALFORMED, "NULL");
}


static void
every_changed_character_is_refused(void **state)
{
    char       *text;
    fixture_t  *f = *state;
    ehr_str_t   good = token(f, f->ec, HEADER, CLAIMS);

    text = ehr_arena_alloc(f->w.arena, good.len + 1);
    memcpy(text, good.data, good.len + 1);

    for (size_t i = 0; i < good.len; i++) {
        text[i] = text[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(verdict(f, (ehr_str_t) { text, good.len }),
                             EHR_TOKEN_OK);
        text[i] = good.data[i];
    }

    expect(f, (ehr_str_t) { text, good.len }, EHR_TOKEN_OK, "unchanged");
}


static void
other_forms_of_the_same_token_are_refused(void **state)
{
    char             *text;
    fixture_t        *f = *state;
    const ehr_str_t   t = token(f, f->ec, HEADER, CLAIMS);
    const char       *dot = strchr(t.data, '.');
    const char       *last = strrchr(t.data, '.');
    int               head = (int) (dot - t.data);
    int               input = (int) (last - t.data);

    const ehr_str_t  bad[] = {
        jose_format(&f->w, ".%s", t.data),
        jose_format(&f->w, "%s.", t.data),
        jose_format(&f->w, "%s.AA", t.data),
        jose_format(&f->w, "%s.AA.AA", t.data),
        jose_format(&f->w, "%s=", t.data),
        jose_format(&f->w, "%s==", t.data),
        jose_format(&f->w, "%s\n", t.data),
        jose_format(&f->w, " %s", t.data),
        jose_format(&f->w, "%s %s", t.data, t.data),
        jose_format(&f->w, "%s\xff", t.data),
        jose_format(&f->w, "%.*s", input, t.data),
        jose_format(&f->w, "%.*s", head, t.data),
        jose_format(&f->w, "..%s", last + 1),
        jose_format(&f->w, ".%.*s", input - head, dot),
        jose_format(&f->w, "%.*s..%s", head, t.data, last + 1),
        jose_format(&f->w, "%.*s=%s", head, t.data, dot),
        jose_format(&f->w, "%.*s=%s", input, t.data, last),
        jose_format(&f->w, ".."), jose_format(&f->w, "."),
        jose_format(&f->w, "..."), jose_format(&f->w, "...."),
        (ehr_str_t) { t.data, t.len + 1 },      /* the NUL behind it */
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect(f, bad[i], EHR_TOKEN_MALFORMED, bad[i].data);
    }

    expect(f, jose_format(&f->w, "%sA", t.data), EHR_TOKEN_SIGNATURE,
           "one byte too many");
    expect(f, jose_format(&f->w, "%sAAA", t.data), EHR_TOKEN_MALFORMED,
           "no whole byte");
    expect(f, jose_format(&f->w, "%sAAAA", t.data), EHR_TOKEN_SIGNATURE,
           "trailing garbage");

    /* 64 bytes leave 4 loose bits: 16 spellings of the last character. */

    text = ehr_arena_alloc(f->w.arena, t.len + 1);
    memcpy(text, t.data, t.len + 1);
    text[t.len - 1]++;
    expect(f, (ehr_str_t) { text, t.len }, EHR_TOKEN_MALFORMED,
           "loose trailing bits");
}


static void
signatures_of_zeros_or_garbage_are_refused(void **state)
{
    uint8_t     raw[96];
    fixture_t  *f = *state;
    ehr_str_t   input = jose_input(&f->w, expand(f, HEADER),
                                   ehr_str(CLAIMS));

    static const size_t  lengths[] = { 1, 32, 63, 64, 65, 72, 96 };

    for (int fill = 0; fill < 256; fill += 51) {
        memset(raw, fill, sizeof(raw));

        for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
            expect(f, jose_format(&f->w, "%s.%s", input.data,
                                  jose_base64url(&f->w, raw,
                                                 lengths[i]).data),
                   EHR_TOKEN_SIGNATURE, "garbage signature");
        }
    }
}


static void
large_parts_are_refused_unread(void **state)
{
    char       *big;
    fixture_t  *f = *state;
    ehr_str_t   text;

    big = calloc(1, 9001);
    memset(big, 'A', 9000);

    expect(f, (ehr_str_t) { big, 9000 }, EHR_TOKEN_TOO_LARGE, "9 kB of A");

    text = token(f, f->ec, HEADER,
                 jose_format(&f->w, "{\"pad\":\"%.6900s\",%s", big,
                             CLAIMS_REST).data);
    assert_true(text.len > EHR_TOKEN_MAX_BYTES);
    expect(f, text, EHR_TOKEN_TOO_LARGE, "9 kB, properly signed");

    text = token(f, f->ec, HEADER,
                 jose_format(&f->w, "{\"pad\":\"%.5000s\",%s", big,
                             CLAIMS_REST).data);
    assert_true(text.len < EHR_TOKEN_MAX_BYTES);
    expect(f, text, EHR_TOKEN_OK, "large but within the bound");

    text = token(f, f->ec,
                 jose_format(&f->w, "{\"pad\":\"%.1000s\",%s", big,
                             HEADER + 1).data, CLAIMS);
    expect(f, text, EHR_TOKEN_TOO_LARGE, "large header");

    text = jose_input(&f->w, expand(f, HEADER), ehr_str(CLAIMS));
    text = jose_format(&f->w, "%s.%.1400s", text.data, big);
    expect(f, text, EHR_TOKEN_TOO_LARGE, "large signature");

    free(big);
}


static void
deep_claims_are_refused_before_the_signature(void **state)
{
    char        deep[4001] = "";
    fixture_t  *f = *state;

    expect(f, token(f, f->ec, HEADER, "{\"a\":[[[]]],\"b\":\"[[[\\\"[[[[[\","
                                      CLAIMS_REST), EHR_TOKEN_OK,
           "four levels, and brackets in a string");
    expect(f, token(f, f->stranger, HEADER, "{\"a\":[[[[]]]]," CLAIMS_REST),
           EHR_TOKEN_MALFORMED, "five levels");
    expect(f, token(f, f->stranger, HEADER, "{\"a\":{\"b\":{\"c\":{\"d\":{}}"
                                            "}}," CLAIMS_REST),
           EHR_TOKEN_MALFORMED, "five levels of objects");

    expect(f, token(f, f->stranger, HEADER, "{\"a\":\"\\\\\",\"b\":[[[[]]]],"
                                            CLAIMS_REST),
           EHR_TOKEN_MALFORMED, "five levels behind an escaped backslash");

    memset(deep, '[', 4000);
    expect(f, token(f, f->stranger, HEADER, deep), EHR_TOKEN_MALFORMED,
           "4000 levels");
}


static void
malformed_claims_are_refused_before_the_signature(void **state)
{
    fixture_t  *f = *state;

    static const char *const  bad[] = {
        "null", "[]", "[" CLAIMS "]", "\"x\"", "1", "{", CLAIMS "}",
        CLAIMS CLAIMS, " ", "{\"a\":\"\xc3\x28\"}", "{\"a\":\"\\u0000\"}",
        "{\"iss\":\"https://evil.test\"," CLAIMS_REST,
        "{\"sub\":\"99002\"," CLAIMS_REST,
        "{\"exp\":1800009999," CLAIMS_REST,
        "{\"\\u0065xp\":1800009999," CLAIMS_REST,
        "{\"a\":{\"b\":1,\"b\":1}," CLAIMS_REST,
        "{\"a\":99999999999999999999," CLAIMS_REST,
        "{\"a\":01," CLAIMS_REST, "{\"a\":NaN," CLAIMS_REST,
        "{/**/" CLAIMS_REST, "{\"a\":\"\n\"," CLAIMS_REST,
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect(f, token(f, f->ec, HEADER, bad[i]), EHR_TOKEN_MALFORMED,
               bad[i]);
        expect(f, token(f, f->stranger, HEADER, bad[i]), EHR_TOKEN_MALFORMED,
               bad[i]);
    }
}


/* --- the claims --------------------------------------------------------- */

/* CLAIMS with one member set to a JSON text, or left out when it is NULL. */

static ehr_str_t
claims_with(fixture_t *f, const char *name, const char *value)
{
    char       *text;
    json_t     *root, *member;
    ehr_str_t   copy;

    root = json_loads(CLAIMS, 0, NULL);
    assert_non_null(json_object_get(root, name));

    if (value == NULL) {
        assert_int_equal(json_object_del(root, name), 0);

    } else {
        member = json_loads(value, JSON_DECODE_ANY, NULL);
        assert_non_null(member);
        assert_int_equal(json_object_set_new(root, name, member), 0);
    }

    text = json_dumps(root, JSON_COMPACT);
    copy = ehr_arena_dup(f->w.arena, text, strlen(text));
    free(text);
    json_decref(root);

    return copy;
}


static void
expect_claim(fixture_t *f, const char *name, const char *value,
             ehr_token_e wanted)
{
    ehr_str_t  claims = claims_with(f, name, value);

    expect(f, token(f, f->ec, HEADER, claims.data), wanted, claims.data);
}


static const char *const  claim_names[] = {
    "iss", "aud", "sub", "client_id", "jti", "iat", "nbf", "exp", "scope",
    "cnf"
};

#define CLAIM_NAMES  (sizeof(claim_names) / sizeof(claim_names[0]))


static void
each_missing_claim_is_refused(void **state)
{
    for (size_t i = 0; i < CLAIM_NAMES; i++) {
        expect_claim(*state, claim_names[i], NULL, EHR_TOKEN_CLAIMS);
    }
}


static void
each_mistyped_claim_is_refused(void **state)
{
    static const char *const  never[] = {
        "null", "true", "false", "{}", "[]", "[1]", "1.5", "{\"a\":\"b\"}",
        "[\"99001\",1]",
    };

    for (size_t i = 0; i < CLAIM_NAMES; i++) {
        for (size_t k = 0; k < sizeof(never) / sizeof(never[0]); k++) {
            expect_claim(*state, claim_names[i], never[k], EHR_TOKEN_CLAIMS);
        }
    }
}


static const struct {
    const char   *name;
    const char   *value;
    ehr_token_e   verdict;
} claim_cases[] = {
    { "iss", "1", EHR_TOKEN_CLAIMS },
    { "iss", "\"\"", EHR_TOKEN_CLAIMS },
    { "iss", "[\"" ISSUER "\"]", EHR_TOKEN_CLAIMS },
    { "iss", "\"" ISSUER "/\"", EHR_TOKEN_ISSUER },
    { "iss", "\"https://evil.test\"", EHR_TOKEN_ISSUER },

    { "aud", "7", EHR_TOKEN_CLAIMS },
    { "aud", "\"\"", EHR_TOKEN_AUDIENCE },
    { "aud", "\"" AUD "/\"", EHR_TOKEN_AUDIENCE },
    { "aud", "[\"a\",\"b\"]", EHR_TOKEN_AUDIENCE },
    { "aud", "[\"a\",\"" AUD "\"]", EHR_TOKEN_OK },
    { "aud", "[\"" AUD "\"]", EHR_TOKEN_OK },
    { "aud", "[\"" AUD "\",1]", EHR_TOKEN_CLAIMS },
    { "aud", "[[\"" AUD "\"]]", EHR_TOKEN_CLAIMS },
    { "aud", "{\"0\":\"" AUD "\"}", EHR_TOKEN_CLAIMS },
    { "aud", "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\","
             "\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\""
             AUD "\"]", EHR_TOKEN_CLAIMS },

    { "sub", "99001", EHR_TOKEN_CLAIMS },
    { "sub", "\"\"", EHR_TOKEN_CLAIMS },
    { "sub", "\"99 01\"", EHR_TOKEN_CLAIMS },
    { "sub", "\"99001\\n\"", EHR_TOKEN_CLAIMS },
    { "sub", "\"12345678901234567\"", EHR_TOKEN_CLAIMS },
    { "sub", "\"99002\"", EHR_TOKEN_CLAIMS },
    { "client_id", "\"99002\"", EHR_TOKEN_CLAIMS },
    { "client_id", "99001", EHR_TOKEN_CLAIMS },

    { "jti", "1", EHR_TOKEN_CLAIMS },
    { "jti", "\"\"", EHR_TOKEN_CLAIMS },
    { "jti", "\"\\u00e9\"", EHR_TOKEN_CLAIMS },

    { "exp", "\"1800000600\"", EHR_TOKEN_CLAIMS },
    { "exp", "1.8e9", EHR_TOKEN_CLAIMS },
    { "exp", "1800000600.0", EHR_TOKEN_CLAIMS },
    { "exp", "-1", EHR_TOKEN_CLAIMS },
    { "exp", "9223372036854775807", EHR_TOKEN_CLAIMS },
    { "exp", "253402300799", EHR_TOKEN_OK },
    { "exp", "0", EHR_TOKEN_EXPIRED },
    { "exp", "1799999970", EHR_TOKEN_EXPIRED },
    { "exp", "1799999971", EHR_TOKEN_OK },

    { "nbf", "1.8e9", EHR_TOKEN_CLAIMS },
    { "nbf", "\"0\"", EHR_TOKEN_CLAIMS },
    { "nbf", "-9223372036854775808", EHR_TOKEN_CLAIMS },
    { "nbf", "9223372036854775807", EHR_TOKEN_CLAIMS },
    { "nbf", "1800000030", EHR_TOKEN_OK },
    { "nbf", "1800000031", EHR_TOKEN_NOT_YET },

    { "iat", "1.8e9", EHR_TOKEN_CLAIMS },
    { "iat", "1800000030", EHR_TOKEN_OK },
    { "iat", "1800000031", EHR_TOKEN_NOT_YET },
    { "iat", "253402300800", EHR_TOKEN_CLAIMS },

    { "scope", "1", EHR_TOKEN_CLAIMS },
    { "scope", "[\"documents:submit\"]", EHR_TOKEN_CLAIMS },
    { "scope", "\"\"", EHR_TOKEN_OK },
    { "scope", "\"admin\"", EHR_TOKEN_OK },

    { "cnf", "\"" CNF "\"", EHR_TOKEN_CLAIMS },
    { "cnf", "{\"x5t#S256\":1}", EHR_TOKEN_CLAIMS },
    { "cnf", "{\"x5t#S256\":\"\"}", EHR_TOKEN_CLAIMS },
    { "cnf", "{\"x5t\":\"" CNF "\"}", EHR_TOKEN_CLAIMS },
    { "cnf", "{\"x5t#S256\":\"" CNF "=\"}", EHR_TOKEN_CLAIMS },
    { "cnf", "{\"x5t#S256\":\"" CNF "A\"}", EHR_TOKEN_CLAIMS },
    { "cnf", "{\"x5t#S256\":\"" CNF "\",\"jkt\":\"AA\"}",
      EHR_TOKEN_CLAIMS },
    /* 9 for 8: the same 32 bytes with loose bits */
    { "cnf", "{\"x5t#S256\":"
             "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9\"}",
      EHR_TOKEN_CLAIMS },
    { "cnf", "{\"x5t#S256\":"
             "\"BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}",
      EHR_TOKEN_NOT_BOUND },
    { "cnf", "{\"x5t#S256\":"
             "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHhw\"}",
      EHR_TOKEN_NOT_BOUND },
};


static void
wrong_values_are_refused_for_their_reason(void **state)
{
    char       *jti;
    fixture_t  *f = *state;

    for (size_t i = 0; i < sizeof(claim_cases) / sizeof(claim_cases[0]); i++)
    {
        expect_claim(f, claim_cases[i].name, claim_cases[i].value,
                     claim_cases[i].verdict);
    }

    jti = calloc(1, 256);
    memset(jti, 'j', 131);
    jti[0] = jti[129] = '"';
    jti[130] = '\0';
    expect_claim(f, "jti", jti, EHR_TOKEN_OK);         /* 128 characters */
    jti[129] = 'j';
    jti[130] = '"';
    jti[131] = '\0';
    expect_claim(f, "jti", jti, EHR_TOKEN_CLAIMS);
    free(jti);
}


static void
claims_are_not_read_without_the_signature(void **state)
{
    fixture_t  *f = *state;
    ehr_str_t   claims = claims_with(f, "exp", "0");

    expect(f, token(f, f->stranger, HEADER, claims.data),
           EHR_TOKEN_SIGNATURE, "expired, and not ours either");
    assert_null(f->out.subject.data);
    assert_int_equal(f->out.expires_at, 0);
}


static void
a_token_of_another_certificate_is_not_bound(void **state)
{
    uint8_t       other[EHR_SHA256_LEN];
    fixture_t    *f = *state;
    ehr_token_t   t;
    ehr_str_t     text = token(f, f->ec, HEADER, CLAIMS);

    for (int i = 0; i < EHR_SHA256_LEN; i++) {
        memcpy(other, f->thumbprint, sizeof(other));
        other[i] ^= 0x80;
        assert_int_equal(ehr_token_verify(&f->policy, text, other, NOW,
                                          f->w.arena, &t),
                         EHR_TOKEN_NOT_BOUND);
    }
}


static void
too_little_memory_is_never_the_sender_s_fault(void **state)
{
    fixture_t     *f = *state;
    ehr_str_t      text = token(f, f->ec, HEADER, CLAIMS);
    ehr_token_t    t;
    ehr_token_e    e = EHR_TOKEN_BROKEN;
    ehr_arena_t   *arena;

    for (size_t cap = 0; e != EHR_TOKEN_OK; cap += 16) {
        assert_true(cap < 16384);
        arena = ehr_arena_create(cap);
        e = ehr_token_verify(&f->policy, text, f->thumbprint, NOW, arena, &t);
        assert_true(e == EHR_TOKEN_OK || e == EHR_TOKEN_BROKEN);
        ehr_arena_destroy(arena);
    }
}


static void
minting_without_memory_gives_nothing(void **state)
{
    fixture_t    *f = *state;
    ehr_str_t     text = ehr_null_string;
    ehr_arena_t  *arena;

    for (size_t cap = 0; text.data == NULL; cap += 16) {
        assert_true(cap < 16384);
        arena = ehr_arena_create(cap);
        text = ehr_token_mint(&f->policy, f->keys[0], ehr_str("99001"),
                              EHR_SCOPE_ALL, f->thumbprint, "j", NOW, 600,
                              arena);
        ehr_arena_destroy(arena);
    }
}


/* --- scopes and reasons ------------------------------------------------- */

static void
scopes_are_parsed_and_rendered(void **state)
{
    int         unknown;
    fixture_t  *f = *state;

    static const struct {
        const char  *list;
        uint32_t     scopes;
        int          unknown;
    } cases[] = {
        { "", 0, 0 },
        { "documents:submit", EHR_SCOPE_SUBMIT, 0 },
        { "lookups documents:read", EHR_SCOPE_LOOKUPS | EHR_SCOPE_READ, 0 },
        { "lookups lookups", EHR_SCOPE_LOOKUPS, 0 },
        { "lookups admin", EHR_SCOPE_LOOKUPS, 1 },
        { "admin lookups", EHR_SCOPE_LOOKUPS, 1 },
        { "Lookups", 0, 1 },
        { "lookups2", 0, 1 },
        { "lookup", 0, 1 },
        { " lookups", EHR_SCOPE_LOOKUPS, 1 },
        { "lookups ", EHR_SCOPE_LOOKUPS, 1 },
        { "lookups  documents:read", EHR_SCOPE_LOOKUPS | EHR_SCOPE_READ, 1 },
        { "lookups\tdocuments:read", 0, 1 },
        { " ", 0, 1 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ehr_scopes_parse(ehr_str(cases[i].list), &unknown),
                         cases[i].scopes);
        assert_int_equal(unknown, cases[i].unknown);
    }

    assert_string_equal(ehr_scopes_render(0, f->w.arena).data, "");
    assert_string_equal(
        ehr_scopes_render(EHR_SCOPE_LOOKUPS, f->w.arena).data, "lookups");
    assert_string_equal(ehr_scopes_render(EHR_SCOPE_ALL, f->w.arena).data,
                        "documents:submit documents:read lookups");
    assert_string_equal(ehr_scopes_render(0x80, f->w.arena).data, "");

    for (uint32_t s = 0; s <= EHR_SCOPE_ALL; s++) {
        assert_int_equal(
            ehr_scopes_parse(ehr_scopes_render(s, f->w.arena), &unknown), s);
        assert_int_equal(unknown, 0);
    }
}


static void
every_refusal_has_a_sentence_in_both_languages(void **state)
{
    for (int e = EHR_TOKEN_TOO_LARGE; e <= EHR_TOKEN_BROKEN; e++) {
        assert_true(strlen(ehr_token_reason((ehr_token_e) e, 0)) > 10);
        assert_true(strlen(ehr_token_reason((ehr_token_e) e, 1)) > 10);
        assert_string_not_equal(ehr_token_reason((ehr_token_e) e, 0),
                                ehr_token_reason((ehr_token_e) e, 1));
    }

    assert_string_equal(ehr_token_reason((ehr_token_e) 99, 1),
                        ehr_token_reason(EHR_TOKEN_BROKEN, 1));
}


static void
a_forger_does_not_learn_which_check_failed(void **state)
{
    for (int lang = 0; lang < 2; lang++) {
        assert_string_equal(ehr_token_reason(EHR_TOKEN_KEY, lang),
                            ehr_token_reason(EHR_TOKEN_SIGNATURE, lang));
        assert_string_equal(ehr_token_reason(EHR_TOKEN_ALG, lang),
                            ehr_token_reason(EHR_TOKEN_SIGNATURE, lang));
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_good_token_is_read_whole),
        cmocka_unit_test(what_we_mint_we_accept_with_either_key),
        cmocka_unit_test(a_public_key_mints_nothing),
        cmocka_unit_test(other_spellings_of_a_good_header_are_accepted),
        cmocka_unit_test(bad_headers_are_refused_although_signed),
        cmocka_unit_test(bad_headers_are_refused_before_the_signature),
        cmocka_unit_test(unsigned_tokens_are_refused),
        cmocka_unit_test(
            token_signed_with_the_public_key_as_hmac_secret_is_refused),
        cmocka_unit_test(a_signature_of_the_other_key_is_refused),
        cmocka_unit_test(a_removed_key_verifies_nothing_more),
        cmocka_unit_test(every_prefix_of_a_token_is_refused),
        cmocka_unit_test(every_changed_character_is_refused),
        cmocka_unit_test(other_forms_of_the_same_token_are_refused),
        cmocka_unit_test(signatures_of_zeros_or_garbage_are_refused),
        cmocka_unit_test(large_parts_are_refused_unread),
        cmocka_unit_test(deep_claims_are_refused_before_the_signature),
        cmocka_unit_test(malformed_claims_are_refused_before_the_signature),
        cmocka_unit_test(each_missing_claim_is_refused),
        cmocka_unit_test(each_mistyped_claim_is_refused),
        cmocka_unit_test(wrong_values_are_refused_for_their_reason),
        cmocka_unit_test(claims_are_not_read_without_the_signature),
        cmocka_unit_test(a_token_of_another_certificate_is_not_bound),
        cmocka_unit_test(too_little_memory_is_never_the_sender_s_fault),
        cmocka_unit_test(minting_without_memory_gives_nothing),
        cmocka_unit_test(scopes_are_parsed_and_rendered),
        cmocka_unit_test(every_refusal_has_a_sentence_in_both_languages),
        cmocka_unit_test(a_forger_does_not_learn_which_check_failed),
    };

    return cmocka_run_group_tests_name("token", tests, setup, teardown);
}
