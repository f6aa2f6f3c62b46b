/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Changes documents so that they stay documents: opens one Base64 section,
 * changes values, elements and rows of it, and closes it again.  It knows
 * brackets and Base64, no field and no kind.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "ehr_base64.h"
#include "fuzz.h"


#define MUTATE_LEAVES    2048
#define MUTATE_SECTIONS  64
#define MUTATE_VALUE     600   /* longer than any field */
#define MUTATE_ROUNDS    6


size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);


typedef struct {
    size_t  start;
    size_t  end;
} span_t;


/* A text that may grow up to room. */

typedef struct {
    char    *data;
    size_t   len;
    size_t   room;
} text_t;


static uint32_t
draw(uint32_t *seed, size_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;

    return below ? *seed % (uint32_t) below : 0;
}


/* Puts a value in place of a span, when there is room. */

static void
put(text_t *text, span_t at, const char *value, size_t len)
{
    size_t  rest = text->len - at.end;

    if (text->len - (at.end - at.start) + len > text->room) {
        return;
    }

    memmove(text->data + at.start + len, text->data + at.end, rest);
    memcpy(text->data + at.start, value, len);
    text->len = at.start + len + rest;
}


/* --- where values stand -------------------------------------------------- */


/* XML: what stands between ">" and "</".  JSON: behind ":". */

static int
leaf_at(const text_t *text, size_t i, int is_json, span_t *leaf)
{
    const char  *p = text->data;

    if (p[i] != (is_json ? ':' : '>')) {
        return 0;
    }

    for (i++; is_json && i < text->len && strchr(" \n\"", p[i]); i++) {
        /* void */
    }

    leaf->start = i;

    while (i < text->len && strchr(is_json ? ",\"}\n[{" : "<", p[i]) == NULL) {
        i++;
    }

    leaf->end = i;

    return i + 1 < text->len && (is_json || p[i + 1] == '/');
}


static size_t
leaves_of(const text_t *text, span_t *leaves)
{
    int     is_json = text->len && text->data[0] == '{';
    size_t  n = 0;

    for (size_t i = 0; i < text->len && n < MUTATE_LEAVES; i++) {
        if (leaf_at(text, i, is_json, &leaves[n])) {
            i = leaves[n].end - 1;
            n++;
        }
    }

    return n;
}


/* An element with all that is in it, or a JSON object or list; 0: none. */

static int
element_at(const text_t *text, size_t i, span_t *element)
{
    char         name[64];
    size_t       len;
    const char  *end, *p = text->data + i;

    len = text->len - i;

    if (*p == '{') {
        end = memchr(p, '}', len);

    } else {
        for (len = 1; len < sizeof(name) - 4 && i + len < text->len
             && strchr("> /", p[len]) == NULL; len++)
        {
            /* void */
        }

        (void) snprintf(name, sizeof(name), "</%.*s>", (int) len - 1, p + 1);
        end = memmem(p, text->len - i, name, strlen(name));
        end = end ? end + strlen(name) - 1 : NULL;
    }

    if (end == NULL) {
        return 0;
    }

    element->start = i;
    element->end = (size_t) (end - text->data) + 1;

    return 1;
}


static int
element_any(const text_t *text, uint32_t *seed, span_t *element)
{
    size_t  from = draw(seed, text->len);

    for (size_t i = from; i < text->len; i++) {
        if ((text->data[i] == '<' && i + 1 < text->len
             && text->data[i + 1] != '/')
            || (text->data[i] == '{' && i > 0))
        {
            return element_at(text, i, element);
        }
    }

    return 0;
}


/* --- changes ------------------------------------------------------------- */


static void
change_to_known(text_t *text, span_t leaf, uint32_t *seed)
{
    static const char *const  known[] = {
        "", "0", "1", "2", "3", "9", "-1", "0.5", "100", "50.0", "0.001",
        "999999999999999", "9999999999999999.99", "-0", "1e3", "00", "01",
        "20260105", "20260110", "202601051200", "202601110000", "20240229",
        "19000101", "199003140000", "199000000000", "202602300930", "29991231",
        "01/01/2026", "31/12/2025", "1.1", "1.17", "3.6", "J20.9", "U00",
        "J20.9;I10", "A;B;C", ";", "DN4010100000000", "TE1790000000000",
        "001190000000", "79", "99001", "99002", "true", "null", "Ă", "Ã¡"
    };

    const char  *value = known[draw(seed, sizeof(known) / sizeof(known[0]))];

    put(text, leaf, value, strlen(value));
}


/* One digit more or less, one step up or down. */

static void
change_digit(text_t *text, span_t leaf, uint32_t *seed)
{
    char    *p;
    size_t   len = leaf.end - leaf.start;

    if (len == 0) {
        put(text, leaf, "1", 1);

        return;
    }

    p = text->data + leaf.start + draw(seed, len);

    if (*p >= '0' && *p <= '9') {
        *p = (char) ('0' + draw(seed, 10));

    } else {
        leaf.start = (size_t) (p - text->data);
        leaf.end = leaf.start + 1;
        put(text, leaf, "0", draw(seed, 2));
    }
}


