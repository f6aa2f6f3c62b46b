#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Runs fuzz targets one after another, with one line of summary for each:
#
#     run.sh run SECONDS TARGET...      new units; findings fail
#     run.sh replay 0 TARGET...         the committed corpus only
#     run.sh merge 0 TARGET...          grows the committed corpus
#
# EHR_BUILD holds the programs (t/fuzz), what they have learned (corpus) and
# what they have found (findings).

set -uo pipefail

cd "$(dirname "$0")/../.." || exit 1

does=$1
seconds=$2
shift 2

# A committed unit is one that a person could still read.
largest=4096

export ASAN_OPTIONS="abort_on_error=0:allocator_may_return_null=1"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"

symbolizer=$(command -v llvm-symbolizer) \
    && export ASAN_SYMBOLIZER_PATH="$symbolizer"

# options_of TARGET: the longest unit, the words.

options_of() {
    case $1 in
        language)  echo "-max_len=512" ;;
        gate)      echo "-max_len=4096 -dict=$EHR_BUILD/fuzz-json.dict" ;;
        scan)      echo "-max_len=4096 -dict=$EHR_BUILD/fuzz-xml.dict" ;;
        base64|digest)
                   echo "-max_len=2048" ;;
        token|receipt|insurance_judge|json)
                   echo "-max_len=16384 -dict=$EHR_BUILD/fuzz-json.dict" ;;
        insurance_prepare)
                   echo "-max_len=4096" ;;
        envelope|claims|section)
                   echo "-max_len=32768 -dict=$EHR_BUILD/fuzz-xml.dict" ;;
        *)         echo "-max_len=65536 -dict=$EHR_BUILD/fuzz-xml.dict" ;;
    esac
}

failed=0

for target in "$@"; do
    program=$EHR_BUILD/t/fuzz/$target
    given=t/fuzz/corpus/$target
    learned=$EHR_BUILD/corpus/$target
    findings=$EHR_BUILD/findings/$target
    log=$EHR_BUILD/findings/$target.log
    mkdir -p "$given" "$learned" "$findings"

    case $does in
        run)    work=("-max_total_time=$seconds" "$learned" "$given") ;;
        replay) work=("-runs=0" "$given") ;;
        merge)  work=("-merge=1" "-use_counters=0" "-max_len=$largest"
                      "$given" "$learned") ;;
        *)      sed -n '3,10s/^# \?//p' "$0" >&2; exit 2 ;;
    esac

    read -ra options < <(options_of "$target")

    # The harness measures CPU; the time here is for what waits for ever.
    nice -n 19 "$program" -timeout=600 -rss_limit_mb=1024 -malloc_limit_mb=64 \
        -artifact_prefix="$findings/" -print_final_stats=1 \
        "${options[@]}" "${work[@]}" > "$log" 2>&1
    status=$?

    awk -v target="$target" -v status="$status" '
        / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
        /^stat::number_of_executed_units/ { units = $2 }
        /^stat::slowest_unit_time_sec/    { slowest = $2 }
        /^stat::peak_rss_mb/              { peak = $2 }
        END { printf "%-18s %10d units, %6d edges, slowest %d s, %d MB: %s\n",
                     target, units, cov, slowest, peak,
                     status == 0 ? "nothing found" : "FOUND SOMETHING" }
    ' "$log"

    if [ "$status" -ne 0 ]; then
        failed=1
        grep -E -m 3 'broken promise|ERROR: |SUMMARY: |runtime error' "$log"
        grep -m 1 'Test unit written' "$log"
    fi
done

exit "$failed"
