/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Latencies in buckets of equal relative width, so that a window of any
 * length costs the same memory and is exact to 1.6 %.
 */

#include <stdio.h>

#include "stats.h"


#define STATS_NS_US  1000
#define STATS_NS_S   1e9


/* Values below STATS_SUB have a bucket each; above, STATS_SUB buckets lie
 * between a power of two and the next. */

static size_t
stats_bucket(uint64_t us)
{
    size_t  bucket, shift;

    if (us < STATS_SUB) {
        return (size_t) us;
    }

    shift = (size_t) (63 - __builtin_clzll(us)) - 6;
    bucket = (shift + 1) * STATS_SUB + ((us >> shift) - STATS_SUB);

    return bucket < STATS_BUCKETS ? bucket : STATS_BUCKETS - 1;
}


static uint64_t
stats_bucket_value(size_t bucket)
{
    size_t  shift;

    if (bucket < STATS_SUB) {
        return bucket;
    }

    shift = bucket / STATS_SUB - 1;

    return (uint64_t) (bucket % STATS_SUB + STATS_SUB) << shift;
}


void
stats_latency(stats_t *st, int64_t ns)
{
    uint64_t  us;

    us = ns > 0 ? (uint64_t) ns / STATS_NS_US : 0;

    st->buckets[stats_bucket(us)]++;
    st->latency_sum_us += us;
    st->latencies++;

    if (us > st->latency_max_us) {
        st->latency_max_us = us;
    }
}


void
stats_merge(stats_t *st, const stats_t *other)
{
    st->answers += other->answers;
    st->unexpected += other->unexpected;
    st->duplicates += other->duplicates;
    st->retries += other->retries;
    st->unanswered += other->unanswered;
    st->bytes_sent += other->bytes_sent;
    st->latency_sum_us += other->latency_sum_us;
    st->latencies += other->latencies;

    if (other->latency_max_us > st->latency_max_us) {
        st->latency_max_us = other->latency_max_us;
    }

    if (st->start_ns == 0 || other->start_ns < st->start_ns) {
        st->start_ns = other->start_ns;
    }

    if (other->end_ns > st->end_ns) {
        st->end_ns = other->end_ns;
    }

    for (size_t i = 0; i < STATS_STATUS_MAX; i++) {
        st->status[i] += other->status[i];
    }

    for (size_t i = 0; i < CONN_FAULT_LAST; i++) {
        st->faults[i] += other->faults[i];
    }

    for (size_t i = 0; i < STATS_BUCKETS; i++) {
        st->buckets[i] += other->buckets[i];
    }
}


uint64_t
stats_quantile(const stats_t *st, double q)
{
    uint64_t  wanted, seen;

    wanted = (uint64_t) (q * (double) st->latencies);
    seen = 0;

    for (size_t i = 0; i < STATS_BUCKETS; i++) {
        seen += st->buckets[i];

        if (seen > wanted) {
            return stats_bucket_value(i);
        }
    }

    return st->latency_max_us;
}


double
stats_seconds(const stats_t *st)
{
    return (double) (st->end_ns - st->start_ns) / STATS_NS_S;
}


static double
stats_rate(const stats_t *st)
{
    double  seconds;

    seconds = stats_seconds(st);

    return seconds > 0 ? (double) st->answers / seconds : 0;
}


static double
stats_mean_us(const stats_t *st)
{
    if (st->latencies == 0) {
        return 0;
    }

    return (double) st->latency_sum_us / (double) st->latencies;
}


static void
stats_print_counts(const stats_t *st, FILE *fp)
{
    const char  *comma = "";

    fprintf(fp, "\"by_status\":{");

    for (size_t i = 0; i < STATS_STATUS_MAX; i++) {
        if (st->status[i] != 0) {
            fprintf(fp, "%s\"%zu\":%lu", comma, i,
                    (unsigned long) st->status[i]);
            comma = ",";
        }
    }

    fprintf(fp, "},\"errors\":{");
    comma = "";

    for (size_t i = 0; i < CONN_FAULT_LAST; i++) {
        fprintf(fp, "%s\"%s\":%lu", comma, conn_fault_name((conn_fault_e) i),
                (unsigned long) st->faults[i]);
        comma = ",";
    }

    fprintf(fp, "}");
}


void
stats_print_json(const stats_t *st, FILE *fp)
{
    fprintf(fp, "\"seconds\":%.6f,\"answers\":%lu,\"rate\":%.1f,",
            stats_seconds(st), (unsigned long) st->answers, stats_rate(st));

    fprintf(fp, "\"unexpected\":%lu,\"duplicates\":%lu,\"retries\":%lu,"
                "\"unanswered\":%lu,\"bytes_sent\":%lu,",
            (unsigned long) st->unexpected, (unsigned long) st->duplicates,
            (unsigned long) st->retries, (unsigned long) st->unanswered,
            (unsigned long) st->bytes_sent);

    fprintf(fp, "\"latency_us\":{\"mean\":%.0f,\"p50\":%lu,\"p90\":%lu,"
                "\"p99\":%lu,\"max\":%lu},",
            stats_mean_us(st), (unsigned long) stats_quantile(st, 0.5),
            (unsigned long) stats_quantile(st, 0.9),
            (unsigned long) stats_quantile(st, 0.99),
            (unsigned long) st->latency_max_us);

    stats_print_counts(st, fp);
}


void
stats_print_text(const stats_t *st, FILE *fp)
{
    fprintf(fp, "%lu answers in %.2f s, %.0f/s; p50 %.2f ms, p90 %.2f ms, "
                "p99 %.2f ms, max %.2f ms\n",
            (unsigned long) st->answers, stats_seconds(st), stats_rate(st),
            (double) stats_quantile(st, 0.5) / 1000,
            (double) stats_quantile(st, 0.9) / 1000,
            (double) stats_quantile(st, 0.99) / 1000,
            (double) st->latency_max_us / 1000);

    for (size_t i = 0; i < STATS_STATUS_MAX; i++) {
        if (st->status[i] != 0) {
            fprintf(fp, "  %zu: %lu\n", i, (unsigned long) st->status[i]);
        }
    }

    for (size_t i = 0; i < CONN_FAULT_LAST; i++) {
        if (st->faults[i] != 0) {
            fprintf(fp, "  %s: %lu\n", conn_fault_name((conn_fault_e) i),
                    (unsigned long) st->faults[i]);
        }
    }

    fprintf(fp, "  unexpected %lu, duplicates %lu, retries %lu, "
                "unanswered %lu\n",
            (unsigned long) st->unexpected, (unsigned long) st->duplicates,
            (unsigned long) st->retries, (unsigned long) st->unanswered);
}
