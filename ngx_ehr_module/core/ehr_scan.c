/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Goes through a document once: what stands before the root, text, CDATA,
 * comments, and the order in which tags may come.  Decides what is refused
 * and why; what a document means is for those who get the events.
 */

#include <strings.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "ehr_scan_parts.h"


#define SCAN_DECLARATION_MAX  256   /* bytes of <?xml ... ?> */

#define starts(s, literal)  ehr_scan_starts(s, literal, sizeof(literal) - 1)


const ehr_scan_limits_t  ehr_scan_document = {
    .depth = EHR_SCAN_DEPTH,
    .attributes = EHR_SCAN_ATTRIBUTES,
    .tag_bytes = 16 * 1024,
    .name_bytes = 256,
    .text_bytes = 64 * 1024 * 1024
};

const ehr_scan_limits_t  ehr_scan_section = {
    .depth = 16,
    .attributes = 32,
    .tag_bytes = 8 * 1024,
    .name_bytes = 256,
    .text_bytes = 4 * 1024 * 1024
};


static int
scan_is_late(const ehr_scan_t *s)
{
    return s->in->deadline_ns != 0 && s->in->cpu_now_ns() > s->in->deadline_ns;
}


/* Every so many bytes. */

static inline ehr_scan_e
scan_look(ehr_scan_t *s)
{
    size_t  left = (size_t) (s->end - s->p);

    if (s->p < s->look) {
        return EHR_SCAN_OK;
    }

    s->look = s->p + (left < EHR_SCAN_PIECE ? left : EHR_SCAN_PIECE);

    return scan_is_late(s) ? EHR_SCAN_CPU : EHR_SCAN_OK;
}


/* --- text ---------------------------------------------------------------- */


/* 0: any text. */

static const uint8_t  scan_stops[256] = {
    [0 ... 0x1f] = 1, ['&'] = 1, ['<'] = 1, [']'] = 1, [0x80 ... 0xff] = 1
};


/* Skips printable ASCII up to what needs a look. */

static inline const uint8_t *
scan_plain(const uint8_t *p, const uint8_t *end)
{
#if defined(__SSE2__)
    const __m128i  blank = _mm_set1_epi8(' '), open = _mm_set1_epi8('<');
    const __m128i  and = _mm_set1_epi8('&'), bracket = _mm_set1_epi8(']');
    __m128i        bytes, odd;
    unsigned       mask;

    while (end - p >= 16) {
        bytes = _mm_loadu_si128((const __m128i *) p);

        /* signed: what is not ASCII is below the blank as well */
        odd = _mm_or_si128(_mm_cmplt_epi8(bytes, blank),
                           _mm_cmpeq_epi8(bytes, open));
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, and));
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(bytes, bracket));
        mask = (unsigned) _mm_movemask_epi8(odd);

        if (mask) {
            return p + __builtin_ctz(mask);
        }

        p += 16;
    }
#endif

    while (p < end && !scan_stops[*p]) {
        p++;
    }

    return p;
}


static inline void
scan_tell(ehr_scan_t *s, const uint8_t *begin, const uint8_t *end)
{
    if (end > begin && !s->is_stopped) {
        s->events.text(s->events.data, (const char *) begin,
                       (size_t) (end - begin));
    }
}


/* What a reference stands for.  Two places in turn: a reader that waits for a
 * second piece before it copies the first one still finds it. */

static ehr_scan_e
scan_reference(ehr_scan_t *s)
{
    char      *text = s->reference[s->odd];
    uint32_t   code = ehr_scan_reference(&s->p, s->end);
    size_t     len;

    if (code == EHR_SCAN_CODE_NONE) {
        return EHR_SCAN_SYNTAX;
    }

    s->odd = !s->odd;
    len = ehr_scan_encode(code, text);
    scan_tell(s, (const uint8_t *) text, (const uint8_t *) text + len);

    return EHR_SCAN_OK;
}


