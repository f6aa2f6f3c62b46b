/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The load of one thread: a schedule of documents, clients that take them,
 * and what came of it.  run.c is the schedule and the loop, client.c what a
 * client does with a document.
 */

#ifndef RUN_H
#define RUN_H


#include <stdio.h>

#include "conn.h"
#include "cpu.h"
#include "plan.h"
#include "stats.h"


#define RUN_LANES_MAX  2
#define RUN_SHA_TEXT   64

typedef struct client_s  client_t;
typedef struct run_s     run_t;


/* A connection of a client. */

typedef struct {
    conn_t      conn;
    client_t   *client;
    int         is_owed;        /* the document has no answer here yet */
    int         is_queued;      /* to be turned */
    int         failures;       /* since the last answer */
    int64_t     wake_ns;        /* when to try again; 0: not waiting */
    int64_t     expires_ns;     /* of what is under way; 0: nothing is */
} lane_t;


/* One sender of documents, one at a time; with twins, on two lanes. */

struct client_s {
    run_t                *run;
    const plan_sender_t  *sender;
    lane_t                lanes[RUN_LANES_MAX];
    int                   owed;         /* lanes that wait for an answer */
    int                   is_over;
    char                 *request;      /* its own copy of the sender's */
    int64_t               due_ns;       /* latency counts from here */
    char                  unique[DOC_MARKER_MAX + 1];
    char                  sha[RUN_SHA_TEXT + 1];
};


struct run_s {
    const plan_t   *plan;
    FILE           *ledger;             /* shared by threads; NULL: none */
    int             index;              /* of the thread */

    int             epoll;
    int             n_lanes;            /* of each client */
    client_t       *clients;
    size_t          n_clients;
    size_t          n_active;           /* not over */
    client_t      **idle;               /* connected, with nothing due */
    size_t          n_idle;
    lane_t        **queue;              /* ring of lanes to turn */
    size_t          queue_size;
    size_t          queue_head;
    size_t          n_queued;
    size_t          n_sleeping;         /* lanes with wake_ns */

    int64_t         now_ns;
    int64_t         scan_ns;            /* when to look at all lanes */
    int64_t         begun_ns;           /* 0: still connecting */
    int64_t         until_ns;
    int64_t         next_due_ns;
    double          interval_ns;        /* 0: closed loop */
    uint64_t        n_started;
    uint64_t        n_limit;            /* 0: none */
    int             is_measuring;

    stats_t         stats;
    cpu_time_t      cpu_before[OPTIONS_LIST_MAX];
    cpu_time_t      cpu_after[OPTIONS_LIST_MAX];
};


/* Makes the share of thread index; gives -1 when memory ends. */
int run_init(run_t *run, const plan_t *plan, int index);

/* Blocks until all is answered or given up; gives -1 when epoll fails. */
int run_go(run_t *run);

void run_free(run_t *run);


/* --- between run.c and client.c ----------------------------------------- */

/* The client has no document in hand: the next one, or none any more. */
void client_next(client_t *client);

/* Turns the connection once, and does what follows. */
void client_turn(lane_t *lane);

/* The lane's time has come: try again, or give up waiting. */
void client_wake(lane_t *lane);

void run_queue(run_t *run, lane_t *lane);

/* Takes the next document that is due: its time and number; 0: none is. */
int run_take(run_t *run, int64_t *due_ns, uint64_t *number);

int run_is_over(const run_t *run);

void run_retire(run_t *run, client_t *client);
void run_rest(run_t *run, client_t *client);


#endif /* RUN_H */
