#!/bin/sh
# Builds and tests the example for gocloud.dev/blob: gofmt, vet, staticcheck, tests with the race detector.
#
# usage: gocloud.sh FOLDER    FOLDER is the folder to build in
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
# Settings of the user must not affect the test. Modules that are missing are downloaded. All commands use the race
# detector, so that the core and the modules are compiled once.
export "GOFLAGS=-buildvcs=false -race" GOWORK=off GOTOOLCHAIN=local CGO_ENABLED=1 CGO_CXXFLAGS=-O0
GOCACHE=$(cd "$1" && pwd)/cache
export GOCACHE
cd "$root/examples/gocloud"

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
  echo "gocloud.sh: not formatted by gofmt: $unformatted" >&2
  exit 1
fi
go vet ./...
"$root/.venv/bin/staticcheck" ./...
go test ./...
