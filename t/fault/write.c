/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One writer of the journal, as a worker is one: stores documents of changing
 * sizes in groups, delivers some, moves the log; and says what it was told
 * only after it was told.  A failure is no end: it goes on, as a worker does.
 * It leaves as a killed process does, with the journal open.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ehr_id.h"
#include "ehr_store.h"
#include "fault.h"


#define ARENA      (64u << 20)
#define MAX_BATCH  4
#define MAX_TEXT   30000
#define NOW        INT64_C(1790000000000)


typedef struct {
    ehr_store_t  *store;
    ehr_arena_t  *arena;
    uint32_t      who;
    uint64_t      random;
    char          texts[MAX_BATCH][MAX_TEXT];
} writer_t;


static uint64_t
draw(writer_t *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;

    return w->random;
}


static void
say(const char *word, const ehr_submission_t *sub)
{
    int              i, n;
    char             line[256];
    struct timespec  now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    n = snprintf(line, sizeof(line), "%s %lld%09ld %s ", word,
                 (long long) now.tv_sec, now.tv_nsec, sub->id);

    for (i = 0; i < EHR_SHA256_LEN; i++) {
        n += snprintf(line + n, sizeof(line) - (size_t) n, "%02x",
                      sub->sha256[i]);
    }

    line[n++] = '\n';

    if (write(STDOUT_FILENO, line, (size_t) n) != n) {
        _exit(3);
    }
}


static void
make(writer_t *w, ehr_store_submit_t *op, int number, int place)
{
    char    *text = w->texts[place];
    size_t   i, len;

    memset(op, 0, sizeof(ehr_store_submit_t));

    len = (size_t) snprintf(text, MAX_TEXT, "%u %d ", w->who, number);
    i = len;
    len += draw(w) % 8 ? draw(w) % 3000 : draw(w) % (MAX_TEXT - 64);

    for ( /* void */ ; i < len; i++) {
        text[i] = (char) ('a' + draw(w) % 26);
    }

    op->op.type = EHR_STORE_OP_SUBMIT;
    (void) ehr_uuid7(NOW + number, op->sub.id);
    op->sub.facility = ehr_str("99001");
    op->sub.kind = ehr_str("claim");
    op->sub.standard = ehr_str("qd3176");
    op->sub.business_key = ehr_str(number % 3 ? "" : "LK1");
    op->sub.content_type = ehr_str("application/xml");
    op->sub.received_ms = NOW + number;
    op->sub.warnings = ehr_str("[]");
    op->sub.warnings_en = ehr_str("[]");
    op->sub.ndeliveries = 1;
    (void) snprintf(op->sub.deliveries[0].partner,
                    sizeof(op->sub.deliveries[0].partner), "insurance");
    op->sub.deliveries[0].reason = ehr_str("route.table");
    op->content.data = text;
    op->content.len = len;
    op->sub.size = (int64_t) len;
    ehr_sha256(text, len, op->sub.sha256);
    op->arena = w->arena;
}


static void
store_some(writer_t *w, int number, int n)
{
    int                  i;
    ehr_store_submit_t   ops[MAX_BATCH];

    for (i = 0; i < n; i++) {
        make(w, &ops[i], number + i, i);
        ops[i].op.next = i + 1 < n ? &ops[i + 1].op : NULL;
    }

    (void) ehr_store_write(w->store, &ops[0].op);

    for (i = 0; i < n; i++) {
        say(ops[i].op.rc == EHR_OK ? "stored"
            : ops[i].op.is_unknown ? "unknown" : "refused",
            &ops[i].sub);
    }
}


static void
deliver_some(writer_t *w)
{
    uint32_t             i;
    ehr_store_claim_t    claim;
    ehr_store_finish_t   end;

    memset(&claim, 0, sizeof(claim));
    claim.op.type = EHR_STORE_OP_CLAIM;
    claim.partner = "insurance";
    claim.owner.slot = w->who;
    claim.owner.incarnation = w->who + 1;
    claim.now_ms = NOW;
    claim.max = 3;
    claim.arena = w->arena;

    if (ehr_store_write(w->store, &claim.op) != EHR_OK
        || claim.op.rc != EHR_OK)
    {
        return;
    }

    for (i = 0; i < claim.nclaims; i++) {
        memset(&end, 0, sizeof(end));
        end.op.type = EHR_STORE_OP_FINISH;
        end.delivery = claim.claims[i].delivery;
        end.fence = claim.claims[i].fence;
        end.state = EHR_STATE_ACCEPTED;
        end.now_ms = NOW;

        if (ehr_store_write(w->store, &end.op) == EHR_OK
            && end.op.rc == EHR_OK)
        {
            say("settled", &claim.claims[i].sub);
        }
    }
}


int
fault_write(int argc, char **argv)
{
    int                   i, n, count, frames;
    char                  error[256];
    writer_t             *w;
    ehr_store_options_t   options = { .is_packing = 1, .is_patient = 1 };

    (void) argc;

    w = calloc(1, sizeof(writer_t));
    if (w == NULL) {
        return 1;
    }

    w->who = (uint32_t) strtoul(argv[1], NULL, 10);
    w->random = (w->who + 1) * 0x9e3779b97f4a7c15u;
    count = atoi(argv[2]);

    options.path = argv[0];
    w->store = ehr_store_open(&options, error, sizeof(error));
    if (w->store == NULL) {
        (void) fprintf(stderr, "%s\n", error);
        return 1;
    }

    for (i = 0; i < count; i += n) {
        w->arena = ehr_arena_create(ARENA);
        n = 1 + (int) (draw(w) % MAX_BATCH);
        store_some(w, i, n);

        if (i % 2) {
            deliver_some(w);
        }

        if (i % 5 == 0) {
            (void) ehr_store_checkpoint(w->store, &frames);
        }

        ehr_arena_destroy(w->arena);
    }

    _exit(0);
}
