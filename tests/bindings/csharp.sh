#!/bin/sh
# Compiles the package for Unity with Mono, with all warnings as errors, and tests it.
#
# usage: csharp.sh FOLDER LIBRARIES PACKAGE    FOLDER is the folder to build in, LIBRARIES that of the library
#
# PACKAGE is bindings/unity, or a package of a release. `make test-dist` runs this with the package and its own library.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
libraries=$(cd "$2" && pwd)
package=$(cd "$3" && pwd)

for tool in mcs mono; do
  if ! command -v "$tool" >/dev/null; then
    echo "csharp.sh: $tool is missing: install mono-mcs and mono-runtime" >&2
    exit 1
  fi
done
compile() {
  mcs -nologo -warn:4 -warnaserror -langversion:latest -debug "$@"
}

compile -unsafe -target:library "-doc:$folder/Tensorfile.xml" -nowarn:1591 "-out:$folder/Tensorfile.dll" "$package"/Runtime/*.cs
compile "-r:$folder/Tensorfile.dll" "-out:$folder/Tests.exe" "$root"/tests/bindings/csharp/*.cs
rm -rf "$folder/files"
mkdir "$folder/files"
LD_LIBRARY_PATH=$libraries mono --debug "$folder/Tests.exe" "$root/tests/golden" "$folder/files"

# The program of the README, which needs no engine.
mkdir -p "$folder/readme"
sed -n '/^```csharp$/,/^```$/p' "$package/README.md" | sed '/^```/d' >"$folder/readme/Program.cs"
compile "-r:$folder/Tensorfile.dll" "-out:$folder/Program.exe" "$folder/readme/Program.cs"
(cd "$folder/readme" && LD_LIBRARY_PATH=$libraries mono "$folder/Program.exe") | grep -qx 'layers.0.weight: float32 \[2, 3\], sum 21'
# The sample needs classes of the engine, of which this has what it uses.
compile -target:library "-r:$folder/Tensorfile.dll" "-out:$folder/Sample.dll" "$root/tests/bindings/csharp/engine/"*.cs \
  "$package"/Samples~/LoadWeights/*.cs
