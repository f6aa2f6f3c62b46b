/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Characters of XML: which bytes are one, which may stand in a name, what a
 * reference means.  Knows neither tags nor text.
 */

#include "ehr_scan_parts.h"


#define NAME_START  1
#define NAME_LATER  2
#define NAME_BOTH   3


static const uint8_t  scan_names[256] = {
    ['-'] = NAME_LATER, ['.'] = NAME_LATER, ['0' ... '9'] = NAME_LATER,
    ['A' ... 'Z'] = NAME_BOTH, ['_'] = NAME_BOTH, ['a' ... 'z'] = NAME_BOTH
};


/* --- UTF-8 --------------------------------------------------------------- */


/* RFC 3629, table 3-7 of Unicode: overlong forms, surrogates and what lies
 * above U+10FFFF fall through the bounds of the second byte. */

size_t
ehr_scan_utf8(const uint8_t *p, const uint8_t *end)
{
    uint8_t  low = 0x80, high = 0xbf;
    size_t   len;

    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        len = 2;

    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        len = 3;
        low = (p[0] == 0xe0) ? 0xa0 : low;
        high = (p[0] == 0xed) ? 0x9f : high;

    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        len = 4;
        low = (p[0] == 0xf0) ? 0x90 : low;
        high = (p[0] == 0xf4) ? 0x8f : high;

    } else {
        return 0;
    }

    if ((size_t) (end - p) < len || p[1] < low || p[1] > high) {
        return 0;
    }

    for (size_t i = 2; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    /* U+FFFE and U+FFFF are no characters of XML */
    if (len == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe) {
        return 0;
    }

    return len;
}


/* Of bytes that ehr_scan_utf8() has taken. */

static uint32_t
scan_decode(const uint8_t *p, size_t len)
{
    uint32_t  code = p[0] & (0x7fU >> len);

    for (size_t i = 1; i < len; i++) {
        code = code << 6 | (p[i] & 0x3fU);
    }

    return code;
}


size_t
ehr_scan_encode(uint32_t code, char *out)
{
    size_t   len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    uint8_t  first[5] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char) (0x80 | (code & 0x3f));
        code >>= 6;
    }

    out[0] = (char) (first[len] | code);

    return len;
}


ehr_scan_e
ehr_scan_bad(const ehr_scan_t *s)
{
    if (s->p == s->end) {
        return EHR_SCAN_CUT;
    }

    if (*s->p < 0x20 && !ehr_scan_is_blank(*s->p)) {
        return EHR_SCAN_CONTROL;
    }

    return (*s->p >= 0x80 && ehr_scan_utf8(s->p, s->end) == 0)
           ? EHR_SCAN_UTF8 : EHR_SCAN_SYNTAX;
}


/* --- names --------------------------------------------------------------- */


static int
scan_is_in(uint32_t code, const uint32_t (*ranges)[2], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (code >= ranges[i][0] && code <= ranges[i][1]) {
            return 1;
        }
    }

    return 0;
}


/* NameStartChar and NameChar of the fifth edition, beyond ASCII. */

static int
scan_is_name(uint32_t code, int is_first)
{
    static const uint32_t  start[][2] = {
        { 0xc0, 0xd6 }, { 0xd8, 0xf6 }, { 0xf8, 0x2ff }, { 0x370, 0x37d },
        { 0x37f, 0x1fff }, { 0x200c, 0x200d }, { 0x2070, 0x218f },
        { 0x2c00, 0x2fef }, { 0x3001, 0xd7ff }, { 0xf900, 0xfdcf },
        { 0xfdf0, 0xfffd }, { 0x10000, 0xeffff }
    };
    static const uint32_t  later[][2] = {
        { 0xb7, 0xb7 }, { 0x300, 0x36f }, { 0x203f, 0x2040 }
    };

    return scan_is_in(code, start, sizeof(start) / sizeof(start[0]))
           || (!is_first
               && scan_is_in(code, later, sizeof(later) / sizeof(later[0])));
}


