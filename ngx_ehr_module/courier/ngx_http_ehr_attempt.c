/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One try at bringing a delivery to its partner.  The plugin says what to
 * send and what the answer means; nginx sends it, by subrequests to internal
 * locations with stock proxy_pass.  What is due, and when again, is the
 * schedule's part.
 *
 * Life of an attempt:
 *   1. start     a socket pair; nginx gets one end as an accepted connection
 *   2. request   nginx parses it and calls the courier's content handler,
 *                which knows the attempt by a mark among the connection's
 *                cleanups: a stranger's connection has none and gets 403
 *   3. prepare   the plugin's next request; over 16 kB in a thread (I12)
 *   4. log in    only one for an account at a time, on all workers; who must
 *                wait looks again every 20 ms, and goes on with the session
 *                that the other one got
 *   5. answer    judge; back to 3 after a log-in or a further step
 *   6. finish    the result goes to the journal, under the claim's fence
 *   7. end       when it is on disk: the request and the lane are given back
 *
 * Whatever happens to the connection, 6 happens (I6): the connection's
 * cleanup ends an attempt that is still open as "no answer".
 */

#include "ngx_http_ehr_schedule.h"
#include "ngx_http_ehr_session.h"
#include "ngx_http_ehr_waiters.h"
#include "ehr_schedule.h"


#define NGX_HTTP_EHR_ATTEMPT_CAP    (512 * 1024 * 1024)
#define NGX_HTTP_EHR_ATTEMPT_STEPS  8
#define NGX_HTTP_EHR_INLINE_MAX     (16 * 1024)
#define NGX_HTTP_EHR_LOGIN_LOOK     20        /* ms */
#define NGX_HTTP_EHR_LOGIN_WAIT     60000     /* ms, then tried again later */
#define NGX_HTTP_EHR_FINISH_AGAIN   1000      /* ms, when the store is away */
#define NGX_HTTP_EHR_MESSAGE_MAX    2048      /* bytes kept of a partner's */


typedef struct {
    ngx_http_ehr_batch_t          *batch;
    ngx_http_ehr_worker_t         *worker;
    ngx_http_ehr_partner_t        *part;
    ehr_claim_t                   *claim;
    ehr_arena_t                   *arena;
    const ngx_http_ehr_account_t  *account;

    ngx_socket_t                   peer;      /* our end; never read */
    ngx_http_request_t            *request;
    ngx_http_request_t            *sr;

    ehr_delivery_t                 dlv;
    ehr_request_t                  req;
    ehr_answer_t                   answer;
    ehr_outcome_t                  outcome;
    int                            prc;       /* of prepare() */
    int64_t                        now_ms;    /* for prepare() */

    ngx_http_ehr_session_t         session;
    ngx_event_t                    timer;
    ngx_connection_t               dummy;
    ngx_msec_t                     login_since;

    ehr_store_finish_t             finish;
    ngx_http_ehr_write_t           write;

    unsigned                       has_session:1;
    unsigned                       has_lock:1;
    unsigned                       was_expired:1;
    unsigned                       is_sent:1;     /* a request is out */
    unsigned                       is_answered:1;
    unsigned                       is_astray:1;   /* no proxy_pass there */
    unsigned                       is_preparing:1;
    unsigned                       is_finishing:1;
    unsigned                       is_closed:1;   /* the connection is gone */
} ngx_http_ehr_attempt_t;


static void ngx_http_ehr_attempt_closed(void *data);
static void ngx_http_ehr_attempt_step(ngx_http_ehr_attempt_t *att);
static void ngx_http_ehr_attempt_prepared(void *data);
static void ngx_http_ehr_attempt_send(ngx_http_ehr_attempt_t *att);
static void ngx_http_ehr_attempt_wake(ngx_http_request_t *r);
static void ngx_http_ehr_attempt_judge(ngx_http_ehr_attempt_t *att);
static void ngx_http_ehr_attempt_finish(ngx_http_ehr_attempt_t *att,
    ehr_outcome_e kind, const char *reason);
static void ngx_http_ehr_attempt_commit(ngx_http_ehr_attempt_t *att);
static void ngx_http_ehr_attempt_end(ngx_http_ehr_attempt_t *att);


/* --- 1. start ------------------------------------------------------------ */

static void
ngx_http_ehr_delivery_init(ngx_http_ehr_attempt_t *att)
{
    ehr_delivery_t    *dlv = &att->dlv;
    ehr_submission_t  *sub = &att->claim->sub;

    dlv->size = sizeof(ehr_delivery_t);
    dlv->attempt = att->claim->attempt;
    dlv->id = ehr_str(sub->id);
    dlv->facility = sub->facility;
    dlv->kind = sub->kind;
    dlv->standard = sub->standard;
    dlv->business_key = sub->business_key;
    dlv->content = att->claim->content;
    dlv->content_type = sub->content_type;

    att->account = ngx_http_ehr_partner_account(att->part, sub->facility);

    if (att->account) {
        dlv->account.username.data = (char *) att->account->username.data;
        dlv->account.username.len = att->account->username.len;
        dlv->account.password.data = (char *) att->account->password.data;
        dlv->account.password.len = att->account->password.len;
    }
}


