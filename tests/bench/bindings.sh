#!/bin/sh
# Times calls through each binding: a getter, a view of the elements without a copy, and others.
#
# usage: bindings.sh FOLDER    FOLDER is the folder to build in
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)

echo "== Rust"
CARGO_TARGET_DIR="$folder/rust" cargo bench --locked --quiet --manifest-path "$root/bindings/rust/Cargo.toml" --bench calls

echo "== Go"
(cd "$root/bindings/go" && go test -run '^$' -bench .)

echo "== Java"
mvn --quiet --file "$root/bindings/java/pom.xml" -Dbuild.folder="$folder/java" package -DskipTests
java -cp "$folder/java/tensorfile-0.9.0.jar" "$root/bindings/java/bench/Calls.java"
