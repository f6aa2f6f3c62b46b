/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The answer to a request: whether it is one, by what nginx saw of it, and
 * what it means, by the plugin's word.
 */

#include "ngx_http_ehr_attempt.h"


/* Copies, for the request may end before the answer is judged. */

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

ngx_int_t
ngx_http_ehr_attempt_answered(ngx_http_request_t *sr, void *data,
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


static ngx_uint_t
ngx_http_ehr_is_accepted(int rc, const ehr_outcome_t *out)
{
    return rc == 0 && (out->kind == EHR_OUTCOME_ACCEPTED
                       || out->kind == EHR_OUTCOME_ACCEPTED_WITH_MESSAGE);
}


/* A word of the partner's about the document: the session was good. */

static ngx_uint_t
ngx_http_ehr_is_taken(ngx_http_ehr_attempt_t *att)
{
    if (!att->has_session || att->answer.kind != EHR_ANSWER_HTTP) {
        return 0;
    }

    switch (att->outcome.kind) {

    case EHR_OUTCOME_ACCEPTED:
    case EHR_OUTCOME_ACCEPTED_WITH_MESSAGE:
    case EHR_OUTCOME_REFUSED:
    case EHR_OUTCOME_ABSENT:
        return 1;

    default:
        return 0;
    }
}


/* Without memory nothing was understood but what says that it was taken: as
 * good as no answer. */

void
ngx_http_ehr_attempt_judge(ngx_http_ehr_attempt_t *att)
{
    int                    rc;
    ehr_call_t             call;
    ngx_http_ehr_guard_t  *guard;

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

    guard = ngx_http_ehr_attempt_guard(att);
    ngx_http_ehr_guard_enter(guard, NGX_HTTP_EHR_CALL_LATER);

    rc = att->part->plugin->judge(&ngx_http_ehr_host, &call, &att->dlv,
                                  &att->answer, &att->outcome);

    ngx_http_ehr_guard_leave(guard);

    if (rc == EHR_PLUGIN_NO_MEMORY
        || (ehr_arena_is_short(att->arena)
            && !ngx_http_ehr_is_accepted(rc, &att->outcome)))
    {
        att->is_unread = 1;
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_RETRY,
                                    "courier.no-memory");
        return;
    }

    if (rc != 0) {
        /* I10: a plugin's failure never becomes an acceptance */
        ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD, "plugin.failed");
        return;
    }

    if (ngx_http_ehr_is_taken(att)) {
        ngx_http_ehr_session_taken(att->worker, att->session.slot);
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

    case EHR_OUTCOME_ABSENT:
        if (att->asking == NULL || att->answer.kind != EHR_ANSWER_HTTP) {
            /* nothing but a partner's own word makes it so */
            ngx_http_ehr_attempt_finish(att, EHR_OUTCOME_HELD,
                                        "plugin.failed");
            return;
        }
    }

    ngx_http_ehr_attempt_finish(att, att->outcome.kind, NULL);
}
