"""The npm package: scripts, types, and the library as WebAssembly, which emscripten builds."""

import shutil

import pack
from native import ROOT, run
from parts import emscripten, notice
from sources import tracked

PACKAGE = ROOT / "bindings/js"


def write(out, work, release):
    """Writes the package as `npm pack` would, except that the times of the files are that of the commit."""
    tree = work / "npm"
    shutil.rmtree(tree, ignore_errors=True)
    (tree / "src").mkdir(parents=True)
    for name in ("package.json", "README.md", *tracked("bindings/js")):
        if name in ("package.json", "README.md") or name.startswith("src/"):
            shutil.copy(PACKAGE / name, tree / name)
    run(PACKAGE / "build.sh", tree / "src")
    shutil.copy(ROOT / "LICENSE", tree)
    (tree / "src/THIRD-PARTY.txt").write_text(notice(emscripten()), encoding="utf-8")
    pack.tar_gz(out / f"tensorfile-{release.version}.tgz", tree, "package", release.when)