/* What the courier's connection says; the path is for its access log. */

static ngx_int_t
ngx_http_ehr_attempt_write_line(ngx_http_ehr_attempt_t *att)
{
    u_char  *p, buf[256];

    p = ngx_snprintf(buf, sizeof(buf), "GET /attempt/%V/%s HTTP/1.0" CRLF CRLF,
                     &att->part->name, att->claim->sub.id);

    /* a fresh socket pair takes a few hundred bytes, or it is broken */

    return write(att->peer, buf, p - buf) == p - buf ? NGX_OK : NGX_ERROR;
}


/* As ngx_event_accept() does it. */

static ngx_connection_t *
ngx_http_ehr_attempt_accept(ngx_http_ehr_attempt_t *att, ngx_socket_t s)
{
    ngx_log_t           *log;
    ngx_event_t         *rev, *wev;
    ngx_listening_t     *ls = att->worker->mcf->courier_ls;
    ngx_connection_t    *c;
    ngx_pool_cleanup_t  *cln;

    static ngx_str_t  addr_text = ngx_string("courier");

    c = ngx_get_connection(s, att->worker->cycle->log);
    if (c == NULL) {
        (void) ngx_close_socket(s);
        return NULL;
    }

    c->type = SOCK_STREAM;

    c->pool = ngx_create_pool(ls->pool_size, att->worker->cycle->log);
    if (c->pool == NULL) {
        goto failed;
    }

    log = ngx_palloc(c->pool, sizeof(ngx_log_t));
    cln = ngx_pool_cleanup_add(c->pool, 0);

    if (log == NULL || cln == NULL) {
        goto failed;
    }

    *log = ls->log;
    log->data = NULL;
    log->handler = NULL;

    c->recv = ngx_recv;
    c->send = ngx_send;
    c->recv_chain = ngx_recv_chain;
    c->send_chain = ngx_send_chain;

    c->log = log;
    c->pool->log = log;
    c->listening = ls;
    c->sockaddr = ls->sockaddr;
    c->socklen = ls->socklen;
    c->local_sockaddr = ls->sockaddr;
    c->local_socklen = ls->socklen;
    c->addr_text = addr_text;
    c->tcp_nopush = NGX_TCP_NOPUSH_DISABLED;
    c->tcp_nodelay = NGX_TCP_NODELAY_DISABLED;

    rev = c->read;
    wev = c->write;
    wev->ready = 1;
    rev->log = log;
    wev->log = log;

    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);
    c->start_time = ngx_current_msec;

#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_accepted, 1);
    (void) ngx_atomic_fetch_add(ngx_stat_handled, 1);
    (void) ngx_atomic_fetch_add(ngx_stat_active, 1);
#endif

    cln->handler = ngx_http_ehr_attempt_closed;
    cln->data = att;

    return c;

failed:

    if (c->pool) {
        ngx_destroy_pool(c->pool);
    }

    ngx_free_connection(c);
    (void) ngx_close_socket(s);

    return NULL;
}


static ngx_int_t
ngx_http_ehr_attempt_connect(ngx_http_ehr_attempt_t *att)
{
    ngx_socket_t       pair[2];
    ngx_connection_t  *c;

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0, pair)
        == -1)
    {
        ngx_log_error(NGX_LOG_ERR, att->worker->cycle->log, ngx_errno,
                      "socketpair() failed");
        return NGX_ERROR;
    }

    att->peer = pair[0];

    if (ngx_http_ehr_attempt_write_line(att) != NGX_OK) {
        (void) ngx_close_socket(pair[1]);
        return NGX_ERROR;
    }

    c = ngx_http_ehr_attempt_accept(att, pair[1]);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->listening->handler(c);

    return NGX_OK;
}


void
ngx_http_ehr_attempt_start(ngx_http_ehr_batch_t *batch, ehr_claim_t *claim)
{
    ehr_arena_t             *arena;
    ngx_http_ehr_worker_t   *worker = batch->lane->worker;
    ngx_http_ehr_attempt_t  *att;

    arena = ehr_arena_create(NGX_HTTP_EHR_ATTEMPT_CAP);
    att = arena ? ehr_arena_calloc(arena, sizeof(ngx_http_ehr_attempt_t))
                : NULL;

    if (att == NULL) {
        /* no memory even to say so: the row stays ours until we die */
        ngx_log_error(NGX_LOG_ALERT, worker->cycle->log, 0,
                      "attempt not started: no memory");
        ehr_arena_destroy(arena);
        ngx_http_ehr_lane_release(batch, 0);
        return;
    }

    att->batch = batch;
    att->worker = worker;
    att->part = batch->lane->part;
    att->claim = claim;
    att->arena = arena;
    att->peer = (ngx_socket_t) -1;

    att->dummy.fd = (ngx_socket_t) -1;
    att->dummy.data = att;
    att->timer.data = &att->dummy;
    att->timer.log = worker->cycle->log;

    ngx_http_ehr_hold(worker);
    ngx_http_ehr_count(worker, ATTEMPTS);

    ngx_http_ehr_delivery_init(att);

    if (ngx_http_ehr_attempt_connect(att) != NGX_OK) {
        att->is_closed = 1;
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.no-connection");
    }
}


