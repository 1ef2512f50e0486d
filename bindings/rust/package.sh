#!/bin/sh
# Copies the workspace to a new folder, with the core and its header in tensorfile-sys/vendor, so that its crates can be
# packed. In the source tree the build script writes the core itself.
#
# usage: package.sh FOLDER
set -eu
source=$(cd "$(dirname "$0")" && pwd)
mkdir "$1"
folder=$(cd "$1" && pwd)
cd "$source"
cp -R Cargo.toml Cargo.lock README.md rustfmt.toml tensorfile-sys tensorfile "$folder"
rm -rf "$folder/tensorfile-sys/vendor"
python3 ../../tools/amalgamate.py "$folder/tensorfile-sys/vendor"
