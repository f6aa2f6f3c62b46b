/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Running one statement: prepare once, bind, step, read columns, and what an
 * SQLite failure means to us.  Knows no table.
 */

#include <stdio.h>

#include "ehr_store_sqlite.h"


static const char  nothing[] = "";


void
ehr_query_begin(ehr_query_t *q, ehr_store_t *store, ehr_sql_e sql)
{
    memset(q, 0, sizeof(ehr_query_t));

    q->store = store;
    q->is_kept = 1;

    if (store->statements[sql] == NULL) {
        q->failed = sqlite3_prepare_v3(store->db, ehr_sql_texts[sql], -1,
                                       SQLITE_PREPARE_PERSISTENT,
                                       &store->statements[sql], NULL);
    }

    q->stmt = store->statements[sql];
}


void
ehr_query_begin_text(ehr_query_t *q, ehr_store_t *store, const char *text)
{
    memset(q, 0, sizeof(ehr_query_t));

    q->store = store;
    q->failed = sqlite3_prepare_v2(store->db, text, -1, &q->stmt, NULL);
}


static void
bound(ehr_query_t *q, int rc)
{
    if (q->failed == SQLITE_OK) {
        q->failed = rc;
    }
}


/* SQLite takes a NULL pointer for SQL's NULL: an empty string needs one that
 * is not. */

static void
bind_str(ehr_query_t *q, int at, ehr_str_t value)
{
    bound(q, sqlite3_bind_text64(q->stmt, at,
                                 value.len ? value.data : nothing, value.len,
                                 SQLITE_STATIC, SQLITE_UTF8));
}


void
ehr_query_int(ehr_query_t *q, int64_t value)
{
    if (q->failed == SQLITE_OK) {
        bound(q, sqlite3_bind_int64(q->stmt, ++q->nbound, value));
    }
}


void
ehr_query_str(ehr_query_t *q, ehr_str_t value)
{
    if (q->failed == SQLITE_OK) {
        bind_str(q, ++q->nbound, value);
    }
}


void
ehr_query_text(ehr_query_t *q, const char *value)
{
    ehr_query_str(q, ehr_str(value));
}


void
ehr_query_blob(ehr_query_t *q, const void *data, size_t len)
{
    if (q->failed == SQLITE_OK) {
        bound(q, sqlite3_bind_blob64(q->stmt, ++q->nbound,
                                     len ? data : nothing, len,
                                     SQLITE_STATIC));
    }
}


void
ehr_query_null(ehr_query_t *q)
{
    if (q->failed == SQLITE_OK) {
        bound(q, sqlite3_bind_null(q->stmt, ++q->nbound));
    }
}


void
ehr_query_named_int(ehr_query_t *q, const char *name, int64_t value)
{
    int  at;

    if (q->failed != SQLITE_OK) {
        return;
    }

    at = sqlite3_bind_parameter_index(q->stmt, name);
    if (at > 0) {
        bound(q, sqlite3_bind_int64(q->stmt, at, value));
    }
}


void
ehr_query_named_str(ehr_query_t *q, const char *name, ehr_str_t value)
{
    int  at;

    if (q->failed != SQLITE_OK) {
        return;
    }

    at = sqlite3_bind_parameter_index(q->stmt, name);
    if (at > 0) {
        bind_str(q, at, value);
    }
}


ehr_rc_t
ehr_query_step(ehr_query_t *q)
{
    int  rc;

    rc = q->failed;

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(q->stmt);
    }

    if (rc == SQLITE_ROW) {
        return EHR_AGAIN;
    }

    if (rc == SQLITE_DONE) {
        return EHR_OK;
    }

    q->failed = rc;

    return ehr_store_failed(q->store, rc);
}


/* sqlite3_reset() only repeats what step() has told already. */

void
ehr_query_end(ehr_query_t *q)
{
    if (!q->is_kept) {
        (void) sqlite3_finalize(q->stmt);
        q->stmt = NULL;
        return;
    }

    if (q->stmt != NULL) {
        (void) sqlite3_reset(q->stmt);
        (void) sqlite3_clear_bindings(q->stmt);
    }
}