/* --- 2. request ---------------------------------------------------------- */

static ngx_http_ehr_attempt_t *
ngx_http_ehr_attempt_of_connection(ngx_connection_t *c)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = c->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_ehr_attempt_closed) {
            return cln->data;
        }
    }

    return NULL;
}


ngx_int_t
ngx_http_ehr_courier_handler(ngx_http_request_t *r)
{
    ngx_http_ehr_attempt_t  *att;

    att = ngx_http_ehr_attempt_of_connection(r->connection);

    if (att == NULL) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "a stranger on the courier's socket");
        return NGX_HTTP_FORBIDDEN;
    }

    if (r != r->main) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "partner \"%V\" has no location \"%V\"",
                      &att->part->name, &att->part->location);
        return NGX_HTTP_NOT_FOUND;
    }

    if (att->request || att->is_finishing) {
        return NGX_HTTP_CLOSE;
    }

    att->request = r;

    r->main->count++;
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_ehr_attempt_wake;
    r->log_handler = ngx_http_ehr_log_handler;

    if (att->account == NULL && att->part->accounts_path.len) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD, "account.missing");

    } else {
        ngx_http_ehr_attempt_step(att);
    }

    return NGX_DONE;
}


/* --- 3. prepare ---------------------------------------------------------- */

static void
ngx_http_ehr_attempt_prepare(void *data)
{
    ehr_call_t               call;
    ngx_http_ehr_attempt_t  *att = data;

    call.part = att->part;
    call.arena = att->arena;
    call.now_ms = att->now_ms;

    att->prc = att->part->plugin->prepare(&ngx_http_ehr_host, &call,
                                          &att->dlv, &att->req);
}


static void
ngx_http_ehr_attempt_step(ngx_http_ehr_attempt_t *att)
{
    if (att->is_closed) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.no-connection");
        return;
    }

    if (att->dlv.step >= NGX_HTTP_EHR_ATTEMPT_STEPS) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD, "plugin.endless");
        return;
    }

    att->has_session = 0;
    att->dlv.session.len = 0;

    switch (ngx_http_ehr_session_get(att->worker, att->part,
                                     att->dlv.account.username,
                                     &att->session))
    {

    case NGX_OK:
        att->has_session = 1;
        att->login_since = 0;
        att->dlv.session.data = (char *) att->session.bytes;
        att->dlv.session.len = att->session.len;
        break;

    case NGX_DECLINED:
        break;

    case NGX_BUSY:
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD,
                                    "account.blocked");
        return;

    default:
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "session.no-slot");
        return;
    }

    ngx_memzero(&att->req, sizeof(ehr_request_t));
    att->req.size = sizeof(ehr_request_t);
    att->now_ms = ngx_http_ehr_now_ms();

    if (att->dlv.content.len <= NGX_HTTP_EHR_INLINE_MAX) {
        ngx_http_ehr_attempt_prepare(att);
        ngx_http_ehr_attempt_send(att);
        return;
    }

    if (ngx_http_ehr_thread_post(att->worker, att->worker->mcf->work_pool,
                                 ngx_http_ehr_attempt_prepare,
                                 ngx_http_ehr_attempt_prepared, att)
        != NGX_OK)
    {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.overloaded");
        return;
    }

    /* nginx keeps the request until the thread is back */
    att->is_preparing = 1;
    att->request->main->blocked++;
}


/* A line break in a value would be a header of the partner's making. */

