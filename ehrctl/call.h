/* SPDX-License-Identifier: BSD-2-Clause */

/* One call of the admin API. */

#ifndef EHRCTL_CALL_H
#define EHRCTL_CALL_H


#include <jansson.h>

#include "ehrctl.h"
#include "http.h"


/* A 2xx answer as JSON; NULL: the complaint is printed. */
json_t *ehrctl_call(ehrctl_t *ctl, http_request_t *request);

/* "" when there is none. */
const char *ehrctl_text(const json_t *object, const char *name);


#endif /* EHRCTL_CALL_H */
