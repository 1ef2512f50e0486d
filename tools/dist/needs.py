"""The sources of RE2, libpng and zlib, which the program of a release contains."""

import base64
import hashlib
import json
import re
import shutil
import sys
import tarfile
from pathlib import Path

from native import run

HERE = Path(__file__).resolve().parent
# The last release of RE2 that needs no other library, 2022-06-01, as the package `re2` of npm contains it. Nothing of that
# package's own is used.
RE2_VERSION = "2022-06-01"
RE2_PACKAGE = "re2@1.17.7"
RE2_SHA512 = "X8GSuiBoVWwcjuppqSjsIkRxNUKDdjhkO9SBekQbZ2ksqWUReCy7DQPWOVpoTnpdtdz5PIpTTxTFzvJv5UMfjA=="


def _re2(folder):
    packed = json.loads(run("npm", "pack", RE2_PACKAGE, "--json", "--silent", "--pack-destination", folder))
    path = folder / packed[0]["filename"]
    found = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if found != RE2_SHA512:
        sys.exit(f"{path}: expected the SHA-512 {RE2_SHA512}, found {found}")
    with tarfile.open(path) as archive:
        members = [member for member in archive.getmembers() if member.name.startswith("package/vendor/")]
        archive.extractall(folder, members, filter="data")
    (folder / "package/vendor").rename(folder / "re2")


def _crates(folder):
    """libpng and zlib are parts of crates, whose checksums Cargo.lock has."""
    run("cargo", "vendor", "--locked", "--quiet", "--manifest-path", HERE / "needs/Cargo.toml", folder / "crates")
    (folder / "crates/libpng-sys/vendor").rename(folder / "png")
    (folder / "crates/libz-sys/src/zlib").rename(folder / "zlib")
    # The license is a comment in the header.
    notice = re.search(r"^ \* COPYRIGHT NOTICE.*?^ \* END OF COPYRIGHT NOTICE", _text(folder / "png/png.h"), re.S | re.M)
    lines = (line.removeprefix(" *").removeprefix(" ") for line in notice.group().splitlines()[:-1])
    (folder / "libpng-LICENSE").write_text("\n".join(lines), encoding="utf-8")


def _text(path):
    return path.read_text(encoding="utf-8")


def libpng_version(folder):
    return re.search(r'PNG_LIBPNG_VER_STRING "(.*)"', _text(folder / "png/png.h")).group(1)


def zlib_version(folder):
    return re.search(r'ZLIB_VERSION "(.*)"', _text(folder / "zlib/zlib.h")).group(1)


def fetch(work):
    """Returns a folder with the sources in re2, png and zlib. Downloads them if they are not there yet."""
    folder, fresh = work / "needs", work / "needs.new"
    pins = _text(HERE / "needs/Cargo.lock") + RE2_SHA512
    stamp = folder / "pins"
    if stamp.exists() and _text(stamp) == pins:
        return folder
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    _re2(fresh)
    _crates(fresh)
    (fresh / "pins").write_text(pins, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return folder
