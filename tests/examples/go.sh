#!/bin/sh
# Builds and tests the game in Go: gofmt, vet, tests with the race detector, and the program itself.
#
# usage: go.sh FOLDER    FOLDER is the folder to build in
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
# Only modules of this repository are needed. Settings of the user must not affect the test.
export GOPROXY=off GOSUMDB=off GOFLAGS=-buildvcs=false GOWORK=off GOTOOLCHAIN=local CGO_ENABLED=1
export GOCACHE="$folder/cache"
cd "$(dirname "$0")/../../examples/go"

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
  echo "go.sh: not formatted by gofmt: $unformatted" >&2
  exit 1
fi
go vet ./...
go test -race ./...
go build -o "$folder/game" .
"$folder/game" -seconds 1 >"$folder/screen"
grep -q @ "$folder/screen"
