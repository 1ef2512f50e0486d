"""Builds and runs C programs with the recipe for Conan, and with the amalgamation through CMake's FetchContent and Meson."""

import re
import shutil
import sys
from pathlib import Path

from support import DIST, ENVIRONMENT, ROOT, Case, main, run, version

SCRIPTS = Path(sys.executable).parent


def copy_example(name, folder):
    """Copies an example, and puts the program of the README there."""
    shutil.copytree(ROOT / "examples" / name, folder)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (folder / "demo.c").write_text(readme.split("```c\n")[1].split("```")[0], encoding="utf-8")


class BuildSystems(Case):
    def test_fetchcontent(self):
        folder = self.fresh("fetchcontent")
        copy_example("fetchcontent", folder / "demo")
        project = folder / "demo/CMakeLists.txt"
        # The package is not published, so the file in dist is used instead of a download.
        text, changed = re.subn(r"https://\S*/(tensorfile-\S*-amalgamation.zip)", rf"file://{DIST}/\1",
                                project.read_text(encoding="utf-8"))
        self.assertEqual(changed, 1)
        self.assertIn(f"tensorfile-{version()}-amalgamation.zip", text)
        project.write_text(text, encoding="utf-8")
        run("cmake", "-S", folder / "demo", "-B", folder / "build", "-DCMAKE_CXX_FLAGS=-O0")
        run("cmake", "--build", folder / "build")
        self.assertEqual(run(folder / "build/demo", cwd=folder), "6\n")

    def test_meson(self):
        folder = self.fresh("meson")
        copy_example("meson", folder / "demo")
        # Meson looks into packagecache before it downloads.
        cache = folder / "demo/subprojects/packagecache"
        cache.mkdir(parents=True)
        shutil.copy(DIST / "tensorfile.wrap", cache.parent)
        shutil.copy(DIST / f"tensorfile-{version()}-amalgamation.zip", cache)
        run(SCRIPTS / "meson", "setup", "-Dtensorfile:optimization=0", folder / "build", folder / "demo")
        run(SCRIPTS / "meson", "compile", "-C", folder / "build")
        self.assertEqual(run(folder / "build/demo", cwd=folder), "6\n")

    def test_conan(self):
        """Creates the package of the checkout for both kinds of library. The test package builds and runs a program."""
        folder = self.fresh("conan")
        environment = {**ENVIRONMENT, "CONAN_HOME": str(folder)}
        run(SCRIPTS / "conan", "profile", "detect", env=environment)
        for shared in ("False", "True"):
            run(SCRIPTS / "conan", "create", ROOT / "tools/dist/conan", "--no-remote", "--build=missing",
                "-c", f"tools.cmake.cmake_layout:test_folder={folder / 'test'}", "-s", "build_type=Debug", "-s", "compiler.cppstd=20", "-o", f"&:shared={shared}", env=environment)
        listed = run(SCRIPTS / "conan", "list", "tensorfile/*:*", env=environment)
        self.assertEqual(set(re.findall(r"shared: (\w+)", listed)), {"True", "False"})


if __name__ == "__main__":
    main()
