#!/usr/bin/env bash
# Runs all tests, on real Kafka and the real ClickHouse engine. Arguments go to `cargo test`.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=deploy/local/tools.sh
source "$root/deploy/local/tools.sh"

need_to_build
need_services
need_to_test
export RUST_BACKTRACE="${RUST_BACKTRACE:-1}"
# Each test runs whole systems, which take all of a small machine: one at a time, so that none waits for another's load.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-1}"
exec cargo test --locked --manifest-path "$root/Cargo.toml" "$@"
