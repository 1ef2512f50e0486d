#!/bin/sh
# Builds the Spark module together with the Java package, and tests it with PySpark, which brings Spark.
#
# usage: spark.sh FOLDER PROGRAM PYTHON [TEST...]
#
# FOLDER is the folder to build in; PROGRAM is the program of this library; PYTHON has the packages of requirements.txt.
# If TESTs are named, such as test_read, only these run, and Error Prone does not. NATIVE_LIBRARIES is as for build.sh.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
TENSORFILE_PROGRAM=$(readlink -f "$2")
export TENSORFILE_PROGRAM
# Not its target: the folder of a virtual environment has the packages.
python=$(cd "$(dirname "$3")" && pwd)/$(basename "$3")
shift 3
. "$root/tests/bindings/maven.sh"
step() {
  echo "== $*"
}

step "the jars"
"$root/bindings/spark/build.sh" "$folder" ${NATIVE_LIBRARIES:+"$NATIVE_LIBRARIES"}
if [ $# = 0 ]; then
  step "Error Prone"
  # -q would hide the warnings.
  MAVEN_LOG=-ntp maven -f "$root/bindings/spark/pom.xml" "-Dmaven.repo.local=$folder/local" \
    "-Dbuild.folder=$folder/lint" -Plint compile
  set -- test_read test_write test_convert test_cluster test_local_cluster test_page
fi
step "the file system of the tests"
spark=$("$python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
mkdir -p "$folder/tests"
javac -Xlint:all,-classfile,-path -Werror -cp "$spark/jars/*" -d "$folder/tests/classes" "$root"/tests/spark/*.java
jar --create --file "$folder/tests/tests.jar" -C "$folder/tests/classes" .

TENSORFILE_SPARK_JARS=$(ls "$folder"/jars/*.jar "$folder/tests/tests.jar" | paste -s -d , -)
export TENSORFILE_SPARK_JARS
# Spark must not find another distribution or another Python.
unset SPARK_HOME PYSPARK_DRIVER_PYTHON || true
export PYSPARK_PYTHON="$python"
# Starting Spark costs more than most tests, so that all share its JVM.
step "the tests"
cd "$root/tests/spark"
"$python" -W ignore::ResourceWarning -B -m unittest -v "$@"
