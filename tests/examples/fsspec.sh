#!/bin/sh
# Tests the example for fsspec with memory, folders, archives and a server on the loopback interface.
#
# usage: fsspec.sh FOLDER LIBRARY    FOLDER is the folder for a virtual environment; LIBRARY is the shared library
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
TENSORFILE_LIBRARY=$(readlink -f "$2")
export TENSORFILE_LIBRARY PYTHONPATH="$root/bindings/python:$root/examples/fsspec:$root/tests/http"

requirements="$root/examples/fsspec/requirements.txt $root/tests/examples/fsspec-requirements.txt"
# shellcheck disable=SC2086  # a list of files
wanted=$(cat $requirements)
if [ "$wanted" != "$(cat "$folder/installed" 2>/dev/null)" ]; then
  python3 -m venv "$folder/venv"
  # shellcheck disable=SC2046,SC2086  # lists of words
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check $(printf -- '--requirement %s ' $requirements)
  echo "$wanted" >"$folder/installed"
fi
"$folder/venv/bin/python" -B -W error::ResourceWarning "$root/tests/examples/fsspec_test.py"
