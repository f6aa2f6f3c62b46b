/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Memory of one piece of work: blocks taken from malloc(), pieces cut from
 * the newest block, everything given back at once.  Decides how much one
 * piece of work may take in all; knows nothing of what the memory holds.
 */

#include <stdlib.h>

#include "ehr.h"


#define EHR_ARENA_ALIGN  16
#define EHR_ARENA_BLOCK  4096         /* the first one */
#define EHR_ARENA_MOST   (128 * 1024) /* blocks double up to this */


typedef struct ehr_block_s  ehr_block_t;

struct ehr_block_s {
    _Alignas(EHR_ARENA_ALIGN) ehr_block_t  *next;
    size_t                                  size;
    size_t                                  taken;
};


struct ehr_arena_s {
    ehr_block_t  *newest;
    size_t        block;              /* of the next one */
    size_t        cap;
    size_t        used;
    int           is_short;
};


static ehr_block_t *ehr_arena_grow(ehr_arena_t *arena, size_t size);


ehr_arena_t *
ehr_arena_create(size_t cap_bytes)
{
    ehr_arena_t  *arena;

    arena = calloc(1, sizeof(ehr_arena_t));
    if (arena == NULL) {
        return NULL;
    }

    arena->block = EHR_ARENA_BLOCK;
    arena->cap = cap_bytes;

    return arena;
}


void
ehr_arena_destroy(ehr_arena_t *arena)
{
    ehr_block_t  *block, *next;

    if (arena == NULL) {
        return;
    }

    for (block = arena->newest; block != NULL; block = next) {
        next = block->next;
        free(block);
    }

    free(arena);
}


void *
ehr_arena_alloc(ehr_arena_t *arena, size_t size)
{
    char         *piece;
    ehr_block_t  *block;

    /* Two pieces never share an address, so an empty one takes a unit too;
     * the first test also keeps the rounding from overflowing. */

    if (size > arena->cap) {
        return NULL;
    }

    size = size ? size : 1;
    if (size > SIZE_MAX - sizeof(ehr_block_t) - EHR_ARENA_ALIGN) {
        return NULL;
    }

    size = (size + EHR_ARENA_ALIGN - 1) & ~(size_t) (EHR_ARENA_ALIGN - 1);
    if (size > arena->cap - arena->used) {
        return NULL;
    }

    block = arena->newest;
    if (block == NULL || size > block->size - block->taken) {
        block = ehr_arena_grow(arena, size);
        if (block == NULL) {
            return NULL;
        }
    }

    piece = (char *) (block + 1) + block->taken;
    block->taken += size;
    arena->used += size;

    return piece;
}


/* A piece larger than a block gets its own, put behind the newest one so that
 * the room left there is not lost. */

static ehr_block_t *
ehr_arena_grow(ehr_arena_t *arena, size_t size)
{
    size_t        room;
    ehr_block_t  *block;

    room = size > arena->block ? size : arena->block;

    block = malloc(sizeof(ehr_block_t) + room);
    if (block == NULL) {
        arena->is_short = 1;
        return NULL;
    }

    block->size = room;
    block->taken = 0;

    if (size > arena->block && arena->newest != NULL) {
        block->next = arena->newest->next;
        arena->newest->next = block;

        return block;
    }

    if (arena->block < EHR_ARENA_MOST) {
        arena->block *= 2;
    }

    block->next = arena->newest;
    arena->newest = block;

    return block;
}


void *
ehr_arena_calloc(ehr_arena_t *arena, size_t size)
{
    void  *piece;

    piece = ehr_arena_alloc(arena, size);
    if (piece != NULL && size != 0) {
        memset(piece, 0, size);
    }

    return piece;
}


ehr_str_t
ehr_arena_dup(ehr_arena_t *arena, const char *data, size_t len)
{
    char       *copy;
    ehr_str_t   s = ehr_null_string;

    if (len == SIZE_MAX) {
        return s;
    }

    copy = ehr_arena_alloc(arena, len + 1);
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


int
ehr_arena_is_short(const ehr_arena_t *arena)
{
    return arena->is_short;
}
