/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides whether one more document fits a rate.  Refuses to know whose
 * bucket it is, which clock is used and what happens to a document that does
 * not fit.
 */

#include <stdatomic.h>

#include "ehr_gcra.h"


#define EHR_GCRA_SCALE_US  (1000 * 1000 * 1000LL)     /* 1000 s */

/* Each failed swap means that another process succeeded; nobody loses so
 * often by chance. */

#define EHR_GCRA_TRIES     128

#define EHR_GCRA_KEY_MAX   256

#define EHR_FNV_OFFSET     0xcbf29ce484222325ULL
#define EHR_FNV_PRIME      0x100000001b3ULL


typedef struct {
    _Atomic uint64_t  key;            /* 0: free */
    _Atomic int64_t   tat_us;
} ehr_gcra_slot_t;


_Static_assert(sizeof(ehr_gcra_slot_t) * EHR_GCRA_WAYS == EHR_GCRA_TABLE_MIN,
               "a set is 128 bytes");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "locks do not survive a kill");


static int64_t ehr_gcra_burst(const ehr_gcra_rate_t *rate);
static ehr_gcra_slot_t *ehr_gcra_bucket(const ehr_gcra_table_t *table,
                                        uint64_t key);
static ehr_gcra_slot_t *ehr_gcra_find(ehr_gcra_slot_t *set, uint64_t key);
static ehr_gcra_slot_t *ehr_gcra_oldest(ehr_gcra_slot_t *set);
static int ehr_gcra_is_double(ehr_gcra_slot_t *set, uint64_t key);


int64_t
ehr_gcra_step_us(const ehr_gcra_rate_t *rate)
{
    int64_t  milli = rate->rate_milli;

    if (milli < 1) {
        milli = 1;
    }

    if (milli > EHR_GCRA_RATE_MAX) {
        milli = EHR_GCRA_RATE_MAX;
    }

    return (EHR_GCRA_SCALE_US + milli - 1) / milli;
}


int64_t
ehr_gcra_window_us(const ehr_gcra_rate_t *rate)
{
    return ehr_gcra_step_us(rate) * ehr_gcra_burst(rate);
}


static int64_t
ehr_gcra_burst(const ehr_gcra_rate_t *rate)
{
    if (rate->burst < 1) {
        return 1;
    }

    return rate->burst > EHR_GCRA_BURST_MAX ? EHR_GCRA_BURST_MAX
                                            : rate->burst;
}


ehr_gcra_verdict_t
ehr_gcra_take(const ehr_gcra_rate_t *rate, int64_t now_us, int64_t *tat_us)
{
    int      is_allowed;
    int64_t  step, full, tat;

    step = ehr_gcra_step_us(rate);
    full = now_us + ehr_gcra_window_us(rate);
    tat = *tat_us > now_us ? *tat_us : now_us;

    if (tat > full) {
        tat = full;
        *tat_us = tat;
    }

    is_allowed = tat + step <= full;

    if (is_allowed) {
        tat += step;
        *tat_us = tat;
    }

    return ehr_gcra_verdict(rate, is_allowed, tat - now_us);
}


ehr_gcra_verdict_t
ehr_gcra_verdict(const ehr_gcra_rate_t *rate, int is_allowed,
                 int64_t ahead_us)
{
    int64_t             step, window;
    ehr_gcra_verdict_t  verdict;

    step = ehr_gcra_step_us(rate);
    window = ehr_gcra_window_us(rate);

    if (ahead_us < 0) {
        ahead_us = 0;
    }

    if (ahead_us > window) {
        ahead_us = window;
    }

    verdict.is_allowed = is_allowed;
    verdict.limit = ehr_gcra_burst(rate);
    verdict.remaining = (window - ahead_us) / step;
    verdict.reset_us = ahead_us;
    verdict.retry_us = 0;

    if (!is_allowed) {
        verdict.remaining = 0;
        verdict.retry_us = ahead_us + step - window;

        if (verdict.retry_us < 1) {
            verdict.retry_us = 1;
        }
    }

    return verdict;
}


