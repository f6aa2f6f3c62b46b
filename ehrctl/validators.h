/* SPDX-License-Identifier: BSD-2-Clause */

/* What a gateway would ask of a document: validators, severities and policies
 * of signatures, as its configuration has them. */

#ifndef EHRCTL_VALIDATORS_H
#define EHRCTL_VALIDATORS_H


#include "ehr_checks.h"
#include "ehrctl.h"


#define VALIDATORS_MAX  64


typedef struct {
    ehr_kind_validator_t     list[VALIDATORS_MAX];
    size_t                   n;
    ehr_severities_t         severities;
    ehr_signature_policy_t  *policies[EHR_KIND_LAST];   /* NULL: off */
} validators_t;


/* By --config, --plugins and --set.  EHRCTL_OK, or a status with the complaint
 * printed; validators_close() is due in any case. */
int validators_open(ehrctl_t *ctl, validators_t *validators);
void validators_close(validators_t *validators);

int64_t validators_now_ms(void);


#endif /* EHRCTL_VALIDATORS_H */
