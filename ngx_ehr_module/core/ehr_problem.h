/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Every refusal the gateway can make is a row of this table, and only of this
 * table: RFC 9457 problem details with a stable code, an HTTP status and a
 * title in two languages.  docs/problems.md is checked against it.
 */

#ifndef EHR_PROBLEM_H
#define EHR_PROBLEM_H


#include "ehr.h"


/*  id, code, HTTP status, title (vi), title (en) */

#define EHR_PROBLEM_TABLE(X)                                                  \
    X(BAD_REQUEST, "request.bad", 400,                                        \
      "Yêu cầu không đúng giao thức HTTP", "Bad request")                     \
    X(CERT_REQUIRED, "cert.required", 400,                                    \
      "Cần chứng thư số máy khách hợp lệ",                                    \
      "A valid client certificate is required")                               \
    X(CERT_REVOKED, "cert.revoked", 403,                                      \
      "Chứng thư số đã bị thu hồi", "The client certificate is revoked")      \
    X(CERT_UNCHECKED, "cert.unchecked", 503,                                  \
      "Cổng tạm thời chưa kiểm tra được chứng thư số máy khách",              \
      "The gateway cannot check client certificates now")                     \
    X(CERT_UNKNOWN, "cert.unknown", 403,                                      \
      "Chứng thư số chưa được đăng ký",                                       \
      "The client certificate is not enrolled")                               \
    X(FACILITY_SUSPENDED, "facility.suspended", 403,                          \
      "Cơ sở đang bị tạm ngừng kết nối", "The facility is suspended")         \
    X(TOKEN_MISSING, "token.missing", 401,                                    \
      "Thiếu mã truy cập", "The access token is missing")                     \
    X(TOKEN_INVALID, "token.invalid", 401,                                    \
      "Mã truy cập không hợp lệ", "The access token is not valid")            \
    X(TOKEN_EXPIRED, "token.expired", 401,                                    \
      "Mã truy cập đã hết hạn", "The access token has expired")               \
    X(TOKEN_NOT_BOUND, "token.not-bound", 401,                                \
      "Mã truy cập không thuộc chứng thư số đang dùng",                       \
      "The access token is bound to another certificate")                     \
    X(TOKEN_SCOPE, "token.scope", 403,                                        \
      "Mã truy cập không đủ quyền", "The access token lacks the scope")       \
    X(ROLE_NOT_ALLOWED, "role.not-allowed", 403,                              \
      "Quản trị viên không có quyền này",                                     \
      "The administrator's role does not allow this")                         \
    X(KIND_NOT_ALLOWED, "facility.kind-not-allowed", 403,                     \
      "Cơ sở không được phép gửi loại hồ sơ này",                             \
      "The facility may not send this kind of document")                      \
    X(FACILITY_MISMATCH, "facility.mismatch", 403,                            \
      "Mã cơ sở trong hồ sơ không phải của chứng thư số",                     \
      "The document's facility code is not that of the certificate")          \
    X(BODY_EMPTY, "body.empty", 400,                                          \
      "Thiếu nội dung hồ sơ", "The body is empty")                            \
    X(DOCUMENT_MALFORMED, "document.malformed", 400,                          \
      "Hồ sơ không đọc được", "The document cannot be read")                  \
    X(DIGEST_MISMATCH, "digest.mismatch", 400,                                \
      "Content-Digest không khớp với nội dung",                               \
      "Content-Digest does not match the body")                               \
    X(IDEMPOTENCY_KEY_INVALID, "idempotency.key-invalid", 400,                \
      "Idempotency-Key không hợp lệ", "Idempotency-Key is not valid")         \
    X(PARAMETER_INVALID, "parameter.invalid", 400,                            \
      "Tham số không hợp lệ", "A parameter is not valid")                     \
    X(NOT_FOUND, "not-found", 404,                                            \
      "Không tìm thấy", "Not found")                                          \
    X(METHOD_NOT_ALLOWED, "method-not-allowed", 405,                          \
      "Phương thức không được hỗ trợ", "Method not allowed")                  \
    X(NOT_ACCEPTABLE, "not-acceptable", 406,                                  \
      "Không có định dạng trả lời được yêu cầu", "Not acceptable")            \
    X(BODY_TIMEOUT, "body.timeout", 408,                                      \
      "Quá thời gian nhận nội dung", "The body took too long to arrive")      \
    X(IDEMPOTENCY_IN_PROGRESS, "idempotency.in-progress", 409,                \
      "Yêu cầu đầu tiên với khóa này đang được xử lý",                        \
      "The first request with this key is still running")                     \
    X(CONFLICT, "conflict", 409,                                              \
      "Trùng với dữ liệu đã có", "Conflicts with what exists")                \
    X(CONTENT_REMOVED, "document.content-removed", 410,                       \
      "Nội dung hồ sơ đã hết thời hạn lưu giữ",                               \
      "The content is past its retention and was removed")                    \
    X(PRECONDITION_FAILED, "precondition.failed", 412,                        \
      "Dữ liệu đã được người khác thay đổi",                                  \
      "The resource was changed meanwhile")                                   \
    X(BODY_TOO_LARGE, "body.too-large", 413,                                  \
      "Nội dung quá lớn", "The body is too large")                            \
    X(URI_TOO_LONG, "uri.too-long", 414,                                      \
      "Địa chỉ quá dài", "The URI is too long")                               \
    X(BODY_TYPE, "body.type", 415,                                            \
      "Kiểu nội dung không được hỗ trợ",                                      \
      "The media type or content coding is not supported")                    \
    X(DOCUMENT_INVALID, "document.invalid", 422,                              \
      "Hồ sơ không hợp lệ", "The document is not valid")                      \
    X(DOCUMENT_UNKNOWN_KIND, "document.unknown-kind", 422,                    \
      "Không nhận ra loại hồ sơ", "The kind of document is not known")        \
    X(SIGNATURE_INVALID, "signature.invalid", 422,                            \
      "Chữ ký số không hợp lệ", "The signature is not valid")                 \
    X(SIGNATURE_REQUIRED, "signature.required", 422,                          \
      "Thiếu chữ ký số", "A signature is required")                           \
    X(SIGNATURE_UNTRUSTED, "signature.untrusted", 422,                        \
      "Chứng thư ký số không được tin cậy", "The signer is not trusted")      \
    X(IDEMPOTENCY_KEY_REUSED, "idempotency.key-reused", 422,                  \
      "Idempotency-Key đã dùng cho nội dung khác",                            \
      "Idempotency-Key was used with other content")                          \
    X(LIMIT_RATE, "limit.rate", 429,                                          \
      "Gửi quá nhanh", "Too many requests")                                   \
    X(LIMIT_QUOTA, "limit.quota", 429,                                        \
      "Vượt hạn mức", "The quota is used up")                                 \
    X(HEADER_TOO_LARGE, "header.too-large", 431,                              \
      "Tiêu đề yêu cầu quá lớn", "Request header fields too large")           \
    X(INTERNAL, "internal", 500,                                              \
      "Lỗi của cổng kết nối", "Internal error of the gateway")                \
    X(NOT_IMPLEMENTED, "not-implemented", 501,                                \
      "Chưa được hỗ trợ", "Not implemented")                                  \
    X(STORE_UNAVAILABLE, "store.unavailable", 503,                            \
      "Kho lưu trữ tạm thời không sẵn sàng",                                  \
      "The store is not available now")                                       \
    X(DOCUMENT_QUARANTINED, "document.quarantined", 503,                      \
      "Cổng kết nối chưa kiểm tra được hồ sơ này",                            \
      "The gateway cannot check this document now")                           \
    X(LIMITER_UNAVAILABLE, "limiter.unavailable", 503,                        \
      "Bộ giới hạn tạm thời không sẵn sàng",                                  \
      "The limiter is not available now")                                     \
    X(OVERLOADED, "overloaded", 503,                                          \
      "Cổng kết nối đang quá tải", "The gateway is overloaded")               \
    X(VERSION_NOT_SUPPORTED, "http.version", 505,                             \
      "Phiên bản HTTP không được hỗ trợ", "HTTP version not supported")