static ngx_uint_t
ngx_http_ehr_has_control(ehr_str_t s)
{
    size_t  i;

    for (i = 0; i < s.len; i++) {
        if ((u_char) s.data[i] < ' ' || s.data[i] == 0x7f) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_ehr_request_is_whole(const ehr_request_t *req)
{
    uint32_t  i;

    if (req->path.len == 0 || req->path.data[0] != '/'
        || req->method.len == 0 || req->nheaders > EHR_REQUEST_MAX_HEADERS
        || ngx_http_ehr_has_control(req->method)
        || ngx_http_ehr_has_control(req->content_type))
    {
        return 0;
    }

    for (i = 0; i < req->nheaders; i++) {
        if (req->headers[i].name.len == 0
            || ngx_http_ehr_has_control(req->headers[i].name)
            || ngx_http_ehr_has_control(req->headers[i].value))
        {
            return 0;
        }
    }

    return 1;
}


static void
ngx_http_ehr_attempt_prepared(void *data)
{
    ngx_connection_t        *c;
    ngx_http_ehr_attempt_t  *att = data;

    c = att->request->connection;

    att->is_preparing = 0;
    att->request->main->blocked--;

    if (c->error) {
        /* the worker's time to shut down was over meanwhile */
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.no-connection");

    } else {
        ngx_http_ehr_attempt_send(att);
    }

    ngx_http_run_posted_requests(c);
}


/* --- 4. log in ----------------------------------------------------------- */

static void
ngx_http_ehr_attempt_unlock(ngx_http_ehr_attempt_t *att)
{
    if (att->has_lock) {
        ngx_http_ehr_session_unlock(att->worker, att->session.slot);
        att->has_lock = 0;
    }
}


static void
ngx_http_ehr_attempt_look(ngx_event_t *ev)
{
    ngx_connection_t        *c = ev->data;
    ngx_http_ehr_attempt_t  *att = c->data;

    c = att->request->connection;

    if (ngx_current_msec - att->login_since > NGX_HTTP_EHR_LOGIN_WAIT) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY, "session.busy");
        return;
    }

    ngx_http_ehr_attempt_step(att);

    ngx_http_run_posted_requests(c);
}


/* NGX_OK: go on with the log-in; NGX_DONE: somebody else goes on from here. */

static ngx_int_t
ngx_http_ehr_attempt_login(ngx_http_ehr_attempt_t *att)
{
    ngx_http_ehr_session_t  now;

    if (att->dlv.logins) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD,
                                    "session.refused");
        return NGX_DONE;
    }

    if (att->has_lock) {
        return NGX_OK;
    }

    if (ngx_http_ehr_session_lock(att->worker, att->session.slot) != NGX_OK) {

        if (att->login_since == 0) {
            att->login_since = ngx_current_msec;
        }

        att->timer.handler = ngx_http_ehr_attempt_look;
        ngx_add_timer(&att->timer, NGX_HTTP_EHR_LOGIN_LOOK);
        return NGX_DONE;
    }

    att->has_lock = 1;

    /* Who had the lock before may have left a session, or a refusal. */

    if (ngx_http_ehr_session_get(att->worker, att->part,
                                 att->dlv.account.username, &now)
        != NGX_DECLINED)
    {
        ngx_http_ehr_attempt_unlock(att);
        ngx_http_ehr_attempt_step(att);
        return NGX_DONE;
    }

    /* It left neither: the partner could not.  All who waited asking it one
     * after the other would do nobody good. */

    if (att->login_since) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "session.unavailable");
        return NGX_DONE;
    }

    ngx_http_ehr_count(att->worker, LOGINS);

    return NGX_OK;
}


/* --- 5. send and answer -------------------------------------------------- */

static ngx_int_t
ngx_http_ehr_push_header(ngx_pool_t *pool, ngx_list_t *headers,
    ehr_str_t name, ehr_str_t value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->key.data = (u_char *) name.data;
    h->key.len = name.len;
    h->value.data = (u_char *) value.data;
    h->value.len = value.len;

    h->lowcase_key = ngx_pnalloc(pool, name.len);
    if (h->lowcase_key == NULL) {
        return NGX_ERROR;
    }

    h->hash = ngx_hash_strlow(h->lowcase_key, h->key.data, h->key.len);

    return NGX_OK;
}


/*
 * A subrequest starts with its parent's headers, method and body; it gets
 * what the plugin prepared, and nothing else.
 */

