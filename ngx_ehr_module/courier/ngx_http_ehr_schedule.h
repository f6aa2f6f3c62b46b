/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Lanes: what each partner gets from this worker, and how much at once.  The
 * schedule claims, the attempt tries; they meet in three functions.
 */

#ifndef NGX_HTTP_EHR_SCHEDULE_H
#define NGX_HTTP_EHR_SCHEDULE_H


#include "ngx_http_ehr_partner.h"
#include "ehr_lane.h"


/* Between two probes of a partner that does not answer, at most. */
#define NGX_HTTP_EHR_LANE_WAIT_MAX  60000

/* Deliveries a claim. */
#define NGX_HTTP_EHR_CLAIM_MAX      16


typedef struct ngx_http_ehr_lane_s     ngx_http_ehr_lane_t;
typedef struct ngx_http_ehr_batch_s    ngx_http_ehr_batch_t;
typedef struct ngx_http_ehr_jobs_s     ngx_http_ehr_jobs_t;
typedef struct ngx_http_ehr_asking_s   ngx_http_ehr_asking_t;
typedef struct ngx_http_ehr_attempt_s  ngx_http_ehr_attempt_t;


/* For what lasts: the workers' common clock, which nobody puts back. */

static ngx_inline int64_t
ngx_http_ehr_steady_ms(void)
{
    return (int64_t) ngx_current_msec;
}


/* What one claim brought; its memory lives until its last attempt ended. */

struct ngx_http_ehr_batch_s {
    ngx_http_ehr_write_t       write;
    ehr_store_claim_t          claim;
    ehr_arena_t               *arena;
    ngx_http_ehr_lane_t       *lane;
    ngx_uint_t                 refs;
    ngx_uint_t                 nattempts;     /* that nothing was claimed
                                                 for yet */
    ngx_http_ehr_attempt_t    *attempts[NGX_HTTP_EHR_CLAIM_MAX];
};


struct ngx_http_ehr_lane_s {
    ngx_http_ehr_worker_t     *worker;
    ngx_http_ehr_partner_t    *part;
    ngx_msec_t                 far_at;        /* the next look for waits that
                                                 are too long */
    ngx_event_t                timer;         /* the next look */
    ngx_connection_t           dummy;
    ehr_lane_shared_t         *shared;
    ehr_lane_conf_t            conf;
    ehr_lane_owner_t           owner;
    ehr_store_turn_t           turn;          /* the writer's while claiming */
    unsigned                   is_claiming:1;
    unsigned                   is_wanted:1;   /* kicked meanwhile */
    unsigned                   has_more:1;    /* than there was room for */
    unsigned                   is_unholding:1;
    unsigned                   is_unheld:1;   /* done, once a worker */
    ngx_http_ehr_write_t       unhold_write;
    ehr_store_unhold_t         unhold;
};


/* One question at a time for each partner and worker. */

struct ngx_http_ehr_asking_s {
    ngx_http_ehr_worker_t     *worker;
    ngx_http_ehr_partner_t    *part;
    ngx_event_t                timer;
    ngx_connection_t           dummy;
    ngx_http_ehr_write_t       write;
    ehr_store_probe_t          probe;
    ehr_arena_t               *arena;         /* of the claim */
    ngx_http_ehr_attempt_t    *attempt;       /* until it is asked */
    ngx_uint_t                 is_busy;       /* flag */
};


struct ngx_http_ehr_schedule_s {
    ngx_http_ehr_worker_t     *worker;
    ngx_http_ehr_lane_t       *lanes;         /* one for each partner */
    ngx_http_ehr_asking_t     *askings;       /* the same */
    ngx_event_t                recover_timer;
    ngx_connection_t           dummy;
    ngx_http_ehr_write_t       recover_write;
    ehr_store_recover_t        recover;
    ngx_uint_t                 is_recovering; /* flag */
    ngx_fd_t                   logins_fd;
    u_char                     is_logging_in[NGX_HTTP_EHR_SESSIONS];
};


/* Makes this worker known as a courier; at once when it is already.
 * NGX_ERROR: not now (the journal's folder is away), ask again. */
ngx_int_t ngx_http_ehr_slot_take(ngx_http_ehr_worker_t *worker);

/* ms to a lane's next look without a reason: the workers' spread out. */
ngx_msec_t ngx_http_ehr_poll_ms(void);

ngx_int_t ngx_http_ehr_lane_init(ngx_http_ehr_lane_t *lane,
                                 ngx_http_ehr_worker_t *worker,
                                 ngx_http_ehr_partner_t *part);

/* This worker has won its slot. */
void ngx_http_ehr_lane_own(ngx_http_ehr_lane_t *lane);

/* Looks now, if there is room. */
void ngx_http_ehr_lane_kick(ngx_http_ehr_lane_t *lane);

/* How the partner answered an attempt that began then. */
void ngx_http_ehr_lane_tell(ngx_http_ehr_lane_t *lane, ehr_lane_event_e kind,
                            int64_t started_ms);

/* What an attempt cannot do without, before anything is claimed for it: what
 * is sending always has somebody who ends it (I6). */
ngx_http_ehr_attempt_t *ngx_http_ehr_attempt_create(
    ngx_http_ehr_worker_t *worker);
void ngx_http_ehr_attempt_destroy(ngx_http_ehr_attempt_t *att);

/* One of the batch's attempts takes the claim; it gives the lane back when it
 * ended.  due_ms: when the same delivery is due again; 0: never. */
void ngx_http_ehr_attempt_start(ngx_http_ehr_batch_t *batch,
                                ehr_claim_t *claim);

void ngx_http_ehr_lane_release(ngx_http_ehr_batch_t *batch, int64_t due_ms);

/* What a partner is asked for is asked by a timer of its own, beside the
 * lanes: it takes no place of a delivery. */
ngx_int_t ngx_http_ehr_askings_init(ngx_http_ehr_worker_t *worker);

/* The asking's attempt, without the document; done with it, the asking is
 * given back. */
void ngx_http_ehr_attempt_ask(ngx_http_ehr_asking_t *asking);
void ngx_http_ehr_asking_release(ngx_http_ehr_asking_t *asking);

/* The next question is not later than this; 0: there is none. */
void ngx_http_ehr_asking_due(ngx_http_ehr_worker_t *worker,
                             const ngx_http_ehr_partner_t *part,
                             int64_t due_ms);

/* Something became uncertain: its first question; 0: nobody asks. */
int64_t ngx_http_ehr_first_query_ms(const ngx_http_ehr_partner_t *part);

/* The steps of jobs (ehr_store_decide.h), by whichever worker is there. */
ngx_int_t ngx_http_ehr_jobs_init(ngx_http_ehr_worker_t *worker);

/* 1: workers with a newer configuration are there, and what is held for this
 * reason here may be no question for them. */
ngx_uint_t ngx_http_ehr_schedule_may_unhold(ngx_http_ehr_worker_t *worker,
                                            ehr_str_t reason);


#endif /* NGX_HTTP_EHR_SCHEDULE_H */
