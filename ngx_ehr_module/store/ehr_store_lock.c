/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The queue of writers.  SQLite's busy handler sleeps and tries again, and two
 * processes that meet in it can each wait most of a second; the kernel wakes
 * those who wait for a lock in their order, at once.
 *
 * An open file description lock on a file that SQLite never touches: it goes
 * with the descriptor, so SIGKILL frees it, and no close() of another
 * descriptor in this process takes it away.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "ehr_store_sqlite.h"


int
ehr_store_lock_open(const char *path)
{
    int   n;
    char  name[EHR_STORE_PATH_MAX + sizeof(".lock")];

    n = snprintf(name, sizeof(name), "%s.lock", path);
    if (n < 0 || (size_t) n >= sizeof(name)) {
        errno = ENAMETOOLONG;
        return -1;
    }

    return open(name, O_RDWR|O_CREAT|O_CLOEXEC, 0600);
}


static int
set_lock(ehr_store_t *store, short type)
{
    int           rc;
    struct flock  fl;

    memset(&fl, 0, sizeof(struct flock));

    fl.l_type = type;
    fl.l_whence = SEEK_SET;
    fl.l_len = 1;

    do {
        rc = fcntl(store->lock_fd, F_OFD_SETLKW, &fl);
    } while (rc == -1 && errno == EINTR);

    return rc;
}


ehr_rc_t
ehr_store_lock(ehr_store_t *store)
{
    if (set_lock(store, F_WRLCK) == 0) {
        return EHR_OK;
    }

    (void) snprintf(store->error, sizeof(store->error),
                    "the writers' lock: errno %d", errno);

    return EHR_LATER;
}


/* Unlocking a descriptor that is open cannot fail; if it does, the database's
 * own lock still keeps two writers apart. */

void
ehr_store_unlock(ehr_store_t *store)
{
    (void) set_lock(store, F_UNLCK);
}