/* A line's end in any form is a line feed; s->p is at a CR, and what stood
 * before it was told.  Gives where the next piece begins. */

static const uint8_t *
scan_return(ehr_scan_t *s)
{
    static const uint8_t  feed[] = "\n";

    s->p++;

    if (s->p == s->end || *s->p != '\n') {
        scan_tell(s, feed, feed + 1);
    }

    return s->p;
}


typedef enum {
    RUN_GOES_ON,
    RUN_PIECE,                /* what comes now is no plain text */
    RUN_ENDS,
    RUN_FAULT
} run_e;


/* One character that scan_plain() stopped at. */

static inline run_e
scan_character(ehr_scan_t *s, int is_cdata, ehr_scan_e *rc)
{
    size_t  len;

    if (*s->p >= 0x80) {
        len = ehr_scan_utf8(s->p, s->end);

        if (len == 0) {
            *rc = EHR_SCAN_UTF8;

            return RUN_FAULT;
        }

        s->p += len;

        return RUN_GOES_ON;
    }

    switch (*s->p) {

    case '\n':
        s->line++;
        break;

    case '\t':
        break;

    case '\r':
        return RUN_PIECE;

    case '<':
        if (!is_cdata) {
            return RUN_ENDS;
        }

        break;

    case '&':
        if (!is_cdata) {
            return RUN_PIECE;
        }

        break;

    case ']':
        if (!starts(s, "]]>")) {
            break;
        }

        if (is_cdata) {
            return RUN_ENDS;
        }

        *rc = EHR_SCAN_SYNTAX;

        return RUN_FAULT;

    default:
        *rc = EHR_SCAN_CONTROL;

        return RUN_FAULT;
    }

    s->p++;

    return RUN_GOES_ON;
}


/* Text up to '<', or CDATA up to its end, told in pieces. */

static ehr_scan_e
scan_run(ehr_scan_t *s, int is_cdata)
{
    const uint8_t  *begin = s->p, *piece = s->p;
    ehr_scan_e      rc = EHR_SCAN_OK;
    run_e           run = RUN_GOES_ON;

    while (s->p < s->end && run != RUN_ENDS) {
        s->p = scan_plain(s->p, s->look);
        run = s->p < s->look ? scan_character(s, is_cdata, &rc) : RUN_PIECE;

        if (run == RUN_GOES_ON) {
            continue;
        }

        if (run == RUN_FAULT) {
            return rc;
        }

        if ((size_t) (s->p - begin) > s->limits->text_bytes) {
            return EHR_SCAN_TEXT_MAX;
        }

        scan_tell(s, piece, s->p);
        piece = s->p;

        if (run == RUN_PIECE && s->p >= s->look) {
            rc = scan_look(s);

        } else if (run == RUN_PIECE && *s->p == '&') {
            rc = scan_reference(s);
            piece = s->p;

        } else if (run == RUN_PIECE) {
            piece = scan_return(s);
        }

        if (rc != EHR_SCAN_OK) {
            return rc;
        }
    }

    return (is_cdata && run != RUN_ENDS) ? EHR_SCAN_CUT : EHR_SCAN_OK;
}


/* Outside of the root nothing but blanks may stand. */

static ehr_scan_e
scan_text(ehr_scan_t *s)
{
    if (s->depth > 0) {
        return scan_run(s, 0);
    }

    ehr_scan_blanks(s);

    return (s->p == s->end || *s->p == '<') ? EHR_SCAN_OK : ehr_scan_bad(s);
}


/* --- markup that is no tag ----------------------------------------------- */


