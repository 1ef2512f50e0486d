"""Tests that archives have the same bytes whenever and wherever the files in them were written, and what is signed."""

import os
import sys
import tarfile
import tempfile
import unittest
import unittest.mock
import zipfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools/dist"))
import make  # noqa: E402  (found in the folder above)
import native  # noqa: E402
import pack  # noqa: E402
from platforms import PLATFORMS  # noqa: E402

FILES = {"b/program": b"\x7fELF" * 100, "a.txt": b"text\n", "b/a.h": b""}
WHEN = 1_700_000_000


def write_tree(folder, names, mtime):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FILES[name])
        path.chmod(0o775 if name == "b/program" else 0o600)
        os.utime(path, (mtime, mtime))
    (folder / "b/link").symlink_to("program")


class Archives(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        write_tree(self.folder / "one", FILES, 1_600_000_000)
        write_tree(self.folder / "another", reversed(FILES), 1_650_000_001)

    def packed(self, function, extension):
        """Packs both trees, and returns the archive of the first after comparing the two."""
        paths = [self.folder / f"{name}{extension}" for name in ("one", "another")]
        for path in paths:
            function(path, self.folder / path.name.removesuffix(extension), "top", WHEN)
        self.assertEqual(paths[0].read_bytes(), paths[1].read_bytes())
        return paths[0]

    def test_tar(self):
        with tarfile.open(self.packed(pack.tar_gz, ".tar.gz")) as archive:
            found = {member.name: member for member in archive.getmembers()}
            self.assertEqual(list(found), ["top/a.txt", "top/b/a.h", "top/b/link", "top/b/program"])
            self.assertEqual({member.mtime for member in found.values()}, {WHEN})
            self.assertEqual({(member.uid, member.gid, member.uname) for member in found.values()}, {(0, 0, "")})
            self.assertEqual((found["top/b/program"].mode, found["top/a.txt"].mode), (0o755, 0o644))
            self.assertEqual(found["top/b/link"].linkname, "program")
            self.assertEqual(archive.extractfile("top/b/program").read(), FILES["b/program"])

    def test_zip(self):
        with zipfile.ZipFile(self.packed(pack.zip_tree, ".zip")) as archive:
            self.assertEqual(archive.namelist(), ["top/a.txt", "top/b/a.h", "top/b/link", "top/b/program"])
            self.assertEqual({info.date_time for info in archive.infolist()}, {(2023, 11, 14, 22, 13, 20)})
            self.assertEqual(archive.getinfo("top/b/program").external_attr >> 16, 0o100755)
            self.assertEqual(archive.read("top/b/link"), FILES["b/program"])


class Signatures(unittest.TestCase):
    def packed(self, folder, name):
        """Packs a library and a program of a platform with a command that signs, and returns what is in the packages."""
        platform, out = PLATFORMS[name], folder / name
        tree = out / "tree"
        for file in (platform.shared, platform.program):
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            (tree / file).write_text("built\n", encoding="utf-8")
        command = folder / "sign command"
        command.write_text('#!/bin/sh\necho signed >>"$1"\n', encoding="utf-8")
        command.chmod(0o755)
        with unittest.mock.patch.multiple(make, finish_tree=lambda *_: None), \
                unittest.mock.patch.object(native, "build", lambda *_: tree), \
                unittest.mock.patch.object(make.debian, "write", lambda *_: None):
            made = make.Release("1.0", WHEN, folder, command)
            make.native_packages(out, platform, made, folder, 1)
        (wheel,) = out.glob("*.whl")
        (archive,) = out.glob("tensorfile-1.0-*.zip") if platform.is_windows else out.glob("*.tar.gz")
        with zipfile.ZipFile(wheel) as zipped:
            found = [zipped.read(f"tensorfile/{platform.shared.rsplit('/', 1)[1]}")]
        for file in (platform.shared, platform.program):
            if platform.is_windows:
                with zipfile.ZipFile(archive) as zipped:
                    found.append(zipped.read(f"tensorfile-1.0-{name}/{file}"))
            else:
                with tarfile.open(archive) as packed:
                    found.append(packed.extractfile(f"tensorfile-1.0-{name}/{file}").read())
        return found

    def test_files_are_signed_before_they_are_packed(self):
        for name, expected in (("windows-x86_64", b"built\nsigned\n"), ("macos-arm64", b"built\nsigned\n"),
                               ("linux-x86_64", b"built\n")):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                self.assertEqual(self.packed(Path(folder), name), [expected] * 3)


if __name__ == "__main__":
    unittest.main()
