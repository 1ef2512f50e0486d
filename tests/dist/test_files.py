"""Tests what is in the packages: names, checksums, architectures, exports, imports, versions of the system."""

import hashlib
import json
import re
import struct
import sys
import sysconfig
import zipfile
from pathlib import Path

from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator
from packaging.metadata import Metadata

import signature
from support import COMPLETIONS, DIST, ENVIRONMENT, ROOT, SYMBOLS, Case, main, run, unpacked, version

# For each processor: what readelf calls it, and its numbers in Mach-O and PE.
MACHINES = {"x86_64": ("X86-64", 0x01000007, 0x8664), "aarch64": ("AArch64", None, None),
            "arm64": (None, 0x0100000C, 0xAA64)}
# What a library may need. Those of Windows are in every installation of Windows 10.
GLIBC = re.compile(r"lib(c|m|pthread|dl|rt)\.so\.\d|ld-linux-.*")
MUSL = re.compile(r"libc\.so")
# Names that zig's linker defines in every library for macOS.
OF_THE_LINKER = {"___dso_handle", "__mh_dylib_header"}
WINDOWS = re.compile(r"(kernel32|advapi32|ntdll|bcrypt|shell32|user32|msvcrt|api-ms-win-crt-.*)\.dll", re.I)


class Release(Case):
    def test_checksums(self):
        lines = (DIST / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        sums = dict(reversed(line.split("  ")) for line in lines)
        files = {path.relative_to(DIST).as_posix() for path in DIST.rglob("*") if path.is_file()}
        self.assertEqual(set(sums), files - {"SHA256SUMS"})
        for name, expected in sums.items():
            self.assertEqual(hashlib.sha256((DIST / name).read_bytes()).hexdigest(), expected, name)

    def test_bill_of_materials(self):
        text = (DIST / f"tensorfile-{version()}.cdx.json").read_text(encoding="utf-8")
        schema = make_schemabased_validator(OutputFormat.JSON, SchemaVersion.V1_5)
        self.assertIsNone(schema.validate_str(text))
        self.assertIsNotNone(schema.validate_str(text.replace('"library"', '"book"', 1)))
        bill = json.loads(text)
        self.assertEqual((bill["bomFormat"], bill["specVersion"]), ("CycloneDX", "1.5"))
        self.assertRegex(bill["serialNumber"], r"^urn:uuid:[0-9a-f-]{36}$")
        files = {item["name"] for item in bill["components"] if item["type"] == "file"}
        self.assertEqual(files, {path.relative_to(DIST).as_posix() for path in DIST.rglob("*") if path.is_file()}
                         - {"SHA256SUMS", f"tensorfile-{version()}.cdx.json"})
        libraries = {item["name"]: item for item in bill["components"] if item["type"] == "library"}
        self.assertEqual(set(libraries), {"CLI11", "nlohmann_json", "RE2", "libpng", "zlib", "compiler-rt", "libc++", "musl",
                                          "mingw-w64", "emscripten"})
        for item in libraries.values():
            self.assertTrue(item["version"] and item["licenses"][0]["expression"], item)

    def test_amalgamation(self):
        with zipfile.ZipFile(DIST / f"tensorfile-{version()}-amalgamation.zip") as packed:
            names = {name.split("/", 1)[1] for name in packed.namelist()}
        self.assertEqual(names, {"LICENSE", "tensorfile.cpp", "tensorfile.h", "tensorfile.hpp", "CMakeLists.txt",
                                 "meson.build"})


    def test_go_says_where_the_module_is_from(self):
        module, folder = "github.com/tensorfile/tensorfile/bindings/go", self.fresh("go-origin")
        shown = json.loads(run("go", "mod", "download", "-json", f"{module}@v{version()}", cwd=folder, env={
            **ENVIRONMENT, "GOPROXY": f"file://{DIST}/go", "GONOSUMDB": "*", "GOFLAGS": "-modcacherw",
            "GOMODCACHE": str(folder)}))
        origin = shown["Origin"]
        self.assertRegex(origin.pop("Hash"), "^[0-9a-f]{40}$")
        self.assertEqual(origin, {"VCS": "git", "URL": "https://github.com/tensorfile/tensorfile", "Subdir": "bindings/go",
                                  "Ref": f"refs/tags/bindings/go/v{version()}"})


class Wheels(Case):
    def test_metadata_that_pypi_accepts(self):
        """PyPI reads metadata with this package, and refuses fields that are newer than their Metadata-Version."""
        for platform in self.for_each():
            (wheel,) = DIST.glob(f"*{platform.wheel}.whl")
            info = f"tensorfile-{version()}.dist-info"
            with zipfile.ZipFile(wheel) as packed:
                metadata = Metadata.from_email(packed.read(f"{info}/METADATA"), validate=True)
                licenses = [packed.read(f"{info}/licenses/{name}") for name in metadata.license_files]
            self.assertEqual((metadata.name, str(metadata.version)), ("tensorfile", version()))
            self.assertEqual((metadata.license_expression, metadata.license), ("MIT", None))
            self.assertEqual(licenses, [(ROOT / "LICENSE").read_bytes()])


    def test_types(self):
        """mypy finds no fault in the package, and finds the fault of a program that uses it."""
        wheel, folder = next(DIST.glob("*.whl")), self.fresh("mypy")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(folder / "package")
        check = (sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder / "cache")
        run(*check, folder / "package/tensorfile")
        environment = {**ENVIRONMENT, "MYPYPATH": str(folder / "package")}
        (folder / "right.py").write_text("import tensorfile\nreveal_type(tensorfile.load('m.gguf'))\n")
        self.assertIn("ndarray", run(*check, folder / "right.py", env=environment))
        (folder / "wrong.py").write_text("import tensorfile\ntensorfile.save('m.npy', [1], 5)\n")
        with self.assertRaisesRegex(AssertionError, "Argument 3 to \"save\""):
            run(*check, folder / "wrong.py", env=environment)

    def test_auditwheel(self):
        for platform in self.for_each(lambda each: each.wheel.startswith("manylinux")):
            (wheel,) = DIST.glob(f"*{platform.wheel}.whl")
            shown = run(Path(sysconfig.get_path("scripts")) / "auditwheel", "show", wheel)
            self.assertIn(f'"{platform.wheel}"', " ".join(shown.split()))


class Archives(Case):
    def test_contents(self):
        for platform in self.for_each():
            tree = unpacked(platform)
            expected = ["include/tensorfile.h", "include/tensorfile.hpp", platform.shared, platform.program,
                        "lib/libtensorfile.a", "lib/pkgconfig/tensorfile.pc", "lib/pkgconfig/tensorfile-static.pc",
                        "lib/cmake/tensorfile/tensorfile-config.cmake", "share/man/man1/tensorfile.1",
                        "share/doc/tensorfile/LICENSE", "share/doc/tensorfile/THIRD-PARTY.txt",
                        *(f"share/{name}" for name in COMPLETIONS)]
            expected += ["lib/tensorfile.lib", "lib/libtensorfile.dll.a"] if platform.is_windows else []
            self.assertEqual([name for name in expected if not (tree / name).is_file()], [])

    def test_no_folder_of_this_machine(self):
        for platform in self.for_each():
            for path in unpacked(platform).rglob("*"):
                if path.is_file():
                    data = path.read_bytes()
                    found = [word for word in (str(ROOT), "site-packages", "/root/", "/home/") if word.encode() in data]
                    self.assertEqual(found, [], path)

    def test_licenses_of_what_is_inside(self):
        for platform in self.for_each():
            text = (unpacked(platform) / "share/doc/tensorfile/THIRD-PARTY.txt").read_text(encoding="utf-8")
            for name, here in (("CLI11", True), ("nlohmann_json", True), ("RE2", True), ("libpng", True),
                               ("zlib", True), ("libc++", True),
                               ("musl", "-musl" in platform.name), ("mingw-w64", platform.is_windows)):
                self.assertEqual(f"==== {name} " in text, here, name)


def dynamic_symbols(path):
    """Returns the functions that an ELF library defines for others."""
    lines = run("llvm-nm-14", "--dynamic", "--defined-only", "--format=just-symbols", path).split()
    return sorted(line.split("@")[0] for line in lines)


class Elf(Case):
    def test_libraries(self):
        for platform in self.for_each(lambda platform: platform.system == "Linux"):
            path = unpacked(platform) / platform.shared
            dump = run("readelf", "--wide", "--file-header", "--dynamic", "--version-info", path)
            self.assertIn(MACHINES[platform.processor][0], re.search(r"Machine: +(.*)", dump).group(1))
            self.assertEqual(dynamic_symbols(path), SYMBOLS)
            self.assertEqual(re.findall(r"\(SONAME\).*\[(.*)\]", dump), ["libtensorfile.so.0"])
            allowed = MUSL if "musl" in platform.name else GLIBC
            needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dump)
            self.assertEqual([name for name in needed if not allowed.fullmatch(name)], [])
            versions = {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([\d.]+)", dump)}
            self.assertLessEqual(max(versions, default=(0,)), (2, 17))
            self.assertEqual(bool(versions), "musl" not in platform.name)

    def test_programs(self):
        for platform in self.for_each(lambda platform: platform.system == "Linux"):
            dump = run("readelf", "--wide", "--dynamic", "--version-info", unpacked(platform) / platform.program)
            needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dump)
            self.assertEqual([name for name in needed if "musl" in platform.name or not GLIBC.fullmatch(name)], [])
            versions = {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([\d.]+)", dump)}
            self.assertLessEqual(max(versions, default=(0,)), (2, 17))


class MachO(Case):
    def each(self):
        for platform in self.for_each(lambda platform: platform.system == "Darwin"):
            for name in (platform.shared, platform.program):
                path = unpacked(platform) / name
                yield platform, path, run("llvm-otool-14", "-l", "-v", path)

    def test_architecture_version_and_signature(self):
        for platform, path, dump in self.each():
            cpu, = struct.unpack_from("<4xI", path.read_bytes())
            self.assertEqual(cpu, MACHINES[platform.processor][1])
            self.assertEqual(re.findall(r"minos ([\d.]+)", dump), ["11.0"])
            if platform.processor == "arm64":
                # The system kills programs whose signature does not match.
                data = path.read_bytes()
                self.assertEqual(signature.wrong_pages(data), [])
                changed = bytes([*data[:100], data[100] ^ 1, *data[101:]])
                self.assertEqual(signature.wrong_pages(changed), [0])

    def test_imports(self):
        for _, path, dump in self.each():
            loads = re.findall(r"cmd LC_LOAD_DYLIB\n.*?name (\S+)", dump, re.S)
            self.assertEqual(loads, ["/usr/lib/libSystem.B.dylib"], path)

    def test_exports(self):
        for platform in self.for_each(lambda platform: platform.system == "Darwin"):
            path = unpacked(platform) / platform.shared
            exported = re.findall(r"^0x\w+ +(\S+)", run("llvm-objdump-14", "--macho", "--exports-trie", path), re.M)
            self.assertEqual(sorted(set(exported) - OF_THE_LINKER), [f"_{name}" for name in SYMBOLS])
            dump = run("llvm-otool-14", "-D", path)
            self.assertIn("@rpath/libtensorfile.0.dylib", dump)


class Pe(Case):
    def test_libraries(self):
        for platform in self.for_each(lambda platform: platform.is_windows):
            tree = unpacked(platform)
            for name in (platform.shared, platform.program):
                dump = run("llvm-readobj-14", "--file-headers", "--coff-imports", "--coff-exports",
                           "--coff-debug-directory", tree / name)
                self.assertIn(f"(0x{MACHINES[platform.processor][2]:X})", re.search(r"Machine: (.*)", dump).group(1))
                imports = re.findall(r"Import \{\n +Name: (\S+)", dump)
                self.assertEqual([found for found in imports if not WINDOWS.fullmatch(found)], [])
                oldest = [int(found) for found in re.findall(r"M\w+(?:OperatingSystem|Subsystem)Version: (\d+)", dump)]
                self.assertEqual(len(oldest), 4)
                self.assertLessEqual(max(oldest[:2], oldest[2:]), [10, 0])
                # This entry says that TimeDateStamp is a hash. With the time, no two builds would be the same.
                self.assertEqual(re.findall(r"DebugEntry \{.*?Type: (\w+)", dump, re.S), ["Repro"])
            dump = run("llvm-readobj-14", "--coff-exports", tree / platform.shared)
            self.assertEqual(sorted(re.findall(r"Export \{\n.*?\n +Name: (\S+)", dump)), SYMBOLS)

    def test_import_library(self):
        for platform in self.for_each(lambda platform: platform.is_windows):
            for name in ("tensorfile.lib", "libtensorfile.dll.a"):
                dump = run("llvm-readobj-14", unpacked(platform) / "lib" / name)
                self.assertEqual(set(re.findall(r"Symbol: (tf_\w+)", dump)), set(SYMBOLS))
                self.assertEqual(set(re.findall(r"^File: ([\w.]+)$", dump, re.M)), {"tensorfile.dll"})


if __name__ == "__main__":
    main()
