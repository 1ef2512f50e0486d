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
tidy=$(find_tool clang-tidy)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# clang does not know this option of GCC.
sed 's/ -fno-gnu-unique//g' "$1/compile_commands.json" >"$work/compile_commands.json"

# One log for each file, so that the output of parallel processes does not mix.
# shellcheck disable=SC2016  # expanded by the inner shell
git ls-files -z -- 'src/*.cpp' | xargs -0 -n 1 -P "$(nproc)" sh -c '
  "$1" -p "$2" --quiet --extra-arg=-Wno-unknown-warning-option "$3" >"$2/$(echo "$3" | tr / .).log" 2>&1
' sh "$tidy" "$work" || status=1
# clang-tidy counts the warnings that it suppressed, even with --quiet.
cat "$work"/*.log | grep -vE '^[0-9]+ (warning|error)s?( and [0-9]+ errors?)? generated\.$' || true
[ "$status" = 0 ] || exit 1
echo "lint: no findings"
