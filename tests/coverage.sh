#!/bin/sh
# Which lines and branches of the formats and codecs the unit tests, the hostile files, the faults and the corpora reach.
#
# usage: coverage.sh BUILD
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$build/profiles"
mkdir "$build/profiles"
run() {
  name=$1
  shift
  LLVM_PROFILE_FILE="$build/profiles/$name.%p.profraw" "$@" >"$build/profiles/$name.log" || {
    tail -n 20 "$build/profiles/$name.log" >&2
    exit 1
  }
}
run unit_tests "$build/tests/unit_tests"
run hostile_tests "$build/tests/hostile/hostile_tests" --gtest_filter='Hostile.*:Damage.EveryBeginning*'
run faults_tests "$build/tests/faults/faults_tests" --gtest_filter='*Faults*'
for target in npy npz safetensors gguf source slices blocks roundtrip json; do
  run "fuzz_$target" "$build/tests/fuzz/fuzz_$target" "$here/fuzz/corpus/$target.pack" "$here/golden"
done
llvm-profdata-14 merge -sparse -o "$build/tests.profdata" "$build"/profiles/*.profraw
# One program is enough: all have the same library.
llvm-cov-14 report "$build/tests/unit_tests" -instr-profile="$build/tests.profdata" "$here/../src/format" "$here/../src/codec"
llvm-cov-14 show "$build/tests/unit_tests" -instr-profile="$build/tests.profdata" -show-branches=count -format=html \
  -output-dir="$build/html" "$here/../src/format" "$here/../src/codec"
echo "line by line: $build/html/index.html"