static ngx_int_t
ngx_http_ehr_build_headers(ngx_pool_t *pool, ehr_request_t *req,
    ngx_http_headers_in_t *headers)
{
    uint32_t  i;

    static ehr_str_t  content_type = ehr_string("Content-Type");

    ngx_memzero(headers, sizeof(ngx_http_headers_in_t));

    if (ngx_list_init(&headers->headers, pool, 8, sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    headers->content_length_n = (off_t) req->body.len;
    headers->keep_alive_n = -1;

    if (req->content_type.len
        && ngx_http_ehr_push_header(pool, &headers->headers, content_type,
                                    req->content_type)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < req->nheaders; i++) {
        if (ngx_http_ehr_push_header(pool, &headers->headers,
                                     req->headers[i].name,
                                     req->headers[i].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_http_request_body_t *
ngx_http_ehr_build_body(ngx_pool_t *pool, ehr_request_t *req)
{
    ngx_buf_t                *b;
    ngx_chain_t              *cl;
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(pool, sizeof(ngx_http_request_body_t));

    if (rb == NULL || req->body.len == 0) {
        return rb;
    }

    b = ngx_calloc_buf(pool);
    cl = ngx_alloc_chain_link(pool);

    if (b == NULL || cl == NULL) {
        return NULL;
    }

    b->pos = (u_char *) req->body.data;
    b->last = b->pos + req->body.len;
    b->start = b->pos;
    b->end = b->last;
    b->memory = 1;
    b->last_buf = 1;

    cl->buf = b;
    cl->next = NULL;

    rb->bufs = cl;

    return rb;
}


/* Copies, for the request may end before the answer is judged.  Without
 * memory it is an answer that cannot be read. */

static void
ngx_http_ehr_answer_keep(ngx_http_ehr_attempt_t *att, ngx_http_request_t *sr)
{
    ngx_buf_t     *b;
    ehr_answer_t  *answer = &att->answer;

    answer->content_type = ehr_arena_dup(att->arena,
                                         (char *) sr->headers_out.content_type
                                                                       .data,
                                         sr->headers_out.content_type.len);

    if (sr->out && sr->out->buf) {
        b = sr->out->buf;
        answer->body = ehr_arena_dup(att->arena, (char *) b->pos,
                                     b->last - b->pos);
    }

    if (answer->content_type.data == NULL) {
        answer->content_type.len = 0;
    }

    if (answer->body.data == NULL) {
        answer->body.len = 0;
    }
}


/*
 * nginx ends an answer that was cut off as if it had been whole, for what a
 * client got of it cannot be taken back; only the pipe knows.
 */

static ngx_uint_t
ngx_http_ehr_answer_is_whole(ngx_http_upstream_t *u)
{
    if (!u->buffering) {
        return u->length == 0 || u->length == -1;
    }

    return u->pipe->upstream_done
           || (u->pipe->upstream_eof && u->pipe->length == -1);
}


/* More than subrequest_output_buffer_size: it was read until then. */

static ngx_uint_t
ngx_http_ehr_answer_is_large(ngx_http_upstream_t *u)
{
    return u->buffering && u->pipe->downstream_error;
}


/*
 * Certain or uncertain: no connection is certainly not sent; a whole answer
 * with a status of the partner's own is an answer, also one larger than we
 * keep; all else is lost.
 */

static ngx_int_t
ngx_http_ehr_subrequest_done(ngx_http_request_t *sr, void *data,
    ngx_int_t rc)
{
    ngx_http_upstream_t     *u = sr->upstream;
    ngx_http_ehr_attempt_t  *att = data;

    if (att->is_answered) {
        return NGX_OK;
    }

    att->is_answered = 1;
    att->sr = NULL;

    att->is_astray = (u == NULL && rc >= NGX_HTTP_BAD_REQUEST
                      && rc < NGX_HTTP_INTERNAL_SERVER_ERROR);

    att->answer.kind = EHR_ANSWER_LOST;

    if (u == NULL || u->state == NULL
        || (u->state->connect_time == (ngx_msec_t) -1
            && u->headers_in.status_n == 0))
    {
        att->answer.kind = EHR_ANSWER_UNSENT;

    } else if (u->headers_in.status_n
               && (ngx_http_ehr_answer_is_large(u)
                   || (rc == NGX_OK && ngx_http_ehr_answer_is_whole(u))))
    {
        att->answer.kind = EHR_ANSWER_HTTP;
        att->answer.status = (uint32_t) u->headers_in.status_n;
        att->answer.is_truncated = ngx_http_ehr_answer_is_large(u);
        ngx_http_ehr_answer_keep(att, sr);
    }

    /* Anything else would finalize the parent. */
    return NGX_OK;
}


static ngx_int_t
ngx_http_ehr_attempt_subrequest(ngx_http_ehr_attempt_t *att)
{
    ngx_str_t                    uri, args;
    ngx_uint_t                   flags;
    ehr_request_t               *req = &att->req;
    ngx_http_request_t          *r = att->request, *sr;
    ngx_http_headers_in_t       *headers;
    ngx_http_request_body_t     *rb;
    ngx_http_post_subrequest_t  *ps;

    /* All that may fail comes first: a subrequest cannot be taken back. */

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    rb = ngx_http_ehr_build_body(r->pool, req);
    headers = ngx_palloc(r->pool, sizeof(ngx_http_headers_in_t));

    if (ps == NULL || rb == NULL || headers == NULL
        || ngx_http_ehr_build_headers(r->pool, req, headers) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ps->handler = ngx_http_ehr_subrequest_done;
    ps->data = att;

    uri.len = att->part->location.len + req->path.len;
    uri.data = ngx_pnalloc(r->pool, uri.len);
    if (uri.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_cpymem(uri.data, att->part->location.data,
                          att->part->location.len),
               req->path.data, req->path.len);

    ngx_str_null(&args);
    flags = NGX_HTTP_LOG_UNSAFE;

    if (ngx_http_parse_unsafe_uri(r, &uri, &args, &flags) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_subrequest(r, &uri, args.len ? &args : NULL, &sr, ps,
                            NGX_HTTP_SUBREQUEST_IN_MEMORY
                            |NGX_HTTP_SUBREQUEST_WAITED)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    att->sr = sr;

    sr->log_handler = ngx_http_ehr_log_handler;
    sr->headers_in = *headers;
    sr->request_body = rb;
    sr->method_name.data = (u_char *) req->method.data;
    sr->method_name.len = req->method.len;
    sr->method = ehr_str_is(req->method, "GET") ? NGX_HTTP_GET
                                                : NGX_HTTP_POST;
    sr->header_only = 0;

    /* client_max_body_size is for clients; what is sent here was accepted */
    sr->discard_body = 1;

    return NGX_OK;
}


static void
ngx_http_ehr_attempt_send(ngx_http_ehr_attempt_t *att)
{
    if (att->prc != 0 || !ngx_http_ehr_request_is_whole(&att->req)) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD, "plugin.failed");
        return;
    }

    if ((att->req.flags & EHR_REQUEST_LOGIN)
        && ngx_http_ehr_attempt_login(att) != NGX_OK)
    {
        return;
    }

    ngx_memzero(&att->answer, sizeof(ehr_answer_t));
    att->answer.size = sizeof(ehr_answer_t);
    att->answer.flags = att->req.flags;
    att->is_answered = 0;
    att->is_sent = 1;

    if (ngx_http_ehr_attempt_subrequest(att) != NGX_OK) {
        att->is_answered = 1;
        att->is_sent = 0;
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.no-memory");
    }
}


/* nginx wakes the parent when its subrequest is finished. */

static void
ngx_http_ehr_attempt_wake(ngx_http_request_t *r)
{
    ngx_http_ehr_attempt_t  *att;

    att = ngx_http_ehr_attempt_of_connection(r->connection);

    if (att && att->is_sent && att->is_answered && !att->is_finishing) {
        att->is_sent = 0;
        att->dlv.step++;
        ngx_http_ehr_attempt_judge(att);
    }
}


static void
ngx_http_ehr_attempt_logged_in(ngx_http_ehr_attempt_t *att)
{
    ngx_int_t  rc;

    att->dlv.logins++;

    rc = att->has_lock
         ? ngx_http_ehr_session_put(att->worker, att->session.slot,
                                    att->outcome.session,
                                    att->outcome.session_expires_ms)
         : NGX_ERROR;

    if (rc != NGX_OK) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD, "plugin.failed");
        return;
    }

    ngx_http_ehr_attempt_unlock(att);
    ngx_http_ehr_attempt_step(att);
}


static void
ngx_http_ehr_attempt_expired(ngx_http_ehr_attempt_t *att)
{
    /* At most one log-in for each attempt: wrong ones lock accounts. */

    if (att->dlv.logins) {
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD,
                                    "session.refused");
        return;
    }

    /* Twice, but neither session was of our own log-in: others' luck, which
     * says nothing of the account. */

    if (att->was_expired) {
        ngx_http_ehr_session_drop(att->worker, &att->session);
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "session.expired");
        return;
    }

    att->was_expired = 1;

    if (att->has_session) {
        ngx_http_ehr_session_drop(att->worker, &att->session);
    }

    ngx_http_ehr_attempt_step(att);
}


static void
ngx_http_ehr_attempt_judge(ngx_http_ehr_attempt_t *att)
{
    int         rc;
    ehr_call_t  call;

    if (att->is_astray) {
        /* nginx itself said 403 or 404: nobody else will send it either */
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD,
                                    "config.location");
        return;
    }

    call.part = att->part;
    call.arena = att->arena;
    call.now_ms = ngx_http_ehr_now_ms();

    ngx_memzero(&att->outcome, sizeof(ehr_outcome_t));
    att->outcome.size = sizeof(ehr_outcome_t);

    rc = att->part->plugin->judge(&ngx_http_ehr_host, &call, &att->dlv,
                                  &att->answer, &att->outcome);

    if (rc != 0) {
        /* I10: a plugin's failure never becomes an acceptance */
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD, "plugin.failed");
        return;
    }

    switch (att->outcome.kind) {

    case EHR_OUTCOME_SESSION:
        ngx_http_ehr_attempt_logged_in(att);
        return;

    case EHR_OUTCOME_EXPIRED:
        ngx_http_ehr_attempt_expired(att);
        return;

    case EHR_OUTCOME_CONTINUE:
        ngx_http_ehr_attempt_step(att);
        return;
    }

    ngx_http_ehr_attempt_finish(att, att->outcome.kind, NULL);
}


