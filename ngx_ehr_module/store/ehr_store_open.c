/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The life of a handle: opening with the settings that make a commit durable,
 * giving up a connection that has failed, closing.  Knows no table.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ehr_store_sqlite.h"


/*
 * What is removed is overwritten with zeros.
 *
 * Checkpoints are the caller's, out of the commit's way: SQLite's own would
 * run inside every thousandth commit.
 */

#define SETTINGS                                                              \
    "PRAGMA secure_delete = ON;"                                              \
    "PRAGMA synchronous = FULL;"                                              \
    "PRAGMA wal_autocheckpoint = 0;"                                          \
    "PRAGMA foreign_keys = ON;"                                               \
    "PRAGMA trusted_schema = OFF;"                                            \
    "PRAGMA temp_store = MEMORY;"                                             \
    "PRAGMA cache_size = -16384;"


/* Before its first page is written: free pages can be given back then. */

#define WHEN_MADE  "PRAGMA auto_vacuum = INCREMENTAL;"


static int
log_grew(void *data, sqlite3 *db, const char *name, int frames)
{
    ehr_store_t  *store = data;

    (void) db;
    (void) name;

    if (frames < store->log_moved) {
        store->log_moved = 0;         /* the log began anew */
    }

    store->log_frames = frames;

    return SQLITE_OK;
}


/*
 * The lock file is not empty once a journal was made beside it.  Then a
 * journal that is not there, or is empty, was lost: a new one in its place
 * would hide that.
 */

static int
is_marked(const ehr_store_t *store)
{
    struct stat  st;

    return fstat(store->lock_fd, &st) != 0 || st.st_size != 0;
}


static int
was_made(const ehr_store_t *store)
{
    return store->was_open || store->options.must_exist || is_marked(store);
}


static ehr_rc_t
is_lost(ehr_store_t *store)
{
    (void) snprintf(store->error, sizeof(store->error),
                    "the journal that was here is gone or empty: put it back "
                    "(a new one begins only where its .lock file is gone "
                    "too)");

    return EHR_LATER;
}


/* A mark that cannot be written now is the next opening's. */

static void
remember(ehr_store_t *store)
{
    static const char  made[] = "a journal was made here\n";

    store->was_open = 1;

    if (store->options.is_readonly || is_marked(store)) {
        return;
    }

    if (pwrite(store->lock_fd, made, sizeof(made) - 1, 0) > 0) {
        (void) fsync(store->lock_fd);
    }
}


/* SQLite would make it readable by all; the log and its index take the mode
 * of the file. */

static ehr_rc_t
create_file(ehr_store_t *store)
{
    int          fd;
    struct stat  st;

    if (stat(store->path, &st) == 0 && st.st_size != 0) {
        return EHR_OK;
    }

    if (was_made(store)) {
        return is_lost(store);
    }

    fd = open(store->path, O_RDWR|O_CREAT|O_CLOEXEC, 0600);

    if (fd != -1) {
        (void) close(fd);
        return EHR_OK;
    }

    (void) snprintf(store->error, sizeof(store->error),
                    "the journal cannot be created: errno %d", errno);

    return EHR_LATER;
}


static ehr_rc_t
set_log_mode(ehr_store_t *store)
{
    char         mode[8];
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin_text(&q, store, "PRAGMA journal_mode = WAL");

    rc = ehr_query_step(&q);
    if (rc == EHR_AGAIN) {
        ehr_column_copy(&q, 0, mode, sizeof(mode));
        rc = strcmp(mode, "wal") == 0
             ? EHR_OK
             : ehr_store_broken(store, "the file system has no shared memory "
                                       "for a write-ahead log");
    }

    ehr_query_end(&q);

    return rc;
}


