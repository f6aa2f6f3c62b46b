/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Gives the files of the command line to a fuzz target, one after another,
 * and prints each name before its unit: the last name printed by a program
 * that did not end well is the culprit.  Needs no libFuzzer.
 */

#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"


#define REPLAY_MAX  (32 * 1024 * 1024)


/* The block is exactly as long as the file. */

static uint8_t *
replay_read(const char *path, size_t *size)
{
    FILE     *f = fopen(path, "rb");
    long      end = -1;
    uint8_t  *data = NULL;

    if (f == NULL) {
        return NULL;
    }

    if (fseek(f, 0, SEEK_END) == 0) {
        end = ftell(f);
    }

    if (end >= 0 && end <= REPLAY_MAX) {
        rewind(f);
        *size = (size_t) end;
        data = malloc(*size ? *size : 1);
    }

    if (data != NULL && fread(data, 1, *size, f) != *size) {
        free(data);
        data = NULL;
    }

    (void) fclose(f);

    return data;
}


int
main(int argc, char **argv)
{
    size_t    size;
    uint8_t  *data;

    (void) LLVMFuzzerInitialize(&argc, &argv);

    for (int i = 1; i < argc; i++) {
        (void) printf("%s\n", argv[i]);
        (void) fflush(stdout);

        data = replay_read(argv[i], &size);

        if (data == NULL) {
            (void) fprintf(stderr, "%s: cannot be read\n", argv[i]);

            return EXIT_FAILURE;
        }

        (void) LLVMFuzzerTestOneInput(data, size);
        free(data);
    }

    return EXIT_SUCCESS;
}
