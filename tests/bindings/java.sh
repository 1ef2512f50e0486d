#!/bin/sh
# Builds and tests the Java package: lints, Javadoc, tests with the JVM's checks of JNI, the example, a program that
# uses the packages, and tests with the address sanitizer.
#
# usage: java.sh FOLDER [BUILD]    FOLDER is the folder to build in; BUILD is a build of the library
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
build=${2-}
[ -z "$build" ] || build=$(cd "$build" && pwd)
package=$root/bindings/java
# Where the jar unpacks its library to.
export XDG_CACHE_HOME="$folder/caches"
# The JVM encodes file names as the locale says, and the tests have names beyond ASCII.
export LC_ALL=C.UTF-8

for tool in javac mvn cmake; do
  if ! command -v "$tool" >/dev/null; then
    echo "java.sh: $tool is missing: install a JDK 17, Maven and CMake" >&2
    exit 1
  fi
done
step() {
  echo "== $*"
}
. "$root/tests/bindings/maven.sh"
project() {
  maven -f "$package/pom.xml" "-Dbuild.folder=$folder/target" "$@"
}

step "lints, tests, docs, packages"
rm -rf "$folder/repository" "$folder/target/classes" "$folder/target/surefire-reports" "$folder"/target/*.jar
project deploy -Dmaven.install.skip=true "-DaltDeploymentRepository=tests::file://$folder/repository"
grep -q -- '-Xcheck:jni' "$folder/target/vm.log"
if grep -l '<skipped' "$folder"/target/surefire-reports/*.xml; then
  echo "java.sh: a test was skipped" >&2
  exit 1
fi
jar=$(ls "$folder"/target/tensorfile-*.jar | grep -E 'tensorfile-[0-9.]+\.jar$')
version=$(basename "$jar" .jar | sed 's/tensorfile-//')
library=$(find "$folder/target/classes/META-INF/native" -type f ! -name '*.sha256')
if nm -D --defined-only "$library" | grep -vE ' (Java_org_tensorfile_|JNI_OnLoad|JNI_OnUnload)'; then
  echo "java.sh: the library exports functions that the JVM does not call" >&2
  exit 1
fi
if nm -D --undefined-only "$library" | grep -E ' (_Z|__cxa_[^f])'; then
  echo "java.sh: the library needs a C++ run-time library" >&2
  exit 1
fi

step "Error Prone"
# -q would hide the warnings.
MAVEN_LOG=-ntp maven -f "$package/pom.xml" "-Dbuild.folder=$folder/lint" -Plint build-helper:add-source@generated \
  compiler:compile@default-compile

step "what a repository asks for"
deployed=$folder/repository/io/github/tensorfile/tensorfile/$version
for element in name description url license developer connection; do
  grep -q "<$element>" "$deployed/tensorfile-$version.pom" || { echo "java.sh: the pom has no $element" >&2; exit 1; }
done
for classifier in sources javadoc; do [ -s "$deployed/tensorfile-$version-$classifier.jar" ]; done

step "a warning of -Xcheck:jni fails the build"
mkdir -p "$folder/warned"
echo 'WARNING in native method: JNI call made without checking exceptions' >"$folder/warned/vm.log"
if mvn -B -q -o -f "$package/pom.xml" "-Dbuild.folder=$folder/warned" antrun:run@vm-warnings >"$folder/warned/log" 2>&1; then
  echo "java.sh: the build succeeds" >&2
  exit 1
fi
grep -q 'The JVM warned' "$folder/warned/log"

step "the example"
rm -rf "$folder/example"
mkdir "$folder/example"
(cd "$folder/example" && java -Xcheck:jni -cp "$jar" "$package/examples/Convert.java" >output)
cat "$folder/example/output"
[ -s "$folder/example/model.npz" ] && [ -s "$folder/example/model.gguf" ]
grep -qx 'layers.0.weight: float32 \[2, 3\]' "$folder/example/output"
if grep -q WARNING "$folder/example/output"; then exit 1; fi
javac -Xlint:all -Werror -cp "$jar" -d "$folder/bench" "$package/bench/Calls.java"

step "the tour"
rm -rf "$folder/tour"
mkdir -p "$folder/tour/files"
javac -Xlint:all -Werror -cp "$jar" -d "$folder/tour" "$package/examples/Tour.java"
(cd "$folder/tour" && java -Xcheck:jni -cp "$jar:." Tour files >output)
cat "$folder/tour/output"
while read -r line; do
  grep -qxF -e "$line" "$folder/tour/output" || { echo "java.sh: the tour does not print: $line" >&2; exit 1; }
done <<'END'
embed.weight: float32 [1000, 64], 256000 bytes
largest bias 0.0
blocks: 2, a uint32; author: unknown
layer 0 has [bias, weight]
the head is still [[1.0, 0.0], [0.0, 1.0]]
sum 31968330
Loaded(arrays={x=NdArray(int32, [3], [1, 2, 3])}, metadata={})
the answer is 42
no such file: absent.npz
limit of maxArrays
shape [2, 3] needs 6 elements, got 5
metadata 'author': expected an integer, found the string 'Grace'
compressionLevel takes -1 to 9, not 10
index [64] is out of range for shape [64]
the array is closed
cancelled
the stream says: the connection was lost
END
if grep -q WARNING "$folder/tour/output"; then exit 1; fi

step "a program that uses the packages"
consumer=$folder/consumer
rm -rf "$consumer"
mkdir -p "$consumer/src/main/java"
sed -n '/^```java$/,/^```$/p' "$package/README.md" | sed '/^```/d' >"$consumer/src/main/java/Main.java"
sed -n '/^```xml$/,/^```$/p' "$package/README.md" | sed '/^```/d' >"$consumer/pom.xml"
copy_local_repository
cp -R "$folder/repository/io" "$folder/local/"
maven -f "$consumer/pom.xml" "-Dmaven.repo.local=$folder/local" compile exec:java >"$consumer/output"
grep -q '21\.0$' "$consumer/output" # after escape sequences of Maven
sed -n '/^```java$/,/^```$/p' "$root/README.md" | sed '/^```/d' >"$consumer/Main.java"
(cd "$consumer" && java -cp "$jar" Main.java) | grep -qx '6.0'

step "ways to find the library"
mkdir -p "$folder/separate"
rm -rf "$folder/separate"/*
(cd "$folder/separate" && jar -xf "$jar" org)
main=$consumer/target/classes
run() {
  (cd "$folder/separate" && java "$@" Main)
}
run "-Dtensorfile.library.path=$library" -cp "$main:$folder/separate" | grep -qx '21.0'
run "-Dtensorfile.library.path=$(dirname "$library")" -cp "$main:$folder/separate" | grep -qx '21.0'
if run -cp "$main:$folder/separate" 2>"$folder/separate/errors"; then exit 1; fi
grep -q 'the jar has no native library for .* -Dtensorfile.library.path' "$folder/separate/errors"
# The library for C is not the one for Java.
if [ -n "$build" ]; then
  if run "-Dtensorfile.library.path=$build/libtensorfile.so" -cp "$main:$folder/separate" 2>"$folder/separate/errors"; then
    exit 1
  fi
  grep -q 'libtensorfile.so has no functions for Java: .* takes the library libtensorfile_jni.so' "$folder/separate/errors"
fi
# A program that is a module.
mkdir -p "$folder/separate/module/program"
echo 'module program { requires org.tensorfile; }' >"$folder/separate/module/module-info.java"
{ echo 'package program;'; cat "$consumer/src/main/java/Main.java"; } >"$folder/separate/module/program/Main.java"
javac -Xlint:all -Werror -p "$jar" -d "$folder/separate/modules" "$folder/separate/module/module-info.java" \
  "$folder/separate/module/program/Main.java"
(cd "$folder/separate" && java -p "$jar:modules" -m program/program.Main) | grep -qx '21.0'
# File names are bytes, even if Java cannot represent them in the locale.
mkdir "$folder/separate/names"
(cd "$folder/separate/names" && printf '\223NUMPY\1\0v\0%-117s\n\5' "{'descr': '|i1', 'fortran_order': False, 'shape': (), }" \
  >"$(printf 'n\303\244me \342\202\254.npy')")
for locale in C C.UTF-8; do
  env LC_ALL=$locale java -cp "$jar" "$root/tests/bindings/Names.java" "$folder/separate/names" | grep -qx 1
done
[ "$(ls "$folder/separate/names" | wc -l)" = 1 ]
[ "$(tail -c 4 "$folder/separate/names"/*.npy | od -An -td4 | tr -d ' ')" != 5 ]

step "folders for the unpacked library"
"$root/tests/bindings/java_folders.sh" "$jar" "$main"

step "the address sanitizer"
cmake -S "$package" -B "$folder/sanitized" -DCMAKE_BUILD_TYPE=Sanitized -DCMAKE_CXX_FLAGS=-O0 \
  -DTENSORFILE_SANITIZE=address \
  "-DJAVA_HOME=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")" >/dev/null
cmake --build "$folder/sanitized" --parallel >/dev/null
# The JVM handles signals itself, and does not free its memory when it exits.
ASAN_OPTIONS=handle_segv=0:detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=16 \
  project surefire:test "-Dtest.options=-Dtensorfile.library.path=$folder/sanitized" \
  "-Dtest.preload=$(${CXX:-c++} -print-file-name=libasan.so)" "-Dvm.log=$folder/target/sanitized.log"
