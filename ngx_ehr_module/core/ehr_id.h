/* SPDX-License-Identifier: BSD-2-Clause */

/* UUIDv7 (RFC 9562), trace ids, hexadecimal, SHA-256, and times as text. */

#ifndef EHR_ID_H
#define EHR_ID_H


#include "ehr.h"


/* text gets EHR_UUID_LEN characters and a NUL; EHR_BROKEN without
 * randomness. */
ehr_rc_t ehr_uuid7(int64_t now_ms, char text[EHR_UUID_LEN + 1]);

/* 1 when text is a UUID in canonical lower case. */
int ehr_uuid_valid(ehr_str_t text);

/* The trace-id in a "traceparent" (W3C Trace Context 1.0 section 3.2), 32
 * lower case hexadecimal digits of it; empty: it is not valid. */
ehr_str_t ehr_trace_id(ehr_str_t traceparent);

/* 2 * len lower case characters and a NUL. */
void ehr_hex(const uint8_t *bytes, size_t len, char *text);

/* EHR_OK, or EHR_REFUSED when text is not exactly 2 * len hex digits. */
ehr_rc_t ehr_unhex(ehr_str_t text, uint8_t *bytes, size_t len);

void ehr_sha256(const void *data, size_t len, uint8_t out[EHR_SHA256_LEN]);

/* "2026-11-21T03:04:05.678Z" and a NUL; buf of EHR_TIME_LEN + 1. */
#define EHR_TIME_LEN  24
void ehr_time_render(int64_t unix_ms, char buf[EHR_TIME_LEN + 1]);

/* RFC 3339 with "Z" or an offset, seconds with optional fraction; EHR_REFUSED
 * when it is none.  Up to 7 and more fraction digits are read. */
ehr_rc_t ehr_time_parse(ehr_str_t text, int64_t *unix_ms);

/* Constant time. */
int ehr_equal_secret(const void *a, const void *b, size_t len);


#endif /* EHR_ID_H */
