/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Content-Digest, a line feed between its lines: where a line ends does not
 * matter, and what was read is read again from its own text.
 */

#include <openssl/evp.h>

#include "ehr_digest.h"
#include "fuzz.h"


void
fuzz_begin(void)
{
}


static void
check_again(const ehr_digest_t *digest)
{
    char          text[64] = "sha-256=:";
    size_t        len = strlen(text);
    ehr_str_t     line = { text, 0 };
    ehr_digest_t  again;

    memset(&again, 0, sizeof(again));
    len += (size_t) EVP_EncodeBlock((unsigned char *) text + len,
                                    digest->sha256, EHR_SHA256_LEN);
    text[len++] = ':';
    line.len = len;

    ehr_digest_read(&again, line);
    fuzz_check(!again.is_broken && again.has_sha256);
    fuzz_check(memcmp(again.sha256, digest->sha256, EHR_SHA256_LEN) == 0);
}


/* What an intermediary makes of several lines, RFC 9110 section 5.3. */

static ehr_str_t
joined(const ehr_str_t *lines, size_t n, ehr_arena_t *arena)
{
    char       *text;
    size_t      room = 1;
    ehr_str_t   all;

    for (size_t i = 0; i < n; i++) {
        room += lines[i].len + 2;
    }

    text = ehr_arena_alloc(arena, room);
    fuzz_check(text != NULL);
    all.data = text;
    all.len = 0;

    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            memcpy(text + all.len, ", ", 2);
            all.len += 2;
        }

        memcpy(text + all.len, lines[i].data, lines[i].len);
        all.len += lines[i].len;
    }

    return all;
}


void
fuzz_one(ehr_str_t bytes, ehr_arena_t *arena)
{
    size_t        n = 0;
    ehr_str_t     lines[8], all;
    ehr_digest_t  digest, same;

    memset(&digest, 0, sizeof(digest));
    memset(&same, 0, sizeof(same));

    while (bytes.len > 0 && n < 8) {
        lines[n] = fuzz_part(&bytes, '\n');

        while (lines[n].len > 0 && *lines[n].data == ' ') {
            lines[n].data++;
            lines[n].len--;
        }

        if (lines[n].len > 0) {
            ehr_digest_read(&digest, lines[n++]);
        }
    }

    if (digest.has_sha256 && !digest.is_broken) {
        check_again(&digest);
    }

    /* only strings can be cut by a comma and whole without one */
    all = joined(lines, n, arena);
    ehr_digest_read(&same, all);

    if (!digest.is_broken && memchr(all.data, '"', all.len) == NULL) {
        fuzz_check(!same.is_broken && same.has_sha256 == digest.has_sha256);
        fuzz_check(memcmp(same.sha256, digest.sha256, EHR_SHA256_LEN) == 0);
    }
}
