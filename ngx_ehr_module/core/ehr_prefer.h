/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The header Prefer (RFC 7240), of which one preference is known: wait.
 */

#ifndef EHR_PREFER_H
#define EHR_PREFER_H


#include "ehr.h"


#define EHR_PREFER_WAIT_MAX  60       /* seconds; who wants more gets these */


/*
 * Takes  one line of the header, as received
 * Gives  the seconds of its first "wait", at most EHR_PREFER_WAIT_MAX; -1 when
 *        there is none, or none that is a number: the RFC has what is not
 *        understood ignored
 */
int ehr_prefer_wait(ehr_str_t line);


#endif /* EHR_PREFER_H */
