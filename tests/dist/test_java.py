"""Tests the Java package: the repository and its pom, the libraries in the jar, and programs that use it."""

import functools
import hashlib
import re
import struct
import xml.etree.ElementTree as ElementTree
import zipfile

from support import DIST, ENVIRONMENT, ROOT, RUNNERS, WORK, Case, block, main, run, version, zig
from test_instructions import maven
from test_files import GLIBC, MACHINES, MUSL, WINDOWS, dynamic_symbols

POM = "{http://maven.apache.org/POM/4.0.0}"
OF_THE_JVM = re.compile(r"Java_org_tensorfile_\w+|JNI_OnLoad|JNI_OnUnload")


def repository():
    return DIST / "maven/io/github/tensorfile/tensorfile" / version()


def jar(classifier=""):
    return repository() / f"tensorfile-{version()}{classifier}.jar"


def expected_lines(path):
    """Returns the expected number of files and arrays, as Golden.java prints them."""
    rows = path.read_text(encoding="utf-8").splitlines()
    files = [row for row in rows if not row.startswith("\t")]
    return f"{len(files)} files, {len(rows) - len(files)} arrays\n"


class Repository(Case):
    def test_files(self):
        names = {f"tensorfile-{version()}{end}" for end in (".jar", "-sources.jar", "-javadoc.jar", ".pom")}
        sums = {f"{name}.{algorithm}" for name in names for algorithm in ("md5", "sha1")}
        self.assertEqual({path.name for path in repository().iterdir()}, names | sums)
        for name in names:
            for algorithm in ("md5", "sha1"):
                digest = hashlib.new(algorithm, (repository() / name).read_bytes()).hexdigest()
                self.assertEqual((repository() / f"{name}.{algorithm}").read_text(encoding="ascii"), digest)

    def test_what_maven_central_demands(self):
        """Its elements, jars with sources and Javadoc, and no snapshots."""
        root = ElementTree.parse(repository() / f"tensorfile-{version()}.pom").getroot()
        text = {path: root.findtext("/".join(POM + step for step in path.split("/"))) for path in (
            "groupId", "artifactId", "version", "name", "description", "url", "licenses/license/name",
            "licenses/license/url", "developers/developer/name", "scm/connection", "scm/developerConnection", "scm/url")}
        self.assertEqual({path for path, found in text.items() if not found}, set())
        self.assertEqual((text["groupId"], text["artifactId"], text["version"]), ("io.github.tensorfile", "tensorfile", version()))
        versions = [element.text for element in root.iter(f"{POM}version")]
        self.assertEqual([found for found in versions if "SNAPSHOT" in found or "$" in found], [])
        # A user needs no other package.
        scopes = [element.findtext(f"{POM}scope") for element in root.iter(f"{POM}dependency")]
        self.assertEqual(set(scopes), {"test"})
        for classifier, some in (("-sources", "org/tensorfile/Tensorfile.java"), ("-javadoc", "index.html")):
            with zipfile.ZipFile(jar(classifier)) as packed:
                self.assertTrue([name for name in packed.namelist() if name.endswith(some)], classifier)


