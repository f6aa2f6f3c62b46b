/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The body the partner reads: application/x-www-form-urlencoded, the document
 * in Base64 with '+', '/' and '=' escaped, because a bare '+' arrives there
 * as a blank.  What the fields mean is not known here.
 */

#include <string.h>

#include <openssl/evp.h>

#include "insurance.h"


static const char  hex[] = "0123456789ABCDEF";

static const char  base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789+/";


static int
is_plain(unsigned char ch)
{
    return (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z')
           || (ch >= 'a' && ch <= 'z') || ch == '-' || ch == '.' || ch == '_';
}


static size_t
escaped_len(ehr_str_t text)
{
    size_t  i, n;

    for (i = 0, n = 0; i < text.len; i++) {
        n += is_plain((unsigned char) text.data[i]) ? 1 : 3;
    }

    return n;
}


static char *
put_escaped(char *p, unsigned char ch)
{
    *p++ = '%';
    *p++ = hex[ch >> 4];
    *p++ = hex[ch & 15];

    return p;
}


static char *
put_text(char *p, ehr_str_t text)
{
    size_t         i;
    unsigned char  ch;

    for (i = 0; i < text.len; i++) {
        ch = (unsigned char) text.data[i];

        if (is_plain(ch)) {
            *p++ = (char) ch;

        } else {
            p = put_escaped(p, ch);
        }
    }

    return p;
}


/*
 * Base64 is written here and not by OpenSSL because it is escaped in the same
 * pass: half the time, and a claim's form is most of what a delivery costs.
 * Three bytes are four sextets; 62 and 63, '+' and '/', are those whose upper
 * five bits are all set.  Gives a bit for each such sextet.
 */

static uint32_t
sextets_to_escape(uint32_t v)
{
    uint32_t  ones;

    ones = v & v >> 1;
    ones &= ones >> 2;
    ones &= v >> 4;

    return ones & (1 << 1 | 1 << 7 | 1 << 13 | 1 << 19);
}


static uint32_t
three_bytes(const unsigned char *p)
{
    return (uint32_t) p[0] << 16 | (uint32_t) p[1] << 8 | p[2];
}


/* The last one or two bytes, zeros after them. */

static uint32_t
last_bytes(const unsigned char *p, size_t left)
{
    return (uint32_t) p[0] << 16 | (left == 2 ? (uint32_t) p[1] << 8 : 0);
}


static size_t
base64_len(ehr_str_t content)
{
    size_t                n, left;
    uint32_t              found;
    const unsigned char  *p;

    n = (content.len + 2) / 3 * 4;
    p = (const unsigned char *) content.data;

    for (left = content.len; left >= 3; left -= 3, p += 3) {
        for (found = sextets_to_escape(three_bytes(p)); found;
             found &= found - 1)
        {
            n += 2;
        }
    }

    if (left == 0) {
        return n;
    }

    n += 2 * (3 - left);

    for (found = sextets_to_escape(last_bytes(p, left)); found;
         found &= found - 1)
    {
        n += 2;
    }

    return n;
}


static char *
put_sextets(char *p, uint32_t v, unsigned n)
{
    unsigned  i, ch;

    for (i = 0; i < n; i++) {
        ch = (unsigned char) base64[v >> (18 - 6 * i) & 63];

        if (ch == '+' || ch == '/') {
            p = put_escaped(p, (unsigned char) ch);

        } else {
            *p++ = (char) ch;
        }
    }

    return p;
}


static char *
put_base64(char *p, ehr_str_t content)
{
    size_t                left;
    uint32_t              v;
    const unsigned char  *from;

    from = (const unsigned char *) content.data;

    for (left = content.len; left >= 3; left -= 3, from += 3) {
        v = three_bytes(from);

        if (sextets_to_escape(v)) {
            p = put_sextets(p, v, 4);
            continue;
        }

        p[0] = base64[v >> 18];
        p[1] = base64[v >> 12 & 63];
        p[2] = base64[v >> 6 & 63];
        p[3] = base64[v & 63];
        p += 4;
    }

    if (left > 0) {
        p = put_sextets(p, last_bytes(from, left), (unsigned) left + 1);
    }

    for (/* void */; left > 0 && left < 3; left++) {
        p = put_escaped(p, '=');
    }

    return p;
}


static char *
put_name(char *p, ehr_str_t text)
{
    memcpy(p, text.data, text.len);
    p += text.len;
    *p++ = '=';

    return p;
}


ehr_str_t
insurance_form(const insurance_t *in, const insurance_field_t *fields,
               size_t nfields, const insurance_field_t *content)
{
    char    *body, *p;
    size_t   i, size;

    size = 1;

    for (i = 0; i < nfields; i++) {
        size += fields[i].name.len + 2 + escaped_len(fields[i].value);
    }

    if (content != NULL) {
        if (content->value.len > INSURANCE_MAX_CONTENT) {
            return (ehr_str_t) ehr_null_string;
        }

        size += content->name.len + 1 + base64_len(content->value);
    }

    body = in->host->alloc(in->call, size);
    if (body == NULL) {
        return (ehr_str_t) ehr_null_string;
    }

    p = body;

    for (i = 0; i < nfields; i++) {
        p = put_name(p, fields[i].name);
        p = put_text(p, fields[i].value);
        *p++ = '&';
    }

    if (content != NULL) {
        p = put_name(p, content->name);
        p = put_base64(p, content->value);

    } else if (p > body) {
        p--;
    }

    return (ehr_str_t){ body, (size_t) (p - body) };
}


ehr_str_t
insurance_md5(const insurance_t *in, ehr_str_t text)
{
    char           *p;
    unsigned        i, len;
    unsigned char   md[EVP_MAX_MD_SIZE];

    if (EVP_Digest(text.data, text.len, md, &len, EVP_md5(), NULL) != 1
        || len * 2 != INSURANCE_MD5_HEX)
    {
        return (ehr_str_t) ehr_null_string;
    }

    p = in->host->alloc(in->call, INSURANCE_MD5_HEX);
    if (p == NULL) {
        return (ehr_str_t) ehr_null_string;
    }

    for (i = 0; i < len; i++) {
        p[2 * i] = hex[md[i] >> 4];
        p[2 * i + 1] = hex[md[i] & 15];
    }

    return (ehr_str_t){ p, INSURANCE_MD5_HEX };
}
