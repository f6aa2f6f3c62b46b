/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Stored documents sealed against who reads or changes the disk:
 * XAES-256-GCM (C2SP), which is AES-256-GCM under a key derived for each
 * record from the first half of a random 192-bit nonce (CMAC, NIST SP
 * 800-108).  One key of AES-256-GCM alone is good for 2^32 random nonces, a
 * bound that a busy gateway meets within years; this one is not met.
 */

#ifndef EHR_SEAL_H
#define EHR_SEAL_H


#include "ehr.h"


#define EHR_SEAL_KEY_LEN    32
#define EHR_SEAL_NONCE_LEN  24
#define EHR_SEAL_TAG_LEN    16
#define EHR_SEAL_MAX_KEYS   8

/* Sealed bytes: nonce, ciphertext, tag. */
#define EHR_SEAL_EXTRA      (EHR_SEAL_NONCE_LEN + EHR_SEAL_TAG_LEN)


typedef struct {
    int64_t   id;                     /* > 0, of the key's digest: says which
                                         key, tells nothing of it */
    uint8_t   bytes[EHR_SEAL_KEY_LEN];
} ehr_seal_key_t;

/* The first one seals, all of them open. */

typedef struct {
    uint32_t        n;
    ehr_seal_key_t  keys[EHR_SEAL_MAX_KEYS];
} ehr_seal_keys_t;


/*
 * Adds the key of a file: 32 bytes as they are, as 64 hex digits or as
 * Base64, with or without an end of line.  Refuses a file that is no secret
 * (ehr_secret_check).  Gives NULL, or a sentence about what is wrong.  May
 * block: never on an event loop.
 */
const char *ehr_seal_keys_load(ehr_seal_keys_t *keys, const char *path);

/* The same of bytes in memory. */
const char *ehr_seal_keys_add(ehr_seal_keys_t *keys, ehr_str_t text);

void ehr_seal_keys_clear(ehr_seal_keys_t *keys);

int ehr_seal_keys_has(const ehr_seal_keys_t *keys, int64_t id);


/* Working memory of one thread; NULL without memory, or without a key.  The
 * keys are borrowed for its life. */

typedef struct ehr_sealer_s  ehr_sealer_t;

ehr_sealer_t *ehr_sealer_create(const ehr_seal_keys_t *keys);
void ehr_sealer_destroy(ehr_sealer_t *sealer);

/* The sealed bytes in the arena, under the first key; context is bound to
 * them and not kept.  data NULL: no memory or no random numbers. */
ehr_str_t ehr_seal(ehr_sealer_t *sealer, ehr_str_t context, ehr_str_t bytes,
                   ehr_arena_t *arena);

/* EHR_OK and *bytes in the arena; EHR_REFUSED: there is no such key (sealer
 * may be NULL); EHR_LATER: no memory; EHR_BROKEN: not what was sealed with
 * this key and context. */
ehr_rc_t ehr_unseal(ehr_sealer_t *sealer, int64_t key_id, ehr_str_t context,
                    ehr_str_t sealed, ehr_arena_t *arena, ehr_str_t *bytes);


#endif /* EHR_SEAL_H */
