#!/bin/sh
# Builds the jars that Spark needs into FOLDER/jars: that of this module, and that of the Java package of this checkout.
#
# usage: build.sh FOLDER [NATIVE]
#
# NATIVE has the native libraries of the Java package, in a folder for each platform. Without it, that of this platform
# is compiled.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1/jars"
folder=$(cd "$1" && pwd)
. "$root/tests/bindings/maven.sh"

native=${2:+$(cd "$2" && pwd)}
install_java_package -Dmaven.javadoc.skip=true ${native:+"-Dnative.libraries=$native"}
maven -f "$root/bindings/spark/pom.xml" "-Dmaven.repo.local=$folder/local" "-Dbuild.folder=$folder/module" install
version=$(sed -n 's:.*<version>\(.*\)</version>.*:\1:p' "$root/bindings/spark/pom.xml" | head -n 1)
rm -f "$folder"/jars/*.jar
cp "$folder/binding/tensorfile-$version.jar" "$folder/module/tensorfile-spark-$version.jar" "$folder/jars"
