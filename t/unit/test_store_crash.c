/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Several processes, sudden death, a full disk, a disk that fails: what was
 * acknowledged is there, what was not did not happen, and it goes on.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "store_world.h"
#include "ehr_store_sqlite.h"


#define NWRITERS   4
#define NTWINS     500
#define NROUNDS    20
#define MAX_ACKED  20000
#define BATCH      8


/* What a child tells its parent: less than PIPE_BUF, so never torn. */

typedef struct {
    int32_t  number;
    int32_t  what;
    char     id[EHR_UUID_LEN + 1];
} report_t;


/* --- children --- */

typedef int (*work_pt)(world_t *w, int who, int out);


/* A child has no test to fail: its exit status says whether all was well. */

static pid_t
start(world_t *w, int who, int out, work_pt work)
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        w->store = world_open(w, 0);
        status = w->store != NULL ? work(w, who, out) : 2;
        ehr_store_close(w->store);
        _exit(status);
    }

    assert_true(pid > 0);

    return pid;
}


static void
wait_well(pid_t pid)
{
    int  status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}


static int
tell(int out, int number, int what, const char *id)
{
    report_t  report = { 0 };

    report.number = number;
    report.what = what;
    memcpy(report.id, id, EHR_UUID_LEN);

    return write(out, &report, sizeof(report)) == sizeof(report);
}


static int
hear(int in, report_t *report)
{
    ssize_t  n;

    do {
        n = read(in, report, sizeof(report_t));
    } while (n == -1 && errno == EINTR);

    return n == sizeof(report_t);
}


/* document() without asserts, with a text made from two numbers. */

static void
make(world_t *w, ehr_store_submit_t *op, int a, int b)
{
    char  text[64];

    (void) snprintf(text, sizeof(text), "<A a='%d' b='%d'/>", a, b);
    document(w, op, text);
}


/* --- twins across processes --- */

static int
submit_twins(world_t *w, int who, int out)
{
    int                  i, j, n, what;
    ehr_store_submit_t   ops[BATCH];

    for (i = 0; i < NTWINS; i += n) {

        /* Each with a batch of its own size, two of them alike within. */
        n = who + 1 < NTWINS - i ? who + 1 : NTWINS - i;

        for (j = 0; j < n; j++) {
            make(w, &ops[j], i + j, 0);
            ops[j].idempotency_key = who % 2 ? ehr_str("") : ehr_str(NULL);
            ops[j].op.next = j + 1 < n ? &ops[j + 1].op : NULL;
        }

        if (ehr_store_write(w->store, &ops[0].op) != EHR_OK) {
            return 3;
        }

        for (j = 0; j < n; j++) {
            what = ops[j].result;
            if (ops[j].op.rc != EHR_OK
                || !tell(out, i + j, what, what == EHR_SUBMIT_STORED
                                           ? ops[j].sub.id
                                           : ops[j].found.id))
            {
                return 4;
            }
        }
    }

    return 0;
}


static void
twins_of_four_processes_are_stored_once(void **state)
{
    int          i, fds[2], nstored, nduplicate;
    pid_t        pids[NWRITERS];
    world_t     *w = *state;
    report_t     report;
    static char  ids[NTWINS][EHR_UUID_LEN + 1];

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    for (i = 0; i < NWRITERS; i++) {
        pids[i] = start(w, i, fds[1], submit_twins);
    }
    assert_int_equal(close(fds[1]), 0);

    nstored = nduplicate = 0;

    while (hear(fds[0], &report)) {

        if (ids[report.number][0] == '\0') {
            memcpy(ids[report.number], report.id, sizeof(report.id));
        }

        assert_string_equal(ids[report.number], report.id);
        nstored += report.what == EHR_SUBMIT_STORED;
        nduplicate += report.what == EHR_SUBMIT_DUPLICATE;
    }

    for (i = 0; i < NWRITERS; i++) {
        wait_well(pids[i]);
    }

    assert_int_equal(close(fds[0]), 0);
    assert_int_equal(nstored, NTWINS);
    assert_int_equal(nduplicate, (NWRITERS - 1) * NTWINS);

    w->store = world_open(w, 0);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), NTWINS);
    assert_int_equal(ask(w, "SELECT count(*) FROM deliveries"), NTWINS);
}


