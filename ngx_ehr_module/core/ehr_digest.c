/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reads what a sender promised about the bytes of its body.  RFC 8941 has a
 * field that cannot be parsed ignored; here it is broken instead: whoever
 * promises a digest wants it verified.  Knows no body and no header.
 */

#include "ehr_base64.h"
#include "ehr_digest.h"


#define DIGEST_BASE64   44        /* characters of 32 bytes, with padding */
#define DIGEST_INTEGER  15        /* digits, RFC 8941 section 3.3.1 */
#define DIGEST_WHOLE    12        /* digits before a point, section 3.3.2 */
#define DIGEST_DECIMAL  3         /* and behind it */


#define DIGEST_LOWER    "abcdefghijklmnopqrstuvwxyz"
#define DIGEST_ALPHA    DIGEST_LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGEST_DIGIT    "0123456789"


/* Every loop moves p towards end, so that a line is the bound of all. */

typedef struct {
    const char  *p;
    const char  *end;
} digest_line_t;


static int
digest_is(const digest_line_t *l, const char *set)
{
    return l->p < l->end && *l->p != '\0' && strchr(set, *l->p) != NULL;
}


static int
digest_take(digest_line_t *l, const char *set)
{
    if (!digest_is(l, set)) {
        return 0;
    }

    l->p++;

    return 1;
}


static size_t
digest_skip(digest_line_t *l, const char *set)
{
    const char  *was = l->p;

    while (digest_take(l, set)) {
        /* void */
    }

    return (size_t) (l->p - was);
}


/* --- bare items: 1, or 0 when there is none ------------------------------ */


static int
digest_bytes(digest_line_t *l, ehr_str_t *text)
{
    text->data = ++l->p;
    text->len = digest_skip(l, DIGEST_ALPHA DIGEST_DIGIT "+/=");

    return digest_take(l, ":");
}


static int
digest_string(digest_line_t *l)
{
    for (l->p++; l->p < l->end; l->p++) {

        if (*l->p == '"') {
            l->p++;

            return 1;
        }

        if (*l->p < ' ' || *l->p > '~') {
            return 0;
        }

        if (*l->p == '\\') {
            l->p++;

            if (!digest_is(l, "\"\\")) {
                return 0;
            }
        }
    }

    return 0;
}


static int
digest_number(digest_line_t *l)
{
    size_t  n;

    (void) digest_take(l, "-");
    n = digest_skip(l, DIGEST_DIGIT);

    if (n == 0 || !digest_take(l, ".")) {
        return n > 0 && n <= DIGEST_INTEGER;
    }

    if (n > DIGEST_WHOLE) {
        return 0;
    }

    n = digest_skip(l, DIGEST_DIGIT);

    return n > 0 && n <= DIGEST_DECIMAL;
}


/* *text only of a byte sequence; else as it was. */

static int
digest_bare(digest_line_t *l, ehr_str_t *text)
{
    if (digest_is(l, ":")) {
        return digest_bytes(l, text);
    }

    if (digest_is(l, "\"")) {
        return digest_string(l);
    }

    if (digest_is(l, "-" DIGEST_DIGIT)) {
        return digest_number(l);
    }

    if (digest_take(l, "?")) {
        return digest_take(l, "01");
    }

    if (!digest_take(l, DIGEST_ALPHA "*")) {
        return 0;
    }

    (void) digest_skip(l, DIGEST_ALPHA DIGEST_DIGIT "!#$%&'*+-.^_`|~:/");

    return 1;
}


/* --- members ------------------------------------------------------------- */


static ehr_str_t
digest_key(digest_line_t *l)
{
    ehr_str_t  key = { l->p, 0 };

    if (digest_is(l, DIGEST_LOWER "*")) {
        key.len = digest_skip(l, DIGEST_LOWER DIGEST_DIGIT "_-.*");
    }

    return key;
}


static int
digest_parameters(digest_line_t *l)
{
    ehr_str_t  ignored = ehr_null_string;

    while (digest_take(l, ";")) {
        (void) digest_skip(l, " ");

        if (digest_key(l).len == 0) {
            return 0;
        }

        if (digest_take(l, "=") && !digest_bare(l, &ignored)) {
            return 0;
        }
    }

    return 1;
}


static int
digest_inner_list(digest_line_t *l)
{
    ehr_str_t  ignored = ehr_null_string;

    (void) digest_skip(l, " ");

    while (!digest_take(l, ")")) {

        if (!digest_bare(l, &ignored) || !digest_parameters(l)
            || !digest_is(l, " )"))
        {
            return 0;
        }

        (void) digest_skip(l, " ");
    }

    return 1;
}


/* RFC 8941 section 4.2.7 wants no fault found in padding that is left out. */

static int
digest_decode(ehr_str_t text, uint8_t sha256[EHR_SHA256_LEN])
{
    uint8_t       bytes[ehr_base64_room(DIGEST_BASE64) + ehr_base64_room(1)];
    size_t        n;
    ehr_base64_t  b;

    if (text.len > DIGEST_BASE64) {
        return 0;
    }

    ehr_base64_init(&b);
    n = ehr_base64_feed(&b, text.data, text.len, bytes);

    if (text.len == DIGEST_BASE64 - 1) {
        n += ehr_base64_feed(&b, "=", 1, bytes + n);
    }

    if (n != EHR_SHA256_LEN || ehr_base64_finish(&b) != EHR_OK) {
        return 0;
    }

    memcpy(sha256, bytes, EHR_SHA256_LEN);

    return 1;
}


static int
digest_member(ehr_digest_t *digest, digest_line_t *l)
{
    ehr_str_t  key = digest_key(l), text = ehr_null_string;

    if (key.len == 0) {
        return 0;
    }

    /* without a value it is the boolean true */
    if (digest_take(l, "=")
        && !(digest_take(l, "(") ? digest_inner_list(l)
                                 : digest_bare(l, &text)))
    {
        return 0;
    }

    if (!digest_parameters(l)) {
        return 0;
    }

    if (!ehr_str_is(key, "sha-256")) {
        return 1;
    }

    digest->has_sha256 = 1;

    return digest_decode(text, digest->sha256);
}


static int
digest_dictionary(ehr_digest_t *digest, digest_line_t *l)
{
    (void) digest_skip(l, " ");

    while (l->p < l->end) {

        if (!digest_member(digest, l)) {
            return 0;
        }

        (void) digest_skip(l, " \t");

        if (l->p == l->end) {
            return 1;
        }

        if (!digest_take(l, ",")) {
            return 0;
        }

        (void) digest_skip(l, " \t");

        if (l->p == l->end) {
            return 0;
        }
    }

    return 1;
}


void
ehr_digest_read(ehr_digest_t *digest, ehr_str_t line)
{
    digest_line_t  l = { line.data, line.data + line.len };

    if (!digest_dictionary(digest, &l)) {
        digest->is_broken = 1;
    }
}
