/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Reads answers of a server that may die in the middle of one: an answer
 * counts only when it is whole.  Refuses an answer that ends with the
 * connection: its end cannot be told from a crash.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http.h"


#define HTTP_CHUNKS_MAX  65536
#define HTTP_NAME_MAX    64
#define HTTP_STEP        4096


void
http_answer_reset(http_answer_t *a)
{
    char    *bytes = a->bytes;
    size_t   size = a->size;

    memset(a, 0, sizeof(http_answer_t));

    a->bytes = bytes;
    a->size = size;
}


void
http_answer_free(http_answer_t *a)
{
    free(a->bytes);
    memset(a, 0, sizeof(http_answer_t));
}


static int
http_answer_append(http_answer_t *a, const char *data, size_t len)
{
    char    *bytes;
    size_t   size;

    if (a->len + len > HTTP_ANSWER_MAX) {
        return -1;
    }

    if (a->len + len + 1 > a->size) {
        size = (a->len + len + 1) * 2 + HTTP_STEP;

        bytes = realloc(a->bytes, size);
        if (bytes == NULL) {
            return -1;
        }

        a->bytes = bytes;
        a->size = size;
    }

    memcpy(a->bytes + a->len, data, len);
    a->len += len;
    a->bytes[a->len] = '\0';

    return 0;
}


/* The value of a header field in the head, or NULL. */

static const char *
http_field(const http_answer_t *a, const char *name)
{
    size_t       len;
    const char  *p, *end;

    len = strlen(name);
    end = a->bytes + a->head_len;

    p = memmem(a->bytes, a->head_len, "\r\n", 2);

    while (p != NULL) {
        p += 2;

        if ((size_t) (end - p) > len && p[len] == ':'
            && strncasecmp(p, name, len) == 0)
        {
            p += len + 1;
            return p + strspn(p, " \t");
        }

        p = memmem(p, (size_t) (end - p), "\r\n", 2);
    }

    return NULL;
}


static int
http_head_has_body(const http_answer_t *a)
{
    return a->status != 204 && a->status != 304;
}


static http_rc_e
http_read_head(http_answer_t *a)
{
    char        *end;
    const char  *value;

    end = memmem(a->bytes, a->len, "\r\n\r\n", 4);
    if (end == NULL) {
        return HTTP_MORE;
    }

    a->head_len = (size_t) (end + 4 - a->bytes);

    if (sscanf(a->bytes, "HTTP/1.1 %3d", &a->status) != 1
        || a->status < 200 || a->status > 599)
    {
        return HTTP_BAD;
    }

    value = http_field(a, "Connection");
    a->is_last = (value != NULL && strncasecmp(value, "close", 5) == 0);

    value = http_field(a, "Transfer-Encoding");
    a->is_chunked = (value != NULL && strncasecmp(value, "chunked", 7) == 0);

    if (a->is_chunked || !http_head_has_body(a)) {
        return HTTP_DONE;
    }

    value = http_field(a, "Content-Length");
    if (value == NULL) {
        return HTTP_BAD;
    }

    a->body_len = strtoul(value, NULL, 10);

    return a->body_len > HTTP_ANSWER_MAX ? HTTP_BAD : HTTP_DONE;
}


/* Reads the size at *p; *p is then the chunk's first byte. */

static http_rc_e
http_chunk_size(const http_answer_t *a, const char **p, size_t *size)
{
    char        *end;
    const char  *eol;

    eol = memmem(*p, a->len - (size_t) (*p - a->bytes), "\r\n", 2);
    if (eol == NULL) {
        return HTTP_MORE;
    }

    *size = strtoul(*p, &end, 16);

    if (end == *p || *size > HTTP_ANSWER_MAX) {
        return HTTP_BAD;
    }

    *p = eol + 2;

    return HTTP_DONE;
}


/* Walks the chunks from the first, and with join moves them together. */

static http_rc_e
http_walk_chunks(http_answer_t *a, int join)
{
    char        *out;
    size_t       size, left;
    http_rc_e    rc;
    const char  *p;

    p = a->bytes + a->head_len;
    out = a->bytes + a->head_len;

    for (int i = 0; i < HTTP_CHUNKS_MAX; i++) {
        rc = http_chunk_size(a, &p, &size);
        if (rc != HTTP_DONE) {
            return rc;
        }

        left = a->len - (size_t) (p - a->bytes);
        if (left < size + 2) {
            return HTTP_MORE;
        }

        if (size == 0) {
            a->body_len = (size_t) (out - a->bytes) - a->head_len;
            return HTTP_DONE;
        }

        if (join) {
            memmove(out, p, size);
        }

        out += size;
        p += size + 2;
    }

    return HTTP_BAD;
}


static http_rc_e
http_read_chunks(http_answer_t *a)
{
    http_rc_e  rc;

    rc = http_walk_chunks(a, 0);
    if (rc != HTTP_DONE) {
        return rc;
    }

    /* the walk overwrites only what it has passed */

    rc = http_walk_chunks(a, 1);
    a->bytes[a->head_len + a->body_len] = '\0';

    return rc;
}


http_rc_e
http_answer_feed(http_answer_t *a, const char *data, size_t len)
{
    size_t     whole;
    http_rc_e  rc;

    if (http_answer_append(a, data, len) != 0) {
        return HTTP_BAD;
    }

    if (a->head_len == 0) {
        rc = http_read_head(a);
        if (rc != HTTP_DONE) {
            return rc;
        }
    }

    if (a->is_chunked) {
        return http_read_chunks(a);
    }

    whole = a->head_len + a->body_len;

    if (a->len > whole) {
        return HTTP_BAD;
    }

    return a->len == whole ? HTTP_DONE : HTTP_MORE;
}


const char *
http_answer_body(const http_answer_t *a)
{
    return a->bytes + a->head_len;
}


/* What follows "name": in the body, or NULL. */

static const char *
http_member(const http_answer_t *a, const char *name)
{
    char         quoted[HTTP_NAME_MAX];
    const char  *p;

    if (snprintf(quoted, sizeof(quoted), "\"%s\"", name)
        >= (int) sizeof(quoted))
    {
        return NULL;
    }

    p = strstr(http_answer_body(a), quoted);
    if (p == NULL) {
        return NULL;
    }

    p += strlen(quoted);

    return p + strspn(p, " \t\r\n:");
}


int
http_answer_text(const http_answer_t *a, const char *name, char *out,
                 size_t size)
{
    size_t       len;
    const char  *p;

    p = http_member(a, name);
    if (p == NULL || *p != '"') {
        return -1;
    }

    len = strcspn(++p, "\"");
    if (p[len] != '"' || len >= size) {
        return -1;
    }

    memcpy(out, p, len);
    out[len] = '\0';

    return 0;
}


int
http_answer_is_true(const http_answer_t *a, const char *name)
{
    const char  *p;

    p = http_member(a, name);

    return p != NULL && strncmp(p, "true", 4) == 0;
}
