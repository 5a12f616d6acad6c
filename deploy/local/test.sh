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
# Tests run whole systems and mostly wait for them: two at a time are not much slower than one. More would wait for one
# another's load.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-2}"
exec cargo test --locked --manifest-path "$root/Cargo.toml" "$@"
