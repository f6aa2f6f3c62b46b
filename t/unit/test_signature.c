/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Signatures: what hospitals sign passes, in both profiles and with each
 * algorithm allowed; every known way to make a signature say what was not
 * signed is refused, for its own reason; nothing is opened meanwhile.
 */

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <libxml/xmlIO.h>

#include "signatures.h"

#include "ehr_base64.h"


#define FACILITY  "99001"
#define TAX       "0101234567"

#define ENVELOPED                                                             \
    "<Transform Algorithm=\"" SIGN_DSIG "enveloped-signature\"/>"
#define TRANSFORM(uri)  "<Transform Algorithm=\"" uri "\"/>"

#define CLAIM(files, holder)                                                  \
    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<GIAMDINHHS xmlns:xsi=\"http"\
    "://www.w3.org/2001/XMLSchema-instance\"><THONGTINDONVI><MACSKCB>99001"   \
    "</MACSKCB></THONGTINDONVI>" files holder "</GIAMDINHHS>\n"

#define FILES                                                                 \
    "<THONGTINHOSO Id=\"Id-1\"><NGAYLAP>20260107</NGAYLAP><DANHSACHHOSO>\r\n" \
    "<HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>PFRPTkdfSE9QLz4="  \
    "</NOIDUNGFILE></FILEHOSO></HOSO></DANHSACHHOSO></THONGTINHOSO>"

#define HOLDER  "<CHUKYDONVI>@S@</CHUKYDONVI>"

#define BIRTH                                                                 \
    "<HSDLGCS><GIAYCHUNGSINH Id=\"Id-7\"><MA_GCS>99001.GCS.00001.26</MA_GCS>" \
    "<TEN_CON><![CDATA[Ph\xe1\xba\xa1m & M]]></TEN_CON></GIAYCHUNGSINH>"      \
    HOLDER "</HSDLGCS>"

#define EXAM                                                                  \
    "<root><UUID>1</UUID><SO>00001/GKSKLX/99001/26</SO><LYDO/>@S@</root>"

#define SIGNING_TIME                                                          \
    "<Object Id=\"Object-1\"><SignatureProperties><SignatureProperty "        \
    "Target=\"#Sig-1\"><SigningTime>2026-01-07T08:00:00</SigningTime>"        \
    "</SignatureProperty></SignatureProperties></Object>"


/* Everybody who signs in these tests, and the policies. */

typedef struct {
    signer_t                 ca;
    signer_t                 sub_ca;
    signer_t                 foreign_ca;
    signer_t                 rsa;
    signer_t                 ec;
    signer_t                 ec384;
    signer_t                 below;       /* by sub_ca */
    signer_t                 foreign;
    signer_t                 expired;
    signer_t                 future;
    signer_t                 soon;
    signer_t                 weak;
    signer_t                 curve;       /* one that is not allowed */
    signer_t                 encrypts;
    signer_t                 sha1_issued;
    char                     ca_path[64];
    char                     pins_path[64];
    ehr_signature_policy_t  *claim;
    ehr_signature_policy_t  *required;
    ehr_signature_policy_t  *birth;
    ehr_signature_policy_t  *exam;
    ehr_signature_policy_t  *exam_sha1;
} world_t;


typedef struct {
    ehr_arena_t     *arena;
    ehr_findings_t   findings;
    ehr_problem_e    problem;
    ehr_rc_t         rc;
} result_t;


static int  opened;               /* by the counting callbacks below */


static int
count_match(const char *name)
{
    opened++;

    return 0;
}


static void *
count_open(const char *name)
{
    return NULL;
}


static int
count_read(void *context, char *buf, int len)
{
    return -1;
}


static xmlParserInputPtr
count_entity(const char *url, const char *id, xmlParserCtxtPtr ctxt)
{
    opened++;

    return NULL;
}


/* --- the world ----------------------------------------------------------- */


static signer_t
world_signer(const signer_t *issuer, const char *name, EVP_PKEY *key)
{
    signer_wanted_t  w = { .name = name, .tax = "MST:" TAX,
                           .usage = "digitalSignature,nonRepudiation",
                           .issuer = issuer, .from_sec = -SIGN_YEAR,
                           .to_sec = SIGN_YEAR };

    return signer_make(&w, key);
}


static signer_t
world_ca(const char *name, const signer_t *issuer)
{
    signer_wanted_t  w = { .name = name, .issuer = issuer, .is_ca = 1,
                           .usage = "critical,keyCertSign,cRLSign",
                           .from_sec = -2 * SIGN_YEAR,
                           .to_sec = 2 * SIGN_YEAR };

    return signer_make(&w, EVP_EC_gen("P-256"));
}


static signer_t
world_dated(const signer_t *issuer, const char *name, long from, long to)
{
    signer_wanted_t  w = { .name = name, .issuer = issuer, .from_sec = from,
                           .to_sec = to };

    return signer_make(&w, EVP_EC_gen("P-256"));
}


static void
world_signers(world_t *w)
{
    signer_wanted_t  usage = { .name = "Encrypts", .issuer = &w->ca,
                               .usage = "keyEncipherment",
                               .from_sec = -SIGN_YEAR, .to_sec = SIGN_YEAR };
    signer_wanted_t  sha1 = { .name = "Old", .issuer = &w->ca,
                              .md = EVP_sha1(), .from_sec = -SIGN_YEAR,
                              .to_sec = SIGN_YEAR };

    w->ca = world_ca("CA", NULL);
    w->sub_ca = world_ca("Sub CA", &w->ca);
    w->foreign_ca = world_ca("Foreign CA", NULL);
    w->rsa = world_signer(&w->ca, "RSA", EVP_RSA_gen(2048));
    w->ec = world_signer(&w->ca, "EC", EVP_EC_gen("P-256"));
    w->ec384 = world_signer(&w->ca, "EC384", EVP_EC_gen("P-384"));
    w->below = world_signer(&w->sub_ca, "Below", EVP_EC_gen("P-256"));
    w->foreign = world_signer(&w->foreign_ca, "Foreign",
                              EVP_EC_gen("P-256"));
    w->weak = world_signer(&w->ca, "Weak", EVP_RSA_gen(1024));
    w->curve = world_signer(&w->ca, "Curve", EVP_EC_gen("secp256k1"));
    w->expired = world_dated(&w->ca, "Expired", -SIGN_YEAR, -60);
    w->future = world_dated(&w->ca, "Future", 3600, SIGN_YEAR);
    w->soon = world_dated(&w->ca, "Soon", -SIGN_YEAR, 29 * 24 * 3600);
    w->encrypts = signer_make(&usage, EVP_EC_gen("P-256"));
    w->sha1_issued = signer_make(&sha1, EVP_EC_gen("P-256"));
}


static ehr_signature_policy_t *
world_policy(const world_t *w, ehr_kind_e kind, ehr_signature_mode_e mode,
             int allows_sha1)
{
    char                       error[EHR_SIGNATURE_ERROR_MAX];
    ehr_signature_policy_t    *policy;
    ehr_signature_settings_t   s = { .kind = kind, .mode = mode,
                                     .ca_path = w->ca_path,
                                     .allows_sha1 = allows_sha1 != 0 };

    policy = ehr_signature_policy_load(&s, error);
    assert_non_null(policy);

    return policy;
}


