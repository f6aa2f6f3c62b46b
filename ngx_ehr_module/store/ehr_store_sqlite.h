/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What the files of the SQLite backend share.  Nobody else includes it but
 * the backend's own tests.
 *
 * The life of a handle:
 *
 *   1. ehr_store_open() opens the lock file and the database, migrates.
 *   2. enter() takes the mutex, and opens again what step 4 gave up.
 *   3. One transaction: statements come from the table in ehr_store_sql.c and
 *      are prepared at their first use.
 *   4. A failed read, write or fsync, or a page that makes no sense, marks the
 *      handle: nothing on it is trusted again, the next enter() reopens.
 *   5. ehr_store_close().
 */

#ifndef EHR_STORE_SQLITE_H
#define EHR_STORE_SQLITE_H


#include <pthread.h>
#include <sys/types.h>
#include <sqlite3.h>

#include "ehr_store.h"
#include "ehr_pack.h"
#include "ehr_seal.h"
#include "ehr_store_sql.h"


#define EHR_STORE_BUSY_MS        5000
#define EHR_STORE_ERROR_MAX      256
#define EHR_STORE_PATH_MAX       4000

/* "EHRJ": says whose database a file is. */
#define EHR_STORE_APPLICATION    0x4548524a

/* Above this the log is folded back and cut, if no reader is in the way. */
#define EHR_STORE_LOG_MAX_FRAMES  131072

/* Rows of attempts or of history of one submission that are shown. */
#define EHR_STORE_MAX_ROWS       10000

/* Codes of ours, in history and in answers. */
#define EHR_REASON_DUE           "delivery.due"
#define EHR_REASON_ANSWERED      "partner.answered"
#define EHR_REASON_UNANSWERED    "query.unanswered"
#define EHR_REASON_NEWER         "content.newer"
#define EHR_REASON_LOST          "worker.lost"
#define EHR_REASON_CRASHED       "plugin.crashed"
#define EHR_REASON_CLOSED        "window.closed"
#define EHR_REASON_OPENED        "window.opened"
#define EHR_REASON_DAMAGED       "content.damaged"
#define EHR_REASON_RELOADED      "config.reloaded"
#define EHR_REASON_NO_KEY        "config.store-key"
#define EHR_REASON_MISSING       "content.missing"
#define EHR_REASON_NO_PARTNER    "config.partner"
#define EHR_REASON_EARLY         "deadline.ahead"
#define EHR_REASON_RETENTION     "retention.content"


/* contents.packing */

typedef enum {
    EHR_PACKING_NONE = 0,
    EHR_PACKING_ZSTD
} ehr_packing_e;


struct ehr_store_s {
    pthread_mutex_t       mutex;
    ehr_store_options_t   options;    /* path: the copy below */
    char                 *path;
    pid_t                 pid;        /* who opened it */
    int                   lock_fd;    /* -1: read-only */
    sqlite3              *db;
    int                   was_open;   /* at least once */
    int                   is_corrupt; /* a page made no sense */
    int64_t               damaged_seq;    /* whose content it was; 0: none */
    int                   must_reopen;
    int                   is_unknown; /* the last transaction: nobody knows
                                         whether it will be there */
    int                   log_frames; /* in the log at the last commit */
    int                   log_moved;  /* of these, by our checkpoints */
    sqlite3_stmt         *statements[EHR_SQL_LAST];
    ehr_packer_t         *packer;     /* made by the first write */
    ehr_sealer_t         *sealer;     /* made when first needed */
    char                  error[EHR_STORE_ERROR_MAX];
};


/* --- ehr_store_open.c --- */

/* Mutex, process, reopening.  After EHR_OK the caller calls leave(). */
ehr_rc_t ehr_store_enter(ehr_store_t *store);
void ehr_store_leave(ehr_store_t *store);

/* Sets the end of the disk, for tests; 0: none. */
ehr_rc_t ehr_store_limit_pages(ehr_store_t *store, uint32_t max_pages);


/* --- ehr_store_log.c --- */

/* Inside a write transaction.  EHR_LATER: nothing must be written after it:
 * the log is not the one that was written, and the handle is corrupt, or the
 * disk does not say. */
ehr_rc_t ehr_store_check_log(ehr_store_t *store);

/* 0: not now.  Outside a transaction a writer may make it seem wrong. */
int ehr_store_may_move_log(ehr_store_t *store);


/* --- ehr_store_gather.c --- */

/* The VFS of that name, over the one that is the default now; the first
 * handle of a process does it. */
