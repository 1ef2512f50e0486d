"""Follows docs/releasing.md: in an empty folder, each block of commands for users of the packages, as it is there."""

import re
import shutil
import sys
import time
from pathlib import Path

from support import DIST, ENVIRONMENT, INSTRUCTIONS, ROOT, WORK, Case, block, documented, main, run, unpacked

from make import processor_time, spent  # noqa: E402  (found by support.py)

SCRIPTS, PYTHON = Path(sys.executable).parent, Path(sys.base_prefix) / "bin/python3"
# A compiler cache would look for the real compiler in PATH, and hide what a build takes.
PATH = ":".join(folder for folder in ENVIRONMENT["PATH"].split(":") if "ccache" not in folder)
CLEAN = {name: value for name, value in ENVIRONMENT.items()
         if not re.match(r"CMAKE_|MAKEFLAGS|MFLAGS|CC$|CXX$|CFLAGS|CXXFLAGS", name)}
ANYWHERE = ("sh", "tar", "gzip", "mkdir")
COMPILER = ("cc", "as", "ld")
COMPILERS = (*COMPILER, "c++", "ar", "ranlib")


def printed(output):
    """Returns the last line, which the program writes after what the build has written."""
    return output.splitlines()[-1]


class Instructions(Case):
    origin = ""

    def follow(self, language, files, environment, **settings):
        """Writes the files into an empty folder, runs the commands there, and returns what they print."""
        folder = self.fresh(f"{language} from {self.origin.strip('`/')}".replace(" ", "-"))
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        script = documented(language, self.origin)
        settings = {name: value.replace("FOLDER", str(folder)) for name, value in settings.items()}
        began, computed = time.monotonic(), processor_time()
        output = run("sh", "-ec", script, cwd=folder,
                     env={**CLEAN, "dist": str(DIST), "checkout": str(ROOT), **environment(folder), **settings})
        print(f"{spent(began, computed)} ... ", end="", file=sys.stderr, flush=True)
        return output


def demo(name, language, page="README.md"):
    return {name: block(page, language)}


def example(name, file):
    return {file: (ROOT / "examples" / name / file).read_text(encoding="utf-8")}


def maven(folder):
    """Maven's own local repository would have packages of other runs, which it prefers to those that are tested."""
    repository = WORK / "maven"
    if not repository.exists():
        own = Path.home() / ".m2/repository"
        shutil.copytree(own, repository) if own.is_dir() else repository.mkdir(parents=True)
    shutil.rmtree(repository / "io/github/tensorfile", ignore_errors=True)
    return {"MAVEN_OPTS": f"-Dmaven.repo.local={repository}", "XDG_CACHE_HOME": str(folder / "caches")}


class FromDist(Instructions):
    """Each is one command, which finds no other tools than those that the page names."""
    origin = "`dist/`"

    def follow(self, language, files, tools, **settings):
        self.assertEqual(len(documented(language, self.origin).splitlines()), 1)

        def environment(folder):
            path = folder.with_name(f"{folder.name}-tools")
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            for name in (*ANYWHERE, *tools):
                # python3 may be a script that chooses among several.
                found = PYTHON if name == "python3" else shutil.which(name, path=f"{PATH}:{SCRIPTS}")
                self.assertIsNotNone(found, name)
                (path / name).symlink_to(found)
            return {"PATH": str(path)}
        return super().follow(language, files, environment, **settings)

    def test_c(self):
        self.assertEqual(self.follow("C", demo("demo.c", "c"), COMPILER), "6\n")

    def test_cxx(self):
        self.assertEqual(self.follow("C++", demo("demo.cpp", "cpp"), (*COMPILER, "c++")), "6\n")

    def test_cmake(self):
        files = {**demo("game.c", "c"), **demo("CMakeLists.txt", "cmake", "docs/embedding.md")}
        self.assertEqual(printed(self.follow("CMake", files, (*COMPILER, "cmake", "make"))), "6")

    def test_fetchcontent(self):
        files = {**demo("demo.c", "c"), **example("fetchcontent", "CMakeLists.txt")}
        self.assertEqual(printed(self.follow("FetchContent", files, (*COMPILERS, "cmake", "make"))), "6")

    def test_meson(self):
        files = {**demo("demo.c", "c"), **example("meson", "meson.build")}
        self.assertEqual(printed(self.follow("Meson", files, (*COMPILERS, "cp", "meson", "ninja", "rm"))), "6")

    def test_rust(self):
        self.assertEqual(self.follow("Rust", demo("src/main.rs", "rust"), (*COMPILERS, "cargo", "rustc")), "6\n")

    def test_go(self):
        self.assertEqual(self.follow("Go", demo("main.go", "go"), (*COMPILERS, "go", "gcc", "g++"), GOTOOLCHAIN="local",
                                     GOCACHE="FOLDER/cache", GOMODCACHE="FOLDER/modules", GOFLAGS="-modcacherw"),
                         "[2 3] 6\n")

    def test_java(self):
        output = self.follow("Java", demo("Main.java", "java"), ("java",), XDG_CACHE_HOME="FOLDER/caches")
        self.assertEqual(output, "6.0\n")

    def test_python(self):
        output = self.follow("Python", demo("demo.py", "python", "bindings/python/README.md"), ("python3",))
        self.assertEqual(output.splitlines()[-3:], ["(2, 3) Ada", "5.0", "15.0"])
        # The tests of the package also need what they compare with.
        folder = WORK / "tests/Python-from-dist"
        python = folder / "venv/bin/python"
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "safetensors", "ml_dtypes")
        for test in sorted((ROOT / "bindings/python/tests").glob("test_*.py")):
            run(python, "-B", test, cwd=folder)

    def test_javascript(self):
        output = self.follow("JavaScript", demo("demo.mjs", "js", "bindings/js/README.md"), ("node", "npm"))
        self.assertIn("[ 'w' ] [ 2, 3 ] Ada\n6\nFloat32Array(6)", output)