/* --- 6. finish ----------------------------------------------------------- */

static ehr_state_e
ngx_http_ehr_state_of_outcome(ngx_http_ehr_attempt_t *att, ehr_outcome_e kind)
{
    switch (kind) {

    case EHR_OUTCOME_ACCEPTED:
        return EHR_STATE_ACCEPTED;

    case EHR_OUTCOME_ACCEPTED_WITH_MESSAGE:
        return EHR_STATE_ACCEPTED_WITH_MESSAGE;

    case EHR_OUTCOME_REFUSED:
        return EHR_STATE_REFUSED;

    case EHR_OUTCOME_UNCERTAIN:
        return EHR_STATE_UNCERTAIN;

    case EHR_OUTCOME_RETRY:
        /* I8: only where the plugin declared that a repeat is safe */
        if (att->answer.kind == EHR_ANSWER_LOST
            && !(att->answer.flags & EHR_REQUEST_LOGIN)
            && !ngx_http_ehr_partner_is_repeat_safe(att->part,
                                             att->claim->sub.kind.data))
        {
            return EHR_STATE_UNCERTAIN;
        }

        return EHR_STATE_RETRYING;

    default:
        return EHR_STATE_HELD;
    }
}


static void
ngx_http_ehr_attempt_schedule(ngx_http_ehr_attempt_t *att)
{
    int64_t               now;
    ehr_backoff_t         backoff;
    ehr_store_finish_t   *finish = &att->finish;

    now = finish->now_ms;

    backoff.min_ms = (int64_t) att->part->retry_min;
    backoff.max_ms = (int64_t) att->part->retry_max;
    backoff.deadline_ms = (int64_t) att->part->deadline * 1000;

    if (ehr_backoff_is_over(&backoff, att->claim->sub.received_ms, now)) {
        finish->state = EHR_STATE_HELD;
        finish->reason = ehr_str("deadline.passed");
        return;
    }

    finish->next_attempt_ms = now
        + ehr_backoff_wait_ms(&backoff, att->claim->attempt,
                              (uint32_t) ngx_random(),
                              att->outcome.retry_after_ms);
}


