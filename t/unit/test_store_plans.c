/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * How SQLite finds what each statement asks for: by an index, in the index's
 * order.  A walk from end to end, a sort, or an index made for one query is
 * named in the table below with its reason, or is a fault.  Asked of a new
 * journal, as every journal is to the planner, and of one that somebody has
 * analyzed, which makes other plans.
 *
 * What stands in the table of statements is taken from there; what is put
 * together at the moment is overheard while the store is called in every way.
 * What they cost is another test's: test_store_cost.c.
 */

#include "store_fill.h"
#include "ehr_store_decide.h"
#include "ehr_store_sqlite.h"


#define ROWS      (FILL_OPEN * 125)
#define SQL_MAX   4096
#define TEXTS_MAX 2048


/* What is right in spite of its plan.  Statement and line by a part of them;
 * one that no plan needs any more is a fault too. */

typedef struct {
    const char  *sql;
    const char  *line;
    const char  *reason;
} exception_t;

static const exception_t  exceptions[] = {

    { "FROM deliveries WHERE seq = ?1 ORDER BY id", "ORDER BY",
      "the deliveries of one document: at most eight" },
    { "FROM deliveries AS d WHERE d.seq = ?1 AND (?2 = ''", "ORDER BY",
      "the deliveries of one document: at most eight" },
    { "FROM deliveries AS d JOIN attempts AS a", "ORDER BY",
      "the attempts of one document" },
    { "FROM certificates WHERE facility = ?1", "ORDER BY",
      "the certificates of one facility: at most two" },
    { "SELECT DISTINCT owner_slot", "DISTINCT",
      "what is being sent now: as much as the lanes let through" },

    { "FROM jobs INDEXED BY jobs_running", "SCAN jobs",
      "the jobs that run: a person began each" },
    { "ORDER BY seq DESC LIMIT ?3) AS d", "SCAN d",
      "the newest that are held, as many as one sweep looks at" },

    { "FROM facilities ORDER BY code", "SCAN facilities",
      "all of them are asked for" },
    { "SELECT count(*) FROM facilities", "SCAN facilities",
      "all of them are counted, to read them all" },
    { "s.seq = d.oldest", "SCAN d",
      "a row for each state and partner" },
    { "GROUP BY state, partner) GROUP BY partner", "SCAN (subquery",
      "a row for each state and partner" },
    { "GROUP BY state, partner) GROUP BY partner", "GROUP BY",
      "a row for each state and partner" },

    { "x.business_key = :key", "ORDER BY",
      "the contents of one business key: itself and its corrections" },
    { "SELECT name FROM p", "SCAN p",
      "the names of the partners" },
    { "x INDEXED BY deliveries_ready", "ORDER BY",
      "what one facility has waiting: one index less for each document" },
    { "x INDEXED BY deliveries_ready", "DISTINCT",
      "what one facility has waiting: one index less for each document" },
    { "x INDEXED BY deliveries_state", "ORDER BY",
      "one state at all facilities: no hospital may ask that" },
    { "x INDEXED BY deliveries_state", "DISTINCT",
      "one state at all facilities: no hospital may ask that" },

    { "AS p CROSS JOIN deliveries", "SCAN p",
      "a page" },
    { "AS p CROSS JOIN deliveries", "ORDER BY",
      "a page, and the numbers of what is in one state, without their rows" },
    { "AS p CROSS JOIN submissions", "SCAN p",
      "the first of a preview: twenty" },
    { "AS p CROSS JOIN submissions", "ORDER BY",
      "the first of a preview: twenty of what is open" },
    { "WHERE is_meant ORDER BY id", "SCAN (subquery",
      "the first of a preview: up to 100,000 without their bytes go before" },
    { "sum(count(*)) OVER ()", "SCAN (subquery",
      "a preview counts up to 100,000" },
    { "sum(count(*)) OVER ()", "BY",
      "a preview counts up to 100,000" }
};

#define NEXCEPTIONS  (sizeof(exceptions) / sizeof(exceptions[0]))

static int  seen[NEXCEPTIONS];


static int
is_excepted(const char *sql, const char *line)
{
    size_t  i;

    for (i = 0; i < NEXCEPTIONS; i++) {
        if (strstr(sql, exceptions[i].sql) && strstr(line, exceptions[i].line))
        {
            seen[i]++;
            return 1;
        }
    }

    return 0;
}


/* "SCAN x USING INDEX" is a walk as well; a constant row is no table. */

