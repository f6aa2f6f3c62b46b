/* SPDX-License-Identifier: BSD-2-Clause */

/* The validator plugins of a folder, as a gateway would have them. */

#ifndef EHRCTL_VALIDATORS_H
#define EHRCTL_VALIDATORS_H


#include "ehr_validators.h"
#include "ehrctl.h"


#define VALIDATORS_MAX  32


typedef struct {
    ehr_validator_t  *list[VALIDATORS_MAX];
    size_t            n;
} validators_t;


/* EHRCTL_OK, or a status with the complaint printed; validators_close() is
 * due in any case. */
int validators_open(ehrctl_t *ctl, validators_t *validators);
void validators_close(validators_t *validators);

int64_t validators_now_ms(void);


#endif /* EHRCTL_VALIDATORS_H */