/*
 * A copy: the answer it may lie in goes with the request.  Cut at a
 * character's start: it goes into JSON answers.
 */

static ehr_str_t
ngx_http_ehr_attempt_keep(ngx_http_ehr_attempt_t *att, ehr_str_t s)
{
    if (s.len > NGX_HTTP_EHR_MESSAGE_MAX) {
        s.len = NGX_HTTP_EHR_MESSAGE_MAX;

        while (s.len && ((u_char) s.data[s.len] & 0xc0) == 0x80) {
            s.len--;
        }
    }

    s = ehr_arena_dup(att->arena, s.data, s.len);

    if (s.data == NULL) {
        s.len = 0;
    }

    return s;
}


/* A person's work on the accounts may have been done already, by a reload
 * that this worker, still of the old configuration, does not know. */

static ehr_outcome_e
ngx_http_ehr_attempt_final_kind(ngx_http_ehr_attempt_t *att,
    ehr_outcome_e kind, const char *reason)
{
    if (kind == EHR_OUTCOME_HELD
        && ngx_http_ehr_schedule_may_unhold(att->worker,
                                            reason ? ehr_str(reason)
                                                   : att->outcome.reason))
    {
        return EHR_OUTCOME_RETRY;
    }

    return kind;
}


static void
ngx_http_ehr_attempt_leave_login(ngx_http_ehr_attempt_t *att,
    ehr_outcome_e kind)
{
    /* A log-in that a person must look at is not repeated by anybody: the
     * partner counts wrong ones, and locks the account. */

    if (att->has_lock && kind == EHR_OUTCOME_HELD) {
        ngx_http_ehr_session_block(att->worker, att->session.slot);
    }

    ngx_http_ehr_attempt_unlock(att);

    if (att->timer.timer_set) {
        ngx_del_timer(&att->timer);
    }
}


static void
ngx_http_ehr_attempt_finish(ngx_http_ehr_attempt_t *att, ehr_outcome_e kind,
    const char *reason)
{
    ehr_outcome_t       *out;
    ehr_store_finish_t  *finish = &att->finish;

    if (att->is_finishing) {
        return;
    }

    att->is_finishing = 1;

    ngx_http_ehr_attempt_leave_login(att, kind);

    kind = ngx_http_ehr_attempt_final_kind(att, kind, reason);

    finish->op.type = EHR_STORE_OP_FINISH;
    finish->delivery = att->claim->delivery;
    finish->fence = att->claim->fence;
    finish->now_ms = ngx_http_ehr_now_ms();
    finish->http_status = (int) att->answer.status;
    finish->state = ngx_http_ehr_state_of_outcome(att, kind);

    if (reason) {
        finish->reason = ehr_str(reason);

    } else {
        out = &att->outcome;
        finish->reason = ngx_http_ehr_attempt_keep(att, out->reason);
        finish->partner_ref = ngx_http_ehr_attempt_keep(att,
                                                        out->partner_ref);
        finish->partner_code = ngx_http_ehr_attempt_keep(att,
                                                         out->partner_code);
        finish->message = ngx_http_ehr_attempt_keep(att, out->message);
    }

    if (finish->state == EHR_STATE_RETRYING) {
        ngx_http_ehr_attempt_schedule(att);
    }

    ngx_http_ehr_attempt_commit(att);
}


