/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Jobs: a person's decision about many deliveries, a few in each step.  What
 * a step changes and how far the job has come are one transaction, so a job
 * has no owner and nothing to recover: whoever is alive goes on.
 *
 * A job walks the deliveries by their numbers up to the newest one when it
 * was made, a bounded stretch in each step: what it costs does not depend on
 * how few of a million are meant, and what comes later is not touched.
 */

#include <inttypes.h>
#include <stdio.h>

#include "ehr_store_parts.h"


#define STRETCH     5000     /* deliveries looked at in a step */
#define STEP_MAX    100      /* deliveries decided in a step */
#define FAR_MS      60000    /* no job waits that long between its steps: the
                                clock was put back */
#define STEPS_SEC   10       /* at most, of a slow job's kind */
#define SQL_MAX     2048
#define DETAIL_MAX  256


static const char *const  job_states[] = {
    [EHR_JOB_RUNNING] = "running",
    [EHR_JOB_PAUSED] = "paused",
    [EHR_JOB_DONE] = "done",
    [EHR_JOB_CANCELLED] = "cancelled"
};


const char *
ehr_job_state_name(ehr_job_state_e state)
{
    return (int) state >= EHR_JOB_RUNNING && (int) state <= EHR_JOB_CANCELLED
           ? job_states[state] : NULL;
}


static ehr_job_state_e
job_state_of(ehr_query_t *q, int column)
{
    int   state;
    char  name[16];

    ehr_column_copy(q, column, name, sizeof(name));

    for (state = EHR_JOB_RUNNING; state < EHR_JOB_CANCELLED; state++) {
        if (strcmp(name, job_states[state]) == 0) {
            break;
        }
    }

    return state;
}


static void
read_job(ehr_query_t *q, ehr_arena_t *arena, ehr_job_t *job)
{
    job->id = ehr_column_int(q, 0);
    job->action = ehr_action_of_name(ehr_column_str(q, 1, arena));
    job->state = job_state_of(q, 2);
    job->sel.facility = ehr_column_str(q, 3, arena);
    job->sel.partner = ehr_column_str(q, 4, arena);
    job->sel.kind = ehr_column_str(q, 5, arena);
    job->sel.reason = ehr_column_str(q, 6, arena);
    job->sel.state = ehr_state_of_name(ehr_column_str(q, 7, arena));
    job->sel.since_ms = ehr_column_int(q, 8);
    job->sel.until_ms = ehr_column_int(q, 9);
    job->rate = ehr_column_int(q, 10);
    job->note = ehr_column_str(q, 11, arena);
    job->actor = ehr_column_str(q, 12, arena);
    job->created_ms = ehr_column_int(q, 13);
    job->changed_ms = ehr_column_int(q, 14);
    job->after = ehr_column_int(q, 15);
    job->upto = ehr_column_int(q, 16);
    job->changed = ehr_column_int(q, 17);
    job->skipped = ehr_column_int(q, 18);
    job->version = ehr_column_int(q, 19);
}


