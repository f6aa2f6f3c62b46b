/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a person decides about deliveries: one of them, or all of a selection
 * by a job that goes on after any crash.  Blocks like everything in
 * ehr_store.h.
 *
 *   hold      pending, retrying             -> held
 *   release   held, uncertain               -> retrying, due at once
 *   replay    accepted, accepted_with_message, refused  -> the same
 *   accept    uncertain                     -> accepted, by the person's word
 *   refuse    uncertain, held               -> refused, by the person's word
 *
 * What may have reached the partner (uncertain, accepted ...) is sent again
 * only where a repeat is safe, or where the person says so for this very
 * delivery; a job never does.  What newer content has taken the place of is
 * not sent again at all (I7), nor what has lost its bytes, to its retention or
 * otherwise.
 */

#ifndef EHR_STORE_DECIDE_H
#define EHR_STORE_DECIDE_H


#include "ehr_store.h"


typedef enum {
    EHR_ACTION_HOLD = 1,
    EHR_ACTION_RELEASE,
    EHR_ACTION_REPLAY,
    EHR_ACTION_ACCEPT,
    EHR_ACTION_REFUSE
} ehr_action_e;

/* "hold", ...; NULL for none. */
const char *ehr_action_name(ehr_action_e action);
ehr_action_e ehr_action_of_name(ehr_str_t name);


typedef struct {
    ehr_action_e      action;
    int               is_forced;      /* sent again though it is not safe */
    ehr_str_t         note;           /* the person's reason: in the history,
                                         never in a log or in the audit */
    ehr_str_t         partner_ref;    /* of accept; may be empty */
    void             *data;
    int             (*is_repeat_safe)(void *data, const char *partner,
                                      const char *kind);
} ehr_decide_t;


typedef enum {
    EHR_DECIDED_OK = 0,
    EHR_DECIDED_NOT_FOUND,            /* no such document, or partner of it */
    EHR_DECIDED_SEVERAL,              /* which partner? */
    EHR_DECIDED_VERSION,              /* If-Match is not the present one */
    EHR_DECIDED_STATE,                /* not from the state it is in */
    EHR_DECIDED_UNSAFE,               /* a repeat is not safe: is_forced */
    EHR_DECIDED_NEWER,                /* newer content was accepted */
    EHR_DECIDED_CONTENT,              /* its bytes are not there any more */
    EHR_DECIDED_LATER                 /* store not available */
} ehr_decided_e;


/*
 * One transaction with its history and its audit row; is_dry_run checks all
 * and keeps nothing.  partner empty: the only one.  *out is the document
 * afterwards, *version its number of decisions: the ETag.
 */
ehr_decided_e ehr_store_decide(ehr_store_t *store, const ehr_change_t *change,
                               const char *id, ehr_str_t partner,
                               const ehr_decide_t *decide,
                               ehr_arena_t *arena, ehr_submission_t *out,
                               int64_t *version);

/* The version of a document that was read; 0: there is none. */
ehr_rc_t ehr_store_version(ehr_store_t *store, const char *id,
                           int64_t *version);


/* --- selections -------------------------------------------------------- */

typedef struct {
    ehr_str_t    facility;            /* empty: any */
    ehr_str_t    partner;
    ehr_str_t    kind;
    ehr_str_t    reason;              /* "login." is all that begin so */
    ehr_state_e  state;               /* 0: any the action can take */
    int64_t      since_ms;            /* received; 0: any time */
    int64_t      until_ms;
} ehr_selection_t;


typedef struct {
    char         id[EHR_UUID_LEN + 1];
    char         facility[EHR_FACILITY_MAX + 1];
    char         kind[32];
    int64_t      delivery;
    int64_t      received_ms;
    ehr_store_delivery_t  dlv;        /* strings in the arena */
} ehr_delivery_row_t;


#define EHR_STORE_MAX_DELIVERIES  100
#define EHR_STORE_WALK            20000   /* deliveries looked at for a page */

