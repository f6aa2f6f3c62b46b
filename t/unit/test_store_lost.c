/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A journal that is gone, empty, replaced or damaged: never a new one in its
 * place by itself, and what can still be read and delivered is.
 */

#include <fcntl.h>
#include <sys/stat.h>

#include "store_world.h"


#define PAGE  4096


static void
remove_file(world_t *w, const char *suffix)
{
    char  path[160];

    (void) snprintf(path, sizeof(path), "%s%s", w->path, suffix);
    (void) unlink(path);
}


static void
move_away(world_t *w, const char *from, const char *to)
{
    char  a[160], b[160];

    (void) snprintf(a, sizeof(a), "%s%s", w->path, from);
    (void) snprintf(b, sizeof(b), "%s%s", w->path, to);
    assert_int_equal(rename(a, b), 0);
}


static void
close_store(world_t *w)
{
    ehr_store_close(w->store);
    w->store = NULL;
}


/* EHR_LATER keeps the handle where the caller is patient. */

static void
is_not_begun_anew(world_t *w)
{
    char                 error[256];
    ehr_store_submit_t   op;
    ehr_store_options_t  options = { .path = w->path };

    assert_null(ehr_store_open(&options, error, sizeof(error)));
    assert_non_null(strstr(error, "gone or empty"));

    options.is_patient = 1;
    w->store = ehr_store_open(&options, error, sizeof(error));
    assert_non_null(w->store);

    document(w, &op, "later");
    assert_int_equal(ehr_store_write(w->store, &op.op), EHR_LATER);
}


static void
one_that_was_removed_is_not_begun_anew(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    document(w, &op, "first");
    submit(w, &op);
    close_store(w);

    move_away(w, "", ".away");
    is_not_begun_anew(w);
    assert_int_equal(access(w->path, F_OK), -1);

    /* Put back, the same handle goes on. */
    move_away(w, ".away", "");
    document(w, &op, "second");
    submit(w, &op);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 2);
}


static void
one_that_was_cut_to_nothing_is_not_begun_anew(void **state)
{
    world_t  *w = *state;

    close_store(w);
    assert_int_equal(truncate(w->path, 0), 0);
    is_not_begun_anew(w);
}


static void
a_new_one_begins_where_the_lock_file_is_gone_too(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    close_store(w);
    remove_file(w, "");
    remove_file(w, ".lock");

    w->store = world_open(w, 0);
    assert_non_null(w->store);
    document(w, &op, "new");
    submit(w, &op);
}


static void
none_begins_in_a_folder_that_had_one_before(void **state)
{
    char                 error[256];
    world_t             *w = *state;
    ehr_store_options_t  options = { .path = w->path, .must_exist = 1 };

    assert_null(ehr_store_open(&options, error, sizeof(error)));
    assert_int_equal(access(w->path, F_OK), -1);
}


/* Writing on into a file without a name would acknowledge into nothing. */

static void
one_that_is_removed_while_open_takes_nothing(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   op;

    document(w, &op, "first");
    submit(w, &op);

    move_away(w, "", ".away");
    document(w, &op, "second");
    assert_int_equal(ehr_store_write(w->store, &op.op), EHR_LATER);

    move_away(w, ".away", "");
    submit(w, &op);
    assert_int_equal(op.result, EHR_SUBMIT_STORED);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 2);
}


/* --- the log, beneath its writers --- */

static void
nothing_is_written_after(world_t *w, const char *number)
{
    ehr_store_submit_t   op;

    document(w, &op, number);
    assert_int_equal(ehr_store_write(w->store, &op.op), EHR_LATER);
    assert_int_equal(op.op.is_unknown, 0);
    assert_int_equal(ehr_store_is_corrupt(w->store), 1);
}


/* The index is there as long as somebody has the journal open. */

static void
with_a_log(world_t *w, const char *name)
{
    int                  i;
    char                 text[16];
    ehr_store_submit_t   op;

    for (i = 0; i < 5; i++) {
        (void) snprintf(text, sizeof(text), "%s %d", name, i);
        document(w, &op, text);
        submit(w, &op);
    }
}


static void
a_log_that_is_removed_takes_nothing(void **state)
{
    world_t      *w = *state;
    ehr_store_t  *other;

    with_a_log(w, "number");
    other = world_open(w, 0);
    move_away(w, "-wal", ".away");
    nothing_is_written_after(w, "one");
    assert_non_null(strstr(ehr_store_error(w->store), "(-wal)"));
    nothing_is_written_after(w, "two");
    ehr_store_close(other);
}


