#!/bin/sh
# Measures which lines and branches of the formats and codecs the unit tests, the hostile files, the faults and the
# corpora reach. Fails below 95 % of the lines or 85 % of the branches; docs/uncovered.md explains the rest.
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
# Beside each other: half of the unit tests, and everything else.
GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=1 run unit_tests_1 "$build/tests/unit_tests" &
half=$!
GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=0 run unit_tests_0 "$build/tests/unit_tests"
run hostile_tests "$build/tests/hostile/hostile_tests" --gtest_filter='Hostile.*:Damage.EveryBeginning*'
run faults_tests "$build/tests/faults/faults_tests" --gtest_filter='*Faults*'
for target in npy npz safetensors gguf source slices blocks roundtrip json check member inflate deflate; do
  run "fuzz_$target" "$build/tests/fuzz/fuzz_$target" "$here/fuzz/corpus/$target.pack" "$here/golden"
done
wait "$half"
llvm-profdata-14 merge -sparse -o "$build/tests.profdata" "$build"/profiles/*.profraw
# One program is enough: all have the same library. The other sources are left out by a pattern, since the names of the
# files may be relative if a compiler cache has changed them.
cov() {
  command=$1
  shift
  llvm-cov-14 "$command" "$build/tests/unit_tests" -instr-profile="$build/tests.profdata" "$@" \
    -ignore-filename-regex='(^|/)(usr|include|tests|src/(api|base|core|file|io|quant|transfer))/'
}
cov report
cov show -show-branches=count -format=html -output-dir="$build/html"
echo "line by line: $build/html/index.html"
cov export -summary-only >"$build/coverage.json"
python3 - "$build/coverage.json" <<'END'
import json, sys
totals = json.load(open(sys.argv[1]))["data"][0]["totals"]
few = []
for kind, least in (("lines", 95), ("branches", 85)):
    count, covered = totals[kind]["count"], totals[kind]["covered"]
    print(f"{kind}: {covered} of {count}, {100 * covered / count:.2f} %, at least {least} % are wanted")
    if 100 * covered < least * count:
        few.append(kind)
sys.exit(f"coverage.sh: too few {' and '.join(few)}" if few else 0)
END
