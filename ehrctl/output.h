/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * What people and scripts read: tables aligned by characters (Vietnamese
 * letters take two or three bytes), JSON, problems.  No text of a server is
 * printed raw: control characters become "?".
 */

#ifndef EHRCTL_OUTPUT_H
#define EHRCTL_OUTPUT_H


#include <stdio.h>

#include <jansson.h>

#include "ehrctl.h"


#define OUTPUT_COLUMNS  8


/* A label in both languages, by ehr_lang_e. */

typedef struct {
    const char  *text[2];
} label_t;


/* Vietnamese where LC_ALL, LC_MESSAGES or LANG begin with vi. */
ehr_lang_e output_language(void);

/* "ehrctl: what: detail"; detail may be NULL.  Gives EHRCTL_FAILED. */
int output_failure(const char *what, const char *detail);

/* The problem (RFC 9457) of a refusal, on the standard error.  Gives
 * EHRCTL_FAILED. */
int output_problem(ehrctl_t *ctl, int status, ehr_str_t body);

/* Indented, as it came. */
int output_json(const json_t *value);

/* Rows of cells under a line of labels; a row is an array of strings. */
int output_table(ehrctl_t *ctl, const label_t *labels, size_t ncolumns,
                 json_t *rows);

/* "label: value", aligned.  width: of the widest label. */
void output_field(const char *label, size_t width, const char *value);

/* In characters, without combining marks. */
size_t output_width(const char *text);


#endif /* EHRCTL_OUTPUT_H */
