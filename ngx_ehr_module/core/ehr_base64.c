/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Turns Base64 into bytes, piece by piece.  Knows no document and takes no
 * memory but what it is given.
 */

#include "ehr_base64.h"


#define B64_VALUE  0x80       /* the lower six bits are a value */
#define B64_BLANK  0x40       /* dropped */
#define B64_PAD    0x41

#define V(n)  (B64_VALUE | (n))


/* 0 is no character of Base64. */

static const uint8_t  base64_value[256] = {
    ['\t'] = B64_BLANK, ['\n'] = B64_BLANK, ['\r'] = B64_BLANK,
    [' '] = B64_BLANK, ['='] = B64_PAD,
    ['A'] = V(0), V(1), V(2), V(3), V(4), V(5), V(6), V(7), V(8), V(9),
    V(10), V(11), V(12), V(13), V(14), V(15), V(16), V(17), V(18), V(19),
    V(20), V(21), V(22), V(23), V(24), V(25),
    ['a'] = V(26), V(27), V(28), V(29), V(30), V(31), V(32), V(33), V(34),
    V(35), V(36), V(37), V(38), V(39), V(40), V(41), V(42), V(43), V(44),
    V(45), V(46), V(47), V(48), V(49), V(50), V(51),
    ['0'] = V(52), V(53), V(54), V(55), V(56), V(57), V(58), V(59), V(60),
    V(61),
    ['+'] = V(62), ['/'] = V(63)
};


/* The values once more, for each place of a group where they belong in it.
 * Each adds one to the byte above, so that four of them are told by a sum. */

#define W(n)  (UINT32_C(1) << 24 | (uint32_t) (n) << B64_PLACE)

#define B64_PLACES                                                            \
    ['A'] = W(0), W(1), W(2), W(3), W(4), W(5), W(6), W(7), W(8), W(9),       \
    W(10), W(11), W(12), W(13), W(14), W(15), W(16), W(17), W(18), W(19),     \
    W(20), W(21), W(22), W(23), W(24), W(25),                                 \
    ['a'] = W(26), W(27), W(28), W(29), W(30), W(31), W(32), W(33), W(34),    \
    W(35), W(36), W(37), W(38), W(39), W(40), W(41), W(42), W(43), W(44),     \
    W(45), W(46), W(47), W(48), W(49), W(50), W(51),                          \
    ['0'] = W(52), W(53), W(54), W(55), W(56), W(57), W(58), W(59), W(60),    \
    W(61),                                                                    \
    ['+'] = W(62), ['/'] = W(63)

static const uint32_t  base64_first[256] = {
#define B64_PLACE  18
    B64_PLACES
#undef B64_PLACE
};

static const uint32_t  base64_second[256] = {
#define B64_PLACE  12
    B64_PLACES
#undef B64_PLACE
};

static const uint32_t  base64_third[256] = {
#define B64_PLACE  6
    B64_PLACES
#undef B64_PLACE
};

static const uint32_t  base64_fourth[256] = {
#define B64_PLACE  0
    B64_PLACES
#undef B64_PLACE
};


void
ehr_base64_init(ehr_base64_t *b)
{
    memset(b, 0, sizeof(*b));
}


/* Whole groups of plain characters; stops before anything else. */

static size_t
base64_groups(const uint8_t *text, size_t len, uint8_t *out)
{
    size_t    at = 0;
    uint32_t  group;

    for ( /* void */ ; at + 4 <= len; at += 4) {
        group = base64_first[text[at]] + base64_second[text[at + 1]]
                + base64_third[text[at + 2]] + base64_fourth[text[at + 3]];

        if (group >> 24 != 4) {
            break;
        }

        *out++ = (uint8_t) (group >> 16);
        *out++ = (uint8_t) (group >> 8);
        *out++ = (uint8_t) group;
    }

    return at;
}


/* The group is full: 1 to 3 bytes.  Padding may stand only in its third and
 * fourth place, and must hide no bits: else two texts would be one value. */

static size_t
base64_group_end(ehr_base64_t *b, uint8_t *out)
{
    static const uint32_t  hidden[3] = { 0, 0xff, 0xffff };
    size_t                 n = 3 - (size_t) b->npad;

    if (b->npad > 2 || (b->bits & hidden[b->npad]) != 0) {
        b->is_broken = 1;

        return 0;
    }

    out[0] = (uint8_t) (b->bits >> 16);

    if (n > 1) {
        out[1] = (uint8_t) (b->bits >> 8);
    }

    if (n > 2) {
        out[2] = (uint8_t) b->bits;
    }

    b->is_done = (b->npad > 0);
    b->bits = 0;
    b->n = 0;
    b->npad = 0;

    return n;
}


static size_t
base64_character(ehr_base64_t *b, uint8_t character, uint8_t *out)
{
    uint8_t  value = base64_value[character];

    if (value == B64_BLANK) {
        return 0;
    }

    if (value == 0 || b->is_done || (b->npad && value != B64_PAD)) {
        b->is_broken = 1;

        return 0;
    }

    b->npad = (uint8_t) (b->npad + (value == B64_PAD));
    b->bits = b->bits << 6 | (value == B64_PAD ? 0 : value & 0x3f);
    b->n++;

    return b->n == 4 ? base64_group_end(b, out) : 0;
}


size_t
ehr_base64_feed(ehr_base64_t *b, const char *text, size_t len, uint8_t *out)
{
    const uint8_t  *in = (const uint8_t *) text;
    uint8_t        *begin = out;
    size_t          at = 0, taken;

    while (at < len && !b->is_broken) {
        if (b->n == 0 && !b->is_done) {
            taken = base64_groups(in + at, len - at, out);
            at += taken;
            out += taken / 4 * 3;
        }

        if (at < len) {
            out += base64_character(b, in[at++], out);
        }
    }

    return (size_t) (out - begin);
}


ehr_rc_t
ehr_base64_finish(const ehr_base64_t *b)
{
    return (b->is_broken || b->n != 0) ? EHR_REFUSED : EHR_OK;
}


ehr_str_t
ehr_base64_decode(ehr_str_t text, ehr_arena_t *arena, ehr_rc_t *rc)
{
    ehr_base64_t  b;
    ehr_str_t     bytes = ehr_null_string;
    uint8_t      *out;

    out = ehr_arena_alloc(arena, ehr_base64_room(text.len));
    if (out == NULL) {
        *rc = EHR_BROKEN;

        return bytes;
    }

    ehr_base64_init(&b);
    bytes.len = ehr_base64_feed(&b, text.data, text.len, out);
    *rc = ehr_base64_finish(&b);

    if (*rc != EHR_OK) {
        bytes.len = 0;

        return bytes;
    }

    bytes.data = (const char *) out;

    return bytes;
}
