/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The arena of core/ehr.h for fuzzing: each piece is a block of its own and
 * exactly as long as was asked for, so that a sanitizer sees one byte too
 * far.  It is linked before the true one.
 */

#include <stdlib.h>

#include "ehr.h"


typedef struct piece_s  piece_t;

struct piece_s {
    _Alignas(16) piece_t  *next;
};


struct ehr_arena_s {
    piece_t  *newest;
    size_t    used;
    size_t    cap;
};


ehr_arena_t *
ehr_arena_create(size_t cap_bytes)
{
    ehr_arena_t  *arena = calloc(1, sizeof(ehr_arena_t));

    if (arena != NULL) {
        arena->cap = cap_bytes;
    }

    return arena;
}


void
ehr_arena_destroy(ehr_arena_t *arena)
{
    piece_t  *piece, *next;

    if (arena == NULL) {
        return;
    }

    for (piece = arena->newest; piece != NULL; piece = next) {
        next = piece->next;
        free(piece);
    }

    free(arena);
}


void *
ehr_arena_alloc(ehr_arena_t *arena, size_t size)
{
    piece_t  *piece;

    if (size > arena->cap - arena->used) {
        return NULL;
    }

    piece = malloc(sizeof(piece_t) + size);

    if (piece == NULL) {
        return NULL;
    }

    piece->next = arena->newest;
    arena->newest = piece;
    arena->used += size;

    return piece + 1;
}


void *
ehr_arena_calloc(ehr_arena_t *arena, size_t size)
{
    void  *data = ehr_arena_alloc(arena, size);

    return data ? memset(data, 0, size) : NULL;
}


ehr_str_t
ehr_arena_dup(ehr_arena_t *arena, const char *data, size_t len)
{
    ehr_str_t   s = ehr_null_string;
    char       *copy = len < arena->cap ? ehr_arena_alloc(arena, len + 1)
                                        : NULL;

    if (copy == NULL) {
        return s;
    }

    if (len != 0) {
        memcpy(copy, data, len);
    }

    copy[len] = '\0';
    s.data = copy;
    s.len = len;

    return s;
}


size_t
ehr_arena_used(const ehr_arena_t *arena)
{
    return arena->used;
}