static int
world_setup(void **state)
{
    world_t          *w = calloc(1, sizeof(world_t));
    const signer_t   *list[] = { &w->ca, NULL };

    world_signers(w);

    (void) snprintf(w->ca_path, sizeof(w->ca_path), "/tmp/ehr-ca-%d.pem",
                    (int) getpid());
    (void) snprintf(w->pins_path, sizeof(w->pins_path),
                    "/tmp/ehr-pins-%d.txt", (int) getpid());
    signer_save(w->ca_path, list);

    w->claim = world_policy(w, EHR_KIND_CLAIM, EHR_SIGNATURE_WHEN_PRESENT, 0);
    w->required = world_policy(w, EHR_KIND_CLAIM, EHR_SIGNATURE_REQUIRED, 0);
    w->birth = world_policy(w, EHR_KIND_BIRTH_NOTICE, EHR_SIGNATURE_REQUIRED,
                            0);
    w->exam = world_policy(w, EHR_KIND_DRIVER_EXAM, EHR_SIGNATURE_REQUIRED,
                           0);
    w->exam_sha1 = world_policy(w, EHR_KIND_DRIVER_EXAM,
                                EHR_SIGNATURE_REQUIRED, 1);

    /* from here on nothing may ask for anything */
    assert_true(xmlRegisterInputCallbacks(count_match, count_open,
                                          count_read, NULL) >= 0);
    xmlSetExternalEntityLoader(count_entity);

    *state = w;

    return 0;
}


static int
world_teardown(void **state)
{
    world_t   *w = *state;
    signer_t  *all[] = { &w->ca, &w->sub_ca, &w->foreign_ca, &w->rsa, &w->ec,
                         &w->ec384, &w->below, &w->foreign, &w->expired,
                         &w->future, &w->soon, &w->weak, &w->curve,
                         &w->encrypts, &w->sha1_issued };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        signer_drop(all[i]);
    }

    ehr_signature_policy_free(w->claim);
    ehr_signature_policy_free(w->required);
    ehr_signature_policy_free(w->birth);
    ehr_signature_policy_free(w->exam);
    ehr_signature_policy_free(w->exam_sha1);
    (void) unlink(w->ca_path);
    (void) unlink(w->pins_path);
    free(w);

    return opened;
}


/* --- one check ----------------------------------------------------------- */


static int64_t
now_ms(void)
{
    return (int64_t) time(NULL) * 1000;
}


static int64_t
always_late(void)
{
    return 2;
}


static void
check_bytes(const ehr_signature_policy_t *policy,
            const ehr_signature_input_t *in, result_t *r)
{
    memset(r, 0, sizeof(*r));
    r->arena = ehr_arena_create(SIGN_ARENA);
    assert_non_null(r->arena);
    r->findings.arena = r->arena;

    r->rc = ehr_signature_check(policy, in, r->arena, &r->findings,
                                &r->problem);
    assert_int_equal(opened, 0);
}


static void
check_text(const ehr_signature_policy_t *policy, const char *text,
           result_t *r)
{
    ehr_signature_input_t  in = { .content = ehr_str(text),
                                  .content_form = EHR_CONTENT_XML,
                                  .facility = ehr_str(FACILITY),
                                  .received_ms = now_ms() };

    check_bytes(policy, &in, r);
}


static int
result_has(const result_t *r, const char *code)
{
    for (size_t i = 0; i < r->findings.n; i++) {
        if (ehr_str_is(r->findings.items[i].code, code)) {
            return 1;
        }
    }

    return 0;
}


static void
result_drop(result_t *r)
{
    ehr_arena_destroy(r->arena);
}


static void
assert_accepted(const ehr_signature_policy_t *policy, const char *text)
{
    result_t  r;

    check_text(policy, text, &r);

    if (r.rc != EHR_OK && r.findings.n) {
        print_message("%s\n", r.findings.items[0].message_en.data);
    }

    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(r.problem, EHR_PROBLEM_NONE);
    assert_int_equal(r.findings.nerrors, 0);
    result_drop(&r);
}


/* Refused for this reason and no other. */

static void
assert_refused(const ehr_signature_policy_t *policy, const char *text,
               ehr_problem_e problem, const char *code)
{
    result_t  r;

    check_text(policy, text, &r);

    if (r.findings.n && !result_has(&r, code)) {
        print_message("%s, not %s\n", r.findings.items[0].code.data, code);
    }

    assert_int_equal(r.rc, EHR_REFUSED);
    assert_int_equal(r.problem, problem);
    assert_int_equal(r.findings.nerrors, 1);
    assert_true(result_has(&r, code));
    result_drop(&r);
}


static void
assert_invalid(const ehr_signature_policy_t *policy, const char *text,
               const char *code)
{
    assert_refused(policy, text, EHR_PROBLEM_SIGNATURE_INVALID, code);
}


static void
assert_warned(const ehr_signature_policy_t *policy, const char *text,
              const char *code, int is_told)
{
    result_t  r;

    check_text(policy, text, &r);
    assert_int_equal(r.rc, EHR_OK);
    assert_int_equal(result_has(&r, code), is_told);
    result_drop(&r);
}


/* The claim in the profile of the insurance gateway: URI="", enveloped. */

static sign_t
whole_claim(const signer_t *signer)
{
    sign_t  s = { .document = CLAIM(FILES, HOLDER), .nreferences = 1,
                  .signer = signer };

    s.references[0].uri = "";
    s.references[0].transforms = ENVELOPED;

    return s;
}


/* Two references with Ids and no transforms, as for notices. */

static sign_t
parts_of(const char *document, const char *uri, const signer_t *signer)
{
    sign_t  s = { .document = document, .nreferences = 2, .signer = signer,
                  .attributes = " Id=\"Sig-1\"", .objects = SIGNING_TIME };

    s.references[0].uri = "#Object-1";
    s.references[1].uri = uri;

    return s;
}


static void
accept(const ehr_signature_policy_t *policy, const sign_t *s)
{
    char  *text = sign_make(s);

    assert_accepted(policy, text);
    free(text);
}


static void
refuse(const ehr_signature_policy_t *policy, const sign_t *s,
       const char *code)
{
    char  *text = sign_make(s);

    assert_invalid(policy, text, code);
    free(text);
}


static void
distrust(const ehr_signature_policy_t *policy, const sign_t *s,
         const char *code)
{
    char  *text = sign_make(s);

    assert_refused(policy, text, EHR_PROBLEM_SIGNATURE_UNTRUSTED, code);
    free(text);
}


/* --- accepted ------------------------------------------------------------ */


static void
enveloped_claim_is_accepted(void **state)
{
    world_t  *w = *state;
    sign_t    rsa = whole_claim(&w->rsa), ec = whole_claim(&w->ec);

    accept(w->claim, &rsa);
    accept(w->claim, &ec);
    accept(w->required, &rsa);
}


static void
two_references_with_ids_are_accepted(void **state)
{
    world_t  *w = *state;
    sign_t    claim = parts_of(CLAIM(FILES, HOLDER), "#Id-1", &w->rsa);
    sign_t    birth = parts_of(BIRTH, "#Id-7", &w->ec);

    accept(w->claim, &claim);
    accept(w->birth, &birth);
}


static void
root_by_its_id_is_accepted(void **state)
{
    world_t  *w = *state;
    sign_t    s = { .document = "<HSDLGCS Id=\"SigningData\"><GIAYCHUNGSINH>"
                                "<MA_GCS>1</MA_GCS></GIAYCHUNGSINH>" HOLDER
                                "</HSDLGCS>",
                    .nreferences = 1, .signer = &w->ec };

    s.references[0].uri = "#SigningData";
    s.references[0].transforms = ENVELOPED;
    accept(w->birth, &s);
}


