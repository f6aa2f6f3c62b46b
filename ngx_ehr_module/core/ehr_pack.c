/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Packing and unpacking of stored documents.  A claim is XML in Base64 and
 * shrinks to less than a third at this level.  The levels below 1 are no
 * faster on it (most of the time goes into coding its letters) and keep a
 * fifth more.
 *
 * No checksum: who reads a document back looks at its digest or its seal.
 */

#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "ehr_pack.h"


#define EHR_PACK_LEVEL  1


struct ehr_packer_s {
    ZSTD_CCtx     *ctx;
    ehr_packer_t  *next;              /* among those that rest */
};


struct ehr_packers_s {
    pthread_mutex_t   mutex;
    ehr_packer_t     *resting;
};


ehr_packer_t *
ehr_packer_create(void)
{
    ehr_packer_t  *packer;

    packer = malloc(sizeof(ehr_packer_t));
    if (packer == NULL) {
        return NULL;
    }

    packer->next = NULL;
    packer->ctx = ZSTD_createCCtx();

    if (packer->ctx == NULL
        || ZSTD_isError(ZSTD_CCtx_setParameter(packer->ctx,
                                               ZSTD_c_compressionLevel,
                                               EHR_PACK_LEVEL)))
    {
        ehr_packer_destroy(packer);
        return NULL;
    }

    return packer;
}


void
ehr_packer_destroy(ehr_packer_t *packer)
{
    if (packer != NULL) {
        (void) ZSTD_freeCCtx(packer->ctx);
        free(packer);
    }
}


ehr_str_t
ehr_pack(ehr_packer_t *packer, ehr_str_t bytes, ehr_arena_t *arena)
{
    char       *room;
    size_t      n;
    ehr_str_t   none = ehr_null_string, packed;

    if (packer == NULL || bytes.len < EHR_PACK_MIN) {
        return none;
    }

    /* What does not shrink by an eighth is not worth it: no room for more. */

    room = ehr_arena_alloc(arena, bytes.len);
    if (room == NULL) {
        return none;
    }

    n = ZSTD_compress2(packer->ctx, room, bytes.len - bytes.len / 8,
                       bytes.data, bytes.len);
    if (ZSTD_isError(n)) {
        return none;
    }

    packed.data = room;
    packed.len = n;

    return packed;
}


ehr_packers_t *
ehr_packers_create(void)
{
    ehr_packers_t  *packers;

    packers = malloc(sizeof(ehr_packers_t));
    if (packers == NULL) {
        return NULL;
    }

    packers->resting = NULL;

    if (pthread_mutex_init(&packers->mutex, NULL) != 0) {
        free(packers);
        return NULL;
    }

    return packers;
}


void
ehr_packers_destroy(ehr_packers_t *packers)
{
    ehr_packer_t  *packer, *next;

    if (packers == NULL) {
        return;
    }

    for (packer = packers->resting; packer != NULL; packer = next) {
        next = packer->next;
        ehr_packer_destroy(packer);
    }

    (void) pthread_mutex_destroy(&packers->mutex);
    free(packers);
}


static ehr_packer_t *
packers_take(ehr_packers_t *packers)
{
    ehr_packer_t  *packer;

    (void) pthread_mutex_lock(&packers->mutex);

    packer = packers->resting;
    if (packer != NULL) {
        packers->resting = packer->next;
    }

    (void) pthread_mutex_unlock(&packers->mutex);

    return packer != NULL ? packer : ehr_packer_create();
}


static void
packers_give(ehr_packers_t *packers, ehr_packer_t *packer)
{
    (void) pthread_mutex_lock(&packers->mutex);

    packer->next = packers->resting;
    packers->resting = packer;

    (void) pthread_mutex_unlock(&packers->mutex);
}


ehr_str_t
ehr_packers_pack(ehr_packers_t *packers, ehr_str_t bytes, ehr_arena_t *arena)
{
    ehr_str_t      packed = ehr_null_string;
    ehr_packer_t  *packer;

    packer = packers_take(packers);

    if (packer != NULL) {
        packed = ehr_pack(packer, bytes, arena);
        packers_give(packers, packer);
    }

    return packed;
}


ehr_rc_t
ehr_unpack(ehr_str_t packed, size_t size, ehr_arena_t *arena,
           ehr_str_t *bytes)
{
    char    *room;
    size_t   n;

    if (size == 0
        || ZSTD_getFrameContentSize(packed.data, packed.len) != size)
    {
        return EHR_BROKEN;
    }

    room = ehr_arena_alloc(arena, size);
    if (room == NULL) {
        return EHR_LATER;
    }

    n = ZSTD_decompress(room, size, packed.data, packed.len);

    if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation) {
        return EHR_LATER;
    }

    if (ZSTD_isError(n) || n != size) {
        return EHR_BROKEN;
    }

    bytes->data = room;
    bytes->len = n;

    return EHR_OK;
}
