/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * When documents are due, who takes them, and the loop that waits.  The
 * clock begins when every client is connected, so that handshakes are not
 * part of what is measured, unless each request has its own.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "run.h"


#define RUN_EVENTS       256
#define RUN_NS_S         1000000000LL
#define RUN_SCAN_NS      (100 * 1000 * 1000LL)
#define RUN_SCAN_FAST_NS (10 * 1000 * 1000LL)


static void
run_read_clock(run_t *run)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    run->now_ns = ts.tv_sec * RUN_NS_S + ts.tv_nsec;
}


/* --- shares ------------------------------------------------------------ */

/* What thread index of n gets of a whole. */

static uint64_t
run_share(uint64_t whole, uint64_t n, uint64_t index)
{
    return whole / n + (index < whole % n);
}


static int
run_init_client(run_t *run, size_t i)
{
    size_t                number;
    lane_t               *lane;
    client_t             *client = &run->clients[i];
    const plan_sender_t  *sender;

    number = i * (size_t) run->plan->options->threads + (size_t) run->index;
    sender = &run->plan->senders[number % (size_t) run->plan->n_senders];

    client->run = run;
    client->sender = sender;
    (void) strcpy(client->unique, "-");

    client->request = malloc(sender->request_len);
    if (client->request == NULL) {
        return -1;
    }

    memcpy(client->request, sender->request, sender->request_len);

    for (int n = 0; n < run->n_lanes; n++) {
        lane = &client->lanes[n];

        lane->client = client;
        lane->conn.epoll = run->epoll;
        lane->conn.ctx = sender->ctx;
        lane->conn.target = &run->plan->target;
        lane->conn.data = lane;
    }

    return 0;
}


int
run_init(run_t *run, const plan_t *plan, int index)
{
    uint64_t          n;
    const options_t  *o = plan->options;

    memset(run, 0, sizeof(run_t));

    n = (uint64_t) o->threads;

    run->plan = plan;
    run->index = index;
    run->n_lanes = o->twins ? 2 : 1;
    run->n_limit = run_share((uint64_t) o->requests, n, (uint64_t) index);
    run->n_clients = run_share((uint64_t) o->clients, n, (uint64_t) index);
    run->interval_ns = o->rate > 0 ? (double) RUN_NS_S * (double) n / o->rate
                                   : 0;
    run->queue_size = run->n_clients * RUN_LANES_MAX;

    run->epoll = epoll_create1(EPOLL_CLOEXEC);
    run->clients = calloc(run->n_clients, sizeof(client_t));
    run->idle = calloc(run->n_clients, sizeof(client_t *));
    run->queue = calloc(run->queue_size, sizeof(lane_t *));

    if (run->epoll == -1 || run->clients == NULL || run->idle == NULL
        || run->queue == NULL)
    {
        return -1;
    }

    for (size_t i = 0; i < run->n_clients; i++) {
        if (run_init_client(run, i) != 0) {
            return -1;
        }
    }

    return 0;
}


void
run_free(run_t *run)
{
    for (size_t i = 0; run->clients != NULL && i < run->n_clients; i++) {
        for (int n = 0; n < run->n_lanes; n++) {
            conn_close(&run->clients[i].lanes[n].conn);
            http_answer_free(&run->clients[i].lanes[n].conn.answer);
        }

        free(run->clients[i].request);
    }

    free(run->clients);
    free(run->idle);
    free(run->queue);

    if (run->epoll != -1) {
        (void) close(run->epoll);
    }
}


/* --- measuring ---------------------------------------------------------- */

static void
run_read_cpu(run_t *run, cpu_time_t *times)
{
    const options_list_t  *pids = &run->plan->options->pids;

    /* one thread's window stands for all */

    for (int i = 0; run->index == 0 && i < pids->n; i++) {
        if (cpu_time_of((pid_t) atoi(pids->values[i]), &times[i]) != 0) {
            memset(&times[i], 0, sizeof(cpu_time_t));
        }
    }
}


static void
run_measure(run_t *run)
{
    memset(&run->stats, 0, sizeof(stats_t));

    run->is_measuring = 1;
    run->stats.start_ns = run->now_ns;
    run->stats.end_ns = run->now_ns;

    run_read_cpu(run, run->cpu_before);
}


static int64_t
run_warm_ns(const run_t *run)
{
    return run->begun_ns
           + (int64_t) (run->plan->options->warmup * (double) RUN_NS_S);
}


/* --- the schedule ------------------------------------------------------- */

static void
run_begin(run_t *run)
{
    double  seconds = run->plan->options->seconds;

    run->begun_ns = run->now_ns;
    run->next_due_ns = run->now_ns;

    if (seconds > 0) {
        run->until_ns = run_warm_ns(run)
                        + (int64_t) (seconds * (double) RUN_NS_S);
    }

    /* faults before the beginning count */

    if (run->plan->options->warmup == 0) {
        stats_t  before = run->stats;

        run_measure(run);
        memcpy(run->stats.faults, before.faults, sizeof(before.faults));
        run->stats.retries = before.retries;
        run->stats.unanswered = before.unanswered;
    }
}


