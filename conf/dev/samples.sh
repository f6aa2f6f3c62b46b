#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What a newcomer sees: the samples go through the gateway as a hospital would
# send them (curl, certificate, token); each receipt, the partner's answer,
# and that the partner got the very bytes; then a wrong claim with its errors.

set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
run=$EHR_RUN_DIR

# shellcheck source=/dev/null
. "$run/env"

answer=$run/tmp/answer.json

as() {
    local facility=$1

    shift
    curl -sS --cacert "$EHR_PKI/server-ca.pem" \
        --cert "$EHR_PKI/$facility.pem" --key "$EHR_PKI/$facility.key" "$@"
}

# value NAME: a member of the answer; of an object in it with a dot.

value() {
    perl -MJSON::PP -e '
        local $/;
        open(my $file, "<", $ARGV[0]) or die;
        my $v = JSON::PP->new->utf8->decode(<$file>);
        for my $name (split(/\./, $ARGV[1])) {
            $v = ref $v eq "ARRAY" ? $v->[$name] : $v->{$name};
        }
        binmode(STDOUT, ":utf8");
        print defined $v ? $v : "";
    ' "$answer" "$1"
}

submit() {
    local facility=$1 file=$2 token

    as "$facility" -o "$answer" -d grant_type=client_credentials \
        "$EHR_GATEWAY/oauth2/token"
    token=$(value access_token)

    as "$facility" -o "$answer" -w '%{http_code}' \
        -H "Authorization: Bearer $token" -H "Prefer: wait=20" \
        -H "Content-Type: application/xml" --data-binary "@$file" \
        "$EHR_GATEWAY/v1/documents"
}

# The file the simulator keeps beside the .meta of this document, if it is
# ours and not a server of the visitor's own.

received_sha256() {
    local meta

    meta=$(grep -l "\"$1\"" "$run"/sim/insurance/received/*.meta \
           2>/dev/null | tail -n 1) || return 0
    sha256sum "${meta%.meta}" | cut -c1-64
}

show_accepted() {
    local name=$1 status=$2 id sha256 there

    id=$(value id)
    sha256=$(value sha256)
    there=$(received_sha256 "$id")

    echo
    echo "$name: $status, a $(value kind) of $(value facility)$(
        [ "$(value duplicate)" != 1 ] || echo ", sent before")"
    echo "    id        $id"
    echo "    sha256    $sha256"
    echo "    receipt   $(value receipt | cut -c1-60)..."
    echo "    partner   $(value deliveries.0.partner):" \
        "$(value deliveries.0.state)" \
        "$(value deliveries.0.partner_code)" \
        "$(value deliveries.0.partner_ref)" \
        "$(value deliveries.0.message)"

    if [ -n "$there" ]; then
        [ "$there" = "$sha256" ] || {
            echo "    the partner has other bytes: $there" >&2
            exit 1
        }
        echo "    arrived   $there: byte for byte"
    fi
}

show_refused() {
    echo
    echo "$1: $2 $(value code), $(value title)"
    perl -MJSON::PP -e '
        local $/;
        open(my $file, "<", $ARGV[0]) or die;
        binmode(STDOUT, ":utf8");
        my $problem = JSON::PP->new->utf8->decode(<$file>);
        for my $e (@{$problem->{errors} || []}) {
            printf("    %-5s %s %s: %s\n", $e->{section} // "",
                   defined $e->{row} ? "row $e->{row}" : "",
                   $e->{field} // "", $e->{message});
        }
    ' "$answer"
}

for sample in 99001/checkin-99001 99001/claim-99001 99002/claim-99002; do
    name=${sample#*/}.xml
    status=$(submit "${sample%/*}" "$top/t/samples/$name")

    case "$status" in
        200|202) show_accepted "$name" "$status" ;;
        *)       show_refused "$name" "$status" >&2; exit 1 ;;
    esac
done

status=$(submit 99001 "$top/t/samples/claim-99001-wrong.xml")
[ "$status" = 422 ] || {
    echo "the wrong claim was answered $status" >&2
    exit 1
}
show_refused claim-99001-wrong.xml "$status"
