#!/bin/sh
# Tests where the jar unpacks its native library to: folders that are safe, and folders that are not.
#
# usage: java_folders.sh JAR CLASSES    CLASSES has the Main of bindings/java/README.md
set -eu
tests=$(cd "$(dirname "$0")" && pwd)
# In a folder that every user can read, for the programs that run as another user.
folder=$(mktemp -d)
chmod 755 "$folder"
trap 'rm -rf "$folder"' EXIT
cp "$1" "$folder/tensorfile.jar"
cp "$2/Main.class" "$tests/Loaders.java" "$folder"
export XDG_CACHE_HOME="$folder/caches"
cd "$folder"
user=$(id -u)

fail() {
  echo "java_folders.sh: $*" >&2
  [ ! -s errors ] || cat errors >&2
  exit 1
}
# Runs the program, which writes to the current folder.
run() {
  java "$@" -cp tensorfile.jar:. Main 2>errors | grep -qx '21.0'
}
succeeds() { # WHAT ARGUMENTS...
  what=$1
  shift
  run "$@" || fail "$what: the program fails"
}
refuses() { # WHAT REASON ARGUMENTS...
  what=$1 reason=$2
  shift 2
  if run "$@"; then fail "$what: the program succeeds"; fi
  grep -q -e "UnsatisfiedLinkError: cannot .*$reason.*-Dtensorfile.cache.path" errors || fail "$what: wrong message"
}
libraries() {
  find "$1" -type f | wc -l
}

succeeds "the user's folder"
[ "$(libraries caches/tensorfile)" = 1 ] || fail "the user's folder has not one file"
library=$(find caches/tensorfile -type f)
name=$(basename "$library")
cp "$library" original
succeeds "a folder by property" "-Dtensorfile.cache.path=$folder/named"
cmp original "named/$name"

echo changed >"named/$name"
succeeds "a changed file" "-Dtensorfile.cache.path=$folder/named"
cmp original "named/$name"

ln -s named link
refuses "a link" "link: it is a symbolic link" "-Dtensorfile.cache.path=$folder/link"
chmod g+w named
refuses "a folder of a group" "named: others can write to it" "-Dtensorfile.cache.path=$folder/named"
chmod g-w named
refuses "a file" "tensorfile.jar: it is not a folder" "-Dtensorfile.cache.path=$folder/tensorfile.jar"
refuses "a folder of nobody's" "\(permission denied\|Operation not permitted\|NoSuchFileException\|Permission denied\|AccessDenied\|IOException\)" \
  "-Dtensorfile.cache.path=/proc/tensorfile"

# Another owner. Root can write to the folders of others; other users have none but those of root.
if [ "$user" = 0 ]; then
  cp -a named foreign
  chown -R 65534 foreign
  refuses "another owner" "foreign: it belongs to another user" "-Dtensorfile.cache.path=$folder/foreign"
  mkdir -m 755 unwritable
  as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups java "$@" -cp "$folder/tensorfile.jar:$folder" Main 2>"$folder/errors"
  }
  mkdir -m 777 work
  if (cd work && as_nobody "-Dtensorfile.cache.path=$folder/unwritable"); then fail "no permission: the program succeeds"; fi
else
  mkdir -m 500 unwritable
  if run "-Dtensorfile.cache.path=$folder/unwritable"; then fail "no permission: the program succeeds"; fi
fi
grep -q -e 'unwritable: no file can be created in it: permission denied.*-Dtensorfile.cache.path' errors ||
  fail "no permission: wrong message"

# A disk that is full, here by a limit of 64 KiB for a file. The JVM's own files are no problem.
if (ulimit -f 128 && run -XX:-UsePerfData "-Dtensorfile.cache.path=$folder/full"); then fail "a full disk: the program succeeds"; fi
grep -q -e 'cannot unpack the native library to .*full: .*-Dtensorfile.cache.path' errors || fail "a full disk: wrong message"
[ "$(libraries full)" = 0 ] || fail "a full disk: a part of the library remains"

# The user's folder cannot be used: the program works, and leaves no file in the temporary folder.
mkdir temporary
for caches in /proc/caches "$folder/tensorfile.jar"; do
  XDG_CACHE_HOME=$caches succeeds "a user without a folder" "-Djava.io.tmpdir=$folder/temporary"
  [ -z "$(ls temporary)" ] || fail "a user without a folder: files remain: $(ls temporary)"
done

# A library that the system does not load, as on a file system that is mounted with noexec.
mkdir -p other/META-INF/native classes
(cd classes && jar -xf ../tensorfile.jar)
resource=$(cd classes && find META-INF/native -name '*_jni.*' ! -name '*.sha256')
mkdir -p "other/$(dirname "$resource")"
echo 'no library' >"other/$resource"
sha256sum "other/$resource" | cut -c1-64 >"other/$resource.sha256"
if java "-Dtensorfile.cache.path=$folder/named" -cp other:classes:. Main 2>errors; then fail "no library: the program succeeds"; fi
grep -q -e 'cannot load the native library, perhaps .* noexec: .*-Dtensorfile.cache.path' errors || fail "no library: wrong message"
echo changed >>"other/$resource"
if java "-Dtensorfile.cache.path=$folder/named" -cp other:classes:. Main 2>errors; then fail "a damaged jar: the program succeeds"; fi
if java "-Dtensorfile.cache.path=$folder/another" -cp other:classes:. Main 2>errors; then fail "a damaged jar: the program succeeds"; fi
grep -q -e 'the jar is damaged: .*-Dtensorfile.cache.path' errors || fail "a damaged jar: wrong message"

# Mounted file systems, where the system lets this user mount some.
mounted='mkdir -p m && mount -t tmpfs -o "$0" none m && java -Dtensorfile.cache.path="$PWD/m/cache" -cp tensorfile.jar:. Main'
if unshare --map-root-user --mount true 2>/dev/null; then
  for case in noexec,size=64m:noexec size=256k:'No space left'; do
    if unshare --map-root-user --mount sh -c "$mounted" "${case%%:*}" 2>errors; then fail "$case: the program succeeds"; fi
    grep -q -e "${case#*:}.*-Dtensorfile.cache.path" errors || fail "$case: wrong message"
  done
else
  echo "this user cannot mount file systems: only the limit of a file's size and the library that cannot be loaded were tested"
fi

# Processes at the same time.
pids=
for i in 1 2 3 4 5 6; do
  mkdir "process$i"
  (cd "process$i" && java "-Dtensorfile.cache.path=$folder/shared" -cp "$folder/tensorfile.jar:$folder" Main >output) &
  pids="$pids $!"
done
for pid in $pids; do wait "$pid" || fail "processes at the same time: one fails"; done
[ "$(cat process*/output | sort -u)" = 21.0 ] && [ "$(libraries shared)" = 1 ] || fail "processes at the same time"

# Two class loaders in one process.
version=$(java "-Dtensorfile.cache.path=$folder/named" Loaders.java "$folder/tensorfile.jar")
[ "${version%% *}" = "${version##* }" ] || fail "two class loaders: $version"
[ -z "$(find named -name 'copy*')" ] || fail "two class loaders: a copy remains"