static void
each_canonicalization_is_accepted(void **state)
{
    static const char *const  names[] = { SIGN_C14N, SIGN_EXC, SIGN_C14N11 };

    world_t  *w = *state;
    char      transforms[512];

    for (size_t i = 0; i < 3; i++) {
        sign_t  s = whole_claim(&w->ec);

        (void) snprintf(transforms, sizeof(transforms),
                        ENVELOPED "<Transform Algorithm=\"%s\"/>", names[i]);
        s.references[0].transforms = transforms;
        s.references[0].c14n = names[i];
        s.c14n = names[i];
        accept(w->claim, &s);
    }
}


static void
each_algorithm_is_accepted(void **state)
{
    static const char *const  methods[] = {
        SIGN_MORE "rsa-sha256", SIGN_MORE "rsa-sha384",
        SIGN_MORE "rsa-sha512", SIGN_MORE "ecdsa-sha256",
        SIGN_MORE "ecdsa-sha384", SIGN_MORE "ecdsa-sha512"
    };
    static const char *const  digests[] = {
        SIGN_XMLENC "sha256", SIGN_MORE "sha384", SIGN_XMLENC "sha512"
    };

    world_t  *w = *state;

    for (size_t i = 0; i < 6; i++) {
        sign_t  s = whole_claim(i < 3 ? &w->rsa : &w->ec384);

        s.method = methods[i];
        s.references[0].method = digests[i % 3];
        accept(w->claim, &s);
    }
}


static void
chain_in_any_order_is_accepted(void **state)
{
    world_t  *w = *state;
    char     *sub = sign_certificate(&w->sub_ca), *info = NULL;
    size_t    len;
    FILE     *f = open_memstream(&info, &len);
    sign_t    s = whole_claim(&w->below);

    (void) fprintf(f, "<KeyInfo><KeyName>any</KeyName><X509Data>"
                   "<X509Certificate>%s</X509Certificate><X509SubjectName>"
                   "CN=nobody</X509SubjectName><X509Certificate>@K@"
                   "</X509Certificate></X509Data></KeyInfo>", sub);
    (void) fclose(f);

    s.key_info = info;
    accept(w->claim, &s);

    s.key_info = NULL;
    distrust(w->claim, &s, "signature.chain");

    free(info);
    free(sub);
}


static void
exam_inside_json_is_accepted(void **state)
{
    world_t   *w = *state;
    char      *text, *base64, *json;
    size_t     len;
    FILE      *f;
    result_t   r;
    sign_t     s = { .document = EXAM, .nreferences = 1, .signer = &w->rsa,
                     .objects = SIGNING_TIME, .attributes = " Id=\"Sig-1\"",
                     .key_info = "<KeyInfo><KeyValue><RSAKeyValue><Modulus>"
                                 "AQAB</Modulus><Exponent>AQAB</Exponent>"
                                 "</RSAKeyValue></KeyValue><X509Data>"
                                 "<X509Certificate>@K@</X509Certificate>"
                                 "</X509Data></KeyInfo>" };

    s.references[0].uri = "";
    s.references[0].transforms = ENVELOPED;

    text = sign_make(&s);
    base64 = sign_base64((uint8_t *) text, strlen(text));
    f = open_memstream(&json, &len);
    (void) fprintf(f, "{\"SO\":\"1\",\"SIGNDATA\":\"%s\"}", base64);
    (void) fclose(f);

    ehr_signature_input_t  in = { .content = ehr_str(json),
                                  .content_form = EHR_CONTENT_JSON,
                                  .facility = ehr_str(FACILITY),
                                  .received_ms = now_ms() };

    check_bytes(w->exam, &in, &r);
    assert_int_equal(r.rc, EHR_OK);
    result_drop(&r);

    in.content = ehr_str("{\"SO\":\"1\",\"SIGNDATA\":\"\"}");
    check_bytes(w->exam, &in, &r);
    assert_int_equal(r.problem, EHR_PROBLEM_SIGNATURE_REQUIRED);
    result_drop(&r);

    in.content = ehr_str("{\"SO\":\"1\",\"SIGNDATA\":\"dGVzdA==\"}");
    check_bytes(w->exam, &in, &r);
    assert_int_equal(r.problem, EHR_PROBLEM_SIGNATURE_INVALID);
    assert_true(result_has(&r, "signature.malformed"));
    result_drop(&r);

    in.content = ehr_str("{\"SIGNDATA\":\"\",\"SIGNDATA\":\"PGEvPg==\"}");
    check_bytes(w->exam, &in, &r);
    assert_true(result_has(&r, "signature.malformed"));
    result_drop(&r);

    free(json);
    free(base64);
    free(text);
}


static void
sha1_is_accepted_only_where_the_policy_says_so(void **state)
{
    world_t  *w = *state;
    char     *text;
    sign_t    s = { .document = EXAM, .nreferences = 1, .signer = &w->rsa,
                    .method = SIGN_DSIG "rsa-sha1" };

    s.references[0].uri = "";
    s.references[0].transforms = ENVELOPED;
    s.references[0].method = SIGN_DSIG "sha1";

    text = sign_make(&s);
    assert_accepted(w->exam_sha1, text);
    assert_warned(w->exam_sha1, text, "signature.sha1", 1);
    assert_invalid(w->exam, text, "signature.method");
    free(text);

    s.method = NULL;
    refuse(w->exam, &s, "signature.digest-method");

    s.method = SIGN_MORE "ecdsa-sha1";
    s.signer = &w->ec;
    refuse(w->exam_sha1, &s, "signature.method");
}


static void
blank_lines_and_a_byte_order_mark_are_no_part_of_it(void **state)
{
    world_t    *w = *state;
    char       *text, *with;
    sign_t      s = whole_claim(&w->ec);
    result_t    r;

    s.document = strchr(CLAIM(FILES, "\n" HOLDER), '\n') + 1;
    text = sign_make(&s);
    with = malloc(strlen(text) + 16);
    (void) sprintf(with, "\xef\xbb\xbf\r\n\n%s", text);
    assert_accepted(w->claim, with);

    with = sign_put(with, "20260107", "20260108");
    check_text(w->claim, with, &r);
    assert_int_equal(r.findings.items[0].line, 5);
    result_drop(&r);

    free(with);
    free(text);
}


/* Line ends are LF to whoever canonicalizes (XML 1.0 section 2.11), wherever
 * they stand and wherever the parser's pieces end. */

static void
expect_line_ends(const world_t *w, const char *padding)
{
    static const char  claim[] = CLAIM(
        "@P@<A b=\"1\r\n2\r3\">\r\n\r\r\n</A><B><![CDATA[4\r\n5\r6\r\r\n&]]>"
        "</B>", "\r\n" HOLDER);

    char    *text, *document = sign_put(strdup(claim), "@P@", padding);
    sign_t   s = whole_claim(&w->ec);

    s.document = document;
    text = sign_make(&s);
    assert_accepted(w->claim, text);

    text = sign_put(text, "4\r\n5\r6\r\r\n", "4\n5\r\n6\n\n");
    assert_accepted(w->claim, text);
    text = sign_put(text, "4\n5", "4\n\r5");
    assert_invalid(w->claim, text, "signature.digest");

    free(text);
    free(document);
}


static void
line_ends_are_those_of_the_signer_s_parser(void **state)
{
    enum { piece = 16 * 1024, before = sizeof(CLAIM("", "")) };

    char  padding[piece + 1];

    memset(padding, ' ', sizeof(padding));

    /* the piece ends in the attribute, between the tags, in CDATA */

    for (size_t n = piece - before - 60; n <= piece - before + 20; n++) {
        padding[n] = '\0';
        expect_line_ends(*state, padding);
        padding[n] = ' ';
    }
}


