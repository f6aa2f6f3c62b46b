/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the files of the preloaded library share: the plan, which says what is
 * to happen to a call.  It lies in a file of 4096 bytes that all processes
 * have mapped; t/lib/EHR/Fault.pm writes it.
 *
 *   0     lines "CALL NAME N[+] ACT\n", or a zero byte: nothing happens.  The
 *         first line holds, until a "next" goes on to the one below
 *         CALL    open write sync truncate, or any: of a file of the folder
 *                 send recv: of a connection under TLS, what is said within
 *                 memory: malloc() and its kin, in a plan's first line, and
 *                 not where a sanitizer has its own
 *         NAME    how a file's name ends ("-wal"), "*" for every file, and
 *                 for memory; of a connection ":PORT", either end's
 *         N       the N-th such call since the line holds; with "+" every
 *                 later one too
 *         ACT     an errno (ENOSPC EIO EROFS EMFILE ENOMEM), dead (EIO, and
 *                 every later call on every file too), short (half is
 *                 written),
 *                 lie (an fsync that does nothing and says yes),
 *                 kill-before, kill-after (SIGKILL), crash-before,
 *                 crash-after (SIGKILL to its whole process group, which
 *                 nginx has one of its own in the tests),
 *                 hang (until the plan changes), next (the line below holds,
 *                 from the end of this call on, for this process alone).
 *                 For send and recv: those of this paragraph only
 *   512   uint64_t: 16 bits of the plan's number, 16 of the line's, 32 of the
 *         number of its calls; number of those that were acted on; the
 *         process for which the line holds (0: for all)
 *   1024  "MS\n": milliseconds added to the wall clock
 */

#ifndef FAULT_PRELOAD_H
#define FAULT_PRELOAD_H


#include <stdint.h>


typedef enum {
    FAULT_ACT_NONE = 0,
    FAULT_ACT_FAIL,           /* errno is set */
    FAULT_ACT_SHORT,
    FAULT_ACT_LIE,
    FAULT_ACT_KILL,           /* after the call, as the others below */
    FAULT_ACT_CRASH,
    FAULT_ACT_NEXT
} fault_act_e;


/* Two names of one thing; either may be NULL. */

typedef struct {
    const char  *first;
    const char  *second;
} fault_names_t;


/* Nothing here is any business of the programs under test. */

#pragma GCC visibility push(hidden)


/* Does: finds the plan and the calls beneath ours, once. */
void fault_begin(void);

/* Gives: the address of the function that ours stands before.  Never: NULL. */
void fault_find(void *to, const char *name);

/* Does: maps the plan. */
void fault_plan_open(const char *path);

/* Gives: whether anything is planned. */
int fault_is_planned(void);

/* Gives: whether the plan's first line is about this call. */
int fault_plan_begins(const char *call);

/* Gives: what is to happen to this call; what comes before it has happened. */
fault_act_e fault_act(const char *call, fault_names_t names);

/* Does: what comes after it. */
void fault_after(fault_act_e act);

/* Gives: how far ahead the wall clock is. */
int64_t fault_clock_ms(void);


#pragma GCC visibility pop


#endif /* FAULT_PRELOAD_H */
