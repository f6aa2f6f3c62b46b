/* SPDX-License-Identifier: BSD-2-Clause */

/* The cache of verified tokens: who gets an entry and who does not, and that a
 * writer killed in the middle leaves nothing that is believed. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ehr_token_cache.h"


#define NOW        1750000000LL
#define SIZE       (64 * 1024)
#define SLOT       128
#define ONE_SET    (8 * SLOT)
#define PROCESSES  4
#define TOKENS     50


typedef struct {
    _Atomic int  go;
    _Atomic int  hits;
    _Atomic int  wrong;
    _Alignas(64) unsigned char  cache[SIZE];
} shared_t;


static shared_t  *sh;


static int
shared_create(void **state)
{
    sh = mmap(NULL, sizeof(shared_t), PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return sh == MAP_FAILED ? -1 : 0;
}


static int
shared_free(void **state)
{
    return munmap(sh, sizeof(shared_t));
}


/* A token that is known by its number alone: everything in it follows. */

static void
digest_of(int n, uint8_t digest[EHR_SHA256_LEN])
{
    for (int i = 0; i < EHR_SHA256_LEN; i++) {
        digest[i] = (uint8_t) (n * 31 + i * 7 + (n >> 3));
    }

    digest[0] = (uint8_t) n;
    digest[1] = (uint8_t) (n >> 8);
}


static ehr_token_cached_t
token_of(int n)
{
    ehr_token_cached_t  token;

    memset(&token, 0, sizeof(token));
    memset(token.facility, 'A' + n % 26, 5);
    memset(token.thumbprint, n, EHR_SHA256_LEN);
    token.scopes = (uint32_t) n;
    token.issued_at = NOW - n;
    token.expires_at = NOW + 600 + n;
    token.facility_version = n + 7;

    return token;
}


static void
put_at(int n, int64_t now)
{
    uint8_t             digest[EHR_SHA256_LEN];
    ehr_token_cached_t  token = token_of(n);

    digest_of(n, digest);
    ehr_token_cache_put(sh->cache, SIZE, digest, now, &token);
}


static int
get_at(int n, int64_t now, ehr_token_cached_t *out)
{
    uint8_t             digest[EHR_SHA256_LEN];
    ehr_token_cached_t  token = token_of(n);

    digest_of(n, digest);

    return ehr_token_cache_get(sh->cache, SIZE, digest, token.thumbprint, now,
                               out);
}


static int
is_same(const ehr_token_cached_t *a, const ehr_token_cached_t *b)
{
    return strcmp(a->facility, b->facility) == 0 && a->scopes == b->scopes
           && a->issued_at == b->issued_at && a->expires_at == b->expires_at
           && a->facility_version == b->facility_version
           && memcmp(a->thumbprint, b->thumbprint, EHR_SHA256_LEN) == 0;
}


static void
a_token_that_was_put_is_found_whole(void **state)
{
    ehr_token_cached_t  out, token = token_of(5);

    assert_false(get_at(5, NOW, &out));
    put_at(5, NOW);
    assert_true(get_at(5, NOW, &out));
    assert_true(is_same(&out, &token));
    assert_false(get_at(6, NOW, &out));
}


static void
a_facility_code_of_full_length_is_kept(void **state)
{
    uint8_t             digest[EHR_SHA256_LEN];
    ehr_token_cached_t  out, token = token_of(1);

    memset(token.facility, '9', EHR_FACILITY_MAX);
    digest_of(1, digest);
    ehr_token_cache_put(sh->cache, SIZE, digest, NOW, &token);

    assert_true(get_at(1, NOW, &out));
    assert_string_equal(out.facility, "9999999999999999");
}


static void
another_certificate_does_not_get_it(void **state)
{
    uint8_t             digest[EHR_SHA256_LEN], other[EHR_SHA256_LEN];
    ehr_token_cached_t  out, token = token_of(5);

    put_at(5, NOW);
    digest_of(5, digest);
    memcpy(other, token.thumbprint, EHR_SHA256_LEN);
    other[EHR_SHA256_LEN - 1] ^= 1;

    assert_false(ehr_token_cache_get(sh->cache, SIZE, digest, other, NOW,
                                     &out));
    assert_true(get_at(5, NOW, &out));
}


static void
a_digest_that_differs_in_one_bit_is_another_token(void **state)
{
    uint8_t             digest[EHR_SHA256_LEN];
    ehr_token_cached_t  out, token = token_of(5);

    put_at(5, NOW);

    for (int bit = 0; bit < 128; bit++) {
        digest_of(5, digest);
        digest[bit / 8] ^= (uint8_t) (1 << bit % 8);
        assert_false(ehr_token_cache_get(sh->cache, SIZE, digest,
                                         token.thumbprint, NOW, &out));
    }
}


