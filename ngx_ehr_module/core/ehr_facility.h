/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A facility of the registry as JSON, both ways: what an administrator may
 * send to enrol one, and how one is shown.  Every member is checked, unknown
 * ones are refused, and all errors are told at once.
 */

#ifndef EHR_FACILITY_H
#define EHR_FACILITY_H


#include "ehr.h"
#include "ehr_json.h"
#include "ehr_problem.h"
#include "ehr_store.h"


#define EHR_FACILITY_NAME_MAX    255        /* bytes of UTF-8 */
#define EHR_FACILITY_REASON_MAX  500        /* bytes of UTF-8 */
#define EHR_FACILITY_PEM_MAX     16384      /* of one certificate */
#define EHR_RATE_MAX             1000000    /* of a second or minute */
#define EHR_BURST_MAX            1000000
#define EHR_RATE_TEXT            32         /* room for a rate as text */


/* What an administrator sent.  findings->arena is set by the caller. */

typedef struct {
    ehr_str_t        json;
    int64_t          now_ms;
    ehr_arena_t     *arena;
    ehr_findings_t  *findings;
} ehr_facility_input_t;


/* 1 to EHR_FACILITY_MAX letters and digits. */
int ehr_facility_code_valid(ehr_str_t code);

/* "50r/s", "90r/m" or "off" to documents a 1000 seconds; off is -1. */
ehr_rc_t ehr_rate_parse(ehr_str_t text, int64_t *rate_milli);

/* The same back; 0 (the default) is "". */
void ehr_rate_render(int64_t rate_milli, char text[EHR_RATE_TEXT]);


/*
 * Each reads one JSON object.  EHR_OK; EHR_REFUSED: the findings say why;
 * EHR_BROKEN: no memory.  Strings of the result live in the arena.
 */

/* {"code","name","standard"?,"kinds"?,"rate"?,"burst"?} */
ehr_rc_t ehr_facility_read(const ehr_facility_input_t *in,
                           ehr_facility_t *fac);

/* {"reason"} */
ehr_rc_t ehr_facility_read_reason(const ehr_facility_input_t *in,
                                  ehr_str_t *reason);

/* {} or nothing at all */
ehr_rc_t ehr_facility_read_empty(const ehr_facility_input_t *in);

/* {"certificate": PEM} */
ehr_rc_t ehr_facility_read_certificate(const ehr_facility_input_t *in,
                                       ehr_certificate_t *cert);

/* One object; name NULL: inside an array or alone. */
void ehr_facility_write(ehr_json_t *json, const char *name,
                        const ehr_facility_t *fac);


#endif /* EHR_FACILITY_H */
