/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Writing JSON (RFC 8259) into an arena.  Decides escapes, commas and growth;
 * what is not UTF-8 becomes U+FFFD, so that every text written can be read.
 * Knows nothing of what the members mean; does not check that brackets match.
 */

#include <stdio.h>

#include "ehr_json.h"


#define EHR_JSON_FIRST        512
#define EHR_JSON_REPLACEMENT  "\xef\xbf\xbd"


static void ehr_json_put(ehr_json_t *json, const char *data, size_t len);
static ehr_rc_t ehr_json_grow(ehr_json_t *json, size_t more);
static void ehr_json_member(ehr_json_t *json, const char *name);
static void ehr_json_quote(ehr_json_t *json, ehr_str_t value);
static void ehr_json_escape(ehr_json_t *json, unsigned char c);
static size_t ehr_utf8_len(const unsigned char *p, size_t left);


void
ehr_json_begin(ehr_json_t *json, ehr_arena_t *arena)
{
    memset(json, 0, sizeof(ehr_json_t));
    json->arena = arena;
}


ehr_str_t
ehr_json_end(ehr_json_t *json)
{
    ehr_str_t  text = ehr_null_string;

    ehr_json_put(json, "", 1);

    if (!json->failed) {
        text.data = json->data;
        text.len = json->len - 1;
    }

    return text;
}


void
ehr_json_open(ehr_json_t *json, const char *name, char bracket)
{
    ehr_json_member(json, name);
    ehr_json_put(json, &bracket, 1);
    json->comma = 0;
}


/* Either bracket of the pair will do. */

void
ehr_json_close(ehr_json_t *json, char bracket)
{
    ehr_json_put(json, bracket == '{' || bracket == '}' ? "}" : "]", 1);
    json->comma = 1;
}


void
ehr_json_string(ehr_json_t *json, const char *name, ehr_str_t value)
{
    ehr_json_member(json, name);
    ehr_json_quote(json, value);
}


void
ehr_json_text(ehr_json_t *json, const char *name, const char *value)
{
    if (value == NULL) {
        ehr_json_null(json, name);
        return;
    }

    ehr_json_string(json, name, ehr_str(value));
}


void
ehr_json_int(ehr_json_t *json, const char *name, int64_t value)
{
    int   n;
    char  buf[24];

    n = snprintf(buf, sizeof(buf), "%lld", (long long) value);

    ehr_json_member(json, name);
    ehr_json_put(json, buf, (size_t) n);
}


void
ehr_json_bool(ehr_json_t *json, const char *name, int value)
{
    ehr_json_raw(json, name, ehr_str(value ? "true" : "false"));
}


void
ehr_json_null(ehr_json_t *json, const char *name)
{
    ehr_json_raw(json, name, ehr_str("null"));
}


void
ehr_json_raw(ehr_json_t *json, const char *name, ehr_str_t value)
{
    ehr_json_member(json, name);
    ehr_json_put(json, value.data, value.len);
}


static void
ehr_json_member(ehr_json_t *json, const char *name)
{
    if (json->comma) {
        ehr_json_put(json, ",", 1);
    }

    if (name != NULL) {
        ehr_json_quote(json, ehr_str(name));
        ehr_json_put(json, ":", 1);
    }

    json->comma = 1;
}


static void
ehr_json_quote(ehr_json_t *json, ehr_str_t value)
{
    size_t                n, pos = 0, start = 0;
    const unsigned char  *p = (const unsigned char *) value.data;

    ehr_json_put(json, "\"", 1);

    if (value.len == 0) {
        ehr_json_put(json, "\"", 1);
        return;
    }

    while (pos < value.len) {
        n = ehr_utf8_len(p + pos, value.len - pos);

        if (n == 0 || p[pos] < 0x20 || p[pos] == '"' || p[pos] == '\\') {
            ehr_json_put(json, value.data + start, pos - start);
            ehr_json_escape(json, p[pos]);
            n = 1;
            start = pos + 1;
        }

        pos += n;
    }

    ehr_json_put(json, value.data + start, pos - start);
    ehr_json_put(json, "\"", 1);
}


static void
ehr_json_escape(ehr_json_t *json, unsigned char c)
{
    int   n;
    char  buf[8];

    switch (c) {
    case '"':
        ehr_json_put(json, "\\\"", 2);
        return;
    case '\\':
        ehr_json_put(json, "\\\\", 2);
        return;
    case '\n':
        ehr_json_put(json, "\\n", 2);
        return;
    case '\r':
        ehr_json_put(json, "\\r", 2);
        return;
    case '\t':
        ehr_json_put(json, "\\t", 2);
        return;
    default:
        break;
    }

    if (c >= 0x80) {
        ehr_json_put(json, EHR_JSON_REPLACEMENT,
                     sizeof(EHR_JSON_REPLACEMENT) - 1);
        return;
    }

    n = snprintf(buf, sizeof(buf), "\\u%04x", c);
    ehr_json_put(json, buf, (size_t) n);
}


/* Length of the well-formed sequence at p (Unicode, table 3-7), 0 for none. */

static size_t
ehr_utf8_len(const unsigned char *p, size_t left)
{
    size_t         n;
    unsigned char  low = 0x80, high = 0xbf;

    if (p[0] < 0x80) {
        return 1;
    }

    if (p[0] < 0xc2 || p[0] > 0xf4) {
        return 0;
    }

    n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    if (p[0] == 0xe0) {
        low = 0xa0;         /* overlong */

    } else if (p[0] == 0xed) {
        high = 0x9f;        /* surrogates */

    } else if (p[0] == 0xf0) {
        low = 0x90;         /* overlong */

    } else if (p[0] == 0xf4) {
        high = 0x8f;        /* beyond U+10FFFF */
    }

    if (n > left || p[1] < low || p[1] > high) {
        return 0;
    }

    for (size_t i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return n;
}


static void
ehr_json_put(ehr_json_t *json, const char *data, size_t len)
{
    if (json->failed || len == 0) {
        return;
    }

    if (len > json->allocated - json->len
        && ehr_json_grow(json, len) != EHR_OK)
    {
        json->failed = 1;
        return;
    }

    memcpy(json->data + json->len, data, len);
    json->len += len;
}


static ehr_rc_t
ehr_json_grow(ehr_json_t *json, size_t more)
{
    char    *bigger;
    size_t   size;

    size = json->allocated ? json->allocated : EHR_JSON_FIRST / 2;

    if (more > SIZE_MAX / 4 || size > SIZE_MAX / 4) {
        return EHR_BROKEN;
    }

    size = 2 * (size > more ? size : more);

    bigger = ehr_arena_alloc(json->arena, size);
    if (bigger == NULL) {
        return EHR_BROKEN;
    }

    if (json->len != 0) {
        memcpy(bigger, json->data, json->len);
    }

    json->data = bigger;
    json->allocated = size;

    return EHR_OK;
}
