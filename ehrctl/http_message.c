/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * HTTP/1.1 (RFC 9112) as text: URLs, one request, one answer.  Decides what
 * is a whole answer; refuses what is cut or framed in two ways.
 */

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "http.h"


#define HTTP_DEFAULT_PORT  "9443"
#define HTTP_HEADERS_MAX   128
#define HTTP_CHUNKS_MAX    1000000


typedef struct {
    int64_t  content_length;      /* -1: none */
    int      is_chunked;
} http_framing_t;


static int
url_char(char c)
{
    return c > ' ' && c < 0x7f && strchr("\"<>\\^`{|}@?#", c) == NULL;
}


static ehr_rc_t
url_copy(char *to, size_t size, const char *from, size_t len)
{
    if (len >= size) {
        return EHR_REFUSED;
    }

    for (size_t i = 0; i < len; i++) {
        if (!url_char(from[i])) {
            return EHR_REFUSED;
        }
    }

    memcpy(to, from, len);
    to[len] = '\0';

    return EHR_OK;
}


static ehr_rc_t
url_port(const char *text, size_t len, char port[8])
{
    long  n;

    if (len == 0 || len > 5 || strspn(text, "0123456789") < len) {
        return EHR_REFUSED;
    }

    memcpy(port, text, len);
    port[len] = '\0';

    n = strtol(port, NULL, 10);

    return n >= 1 && n <= 65535 ? EHR_OK : EHR_REFUSED;
}


ehr_rc_t
http_url_read(const char *text, http_url_t *url)
{
    size_t          len;
    const char     *p, *end, *colon;
    unsigned char   address[sizeof(struct in6_addr)];

    memset(url, 0, sizeof(http_url_t));
    (void) snprintf(url->port, sizeof(url->port), HTTP_DEFAULT_PORT);

    if (strncasecmp(text, "https://", 8) != 0) {
        return EHR_REFUSED;
    }

    p = text + 8;
    end = p + strcspn(p, "/");

    /* A trailing slash is no prefix. */

    len = strlen(end);
    if (len > 0 && end[len - 1] == '/') {
        len--;
    }

    if (url_copy(url->prefix, sizeof(url->prefix), end, len) != EHR_OK) {
        return EHR_REFUSED;
    }

    if (*p == '[') {
        colon = memchr(p, ']', (size_t) (end - p));
        if (colon == NULL) {
            return EHR_REFUSED;
        }

        p++;
        len = (size_t) (colon++ - p);

    } else {
        colon = p + strcspn(p, ":/");
        len = (size_t) (colon - p);
    }

    if (len == 0 || url_copy(url->host, sizeof(url->host), p, len) != EHR_OK) {
        return EHR_REFUSED;
    }

    url->is_address = inet_pton(AF_INET, url->host, address) == 1
                      || inet_pton(AF_INET6, url->host, address) == 1;

    if (colon == end) {
        return EHR_OK;
    }

    if (*colon != ':') {
        return EHR_REFUSED;
    }

    return url_port(colon + 1, (size_t) (end - colon - 1), url->port);
}


ehr_str_t
http_request_render(const http_url_t *url, const http_request_t *request,
                    ehr_arena_t *arena)
{
    int         n;
    char        head[2048], length[128] = "";
    char       *data;
    ehr_str_t   text = ehr_null_string;
    int         is_v6 = strchr(url->host, ':') != NULL;

    if (request->body.len > 0) {
        (void) snprintf(length, sizeof(length),
                        "Content-Type: application/json\r\n"
                        "Content-Length: %zu\r\n", request->body.len);
    }

    n = snprintf(head, sizeof(head),
                 "%s %s%s HTTP/1.1\r\n"
                 "Host: %s%s%s:%s\r\n"
                 "Connection: close\r\n"
                 "User-Agent: ehrctl\r\n"
                 "Accept: application/json, application/problem+json\r\n"
                 "Accept-Language: %s\r\n"
                 "%s%s%s%s\r\n",
                 request->method, url->prefix, request->path,
                 is_v6 ? "[" : "", url->host, is_v6 ? "]" : "", url->port,
                 request->language,
                 request->if_match ? "If-Match: " : "",
                 request->if_match ? request->if_match : "",
                 request->if_match ? "\r\n" : "",
                 request->body.len > 0
                     ? length
                     : strcmp(request->method, "POST") == 0
                           ? "Content-Length: 0\r\n"
                           : "");

    if (n < 0 || (size_t) n >= sizeof(head)) {
        return text;
    }

    data = ehr_arena_alloc(arena, (size_t) n + request->body.len);
    if (data == NULL) {
        return text;
    }

    memcpy(data, head, (size_t) n);

    if (request->body.len > 0) {
        memcpy(data + n, request->body.data, request->body.len);
    }

    text.data = data;
    text.len = (size_t) n + request->body.len;

    return text;
}


/* The next line without its CRLF; text moves behind it. */

static ehr_rc_t
line_read(ehr_str_t *text, ehr_str_t *line)
{
    const char  *end;

    end = text->len > 0 ? memmem(text->data, text->len, "\r\n", 2) : NULL;
    if (end == NULL) {
        return EHR_REFUSED;
    }

    line->data = text->data;
    line->len = (size_t) (end - text->data);

    text->len -= line->len + 2;
    text->data = end + 2;

    return EHR_OK;
}


