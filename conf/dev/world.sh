#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The development world: PKI, Redis, partner simulators and nginx on loopback.
#
#     world.sh start|stop
#
# What it honours and what it leaves behind is described in docs/run.md.  It
# stops only what it started itself, known by pid and start time, and keeps
# the journal.

set -euo pipefail
umask 077

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${EHR_BUILD:-$top/build}
run=${EHR_RUN_DIR:-$build/run}
case "$run" in
    /*) ;;
    *)  run=$PWD/$run ;;
esac
base_port=${EHR_RUN_PORT:-8443}
workers=${EHR_RUN_WORKERS:-4}
rate=${EHR_RUN_RATE:-}

readonly start_sec=15 stop_sec=8 socket_path_max=107

PATH=$PATH:/usr/sbin:/sbin

fail() {
    echo "make run: $*" >&2
    exit 1
}

# wait_until SECONDS COMMAND...: polls; fails when the time is over.

wait_until() {
    local tries=$(($1 * 50))

    shift
    until "$@"; do
        [ $((tries -= 1)) -gt 0 ] || return 1
        sleep 0.02
    done
}

# --- processes ---------------------------------------------------------------

# Field 22 of /proc/PID/stat; the name before it may hold blanks.

started_at() {
    local stat

    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    # shellcheck disable=SC2086
    set -- $stat
    [ "$1" != Z ] || return 1
    echo "${20}"
}

remember() {
    echo "$2 $(started_at "$2")" > "$run/.pid/$1"
    echo "$1 $2" >> "$run/pids"
}

# The pid is still the very process we started.

is_ours() {
    local pid start

    read -r pid start < "$run/.pid/$1" 2>/dev/null || return 1
    [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ]
}

is_gone() {
    ! is_ours "$1"
}

stop_one() {
    local name=$1 signal pid

    shift
    for signal in "$@"; do
        is_ours "$name" || break
        read -r pid _ < "$run/.pid/$name"
        kill -s "$signal" "$pid" 2>/dev/null || true
        wait_until $stop_sec is_gone "$name" || true
    done

    is_gone "$name" || fail "$name ($pid) does not end"
    rm -f "$run/.pid/$name"
}

stop_world() {
    local name

    [ -d "$run/.pid" ] || return 0

    [ ! -e "$run/.pid/nginx" ] || stop_one nginx QUIT TERM KILL
    for name in "$run"/.pid/*; do
        [ ! -e "$name" ] || stop_one "$(basename "$name")" TERM KILL
    done

    rm -f "$run/pids" "$run/nginx.pid"
    if [ -L "$run/sock" ]; then
        rm -rf "$(readlink "$run/sock")" "$run/sock"
    fi
    rm -rf "$run/sock"
}

# start NAME COMMAND...: in the background, its output in the logs.

start() {
    local name=$1

    shift
    setsid "$@" < /dev/null >> "$run/logs/$name.log" 2>&1 &
    remember "$name" $!
}

# --- the parts ---------------------------------------------------------------

make_folders() {
    local longest

    mkdir -p "$run/logs" "$run/journal" "$run/tmp" "$run/partners" \
        "$run/.pid" "$run/sim"
    : > "$run/pids"

    # A socket's path is short, a visitor's folder perhaps not.

    longest=$run/sock/courier.sock
    if [ ${#longest} -le $socket_path_max ]; then
        mkdir -p "$run/sock"
    else
        ln -s "$(mktemp -d "${TMPDIR:-/tmp}/ehr.XXXXXX")" "$run/sock"
    fi
    sockets=$(cd "$run/sock" && pwd -P)
}

start_redis() {
    start redis redis-server --port 0 --unixsocket "$sockets/redis.sock" \
        --save "" --appendonly no --dir "$run/tmp"
    wait_until $start_sec test -S "$sockets/redis.sock" \
        || fail "Redis did not start, see $run/logs/redis.log"
}

write_accounts() {
    cat > "$run/partners/insurance.accounts" <<EOT
{"99001": {"username": "99001_BV", "password": "mat-khau-99001"},
 "99002": {"username": "99002_BV", "password": "mat-khau-99002"}}
EOT
}

start_insurance() {
    local sim=$run/sim/insurance

    mkdir -p "$sim"
    rm -f "$sim/port" "$sim/control"
    start insurance "$top/t/sim/insurance" \
        --port-file "$sim/port" --control-port-file "$sim/control" \
        --cert "$run/pki/insurance.pem" --key "$run/pki/insurance.key" \
        --received "$sim/received" \
        --accounts "$run/partners/insurance.accounts" \
        --verbose "$run/logs/insurance.log"
    wait_until $start_sec test -s "$sim/control" -a -s "$sim/port" \
        || fail "the simulator did not start, see $run/logs/insurance.log"

    insurance_url=https://127.0.0.1:$(cat "$sim/port")
    insurance_name=localhost
    insurance_trusted=$run/pki/partner-ca.pem
}

# A server of the visitor's own: any CA of this machine, or that of our PKI.

use_insurance() {
    insurance_url=${1%/}
    insurance_name=$(sed -E 's,^[a-z]+://,,; s,[:/].*$,,' <<< "$1")
    insurance_trusted=$run/partners/trusted.pem
    cat "$run/pki/partner-ca.pem" > "$insurance_trusted"
    [ ! -r /etc/ssl/certs/ca-certificates.crt ] \
        || cat /etc/ssl/certs/ca-certificates.crt >> "$insurance_trusted"
}

# fill TEMPLATE name=value...

fill() {
    perl -e '
        my $template = shift;
        my %v = map { split(/=/, $_, 2) } @ARGV;
        open(my $file, "<", $template) or die "$template: $!\n";
        while (<$file>) {
            s{\@(\w+)\@}{ defined $v{$1} ? $v{$1} : die "$1 is not set\n" }ge;
            print;
        }
    ' "$top/conf/dev/$1" "${@:2}"
}

write_partner() {
    local name=$1 url=$2 host=$3 trusted=$4 scheme rest server path

    scheme=${url%%://*}
    rest=${url#*://}
    server=${rest%%/*}
    path=${rest#"$server"}

    fill partner.upstream.in name="$name" server="$server" \
        > "$run/partners/$name.upstream"
    fill partner.location.in name="$name" scheme="$scheme" path="$path" \
        host="$host" tls_name="$host" trusted="$trusted" \
        read_timeout=60s location= > "$run/partners/$name.location"
}

sha256_of() {
    openssl x509 -in "$1" -outform DER | sha256sum | cut -d' ' -f1
}

has_ipv6() {
    grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null
}

# Each kind with its validator, of those that were built.
validator_lines() {
    local kind plugin

    while read -r kind plugin; do
        [ ! -e "$build/plugins/$plugin.so" ] || printf '%s\n    ' \
            "ehr_validator $kind plugin=$build/plugins/$plugin.so;"
    done <<'END'
checkin checkin
claim claims
birth_notice notices
death_notice notices
driver_exam driver_exam
END
}

write_conf() {
    local user='' ipv6_gateway='' ipv6_admin=''
    local facility_rate cert_rate partners validators

    [ "$(id -u)" -ne 0 ] || user="user $(id -un) $(id -gn);"

    case "$rate" in
        "")  facility_rate="50r/s burst=100" cert_rate="500r/s burst=1000" ;;
        off) facility_rate=off cert_rate=off ;;
        *[!0-9]*) fail "EHR_RUN_RATE is a number or off" ;;
        *)   facility_rate=${rate}r/s cert_rate=$((rate * 10))r/s ;;
    esac

    if has_ipv6; then
        ipv6_gateway="listen [::1]:$gateway_port ssl backlog=1024;"
        ipv6_admin="listen [::1]:$admin_port ssl http2;"
    fi

    partners="ehr_partner insurance plugin=$build/plugins/insurance.so \
location=/insurance accounts=$run/partners/insurance.accounts;
    ehr_route claim insurance;
    ehr_route checkin insurance;"

    validators=$(validator_lines)

    fill nginx.conf.in main="$user" module="$build/ngx_http_ehr_module.so" \
        workers="$workers" run="$run" log_level=notice events= http= \
        pki="$run/pki" issuer="https://127.0.0.1:$gateway_port" \
        rate="$facility_rate" cert_rate="$cert_rate" \
        redis="unix:$sockets/redis.sock" partners="$partners" \
        validators="$validators" \
        store_keys="ehr_store_key $run/pki/store.key;" \
        admin_sha256="$(sha256_of "$run/pki/admin.pem")" \
        gateway_port="$gateway_port" gateway_ipv6="$ipv6_gateway" gateway= \
        location= admin_port="$admin_port" admin_ipv6="$ipv6_admin" admin= \
        ops_port="$ops_port" courier_socket="$sockets/courier.sock" \
        courier= > "$run/nginx.conf"
}

is_alive() {
    curl -sf -o /dev/null "http://127.0.0.1:$ops_port/livez"
}

# A module with AddressSanitizer in it needs its library before all others.

preload() {
    [ -n "${EHR_SANITIZE:-}" ] || return 0
    echo "LD_PRELOAD=$(gcc -print-file-name=libasan.so)"
    echo "ASAN_OPTIONS=detect_leaks=0:log_path=$run/logs/sanitizer"
}

start_nginx() {
    local preloaded

    mapfile -t preloaded < <(preload)
    rm -f "$sockets/courier.sock"
    env "${preloaded[@]}" nginx -p "$run/" -e "$run/logs/error.log" \
        -c "$run/nginx.conf" \
        < /dev/null >> "$run/logs/nginx.log" 2>&1 || {
        tail -n 5 "$run/logs/nginx.log" >&2
        fail "nginx did not start, see $run/logs/"
    }

    wait_until $start_sec test -s "$run/nginx.pid" \
        || fail "nginx wrote no pid file, see $run/logs/error.log"
    remember nginx "$(cat "$run/nginx.pid")"

    wait_until $start_sec is_alive \
        || fail "nginx does not answer, see $run/logs/error.log"
}

write_env() {
    cat > "$run/env" <<EOT
EHR_GATEWAY=https://127.0.0.1:$gateway_port
EHR_ADMIN=https://127.0.0.1:$admin_port
EHR_OPS=http://127.0.0.1:$ops_port
EHR_PKI=$run/pki
EHR_SIM_INSURANCE=$insurance_url
EOT
    [ -n "${EHR_RUN_PARTNER_INSURANCE:-}" ] \
        || echo "EHR_SIM_INSURANCE_CONTROL=http://127.0.0.1:$(cat \
            "$run/sim/insurance/control")" >> "$run/env"
}

print_urls() {
    cat <<EOT

gateway  https://127.0.0.1:$gateway_port   (client certificate required)
admin    https://127.0.0.1:$admin_port   (the administrator's certificate)
ops      http://127.0.0.1:$ops_port/readyz  /livez  /metrics
partner  $insurance_url
files    $run   (env, pki/, logs/, sim/, journal/)
stop     ${EHR_RUN_DIR:+EHR_RUN_DIR=$EHR_RUN_DIR }make stop
EOT
}

start_world() {
    gateway_port=$base_port
    admin_port=$((base_port + 1000))
    ops_port=$((base_port + 737))

    # Half a world is none.
    trap stop_world EXIT

    make_folders
    "$top/conf/dev/pki.sh" make "$run/pki"
    write_accounts
    start_redis

    if [ -n "${EHR_RUN_PARTNER_INSURANCE:-}" ]; then
        use_insurance "$EHR_RUN_PARTNER_INSURANCE"
    else
        start_insurance
    fi

    write_partner insurance "$insurance_url" "$insurance_name" \
        "$insurance_trusted"
    write_conf
    start_nginx
    write_env

    EHR_RUN_DIR=$run "$top/conf/dev/enrol.sh"
    [ "${EHR_RUN_SAMPLES:-yes}" = no ] \
        || EHR_RUN_DIR=$run "$top/conf/dev/samples.sh"

    trap - EXIT
    print_urls
}

[[ $base_port =~ ^[0-9]+$ ]] || fail "EHR_RUN_PORT is a number"
case "${1:-}" in
    start) stop_world; start_world ;;
    stop)  stop_world ;;
    *)     echo "usage: $0 start|stop" >&2; exit 2 ;;
esac
