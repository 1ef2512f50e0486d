#!/bin/sh
# Builds and tests the Java package: lints, Javadoc, tests with the JVM's checks of JNI, the example, a program that
# uses the packages, and tests with the address sanitizer.
#
# usage: java.sh FOLDER [BUILD]    FOLDER is the folder to build in
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
package=$root/bindings/java

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
platform_jar=$(ls "$folder"/target/tensorfile-*.jar | grep -E -- '-(linux|macos|windows)-')
library=$(find "$folder/target/classes/META-INF/native" -type f)
if nm -D --defined-only "$library" | grep -vE ' (Java_org_tensorfile_|JNI_OnLoad|JNI_OnUnload)'; then
  echo "java.sh: the library exports functions that the JVM does not call" >&2
  exit 1
fi
if nm -D --undefined-only "$library" | grep -E ' (_Z|__cxa_[^f])'; then
  echo "java.sh: the library needs a C++ run-time library" >&2
  exit 1
fi

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

step "a program that uses the packages"
consumer=$folder/consumer
rm -rf "$consumer"
mkdir -p "$consumer/src/main/java"
sed -n '/^```java$/,/^```$/p' "$package/README.md" | sed '/^```/d' >"$consumer/src/main/java/Main.java"
cat >"$consumer/pom.xml" <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>consumer</groupId>
  <artifactId>consumer</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.release>17</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <repositories>
    <repository>
      <id>tests</id>
      <url>file://$folder/repository</url>
    </repository>
  </repositories>
  <dependencies>
$(sed -n '/^<dependency>$/,/^<\/dependency>$/p' "$package/README.md")
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <artifactId>maven-compiler-plugin</artifactId>
        <version>3.13.0</version>
      </plugin>
      <plugin>
        <artifactId>maven-antrun-plugin</artifactId>
        <version>3.1.0</version>
        <configuration>
          <target>
            <java classname="Main" fork="true" failonerror="true" dir="$consumer" output="$consumer/output">
              <classpath refid="maven.runtime.classpath"/>
            </java>
          </target>
        </configuration>
      </plugin>
    </plugins>
  </build>
</project>
END
copy_local_repository
maven -f "$consumer/pom.xml" "-Dmaven.repo.local=$folder/local" compiler:compile antrun:run
grep -qx '21.0' "$consumer/output"
sed -n '/^```java$/,/^```$/p' "$root/README.md" | sed '/^```/d' >"$consumer/Main.java"
(cd "$consumer" && java -cp "$jar" Main.java) | grep -qx '6.0'
[ -d "$folder/local/io/github/tensorfile/tensorfile/$version" ]

step "ways to find the library"
mkdir -p "$folder/separate"
rm -rf "$folder/separate"/*
(cd "$folder/separate" && jar -xf "$jar" org)
main=$consumer/target/classes
run() {
  (cd "$folder/separate" && java "$@" Main)
}
run -cp "$main:$folder/separate:$platform_jar" | grep -qx '21.0'
run "-Dtensorfile.library.path=$library" -cp "$main:$folder/separate" | grep -qx '21.0'
run "-Dtensorfile.library.path=$(dirname "$library")" -cp "$main:$folder/separate" | grep -qx '21.0'
if run -cp "$main:$folder/separate" 2>"$folder/separate/errors"; then exit 1; fi
grep -q 'add the jar of tensorfile with the classifier' "$folder/separate/errors"
java -p "$jar" --describe-module org.tensorfile | grep -q 'org.tensorfile@'
# File names are bytes, even if Java cannot represent them in the locale.
mkdir "$folder/separate/names"
(cd "$folder/separate/names" && printf '\223NUMPY\1\0v\0%-117s\n\5' "{'descr': '|i1', 'fortran_order': False, 'shape': (), }" \
  >"$(printf 'n\303\244me \342\202\254.npy')")
for locale in C C.UTF-8; do
  env LC_ALL=$locale java -cp "$jar" "$root/tests/bindings/Names.java" "$folder/separate/names" | grep -qx 1
done
[ "$(ls "$folder/separate/names" | wc -l)" = 1 ]
[ "$(tail -c 4 "$folder/separate/names"/*.npy | od -An -td4 | tr -d ' ')" != 5 ]

step "the address sanitizer"
cmake -S "$package" -B "$folder/sanitized" -DCMAKE_BUILD_TYPE=Sanitized -DCMAKE_CXX_FLAGS=-O1 \
  -DTENSORFILE_SANITIZE=address \
  "-DJAVA_HOME=$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")" >/dev/null
cmake --build "$folder/sanitized" --parallel >/dev/null
# The JVM handles signals itself, and does not free its memory when it exits.
ASAN_OPTIONS=handle_segv=0:detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=16 \
  project surefire:test "-Dtest.options=-Dtensorfile.library.path=$folder/sanitized" \
  "-Dtest.preload=$(${CXX:-c++} -print-file-name=libasan.so)" "-Dvm.log=$folder/target/sanitized.log"