static ehr_rc_t
read_jobs(ehr_store_t *store, int64_t id, ehr_arena_t *arena,
          ehr_job_t *jobs, uint32_t *n)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_JOBS);
    ehr_query_int(&q, id);
    ehr_query_int(&q, id != 0 ? id : INT64_MAX);
    ehr_query_int(&q, EHR_JOB_LIST);

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && *n < EHR_JOB_LIST;
         rc = ehr_query_step(&q))
    {
        read_job(&q, arena, &jobs[(*n)++]);
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


ehr_rc_t
ehr_job_list(ehr_store_t *store, int64_t id, ehr_arena_t *arena,
             ehr_job_t **jobs, uint32_t *njobs)
{
    ehr_rc_t  rc;

    *njobs = 0;
    *jobs = ehr_arena_calloc(arena, EHR_JOB_LIST * sizeof(ehr_job_t));

    if (*jobs == NULL) {
        return EHR_BROKEN;
    }

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    return ehr_store_end_read(store, read_jobs(store, id, arena, *jobs,
                                               njobs));
}


/* --- changes --- */

static ehr_rc_t
audit(ehr_store_t *store, const ehr_change_t *who, const ehr_job_t *job,
      const char *verb)
{
    char         action[32], target[32], detail[DETAIL_MAX];
    ehr_query_t  q;

    (void) snprintf(action, sizeof(action), "job.%s", verb);
    (void) snprintf(target, sizeof(target), "%" PRId64, job->id);
    (void) snprintf(detail, sizeof(detail),
                    "{\"action\":\"%s\",\"rate\":%" PRId64 "}",
                    ehr_action_name(job->action), job->rate);

    ehr_query_begin(&q, store, EHR_SQL_AUDIT_ADD);
    ehr_query_int(&q, who->now_ms);
    ehr_query_str(&q, who->actor);
    ehr_query_str(&q, who->request_id);
    ehr_query_text(&q, action);
    ehr_query_text(&q, target);
    ehr_query_text(&q, detail);

    return ehr_query_run(&q);
}


static ehr_rc_t
add(ehr_store_t *store, const ehr_change_t *who, ehr_job_t *job)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_JOB_ADD);
    ehr_query_text(&q, ehr_action_name(job->action));
    ehr_query_str(&q, job->sel.facility);
    ehr_query_str(&q, job->sel.partner);
    ehr_query_str(&q, job->sel.kind);
    ehr_query_str(&q, job->sel.reason);
    ehr_query_text(&q, job->sel.state ? ehr_state_name(job->sel.state) : "");
    ehr_query_int(&q, job->sel.since_ms);
    ehr_query_int(&q, job->sel.until_ms);
    ehr_query_int(&q, job->rate);
    ehr_query_str(&q, job->note);
    ehr_query_str(&q, who->actor);
    ehr_query_int(&q, who->now_ms);

    rc = ehr_query_step(&q);

    if (rc == EHR_AGAIN) {
        job->id = ehr_column_int(&q, 0);
        job->upto = ehr_column_int(&q, 1);
        rc = EHR_OK;
    }

    ehr_query_end(&q);

    job->state = EHR_JOB_RUNNING;
    job->actor = who->actor;
    job->created_ms = who->now_ms;
    job->changed_ms = who->now_ms;
    job->version = 1;

    return rc == EHR_OK ? audit(store, who, job, "add") : rc;
}


ehr_decided_e
ehr_job_add(ehr_store_t *store, const ehr_change_t *change, ehr_job_t *job)
{
    ehr_decided_e  result;

    if (ehr_store_enter(store) != EHR_OK) {
        return EHR_DECIDED_LATER;
    }

    if (ehr_store_begin_write(store) != EHR_OK) {
        ehr_store_leave(store);
        return EHR_DECIDED_LATER;
    }

    result = add(store, change, job) == EHR_OK ? EHR_DECIDED_OK
                                               : EHR_DECIDED_LATER;
    result = ehr_store_end_change(store, change, result);

    ehr_store_leave(store);

    return result;
}


static ehr_decided_e
set(ehr_store_t *store, const ehr_change_t *who, ehr_job_t *job,
    ehr_job_state_e state)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    if (who->if_version != 0 && who->if_version != job->version) {
        return EHR_DECIDED_VERSION;
    }

    if ((job->state != EHR_JOB_RUNNING && job->state != EHR_JOB_PAUSED)
        || state == EHR_JOB_DONE)
    {
        return EHR_DECIDED_STATE;
    }

    ehr_query_begin(&q, store, EHR_SQL_JOB_SET);
    ehr_query_int(&q, job->id);
    ehr_query_text(&q, ehr_job_state_name(state));
    ehr_query_int(&q, who->now_ms);

    rc = ehr_query_run(&q);

    job->state = state;
    job->changed_ms = who->now_ms;
    job->version++;

    if (rc == EHR_OK) {
        rc = audit(store, who, job, ehr_job_state_name(state));
    }

    return rc == EHR_OK ? EHR_DECIDED_OK : EHR_DECIDED_LATER;
}


