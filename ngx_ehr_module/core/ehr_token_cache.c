/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Keeps verified tokens in a set-associative table.  Refuses to know what a
 * token says, how it was verified and whether its facility still stands.
 *
 * A slot's life:
 *
 *  1. its sequence is even: nobody writes.
 *  2. a writer swaps in an odd one that carries the second it began.
 *  3. it stores the words, the last of them a checksum of all the others.
 *  4. it swaps in the next even one, unless it was taken for dead meanwhile.
 *
 * A writer killed between 2 and 4 leaves an odd sequence: readers pass by, and
 * after EHR_TOKEN_CACHE_DEAD_SEC the next writer starts over from 2.  A writer
 * that was only asleep for so long may still store words into what is then
 * another's slot; the checksum no longer fits, and readers pass by again.
 */

#include <stdatomic.h>

#include "ehr_token_cache.h"


#define EHR_TOKEN_CACHE_WAYS      8
#define EHR_TOKEN_CACHE_DEAD_SEC  2

/* Sequence: 31 bits of a counter, 32 bits of seconds, 1 bit "is written". */

#define EHR_SEQ_WRITING           1ULL
#define EHR_SEQ_SECOND(seq)       ((uint32_t) ((seq) >> 1))
#define EHR_SEQ_COUNTER_ONE       (1ULL << 33)
#define EHR_SEQ_COUNTER(seq)      ((seq) & ~(EHR_SEQ_COUNTER_ONE - 1))


/* What a slot holds, seen as words so that each is loaded and stored whole. */

typedef struct {
    uint8_t   key[16];                /* of the token's SHA-256; zero: none */
    int64_t   cached_at;
    int64_t   dies_at;
    int64_t   issued_at;
    int64_t   expires_at;
    int64_t   facility_version;
    char      facility[EHR_FACILITY_MAX];
    uint8_t   thumbprint[EHR_SHA256_LEN];
    uint64_t  scopes;
    uint64_t  checksum;
} ehr_token_record_t;

#define EHR_TOKEN_WORDS  (sizeof(ehr_token_record_t) / sizeof(uint64_t))


typedef struct {
    _Atomic uint64_t  seq;
    _Atomic uint64_t  words[EHR_TOKEN_WORDS];
} ehr_token_slot_t;


_Static_assert(sizeof(ehr_token_slot_t) == 128,
               "two cache lines, and no padding for the checksum to miss");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "locks do not survive a kill");


static ehr_token_slot_t *ehr_token_cache_set(void *mem, size_t size,
                                             const uint8_t *digest);
static int ehr_token_slot_load(ehr_token_slot_t *slot,
                               ehr_token_record_t *record);
static void ehr_token_slot_store(ehr_token_slot_t *slot, int64_t now_sec,
                                 const ehr_token_record_t *record);
static ehr_token_slot_t *ehr_token_cache_victim(ehr_token_slot_t *set,
                                                const uint8_t *key,
                                                int64_t now_sec);
static uint64_t ehr_token_checksum(const uint64_t *words);


int
ehr_token_cache_get(void *mem, size_t size,
                    const uint8_t digest[EHR_SHA256_LEN],
                    const uint8_t thumbprint[EHR_SHA256_LEN],
                    int64_t now_sec, ehr_token_cached_t *out)
{
    ehr_token_slot_t    *set;
    ehr_token_record_t   record;

    set = ehr_token_cache_set(mem, size, digest);

    for (int i = 0; set != NULL && i < EHR_TOKEN_CACHE_WAYS; i++) {

        /* A clock set back must not give an entry a longer life. */

        if (!ehr_token_slot_load(&set[i], &record)
            || memcmp(record.key, digest, sizeof(record.key)) != 0
            || now_sec < record.cached_at || now_sec >= record.dies_at
            || memcmp(record.thumbprint, thumbprint, EHR_SHA256_LEN) != 0)
        {
            continue;
        }

        memcpy(out->facility, record.facility, EHR_FACILITY_MAX);
        out->facility[EHR_FACILITY_MAX] = '\0';
        out->scopes = (uint32_t) record.scopes;
        out->issued_at = record.issued_at;
        out->expires_at = record.expires_at;
        out->facility_version = record.facility_version;
        memcpy(out->thumbprint, record.thumbprint, EHR_SHA256_LEN);

        return 1;
    }

    return 0;
}