ehr_rc_t
ehr_query_run(ehr_query_t *q)
{
    ehr_rc_t  rc;

    rc = ehr_query_step(q);
    ehr_query_end(q);

    if (rc == EHR_AGAIN) {
        return ehr_store_broken(q->store, "a row where none was expected");
    }

    return rc;
}


int64_t
ehr_column_int(ehr_query_t *q, int column)
{
    return sqlite3_column_int64(q->stmt, column);
}


ehr_str_t
ehr_column_str(ehr_query_t *q, int column, ehr_arena_t *arena)
{
    size_t       len;
    ehr_str_t    value;
    const void  *data;

    value.data = nothing;
    value.len = 0;

    data = sqlite3_column_blob(q->stmt, column);
    len = (size_t) sqlite3_column_bytes(q->stmt, column);

    if (len == 0) {
        return value;
    }

    if (data == NULL) {
        q->no_memory = 1;
        return value;
    }

    value = ehr_arena_dup(arena, data, len);
    if (value.data == NULL) {
        q->no_memory = 1;
        value.len = 0;
    }

    return value;
}


static ehr_str_t
column_borrowed(ehr_query_t *q, int column)
{
    ehr_str_t  value;

    value.data = (const char *) sqlite3_column_text(q->stmt, column);
    value.len = (size_t) sqlite3_column_bytes(q->stmt, column);

    if (value.data == NULL) {
        value.len = 0;
    }

    return value;
}


ehr_state_e
ehr_column_state(ehr_query_t *q, int column)
{
    return ehr_state_of_name(column_borrowed(q, column));
}


int
ehr_column_bytes(ehr_query_t *q, int column, void *out, size_t len)
{
    const void  *data;

    data = sqlite3_column_blob(q->stmt, column);

    if (data == NULL
        || (size_t) sqlite3_column_bytes(q->stmt, column) != len)
    {
        return 0;
    }

    memcpy(out, data, len);

    return 1;
}


void
ehr_column_copy(ehr_query_t *q, int column, char *out, size_t size)
{
    ehr_str_t  value;

    value = column_borrowed(q, column);

    if (value.len >= size) {
        value.len = size - 1;
    }

    if (value.len != 0) {
        memcpy(out, value.data, value.len);
    }

    out[value.len] = '\0';
}


ehr_rc_t
ehr_store_run(ehr_store_t *store, ehr_sql_e sql)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, sql);

    return ehr_query_run(&q);
}


ehr_rc_t
ehr_store_get_int(ehr_query_t *q, int64_t *value)
{
    ehr_rc_t  rc;

    rc = ehr_query_step(q);

    if (rc == EHR_AGAIN) {
        *value = ehr_column_int(q, 0);
        ehr_query_end(q);
        return EHR_OK;
    }

    ehr_query_end(q);

    return rc == EHR_OK ? EHR_REFUSED : rc;
}


/*
 * SQLite's messages name tables and columns, never values.
 *
 * After a failed fsync the kernel may have dropped the pages and still call
 * the next fsync a success: such a handle is never asked again.
 */

ehr_rc_t
ehr_store_failed(ehr_store_t *store, int sqlite_rc)
{
    int  n;

    n = snprintf(store->error, sizeof(store->error), "%s (%d)",
                 store->db ? sqlite3_errmsg(store->db)
                           : sqlite3_errstr(sqlite_rc),
                 store->db ? sqlite3_extended_errcode(store->db) : sqlite_rc);
    if (n < 0) {
        store->error[0] = '\0';
    }

    switch (sqlite_rc & 0xff) {

    case SQLITE_ERROR:
    case SQLITE_INTERNAL:
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return EHR_BROKEN;

    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        store->is_corrupt = 1;
        store->must_reopen = 1;
        return EHR_LATER;

    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
        store->must_reopen = 1;
        return EHR_LATER;

    default:
        return EHR_LATER;
    }
}


ehr_rc_t
ehr_store_broken(ehr_store_t *store, const char *sentence)
{
    (void) snprintf(store->error, sizeof(store->error), "%s", sentence);

    return EHR_BROKEN;
}


void
ehr_store_finalize(ehr_store_t *store)
{
    int  i;

    for (i = 0; i < EHR_SQL_LAST; i++) {
        (void) sqlite3_finalize(store->statements[i]);
        store->statements[i] = NULL;
    }
}
