#!/usr/bin/env bash
# A wrapper of rustc (RUSTC_WRAPPER) that has the program's own crate count the branches that an input takes, for
# libFuzzer. All other crates are built as they always are, hence once for tests and fuzzing. The flags are those of
# `cargo fuzz --sanitizer none`; they are stable.
set -eu
rustc=$1
shift
if [ "${CARGO_CRATE_NAME:-}" = signalmill ]; then
    set -- "$@" --cfg fuzzing -C passes=sancov-module \
        -C llvm-args=-sanitizer-coverage-level=4 \
        -C llvm-args=-sanitizer-coverage-inline-8bit-counters \
        -C llvm-args=-sanitizer-coverage-pc-table \
        -C llvm-args=-sanitizer-coverage-trace-compares
fi
exec "$rustc" "$@"
