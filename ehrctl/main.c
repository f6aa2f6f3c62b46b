/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ehrctl: the command line of administrators and of those who write hospital
 * systems.  A client of the admin API, and the gateway's checks without one;
 * it decides nothing that the server does not decide again.
 */

#include <signal.h>
#include <stdio.h>

#include "args.h"
#include "output.h"


#define ARENA_MAX  (256 * 1024 * 1024)


int
main(int argc, char **argv)
{
    int            status;
    ehrctl_t       ctl;
    ehrctl_run_pt  run;

    memset(&ctl, 0, sizeof(ehrctl_t));
    ctl.lang = output_language();
    ctl.arena = ehr_arena_create(ARENA_MAX);

    if (ctl.arena == NULL) {
        return output_failure("no memory", NULL);
    }

    /* A server that hangs up is an error like others. */
    (void) signal(SIGPIPE, SIG_IGN);

    run = ehrctl_args_read(&ctl, argc, argv, &status);

    if (run != NULL) {
        status = run(&ctl);
    }

    ehr_arena_destroy(ctl.arena);

    /* A full disk behind a redirection must not look like success. */

    if (fflush(stdout) != 0 || ferror(stdout)) {
        return output_failure("the output cannot be written", NULL);
    }

    return status;
}
