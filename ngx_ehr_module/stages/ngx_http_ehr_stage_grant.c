/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The token endpoint (RFC 6749 client credentials, RFC 8705 tls_client_auth:
 * the certificate is the client's authentication), its metadata (RFC 8414)
 * and the public keys (RFC 7517).
 */

#include "ngx_http_ehr.h"


#define NGX_HTTP_EHR_GRANT_MAX  4096  /* bytes of the form */


static ngx_http_ehr_result_e ngx_http_ehr_grant(ngx_http_ehr_ctx_t *ctx);
static ngx_http_ehr_result_e ngx_http_ehr_metadata(ngx_http_ehr_ctx_t *ctx);
static ngx_http_ehr_result_e ngx_http_ehr_jwks(ngx_http_ehr_ctx_t *ctx);


const ngx_http_ehr_stage_t  ngx_http_ehr_stage_grant = {
    "grant", ngx_http_ehr_grant
};

const ngx_http_ehr_stage_t  ngx_http_ehr_stage_metadata = {
    "metadata", ngx_http_ehr_metadata
};

const ngx_http_ehr_stage_t  ngx_http_ehr_stage_jwks = {
    "jwks", ngx_http_ehr_jwks
};


/* Section 5.1: not to be cached, also by what only knows HTTP/1.0. */

static ngx_http_ehr_result_e
ngx_http_ehr_grant_send(ngx_http_ehr_ctx_t *ctx, ngx_uint_t status,
    ehr_str_t body)
{
    static ngx_str_t  no_cache = ngx_string("no-cache");

    if (ngx_http_ehr_add_header(ctx->request, "Pragma", &no_cache) != NGX_OK) {
        return NGX_HTTP_EHR_BROKEN;
    }

    return ngx_http_ehr_send(ctx, status, "application/json", body);
}


/* RFC 6749 section 5.2: the one place whose errors have that RFC's shape. */

static ngx_http_ehr_result_e
ngx_http_ehr_grant_refused(ngx_http_ehr_ctx_t *ctx, const char *error,
    const char *description)
{
    ehr_str_t   body;
    ehr_json_t  json;

    ehr_json_begin(&json, ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_text(&json, "error", error);
    ehr_json_text(&json, "error_description", description);
    ehr_json_close(&json, '}');
    body = ehr_json_end(&json);

    if (body.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ctx->code = error;

    return ngx_http_ehr_grant_send(ctx, NGX_HTTP_BAD_REQUEST, body);
}


/*
 * A field of an application/x-www-form-urlencoded body.  Gives NGX_OK,
 * NGX_DECLINED (not there), NGX_ABORT (there twice), NGX_ERROR.
 */

static ngx_int_t
ngx_http_ehr_form_field(ngx_http_ehr_ctx_t *ctx, const char *name,
    ehr_str_t *value)
{
    size_t       len;
    u_char      *p, *last, *end, *dst, *src;
    ngx_int_t    rc;

    rc = NGX_DECLINED;
    len = ngx_strlen(name);
    p = (u_char *) ctx->content.data;
    last = p + ctx->content.len;

    for ( /* void */ ; p < last; p = end + 1) {
        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        if ((size_t) (end - p) <= len || p[len] != '='
            || ngx_strncmp(p, name, len) != 0)
        {
            continue;
        }

        if (rc == NGX_OK) {
            return NGX_ABORT;
        }

        src = p + len + 1;
        dst = ehr_arena_alloc(ctx->arena, end - src + 1);
        if (dst == NULL) {
            return NGX_ERROR;
        }

        value->data = (char *) dst;
        ngx_unescape_uri(&dst, &src, end - src, 0);
        value->len = (char *) dst - value->data;

        rc = NGX_OK;
    }

    return rc;
}


static void
ngx_http_ehr_plus_to_space(ehr_str_t *value)
{
    size_t   i;
    char    *p = (char *) value->data;

    /* Only '+' separates here; a scope holds none of its own. */

    for (i = 0; i < value->len; i++) {
        if (p[i] == '+') {
            p[i] = ' ';
        }
    }
}


static ngx_http_ehr_result_e
ngx_http_ehr_grant_token(ngx_http_ehr_ctx_t *ctx, uint32_t scopes)
{
    char         jti[EHR_UUID_LEN + 1];
    int64_t      now;
    ehr_str_t    body, token;
    ehr_key_t   *key;
    ehr_json_t   json;

    if (ehr_uuid7(ngx_http_ehr_now_ms(), jti) != EHR_OK) {
        return NGX_HTTP_EHR_BROKEN;
    }

    key = ((ehr_key_t **) ctx->mcf->token_keys.elts)[0];

    /* iat counts whole seconds, and those up to a suspension are void: what
     * is issued in the second it ended in belongs to the next one. */

    now = ngx_max((int64_t) ngx_time(),
                  (ctx->fac->tokens_from_ms + 999) / 1000);

    token = ehr_token_mint(&ctx->mcf->policy, key, ctx->fac->code, scopes,
                           ctx->identity->sha256, jti, now,
                           ctx->mcf->token_ttl, ctx->arena);
    if (token.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ehr_json_begin(&json, ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_string(&json, "access_token", token);
    ehr_json_text(&json, "token_type", "Bearer");
    ehr_json_int(&json, "expires_in", ctx->mcf->token_ttl);
    ehr_json_string(&json, "scope", ehr_scopes_render(scopes, ctx->arena));
    ehr_json_close(&json, '}');
    body = ehr_json_end(&json);

    if (body.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ngx_http_ehr_count(ctx->worker, TOKENS_ISSUED);
    ctx->code = "token";

    return ngx_http_ehr_grant_send(ctx, NGX_HTTP_OK, body);
}


static ngx_http_ehr_result_e
ngx_http_ehr_grant(ngx_http_ehr_ctx_t *ctx)
{
    int         unknown;
    uint32_t    scopes;
    ehr_str_t   value;
    ngx_int_t   rc;

    if (ctx->content.len > NGX_HTTP_EHR_GRANT_MAX) {
        return ngx_http_ehr_grant_refused(ctx, "invalid_request",
                                          "the form is too large");
    }

    rc = ngx_http_ehr_form_field(ctx, "grant_type", &value);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_EHR_BROKEN;
    }

    if (rc != NGX_OK) {
        return ngx_http_ehr_grant_refused(ctx, "invalid_request",
                                          "one grant_type is required");
    }

    if (!ehr_str_is(value, "client_credentials")) {
        return ngx_http_ehr_grant_refused(ctx, "unsupported_grant_type",
                                          "client_credentials only");
    }

    rc = ngx_http_ehr_form_field(ctx, "client_id", &value);

    if (rc == NGX_ABORT
        || (rc == NGX_OK && !ehr_str_eq(value, ctx->fac->code)))
    {
        return ngx_http_ehr_grant_refused(ctx, "invalid_client",
                                   "client_id is not the certificate's");
    }

    rc = ngx_http_ehr_form_field(ctx, "scope", &value);

    if (rc == NGX_DECLINED || (rc == NGX_OK && value.len == 0)) {
        return ngx_http_ehr_grant_token(ctx, EHR_SCOPE_ALL);
    }

    if (rc != NGX_OK) {
        return ngx_http_ehr_grant_refused(ctx, "invalid_request",
                                          "scope may be given once");
    }

    ngx_http_ehr_plus_to_space(&value);

    unknown = 0;
    scopes = ehr_scopes_parse(value, &unknown);

    if (unknown || scopes == 0) {
        return ngx_http_ehr_grant_refused(ctx, "invalid_scope",
                 "documents:submit, documents:read, lookups are known");
    }

    return ngx_http_ehr_grant_token(ctx, scopes);
}


static void
ngx_http_ehr_json_list(ehr_json_t *json, const char *name,
    const char *const *values)
{
    ehr_json_open(json, name, '[');

    while (*values) {
        ehr_json_text(json, NULL, *values++);
    }

    ehr_json_close(json, ']');
}


static ngx_http_ehr_result_e
ngx_http_ehr_metadata(ngx_http_ehr_ctx_t *ctx)
{
    char               *url;
    ehr_str_t           body, issuer = ngx_http_ehr_str(&ctx->mcf->issuer);
    ehr_json_t          json;

    static const char  *scopes[] = { "documents:submit", "documents:read",
                                     "lookups", NULL };
    static const char  *grants[] = { "client_credentials", NULL };
    static const char  *methods[] = { "tls_client_auth", NULL };
    static const char  *none[] = { NULL };

    url = ehr_arena_alloc(ctx->arena, issuer.len + 64);
    if (url == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ehr_json_begin(&json, ctx->arena);
    ehr_json_open(&json, NULL, '{');
    ehr_json_string(&json, "issuer", issuer);

    (void) ngx_sprintf((u_char *) url, "%V/oauth2/token%Z",
                       &ctx->mcf->issuer);
    ehr_json_text(&json, "token_endpoint", url);

    (void) ngx_sprintf((u_char *) url, "%V/.well-known/jwks.json%Z",
                       &ctx->mcf->issuer);
    ehr_json_text(&json, "jwks_uri", url);

    ngx_http_ehr_json_list(&json, "scopes_supported", scopes);
    ngx_http_ehr_json_list(&json, "response_types_supported", none);
    ngx_http_ehr_json_list(&json, "grant_types_supported", grants);
    ngx_http_ehr_json_list(&json, "token_endpoint_auth_methods_supported",
                           methods);
    ehr_json_bool(&json, "tls_client_certificate_bound_access_tokens", 1);
    ehr_json_close(&json, '}');
    body = ehr_json_end(&json);

    if (body.data == NULL) {
        return NGX_HTTP_EHR_BROKEN;
    }

    ctx->code = "ok";

    return ngx_http_ehr_send(ctx, NGX_HTTP_OK, "application/json", body);
}


static ngx_http_ehr_result_e
ngx_http_ehr_jwks(ngx_http_ehr_ctx_t *ctx)
{
    ctx->code = "ok";

    return ngx_http_ehr_send(ctx, NGX_HTTP_OK, "application/jwk-set+json",
                             ngx_http_ehr_str(&ctx->mcf->jwks));
}
