/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides, byte by byte and before any parser, whether a document may be
 * parsed at all.  Knows the outer shape of XML and nothing of its meaning.
 */

#include <strings.h>

#include "ehr_gate.h"


#define EHR_GATE_DECLARATION_MAX  256   /* bytes of <?xml ... ?> */


typedef struct {
    const uint8_t            *begin;
    const uint8_t            *p;
    const uint8_t            *end;
    const ehr_gate_limits_t  *limits;
    size_t                    depth;
} ehr_gate_t;


const ehr_gate_limits_t  ehr_gate_document = {
    .depth = 32,
    .attributes = 64,
    .tag_bytes = 16 * 1024,
    .name_bytes = 256,
    .text_bytes = 64 * 1024 * 1024
};

const ehr_gate_limits_t  ehr_gate_section = {
    .depth = 16,
    .attributes = 32,
    .tag_bytes = 8 * 1024,
    .name_bytes = 256,
    .text_bytes = 4 * 1024 * 1024
};


static int
gate_starts(const ehr_gate_t *g, const char *what)
{
    size_t  len = strlen(what);

    return (size_t) (g->end - g->p) >= len && memcmp(g->p, what, len) == 0;
}


static int
gate_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


/* The length of the UTF-8 sequence at p (RFC 3629, table 3-7 of Unicode), 0
 * when there is none: overlong forms, surrogates and what lies above U+10FFFF
 * fall through the bounds of the second byte. */

static size_t
gate_utf8(const uint8_t *p, size_t room)
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

    if (room < len || p[1] < low || p[1] > high) {
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


/* Steps over one character of any kind. */

static inline ehr_gate_e
gate_step(ehr_gate_t *g)
{
    size_t  len;

    if (*g->p < 0x80) {
        if (*g->p < 0x20 && !gate_is_blank(*g->p)) {
            return EHR_GATE_CONTROL;
        }

        g->p++;

        return EHR_GATE_OK;
    }

    len = gate_utf8(g->p, (size_t) (g->end - g->p));
    if (len == 0) {
        return EHR_GATE_UTF8;
    }

    g->p += len;

    return EHR_GATE_OK;
}


#define GATE_ONES   0x0101010101010101ULL
#define GATE_HIGHS  0x8080808080808080ULL

/* Skips printable ASCII other than '<', eight bytes at a time. */

static inline const uint8_t *
gate_skip_plain(const uint8_t *p, const uint8_t *end)
{
    uint64_t  word, angle, odd;

    while (end - p >= 8) {
        memcpy(&word, p, sizeof(word));
        angle = word ^ (GATE_ONES * '<');
        odd = word | (word - GATE_ONES * 0x20) | (angle - GATE_ONES);

        if (odd & GATE_HIGHS) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            /* a borrow goes up only: the lowest mark is a true one */
            return p + __builtin_ctzll(odd & GATE_HIGHS) / 8;
#else
            break;
#endif
        }

        p += 8;
    }

    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '<') {
        p++;
    }

    return p;
}


static ehr_gate_e
gate_text(ehr_gate_t *g)
{
    const uint8_t  *begin = g->p;
    ehr_gate_e      rc;

    while (g->p < g->end) {
        g->p = gate_skip_plain(g->p, g->end);

        /* what stands between two tags is mostly a line's end and blanks */
        while (g->p < g->end && gate_is_blank(*g->p)) {
            g->p++;
        }

        if (g->p == g->end || *g->p == '<') {
            break;
        }

        rc = gate_step(g);
        if (rc != EHR_GATE_OK) {
            return rc;
        }
    }

    return (size_t) (g->p - begin) > g->limits->text_bytes ? EHR_GATE_TEXT
                                                           : EHR_GATE_OK;
}


/* Up to and over the stop mark, of which max bytes may stand before. */