static void
unsigned_document_is_refused_only_when_required(void **state)
{
    static const char *const  texts[] = {
        CLAIM(FILES, ""), CLAIM(FILES, "<CHUKYDONVI/>"),
        CLAIM(FILES, "<CHUKYDONVI> \n </CHUKYDONVI>"),
        CLAIM(FILES, "<!-- c --><CHUKYDONVI/>")
    };

    world_t  *w = *state;

    for (size_t i = 0; i < 4; i++) {
        assert_accepted(w->claim, texts[i]);
        assert_accepted(NULL, texts[i]);
        assert_refused(w->required, texts[i], EHR_PROBLEM_SIGNATURE_REQUIRED,
                       "signature.missing");
    }
}


static void
large_sections_are_digested_in_pieces(void **state)
{
    world_t   *w = *state;
    char      *text, *section = malloc(3000001);
    sign_t     s = whole_claim(&w->ec);

    memset(section, 'A', 3000000);
    section[3000000] = '\0';

    text = strdup(CLAIM(FILES, HOLDER));
    text = sign_put(text, "PFRPTkdfSE9QLz4=", section);
    s.document = text;
    accept(w->claim, &s);

    free(section);
    free(text);
}


/* --- changed ------------------------------------------------------------- */


/* Flips each byte between two marks, one after the other. */

static void
changes_between(const ehr_signature_policy_t *policy, char *text,
                const char *from, const char *to)
{
    char      *p = strstr(text, from), *end = strstr(p, to);
    result_t   r;

    for ( ; p < end; p++) {
        *p ^= 0x01;
        check_text(policy, text, &r);
        assert_int_equal(r.rc, EHR_REFUSED);
        result_drop(&r);
        *p ^= 0x01;
    }
}


static void
no_byte_of_a_signed_document_can_change(void **state)
{
    world_t  *w = *state;
    char     *text;
    sign_t    s = whole_claim(&w->ec);

    text = sign_make(&s);
    assert_accepted(w->required, text);
    changes_between(w->required, text, "<GIAMDINHHS", "\r\n<HOSO");
    changes_between(w->required, text, "<HOSO>", "<X509Certificate>");
    free(text);
}


/* Nobody signs the start tag of the signature: its Id is read by nobody. */

static void
no_byte_of_a_signed_part_can_change(void **state)
{
    world_t  *w = *state;
    char     *text;
    sign_t    s = parts_of(BIRTH, "#Id-7", &w->ec);

    text = sign_make(&s);
    assert_accepted(w->birth, text);
    changes_between(w->birth, text, "<GIAYCHUNGSINH", "<Signature xmlns");
    changes_between(w->birth, text, "<SignedInfo>", "<X509Certificate>");
    changes_between(w->birth, text, "<Object", "</Signature>");
    free(text);
}


static void
changed_content_and_a_foreign_signer_are_both_told(void **state)
{
    world_t   *w = *state;
    char      *text;
    sign_t     s = whole_claim(&w->foreign);
    result_t   r;

    text = sign_put(sign_make(&s), "20260107", "20260108");
    check_text(w->claim, text, &r);

    assert_int_equal(r.problem, EHR_PROBLEM_SIGNATURE_INVALID);
    assert_int_equal(r.findings.nerrors, 2);
    assert_true(result_has(&r, "signature.digest"));
    assert_true(result_has(&r, "signature.chain"));

    result_drop(&r);
    free(text);
}


/* --- wrapping ------------------------------------------------------------ */


static void
moved_signed_element_is_refused(void **state)
{
    world_t      *w = *state;
    char         *text, *original;
    sign_t        s = parts_of(BIRTH, "#Id-7", &w->ec);
    const char   *part = "<GIAYCHUNGSINH Id=\"Id-7\">";

    original = sign_make(&s);

    /* into an Object, a false one in its place */
    text = strdup(original);
    text = sign_put(text, part, "<GIAYCHUNGSINH>");
    text = sign_put(text, "</Signature>",
                    "<Object><GIAYCHUNGSINH Id=\"Id-7\"><MA_GCS>99001.GCS."
                    "00001.26</MA_GCS><TEN_CON><![CDATA[Ph\xe1\xba\xa1m & M]]>"
                    "</TEN_CON></GIAYCHUNGSINH></Object></Signature>");
    assert_invalid(w->birth, text, "signature.coverage");
    free(text);

    /* one level deeper, with another beside it */
    text = strdup(original);
    text = sign_put(text, part, "<GIAYCHUNGSINH><MA_GCS>0</MA_GCS>"
                    "</GIAYCHUNGSINH><X><GIAYCHUNGSINH Id=\"Id-7\">");
    text = sign_put(text, "</GIAYCHUNGSINH><CHUKYDONVI>",
                    "</GIAYCHUNGSINH></X><CHUKYDONVI>");
    assert_invalid(w->birth, text, "signature.coverage");
    free(text);

    /* beside a second one that would be processed */
    text = strdup(original);
    text = sign_put(text, part, "<GIAYCHUNGSINH><MA_GCS>0</MA_GCS>"
                    "</GIAYCHUNGSINH><GIAYCHUNGSINH Id=\"Id-7\">");
    assert_invalid(w->birth, text, "signature.coverage");
    free(text);

    free(original);
}


static void
unsigned_neighbour_is_refused(void **state)
{
    world_t  *w = *state;
    char     *text;
    sign_t    s = parts_of(CLAIM(FILES, HOLDER), "#Id-1", &w->ec);

    text = sign_put(sign_make(&s), "<THONGTINHOSO",
                    "<THONGTINDONVI/><THONGTINHOSO");
    assert_invalid(w->claim, text, "signature.coverage");
    free(text);

    text = sign_put(sign_make(&s), "<THONGTINHOSO",
                    "<x:THONGTINHOSO xmlns:x=\"a:b\"/><THONGTINHOSO");
    assert_invalid(w->claim, text, "signature.coverage");
    free(text);

    text = sign_put(sign_make(&s), "<THONGTINHOSO", "text<THONGTINHOSO");
    assert_invalid(w->claim, text, "signature.coverage");
    free(text);
}


static void
only_one_signature_is_accepted(void **state)
{
    world_t  *w = *state;
    char     *text;
    sign_t    s = whole_claim(&w->ec);

    text = sign_put(sign_make(&s), "</Signature>",
                    "</Signature><Signature xmlns=\"" SIGN_DSIG "\"/>");
    assert_invalid(w->claim, text, "signature.several");
    free(text);

    s.objects = "<Object><Signature/></Object>";
    refuse(w->claim, &s, "signature.several");
}


static void
signature_elsewhere_is_refused(void **state)
{
    static const char *const  documents[] = {
        CLAIM(FILES, "@S@"),
        CLAIM(FILES, "<CHUKYDONVI/>@S@"),
        CLAIM(FILES, "<CHUKYDONVI><X>@S@</X></CHUKYDONVI>"),
        CLAIM(FILES, "<CHUKYDONVI>@S@<X/></CHUKYDONVI>"),
        CLAIM(FILES, "<CHUKYDONVI>@S@x</CHUKYDONVI>"),
        CLAIM(FILES, "<CHUKYDONVI>@S@</CHUKYDONVI><CHUKYDONVI/>"),
        CLAIM("<THONGTINHOSO>" HOLDER "</THONGTINHOSO>", ""),
    };

    world_t  *w = *state;
    sign_t    s = whole_claim(&w->ec);

    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        s.document = documents[i];
        refuse(w->claim, &s, "signature.place");
    }

    assert_invalid(w->claim, CLAIM(FILES, "<CHUKYDONVI>x</CHUKYDONVI>"),
                   "signature.place");
    assert_invalid(w->claim,
                   CLAIM(FILES, "<CHUKYDONVI><Signature/></CHUKYDONVI>"),
                   "signature.place");
}


