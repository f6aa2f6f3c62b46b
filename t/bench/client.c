/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What a client does: takes a document, sends it on each of its lanes, sends
 * the same bytes again where that was asked for, and writes down the answers.
 * A document is over when every lane has its answer, or has given up.
 */

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "run.h"


#define CLIENT_RETRY_NS  (50 * 1000 * 1000LL)
#define CLIENT_ID_MAX    64
#define CLIENT_NS_MS     (1000 * 1000LL)


static void
client_expect_until(lane_t *lane)
{
    run_t  *run = lane->client->run;

    lane->expires_ns = run->now_ns
                       + run->plan->options->timeout_ms * CLIENT_NS_MS;
}


static void
client_sleep(lane_t *lane)
{
    run_t  *run = lane->client->run;

    lane->expires_ns = 0;
    lane->wake_ns = run->now_ns + CLIENT_RETRY_NS;
    run->n_sleeping++;
}


static void
client_send(lane_t *lane)
{
    client_t  *client = lane->client;

    conn_send(&lane->conn, client->request, client->sender->request_len);

    client->run->stats.bytes_sent += client->sender->request_len;

    client_expect_until(lane);
    run_queue(client->run, lane);
}


static void
client_lane_done(lane_t *lane)
{
    client_t  *client = lane->client;

    lane->is_owed = 0;
    lane->expires_ns = 0;
    client->owed--;

    if (client->owed == 0) {
        client_next(client);
    }
}


/* May it be sent, or opened, once more?  Counts the failure. */

static int
client_may_retry(lane_t *lane)
{
    run_t  *run = lane->client->run;

    if (lane->failures >= run->plan->options->retry) {
        return 0;
    }

    lane->failures++;
    run->stats.retries++;

    return 1;
}


static void
client_lost(lane_t *lane)
{
    client_t  *client = lane->client;
    stats_t   *stats = &client->run->stats;

    lane->expires_ns = 0;

    stats->faults[lane->conn.fault]++;

    if (client_may_retry(lane)) {
        client_sleep(lane);
        return;
    }

    stats->unanswered++;

    if (lane->is_owed) {
        client_lane_done(lane);
        return;
    }

    run_retire(client->run, client);
}


static void
client_open(lane_t *lane)
{
    if (conn_open(&lane->conn) != 0) {
        client_lost(lane);
        return;
    }

    client_expect_until(lane);
}


/* Opens what is closed; says whether all lanes can send now. */

static int
client_is_ready(client_t *client)
{
    int      ready = 1;
    lane_t  *lane;

    for (int i = 0; i < client->run->n_lanes; i++) {
        lane = &client->lanes[i];

        if (lane->conn.state == CONN_CLOSED && lane->wake_ns == 0) {
            client_open(lane);
        }

        if (client->is_over) {
            return 0;
        }

        ready = ready && lane->conn.state == CONN_IDLE;
    }

    return ready;
}


static void
client_digest(client_t *client)
{
    unsigned int          len;
    unsigned char         md[EVP_MAX_MD_SIZE];
    static const char     hex[] = "0123456789abcdef";
    const plan_sender_t  *sender = client->sender;

    if (EVP_Digest(client->request + sender->head_len,
                   sender->request_len - sender->head_len, md, &len,
                   EVP_sha256(), NULL)
        != 1)
    {
        abort();
    }

    for (unsigned int i = 0; i < len; i++) {
        client->sha[2 * i] = hex[md[i] >> 4];
        client->sha[2 * i + 1] = hex[md[i] & 15];
    }
}


static void
client_start(client_t *client, uint64_t number)
{
    const plan_sender_t  *sender = client->sender;

    if (sender->doc != NULL) {
        plan_unique(sender, number, client->unique);
        doc_stamp(sender->doc, client->request + sender->head_len,
                  client->unique);
    }

    if (client->run->ledger != NULL) {
        client_digest(client);
    }

    client->owed = client->run->n_lanes;

    for (int i = 0; i < client->run->n_lanes; i++) {
        client->lanes[i].is_owed = 1;
        client->lanes[i].failures = 0;
        client_send(&client->lanes[i]);
    }
}


void
client_next(client_t *client)
{
    uint64_t  number;

    if (run_is_over(client->run)) {
        run_retire(client->run, client);
        return;
    }

    if (!client_is_ready(client)) {
        return;
    }

    if (!run_take(client->run, &client->due_ns, &number)) {
        run_rest(client->run, client);
        return;
    }

    client_start(client, number);
}


static void
client_write_ledger(const lane_t *lane, int is_duplicate)
{
    char                  id[CLIENT_ID_MAX];
    const client_t       *client = lane->client;
    const http_answer_t  *answer = &lane->conn.answer;

    if (http_answer_text(answer, "id", id, sizeof(id)) != 0) {
        (void) strcpy(id, "-");
    }

    fprintf(client->run->ledger, "%s %s %d %s %s\n", client->unique,
            client->sha, answer->status, id,
            is_duplicate ? "duplicate" : "first");
}


static void
client_record(lane_t *lane)
{
    int       status, is_duplicate;
    run_t    *run = lane->client->run;

    status = lane->conn.answer.status;
    is_duplicate = http_answer_is_true(&lane->conn.answer, "duplicate");

    run->stats.answers++;
    run->stats.status[status]++;
    run->stats.duplicates += (uint64_t) is_duplicate;
    run->stats.end_ns = run->now_ns;

    stats_latency(&run->stats, run->now_ns - lane->client->due_ns);

    if (run->ledger != NULL) {
        client_write_ledger(lane, is_duplicate);
    }
}


static void
client_answered(lane_t *lane)
{
    int     status;
    run_t  *run = lane->client->run;

    status = lane->conn.answer.status;

    client_record(lane);

    /* the rest of the connection's news: tickets, or its end */

    run_queue(run, lane);

    if ((status == 429 || status == 503) && client_may_retry(lane)) {
        client_sleep(lane);
        return;
    }

    lane->failures = 0;

    if (!plan_is_expected(run->plan, status)) {
        run->stats.unexpected++;
    }

    client_lane_done(lane);
}


void
client_turn(lane_t *lane)
{
    int        was_idle;
    client_t  *client = lane->client;

    was_idle = (lane->conn.state == CONN_IDLE);

    switch (conn_turn(&lane->conn)) {

    case CONN_NOTHING:
        return;

    case CONN_READY:
        lane->expires_ns = 0;

        if (lane->is_owed) {
            client_send(lane);
            return;
        }

        client_next(client);
        return;

    case CONN_ANSWERED:
        client_answered(lane);
        return;

    case CONN_LOST:

        /* an idle connection may end at any time: it is opened anew before
         * the next document */

        if (!was_idle) {
            client_lost(lane);
        }
    }
}


void
client_wake(lane_t *lane)
{
    if (lane->wake_ns == 0) {
        (void) conn_expire(&lane->conn);
        client_lost(lane);
        return;
    }

    lane->wake_ns = 0;
    lane->client->run->n_sleeping--;

    if (lane->conn.state == CONN_IDLE && lane->is_owed) {
        client_send(lane);
        return;
    }

    if (lane->conn.state == CONN_CLOSED) {
        client_open(lane);
    }
}
