/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Base64url without padding (RFC 4648 section 5; RFC 7515 section 2).  Every
 * byte string has exactly one text here: whatever else decodes elsewhere
 * (padding, the other alphabet, blanks, loose trailing bits) is refused.
 */

#include "ehr_jose.h"


static const char  ehr_base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";


static int ehr_base64url_value(char c);


ehr_str_t
ehr_base64url_encode(const void *data, size_t len, ehr_arena_t *arena)
{
    char           *out;
    size_t          size, bits = 0, n = 0;
    uint32_t        word = 0;
    ehr_str_t       text = ehr_null_string;
    const uint8_t  *in = data;

    if (len > SIZE_MAX / 2) {
        return text;
    }

    size = len / 3 * 4 + (len % 3 ? len % 3 + 1 : 0);

    out = ehr_arena_alloc(arena, size + 1);
    if (out == NULL) {
        return text;
    }

    for (size_t i = 0; i < len; i++) {
        word = word << 8 | in[i];

        for (bits += 8; bits >= 6; bits -= 6) {
            out[n++] = ehr_base64url_digits[word >> (bits - 6) & 0x3f];
        }
    }

    if (bits != 0) {
        out[n++] = ehr_base64url_digits[word << (6 - bits) & 0x3f];
    }

    out[n] = '\0';

    text.data = out;
    text.len = n;

    return text;
}


ehr_str_t
ehr_base64url_decode(ehr_str_t text, ehr_arena_t *arena)
{
    int              value;
    char            *out;
    size_t           n = 0, bits = 0;
    uint32_t         word = 0;
    ehr_str_t        bytes = ehr_null_string;
    const ehr_str_t  refused = { NULL, (size_t) -1 };

    if (text.len % 4 == 1) {
        return refused;
    }

    out = ehr_arena_alloc(arena, text.len / 4 * 3 + 3);
    if (out == NULL) {
        return bytes;
    }

    for (size_t i = 0; i < text.len; i++) {
        value = ehr_base64url_value(text.data[i]);
        if (value < 0) {
            return refused;
        }

        word = word << 6 | (uint32_t) value;
        bits += 6;

        if (bits >= 8) {
            bits -= 8;
            out[n++] = (char) (word >> bits & 0xff);
        }
    }

    if ((word & ((1u << bits) - 1)) != 0) {
        return refused;
    }

    out[n] = '\0';

    bytes.data = out;
    bytes.len = n;

    return bytes;
}


static int
ehr_base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    if (c == '-') {
        return 62;
    }

    return c == '_' ? 63 : -1;
}
