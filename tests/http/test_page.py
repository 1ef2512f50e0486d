"""Runs the commands of docs/beyond-one-machine.md: from installed files, against servers on the loopback interface.

The commands that build are run only with TENSORFILE_TEST_LONG; otherwise the page configures a build, and installs the one
that is tested."""

import os
import pathlib
import re
import shlex
import subprocess
import tempfile

from http_support import SOURCE_DIR, Case
from support import PROGRAM, floats, main, safetensors

PAGE = (SOURCE_DIR / "docs" / "beyond-one-machine.md").read_text(encoding="utf-8")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.M | re.S)


def commands(page):
    return [line for block in blocks(page, "shell") for line in block.splitlines()]


def check_configuration(built):
    """The build of the page has the option of the build that is tested."""
    for folder in (built, pathlib.Path(os.environ["TENSORFILE_BINARY_DIR"])):
        cache = (folder / "CMakeCache.txt").read_text(encoding="utf-8")
        assert "TENSORFILE_BUILD_HTTP:BOOL=ON" in cache, folder


class Page(Case):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        data = safetensors({"wte.weight": ("F32", (3, 5), floats(*range(15))), "h.0.ln_1.weight": ("F32", (2,), floats(1, 2))})
        self.server.commit = COMMIT
        self.server.files["gpt2/model.safetensors"] = data
        for target in ("/openai-community/gpt2/resolve/main/model.safetensors",
                       f"/openai-community/gpt2/resolve/{COMMIT}/model.safetensors"):
            self.server.redirects[target] = (302, "/ok/gpt2/model.safetensors")
        # The bucket of the page, on a server whose first part of a path is the fault.
        self.environment = {"PATH": os.environ["PATH"], "HOME": folder.name, "HF_ENDPOINT": self.server.url,
                            "AWS_ENDPOINT_URL": self.server.url}

    @classmethod
    def setUpClass(cls):
        """Configures, builds and installs as the page says, below a folder instead of /."""
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        *lines, last = (re.sub("^sudo ", "", line) for line in commands(PAGE) if re.match("(sudo )?(cmake|ldconfig) ", line))
        assert [line.split()[1] for line in lines] == ["-S", "--build", "--install"], lines
        assert last.split()[0] == "ldconfig", last
        built = cls.root / "build"
        environment = {**os.environ, "DESTDIR": str(cls.root / "root"),
                       "CXX": str(SOURCE_DIR / "tests" / "unoptimized_cxx.sh")}
        for line in lines:
            if " --build " in line and not os.environ.get("TENSORFILE_TEST_LONG"):
                check_configuration(built)
                built = pathlib.Path(os.environ["TENSORFILE_BINARY_DIR"])
                continue
            line = line.replace("build/url", shlex.quote(str(built)))
            line = re.sub("^cmake ", shlex.quote(os.environ["CMAKE"]) + " ", line)
            subprocess.run(["sh", "-ec", line], cwd=SOURCE_DIR, env=environment, stdout=subprocess.DEVNULL, check=True)
        prefix = next(path.parent.parent for path in (cls.root / "root").rglob("bin/tensorfile"))
        libraries = next(path.parent for path in prefix.rglob("libtensorfile_http.so"))
        # The first two stand for the paths that are searched by default, which have the folders of /usr/local. The third
        # stands for ldconfig, which registers the libraries in /usr/local/lib, but not those of another root.
        cls.paths = {"PATH": f"{prefix / 'bin'}:{os.environ['PATH']}", "PKG_CONFIG_PATH": str(libraries / "pkgconfig"),
                     "LD_LIBRARY_PATH": str(libraries)}

    def run_line(self, line):
        line = line.replace("https://example.com/models", f"{self.server.url}/ok").replace("s3://my-models/", "s3://ok/")
        result = subprocess.run(["sh", "-ec", line], cwd=self.folder, env={**self.environment, **self.paths},
                                capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""), line)
        return result.stdout

    def test_commands(self):
        lines = [line for line in commands(PAGE) if line.startswith("tensorfile ")]
        self.assertEqual(len(lines), 6)
        printed = [self.run_line(line) for line in lines]
        self.assertIn("wte.weight", printed[0])
        self.assertEqual(printed[1], "[[0.0, 1.0, 2.0, 3.0],\n [5.0, 6.0, 7.0, 8.0]]\n")
        self.assertIn("ok", printed[3])
        self.assertTrue((self.folder / "gpt2.npz").exists())

    def test_the_programs_in_c_and_cxx(self):
        for language, name in (("c", "names.c"), ("cpp", "names.cpp")):
            programs = blocks(PAGE, language)
            self.assertEqual(len(programs), 1)
            (self.folder / name).write_text(programs[0], encoding="utf-8")
            lines = [line for line in commands(PAGE) if re.search(rf"-o names\S* {re.escape(name)} ", line)]
            self.assertEqual(len(lines), 1)
            self.assertEqual(self.run_line(lines[0]), "")
            runs = [line for line in commands(PAGE) if line.startswith("./names ")]
            self.assertEqual([self.run_line(line) for line in runs], ["wte.weight\nh.0.ln_1.weight\n"])
            (self.folder / "names").unlink()

    def test_messages(self):
        """The messages that the page explains are those of the sources."""
        sources = "".join(path.read_text(encoding="utf-8") for path in SOURCE_DIR.glob("src/http/*.cpp"))
        sources += (SOURCE_DIR / "src/cli/remote.cpp").read_text(encoding="utf-8")
        for text in ("the server does not support ranges", "the file changed while it was read",
                     "reading this file may need credentials", "the bucket is in the region", "at each of",
                     "this program was built without libtensorfile_http"):
            self.assertIn(text, PAGE)
            self.assertIn(text, sources)

    def test_packages(self):
        """The packages of the page are those that the tests install."""
        line = next(line for line in PAGE.splitlines() if line.startswith("sudo apt-get install "))
        setup = (SOURCE_DIR / "tools" / "setup.sh").read_text(encoding="utf-8")
        code = "\n".join(line.partition("#")[0] for line in setup.splitlines())
        packages = line.split()[3:]
        self.assertEqual(set(packages) - set(re.findall(r"[\w.+-]+", code)), set())
        self.assertLessEqual({"g++", "make", "cmake", "libcurl4-openssl-dev", "libssl-dev"}, set(packages))


if __name__ == "__main__":
    main()
