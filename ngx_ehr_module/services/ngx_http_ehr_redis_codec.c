/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Turns questions into commands and bytes into replies, and holds the scripts
 * that Redis runs.  Refuses to know connections and time.  A reply is built in
 * one fixed structure instead of hiredis' tree: a strange server can neither
 * take memory nor reach an assert.
 */

#include "ngx_http_ehr_redis_codec.h"


#define NGX_HTTP_EHR_REDIS_WORDS    8
#define NGX_HTTP_EHR_REDIS_OUT_MIN  4096
#define NGX_HTTP_EHR_REDIS_OUT_MAX  (1024 * 1024)


static void *ngx_http_ehr_redis_make_string(const redisReadTask *task,
    char *data, size_t len);
static void *ngx_http_ehr_redis_make_array(const redisReadTask *task,
    int n);
static void *ngx_http_ehr_redis_make_integer(const redisReadTask *task,
    long long value);
static void *ngx_http_ehr_redis_make_nil(const redisReadTask *task);
static void ngx_http_ehr_redis_free(void *object);
static ngx_int_t ngx_http_ehr_redis_append(ngx_http_ehr_redis_out_t *out,
    const char *data, size_t len);


/*
 * GCRA as in core/ehr_gcra.c, on the server's clock, so that nodes need not
 * agree on theirs.  Numbers are doubles in Lua: microseconds fit exactly, but
 * %.14g would cut them, hence %.0f.
 */

const ngx_str_t  ngx_http_ehr_scripts[NGX_HTTP_EHR_SCRIPT_LAST] = {

    ngx_string(
        "local t = redis.call('TIME')\n"
        "local now = t[1] * 1000000 + t[2]\n"
        "local step = tonumber(ARGV[1])\n"
        "local full = now + step * tonumber(ARGV[2])\n"
        "local tat = tonumber(redis.call('GET', KEYS[1]) or 0)\n"
        "local is_cut = tat > full\n"
        "tat = math.min(math.max(tat, now), full)\n"
        "local is_allowed = tat + step <= full\n"
        "if is_allowed then tat = tat + step end\n"
        "if is_allowed or is_cut then\n"
        "  redis.call('SET', KEYS[1], string.format('%.0f', tat),\n"
        "             'PX', string.format('%.0f',\n"
        "                                 math.ceil((tat - now) / 1000)))\n"
        "end\n"
        "return { is_allowed and 1 or 0, tat - now, now }\n")
};


static redisReplyObjectFunctions  ngx_http_ehr_redis_functions = {
    ngx_http_ehr_redis_make_string,
    ngx_http_ehr_redis_make_array,
    ngx_http_ehr_redis_make_integer,
    ngx_http_ehr_redis_make_nil,
    ngx_http_ehr_redis_free
};


redisReader *
ngx_http_ehr_redis_reader(ngx_http_ehr_redis_reply_t *reply)
{
    redisReader  *reader;

    reader = redisReaderCreateWithFunctions(&ngx_http_ehr_redis_functions);

    if (reader) {
        reader->privdata = reply;
    }

    return reader;
}


/* The reply a task belongs to, emptied when the task is the outermost. */

static ngx_http_ehr_redis_reply_t *
ngx_http_ehr_redis_reply(const redisReadTask *task)
{
    ngx_http_ehr_redis_reply_t  *reply = task->privdata;

    if (task->parent == NULL) {
        ngx_memzero(reply, sizeof(ngx_http_ehr_redis_reply_t));
        reply->type = task->type;
    }

    return reply;
}


static void *
ngx_http_ehr_redis_make_string(const redisReadTask *task, char *data,
    size_t len)
{
    ngx_http_ehr_redis_reply_t  *reply = ngx_http_ehr_redis_reply(task);

    if (task->parent) {
        reply->is_strange = 1;
        return reply;
    }

    reply->len = ngx_min(len, NGX_HTTP_EHR_REDIS_TEXT);
    ngx_memcpy(reply->text, data, reply->len);

    return reply;
}


static void *
ngx_http_ehr_redis_make_array(const redisReadTask *task, int n)
{
    ngx_http_ehr_redis_reply_t  *reply = ngx_http_ehr_redis_reply(task);

    if (task->parent || n != NGX_HTTP_EHR_REDIS_VALUES) {
        reply->is_strange = 1;
    }

    return reply;
}


static void *
ngx_http_ehr_redis_make_integer(const redisReadTask *task, long long value)
{
    ngx_http_ehr_redis_reply_t  *reply = ngx_http_ehr_redis_reply(task);

    if (task->parent == NULL || task->idx < 0
        || task->idx >= NGX_HTTP_EHR_REDIS_VALUES)
    {
        reply->is_strange = 1;
        return reply;
    }

    reply->values[task->idx] = value;
    reply->n++;

    return reply;
}


