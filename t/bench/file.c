/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reads one file, not larger than it was allowed to be.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "file.h"


static char *
file_read_stream(FILE *fp, size_t max, size_t *len)
{
    long   size;
    char  *bytes;

    if (fseek(fp, 0, SEEK_END) != 0 || (size = ftell(fp)) < 0
        || fseek(fp, 0, SEEK_SET) != 0)
    {
        return NULL;
    }

    if ((size_t) size > max) {
        errno = EFBIG;
        return NULL;
    }

    bytes = malloc((size_t) size + 1);
    if (bytes == NULL) {
        return NULL;
    }

    *len = fread(bytes, 1, (size_t) size, fp);
    bytes[*len] = '\0';

    if (*len != (size_t) size) {
        free(bytes);
        errno = EIO;
        return NULL;
    }

    return bytes;
}


char *
file_read(const char *path, size_t max, size_t *len)
{
    FILE  *fp;
    char  *bytes;

    fp = fopen(path, "rb");
    if (fp == NULL) {
        return NULL;
    }

    bytes = file_read_stream(fp, max, len);
    (void) fclose(fp);

    return bytes;
}
