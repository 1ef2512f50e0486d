"""The commands of docs/beyond-one-machine.md about Spark, which a newcomer runs one after another in a checkout."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import JARS, PROGRAM

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "beyond-one-machine.md").read_text(encoding="utf-8")
SECTION = re.search(r"<!-- spark: begin -->\n(.*?)<!-- spark: end -->", PAGE, re.DOTALL).group(1)


class Page(unittest.TestCase):
    def test_commands(self):
        _, builds, *commands = re.findall(r"^```sh\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
        self.assertEqual(len(commands), 2)
        # This test is itself run by `make spark`, after what the second block builds.
        self.assertEqual(re.findall(r"^make (\S+)", builds, re.MULTILINE), ["spark-jars", "library"])
        self.assertIn((ROOT / "tests/spark/requirements.txt").read_text().split("\n")[0].replace("pyspark==", "Spark "),
                      builds)
        with tempfile.TemporaryDirectory(prefix="tensorfile-page-") as folder:
            os.makedirs(f"{folder}/build/spark")
            os.symlink(os.path.dirname(JARS.split(",")[0]), f"{folder}/build/spark/jars")
            os.symlink(os.path.dirname(PROGRAM), f"{folder}/build/library")
            os.symlink(ROOT / "examples", f"{folder}/examples")
            os.symlink(Path(os.sys.executable).parent.parent, f"{folder}/.venv")
            exports = "\n".join(line for line in builds.splitlines() if line.startswith("export "))
            done = subprocess.run(["sh", "-ec", "\n".join([exports, *commands])], cwd=folder, text=True,
                                  capture_output=True, env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\|layers\.3\.weight\|float32\|\[64, 256\]\|65536 +\|")
        self.assertRegex(done.stdout, r"\|layers\.1\.weight\| +0\| +1\.0\| +7\.0\|")
        self.assertRegex(done.stdout, r"\|layers\.1\.weight\|3\.99")
        self.assertRegex(done.stdout, r"(?m)^same\nsound$")

    def test_packages(self):
        """The page installs the packages that `make spark-jars` needs."""
        shown = re.search(r"^sudo apt-get install (.*)$", SECTION, re.MULTILINE).group(1)
        setup = (ROOT / "tools" / "setup.sh").read_text(encoding="utf-8")
        needed = re.search(r"^  spark\)\n    tools/packages.sh (.*)$", setup, re.MULTILINE).group(1)
        build = re.search(r'^build="(.*)"$', setup, re.MULTILINE).group(1)
        function = re.search(r"^jdk\(\) \{\n(.*?)^\}", setup, re.DOTALL | re.MULTILINE).group(1)
        jdk = re.findall(r"\|\| echo (\S+)", function)
        self.assertEqual(shown, needed.replace("$build", build).replace("$(jdk)", " ".join(jdk)))

    def test_the_tour_is_that_of_the_page(self):
        shown = re.search(r"<!-- examples/spark/tour.py: begin -->\n```python\n(.*?)```\n", PAGE, re.DOTALL).group(1)
        self.assertEqual(shown, (ROOT / "examples/spark/tour.py").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
