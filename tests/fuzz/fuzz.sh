#!/bin/sh
# Runs the fuzz targets one after another with libFuzzer, starting from the committed corpus and the golden files.
#
# usage: fuzz.sh BUILD SECONDS [TARGET...]     runs each target for SECONDS
#        fuzz.sh --minimise BUILD [TARGET...]  replaces the committed corpus by a minimal one of the same coverage
#
# New inputs are added to $FUZZ_CORPUS (default BUILD/corpus), from which the next run continues. Inputs that crash are
# saved in BUILD/found.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
minimise=
if [ "$1" = --minimise ]; then
  minimise=yes
  shift
fi
build=$1
shift
if [ -z "$minimise" ]; then
  seconds=$1
  shift
fi
targets=${*:-npy npz safetensors gguf source slices blocks roundtrip json check member inflate deflate http answers}
golden=$here/../golden

# Prints the folder of golden files that are useful to a target.
seeds() {
  case $1 in
    npy | npz | safetensors | gguf) echo "$golden/$1" ;;
    member) echo "$golden/npy" ;;
    http | answers) ;;
    *) echo "$golden" ;;
  esac
}

status=0
for target in $targets; do
  corpus=${FUZZ_CORPUS:-$build/corpus}/$target
  mkdir -p "$corpus" "$build/found"
  if [ -f "$here/corpus/$target.pack" ]; then
    python3 -B "$here/pack.py" unpack "$here/corpus/$target.pack" "$corpus"
  fi
  program=$build/tests/fuzz/fuzz_$target
  # Small inputs are fast, and large enough for every structure of a format.
  length=4096
  [ "$target" != blocks ] || length=1024
  limits="-timeout=10 -rss_limit_mb=2048 -max_len=$length"
  if [ -n "$minimise" ]; then
    least=$(mktemp -d)
    # shellcheck disable=SC2046,SC2086  # lists of words
    "$program" $limits -merge=1 "$least" "$corpus" $(seeds "$target") >"$build/found/$target.merge.log" 2>&1
    mkdir -p "$here/corpus"
    python3 -B "$here/pack.py" pack "$least" "$here/corpus/$target.pack"
    rm -rf "$least"
    continue
  fi
  words=
  for file in "$here/dictionaries/$target" "$here/dictionaries/all"; do
    if [ -f "$file" ]; then
      words="-dict=$file"
      break
    fi
  done
  # shellcheck disable=SC2046,SC2086  # lists of words
  "$program" $limits $words -use_value_profile=1 -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="$build/found/$target-" "$corpus" $(seeds "$target") >"$build/found/$target.log" 2>&1 || {
    tail -n 40 "$build/found/$target.log" >&2
    status=1
  }
  executed=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/found/$target.log" | tail -n 1)
  echo "$target: ${executed:-0} inputs in $seconds s"
done
exit "$status"
