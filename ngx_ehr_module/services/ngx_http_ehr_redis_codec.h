/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The language of Redis: commands to bytes, bytes to replies.  hiredis is the
 * codec; no socket here.
 */

#ifndef NGX_HTTP_EHR_REDIS_CODEC_H
#define NGX_HTTP_EHR_REDIS_CODEC_H


#include "ngx_http_ehr_redis.h"

#include <hiredis/hiredis.h>


#define NGX_HTTP_EHR_REDIS_TEXT  64   /* bytes kept of a string */
#define NGX_HTTP_EHR_REDIS_SHA   40


/* The one reply being read.  Only what our commands can be answered with is
 * kept; anything else sets is_strange and takes no memory. */

typedef struct {
    ngx_int_t     type;               /* REDIS_REPLY_* */
    ngx_uint_t    n;                  /* values of an array of integers */
    int64_t       values[NGX_HTTP_EHR_REDIS_VALUES];
    size_t        len;                /* of text */
    u_char        text[NGX_HTTP_EHR_REDIS_TEXT];
    unsigned      is_strange:1;
} ngx_http_ehr_redis_reply_t;


/* Bytes that wait to be sent. */

typedef struct {
    u_char       *start;
    u_char       *pos;
    u_char       *last;
    u_char       *end;
} ngx_http_ehr_redis_out_t;


extern const ngx_str_t  ngx_http_ehr_scripts[NGX_HTTP_EHR_SCRIPT_LAST];


/* NULL without memory; redisReaderFree() ends it. */
redisReader *ngx_http_ehr_redis_reader(ngx_http_ehr_redis_reply_t *reply);

ngx_uint_t ngx_http_ehr_redis_reply_is(const ngx_http_ehr_redis_reply_t *reply,
                                       ngx_int_t type, const char *text);

/* The first word of an error, at most: the rest may repeat a password. */
ngx_str_t ngx_http_ehr_redis_error_code(ngx_http_ehr_redis_reply_t *reply);

/* Both append a command to out; NGX_DECLINED: there is no room. */
ngx_int_t ngx_http_ehr_redis_command(ngx_http_ehr_redis_out_t *out,
                                     const ngx_str_t *words, ngx_uint_t n);

/* sha NULL: with the script's text. */
ngx_int_t ngx_http_ehr_redis_eval(ngx_http_ehr_redis_out_t *out,
                                  const ngx_http_ehr_redis_ask_t *ask,
                                  const u_char *sha);

/* Empties it, and gives the memory back; what was there may have been a
 * password. */
void ngx_http_ehr_redis_out_reset(ngx_http_ehr_redis_out_t *out);
void ngx_http_ehr_redis_out_free(ngx_http_ehr_redis_out_t *out);


#endif /* NGX_HTTP_EHR_REDIS_CODEC_H */
