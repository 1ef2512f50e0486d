#!/bin/sh
# Builds the example for libGDX together with the Java package, and tests it without a window.
#
# usage: libgdx.sh FOLDER    FOLDER is the folder to build in
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
. "$root/tests/bindings/maven.sh"

# This folder is kept, so that the next run does not download the dependencies again.
[ -d "$folder/local" ] || copy_local_repository
maven -f "$root/bindings/java/pom.xml" "-Dmaven.repo.local=$folder/local" "-Dbuild.folder=$folder/binding" -DskipTests \
  install
rm -rf "$folder/game/surefire-reports"
maven -f "$root/examples/libgdx/pom.xml" "-Dmaven.repo.local=$folder/local" "-Dbuild.folder=$folder/game" test
[ "$(cat "$folder"/game/surefire-reports/*.xml | grep -c '<testcase')" -gt 0 ]
if grep -l '<skipped' "$folder"/game/surefire-reports/*.xml; then
  echo "libgdx.sh: a test was skipped" >&2
  exit 1
fi