ehr_decided_e
ehr_job_set(ehr_store_t *store, const ehr_change_t *change, int64_t id,
            ehr_job_state_e state, ehr_arena_t *arena, ehr_job_t *out)
{
    uint32_t        n = 0;
    ehr_job_t      *jobs;
    ehr_decided_e   result = EHR_DECIDED_LATER;

    jobs = ehr_arena_calloc(arena, EHR_JOB_LIST * sizeof(ehr_job_t));

    if (jobs == NULL || ehr_store_enter(store) != EHR_OK) {
        return EHR_DECIDED_LATER;
    }

    if (ehr_store_begin_write(store) != EHR_OK) {
        ehr_store_leave(store);
        return EHR_DECIDED_LATER;
    }

    if (id <= 0) {
        result = EHR_DECIDED_NOT_FOUND;

    } else if (read_jobs(store, id, arena, jobs, &n) == EHR_OK) {
        result = n == 0 ? EHR_DECIDED_NOT_FOUND
                        : set(store, change, &jobs[0], state);
        *out = jobs[0];
    }

    result = ehr_store_end_change(store, change, result);
    ehr_store_leave(store);

    return result;
}


/* --- steps --- */

typedef struct {
    ehr_decided_row_t  rows[STEP_MAX];
    uint32_t           n;
    uint32_t           max;
    int64_t            upper;         /* the end of the stretch */
} stretch_t;


static ehr_rc_t
read_stretch(ehr_store_t *store, const ehr_job_t *job, stretch_t *stretch)
{
    char                where[SQL_MAX / 2], sql[SQL_MAX];
    ehr_rc_t            rc;
    ehr_query_t         q;
    ehr_decided_row_t  *row;

    if (ehr_selection_sql(&job->sel, job->action, where, sizeof(where)) == 0) {
        return ehr_store_broken(store, "the query of a job is too long");
    }

    (void) snprintf(sql, sizeof(sql),
                    "SELECT d.id, d.seq, d.partner, d.state, d.kind, "
                    EHR_SQL_HAS_NEWER("d") ", " EHR_SQL_MAY_HAVE_LEFT
                    ", " EHR_SQL_IS_BY_PERSON ", " EHR_SQL_HAS_CONTENT
                    " FROM deliveries AS d NOT INDEXED"
                    " WHERE d.id > :after AND d.id <= :upper%s"
                    " ORDER BY d.id LIMIT :limit", where);

    stretch->n = 0;

    ehr_query_begin_text(&q, store, sql);
    ehr_selection_bind(&q, &job->sel);
    ehr_query_named_int(&q, ":after", job->after);
    ehr_query_named_int(&q, ":upper", stretch->upper);
    ehr_query_named_int(&q, ":limit", stretch->max);

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && stretch->n < stretch->max;
         rc = ehr_query_step(&q))
    {
        row = &stretch->rows[stretch->n++];
        row->delivery = ehr_column_int(&q, 0);
        row->seq = ehr_column_int(&q, 1);
        ehr_column_copy(&q, 2, row->partner, sizeof(row->partner));
        row->state = ehr_column_state(&q, 3);
        ehr_column_copy(&q, 4, row->kind, sizeof(row->kind));
        row->has_newer = (int) ehr_column_int(&q, 5);
        row->may_have_left = (int) ehr_column_int(&q, 6);
        row->is_by_person = (int) ehr_column_int(&q, 7);
        row->has_content = (int) ehr_column_int(&q, 8);
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


static ehr_rc_t
write_progress(ehr_store_t *store, const ehr_job_t *job, int64_t now_ms,
               int64_t due_ms)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_JOB_PROGRESS);
    ehr_query_int(&q, job->id);
    ehr_query_text(&q, ehr_job_state_name(job->state));
    ehr_query_int(&q, job->after);
    ehr_query_int(&q, job->changed);
    ehr_query_int(&q, job->skipped);
    ehr_query_int(&q, now_ms);
    ehr_query_int(&q, due_ms);

    return ehr_query_run(&q);
}


static ehr_rc_t
decide_all(ehr_store_t *store, ehr_job_t *job, int64_t now_ms,
           const ehr_decide_t *how, const stretch_t *stretch)
{
    uint32_t       i;
    ehr_decide_t   decide = *how;

    decide.action = job->action;
    decide.note = job->note;
    decide.is_forced = 0;
    decide.partner_ref = ehr_str("");

    for (i = 0; i < stretch->n; i++) {

        switch (ehr_store_decide_row(store, &decide, now_ms,
                                     &stretch->rows[i]))
        {

        case EHR_DECIDED_OK:
            job->changed++;
            break;

        case EHR_DECIDED_LATER:
            return EHR_LATER;

        default:
            job->skipped++;
        }

        job->after = stretch->rows[i].delivery;
    }

    return EHR_OK;
}