class FromCheckout(Instructions):
    origin = "a checkout"

    def follow(self, language, files, **settings):
        return super().follow(language, files, lambda _: {"PATH": f"{SCRIPTS}:{PATH}"}, **settings)

    def test_fetchcontent(self):
        files = {**demo("demo.c", "c"), **example("fetchcontent", "CMakeLists.txt")}
        self.assertEqual(printed(self.follow("FetchContent", files)), "6")

    def test_conan(self):
        """Conan creates the package for both kinds of library, and each time builds and runs a program with it."""
        home = self.fresh("conan-home")
        environment = {**CLEAN, "CONAN_HOME": str(home)}
        run(SCRIPTS / "conan", "profile", "detect", env=environment)
        run(SCRIPTS / "conan", "remote", "disable", "*", env=environment)
        # Only that the program is not built in this tree, and without optimization, differs from what a user has.
        (home / "global.conf").write_text(f"tools.cmake.cmake_layout:test_folder={home / 'test'}\n", encoding="utf-8")
        profile = home / "profiles/default"
        detected = profile.read_text(encoding="utf-8")
        profile.write_text(detected.replace("build_type=Release", "build_type=Debug"), encoding="utf-8")
        self.follow("Conan", {}, CONAN_HOME=str(home))
        listed = run(SCRIPTS / "conan", "list", "tensorfile/*:*", env=environment)
        self.assertEqual(set(re.findall(r"shared: (\w+)", listed)), {"True", "False"})

    def test_rust(self):
        self.assertEqual(self.follow("Rust", demo("src/main.rs", "rust")), "6\n")

    def test_go(self):
        self.assertEqual(self.follow("Go", demo("main.go", "go"), GOTOOLCHAIN="local", GOFLAGS="-modcacherw",
                                     GOCACHE="FOLDER/cache", GOMODCACHE="FOLDER/modules"), "[2 3] 6\n")

    def test_java(self):
        page = "bindings/java/README.md"
        files = {**demo("src/main/java/Main.java", "java", page), **demo("pom.xml", "xml", page)}
        self.assertIn("21.0\n", self.follow("Java", files, **maven(WORK / "tests")))

    def test_python(self):
        output = self.follow("Python", demo("demo.py", "python", "bindings/python/README.md"))
        self.assertEqual(output.splitlines()[-3:], ["(2, 3) Ada", "5.0", "15.0"])

    def test_javascript(self):
        output = self.follow("JavaScript", demo("demo.mjs", "js", "bindings/js/README.md"))
        self.assertIn("[ 'w' ] [ 2, 3 ] Ada\n6\nFloat32Array(6)", output)


class Page(Case):
    def test_every_block_is_run(self):
        """Every language with a block has a test; that of Debian's packages is test_debian.py."""
        for case, elsewhere in ((FromDist, {"debian"}), (FromCheckout, set())):
            tests = {name.removeprefix("test_") for name in dir(case) if name.startswith("test_")}
            blocks = {language.lower().replace("+", "x") for language, section in INSTRUCTIONS.items()
                      if re.search(rf"^From {case.origin}.*?```sh", section, re.M | re.S)}
            self.assertEqual(blocks, tests | elsewhere)

    def test_other_pages_say_the_same(self):
        """Commands with CHECKOUT in the READMEs are parts of those that were run."""
        packages = ("rust/tensorfile", "go", "java", "js")
        for name in ("README.md", *(f"bindings/{package}/README.md" for package in packages)):
            text = (ROOT / name).read_text(encoding="utf-8")
            commands = re.findall(r"(?:^ *|`)((?:cargo|go|mvn|npm) [^`\n#]*CHECKOUT[^`\s]*)", text, re.M)
            self.assertTrue(commands, name)
            for command in commands:
                self.assertIn(command.replace("CHECKOUT", "$checkout"), "".join(INSTRUCTIONS.values()), name)


class PkgConfig(Case):
    def test_files_of_the_archive(self):
        """The archive can be anywhere, for both libraries."""
        (platform,) = [each for each in self.for_each(lambda each: each.name == "linux-x86_64")]
        folder, tree = self.fresh("pkg-config"), unpacked(platform)
        (folder / "demo.c").write_text(block("README.md", "c"), encoding="utf-8")
        environment = {**CLEAN, "PKG_CONFIG_PATH": str(tree / "lib/pkgconfig"), "LD_LIBRARY_PATH": str(tree / "lib")}
        for package in ("tensorfile", "tensorfile-static"):
            script = f"cc demo.c $(pkg-config --cflags --libs {package}) -o demo && ./demo"
            self.assertEqual(run("sh", "-ec", script, cwd=folder, env=environment), "6\n")


if __name__ == "__main__":
    main()
