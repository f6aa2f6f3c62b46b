/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The log's gathered writes: how many leave, that nothing of a commit stays
 * in memory, and that what is read meanwhile is what was written.
 */

#include "store_world.h"
#include "ehr_store_sqlite.h"


#define DOCUMENT  20000
#define MANY      64                  /* of them: more than one gathering */


static int                 nwrites;   /* of logs, beneath the gathering */
static int                 nsyncs;
static int               (*true_open)(sqlite3_vfs *, const char *,
                                      sqlite3_file *, int, int *);
static int               (*true_write)(sqlite3_file *, const void *, int,
                                       sqlite3_int64);
static int               (*true_sync)(sqlite3_file *, int);
static sqlite3_vfs         counting;
static sqlite3_io_methods  methods;


static int
count_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
    nwrites++;

    return true_write(file, data, n, at);
}


static int
count_sync(sqlite3_file *file, int flags)
{
    nsyncs++;

    return true_sync(file, flags);
}


static int
count_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
           int *out)
{
    int  rc;

    rc = true_open(vfs, name, file, flags, out);

    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL)) {
        methods = *file->pMethods;
        true_write = methods.xWrite;
        true_sync = methods.xSync;
        methods.xWrite = count_write;
        methods.xSync = count_sync;
        file->pMethods = &methods;
    }

    return rc;
}


/* The gathering takes the default VFS of the first journal that is opened. */

static int
count_beneath(void **state)
{
    counting = *sqlite3_vfs_find(NULL);
    true_open = counting.xOpen;
    counting.zName = "counting";
    counting.xOpen = count_open;

    return sqlite3_vfs_register(&counting, 1);
}


static void
make_big(world_t *w, ehr_store_submit_t *op, uint32_t number)
{
    static char  text[DOCUMENT + 1];

    fill_noise(text, DOCUMENT, number);
    document(w, op, text);
}


static void
commit_many(world_t *w, ehr_store_submit_t *ops, uint32_t n)
{
    uint32_t  i;

    for (i = 0; i < n; i++) {
        make_big(w, &ops[i], i + 1);
        ops[i].op.next = i + 1 < n ? &ops[i + 1].op : NULL;
    }

    submit(w, &ops[0]);
}


static void
assert_content(ehr_store_t *store, const ehr_store_submit_t *op,
               ehr_arena_t *arena)
{
    ehr_content_t  content;

    assert_ok(ehr_store_content(store, ehr_str(""), op->sub.id, arena,
                                &content));
    assert_int_equal(content.is, EHR_CONTENT_WHOLE);
    assert_int_equal(content.bytes.len, op->content.len);
    assert_memory_equal(content.bytes.data, op->content.data,
                        op->content.len);
}


/* Every table and index that one document touches is a page. */

static void
a_commit_is_one_sync_and_two_writes_at_most(void **state)
{
    int                  i, frames;
    world_t             *w = *state;
    ehr_store_submit_t   op;

    for (i = 1; i < 10; i++) {
        frames = ehr_store_log_frames(w->store);
        nwrites = nsyncs = 0;
        make_big(w, &op, (uint32_t) i);
        submit(w, &op);

        assert_true(ehr_store_log_frames(w->store) - frames > 8);
        assert_in_range(nwrites, 1, 2);
        assert_int_equal(nsyncs, 1);
    }
}


static void
a_large_commit_leaves_in_a_few_large_writes(void **state)
{
    int                  frames;
    world_t             *w = *state;
    ehr_store_submit_t   ops[MANY];

    frames = ehr_store_log_frames(w->store);
    nwrites = nsyncs = 0;
    commit_many(w, ops, MANY);
    frames = ehr_store_log_frames(w->store) - frames;

    assert_true(frames > MANY);
    assert_true(nwrites > 1 && nwrites < frames / 8);
    assert_int_equal(nsyncs, 1);
    assert_content(w->store, &ops[0], w->arena);
    assert_content(w->store, &ops[MANY - 1], w->arena);
}


static void
copy_file(const char *from, const char *to)
{
    size_t       n;
    FILE        *in, *out;
    static char  buf[65536];

    in = fopen(from, "rb");
    out = fopen(to, "wb");
    assert_non_null(in);
    assert_non_null(out);

    while ((n = fread(buf, 1, sizeof(buf), in)) > 0) {
        assert_int_equal(fwrite(buf, 1, n, out), n);
    }

    assert_int_equal(fclose(in), 0);
    assert_int_equal(fclose(out), 0);
}


/* The files as the kernel has them are all that a crash would leave. */

static void
nothing_of_a_commit_is_left_in_memory(void **state)
{
    int                   i;
    char                  from[160], copy[160], log[168], error[256];
    world_t              *w = *state;
    ehr_store_t          *other;
    ehr_store_submit_t    op;
    ehr_store_options_t   options = { .path = copy };

    (void) snprintf(from, sizeof(from), "%s-wal", w->path);
    (void) snprintf(copy, sizeof(copy), "%s/copy", w->dir);
    (void) snprintf(log, sizeof(log), "%s-wal", copy);

    for (i = 1; i < 6; i++) {
        make_big(w, &op, (uint32_t) i);
        submit(w, &op);

        copy_file(w->path, copy);
        copy_file(from, log);

        other = ehr_store_open(&options, error, sizeof(error));
        assert_non_null(other);
        assert_content(other, &op, w->arena);
        ehr_store_close(other);
    }

    assert_int_equal(unlink(copy), 0);
    (void) unlink(log);
    (void) snprintf(log, sizeof(log), "%s.lock", copy);
    (void) unlink(log);
}


