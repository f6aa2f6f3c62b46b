/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The byte gate of JSON: what a document may look like before jansson sees a
 * byte of it.  Bounds on size, depth and number of values, UTF-8 only, no
 * control characters.  Whether it is JSON at all is jansson's part.
 */

#ifndef EHR_JSON_GATE_H
#define EHR_JSON_GATE_H


#include "ehr.h"


#define EHR_JSON_SIZE_MAX    (8 * 1024 * 1024)
#define EHR_JSON_DEPTH_MAX   16
#define EHR_JSON_VALUES_MAX  20000


typedef enum {
    EHR_JSON_GATE_OK = 0,
    EHR_JSON_GATE_EMPTY,      /* nothing but white space */
    EHR_JSON_GATE_SIZE,
    EHR_JSON_GATE_UTF8,
    EHR_JSON_GATE_CONTROL,    /* NUL and the others but tab, CR, LF */
    EHR_JSON_GATE_DEPTH,
    EHR_JSON_GATE_VALUES
} ehr_json_gate_e;


typedef struct {
    uint32_t  line;           /* of the refusal, 1.. */
    size_t    skip;           /* a BOM, which the parser must not see */
} ehr_json_gate_result_t;


/* One pass, no memory, linear. */
ehr_json_gate_e ehr_json_gate_check(ehr_str_t bytes,
                                    ehr_json_gate_result_t *result);


#endif /* EHR_JSON_GATE_H */
