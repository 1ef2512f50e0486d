#!/bin/sh
# Builds and tests the Rust crates: rustfmt, clippy, docs, tests, valgrind, a program that uses the packaged crates
# offline, and the installed library.
#
# usage: rust.sh FOLDER [BUILD]    FOLDER is the folder to build in; BUILD is a build of the library, which is installed
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
build=${2-}
[ -z "$build" ] || build=$(cd "$build" && pwd)
cd "$root/bindings/rust"

if ! command -v cargo >/dev/null; then
  echo "rust.sh: cargo is missing: install Rust 1.85 or later" >&2
  exit 1
fi
step() {
  echo "== $*"
}
unset TENSORFILE_USE_SYSTEM
export CARGO_TARGET_DIR="$folder/target"
# Panics are part of the tests; their backtraces would only be noise.
export RUST_BACKTRACE=0

step dependencies
CARGO_NET_OFFLINE=true cargo fetch --locked --quiet 2>/dev/null || cargo fetch --locked
export CARGO_NET_OFFLINE=true

step format, lints, docs
features='half ndarray'
cargo fmt --check
cargo clippy --locked --quiet --workspace --all-targets --features "$features" -- -D warnings
# As docs.rs builds them, which compiles no C++. Each feature that adds code is also built alone.
for set in '' half ndarray 'half ndarray zlib static'; do
  env DOCS_RS=1 CARGO_TARGET_DIR="$folder/docs" RUSTDOCFLAGS='-D warnings' \
    cargo doc --locked --quiet --workspace --no-deps --features "$set"
  env DOCS_RS=1 CARGO_TARGET_DIR="$folder/docs" cargo clippy --locked --quiet --workspace --features "$set" -- -D warnings
done
# Sizes of the library have 64 bits everywhere, those of Rust only on 64-bit targets; paths are not bytes on Windows.
for target in i686-unknown-linux-gnu x86_64-pc-windows-gnu; do
  if [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    env DOCS_RS=1 CARGO_TARGET_DIR="$folder/docs" \
      cargo clippy --locked --quiet --package tensorfile --features "$features" --target $target -- -D warnings
  else
    echo "this toolchain has no $target"
  fi
done

step tests
cargo test --locked --quiet --workspace --features "$features"

step "the example"
rm -rf "$folder/example"
mkdir "$folder/example"
(cd "$folder/example" && cargo run --locked --quiet --manifest-path "$root/bindings/rust/Cargo.toml" \
  --features "$features" --example convert)
[ -s "$folder/example/model.npz" ] && [ -s "$folder/example/model.gguf" ]

# Miri only supports the parts that do not call C.
if cargo miri --version >/dev/null 2>&1; then
  step Miri
  cargo miri test --locked --quiet --package tensorfile --lib
else
  echo "this toolchain has no Miri"
fi

step valgrind
runner="valgrind --quiet --error-exitcode=1 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --fair-sched=yes"
host=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
env "CARGO_TARGET_${host}_RUNNER=$runner" cargo test --locked --quiet --package tensorfile --features "$features" \
  --test api --test callbacks --test golden --test program

step packages
rm -rf "$folder/workspace"
./package.sh "$folder/workspace"
(cd "$folder/workspace" && cargo package --locked --quiet --workspace --no-verify)
consumer=$folder/consumer
rm -rf "$consumer"
mkdir -p "$consumer/.cargo" "$consumer/src"
cargo vendor --locked --quiet --versioned-dirs "$consumer/vendor" >/dev/null
cat >"$consumer/.cargo/config.toml" <<END
[source.crates-io]
replace-with = "vendored"

[source.vendored]
directory = "$consumer/vendor"
END
for crate in tensorfile-sys tensorfile; do
  archive=$(ls "$CARGO_TARGET_DIR/package/$crate"-[0-9]*.crate)
  tar -xzf "$archive" -C "$consumer/vendor"
  name=$(basename "$archive" .crate)
  printf '{"files":{},"package":"%s"}' "$(sha256sum "$archive" | cut -d' ' -f1)" \
    >"$consumer/vendor/$name/.cargo-checksum.json"
done

step "the programs of the READMEs, from the packages, offline"
cat >"$consumer/Cargo.toml" <<END
[package]
name = "consumer"
version = "0.9.0"
edition = "2024"

[dependencies]
tensorfile = { version = "*", features = ["static"] }

[workspace]
END
run_readme() { # README EXPECTED-OUTPUT
  sed -n '/^```rust$/,/^```$/p' "$1" | sed '/^```/d' >"$consumer/src/main.rs"
  (cd "$consumer" && CXXFLAGS=-O0 CARGO_HOME="$consumer/home" CARGO_TARGET_DIR="$consumer/target" cargo run --offline --quiet) \
    >"$consumer/output"
  grep -qx "$2" "$consumer/output"
}
run_readme README.md 21
run_readme tensorfile/README.md 21
run_readme "$root/README.md" 6
# Such a program may only need the C library.
if ldd "$consumer/target/debug/consumer" | grep -E 'libz|libstdc|libtensorfile'; then
  echo "rust.sh: the program with the feature static is linked with libraries" >&2
  exit 1
fi

if [ -n "$build" ]; then
  step "the installed library"
  rm -rf "$folder/prefix"
  cmake --install "$build" --prefix "$folder/prefix" >/dev/null
  config=$(find "$folder/prefix" -name tensorfile.pc)
  library=$(find "$folder/prefix" -name 'libtensorfile.so')
  env TENSORFILE_USE_SYSTEM=1 PKG_CONFIG_PATH="$(dirname "$config")" LD_LIBRARY_PATH="$(dirname "$library")" \
    CARGO_TARGET_DIR="$folder/system" cargo test --locked --quiet --package tensorfile --test golden --test api --test program
  env TENSORFILE_USE_SYSTEM=1 PKG_CONFIG_PATH="$(dirname "$config")" CARGO_TARGET_DIR="$folder/system" \
    cargo build --locked --quiet --package tensorfile --example convert
  ldd "$folder/system/debug/examples/convert" | grep -q 'libtensorfile\.so'
fi