static void
ngx_http_ehr_attempt_commit_again(ngx_event_t *ev)
{
    ngx_connection_t  *c = ev->data;

    ngx_http_ehr_attempt_commit(c->data);
}


static void
ngx_http_ehr_attempt_counted(ngx_http_ehr_attempt_t *att)
{
    switch (att->finish.state) {

    case EHR_STATE_ACCEPTED:
        ngx_http_ehr_count(att->worker, OUT_ACCEPTED);
        break;

    case EHR_STATE_ACCEPTED_WITH_MESSAGE:
        ngx_http_ehr_count(att->worker, OUT_MESSAGE);
        break;

    case EHR_STATE_REFUSED:
        ngx_http_ehr_count(att->worker, OUT_REFUSED);
        break;

    case EHR_STATE_RETRYING:
        ngx_http_ehr_count(att->worker, OUT_RETRYING);
        break;

    case EHR_STATE_UNCERTAIN:
        ngx_http_ehr_count(att->worker, OUT_UNCERTAIN);
        break;

    default:
        ngx_http_ehr_count(att->worker, OUT_HELD);
    }
}


static void
ngx_http_ehr_attempt_committed(ngx_http_ehr_write_t *write)
{
    ngx_http_ehr_attempt_t  *att = write->data;

    switch (att->finish.op.rc) {

    case EHR_LATER:
        att->timer.handler = ngx_http_ehr_attempt_commit_again;
        ngx_add_timer(&att->timer, NGX_HTTP_EHR_FINISH_AGAIN);
        return;

    case EHR_OK:
        ngx_http_ehr_attempt_counted(att);

        if (ehr_state_is_settled(att->finish.state)) {
            ngx_http_ehr_waiters_settled(att->worker, att->claim->sub.id);
        }

        break;

    case EHR_REFUSED:
        ngx_log_error(NGX_LOG_WARN, att->worker->cycle->log, 0,
                      "late result of an attempt ignored, document=%s "
                      "partner=%V", att->claim->sub.id, &att->part->name);
        break;

    default:
        ngx_log_error(NGX_LOG_ALERT, att->worker->cycle->log, 0,
                      "result of an attempt not stored: a bug, document=%s "
                      "partner=%V", att->claim->sub.id, &att->part->name);
    }

    ngx_http_ehr_attempt_end(att);
}


static void
ngx_http_ehr_attempt_commit(ngx_http_ehr_attempt_t *att)
{
    att->write.op = &att->finish.op;
    att->write.done = ngx_http_ehr_attempt_committed;
    att->write.data = att;

    if (ngx_http_ehr_journal_write(att->worker, &att->write) != NGX_OK) {
        att->timer.handler = ngx_http_ehr_attempt_commit_again;
        ngx_add_timer(&att->timer, NGX_HTTP_EHR_FINISH_AGAIN);
    }
}


/* --- 7. end -------------------------------------------------------------- */

/*
 * The connection's cleanup: on the regular way out the attempt is ended
 * already; when nginx closed the connection under it, it ends now.
 */

static void
ngx_http_ehr_attempt_closed(void *data)
{
    ngx_http_ehr_attempt_t  *att = data;

    att->is_closed = 1;
    att->request = NULL;

    if (att->is_finishing || att->is_preparing) {
        return;
    }

    if (att->is_sent) {
        /* nginx drops the connection after a too large answer, too */

        if (!att->is_answered) {
            att->answer.kind = EHR_ANSWER_LOST;
        }

        att->is_sent = 0;
        att->dlv.step++;
        ngx_http_ehr_attempt_judge(att);
        return;
    }

    ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                "courier.no-connection");
}


static void
ngx_http_ehr_attempt_end(ngx_http_ehr_attempt_t *att)
{
    int64_t                 due_ms;
    ngx_connection_t       *c;
    ngx_pool_cleanup_t     *cln;
    ngx_http_request_t     *r = att->request;
    ngx_http_ehr_batch_t   *batch = att->batch;
    ngx_http_ehr_worker_t  *worker = att->worker;

    due_ms = att->finish.state == EHR_STATE_RETRYING
             ? att->finish.next_attempt_ms : 0;

    if (r) {
        /* the mark goes: nothing of the attempt outlives it */

        c = r->connection;

        for (cln = c->pool->cleanup; cln; cln = cln->next) {
            if (cln->handler == ngx_http_ehr_attempt_closed) {
                cln->handler = NULL;
            }
        }

        /* for the courier's access log; nobody reads an answer */
        r->headers_out.status = NGX_HTTP_NO_CONTENT;

        ngx_http_finalize_request(r, NGX_ERROR);
        ngx_http_run_posted_requests(c);
    }

    if (att->peer != (ngx_socket_t) -1) {
        (void) ngx_close_socket(att->peer);
    }

    ehr_arena_destroy(att->arena);

    ngx_http_ehr_lane_release(batch, due_ms);
    ngx_http_ehr_unhold(worker);
}
