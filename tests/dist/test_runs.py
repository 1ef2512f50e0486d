"""Runs what is in the packages: the report about the golden files, and the programs."""

import functools
import glob
import json
import os
import shutil
import struct
import zlib as zlib_module
from pathlib import Path

from support import ENVIRONMENT, ROOT, RUNNERS, WORK, Case, main, run, unpacked, version, zig

GOLDEN = ROOT / "tests/golden"


@functools.cache
def zlib():
    """Returns the folder of zlib's sources, which are in a package of Rust; the report uses zlib's CRC-32."""
    run("cargo", "fetch", "--quiet", "--locked", "--manifest-path", ROOT / "bindings/rust/Cargo.toml")
    home = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
    return Path(sorted(glob.glob(f"{home}/registry/src/*/libz-sys-*/src/zlib"))[-1])


@functools.cache
def files():
    """Returns a file with the names of the golden files, one on each line."""
    listing = WORK / "files.txt"
    names = [line.split("\t")[0] for line in (GOLDEN / "verdicts.tsv").read_text(encoding="utf-8").splitlines()]
    listing.write_text("".join(f"{name}\n" for name in names if name), encoding="utf-8")
    return listing


@functools.cache
def reference():
    """Returns the report of the library that the compiler of this machine makes of the source tree."""
    folder = WORK / "reference"
    shutil.rmtree(folder, ignore_errors=True)
    run("python3", ROOT / "tools/amalgamate.py", folder)
    run("c++", "-std=c++20", "-O1", "-fno-exceptions", "-fno-rtti", "-DTENSORFILE_NO_ZLIB", "-c", "tensorfile.cpp",
        cwd=folder)
    run("cc", "-std=c99", "-O1", f"-I{folder}", f"-I{zlib()}", ROOT / "tests/machines/report.c", zlib() / "crc32.c",
        "tensorfile.o", "-lpthread", "-o", "report", cwd=folder)
    return run(folder / "report", files(), "golden", cwd=ROOT / "tests")


@functools.cache
def musl_arm64():
    """Returns a folder with musl's loader for aarch64, from a package of Debian that only that architecture has."""
    folder = WORK / "musl-arm64"
    if not (folder / "lib/ld-musl-aarch64.so.1").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run("mmdebstrap", "--quiet", "--architectures=arm64", "--variant=extract", "--include=musl", "bookworm", folder)
    return folder


def build_report(platform, folder, library):
    """Builds the report with the headers and a library of the package, and returns the program."""
    tree = unpacked(platform)
    program = folder / ("report.exe" if platform.is_windows else "report")
    dynamic = library != "lib/libtensorfile.a"
    options = ["-DTENSORFILE_SHARED"] if platform.is_windows and dynamic else []
    # The system of this machine runs the programs, so that those of glibc need its version, not that of the library.
    target = platform.zig.removesuffix(".2.17")
    options += ["-dynamic"] if dynamic and "musl" in target else []
    zig("cc", "-target", target, "-std=c99", "-O1", *options, f"-I{tree / 'include'}", f"-I{zlib()}",
        ROOT / "tests/machines/report.c", zlib() / "crc32.c", tree / library, "-o", program)
    if dynamic:
        shutil.copy(tree / platform.shared, folder / platform.shared.rsplit("/", 1)[1])
    return program


class Reports(Case):
    def check(self, platform, name, library):
        folder = self.fresh(f"report-{platform.name}-{name}")
        program = build_report(platform, folder, library)
        environment = {**ENVIRONMENT, "LD_LIBRARY_PATH": str(folder)}
        runner = RUNNERS[platform.name]
        if platform.name == "linux-aarch64-musl" and name == "shared":
            runner = [*runner, "-L", musl_arm64()]
        if runner[:1] == ["qemu-aarch64"]:
            runner = [*runner, "-E", f"LD_LIBRARY_PATH={folder}"]
            environment.pop("LD_LIBRARY_PATH")
        elif platform.name == "linux-x86_64-musl" and name == "shared":
            runner = ["/lib/ld-musl-x86_64.so.1"]
        report = run(*runner, program, files(), "golden", cwd=ROOT / "tests", env=environment)
        self.assertEqual(report.splitlines(), reference().splitlines())

    def test_shared_libraries(self):
        for platform in self.for_each(lambda each: each.name in RUNNERS):
            self.check(platform, "shared", "lib/libtensorfile.dll.a" if platform.is_windows else platform.shared)

    def test_static_libraries(self):
        for platform in self.for_each(lambda each: each.name in RUNNERS):
            self.check(platform, "static", "lib/libtensorfile.a")


