/* SPDX-License-Identifier: BSD-2-Clause */

/* Reads a small file whole; does not know what is in it. */

#include <errno.h>
#include <stdio.h>

#include "file.h"
#include "output.h"


ehr_str_t
file_read(ehrctl_t *ctl, const char *path)
{
    int         is_stdin = strcmp(path, "-") == 0, is_bad;
    char       *buffer;
    FILE       *in;
    size_t      len;
    ehr_str_t   text = ehr_null_string;

    buffer = ehr_arena_alloc(ctl->arena, EHRCTL_FILE_MAX + 1);
    if (buffer == NULL) {
        (void) output_failure("no memory", NULL);
        return text;
    }

    in = is_stdin ? stdin : fopen(path, "rb");
    if (in == NULL) {
        (void) output_failure(path, strerror(errno));
        return text;
    }

    len = fread(buffer, 1, EHRCTL_FILE_MAX + 1, in);
    is_bad = ferror(in);

    if (!is_stdin) {
        (void) fclose(in);
    }

    if (is_bad || len > EHRCTL_FILE_MAX) {
        (void) output_failure(path, is_bad ? "cannot be read"
                                           : "is too large");
        return text;
    }

    return ehr_arena_dup(ctl->arena, buffer, len);
}