typedef enum {
    EHR_PROBLEM_NONE = 0,
#define X(id, code, status, vi, en)  EHR_PROBLEM_##id,
    EHR_PROBLEM_TABLE(X)
#undef X
    EHR_PROBLEM_LAST
} ehr_problem_e;


typedef enum {
    EHR_LANG_VI = 0,
    EHR_LANG_EN
} ehr_lang_e;


typedef struct {
    const char  *code;
    int          status;
    const char  *title[2];    /* by ehr_lang_e */
} ehr_problem_row_t;


#define EHR_FINDINGS_MAX  200


/* Findings in the order they were made; beyond counts those not kept. */

typedef struct {
    ehr_arena_t    *arena;    /* where items live; set before first use */
    ehr_finding_t  *items;
    size_t          n;
    size_t          allocated;
    size_t          nerrors;  /* kept or not */
    size_t          beyond;
} ehr_findings_t;


typedef struct {
    ehr_problem_e          problem;
    ehr_lang_e             lang;
    ehr_str_t              detail;      /* may be empty */
    ehr_str_t              instance;    /* path, without a query */
    ehr_str_t              request_id;
    const ehr_findings_t  *findings;    /* may be NULL */
} ehr_problem_view_t;


/* The row of a problem; of INTERNAL for a number out of range. */
const ehr_problem_row_t *ehr_problem_row(ehr_problem_e problem);

/* The problem that stands for an HTTP status nginx made itself (400, 404,
 * 405, 408, 413, 414, 415, 431, 494..497, 500..505); INTERNAL when unknown. */
ehr_problem_e ehr_problem_of_status(int status);

/* Renders application/problem+json into the arena; data NULL without
 * memory. */
ehr_str_t ehr_problem_render(const ehr_problem_view_t *view,
                             ehr_arena_t *arena);

/* Renders a JSON array of findings ("[]" when empty). */
ehr_str_t ehr_findings_render(const ehr_findings_t *findings, ehr_lang_e lang,
                              ehr_arena_t *arena);

/* Copies the finding's structure; its strings must live in the same arena or
 * longer.  EHR_OK, EHR_REFUSED when it was only counted, EHR_BROKEN. */
ehr_rc_t ehr_findings_add(ehr_findings_t *findings, const ehr_finding_t *f);

/* RFC 9110 Accept-Language with q-values; vi unless en is preferred. */
ehr_lang_e ehr_lang_negotiate(ehr_str_t accept_language);


#endif /* EHR_PROBLEM_H */
