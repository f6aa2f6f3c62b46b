/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A person's decision about one delivery: from which state it may be taken
 * to which, and what stands in the way.  Knows no roles and no HTTP.
 */

#include <stdio.h>

#include "ehr_store_decide.h"
#include "ehr_store_parts.h"


#define DETAIL_MAX  256


#define BIT(state)  (1u << EHR_STATE_##state)

typedef struct {
    const char   *name;
    const char   *reason;             /* in the history */
    uint32_t      from;               /* states, as bits */
    ehr_state_e   to;
    int           is_sent_again;
} rule_t;

static const rule_t  rules[] = {
    [EHR_ACTION_HOLD] = {
        "hold", "person.held", BIT(PENDING) | BIT(RETRYING) | BIT(HELD),
        EHR_STATE_HELD, 0
    },
    [EHR_ACTION_RELEASE] = {
        "release", "person.released", BIT(HELD) | BIT(UNCERTAIN),
        EHR_STATE_RETRYING, 1
    },
    [EHR_ACTION_REPLAY] = {
        "replay", "person.replayed",
        BIT(ACCEPTED) | BIT(ACCEPTED_WITH_MESSAGE) | BIT(REFUSED),
        EHR_STATE_RETRYING, 1
    },
    [EHR_ACTION_ACCEPT] = {
        "accept", "person.accepted", BIT(UNCERTAIN), EHR_STATE_ACCEPTED, 0
    },
    [EHR_ACTION_REFUSE] = {
        "refuse", "person.refused", BIT(UNCERTAIN) | BIT(HELD),
        EHR_STATE_REFUSED, 0
    },
};


const char *
ehr_action_name(ehr_action_e action)
{
    return (int) action >= EHR_ACTION_HOLD
           && (int) action <= EHR_ACTION_REFUSE ? rules[action].name : NULL;
}


ehr_action_e
ehr_action_of_name(ehr_str_t name)
{
    int  action;

    for (action = EHR_ACTION_HOLD; action <= EHR_ACTION_REFUSE; action++) {
        if (ehr_str_is(name, rules[action].name)) {
            return action;
        }
    }

    return 0;
}


int
ehr_action_takes(ehr_action_e action, ehr_state_e state)
{
    return (rules[action].from & (1u << state)) != 0;
}


int
ehr_action_sends(ehr_action_e action)
{
    return rules[action].is_sent_again;
}


/* What is held for another reason may come back by itself: a person who holds
 * it prevents that.
 *
 * What was held without an answer to any attempt never left: it is sent for
 * the first time, as it were.  All else may have reached the partner. */

static ehr_decided_e
check(const ehr_decide_t *how, const ehr_decided_row_t *row)
{
    const rule_t  *rule = &rules[how->action];

    if (!ehr_action_takes(how->action, row->state)
        || (how->action == EHR_ACTION_HOLD && row->is_by_person))
    {
        return EHR_DECIDED_STATE;
    }

    if (!rule->is_sent_again) {
        return EHR_DECIDED_OK;
    }

    if (row->has_newer) {
        return EHR_DECIDED_NEWER;
    }

    if (!row->has_content) {
        return EHR_DECIDED_CONTENT;
    }

    if ((row->state != EHR_STATE_HELD || row->may_have_left)
        && !how->is_forced
        && (how->is_repeat_safe == NULL
            || !how->is_repeat_safe(how->data, row->partner, row->kind)))
    {
        return EHR_DECIDED_UNSAFE;
    }

    return EHR_DECIDED_OK;
}


static ehr_rc_t
add_history(ehr_store_t *store, const ehr_decide_t *how, int64_t now_ms,
            const ehr_decided_row_t *row)
{
    ehr_query_t    q;
    const rule_t  *rule = &rules[how->action];

    ehr_query_begin(&q, store, EHR_SQL_HISTORY_NOTE);
    ehr_query_int(&q, row->seq);
    ehr_query_int(&q, now_ms);
    ehr_query_text(&q, row->partner);
    ehr_query_text(&q, ehr_state_name(rule->to));
    ehr_query_text(&q, rule->reason);
    ehr_query_str(&q, how->note);

    return ehr_query_run(&q);
}