static ehr_rc_t
step(ehr_store_t *store, ehr_job_t *job, int64_t now_ms,
     const ehr_decide_t *how)
{
    int64_t    wait_ms, changed = job->changed;
    ehr_rc_t   rc;
    stretch_t  stretch;

    stretch.max = (uint32_t) (job->rate + STEPS_SEC - 1) / STEPS_SEC;
    stretch.max = stretch.max > STEP_MAX ? STEP_MAX : stretch.max;
    stretch.upper = job->after + STRETCH < job->upto ? job->after + STRETCH
                                                     : job->upto;

    rc = read_stretch(store, job, &stretch);

    if (rc == EHR_OK) {
        rc = decide_all(store, job, now_ms, how, &stretch);
    }

    if (rc != EHR_OK) {
        return rc;
    }

    if (stretch.n < stretch.max) {
        job->after = stretch.upper;
    }

    if (job->after >= job->upto) {
        job->state = EHR_JOB_DONE;
    }

    wait_ms = (job->changed - changed) * 1000 / job->rate;

    return write_progress(store, job, now_ms, now_ms + wait_ms);
}


static ehr_rc_t
find_due(ehr_store_t *store, int64_t now_ms, ehr_arena_t *arena,
         ehr_job_t *job)
{
    ehr_rc_t     rc;
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_JOB_DUE);
    ehr_query_int(&q, now_ms);
    ehr_query_int(&q, now_ms + FAR_MS);

    rc = ehr_query_step(&q);

    if (rc == EHR_AGAIN) {
        read_job(&q, arena, job);
        ehr_query_end(&q);
        return job->rate > 0 ? EHR_OK
                             : ehr_store_broken(store, "a job without rate");
    }

    ehr_query_end(&q);

    return rc == EHR_OK ? EHR_REFUSED : rc;
}


static ehr_rc_t
find_next(ehr_store_t *store, int64_t now_ms, int64_t *next_ms)
{
    ehr_query_t  q;

    ehr_query_begin(&q, store, EHR_SQL_JOB_NEXT);
    ehr_query_int(&q, now_ms);
    ehr_query_int(&q, now_ms + FAR_MS);

    return ehr_store_get_int(&q, next_ms);
}


static ehr_rc_t
run_step(ehr_store_t *store, int64_t now_ms, const ehr_decide_t *how,
         uint32_t *nchanged, int64_t *next_ms)
{
    int64_t       changed;
    ehr_rc_t      rc;
    ehr_job_t     job;
    ehr_arena_t  *arena;

    arena = ehr_arena_create(65536);
    if (arena == NULL) {
        return EHR_BROKEN;
    }

    rc = find_due(store, now_ms, arena, &job);

    if (rc == EHR_OK) {
        changed = job.changed;
        rc = step(store, &job, now_ms, how);
        *nchanged = (uint32_t) (job.changed - changed);
    }

    ehr_arena_destroy(arena);

    if (rc != EHR_OK && rc != EHR_REFUSED) {
        return rc;
    }

    return find_next(store, now_ms, next_ms);
}


/* Most of the time there is no job, and nobody should wait for a lock to see
 * that. */

static ehr_rc_t
look(ehr_store_t *store, int64_t now_ms, int64_t *next_ms)
{
    ehr_rc_t  rc;

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = find_next(store, now_ms, next_ms);

    return ehr_store_end_read(store, rc);
}


ehr_rc_t
ehr_job_step(ehr_store_t *store, int64_t now_ms, const ehr_decide_t *how,
             uint32_t *nchanged, int64_t *next_ms)
{
    ehr_rc_t  rc;

    *nchanged = 0;

    rc = look(store, now_ms, next_ms);

    if (rc != EHR_OK || *next_ms == 0 || *next_ms > now_ms) {
        return rc;
    }

    rc = ehr_store_enter(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = ehr_store_begin_write(store);

    if (rc == EHR_OK) {
        rc = ehr_store_end_write(store, run_step(store, now_ms, how, nchanged,
                                                 next_ms));
    }

    ehr_store_leave(store);

    return rc;
}
