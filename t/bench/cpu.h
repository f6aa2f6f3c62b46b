/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * CPU time that other processes used, from the kernel's own accounting.
 */

#ifndef CPU_H
#define CPU_H


#include <stdint.h>
#include <sys/types.h>


typedef struct {
    uint64_t  main_ns;          /* the thread of the event loop */
    uint64_t  others_ns;        /* all other threads that still live */
} cpu_time_t;


/* Gives 0, or -1: no such process.  Linux with schedstat. */
int cpu_time_of(pid_t pid, cpu_time_t *time);


#endif /* CPU_H */
