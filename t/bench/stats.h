/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What was measured: answers by status, faults, latencies.  Knows no clock.
 */

#ifndef STATS_H
#define STATS_H


#include <stdint.h>
#include <stdio.h>

#include "conn.h"


#define STATS_STATUS_MAX  600
#define STATS_SUB         64            /* buckets a power of two: 1.6 % */
#define STATS_BUCKETS     (STATS_SUB * 34)

/* All zero is a valid start. */

typedef struct {
    uint64_t  answers;
    uint64_t  unexpected;               /* of these, another status */
    uint64_t  duplicates;               /* of these, said to be one */
    uint64_t  retries;
    uint64_t  unanswered;               /* given up */
    uint64_t  bytes_sent;
    uint64_t  status[STATS_STATUS_MAX];
    uint64_t  faults[CONN_FAULT_LAST];
    uint64_t  buckets[STATS_BUCKETS];   /* of latencies */
    uint64_t  latency_sum_us;
    uint64_t  latency_max_us;
    uint64_t  latencies;
    int64_t   start_ns;                 /* of the first, the last */
    int64_t   end_ns;
} stats_t;


void stats_latency(stats_t *st, int64_t ns);

/* Adds what another thread measured. */
void stats_merge(stats_t *st, const stats_t *other);

/* Microseconds; q of 0.5 is the median. */
uint64_t stats_quantile(const stats_t *st, double q);

double stats_seconds(const stats_t *st);

/* The members of a JSON object, without its braces. */
void stats_print_json(const stats_t *st, FILE *fp);

/* The same for a person. */
void stats_print_text(const stats_t *st, FILE *fp);


#endif /* STATS_H */
