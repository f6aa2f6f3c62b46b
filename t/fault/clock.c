/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The wall clock of a program under test, shifted as the plan says.  The
 * monotonic one is nobody's to shift.
 */

#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#include "preload.h"


static int  (*true_clock_gettime)(clockid_t, struct timespec *);


int
clock_gettime(clockid_t id, struct timespec *now)
{
    int      rc;
    int64_t  ms;

    fault_begin();

    if (true_clock_gettime == NULL) {
        fault_find(&true_clock_gettime, "clock_gettime");
    }

    rc = true_clock_gettime(id, now);

    if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        ms = fault_clock_ms();
        now->tv_sec += ms / 1000;
        now->tv_nsec += ms % 1000 * 1000000;

        if (now->tv_nsec >= 1000000000) {
            now->tv_nsec -= 1000000000;
            now->tv_sec++;

        } else if (now->tv_nsec < 0) {
            now->tv_nsec += 1000000000;
            now->tv_sec--;
        }
    }

    return rc;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec  now;

    (void) zone;
    (void) clock_gettime(CLOCK_REALTIME, &now);

    tv->tv_sec = now.tv_sec;
    tv->tv_usec = now.tv_nsec / 1000;

    return 0;
}


time_t
time(time_t *out)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_REALTIME, &now);

    if (out != NULL) {
        *out = now.tv_sec;
    }

    return now.tv_sec;
}
