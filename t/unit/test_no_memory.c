/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Each allocation of a document's checks fails in its turn, be it ours, a
 * library's or a plugin's: nothing crashes, nothing leaks, no verdict is
 * invented, and a wrong document is never accepted because there was no
 * memory to say so.  malloc() and its kin are this program's own.
 */

#include "documents.h"
#include "ehr_checks.h"


#define NEVER      SIZE_MAX
#define COUNT_MAX  100000
#define BROKEN_MIN 3        /* that many allocations there are at least */
#define NOW_MS     INT64_C(1795000000000)   /* 2026-11-18 */
#define STEPS      600      /* sizes of an arena that is too small */


typedef struct {
    ehr_str_t  content;
    int        form;
    int        is_good;
} subject_t;


static size_t                   left = NEVER;     /* until one fails */
static size_t                   live;             /* pieces not given back */
static ehr_kind_validator_t     validators[2];
static ehr_signature_policy_t  *policies[EHR_KIND_LAST];


/* --- memory -------------------------------------------------------------- */

/* Under a sanitizer its own are used, and only the arena's pieces fail. */

#if !defined(__SANITIZE_ADDRESS__)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void __libc_free(void *piece);


static int
is_due(void)
{
    if (left == NEVER) {
        return 0;
    }

    if (left > 0) {
        left--;

        return 0;
    }

    /* once: what comes behind it has memory again */
    left = NEVER;

    return 1;
}


void *
malloc(size_t size)
{
    void  *piece = is_due() ? NULL : __libc_malloc(size);

    live += (piece != NULL);

    return piece;
}


void *
calloc(size_t n, size_t size)
{
    void  *piece = is_due() ? NULL : __libc_calloc(n, size);

    live += (piece != NULL);

    return piece;
}


void *
realloc(void *old, size_t size)
{
    void  *piece = is_due() ? NULL : __libc_realloc(old, size);

    live += (piece != NULL && old == NULL);

    return piece;
}


void
free(void *piece)
{
    live -= (piece != NULL);
    __libc_free(piece);
}

#endif


/* --- one document -------------------------------------------------------- */


/* Gives the verdict; EHR_BROKEN without an arena. */

static ehr_rc_t
check(const subject_t *subject, size_t cap, size_t *used)
{
    ehr_rc_t              rc;
    ehr_str_t             text;
    ehr_arena_t          *arena = ehr_arena_create(cap);
    ehr_checks_t          checks = { validators, 2, policies, NOW_MS,
                                       NULL };
    ehr_document_t        doc;
    ehr_document_input_t  in = { .content = subject->content,
                                 .content_form = subject->form,
                                 .facility = ehr_str("99001"),
                                 .cpu_now_ns = doc_cpu_ns };

    if (arena == NULL) {
        return EHR_BROKEN;
    }

    rc = ehr_document_check(&in, &checks, arena, &doc);

    if (rc != EHR_BROKEN) {
        text = ehr_findings_render(&doc.findings, EHR_LANG_VI, arena);
        assert_true(text.data == NULL || text.data[0] == '[');
    }

    *used = ehr_arena_used(arena);
    ehr_arena_destroy(arena);

    return rc;
}


/* Memory of the document: what lies in its arena, and the plugins' share. */

static void
no_small_arena_is_a_verdict(const subject_t *subject)
{
    size_t    used, whole, nbroken = 0;
    ehr_rc_t  rc, good = subject->is_good ? EHR_OK : EHR_REFUSED;

    assert_int_equal(check(subject, DOC_ARENA, &whole), good);

    for (size_t i = 0; i < STEPS; i++) {
        rc = check(subject, whole / STEPS * i, &used);

        if (rc != good && rc != EHR_BROKEN) {
            fail_msg("an arena of %zu: %d", whole / STEPS * i, (int) rc);
        }

        nbroken += (rc == EHR_BROKEN);
    }

    print_message("%zu of %d arenas too small\n", nbroken, STEPS);
    assert_true(nbroken > STEPS / 4);
}


static void
no_failure_is_a_verdict(const subject_t *subject)
{
    size_t    before, used, nbroken = 0, n;
    ehr_rc_t  rc, good = subject->is_good ? EHR_OK : EHR_REFUSED;

    /* what is kept for later is there now, and may be given back */
    assert_int_equal(check(subject, DOC_ARENA, &used), good);
    before = live;

    for (n = 0; n < COUNT_MAX; n++) {
        left = n;
        rc = check(subject, DOC_ARENA, &used);

        if (rc != good && rc != EHR_BROKEN) {
            fail_msg("allocation %zu: %d", n, (int) rc);
        }

        if (live > before) {
            fail_msg("allocation %zu: %zu pieces are left", n,
                     live - before);
        }

        nbroken += (rc == EHR_BROKEN);

        if (left != NEVER) {
            break;
        }
    }

    left = NEVER;
    assert_true(n < COUNT_MAX);
    print_message("%zu allocations, %zu without a verdict\n", n, nbroken);

#if !defined(__SANITIZE_ADDRESS__)
    assert_true(nbroken >= BROKEN_MIN);
#endif
}


/* --- documents ----------------------------------------------------------- */


static void
try_file(const char *name, int form, int is_good)
{
    subject_t  subject = { doc_file(name), form, is_good };

    no_small_arena_is_a_verdict(&subject);
    no_failure_is_a_verdict(&subject);
    doc_free(subject.content);
}


static void
a_good_claim(void **state)
{
    try_file("claim-99001-all.xml", EHR_CONTENT_XML, 1);
}


static void
a_wrong_claim_is_never_accepted(void **state)
{
    try_file("claim-99001-wrong.xml", EHR_CONTENT_XML, 0);
}


static void
an_examination_with_two_copies(void **state)
{
    try_file("driver-exam-99001.json", EHR_CONTENT_JSON, 1);
}


static void
a_claim_of_decomposed_text(void **state)
{
    subject_t  subject = { doc_file("checkin-99001.xml"), EHR_CONTENT_XML,
                           1 };

    subject.content = doc_swap(subject.content, "<HO_TEN>",
                               "<HO_TEN>A\u0301 ");
    no_small_arena_is_a_verdict(&subject);
    no_failure_is_a_verdict(&subject);
    doc_free(subject.content);
}


static ehr_validator_t *
validator_open(const char *path)
{
    char                  doubt[512];
    ehr_validator_t      *v;
    ehr_validator_conf_t  conf = { path, NULL, 0, NOW_MS };

    v = ehr_validator_open(&conf, doubt, sizeof(doubt));

    if (v == NULL) {
        print_error("%s\n", doubt);
    }

    return v;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_good_claim),
        cmocka_unit_test(a_wrong_claim_is_never_accepted),
        cmocka_unit_test(an_examination_with_two_copies),
        cmocka_unit_test(a_claim_of_decomposed_text)
    };

    int  nfailed;

    validators[0].kind = EHR_KIND_CLAIM;
    validators[0].validator = validator_open(EHR_OUT "/plugins/claims.so");
    validators[1].kind = EHR_KIND_DRIVER_EXAM;
    validators[1].validator = validator_open(EHR_OUT
                                             "/plugins/driver_exam.so");

    if (validators[0].validator == NULL || validators[1].validator == NULL) {
        return 1;
    }

    nfailed = cmocka_run_group_tests(tests, NULL, NULL);
    ehr_validator_close(validators[0].validator);
    ehr_validator_close(validators[1].validator);

    return nfailed;
}
