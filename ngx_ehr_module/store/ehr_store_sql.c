/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The SQL of the store and nothing else.  A transition names the states it
 * may leave; a query that depends on a partial index repeats the index's own
 * condition, because SQLite recognises it only word for word.
 */

#include "ehr_store_sql.h"


/* I7: an older open content of the same key at the same partner.  "held" is
 * in the index's condition, for corrections, but does not block. */

#define OLDER_IS_OPEN                                                         \
    "d.business_key <> '' AND EXISTS ("                                       \
    "SELECT 1 FROM deliveries AS o INDEXED BY deliveries_order"               \
    " WHERE o.business_key = d.business_key AND o.facility = d.facility"      \
    " AND o.kind = d.kind AND o.partner = d.partner AND o.seq < d.seq"        \
    " AND o.state IN ('pending', 'sending', 'retrying', 'held')"              \
    " AND o.state <> 'held')"

/* deliveries_ready's own condition. */

#define IS_READY                                                              \
    "d.state IN ('pending', 'retrying') AND d.due_ms = 0"

/* What newer content of the same key takes the place of: what goes where it
 * goes too.  A partner it does not go to would never see either. */

#define OLDER_CONTENT                                                         \
    "business_key = ?1 AND facility = ?2 AND kind = ?3 AND seq < ?4"          \
    " AND state IN ('pending', 'sending', 'retrying', 'held')"                \
    " AND state <> 'sending'"                                                 \
    " AND EXISTS (SELECT 1 FROM deliveries AS n"                              \
    " WHERE n.seq = ?4 AND n.partner = deliveries.partner)"

#define JOB_COLUMNS                                                           \
    "id, action, state, facility, partner, kind, reason, in_state,"           \
    " since_ms, until_ms, rate, note, actor, created_ms, changed_ms, after,"  \
    " upto, changed, skipped, version"

#define FACILITY_COLUMNS                                                      \
    "code, name, standard, kinds, is_suspended, suspended_reason,"            \
    " rate_milli, burst, version, tokens_from_ms, changed_ms"


