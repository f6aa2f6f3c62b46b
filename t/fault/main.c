/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Picks the part that was asked for; does nothing itself.
 */

#include <stdio.h>
#include <string.h>

#include "fault.h"


int
main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "write") == 0) {
        return fault_write(argc - 2, argv + 2);
    }

    if (argc == 6 && strcmp(argv[1], "cut") == 0) {
        return fault_cut(argc - 2, argv + 2);
    }

    if (argc == 4 && strcmp(argv[1], "check") == 0) {
        return fault_check(argc - 2, argv + 2);
    }

    if (argc == 4 && strcmp(argv[1], "fill") == 0) {
        return fault_fill(argc - 2, argv + 2);
    }

    (void) fprintf(stderr,
                   "usage: journal write JOURNAL WHO COUNT\n"
                   "       journal cut TRACE FOLDER SEED AT_NS\n"
                   "       journal check JOURNAL AT_NS < LEDGER\n"
                   "       journal fill JOURNAL ROWS\n");

    return 2;
}
