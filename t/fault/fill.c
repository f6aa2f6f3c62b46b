/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A journal as a year of work leaves it: documents of a hundred facilities,
 * spread over ninety days, each delivered and settled but for one in two
 * hundred, which wait, are held or uncertain.  Written by the store's own
 * functions, so that its schema is whatever the store's is.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ehr_id.h"
#include "ehr_store.h"
#include "fault.h"


#define ARENA        (64u << 20)
#define BATCH        250
#define SIZE         1024
#define FACILITIES   100
#define OPEN_OF      200      /* one in so many is not settled */
#define DAY_MS       INT64_C(86400000)
#define DAYS         90


typedef struct {
    ehr_store_t         *store;
    ehr_arena_t         *arena;
    int64_t              now_ms;
    long                 rows;
    long                 made;
    ehr_store_submit_t   submits[BATCH];
    ehr_store_finish_t   ends[BATCH];
    char                 facilities[BATCH][8];
    char                 keys[BATCH][24];
    char                 texts[BATCH][SIZE];
} fill_t;


static void
make(fill_t *f, int i)
{
    long                 number = f->made + i;
    ehr_store_submit_t  *op = &f->submits[i];

    memset(op, 0, sizeof(ehr_store_submit_t));

    /* Every tenth is 99001's, the rest is everybody's. */
    (void) snprintf(f->facilities[i], sizeof(f->facilities[i]), "%05ld",
                    number % 10 ? 99002 + number % (FACILITIES - 1) : 99001);
    (void) snprintf(f->keys[i], sizeof(f->keys[i]), "LK%ld",
                    number - (number % 20 == 0));
    memset(f->texts[i], 'a' + (int) (number % 26), SIZE);
    (void) snprintf(f->texts[i], SIZE, "<a>%ld", number);

    op->op.type = EHR_STORE_OP_SUBMIT;
    op->op.next = i + 1 < BATCH ? &f->submits[i + 1].op : NULL;
    op->sub.received_ms = f->now_ms - DAYS * DAY_MS
                          + number * (DAYS * DAY_MS / f->rows);
    (void) ehr_uuid7(op->sub.received_ms, op->sub.id);
    op->sub.facility = ehr_str(f->facilities[i]);
    op->sub.kind = ehr_str("checkin");
    op->sub.standard = ehr_str("qd4750");
    op->sub.business_key = ehr_str(f->keys[i]);
    op->sub.content_type = ehr_str("application/xml");
    op->sub.warnings = ehr_str("[]");
    op->sub.warnings_en = ehr_str("[]");
    op->sub.size = SIZE;
    op->sub.ndeliveries = 1;
    (void) snprintf(op->sub.deliveries[0].partner,
                    sizeof(op->sub.deliveries[0].partner), "insurance");
    op->sub.deliveries[0].reason = ehr_str("route.table");
    op->content.data = f->texts[i];
    op->content.len = SIZE;
    ehr_sha256(f->texts[i], SIZE, op->sub.sha256);
    op->arena = f->arena;
}


static ehr_state_e
end_of(const fill_t *f, long number)
{
    static const ehr_state_e  open[] = {
        EHR_STATE_RETRYING, EHR_STATE_HELD, EHR_STATE_UNCERTAIN
    };

    (void) f;

    return number % OPEN_OF ? EHR_STATE_ACCEPTED
                            : open[number / OPEN_OF % 3];
}


static ehr_rc_t
settle(fill_t *f)
{
    uint32_t             i;
    ehr_store_claim_t    claim;
    ehr_store_finish_t  *end;

    memset(&claim, 0, sizeof(claim));
    claim.op.type = EHR_STORE_OP_CLAIM;
    claim.partner = "insurance";
    claim.owner.slot = 1;
    claim.owner.incarnation = 1;
    claim.now_ms = f->now_ms;
    claim.max = BATCH;
    claim.arena = f->arena;

    if (ehr_store_write(f->store, &claim.op) != EHR_OK
        || claim.op.rc != EHR_OK || claim.nclaims == 0)
    {
        return EHR_BROKEN;
    }

    for (i = 0; i < claim.nclaims; i++) {
        end = &f->ends[i];
        memset(end, 0, sizeof(ehr_store_finish_t));
        end->op.type = EHR_STORE_OP_FINISH;
        end->op.next = i + 1 < claim.nclaims ? &f->ends[i + 1].op : NULL;
        end->delivery = claim.claims[i].delivery;
        end->fence = claim.claims[i].fence;
        end->state = end_of(f, claim.claims[i].sub.seq);
        end->now_ms = claim.claims[i].sub.received_ms + 1000;
        end->next_attempt_ms = f->now_ms + DAY_MS;
        end->http_status = 200;
        end->partner_ref = ehr_str("0123456789");
        end->partner_code = ehr_str("200");
        end->reason = ehr_str(end->state == EHR_STATE_ACCEPTED
                              ? "" : "partner.unavailable");
    }

    return ehr_store_write(f->store, &f->ends[0].op);
}


static ehr_rc_t
fill(fill_t *f)
{
    int       i, frames;
    ehr_rc_t  rc;

    for ( /* void */ ; f->made < f->rows; f->made += BATCH) {
        f->arena = ehr_arena_create(ARENA);

        for (i = 0; i < BATCH; i++) {
            make(f, i);
        }

        rc = ehr_store_write(f->store, &f->submits[0].op);

        if (rc == EHR_OK) {
            rc = settle(f);
        }

        if (rc == EHR_OK) {
            rc = ehr_store_checkpoint(f->store, &frames);
        }

        ehr_arena_destroy(f->arena);

        if (rc != EHR_OK) {
            return rc;
        }
    }

    return EHR_OK;
}


int
fault_fill(int argc, char **argv)
{
    char                  error[256];
    fill_t               *f;
    ehr_rc_t              rc;
    ehr_store_options_t   options = { .is_packing = 1 };

    (void) argc;

    f = calloc(1, sizeof(fill_t));
    if (f == NULL) {
        return 1;
    }

    f->rows = atol(argv[1]);
    f->now_ms = (int64_t) time(NULL) * 1000;

    options.path = argv[0];
    f->store = ehr_store_open(&options, error, sizeof(error));
    if (f->store == NULL || f->rows < BATCH) {
        (void) fprintf(stderr, "it cannot be filled: %s\n", error);
        return 1;
    }

    rc = fill(f);
    if (rc != EHR_OK) {
        (void) fprintf(stderr, "at %ld: %s\n", f->made,
                       ehr_store_error(f->store));
    }

    ehr_store_close(f->store);
    free(f);

    return rc == EHR_OK ? 0 : 1;
}
