/* SPDX-License-Identifier: BSD-2-Clause */

/* The directives of an nginx configuration, one after the other. */

#ifndef EHRCTL_NGINX_CONF_H
#define EHRCTL_NGINX_CONF_H


#include "ehrctl.h"


#define CONF_WORDS_MAX  512


/* Words are NUL-terminated and live in ctl->arena; the first is its name.
 * Gives EHRCTL_OK, or a status with the complaint printed. */
typedef int  (*conf_take_pt)(void *data, const char *const *words,
                             size_t nwords);


/*
 * Does   calls take for each directive of the file and of those it includes,
 *        whatever block it stands in
 * Gives  EHRCTL_OK, or a status with the complaint printed
 */
int conf_read(ehrctl_t *ctl, const char *path, conf_take_pt take, void *data);

/* Beside that file, when path is relative; NULL without memory. */
const char *conf_beside(ehrctl_t *ctl, const char *file, const char *path);


#endif /* EHRCTL_NGINX_CONF_H */
