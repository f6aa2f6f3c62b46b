#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Installs the Debian packages that a target needs and that are missing:
#
#     packages.sh build|run|test|style|valgrind|fuzz
#
# Prints what it installs; does nothing, and asks no network, when all are
# there.

set -euo pipefail

build="gcc make perl dpkg-dev nginx nginx-dev libssl-dev libxml2-dev
       libhiredis-dev libjwt-dev libjansson-dev libsqlite3-dev libzstd-dev
       libxmlsec1-dev libutf8proc-dev"
run="$build openssl redis-server python3 curl ca-certificates"
test="$run libcmocka-dev libio-socket-ssl-perl libxml2-utils sqlite3 xxd
      nodejs default-jdk-headless xmlsec1"
style="clang-format perl"
valgrind="$test valgrind"
fuzz="$build clang libclang-rt-14-dev llvm"

case "${1:-}" in
    build) wanted=$build ;;
    run)   wanted=$run ;;
    test)  wanted=$test ;;
    style) wanted=$style ;;
    valgrind) wanted=$valgrind ;;
    fuzz)  wanted=$fuzz ;;
    *)     echo "usage: $0 build|run|test|style|valgrind" >&2; exit 2 ;;
esac

missing=()
for package in $wanted; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) \
        || status=none
    [ "$status" = installed ] || missing+=("$package")
done

[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "missing packages: ${missing[*]}" >&2
        echo "install them as root: apt-get install ${missing[*]}" >&2
        exit 1
    }
    as_root=(sudo)
fi

echo "installing: ${missing[*]}"

# Debian would start nginx and redis at once, on public ports: a policy for
# the time of this installation says no.

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

log=$(mktemp)
if ! { "${as_root[@]}" apt-get update -q \
       && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
          apt-get install -y -q --no-install-recommends "${missing[@]}"; } \
       > "$log" 2>&1 < /dev/null
then
    tail -n 20 "$log" >&2
    rm -f "$log"
    exit 1
fi
rm -f "$log"
