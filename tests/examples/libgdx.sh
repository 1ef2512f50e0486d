#!/bin/sh
# Builds the example for libGDX together with the Java package, and tests it without a window.
#
# usage: libgdx.sh FOLDER    FOLDER is the folder to build in
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
. "$root/tests/bindings/maven.sh"

install_java_package
test_example libgdx game
