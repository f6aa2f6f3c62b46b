/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A journal with a past, filled by SQL since the store's own functions would
 * take a minute for it: a hundred facilities, two partners, nearly all of it
 * accepted long ago.  Of every other state it has as many documents in a
 * small journal as in a large one, so a look at them should cost the same.
 */

#ifndef STORE_FILL_H
#define STORE_FILL_H


#include "store_world.h"


#define FILL_OPEN  160    /* documents that are not accepted, in 8 states */


static inline void
fill_sha256(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    uint8_t  digest[EHR_SHA256_LEN];

    (void) argc;

    ehr_sha256(sqlite3_value_text(argv[0]),
               (size_t) sqlite3_value_bytes(argv[0]), digest);
    sqlite3_result_blob(context, digest, sizeof(digest), SQLITE_TRANSIENT);
}


static inline void
fill_run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        print_error("%s\n", sqlite3_errmsg(db));
        fail();
    }
}


/* "n": one row for each document, a minute after the one before.  Every so
 * many of them is not accepted: those take the states, and ten facilities and
 * the kinds, in turn. */

static inline void
fill_numbers(sqlite3 *db, int rows)
{
    int   every = rows / FILL_OPEN;
    char  sql[1400];

    (void) snprintf(sql, sizeof(sql),
        "CREATE TEMP TABLE n AS"
        " WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL"
        " SELECT i + 1 FROM c WHERE i < %d),"
        " t AS (SELECT i, i %% %d <> 0 AS is_settled, i / %d AS turn FROM c)"
        " SELECT i, %lld - (%d - i) * 60000 AS received_ms,"
        " printf('%%05d', 99001 + iif(is_settled, i %% 100, turn / 8 %% 10))"
        " AS facility,"
        " iif(iif(is_settled, i, turn) %% 3, 'claim', 'checkin') AS kind,"
        " iif(is_settled, 'accepted', CASE turn %% 8"
        " WHEN 0 THEN 'pending' WHEN 1 THEN 'sending' WHEN 2 THEN 'refused'"
        " WHEN 3 THEN 'retrying' WHEN 4 THEN 'uncertain' WHEN 5 THEN 'held'"
        " WHEN 6 THEN 'superseded' ELSE 'accepted_with_message' END)"
        " AS state FROM t",
        rows, every, every, (long long) NOW, rows);

    fill_run(db, sql);
}


static const char  fill_tables[] =
    "INSERT INTO submissions (seq, id, facility, kind, standard,"
    " business_key, content_type, sha256, size, received_ms, warnings,"
    " warnings_en) SELECT i, printf('%036d', i), facility, kind, 'qd3176',"
    " printf('LK%d', i), 'application/xml', sha256(printf('%036d', i)), 36,"
    " received_ms, '[]', '[]' FROM n;"
    "INSERT INTO contents (seq, bytes)"
    " SELECT i, CAST(printf('%036d', i) AS BLOB) FROM n;"
    "INSERT INTO idempotency_keys (facility, key, seq)"
    " SELECT facility, printf('key-%d', i), i FROM n;"
    "INSERT INTO deliveries (seq, partner, facility, kind, business_key,"
    " state, due_ms, rank, target_ms, attempts, owner_slot,"
    " owner_incarnation, probe_ms, reason)"
    " SELECT i, p.column1, facility, kind, printf('LK%d', i), state,"
    " iif(state = 'retrying', received_ms, 0), iif(state = 'pending', 1, 2),"
    " received_ms + 3600000, state <> 'pending',"
    " iif(state = 'sending', 1, NULL), iif(state = 'sending', 1, NULL),"
    " iif(state = 'uncertain', received_ms, 0), 'partner.answered'"
    " FROM n JOIN (VALUES ('insurance'), ('vneid')) AS p"
    " ON p.column1 = 'insurance' OR kind = 'claim' ORDER BY i;"
    "INSERT INTO attempts (delivery, attempt, fence, owner_slot,"
    " owner_incarnation, started_ms, ended_ms, state, http_status)"
    " SELECT id, 1, 0, 1, 1, 1, iif(state = 'sending', NULL, 1), state, 200"
    " FROM deliveries WHERE attempts > 0;"
    "INSERT INTO history (seq, step, at_ms, partner, state, reason)"
    " SELECT seq, row_number() OVER (PARTITION BY seq), received_ms,"
    " partner, d.state, reason FROM deliveries AS d JOIN n ON n.i = d.seq;"
    "INSERT INTO audit (at_ms, actor, request_id, action, target, detail)"
    " SELECT received_ms, 'a', 'r', 'facility.suspend', facility, ''"
    " FROM n;";


/* rows: a multiple of FILL_OPEN.  is_analyzed: the planner knows how many of
 * everything there are. */

static inline void
fill_journal(world_t *w, int rows, int is_analyzed)
{
    sqlite3  *db;

    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_create_function(db, "sha256", 1, SQLITE_UTF8,
                                             NULL, fill_sha256, NULL, NULL),
                     SQLITE_OK);

    /* That it is durable is no matter here, and most of the time it takes. */
    fill_run(db, "PRAGMA synchronous = OFF; BEGIN");
    fill_numbers(db, rows);
    fill_run(db, fill_tables);
    fill_run(db, is_analyzed ? "COMMIT; ANALYZE" : "COMMIT");

    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}


#endif /* STORE_FILL_H */
