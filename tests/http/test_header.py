"""Checks that the header and the library have the same functions."""

import os
import re
import subprocess
import unittest

from http_support import SOURCE_DIR, OPTIONS


class Header(unittest.TestCase):
    text = (SOURCE_DIR / "include" / "tensorfile_http.h").read_text(encoding="utf-8")

    def test_functions(self):
        declared = re.findall(r"^TENSORFILE_HTTP_API [^(]*?\b(tf_\w+)\(", self.text, re.M)
        lines = subprocess.run(["nm", "-D", "--defined-only", os.environ["TENSORFILE_HTTP_LIBRARY"]], check=True,
                               capture_output=True, text=True).stdout.splitlines()
        self.assertGreater(len(declared), 5)
        self.assertEqual(sorted(declared), sorted(line.split()[-1] for line in lines))

    def test_options(self):
        found = {name.lower(): int(number) for name, number in re.findall(r"TF_HTTP_OPTION_(\w+) = (\d+)", self.text)}
        self.assertEqual(found, OPTIONS)


if __name__ == "__main__":
    unittest.main()
