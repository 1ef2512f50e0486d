#!/usr/bin/env python3
"""Builds everything that a release consists of. Two runs from the same commit write the same bytes.

usage: make.py OUT WORK [--jobs N] [--platforms NAME,...] [--only native,java,sources,npm] [--sign COMMAND]

OUT is emptied first; WORK keeps what was built. SOURCE_DATE_EPOCH, or else the time of the commit, is the time in the
archives. COMMAND FILE signs a library or a program for macOS or Windows in place; it is run before anything is packed.
"""

import argparse
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import debian
import java
import native
import needs
import npm
import pack
import sbom
import sources
import unity
import wheels
from native import ROOT
from parts import notices
from platforms import PLATFORMS


@dataclass(frozen=True)
class Release:
    version: str
    when: int  # seconds since 1970
    sources: Path  # of RE2 and libpng
    sign: Path | None = None  # the command that signs a file


def release(work, sign):
    header = (ROOT / "include/tensorfile.h").read_text(encoding="utf-8")
    when = os.environ.get("SOURCE_DATE_EPOCH") or subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return Release(re.search(r'TENSORFILE_VERSION_STRING "(.*)"', header).group(1), int(when), needs.fetch(work), sign)


def finish_tree(tree, platform, made):
    """Adds to an installed tree what only an archive needs."""
    documents = tree / "share/doc/tensorfile"
    documents.mkdir(parents=True)
    shutil.copy(ROOT / "LICENSE", documents)
    (documents / "THIRD-PARTY.txt").write_text(notices(platform, made.sources), encoding="utf-8")
    if platform.is_windows:
        # The linker of MSVC reads MinGW's import library, but looks for it under this name.
        shutil.copyfile(tree / "lib/libtensorfile.dll.a", tree / "lib/tensorfile.lib")


def native_packages(out, platform, made, work, jobs):
    tree = native.build(platform, work, jobs, made.sources)
    native.sign(made.sign, platform, tree / platform.shared, tree / platform.program)
    finish_tree(tree, platform, made)
    name = f"tensorfile-{made.version}-{platform.name}"
    pack_tree = pack.zip_tree if platform.is_windows else pack.tar_gz
    pack_tree(out / f"{name}.{platform.archive}", tree, name, made.when)
    wheels.write(out, platform, tree, made)
    if debian.has_packages(platform):
        debian.write(out, platform, made, work)


def write_sums(out, made):
    """Writes the bill of materials and the checksums of all files."""
    bill = out / f"tensorfile-{made.version}.cdx.json"
    sbom.write(bill, sorted(path for path in out.rglob("*") if path.is_file()), made)
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    (out / "SHA256SUMS").write_text("".join(f"{pack.sha256(out / name)}  {name}\n" for name in files), encoding="utf-8")


def processor_time():
    """Returns the seconds that this process and those it waited for have computed."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def spent(began, computed):
    return f"{time.monotonic() - began:.1f} s, {processor_time() - computed:.1f} s of processor time"


def step(what, work, *arguments):
    began, computed = time.monotonic(), processor_time()
    print(f"{what} ...", flush=True)
    work(*arguments)
    print(f"{what}: {spent(began, computed)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--platforms", default=",".join(PLATFORMS), help="a list, separated by commas")
    parser.add_argument("--only", default="native,java,sources,npm", help="some of native, java, sources and npm")
    parser.add_argument("--sign", type=Path, help="a command that signs a file for macOS or Windows")
    given = parser.parse_args()
    out, work = given.out.resolve(), given.work.resolve()
    began, computed = time.monotonic(), processor_time()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    work.mkdir(parents=True, exist_ok=True)
    made = release(work, given.sign and given.sign.resolve())
    if "sources" in given.only:
        step("amalgamation", sources.amalgamation, out, work, made)
        step("Go module", sources.go_module, out, made)
        step("crates", sources.crates, out, work)
    if "npm" in given.only:
        step("npm package", npm.write, out, work, made)
    if "native" in given.only:
        for name in given.platforms.split(","):
            step(name, native_packages, out, PLATFORMS[name], made, work, given.jobs)
        step("Unity package", unity.package, out, [PLATFORMS[name] for name in given.platforms.split(",")], made, work)
    if "java" in given.only:
        step("Java package", java.package, out, [PLATFORMS[name] for name in given.platforms.split(",")], made, work,
             given.jobs)
    write_sums(out, made)
    print(f"{out}: {sum(1 for path in out.rglob('*') if path.is_file())} files in {spent(began, computed)}")


if __name__ == "__main__":
    main()
