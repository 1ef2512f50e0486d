#!/bin/sh
# Installs what `make test` needs and this machine lacks: Debian packages, and in .venv the libraries that the tests
# compare with and SWIG. Does nothing when all is there.
set -eu
cd "$(dirname "$0")/.."

packages="g++ make cmake ninja-build pkg-config zlib1g-dev libisal-dev libbenchmark-dev libgtest-dev libcli11-dev libsimdjson-dev clang-14
clang-format-14 clang-tidy-14 libclang-rt-14-dev llvm-14 strace abigail-tools locales python3 python3-venv git valgrind
luajit libsdl2-dev"
# Debian does not have it for every architecture.
where_there="python3-torch"

known() {
  [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

command -v javac >/dev/null || packages="$packages openjdk-17-jdk-headless"
command -v mvn >/dev/null || packages="$packages maven"

if command -v apt-cache >/dev/null; then
  for package in $where_there; do
    known "$package" || [ "$(id -u)" != 0 ] || apt-get update
    if known "$package"; then packages="$packages $package"; fi
  done
fi
# shellcheck disable=SC2086  # a list of words
tools/packages.sh $packages

wanted=$(cat tests/peers/requirements.txt bindings/swig/requirements.txt)
if [ "$wanted" != "$(cat .venv/requirements.txt 2>/dev/null)" ]; then
  python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/peers/requirements.txt \
    --requirement bindings/swig/requirements.txt
  echo "$wanted" > .venv/requirements.txt
fi

# Languages of the bindings whose Debian packages are too old are looked for, not installed.
if ! command -v cargo >/dev/null; then
  echo "cargo is missing: install Rust 1.85 or later" >&2
  exit 1
fi
if ! command -v go >/dev/null; then
  echo "go is missing: install Go 1.24 or later" >&2
  exit 1
fi