class Programs(Case):
    def test_programs(self):
        for platform in self.for_each(lambda each: each.name in RUNNERS):
            command = [*RUNNERS[platform.name], unpacked(platform) / platform.program]
            self.assertIn(version(), run(*command, "--version"))
            self.assertRegex(run(*command, "ls", "golden/npz/mx_deflated.npz", cwd=ROOT / "tests"), "float32|int32")
            run(*command, "check", "golden/npz/mx_deflated.npz", cwd=ROOT / "tests")

    def test_files_are_written(self):
        """Converts, edits in place and renames, and lists the result: what the code of each system does with files."""
        for platform in self.for_each(lambda each: each.name in RUNNERS):
            folder = self.fresh(f"program-{platform.name}")
            shutil.copy(GOLDEN / "npz/mx_deflated.npz", folder)
            command = [*RUNNERS[platform.name], unpacked(platform) / platform.program]
            before = json.loads(run(*command, "ls", "--json", "mx_deflated.npz", cwd=folder))
            names = [array["name"] for array in before["arrays"]]
            # The program contains RE2.
            run(*command, "convert", "--rename-regex", r"^(.*)$=x.\1", "--header-slack", "4096", "mx_deflated.npz",
                "plåce.safetensors", cwd=folder)
            run(*command, "diff", "--rename-regex", "^x[.]=", "plåce.safetensors", "mx_deflated.npz", cwd=folder)
            run(*command, "edit", "--in-place", "--set", "key=value", "plåce.safetensors", cwd=folder)
            # This replaces a file that is open, for which wine 8 lacks the function of Windows 10.
            if not platform.is_windows:
                run(*command, "edit", "--set", "key=value", "plåce.safetensors", cwd=folder)
            after = json.loads(run(*command, "ls", "--json", "plåce.safetensors", cwd=folder))
            self.assertEqual(sorted(array["name"] for array in after["arrays"]), sorted(f"x.{name}" for name in names))
            self.assertEqual(after["metadata"]["key"], "value")
            self.assertEqual(sorted(path.name for path in folder.iterdir()), ["mx_deflated.npz", "plåce.safetensors"])

    def test_images(self):
        """The program contains libpng. zlib of Python decompresses the image."""
        for platform in self.for_each(lambda each: each.name in RUNNERS):
            folder = self.fresh(f"image-{platform.name}")
            header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }"
            (folder / "a.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00" + header.ljust(117) + b"\n" + bytes(range(0, 60, 10)))
            run(*RUNNERS[platform.name], unpacked(platform) / platform.program, "show", "--image", "--output", "a.png", "a.npy",
                cwd=folder)
            png = (folder / "a.png").read_bytes()
            self.assertEqual(struct.unpack(">8x4x4sIIBB", png[:26]), (b"IHDR", 3, 2, 8, 0))
            at = png.index(b"IDAT")
            lines = zlib_module.decompress(png[at + 4:at + 4 + struct.unpack(">I", png[at - 4:at])[0]])
            self.assertEqual(len(lines), 2 * 4)


class Windows(Case):
    def test_the_linker_of_msvc_reads_the_import_library(self):
        """lld-link takes the place of that linker. The program has no C library, since MSVC's cannot be installed."""
        targets = {"x86_64": "x86_64", "arm64": "aarch64"}
        for platform in self.for_each(lambda each: each.is_windows):
            tree, folder = unpacked(platform), self.fresh(f"msvc-{platform.processor}")
            (folder / "program.c").write_text(
                "#include <tensorfile.h>\n"
                "int start(void) { return tf_version_number() == TENSORFILE_VERSION_MAJOR * 10000 +\n"
                "    TENSORFILE_VERSION_MINOR * 100 + TENSORFILE_VERSION_PATCH ? 42 : 1; }\n", encoding="utf-8")
            run("clang-14", f"--target={targets[platform.processor]}-pc-windows-msvc", "-ffreestanding", "-DTENSORFILE_SHARED",
                f"-I{tree / 'include'}", "-c", "program.c", "-o", "program.obj", cwd=folder)
            run("lld-link-14", "/nodefaultlib", "/entry:start", "/subsystem:console", "/out:program.exe", "program.obj",
                tree / "lib/tensorfile.lib", cwd=folder)
            self.assertIn("Name: tensorfile.dll", run("llvm-readobj-14", "--coff-imports", "program.exe", cwd=folder))
            if platform.name not in RUNNERS:
                continue
            shutil.copy(tree / platform.shared, folder)
            with self.assertRaisesRegex(AssertionError, "exit status 42"):
                run("wine", folder / "program.exe", cwd=folder)


if __name__ == "__main__":
    main()
