/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Whose database a file is, and bringing an older one to our version: all
 * missing migrations in one transaction.  The version is SQLite's own
 * user_version, in the same page and the same transaction as the tables.
 */

#include <stdio.h>

#include "ehr_store_sqlite.h"
#include "ehr_migrations.h"


#define NMIGRATIONS  (sizeof(ehr_migrations) / sizeof(ehr_migrations[0]))
#define OUR_VERSION  ((int64_t) NMIGRATIONS)


typedef struct {
    int64_t  application;
    int64_t  version;
    int64_t  ntables;
} schema_t;


static ehr_rc_t
get_int(ehr_store_t *store, const char *sql, int64_t *value)
{
    ehr_query_t  q;

    ehr_query_begin_text(&q, store, sql);

    return ehr_store_get_int(&q, value);
}


static ehr_rc_t
read_schema(ehr_store_t *store, schema_t *schema)
{
    ehr_rc_t  rc;

    rc = get_int(store, "PRAGMA application_id", &schema->application);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = get_int(store, "PRAGMA user_version", &schema->version);
    if (rc != EHR_OK) {
        return rc;
    }

    return get_int(store, "SELECT count(*) FROM sqlite_schema",
                   &schema->ntables);
}


static ehr_rc_t
check_schema(ehr_store_t *store, const schema_t *schema)
{
    int  is_empty;

    is_empty = schema->ntables == 0 && schema->application == 0;

    if (!is_empty && schema->application != EHR_STORE_APPLICATION) {
        return ehr_store_broken(store, "the file is a database of another "
                                       "program");
    }

    if (schema->version > OUR_VERSION) {
        (void) snprintf(store->error, sizeof(store->error),
                        "the journal has version %lld, this program knows "
                        "versions up to %lld: start the newer program",
                        (long long) schema->version, (long long) OUR_VERSION);
        return EHR_BROKEN;
    }

    if (store->options.is_readonly && schema->version < OUR_VERSION) {
        (void) snprintf(store->error, sizeof(store->error),
                        "the journal has version %lld, this program needs "
                        "%lld, and a read-only handle cannot migrate it",
                        (long long) schema->version, (long long) OUR_VERSION);
        return EHR_BROKEN;
    }

    return EHR_OK;
}


static ehr_rc_t
execute(ehr_store_t *store, const char *sql)
{
    int  rc;

    rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? EHR_OK : ehr_store_failed(store, rc);
}


static ehr_rc_t
apply(ehr_store_t *store, int64_t version)
{
    size_t    i;
    char      sql[128];
    ehr_rc_t  rc;

    for (i = (size_t) version; i < NMIGRATIONS; i++) {
        rc = execute(store, ehr_migrations[i].sql);
        if (rc != EHR_OK) {
            return rc;
        }
    }

    (void) snprintf(sql, sizeof(sql),
                    "PRAGMA application_id = %d; PRAGMA user_version = %lld",
                    EHR_STORE_APPLICATION, (long long) OUR_VERSION);

    return execute(store, sql);
}


ehr_rc_t
ehr_store_schema_check(ehr_store_t *store, int *is_current)
{
    ehr_rc_t  rc;
    schema_t  schema;

    rc = read_schema(store, &schema);
    if (rc != EHR_OK) {
        return rc;
    }

    *is_current = schema.version == OUR_VERSION;

    return check_schema(store, &schema);
}


/* Looks again inside the transaction: another process may just have done
 * it. */

static ehr_rc_t
migrate_in_transaction(ehr_store_t *store)
{
    ehr_rc_t  rc;
    schema_t  schema;

    rc = read_schema(store, &schema);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = check_schema(store, &schema);
    if (rc != EHR_OK || schema.version == OUR_VERSION) {
        return rc;
    }

    return apply(store, schema.version);
}


ehr_rc_t
ehr_store_migrate(ehr_store_t *store)
{
    ehr_rc_t  rc;

    rc = execute(store, "BEGIN EXCLUSIVE");
    if (rc != EHR_OK) {
        return rc;
    }

    rc = migrate_in_transaction(store);
    if (rc == EHR_OK) {
        rc = execute(store, "COMMIT");
    }

    if (rc != EHR_OK && !sqlite3_get_autocommit(store->db)) {
        (void) sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }

    return rc;
}


/* SQLite writes the page of the version, with its counter of changes. */

ehr_rc_t
ehr_store_touch(ehr_store_t *store)
{
    char  sql[64];

    (void) snprintf(sql, sizeof(sql), "PRAGMA user_version = %lld",
                    (long long) OUR_VERSION);

    return execute(store, sql);
}
