/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Sums /proc/PID/task/TID/schedstat: nanoseconds on a CPU, of each thread.
 * The ticks of /proc/PID/stat would be too coarse for short windows.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "cpu.h"


#define CPU_PATH_MAX     320
#define CPU_THREADS_MAX  4096


static int
cpu_thread_ns(pid_t pid, const char *tid, unsigned long long *ns)
{
    int    rc;
    FILE  *fp;
    char   path[CPU_PATH_MAX];

    (void) snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat",
                    (int) pid, tid);

    fp = fopen(path, "r");
    if (fp == NULL) {
        return -1;
    }

    rc = fscanf(fp, "%llu", ns) == 1 ? 0 : -1;
    (void) fclose(fp);

    return rc;
}


int
cpu_time_of(pid_t pid, cpu_time_t *time)
{
    DIR                 *dir;
    char                 path[CPU_PATH_MAX];
    struct dirent       *de;
    unsigned long long   ns;

    time->main_ns = 0;
    time->others_ns = 0;

    (void) snprintf(path, sizeof(path), "/proc/%d/task", (int) pid);

    dir = opendir(path);
    if (dir == NULL) {
        return -1;
    }

    for (int i = 0; i < CPU_THREADS_MAX; i++) {
        de = readdir(dir);
        if (de == NULL) {
            break;
        }

        if (de->d_name[0] == '.' || cpu_thread_ns(pid, de->d_name, &ns) != 0)
        {
            continue;
        }

        if (atoi(de->d_name) == (int) pid) {
            time->main_ns = ns;

        } else {
            time->others_ns += ns;
        }
    }

    (void) closedir(dir);

    return 0;
}
