#!/usr/bin/env bash
# Builds signalmill and runs its demo: local Kafka and ClickHouse, sample articles, scored signals.
# Arguments go to `signalmill demo`: --once stops everything when the result is shown.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=deploy/local/tools.sh
source "$root/deploy/local/tools.sh"

need_to_build
need_services
echo "building (the first time it takes some minutes)" >&2
cargo build --locked --release --bin signalmill --manifest-path "$root/Cargo.toml"
exec "$CARGO_TARGET_DIR/release/signalmill" demo "$@"
