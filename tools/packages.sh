#!/bin/sh
# Installs those of the given Debian packages that are missing. Without root it prints the command to run instead.
#
# usage: packages.sh PACKAGE...
set -eu
command -v dpkg-query >/dev/null || exit 0
missing=
for package in "$@"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "Some packages are missing. Install them as root with" >&2
  echo "  apt-get install$missing" >&2
  exit 1
fi
echo "Installing$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of words
apt-get install -qq -y --no-install-recommends $missing >/dev/null 2>&1 || {
  apt-get update
  apt-get install -y --no-install-recommends $missing
}
