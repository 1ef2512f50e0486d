#!/bin/sh
# Checks the format of the sources, then runs clang-tidy over the core and the program.
#
# usage: lint.sh BUILD    BUILD has a compile_commands.json
#        lint.sh --fix    formats the sources instead
set -eu
cd "$(dirname "$0")/.."

find_tool() {
  for name in "$1-14" "$1"; do
    if command -v "$name" >/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "$1 (version 14) is missing" >&2
  exit 1
}

format=$(find_tool clang-format)
sources() {
  git ls-files -z -- 'include/*' 'src/*.h' 'src/*.cpp' 'tests/*.h' 'tests/*.c' 'tests/*.cpp' 'examples/*.cpp'
}

if [ "$1" = --fix ]; then
  sources | xargs -0 "$format" -i
  exit
fi

sources | xargs -0 "$format" --dry-run -Werror
tidy=$(find_tool clang-tidy)
# What g++ alone knows is an error to clang.
commands=$(mktemp -d)
trap 'rm -rf "$commands"' EXIT
sed 's/ -fno-gnu-unique//g' "$1/compile_commands.json" >"$commands/compile_commands.json"
git ls-files -z -- 'src/*.cpp' | xargs -0 -n 4 -P "$(nproc)" "$tidy" -p "$commands" --quiet --extra-arg=-Wno-unknown-warning-option
echo "format and clang-tidy: nothing to say"