static void *
ngx_http_ehr_redis_make_nil(const redisReadTask *task)
{
    ngx_http_ehr_redis_reply_t  *reply = ngx_http_ehr_redis_reply(task);

    reply->is_strange = 1;

    return reply;
}


static void
ngx_http_ehr_redis_free(void *object)
{
    /* the reply belongs to the connection */
}


ngx_uint_t
ngx_http_ehr_redis_reply_is(const ngx_http_ehr_redis_reply_t *reply,
    ngx_int_t type, const char *text)
{
    size_t  len = ngx_strlen(text);

    return !reply->is_strange && reply->type == type && reply->len >= len
           && ngx_memcmp(reply->text, text, len) == 0;
}


ngx_str_t
ngx_http_ehr_redis_error_code(ngx_http_ehr_redis_reply_t *reply)
{
    ngx_str_t  code;

    code.data = reply->text;

    for (code.len = 0; code.len < reply->len; code.len++) {
        if (reply->text[code.len] < 'A' || reply->text[code.len] > 'Z') {
            break;
        }
    }

    return code;
}


ngx_int_t
ngx_http_ehr_redis_command(ngx_http_ehr_redis_out_t *out,
    const ngx_str_t *words, ngx_uint_t n)
{
    int          len;
    char        *command;
    size_t       lens[NGX_HTTP_EHR_REDIS_WORDS];
    ngx_int_t    rc;
    ngx_uint_t   i;
    const char  *data[NGX_HTTP_EHR_REDIS_WORDS];

    if (n > NGX_HTTP_EHR_REDIS_WORDS) {
        return NGX_DECLINED;
    }

    for (i = 0; i < n; i++) {
        data[i] = (const char *) words[i].data;
        lens[i] = words[i].len;
    }

    len = redisFormatCommandArgv(&command, n, data, lens);
    if (len < 0) {
        return NGX_DECLINED;
    }

    rc = ngx_http_ehr_redis_append(out, command, len);

    ngx_explicit_memzero(command, len);
    redisFreeCommand(command);

    return rc;
}


ngx_int_t
ngx_http_ehr_redis_eval(ngx_http_ehr_redis_out_t *out,
    const ngx_http_ehr_redis_ask_t *ask, const u_char *sha)
{
    u_char      numbers[NGX_HTTP_EHR_REDIS_ARGS][NGX_INT64_LEN];
    ngx_str_t   words[4 + NGX_HTTP_EHR_REDIS_ARGS];
    ngx_uint_t  i, n;

    n = 0;

    if (sha) {
        ngx_str_set(&words[n], "EVALSHA");
        n++;
        words[n].data = (u_char *) sha;
        words[n++].len = NGX_HTTP_EHR_REDIS_SHA;

    } else {
        ngx_str_set(&words[n], "EVAL");
        n++;
        words[n++] = ngx_http_ehr_scripts[ask->script];
    }

    ngx_str_set(&words[n], "1");
    n++;
    words[n++] = ask->key;

    for (i = 0; i < NGX_HTTP_EHR_REDIS_ARGS; i++) {
        words[n].data = numbers[i];
        words[n++].len = ngx_sprintf(numbers[i], "%L", ask->args[i])
                         - numbers[i];
    }

    return ngx_http_ehr_redis_command(out, words, n);
}


static ngx_int_t
ngx_http_ehr_redis_append(ngx_http_ehr_redis_out_t *out, const char *data,
    size_t len)
{
    size_t   used, size;
    u_char  *p;

    used = out->last - out->start;
    size = out->end - out->start;

    if (len > NGX_HTTP_EHR_REDIS_OUT_MAX - used) {
        return NGX_DECLINED;
    }

    if (len > size - used) {
        size = ngx_max(size, NGX_HTTP_EHR_REDIS_OUT_MIN);

        while (size < used + len) {
            size *= 2;
        }

        p = ngx_alloc(size, ngx_cycle->log);
        if (p == NULL) {
            return NGX_DECLINED;
        }

        if (out->start) {
            ngx_memcpy(p, out->start, used);
            ngx_explicit_memzero(out->start, used);
            ngx_free(out->start);
        }

        out->pos = p + (out->pos - out->start);
        out->last = p + used;
        out->start = p;
        out->end = p + size;
    }

    out->last = ngx_cpymem(out->last, data, len);

    return NGX_OK;
}


void
ngx_http_ehr_redis_out_reset(ngx_http_ehr_redis_out_t *out)
{
    if (out->start) {
        ngx_explicit_memzero(out->start, out->last - out->start);
    }

    out->pos = out->start;
    out->last = out->start;
}


void
ngx_http_ehr_redis_out_free(ngx_http_ehr_redis_out_t *out)
{
    ngx_http_ehr_redis_out_reset(out);

    if (out->start) {
        ngx_free(out->start);
    }

    ngx_memzero(out, sizeof(ngx_http_ehr_redis_out_t));
}
