#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A throw-away PKI for one machine: development and tests, never production.
#
#     pki.sh make DIR                      everything below, what is missing
#     pki.sh issue DIR CA NAME [option...] one more certificate of a CA
#     pki.sh revoke DIR CA NAME            puts it on the CA's list
#
# What is there and still valid is kept, so that certificates enrolled
# yesterday are known today.  Options of issue: --cn TEXT, --san LIST,
# --usage clientAuth|serverAuth|..., --start and --end YYYYMMDDHHMMSSZ,
# --rsa (P-256 else).

set -euo pipefail
umask 077

readonly day_sec=86400

# Everything is valid since yesterday: clocks are put back, by tests too.
yesterday=$(date -u -d yesterday +%Y%m%d%H%M%SZ)
readonly yesterday

fail() {
    echo "pki.sh: $*" >&2
    exit 1
}

quietly() {
    local said

    said=$("$@" 2>&1) || fail "$1 failed: $said"
}

is_valid() {
    [ -s "$1" ] && openssl x509 -in "$1" -noout -checkend $day_sec >/dev/null
}

new_key() {
    if [ "${2:-}" = rsa ]; then
        quietly openssl genpkey -quiet -algorithm RSA \
            -pkeyopt rsa_keygen_bits:2048 -out "$1"
    else
        quietly openssl genpkey -algorithm EC \
            -pkeyopt ec_paramgen_curve:P-256 -out "$1"
    fi
}

# --- authorities ------------------------------------------------------------

ca_config() {
    local dir=$1 ca=$2

    mkdir -p "$dir/.$ca/new"
    [ -e "$dir/.$ca/index" ] || : > "$dir/.$ca/index"
    # in one step: another test may be copying it
    cat > "$dir/.$ca/ca.cnf.$$" <<EOT
[ca]
default_ca = ca_default
[ca_default]
database = $dir/.$ca/index
new_certs_dir = $dir/.$ca/new
rand_serial = yes
certificate = $dir/$ca.pem
private_key = $dir/$ca.key
default_md = sha256
default_days = 365
default_crl_days = 90
policy = policy_any
unique_subject = no
copy_extensions = none
[policy_any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
EOT
    mv "$dir/.$ca/ca.cnf.$$" "$dir/.$ca/ca.cnf"
}

authority() {
    local dir=$1 ca=$2 name=$3

    if ! is_valid "$dir/$ca.pem"; then
        rm -rf "$dir/.$ca"
        new_key "$dir/$ca.key"
        ca_config "$dir" "$ca"
        quietly openssl req -new -key "$dir/$ca.key" -subj "/CN=$name" \
            -out "$dir/.$ca/$ca.csr"
        quietly openssl ca -batch -notext -selfsign \
            -config "$dir/.$ca/ca.cnf" -extensions authority \
            -startdate "$yesterday" -days 3650 \
            -in "$dir/.$ca/$ca.csr" -out "$dir/$ca.pem"
        rm -f "$dir/.$ca/$ca.csr"
    fi
    ca_config "$dir" "$ca"
}

list_of_revoked() {
    local dir=$1 ca=$2 crl=$3

    quietly openssl ca -config "$dir/.$ca/ca.cnf" -gencrl \
        -crl_lastupdate "$yesterday" -out "$crl.new"
    mv "$crl.new" "$crl"
}

# A list that a visitor has replaced is theirs as long as it is valid.

is_current_list() {
    local crl=$1 ca=$2 until

    [ -s "$crl" ] || return 1
    openssl crl -in "$crl" -CAfile "$ca" -noout 2>/dev/null || return 1
    until=$(openssl crl -in "$crl" -noout -nextupdate)
    [ "$(date -d "${until#*=}" +%s)" -gt $(($(date +%s) + day_sec)) ]
}

# --- certificates -----------------------------------------------------------

issue() {
    local dir=$1 ca=$2 name=$3 cn san='' usage=clientAuth start='' end=''
    local ext kind=ec from=()

    cn=$name
    shift 3
    while [ $# -gt 0 ]; do
        case "$1" in
            --cn)    cn=$2;    shift 2 ;;
            --san)   san=$2;   shift 2 ;;
            --usage) usage=$2; shift 2 ;;
            --start) start=$2; shift 2 ;;
            --end)   end=$2;   shift 2 ;;
            --rsa)   kind=rsa; shift ;;
            *)       fail "unknown option $1" ;;
        esac
    done

    from+=(-startdate "${start:-$yesterday}")
    [ -n "$end" ] && from+=(-enddate "$end")

    ext=$dir/.$ca/$name.ext
    {
        echo "basicConstraints = critical,CA:FALSE"
        echo "keyUsage = critical,digitalSignature"
        echo "extendedKeyUsage = $usage"
        [ -z "$san" ] || echo "subjectAltName = $san"
    } > "$ext"

    new_key "$dir/$name.key" $kind
    quietly openssl req -new -key "$dir/$name.key" -subj "/CN=$cn" \
        -out "$dir/.$ca/$name.csr"
    quietly openssl ca -batch -notext -config "$dir/.$ca/ca.cnf" \
        -in "$dir/.$ca/$name.csr" -extfile "$ext" -out "$dir/$name.pem" \
        "${from[@]}"
    rm -f "$ext" "$dir/.$ca/$name.csr"
}

is_of() {
    [ -s "$1/$3.key" ] && is_valid "$1/$3.pem" \
        && openssl verify -CAfile "$1/$2.pem" "$1/$3.pem" >/dev/null 2>&1
}

certificate() {
    is_of "$@" || issue "$@"
}

make_all() {
    local dir=$1 here="DNS:localhost,IP:127.0.0.1,IP:::1" name

    authority "$dir" server-ca "EHR development server CA"
    authority "$dir" hospital-ca "EHR development hospital CA"
    authority "$dir" admin-ca "EHR development administrator CA"
    authority "$dir" partner-ca "EHR development partner CA"

    certificate "$dir" server-ca server-ecdsa --cn localhost --san "$here" \
        --usage serverAuth
    certificate "$dir" server-ca server-rsa --cn localhost --san "$here" \
        --usage serverAuth --rsa
    certificate "$dir" partner-ca insurance --cn localhost --san "$here" \
        --usage serverAuth

    certificate "$dir" hospital-ca 99001
    certificate "$dir" hospital-ca 99002
    certificate "$dir" admin-ca admin

    is_current_list "$dir/hospital-crl.pem" "$dir/hospital-ca.pem" \
        || list_of_revoked "$dir" hospital-ca "$dir/hospital-crl.pem"
    is_current_list "$dir/admin-crl.pem" "$dir/admin-ca.pem" \
        || list_of_revoked "$dir" admin-ca "$dir/admin-crl.pem"

    for name in token-issuer receipt; do
        [ -s "$dir/$name.pem" ] || new_key "$dir/$name.pem"
    done

    # of the journal: losing it is losing what lies there
    if [ ! -s "$dir/store.key" ]; then
        quietly openssl rand -hex -out "$dir/store.key.new" 32
        mv "$dir/store.key.new" "$dir/store.key"
    fi
}

[ $# -ge 2 ] || fail "usage: pki.sh make|issue|revoke DIR ..."
command=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
shift 2

case "$command" in
    make)
        make_all "$dir"
        ;;
    issue)
        issue "$dir" "$@"
        ;;
    revoke)
        quietly openssl ca -config "$dir/.$1/ca.cnf" -revoke "$dir/$2.pem"
        list_of_revoked "$dir" "$1" "$dir/${1%-ca}-crl.pem"
        ;;
    *)
        fail "unknown command $command"
        ;;
esac
