#!/bin/sh
# Copies the core as one source file, its header and the license into the Go module, which Go's tools compile from the
# repository. The packages for Rust, Java and Unity take the core when they are built or packed: their copies are of the license.
#
# usage: vendor.sh            updates the copies
#        vendor.sh --check    changes nothing, and fails if a copy is out of date
set -eu
cd "$(dirname "$0")"

# For each package: its name, the folder for the core, and the folder for the license.
packages='
rust  -                     rust/tensorfile-sys
rust  -                     rust/tensorfile
go    go/internal/core      go
java  -                     java
unity -                     unity
'

check=
case "${1-}" in
  '') ;;
  --check) check=yes ;;
  *) sed -n '5,6s/^# *//p' vendor.sh >&2; exit 2 ;;
esac

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
python3 ../tools/amalgamate.py "$made"
cp ../LICENSE "$made/LICENSE"

stale=
put() { # FILE FOLDER
  [ "$2" != - ] || return 0
  if cmp -s "$made/$1" "$2/$1"; then return 0; fi
  if [ -n "$check" ]; then
    stale="$stale $2/$1"
  else
    mkdir -p "$2"
    cp "$made/$1" "$2/$1"
    echo "bindings/$2/$1"
  fi
}

while read -r package core license; do
  [ -n "$package" ] && [ -d "$package" ] || continue
  put tensorfile.cpp "$core"
  put tensorfile.h "$core"
  put LICENSE "$license"
done <<END
$packages
END

if [ -n "$stale" ]; then
  echo "vendor.sh: out of date, run bindings/vendor.sh:$stale" >&2
  exit 1
fi
