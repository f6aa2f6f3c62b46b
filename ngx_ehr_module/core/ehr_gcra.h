/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The generic cell rate algorithm: one number a bucket, the theoretical
 * arrival time (TAT) of the next document at the steady rate.  The arithmetic
 * alone, and a lock-free table of buckets in memory that processes share.
 */

#ifndef EHR_GCRA_H
#define EHR_GCRA_H


#include "ehr.h"


/* Beyond these a rate is cut to them. */

#define EHR_GCRA_RATE_MAX   (1000 * 1000 * 1000LL)    /* a million a second */
#define EHR_GCRA_BURST_MAX  (1000 * 1000LL)


typedef struct {
    int64_t  rate_milli;              /* documents a 1000 s, at least 1 */
    int64_t  burst;                   /* at least 1 */
} ehr_gcra_rate_t;


typedef struct {
    int      is_allowed;
    int64_t  limit;                   /* the burst */
    int64_t  remaining;               /* allowed at once after this one */
    int64_t  reset_us;                /* until the whole burst is there */
    int64_t  retry_us;                /* refused: until one is allowed */
} ehr_gcra_verdict_t;


/* Microseconds from one document to the next, rounded up: never faster than
 * promised.  Window: those of a whole burst. */
int64_t ehr_gcra_step_us(const ehr_gcra_rate_t *rate);
int64_t ehr_gcra_window_us(const ehr_gcra_rate_t *rate);

/*
 * Does   decides on one document and moves *tat_us when it is allowed.  A TAT
 *        that this rate cannot have produced (the clock was set back, the
 *        rate was changed) is cut to a full bucket, so that nobody is refused
 *        for longer than one step
 * Takes  now_us: any clock that all users of this TAT share; *tat_us: 0 at
 *        first
 */
ehr_gcra_verdict_t ehr_gcra_take(const ehr_gcra_rate_t *rate, int64_t now_us,
                                 int64_t *tat_us);

/* The numbers of a decision made elsewhere, with ahead_us = TAT - now. */
ehr_gcra_verdict_t ehr_gcra_verdict(const ehr_gcra_rate_t *rate,
                                    int is_allowed, int64_t ahead_us);


/* Memory of the caller: aligned to 8, at least EHR_GCRA_TABLE_MIN bytes; all
 * zero is an empty table. */

#define EHR_GCRA_WAYS       8
#define EHR_GCRA_TABLE_MIN  (EHR_GCRA_WAYS * 16)

typedef struct {
    void    *mem;
    size_t   size;
} ehr_gcra_table_t;


/*
 * Does   ehr_gcra_take() on the key's bucket.  Exact for any number of
 *        processes and threads on a key that is there.  When a set of eight
 *        is full the bucket with the oldest TAT goes: an expired one carries
 *        no information; a live one leaves its TAT to the newcomer, who
 *        begins with less than a burst, never with more
 * Takes  key: evenly distributed (a hash)
 * Never  locks: a process killed anywhere inside leaves a good table
 */
ehr_gcra_verdict_t ehr_gcra_table_take(const ehr_gcra_table_t *table,
                                       uint64_t key,
                                       const ehr_gcra_rate_t *rate,
                                       int64_t now_us);

/* A key of a few bytes, never 0. */
uint64_t ehr_gcra_key(const void *data, size_t len);


#endif /* EHR_GCRA_H */