static ehr_scan_e
scan_comment(ehr_scan_t *s)
{
    const uint8_t  *begin = s->p += sizeof("<!--") - 1;
    size_t          len;

    while (s->p < s->end) {
        if (*s->p == '-' && starts(s, "--")) {
            s->p += 2;

            if (s->p == s->end || *s->p != '>') {
                return ehr_scan_bad(s);
            }

            s->p++;

            return EHR_SCAN_OK;
        }

        if ((size_t) (s->p - begin) >= s->limits->tag_bytes) {
            return EHR_SCAN_TAG_MAX;
        }

        if (*s->p >= 0x80) {
            len = ehr_scan_utf8(s->p, s->end);

        } else {
            len = *s->p >= 0x20 || ehr_scan_is_blank(*s->p);
        }

        if (len == 0) {
            return ehr_scan_bad(s);
        }

        s->line += (*s->p == '\n');
        s->p += len;
    }

    return EHR_SCAN_CUT;
}


static ehr_scan_e
scan_cdata(ehr_scan_t *s)
{
    ehr_scan_e  rc;

    s->p += sizeof("<![CDATA[") - 1;

    rc = scan_run(s, 1);
    if (rc == EHR_SCAN_OK) {
        s->p += sizeof("]]>") - 1;
    }

    return rc;
}


static ehr_scan_e
scan_markup(ehr_scan_t *s)
{
    if (s->end - s->p < 2) {
        return EHR_SCAN_CUT;
    }

    switch (s->p[1]) {

    case '/':
        return ehr_scan_end_tag(s);

    case '?':
        return EHR_SCAN_INSTRUCTION;

    case '!':
        if (starts(s, "<!--")) {
            return scan_comment(s);
        }

        if (s->depth > 0 && starts(s, "<![CDATA[")) {
            return scan_cdata(s);
        }

        return EHR_SCAN_DOCTYPE;

    default:
        return ehr_scan_start_tag(s);
    }
}


/* --- the declaration ----------------------------------------------------- */


/* S name S? = S? and a quoted value, of which the characters are left to the
 * caller; 0 and s->p where it was when it does not stand there. */

static int
scan_declared(ehr_scan_t *s, const char *name, ehr_str_t *value)
{
    const uint8_t  *was = s->p;
    const uint8_t  *end;
    uint32_t        line = s->line;
    uint8_t         quote;

    ehr_scan_blanks(s);

    if (s->p > was && ehr_scan_starts(s, name, strlen(name))) {
        s->p += strlen(name);
        ehr_scan_blanks(s);

        if (s->p < s->end && *s->p == '=') {
            s->p++;
            ehr_scan_blanks(s);
            quote = s->p < s->end ? *s->p : 0;
            end = (quote == '"' || quote == '\'')
                  ? memchr(s->p + 1, quote, (size_t) (s->end - s->p - 1))
                  : NULL;

            if (end) {
                value->data = (const char *) s->p + 1;
                value->len = (size_t) (end - s->p - 1);
                s->p = end + 1;

                return 1;
            }
        }
    }

    s->p = was;
    s->line = line;

    return 0;
}


/* 1.0, or one that says it can be read as that: VersionNum of XML 1.0. */

static int
scan_is_version(ehr_str_t v)
{
    if (v.len < 3 || v.data[0] != '1' || v.data[1] != '.') {
        return 0;
    }

    for (size_t i = 2; i < v.len; i++) {
        if (v.data[i] < '0' || v.data[i] > '9') {
            return 0;
        }
    }

    return 1;
}


/* What is in it, s->end being the place of its "?>". */

static ehr_scan_e
scan_declaration_parts(ehr_scan_t *s)
{
    const uint8_t  *begin = s->p;
    ehr_str_t       value;

    s->p += sizeof("<?xml") - 1;

    if (!scan_declared(s, "version", &value) || !scan_is_version(value)) {
        return EHR_SCAN_SYNTAX;
    }

    if (scan_declared(s, "encoding", &value)) {
        if (value.len != sizeof("UTF-8") - 1
            || strncasecmp(value.data, "UTF-8", value.len) != 0)
        {
            return EHR_SCAN_DECLARED;
        }

    } else if (memmem(begin, (size_t) (s->end - begin), "encoding", 8)) {
        return EHR_SCAN_DECLARED;
    }

    if (scan_declared(s, "standalone", &value)
        && !ehr_str_is(value, "yes") && !ehr_str_is(value, "no"))
    {
        return EHR_SCAN_SYNTAX;
    }

    ehr_scan_blanks(s);

    return s->p == s->end ? EHR_SCAN_OK : EHR_SCAN_SYNTAX;
}


