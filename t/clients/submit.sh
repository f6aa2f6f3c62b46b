#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The smallest client: curl.
#
#     set -a; . build/run/env
#     t/clients/submit.sh 99001 t/samples/claim-99001.xml
#
# Needs EHR_GATEWAY (URL) and EHR_PKI (a folder with server-ca.pem and the
# facility's .pem and .key).  Prints the answer; status 0 when it is accepted.

set -euo pipefail

facility=$1 file=$2

gateway() {
    curl -sS --fail-with-body --cacert "$EHR_PKI/server-ca.pem" \
        --cert "$EHR_PKI/$facility.pem" --key "$EHR_PKI/$facility.key" "$@"
}

token=$(gateway -d grant_type=client_credentials \
            "$EHR_GATEWAY/oauth2/token" \
        | sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p')

gateway -H "Authorization: Bearer $token" \
    -H "Content-Type: application/xml" \
    -H "Prefer: wait=${EHR_WAIT:-0}" \
    --data-binary "@$file" "$EHR_GATEWAY/v1/documents"
echo