static void
an_entry_dies_after_five_minutes(void **state)
{
    ehr_token_cached_t  out;

    put_at(5, NOW);
    assert_true(get_at(5, NOW + EHR_TOKEN_CACHE_MAX_SEC - 1, &out));
    assert_false(get_at(5, NOW + EHR_TOKEN_CACHE_MAX_SEC, &out));
}


static void
an_entry_dies_with_its_token(void **state)
{
    ehr_token_cached_t  out, token = token_of(5);

    put_at(5, token.expires_at - 10);
    assert_true(get_at(5, token.expires_at - 1, &out));
    assert_false(get_at(5, token.expires_at, &out));

    put_at(6, NOW + 10000);
    assert_false(get_at(6, NOW + 10000, &out));
}


static void
a_clock_set_back_does_not_prolong_an_entry(void **state)
{
    ehr_token_cached_t  out;

    put_at(5, NOW);
    assert_false(get_at(5, NOW - 3600, &out));
}


static void
the_facilitys_version_comes_back_for_the_caller_to_compare(void **state)
{
    uint8_t             digest[EHR_SHA256_LEN];
    ehr_token_cached_t  out, token = token_of(5);

    put_at(5, NOW);
    digest_of(5, digest);
    token.facility_version = 99;
    ehr_token_cache_put(sh->cache, SIZE, digest, NOW, &token);

    assert_true(get_at(5, NOW, &out));
    assert_int_equal(out.facility_version, 99);
}


static void
a_full_set_gives_up_the_entry_that_dies_first(void **state)
{
    int                  found = 0;
    uint8_t              digest[EHR_SHA256_LEN];
    ehr_token_cached_t   out, token;

    for (int n = 0; n < 9; n++) {
        token = token_of(n);
        token.expires_at = NOW + 100 + n;
        digest_of(n, digest);
        ehr_token_cache_put(sh->cache, ONE_SET, digest, NOW, &token);
    }

    for (int n = 0; n < 9; n++) {
        token = token_of(n);
        digest_of(n, digest);

        if (ehr_token_cache_get(sh->cache, ONE_SET, digest, token.thumbprint,
                                NOW, &out))
        {
            found++;
            assert_true(n != 0);
        }
    }

    assert_int_equal(found, 8);
}


static void
memory_too_small_for_one_set_is_a_cache_that_is_always_empty(void **state)
{
    uint8_t             digest[EHR_SHA256_LEN];
    ehr_token_cached_t  out, token = token_of(1);

    digest_of(1, digest);
    ehr_token_cache_put(sh->cache, ONE_SET - 1, digest, NOW, &token);
    assert_false(ehr_token_cache_get(sh->cache, ONE_SET - 1, digest,
                                     token.thumbprint, NOW, &out));
}


static void
memory_full_of_garbage_is_never_believed(void **state)
{
    ehr_token_cached_t  out;

    srandom(1);

    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < SIZE; i++) {
            sh->cache[i] = (unsigned char) random();
        }

        for (int n = 0; n < TOKENS; n++) {
            assert_false(get_at(n, NOW, &out));
        }
    }
}


static void
any_flipped_bit_of_an_entry_is_noticed(void **state)
{
    size_t              first = 0, n = 0;
    ehr_token_cached_t  out, token = token_of(5);

    put_at(5, NOW);

    while (first < SIZE && sh->cache[first] == 0) {
        first++;
    }

    first -= first % SLOT;

    /* Behind the sequence: a torn record under a good one. */

    for (size_t i = first + 8; i < first + SLOT; i++) {
        sh->cache[i] ^= 0x10;

        if (get_at(5, NOW, &out)) {
            assert_true(is_same(&out, &token));
            n++;
        }

        sh->cache[i] ^= 0x10;
    }

    assert_int_equal(n, 0);
    assert_true(get_at(5, NOW, &out));
}


/* --- writers killed in the middle ---------------------------------------- */

/* Turns the slot's sequence into that of a writer that began at now and died:
 * bit 0 "is written", then 32 bits of seconds. */

static void
leave_writer_dead(int64_t now)
{
    size_t             first = 0;
    _Atomic uint64_t  *seq;

    while (first < SIZE && sh->cache[first] == 0) {
        first++;
    }

    seq = (_Atomic uint64_t *) (void *) &sh->cache[first - first % SLOT];
    atomic_store(seq, (atomic_load(seq) & ~((1ULL << 33) - 1))
                          | (uint64_t) (uint32_t) now << 1 | 1);
}


