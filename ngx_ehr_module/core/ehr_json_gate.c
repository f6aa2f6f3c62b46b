/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides, byte by byte and before any parser, whether JSON may be parsed.
 * Follows strings and brackets, and knows nothing else of the grammar.
 */

#include <utf8proc.h>

#include "ehr_json_gate.h"


typedef struct {
    const uint8_t  *p;
    const uint8_t  *end;
    uint32_t        line;
    uint32_t        depth;
    uint32_t        nvalues;
    unsigned        in_string:1;
    unsigned        is_empty:1;
} json_gate_t;


/* Over one character that is not ASCII. */

static ehr_json_gate_e
json_gate_wide(json_gate_t *g)
{
    utf8proc_int32_t  code;
    utf8proc_ssize_t  len = utf8proc_iterate(g->p, g->end - g->p, &code);

    if (len <= 0) {
        return EHR_JSON_GATE_UTF8;
    }

    g->p += len;

    return EHR_JSON_GATE_OK;
}


static void
json_gate_string(json_gate_t *g, uint8_t c)
{
    if (c == '"') {
        g->in_string = 0;

    } else if (c == '\\' && g->p + 1 < g->end && g->p[1] < 0x80
               && g->p[1] >= 0x20)
    {
        g->p++;
    }
}


/* Every value but the first of its list stands behind a comma or a colon. */

static ehr_json_gate_e
json_gate_shape(json_gate_t *g, uint8_t c)
{
    switch (c) {

    case '"':
        g->in_string = 1;
        break;

    case '{':
    case '[':
        g->nvalues++;
        g->depth++;
        break;

    case '}':
    case ']':
        g->depth -= (g->depth > 0);
        break;

    case ',':
    case ':':
        g->nvalues++;
        break;

    default:
        break;
    }

    if (g->depth > EHR_JSON_DEPTH_MAX) {
        return EHR_JSON_GATE_DEPTH;
    }

    return g->nvalues > EHR_JSON_VALUES_MAX ? EHR_JSON_GATE_VALUES
                                            : EHR_JSON_GATE_OK;
}


/* Inside of a string nothing else needs a look. */

static void
json_gate_plain(json_gate_t *g)
{
    const uint8_t  *p = g->p;

    while (p < g->end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    g->p = p;
}


static ehr_json_gate_e
json_gate_ascii(json_gate_t *g, uint8_t c)
{
    ehr_json_gate_e  rc = EHR_JSON_GATE_OK;

    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') {
        return EHR_JSON_GATE_CONTROL;
    }

    g->line += (c == '\n');

    if (c > 0x20) {
        g->is_empty = 0;
    }

    if (g->in_string) {
        json_gate_string(g, c);

    } else {
        rc = json_gate_shape(g, c);
    }

    g->p++;

    return rc;
}


ehr_json_gate_e
ehr_json_gate_check(ehr_str_t bytes, ehr_json_gate_result_t *result)
{
    static const char  bom[] = "\xef\xbb\xbf";
    json_gate_t        g;
    ehr_json_gate_e    rc = EHR_JSON_GATE_OK;

    memset(&g, 0, sizeof(g));
    memset(result, 0, sizeof(*result));

    if (bytes.len >= 3 && memcmp(bytes.data, bom, 3) == 0) {
        result->skip = 3;
    }

    g.p = (const uint8_t *) bytes.data + result->skip;
    g.end = (const uint8_t *) bytes.data + bytes.len;
    g.line = 1;
    g.is_empty = 1;

    if (bytes.len > EHR_JSON_SIZE_MAX) {
        rc = EHR_JSON_GATE_SIZE;
    }

    while (rc == EHR_JSON_GATE_OK && g.p < g.end) {
        if (g.in_string) {
            json_gate_plain(&g);

            if (g.p == g.end) {
                break;
            }
        }

        rc = *g.p < 0x80 ? json_gate_ascii(&g, *g.p) : json_gate_wide(&g);
    }

    result->line = g.line;

    if (rc == EHR_JSON_GATE_OK && g.is_empty) {
        return EHR_JSON_GATE_EMPTY;
    }

    return rc;
}
