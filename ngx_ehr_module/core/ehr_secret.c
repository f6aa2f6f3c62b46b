/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Who else may read a file that holds a secret.  Decides by mode and owner of
 * the open file, so that what is checked is what is read; knows no content.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ehr_secret.h"


#define STRANGERS          (S_IRWXG|S_IRWXO)
#define STRANGERS_OF_ROOT  (S_IWGRP|S_IXGRP|S_IRWXO)


int
ehr_secret_open(const char *path, const char **error)
{
    int  fd;

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NOCTTY|O_NONBLOCK);
    if (fd == -1) {
        *error = errno == ENOENT ? "there is no such file"
                                 : "cannot be opened";
        return -1;
    }

    *error = ehr_secret_check(fd);

    if (*error != NULL) {
        (void) close(fd);
        return -1;
    }

    return fd;
}


const char *
ehr_secret_check(int fd)
{
    mode_t       strangers;
    struct stat  st;

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        return "is not a file";
    }

    strangers = st.st_uid == 0 ? STRANGERS_OF_ROOT : STRANGERS;

    if ((st.st_mode & strangers) != 0) {
        return "may be read or changed by others than its owner: chmod 0600";
    }

    return NULL;
}
