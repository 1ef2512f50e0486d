# Sourced by scripts that build with Maven. They must set $folder, the folder for its log.

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