static void
other_root_than_the_kind_s_is_refused(void **state)
{
    world_t  *w = *state;
    sign_t    s = whole_claim(&w->ec);

    refuse(w->birth, &s, "signature.malformed");
}


static void
equal_ids_are_refused(void **state)
{
    static const char *const  names[] = { "Id", "ID", "id", "xml:id",
                                          "w:Id" };

    world_t  *w = *state;
    char      document[2048];
    sign_t    s = parts_of(document, "#Id-1", &w->ec);

    for (size_t i = 0; i < 5; i++) {
        (void) snprintf(document, sizeof(document),
                        CLAIM("<THONGTINHOSO Id=\"Id-1\"><X xmlns:w=\"a:b\" "
                              "%s=\"Id-1\"/></THONGTINHOSO>", HOLDER),
                        names[i]);
        refuse(w->claim, &s, "signature.id");
    }
}


static void
reference_to_another_element_is_refused(void **state)
{
    world_t  *w = *state;
    sign_t    s = parts_of(CLAIM("<THONGTINHOSO><NGAYLAP Id=\"Id-1\">1"
                                 "</NGAYLAP></THONGTINHOSO>", HOLDER),
                           "#Id-1", &w->ec);

    refuse(w->claim, &s, "signature.coverage");

    /* the sender's code alone */
    s.document = "<GIAMDINHHS><THONGTINDONVI Id=\"Id-1\"/><THONGTINHOSO/>"
                 HOLDER "</GIAMDINHHS>";
    refuse(w->claim, &s, "signature.coverage");

    /* nothing but its own time */
    s = parts_of(CLAIM(FILES, HOLDER), "#Id-1", &w->ec);
    s.nreferences = 1;
    refuse(w->claim, &s, "signature.coverage");

    /* the same twice */
    s.nreferences = 3;
    s.references[2] = s.references[1];
    refuse(w->claim, &s, "signature.coverage");

    /* what is not there */
    s = parts_of(CLAIM(FILES, HOLDER), "#Id-2", &w->ec);
    s.references[1].digested = "#Id-1";
    refuse(w->claim, &s, "signature.coverage");
}


/* --- choices ------------------------------------------------------------- */


static void
other_signature_methods_are_refused(void **state)
{
    static const char *const  methods[] = {
        SIGN_DSIG "rsa-sha1", SIGN_DSIG "dsa-sha1",
        "http://www.w3.org/2009/xmldsig11#dsa-sha256",
        SIGN_DSIG "hmac-sha1", SIGN_MORE "hmac-sha256",
        SIGN_MORE "rsa-md5", SIGN_MORE "rsa-sha224", SIGN_MORE "ecdsa-sha1",
        SIGN_MORE "rsa-sha256 ", "", "urn:none"
    };

    world_t  *w = *state;
    sign_t    s = whole_claim(&w->rsa);

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        s.method = methods[i];
        refuse(w->claim, &s, "signature.method");
    }
}


static void
hmac_with_the_public_key_is_refused(void **state)
{
    world_t  *w = *state;
    uint8_t  *der = NULL;
    int       len = i2d_PUBKEY(w->rsa.key, &der);
    sign_t    s = whole_claim(&w->rsa);

    s.method = SIGN_MORE "hmac-sha256";
    s.secret = der;
    s.nsecret = (size_t) len;
    refuse(w->claim, &s, "signature.method");

    /* and a signature of nothing */
    s.secret = NULL;
    s.method = SIGN_MORE "rsa-sha256";

    char  *text = sign_make(&s);
    char  *from = strstr(text, "<SignatureValue>") + 16;

    memmove(from, strstr(from, "</SignatureValue>"),
            strlen(strstr(from, "</SignatureValue>")) + 1);
    assert_invalid(w->claim, text, "signature.structure");

    free(text);
    OPENSSL_free(der);
}


static void
method_of_another_key_kind_is_refused(void **state)
{
    world_t  *w = *state;
    sign_t    s = whole_claim(&w->ec);

    s.method = SIGN_MORE "rsa-sha256";
    refuse(w->claim, &s, "signature.key");

    s.signer = &w->rsa;
    s.method = SIGN_MORE "ecdsa-sha256";
    refuse(w->claim, &s, "signature.key");
}


static void
weak_keys_are_refused(void **state)
{
    world_t  *w = *state;
    sign_t    weak = whole_claim(&w->weak), curve = whole_claim(&w->curve);

    refuse(w->claim, &weak, "signature.key");
    refuse(w->claim, &curve, "signature.key");
}


static void
other_digests_are_refused(void **state)
{
    static const char *const  digests[] = {
        SIGN_DSIG "sha1", SIGN_MORE "md5", SIGN_MORE "sha224", "urn:none",
        SIGN_XMLENC "ripemd160"
    };

    world_t  *w = *state;
    sign_t    s = whole_claim(&w->ec);

    for (size_t i = 0; i < 5; i++) {
        s.references[0].method = digests[i];
        refuse(w->claim, &s, "signature.digest-method");
    }
}


static void
other_transforms_are_refused(void **state)
{
    static const char *const  transforms[] = {
        ENVELOPED "<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath"
        "-19991116\"><XPath>1</XPath></Transform>",
        ENVELOPED "<Transform Algorithm=\"http://www.w3.org/2002/06/xmldsig-"
        "filter2\"/>",
        ENVELOPED "<Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt"
        "-19991116\"><xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/"
        "Transform\" version=\"1.0\"/></Transform>",
        ENVELOPED TRANSFORM(SIGN_DSIG "base64"),
        ENVELOPED TRANSFORM("http://www.w3.org/2001/04/xmldsig-more/xptr"),
        ENVELOPED ENVELOPED,
        ENVELOPED TRANSFORM(SIGN_C14N) TRANSFORM(SIGN_C14N),
        TRANSFORM(SIGN_C14N) ENVELOPED,
        ENVELOPED TRANSFORM(SIGN_C14N "#WithComments"),
        ENVELOPED "<Transform/>",
        ENVELOPED "<Transform Algorithm=\"" SIGN_EXC "\"><InclusiveNamespaces"
        " xmlns=\"" SIGN_EXC "\" PrefixList=\"xsi\"/></Transform>",
        TRANSFORM(SIGN_C14N)
    };

    world_t  *w = *state;
    sign_t    s = whole_claim(&w->ec);

    for (size_t i = 0; i < sizeof(transforms) / sizeof(transforms[0]); i++) {
        s.references[0].transforms = transforms[i];
        refuse(w->claim, &s, "signature.transform");
    }

    /* a root that is named by its Id has the signature inside as well */
    s.document = "<GIAMDINHHS Id=\"a\">" HOLDER "</GIAMDINHHS>";
    s.references[0].uri = "#a";
    s.references[0].transforms = NULL;
    refuse(w->claim, &s, "signature.transform");
}


static void
other_canonicalizations_are_refused(void **state)
{
    static const char *const  names[] = {
        SIGN_C14N "#WithComments", SIGN_EXC "WithComments", "", "urn:none"
    };

    world_t  *w = *state;
    sign_t    s = whole_claim(&w->ec);

    for (size_t i = 0; i < 4; i++) {
        s.c14n = names[i];
        refuse(w->claim, &s, "signature.canonicalization");
    }
}