ehr_decided_e
ehr_store_decide_row(ehr_store_t *store, const ehr_decide_t *how,
                     int64_t now_ms, const ehr_decided_row_t *row)
{
    ehr_rc_t        rc;
    ehr_query_t     q;
    ehr_decided_e   result;
    const rule_t   *rule = &rules[how->action];

    result = check(how, row);
    if (result != EHR_DECIDED_OK) {
        return result;
    }

    ehr_query_begin(&q, store, EHR_SQL_DECIDE);
    ehr_query_int(&q, row->delivery);
    ehr_query_text(&q, ehr_state_name(rule->to));
    ehr_query_int(&q, rule->to == EHR_STATE_RETRYING ? now_ms : 0);
    ehr_query_text(&q, rule->reason);
    ehr_query_str(&q, how->partner_ref);
    ehr_query_text(&q, ehr_state_name(row->state));

    rc = ehr_query_run(&q);

    if (rc == EHR_OK) {
        rc = add_history(store, how, now_ms, row);
    }

    return rc == EHR_OK ? EHR_DECIDED_OK : EHR_DECIDED_LATER;
}


/* --- one document --- */

typedef struct {
    ehr_decided_row_t  row;
    int64_t            version;
    int                n;             /* deliveries that are meant */
} found_t;


static ehr_rc_t
find(ehr_store_t *store, int64_t seq, ehr_str_t partner, found_t *found)
{
    ehr_rc_t            rc;
    ehr_query_t         q;
    ehr_decided_row_t  *row = &found->row;

    memset(found, 0, sizeof(found_t));

    ehr_query_begin(&q, store, EHR_SQL_DECIDE_FIND);
    ehr_query_int(&q, seq);
    ehr_query_str(&q, partner);

    for (rc = ehr_query_step(&q);
         rc == EHR_AGAIN && found->n < 2;
         rc = ehr_query_step(&q))
    {
        if (found->n++ > 0) {
            continue;
        }

        row->seq = seq;
        row->delivery = ehr_column_int(&q, 0);
        ehr_column_copy(&q, 1, row->partner, sizeof(row->partner));
        row->state = ehr_column_state(&q, 2);
        ehr_column_copy(&q, 3, row->kind, sizeof(row->kind));
        row->has_newer = (int) ehr_column_int(&q, 4);
        row->may_have_left = (int) ehr_column_int(&q, 5);
        row->is_by_person = (int) ehr_column_int(&q, 6);
        row->has_content = (int) ehr_column_int(&q, 7);
        found->version = ehr_column_int(&q, 8);
    }

    ehr_query_end(&q);

    return rc == EHR_AGAIN ? EHR_OK : rc;
}


static ehr_rc_t
audit(ehr_store_t *store, const ehr_change_t *who, const char *id,
      const ehr_decide_t *how, const ehr_decided_row_t *row)
{
    char         action[32], detail[DETAIL_MAX];
    ehr_query_t  q;

    (void) snprintf(action, sizeof(action), "document.%s",
                    ehr_action_name(how->action));
    (void) snprintf(detail, sizeof(detail),
                    "{\"partner\":\"%s\",\"from\":\"%s\",\"to\":\"%s\","
                    "\"forced\":%s}", row->partner,
                    ehr_state_name(row->state),
                    ehr_state_name(rules[how->action].to),
                    how->is_forced ? "true" : "false");

    ehr_query_begin(&q, store, EHR_SQL_AUDIT_ADD);
    ehr_query_int(&q, who->now_ms);
    ehr_query_str(&q, who->actor);
    ehr_query_str(&q, who->request_id);
    ehr_query_text(&q, action);
    ehr_query_text(&q, id);
    ehr_query_text(&q, detail);

    return ehr_query_run(&q);
}


