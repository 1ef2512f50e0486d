"""What the tests of the packages share: the packages, the commands that run programs of other machines, and zig."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import unittest
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools/dist"))

import native  # noqa: E402  (found in the folder above)
from platforms import PLATFORMS  # noqa: E402

DIST, WORK = Path(os.environ["DIST"]).resolve(), Path(os.environ["DIST_WORK"]).resolve()
# The completions of the shells, below share. Debian has a folder of its own for those of zsh.
COMPLETIONS = ("bash-completion/completions/tensorfile", "zsh/site-functions/_tensorfile",
               "fish/vendor_completions.d/tensorfile.fish")
SYMBOLS = (ROOT / "src/api/symbols.txt").read_text(encoding="utf-8").split()
# The commands before a program of a platform that this machine can run. musl's programs are static. Those with a shared
# library are run by musl's own loader, which is next to that of glibc.
RUNNERS = {
    "linux-x86_64": [], "linux-x86_64-musl": [],
    "linux-aarch64": ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"], "linux-aarch64-musl": ["qemu-aarch64"],
    "windows-x86_64": ["wine"],
}
# A separate folder for wine, without its messages and without optional components.
ENVIRONMENT = {**os.environ, "WINEPREFIX": str(WORK / "wine"), "WINEDEBUG": "-all",
               "WINEDLLOVERRIDES": "mscoree,mshtml=", "ZIG_GLOBAL_CACHE_DIR": str(WORK / "zig-cache"), "ZIG_LOCAL_CACHE_DIR": str(WORK / "zig-cache")}


def run(*command, cwd=None, env=None):
    """Returns what a command writes to its standard output. Fails with all that it writes if it fails."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=env or ENVIRONMENT, capture_output=True,
                          check=False)
    printed, errors = (text.decode("utf-8", "replace").replace("\r\n", "\n") for text in (done.stdout, done.stderr))
    if done.returncode:
        words = " ".join(str(word) for word in command)
        raise AssertionError(f"{words}\n{printed}{errors}exit status {done.returncode}")
    return printed


def block(path, language, number=0):
    """Returns a block of code of a document."""
    return (ROOT / path).read_text(encoding="utf-8").split(f"```{language}\n")[number + 1].split("```")[0]


# The sections of docs/releasing.md for users of each language.
INSTRUCTIONS = dict(re.findall(r"^### (.*?)\n(.*?)(?=^##)", (ROOT / "docs/releasing.md").read_text(encoding="utf-8"),
                               re.M | re.S))


def documented(language, origin):
    """Returns what docs/releasing.md tells users of a language to type, from `dist/` or a checkout."""
    found = re.search(rf"^From {origin}.*?```sh\n(.*?)```", INSTRUCTIONS[language], re.M | re.S)
    assert found, f"{language}: no commands from {origin}"
    return found.group(1)


def version():
    (bill,) = DIST.glob("tensorfile-*.cdx.json")
    return bill.name.removeprefix("tensorfile-").removesuffix(".cdx.json")


def archive(platform):
    return DIST / f"tensorfile-{version()}-{platform.name}.{platform.archive}"


def unpacked(platform):
    """Unpacks the archive of a platform once, and returns its folder."""
    path = archive(platform)
    folder = WORK / "unpacked" / path.name
    top = folder / f"tensorfile-{version()}-{platform.name}"
    stamp = folder / "stamp"
    if not stamp.exists() or stamp.stat().st_mtime_ns != path.stat().st_mtime_ns:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as zipped:
                zipped.extractall(folder)
        else:
            with tarfile.open(path) as packed:
                packed.extractall(folder, filter="data")
        stamp.touch()
        os.utime(stamp, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    return top


def platforms():
    """Returns the platforms that DIST has archives for: all of them, unless the test is told to accept fewer."""
    wanted = os.environ.get("DIST_PLATFORMS", ",".join(PLATFORMS)).split(",")
    return [PLATFORMS[name] for name in wanted]


class Case(unittest.TestCase):
    maxDiff = None
    platform = "all"

    def fresh(self, name):
        folder = WORK / "tests" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def for_each(self, only=lambda platform: True):
        """Yields each platform. The message of a failure begins with its name."""
        for platform in platforms():
            if only(platform):
                self.platform = platform.name
                yield platform

    def _formatMessage(self, msg, standardMsg):
        return super()._formatMessage(f"{self.platform}: {msg or ''}", standardMsg)


def main():
    sys.dont_write_bytecode = True
    unittest.main(verbosity=2)


def zig(*arguments, **settings):
    return run(native.zig(), *arguments, **settings)
