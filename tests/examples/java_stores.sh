#!/bin/sh
# Builds the examples for java.nio.file and for Hadoop together with the Java package, and tests them with file systems
# that need no server.
#
# usage: java_stores.sh FOLDER    FOLDER is the folder to build in
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
. "$root/tests/bindings/maven.sh"
export CXX="$root/tests/unoptimized_cxx.sh"

install_java_package -Dmaven.javadoc.skip=true
test_example nio nio
test_example hadoop hadoop
