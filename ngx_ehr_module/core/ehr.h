/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What every file of core/ shares: results, strings, the memory arena.  Core
 * is plain C11: no nginx, no clock, no socket.
 */

#ifndef EHR_H
#define EHR_H


#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ehr_plugin.h"


typedef enum {
    EHR_OK = 0,
    EHR_AGAIN,                /* not finished; ask again */
    EHR_REFUSED,              /* the sender's fault, permanent */
    EHR_LATER,                /* nobody's fault, temporary */
    EHR_BROKEN                /* ours: a bug, no memory, a broken file */
} ehr_rc_t;


#define EHR_UUID_LEN      36
#define EHR_SHA256_LEN    32
#define EHR_FACILITY_MAX  16  /* characters of MA_CSKCB we are ready for */

/* Two workers' readings of the wall clock differ: each turn of an event loop
 * takes one, and may be long.  A time ahead by less than this was not set by
 * a clock that has been put back since. */
#define EHR_CLOCK_LAG_MS  10000


/*
 * Memory of one piece of work (a document, a token, a plugin call).  Not
 * thread-safe: one owner at a time.  Everything lives until the arena is
 * destroyed; there is no free of a single piece.
 */

typedef struct ehr_arena_s  ehr_arena_t;

/* Gives NULL without memory.  cap_bytes bounds the sum of all pieces. */
ehr_arena_t *ehr_arena_create(size_t cap_bytes);

/* NULL is allowed. */
void ehr_arena_destroy(ehr_arena_t *arena);

/* Aligned to 16 bytes, not cleared; NULL when the cap is reached. */
void *ehr_arena_alloc(ehr_arena_t *arena, size_t size);

/* The same, cleared. */
void *ehr_arena_calloc(ehr_arena_t *arena, size_t size);

/* A copy with a NUL behind it; data is NULL when there is no memory. */
ehr_str_t ehr_arena_dup(ehr_arena_t *arena, const char *data, size_t len);

size_t ehr_arena_used(const ehr_arena_t *arena);

/* 1: something was not given although the arena's own bound allowed it: the
 * machine has no memory now, and may have some later. */
int ehr_arena_is_short(const ehr_arena_t *arena);


static inline int
ehr_str_eq(ehr_str_t a, ehr_str_t b)
{
    return a.len == b.len
           && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


static inline int
ehr_str_is(ehr_str_t s, const char *literal)
{
    size_t  len = strlen(literal);

    return s.len == len && (len == 0 || memcmp(s.data, literal, len) == 0);
}


static inline ehr_str_t
ehr_str(const char *zero_terminated)
{
    ehr_str_t  s;

    s.data = zero_terminated;
    s.len = zero_terminated ? strlen(zero_terminated) : 0;

    return s;
}


#endif /* EHR_H */