typedef struct {
    const char          *id;
    ehr_str_t            partner;
    const ehr_decide_t  *how;
    ehr_arena_t         *arena;
    ehr_submission_t    *out;
    int64_t             *version;
} request_t;


static ehr_decided_e
show(ehr_store_t *store, const request_t *req, int64_t seq)
{
    ehr_rc_t  rc;
    found_t   found;

    rc = ehr_store_load(store, seq, req->arena, req->out);

    if (rc == EHR_OK) {
        rc = ehr_store_load_deliveries(store, req->arena, req->out);
    }

    if (rc == EHR_OK) {
        rc = find(store, seq, req->partner, &found);
        *req->version = found.version;
    }

    return rc == EHR_OK ? EHR_DECIDED_OK : EHR_DECIDED_LATER;
}


static ehr_decided_e
run(ehr_store_t *store, const ehr_change_t *who, const request_t *req)
{
    int64_t        seq;
    ehr_rc_t       rc;
    found_t        found;
    ehr_decided_e  result;

    rc = ehr_store_find(store, ehr_str(NULL), req->id, &seq);

    if (rc == EHR_OK) {
        rc = find(store, seq, req->partner, &found);
    }

    if (rc == EHR_REFUSED || (rc == EHR_OK && found.n == 0)) {
        return EHR_DECIDED_NOT_FOUND;
    }

    if (rc != EHR_OK) {
        return EHR_DECIDED_LATER;
    }

    if (found.n > 1) {
        return EHR_DECIDED_SEVERAL;
    }

    if (who->if_version != 0 && who->if_version != found.version) {
        return EHR_DECIDED_VERSION;
    }

    result = ehr_store_decide_row(store, req->how, who->now_ms, &found.row);

    if (result == EHR_DECIDED_OK
        && audit(store, who, req->id, req->how, &found.row) != EHR_OK)
    {
        result = EHR_DECIDED_LATER;
    }

    return result == EHR_DECIDED_OK ? show(store, req, seq) : result;
}


ehr_decided_e
ehr_store_decide(ehr_store_t *store, const ehr_change_t *change,
                 const char *id, ehr_str_t partner,
                 const ehr_decide_t *decide, ehr_arena_t *arena,
                 ehr_submission_t *out, int64_t *version)
{
    ehr_decided_e    result;
    const request_t  req = { id, partner, decide, arena, out, version };

    if (ehr_store_enter(store) != EHR_OK) {
        return EHR_DECIDED_LATER;
    }

    if (ehr_store_begin_write(store) != EHR_OK) {
        ehr_store_leave(store);
        return EHR_DECIDED_LATER;
    }

    result = ehr_store_end_change(store, change,
                                  run(store, change, &req));

    ehr_store_leave(store);

    return result;
}


/* Commits what is decided and no dry run, rolls everything else back. */

ehr_decided_e
ehr_store_end_change(ehr_store_t *store, const ehr_change_t *change,
                     ehr_decided_e result)
{
    int  is_kept = result == EHR_DECIDED_OK && !change->is_dry_run;

    if (ehr_store_end_write(store, is_kept ? EHR_OK : EHR_REFUSED) != EHR_OK
        && is_kept)
    {
        return EHR_DECIDED_LATER;
    }

    return result;
}


ehr_rc_t
ehr_store_version(ehr_store_t *store, const char *id, int64_t *version)
{
    int64_t   seq;
    ehr_rc_t  rc;
    found_t   found;

    rc = ehr_store_begin_read(store);
    if (rc != EHR_OK) {
        return rc;
    }

    rc = ehr_store_find(store, ehr_str(NULL), id, &seq);

    if (rc == EHR_OK) {
        rc = find(store, seq, ehr_str(""), &found);
        *version = found.version;
    }

    return ehr_store_end_read(store, rc);
}
