"""The files of a release that contain sources: the amalgamation, the Go module and the crates."""

import json
import os
import shutil
import subprocess
import sys
import time

import pack
from native import ROOT, run

MODULE = "github.com/tensorfile/tensorfile/bindings/go"
WRAP = """\
[wrap-file]
directory = {name}
source_filename = {name}.zip
source_url = https://github.com/tensorfile/tensorfile/releases/download/v{version}/{name}.zip
source_hash = {digest}

[provide]
tensorfile = tensorfile_dep
"""
CRATES = ("tensorfile-sys", "tensorfile")


def core(folder):
    """Writes the amalgamation into a folder, and the license next to it."""
    run(sys.executable, ROOT / "tools/amalgamate.py", folder)
    shutil.copy(ROOT / "LICENSE", folder)


def tracked(folder):
    """Returns the committed files below a folder, relative to it, sorted. They are read from the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z", "--", "."], cwd=ROOT / folder, check=True, stdout=subprocess.PIPE,
                            encoding="utf-8").stdout
    return sorted(name for name in listed.split("\0") if name)


def amalgamation(out, work, release):
    """Writes a zip of the core as one source file, with the headers for C and C++ and files for CMake and Meson.

    tensorfile.wrap says where Meson downloads that zip.
    """
    tree, name = work / "amalgamation", f"tensorfile-{release.version}-amalgamation"
    shutil.rmtree(tree, ignore_errors=True)
    core(tree)
    shutil.copy(ROOT / "include/tensorfile.hpp", tree)
    for build in ("CMakeLists.txt", "meson.build"):
        text = (ROOT / "tools/dist/amalgamation" / build).read_text(encoding="utf-8")
        (tree / build).write_text(text.replace("@VERSION@", release.version), encoding="utf-8")
    packed = out / f"{name}.zip"
    pack.zip_tree(packed, tree, name, release.when)
    wrap = WRAP.format(name=name, version=release.version, digest=pack.sha256(packed))
    (out / "tensorfile.wrap").write_text(wrap, encoding="utf-8")


def go_module(out, release):
    """Writes what a module proxy serves, so that a folder can be GOPROXY. The tag is bindings/go/vVERSION.

    The zip follows golang.org/x/mod/zip: every committed file of the module, below MODULE@VERSION.
    """
    run(ROOT / "bindings/vendor.sh", "--check")
    version = f"v{release.version}"
    folder = out / "go" / MODULE / "@v"
    folder.mkdir(parents=True)
    source = ROOT / "bindings/go"
    files = ((f"{MODULE}@{version}/{name}", (source / name).read_bytes(), 0o644) for name in tracked("bindings/go"))
    pack.zip_files(folder / f"{version}.zip", files, release.when)
    shutil.copyfile(source / "go.mod", folder / f"{version}.mod")
    # As the public proxy has it: where the sources are from, and for `go list -m -u` whether the tag still is the same.
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    origin = {"VCS": "git", "URL": "https://github.com/tensorfile/tensorfile", "Subdir": "bindings/go",
              "Hash": commit.strip(), "Ref": f"refs/tags/bindings/go/{version}"}
    info = {"Version": version, "Time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(release.when)), "Origin": origin}
    (folder / f"{version}.info").write_text(json.dumps(info), encoding="utf-8")
    (folder / "list").write_text(f"{version}\n", encoding="utf-8")


def crates(out, work):
    """Packs the crates, which then contain the core. docs.rs compiles no C++, and has no network."""
    workspace, target = work / "rust", work / "rust-target"
    shutil.rmtree(workspace, ignore_errors=True)
    run(ROOT / "bindings/rust/package.sh", workspace)
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target), "CARGO_NET_OFFLINE": "true"}
    if subprocess.run(["cargo", "fetch", "--locked", "--quiet"], cwd=workspace, env=environment,
                      stderr=subprocess.DEVNULL, check=False).returncode:
        run("cargo", "fetch", "--locked", "--quiet", cwd=workspace)
    run("cargo", "package", "--locked", "--quiet", "--workspace", "--no-verify", cwd=workspace, env=environment)
    run("cargo", "doc", "--locked", "--quiet", "--no-deps", "--workspace", "--features", "half ndarray zlib static",
        cwd=workspace, env={**environment, "DOCS_RS": "1", "RUSTDOCFLAGS": "-D warnings"})
    for crate in CRATES:
        (packed,) = (target / "package").glob(f"{crate}-[0-9]*.crate")
        shutil.copy(packed, out)