/* --- claims of several processes --- */

static int
claim_all(world_t *w, int who, int out)
{
    uint32_t            i;
    ehr_store_claim_t   op = { 0 };
    ehr_store_finish_t  end = { 0 };

    do {
        memset(&op, 0, sizeof(op));
        op.op.type = EHR_STORE_OP_CLAIM;
        op.partner = "insurance";
        op.owner.slot = (uint32_t) who;
        op.owner.incarnation = (uint64_t) who + 1;
        op.now_ms = NOW;
        op.max = (uint32_t) who + 2;
        op.arena = w->arena;

        if (ehr_store_write(w->store, &op.op) != EHR_OK
            || op.op.rc != EHR_OK)
        {
            return 3;
        }

        for (i = 0; i < op.nclaims; i++) {
            end.op.type = EHR_STORE_OP_FINISH;
            end.delivery = op.claims[i].delivery;
            end.fence = op.claims[i].fence;
            end.state = EHR_STATE_ACCEPTED;
            end.now_ms = NOW;

            if (ehr_store_write(w->store, &end.op) != EHR_OK
                || end.op.rc != EHR_OK
                || !tell(out, (int) op.claims[i].delivery, 0,
                         op.claims[i].sub.id))
            {
                return 4;
            }
        }
    } while (op.nclaims > 0);

    return 0;
}


static void
claims_of_four_processes_never_meet(void **state)
{
    enum { NDOCUMENTS = 200 };

    int                  i, fds[2], seen[NDOCUMENTS + 1] = { 0 };
    pid_t                pids[NWRITERS];
    world_t             *w = *state;
    report_t             report;
    ehr_store_submit_t   op;

    w->store = world_open(w, 0);
    for (i = 0; i < NDOCUMENTS; i++) {
        make(w, &op, i, 1);
        submit(w, &op);
    }
    ehr_store_close(w->store);
    w->store = NULL;

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    for (i = 0; i < NWRITERS; i++) {
        pids[i] = start(w, i, fds[1], claim_all);
    }
    assert_int_equal(close(fds[1]), 0);

    while (hear(fds[0], &report)) {
        assert_in_range(report.number, 1, NDOCUMENTS);
        assert_int_equal(seen[report.number]++, 0);
    }

    for (i = 0; i < NWRITERS; i++) {
        wait_well(pids[i]);
    }

    assert_int_equal(close(fds[0]), 0);
    for (i = 1; i <= NDOCUMENTS; i++) {
        assert_int_equal(seen[i], 1);
    }
}


/* --- sudden death --- */

static int
write_for_ever(world_t *w, int who, int out)
{
    int                  i, j;
    ehr_store_submit_t   ops[BATCH];

    for (i = 0; i < MAX_ACKED; i += BATCH) {

        ehr_arena_destroy(w->arena);
        w->arena = ehr_arena_create(ARENA);

        for (j = 0; j < BATCH; j++) {
            make(w, &ops[j], who, i + j);
            ops[j].sub.business_key = ehr_str(j % 2 ? "LK1" : "");
            ops[j].op.next = j + 1 < BATCH ? &ops[j + 1].op : NULL;
        }

        if (ehr_store_write(w->store, &ops[0].op) != EHR_OK) {
            return 3;
        }

        for (j = 0; j < BATCH; j++) {
            if (ops[j].op.rc != EHR_OK || !tell(out, i + j, 0, ops[j].sub.id))
            {
                return 4;
            }
        }
    }

    return 0;
}