static ehr_gate_e
gate_until(ehr_gate_t *g, const char *stop, size_t max)
{
    const uint8_t  *begin = g->p;
    ehr_gate_e      rc;

    while (g->p < g->end) {
        if (*g->p == (uint8_t) stop[0] && gate_starts(g, stop)) {
            g->p += strlen(stop);

            return EHR_GATE_OK;
        }

        if ((size_t) (g->p - begin) >= max) {
            return EHR_GATE_TAG;
        }

        rc = gate_step(g);
        if (rc != EHR_GATE_OK) {
            return rc;
        }
    }

    return EHR_GATE_CUT;
}


static ehr_gate_e
gate_special(ehr_gate_t *g)
{
    ehr_gate_e  rc;

    if (gate_starts(g, "<!--")) {
        g->p += 4;

        return gate_until(g, "-->", g->limits->tag_bytes);
    }

    if (g->depth > 0 && gate_starts(g, "<![CDATA[")) {
        g->p += 9;
        rc = gate_until(g, "]]>", g->limits->text_bytes);

        return rc == EHR_GATE_TAG ? EHR_GATE_TEXT : rc;
    }

    return EHR_GATE_DOCTYPE;
}


/* One tag's bytes: 0 plain part of a name, 1 ends a name, 2 needs a look. */

static const uint8_t  gate_tag_class[256] = {
    2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 2, 2, 1, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    1, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    [0x80 ... 0xff] = 2
};


/* The plain part of a name, which is all that most tags are. */

static inline const uint8_t *
gate_skip_name(const uint8_t *p, const uint8_t *end)
{
    while (end - p >= 4
           && (gate_tag_class[p[0]] | gate_tag_class[p[1]]
               | gate_tag_class[p[2]] | gate_tag_class[p[3]]) == 0)
    {
        p += 4;
    }

    while (p < end && gate_tag_class[*p] == 0) {
        p++;
    }

    return p;
}


/* A quoted attribute value, its quote included. */

static ehr_gate_e
gate_quoted(ehr_gate_t *g)
{
    char  stop[2] = { (char) *g->p, '\0' };

    g->p++;

    return gate_until(g, stop, g->limits->tag_bytes);
}


/* A start or end tag from behind its '<' to its '>'. */

static ehr_gate_e
gate_tag(ehr_gate_t *g)
{
    const uint8_t  *begin = g->p, *name = g->p;
    size_t          attributes = 0;
    ehr_gate_e      rc;

    while (g->p < g->end && *g->p != '>') {
        switch (gate_tag_class[*g->p]) {

        case 0:
            g->p = gate_skip_name(g->p, g->end);
            continue;

        case 1:
            rc = EHR_GATE_OK;
            g->p++;
            break;

        default:
            attributes += (*g->p == '=');
            rc = (*g->p == '"' || *g->p == '\'') ? gate_quoted(g)
                                                 : gate_step(g);
            /* letters of other scripts may stand in a name */
            if (rc == EHR_GATE_OK && g->p[-1] >= 0x80) {
                continue;
            }
        }

        if (rc != EHR_GATE_OK) {
            return rc;
        }

        if (attributes > g->limits->attributes) {
            return EHR_GATE_ATTRIBUTES;
        }

        /* a quoted value resets it too: longer ones end above */
        if ((size_t) (g->p - name) > g->limits->name_bytes && g->p[-1] != '"'
            && g->p[-1] != '\'')
        {
            return EHR_GATE_NAME;
        }

        if ((size_t) (g->p - begin) > g->limits->tag_bytes) {
            return EHR_GATE_TAG;
        }

        name = g->p;
    }

    if (g->p == g->end) {
        return EHR_GATE_CUT;
    }

    g->p++;

    return (size_t) (g->p - name) > g->limits->name_bytes ? EHR_GATE_NAME
                                                          : EHR_GATE_OK;
}


static ehr_gate_e
gate_element(ehr_gate_t *g)
{
    int         is_end;
    ehr_gate_e  rc;

    g->p++;
    is_end = (g->p < g->end && *g->p == '/');

    rc = gate_tag(g);
    if (rc != EHR_GATE_OK) {
        return rc;
    }

    if (is_end) {
        g->depth -= (g->depth > 0);

    } else if (g->p[-2] != '/') {
        g->depth++;
    }

    return g->depth > g->limits->depth ? EHR_GATE_DEPTH : EHR_GATE_OK;
}