static void
a_log_that_is_cut_takes_nothing(void **state)
{
    char                  path[160];
    world_t              *w = *state;
    struct stat           st;

    with_a_log(w, "number");
    (void) snprintf(path, sizeof(path), "%s-wal", w->path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 1), 0);
    nothing_is_written_after(w, "one");
}


static void
overwrite_log(world_t *w, off_t from_end)
{
    int          fd;
    char         path[160], noise[32];
    struct stat  st;

    memset(noise, 0xa5, sizeof(noise));
    (void) snprintf(path, sizeof(path), "%s-wal", w->path);
    fd = open(path, O_WRONLY|O_CLOEXEC);
    assert_true(fd != -1);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(pwrite(fd, noise, sizeof(noise),
                            from_end ? st.st_size - from_end : 0),
                     sizeof(noise));
    assert_int_equal(close(fd), 0);
}


static void
a_log_without_its_head_takes_nothing(void **state)
{
    world_t  *w = *state;

    with_a_log(w, "number");
    overwrite_log(w, 0);
    nothing_is_written_after(w, "one");
}


static void
a_log_without_its_last_frame_takes_nothing(void **state)
{
    world_t  *w = *state;

    with_a_log(w, "number");
    overwrite_log(w, PAGE + 24);
    nothing_is_written_after(w, "one");
}


/* Step one of administration.md is to stop: who closes last moves the log. */

static void
noise_in_the_log_is_not_moved_into_the_database(void **state)
{
    int           fd, frames;
    char          path[160], noise[PAGE];
    off_t         at;
    world_t      *w = *state;
    struct stat   st;
    ehr_store_t  *other;

    with_a_log(w, "moved");
    assert_ok(ehr_store_checkpoint(w->store, &frames));
    assert_int_equal(frames, 0);
    with_a_log(w, "late");
    other = world_open(w, 0);

    memset(noise, 0xa5, sizeof(noise));
    (void) snprintf(path, sizeof(path), "%s-wal", w->path);
    fd = open(path, O_WRONLY|O_CLOEXEC);
    assert_true(fd != -1);
    assert_int_equal(fstat(fd, &st), 0);

    for (at = 0; at < st.st_size; at += PAGE) {
        assert_int_equal(pwrite(fd, noise, PAGE, at), PAGE);
    }

    assert_int_equal(close(fd), 0);

    assert_ok(ehr_store_checkpoint(other, &frames));
    nothing_is_written_after(w, "one");
    ehr_store_close(other);
    close_store(w);

    assert_int_equal(ask(w, "SELECT count(*) FROM pragma_integrity_check"
                            " WHERE integrity_check = 'ok'"), 1);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions"), 5);
}


static void
a_log_behind_a_symbolic_link_is_the_log(void **state)
{
    char      path[160];
    world_t  *w = *state;

    close_store(w);
    (void) snprintf(path, sizeof(path), "%s.real", w->path);
    assert_int_equal(rename(w->path, path), 0);
    assert_int_equal(symlink(path, w->path), 0);

    w->store = world_open(w, 0);
    assert_non_null(w->store);
    with_a_log(w, "number");
    assert_int_equal(ehr_store_is_corrupt(w->store), 0);

    close_store(w);
    assert_int_equal(unlink(w->path), 0);
    assert_int_equal(rename(path, w->path), 0);
}


static void
a_log_that_begins_anew_is_the_log(void **state)
{
    int       frames;
    world_t  *w = *state;

    with_a_log(w, "before");
    assert_ok(ehr_store_checkpoint(w->store, &frames));
    assert_int_equal(frames, 0);
    with_a_log(w, "after");
    assert_int_equal(ehr_store_is_corrupt(w->store), 0);
}


/* --- damage --- */

static void
execute(world_t *w, const char *sql)
{
    sqlite3  *db;

    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}


static void
the_lane_goes_on(world_t *w, const char *damaged, const char *well)
{
    int                 i;
    ehr_submission_t    sub;
    ehr_store_claim_t   op;

    /* Where the page makes no sense the first claim is lost. */
    for (i = 0; i < 2; i++) {
        memset(&op, 0, sizeof(op));
        op.op.type = EHR_STORE_OP_CLAIM;
        op.partner = "insurance";
        op.owner.slot = 1;
        op.owner.incarnation = 1;
        op.now_ms = NOW;
        op.max = 10;
        op.arena = w->arena;

        if (ehr_store_write(w->store, &op.op) == EHR_OK) {
            break;
        }
    }

    assert_ok(op.op.rc);
    assert_int_equal(op.nclaims, 1);
    assert_string_equal(op.claims[0].sub.id, well);

    sub = look(w, damaged);
    assert_int_equal(sub.deliveries[0].state, EHR_STATE_HELD);
    assert_true(ehr_str_is(sub.deliveries[0].reason, "content.damaged"));
}