static void
kill_two_writers(world_t *w, int round, char (*acked)[EHR_UUID_LEN + 1],
                 int *nacked)
{
    int              i, fds[2], n;
    pid_t            pids[2];
    report_t         report;
    struct timespec  moment = { 0, 0 };

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    for (i = 0; i < 2; i++) {
        pids[i] = start(w, 2 * round + i, fds[1], write_for_ever);
    }
    assert_int_equal(close(fds[1]), 0);

    /* The moment of death: some reports and a bit of a commit later. */
    n = 1 + rand() % 60;
    moment.tv_nsec = rand() % 1500000;

    for (i = 0; *nacked < MAX_ACKED && hear(fds[0], &report); i++) {
        memcpy(acked[(*nacked)++], report.id, sizeof(report.id));

        if (i == n) {
            (void) nanosleep(&moment, NULL);
            assert_int_equal(kill(pids[0], SIGKILL), 0);
            assert_int_equal(kill(pids[1], SIGKILL), 0);
        }
    }

    assert_int_equal(close(fds[0]), 0);
    for (i = 0; i < 2; i++) {
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    }
}


static void
what_was_acknowledged_survives_sigkill(void **state)
{
    int                  i, nacked;
    world_t             *w = *state;
    ehr_store_t         *survivor;
    ehr_store_submit_t   op;
    static char          acked[MAX_ACKED][EHR_UUID_LEN + 1];

    srand(20261121);
    nacked = 0;

    /* Children open their own and never touch this one. */
    survivor = world_open(w, 0);
    assert_non_null(survivor);

    for (i = 0; i < NROUNDS; i++) {
        kill_two_writers(w, i, acked, &nacked);

        /* The dead have left no lock behind. */
        make(w, &op, -1, i);
        assert_ok(ehr_store_write(survivor, &op.op));
        assert_ok(op.op.rc);
        memcpy(acked[nacked++], op.sub.id, sizeof(op.sub.id));
    }

    w->store = survivor;
    assert_true(nacked > NROUNDS);

    for (i = 0; i < nacked; i++) {
        assert_int_equal(look(w, acked[i]).ndeliveries, 1);
    }

    assert_int_equal(ask(w, "SELECT count(*) FROM pragma_integrity_check"
                            " WHERE integrity_check = 'ok'"), 1);
    assert_int_equal(ask(w, "SELECT count(*)"
                            " FROM pragma_foreign_key_check"), 0);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions AS s WHERE"
                            " NOT EXISTS (SELECT 1 FROM contents AS c"
                            " WHERE c.seq = s.seq) OR"
                            " NOT EXISTS (SELECT 1 FROM deliveries AS d"
                            " WHERE d.seq = s.seq) OR"
                            " NOT EXISTS (SELECT 1 FROM history AS h"
                            " WHERE h.seq = s.seq)"), 0);
}


/* --- a reader beside a writer --- */

static int
write_some(world_t *w, int who, int out)
{
    int                  i, frames;
    ehr_store_submit_t   op;

    for (i = 0; i < 300; i++) {
        make(w, &op, who, i);
        if (ehr_store_write(w->store, &op.op) != EHR_OK
            || op.op.rc != EHR_OK
            || ehr_store_checkpoint(w->store, &frames) != EHR_OK)
        {
            return 3;
        }
    }

    return tell(out, 0, 0, op.sub.id) ? 0 : 4;
}


static void
a_reader_sees_whole_documents_while_another_writes(void **state)
{
    int                  fds[2], is_done;
    pid_t                pid;
    world_t             *w = *state;
    uint8_t              sha256[EHR_SHA256_LEN];
    uint32_t             n;
    report_t             report;
    ehr_content_t        content;
    ehr_arena_t         *arena;
    ehr_submission_t    *subs;
    ehr_store_filter_t   filter = { 0 };

    w->store = world_open(w, 0);
    ehr_store_close(w->store);

    assert_int_equal(pipe2(fds, O_CLOEXEC|O_NONBLOCK), 0);
    pid = start(w, 1, fds[1], write_some);
    w->store = world_open(w, 1);
    assert_non_null(w->store);

    filter.limit = 1;
    n = 0;

    do {
        is_done = hear(fds[0], &report);
        arena = ehr_arena_create(1 << 20);
        assert_ok(ehr_store_list(w->store, &filter, arena, &subs, &n));

        if (n == 1) {
            assert_int_equal(subs[0].ndeliveries, 1);
            assert_ok(ehr_store_content(w->store, ehr_str(""), subs[0].id,
                                        arena, &content));
            assert_int_equal(content.is, EHR_CONTENT_WHOLE);
            ehr_sha256(content.bytes.data, content.bytes.len, sha256);
            assert_memory_equal(sha256, subs[0].sha256, EHR_SHA256_LEN);
        }

        ehr_arena_destroy(arena);
    } while (!is_done);

    assert_int_equal(n, 1);
    wait_well(pid);
    assert_int_equal(close(fds[0]), 0);
    assert_int_equal(close(fds[1]), 0);
}