/* Pages that do not fit SQLite's cache go to the log before the commit, and
 * are read from there. */

static void
pages_that_spill_are_read_again(void **state)
{
    uint32_t             i;
    world_t             *w = *state;
    ehr_store_submit_t   ops[MANY];

    w->store->options.is_packing = 0;
    assert_int_equal(sqlite3_exec(w->store->db, "PRAGMA cache_size = 12;"
                                  " PRAGMA cache_spill = 6", NULL, NULL,
                                  NULL), SQLITE_OK);

    commit_many(w, ops, MANY);

    for (i = 0; i < MANY; i++) {
        assert_int_equal(ops[i].result, EHR_SUBMIT_STORED);
        assert_content(w->store, &ops[i], w->arena);
    }

    assert_int_equal(ask(w, "SELECT count(*) FROM pragma_integrity_check"
                            " WHERE integrity_check = 'ok'"), 1);
}


/* Frames of a transaction that was rolled back lie where the next one's go. */

static void
what_was_rolled_back_is_written_over(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   ops[MANY], op;

    w->store->options.is_packing = 0;
    assert_int_equal(sqlite3_exec(w->store->db, "PRAGMA cache_size = 12;"
                                  " PRAGMA cache_spill = 6", NULL, NULL,
                                  NULL), SQLITE_OK);

    /* the last operation breaks: the whole is run again without it */
    for (uint32_t i = 0; i < MANY; i++) {
        make_big(w, &ops[i], i + 1);
        ops[i].op.next = i + 1 < MANY ? &ops[i + 1].op : NULL;
    }

    (void) snprintf(ops[MANY - 1].sub.id, sizeof(ops[0].sub.id), "%s",
                    ops[0].sub.id);
    assert_ok(ehr_store_write(w->store, &ops[0].op));
    assert_int_equal(ops[MANY - 1].op.rc, EHR_BROKEN);

    make_big(w, &op, MANY + 1);
    submit(w, &op);

    assert_content(w->store, &op, w->arena);
    assert_content(w->store, &ops[MANY - 2], w->arena);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), MANY);
    assert_int_equal(ask(w, "SELECT count(*) FROM pragma_integrity_check"
                            " WHERE integrity_check = 'ok'"), 1);
}


/* Frames of a transaction that is rolled back before its commit, and another
 * connection's commit in their place. */

static void
what_was_rolled_back_never_covers_anothers_commit(void **state)
{
    uint32_t             i;
    world_t             *w = *state;
    ehr_store_t         *first = w->store;
    ehr_store_submit_t   ops[MANY], more[MANY];

    first->options.is_packing = 0;
    assert_int_equal(sqlite3_exec(first->db, "PRAGMA cache_size = 12;"
                                  " PRAGMA cache_spill = 6", NULL, NULL,
                                  NULL), SQLITE_OK);
    commit_many(w, ops, MANY);

    /* nothing is in the log that would be read to undo it */
    assert_int_equal(sqlite3_wal_checkpoint_v2(first->db, NULL,
                                               SQLITE_CHECKPOINT_TRUNCATE,
                                               NULL, NULL), SQLITE_OK);

    assert_ok(ehr_store_begin_write(first));
    assert_int_equal(sqlite3_exec(first->db, "INSERT INTO audit (at_ms,"
                                  " actor, request_id, action, target,"
                                  " detail) VALUES (1, '', '', '', '',"
                                  " hex(zeroblob(100000)))", NULL, NULL,
                                  NULL), SQLITE_OK);
    assert_int_equal(ehr_store_end_write(first, EHR_REFUSED), EHR_REFUSED);

    w->store = world_open(w, 0);

    for (i = 0; i < MANY; i++) {
        make_big(w, &more[i], MANY + i + 1);
        submit(w, &more[i]);
    }

    ehr_store_close(w->store);

    w->store = first;
    assert_content(first, &ops[0], w->arena);
    ehr_store_close(first);

    w->store = world_open(w, 0);

    for (i = 0; i < MANY; i++) {
        assert_content(w->store, &ops[i], w->arena);
        assert_content(w->store, &more[i], w->arena);
    }

    assert_int_equal(ask(w, "SELECT count(*) FROM pragma_integrity_check"
                            " WHERE integrity_check = 'ok'"), 1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(a_commit_is_one_sync_and_two_writes_at_most),
        store_test(a_large_commit_leaves_in_a_few_large_writes),
        store_test(nothing_of_a_commit_is_left_in_memory),
        store_test(pages_that_spill_are_read_again),
        store_test(what_was_rolled_back_is_written_over),
        store_test(what_was_rolled_back_never_covers_anothers_commit),
    };

    return cmocka_run_group_tests(tests, count_beneath, NULL);
}
