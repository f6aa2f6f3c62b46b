/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Writes of the log, gathered.  SQLite writes each frame of a commit in two
 * pieces, a head of 24 bytes and a page; here they are put together and leave
 * in one write before the fsync that follows.  Decides nothing of what is
 * written, where, or when it is durable; the database file goes past it.
 *
 * Why that is safe: every commit of ours ends in xSync() of the log
 * (synchronous = FULL) before SQLite tells the other connections of it, so
 * what is still in memory is no part of any commit.  xSync() hands on what
 * the write said and only then asks for the fsync; whatever else looks at the
 * file finds it written.  Frames that a crash takes from memory are those
 * that it would have taken from the kernel's cache without harm.
 *
 * Frames of a transaction that is rolled back are dropped: where they belong
 * another connection may write its own meanwhile, and ours must not come
 * after.
 */

#include <stdlib.h>

#include "ehr_store_sqlite.h"


/* As much as SQLite's own VFS takes in one piece: it looks at 17 bits of a
 * length. */
#define ROOM  0x1ffff


typedef struct {
    sqlite3_file    base;             /* first: what SQLite sees */
    sqlite3_file   *file;             /* the real one, behind this */
    char           *room;             /* made by the first write */
    sqlite3_int64   from;             /* where in the file room begins */
    int             len;
} gather_t;


static sqlite3_vfs *
beneath(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}


static int
flush(gather_t *g)
{
    int  len;

    len = g->len;
    g->len = 0;

    return len == 0 ? SQLITE_OK
                    : g->file->pMethods->xWrite(g->file, g->room, len,
                                                g->from);
}


/* Frames that nobody has synced are of no commit. */

static int
gather_close(sqlite3_file *file)
{
    gather_t  *g = (gather_t *) file;

    free(g->room);

    return g->file->pMethods->xClose(g->file);
}


static int
gather_read(sqlite3_file *file, void *data, int len, sqlite3_int64 from)
{
    int        rc;
    gather_t  *g = (gather_t *) file;

    rc = flush(g);

    return rc == SQLITE_OK
           ? g->file->pMethods->xRead(g->file, data, len, from) : rc;
}


static int
gather_write(sqlite3_file *file, const void *data, int len,
             sqlite3_int64 from)
{
    int        rc;
    gather_t  *g = (gather_t *) file;

    if (g->len != 0 && (from != g->from + g->len || len > ROOM - g->len)) {
        rc = flush(g);
        if (rc != SQLITE_OK) {
            return rc;
        }
    }

    if (g->room == NULL) {
        g->room = malloc(ROOM);
    }

    if (g->room == NULL || len > ROOM) {
        return g->file->pMethods->xWrite(g->file, data, len, from);
    }

    if (g->len == 0) {
        g->from = from;
    }

    memcpy(g->room + g->len, data, (size_t) len);
    g->len += len;

    return SQLITE_OK;
}


static int
gather_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int        rc;
    gather_t  *g = (gather_t *) file;

    rc = flush(g);

    return rc == SQLITE_OK
           ? g->file->pMethods->xTruncate(g->file, size) : rc;
}


static int
gather_sync(sqlite3_file *file, int flags)
{
    int        rc;
    gather_t  *g = (gather_t *) file;

    rc = flush(g);

    return rc == SQLITE_OK ? g->file->pMethods->xSync(g->file, flags) : rc;
}


static int
gather_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int        rc;
    gather_t  *g = (gather_t *) file;

    rc = flush(g);

    return rc == SQLITE_OK
           ? g->file->pMethods->xFileSize(g->file, size) : rc;
}


static int
gather_lock(sqlite3_file *file, int level)
{
    gather_t  *g = (gather_t *) file;

    return g->file->pMethods->xLock(g->file, level);
}


static int
gather_unlock(sqlite3_file *file, int level)
{
    gather_t  *g = (gather_t *) file;

    return g->file->pMethods->xUnlock(g->file, level);
}


static int
gather_is_reserved(sqlite3_file *file, int *is_reserved)
{
    gather_t  *g = (gather_t *) file;

    return g->file->pMethods->xCheckReservedLock(g->file, is_reserved);
}


static int
gather_control(sqlite3_file *file, int op, void *arg)
{
    int        rc;
    gather_t  *g = (gather_t *) file;

    rc = flush(g);

    return rc == SQLITE_OK
           ? g->file->pMethods->xFileControl(g->file, op, arg) : rc;
}


static int
gather_sector(sqlite3_file *file)
{
    gather_t  *g = (gather_t *) file;

    return g->file->pMethods->xSectorSize(g->file);
}


static int
gather_traits(sqlite3_file *file)
{
    gather_t  *g = (gather_t *) file;

    return g->file->pMethods->xDeviceCharacteristics(g->file);
}


static const sqlite3_io_methods  gather_methods = {
    .iVersion = 1,
    .xClose = gather_close,
    .xRead = gather_read,
    .xWrite = gather_write,
    .xTruncate = gather_truncate,
    .xSync = gather_sync,
    .xFileSize = gather_size,
    .xLock = gather_lock,
    .xUnlock = gather_unlock,
    .xCheckReservedLock = gather_is_reserved,
    .xFileControl = gather_control,
    .xSectorSize = gather_sector,
    .xDeviceCharacteristics = gather_traits,
};


static int
gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
            int flags, int *out_flags)
{
    int        rc;
    gather_t  *g = (gather_t *) file;

    if (!(flags & SQLITE_OPEN_WAL)) {
        return beneath(vfs)->xOpen(beneath(vfs), name, file, flags,
                                   out_flags);
    }

    memset(g, 0, sizeof(gather_t));
    g->file = (sqlite3_file *) (g + 1);

    rc = beneath(vfs)->xOpen(beneath(vfs), name, g->file, flags, out_flags);

    /* Without methods SQLite does not close. */
    g->base.pMethods = rc == SQLITE_OK ? &gather_methods : NULL;

    if (rc != SQLITE_OK && g->file->pMethods != NULL) {
        (void) g->file->pMethods->xClose(g->file);
    }

    return rc;
}


void
ehr_store_gather_drop(ehr_store_t *store)
{
    int            rc;
    sqlite3_file  *file = NULL;

    rc = sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER,
                              &file);

    if (rc == SQLITE_OK && file != NULL && file->pMethods == &gather_methods) {
        ((gather_t *) file)->len = 0;
    }
}


/* All but opening is the other's: its functions ask nothing of the structure
 * they are called with that the copy has not. */

int
ehr_store_gather_register(void)
{
    sqlite3_vfs  *vfs;

    static sqlite3_vfs  gather;       /* SQLite links it into its list */

    (void) sqlite3_vfs_unregister(&gather);

    vfs = sqlite3_vfs_find(NULL);
    if (vfs == NULL) {
        return SQLITE_ERROR;
    }

    gather = *vfs;

    gather.pNext = NULL;
    gather.zName = EHR_STORE_VFS;
    gather.pAppData = vfs;
    gather.szOsFile = (int) sizeof(gather_t) + vfs->szOsFile;
    gather.xOpen = gather_open;

    return sqlite3_vfs_register(&gather, 0);
}
