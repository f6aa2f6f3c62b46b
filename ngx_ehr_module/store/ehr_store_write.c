/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Transactions: the group commit, the read view, the checkpoint.
 *
 * The group commit runs without savepoints, which would make SQLite copy the
 * pages of every operation.  Operations look before they write, so one that
 * fails has as a rule written nothing and the others go on; if it has, the
 * whole transaction is rolled back and run again without it.
 */

#include "ehr_store_sqlite.h"


/* Some failures have rolled back already.  A handle that cannot roll back is
 * given up: closing it does. */

static void
rollback(ehr_store_t *store)
{
    if (!sqlite3_get_autocommit(store->db)
        && sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
    {
        store->must_reopen = 1;
    }

    ehr_store_gather_drop(store);
}


ehr_rc_t
ehr_store_begin_write(ehr_store_t *store)
{
    ehr_rc_t  rc;

    if (store->options.is_readonly) {
        return ehr_store_broken(store, "the handle is read-only");
    }

    store->is_unknown = 0;

    rc = ehr_store_lock(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = ehr_store_run(store, EHR_SQL_BEGIN_WRITE);

    if (rc == EHR_OK) {
        rc = ehr_store_check_log(store);
        if (rc != EHR_OK) {
            rollback(store);
        }
    }

    if (rc != EHR_OK) {
        ehr_store_unlock(store);
    }

    return rc;
}


/*
 * A COMMIT whose fsync failed, or that found no memory behind it to enter its
 * frames in the index, has written its last frame: nobody sees it, but a log
 * that is read anew, after a crash, would bring it back, and the sender was
 * told that nothing was stored.  One more transaction takes the place of its
 * frames, and what follows does not fit the log's chain of checksums any
 * more.  That holds in the kernel's cache, so its own fsync need not succeed;
 * where not even the write does, nobody knows.
 */

static void
take_back(ehr_store_t *store, int failure)
{
    ehr_rc_t  rc;

    if (((failure & 0xff) != SQLITE_IOERR
         && (failure & 0xff) != SQLITE_NOMEM)
        || failure == SQLITE_IOERR_WRITE)
    {
        return;
    }

    store->must_reopen = 1;

    rc = ehr_store_run(store, EHR_SQL_BEGIN_WRITE);
    if (rc == EHR_OK) {
        rc = ehr_store_touch(store);
    }

    if (rc == EHR_OK) {
        rc = ehr_store_run(store, EHR_SQL_COMMIT);
    }

    failure = sqlite3_extended_errcode(store->db);

    store->is_unknown = rc != EHR_OK && failure != SQLITE_IOERR_FSYNC
                        && failure != SQLITE_IOERR_DIR_FSYNC;

    rollback(store);
}


static ehr_rc_t
commit(ehr_store_t *store)
{
    int       failure;
    char      error[EHR_STORE_ERROR_MAX];
    ehr_rc_t  rc;

    rc = ehr_store_run(store, EHR_SQL_COMMIT);
    if (rc == EHR_OK) {
        return EHR_OK;
    }

    failure = sqlite3_extended_errcode(store->db);
    memcpy(error, store->error, sizeof(error));

    rollback(store);
    take_back(store, failure);

    memcpy(store->error, error, sizeof(error));

    return rc;
}


/* I1: "durable" is COMMIT's answer and nothing before it. */

ehr_rc_t
ehr_store_end_write(ehr_store_t *store, ehr_rc_t rc)
{
    if (rc == EHR_OK) {
        rc = commit(store);

    } else {
        rollback(store);
    }

    ehr_store_unlock(store);

    return rc;
}


ehr_rc_t
ehr_store_begin_read(ehr_store_t *store)
{
    ehr_rc_t  rc;

    rc = ehr_store_enter(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = ehr_store_run(store, EHR_SQL_BEGIN_READ);
    if (rc != EHR_OK) {
        ehr_store_leave(store);
    }

    return rc;
}


ehr_rc_t
ehr_store_end_read(ehr_store_t *store, ehr_rc_t rc)
{
    rollback(store);
    ehr_store_leave(store);

    return rc;
}


static ehr_rc_t
run_operation(ehr_store_t *store, ehr_store_op_t *op)
{
    switch (op->type) {

    case EHR_STORE_OP_SUBMIT:
        return ehr_store_submit(store, (ehr_store_submit_t *) op);

    case EHR_STORE_OP_CLAIM:
        return ehr_store_claim(store, (ehr_store_claim_t *) op);

    case EHR_STORE_OP_FINISH:
        return ehr_store_finish(store, (ehr_store_finish_t *) op);

    case EHR_STORE_OP_RECOVER:
        return ehr_store_recover(store, (ehr_store_recover_t *) op);

    case EHR_STORE_OP_UNHOLD:
        return ehr_store_unhold(store, (ehr_store_unhold_t *) op);

    case EHR_STORE_OP_PROBE:
        return ehr_store_probe(store, (ehr_store_probe_t *) op);

    case EHR_STORE_OP_PROBED:
        return ehr_store_probed(store, (ehr_store_probed_t *) op);
    }

    return ehr_store_broken(store, "an operation of no known type");
}


/* EHR_AGAIN: a broken operation had written; the rest must run again. */

static ehr_rc_t
run_operations(ehr_store_t *store, ehr_store_op_t *ops)
{
    sqlite3_int64    before;
    ehr_store_op_t  *op;

    for (op = ops; op != NULL; op = op->next) {

        if (op->rc == EHR_BROKEN) {
            continue;
        }

        before = sqlite3_total_changes64(store->db);
        op->rc = run_operation(store, op);

        if (op->rc == EHR_LATER) {
            return EHR_LATER;
        }

        if (op->rc == EHR_BROKEN
            && sqlite3_total_changes64(store->db) != before)
        {
            return EHR_AGAIN;
        }
    }

    return EHR_OK;
}


static ehr_rc_t
write_once(ehr_store_t *store, ehr_store_op_t *ops)
{
    ehr_rc_t  rc;

    rc = ehr_store_begin_write(store);
    if (rc != EHR_OK) {
        return rc;
    }

    return ehr_store_end_write(store, run_operations(store, ops));
}


static void
set_all(ehr_store_op_t *ops, ehr_rc_t rc, int is_unknown)
{
    ehr_store_op_t      *op;
    ehr_store_claim_t   *claim;

    for (op = ops; op != NULL; op = op->next) {
        op->rc = rc;
        op->is_unknown = is_unknown;

        if (op->type == EHR_STORE_OP_CLAIM) {
            claim = (ehr_store_claim_t *) op;
            claim->claims = NULL;
            claim->nclaims = 0;
            claim->unreadable = NULL;
            claim->nunreadable = 0;
        }
    }
}


ehr_rc_t
ehr_store_write(ehr_store_t *store, ehr_store_op_t *ops)
{
    ehr_rc_t  rc;

    set_all(ops, EHR_AGAIN, 0);

    rc = ehr_store_enter(store);
    if (rc != EHR_OK) {
        set_all(ops, rc, 0);
        return rc;
    }

    /* Before the writers' lock: nobody waits for it. */
    rc = ehr_store_prepare_contents(store, ops);

    if (rc == EHR_OK) {

        /* Each turn but the last leaves out one more operation. */
        do {
            rc = write_once(store, ops);
        } while (rc == EHR_AGAIN);
    }

    if (rc != EHR_OK) {
        set_all(ops, rc, rc == EHR_LATER && store->is_unknown);
    }

    ehr_store_leave(store);

    return rc;
}


/* Never waits: a reader that stands in the way, or another process that is at
 * it (then SQLite gives -1), is met again next time; a log that is not the one
 * that was written, by the next write. */

static ehr_rc_t
checkpoint(ehr_store_t *store, int mode, int *frames_left)
{
    int  rc, in_log, moved;

    if (!ehr_store_may_move_log(store)) {
        *frames_left = store->log_frames - store->log_moved;
        return EHR_OK;
    }

    in_log = moved = -1;

    rc = sqlite3_busy_timeout(store->db, 0);
    if (rc == SQLITE_OK) {
        rc = sqlite3_wal_checkpoint_v2(store->db, NULL, mode, &in_log,
                                       &moved);
    }

    (void) sqlite3_busy_timeout(store->db, store->options.busy_timeout_ms);

    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY) {
        return ehr_store_failed(store, rc);
    }

    if (in_log >= 0 && moved >= 0) {
        store->log_frames = in_log;
        store->log_moved = moved;
    }

    *frames_left = store->log_frames - store->log_moved;

    return EHR_OK;
}


/*
 * Writers that never pause add frames while others are moved, and a log that
 * is never moved whole is never begun anew: it would grow, and be moved over
 * and over.  So they wait once, for the few frames that came meanwhile.  The
 * file stays as long as it is (its blocks are used again) unless it is huge.
 */

static ehr_rc_t
begin_log_anew(ehr_store_t *store, int *frames_left)
{
    int       mode;
    ehr_rc_t  rc;

    mode = store->log_frames > EHR_STORE_LOG_MAX_FRAMES
               ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART;

    rc = ehr_store_lock(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = checkpoint(store, mode, frames_left);
    ehr_store_unlock(store);

    return rc;
}


ehr_rc_t
ehr_store_checkpoint(ehr_store_t *store, int *frames_left)
{
    ehr_rc_t  rc;

    *frames_left = 0;

    rc = ehr_store_enter(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = checkpoint(store, SQLITE_CHECKPOINT_PASSIVE, frames_left);

    if (rc == EHR_OK
        && store->log_frames >= EHR_STORE_CHECKPOINT_FRAMES)
    {
        rc = begin_log_anew(store, frames_left);
    }

    ehr_store_leave(store);

    return rc;
}


ehr_rc_t
ehr_store_move_log(ehr_store_t *store, int *frames_left)
{
    return checkpoint(store, SQLITE_CHECKPOINT_PASSIVE, frames_left);
}
