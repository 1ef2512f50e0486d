#!/bin/sh
# Builds the example for the crate object_store, and tests it with the stores that need no server: rustfmt, clippy, tests.
#
# usage: object_store.sh FOLDER    FOLDER is the folder to build in
set -eu
mkdir -p "$1"
CARGO_TARGET_DIR=$(cd "$1" && pwd)
# The tests need no fast core.
export CARGO_TARGET_DIR CXXFLAGS=-O0
cd "$(dirname "$0")/../../examples/object_store"

CARGO_NET_OFFLINE=true cargo fetch --locked --quiet 2>/dev/null || cargo fetch --locked
export CARGO_NET_OFFLINE=true
cargo fmt --check
cargo clippy --locked --quiet --all-targets -- -D warnings
cargo test --locked --quiet
