/* SPDX-License-Identifier: BSD-2-Clause */

/* Document bytes packed for the disk (Zstandard, RFC 8878) and back. */

#ifndef EHR_PACK_H
#define EHR_PACK_H


#include "ehr.h"


#define EHR_PACK_MIN  2048    /* bytes; smaller ones stay as they are */


/* Working memory of one thread; NULL without memory. */

typedef struct ehr_packer_s  ehr_packer_t;

ehr_packer_t *ehr_packer_create(void);
void ehr_packer_destroy(ehr_packer_t *packer);

/* The packers of threads that come and go: as many as work at once. */

typedef struct ehr_packers_s  ehr_packers_t;

ehr_packers_t *ehr_packers_create(void);
void ehr_packers_destroy(ehr_packers_t *packers);

/* As ehr_pack(), from any thread. */
ehr_str_t ehr_packers_pack(ehr_packers_t *packers, ehr_str_t bytes,
                           ehr_arena_t *arena);

/* Gives the packed bytes in the arena; data NULL when packing is not worth
 * it, or there is no memory: then the bytes are kept as they are. */
ehr_str_t ehr_pack(ehr_packer_t *packer, ehr_str_t bytes, ehr_arena_t *arena);

/* EHR_OK and *bytes in the arena; EHR_LATER: no memory; EHR_BROKEN: damaged,
 * or not of this size.  It finds what is damaged in the frame; what was
 * changed with care, only a digest or a seal finds. */
ehr_rc_t ehr_unpack(ehr_str_t packed, size_t size, ehr_arena_t *arena,
                    ehr_str_t *bytes);


#endif /* EHR_PACK_H */