int
run_is_over(const run_t *run)
{
    if (run->begun_ns == 0) {
        return 0;
    }

    return (run->n_limit != 0 && run->n_started >= run->n_limit)
           || (run->until_ns != 0 && run->now_ns >= run->until_ns);
}


static int
run_is_due(const run_t *run)
{
    return run->begun_ns != 0
           && (run->interval_ns == 0 || run->next_due_ns <= run->now_ns);
}


int
run_take(run_t *run, int64_t *due_ns, uint64_t *number)
{
    if (!run_is_due(run)) {
        return 0;
    }

    *due_ns = run->interval_ns == 0 ? run->now_ns : run->next_due_ns;
    *number = run->n_started * (uint64_t) run->plan->options->threads
              + (uint64_t) run->index;

    run->n_started++;
    run->next_due_ns = run->begun_ns
                       + (int64_t) (run->interval_ns
                                    * (double) run->n_started);

    return 1;
}


void
run_rest(run_t *run, client_t *client)
{
    run->idle[run->n_idle++] = client;
}


void
run_retire(run_t *run, client_t *client)
{
    lane_t  *lane;

    client->is_over = 1;
    run->n_active--;

    for (int i = 0; i < run->n_lanes; i++) {
        lane = &client->lanes[i];

        conn_close(&lane->conn);

        if (lane->wake_ns != 0) {
            lane->wake_ns = 0;
            run->n_sleeping--;
        }
    }
}


static void
run_offer(run_t *run)
{
    if (run->begun_ns == 0 && run->n_idle == run->n_active) {
        run_begin(run);
    }

    while (run->n_idle > 0 && (run_is_over(run) || run_is_due(run))) {
        client_next(run->idle[--run->n_idle]);
    }
}


/* --- the loop ----------------------------------------------------------- */

void
run_queue(run_t *run, lane_t *lane)
{
    if (lane->is_queued) {
        return;
    }

    lane->is_queued = 1;
    run->queue[(run->queue_head + run->n_queued++) % run->queue_size] = lane;
}


static void
run_turn_queued(run_t *run)
{
    lane_t  *lane;

    while (run->n_queued > 0) {
        lane = run->queue[run->queue_head];

        run->queue_head = (run->queue_head + 1) % run->queue_size;
        run->n_queued--;
        lane->is_queued = 0;

        run_read_clock(run);

        if (!lane->client->is_over) {
            client_turn(lane);
        }
    }
}


static void
run_scan(run_t *run)
{
    lane_t  *lane;

    if (run->now_ns < run->scan_ns) {
        return;
    }

    run->scan_ns = run->now_ns
                   + (run->n_sleeping > 0 ? RUN_SCAN_FAST_NS : RUN_SCAN_NS);

    for (size_t i = 0; i < run->n_clients * (size_t) run->n_lanes; i++) {
        lane = &run->clients[i / (size_t) run->n_lanes]
                    .lanes[i % (size_t) run->n_lanes];

        if ((lane->wake_ns != 0 && lane->wake_ns <= run->now_ns)
            || (lane->expires_ns != 0 && lane->expires_ns <= run->now_ns))
        {
            client_wake(lane);
        }
    }
}


static int
run_wait(run_t *run)
{
    int                  n;
    int64_t              wait_ns;
    struct timespec      ts;
    struct epoll_event   events[RUN_EVENTS];

    wait_ns = run->n_sleeping > 0 ? RUN_SCAN_FAST_NS : RUN_SCAN_NS;

    if (run->n_idle > 0 && run->next_due_ns - run->now_ns < wait_ns) {
        wait_ns = run->next_due_ns - run->now_ns;
    }

    if (run->n_queued > 0 || wait_ns < 0) {
        wait_ns = 0;
    }

    ts.tv_sec = 0;
    ts.tv_nsec = wait_ns;

    n = epoll_pwait2(run->epoll, events, RUN_EVENTS, &ts, NULL);

    run_read_clock(run);

    for (int i = 0; i < n; i++) {
        run_queue(run, ((conn_t *) events[i].data.ptr)->data);
    }

    return n < 0 ? -1 : 0;
}


static void
run_connect(run_t *run)
{
    run_read_clock(run);

    run->n_active = run->n_clients;

    for (size_t i = 0; i < run->n_clients; i++) {
        client_next(&run->clients[i]);
    }
}


int
run_go(run_t *run)
{
    run_connect(run);

    while (run->n_active > 0) {
        if (run_wait(run) != 0) {
            return -1;
        }

        run_turn_queued(run);
        run_scan(run);

        if (run->begun_ns != 0 && !run->is_measuring
            && run->now_ns >= run_warm_ns(run))
        {
            run_measure(run);
        }

        run_offer(run);
    }

    run_read_cpu(run, run->cpu_after);

    return 0;
}