#define EHR_STORE_VFS  "ehr"
int ehr_store_gather_register(void);

/* After a rollback, whoever asked for it: nothing of it is written later. */
void ehr_store_gather_drop(ehr_store_t *store);


/* --- ehr_store_migrate.c --- */

/* Changes nothing.  EHR_BROKEN with a sentence: a database of another program
 * or of a newer version, or an older one that may only be read. */
ehr_rc_t ehr_store_schema_check(ehr_store_t *store, int *is_current);

/* Brings it to our version; with the writers' lock held. */
ehr_rc_t ehr_store_migrate(ehr_store_t *store);

/* Inside a transaction: writes a page and changes nothing. */
ehr_rc_t ehr_store_touch(ehr_store_t *store);


/* --- ehr_store_lock.c --- */

/* Opens "<path>.lock"; -1 on failure. */
int ehr_store_lock_open(const char *path);

/* Waits for its turn; EHR_LATER when the kernel refuses. */
ehr_rc_t ehr_store_lock(ehr_store_t *store);
void ehr_store_unlock(ehr_store_t *store);


/* --- ehr_store_query.c --- */

/*
 * One run of one statement.  Bindings are in order and remember the first
 * failure, which step() tells.  Bound bytes are borrowed until end().
 */

typedef struct {
    ehr_store_t   *store;
    sqlite3_stmt  *stmt;
    int            nbound;
    int            failed;            /* an SQLite code */
    int            is_kept;           /* belongs to the handle */
    int            no_memory;         /* a column did not fit the arena */
} ehr_query_t;

void ehr_query_begin(ehr_query_t *q, ehr_store_t *store, ehr_sql_e sql);

/* The same for a text of the moment; its parameters are named. */
void ehr_query_begin_text(ehr_query_t *q, ehr_store_t *store,
                          const char *text);

void ehr_query_int(ehr_query_t *q, int64_t value);
void ehr_query_str(ehr_query_t *q, ehr_str_t value);
void ehr_query_text(ehr_query_t *q, const char *value);
void ehr_query_blob(ehr_query_t *q, const void *data, size_t len);
void ehr_query_null(ehr_query_t *q);

/* A parameter of that name, if the text has it. */
void ehr_query_named_int(ehr_query_t *q, const char *name, int64_t value);
void ehr_query_named_str(ehr_query_t *q, const char *name, ehr_str_t value);

/* EHR_AGAIN: a row is there; EHR_OK: no more; else the failure. */
ehr_rc_t ehr_query_step(ehr_query_t *q);
void ehr_query_end(ehr_query_t *q);

/* One step and the end, of a statement that gives no rows. */
ehr_rc_t ehr_query_run(ehr_query_t *q);

int64_t ehr_column_int(ehr_query_t *q, int column);
ehr_str_t ehr_column_str(ehr_query_t *q, int column, ehr_arena_t *arena);
ehr_state_e ehr_column_state(ehr_query_t *q, int column);

/* 0 unless the column is a blob of just that length. */
int ehr_column_bytes(ehr_query_t *q, int column, void *out, size_t len);

/* A text column into an array of size; cut if it is longer. */
void ehr_column_copy(ehr_query_t *q, int column, char *out, size_t size);

/* A statement without parameters and rows. */
ehr_rc_t ehr_store_run(ehr_store_t *store, ehr_sql_e sql);

/* A single integer that a statement of one bound integer, or none, gives. */
ehr_rc_t ehr_store_get_int(ehr_query_t *q, int64_t *value);

/* Remembers the sentence and says what a failure means. */
ehr_rc_t ehr_store_failed(ehr_store_t *store, int sqlite_rc);
ehr_rc_t ehr_store_broken(ehr_store_t *store, const char *sentence);

void ehr_store_finalize(ehr_store_t *store);


/* --- ehr_store_write.c --- */

/* With the writers' lock; after EHR_OK the caller ends it. */
ehr_rc_t ehr_store_begin_write(ehr_store_t *store);

/* Commits when rc is EHR_OK, else rolls back; gives what it came to. */
ehr_rc_t ehr_store_end_write(ehr_store_t *store, ehr_rc_t rc);

/* enter() and one view of everything; after EHR_OK the caller ends it. */
ehr_rc_t ehr_store_begin_read(ehr_store_t *store);
ehr_rc_t ehr_store_end_read(ehr_store_t *store, ehr_rc_t rc);


/* --- inside a transaction --- */

typedef struct {
    int64_t      seq;
    int64_t      at_ms;
    const char  *partner;
    const char  *state;
    ehr_str_t    reason;
} ehr_step_t;

