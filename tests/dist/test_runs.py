"""Runs what is in the packages: the report about the golden files, the programs, and programs of users."""

import functools
import glob
import os
import shutil
import sysconfig
import venv
from pathlib import Path

from support import DIST, ENVIRONMENT, PLATFORMS, ROOT, RUNNERS, WORK, Case, main, run, unpacked, version, zig

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
        if runner[:1] == ["qemu-aarch64"]:
            runner = [*runner, "-E", f"LD_LIBRARY_PATH={folder}"]
            environment.pop("LD_LIBRARY_PATH")
        elif platform.name == "linux-x86_64-musl" and name == "shared":
            runner = ["/lib/ld-musl-x86_64.so.1"]
        report = run(*runner, program, files(), "golden", cwd=ROOT / "tests", env=environment)
        self.assertEqual(report.splitlines(), reference().splitlines())

    def test_shared_libraries(self):
        # Debian has musl's loader for this processor only.
        for platform in self.for_each(lambda each: each.name in RUNNERS and each.name != "linux-aarch64-musl"):
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


class Windows(Case):
    def test_the_linker_of_msvc_reads_the_import_library(self):
        """lld-link takes the place of that linker. The program has no C library, since MSVC's cannot be installed."""
        for platform in self.for_each(lambda each: each.name == "windows-x86_64"):
            tree, folder = unpacked(platform), self.fresh("msvc")
            (folder / "program.c").write_text(
                "#include <tensorfile.h>\n"
                "int start(void) { return tf_version_number() == TENSORFILE_VERSION_MAJOR * 10000 +\n"
                "    TENSORFILE_VERSION_MINOR * 100 + TENSORFILE_VERSION_PATCH ? 42 : 1; }\n", encoding="utf-8")
            run("clang-14", "--target=x86_64-pc-windows-msvc", "-ffreestanding", "-DTENSORFILE_SHARED",
                f"-I{tree / 'include'}", "-c", "program.c", "-o", "program.obj", cwd=folder)
            run("lld-link-14", "/nodefaultlib", "/entry:start", "/subsystem:console", "/out:program.exe", "program.obj",
                tree / "lib/tensorfile.lib", cwd=folder)
            shutil.copy(tree / platform.shared, folder)
            with self.assertRaisesRegex(AssertionError, "exit status 42"):
                run("wine", folder / "program.exe", cwd=folder)


class OneCommand(Case):
    """What a user does with the packages of this machine, in an empty folder."""

    PLATFORM = PLATFORMS["linux-x86_64"]

    def test_c(self):
        folder, tree = self.fresh("c"), unpacked(self.PLATFORM)
        pkg_config = {**ENVIRONMENT, "PKG_CONFIG_PATH": str(tree / "lib/pkgconfig")}
        for name in ("tensorfile", "tensorfile-static"):
            run("sh", "-ec", f'cc "{ROOT}/tests/install/consumer.c" $(pkg-config --cflags --libs {name}) -o {name}', cwd=folder,
                env=pkg_config)
        run(folder / "tensorfile", cwd=folder, env={**ENVIRONMENT, "LD_LIBRARY_PATH": str(tree / "lib")})
        run(folder / "tensorfile-static", cwd=folder)

    def test_cmake(self):
        for language in ("c", "cxx"):
            folder = self.fresh(f"cmake-{language}")
            run("cmake", "-S", ROOT / "tests/install" / language, "-B", folder, f"-DCMAKE_PREFIX_PATH={unpacked(self.PLATFORM)}")
            run("cmake", "--build", folder)
            for name in ("consumer_shared", "consumer_static"):
                run(folder / name, cwd=folder)

    def test_python(self):
        folder = self.fresh("python")
        venv.create(folder / "venv", with_pip=True, system_site_packages=False)
        python = folder / "venv/bin/python"
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--find-links", DIST, "tensorfile",
            "--requirement", ROOT / "tests/dist/requirements.txt")
        run(python, "-B", ROOT / "bindings/python/tests/test_package.py", cwd=folder)
        program = (ROOT / "bindings/python/README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
        self.assertEqual(run(python, "-c", program, cwd=folder), "(2, 3) Ada\n5.0\n15.0\n")

    def test_auditwheel(self):
        for platform in self.for_each(lambda each: each.wheel.startswith("manylinux")):
            (wheel,) = DIST.glob(f"*{platform.wheel}.whl")
            shown = run(Path(sysconfig.get_path("scripts")) / "auditwheel", "show", wheel)
            self.assertIn(f'"{platform.wheel}"', " ".join(shown.split()))

    def test_go(self):
        folder = self.fresh("go")
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        (folder / "main.go").write_text(readme.split("```go\n")[1].split("```")[0], encoding="utf-8")
        environment = {**ENVIRONMENT, "GOPROXY": f"file://{DIST / 'go'}", "GONOSUMDB": "*", "GOFLAGS": "-mod=mod -modcacherw",
                       "GOMODCACHE": str(folder / "modules"), "GOTOOLCHAIN": "local"}
        run("go", "mod", "init", "example.org/demo", cwd=folder, env=environment)
        run("go", "get", f"github.com/tensorfile/tensorfile/bindings/go@v{version()}", cwd=folder, env=environment)
        self.assertEqual(run("go", "run", ".", cwd=folder, env=environment), "[2 3] 6\n")

    def test_rust(self):
        folder = self.fresh("rust")
        for crate in sorted(DIST.glob("*.crate")):
            run("tar", "-xf", crate, cwd=folder)
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        (folder / "src").mkdir()
        (folder / "src/main.rs").write_text(readme.split("```rust\n")[1].split("```")[0], encoding="utf-8")
        (folder / "Cargo.toml").write_text(
            '[package]\nname = "demo"\nedition = "2024"\n\n[dependencies]\n'
            f'tensorfile = {{ path = "tensorfile-{version()}" }}\n\n[patch.crates-io]\n'
            f'tensorfile-sys = {{ path = "tensorfile-sys-{version()}" }}\n\n[workspace]\n', encoding="utf-8")
        # Nothing outside the crate is used: neither this repository nor Python.
        tools = folder / "tools"
        tools.mkdir()
        for name in ("cargo", "rustc", "cc", "c++", "ar", "ld", "as"):
            (tools / name).symlink_to(shutil.which(name))
        self.assertEqual(run("cargo", "run", "--quiet", cwd=folder, env={**ENVIRONMENT, "PATH": str(tools)}), "6\n")


if __name__ == "__main__":
    main()
