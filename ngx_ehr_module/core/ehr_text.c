/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Decides whether text looks like Vietnamese that was converted wrongly, from
 * sequences of characters that no Vietnamese word has.  Knows no field, and
 * leaves the normal form to utf8proc.
 */

#include <stdlib.h>

#include <utf8proc.h>

#include "ehr_text.h"


#define EHR_TEXT_VNI_ENOUGH  2   /* one pair may be a foreign name */
#define TEXT_MARKS_MAX       30


typedef struct {
    uint32_t    before;       /* the character before the last one */
    uint32_t    last;
    uint32_t    vni;
    ehr_text_e  found;
} text_scan_t;


static int
text_is_ascii(ehr_str_t text)
{
    const uint8_t  *p = (const uint8_t *) text.data;
    uint64_t        word, all = 0;
    size_t          i = 0;

    for ( /* void */ ; i + 8 <= text.len; i += 8) {
        memcpy(&word, p + i, sizeof(word));
        all |= word;
    }

    for ( /* void */ ; i < text.len; i++) {
        all |= p[i];
    }

    return (all & 0x8080808080808080ULL) == 0;
}


/* The next character; 0 when the text ends inside it. */

static uint32_t
text_next(const uint8_t **p, const uint8_t *end)
{
    utf8proc_int32_t    code;
    utf8proc_ssize_t    len;

    if (**p < 0x80) {
        return *(*p)++;
    }

    len = utf8proc_iterate(*p, end - *p, &code);
    if (len <= 0) {
        *p = end;

        return 0;
    }

    *p += len;

    return (uint32_t) code;
}


static int
text_is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= 0xc0 && c < 0x250 && c != 0xd7 && c != 0xf7)
           || (c >= 0x1e00 && c < 0x1f00);
}


static int
text_is_lower(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7);
}


/* What Windows-1252 shows for the bytes 80..9f. */

static int
text_is_windows(uint32_t c)
{
    static const uint16_t  extra[] = {
        0x152, 0x153, 0x160, 0x161, 0x178, 0x17d, 0x17e, 0x192, 0x2c6, 0x2dc,
        0x2013, 0x2014, 0x2018, 0x2019, 0x201a, 0x201c, 0x201d, 0x201e,
        0x2020, 0x2021, 0x2022, 0x2026, 0x2030, 0x2039, 0x203a, 0x20ac, 0x2122
    };

    for (size_t i = 0; i < sizeof(extra) / sizeof(extra[0]); i++) {
        if (extra[i] == c) {
            return 1;
        }
    }

    return 0;
}


static int
text_is_tail(uint32_t c)
{
    return (c >= 0x80 && c <= 0xbf) || (c > 0xff && text_is_windows(c));
}


/* Two and three bytes of UTF-8, each shown as a character.  "XÃ" and "KHÁ"
 * are words, and a quotation mark or a fixed blank may follow them. */

static int
text_is_mojibake(const text_scan_t *s, uint32_t c)
{
    if (c == 0xfffd) {
        return 1;
    }

    switch (s->last) {

    case 0xc2:
    case 0xc3:
        return (c >= 0x80 && c <= 0x9f)
               || (c >= 0xa1 && c <= 0xbf && c != 0xab && c != 0xbb);

    case 0xc4:
    case 0xc6:
        return text_is_tail(c);

    case 0xba:
    case 0xbb:
        return s->before == 0xe1 && text_is_tail(c);

    default:
        return 0;
    }
}


/* The ABC fonts put vowels where Latin-1 has signs; a sign inside a word is
 * one of them, and two of the signs follow no letter in any language. */

static int
text_is_tcvn3(const text_scan_t *s, uint32_t c)
{
    if ((c == 0xb5 || c == 0xb8) && text_is_letter(s->last)) {
        return 1;
    }

    switch (s->last) {

    case 0xa8:
    case 0xa9:
    case 0xaa:
    case 0xac:
    case 0xb6:
    case 0xb9:
    case 0xbc:
    case 0xbd:
    case 0xbe:
        return text_is_letter(s->before) && text_is_letter(c);

    case 0xae:
        return !text_is_letter(s->before) && text_is_lower(c);

    default:
        return 0;
    }
}


/* The VNI fonts write the mark behind its vowel, as a letter of Latin-1: "a"
 * and "e" are followed by a marked letter in no Vietnamese word. */