ehr_rc_t ehr_store_history_add(ehr_store_t *store, const ehr_step_t *step);

/* Runs an UPDATE ... RETURNING seq, partner that supersedes, and writes the
 * history of each row. */
ehr_rc_t ehr_store_supersede(ehr_query_t *q, int64_t now_ms);

/* EHR_REFUSED: there is none; EHR_BROKEN: the arena is full. */
ehr_rc_t ehr_store_load(ehr_store_t *store, int64_t seq, ehr_arena_t *arena,
                        ehr_submission_t *out);
ehr_rc_t ehr_store_load_deliveries(ehr_store_t *store, ehr_arena_t *arena,
                                   ehr_submission_t *sub);

/* EHR_REFUSED: there is none. */
ehr_rc_t ehr_store_find(ehr_store_t *store, ehr_str_t facility,
                        const char *id, int64_t *seq);

/* --- ehr_store_content.c --- */

/* Packs and seals what is submitted, outside every transaction.  EHR_LATER:
 * it could not be sealed. */
ehr_rc_t ehr_store_prepare_contents(ehr_store_t *store, ehr_store_op_t *ops);

ehr_rc_t ehr_store_add_content(ehr_store_t *store, ehr_store_submit_t *op,
                               int64_t seq);

/* EHR_OK: content says whether the bytes are there; EHR_BROKEN: the arena is
 * full. */
ehr_rc_t ehr_store_load_content(ehr_store_t *store,
                                const ehr_submission_t *sub,
                                ehr_arena_t *arena, ehr_content_t *content);


/* Sealed with the first key, if it opens; else left as it is. */
ehr_rc_t ehr_store_reseal_content(ehr_store_t *store, int64_t seq,
                                  ehr_arena_t *arena, int *is_done);


/* --- chores: between enter() and leave(), in transactions of their own --- */

#define EHR_LEASE_KEEPER   "keeper"
#define EHR_LEASE_SWEEPER  "sweeper"

/* EHR_REFUSED: the lease is somebody else's, or nobody's. */
ehr_rc_t ehr_store_keep_is_mine(ehr_store_t *store,
                                const ehr_store_keep_t *keep,
                                const char *lease, int64_t *until_ms);

ehr_rc_t ehr_store_sweep(ehr_store_t *store, ehr_store_keep_t *keep);
ehr_rc_t ehr_store_retain(ehr_store_t *store, ehr_store_keep_t *keep);
ehr_rc_t ehr_store_reseal(ehr_store_t *store, ehr_store_keep_t *keep);

/* Its time has come, or a clock has jumped back before it. */
int ehr_store_is_due(const ehr_store_keep_t *keep, int64_t due_ms,
                     int64_t period_ms);

/* ehr_store_checkpoint() inside enter() and leave(), once. */
ehr_rc_t ehr_store_move_log(ehr_store_t *store, int *frames_left);


/* --- operations, inside a transaction --- */

ehr_rc_t ehr_store_submit(ehr_store_t *store, ehr_store_submit_t *op);
ehr_rc_t ehr_store_claim(ehr_store_t *store, ehr_store_claim_t *op);
ehr_rc_t ehr_store_finish(ehr_store_t *store, const ehr_store_finish_t *op);
ehr_rc_t ehr_store_recover(ehr_store_t *store, ehr_store_recover_t *op);
ehr_rc_t ehr_store_unhold(ehr_store_t *store, ehr_store_unhold_t *op);
ehr_rc_t ehr_store_probe(ehr_store_t *store, ehr_store_probe_t *op);
ehr_rc_t ehr_store_probed(ehr_store_t *store, const ehr_store_probed_t *op);

/* An unknown code is a broken call: the caller has looked. */
ehr_rc_t ehr_store_load_facility(ehr_store_t *store, ehr_str_t code,
                                 ehr_arena_t *arena, ehr_facility_t *out);

/* The lowest seq that was received then or later, one above the newest when
 * none was.  Times of receipt follow seq but for what a slow body and a step
 * of the clock make of them: who asks for all of a time takes the skew off. */
#define EHR_STORE_SKEW_MS  (15 * 60 * 1000)

ehr_rc_t ehr_store_first_since(ehr_store_t *store, int64_t since_ms,
                               int64_t *seq);

/* The query of a list, with named parameters; 0 when buf is too small. */
size_t ehr_store_list_sql(const ehr_store_filter_t *filter, char *buf,
                          size_t size);


#endif /* EHR_STORE_SQLITE_H */
