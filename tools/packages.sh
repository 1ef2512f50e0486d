#!/bin/sh
# Installs those of the named Debian packages that this machine lacks. Who is not root is told their names.
#
#   tools/packages.sh PACKAGE...
set -eu
command -v dpkg-query >/dev/null || exit 0
missing=
for package in "$@"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "These packages are missing; install them, as root, with" >&2
  echo "  apt-get install$missing" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of words
apt-get install -y --no-install-recommends $missing || {
  apt-get update
  apt-get install -y --no-install-recommends $missing
}
