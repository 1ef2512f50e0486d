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

# This folder is kept, so that the next run does not download the dependencies again.
[ -d "$folder/local" ] || copy_local_repository
maven -f "$root/bindings/java/pom.xml" "-Dmaven.repo.local=$folder/local" "-Dbuild.folder=$folder/binding" -DskipTests \
  -Dmaven.javadoc.skip=true install
for example in nio hadoop; do
  rm -rf "$folder/$example/surefire-reports"
  maven -f "$root/examples/$example/pom.xml" "-Dmaven.repo.local=$folder/local" "-Dbuild.folder=$folder/$example" test
  [ "$(cat "$folder/$example"/surefire-reports/*.xml | grep -c '<testcase')" -gt 0 ]
  if grep -l '<skipped' "$folder/$example"/surefire-reports/*.xml; then
    echo "java_stores.sh: a test was skipped" >&2
    exit 1
  fi
done
