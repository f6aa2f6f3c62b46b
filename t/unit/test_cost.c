/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What validation costs, beside libxml2's bare SAX pass over the same bytes
 * in the same run: the ratio is bounded, and so is memory.  Prints where the
 * time goes, which "make bench" puts into its tables.
 */

#include <openssl/evp.h>

#include <libxml/parser.h>
#include <libxml/SAX2.h>

#include "documents.h"
#include "ehr_base64.h"
#include "ehr_scan.h"
#include "ehr_validators.h"


#define COST_ROUNDS    9
#define COST_PARTS     16
#define COST_LARGE     (5 * 1000 * 1000)
#define COST_NOW_MS    1781049600000LL
#define COST_MEMORY    3       /* times the document */

#if defined(__SANITIZE_ADDRESS__)
#define COST_RATIO     60      /* libxml2 has no sanitizer in it */
#else
#define COST_RATIO     3
#endif


typedef enum {
    COST_DIGEST = 0,
    COST_SCAN,                /* envelope and sections, nobody listens */
    COST_BASE64,
    COST_READ,                /* all of ehr_document_read() */
    COST_ALL,                 /* and the rules */
    COST_SAX,
    COST_LAST
} cost_e;


typedef struct {
    ehr_str_t         content;
    ehr_str_t         texts[COST_PARTS];     /* sections in Base64 */
    ehr_str_t         parts[COST_PARTS];     /* decoded */
    size_t            nparts;
    unsigned          times;
    ehr_arena_t      *arena;
    size_t            used;                  /* of memory, at most */
    double            us[COST_LAST];         /* the best round's */
} cost_t;


static ehr_validator_t  *validator;


/* --- what is measured ---------------------------------------------------- */


static void
cost_digest(cost_t *c)
{
    unsigned char  digest[EHR_SHA256_LEN];

    assert_int_equal(EVP_Digest(c->content.data, c->content.len, digest, NULL,
                                EVP_sha256(), NULL), 1);
}


static void
cost_scan_one(ehr_str_t bytes, const ehr_scan_limits_t *limits)
{
    ehr_scan_t        scan;
    ehr_scan_fault_t  fault;
    ehr_scan_input_t  in;

    memset(&in, 0, sizeof(in));
    in.content = bytes;
    in.limits = limits;
    assert_int_equal(ehr_scan(&scan, &in, &fault), EHR_OK);
}


static void
cost_scan(cost_t *c)
{
    cost_scan_one(c->content, &ehr_scan_document);

    for (size_t i = 0; i < c->nparts; i++) {
        cost_scan_one(c->parts[i], &ehr_scan_section);
    }
}


static void
cost_base64(cost_t *c)
{
    static uint8_t  out[2 * COST_LARGE];

    for (size_t i = 0; i < c->nparts; i++) {
        ehr_base64_t  b;

        assert_true(ehr_base64_room(c->texts[i].len) <= sizeof(out));
        ehr_base64_init(&b);
        (void) ehr_base64_feed(&b, c->texts[i].data, c->texts[i].len, out);
        assert_int_equal(ehr_base64_finish(&b), EHR_OK);
    }
}


static void
cost_document(cost_t *c, int has_rules)
{
    ehr_validation_t  in;
    doc_read_t        r = doc_read_as(c->content, "99001", "");

    assert_int_equal(r.rc, EHR_OK);

    if (has_rules) {
        memset(&in, 0, sizeof(in));
        in.arena = r.arena;
        in.content = c->content;
        in.now_ms = COST_NOW_MS;
        assert_int_not_equal(ehr_validator_run(validator, &in, &r.doc),
                             EHR_BROKEN);
    }

    if (ehr_arena_used(r.arena) > c->used) {
        c->used = ehr_arena_used(r.arena);
    }

    doc_done(&r);
}


static void
cost_read(cost_t *c)
{
    cost_document(c, 0);
}


static void
cost_all(cost_t *c)
{
    cost_document(c, 1);
}


