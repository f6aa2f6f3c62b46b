/* SPDX-License-Identifier: BSD-2-Clause */

/* Back-off arithmetic; knows no clock and no source of randomness. */

#include "ehr_schedule.h"


#define EHR_BACKOFF_DOUBLINGS  30     /* beyond, min_ms * 2^n is only "long" */


int64_t
ehr_backoff_wait_ms(const ehr_backoff_t *backoff, uint32_t attempt,
                    uint32_t random, int64_t hint_ms)
{
    int64_t   spread, wait;
    uint32_t  n;

    spread = backoff->min_ms;

    for (n = 0; n < attempt && n < EHR_BACKOFF_DOUBLINGS; n++) {
        if (spread >= backoff->max_ms) {
            break;
        }

        spread *= 2;
    }

    if (spread > backoff->max_ms) {
        spread = backoff->max_ms;
    }

    wait = backoff->min_ms;

    if (spread > wait) {
        wait += (int64_t) random % (spread - wait + 1);
    }

    if (hint_ms > wait) {
        wait = hint_ms;
    }

    return wait > backoff->max_ms ? backoff->max_ms : wait;
}


int
ehr_backoff_is_over(const ehr_backoff_t *backoff, int64_t received_ms,
                    int64_t now_ms)
{
    return now_ms - received_ms > backoff->deadline_ms;
}
