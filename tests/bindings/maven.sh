# Sourced by scripts that build with Maven. They must set $root, the folder of the checkout, and $folder, the folder to
# build in.

# Runs Maven offline, quietly unless $MAVEN_LOG is another option, or online if its local repository lacks a package.
maven() {
  if mvn -B ${MAVEN_LOG:--q} -o -Daether.offline.protocols=file "$@" >"$folder/maven.log" 2>&1; then
    cat "$folder/maven.log"
  elif grep -qiE 'offline|No plugin found for prefix' "$folder/maven.log"; then
    mvn -B ${MAVEN_LOG:--q} "$@"
  else
    cat "$folder/maven.log"
    return 1
  fi
}

# Copies Maven's local repository to $folder/local, without the package itself.
copy_local_repository() {
  repository=${MAVEN_REPOSITORY:-$HOME/.m2/repository}
  rm -rf "$folder/local"
  mkdir -p "$folder/local"
  [ ! -d "$repository" ] || cp -al "$repository/." "$folder/local" 2>/dev/null || cp -a "$repository/." "$folder/local"
  rm -rf "$folder/local/io/github/tensorfile"
}

# install_java_package [OPTION...]: installs the Java package of this checkout into $folder/local, which is kept, so that
# the next run does not download the dependencies again.
install_java_package() {
  [ -d "$folder/local" ] || copy_local_repository
  maven -f "$root/bindings/java/pom.xml" "-Dmaven.repo.local=$folder/local" "-Dbuild.folder=$folder/binding" -DskipTests \
    "$@" install
}

# test_example NAME BUILD: tests examples/NAME in $folder/BUILD. No test may be skipped.
test_example() {
  rm -rf "$folder/$2/surefire-reports"
  maven -f "$root/examples/$1/pom.xml" "-Dmaven.repo.local=$folder/local" "-Dbuild.folder=$folder/$2" test
  [ "$(cat "$folder/$2"/surefire-reports/*.xml | grep -c '<testcase')" -gt 0 ] || {
    echo "$1: no test was run" >&2
    return 1
  }
  if grep -l '<skipped' "$folder/$2"/surefire-reports/*.xml; then
    echo "$1: a test was skipped" >&2
    return 1
  fi
}