void
ehr_token_cache_put(void *mem, size_t size,
                    const uint8_t digest[EHR_SHA256_LEN], int64_t now_sec,
                    const ehr_token_cached_t *in)
{
    ehr_token_slot_t    *set, *slot;
    ehr_token_record_t   record;

    set = ehr_token_cache_set(mem, size, digest);

    if (set == NULL || in->expires_at <= now_sec) {
        return;
    }

    memset(&record, 0, sizeof(ehr_token_record_t));
    memcpy(record.key, digest, sizeof(record.key));
    memcpy(record.facility, in->facility,
           strnlen(in->facility, EHR_FACILITY_MAX));
    memcpy(record.thumbprint, in->thumbprint, EHR_SHA256_LEN);

    record.scopes = in->scopes;
    record.issued_at = in->issued_at;
    record.expires_at = in->expires_at;
    record.facility_version = in->facility_version;
    record.cached_at = now_sec;
    record.dies_at = now_sec + EHR_TOKEN_CACHE_MAX_SEC;

    if (record.dies_at > in->expires_at) {
        record.dies_at = in->expires_at;
    }

    slot = ehr_token_cache_victim(set, record.key, now_sec);
    if (slot != NULL) {
        ehr_token_slot_store(slot, now_sec, &record);
    }
}


/* Bytes of the digest that are not in the key pick the set. */

static ehr_token_slot_t *
ehr_token_cache_set(void *mem, size_t size, const uint8_t *digest)
{
    size_t    nsets;
    uint64_t  h;

    nsets = size / (EHR_TOKEN_CACHE_WAYS * sizeof(ehr_token_slot_t));
    if (nsets == 0) {
        return NULL;
    }

    memcpy(&h, digest + 16, sizeof(h));

    return (ehr_token_slot_t *) mem + h % nsets * EHR_TOKEN_CACHE_WAYS;
}


/* One attempt: 1 and a whole record, or 0. */

static int
ehr_token_slot_load(ehr_token_slot_t *slot, ehr_token_record_t *record)
{
    uint64_t  seq, words[EHR_TOKEN_WORDS];

    seq = atomic_load_explicit(&slot->seq, memory_order_acquire);

    if (seq == 0 || (seq & EHR_SEQ_WRITING)) {
        return 0;
    }

    for (size_t i = 0; i < EHR_TOKEN_WORDS; i++) {
        words[i] = atomic_load_explicit(&slot->words[i],
                                        memory_order_acquire);
    }

    if (atomic_load_explicit(&slot->seq, memory_order_relaxed) != seq) {
        return 0;
    }

    memcpy(record, words, sizeof(words));

    return record->checksum == ehr_token_checksum(words);
}


static void
ehr_token_slot_store(ehr_token_slot_t *slot, int64_t now_sec,
                     const ehr_token_record_t *record)
{
    uint64_t  seq, mine, words[EHR_TOKEN_WORDS];

    seq = atomic_load(&slot->seq);

    if ((seq & EHR_SEQ_WRITING)
        && (uint32_t) now_sec - EHR_SEQ_SECOND(seq) < EHR_TOKEN_CACHE_DEAD_SEC)
    {
        return;
    }

    mine = (EHR_SEQ_COUNTER(seq) + EHR_SEQ_COUNTER_ONE)
           | (uint64_t) (uint32_t) now_sec << 1 | EHR_SEQ_WRITING;

    if (!atomic_compare_exchange_strong(&slot->seq, &seq, mine)) {
        return;
    }

    memcpy(words, record, sizeof(words));
    words[EHR_TOKEN_WORDS - 1] = ehr_token_checksum(words);

    for (size_t i = 0; i < EHR_TOKEN_WORDS; i++) {
        atomic_store_explicit(&slot->words[i], words[i],
                              memory_order_release);
    }

    (void) atomic_compare_exchange_strong(&slot->seq, &mine,
                                          mine & ~EHR_SEQ_WRITING);
}


/* The slot of the same token; or one that is free, dead or cannot be read; or
 * the one that dies first. */

static ehr_token_slot_t *
ehr_token_cache_victim(ehr_token_slot_t *set, const uint8_t *key,
                       int64_t now_sec)
{
    int64_t              dies_at, least = INT64_MAX;
    ehr_token_slot_t    *victim = NULL;
    ehr_token_record_t   record;

    for (int i = 0; i < EHR_TOKEN_CACHE_WAYS; i++) {
        dies_at = 0;

        if (ehr_token_slot_load(&set[i], &record)) {

            if (memcmp(record.key, key, sizeof(record.key)) == 0) {
                return &set[i];
            }

            dies_at = record.dies_at > now_sec ? record.dies_at : 0;
        }

        if (dies_at < least) {
            least = dies_at;
            victim = &set[i];
        }
    }

    return victim;
}


/* Finds torn records; an enemy who can write here needs no collision. */

static uint64_t
ehr_token_checksum(const uint64_t *words)
{
    uint64_t  h = 0x9e3779b97f4a7c15ULL;

    for (size_t i = 0; i < EHR_TOKEN_WORDS - 1; i++) {
        h = (h ^ words[i]) * 0xff51afd7ed558ccdULL;
        h ^= h >> 32;
    }

    return h;
}