/* A name without a colon; p itself when there is none. */

static const uint8_t *
scan_ncname(const uint8_t *p, const uint8_t *end)
{
    const uint8_t  *begin = p;
    size_t          len;

    for ( ;; ) {
        while (end - p >= 4
               && (scan_names[p[0]] & scan_names[p[1]] & scan_names[p[2]]
                   & scan_names[p[3]] & NAME_LATER))
        {
            p += 4;
        }

        while (p < end && (scan_names[*p] & NAME_LATER)) {
            p++;
        }

        if (p == end || *p < 0x80) {
            break;
        }

        len = ehr_scan_utf8(p, end);

        if (len == 0 || !scan_is_name(scan_decode(p, len), p == begin)) {
            break;
        }

        p += len;
    }

    if (p > begin && *begin < 0x80 && !(scan_names[*begin] & NAME_START)) {
        return begin;
    }

    return p;
}


ehr_scan_e
ehr_scan_name(ehr_scan_t *s, ehr_scan_name_t *name)
{
    const uint8_t  *begin = s->p;

    name->name = begin;
    name->prefix = 0;
    s->p = scan_ncname(begin, s->end);

    if (s->p == begin) {
        return ehr_scan_bad(s);
    }

    if (s->p < s->end && *s->p == ':') {
        const uint8_t  *local = s->p + 1;

        name->prefix = (uint32_t) (s->p - begin);
        s->p = scan_ncname(local, s->end);

        if (s->p == local) {
            return ehr_scan_bad(s);
        }
    }

    name->len = (uint32_t) (s->p - begin);

    if ((size_t) (s->p - begin) > s->limits->name_bytes) {
        return EHR_SCAN_NAME_MAX;
    }

    return EHR_SCAN_OK;
}


/* --- references ---------------------------------------------------------- */


static int
scan_is_char(uint32_t code)
{
    return (code >= 0x20 && code <= 0xd7ff) || code == '\t' || code == '\n'
           || code == '\r' || (code >= 0xe000 && code <= 0xfffd)
           || (code >= 0x10000 && code <= 0x10ffff);
}


static uint32_t
scan_digit(uint8_t c, uint32_t base)
{
    if (c >= '0' && c <= '9') {
        return (uint32_t) (c - '0');
    }

    c |= 0x20;

    return (base == 16 && c >= 'a' && c <= 'f') ? (uint32_t) (c - 'a' + 10)
                                                : base;
}


/* Behind "&#". */

static uint32_t
scan_number(const uint8_t **at, const uint8_t *end)
{
    const uint8_t  *p = *at;
    uint32_t        code = 0, base = 10, digit;

    if (p < end && *p == 'x') {
        base = 16;
        p++;
    }

    for ( /* void */ ; p < end; p++) {
        digit = scan_digit(*p, base);

        if (digit == base) {
            break;
        }

        /* leading zeros may be many; no overflow */
        code = code * base + digit;
        code = code > 0x10ffff ? 0x110000 : code;
    }

    if (p == end || *p != ';' || !scan_is_char(code)) {
        return EHR_SCAN_CODE_NONE;
    }

    *at = p + 1;

    return code;
}


uint32_t
ehr_scan_reference(const uint8_t **at, const uint8_t *end)
{
    static const struct {
        const char  *text;
        uint32_t     code;
    } entities[] = {
        { "amp;", '&' }, { "lt;", '<' }, { "gt;", '>' }, { "quot;", '"' },
        { "apos;", '\'' }
    };

    const uint8_t  *p = *at + 1;
    uint32_t        code;

    if (p < end && *p == '#') {
        p++;
        code = scan_number(&p, end);

        if (code != EHR_SCAN_CODE_NONE) {
            *at = p;
        }

        return code;
    }

    for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
        size_t  len = strlen(entities[i].text);

        if ((size_t) (end - p) >= len
            && memcmp(p, entities[i].text, len) == 0)
        {
            *at = p + len;

            return entities[i].code;
        }
    }

    return EHR_SCAN_CODE_NONE;
}
