/* SPDX-License-Identifier: BSD-2-Clause */

/* When to try again: back-off with full jitter, and the partner's deadline. */

#ifndef EHR_SCHEDULE_H
#define EHR_SCHEDULE_H


#include "ehr.h"


typedef struct {
    int64_t   min_ms;         /* before the second attempt, at least */
    int64_t   max_ms;         /* between two attempts, at most */
    int64_t   deadline_ms;    /* after acceptance: then a person decides */
} ehr_backoff_t;


/*
 * Takes  attempt: how many were made (1..); random: any 32 bits; hint_ms: the
 *        partner's own wish, 0 for none
 * Gives  milliseconds to wait: at least min_ms, evenly spread up to
 *        min_ms * 2^attempt, never above max_ms
 */
int64_t ehr_backoff_wait_ms(const ehr_backoff_t *backoff, uint32_t attempt,
                            uint32_t random, int64_t hint_ms);

/* 1 when now is past the deadline of what was received then. */
int ehr_backoff_is_over(const ehr_backoff_t *backoff, int64_t received_ms,
                        int64_t now_ms);


#endif /* EHR_SCHEDULE_H */