static void
bytes_that_are_not_those_received_are_held(void **state)
{
    world_t             *w = *state;
    ehr_store_submit_t   a, b;

    document(w, &a, "a short one");
    submit(w, &a);
    document(w, &b, "another one");
    submit(w, &b);
    execute(w, "UPDATE contents SET bytes = CAST('a shorT one' AS BLOB)"
               " WHERE seq = 1");

    the_lane_goes_on(w, a.sub.id, b.sub.id);
}


static void
packed_bytes_that_do_not_unpack_are_held(void **state)
{
    char                 text[5001];
    world_t             *w = *state;
    ehr_store_submit_t   a, b;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    document(w, &a, text);
    submit(w, &a);
    document(w, &b, "another one");
    submit(w, &b);
    assert_int_equal(ask(w, "SELECT packing <> 0 FROM contents"
                            " WHERE seq = 1"), 1);
    execute(w, "UPDATE contents SET bytes = x'00112233' WHERE seq = 1");

    the_lane_goes_on(w, a.sub.id, b.sub.id);
}


/* Every page of that table is overwritten. */

static void
spoil(world_t *w, const char *pages)
{
    int            fd;
    char           noise[PAGE];
    sqlite3       *db;
    sqlite3_stmt  *stmt;

    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL,
                                  NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, pages, -1, &stmt, NULL),
                     SQLITE_OK);
    fd = open(w->path, O_WRONLY|O_CLOEXEC);
    assert_true(fd != -1);
    memset(noise, 0xa5, sizeof(noise));

    while (sqlite3_step(stmt) == SQLITE_ROW) {
        assert_int_equal(pwrite(fd, noise, PAGE,
                                PAGE * (sqlite3_column_int64(stmt, 0) - 1)),
                         PAGE);
    }

    assert_int_equal(close(fd), 0);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}


static void
a_page_that_makes_no_sense_holds_its_own_document(void **state)
{
    char                 text[20001];
    world_t             *w = *state;
    ehr_store_submit_t   a, b;

    /* The bytes of the first lie on pages of their own. */
    fill_noise(text, sizeof(text) - 1, 1);
    text[sizeof(text) - 1] = '\0';
    document(w, &a, text);
    submit(w, &a);
    document(w, &b, "another one");
    submit(w, &b);
    close_store(w);

    spoil(w, "SELECT pageno FROM dbstat WHERE name = 'contents'"
             " AND pagetype = 'overflow'");
    w->store = world_open(w, 0);

    the_lane_goes_on(w, a.sub.id, b.sub.id);
}


static void
a_damaged_index_is_told_and_nothing_is_stored(void **state)
{
    int                  i;
    char                 text[16];
    world_t             *w = *state;
    ehr_store_submit_t   op;

    for (i = 0; i < 20; i++) {
        (void) snprintf(text, sizeof(text), "number %d", i);
        document(w, &op, text);
        submit(w, &op);
    }

    close_store(w);
    spoil(w, "SELECT pageno FROM dbstat WHERE name = 'submissions_bytes'");
    w->store = world_open(w, 0);
    assert_int_equal(ehr_store_is_corrupt(w->store), 0);

    document(w, &op, "one more");
    assert_int_equal(ehr_store_write(w->store, &op.op), EHR_LATER);
    assert_int_equal(ehr_store_is_corrupt(w->store), 1);
    assert_int_equal(ask(w, "SELECT count(*) FROM submissions NOT INDEXED"),
                     20);
}


#define folder_test(name)                                                     \
    cmocka_unit_test_setup_teardown(name, world_folder, world_teardown)


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(one_that_was_removed_is_not_begun_anew),
        store_test(one_that_was_cut_to_nothing_is_not_begun_anew),
        store_test(a_new_one_begins_where_the_lock_file_is_gone_too),
        folder_test(none_begins_in_a_folder_that_had_one_before),
        store_test(one_that_is_removed_while_open_takes_nothing),
        store_test(a_log_that_is_removed_takes_nothing),
        store_test(a_log_that_is_cut_takes_nothing),
        store_test(a_log_without_its_head_takes_nothing),
        store_test(a_log_without_its_last_frame_takes_nothing),
        store_test(noise_in_the_log_is_not_moved_into_the_database),
        store_test(a_log_behind_a_symbolic_link_is_the_log),
        store_test(a_log_that_begins_anew_is_the_log),
        store_test(bytes_that_are_not_those_received_are_held),
        store_test(packed_bytes_that_do_not_unpack_are_held),
        store_test(a_page_that_makes_no_sense_holds_its_own_document),
        store_test(a_damaged_index_is_told_and_nothing_is_stored)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
