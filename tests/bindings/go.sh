#!/bin/sh
# Builds and tests the Go module: gofmt, vet, staticcheck, tests, the race detector, the address sanitizer, the example,
# a program that uses the packaged module offline, and the installed library.
#
# usage: go.sh FOLDER [BUILD]    FOLDER is the folder to build in; BUILD is a build of the library, which is installed
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
build=${2-}
[ -z "$build" ] || build=$(cd "$build" && pwd)
cd "$root/bindings/go"

if ! command -v go >/dev/null; then
  echo "go.sh: go is missing: install Go 1.24 or later" >&2
  exit 1
fi
step() {
  echo "== $*"
}
module=$(go list -m)
# The module has no dependencies. Settings of the user must not affect the test.
export GOPROXY=off GOSUMDB=off GOFLAGS=-buildvcs=false GOWORK=off GOTOOLCHAIN=local CGO_ENABLED=1
export GOCACHE="$folder/cache"

step format, vet, staticcheck
# SWIG does not format its code like gofmt.
unformatted=$(find . -name '*.go' ! -name capi.go -exec gofmt -l {} +)
if [ -n "$unformatted" ]; then
  echo "go.sh: not formatted by gofmt: $unformatted" >&2
  exit 1
fi
go vet ./...
staticcheck=$root/.venv/bin/staticcheck
if [ ! -x "$staticcheck" ]; then
  echo "go.sh: staticcheck is missing: tools/setup.sh test installs it" >&2
  exit 1
fi
"$staticcheck" ./...

# Each of these compiles the core again, which keeps one processor busy. Only the first is optimized.
step tests, and tests with the race detector
CGO_CXXFLAGS=-O0 go test -race ./... >"$folder/race.log" 2>&1 &
race=$!
go test ./...
if ! wait "$race"; then
  cat "$folder/race.log" >&2
  exit 1
fi

# Go does not release memory when it exits, so leaks are left to TestMemoryStaysFlat.
step address sanitizer
CGO_CXXFLAGS=-O0 ASAN_OPTIONS=detect_leaks=0 go test -asan . >"$folder/asan.log" 2>&1 &
asan=$!

step the example
rm -rf "$folder/example"
mkdir "$folder/example"
go build -o "$folder/example/convert" ./examples/convert
(cd "$folder/example" && ./convert)
[ -s "$folder/example/model.npz" ] && [ -s "$folder/example/model.gguf" ]
# The program may only need the C library.
if ldd "$folder/example/convert" | grep -E 'libstdc|libtensorfile|libz'; then
  echo "go.sh: the program is linked with unnecessary libraries" >&2
  exit 1
fi

step the error message without cgo
if CGO_ENABLED=0 go build ./... 2>"$folder/nocgo.log"; then
  echo "go.sh: the build succeeds without cgo" >&2
  exit 1
fi
grep -q tensorfile_needs_cgo__set_CGO_ENABLED_1 "$folder/nocgo.log"
[ "$(grep -c undefined "$folder/nocgo.log")" = 1 ]

step "the programs of the READMEs, from the packaged module, offline"
version=v0.9.0
proxy=$folder/proxy
consumer=$folder/consumer
[ ! -d "$consumer" ] || chmod -R u+w "$consumer"
rm -rf "$proxy" "$consumer"
mkdir -p "$proxy/$module/@v" "$consumer/program"
python3 - "$module@$version" "$proxy/$module/@v/$version.zip" <<'END'
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED) as archive:
    for path in sorted(pathlib.Path(".").rglob("*")):
        if path.is_file():
            archive.write(path, f"{sys.argv[1]}/{path}")
END
cp go.mod "$proxy/$module/@v/$version.mod"
echo "{\"Version\":\"$version\"}" >"$proxy/$module/@v/$version.info"
echo "$version" >"$proxy/$module/@v/list"
sed -n '/^```go$/,/^```$/p' README.md | sed '/^```/d' >"$consumer/program/main.go"
(
  cd "$consumer/program"
  export GOPROXY="file://$proxy" GOMODCACHE="$consumer/modules" CGO_CXXFLAGS=-O0
  # Go keeps an index of a version of a module, which does not change elsewhere.
  export GODEBUG=goindex=0
  go mod init example.org/consumer 2>/dev/null
  go get "$module"
  go run . >"$consumer/output"
  sed -n '/^```go$/,/^```$/p' "$root/README.md" | sed '/^```/d' >main.go
  go run . | grep -qx '\[2 3\] 6'
)
# What README.md says that it prints.
expected=$(sed -n 's/^It prints `\(.*\)` first\..*/\1/p' README.md)
[ -n "$expected" ]
[ "$(head -n 1 "$consumer/output")" = "$expected" ]
[ -s "$consumer/program/model.npz" ] && [ -s "$consumer/program/model.gguf" ]

if ! wait "$asan"; then
  cat "$folder/asan.log" >&2
  exit 1
fi

if [ -n "$build" ]; then
  step "the installed library"
  rm -rf "$folder/prefix"
  cmake --install "$build" --prefix "$folder/prefix" >/dev/null
  config=$(find "$folder/prefix" -name tensorfile.pc)
  library=$(find "$folder/prefix" -name 'libtensorfile.so')
  export PKG_CONFIG_PATH="$(dirname "$config")" LD_LIBRARY_PATH="$(dirname "$library")"
  go test -tags tensorfile_system .
  go build -tags tensorfile_system -o "$folder/example/system" ./examples/convert
  ldd "$folder/example/system" | grep -q 'libtensorfile\.so'
fi
