/* SPDX-License-Identifier: BSD-2-Clause */

/* Small files as text. */

#ifndef EHRCTL_FILE_H
#define EHRCTL_FILE_H


#include "ehrctl.h"


/* path "-" is the standard input.  Data NULL, and the complaint printed, when
 * it cannot be read or has more than EHRCTL_FILE_MAX bytes. */
ehr_str_t file_read(ehrctl_t *ctl, const char *path);


#endif /* EHRCTL_FILE_H */
