/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the preloaded library remembers of a folder's files, one record after
 * another in the order of the calls: enough to say, for any moment, what a
 * disk would hold if the power went then.
 *
 * A write is recorded before it is made; what was synced is what was recorded
 * before a SYNC whose SYNCED of the same thread exists.
 */

#ifndef FAULT_TRACE_H
#define FAULT_TRACE_H


#include <stdint.h>


#define FAULT_MAGIC  0x45485246u


typedef enum {
    FAULT_NAME = 1,           /* bytes: the name; offset: 1 when created */
    FAULT_WRITE,              /* bytes, at offset */
    FAULT_TRUNCATE,           /* to offset */
    FAULT_UNLINK,             /* bytes: the name */
    FAULT_SYNC,               /* begins */
    FAULT_SYNCED,             /* has ended well */
    FAULT_NAMES_SYNCED        /* the folder's own fsync has ended well */
} fault_type_e;


typedef struct {
    uint32_t  magic;
    uint32_t  type;
    uint64_t  at_ns;          /* CLOCK_MONOTONIC: the same in all processes */
    uint64_t  inode;
    int64_t   offset;
    uint32_t  thread;
    uint32_t  len;            /* bytes that follow */
} fault_record_t;


#endif /* FAULT_TRACE_H */
