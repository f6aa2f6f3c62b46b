#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The look of the sources, as far as a machine can see it: tabs, blanks at the
# end of a line, 79 columns, the licence line, no nginx name where nginx must
# not be known; the look of C is style.pl's.

set -uo pipefail

cd "$(dirname "$0")/../.." || exit 1

faults=0

# complain WHAT: one fault for each line it reads.

complain() {
    local line

    while read -r line; do
        echo "$line: $1"
        faults=$((faults + 1))
    done
}

mapfile -t sources < <(git ls-files --cached --others --exclude-standard \
    -- '*.c' '*.h' '*.pm' '*.t' '*.pl' '*.sh' '*.py' '*.mjs' '*.java' \
       '*.sql' '*.lua' '.ci/run' 't/sim/*' conf/nginx.conf conf/partners \
       conf/dev Makefile | sort -u | grep -v '\.md$')
mapfile -t c < <(printf '%s\n' "${sources[@]}" | grep '\.[ch]$')

# Makefile rules begin with a tab.
complain "tab" < <(grep -HnP '\t' \
    "${sources[@]/Makefile/conf/nginx.conf}" | cut -d: -f1,2 | sort -u)
complain "blank at the end" < <(grep -HnP '[ \t]+$' "${sources[@]}" \
    | cut -d: -f1,2)

# Columns are characters; a cipher list and a log line cannot be broken.
complain "more than 79 columns" < <(
    LC_ALL=C.UTF-8 grep -HnP '^.{80,}$' "${sources[@]}" \
        | grep -v -e ':    ssl_ciphers ' -e ':    ehr_administrator ' \
                  -e '^\(ngx_ehr_module/store/migrations\|t/.*/cases\)/' \
                  -e '  X(' -e 'usage: ' \
        | cut -d: -f1,2)

complain "no licence line" < <(
    for file in "${sources[@]}"; do
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: BSD-2-Clause' \
            || echo "$file:1"
    done | grep -v -e '^Makefile' -e '/cases/' -e '\.in:')

complain "nginx is not known here" < <(
    grep -HnE '\b(ngx_[a-z]+|NGX_[A-Z]+)' \
        ngx_ehr_module/{core,store,include}/*.[ch] plugins/*/*.[ch] \
        2>/dev/null | grep -v 'ngx_ehr_module/' | cut -d: -f1,2
    grep -nHE '#include.*<ngx_|\bngx_(http|str|pool|int|log|event|conn)' \
        ngx_ehr_module/{core,store,include}/*.[ch] 2>/dev/null \
        | cut -d: -f1,2)

complain "unfinished" < <(grep -HnE '\b(TODO|FIXME|XXX)\b' "${sources[@]}" \
    | grep -v '^conf/dev/style.sh' | cut -d: -f1,2)

while IFS= read -r line; do
    echo "$line"
    faults=$((faults + 1))
done < <(perl conf/dev/style.pl "${c[@]}")

if command -v shellcheck > /dev/null; then
    complain "shellcheck" < <(shellcheck -f gcc conf/dev/*.sh .ci/run \
        | cut -d: -f1,2)
fi

[ "$faults" -eq 0 ] || echo "$faults faults of style"
[ "$faults" -eq 0 ]
