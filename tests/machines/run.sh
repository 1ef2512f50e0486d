#!/bin/bash
# Builds and tests the library for other machines, and compares their reports about the golden files (report.c) with
# that of this machine:
#
#   tests/machines/run.sh [MACHINE...]
#
#   aarch64  s390x      Linux with qemu-user (s390x is big-endian), including the unit tests
#   i386                32-bit Linux on an x86-64 machine, including the unit tests; also compiles the program
#   windows             x86-64 with mingw-w64 and wine, including windows_test.cpp
#   wasm                WebAssembly with emscripten and node
#   musl                x86-64 Linux with musl, built by zig
#   macos               x86-64 and arm64, built by zig, but not run
#
# By default all machines are tested, except the two that zig builds, which takes long. As many are tested at a time as
# there are cores. As root the script installs the Debian packages that a machine needs; otherwise it lists missing ones.
# zlib is built from the sources in the locked Rust package, and GoogleTest from those of Debian. The results are in
# build/machines.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
work=$root/build/machines
build_program=
jobs=${JOBS:-$(nproc)}
# A separate folder for wine, without its messages and without optional components.
export WINEPREFIX=$work/wine WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='

fail() {
  echo "run.sh: $*" >&2
  exit 1
}

packages_of() {
  case $1 in
    aarch64) echo g++-aarch64-linux-gnu qemu-user ;;
    s390x) echo g++-s390x-linux-gnu qemu-user ;;
    i386) echo g++-i686-linux-gnu ;;
    windows) echo g++-mingw-w64-x86-64-posix wine wine64 ;;
    wasm) echo emscripten nodejs ;;
    musl | macos) echo python3-venv ;;
    *) fail "unknown machine '$1'" ;;
  esac
}

# Prints the folder of zlib's sources, which cargo downloads and verifies.
zlib_sources() {
  local version sources
  version=$(sed -n '/^name = "libz-sys"$/{n;s/^version = "\(.*\)"$/\1/p}' bindings/rust/Cargo.lock)
  cargo fetch --quiet --locked --manifest-path bindings/rust/Cargo.toml >&2
  for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/libz-sys-"$version"/src/zlib; do
    [ -f "$sources/zlib.h" ] && echo "$sources" && return
  done
  fail "libz-sys $version does not contain the sources of zlib"
}

configure() {
  local machine=$1 what=$2 folder=$3
  shift 3
  cmake -S "$what" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTENSORFILE_MACHINE="$machine" \
    -DCMAKE_TOOLCHAIN_FILE="$root/tests/machines/toolchains/linux.cmake" \
    -DCMAKE_PREFIX_PATH="$work/$machine/needs" "$@" > "$work/$machine/cmake.log" 2>&1 || {
    cat "$work/$machine/cmake.log" >&2
    fail "$machine: cmake failed"
  }
}

build() {
  local folder=$1
  shift
  cmake --build "$folder" --parallel "$jobs" --target "$@" > "$folder.log" 2>&1 || {
    grep -v '^\[' "$folder.log" >&2
    fail "cannot build $folder"
  }
}

build_needs() {
  local machine=$1
  mkdir -p "$work/$machine"
  configure "$machine" tests/machines/needs "$work/$machine/needs-build" -DZLIB_SOURCE="$zlib" \
    -DCMAKE_INSTALL_PREFIX="$work/$machine/needs"
  build "$work/$machine/needs-build" install
}

# The report of this machine, with which the others are compared. REFERENCE_BUILD is an existing build for it.
build_reference() {
  local folder=${REFERENCE_BUILD:-$work/host/build}
  mkdir -p "$work/host"
  cut -f 1 tests/golden/verdicts.tsv | grep . > "$work/files.txt"
  if [ -z "${REFERENCE_BUILD-}" ]; then
    cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DTENSORFILE_BUILD_CLI=OFF > "$work/host/cmake.log"
    build "$folder" tensorfile
  fi
  cc -std=c99 -O1 -Iinclude tests/machines/report.c -o "$work/host/report" -L"$folder" -Wl,-rpath,"$folder" -ltensorfile -lz
  (cd tests && "$work/host/report" "$work/files.txt" golden > "$work/host/report.txt")
}

