/* SPDX-License-Identifier: BSD-2-Clause */

/* The arena keeps its cap, its alignment and everybody's bytes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ehr.h"


static void
pieces_are_aligned_to_sixteen_bytes(void **state)
{
    ehr_arena_t  *arena = ehr_arena_create(1 << 20);

    assert_non_null(arena);

    for (size_t size = 0; size < 300; size++) {
        void  *p = ehr_arena_alloc(arena, size);

        assert_non_null(p);
        assert_int_equal((uintptr_t) p % 16, 0);
    }

    ehr_arena_destroy(arena);
}


static void
pieces_do_not_overlap(void **state)
{
    char         *pieces[200];
    size_t        sizes[200];
    ehr_arena_t  *arena = ehr_arena_create(8 << 20);

    for (size_t i = 0; i < 200; i++) {
        sizes[i] = (i * 7919) % 9000;       /* below and above a block */
        pieces[i] = ehr_arena_alloc(arena, sizes[i]);
        assert_non_null(pieces[i]);
        memset(pieces[i], (int) i, sizes[i]);
    }

    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal((unsigned char) pieces[i][k], i);
        }
    }

    ehr_arena_destroy(arena);
}


static void
the_cap_holds_exactly(void **state)
{
    ehr_arena_t  *arena = ehr_arena_create(64);

    assert_non_null(ehr_arena_alloc(arena, 1));
    assert_int_equal(ehr_arena_used(arena), 16);
    assert_non_null(ehr_arena_alloc(arena, 48));
    assert_int_equal(ehr_arena_used(arena), 64);
    assert_null(ehr_arena_alloc(arena, 1));
    assert_null(ehr_arena_alloc(arena, 0));
    assert_int_equal(ehr_arena_used(arena), 64);
    assert_false(ehr_arena_is_short(arena));

    ehr_arena_destroy(arena);
}


/* A sanitizer ends the program instead. */

#if !defined(__SANITIZE_ADDRESS__)

static void
a_machine_without_memory_is_told_from_the_cap(void **state)
{
    ehr_arena_t  *arena = ehr_arena_create(SIZE_MAX);

    /* more than any address space has */
    assert_null(ehr_arena_alloc(arena, PTRDIFF_MAX - 4096));
    assert_true(ehr_arena_is_short(arena));
    assert_non_null(ehr_arena_alloc(arena, 16));

    ehr_arena_destroy(arena);
}

#endif


static void
a_refused_piece_leaves_room_for_a_smaller_one(void **state)
{
    ehr_arena_t  *arena = ehr_arena_create(100);

    assert_null(ehr_arena_alloc(arena, 101));
    assert_null(ehr_arena_alloc(arena, 97));    /* 112 when rounded */
    assert_non_null(ehr_arena_alloc(arena, 96));

    ehr_arena_destroy(arena);
}


static void
sizes_that_overflow_are_refused(void **state)
{
    ehr_str_t     s;
    ehr_arena_t  *arena = ehr_arena_create(SIZE_MAX);

    assert_null(ehr_arena_alloc(arena, SIZE_MAX));
    assert_null(ehr_arena_alloc(arena, SIZE_MAX - 15));
    assert_null(ehr_arena_calloc(arena, SIZE_MAX - 8));

    s = ehr_arena_dup(arena, "x", SIZE_MAX);
    assert_null(s.data);
    assert_int_equal(s.len, 0);

    ehr_arena_destroy(arena);
}


static void
calloc_clears(void **state)
{
    char         *p;
    ehr_arena_t  *arena = ehr_arena_create(1 << 16);

    for (int i = 0; i < 20; i++) {
        p = ehr_arena_calloc(arena, 1000);
        assert_non_null(p);

        for (int k = 0; k < 1000; k++) {
            assert_int_equal(p[k], 0);
        }

        memset(p, 0xa5, 1000);
    }

    ehr_arena_destroy(arena);
}


static void
dup_copies_and_ends_with_nul(void **state)
{
    char          text[] = "abc";
    ehr_str_t     s;
    ehr_arena_t  *arena = ehr_arena_create(1024);

    s = ehr_arena_dup(arena, text, 3);
    text[0] = 'x';
    assert_int_equal(s.len, 3);
    assert_string_equal(s.data, "abc");

    s = ehr_arena_dup(arena, NULL, 0);
    assert_int_equal(s.len, 0);
    assert_string_equal(s.data, "");

    ehr_arena_destroy(arena);
}


static void
dup_without_room_gives_null(void **state)
{
    ehr_str_t     s;
    ehr_arena_t  *arena = ehr_arena_create(16);

    s = ehr_arena_dup(arena, "0123456789abcdef", 16);
    assert_null(s.data);
    assert_int_equal(s.len, 0);

    s = ehr_arena_dup(arena, "0123456789abcde", 15);
    assert_non_null(s.data);

    ehr_arena_destroy(arena);
}


static void
destroying_nothing_is_allowed(void **state)
{
    ehr_arena_destroy(NULL);
    ehr_arena_destroy(ehr_arena_create(0));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(pieces_are_aligned_to_sixteen_bytes),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(the_cap_holds_exactly),
#if !defined(__SANITIZE_ADDRESS__)
        cmocka_unit_test(a_machine_without_memory_is_told_from_the_cap),
#endif
        cmocka_unit_test(a_refused_piece_leaves_room_for_a_smaller_one),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(calloc_clears),
        cmocka_unit_test(dup_copies_and_ends_with_nul),
        cmocka_unit_test(dup_without_room_gives_null),
        cmocka_unit_test(destroying_nothing_is_allowed),
    };

    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
