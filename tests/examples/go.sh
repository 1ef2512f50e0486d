#!/bin/sh
# Builds the game in Go and tests it: style, vet, tests with the race detector, and the program itself.
#
# usage: go.sh FOLDER    FOLDER is for what is built
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
# No other module is needed, and nothing of the user's settings is meant.
export GOPROXY=off GOSUMDB=off GOFLAGS=-buildvcs=false GOWORK=off GOTOOLCHAIN=local CGO_ENABLED=1
export GOCACHE="$folder/cache"
cd "$(dirname "$0")/../../examples/go"

unformatted=$(gofmt -l .)
if [ -n "$unformatted" ]; then
  echo "go.sh: gofmt is not content with $unformatted" >&2
  exit 1
fi
go vet ./...
go test -race ./...
go build -o "$folder/game" .
"$folder/game" -seconds 1 >"$folder/screen"
grep -q @ "$folder/screen"