compare_report() {
  local machine=$1
  shift
  (cd tests && "$@" ../build/machines/files.txt golden | tr -d '\r' > "$work/$machine/report.txt") ||
    fail "$machine: report failed"
  diff "$work/host/report.txt" "$work/$machine/report.txt" > "$work/$machine/report.diff" || {
    head -n 40 "$work/$machine/report.diff" >&2
    fail "$machine: $(grep -c '^[<>]' "$work/$machine/report.diff") lines of the report differ from that of this machine"
  }
  echo "$machine: report: $(wc -l < "$work/files.txt") files, $(wc -l < "$work/host/report.txt") lines, identical to those of $(uname -m)"
}

# These tests process gigabytes or tens of thousands of files, which would take most of an hour in an emulator.
large=Deflater.MoreThanFourGigabytesAtOnce:Deflater.DoesNotExpandIncompressibleBytes:CopyStrided.EqualsTheSimpleCopy
large+=:WriterTest.NeedsAFewMiBHoweverLargeTheArrays:WriterTest.WritesToAPathWhatASaveWrites
large+=:ReadPlanWork.EveryByteOfLargeArraysIsReadOnce:NpzWriting.Counts65535MembersAndMore
large+=:SafetensorsWrite.RefusesAHeaderBeyondTheLimit:SafetensorsRead.CostsLittleMemory
large+=:SaveAndLoad.ManyPositionalArraysHaveNoLimit:Executor.SavesAndLoadsEveryFormatWithoutAThread
large+=:WriterTest.WritesThePartsThatASaveWrites:SaveAndLoad.MapModeSharesTheFileAndWritesDoNotReachIt
large+=:Formats/LargeGaps.*:ReadPlanSlices.OfLargeArraysEqualReadingSliceBySlice:NpzWriting.WritesMoreThan65535Members
large+=:GgufRead.RefusingNeedsLittleMemory:SafetensorsRead.NeedsLittleMemory:SavingWork.NeedsAFewMiBBesidesTheArrays
# DeflateEncoder.WritesTheSameBytesEverywhere shows that these have the results of the machines without an emulator.
large+=:DeflateEncoder.ZlibInflatesEveryKindAtEveryLevel:DeflateEncoder.DeepLevels*:NpzChunks.DeepLevels*
large+=:DeflateEncoder.DataThatChange

run_tests() {
  local machine=$1 program=$2 log
  shift 2
  log=$work/$machine/$program.log
  case $program-$1 in
    unit_tests-qemu-*) set -- "$@" --gtest_filter="-$large" ;;
  esac
  "$@" > "$log" 2>&1 || {
    grep -E 'Failure$|^\[  FAILED  \]|^qemu|^wine' -A 8 "$log" | tail -n 60 >&2
    fail "$machine: $program failed, see $log"
  }
  echo "$machine: $program: $(sed -n 's/^\[  PASSED  \] \(.*\)\.\r\{0,1\}$/\1/p' "$log") passed"
}

# Builds with CMake, which also determines the emulator.
test_machine() {
  local machine=$1 programs=$2 program emulator build=$work/$1/build
  build_needs "$machine"
  configure "$machine" . "$build" -DTENSORFILE_BUILD_TESTS=ON -DTENSORFILE_WERROR=ON -DTENSORFILE_AMALGAMATED=ON \
    -DTENSORFILE_UNITY_PROGRAM=ON '-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG'
  # The target `tensorfile` would be the file of the program, which has the same name.
  # shellcheck disable=SC2086  # a list of words
  build "$build" libtensorfile.so report $build_program $programs
  read -r -a emulator < "$build/emulator.txt"
  compare_report "$machine" "${emulator[@]}" "$build/tests/report"
  for program in $programs; do
    run_tests "$machine" "$program" "${emulator[@]}" "$build/tests/$program"
  done
}