static ehr_rc_t
configure(ehr_store_t *store)
{
    int  rc;

    rc = sqlite3_busy_timeout(store->db, store->options.busy_timeout_ms);

    if (rc == SQLITE_OK) {
        rc = sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1,
                               NULL);
    }

    if (rc == SQLITE_OK) {
        rc = sqlite3_exec(store->db, SETTINGS, NULL, NULL, NULL);
    }

    if (rc != SQLITE_OK) {
        return ehr_store_failed(store, rc);
    }

    (void) sqlite3_wal_hook(store->db, log_grew, store);

    return EHR_OK;
}


/* Looks before it writes: the log mode of another program's database is not
 * ours to change. */

static ehr_rc_t
prepare_database(ehr_store_t *store)
{
    int       is_current;
    ehr_rc_t  rc;

    rc = ehr_store_schema_check(store, &is_current);

    if (rc != EHR_OK || store->options.is_readonly) {
        return rc;
    }

    if (!is_current && sqlite3_exec(store->db, WHEN_MADE, NULL, NULL, NULL)
                       != SQLITE_OK)
    {
        return ehr_store_failed(store, sqlite3_errcode(store->db));
    }

    rc = set_log_mode(store);

    if (rc == EHR_OK && !is_current) {
        rc = ehr_store_migrate(store);
    }

    if (rc == EHR_OK) {
        rc = ehr_store_limit_pages(store, store->options.max_pages);
    }

    return rc;
}


static ehr_rc_t
connect_database(ehr_store_t *store)
{
    int       rc, flags;
    ehr_rc_t  result;

    if (store->options.is_readonly) {
        flags = SQLITE_OPEN_READONLY;

    } else {
        flags = SQLITE_OPEN_READWRITE;

        result = create_file(store);
        if (result != EHR_OK) {
            return result;
        }
    }

    rc = sqlite3_open_v2(store->path, &store->db,
                         flags|SQLITE_OPEN_NOMUTEX|SQLITE_OPEN_PRIVATECACHE,
                         EHR_STORE_VFS);
    if (rc != SQLITE_OK) {
        return ehr_store_failed(store, rc);
    }

    result = configure(store);

    return result == EHR_OK ? prepare_database(store) : result;
}


/* Whoever closes last moves the log into the database, and removes it: never
 * one that was cut or written over. */

static void
disconnect_database(ehr_store_t *store)
{
    if (store->db != NULL && !store->options.is_readonly
        && !ehr_store_may_move_log(store))
    {
        (void) sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
                                 1, NULL);
    }

    ehr_store_finalize(store);
    (void) sqlite3_close_v2(store->db);

    store->db = NULL;
    store->must_reopen = 0;
    store->log_frames = 0;
    store->log_moved = 0;
}


static ehr_rc_t
open_lock(ehr_store_t *store)
{
    if (store->lock_fd != -1) {
        return EHR_OK;
    }

    store->lock_fd = ehr_store_lock_open(store->path);
    if (store->lock_fd != -1) {
        return EHR_OK;
    }

    (void) snprintf(store->error, sizeof(store->error),
                    "the lock beside the journal cannot be opened: errno %d",
                    errno);

    return EHR_LATER;
}


/* Under the writers' lock, so that two that start together neither migrate
 * twice nor meet while one turns the log on. */

static ehr_rc_t
open_database(ehr_store_t *store)
{
    ehr_rc_t  rc;

    if (!store->options.is_readonly) {
        rc = open_lock(store);
        if (rc == EHR_OK) {
            rc = ehr_store_lock(store);
        }

        if (rc != EHR_OK) {
            return rc;
        }
    }

    rc = connect_database(store);

    if (rc == EHR_OK) {
        remember(store);

    } else {
        disconnect_database(store);
    }

    if (!store->options.is_readonly) {
        ehr_store_unlock(store);
    }

    return rc;
}


/* SQLite would count every allocation under a mutex of the whole process, for
 * figures nobody asks for.  When another user of it was earlier, it does. */

static void
prepare_sqlite(void)
{
    (void) sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);

    /* If not, no journal opens: its VFS is not found. */
    (void) ehr_store_gather_register();
}