typedef struct {
    int64_t              before;      /* numbers below; 0: from the newest */
    uint32_t             limit;       /* 1..EHR_STORE_MAX_DELIVERIES */

    ehr_delivery_row_t  *rows;
    uint32_t             nrows;
    int64_t              next;        /* before of the next page; 0: none */
} ehr_delivery_page_t;

/*
 * Newest first.  What no index holds together, such as the accepted ones of
 * one facility, is looked for in stretches: a page may be short, even empty,
 * and not the last.
 */
ehr_rc_t ehr_store_deliveries(ehr_store_t *store, const ehr_selection_t *sel,
                              ehr_arena_t *arena, ehr_delivery_page_t *page);


/* What a job would touch, by partner, state and facility.  What it would send
 * again, but cannot for want of the bytes, is counted apart. */

#define EHR_STORE_MAX_COUNTS   100
#define EHR_STORE_COUNT_UP_TO  100000     /* deliveries looked at */
#define EHR_STORE_MAX_FIRST    20

typedef struct {
    char         partner[32];
    char         facility[EHR_FACILITY_MAX + 1];
    ehr_state_e  state;
    int64_t      count;
} ehr_count_t;

typedef struct {
    int64_t       total;              /* up to EHR_STORE_COUNT_UP_TO, */
    int64_t       without_content;    /* together with these */
    int           is_more;            /* there are more than were counted */
    uint32_t      ncounts;            /* the largest ones */
    ehr_count_t   counts[EHR_STORE_MAX_COUNTS];
    uint32_t      nfirst;
    char          first[EHR_STORE_MAX_FIRST][EHR_UUID_LEN + 1];
} ehr_preview_t;

ehr_rc_t ehr_store_preview(ehr_store_t *store, const ehr_selection_t *sel,
                           ehr_action_e action, ehr_preview_t *out);


/* --- jobs -------------------------------------------------------------- */

typedef enum {
    EHR_JOB_RUNNING = 1,
    EHR_JOB_PAUSED,
    EHR_JOB_DONE,
    EHR_JOB_CANCELLED
} ehr_job_state_e;

const char *ehr_job_state_name(ehr_job_state_e state);

#define EHR_JOB_RATE_MAX  1000        /* deliveries a second */

typedef struct {
    int64_t          id;
    ehr_action_e     action;
    ehr_job_state_e  state;
    ehr_selection_t  sel;
    int64_t          rate;            /* deliveries a second */
    ehr_str_t        note;
    ehr_str_t        actor;
    int64_t          created_ms;
    int64_t          changed_ms;
    int64_t          after;           /* deliveries are done up to here */
    int64_t          upto;            /* the newest when it was made */
    int64_t          changed;
    int64_t          skipped;         /* selected, but not to be touched */
    int64_t          version;
} ehr_job_t;

/* Takes action, sel, rate, note; *job is it as stored. */
ehr_decided_e ehr_job_add(ehr_store_t *store, const ehr_change_t *change,
                          ehr_job_t *job);

/* running and paused to each other, both to cancelled; EHR_DECIDED_STATE for
 * what is done. */
ehr_decided_e ehr_job_set(ehr_store_t *store, const ehr_change_t *change,
                          int64_t id, ehr_job_state_e state,
                          ehr_arena_t *arena, ehr_job_t *out);

/* Newest first; id 0: all, up to EHR_JOB_LIST. */
#define EHR_JOB_LIST  100

ehr_rc_t ehr_job_list(ehr_store_t *store, int64_t id, ehr_arena_t *arena,
                      ehr_job_t **jobs, uint32_t *njobs);

/*
 * One step of a job that is due, in one transaction with the job's own
 * progress: whoever calls it, and however often one is killed, each delivery
 * is decided once.  *next_ms is when to call again; 0: no job runs.
 */
ehr_rc_t ehr_job_step(ehr_store_t *store, int64_t now_ms,
                      const ehr_decide_t *how, uint32_t *nchanged,
                      int64_t *next_ms);


#endif /* EHR_STORE_DECIDE_H */
