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
    # OpenSSL is the system's where its headers are: to build one takes minutes. What is released brings its own.
    if pkg-config --exists openssl 2>/dev/null; then
        export OPENSSL_NO_VENDOR=1
    else
        # The perl that Debian always has lacks modules that OpenSSL's build uses.
        need "configures the build of OpenSSL" perl perl -MFindBin -MIPC::Cmd -MFile::Compare -e 1
    fi
}

# What the local services need: Java runs Kafka, Maven fetches it, npm fetches the ClickHouse engine.
need_services() {
    need "runs Apache Kafka" default-jre-headless java -version
    need "fetches Apache Kafka" maven mvn --version
    need "fetches the ClickHouse engine" npm npm --version
}

TOOLS="${XDG_CACHE_HOME:-$HOME/.cache}/signalmill-tools"

# from_pypi HOME TOOL OPTIONS...: makes a Python environment in the folder HOME of the cache, with what pip installs by these
# options, unless TOOL is in it.
from_pypi() {
    local home=$TOOLS/$1 tool=$2
    shift 2
    if [ ! -x "$home/bin/$tool" ]; then
        need "makes a folder for $tool" python3-venv python3 -c "import ensurepip, venv"
        rm -rf "$home"
        python3 -m venv "$home"
        "$home/bin/pip" install --quiet --disable-pip-version-check "$@" >&2 || {
            rm -rf "$home"
            fail "$tool cannot be installed from PyPI"
        }
    fi
}

# What questions the API in the tests, and what holds the manifests of deploy/kubernetes against the schemas of Kubernetes,
# which it brings along; each pinned with all that it needs. `cargo test` by hand leaves their tests out where they are not
# installed, and says so.
SCHEMATHESIS=schemathesis-4.32.5
VALIDATE=kubernetes-validate-1.37.0
need_python_tools() {
    local here
    here="$(dirname "${BASH_SOURCE[0]}")"
    from_pypi "$SCHEMATHESIS" schemathesis --requirement "$here/schemathesis.txt"
    from_pypi "$VALIDATE" kubernetes-validate --requirement "$here/kubernetes-validate.txt"
    export SIGNALMILL_SCHEMATHESIS="$TOOLS/$SCHEMATHESIS/bin/schemathesis"
}

# What the tests need beside that: the tools that come with Prometheus and Alertmanager, and what questions the API.
need_to_test() {
    need "checks and tests the alerts" prometheus promtool --version
    need "checks the routes of alerts" prometheus-alertmanager amtool --version
    need "makes certificates" openssl openssl version
    need "shows the page" chromium chromium --version
    need "drives the browser" nodejs node --version
    need_python_tools
}

# Build products stay outside the tree, and outside the cache of the local services.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${SIGNALMILL_TARGET:-${XDG_CACHE_HOME:-$HOME/.cache}/signalmill-target}}"