static void
a_handle_is_not_used_across_a_fork(void **state)
{
    pid_t                pid;
    world_t             *w = *state;
    ehr_store_submit_t   op;

    w->store = world_open(w, 0);
    make(w, &op, 1, 1);

    pid = fork();
    if (pid == 0) {
        _exit(ehr_store_write(w->store, &op.op) != EHR_BROKEN
              || op.op.rc != EHR_BROKEN);
    }

    wait_well(pid);
    submit(w, &op);
    assert_int_equal(op.result, EHR_SUBMIT_STORED);
}


/* --- a disk that is full --- */

static void
make_big(world_t *w, ehr_store_submit_t *op, int number)
{
    static char  text[20001];

    fill_noise(text, sizeof(text) - 1, (uint32_t) number + 1);
    document(w, op, text);
}


static void
a_full_disk_is_temporary_and_nothing_is_half_kept(void **state)
{
    int                   i, nstored;
    char                  error[256];
    world_t              *w = *state;
    ehr_store_submit_t    a, b;
    ehr_store_options_t   options = { .path = w->path, .max_pages = 200 };

    w->store = ehr_store_open(&options, error, sizeof(error));
    assert_non_null(w->store);

    for (i = 0, nstored = 0; i < 200; i++) {
        make_big(w, &a, 2 * i);
        make_big(w, &b, 2 * i + 1);
        a.op.next = &b.op;

        if (ehr_store_write(w->store, &a.op) != EHR_OK) {
            break;
        }

        assert_ok(a.op.rc);
        assert_ok(b.op.rc);
        nstored += 2;
    }

    assert_true(nstored > 0 && nstored < 100);
    assert_int_equal(a.op.rc, EHR_LATER);
    assert_int_equal(b.op.rc, EHR_LATER);
    assert_non_null(strstr(ehr_store_error(w->store), "full"));
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), nstored);

    /* Reading goes on, and so does a result that needs no new page. */
    assert_int_equal(ehr_store_write(w->store, &a.op), EHR_LATER);
    assert_int_equal(ehr_store_document(w->store, ehr_str(""), a.sub.id,
                                        w->arena, &a.found), EHR_REFUSED);

    assert_ok(ehr_store_limit_pages(w->store, 0));
    assert_ok(ehr_store_write(w->store, &a.op));
    assert_int_equal(a.result, EHR_SUBMIT_STORED);
    assert_int_equal(b.result, EHR_SUBMIT_STORED);
}


/* --- a disk that fails: SQLite's own file system with a fault in it --- */

static int                 fault_after = -1;      /* calls until it comes */
static int                 nfaults;
static int                 is_log_unread;         /* its reads fail */
static int               (*true_open)(sqlite3_vfs *, const char *,
                                      sqlite3_file *, int, int *);
static int               (*true_read)(sqlite3_file *, void *, int,
                                      sqlite3_int64);
static int               (*true_write)(sqlite3_file *, const void *, int,
                                       sqlite3_int64);
static int               (*true_sync)(sqlite3_file *, int);
static sqlite3_vfs         fault_vfs;
static sqlite3_io_methods  fault_methods[2];      /* with locks, without */


static int
is_fault(void)
{
    if (fault_after < 0 || fault_after-- > 0) {
        return 0;
    }

    nfaults++;

    return 1;
}


static int
fault_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
    return is_fault() ? SQLITE_IOERR_WRITE
                      : true_write(file, data, n, at);
}


static int
fault_sync(sqlite3_file *file, int flags)
{
    return is_fault() ? SQLITE_IOERR_FSYNC : true_sync(file, flags);
}