static void
uris_that_are_no_ids_are_refused(void **state)
{
    static const char *const  uris[] = {
        "file:///etc/passwd", "http://127.0.0.1/x", "ftp://a/b", "x.xml",
        "#", "#xpointer(/)", "#xpointer(id('Id-1'))", "#Id-1')", "#1",
        "#a b", "##Id-1", " ", "?x"
    };

    world_t  *w = *state;
    sign_t    s = whole_claim(&w->ec);

    s.references[0].digested = "";

    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        s.references[0].uri = uris[i];
        refuse(w->claim, &s, "signature.uri");
    }

    s.references[0].uri = NULL;
    refuse(w->claim, &s, "signature.uri");
}


static void
other_structures_are_refused(void **state)
{
    static const char *const  edits[][2] = {
        { "<SignedInfo>", "<X/><SignedInfo>" },
        { "<CanonicalizationMethod", "<X/><CanonicalizationMethod" },
        { "<SignatureMethod", "<X/><SignatureMethod" },
        { "<DigestMethod", "<X/><DigestMethod" },
        { "</DigestValue>", "</DigestValue><X/>" },
        { "<DigestValue>", "<DigestValue><X/>" },
        { "<DigestValue>", "<DigestValue>!" },
        { "</SignedInfo>", "<Manifest/></SignedInfo>" },
        { "</Signature>", "<KeyInfo/></Signature>" },
        { "<SignedInfo>", "<SignedInfo xmlns=\"\">" },
        { "<X509Data>", "<RetrievalMethod URI=\"http://a/\"/><X509Data>" },
        { "<X509Data>", "<X509Data><X509CRL/>" },
    };

    world_t  *w = *state;
    char     *text;
    sign_t    s = whole_claim(&w->ec);

    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        text = sign_put(sign_make(&s), edits[i][0], edits[i][1]);
        assert_invalid(w->claim, text, "signature.structure");
        free(text);
    }
}


static void
huge_values_are_refused(void **state)
{
    static const char *const  places[] = { "<DigestValue>",
                                           "<SignatureValue>" };

    world_t  *w = *state;
    char     *text, *huge = malloc(400004);
    sign_t    s = whole_claim(&w->ec);

    memset(huge, 'A', 400000);

    for (size_t i = 0; i < 2; i++) {
        huge[400000] = '\0';
        text = sign_make(&s);
        text = sign_put(text, places[i], "@H@");
        (void) memcpy(huge, places[i], strlen(places[i]));
        text = sign_put(text, "@H@", huge);
        assert_invalid(w->claim, text, "signature.structure");
        free(text);
    }

    free(huge);
}


/* --- comments, instructions, entities ------------------------------------ */


static void
comments_in_a_signed_document_are_refused(void **state)
{
    world_t  *w = *state;
    char     *text;
    sign_t    s = whole_claim(&w->ec);

    text = sign_put(sign_make(&s), "20260107", "2026<!-- -->0107");
    assert_invalid(w->claim, text, "signature.comment");
    free(text);

    text = sign_put(sign_make(&s), "<DigestValue>", "<DigestValue><!--x-->");
    assert_invalid(w->claim, text, "signature.comment");
    free(text);

    /* outside of the root they are nobody's */
    text = sign_put(sign_make(&s), "<GIAMDINHHS", "<!-- x --><GIAMDINHHS");
    assert_accepted(w->claim, text);
    free(text);
}


static void
instructions_and_entities_are_refused(void **state)
{
    static const char *const  edits[][2] = {
        { "20260107", "2026<?x?>0107" },
        { "<GIAMDINHHS", "<?xml-stylesheet href=\"a\"?><GIAMDINHHS" },
        { "<GIAMDINHHS", "<!DOCTYPE GIAMDINHHS [<!ENTITY x SYSTEM \"file:///"
                         "etc/passwd\">]><GIAMDINHHS" },
        { "<GIAMDINHHS", "<!DOCTYPE GIAMDINHHS [<!ATTLIST NGAYLAP k ID "
                         "#IMPLIED>]><GIAMDINHHS" },
        { "20260107", "&x;" },
        { "</GIAMDINHHS>", "</GIAMDINHHS><x/>" },
        { "</CHUKYDONVI>", "" }
    };

    world_t  *w = *state;
    char     *text;
    sign_t    s = whole_claim(&w->ec);

    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        text = sign_put(sign_make(&s), edits[i][0], edits[i][1]);
        assert_invalid(w->claim, text, "signature.malformed");
        free(text);
    }

    /* a character written in another way is the same character */
    text = sign_put(sign_make(&s), "20260107", "2026&#48;107");
    assert_accepted(w->claim, text);
    free(text);
}


/* --- bounds -------------------------------------------------------------- */


static char *
repeated(const char *what, size_t times)
{
    char    *text = malloc(strlen(what) * times + 1), *p = text;

    for (size_t i = 0; i < times; i++) {
        p = stpcpy(p, what);
    }

    return text;
}


static void
trees_have_bounds(void **state)
{
    static const struct {
        const char  *what;
        size_t       times;
        const char  *after;
    } cases[] = {
        { "<a/>", 100001, "" },
        { "<a b=\"1\"/>", 34000, "" },
        { "<a Id=\"x\"/>", 65, "" },
        { "<a xmlns:a=\"a:a\" xmlns:b=\"a:b\">", 9,
          "</a></a></a></a></a></a></a></a></a>" }
    };

    world_t  *w = *state;
    char     *many, *text;

    for (size_t i = 0; i < 4; i++) {
        many = repeated(cases[i].what, cases[i].times);
        text = strdup(CLAIM("<THONGTINHOSO>@M@@E@</THONGTINHOSO>", ""));
        text = sign_put(text, "@M@", many);
        text = sign_put(text, "@E@", cases[i].after);
        assert_invalid(w->claim, text, "signature.size");
        free(text);
        free(many);
    }
}


static void
deadline_is_kept(void **state)
{
    world_t                *w = *state;
    char                   *text;
    sign_t                  s = whole_claim(&w->ec);
    result_t                r;
    ehr_signature_input_t   in = { .content_form = EHR_CONTENT_XML,
                                   .facility = ehr_str(FACILITY),
                                   .received_ms = now_ms(),
                                   .deadline_ns = 1,
                                   .cpu_now_ns = always_late };

    text = sign_make(&s);
    in.content = ehr_str(text);
    check_bytes(w->claim, &in, &r);
    assert_int_equal(r.rc, EHR_REFUSED);
    assert_true(result_has(&r, "signature.cpu"));
    result_drop(&r);
    free(text);
}


static void
no_file_can_be_opened_and_none_is_needed(void **state)
{
    world_t        *w = *state;
    char           *good, *bad;
    sign_t          s = whole_claim(&w->rsa);
    struct rlimit   old, none;

    good = sign_make(&s);
    s.references[0].uri = "file:///etc/passwd";
    s.references[0].digested = "";
    bad = sign_make(&s);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);

    assert_accepted(w->claim, good);
    assert_invalid(w->claim, bad, "signature.uri");

    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    free(good);
    free(bad);
}


#define THREADS  4
#define ROUNDS   20


typedef struct {
    pthread_t                      id;
    const ehr_signature_policy_t  *policy;
    const char                    *good;
    const char                    *bad;
    int                            nwrong;
} checker_t;


