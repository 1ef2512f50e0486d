#!/bin/sh
# Makes the bindings' generated code from the interface files with SWIG 4.5.1 (pip install swig==4.5.1).
#
# usage: generate.sh            writes the code into bindings/
#        generate.sh --check    changes nothing, and fails when what is committed is not what this makes
#
# SWIG is $SWIG, else the one of .venv (which `make setup` makes), else the one in PATH.
set -eu
cd "$(dirname "$0")/.."

wanted=4.5.1
swig=${SWIG:-}
[ -n "$swig" ] || { [ -x ../.venv/bin/swig ] && swig=$PWD/../.venv/bin/swig; } || swig=swig
if ! "$swig" -version 2>/dev/null | grep -qx "SWIG Version $wanted"; then
  echo "generate.sh: needs SWIG $wanted: run 'make setup', or set SWIG to the program's path" >&2
  exit 1
fi

check=
case "${1-}" in
  '') ;;
  --check) check=yes ;;
  *) sed -n '4,5s/^# *//p' swig/generate.sh >&2; exit 2 ;;
esac

# made/ has the layout of bindings/; scratch/ has what SWIG also writes and nobody wants.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/made" "$work/scratch"
made=$work/made
run_swig() {
  "$swig" -Wall -Iswig -I../include "$@" swig/tensorfile.i
}

make_rust() {
  mkdir -p "$made/rust/tensorfile-sys/src"
  run_swig -w516 -java -doxygen -DTENSORFILE_SWIG_RUST -xmlout "$work/tree.xml" -outdir "$work/scratch" \
    -o "$work/scratch/rust.c"
  python3 swig/swig2rust.py "$work/tree.xml" tensorfile.h "$made/rust/tensorfile-sys/src/bindings.rs" \
    "$made/rust/tensorfile-sys/abi_check.c"
}

make_go() {
  mkdir -p "$made/go/internal/capi"
  run_swig -go -cgo -intgosize 64 -package capi -outdir "$made/go/internal/capi" -o "$made/go/internal/capi/capi_wrap.c"
}

make_java() {
  mkdir -p "$made/java/src/generated/java/org/tensorfile" "$made/java/src/generated/c"
  run_swig -java -doxygen -package org.tensorfile -outdir "$made/java/src/generated/java/org/tensorfile" \
    -o "$made/java/src/generated/c/tensorfile_jni.c"
}

# Folders that hold nothing but generated files: what is no longer made goes.
whole_folders='java/src/generated'

for language in rust go java; do
  if [ -e "swig/$language.i" ]; then "make_$language"; fi
done

stale=
for file in $(cd "$made" && find . -type f | sort) \
  $(for folder in $whole_folders; do [ ! -d "$folder" ] || find "./$folder" -type f; done | sort); do
  if ! cmp -s "$made/$file" "$file"; then
    stale="$stale ${file#./}"
  fi
done
if [ -n "$check" ] && [ -n "$stale" ]; then
  echo "generate.sh: stale, run bindings/swig/generate.sh:$stale" >&2
  exit 1
fi
for file in $stale; do
  if [ -e "$made/$file" ]; then
    mkdir -p "$(dirname "$file")"
    cp "$made/$file" "$file"
  else
    rm "$file"
  fi
  echo "bindings/$file"
done
