/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reads a list of preferences: name, value and parameters, where a comma or a
 * name inside a quoted string is neither.  Knows no request.
 */

#include <strings.h>

#include "ehr_prefer.h"


/* RFC 9110 section 5.6.2, with the letters and digits */
#define PREFER_TOKEN                                                          \
    "!#$%&'*+-.^_`|~0123456789"                                               \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


/* Every loop moves p towards end. */

typedef struct {
    const char  *p;
    const char  *end;
} prefer_line_t;


static int
prefer_is(const prefer_line_t *l, const char *set)
{
    return l->p < l->end && *l->p != '\0' && strchr(set, *l->p) != NULL;
}


static ehr_str_t
prefer_run(prefer_line_t *l, const char *set)
{
    ehr_str_t  run = { l->p, 0 };

    while (prefer_is(l, set)) {
        l->p++;
    }

    run.len = (size_t) (l->p - run.data);

    return run;
}


/* What is between the quotes, as written: an escape makes no number. */

static ehr_str_t
prefer_quoted(prefer_line_t *l)
{
    ehr_str_t  text = { ++l->p, 0 };

    while (l->p < l->end && *l->p != '"') {
        l->p += (*l->p == '\\' && l->p + 1 < l->end) ? 2 : 1;
    }

    text.len = (size_t) (l->p - text.data);

    if (l->p < l->end) {
        l->p++;
    }

    return text;
}


/* A name, and its value where it has one. */

static ehr_str_t
prefer_pair(prefer_line_t *l, ehr_str_t *value)
{
    ehr_str_t  name = prefer_run(l, PREFER_TOKEN);

    value->data = NULL;
    value->len = 0;

    (void) prefer_run(l, " \t");

    if (prefer_is(l, "=")) {
        l->p++;
        (void) prefer_run(l, " \t");

        *value = prefer_is(l, "\"") ? prefer_quoted(l)
                                    : prefer_run(l, PREFER_TOKEN);
    }

    return name;
}


static void
prefer_skip(prefer_line_t *l)
{
    while (l->p < l->end && *l->p != ',') {
        if (*l->p == '"') {
            (void) prefer_quoted(l);

        } else {
            l->p++;
        }
    }
}


static int
prefer_seconds(ehr_str_t value)
{
    int     n = 0;
    size_t  i;

    for (i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return -1;
        }

        n = n * 10 + (value.data[i] - '0');

        if (n > EHR_PREFER_WAIT_MAX) {
            n = EHR_PREFER_WAIT_MAX;
        }
    }

    return value.len > 0 ? n : -1;
}


int
ehr_prefer_wait(ehr_str_t line)
{
    ehr_str_t      name, value;
    prefer_line_t  l = { line.data, line.data + line.len };

    while (l.p < l.end) {
        (void) prefer_run(&l, ", \t");

        name = prefer_pair(&l, &value);

        if (name.len == 4 && strncasecmp(name.data, "wait", 4) == 0) {
            return prefer_seconds(value);
        }

        prefer_skip(&l);
    }

    return -1;
}