static ehr_rc_t
start(ehr_store_t *store, const ehr_store_options_t *options)
{
    static pthread_once_t  once = PTHREAD_ONCE_INIT;

    if (options->path == NULL || strlen(options->path) > EHR_STORE_PATH_MAX) {
        return ehr_store_broken(store, "no path, or too long a one");
    }

    if (sqlite3_threadsafe() == 0) {
        return ehr_store_broken(store, "this SQLite knows no threads");
    }

    (void) pthread_once(&once, prepare_sqlite);

    store->path = strdup(options->path);
    if (store->path == NULL) {
        return ehr_store_broken(store, "no memory");
    }

    store->options = *options;
    store->options.path = store->path;
    if (store->options.busy_timeout_ms <= 0) {
        store->options.busy_timeout_ms = EHR_STORE_BUSY_MS;
    }

    return open_database(store);
}


ehr_store_t *
ehr_store_open(const ehr_store_options_t *options, char *error,
               size_t error_len)
{
    ehr_rc_t      rc;
    ehr_store_t  *store;

    store = calloc(1, sizeof(ehr_store_t));
    if (store == NULL) {
        (void) snprintf(error, error_len, "no memory");
        return NULL;
    }

    store->lock_fd = -1;
    store->pid = getpid();

    if (pthread_mutex_init(&store->mutex, NULL) != 0) {
        (void) snprintf(error, error_len, "no mutex");
        free(store);
        return NULL;
    }

    rc = start(store, options);

    if (rc == EHR_OK) {
        return store;
    }

    (void) snprintf(error, error_len, "%s", store->error);

    if (rc == EHR_LATER && options->is_patient) {
        return store;
    }

    ehr_store_close(store);

    return NULL;
}


/* In a child that inherited the handle, closing would take away the parent's
 * locks: there it is left alone. */

void
ehr_store_close(ehr_store_t *store)
{
    if (store == NULL || store->pid != getpid()) {
        return;
    }

    ehr_packer_destroy(store->packer);
    ehr_sealer_destroy(store->sealer);
    disconnect_database(store);

    if (store->lock_fd != -1) {
        (void) close(store->lock_fd);
    }

    (void) pthread_mutex_destroy(&store->mutex);
    free(store->path);
    free(store);
}


/* Renamed, removed or replaced while it was open: what is written to it now
 * might never be found again. */

static int
has_moved(ehr_store_t *store)
{
    int  moved = 0;

    (void) sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED,
                                &moved);

    return moved;
}


ehr_rc_t
ehr_store_enter(ehr_store_t *store)
{
    ehr_rc_t  rc;

    if (store->pid != getpid()) {
        return ehr_store_broken(store, "the handle was opened before a fork");
    }

    if (pthread_mutex_lock(&store->mutex) != 0) {
        return EHR_BROKEN;
    }

    if (store->must_reopen || (store->db != NULL && has_moved(store))) {
        disconnect_database(store);
    }

    if (store->db == NULL) {
        rc = open_database(store);
        if (rc != EHR_OK) {
            /* It was a journal of ours: whatever is wrong can be mended. */
            (void) pthread_mutex_unlock(&store->mutex);
            return EHR_LATER;
        }
    }

    return EHR_OK;
}


void
ehr_store_leave(ehr_store_t *store)
{
    (void) pthread_mutex_unlock(&store->mutex);
}


ehr_rc_t
ehr_store_limit_pages(ehr_store_t *store, uint32_t max_pages)
{
    int   rc;
    char  sql[64];

    store->options.max_pages = max_pages;

    (void) snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %u",
                    max_pages != 0 ? max_pages : 0xfffffffeu);

    rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? EHR_OK : ehr_store_failed(store, rc);
}


const char *
ehr_store_error(const ehr_store_t *store)
{
    return store->error;
}


int
ehr_store_is_corrupt(const ehr_store_t *store)
{
    return store->is_corrupt;
}


int
ehr_store_log_frames(const ehr_store_t *store)
{
    return store->log_frames - store->log_moved;
}
