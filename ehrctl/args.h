/* SPDX-License-Identifier: BSD-2-Clause */

/* The command line of ehrctl: its verbs, their options, and the help. */

#ifndef EHRCTL_ARGS_H
#define EHRCTL_ARGS_H


#include "ehrctl.h"


/*
 * Gives  the function to run; NULL when there is none: *status is the exit
 *        status then, and help or complaint is printed
 */
ehrctl_run_pt ehrctl_args_read(ehrctl_t *ctl, int argc, char **argv,
                               int *status);

/* Fills from the environment what the command line left open; EHRCTL_OK, or
 * EHRCTL_USAGE with the complaint printed. */
int ehrctl_args_connection(ehrctl_t *ctl);


#endif /* EHRCTL_ARGS_H */