static void
a_slot_left_odd_is_never_read_and_is_taken_back_later(void **state)
{
    uint8_t             digest[EHR_SHA256_LEN];
    ehr_token_cached_t  out, token = token_of(5);

    digest_of(5, digest);

    /* One set, all of its slots left by dead writers. */

    for (int n = 0; n < 8; n++) {
        _Atomic uint64_t  *seq = (_Atomic uint64_t *) (void *)
                                     &sh->cache[(size_t) n * SLOT];
        atomic_store(seq, (uint64_t) (uint32_t) NOW << 1 | 1);
    }

    ehr_token_cache_put(sh->cache, ONE_SET, digest, NOW + 1, &token);
    assert_false(ehr_token_cache_get(sh->cache, ONE_SET, digest,
                                     token.thumbprint, NOW + 1, &out));

    ehr_token_cache_put(sh->cache, ONE_SET, digest, NOW + 2, &token);
    assert_true(ehr_token_cache_get(sh->cache, ONE_SET, digest,
                                    token.thumbprint, NOW + 2, &out));
    assert_true(is_same(&out, &token));
}


static void
an_entry_whose_writer_died_is_a_miss_and_can_be_put_anew(void **state)
{
    ehr_token_cached_t  out;

    put_at(5, NOW);
    leave_writer_dead(NOW);
    assert_false(get_at(5, NOW, &out));

    put_at(5, NOW + 2);
    assert_true(get_at(5, NOW + 2, &out));
}


static void
put_and_get(void)
{
    ehr_token_cached_t  out, token;

    for (int i = 0; i < 20000; i++) {
        int  n = (i * 7 + (int) getpid()) % TOKENS;

        put_at(n, NOW);

        if (get_at(n, NOW, &out)) {
            token = token_of(n);
            atomic_fetch_add(&sh->hits, 1);

            if (!is_same(&out, &token)) {
                atomic_fetch_add(&sh->wrong, 1);
            }
        }
    }
}


static void
run_processes(int nkilled)
{
    int    status, i;
    pid_t  pids[PROCESSES];

    for (i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);

        if (pids[i] == 0) {
            while (!atomic_load(&sh->go)) {
                /* all start at once */
            }

            put_and_get();
            _exit(0);
        }
    }

    atomic_store(&sh->go, 1);

    for (i = 0; i < nkilled; i++) {
        (void) usleep(500 + 300 * (unsigned) i);
        (void) kill(pids[i], SIGKILL);
    }

    for (i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) || i < nkilled);
    }
}


static void
processes_at_once_never_see_a_mixed_entry(void **state)
{
    run_processes(0);
    assert_int_equal(atomic_load(&sh->wrong), 0);
    assert_true(atomic_load(&sh->hits) > 0);
}


static void
processes_killed_inside_leave_a_cache_that_works(void **state)
{
    ehr_token_cached_t  out, token;

    for (int round = 0; round < 20; round++) {
        atomic_store(&sh->go, 0);
        run_processes(PROCESSES - 1);
        assert_int_equal(atomic_load(&sh->wrong), 0);
    }

    for (int n = 0; n < TOKENS; n++) {
        token = token_of(n);
        put_at(n, NOW + 2);
        assert_true(get_at(n, NOW + 2, &out));
        assert_true(is_same(&out, &token));
    }
}


#define test(name)                                                            \
    cmocka_unit_test_setup_teardown(name, shared_create, shared_free)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        test(a_token_that_was_put_is_found_whole),
        test(a_facility_code_of_full_length_is_kept),
        test(another_certificate_does_not_get_it),
        test(a_digest_that_differs_in_one_bit_is_another_token),
        test(an_entry_dies_after_five_minutes),
        test(an_entry_dies_with_its_token),
        test(a_clock_set_back_does_not_prolong_an_entry),
        test(the_facilitys_version_comes_back_for_the_caller_to_compare),
        test(a_full_set_gives_up_the_entry_that_dies_first),
        test(memory_too_small_for_one_set_is_a_cache_that_is_always_empty),
        test(memory_full_of_garbage_is_never_believed),
        test(any_flipped_bit_of_an_entry_is_noticed),
        test(a_slot_left_odd_is_never_read_and_is_taken_back_later),
        test(an_entry_whose_writer_died_is_a_miss_and_can_be_put_anew),
        test(processes_at_once_never_see_a_mixed_entry),
        test(processes_killed_inside_leave_a_cache_that_works),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
