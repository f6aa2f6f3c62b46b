/* SPDX-License-Identifier: BSD-2-Clause */

/* Packing of stored documents. */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ehr_pack.h"


#define THREADS  4
#define ROUNDS   50


typedef struct {
    ehr_arena_t   *arena;
    ehr_packer_t  *packer;
} world_t;


static int
set_up(void **state)
{
    world_t  *w = calloc(1, sizeof(world_t));

    assert_non_null(w);
    w->arena = ehr_arena_create(4 * 1024 * 1024);
    w->packer = ehr_packer_create();
    assert_non_null(w->arena);
    assert_non_null(w->packer);
    *state = w;

    return 0;
}


static int
tear_down(void **state)
{
    world_t  *w = *state;

    ehr_packer_destroy(w->packer);
    ehr_arena_destroy(w->arena);
    free(w);

    return 0;
}


static void
what_is_packed_comes_back_byte_for_byte(void **state)
{
    size_t      i;
    world_t    *w = *state;
    ehr_str_t   bytes, packed, back;
    char        text[100000];

    for (i = 0; i < sizeof(text); i++) {
        text[i] = "PD94bWwgdmVyc2lvbj0iMS4wIj8+"[i * i % 28];
    }

    bytes.data = text;

    for (bytes.len = EHR_PACK_MIN; bytes.len < sizeof(text);
         bytes.len = bytes.len * 3 + 1)
    {
        packed = ehr_pack(w->packer, bytes, w->arena);
        assert_non_null(packed.data);
        assert_true(packed.len < bytes.len);
        assert_int_equal(ehr_unpack(packed, bytes.len, w->arena, &back),
                         EHR_OK);
        assert_true(ehr_str_eq(back, bytes));
    }
}


static void
small_and_incompressible_bytes_stay_as_they_are(void **state)
{
    size_t      i;
    world_t    *w = *state;
    uint32_t    x = 1;
    ehr_str_t   bytes;
    char        text[5000];

    for (i = 0; i < sizeof(text); i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        text[i] = (char) x;
    }

    bytes.data = text;
    bytes.len = sizeof(text);
    assert_null(ehr_pack(w->packer, bytes, w->arena).data);

    memset(text, 'a', sizeof(text));
    bytes.len = EHR_PACK_MIN - 1;
    assert_null(ehr_pack(w->packer, bytes, w->arena).data);
    assert_null(ehr_pack(NULL, bytes, w->arena).data);
}


static void
damaged_bytes_are_broken(void **state)
{
    size_t      i;
    world_t    *w = *state;
    ehr_str_t   bytes, packed, cut, back;
    char        text[5000];

    memset(text, 'a', sizeof(text));
    bytes.data = text;
    bytes.len = sizeof(text);
    packed = ehr_pack(w->packer, bytes, w->arena);
    assert_non_null(packed.data);

    for (i = 0; i < packed.len; i++) {
        cut.data = packed.data;
        cut.len = i;
        assert_int_equal(ehr_unpack(cut, bytes.len, w->arena, &back),
                         EHR_BROKEN);
    }

    assert_int_equal(ehr_unpack(packed, bytes.len + 1, w->arena, &back),
                     EHR_BROKEN);
    assert_int_equal(ehr_unpack(packed, bytes.len - 1, w->arena, &back),
                     EHR_BROKEN);
    assert_int_equal(ehr_unpack(packed, 0, w->arena, &back), EHR_BROKEN);
}


/* What comes of it is told by a digest; here it must only stay in bounds. */

static void
changed_bytes_do_no_harm(void **state)
{
    char       *copy;
    size_t      i;
    world_t    *w = *state;
    ehr_str_t   bytes, packed, changed, back;
    char        text[5000];

    memset(text, 'a', sizeof(text));
    bytes.data = text;
    bytes.len = sizeof(text);
    packed = ehr_pack(w->packer, bytes, w->arena);
    assert_non_null(packed.data);

    for (i = 0; i < packed.len; i++) {
        copy = ehr_arena_alloc(w->arena, packed.len);
        assert_non_null(copy);
        memcpy(copy, packed.data, packed.len);
        copy[i] ^= 0x40;
        changed.data = copy;
        changed.len = packed.len;

        if (ehr_unpack(changed, bytes.len, w->arena, &back) == EHR_OK) {
            assert_int_equal(back.len, bytes.len);
        }
    }
}


static void
without_memory_it_is_later(void **state)
{
    world_t      *w = *state;
    ehr_str_t     bytes, packed, back;
    ehr_arena_t  *small;
    static char   text[1 << 20];

    memset(text, 'a', sizeof(text));
    bytes.data = text;
    bytes.len = sizeof(text);
    packed = ehr_pack(w->packer, bytes, w->arena);
    assert_non_null(packed.data);

    small = ehr_arena_create(64 * 1024);
    assert_non_null(small);
    assert_int_equal(ehr_unpack(packed, bytes.len, small, &back), EHR_LATER);
    ehr_arena_destroy(small);
}


/* What each thread gives: how many of its rounds came back right. */

static void *
pack_in_a_thread(void *data)
{
    char            text[4000];
    size_t          i, n = 0;
    ehr_str_t       bytes = { text, sizeof(text) }, packed, back;
    ehr_arena_t    *arena;
    ehr_packers_t  *packers = data;

    for (i = 0; i < ROUNDS; i++) {
        arena = ehr_arena_create(64 * 1024);
        memset(text, (int) ('a' + i % 26), sizeof(text));

        packed = ehr_packers_pack(packers, bytes, arena);

        n += packed.data != NULL
             && ehr_unpack(packed, bytes.len, arena, &back) == EHR_OK
             && ehr_str_eq(back, bytes);

        ehr_arena_destroy(arena);
    }

    return (void *) n;
}


static void
threads_share_their_packers(void **state)
{
    void           *right;
    size_t          i;
    pthread_t       threads[THREADS];
    ehr_packers_t  *packers = ehr_packers_create();

    (void) state;
    assert_non_null(packers);

    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, pack_in_a_thread,
                                        packers), 0);
    }

    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &right), 0);
        assert_int_equal((size_t) right, ROUNDS);
    }

    ehr_packers_destroy(packers);
    ehr_packers_destroy(NULL);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(
            what_is_packed_comes_back_byte_for_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            small_and_incompressible_bytes_stay_as_they_are, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(damaged_bytes_are_broken, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(changed_bytes_do_no_harm, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_memory_it_is_later, set_up,
                                        tear_down),
        cmocka_unit_test(threads_share_their_packers)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