const char *const  ehr_sql_texts[EHR_SQL_LAST] = {

    [EHR_SQL_BEGIN_READ] = "BEGIN",

    /* A read that becomes a write is told "busy" in spite of the time-out. */
    [EHR_SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",

    [EHR_SQL_COMMIT] = "COMMIT",
    [EHR_SQL_ROLLBACK] = "ROLLBACK",

    /* --- submit --- */

    [EHR_SQL_KEY_FIND] =
        "SELECT k.seq, s.sha256 FROM idempotency_keys AS k"
        " JOIN submissions AS s ON s.seq = k.seq"
        " WHERE k.facility = ?1 AND k.key = ?2",

    [EHR_SQL_KEY_ADD] =
        "INSERT INTO idempotency_keys (facility, key, seq)"
        " VALUES (?1, ?2, ?3)",

    [EHR_SQL_BYTES_FIND] =
        "SELECT seq FROM submissions WHERE facility = ?1 AND sha256 = ?2",

    [EHR_SQL_ID_FIND] =
        "SELECT seq FROM submissions"
        " WHERE id = ?1 AND (?2 = '' OR facility = ?2)",

    [EHR_SQL_SUBMISSION_ADD] =
        "INSERT INTO submissions (id, facility, kind, standard, business_key,"
        " content_type, sha256, size, received_ms, warnings, warnings_en)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT DO NOTHING",

    [EHR_SQL_CONTENT_ADD] =
        "INSERT INTO contents (seq, packing, key, bytes)"
        " VALUES (?1, ?2, ?3, ?4)",

    [EHR_SQL_DELIVERY_ADD] =
        "INSERT INTO deliveries (seq, partner, facility, kind, business_key,"
        " state, reason, rank, target_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, 'pending', ?6, ?7, ?8)",

    [EHR_SQL_HISTORY_ADD] =
        "INSERT INTO history (seq, step, at_ms, partner, state, reason)"
        " VALUES (?1, 1 + coalesce((SELECT max(step) FROM history"
        " WHERE seq = ?1), 0), ?2, ?3, ?4, ?5)",

    [EHR_SQL_OLDER_FIND] =
        "SELECT 1 FROM deliveries INDEXED BY deliveries_order"
        " WHERE " OLDER_CONTENT " LIMIT 1",

    [EHR_SQL_SUPERSEDE_OLDER] =
        "UPDATE deliveries INDEXED BY deliveries_order"
        " SET state = 'superseded', reason = ?5, due_ms = 0"
        " WHERE " OLDER_CONTENT " RETURNING seq, partner",

    [EHR_SQL_SUPERSEDE_SELF] =
        "UPDATE deliveries SET state = 'superseded', reason = ?2, due_ms = 0"
        " WHERE id = ?1 AND state IN ('retrying', 'held')"
        " AND " EHR_SQL_HAS_NEWER("deliveries")
        " RETURNING seq, partner",

    /* --- what is stored of one submission --- */

    [EHR_SQL_SUBMISSION] =
        "SELECT id, facility, kind, standard, business_key, content_type,"
        " sha256, size, received_ms, warnings, warnings_en"
        " FROM submissions WHERE seq = ?1",

    [EHR_SQL_DELIVERIES] =
        "SELECT partner, state, due_ms, attempts, partner_ref, partner_code,"
        " message, reason, probes, probe_ms"
        " FROM deliveries WHERE seq = ?1 ORDER BY id",

    [EHR_SQL_CONTENT] =
        "SELECT packing, key, bytes FROM contents WHERE seq = ?1",

    /* --- deliver --- */

    /* One seek: the first of the next facility that has one in this ring.
     * Rows that wait for older content are passed by; there is at most one
     * for each delivery under way. */
    [EHR_SQL_CLAIM_READY] =
        "SELECT d.id, d.seq, d.facility"
        " FROM deliveries AS d INDEXED BY deliveries_ready"
        " WHERE " IS_READY " AND d.partner = ?1 AND d.rank = ?2"
        " AND d.facility > ?3 AND NOT (" OLDER_IS_OPEN ")"
        " ORDER BY d.facility, d.target_ms LIMIT 1",

    [EHR_SQL_CLAIM_NEXT] =
        "SELECT coalesce(min(due_ms), 0)"
        " FROM deliveries INDEXED BY deliveries_later"
        " WHERE due_ms > 0 AND partner = ?1",

    [EHR_SQL_CLAIM_DUE] =
        "UPDATE deliveries SET due_ms = 0, rank = 2,"
        " state = iif(state = 'held' AND reason = ?4, 'retrying', state),"
        " reason = iif(state = 'held' AND reason = ?4, ?5, reason)"
        " WHERE id IN (SELECT id"
        " FROM deliveries INDEXED BY deliveries_later"
        " WHERE due_ms > 0 AND partner = ?1 AND due_ms <= ?2"
        " ORDER BY due_ms LIMIT ?3) RETURNING seq, reason",

    /* Farthest first: a closed window may be days ahead, and stays. */
    [EHR_SQL_CLAIM_FAR] =
        "UPDATE deliveries SET due_ms = ?3 WHERE id IN (SELECT id"
        " FROM deliveries INDEXED BY deliveries_later"
        " WHERE due_ms > 0 AND partner = ?1 AND due_ms > ?2"
        " AND (state = 'retrying' OR due_ms > ?4)"
        " ORDER BY due_ms DESC LIMIT ?5) RETURNING 1",

    [EHR_SQL_CLAIM_HOLD] =
        "UPDATE deliveries SET state = 'held', due_ms = ?2, reason = ?3"
        " WHERE id = ?1 AND state IN ('pending', 'retrying')",

    [EHR_SQL_CLAIM_PAUSED] =
        "SELECT is_paused FROM partners WHERE name = ?1",

    [EHR_SQL_CLAIM_TAKE] =
        "UPDATE deliveries SET state = 'sending', due_ms = 0,"
        " attempts = attempts + 1, fence = fence + 1, owner_slot = ?2,"
        " owner_incarnation = ?3"
        " WHERE id = ?1 AND state IN ('pending', 'retrying')"
        " RETURNING fence, attempts",

    [EHR_SQL_FINISH] =
        "UPDATE deliveries SET state = ?3, due_ms = ?4, partner_ref = ?5,"
        " partner_code = ?6, message = ?7, reason = ?8, owner_slot = NULL,"
        " owner_incarnation = NULL, probe_ms = ?9"
        " WHERE id = ?1 AND fence = ?2 AND state = 'sending'"
        " RETURNING seq, partner, attempts",

    [EHR_SQL_UNHOLD] =
        "UPDATE deliveries SET state = 'retrying', due_ms = ?3, reason = ?4"
        " WHERE id IN (SELECT id"
        " FROM deliveries INDEXED BY deliveries_state"
        " WHERE state <> 'accepted' AND state = 'held' AND partner = ?1"
        " AND substr(reason, 1, length(?2)) = ?2"
        " ORDER BY seq LIMIT ?5) RETURNING seq",

    [EHR_SQL_OWNERS] =
        "SELECT DISTINCT owner_slot, owner_incarnation"
        " FROM deliveries INDEXED BY deliveries_state"
        " WHERE state <> 'accepted' AND state = 'sending' LIMIT ?1",

    [EHR_SQL_OWNED] =
        "SELECT id, fence, partner, kind"
        " FROM deliveries INDEXED BY deliveries_state"
        " WHERE state <> 'accepted' AND state = 'sending'"
        " AND owner_slot = ?1 AND owner_incarnation = ?2 LIMIT 1",

    [EHR_SQL_CRASHED] =
        "UPDATE deliveries SET crashes = crashes + 1"
        " WHERE id = ?1 AND fence = ?2 RETURNING crashes",

    [EHR_SQL_PROBE_FAR] =
        "UPDATE deliveries SET probe_ms = ?2 WHERE id IN (SELECT id"
        " FROM deliveries INDEXED BY deliveries_probes"
        " WHERE probe_ms > 0 AND partner = ?1 AND probe_ms > ?3 LIMIT ?4)",

    [EHR_SQL_PROBE_DUE] =
        "SELECT id, seq FROM deliveries INDEXED BY deliveries_probes"
        " WHERE probe_ms > 0 AND partner = ?1 AND probe_ms <= ?2"
        " ORDER BY probe_ms LIMIT ?3",

    [EHR_SQL_PROBE_NEXT] =
        "SELECT coalesce(min(probe_ms), 0)"
        " FROM deliveries INDEXED BY deliveries_probes"
        " WHERE probe_ms > 0 AND partner = ?1",

    [EHR_SQL_PROBE_TAKE] =
        "UPDATE deliveries SET probe_ms = ?2, probes = probes + 1,"
        " fence = fence + 1, asker_slot = nullif(?3, 0),"
        " asker_incarnation = ?4"
        " WHERE id = ?1 AND state = 'uncertain'"
        " RETURNING fence, attempts, probes",

    [EHR_SQL_PROBE_END] =
        "UPDATE deliveries SET state = ?3, due_ms = ?4, probe_ms = ?5,"
        " partner_ref = ?6, partner_code = ?7, message = ?8, reason = ?9,"
        " asker_slot = NULL, asker_incarnation = NULL"
        " WHERE id = ?1 AND fence = ?2 AND state = 'uncertain'"
        " RETURNING seq, partner",

    [EHR_SQL_ASKERS] =
        "SELECT DISTINCT asker_slot, asker_incarnation"
        " FROM deliveries INDEXED BY deliveries_askers"
        " WHERE asker_slot IS NOT NULL LIMIT ?1",

    [EHR_SQL_ASKED] =
        "SELECT id, fence FROM deliveries INDEXED BY deliveries_askers"
        " WHERE asker_slot IS NOT NULL AND asker_slot = ?1"
        " AND asker_incarnation = ?2 LIMIT ?3",

    [EHR_SQL_ASKER_LOST] =
        "UPDATE deliveries SET asker_slot = NULL, asker_incarnation = NULL,"
        " probe_ms = iif(probe_ms > 0, ?3, 0)"
        " WHERE id IN (SELECT id FROM deliveries INDEXED BY deliveries_askers"
        " WHERE asker_slot IS NOT NULL AND asker_slot = ?1"
        " AND asker_incarnation = ?2 LIMIT ?4)",

    [EHR_SQL_ATTEMPT_ADD] =
        "INSERT INTO attempts (delivery, attempt, fence, owner_slot,"
        " owner_incarnation, started_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",

    [EHR_SQL_ATTEMPT_END] =
        "UPDATE attempts SET ended_ms = ?3, state = ?4, http_status = ?5,"
        " partner_ref = ?6, partner_code = ?7, reason = ?8"
        " WHERE delivery = ?1 AND attempt = ?2 AND ended_ms IS NULL",

    /* --- chores --- */

    [EHR_SQL_CHORE_MINE] =
        "SELECT until_ms FROM chores"
        " WHERE name = ?2 AND owner_incarnation = ?1",

    [EHR_SQL_CHORE_LEFT] =
        "SELECT iif(configured_ms < ?3, 0, until_ms - ?1) FROM chores"
        " WHERE name = ?4 AND owner_incarnation <> ?2",

    [EHR_SQL_CHORE_TAKE] =
        "INSERT INTO chores (name, owner_incarnation, until_ms,"
        " configured_ms) VALUES (?5, ?1, ?2, ?4)"
        " ON CONFLICT (name) DO UPDATE"
        " SET owner_incarnation = ?1, until_ms = ?2, configured_ms = ?4"
        " WHERE owner_incarnation = ?1 OR until_ms <= ?3 OR until_ms > ?2"
        " OR configured_ms < ?4",

    [EHR_SQL_CHORE_DROP] =
        "UPDATE chores SET until_ms = 0"
        " WHERE name IN ('keeper', 'sweeper') AND owner_incarnation = ?1",

    [EHR_SQL_SWEEP_PARTNERS] =
        "SELECT partner FROM deliveries INDEXED BY deliveries_state"
        " WHERE state <> 'accepted' AND state = ?1 AND partner > ?2"
        " ORDER BY partner LIMIT 1",

    [EHR_SQL_SWEEP_PARTNER] =
        "SELECT id, seq, partner FROM deliveries INDEXED BY deliveries_state"
        " WHERE state <> 'accepted'"
        " AND state IN ('pending', 'retrying', 'held') AND partner = ?1"
        " AND (state <> 'held' OR due_ms > 0) LIMIT ?2",

    [EHR_SQL_SWEEP_HOLD] =
        "UPDATE deliveries SET state = 'held', due_ms = 0, reason = ?4"
        " WHERE id = ?1 AND seq = ?2 AND ?3 > 0"
        " AND (state IN ('pending', 'retrying')"
        " OR (state = 'held' AND due_ms > 0))",

    [EHR_SQL_SWEEP_DUE] =
        "SELECT id, seq, partner FROM deliveries INDEXED BY deliveries_later"
        " WHERE due_ms > 0 AND partner = ?1 AND due_ms > ?2"
        " AND (state = 'retrying' OR due_ms > ?3) LIMIT ?4",

    [EHR_SQL_SWEEP_DUE_MEND] =
        "UPDATE deliveries SET due_ms = ?3"
        " WHERE id = ?1 AND seq = ?2 AND due_ms > ?3 AND ?4 = ''",

    /* The newest that are held: what is wrong was accepted a deadline ago at
     * most. */
    [EHR_SQL_SWEEP_EARLY] =
        "SELECT d.id, d.seq, d.partner FROM (SELECT id, seq, partner, reason"
        " FROM deliveries INDEXED BY deliveries_state"
        " WHERE state <> 'accepted' AND state = 'held' AND partner = ?1"
        " ORDER BY seq DESC LIMIT ?3) AS d"
        " JOIN submissions AS s ON s.seq = d.seq"
        " WHERE d.reason = 'deadline.passed' AND s.received_ms > ?2"
        " LIMIT ?4",

    [EHR_SQL_SWEEP_SERVED] =
        "SELECT d.id, d.seq, d.partner FROM (SELECT id, seq, partner, reason"
        " FROM deliveries INDEXED BY deliveries_state"
        " WHERE state <> 'accepted' AND state = 'held' AND partner = ?1"
        " ORDER BY seq DESC LIMIT ?3) AS d"
        " WHERE ?2 > 0 AND d.reason = 'config.partner' LIMIT ?4",

    [EHR_SQL_SWEEP_RESUME] =
        "UPDATE deliveries SET state = 'retrying', due_ms = ?3, reason = ?4"
        " WHERE id = ?1 AND seq = ?2 AND state = 'held'"
        " AND reason IN ('deadline.passed', 'config.partner')",

    [EHR_SQL_SWEEP_LAST] =
        "SELECT coalesce(max(id), 0) FROM deliveries",

    [EHR_SQL_SWEEP_SUBMISSION] =
        "SELECT d.id, d.seq, d.partner FROM deliveries AS d"
        " WHERE d.id > ?1 AND d.id <= ?2"
        " AND d.state IN ('pending', 'retrying') AND NOT EXISTS ("
        "SELECT 1 FROM submissions AS s WHERE s.seq = d.seq) LIMIT ?3",

    [EHR_SQL_SWEEP_CONTENT] =
        "SELECT d.id, d.seq, d.partner FROM deliveries AS d"
        " JOIN submissions AS s ON s.seq = d.seq"
        " WHERE d.id > ?1 AND d.id <= ?2"
        " AND d.state IN ('pending', 'retrying') AND NOT EXISTS ("
        "SELECT 1 FROM contents AS c WHERE c.seq = d.seq) LIMIT ?3",

    [EHR_SQL_SWEEP_ATTEMPT] =
        "SELECT a.delivery, a.attempt, '' FROM attempts AS a"
        " LEFT JOIN deliveries AS d ON d.id = a.delivery"
        " WHERE a.delivery > ?1 AND a.delivery <= ?2 AND a.ended_ms IS NULL"
        " AND (d.id IS NULL OR d.state <> 'sending'"
        " OR a.attempt < d.attempts) LIMIT ?3",

    [EHR_SQL_SWEEP_ATTEMPT_MEND] =
        "UPDATE attempts SET ended_ms = ?3, state = 'uncertain', reason = ?4"
        " WHERE delivery = ?1 AND attempt = ?2 AND ended_ms IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.id = ?1"
        " AND d.state = 'sending' AND d.attempts = ?2)",

    [EHR_SQL_RETAIN_OLD] =
        "SELECT seq, kind, received_ms FROM submissions"
        " WHERE seq > ?1 AND seq < ?4 AND received_ms < ?2"
        " ORDER BY seq LIMIT ?3",

    [EHR_SQL_RETAIN_AGE] =
        "SELECT EXISTS (SELECT 1 FROM contents WHERE seq = ?1),"
        " EXISTS (SELECT 1 FROM deliveries WHERE seq = ?1 AND state NOT IN"
        " ('accepted', 'accepted_with_message', 'refused', 'superseded')),"
        " coalesce((SELECT max(at_ms) FROM history WHERE seq = ?1"
        " AND state <> 'removed'), received_ms),"
        " iif(business_key = '', 0, coalesce((SELECT max(o.seq)"
        " FROM submissions AS o WHERE o.business_key = s.business_key"
        " AND o.facility = s.facility AND o.kind = s.kind"
        " AND o.seq < s.seq), 0)) FROM submissions AS s WHERE seq = ?1",

    /* Behind neither of them is a number that would be given again. */
    [EHR_SQL_RETAIN_NEWEST] =
        "SELECT min((SELECT max(seq) FROM submissions), coalesce("
        "(SELECT seq FROM deliveries"
        " WHERE id = (SELECT max(id) FROM deliveries)),"
        " (SELECT max(seq) FROM submissions)))",

    [EHR_SQL_RETAIN_ENTER] =
        "INSERT INTO removals (seq) VALUES (?1)",

    [EHR_SQL_RETAIN_ATTEMPTS] =
        "DELETE FROM attempts WHERE delivery IN"
        " (SELECT id FROM deliveries WHERE seq = ?1)",

    [EHR_SQL_RETAIN_DELIVERIES] =
        "DELETE FROM deliveries WHERE seq = ?1",

    [EHR_SQL_RETAIN_HISTORY] =
        "DELETE FROM history WHERE seq = ?1",

    [EHR_SQL_RETAIN_KEYS] =
        "DELETE FROM idempotency_keys WHERE seq = ?1",

    [EHR_SQL_RETAIN_CONTENT] =
        "DELETE FROM contents WHERE seq = ?1",

    [EHR_SQL_RETAIN_SUBMISSION] =
        "DELETE FROM submissions WHERE seq = ?1",

    [EHR_SQL_RETAIN_LEAVE] =
        "DELETE FROM removals WHERE seq = ?1",

    [EHR_SQL_KEYS_NEXT] =
        "SELECT key FROM contents INDEXED BY contents_key"
        " WHERE key > ?1 ORDER BY key LIMIT 1",

    [EHR_SQL_KEYS_COUNT] =
        "SELECT count(*) FROM contents INDEXED BY contents_key"
        " WHERE key = ?1",

    [EHR_SQL_RESEAL_NEXT] =
        "SELECT seq FROM contents INDEXED BY contents_key"
        " WHERE key = ?1 AND seq > ?2 ORDER BY seq LIMIT 1",

    [EHR_SQL_RESEAL] =
        "UPDATE contents SET key = ?2, bytes = ?3 WHERE seq = ?1",

    /* --- a person's decisions --- */

    [EHR_SQL_HISTORY_NOTE] =
        "INSERT INTO history (seq, step, at_ms, partner, state, reason, note)"
        " VALUES (?1, 1 + coalesce((SELECT max(step) FROM history"
        " WHERE seq = ?1), 0), ?2, ?3, ?4, ?5, ?6)",

    [EHR_SQL_DECIDE_FIND] =
        "SELECT d.id, d.partner, d.state, d.kind, "
        EHR_SQL_HAS_NEWER("d") ", " EHR_SQL_MAY_HAVE_LEFT ", "
        EHR_SQL_IS_BY_PERSON ", " EHR_SQL_HAS_CONTENT ","
        " (SELECT coalesce(max(h.step), 0) FROM history AS h"
        " WHERE h.seq = d.seq) FROM deliveries AS d"
        " WHERE d.seq = ?1 AND (?2 = '' OR d.partner = ?2)"
        " ORDER BY d.id LIMIT 2",

    [EHR_SQL_DECIDE] =
        "UPDATE deliveries SET state = ?2, due_ms = ?3, probe_ms = 0,"
        " probes = 0, fence = fence + 1, reason = ?4,"
        " asker_slot = NULL, asker_incarnation = NULL,"
        " partner_ref = iif(?5 = '', partner_ref, ?5)"
        " WHERE id = ?1 AND state = ?6",

    [EHR_SQL_JOBS] =
        "SELECT " JOB_COLUMNS " FROM jobs WHERE id BETWEEN ?1 AND ?2"
        " ORDER BY id DESC LIMIT ?3",

    [EHR_SQL_JOB_ADD] =
        "INSERT INTO jobs (action, state, facility, partner, kind, reason,"
        " in_state, since_ms, until_ms, rate, note, actor, created_ms,"
        " changed_ms, due_ms, upto) VALUES (?1, 'running', ?2, ?3, ?4, ?5,"
        " ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12, ?12,"
        " (SELECT coalesce(max(id), 0) FROM deliveries))"
        " RETURNING id, upto",

    [EHR_SQL_JOB_SET] =
        "UPDATE jobs SET state = ?2, changed_ms = ?3, due_ms = ?3,"
        " version = version + 1 WHERE id = ?1",

    [EHR_SQL_JOB_DUE] =
        "SELECT " JOB_COLUMNS " FROM jobs INDEXED BY jobs_running"
        " WHERE state = 'running' AND (due_ms <= ?1 OR due_ms > ?2)"
        " ORDER BY due_ms LIMIT 1",

    [EHR_SQL_JOB_NEXT] =
        "SELECT coalesce(min(iif(due_ms > ?2, ?1, due_ms)), 0)"
        " FROM jobs INDEXED BY jobs_running WHERE state = 'running'",

    [EHR_SQL_JOB_PROGRESS] =
        "UPDATE jobs SET state = ?2, after = ?3, changed = ?4, skipped = ?5,"
        " changed_ms = ?6, due_ms = ?7, version = version + 1 WHERE id = ?1",

    /* --- read --- */

    [EHR_SQL_ATTEMPTS] =
        "SELECT d.partner, a.attempt, a.started_ms, a.ended_ms, a.state,"
        " a.http_status, a.partner_code, a.partner_ref, a.reason,"
        " a.owner_slot, a.owner_incarnation"
        " FROM deliveries AS d JOIN attempts AS a ON a.delivery = d.id"
        " WHERE d.seq = ?1 ORDER BY a.started_ms, d.id, a.attempt LIMIT ?2",

    [EHR_SQL_HISTORY] =
        "SELECT at_ms, partner, state, reason, note FROM history"
        " WHERE seq = ?1 ORDER BY step LIMIT ?2",

    [EHR_SQL_NEWEST] =
        "SELECT coalesce(max(seq), 0) FROM submissions",

    [EHR_SQL_RECEIVED_FROM] =
        "SELECT received_ms FROM submissions"
        " WHERE seq >= ?1 ORDER BY seq LIMIT 1",

    [EHR_SQL_FIRST_DELIVERY] =
        "SELECT coalesce((SELECT min(id) FROM deliveries WHERE seq ="
        " (SELECT seq FROM deliveries WHERE seq >= ?1 ORDER BY seq LIMIT 1)),"
        " (SELECT coalesce(max(id), 0) + 1 FROM deliveries))",

    [EHR_SQL_DEPTHS] =
        "SELECT d.partner, d.state, d.n, s.received_ms, d.late FROM ("
        "SELECT partner, state, count(*) AS n, min(seq) AS oldest,"
        " sum(target_ms BETWEEN 1 AND ?2) AS late"
        " FROM deliveries INDEXED BY deliveries_state"
        " WHERE state <> 'accepted' AND state IN"
        " ('pending', 'sending', 'retrying', 'uncertain', 'held')"
        " GROUP BY state, partner) AS d"
        " JOIN submissions AS s ON s.seq = d.oldest LIMIT ?1",

    /* In the order of the index, or all that is open would be sorted. */
    [EHR_SQL_QUEUES] =
        "SELECT partner, sum(a), sum(b), sum(c), sum(d), sum(e), sum(f) FROM ("
        "SELECT partner, sum(seq >= ?1) AS a,"
        " sum(seq >= ?2 AND seq < ?1) AS b,"
        " sum(seq >= ?3 AND seq < ?2) AS c, sum(seq >= ?4 AND seq < ?3) AS d,"
        " sum(seq >= ?5 AND seq < ?4) AS e, sum(seq < ?5) AS f"
        " FROM deliveries INDEXED BY deliveries_state"
        " WHERE state <> 'accepted' AND state IN"
        " ('pending', 'sending', 'retrying', 'uncertain', 'held')"
        " GROUP BY state, partner) GROUP BY partner LIMIT ?6",

    /* --- partners --- */

    [EHR_SQL_PARTNER] =
        "SELECT is_paused, reason, actor, version, changed_ms FROM partners"
        " WHERE name = ?1",

    [EHR_SQL_PARTNER_SET] =
        "INSERT INTO partners (name, is_paused, reason, actor, version,"
        " changed_ms) VALUES (?1, ?2, ?3, ?4, 1, ?5)"
        " ON CONFLICT (name) DO UPDATE SET is_paused = ?2, reason = ?3,"
        " actor = ?4, version = version + 1, changed_ms = ?5",

    /* --- registry --- */

    [EHR_SQL_FACILITY] =
        "SELECT " FACILITY_COLUMNS " FROM facilities WHERE code = ?1",

    [EHR_SQL_FACILITIES] =
        "SELECT " FACILITY_COLUMNS " FROM facilities ORDER BY code LIMIT ?1",

    [EHR_SQL_FACILITY_COUNT] =
        "SELECT count(*) FROM facilities",

    [EHR_SQL_FACILITY_ADD] =
        "INSERT INTO facilities (code, name, standard, kinds, rate_milli,"
        " burst, changed_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",

    [EHR_SQL_FACILITY_SUSPEND] =
        /* Farther ahead than a token lives: the clock was wrong then. */
        "UPDATE facilities SET is_suspended = 1, suspended_reason = ?2,"
        " tokens_from_ms = iif(tokens_from_ms > ?3 + 3600000, ?3,"
        " max(tokens_from_ms, ?3)) WHERE code = ?1",

    [EHR_SQL_FACILITY_RESUME] =
        "UPDATE facilities SET is_suspended = 0, suspended_reason = ''"
        " WHERE code = ?1",

    [EHR_SQL_FACILITY_TOUCH] =
        "UPDATE facilities SET version = version + 1, changed_ms = ?2"
        " WHERE code = ?1",

    [EHR_SQL_CERTS] =
        "SELECT sha256, subject, not_after_ms, added_ms FROM certificates"
        " WHERE facility = ?1 ORDER BY added_ms, sha256",

    [EHR_SQL_CERT_FIND] =
        "SELECT facility FROM certificates WHERE sha256 = ?1",

    [EHR_SQL_CERT_ADD] =
        "INSERT INTO certificates (sha256, facility, subject, not_after_ms,"
        " added_ms) VALUES (?1, ?2, ?3, ?4, ?5)",

    [EHR_SQL_CERT_REMOVE] =
        "DELETE FROM certificates WHERE sha256 = ?1 AND facility = ?2"
        " RETURNING sha256",

    [EHR_SQL_GENERATION] =
        "SELECT generation FROM registry WHERE one = 1",

    [EHR_SQL_GENERATION_RAISE] =
        "UPDATE registry SET generation = generation + 1 WHERE one = 1",

    [EHR_SQL_AUDIT_ADD] =
        "INSERT INTO audit (at_ms, actor, request_id, action, target, detail)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
};
