/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Base64 of documents and of tokens: there is one text for one sequence of
 * bytes, and where the pieces of a stream end does not matter.
 */

#include <stdlib.h>

#include <openssl/evp.h>

#include "ehr_base64.h"
#include "ehr_jose.h"
#include "fuzz.h"


void
fuzz_begin(void)
{
}


static ehr_str_t
without_blanks(ehr_str_t text, ehr_arena_t *arena)
{
    char       *copy = ehr_arena_alloc(arena, text.len + 1);
    ehr_str_t   s = { copy, 0 };

    fuzz_check(copy != NULL);

    for (size_t i = 0; i < text.len; i++) {
        if (strchr(" \t\r\n", text.data[i]) == NULL || text.data[i] == '\0') {
            copy[s.len++] = text.data[i];
        }
    }

    return s;
}


static void
check_encoded(ehr_str_t bytes, ehr_str_t text, ehr_arena_t *arena)
{
    ehr_str_t       bare = without_blanks(text, arena);
    unsigned char  *back = ehr_arena_alloc(arena, bytes.len / 3 * 4 + 5);
    int             n;

    fuzz_check(back != NULL);
    n = EVP_EncodeBlock(back, (const unsigned char *) bytes.data,
                        (int) bytes.len);

    fuzz_check(n >= 0 && (size_t) n == bare.len);
    fuzz_check(memcmp(back, bare.data, bare.len) == 0);
}


/* In pieces of any length, each read into exactly the room it may need. */

static ehr_rc_t
feed_pieces(ehr_str_t text, unsigned step, ehr_str_t *bytes,
            ehr_arena_t *arena)
{
    size_t        n, len;
    char         *all = ehr_arena_alloc(arena, ehr_base64_room(text.len));
    ehr_base64_t  base64;

    fuzz_check(all != NULL);
    ehr_base64_init(&base64);
    bytes->data = all;
    bytes->len = 0;

    for (; text.len; text.data += n, text.len -= n) {
        uint8_t  *out;

        n = step < text.len ? step : text.len;
        step = step * 5 % 61 + 1;

        out = malloc(ehr_base64_room(n));
        fuzz_check(out != NULL);
        len = ehr_base64_feed(&base64, text.data, n, out);
        fuzz_check(len <= ehr_base64_room(n));
        memcpy(all + bytes->len, out, len);
        bytes->len += len;
        free(out);
    }

    return ehr_base64_finish(&base64);
}


static void
check_url(ehr_str_t text, ehr_arena_t *arena)
{
    ehr_str_t  bytes = ehr_base64url_decode(text, arena);
    ehr_str_t  back;

    if (bytes.data == NULL) {
        fuzz_check(bytes.len == (size_t) -1);

        return;
    }

    back = ehr_base64url_encode(bytes.data, bytes.len, arena);
    fuzz_check(back.data != NULL && ehr_str_eq(back, text));
}


void
fuzz_one(ehr_str_t text, ehr_arena_t *arena)
{
    unsigned   step = fuzz_byte(&text) + 1;
    ehr_rc_t   rc = EHR_OK, pieces;
    ehr_str_t  bytes, same;

    bytes = ehr_base64_decode(text, arena, &rc);
    pieces = feed_pieces(text, step, &same, arena);

    if (bytes.data == NULL) {
        fuzz_check(rc == EHR_REFUSED && pieces == EHR_REFUSED);

    } else {
        fuzz_check(pieces == EHR_OK && ehr_str_eq(bytes, same));
        check_encoded(bytes, text, arena);
    }

    check_url(text, arena);
}