ehr_gcra_verdict_t
ehr_gcra_table_take(const ehr_gcra_table_t *table, uint64_t key,
                    const ehr_gcra_rate_t *rate, int64_t now_us)
{
    int64_t              seen, tat;
    ehr_gcra_slot_t     *slot;
    ehr_gcra_verdict_t   verdict;

    slot = ehr_gcra_bucket(table, key ? key : 1);
    seen = atomic_load_explicit(&slot->tat_us, memory_order_relaxed);

    /* If the bucket is given to another key just here, one document is
     * counted on the newcomer: less than a lock would cost. */

    for (int i = 0; i < EHR_GCRA_TRIES; i++) {
        tat = seen;
        verdict = ehr_gcra_take(rate, now_us, &tat);

        if (tat == seen
            || atomic_compare_exchange_weak(&slot->tat_us, &seen, tat))
        {
            return verdict;
        }
    }

    /* Whoever is beaten to it so often is one of a flood. */

    return ehr_gcra_verdict(rate, 0, ehr_gcra_window_us(rate));
}


static ehr_gcra_slot_t *
ehr_gcra_bucket(const ehr_gcra_table_t *table, uint64_t key)
{
    uint64_t          old;
    ehr_gcra_slot_t  *set, *slot;

    set = (ehr_gcra_slot_t *) table->mem
          + key % (table->size / EHR_GCRA_TABLE_MIN) * EHR_GCRA_WAYS;

    for (int i = 0; i < EHR_GCRA_TRIES; i++) {
        slot = ehr_gcra_find(set, key);
        if (slot != NULL) {
            return slot;
        }

        slot = ehr_gcra_oldest(set);
        old = atomic_load(&slot->key);

        if (old == key || !atomic_compare_exchange_strong(&slot->key, &old,
                                                          key))
        {
            continue;
        }

        if (!ehr_gcra_is_double(set, key)) {
            return slot;
        }

        /* Another process opened a bucket for it meanwhile, and may have
         * counted there: ours goes. */

        old = key;
        (void) atomic_compare_exchange_strong(&slot->key, &old, 0);
    }

    /* Shared with a stranger; the limits of both still hold. */

    return set;
}


static ehr_gcra_slot_t *
ehr_gcra_find(ehr_gcra_slot_t *set, uint64_t key)
{
    for (int i = 0; i < EHR_GCRA_WAYS; i++) {
        if (atomic_load(&set[i].key) == key) {
            return &set[i];
        }
    }

    return NULL;
}


static ehr_gcra_slot_t *
ehr_gcra_oldest(ehr_gcra_slot_t *set)
{
    int64_t           tat, least = INT64_MAX;
    ehr_gcra_slot_t  *slot = set;

    for (int i = 0; i < EHR_GCRA_WAYS; i++) {
        tat = atomic_load_explicit(&set[i].tat_us, memory_order_relaxed);

        if (tat < least) {
            least = tat;
            slot = &set[i];
        }
    }

    return slot;
}


static int
ehr_gcra_is_double(ehr_gcra_slot_t *set, uint64_t key)
{
    int  n = 0;

    for (int i = 0; i < EHR_GCRA_WAYS; i++) {
        n += atomic_load(&set[i].key) == key;
    }

    return n > 1;
}


/* FNV-1a, with a final mix because its low bits pick the set. */

uint64_t
ehr_gcra_key(const void *data, size_t len)
{
    uint64_t        h = EHR_FNV_OFFSET;
    const uint8_t  *p = data;

    for (size_t i = 0; i < len && i < EHR_GCRA_KEY_MAX; i++) {
        h = (h ^ p[i]) * EHR_FNV_PRIME;
    }

    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdULL;
    h ^= h >> 33;

    return h ? h : 1;
}