static void
cost_sax_one(ehr_str_t bytes)
{
    static xmlSAXHandler  nobody = { .initialized = XML_SAX2_MAGIC };

    assert_int_equal(xmlSAXUserParseMemory(&nobody, NULL, bytes.data,
                                           (int) bytes.len), 0);
}


static void
cost_sax(cost_t *c)
{
    cost_sax_one(c->content);

    for (size_t i = 0; i < c->nparts; i++) {
        cost_sax_one(c->parts[i]);
    }
}


static const struct {
    const char  *name;
    void       (*run)(cost_t *c);
} cost_steps[COST_LAST] = {
    [COST_DIGEST] = { "SHA-256", cost_digest },
    [COST_SCAN] = { "scan", cost_scan },
    [COST_BASE64] = { "Base64", cost_base64 },
    [COST_READ] = { "read", cost_read },
    [COST_ALL] = { "read and rules", cost_all },
    [COST_SAX] = { "libxml2", cost_sax }
};


/* --- measuring ----------------------------------------------------------- */


/* Steps take turns, so that a slow minute hits all of them. */

static void
cost_measure(cost_t *c)
{
    for (int round = 0; round < COST_ROUNDS; round++) {
        for (cost_e i = 0; i < COST_LAST; i++) {
            int64_t  begin = doc_cpu_ns();
            double   us;

            for (unsigned n = 0; n < c->times; n++) {
                cost_steps[i].run(c);
            }

            us = (double) (doc_cpu_ns() - begin) / 1000 / c->times;

            if (round == 0 || us < c->us[i]) {
                c->us[i] = us;
            }
        }
    }
}


/* What the arena held, and the room for the section that is decoded, which
 * doubles. */

static size_t
cost_memory(const cost_t *c)
{
    size_t  largest = 0, room = 16 * 1024;

    for (size_t i = 0; i < c->nparts; i++) {
        largest = c->parts[i].len > largest ? c->parts[i].len : largest;
    }

    while (room < largest) {
        room *= 2;
    }

    return c->used + room;
}


/* One line of tab-separated columns for each, read by t/bench/bench.pl. */

static void
cost_print(const cost_t *c)
{
    double  ratio = c->us[COST_ALL] / c->us[COST_SAX];
    double  fields = c->us[COST_READ] - c->us[COST_SCAN]
                     - c->us[COST_BASE64];
    size_t  bytes = c->content.len;

    print_message("cost\t%zu\tSHA-256\t%.1f\n", bytes, c->us[COST_DIGEST]);
    print_message("cost\t%zu\tscan\t%.1f\n", bytes, c->us[COST_SCAN]);
    print_message("cost\t%zu\tBase64\t%.1f\n", bytes, c->us[COST_BASE64]);
    print_message("cost\t%zu\tfields and rows\t%.1f\n", bytes, fields);
    print_message("cost\t%zu\trules\t%.1f\n", bytes,
                  c->us[COST_ALL] - c->us[COST_READ]);
    print_message("cost\t%zu\t**all but SHA-256**\t%.1f\n", bytes,
                  c->us[COST_ALL]);
    print_message("cost\t%zu\tlibxml2's bare SAX pass\t%.1f\n", bytes,
                  c->us[COST_SAX]);
    print_message("cost\t%zu\t**times libxml2**\t%.2f\n", bytes, ratio);
    print_message("cost\t%zu\t**memory, times the document**\t%.2f\n", bytes,
                  (double) cost_memory(c) / (double) bytes);
}


static void
cost_open(cost_t *c, ehr_str_t content, unsigned times)
{
    static const char  begin[] = "<NOIDUNGFILE>", end[] = "</NOIDUNGFILE>";
    const char        *p = content.data, *last = p + content.len;
    ehr_rc_t           rc;

    memset(c, 0, sizeof(*c));
    c->content = content;
    c->times = times;
    c->arena = ehr_arena_create(DOC_ARENA);
    assert_non_null(c->arena);

    while ((p = memmem(p, (size_t) (last - p), begin, sizeof(begin) - 1))) {
        const char  *text = p + sizeof(begin) - 1;

        assert_true(c->nparts < COST_PARTS);
        p = memmem(text, (size_t) (last - text), end, sizeof(end) - 1);
        assert_non_null(p);
        c->texts[c->nparts].data = text;
        c->texts[c->nparts].len = (size_t) (p - text);
        c->parts[c->nparts] = ehr_base64_decode(c->texts[c->nparts], c->arena,
                                                &rc);
        assert_int_equal(rc, EHR_OK);
        c->nparts++;
    }
}