static int
fault_read(sqlite3_file *file, void *data, int n, sqlite3_int64 at)
{
    if (!is_log_unread) {
        return true_read(file, data, n, at);
    }

    nfaults++;

    return SQLITE_IOERR_READ;
}


static int
fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
           int *out)
{
    int                  rc;
    sqlite3_io_methods  *methods;

    rc = true_open(vfs, name, file, flags, out);

    if (rc == SQLITE_OK) {
        methods = &fault_methods[(flags & SQLITE_OPEN_MAIN_DB) == 0];
        *methods = *file->pMethods;
        true_write = methods->xWrite;
        true_sync = methods->xSync;
        true_read = methods->xRead;
        methods->xRead = flags & SQLITE_OPEN_WAL ? fault_read : true_read;
        methods->xWrite = fault_write;
        methods->xSync = fault_sync;
        file->pMethods = methods;
    }

    return rc;
}


static void
open_with_faults(world_t *w)
{
    fault_vfs = *sqlite3_vfs_find(NULL);
    true_open = fault_vfs.xOpen;
    fault_vfs.zName = "fault";
    fault_vfs.xOpen = fault_open;
    assert_int_equal(sqlite3_vfs_register(&fault_vfs, 1), SQLITE_OK);
    assert_int_equal(ehr_store_gather_register(), SQLITE_OK);

    w->store = world_open(w, 0);
}


static void
end_faults(void)
{
    assert_int_equal(sqlite3_vfs_unregister(&fault_vfs), SQLITE_OK);
    assert_int_equal(ehr_store_gather_register(), SQLITE_OK);
}


/* Its pages may make sense: no reason to take nothing until a reload. */

static void
a_log_that_cannot_be_read_now_is_no_damage(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    open_with_faults(w);
    make_big(w, &op, 1);
    submit(w, &op);

    nfaults = 0;
    is_log_unread = 1;
    make_big(w, &op, 2);
    assert_int_equal(ehr_store_write(w->store, &op.op), EHR_LATER);
    assert_int_equal(op.op.is_unknown, 0);
    assert_int_equal(ehr_store_is_corrupt(w->store), 0);
    assert_true(nfaults > 0);

    is_log_unread = 0;
    submit(w, &op);
    assert_int_equal(op.result, EHR_SUBMIT_STORED);
    assert_int_equal(ehr_store_is_corrupt(w->store), 0);
    end_faults();
}


/* --- memory that runs out behind the fsync --- */

static sqlite3_mem_methods  memory;
static int                  index_fails;          /* grows once too few */


/* The log's index is a table of places: 16 bytes with the second one. */

static void *
fault_realloc(void *old, int size)
{
    if (index_fails && size == 2 * (int) sizeof(void *)) {
        index_fails = 0;
        nfaults++;

        return NULL;
    }

    return memory.xRealloc(old, size);
}


static void
use_memory_with_faults(void)
{
    sqlite3_mem_methods  faulty;

    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory),
                     SQLITE_OK);
    faulty = memory;
    faulty.xRealloc = fault_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &faulty),
                     SQLITE_OK);
}


/* What a crash at this moment would leave. */

static int64_t
after_a_crash(world_t *w, const char *sql)
{
    char     command[600];
    world_t  copy = *w;
    int64_t  value;

    (void) snprintf(copy.path, sizeof(copy.path), "%.64s/copy", w->dir);
    (void) snprintf(command, sizeof(command), "cp %s %s && cp %s-wal %s-wal",
                    w->path, copy.path, w->path, copy.path);
    assert_int_equal(system(command), 0);

    value = ask(&copy, sql);
    (void) unlink(copy.path);

    return value;
}


static void
what_was_refused_behind_its_fsync_does_not_come_back(void **state)
{
    int                  i;
    world_t             *w = *state;
    ehr_store_submit_t   op;

    w->store = world_open(w, 0);
    nfaults = 0;

    for (i = 0; i < 2000; i++) {
        make_big(w, &op, i);
        index_fails = i > 100;          /* all statements are made */

        if (ehr_store_write(w->store, &op.op) != EHR_OK) {
            break;
        }
    }

    assert_int_equal(nfaults, 1);
    assert_int_equal(op.op.rc, EHR_LATER);
    assert_int_equal(op.op.is_unknown, 0);
    assert_int_equal(after_a_crash(w, "SELECT count(*) FROM submissions"), i);

    submit(w, &op);
    assert_int_equal(op.result, EHR_SUBMIT_STORED);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), i + 1);
}


