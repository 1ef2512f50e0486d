"""Checks that the headers and the library have the same functions and options."""

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

    def test_cxx(self):
        """tensorfile_http.hpp has every option, and uses every function."""
        text = (SOURCE_DIR / "include" / "tensorfile_http.hpp").read_text(encoding="utf-8")
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        found = re.findall(r"^  (\w+) = TF_HTTP_OPTION_(\w+),$", code, re.M)
        self.assertEqual([(name, constant.lower()) for name, constant in found], [(name, name) for name in OPTIONS])
        for function in re.findall(r"^TENSORFILE_HTTP_API [^(]*?\b(tf_\w+)\(", self.text, re.M):
            self.assertRegex(code, rf"\b{function}\b")


if __name__ == "__main__":
    unittest.main()