static int
checker_says(const checker_t *c, const char *text, ehr_rc_t wanted)
{
    ehr_rc_t                rc;
    ehr_arena_t            *arena = ehr_arena_create(SIGN_ARENA);
    ehr_problem_e           problem;
    ehr_findings_t          findings = { .arena = arena };
    ehr_signature_input_t   in = { .content = ehr_str(text),
                                   .content_form = EHR_CONTENT_XML,
                                   .facility = ehr_str(FACILITY),
                                   .received_ms = now_ms() };

    rc = ehr_signature_check(c->policy, &in, arena, &findings, &problem);
    ehr_arena_destroy(arena);

    return rc == wanted;
}


static void *
checker_run(void *data)
{
    checker_t  *c = data;

    for (int i = 0; i < ROUNDS; i++) {
        c->nwrong += !checker_says(c, c->good, EHR_OK);
        c->nwrong += !checker_says(c, c->bad, EHR_REFUSED);
    }

    return NULL;
}


static void
threads_share_one_policy(void **state)
{
    world_t    *w = *state;
    char       *good, *bad;
    sign_t      s = whole_claim(&w->rsa);
    checker_t   checkers[THREADS];

    good = sign_make(&s);
    bad = sign_put(sign_make(&s), "20260107", "20260108");

    for (int i = 0; i < THREADS; i++) {
        checkers[i] = (checker_t) { .policy = w->claim, .good = good,
                                    .bad = bad };
        assert_int_equal(pthread_create(&checkers[i].id, NULL, checker_run,
                                        &checkers[i]), 0);
    }

    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(checkers[i].id, NULL), 0);
        assert_int_equal(checkers[i].nwrong, 0);
    }

    free(good);
    free(bad);
}


/* --- the signer ---------------------------------------------------------- */


static void
missing_certificate_is_refused(void **state)
{
    static const char *const  infos[] = {
        "", "<KeyInfo/>", "<KeyInfo><X509Data/></KeyInfo>",
        "<KeyInfo><KeyName>a</KeyName></KeyInfo>",
        "<KeyInfo><KeyValue><RSAKeyValue><Modulus>AQAB</Modulus><Exponent>"
        "AQAB</Exponent></RSAKeyValue></KeyValue></KeyInfo>",
        "<KeyInfo><X509Data><X509SubjectName>CN=RSA</X509SubjectName>"
        "</X509Data></KeyInfo>"
    };

    world_t  *w = *state;
    sign_t    s = whole_claim(&w->rsa);

    for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
        s.key_info = infos[i];
        refuse(w->claim, &s, "signature.no-certificate");
    }
}


static void
unreadable_certificates_are_refused(void **state)
{
    world_t  *w = *state;
    char     *other = sign_certificate(&w->ec), *info = NULL;
    size_t    len;
    FILE     *f = open_memstream(&info, &len);
    sign_t    s = whole_claim(&w->rsa);

    s.key_info = "<KeyInfo><X509Data><X509Certificate>AAAA</X509Certificate>"
                 "</X509Data></KeyInfo>";
    refuse(w->claim, &s, "signature.certificate");

    s.key_info = "<KeyInfo><X509Data><X509Certificate>@K@=</X509Certificate>"
                 "</X509Data></KeyInfo>";
    refuse(w->claim, &s, "signature.certificate");

    /* two that could have signed */
    (void) fprintf(f, "<KeyInfo><X509Data><X509Certificate>@K@"
                   "</X509Certificate><X509Certificate>%s</X509Certificate>"
                   "</X509Data></KeyInfo>", other);
    (void) fclose(f);
    s.key_info = info;
    refuse(w->claim, &s, "signature.certificate");

    free(info);
    free(other);
}


static void
certificate_of_another_key_is_refused(void **state)
{
    world_t  *w = *state;
    char     *other = sign_certificate(&w->ec), *info = NULL;
    size_t    len;
    FILE     *f = open_memstream(&info, &len);
    sign_t    s = whole_claim(&w->foreign);

    (void) fprintf(f, "<KeyInfo><X509Data><X509Certificate>%s"
                   "</X509Certificate></X509Data></KeyInfo>", other);
    (void) fclose(f);
    s.key_info = info;
    refuse(w->claim, &s, "signature.value");

    free(info);
    free(other);
}


static void
signers_that_cannot_be_trusted_are_refused(void **state)
{
    world_t  *w = *state;
    sign_t    s = whole_claim(&w->foreign);

    distrust(w->claim, &s, "signature.chain");
    s.signer = &w->foreign_ca;
    distrust(w->claim, &s, "signature.chain");
    s.signer = &w->sha1_issued;
    distrust(w->claim, &s, "signature.chain");
    s.signer = &w->expired;
    distrust(w->claim, &s, "signature.expired");
    s.signer = &w->future;
    distrust(w->claim, &s, "signature.not-yet-valid");
    s.signer = &w->encrypts;
    distrust(w->claim, &s, "signature.usage");
}


static void
signing_time_is_not_believed(void **state)
{
    world_t  *w = *state;
    sign_t    s = parts_of(CLAIM(FILES, HOLDER), "#Id-1", &w->expired);

    distrust(w->claim, &s, "signature.expired");
}


static void
expiry_within_30_days_is_a_warning(void **state)
{
    world_t  *w = *state;
    char     *text;
    sign_t    s = whole_claim(&w->soon);

    text = sign_make(&s);
    assert_warned(w->claim, text, "signature.expires-soon", 1);
    free(text);

    s.signer = &w->ec;
    text = sign_make(&s);
    assert_warned(w->claim, text, "signature.expires-soon", 0);
    assert_warned(w->claim, text, "signature.facility-unchecked", 1);
    free(text);
}


/* A policy with this list of pins; NULL when it is refused. */

static ehr_signature_policy_t *
pinned(const world_t *w, const char *rows, int has_ca)
{
    char                       error[EHR_SIGNATURE_ERROR_MAX];
    FILE                      *f = fopen(w->pins_path, "w");
    ehr_signature_policy_t    *policy;
    ehr_signature_settings_t   s = { .kind = EHR_KIND_CLAIM,
                                     .mode = EHR_SIGNATURE_REQUIRED,
                                     .ca_path = has_ca ? w->ca_path : NULL,
                                     .pins_path = w->pins_path };

    assert_non_null(f);
    (void) fputs(rows, f);
    (void) fclose(f);

    policy = ehr_signature_policy_load(&s, error);
    assert_int_equal(policy == NULL, error[0] != '\0');

    return policy;
}


static void
pins_decide_whose_certificate_it_is(void **state)
{
    char                      hex[65], rows[256];
    world_t                  *w = *state;
    sign_t                    ec = whole_claim(&w->ec);
    sign_t                    rsa = whole_claim(&w->rsa);
    sign_t                    foreign = whole_claim(&w->foreign);
    ehr_signature_policy_t   *policy;

    signer_hex(&w->ec, hex);
    (void) snprintf(rows, sizeof(rows), "# list\n\n" FACILITY " %s # EC\n",
                    hex);
    policy = pinned(w, rows, 1);
    accept(policy, &ec);
    distrust(policy, &rsa, "signature.facility");
    distrust(policy, &foreign, "signature.chain");
    ehr_signature_policy_free(policy);

    /* pinned for somebody else */
    (void) snprintf(rows, sizeof(rows), "99002 %s\r\n", hex);
    policy = pinned(w, rows, 1);
    distrust(policy, &ec, "signature.facility");
    ehr_signature_policy_free(policy);

    /* a pin alone is trust enough, for valid certificates */
    signer_hex(&w->foreign, hex);
    (void) snprintf(rows, sizeof(rows), FACILITY " %s", hex);
    policy = pinned(w, rows, 0);
    accept(policy, &foreign);
    distrust(policy, &ec, "signature.facility");
    foreign.signer = &w->expired;
    distrust(policy, &foreign, "signature.expired");
    foreign.signer = &w->future;
    distrust(policy, &foreign, "signature.not-yet-valid");
    ehr_signature_policy_free(policy);
}


