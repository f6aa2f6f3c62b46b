/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * An access token for a client certificate (RFC 6749 4.4, RFC 8705).
 */

#ifndef TOKEN_H
#define TOKEN_H


#include "target.h"


#define TOKEN_MAX  8192

/*
 * Does   asks /oauth2/token of the target; blocks until the answer
 * Gives  0 with the token in out (TOKEN_MAX bytes), or -1 and why on
 *        standard error
 */
int token_fetch(const target_t *target, SSL_CTX *ctx, char *out);


#endif /* TOKEN_H */