static void
change_bytes(text_t *text, span_t leaf)
{
    char    value[MUTATE_VALUE];
    size_t  len = leaf.end - leaf.start;

    len = len < sizeof(value) ? len : sizeof(value);
    memcpy(value, text->data + leaf.start, len);
    len = LLVMFuzzerMutate((uint8_t *) value, len, sizeof(value));
    put(text, leaf, value, len);
}


static void
change_to_other(text_t *text, span_t leaf, span_t other)
{
    char    value[MUTATE_VALUE];
    size_t  len = other.end - other.start;

    if (len <= sizeof(value)) {
        memcpy(value, text->data + other.start, len);
        put(text, leaf, value, len);
    }
}


/* Twice, or not at all; a list keeps its commas. */

static void
change_element(text_t *text, uint32_t *seed)
{
    char    *copy;
    size_t   len;
    span_t   element;

    if (!element_any(text, seed, &element)) {
        return;
    }

    if (draw(seed, 3) == 0) {
        put(text, element, "", 0);

        return;
    }

    len = element.end - element.start;
    copy = malloc(len + 1);
    fuzz_check(copy != NULL);

    memcpy(copy, text->data + element.start, len);
    copy[len] = ',';
    len += (copy[0] == '{');
    element.end = element.start;
    put(text, element, copy, len);

    free(copy);
}


static void
change_leaf(text_t *text, uint32_t *seed)
{
    static span_t  leaves[MUTATE_LEAVES];

    size_t  n = leaves_of(text, leaves);
    span_t  leaf;

    if (n == 0) {
        return;
    }

    leaf = leaves[draw(seed, n)];

    switch (draw(seed, 4)) {

    case 0:
        change_to_known(text, leaf, seed);
        break;

    case 1:
        change_digit(text, leaf, seed);
        break;

    case 2:
        change_to_other(text, leaf, leaves[draw(seed, n)]);
        break;

    default:
        change_bytes(text, leaf);
        break;
    }
}


static void
change(text_t *text, uint32_t *seed)
{
    for (uint32_t n = 1 + draw(seed, MUTATE_ROUNDS); n; n--) {
        switch (draw(seed, 12)) {

        case 0:
            text->len = LLVMFuzzerMutate((uint8_t *) text->data, text->len,
                                         text->room);
            break;

        case 1:
        case 2:
            change_element(text, seed);
            break;

        default:
            change_leaf(text, seed);
            break;
        }
    }
}


/* --- sections ------------------------------------------------------------ */


static size_t
sections_of(const text_t *text, span_t *sections)
{
    static const char *const  marks[] = { "<NOIDUNGFILE>", "\"SIGNDATA\"" };

    size_t       n = 0;
    const char  *p, *end = text->data + text->len;

    for (size_t i = 0; i < 2; i++) {
        size_t  len = strlen(marks[i]);

        for (p = text->data; n < MUTATE_SECTIONS; n++) {
            p = memmem(p, (size_t) (end - p), marks[i], len);

            if (p == NULL) {
                break;
            }

            for (p += len; p < end && strchr(" :\"", *p); p++) {
                /* void */
            }

            sections[n].start = (size_t) (p - text->data);

            while (p < end && *p != '<' && *p != '"') {
                p++;
            }

            sections[n].end = (size_t) (p - text->data);
        }
    }

    return n;
}


/* 0: it is no Base64. */

static int
change_section(text_t *text, span_t section, uint32_t *seed)
{
    char         *encoded;
    size_t        len = section.end - section.start;
    text_t        inner;
    ehr_base64_t  base64;

    inner.room = ehr_base64_room(len) + MUTATE_VALUE * MUTATE_ROUNDS;
    inner.data = malloc(inner.room);
    encoded = malloc(inner.room / 3 * 4 + 8);
    fuzz_check(inner.data != NULL && encoded != NULL);

    ehr_base64_init(&base64);
    inner.len = ehr_base64_feed(&base64, text->data + section.start, len,
                                (uint8_t *) inner.data);

    if (ehr_base64_finish(&base64) == EHR_OK) {
        change(&inner, seed);
        len = (size_t) EVP_EncodeBlock((unsigned char *) encoded,
                                       (const unsigned char *) inner.data,
                                       (int) inner.len);
        put(text, section, encoded, len);
        len = 1;

    } else {
        len = 0;
    }

    free(encoded);
    free(inner.data);

    return len != 0;
}


size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                        unsigned seed)
{
    size_t    n;
    span_t    sections[MUTATE_SECTIONS];
    text_t    text = { (char *) data, size, max_size };
    uint32_t  state = (seed * 2654435761u) | 1;

    if (size == 0 || draw(&state, 10) == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }

    n = sections_of(&text, sections);

    if (n && draw(&state, 12)
        && change_section(&text, sections[draw(&state, n)], &state))
    {
        return text.len;
    }

    change(&text, &state);

    return text.len;
}