static int
is_costly(const char *line)
{
    return (strncmp(line, "SCAN ", 5) == 0
            && strcmp(line, "SCAN CONSTANT ROW") != 0)
           || strstr(line, "TEMP B-TREE") != NULL
           || strstr(line, "AUTOMATIC") != NULL;
}


/* How many lines of the plan are faults. */

static int
check_plan(sqlite3 *db, const char *sql)
{
    int            nbad;
    char           text[SQL_MAX];
    const char    *line;
    sqlite3_stmt  *stmt;

    assert_in_range(snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sql),
                    0, sizeof(text) - 1);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);

    for (nbad = 0; sqlite3_step(stmt) == SQLITE_ROW; /* void */ ) {
        line = (const char *) sqlite3_column_text(stmt, 3);

        if (is_costly(line) && !is_excepted(sql, line)) {
            print_error("%s\n    %s\n", sql, line);
            nbad++;
        }
    }

    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);

    return nbad;
}


/* --- what is put together at the moment --- */

typedef struct {
    char      *texts[TEXTS_MAX];
    uint32_t   n;
} heard_t;


static int
hear(unsigned event, void *data, void *stmt, void *text)
{
    uint32_t      i;
    heard_t      *heard = data;
    const char   *sql = sqlite3_sql(stmt);

    (void) event;
    (void) text;

    for (i = 0; i < heard->n; i++) {
        if (strcmp(heard->texts[i], sql) == 0) {
            return 0;
        }
    }

    assert_true(heard->n < TEXTS_MAX);
    heard->texts[heard->n++] = strdup(sql);

    return 0;
}


static void
list_in_every_way(world_t *w)
{
    static const ehr_state_e  states[] = {
        0, EHR_STATE_ACCEPTED, EHR_STATE_HELD, EHR_STATE_PENDING
    };

    int                  i;
    uint32_t             n;
    ehr_submission_t    *subs;
    ehr_store_filter_t   filter;

    for (i = 0; i < 16 * 4; i++) {
        memset(&filter, 0, sizeof(ehr_store_filter_t));

        filter.facility = ehr_str(i & 1 ? "99001" : "");
        filter.kind = ehr_str(i & 2 ? "claim" : "");
        filter.business_key = ehr_str(i & 4 ? "LK1" : "");
        filter.since_ms = i & 8 ? NOW : 0;
        filter.state = states[i / 16];
        filter.limit = 100;

        assert_ok(ehr_store_list(w->store, &filter, w->arena, &subs, &n));
    }
}


static ehr_selection_t
selection(int i)
{
    static const ehr_state_e  states[] = {
        0, EHR_STATE_ACCEPTED, EHR_STATE_HELD, EHR_STATE_PENDING
    };
    static const char *const  reasons[] = { "", "login.", "login.blocked" };

    ehr_selection_t  sel = { 0 };

    sel.facility = ehr_str(i & 1 ? "99001" : "");
    sel.partner = ehr_str(i & 2 ? "insurance" : "");
    sel.kind = ehr_str(i & 4 ? "claim" : "");
    sel.since_ms = i & 8 ? NOW - 1 : 0;
    sel.until_ms = i & 8 ? NOW : 0;
    sel.state = states[i / 16 % 4];
    sel.reason = ehr_str(reasons[i / 64]);

    return sel;
}


#define SELECTIONS  (16 * 4 * 3)


static void
select_in_every_way(world_t *w)
{
    int                  i;
    ehr_preview_t        preview;
    ehr_action_e         action;
    ehr_selection_t      sel;
    ehr_delivery_page_t  page = { .limit = 50 };

    for (i = 0; i < SELECTIONS; i++) {
        sel = selection(i);
        page.before = 0;
        assert_ok(ehr_store_deliveries(w->store, &sel, w->arena, &page));

        for (action = EHR_ACTION_HOLD; action <= EHR_ACTION_REFUSE; action++) {
            assert_ok(ehr_store_preview(w->store, &sel, action, &preview));
        }
    }
}


static void
decide_in_every_way(world_t *w)
{
    int                 i;
    uint32_t            nchanged;
    int64_t             next_ms;
    ehr_decide_t        how = { 0 };
    ehr_change_t        change = { 0 };
    ehr_job_t           job;

    change.actor = ehr_str("a");
    change.request_id = ehr_str("r");
    change.now_ms = NOW;

    for (i = 1; i < SELECTIONS; i += 13) {
        memset(&job, 0, sizeof(ehr_job_t));
        job.action = EHR_ACTION_HOLD;
        job.sel = selection(i);
        job.rate = 1;
        job.note = ehr_str("n");

        assert_int_equal(ehr_job_add(w->store, &change, &job),
                         EHR_DECIDED_OK);
        assert_ok(ehr_job_step(w->store, NOW, &how, &nchanged, &next_ms));
    }
}