static ehr_gate_e
gate_markup(ehr_gate_t *g)
{
    if (g->end - g->p < 2) {
        return EHR_GATE_CUT;
    }

    switch (g->p[1]) {

    case '!':
        return gate_special(g);

    case '?':
        return EHR_GATE_INSTRUCTION;

    default:
        return gate_element(g);
    }
}


/* encoding="..." of the declaration between g->p and end; absent is UTF-8. */

static ehr_gate_e
gate_encoding(const uint8_t *p, const uint8_t *end)
{
    static const char  name[] = "encoding", utf8[] = "UTF-8";
    const uint8_t     *at;
    uint8_t            quote;

    at = memmem(p, (size_t) (end - p), name, sizeof(name) - 1);
    if (at == NULL) {
        return EHR_GATE_OK;
    }

    at += sizeof(name) - 1;

    while (at < end && (gate_is_blank(*at) || *at == '=')) {
        at++;
    }

    if (end - at < (ptrdiff_t) sizeof(utf8) + 1) {
        return EHR_GATE_DECLARED;
    }

    quote = *at++;

    if ((quote != '"' && quote != '\'')
        || strncasecmp((const char *) at, utf8, sizeof(utf8) - 1) != 0
        || at[sizeof(utf8) - 1] != quote)
    {
        return EHR_GATE_DECLARED;
    }

    return EHR_GATE_OK;
}


static ehr_gate_e
gate_declaration(ehr_gate_t *g)
{
    const uint8_t  *begin;
    ehr_gate_e      rc;

    if (!gate_starts(g, "<?xml") || g->end - g->p < 6
        || !gate_is_blank(g->p[5]))
    {
        return EHR_GATE_OK;
    }

    begin = g->p;

    rc = gate_until(g, "?>", EHR_GATE_DECLARATION_MAX);
    if (rc != EHR_GATE_OK) {
        return rc;
    }

    return gate_encoding(begin, g->p);
}


/* Writers put a BOM or blank lines before the declaration, which a parser
 * refuses; they are not part of the document. */

static void
gate_leading(ehr_gate_t *g, ehr_gate_result_t *result)
{
    if (gate_starts(g, "\xef\xbb\xbf")) {
        g->p += 3;
    }

    while (g->p < g->end && gate_is_blank(*g->p)) {
        result->skipped_lines += (*g->p == '\n');
        g->p++;
    }

    result->skip = (size_t) (g->p - g->begin);
}


static ehr_gate_e
gate_body(ehr_gate_t *g)
{
    ehr_gate_e  rc;

    rc = gate_declaration(g);

    while (rc == EHR_GATE_OK && g->p < g->end) {
        rc = (*g->p == '<') ? gate_markup(g) : gate_text(g);
    }

    return rc;
}


static uint32_t
gate_line(const uint8_t *begin, const uint8_t *at)
{
    uint32_t  line = 1;

    for (const uint8_t *p = begin; p < at; p++) {
        line += (*p == '\n');
    }

    return line;
}


ehr_gate_e
ehr_gate_check(ehr_str_t bytes, const ehr_gate_limits_t *limits,
               ehr_gate_result_t *result)
{
    ehr_gate_t  g;
    ehr_gate_e  rc;

    memset(result, 0, sizeof(*result));

    if (bytes.len == 0) {
        return EHR_GATE_EMPTY;
    }

    g.begin = (const uint8_t *) bytes.data;
    g.p = g.begin;
    g.end = g.begin + bytes.len;
    g.limits = limits;
    g.depth = 0;

    gate_leading(&g, result);

    if (g.p == g.end) {
        return EHR_GATE_EMPTY;
    }

    rc = gate_body(&g);

    if (rc != EHR_GATE_OK) {
        result->offset = (size_t) (g.p - g.begin);
        result->line = gate_line(g.begin, g.p);
    }

    return rc;
}
