#!/bin/sh
# Builds the WebAssembly module from the amalgamated core with emscripten, which must be installed.
#
# usage: build.sh [FOLDER]    writes FOLDER/tensorfile.wasm, by default src/tensorfile.wasm
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/src}
command -v em++ >/dev/null || { echo "build.sh: em++ is missing: install emscripten" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$here/../../tools/amalgamate.py" "$work"
cp "$here/native/glue.c" "$work"

# The names of the functions that the scripts call.
exports=$(cat "$here"/src/*.js | grep -oE '\blib\.(tf_\w+|js_\w+|malloc|free)\b' | sed 's/^lib\./_/' | sort -u | tr '\n' ',')

# In its own folder, so that the file is the same wherever it is built.
cd "$work"
em++ -std=c++20 -O2 -g0 -Wall -Wextra -Werror -fno-exceptions -fno-rtti -DTENSORFILE_API= -DTENSORFILE_NO_ZLIB \
  -c tensorfile.cpp -o core.o
emcc -std=c11 -O2 -g0 -Wall -Wextra -Werror -DTENSORFILE_API= -I. -c glue.c -o glue.o
# The module has no script of emscripten's: src/module.js loads it.
emcc -O2 -g0 core.o glue.o -sSTANDALONE_WASM --no-entry -sALLOW_MEMORY_GROWTH -sMAXIMUM_MEMORY=4GB -sWASM_BIGINT \
  -sERROR_ON_UNDEFINED_SYMBOLS=0 -sWARN_ON_UNDEFINED_SYMBOLS=0 "-sEXPORTED_FUNCTIONS=${exports%,}" -o tensorfile.wasm
mkdir -p "$out"
chmod 644 tensorfile.wasm
mv tensorfile.wasm "$out/"
