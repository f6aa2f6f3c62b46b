/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Writing JSON into an arena: a growing buffer and the escapes of RFC 8259.
 * Reading is jansson's.  A failed allocation is remembered and told once, by
 * ehr_json_end().
 */

#ifndef EHR_JSON_H
#define EHR_JSON_H


#include "ehr.h"


typedef struct {
    ehr_arena_t  *arena;
    char         *data;
    size_t        len;
    size_t        allocated;
    int           failed;
    int           comma;      /* the next member needs a comma before it */
} ehr_json_t;


void ehr_json_begin(ehr_json_t *json, ehr_arena_t *arena);

/* The text; data NULL when memory ran out on the way. */
ehr_str_t ehr_json_end(ehr_json_t *json);

/* name NULL: inside an array. */
void ehr_json_open(ehr_json_t *json, const char *name, char bracket);
void ehr_json_close(ehr_json_t *json, char bracket);
void ehr_json_string(ehr_json_t *json, const char *name, ehr_str_t value);
void ehr_json_text(ehr_json_t *json, const char *name, const char *value);
void ehr_json_int(ehr_json_t *json, const char *name, int64_t value);
void ehr_json_bool(ehr_json_t *json, const char *name, int value);
void ehr_json_null(ehr_json_t *json, const char *name);

/* value is JSON already. */
void ehr_json_raw(ehr_json_t *json, const char *name, ehr_str_t value);


#endif /* EHR_JSON_H */
