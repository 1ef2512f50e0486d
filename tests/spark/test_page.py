"""The commands of docs/beyond-one-machine.md about Spark, which a newcomer runs one after another in a checkout."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNOPTIMIZED = str(ROOT / "tests" / "unoptimized_cxx.sh")
PAGE = (ROOT / "docs" / "beyond-one-machine.md").read_text(encoding="utf-8")
SECTION = re.search(r"<!-- spark: begin -->\n(.*?)<!-- spark: end -->", PAGE, re.DOTALL).group(1)


class Page(unittest.TestCase):
    def run_commands(self, commands, folder):
        # A newcomer calls make, and not the make that runs this test.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        done = subprocess.run(["sh", "-ec", commands], cwd=folder, text=True, capture_output=True,
                              env={**environment, "SPARK_LOCAL_IP": "127.0.0.1", "CXX": UNOPTIMIZED})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_commands(self):
        _, builds, *commands = re.findall(r"^```sh\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
        self.assertEqual(len(commands), 2)
        self.assertIn((ROOT / "tests/spark/requirements.txt").read_text().split("\n")[0].replace("pyspark==", "Spark "),
                      builds)
        self.run_commands(builds, ROOT)
        # What the others write must not stay in the checkout.
        with tempfile.TemporaryDirectory(prefix="tensorfile-page-") as folder:
            for name in ("build", "examples", ".venv"):
                os.symlink(ROOT / name, f"{folder}/{name}")
            exports = "\n".join(line for line in builds.splitlines() if line.startswith("export "))
            printed = self.run_commands("\n".join([exports, *commands]), folder)
        self.assertRegex(printed, r"\|layers\.3\.weight\|float32\|\[64, 256\]\|65536 +\|")
        self.assertRegex(printed, r"\|layers\.1\.weight\| +0\| +1\.0\| +7\.0\|")
        self.assertRegex(printed, r"\|layers\.1\.weight\|3\.99")
        self.assertRegex(printed, r"(?m)^same\nsound$")

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
