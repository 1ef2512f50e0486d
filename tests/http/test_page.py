"""Runs the commands of docs/beyond-one-machine.md against servers on the loopback interface."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from http_support import SOURCE_DIR, Case
from support import PROGRAM, floats, main, safetensors

PAGE = (SOURCE_DIR / "docs" / "beyond-one-machine.md").read_text(encoding="utf-8")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


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

    def run_line(self, line):
        line = line.replace("https://example.com/models", f"{self.server.url}/ok").replace("s3://my-models/", "s3://ok/")
        line = re.sub(r"^tensorfile ", f"'{PROGRAM}' ", line)
        line = line.replace("$(pkg-config --cflags --libs tensorfile_http)", self.flags())
        result = subprocess.run(["sh", "-ec", line], cwd=self.folder, env=self.environment, capture_output=True, text=True,
                                check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""), line)
        return result.stdout

    def flags(self):
        folders = [os.path.dirname(os.environ[name]) for name in ("TENSORFILE_LIBRARY", "TENSORFILE_HTTP_LIBRARY")]
        search = " ".join(f"-L'{folder}' -Wl,-rpath,'{folder}'" for folder in folders)
        return f"-I'{SOURCE_DIR / 'include'}' {search} -ltensorfile_http -ltensorfile"

    def blocks(self, language):
        return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)

    def test_commands(self):
        lines = [line for block in self.blocks("shell") for line in block.splitlines()]
        commands = [line for line in lines if line.startswith("tensorfile ")]
        self.assertEqual(len(commands), 6)
        printed = [self.run_line(line) for line in commands]
        self.assertIn("wte.weight", printed[0])
        self.assertEqual(printed[1], "[[0.0, 1.0, 2.0, 3.0],\n [5.0, 6.0, 7.0, 8.0]]\n")
        self.assertIn("ok", printed[3])
        self.assertTrue((self.folder / "gpt2.npz").exists())

    def test_the_program_in_c(self):
        programs = self.blocks("c")
        self.assertEqual(len(programs), 1)
        (self.folder / "names.c").write_text(programs[0], encoding="utf-8")
        self.assertIsNotNone(shutil.which("cc"))
        lines = [line for block in self.blocks("shell") for line in block.splitlines() if "names" in line]
        self.assertEqual(len(lines), 2)
        self.assertEqual([self.run_line(line) for line in lines], ["", "wte.weight\nh.0.ln_1.weight\n"])

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
        for package in line.split()[3:]:
            self.assertIn(package, setup)


if __name__ == "__main__":
    main()