class Libraries(Case):
    def each(self):
        with zipfile.ZipFile(jar()) as packed:
            for platform in self.for_each():
                folder = self.fresh(f"java-{platform.name}")
                path = packed.extract(f"META-INF/native/{platform.name}/{platform.java}", folder)
                yield platform, path, packed

    def test_one_for_each_platform_with_its_checksum(self):
        found = set()
        for platform, path, packed in self.each():
            digest = packed.read(f"META-INF/native/{platform.name}/{platform.java}.sha256").decode("ascii").strip()
            with open(path, "rb") as file:
                self.assertEqual(hashlib.sha256(file.read()).hexdigest(), digest)
            found |= {f"META-INF/native/{platform.name}/{platform.java}{end}" for end in ("", ".sha256")}
        with zipfile.ZipFile(jar()) as packed:
            names = {name for name in packed.namelist() if name.startswith("META-INF/native/") and not name.endswith("/")}
            self.assertEqual(names, found)
            self.assertEqual(packed.read("META-INF/LICENSE"), (ROOT / "LICENSE").read_bytes())

    def test_no_folder_of_this_machine(self):
        with zipfile.ZipFile(jar()) as packed:
            for name in packed.namelist():
                found = [word for word in (str(ROOT), "site-packages", "/root/", "/home/") if word.encode() in packed.read(name)]
                self.assertEqual(found, [], name)

    def test_elf(self):
        for platform, path, _ in self.each():
            if platform.system != "Linux":
                continue
            dump = run("readelf", "--wide", "--file-header", "--dynamic", "--version-info", path)
            self.assertIn(MACHINES[platform.processor][0], re.search(r"Machine: +(.*)", dump).group(1))
            self.assertEqual([name for name in dynamic_symbols(path) if not OF_THE_JVM.fullmatch(name)], [])
            allowed = MUSL if "musl" in platform.name else GLIBC
            self.assertEqual([name for name in re.findall(r"\(NEEDED\).*\[(.*)\]", dump) if not allowed.fullmatch(name)], [])
            versions = {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([\d.]+)", dump)}
            self.assertLessEqual(max(versions, default=(0,)), (2, 17))
            self.assertEqual(bool(versions), "musl" not in platform.name)

    def test_mach_o(self):
        for platform, path, _ in self.each():
            if platform.system != "Darwin":
                continue
            with open(path, "rb") as file:
                self.assertEqual(struct.unpack_from("<4xI", file.read(8))[0], MACHINES[platform.processor][1])
            dump = run("llvm-otool-14", "-l", "-v", path)
            self.assertEqual(re.findall(r"minos ([\d.]+)", dump), ["11.0"])
            self.assertEqual(re.findall(r"cmd LC_LOAD_DYLIB\n.*?name (\S+)", dump, re.S), ["/usr/lib/libSystem.B.dylib"])
            self.assertEqual("LC_CODE_SIGNATURE" in dump, platform.processor == "arm64")
            symbols = re.findall(r"^0x\w+ +(\S+)", run("llvm-objdump-14", "--macho", "--exports-trie", path), re.M)
            self.assertIn("_JNI_OnLoad", symbols)
            self.assertEqual([name for name in symbols if name.startswith("_tf_")], [])

    def test_pe(self):
        for platform, path, _ in self.each():
            if not platform.is_windows:
                continue
            dump = run("llvm-readobj-14", "--file-headers", "--coff-imports", "--coff-exports", path)
            self.assertIn(f"(0x{MACHINES[platform.processor][2]:X})", re.search(r"Machine: (.*)", dump).group(1))
            imports = re.findall(r"Import \{\n +Name: (\S+)", dump)
            self.assertEqual([name for name in imports if not WINDOWS.fullmatch(name)], [])
            exports = re.findall(r"Export \{\n.*?\n +Name: (\S+)", dump)
            self.assertIn("JNI_OnLoad", exports)
            self.assertEqual([name for name in exports if not OF_THE_JVM.fullmatch(name)], [])

    def test_functions(self):
        """Each library has a function for each native method, as the one that the JVM of this machine runs."""
        generated = (ROOT / "bindings/java/src/generated/c/tensorfile_jni.c").read_text(encoding="utf-8")
        functions = set(re.findall(r"JNICALL (Java_org_tensorfile_\w+)", generated))
        for _, path, _ in self.each():
            with open(path, "rb") as file:
                data = file.read()
            self.assertEqual([name for name in sorted(functions) if name.encode() not in data], [])


LOADER = """\
#ifdef _WIN32
#include <windows.h>
#define FIND(path, name) (void *)GetProcAddress(LoadLibraryA(path), name)
#else
#include <dlfcn.h>
#define FIND(path, name) dlsym(dlopen(path, RTLD_NOW), name)
#endif
int main(int count, char **arguments) { return FIND(arguments[count - 1], "JNI_OnLoad") ? 42 : 1; }
"""
# What a JVM of Debian needs, besides itself.
JVM = ("openjdk-17-jre-headless", "libc6", "libgcc-s1", "libstdc++6", "zlib1g")
APT = """\
APT::Architecture "{machine}";
APT::Architectures {{ "{machine}"; }};
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
"""


@functools.cache
def jvm_of(machine):
    """Returns a folder with the JVM that Debian has for another machine. It is downloaded once, and not installed."""
    folder = WORK / f"jvm-{machine}"
    root = folder / "root"
    if not root.exists():
        for name in ("lists/partial", "cache/archives/partial", "packages"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        (folder / "apt.conf").write_text(APT.format(machine=machine, folder=folder), encoding="utf-8")
        apt = ("apt-get", "--config-file", folder / "apt.conf")
        run(*apt, "update", cwd=folder)
        run(*apt, "download", *JVM, cwd=folder / "packages")
        for package in sorted((folder / "packages").glob("*.deb")):
            run("dpkg-deb", "--extract", package, folder / "unpacked")
        (folder / "unpacked").rename(root)
    return root


class Loading(Case):
    """The system's loader accepts the libraries where this machine, qemu or wine can run it."""

    def test_every_library_that_can_be_loaded(self):
        # Debian has musl's loader for this processor only.
        for platform in self.for_each(lambda each: each.name in RUNNERS and each.name != "linux-aarch64-musl"):
            folder = self.fresh(f"java-load-{platform.name}")
            with zipfile.ZipFile(jar()) as packed:
                (folder / platform.java).write_bytes(packed.read(f"META-INF/native/{platform.name}/{platform.java}"))
            (folder / "load.c").write_text(LOADER, encoding="utf-8")
            program = folder / ("load.exe" if platform.is_windows else "load")
            dynamic = ["-dynamic"] if "musl" in platform.name else []
            zig("cc", "-target", platform.zig.removesuffix(".2.17"), *dynamic, folder / "load.c", "-o", program)
            runner = ["/lib/ld-musl-x86_64.so.1"] if "musl" in platform.name else RUNNERS[platform.name]
            with self.assertRaisesRegex(AssertionError, "exit status 42"):
                run(*runner, program, f"./{platform.java}", cwd=folder)


class Programs(Case):
    """On x86-64 and aarch64 with glibc. Debian has no JVM for musl, Windows or macOS."""

    def environment(self, folder):
        return {**ENVIRONMENT, "XDG_CACHE_HOME": str(folder / "caches")}

    def test_golden_files(self):
        folder = self.fresh("java-golden")
        printed = run("java", "-Xcheck:jni", "-cp", jar(), ROOT / "tests/dist/Golden.java", ROOT / "tests/golden", cwd=folder,
                      env=self.environment(folder))
        self.assertEqual(printed, expected_lines(ROOT / "tests/golden/verdicts.tsv"))

    def test_golden_files_on_aarch64(self):
        for _ in self.for_each(lambda each: each.name == "linux-aarch64"):
            folder, root = self.fresh("java-golden-aarch64"), jvm_of("arm64")
            run("javac", "-cp", jar(), "-d", folder, ROOT / "tests/dist/Golden.java")
            java = root / "usr/lib/jvm/java-17-openjdk-arm64/bin/java"
            printed = run("qemu-aarch64", "-L", root, java, "-XX:TieredStopAtLevel=1", "-cp", f"{jar()}:{folder}", "Golden",
                          ROOT / "tests/golden", cwd=folder, env=self.environment(folder))
            self.assertEqual(printed, expected_lines(ROOT / "tests/golden/verdicts.tsv"))

    def test_maven(self):
        folder = self.fresh("maven")
        (folder / "src/main/java").mkdir(parents=True)
        (folder / "src/main/java/Main.java").write_text(block("bindings/java/README.md", "java"), encoding="utf-8")
        repositories = block("docs/releasing.md", "xml").replace("$dist", str(DIST))
        pom = block("bindings/java/README.md", "xml").replace("</project>", f"{repositories}</project>")
        (folder / "pom.xml").write_text(pom, encoding="utf-8")
        printed = run("mvn", "--batch-mode", "--quiet", "compile", "exec:java", cwd=folder,
                      env={**self.environment(folder), **maven(folder)})
        self.assertIn("21.0\n", printed)


if __name__ == "__main__":
    main()
