/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a fuzz target is: two functions.  The harness (fuzz.c) gives memory,
 * measures each unit and ends the process when a promise is broken, which is
 * what libFuzzer calls a crash.
 */

#ifndef EHR_FUZZ_H
#define EHR_FUZZ_H


#include "ehr_problem.h"


#define FUZZ_ARENA   (64 * 1024 * 1024)     /* as much as a document may use */
#define FUZZ_CPU_MS  200                    /* more is a slow unit */
#define FUZZ_NOW_MS  1781049600000LL        /* 2026-06-10T00:00:00Z */


/* --- of the target ------------------------------------------------------- */

/* Once, before the first unit. */
void fuzz_begin(void);

/* One unit; the arena lives as long as the call. */
void fuzz_one(ehr_str_t bytes, ehr_arena_t *arena);


/* --- of the harness ------------------------------------------------------ */

/* The promise that does not hold; does not return. */
_Noreturn void fuzz_broken(const char *promise, const char *file, int line);

#define fuzz_check(holds)                                                     \
    ((holds) ? (void) 0 : fuzz_broken(#holds, __FILE__, __LINE__))


/* CPU time of this thread. */
int64_t fuzz_cpu_ns(void);

/* The first byte of what is left, 0 at its end. */
unsigned fuzz_byte(ehr_str_t *bytes);

/* What is left up to the mark, which is dropped; all without one. */
ehr_str_t fuzz_part(ehr_str_t *bytes, char mark);

/* JSON that others have to read: it is, and no name is in it twice. */
void fuzz_check_json(ehr_str_t json);

/* One place, good sentences, no value of a person, JSON of them. */
void fuzz_check_findings(const ehr_findings_t *findings, ehr_arena_t *arena);


/* libFuzzer's two doors. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


#endif /* EHR_FUZZ_H */
