/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * For LD_PRELOAD: a kernel that gives no events of the kind that workers wake
 * each other with.  nginx's own, which has no flags, it still gives.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>


int eventfd(unsigned int count, int flags);


int
eventfd(unsigned int count, int flags)
{
    if (flags) {
        errno = EMFILE;
        return -1;
    }

    return (int) syscall(SYS_eventfd2, count, flags);
}
