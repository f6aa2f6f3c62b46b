/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Memory that is not there when the plan says so.  Not in programs of a
 * sanitizer, whose own malloc() stands before this one.
 */

#include <errno.h>
#include <stdlib.h>

#include "preload.h"


extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);


static const char  memory[] = "memory";


static int
has_memory(void)
{
    fault_names_t  names = { "", NULL };

    return !fault_plan_begins(memory)
           || fault_act(memory, names) != FAULT_ACT_FAIL;
}


void *
malloc(size_t size)
{
    return has_memory() ? __libc_malloc(size) : NULL;
}


void *
calloc(size_t n, size_t size)
{
    return has_memory() ? __libc_calloc(n, size) : NULL;
}


void *
realloc(void *old, size_t size)
{
    return has_memory() ? __libc_realloc(old, size) : NULL;
}


int
posix_memalign(void **piece, size_t align, size_t size)
{
    *piece = has_memory() ? __libc_memalign(align, size) : NULL;

    return *piece == NULL ? ENOMEM : 0;
}
