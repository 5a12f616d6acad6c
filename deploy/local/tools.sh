# shellcheck shell=bash
# Sourced by the scripts beside it and by .ci/run: what they need from the system, and where build products go.

# Says what is wrong, and ends the script.
fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# need PURPOSE PACKAGE TEST...: runs TEST; where it fails, installs the Debian package (as root) or says which one it is.
need() {
    local purpose=$1 package=$2
    shift 2
    if "$@" >/dev/null 2>&1; then
        return
    fi
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        echo "${0##*/}: installing the package $package, which $purpose" >&2
        export DEBIAN_FRONTEND=noninteractive
        if [ -z "${APT_UPDATED:-}" ]; then
            apt-get update -qq >&2
            APT_UPDATED=yes
        fi
        apt-get install -y -qq --no-install-recommends "$package" </dev/null >&2 || true
        hash -r
    fi
    "$@" >/dev/null 2>&1 ||
        fail "something that $purpose is missing: install the package $package" \
            "(sudo apt-get install -y $package) and run again"
}

# What the build needs: Rust, and a C compiler, make and perl for librdkafka, OpenSSL and jemalloc.
need_to_build() {
    command -v cargo >/dev/null ||
        fail "cargo is missing: install Rust by rustup (https://rustup.rs, or the Debian package rustup) and run again"
    need "brings a C compiler and its headers" build-essential cc -E -include stdlib.h -x c /dev/null
    need "runs the build of librdkafka" make make --version
    # The perl that Debian always has lacks modules that OpenSSL's build uses.
    need "configures the build of OpenSSL" perl perl -MFindBin -MIPC::Cmd -MFile::Compare -e 1
}

# What the local services need: Java runs Kafka, Maven fetches it, npm fetches the ClickHouse engine.
need_services() {
    need "runs Apache Kafka" default-jre-headless java -version
    need "fetches Apache Kafka" maven mvn --version
    need "fetches the ClickHouse engine" npm npm --version
}

# What questions the API in the tests: schemathesis, pinned with all that it needs. `cargo test` by hand leaves that one
# test out where it is not installed, and says so.
SCHEMATHESIS_HOME="${XDG_CACHE_HOME:-$HOME/.cache}/signalmill-tools/schemathesis-4.32.5"
need_schemathesis() {
    local packages
    packages="$(dirname "${BASH_SOURCE[0]}")/schemathesis.txt"
    if [ ! -x "$SCHEMATHESIS_HOME/bin/schemathesis" ]; then
        need "makes a folder for schemathesis" python3-venv python3 -c "import ensurepip, venv"
        rm -rf "$SCHEMATHESIS_HOME"
        python3 -m venv "$SCHEMATHESIS_HOME"
        "$SCHEMATHESIS_HOME/bin/pip" install --quiet --disable-pip-version-check --requirement "$packages" >&2 || {
            rm -rf "$SCHEMATHESIS_HOME"
            fail "schemathesis cannot be installed from PyPI (deploy/local/schemathesis.txt)"
        }
    fi
    export SIGNALMILL_SCHEMATHESIS="$SCHEMATHESIS_HOME/bin/schemathesis"
}

# What holds the manifests of deploy/kubernetes against the schemas of Kubernetes, which it brings along; pinned with all
# that it needs. As above: `cargo test` by hand leaves its test out where it is not installed.
VALIDATE_HOME="${XDG_CACHE_HOME:-$HOME/.cache}/signalmill-tools/kubernetes-validate-1.37.0"
need_kubernetes_validate() {
    local packages
    packages="$(dirname "${BASH_SOURCE[0]}")/kubernetes-validate.txt"
    if [ ! -x "$VALIDATE_HOME/bin/kubernetes-validate" ]; then
        need "makes a folder for kubernetes-validate" python3-venv python3 -c "import ensurepip, venv"
        rm -rf "$VALIDATE_HOME"
        python3 -m venv "$VALIDATE_HOME"
        "$VALIDATE_HOME/bin/pip" install --quiet --disable-pip-version-check --requirement "$packages" >&2 || {
            rm -rf "$VALIDATE_HOME"
            fail "kubernetes-validate cannot be installed from PyPI (deploy/local/kubernetes-validate.txt)"
        }
    fi
}

# What the tests need beside that: the tools that come with Prometheus and Alertmanager, and what questions the API.
need_to_test() {
    need "checks and tests the alerts" prometheus promtool --version
    need "checks the routes of alerts" prometheus-alertmanager amtool --version
    need "makes certificates" openssl openssl version
    need "shows the page" chromium chromium --version
    need "drives the browser" nodejs node --version
    need_schemathesis
    need_kubernetes_validate
}

# Build products stay outside the tree, and outside the cache of the local services.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${SIGNALMILL_TARGET:-${XDG_CACHE_HOME:-$HOME/.cache}/signalmill-target}}"