static void
a_failed_write_or_fsync_is_temporary_and_the_handle_recovers(void **state)
{
    int                  i, nlater, nstored, nshown;
    world_t             *w = *state;
    ehr_store_submit_t   op;

    open_with_faults(w);
    nstored = nlater = nshown = nfaults = 0;

    for (i = 0; i < 40; i++) {
        make_big(w, &op, i);
        fault_after = i % 4;            /* a commit is two calls */

        if (ehr_store_write(w->store, &op.op) == EHR_OK) {
            assert_ok(op.op.rc);
            nstored++;
            fault_after = -1;
            continue;
        }

        assert_int_equal(op.op.rc, EHR_LATER);
        fault_after = -1;
        nlater++;

        /* The sender comes again.  A commit whose fsync failed may have
         * reached the log: then it is a duplicate, and never two. */
        submit(w, &op);
        nshown += op.result == EHR_SUBMIT_DUPLICATE;
        nstored++;
    }

    end_faults();
    assert_true(nlater > 5);
    assert_true(nlater < 40);
    assert_int_equal(nfaults >= nlater, 1);
    assert_true(nshown <= nlater);
    assert_int_equal(nstored, 40);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 40);
    assert_int_equal(ask(w, "SELECT count(*) FROM pragma_integrity_check"
                            " WHERE integrity_check = 'ok'"), 1);

    ehr_store_close(w->store);
    w->store = world_open(w, 0);
    assert_non_null(w->store);
}


static void
a_journal_that_was_taken_away_is_asked_for_again(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    w->store = world_open(w, 0);
    w->store->must_reopen = 1;
    w->store->path[0] = '?';            /* no such place */

    make(w, &op, 1, 1);
    assert_int_equal(ehr_store_write(w->store, &op.op), EHR_LATER);
    assert_int_equal(op.op.rc, EHR_LATER);

    w->store->path[0] = '/';
    assert_ok(ehr_store_write(w->store, &op.op));
    assert_int_equal(op.result, EHR_SUBMIT_STORED);
}


/* --- opening at the same moment --- */

static int
only_open(world_t *w, int who, int out)
{
    ehr_store_submit_t  op;

    make(w, &op, who, 0);

    return ehr_store_write(w->store, &op.op) == EHR_OK
           && op.op.rc == EHR_OK ? 0 : 3;
}


static void
processes_that_start_together_migrate_once(void **state)
{
    int       i;
    pid_t     pids[NWRITERS];
    world_t  *w = *state;

    for (i = 0; i < NWRITERS; i++) {
        pids[i] = start(w, i, -1, only_open);
    }

    for (i = 0; i < NWRITERS; i++) {
        wait_well(pids[i]);
    }

    w->store = world_open(w, 0);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), NWRITERS);
}


#define folder_test(name)                                                     \
    cmocka_unit_test_setup_teardown(name, world_folder, world_teardown)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        folder_test(twins_of_four_processes_are_stored_once),
        folder_test(claims_of_four_processes_never_meet),
        folder_test(what_was_acknowledged_survives_sigkill),
        folder_test(a_reader_sees_whole_documents_while_another_writes),
        folder_test(a_handle_is_not_used_across_a_fork),
        folder_test(a_full_disk_is_temporary_and_nothing_is_half_kept),
        folder_test(
            a_failed_write_or_fsync_is_temporary_and_the_handle_recovers),
        folder_test(a_log_that_cannot_be_read_now_is_no_damage),
        folder_test(what_was_refused_behind_its_fsync_does_not_come_back),
        folder_test(a_journal_that_was_taken_away_is_asked_for_again),
        folder_test(processes_that_start_together_migrate_once)
    };

    use_memory_with_faults();

    return cmocka_run_group_tests(tests, NULL, NULL);
}
