/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Exact decimal arithmetic for money and quantities: whole millionths in 64
 * bits, products in 128.  No binary floating point; what does not fit is told
 * and never cut.
 */

#ifndef EHR_DECIMAL_H
#define EHR_DECIMAL_H


#include "ehr_plugin.h"


typedef int64_t  ehr_decimal_t;       /* millionths: 1 dong is 1000000 */

#define EHR_DECIMAL_PLACES  6
#define EHR_DECIMAL_ONE     ((ehr_decimal_t) 1000000)


/* Digits, '-' before, one '.' inside.  1; or 0 for anything else: empty, no
 * number, beyond the range, more than six places that are not zeros. */
int ehr_decimal_parse(ehr_str_t text, ehr_decimal_t *d);

/* 1; or 0 beyond the range: *sum is then unchanged. */
int ehr_decimal_add(ehr_decimal_t *sum, ehr_decimal_t d);

/* The exact product, divided by 100 for each of percents, rounded half up
 * (away from zero) to two places.  1, or 0 beyond the range. */
int ehr_decimal_product(const ehr_decimal_t *factors, unsigned n,
                        unsigned percents, ehr_decimal_t *product);

/* Half up (away from zero) to that many places, 0 to 6. */
ehr_decimal_t ehr_decimal_round(ehr_decimal_t d, unsigned places);

/* |a - b| <= tolerance; no overflow. */
int ehr_decimal_is_near(ehr_decimal_t a, ehr_decimal_t b,
                        ehr_decimal_t tolerance);

/* Places of the text that are used: 2 for "1.50", 0 for no number. */
unsigned ehr_decimal_places(ehr_str_t text);


#endif /* EHR_DECIMAL_H */
