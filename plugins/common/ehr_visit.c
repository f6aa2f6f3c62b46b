/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The codes of a visit as the decisions have listed them, with the days they
 * are good on.  Knows no field.
 */

#include "ehr_visit.h"


static const ehr_code_t  cares[] = {
    { "01", 0, 0 }, { "02", 0, 0 }, { "03", 0, 0 }, { "04", 0, 0 },
    { "05", 0, 0 }, { "06", 0, 0 }, { "07", 0, 0 }, { "08", 0, 0 },
    { "09", 0, 0 }, { "10", 0, 0 },
    { "11", 20260801, 0 },        /* mobile */
    { "12", 20260801, 0 },        /* at home */
    { "13", 20260801, 0 },        /* family medicine */
    { "14", 20260801, 0 },        /* remote */
    { "15", 20260801, 0 },        /* health check */
    { "16", 20260801, 0 }         /* screening */
};


/* The day on which 3276/2025 took the place of 824/2023 is not known: both
 * are accepted for the half year around it.  7.1 is unclear in the newer. */

#define ROUTES_OLD  20251231  /* last day of the older list */
#define ROUTES_NEW  20250701  /* first day of the newer */

static const ehr_code_t  routes[] = {
    { "1.1", 0, 0 },
    { "1.10", 0, ROUTES_OLD },
    { "1.11", ROUTES_NEW, 0 },
    { "1.12", ROUTES_NEW, 0 },
    { "1.13", ROUTES_NEW, 0 },
    { "1.14", ROUTES_NEW, 0 },
    { "1.15", ROUTES_NEW, 0 },
    { "1.16", ROUTES_NEW, 0 },
    { "1.17", ROUTES_NEW, 0 },
    { "1.18", ROUTES_NEW, 0 },
    { "1.2", 0, 0 },
    { "1.3", 0, 0 },
    { "1.4", 0, 0 },
    { "1.5", 0, 0 },
    { "1.6", 0, 0 },
    { "1.7", 0, 0 },
    { "1.8", 0, ROUTES_OLD },
    { "1.9", 0, ROUTES_OLD },
    { "10", ROUTES_NEW, 0 },
    { "2", 0, 0 },
    { "3.1", 0, 0 },
    { "3.2", 0, 0 },
    { "3.3", 0, 0 },
    { "3.4", 0, ROUTES_OLD },
    { "3.5", 0, ROUTES_OLD },
    { "3.6", 0, 0 },
    { "3.7", 0, ROUTES_OLD },
    { "7", ROUTES_NEW, 0 },
    { "7.1", 0, 0 },
    { "7.2", 0, 0 },
    { "7.3", 0, 0 },
    { "7.4", 0, 0 },
    { "7.5", 0, ROUTES_OLD },
    { "7.6", 0, ROUTES_OLD },
    { "7.7", 0, ROUTES_OLD },
    { "7.8", 0, ROUTES_OLD },
    { "7.9", 0, ROUTES_OLD },
    { "8", ROUTES_NEW, 0 },
    { "9", 0, 0 }
};


const ehr_codes_t  ehr_visit_cares = ehr_codes(cares);
const ehr_codes_t  ehr_visit_routes = ehr_codes(routes);
