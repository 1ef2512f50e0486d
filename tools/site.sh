#!/bin/sh
# Builds the site of the documentation: the pages and the reference of the headers with Doxygen, and the references of the
# Rust, Go and Java packages with the tools of these languages. Warnings and dead links are errors.
#
# usage: site.sh FOLDER WORK    FOLDER is that of the site, and is replaced; WORK is a folder to build in
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$1"
mkdir -p "$1/reference" "$2"
site=$(cd "$1" && pwd)
folder=$(cd "$2" && pwd)
. "$root/tests/bindings/maven.sh"
cd "$root"

TENSORFILE_VERSION=$(sed -n 's/^#define TENSORFILE_VERSION_STRING "\(.*\)"/\1/p' include/tensorfile.h)
export TENSORFILE_VERSION
SITE=$site doxygen docs/Doxyfile

# As docs.rs builds it, without compiling the library.
(cd bindings/rust && DOCS_RS=1 CARGO_TARGET_DIR="$folder/rust" RUSTDOCFLAGS='-D warnings' \
  cargo doc --locked --quiet --workspace --no-deps --all-features)
cp -R "$folder/rust/doc" "$site/reference/rust"
# Some pages link to an index of all crates, which cargo does not write.
echo '<!DOCTYPE html><title>tensorfile</title><meta http-equiv="refresh" content="0; url=tensorfile/index.html">' \
  >"$site/reference/rust/index.html"

# Go has no program for pages that are files: its own site makes them of the published module.
{
  printf '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>tensorfile for Go</title></head>\n<body><pre>\n'
  (cd bindings/go && CGO_ENABLED=0 go doc -all) | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'
  printf '</pre></body>\n</html>\n'
} >"$site/reference/go.html"

maven -f bindings/java/pom.xml "-Dbuild.folder=$folder/java" compile javadoc:javadoc
cp -R "$folder/java/reports/apidocs" "$site/reference/java"
tools/check_links.py --site "$site"
tools/check_links.py .
