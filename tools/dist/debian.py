"""The packages for Debian and Ubuntu: libtensorfile0, libtensorfile-dev and tensorfile, for each processor with glibc.

They contain the same files as the archives, so that one package installs on every release of Debian and Ubuntu.
"""

import email.utils
import gzip
import os
import re
import shutil

from native import ROOT, install, run
from parts import notices
from platforms import GLIBC

HERE = ROOT / "tools/dist/debian"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CHANGELOG = """\
tensorfile ({version}-1) unstable; urgency=medium

  * Release {version}; changelog.gz lists the changes.

 -- The tensorfile authors <tensorfile@users.noreply.github.com>  {date}
"""


def has_packages(platform):
    return platform.system == "Linux" and "musl" not in platform.name


def triplet(platform):
    return f"{platform.processor}-linux-gnu"


def _copyright(platform, release):
    """Returns the licenses. That of Apache, which one of them includes, is in every installation of Debian."""
    parts = re.sub(r"^ +Apache License\n.*?^(---- LLVM Exceptions)",
                   r"On Debian this license is in /usr/share/common-licenses/Apache-2.0.\n\n\1",
                   notices(platform, release.sources), flags=re.S | re.M)
    license_text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    return ("The sources of this package are those of https://github.com/tensorfile/tensorfile.\n\n"
            f"{license_text}\nIt also contains parts of other projects:\n\n{parts}")


def _compressed(text):
    return gzip.compress(text.encode("utf-8"), 9, mtime=0)


def _write_control(folder, platform, release):
    """Writes the files that are not in the tree."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    symbols = (ROOT / "src/api/symbols.txt").read_text(encoding="utf-8").split()
    texts = {
        "copyright": _copyright(platform, release),
        "shlibs": f"libtensorfile 0 libtensorfile0 (>= {release.version})\n",
        # When a function was added is not recorded, so all of them need at least this version.
        "symbols": "libtensorfile.so.0 libtensorfile0 #MINVER#\n"
                   + "".join(f" {name}@Base {release.version}\n" for name in symbols),
        "triggers": "activate-noawait ldconfig\n",
    }
    packed = {
        "changelog.gz": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        "changelog.Debian.gz": CHANGELOG.format(version=release.version, date=email.utils.formatdate(release.when)),
        "tensorfile.1.gz": (ROOT / "src/cli/tensorfile.1").read_text(encoding="utf-8"),
    }
    for name, data in {**{name: text.encode("utf-8") for name, text in texts.items()},
                       **{name: _compressed(text) for name, text in packed.items()}}.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o644)


def write(out, platform, release, work):
    """Writes the three packages of a platform, after native.build()."""
    folder = work / platform.name / "debian"
    control, tree, made = folder / "control", folder / "tree", folder / "made"
    install(platform, work, tree, f"lib/{triplet(platform)}")
    _write_control(control, platform, release)
    shutil.rmtree(made, ignore_errors=True)
    run("cmake", "-S", HERE, "-B", folder / "build", "-G", "Ninja", f"-DVERSION={release.version}", f"-DTREE={tree}",
        f"-DTRIPLET={triplet(platform)}", f"-DARCHITECTURE={ARCHITECTURES[platform.processor]}", f"-DGLIBC={GLIBC}",
        f"-DCONTROL={control}")
    run("cpack", "--config", folder / "build/CPackConfig.cmake", "-B", made,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(release.when)})
    for path in sorted(made.glob("*.deb")):
        shutil.copy(path, out)
