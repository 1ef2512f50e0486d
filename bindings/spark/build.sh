#!/bin/sh
# Builds the jars that Spark needs into FOLDER/jars: that of this module, and that of the Java package of this checkout.
#
# usage: build.sh FOLDER
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1/jars"
folder=$(cd "$1" && pwd)
. "$root/tests/bindings/maven.sh"

# This folder is kept, so that the next run does not download the dependencies again.
[ -d "$folder/local" ] || copy_local_repository
maven -f "$root/bindings/java/pom.xml" "-Dmaven.repo.local=$folder/local" "-Dbuild.folder=$folder/binding" -DskipTests \
  -Dmaven.javadoc.skip=true install
maven -f "$root/bindings/spark/pom.xml" "-Dmaven.repo.local=$folder/local" "-Dbuild.folder=$folder/module" install
version=$(sed -n 's:.*<version>\(.*\)</version>.*:\1:p' "$root/bindings/spark/pom.xml" | head -n 1)
rm -f "$folder"/jars/*.jar
cp "$folder/binding/tensorfile-$version.jar" "$folder/module/tensorfile-spark-$version.jar" "$folder/jars"
