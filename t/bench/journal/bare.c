/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ehr-bare JOURNAL COPY BATCH: what SQLite alone does with the records of a
 * journal.  Reads its last documents into memory, makes an empty database
 * with the same schema and puts the same rows into it, BATCH documents a
 * transaction, each durable before the next begins.  No thread, no queue, no
 * look-up: the loop that a gateway's group commit is compared with.  Knows
 * the names of the tables and nothing of their columns.
 *
 * Prints one line of JSON.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>


#define DOCUMENTS_MAX  4000
#define BATCH_MAX      4096
#define COLUMNS_MAX    64
#define SCHEMA_MAX     100            /* tables, indexes, triggers */
#define LOG_FRAMES     16384          /* when the log is moved: as the store */
#define NS             1000000000.0


/* In the order of their references. */

static const char *const  tables[] = {
    "submissions", "contents", "deliveries", "history"
};

#define NTABLES  (sizeof(tables) / sizeof(tables[0]))


typedef struct row_s  row_t;

struct row_s {
    row_t          *next;
    size_t          table;
    int             ncolumns;
    sqlite3_value  *values[COLUMNS_MAX];
};


typedef struct {
    sqlite3        *from;
    sqlite3        *to;
    sqlite3_stmt   *adds[NTABLES];
    row_t          *documents[DOCUMENTS_MAX];
    int             n;
    double          commits[DOCUMENTS_MAX];   /* seconds, of each */
    int             ncommits;
} bare_t;


static void
die(sqlite3 *db, const char *what)
{
    fprintf(stderr, "ehr-bare: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}


static void
run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        die(db, sql);
    }
}


static sqlite3_stmt *
prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt  *stmt;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        die(db, sql);
    }

    return stmt;
}


static double
now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / NS;
}


