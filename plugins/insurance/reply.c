/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reading the partner's JSON, which is hostile input: long, deep, ambiguous
 * or no JSON at all.  What does not read as one plain object is "unreadable";
 * what follows from that is decided elsewhere.
 */

#include <stdio.h>
#include <string.h>

#include "insurance.h"


#define MAX_BODY    (1024 * 1024)
#define MAX_DEPTH   16


/* The parser would go 2,048 levels down before it gives up. */

static int
is_deep(ehr_str_t body)
{
    int     depth, is_string;
    size_t  i;

    depth = 0;
    is_string = 0;

    for (i = 0; i < body.len; i++) {
        switch (body.data[i]) {

        case '"':
            is_string = !is_string;
            break;

        case '\\':
            i += is_string;
            break;

        case '[':
        case '{':
            depth += !is_string;
            break;

        case ']':
        case '}':
            depth -= !is_string;
            break;
        }

        if (depth > MAX_DEPTH) {
            return 1;
        }
    }

    return 0;
}


json_t *
insurance_reply_load(const ehr_answer_t *answer)
{
    json_t     *object;
    ehr_str_t   body;

    body = answer->body;

    if (answer->is_truncated || body.len == 0 || body.len > MAX_BODY) {
        return NULL;
    }

    /* .NET services like to begin with a byte order mark. */

    if (body.len >= 3 && memcmp(body.data, "\xef\xbb\xbf", 3) == 0) {
        body.data += 3;
        body.len -= 3;
    }

    if (is_deep(body)) {
        return NULL;
    }

    object = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, NULL);

    if (object != NULL && !json_is_object(object)) {
        json_decref(object);
        return NULL;
    }

    return object;
}


ehr_str_t
insurance_reply_text(const insurance_t *in, const json_t *object,
                     const char *name)
{
    char          number[32];
    int           len;
    const json_t *value;

    value = json_object_get(object, name);

    if (json_is_string(value)) {
        return insurance_trim((ehr_str_t){ json_string_value(value),
                                           json_string_length(value) });
    }

    if (json_is_integer(value)) {
        len = snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
                       json_integer_value(value));
        return insurance_copy(in, (ehr_str_t){ number, (size_t) len });
    }

    return (ehr_str_t) ehr_string("");
}


/*
 * A code reaches logs, so anything that does not look like one must not pass
 * for one.
 */

ehr_str_t
insurance_reply_code(const insurance_t *in, const json_t *object)
{
    size_t     i;
    ehr_str_t  code;

    code = insurance_reply_text(in, object, "maKetQua");

    if (code.len > INSURANCE_MAX_CODE) {
        return (ehr_str_t) ehr_string("");
    }

    for (i = 0; i < code.len; i++) {
        if (code.data[i] < '0' || code.data[i] > '9') {
            return (ehr_str_t) ehr_string("");
        }
    }

    return code;
}