static void
forget(heard_t *heard)
{
    while (heard->n > 0) {
        free(heard->texts[--heard->n]);
    }
}


static void
all_plans_are_good(world_t *w)
{
    int             nbad = 0;
    size_t          i;
    static heard_t  heard;

    assert_int_equal(sqlite3_trace_v2(w->store->db, SQLITE_TRACE_STMT, hear,
                                      &heard), SQLITE_OK);
    list_in_every_way(w);
    select_in_every_way(w);
    decide_in_every_way(w);
    assert_int_equal(sqlite3_trace_v2(w->store->db, 0, NULL, NULL),
                     SQLITE_OK);

    /* All that were asked for; some of it was in the table of statements. */
    assert_true(heard.n > 1000);

    for (i = EHR_SQL_KEY_FIND; i < EHR_SQL_LAST; i++) {
        nbad += check_plan(w->store->db, ehr_sql_texts[i]);
    }

    for (i = 0; i < heard.n; i++) {
        nbad += check_plan(w->store->db, heard.texts[i]);
    }

    forget(&heard);
    assert_int_equal(nbad, 0);
}


static void
of_a_new_journal_no_statement_walks_or_sorts_a_table(void **state)
{
    all_plans_are_good(*state);
}


static void
of_an_analyzed_journal_no_statement_walks_or_sorts_a_table(void **state)
{
    world_t  *w = *state;

    fill_journal(w, ROWS, 1);

    /* Statistics are read when it is opened. */
    ehr_store_close(w->store);
    w->store = world_open(w, 0);
    assert_non_null(w->store);
    assert_true(ask(w, "SELECT count(*) FROM sqlite_stat1") > 10);

    all_plans_are_good(w);
}


static void
no_exception_is_there_for_nothing(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < NEXCEPTIONS; i++) {
        if (seen[i] == 0) {
            print_error("%s\n    %s\n", exceptions[i].sql,
                        exceptions[i].line);
        }

        assert_true(seen[i] > 0);
    }
}


static void
a_plan_that_walks_or_sorts_is_noticed(void **state)
{
    world_t  *w = *state;
    sqlite3  *db = w->store->db;

    assert_int_equal(check_plan(db, "SELECT seq FROM submissions"
                                    " WHERE received_ms > ?1"), 1);
    assert_int_equal(check_plan(db, "SELECT key FROM contents"
                                    " INDEXED BY contents_key"), 1);
    assert_int_equal(check_plan(db, "SELECT id FROM deliveries"
                                    " WHERE seq = ?1 ORDER BY state"), 1);
    assert_int_equal(check_plan(db, "SELECT seq FROM submissions"
                                    " WHERE id = ?1"), 0);
}


/* A row that is removed is looked for in each table that may refer to it;
 * no plan shows that. */

static void
what_a_row_is_referred_to_by_is_found_by_an_index(void **state)
{
    int            n;
    char           sql[200];
    world_t       *w = *state;
    sqlite3_stmt  *stmt;

    assert_int_equal(sqlite3_prepare_v2(w->store->db,
                         "SELECT m.name, f.\"from\" FROM sqlite_schema AS m,"
                         " pragma_foreign_key_list(m.name) AS f"
                         " WHERE m.type = 'table'", -1, &stmt, NULL),
                     SQLITE_OK);

    for (n = 0; sqlite3_step(stmt) == SQLITE_ROW; n++) {
        (void) snprintf(sql, sizeof(sql), "SELECT 1 FROM %s WHERE %s = ?1",
                        (const char *) sqlite3_column_text(stmt, 0),
                        (const char *) sqlite3_column_text(stmt, 1));
        assert_int_equal(check_plan(w->store->db, sql), 0);
    }

    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_true(n >= 6);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        store_test(of_a_new_journal_no_statement_walks_or_sorts_a_table),
        store_test(of_an_analyzed_journal_no_statement_walks_or_sorts_a_table),
        cmocka_unit_test(no_exception_is_there_for_nothing),
        store_test(a_plan_that_walks_or_sorts_is_noticed),
        store_test(what_a_row_is_referred_to_by_is_found_by_an_index),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
