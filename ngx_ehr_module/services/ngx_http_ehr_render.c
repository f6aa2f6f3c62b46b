/* SPDX-License-Identifier: BSD-2-Clause */

/* How a submission looks in JSON (interface.md 3.1, 3.2). */

#include "ngx_http_ehr_render.h"
#include "ehr_receipt.h"


static void
ngx_http_ehr_render_time(ehr_json_t *json, const char *name, int64_t ms)
{
    char  text[EHR_TIME_LEN + 1];

    ehr_time_render(ms, text);
    ehr_json_text(json, name, text);
}


void
ngx_http_ehr_render_submission(ehr_json_t *json, const ehr_submission_t *sub)
{
    char  hex[2 * EHR_SHA256_LEN + 1];

    ehr_hex(sub->sha256, EHR_SHA256_LEN, hex);

    ehr_json_text(json, "id", sub->id);
    ehr_json_string(json, "facility", sub->facility);
    ehr_json_string(json, "kind", sub->kind);
    ehr_json_string(json, "standard", sub->standard);
    ehr_json_string(json, "business_key", sub->business_key);
    ehr_json_text(json, "sha256", hex);
    ehr_json_int(json, "size", sub->size);
    ngx_http_ehr_render_time(json, "received_at", sub->received_ms);
}


/* What is due waits for its partner's lane only. */

static int64_t
ngx_http_ehr_next_attempt(const ehr_store_delivery_t *dlv)
{
    ngx_http_ehr_main_conf_t  *mcf;

    if (dlv->state == EHR_STATE_HELD || dlv->next_attempt_ms) {
        return dlv->next_attempt_ms;
    }

    if (dlv->state != EHR_STATE_RETRYING) {
        return 0;
    }

    mcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_http_ehr_module);

    return ngx_http_ehr_lane_next_ms(mcf->worker, ehr_str(dlv->partner));
}


void
ngx_http_ehr_render_delivery(ehr_json_t *json,
    const ehr_store_delivery_t *dlv)
{
    int64_t  next_ms;

    ehr_json_text(json, "partner", dlv->partner);
    ehr_json_text(json, "state", ehr_state_name(dlv->state));

    if (dlv->attempts) {
        ehr_json_int(json, "attempts", dlv->attempts);
    }

    next_ms = ngx_http_ehr_next_attempt(dlv);

    if (next_ms) {
        ngx_http_ehr_render_time(json, "next_attempt_at", next_ms);
    }

    if (dlv->next_probe_ms) {
        ngx_http_ehr_render_time(json, "next_query_at", dlv->next_probe_ms);
    }

    if (dlv->partner_ref.len) {
        ehr_json_string(json, "partner_ref", dlv->partner_ref);
    }

    if (dlv->partner_code.len) {
        ehr_json_string(json, "partner_code", dlv->partner_code);
    }

    if (dlv->message.len) {
        ehr_json_string(json, "message", dlv->message);
    }

    if (dlv->reason.len) {
        ehr_json_string(json, "reason", dlv->reason);
    }
}


void
ngx_http_ehr_render_deliveries(ehr_json_t *json, const ehr_submission_t *sub)
{
    uint32_t  i;

    ehr_json_open(json, "deliveries", '[');

    for (i = 0; i < sub->ndeliveries; i++) {
        ehr_json_open(json, NULL, '{');
        ngx_http_ehr_render_delivery(json, &sub->deliveries[i]);
        ehr_json_close(json, '}');
    }

    ehr_json_close(json, ']');
}


void
ngx_http_ehr_render_warnings(ehr_json_t *json, const ehr_submission_t *sub,
    ehr_lang_e lang)
{
    ehr_str_t  warnings, none = ehr_string("[]");

    warnings = (lang == EHR_LANG_EN) ? sub->warnings_en : sub->warnings;

    ehr_json_raw(json, "warnings", warnings.len ? warnings : none);
}


ehr_str_t
ngx_http_ehr_sign_receipt(ngx_http_ehr_ctx_t *ctx,
    const ehr_submission_t *sub)
{
    ehr_receipt_t  facts;

    facts.issuer = ngx_http_ehr_str(&ctx->mcf->issuer);
    facts.id = ehr_str(sub->id);
    facts.facility = sub->facility;
    facts.kind = sub->kind;
    facts.standard = sub->standard;
    facts.business_key = sub->business_key;
    ngx_memcpy(facts.sha256, sub->sha256, EHR_SHA256_LEN);
    facts.size = (uint64_t) sub->size;
    facts.received_at_ms = sub->received_ms;
    facts.issued_at_sec = ngx_time();

    return ehr_receipt_sign(ctx->mcf->receipt_key, &facts, ctx->arena);
}