static ehr_scan_e
scan_declaration(ehr_scan_t *s)
{
    const uint8_t  *end = s->end;
    size_t          left = (size_t) (s->end - s->p);
    ehr_scan_e      rc;

    if (!starts(s, "<?xml") || left < 6 || !ehr_scan_is_blank(s->p[5])) {
        return EHR_SCAN_OK;
    }

    s->end = memmem(s->p, left < SCAN_DECLARATION_MAX ? left
                                                      : SCAN_DECLARATION_MAX,
                    "?>", 2);

    if (s->end == NULL) {
        s->end = end;

        return left < SCAN_DECLARATION_MAX ? EHR_SCAN_CUT : EHR_SCAN_TAG_MAX;
    }

    rc = scan_declaration_parts(s);

    if (rc != EHR_SCAN_OK) {
        rc = (rc == EHR_SCAN_SYNTAX && s->p < s->end) ? ehr_scan_bad(s) : rc;
        s->end = end;

        return rc;
    }

    s->end = end;
    s->p += 2;

    return EHR_SCAN_OK;
}


/* --- the whole ----------------------------------------------------------- */


/* Writers put a BOM or blank lines before the declaration, which other
 * parsers refuse; they are not part of the document. */

static void
scan_leading(ehr_scan_t *s)
{
    const uint8_t  *begin = s->p;

    if (starts(s, "\xef\xbb\xbf")) {
        s->p += 3;
    }

    ehr_scan_blanks(s);
    s->skip = (size_t) (s->p - begin);
    s->skipped_lines = s->line - 1;
}


static ehr_scan_e
scan_document(ehr_scan_t *s)
{
    ehr_scan_e  rc;

    scan_leading(s);

    if (s->p == s->end) {
        return EHR_SCAN_EMPTY;
    }

    s->look = s->p;
    rc = scan_declaration(s);

    while (rc == EHR_SCAN_OK && s->p < s->end) {
        rc = scan_look(s);

        if (rc == EHR_SCAN_OK) {
            rc = (*s->p == '<') ? scan_markup(s) : scan_text(s);
        }
    }

    if (rc == EHR_SCAN_OK && (s->depth > 0 || !s->has_root)) {
        return EHR_SCAN_SYNTAX;
    }

    return rc;
}


ehr_rc_t
ehr_scan(ehr_scan_t *scan, const ehr_scan_input_t *in,
         ehr_scan_fault_t *fault)
{
    const uint8_t  *begin = (const uint8_t *) in->content.data;

    memset(scan, 0, offsetof(ehr_scan_t, elements));
    scan->p = begin;
    scan->end = begin + in->content.len;
    scan->in = in;
    scan->limits = in->limits;
    scan->events = in->events;
    scan->line = 1;
    scan->is_stopped = (in->events.start == NULL);

    fault->kind = scan_document(scan);
    fault->offset = (size_t) (scan->p - begin);
    fault->line = fault->kind == EHR_SCAN_EMPTY ? 0 : scan->line;

    if (in->events.start && scan->is_stopped
        && !ehr_scan_is_hostile(fault->kind))
    {
        return fault->kind == EHR_SCAN_CPU ? EHR_REFUSED : EHR_OK;
    }

    return fault->kind == EHR_SCAN_OK ? EHR_OK : EHR_REFUSED;
}


void
ehr_scan_switch(ehr_scan_t *scan, const ehr_scan_events_t *events)
{
    scan->events = *events;
}


void
ehr_scan_stop(ehr_scan_t *scan)
{
    scan->is_stopped = 1;
}
