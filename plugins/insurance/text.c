/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Comparing what the partner says.  Its texts come composed or decomposed, in
 * any case, so both sides are spelled the way VNI types Vietnamese: lower
 * case letters, then the marks as digits, shape before tone ("tie61p nha65n
 * tha2nh co6ng").  Tone marks count: "chữa" is not "chưa".
 */

#include <string.h>

#include "insurance.h"


/* Code points that fold to a letter and marks; a row holds upper and lower
 * case as neighbours, or, in Latin-1, 32 apart. */

static const char *const  latin1[] = {
    "a2", "a1", "a6", "a4", NULL, NULL, NULL, NULL, "e2", "e1", "e6",
    NULL, "i2", "i1", NULL, NULL, NULL, NULL, "o2", "o1", "o6", "o4",
    NULL, NULL, NULL, "u2", "u1", NULL, NULL, "y1"
};

#define LATIN1_FIRST  0xc0

static const char *const  additional[] = {
    "a5",  "a3",  "a61", "a62", "a63", "a64", "a65", "a81", "a82",
    "a83", "a84", "a85", "e5",  "e3",  "e4",  "e61", "e62", "e63",
    "e64", "e65", "i3",  "i5",  "o5",  "o3",  "o61", "o62", "o63",
    "o64", "o65", "o71", "o72", "o73", "o74", "o75", "u5",  "u3",
    "u71", "u72", "u73", "u74", "u75", "y2",  "y5",  "y3",  "y4"
};

#define ADDITIONAL_FIRST  0x1ea0

static const struct {
    uint32_t     upper;
    const char  *spelling;
} extended[] = {
    { 0x0102, "a8" }, { 0x0110, "d9" }, { 0x0128, "i4" },
    { 0x0168, "u4" }, { 0x01a0, "o7" }, { 0x01af, "u7" }
};

static const struct {
    uint32_t  mark;
    char      digit;
} combining[] = {
    { 0x0300, '2' }, { 0x0301, '1' }, { 0x0302, '6' }, { 0x0303, '4' },
    { 0x0306, '8' }, { 0x0309, '3' }, { 0x031b, '7' }, { 0x0323, '5' }
};

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))


typedef struct {
    char    data[INSURANCE_MAX_FOLDED];
    size_t  len;
    int     is_full;
} folded_t;


ehr_str_t
insurance_text(const char *text)
{
    return (ehr_str_t){ text, strlen(text) };
}


ehr_str_t
insurance_copy(const insurance_t *in, ehr_str_t text)
{
    char  *p;

    if (text.len == 0) {
        return (ehr_str_t) ehr_string("");
    }

    p = in->host->alloc(in->call, text.len);
    if (p == NULL) {
        return (ehr_str_t) ehr_null_string;
    }

    memcpy(p, text.data, text.len);

    return (ehr_str_t){ p, text.len };
}


static int
is_blank(char ch)
{
    return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}


ehr_str_t
insurance_trim(ehr_str_t text)
{
    while (text.len > 0 && is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }

    while (text.len > 0 && is_blank(text.data[text.len - 1])) {
        text.len--;
    }

    return text;
}


ehr_str_t
insurance_cut(ehr_str_t text, size_t max)
{
    if (text.len <= max) {
        return text;
    }

    while (max > 0 && ((unsigned char) text.data[max] & 0xc0) == 0x80) {
        max--;
    }

    return (ehr_str_t){ text.data, max };
}


static void
put(folded_t *out, char ch)
{
    if (out->len == sizeof(out->data)) {
        out->is_full = 1;
        return;
    }

    out->data[out->len++] = ch;
}


/* Marks may come in either order; the shape is put before the tone. */

static void
put_mark(folded_t *out, char digit)
{
    char  last;

    last = out->len > 0 ? out->data[out->len - 1] : ' ';

    if (digit >= '6' && last >= '1' && last <= '5') {
        out->data[out->len - 1] = digit;
        digit = last;
    }

    put(out, digit);
}


static const char *
spelling_of(uint32_t cp)
{
    size_t  i;

    if (cp >= LATIN1_FIRST && cp < 0x100) {
        i = (cp - LATIN1_FIRST) & 31;
        return i < COUNT(latin1) ? latin1[i] : NULL;
    }

    if (cp >= ADDITIONAL_FIRST) {
        i = (cp - ADDITIONAL_FIRST) / 2;
        return i < COUNT(additional) ? additional[i] : NULL;
    }

    for (i = 0; i < COUNT(extended); i++) {
        if (cp == extended[i].upper || cp == extended[i].upper + 1) {
            return extended[i].spelling;
        }
    }

    return NULL;
}


static void
put_code_point(folded_t *out, uint32_t cp)
{
    size_t       i;
    const char  *spelling;

    for (i = 0; i < COUNT(combining); i++) {
        if (cp == combining[i].mark) {
            put_mark(out, combining[i].digit);
            return;
        }
    }

    if (cp == 0xa0) {
        put(out, ' ');
        return;
    }

    spelling = spelling_of(cp);

    for (spelling = spelling ? spelling : "?"; *spelling; spelling++) {
        put(out, *spelling);
    }
}


/* The next code point; a byte that is no UTF-8 counts as itself, '?'. */

static uint32_t
next_code_point(const unsigned char **p, const unsigned char *end)
{
    uint32_t  cp;
    unsigned  n, ch;

    ch = *(*p)++;

    if (ch >= 0xc2 && ch < 0xe0) {
        n = 1;
        cp = ch & 0x1f;

    } else if (ch >= 0xe0 && ch < 0xf0) {
        n = 2;
        cp = ch & 0x0f;

    } else {
        return ch < 0x80 ? ch : '?';
    }

    if ((size_t) (end - *p) < n) {
        return '?';
    }

    for (; n > 0 && (**p & 0xc0) == 0x80; n--) {
        cp = cp << 6 | (*(*p)++ & 0x3f);
    }

    return n == 0 ? cp : '?';
}


static void
fold(folded_t *out, ehr_str_t text)
{
    uint32_t              cp;
    const unsigned char  *p, *end;

    out->len = 0;
    out->is_full = 0;

    p = (const unsigned char *) text.data;
    end = p + text.len;

    while (p < end && !out->is_full) {
        cp = next_code_point(&p, end);

        if (cp >= 0x80) {
            put_code_point(out, cp);

        } else if (cp >= 'A' && cp <= 'Z') {
            put(out, (char) (cp | 0x20));

        } else {
            put(out, cp < ' ' ? ' ' : (char) cp);
        }
    }
}


int
insurance_text_has(ehr_str_t text, const char *list, int *is_long)
{
    size_t     n;
    folded_t   haystack, needle;
    ehr_str_t  phrase;

    fold(&haystack, text);
    *is_long = haystack.is_full;

    for (; *list; list += n + (list[n] == '|')) {
        n = strcspn(list, "|");
        phrase = insurance_trim((ehr_str_t){ list, n });

        fold(&needle, phrase);

        if (needle.len > 0
            && memmem(haystack.data, haystack.len, needle.data, needle.len))
        {
            return 1;
        }
    }

    return 0;
}


int
insurance_code_in(ehr_str_t code, const char *list)
{
    size_t  n;

    while (code.len > 1 && code.data[0] == '0') {
        code.data++;
        code.len--;
    }

    for (; *list; list += n) {
        list += strspn(list, " ,");
        n = strcspn(list, " ,");

        while (n > 1 && *list == '0') {
            list++;
            n--;
        }

        if (n > 0 && n == code.len && memcmp(list, code.data, n) == 0) {
            return 1;
        }
    }

    return 0;
}
