/* SPDX-License-Identifier: BSD-2-Clause */

/* How a submission looks in JSON: one form for every answer that shows one. */

#ifndef NGX_HTTP_EHR_RENDER_H
#define NGX_HTTP_EHR_RENDER_H


#include "ngx_http_ehr.h"


/* Members, for inside an open object. */
void ngx_http_ehr_render_submission(ehr_json_t *json,
                                    const ehr_submission_t *sub);
void ngx_http_ehr_render_delivery(ehr_json_t *json,
                                  const ehr_store_delivery_t *dlv);
void ngx_http_ehr_render_deliveries(ehr_json_t *json,
                                    const ehr_submission_t *sub);
void ngx_http_ehr_render_warnings(ehr_json_t *json,
                                  const ehr_submission_t *sub,
                                  ehr_lang_e lang);

/* The compact JWS; data NULL when it cannot be made. */
ehr_str_t ngx_http_ehr_sign_receipt(ngx_http_ehr_ctx_t *ctx,
                                    const ehr_submission_t *sub);


#endif /* NGX_HTTP_EHR_RENDER_H */
