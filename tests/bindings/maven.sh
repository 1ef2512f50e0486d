# Sourced by scripts that build with Maven; they have set $folder, for its log.

# Maven, with what is in its local repository; what is not there is fetched.
maven() {
  if mvn -B -q -o -Daether.offline.protocols=file "$@" >"$folder/maven.log" 2>&1; then
    cat "$folder/maven.log"
  elif grep -qi 'offline' "$folder/maven.log"; then
    mvn -B -q "$@"
  else
    cat "$folder/maven.log"
    return 1
  fi
}

# Makes $folder/local: Maven's local repository as it is, but for the package itself.
copy_local_repository() {
  repository=${MAVEN_REPOSITORY:-$HOME/.m2/repository}
  rm -rf "$folder/local"
  mkdir -p "$folder/local"
  [ ! -d "$repository" ] || cp -al "$repository/." "$folder/local" 2>/dev/null || cp -a "$repository/." "$folder/local"
  rm -rf "$folder/local/io/github/tensorfile"
}