static void
tax_code_in_the_subject_is_the_facility_s(void **state)
{
    char                     *text;
    world_t                  *w = *state;
    sign_t                    s = whole_claim(&w->ec);
    ehr_signature_policy_t   *policy;

    policy = pinned(w, FACILITY "\tMST:" TAX "\n", 1);
    accept(policy, &s);
    text = sign_make(&s);
    assert_warned(policy, text, "signature.facility-unchecked", 0);
    free(text);
    s.signer = &w->soon;
    distrust(policy, &s, "signature.facility");
    ehr_signature_policy_free(policy);

    s.signer = &w->ec;
    policy = pinned(w, FACILITY " MST:" TAX "-001\n", 1);
    distrust(policy, &s, "signature.facility");
    ehr_signature_policy_free(policy);
}


static void
policies_that_trust_anybody_are_refused(void **state)
{
    static const char *const  lists[] = {
        "", "# nothing\n", "99001\n", "99001 00ff\n", "99001 MST:123\n",
        "99001 MST:0101234567-1\n", "99001 MST:0101234567 x\n",
        "99001999019990199901 MST:0101234567\n"
    };

    char                       error[EHR_SIGNATURE_ERROR_MAX];
    world_t                   *w = *state;
    ehr_signature_settings_t   s = { .kind = EHR_KIND_CLAIM,
                                     .mode = EHR_SIGNATURE_REQUIRED };

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        assert_null(pinned(w, lists[i], 1));
    }

    assert_null(pinned(w, "99001 MST:" TAX "\n", 0));

    assert_null(ehr_signature_policy_load(&s, error));
    s.ca_path = "/nonexistent";
    assert_null(ehr_signature_policy_load(&s, error));
    s.ca_path = w->pins_path;
    assert_null(ehr_signature_policy_load(&s, error));
    s.ca_path = w->ca_path;
    s.kind = EHR_KIND_PRESCRIPTION;
    assert_null(ehr_signature_policy_load(&s, error));

    /* off trusts nobody */
    s.kind = EHR_KIND_CLAIM;
    s.ca_path = NULL;
    s.mode = EHR_SIGNATURE_OFF;

    ehr_signature_policy_t  *policy = ehr_signature_policy_load(&s, error);

    assert_non_null(policy);
    assert_accepted(policy, CLAIM(FILES, "<CHUKYDONVI>x</CHUKYDONVI>"));
    ehr_signature_policy_free(policy);
}


static void
modes_have_names(void **state)
{
    ehr_signature_mode_e  mode;

    assert_int_equal(ehr_signature_mode_of_name(ehr_str("when-present"),
                                                &mode), EHR_OK);
    assert_int_equal(mode, EHR_SIGNATURE_WHEN_PRESENT);
    assert_int_equal(ehr_signature_mode_of_name(ehr_str("on"), &mode),
                     EHR_REFUSED);
}


/* --- what is told -------------------------------------------------------- */


static void
findings_speak_both_languages_and_no_value(void **state)
{
    world_t              *w = *state;
    char                 *text;
    sign_t                s = whole_claim(&w->foreign);
    result_t              r;
    const ehr_finding_t  *f;

    text = sign_put(sign_make(&s), "20260107", "20260108");
    check_text(w->claim, text, &r);

    for (size_t i = 0; i < r.findings.n; i++) {
        f = &r.findings.items[i];
        assert_true(ehr_str_is(f->section, "GIAMDINHHS"));
        assert_true(f->field.len > 0);
        assert_true(f->message_vi.len > 0 && f->message_en.len > 0);
        assert_false(ehr_str_eq(f->message_vi, f->message_en));
        assert_int_equal(f->line, 3);
    }

    ehr_str_t  json = ehr_findings_render(&r.findings, EHR_LANG_VI, r.arena);

    assert_non_null(json.data);
    assert_null(memmem(json.data, json.len, "2026", 4));
    assert_null(memmem(json.data, json.len, "Foreign", 7));

    result_drop(&r);
    free(text);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(enveloped_claim_is_accepted),
        cmocka_unit_test(two_references_with_ids_are_accepted),
        cmocka_unit_test(root_by_its_id_is_accepted),
        cmocka_unit_test(each_canonicalization_is_accepted),
        cmocka_unit_test(each_algorithm_is_accepted),
        cmocka_unit_test(chain_in_any_order_is_accepted),
        cmocka_unit_test(exam_inside_json_is_accepted),
        cmocka_unit_test(sha1_is_accepted_only_where_the_policy_says_so),
        cmocka_unit_test(blank_lines_and_a_byte_order_mark_are_no_part_of_it),
        cmocka_unit_test(line_ends_are_those_of_the_signer_s_parser),
        cmocka_unit_test(unsigned_document_is_refused_only_when_required),
        cmocka_unit_test(large_sections_are_digested_in_pieces),
        cmocka_unit_test(no_byte_of_a_signed_document_can_change),
        cmocka_unit_test(no_byte_of_a_signed_part_can_change),
        cmocka_unit_test(changed_content_and_a_foreign_signer_are_both_told),
        cmocka_unit_test(moved_signed_element_is_refused),
        cmocka_unit_test(unsigned_neighbour_is_refused),
        cmocka_unit_test(only_one_signature_is_accepted),
        cmocka_unit_test(signature_elsewhere_is_refused),
        cmocka_unit_test(other_root_than_the_kind_s_is_refused),
        cmocka_unit_test(equal_ids_are_refused),
        cmocka_unit_test(reference_to_another_element_is_refused),
        cmocka_unit_test(other_signature_methods_are_refused),
        cmocka_unit_test(hmac_with_the_public_key_is_refused),
        cmocka_unit_test(method_of_another_key_kind_is_refused),
        cmocka_unit_test(weak_keys_are_refused),
        cmocka_unit_test(other_digests_are_refused),
        cmocka_unit_test(other_transforms_are_refused),
        cmocka_unit_test(other_canonicalizations_are_refused),
        cmocka_unit_test(uris_that_are_no_ids_are_refused),
        cmocka_unit_test(other_structures_are_refused),
        cmocka_unit_test(huge_values_are_refused),
        cmocka_unit_test(comments_in_a_signed_document_are_refused),
        cmocka_unit_test(instructions_and_entities_are_refused),
        cmocka_unit_test(trees_have_bounds),
        cmocka_unit_test(deadline_is_kept),
        cmocka_unit_test(no_file_can_be_opened_and_none_is_needed),
        cmocka_unit_test(threads_share_one_policy),
        cmocka_unit_test(missing_certificate_is_refused),
        cmocka_unit_test(unreadable_certificates_are_refused),
        cmocka_unit_test(certificate_of_another_key_is_refused),
        cmocka_unit_test(signers_that_cannot_be_trusted_are_refused),
        cmocka_unit_test(signing_time_is_not_believed),
        cmocka_unit_test(expiry_within_30_days_is_a_warning),
        cmocka_unit_test(pins_decide_whose_certificate_it_is),
        cmocka_unit_test(tax_code_in_the_subject_is_the_facility_s),
        cmocka_unit_test(policies_that_trust_anybody_are_refused),
        cmocka_unit_test(modes_have_names),
        cmocka_unit_test(findings_speak_both_languages_and_no_value)
    };

    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