# Builds the amalgamation, zlib and report.c with the given commands for C and C++ and linker options, for machines that
# the unit tests do not support.
build_report() {
  local machine=$1 program=$2 folder=$work/$1 source cc cxx link
  read -r -a cc <<< "$3"
  read -r -a cxx <<< "$4"
  read -r -a link <<< "${5:-}"
  mkdir -p "$folder"
  python3 tools/amalgamate.py "$folder/core"
  {
    "${cxx[@]}" -DTENSORFILE_API= -std=c++20 -O2 -fno-exceptions -fno-rtti -Wall -Wextra -Werror -I"$zlib" -c "$folder/core/tensorfile.cpp" \
      -o "$folder/tensorfile.o" &&
      for source in "$zlib"/*.c; do
        "${cc[@]}" -O2 -w -DZ_HAVE_UNISTD_H -c "$source" -o "$folder/$(basename "$source" .c).o" || break
      done &&
      "${cc[@]}" -DTENSORFILE_API= -std=c99 -O2 -Wall -Wextra -Werror -Iinclude -I"$zlib" -c tests/machines/report.c -o "$folder/report.o" &&
      "${cc[@]}" "$folder"/*.o "${link[@]}" -o "$folder/$program"
  } > "$folder/build.log" 2>&1 || {
    tail -n 40 "$folder/build.log" >&2
    fail "$machine: the build failed"
  }
  echo "$machine: built the core and report.c: $(file -b "$folder/$program" | cut -d , -f 1)"
}

build_windows_tests() {
  local folder=$work/windows google=/usr/src/googletest/googletest objects
  mapfile -t objects < <(ls "$folder"/*.o | grep -v '/report.o$')
  x86_64-w64-mingw32-g++-posix -std=c++20 -static -Iinclude -Itests -I"$google" -isystem "$google/include" \
    tests/machines/windows_test.cpp "$google/src/gtest-all.cc" "$google/src/gtest_main.cc" "${objects[@]}" \
    -o "$folder/windows_tests.exe"
}

# zig is available as a Python package.
install_zig() {
  zig=$work/zig/bin/python-zig
  [ -x "$zig" ] && return
  python3 -m venv "$work/zig"
  "$work/zig/bin/pip" install --quiet --disable-pip-version-check ziglang==0.15.2
}

build_by_zig() {
  install_zig
  build_report "$1" report "$zig cc -target $2" "$zig c++ -target $2"
}

test_one() {
  case $1 in
    aarch64 | s390x) test_machine "$1" unit_tests ;;
    i386)
      build_program=tensorfile_program
      test_machine i386 unit_tests
      ;;
    windows)
      build_report windows report.exe x86_64-w64-mingw32-gcc-posix x86_64-w64-mingw32-g++-posix -static
      compare_report windows wine "$work/windows/report.exe"
      build_windows_tests
      run_tests windows windows_tests wine "$work/windows/windows_tests.exe"
      ;;
    musl)
      build_by_zig musl x86_64-linux-musl
      compare_report musl "$work/musl/report"
      ;;
    macos)
      build_by_zig macos-x86_64 x86_64-macos
      build_by_zig macos-aarch64 aarch64-macos
      ;;
    wasm)
      build_report wasm report.js emcc em++ '-sNODERAWFS -sALLOW_MEMORY_GROWTH'
      compare_report wasm node --no-experimental-fetch "$work/wasm/report.js"
      ;;
  esac
}

# run.sh --one ZLIB MACHINE is the call by xargs below.
if [ "${1-}" = --one ]; then
  zlib=$2
  test_one "$3"
  exit
fi
[ $# -gt 0 ] || set -- s390x aarch64 i386 wasm windows
packages=(cmake ninja-build googletest libcli11-dev nlohmann-json3-dev python3 file)
for machine in "$@"; do
  # shellcheck disable=SC2207  # words
  packages+=($(packages_of "$machine"))
done
tools/packages.sh "${packages[@]}"
case " $* " in
  *' musl '* | *' macos '*) install_zig ;;
esac
zlib=$(zlib_sources)
build_reference
# One machine compiles while another runs its tests, which use one core.
printf '%s\n' "$@" | JOBS=1 xargs -n 1 -P "$jobs" tests/machines/run.sh --one "$zlib"