static void
expect_cheap(ehr_str_t content, unsigned times)
{
    static cost_t  c;

    cost_open(&c, content, times);
    assert_true(c.nparts >= 2);
    cost_measure(&c);
    cost_print(&c);
    ehr_arena_destroy(c.arena);

    assert_true(c.us[COST_ALL] < COST_RATIO * c.us[COST_SAX]);
    assert_true(cost_memory(&c) < COST_MEMORY * c.content.len);
}


/* --- documents ----------------------------------------------------------- */


static void
a_usual_claim_costs_little_more_than_bare_parsing(void **state)
{
    ehr_str_t  s = doc_file("claim-99001.xml");

    expect_cheap(s, 40);
    doc_free(s);
}


/* Rows of the sample again and again. */

static ehr_str_t
large_section(const char *file, const char *row, size_t size)
{
    ehr_str_t    s = doc_file(file);
    char         open[64], close[64], *data, *p;
    const char  *begin, *end;
    size_t       len, n;

    (void) snprintf(open, sizeof(open), "<%s>", row);
    (void) snprintf(close, sizeof(close), "</%s>", row);
    begin = strstr(s.data, open);
    assert_non_null(begin);
    end = strstr(begin, close);
    assert_non_null(end);
    end += strlen(close);
    len = (size_t) (end - begin);
    n = size / len;

    data = malloc(s.len + n * len + 1);
    assert_non_null(data);
    p = mempcpy(data, s.data, (size_t) (begin - s.data));

    for (size_t i = 0; i < n; i++) {
        p = mempcpy(p, begin, len);
    }

    p = stpcpy(p, end);
    doc_free(s);
    s.data = data;
    s.len = (size_t) (p - data);

    return s;
}


/* As the samples of sections are of another facility. */

static void
cost_facility(ehr_str_t s)
{
    char  *p = (char *) (uintptr_t) s.data;

    while ((p = memmem(p, s.len - (size_t) (p - s.data), DOC_FACILITY, 5))) {
        memcpy(p, "99001", 5);
    }
}


static void
a_large_claim_costs_as_much_for_each_byte(void **state)
{
    doc_part_t  parts[3] = {
        { "XML1", doc_file("sample-xml1.xml") },
        { "XML2", large_section("sample-xml2.xml", "CHI_TIET_THUOC",
                                COST_LARGE / 4 * 3 / 2) },
        { "XML3", large_section("sample-xml3.xml", "CHI_TIET_DVKT",
                                COST_LARGE / 4 * 3 / 2) }
    };
    ehr_str_t   s;

    for (size_t i = 0; i < 3; i++) {
        cost_facility(parts[i].xml);
    }

    s = doc_claim(parts, 3);
    cost_facility(s);
    expect_cheap(s, 1);

    for (size_t i = 0; i < 3; i++) {
        doc_free(parts[i].xml);
    }

    doc_free(s);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_usual_claim_costs_little_more_than_bare_parsing),
        cmocka_unit_test(a_large_claim_costs_as_much_for_each_byte),
    };

    char                  doubt[256];
    ehr_validator_conf_t  conf = { EHR_OUT "/plugins/claims.so", NULL, 0,
                                   COST_NOW_MS };
    int                   nfailed = 1;

    validator = ehr_validator_open(&conf, doubt, sizeof(doubt));

    if (validator) {
        nfailed = cmocka_run_group_tests(tests, NULL, NULL);
    }

    ehr_validator_close(validator);

    return nfailed;
}