static uint32_t
text_vni_points(uint32_t last, uint32_t c)
{
    uint32_t  vowel = last | 0x20, mark = c | 0x20;

    if (c < 0xc0 || c > 0xff) {
        return (last == 0xf1 && (c == 'a' || c == 'o' || c == 'e'));
    }

    switch (vowel) {

    case 'a':
        if ((mark >= 0xe0 && mark <= 0xe5) || mark == 0xea) {
            return 2;
        }

        return mark == 0xf8 || mark == 0xf9 || mark == 0xfb || mark == 0xf5
               || mark == 0xef || mark == 0xe8 || mark == 0xe9;

    case 'e':
        return (mark >= 0xe0 && mark <= 0xe5) || mark == 0xf8 || mark == 0xf9
               || mark == 0xfb || mark == 0xf5 || mark == 0xef;

    case 'o':
    case 'u':
    case 'y':
        return mark == 0xf8 || mark == 0xfb || mark == 0xef || mark == 0xe5
               || mark == 0xe4;

    default:
        return 0;
    }
}


/* Characters without width, and signs that turn the direction.  A fixed blank
 * belongs in texts, though not before them; where they end it is looked for
 * by itself.  U+00AD is a letter of the ABC fonts. */

static int
text_is_invisible(const text_scan_t *s, uint32_t c)
{
    return (c == 0xa0 && s->last == 0)
           || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e)
           || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}


static ehr_text_e
text_judge(text_scan_t *s, uint32_t c)
{
    if (text_is_mojibake(s, c)) {
        return EHR_TEXT_MOJIBAKE;
    }

    if (text_is_tcvn3(s, c)) {
        return EHR_TEXT_TCVN3;
    }

    s->vni += text_vni_points(s->last, c);

    if (s->vni >= EHR_TEXT_VNI_ENOUGH) {
        return EHR_TEXT_VNI;
    }

    if (c >= 0x300 && c <= 0x36f && text_is_letter(s->last)) {
        return EHR_TEXT_DECOMPOSED;
    }

    return text_is_invisible(s, c) ? EHR_TEXT_INVISIBLE : EHR_TEXT_GOOD;
}


ehr_text_e
ehr_text_look(ehr_str_t text)
{
    const uint8_t  *p = (const uint8_t *) text.data, *end = p + text.len;
    text_scan_t     s = { 0, 0, 0, EHR_TEXT_GOOD };
    uint32_t        c;

    if (text_is_ascii(text)) {
        return EHR_TEXT_GOOD;
    }

    while (p < end && s.found == EHR_TEXT_GOOD) {
        c = text_next(&p, end);

        if ((s.last | c) >= 0x80) {
            s.found = text_judge(&s, c);
        }

        s.before = s.last;
        s.last = c;
    }

    if (s.found == EHR_TEXT_GOOD && s.last == 0xa0) {
        return EHR_TEXT_INVISIBLE;
    }

    return s.found;
}


/* Blocks of Unicode in which no character has another normal form: up to
 * U+02FF, and U+1E00 to U+1EFF, which is all that Vietnamese is written with.
 * Of any other text nothing is said. */

static int
text_is_composed(ehr_str_t text)
{
    const uint8_t  *p = (const uint8_t *) text.data, *end = p + text.len;

    while (p < end) {
        if (*p < 0xcc) {
            p++;

        } else if (end - p >= 3 && *p == 0xe1 && p[1] >= 0xb8 && p[1] <= 0xbb)
        {
            p += 3;

        } else {
            return 0;
        }
    }

    return 1;
}


/*
 * Marks on one letter are put into order by comparing them with each other,
 * utf8proc's time grows with the square of their number.  Words of living
 * languages have a handful; the stream-safe text format (UAX 15 section 13)
 * has room for thirty.
 */

static int
text_is_stream_safe(ehr_str_t text)
{
    const utf8proc_uint8_t  *p = (const utf8proc_uint8_t *) text.data;
    const utf8proc_uint8_t  *end = p + text.len;
    utf8proc_ssize_t         n;
    utf8proc_int32_t         c;
    uint32_t                 marks = 0;

    for ( /* void */ ; p < end && marks <= TEXT_MARKS_MAX; p += n) {

        n = utf8proc_iterate(p, end - p, &c);
        if (n <= 0) {
            return 0;
        }

        marks = utf8proc_get_property(c)->combining_class ? marks + 1 : 0;
    }

    return marks <= TEXT_MARKS_MAX;
}


ehr_str_t
ehr_text_key(ehr_str_t text, ehr_arena_t *arena)
{
    utf8proc_uint8_t  *mapped = NULL;
    utf8proc_ssize_t   len;
    ehr_str_t          key = ehr_null_string;

    if (text_is_ascii(text) || text_is_composed(text)) {
        return text.data ? text : ehr_str("");
    }

    if (!text_is_stream_safe(text)) {
        return text;
    }

    len = utf8proc_map((const utf8proc_uint8_t *) text.data,
                       (utf8proc_ssize_t) text.len, &mapped,
                       UTF8PROC_STABLE | UTF8PROC_COMPOSE);

    if (len == UTF8PROC_ERROR_NOMEM) {
        return key;
    }

    if (len < 0) {
        return text;
    }

    key = ehr_arena_dup(arena, (const char *) mapped, (size_t) len);
    free(mapped);

    return key;
}
