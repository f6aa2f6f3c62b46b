/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Holds a journal against a ledger of what its writers were told, and looks
 * for halves.  Opens it as the product does: what opening mends is mended.
 */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "ehr_id.h"
#include "ehr_store.h"
#include "fault.h"


#define ARENA  (16u << 20)


typedef struct {
    char      word[16];
    uint64_t  at_ns;
    char      id[EHR_UUID_LEN + 1];
    char      sha256[2 * EHR_SHA256_LEN + 1];
} line_t;


/* Each gives 0: so many rows are wrong. */

static const char *const  wholes[] = {
    "SELECT count(*) FROM pragma_integrity_check"
    " WHERE integrity_check <> 'ok'",
    "SELECT count(*) FROM pragma_foreign_key_check",
    "SELECT count(*) FROM submissions AS s WHERE"
    " NOT EXISTS (SELECT 1 FROM contents AS c WHERE c.seq = s.seq)"
    " OR NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.seq = s.seq)"
    " OR NOT EXISTS (SELECT 1 FROM history AS h WHERE h.seq = s.seq)",
    "SELECT count(*) FROM deliveries AS d WHERE d.state = 'accepted'"
    " AND NOT EXISTS (SELECT 1 FROM attempts AS a WHERE a.delivery = d.id"
    " AND a.state = 'accepted')",
    "SELECT count(*) FROM deliveries AS d WHERE d.state <> ("
    "SELECT h.state FROM history AS h WHERE h.seq = d.seq"
    " AND h.partner = d.partner ORDER BY step DESC LIMIT 1)",
    NULL
};


static int
has_bytes(ehr_store_t *store, const line_t *line, ehr_arena_t *arena)
{
    int            i;
    char           hex[2 * EHR_SHA256_LEN + 1];
    uint8_t        digest[EHR_SHA256_LEN];
    ehr_content_t  content;

    if (ehr_store_content(store, ehr_str(""), line->id, arena, &content)
        != EHR_OK
        || content.is != EHR_CONTENT_WHOLE)
    {
        return 0;
    }

    ehr_sha256(content.bytes.data, content.bytes.len, digest);

    for (i = 0; i < EHR_SHA256_LEN; i++) {
        (void) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }

    return strcmp(hex, line->sha256) == 0;
}


static int
is_so(ehr_store_t *store, const line_t *line)
{
    int                is_good;
    ehr_rc_t           rc;
    ehr_arena_t       *arena;
    ehr_submission_t   sub;

    arena = ehr_arena_create(ARENA);
    rc = ehr_store_document(store, ehr_str(""), line->id, arena, &sub);

    if (strcmp(line->word, "refused") == 0) {
        is_good = rc == EHR_REFUSED;

    } else if (strcmp(line->word, "unknown") == 0) {
        is_good = rc == EHR_REFUSED
                  || (rc == EHR_OK && has_bytes(store, line, arena));

    } else {
        is_good = rc == EHR_OK && has_bytes(store, line, arena)
                  && (strcmp(line->word, "settled") != 0
                      || sub.deliveries[0].state == EHR_STATE_ACCEPTED);
    }

    ehr_arena_destroy(arena);

    return is_good;
}


static int
compare(ehr_store_t *store, uint64_t until_ns, unsigned *nlines)
{
    int     nwrong;
    char    text[256];
    line_t  line;

    nwrong = 0;

    while (fgets(text, sizeof(text), stdin) != NULL) {

        if (sscanf(text, "%15s %" SCNu64 " %36s %64s", line.word,
                   &line.at_ns, line.id, line.sha256)
            != 4)
        {
            (void) printf("not a line of a ledger: %s", text);
            return 1;
        }

        if (until_ns != 0 && line.at_ns >= until_ns) {
            continue;
        }

        (*nlines)++;

        if (!is_so(store, &line)) {
            (void) printf("not so: %s", text);
            nwrong++;
        }
    }

    return nwrong;
}


static int
look_for_halves(const char *path)
{
    int            nwrong;
    size_t         i;
    sqlite3       *db;
    sqlite3_stmt  *stmt;

    nwrong = 0;

    if (sqlite3_open(path, &db) != SQLITE_OK) {
        return 1;
    }

    for (i = 0; wholes[i] != NULL; i++) {
        if (sqlite3_prepare_v2(db, wholes[i], -1, &stmt, NULL) != SQLITE_OK
            || sqlite3_step(stmt) != SQLITE_ROW
            || sqlite3_column_int64(stmt, 0) != 0)
        {
            (void) printf("not whole: %s\n", wholes[i]);
            nwrong++;
        }

        (void) sqlite3_finalize(stmt);
    }

    (void) sqlite3_close(db);

    return nwrong;
}


int
fault_check(int argc, char **argv)
{
    int                   nwrong;
    char                  error[256];
    unsigned              nlines;
    ehr_store_t          *store;
    ehr_store_options_t   options = { .is_packing = 1 };

    (void) argc;

    options.path = argv[0];
    store = ehr_store_open(&options, error, sizeof(error));
    if (store == NULL) {
        (void) printf("it cannot be opened: %s\n", error);
        return 1;
    }

    nlines = 0;
    nwrong = compare(store, strtoull(argv[1], NULL, 10), &nlines);
    nwrong += look_for_halves(argv[0]);
    ehr_store_close(store);

    (void) printf("%u lines, %d wrong\n", nlines, nwrong);

    return nwrong == 0 ? 0 : 1;
}
