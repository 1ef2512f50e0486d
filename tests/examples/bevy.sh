#!/bin/sh
# Builds the example for Bevy and tests it without a window: rustfmt, clippy, docs, tests.
#
# usage: bevy.sh FOLDER    FOLDER is the folder to build in
set -eu
mkdir -p "$1"
CARGO_TARGET_DIR=$(cd "$1" && pwd)
export CARGO_TARGET_DIR
cd "$(dirname "$0")/../../examples/bevy"

CARGO_NET_OFFLINE=true cargo fetch --locked --quiet 2>/dev/null || cargo fetch --locked
export CARGO_NET_OFFLINE=true
cargo fmt --check
cargo clippy --locked --quiet --all-targets --all-features -- -D warnings
RUSTDOCFLAGS='-D warnings' cargo doc --locked --quiet --no-deps
cargo test --locked --quiet --all-features
