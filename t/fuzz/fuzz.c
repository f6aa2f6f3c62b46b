/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Runs one unit under a limit of CPU and memory, and says which promise was
 * broken.  It does not know what the unit is.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#include <jansson.h>

#include "ehr_json.h"
#include "ehr_json_gate.h"
#include "fuzz.h"


#define FUZZ_ENDLESS_SEC  5    /* of CPU: the wall's clock runs on while others
                                  have the processor */


/* Of the invented people in the corpus: no sentence may carry them. */

static const char *const  canaries[] = {
    "THỬ NGHIỆM", "Thử Nghiệm", "4010100000000", "001190000000"
};


void
fuzz_broken(const char *promise, const char *file, int line)
{
    (void) fprintf(stderr, "%s:%d: broken promise: %s\n", file, line,
                   promise);
    abort();
}


int64_t
fuzz_cpu_ns(void)
{
    struct timespec  t;

    fuzz_check(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);

    return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}


static void
fuzz_endless(int signal)
{
    fuzz_broken("a unit ends", __FILE__, __LINE__);
}


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    fuzz_check(signal(SIGVTALRM, fuzz_endless) != SIG_ERR);
    fuzz_begin();

    return 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t           began;
    ehr_str_t         bytes = { (const char *) data, size };
    ehr_arena_t      *arena = ehr_arena_create(FUZZ_ARENA);
    struct itimerval  limit = { { 0, 0 }, { FUZZ_ENDLESS_SEC, 0 } };

    fuzz_check(arena != NULL);
    fuzz_check(setitimer(ITIMER_VIRTUAL, &limit, NULL) == 0);

    began = fuzz_cpu_ns();
    fuzz_one(bytes, arena);
    fuzz_check(fuzz_cpu_ns() - began < FUZZ_CPU_MS * 1000000LL);

    ehr_arena_destroy(arena);

    return 0;
}


/* --- pieces of a unit ---------------------------------------------------- */


unsigned
fuzz_byte(ehr_str_t *bytes)
{
    if (bytes->len == 0) {
        return 0;
    }

    bytes->len--;

    return (unsigned char) *bytes->data++;
}


ehr_str_t
fuzz_part(ehr_str_t *bytes, char mark)
{
    ehr_str_t    part = *bytes;
    const char  *end = part.len ? memchr(part.data, mark, part.len) : NULL;

    if (end == NULL) {
        bytes->data += bytes->len;
        bytes->len = 0;

        return part;
    }

    part.len = (size_t) (end - part.data);
    bytes->data += part.len + 1;
    bytes->len -= part.len + 1;

    return part;
}


/* --- promises that many targets share ------------------------------------ */


void
fuzz_check_json(ehr_str_t json)
{
    json_t  *value;

    fuzz_check(json.data != NULL);

    value = json_loadb(json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
    fuzz_check(value != NULL);
    json_decref(value);
}


static void
check_sentence(ehr_str_t text)
{
    ehr_json_gate_result_t  result;

    fuzz_check(text.len > 0);
    fuzz_check(ehr_json_gate_check(text, &result) == EHR_JSON_GATE_OK);

    for (size_t i = 0; i < sizeof(canaries) / sizeof(canaries[0]); i++) {
        fuzz_check(memmem(text.data, text.len, canaries[i],
                          strlen(canaries[i])) == NULL);
    }
}


static void
check_finding(const ehr_finding_t *f)
{
    fuzz_check(f->severity == EHR_SEVERITY_ERROR
               || f->severity == EHR_SEVERITY_WARNING);

    check_sentence(f->code);
    check_sentence(f->message_vi);
    check_sentence(f->message_en);
}


void
fuzz_check_findings(const ehr_findings_t *findings, ehr_arena_t *arena)
{
    size_t  nerrors = 0;

    fuzz_check(findings->n <= EHR_FINDINGS_MAX);

    for (size_t i = 0; i < findings->n; i++) {
        check_finding(&findings->items[i]);
        nerrors += (findings->items[i].severity == EHR_SEVERITY_ERROR);
    }

    fuzz_check(nerrors <= findings->nerrors);
    fuzz_check(findings->nerrors <= findings->n + findings->beyond);

    fuzz_check_json(ehr_findings_render(findings, EHR_LANG_VI, arena));
    fuzz_check_json(ehr_findings_render(findings, EHR_LANG_EN, arena));
}
