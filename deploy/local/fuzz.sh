#!/usr/bin/env bash
# Fuzzes the parsers of what comes from outside: fuzz.sh [SECONDS [TARGET…]], by default each target for 20 seconds, two
# at a time. What was found stays in the cache and is where the next run begins; an input that breaks a law fails.
#
# libFuzzer's counters are in the program's own crate only, and there is no sanitizer: the program has no unsafe code
# outside `src/embedded`, and a panic, an overflow, a broken law or a hang shows without one.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=deploy/local/tools.sh
source "$root/deploy/local/tools.sh"

FOUND="${SIGNALMILL_FUZZ:-${XDG_CACHE_HOME:-$HOME/.cache}/signalmill-fuzz}"
TARGETS_AT_ONCE="${SIGNALMILL_FUZZ_JOBS:-2}"
INPUT_BYTES_MAX=16384
INPUT_SECONDS_MAX=10
MEMORY_MB_MAX=2048

# one SECONDS TARGET: fuzzes a target, and says in one line what came of it.
one() {
    local seconds=$1 target=$2
    local corpus=$FOUND/corpus/$target broken=$FOUND/broken/$target log=$FOUND/$target.log
    local seeds=("$root/tests/fuzz/seeds/$target")
    mkdir -p "$corpus" "$broken"
    if [ "$target" = records ]; then seeds+=("$root/tests/it/data/avro"); fi
    # Real files, where there are any beside the repository.
    if [ "$target" = candles ] && [ -d "$root/../shared/data" ]; then seeds+=("$root"/../shared/data/candles-*); fi
    if "$CARGO_TARGET_DIR/debug/$target" -max_total_time="$seconds" -max_len=$INPUT_BYTES_MAX \
        -timeout=$INPUT_SECONDS_MAX -rss_limit_mb=$MEMORY_MB_MAX -artifact_prefix="$broken/" -print_final_stats=1 \
        "$corpus" "${seeds[@]}" >"$log" 2>&1 </dev/null; then
        awk -v target="$target" '
            /DONE +cov:/ { for (i = 1; i < NF; i++) if ($i == "cov:") covered = $(i + 1) }
            /number_of_executed_units/ { runs = $2 }
            /peak_rss_mb/ { memory = $2 }
            END { printf "%-12s ok: %d inputs, %d branches, %d MB at most\n", target, runs, covered, memory }' "$log"
    else
        tail -n 40 "$log"
        echo "$target FAILED: the input is in $broken, the log is $log"
        return 1
    fi
}

seconds=${1:-20}
shift || true
need_to_build
if [ $# -eq 0 ]; then
    mapfile -t all < <(cd "$root/tests/fuzz/targets" && ls -1 -- *.rs)
    set -- "${all[@]%.rs}"
fi
bins=()
for target; do bins+=(--bin "$target"); done
RUSTC_WRAPPER="$root/tests/fuzz/instrument.sh" CARGO_INCREMENTAL=0 \
    cargo build --locked --quiet --manifest-path "$root/tests/fuzz/Cargo.toml" "${bins[@]}"
export -f one
export root FOUND INPUT_BYTES_MAX INPUT_SECONDS_MAX MEMORY_MB_MAX RUST_BACKTRACE=1
printf '%s\n' "$@" | xargs -P "$TARGETS_AT_ONCE" -I{} bash -c 'one "$@"' one "$seconds" {}
