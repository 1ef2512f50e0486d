#!/bin/sh
# Checks the formatting of the sources, then runs clang-tidy on the core and the program. Prints findings only.
#
# usage: lint.sh BUILD    BUILD is a configured build folder with a compile_commands.json
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
  echo "lint.sh: $1 (version 14) is missing" >&2
  exit 1
}

format=$(find_tool clang-format)
sources() {
  git ls-files -z -- 'include/*' 'src/*.h' 'src/*.cpp' 'tests/*.h' 'tests/*.c' 'tests/*.cpp' 'examples/*.cpp' 'examples/*.hpp'
}

if [ "$1" = --fix ]; then
  sources | xargs -0 "$format" -i
  exit
fi

status=0
sources | xargs -0 "$format" --dry-run -Werror || status=1
tools/tidy.py "$(find_tool clang-tidy)" "$1" || status=1
[ "$status" = 0 ] || exit 1
echo "lint: no findings"