static void
make_copy(bare_t *bare, const char *path)
{
    sqlite3_stmt  *stmt;

    if (sqlite3_open(path, &bare->to) != SQLITE_OK) {
        die(bare->to, path);
    }

    run(bare->to, "PRAGMA journal_mode = WAL;"
                  "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                  "PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384;");

    stmt = prepare(bare->from, "SELECT sql FROM sqlite_schema"
                               " WHERE sql IS NOT NULL"
                               " ORDER BY type = 'table' DESC");

    for (int i = 0; i < SCHEMA_MAX && sqlite3_step(stmt) == SQLITE_ROW; i++) {
        run(bare->to, (const char *) sqlite3_column_text(stmt, 0));
    }

    (void) sqlite3_finalize(stmt);
}


static row_t *
read_row(sqlite3_stmt *stmt, size_t table)
{
    row_t  *row;

    row = calloc(1, sizeof(row_t));
    if (row == NULL || sqlite3_column_count(stmt) > COLUMNS_MAX) {
        fprintf(stderr, "ehr-bare: a row does not fit\n");
        exit(1);
    }

    row->table = table;
    row->ncolumns = sqlite3_column_count(stmt);

    for (int i = 0; i < row->ncolumns; i++) {
        row->values[i] = sqlite3_value_dup(sqlite3_column_value(stmt, i));
    }

    return row;
}


static row_t **
read_rows(bare_t *bare, size_t table, sqlite3_int64 seq, row_t **link)
{
    char           sql[128];
    sqlite3_stmt  *stmt;

    (void) snprintf(sql, sizeof(sql), "SELECT * FROM %s WHERE seq = %lld",
                    tables[table], seq);
    stmt = prepare(bare->from, sql);

    while (sqlite3_step(stmt) == SQLITE_ROW) {
        *link = read_row(stmt, table);
        link = &(*link)->next;
    }

    (void) sqlite3_finalize(stmt);

    return link;
}


static void
read_documents(bare_t *bare)
{
    row_t         **link;
    sqlite3_stmt   *stmt;

    stmt = prepare(bare->from, "SELECT seq FROM (SELECT seq FROM submissions"
                               " ORDER BY seq DESC LIMIT ?1) ORDER BY seq");
    (void) sqlite3_bind_int(stmt, 1, DOCUMENTS_MAX);

    while (bare->n < DOCUMENTS_MAX && sqlite3_step(stmt) == SQLITE_ROW) {
        link = &bare->documents[bare->n++];

        for (size_t i = 0; i < NTABLES; i++) {
            link = read_rows(bare, i, sqlite3_column_int64(stmt, 0), link);
        }
    }

    (void) sqlite3_finalize(stmt);
}


/* "INSERT INTO name VALUES (?, ?, ...)", as many as the row has. */

static sqlite3_stmt *
prepare_add(bare_t *bare, const row_t *row)
{
    int   n;
    char  sql[128 + 2 * COLUMNS_MAX];

    n = snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (?",
                 tables[row->table]);

    for (int i = 1; i < row->ncolumns; i++) {
        n += snprintf(sql + n, sizeof(sql) - (size_t) n, ",?");
    }

    (void) snprintf(sql + n, sizeof(sql) - (size_t) n, ")");

    return prepare(bare->to, sql);
}


static void
add_row(bare_t *bare, const row_t *row)
{
    sqlite3_stmt  **stmt = &bare->adds[row->table];

    if (*stmt == NULL) {
        *stmt = prepare_add(bare, row);
    }

    for (int i = 0; i < row->ncolumns; i++) {
        (void) sqlite3_bind_value(*stmt, i + 1, row->values[i]);
    }

    if (sqlite3_step(*stmt) != SQLITE_DONE) {
        die(bare->to, tables[row->table]);
    }

    (void) sqlite3_reset(*stmt);
}


static void
write_batch(bare_t *bare, int first, int n)
{
    double        start;
    const row_t  *row;

    start = now();

    run(bare->to, "BEGIN IMMEDIATE");

    for (int i = first; i < first + n && i < bare->n; i++) {
        for (row = bare->documents[i]; row != NULL; row = row->next) {
            add_row(bare, row);
        }
    }

    run(bare->to, "COMMIT");

    bare->commits[bare->ncommits++] = now() - start;
}


static int
log_frames(void *data, sqlite3 *db, const char *name, int frames)
{
    (void) db;
    (void) name;

    *(int *) data = frames;

    return SQLITE_OK;
}


static double
write_documents(bare_t *bare, int batch)
{
    int     frames = 0;
    double  start;

    (void) sqlite3_wal_hook(bare->to, log_frames, &frames);

    start = now();

    for (int i = 0; i < bare->n; i += batch) {
        write_batch(bare, i, batch);

        if (frames >= LOG_FRAMES) {
            (void) sqlite3_wal_checkpoint_v2(bare->to, NULL,
                                             SQLITE_CHECKPOINT_RESTART, NULL,
                                             NULL);
            frames = 0;
        }
    }

    return now() - start;
}


static int
by_size(const void *a, const void *b)
{
    const double  *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}


int
main(int argc, char **argv)
{
    int            batch;
    double         seconds;
    static bare_t  bare;

    batch = argc == 4 ? atoi(argv[3]) : 0;

    if (batch < 1 || batch > BATCH_MAX) {
        fprintf(stderr, "usage: ehr-bare JOURNAL COPY BATCH\n");
        return 2;
    }

    if (sqlite3_open_v2(argv[1], &bare.from, SQLITE_OPEN_READONLY, NULL)
        != SQLITE_OK)
    {
        die(bare.from, argv[1]);
    }

    make_copy(&bare, argv[2]);
    read_documents(&bare);

    if (bare.n == 0) {
        fprintf(stderr, "ehr-bare: the journal is empty\n");
        return 1;
    }

    seconds = write_documents(&bare, batch);
    qsort(bare.commits, (size_t) bare.ncommits, sizeof(double), by_size);

    printf("{\"documents\":%d,\"commits\":%d,\"rate\":%.1f,"
           "\"commit_us\":{\"p50\":%.0f,\"p99\":%.0f}}\n",
           bare.n, bare.ncommits, bare.n / seconds,
           bare.commits[bare.ncommits / 2] * 1e6,
           bare.commits[bare.ncommits * 99 / 100] * 1e6);

    return 0;
}
