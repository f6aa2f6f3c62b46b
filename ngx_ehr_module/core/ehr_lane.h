/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The lane of a partner, over all workers: how many attempts may be under way
 * now, and when the next one may begin.  The machine alone: events in, a
 * state out, decisions from a state; and the counts that processes share.
 * It knows no clock, no randomness and no partner.
 *
 *            answered: window + 1
 *              ┌───┐
 *              │   ▼    unreachable, or the third failure in a row
 *             OPEN ─────────────────────────────▶ WAITING ──┐ failed after
 *              ▲                                   │  ▲     │ its time: waits
 *              │ answered: window = 1              │  └─────┘ again, longer
 *              └───────────────────────────────────┘
 *
 * A failure in OPEN halves the window.  WAITING lets nothing go before its
 * time, then one at once over all workers: the probe.  There is no state
 * without a way out: WAITING ends after max_ms at the latest.
 */

#ifndef EHR_LANE_H
#define EHR_LANE_H


#include <stdatomic.h>

#include "ehr.h"
#include "ehr_gcra.h"


#define EHR_LANE_WINDOW_MAX  1024
#define EHR_LANE_STRIKES     3        /* failures in a row that trip */

typedef struct {
    uint32_t  window_max;             /* 1..EHR_LANE_WINDOW_MAX */
    int64_t   min_ms;                 /* the first wait, at most */
    int64_t   max_ms;                 /* any wait, at most */
} ehr_lane_conf_t;


typedef enum {
    EHR_LANE_OPEN = 0,
    EHR_LANE_WAITING
} ehr_lane_phase_e;

typedef struct {
    ehr_lane_phase_e  phase;
    uint32_t          window;         /* OPEN: 1..; 0 stands for the whole */
    uint32_t          strikes;        /* OPEN: failures in a row */
    uint32_t          trips;          /* since the window was whole */
    int64_t           at_ms;          /* OPEN: since; WAITING: until */
} ehr_lane_t;


typedef enum {
    EHR_LANE_ANSWERED = 1,            /* a whole answer, whatever it says of
                                         the document */
    EHR_LANE_FAILED,                  /* 5xx, lost, timed out */
    EHR_LANE_UNREACHABLE,             /* no connection */
    EHR_LANE_PROBE                    /* a person's wish: look now */
} ehr_lane_event_e;

typedef struct {
    ehr_lane_event_e  kind;
    int64_t           started_ms;     /* when the attempt began: what began
                                         before the lane's last change says
                                         nothing new when it fails */
    int64_t           now_ms;
    uint32_t          random;         /* any 32 bits */
} ehr_lane_event_t;

ehr_lane_t ehr_lane_after(const ehr_lane_conf_t *conf, ehr_lane_t lane,
                          const ehr_lane_event_t *event);


/* What may be under way at once now; 0: nothing before wait_ms, 1..max_ms
 * and EHR_CLOCK_LAG_MS. */

typedef struct {
    uint32_t  window;
    int64_t   wait_ms;
} ehr_lane_verdict_t;

ehr_lane_verdict_t ehr_lane_may(const ehr_lane_conf_t *conf, ehr_lane_t lane,
                                int64_t now_ms);

/* "open", "slow" (the window grows), "waiting", "probing". */
const char *ehr_lane_name(const ehr_lane_conf_t *conf, ehr_lane_t lane,
                          int64_t now_ms);

/* One word, for memory that processes share; 0 is OPEN with a whole window. */
uint64_t ehr_lane_pack(ehr_lane_t lane);
ehr_lane_t ehr_lane_unpack(uint64_t word);


/* --- shared: all zero at first, no locks, good after SIGKILL anywhere ---- */

/* A row for each slot a worker may hold.  A count lives in the row of who
 * counts: it can never be left too high by a worker that died, for the next
 * owner of the slot begins at 0, and who sees a dead owner clears its row. */

#define EHR_LANE_ROWS  1024

typedef struct {
    _Atomic uint64_t  name;           /* of the partner; 0: free */
    _Atomic uint64_t  word;
    _Atomic int64_t   tat_us;         /* of the rate */
    _Atomic uint32_t  is_wanted;      /* somebody found no room */
    _Atomic uint64_t  rows[EHR_LANE_ROWS];    /* incarnation, count */
} ehr_lane_shared_t;

typedef struct {
    uint32_t  slot;                   /* below EHR_LANE_ROWS */
    uint64_t  incarnation;
} ehr_lane_owner_t;


/* The lane of that name among n, made when it is not there; NULL: no room. */
ehr_lane_shared_t *ehr_lane_find(ehr_lane_shared_t *lanes, uint32_t n,
                                 uint64_t name);

ehr_lane_t ehr_lane_read(ehr_lane_shared_t *lane);

/* ehr_lane_after() on the shared word; gives the new state, *before (may be
 * NULL) the one that was left. */
ehr_lane_t ehr_lane_tell(ehr_lane_shared_t *lane, const ehr_lane_conf_t *conf,
                         const ehr_lane_event_t *event, ehr_lane_t *before);

/* A new owner of the slot has nothing under way. */
void ehr_lane_own(ehr_lane_shared_t *lane, const ehr_lane_owner_t *owner);

/* Takes up to want places of a window; gives how many.  All workers together
 * never hold more than the window they asked with.  Two that ask in the same
 * moment may both get less than there is: ask again. */
uint32_t ehr_lane_reserve(ehr_lane_shared_t *lane,
                          const ehr_lane_owner_t *owner, uint32_t want,
                          uint32_t window);
void ehr_lane_return(ehr_lane_shared_t *lane, const ehr_lane_owner_t *owner,
                     uint32_t n);

uint32_t ehr_lane_in_flight(ehr_lane_shared_t *lane);

/* Clears the rows of dead owners: is_alive() is asked for each that counts
 * something.  Gives the places that came free. */
uint32_t ehr_lane_reap(ehr_lane_shared_t *lane, void *data,
                       int (*is_alive)(void *data, uint32_t slot));

/* Up to want documents of the rate, and the rest given back; *retry_us: when
 * none was there. */
uint32_t ehr_lane_rate_take(ehr_lane_shared_t *lane,
                            const ehr_gcra_rate_t *rate, int64_t now_us,
                            uint32_t want, int64_t *retry_us);
void ehr_lane_rate_return(ehr_lane_shared_t *lane,
                          const ehr_gcra_rate_t *rate, uint32_t n);


#endif /* EHR_LANE_H */
