/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * An HTTP/1.1 answer, read from bytes as they come (RFC 9112 section 6).
 * Knows no socket.
 */

#ifndef HTTP_H
#define HTTP_H


#include <stddef.h>


#define HTTP_ANSWER_MAX  (1024 * 1024)

typedef enum {
    HTTP_MORE = 0,              /* feed it more bytes */
    HTTP_DONE,
    HTTP_BAD                    /* not HTTP, or longer than we read */
} http_rc_e;


/* All zero is a valid start. */

typedef struct {
    char    *bytes;             /* head and body, NUL behind */
    size_t   len;
    size_t   size;              /* allocated */
    size_t   head_len;          /* 0: not whole yet */
    size_t   body_len;          /* known when done */
    int      status;
    int      is_chunked;
    int      is_last;           /* the connection ends with this answer */
} http_answer_t;


/* Forgets the answer, keeps the memory. */
void http_answer_reset(http_answer_t *a);

void http_answer_free(http_answer_t *a);

/*
 * Does   takes the next bytes
 * Gives  HTTP_DONE: status, is_last and the body (chunks joined) are there
 */
http_rc_e http_answer_feed(http_answer_t *a, const char *data, size_t len);

const char *http_answer_body(const http_answer_t *a);

/*
 * Does   copies the text of a member of the JSON object in the body, the
 *        first of that name, without reading JSON for the rest
 * Gives  0, or -1: not there, not a text, or it does not fit
 */
int http_answer_text(const http_answer_t *a, const char *name, char *out,
                     size_t size);

/* The member is there and true. */
int http_answer_is_true(const http_answer_t *a, const char *name);


#endif /* HTTP_H */
