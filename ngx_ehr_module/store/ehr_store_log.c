/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Whether the write-ahead log on the disk is the one that SQLite's index in
 * shared memory tells of.  SQLite looks at the log's file only when it begins
 * one: a log that was removed, cut, or written over beneath its writers is
 * written on, and what is acknowledged then is gone with the index; moved into
 * the database, its noise takes the place of what was safe there.  Looks at
 * its size, at its head, and at its last frame; decides nothing of what is
 * between them, which would be to read all of it.
 */

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "ehr_store_sqlite.h"


#define LOG_HEAD     32
#define LOG_SALT     16               /* in the head of the log */
#define FRAME_HEAD   24
#define FRAME_SALT   8                /* in the head of a frame */
#define SALT         8
#define INDEX_BYTES  32768
#define INDEX_MOVED  96               /* behind two copies of the head */


/* The head of the index ("WAL-Index Header" in SQLite's documentation of its
 * file format), in the machine's own order but for the salt, which is as in
 * the log. */

typedef struct {
    uint32_t  version;
    uint32_t  unused;
    uint32_t  changes;
    uint8_t   is_made;
    uint8_t   is_big_endian;
    uint16_t  page_bytes;             /* 1: 65536 */
    uint32_t  frames;
    uint32_t  pages;
    uint32_t  checksum[2];
    uint8_t   salt[SALT];
} index_t;


typedef struct {
    sqlite3_file   *file;
    sqlite3_int64   bytes;
} log_t;


/* NULL: there is no index yet, so nothing of a log either. */

static const uint8_t *
map_index(ehr_store_t *store)
{
    sqlite3_file   *file = NULL;
    void volatile  *region = NULL;

    (void) sqlite3_file_control(store->db, "main", SQLITE_FCNTL_FILE_POINTER,
                                &file);

    if (file == NULL || file->pMethods == NULL || file->pMethods->iVersion < 2
        || file->pMethods->xShmMap(file, 0, INDEX_BYTES, 0, &region)
           != SQLITE_OK
        || region == NULL)
    {
        return NULL;
    }

    return (const uint8_t *) (uintptr_t) region;
}


static int
read_index(ehr_store_t *store, index_t *index)
{
    const uint8_t  *region = map_index(store);

    if (region == NULL) {
        return 0;
    }

    memcpy(index, region, sizeof(index_t));

    return index->is_made && index->frames != 0;
}


static sqlite3_int64
page_bytes(const index_t *index)
{
    return index->page_bytes == 1 ? 65536 : index->page_bytes;
}


/* EHR_REFUSED: it is not what the index tells of; EHR_LATER: the disk does not
 * say now. */

static ehr_rc_t
check_salt(const log_t *log, sqlite3_int64 at, const index_t *index)
{
    int      rc;
    uint8_t  salt[SALT];

    rc = log->file->pMethods->xRead(log->file, salt, SALT, at);

    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) {
        return EHR_LATER;
    }

    return rc == SQLITE_OK && memcmp(salt, index->salt, SALT) == 0
           ? EHR_OK : EHR_REFUSED;
}


/* What has a name is what is open, as far as sizes tell.  The name is
 * SQLite's, which follows symbolic links. */

static ehr_rc_t
check_name(ehr_store_t *store, const log_t *log)
{
    const char   *database;
    struct stat   st;

    database = sqlite3_db_filename(store->db, "main");

    if (database == NULL || stat(sqlite3_filename_wal(database), &st) != 0) {
        return database == NULL || errno == ENOENT || errno == ENOTDIR
               ? EHR_REFUSED : EHR_LATER;
    }

    return st.st_size == log->bytes ? EHR_OK : EHR_REFUSED;
}


/* NULL: this handle has none open. */

static sqlite3_file *
log_file(ehr_store_t *store)
{
    sqlite3_file  *file = NULL;

    (void) sqlite3_file_control(store->db, "main",
                                SQLITE_FCNTL_JOURNAL_POINTER, &file);

    return file != NULL && file->pMethods != NULL ? file : NULL;
}


static ehr_rc_t
compare(ehr_store_t *store, const index_t *index)
{
    log_t          log;
    ehr_rc_t       rc;
    sqlite3_int64  frame_bytes, last;

    log.file = log_file(store);

    if (log.file == NULL
        || log.file->pMethods->xFileSize(log.file, &log.bytes) != SQLITE_OK)
    {
        return EHR_LATER;
    }

    frame_bytes = FRAME_HEAD + page_bytes(index);
    last = LOG_HEAD + frame_bytes * ((sqlite3_int64) index->frames - 1);

    if (log.bytes < last + frame_bytes) {
        return EHR_REFUSED;
    }

    rc = check_name(store, &log);

    if (rc == EHR_OK) {
        rc = check_salt(&log, LOG_SALT, index);
    }

    return rc == EHR_OK ? check_salt(&log, last + FRAME_SALT, index) : rc;
}


ehr_rc_t
ehr_store_check_log(ehr_store_t *store)
{
    index_t   index;
    ehr_rc_t  rc;

    rc = read_index(store, &index) ? compare(store, &index) : EHR_OK;

    if (rc == EHR_OK) {
        return EHR_OK;
    }

    store->is_corrupt |= (rc == EHR_REFUSED);
    store->must_reopen = 1;

    (void) snprintf(store->error, sizeof(store->error),
                    rc == EHR_REFUSED
                    ? "its log (-wal) was removed, cut or written over while "
                      "it was in use"
                    : "its log (-wal) cannot be read now");

    return EHR_LATER;
}


int
ehr_store_may_move_log(ehr_store_t *store)
{
    index_t  index;

    return log_file(store) == NULL || !read_index(store, &index)
           || compare(store, &index) == EHR_OK;
}


uint64_t
ehr_store_log_owes(ehr_store_t *store)
{
    index_t         index;
    uint32_t        moved;
    const uint8_t  *region;

    region = store->db != NULL ? map_index(store) : NULL;

    if (region == NULL) {
        return 0;
    }

    memcpy(&index, region, sizeof(index));
    memcpy(&moved, region + INDEX_MOVED, sizeof(moved));

    return index.is_made && moved < index.frames
           ? (uint64_t) (index.frames - moved) * (uint64_t) page_bytes(&index)
           : 0;
}