static ehr_rc_t
status_read(ehr_str_t line, int *status)
{
    if (line.len < 12 || memcmp(line.data, "HTTP/1.", 7) != 0
        || line.data[8] != ' ')
    {
        return EHR_REFUSED;
    }

    *status = 0;

    for (int i = 9; i < 12; i++) {
        if (!isdigit((unsigned char) line.data[i])) {
            return EHR_REFUSED;
        }

        *status = *status * 10 + (line.data[i] - '0');
    }

    return EHR_OK;
}


static ehr_str_t
header_value(ehr_str_t line, const char *name)
{
    size_t     len = strlen(name);
    ehr_str_t  value = ehr_null_string;

    if (line.len <= len || line.data[len] != ':'
        || strncasecmp(line.data, name, len) != 0)
    {
        return value;
    }

    value.data = line.data + len + 1;
    value.len = line.len - len - 1;

    while (value.len > 0 && (*value.data == ' ' || *value.data == '\t')) {
        value.data++;
        value.len--;
    }

    while (value.len > 0 && (value.data[value.len - 1] == ' '
                             || value.data[value.len - 1] == '\t'))
    {
        value.len--;
    }

    return value;
}


/* Digits of a base up to HTTP_RESPONSE_MAX; -1 when it is anything else. */

static int64_t
number_read(ehr_str_t text, int base)
{
    int      digit;
    int64_t  n = 0;

    if (text.len == 0) {
        return -1;
    }

    for (size_t i = 0; i < text.len; i++) {
        char  c = (char) tolower((unsigned char) text.data[i]);

        digit = c >= '0' && c <= '9' ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10 : base;

        if (digit >= base) {
            return -1;
        }

        n = n * base + digit;

        if (n > HTTP_RESPONSE_MAX) {
            return -1;
        }
    }

    return n;
}


static ehr_rc_t
header_read(ehr_str_t line, http_framing_t *framing)
{
    ehr_str_t  value;

    value = header_value(line, "Content-Length");

    if (value.data != NULL) {
        if (framing->content_length >= 0) {
            return EHR_REFUSED;
        }

        framing->content_length = number_read(value, 10);

        return framing->content_length < 0 ? EHR_REFUSED : EHR_OK;
    }

    value = header_value(line, "Transfer-Encoding");

    if (value.data != NULL) {
        if (framing->is_chunked || value.len != 7
            || strncasecmp(value.data, "chunked", 7) != 0)
        {
            return EHR_REFUSED;
        }

        framing->is_chunked = 1;
    }

    return EHR_OK;
}


static ehr_rc_t
headers_read(ehr_str_t *text, int *status, http_framing_t *framing)
{
    ehr_str_t  line;

    framing->content_length = -1;
    framing->is_chunked = 0;

    if (line_read(text, &line) != EHR_OK
        || status_read(line, status) != EHR_OK)
    {
        return EHR_REFUSED;
    }

    for (int i = 0; i < HTTP_HEADERS_MAX; i++) {
        if (line_read(text, &line) != EHR_OK) {
            return EHR_REFUSED;
        }

        if (line.len == 0) {
            return framing->is_chunked && framing->content_length >= 0
                   ? EHR_REFUSED
                   : EHR_OK;
        }

        if (header_read(line, framing) != EHR_OK) {
            return EHR_REFUSED;
        }
    }

    return EHR_REFUSED;
}


static ehr_rc_t
chunks_read(ehr_str_t text, ehr_arena_t *arena, ehr_str_t *body)
{
    char       *out;
    size_t      n = 0;
    int64_t     size;
    ehr_str_t   line;

    out = ehr_arena_alloc(arena, text.len + 1);
    if (out == NULL) {
        return EHR_BROKEN;
    }

    for (int i = 0; i < HTTP_CHUNKS_MAX; i++) {
        if (line_read(&text, &line) != EHR_OK) {
            return EHR_REFUSED;
        }

        /* chunk extensions say nothing to us */

        line.len = line.len ? strcspn(line.data, "; \t\r") : 0;
        size = number_read(line, 16);

        if (size < 0) {
            return EHR_REFUSED;
        }

        if (size == 0) {
            out[n] = '\0';
            body->data = out;
            body->len = n;
            return EHR_OK;
        }

        if ((size_t) size + 2 > text.len
            || memcmp(text.data + size, "\r\n", 2) != 0)
        {
            return EHR_REFUSED;
        }

        memcpy(out + n, text.data, (size_t) size);
        n += (size_t) size;

        text.data += size + 2;
        text.len -= (size_t) size + 2;
    }

    return EHR_REFUSED;
}


ehr_rc_t
http_response_read(ehr_str_t text, int is_closed_cleanly, ehr_arena_t *arena,
                   http_response_t *response)
{
    http_framing_t  framing;

    /* Interim answers (1xx) have no content. */

    do {
        if (headers_read(&text, &response->status, &framing) != EHR_OK) {
            return EHR_REFUSED;
        }
    } while (response->status >= 100 && response->status < 200);

    if (framing.is_chunked) {
        return chunks_read(text, arena, &response->body);
    }

    if (framing.content_length >= 0) {
        if ((size_t) framing.content_length > text.len) {
            return EHR_REFUSED;
        }

        text.len = (size_t) framing.content_length;

    } else if (!is_closed_cleanly) {
        return EHR_REFUSED;
    }

    response->body = ehr_arena_dup(arena, text.data, text.len);

    return response->body.data == NULL ? EHR_BROKEN : EHR_OK;
}
