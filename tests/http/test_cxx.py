"""Runs urls.cpp, a program that uses tensorfile_http.hpp. Its threads read at the same time, also under ThreadSanitizer."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["TENSORFILE_SOURCE_DIR"]) / "tests" / "cli"))

from fault_server import Server  # noqa: E402  # the path is set above
from nginx_server import NginxServer  # noqa: E402
from support import main, safetensors  # noqa: E402

ARRAYS = {f"w{i}": ("U8", (300000,), bytes([i + 1]) * 300000) for i in range(8)}
SUMS = "".join(f"w{i} {(i + 1) * 300000}\n" for i in range(8))


class Cxx(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.server.files["m.safetensors"] = safetensors(ARRAYS)
        self.url = f"{self.server.url}/ok/m.safetensors"

    def run_program(self, *arguments):
        environment = {name: value for name, value in os.environ.items() if name not in ("LD_PRELOAD", "ASAN_OPTIONS")}
        result = subprocess.run([os.environ["TENSORFILE_HTTP_URLS"], *arguments], capture_output=True, text=True,
                                check=False, env=environment)
        return result.returncode, result.stdout, result.stderr

    def test_arrays(self):
        self.assertEqual(self.run_program(self.url), (0, SUMS, ""))
        self.assertEqual(self.run_program("HTTP" + self.url[4:], "requests=1"), (0, SUMS, ""))

    def test_options(self):
        self.assertEqual(self.run_program(self.url, "token=abc", "header=x y"), (0, SUMS, ""))
        for _, headers in self.server.requests:
            self.assertEqual((headers["Authorization"], headers["X-Test"], headers["User-Agent"]),
                             ("Bearer abc", "x y", "urls/1"))

    def test_errors(self):
        self.assertEqual(self.run_program("m.safetensors"), (1, "", "invalid_argument: m.safetensors is no URL\n"))
        self.assertEqual(self.run_program(self.url, "requests=0"),
                         (1, "", "invalid_argument: REQUESTS: expected 1 to 1024, found 0\n"))
        missing = f"{self.server.url}/ok/x"
        self.assertEqual(self.run_program(missing), (1, "", f"not_found: {missing}: the server answered 404 (Not Found)\n"))

    def test_cancellation(self):
        self.server.delay = 0.5
        self.assertEqual(self.run_program(self.url, "cancel=0"), (1, "", f"cancelled: {self.url}: the request was cancelled\n"))

    def test_parallel_requests(self):
        """Eight threads read arrays over connections of their own, and over one of HTTP/2, which some of them drive."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        nginx = NginxServer(folder.name)
        (nginx.files / "m.safetensors").write_bytes(safetensors({**ARRAYS, "first": ("U8", (1 << 20,), bytes(1 << 20))}))
        self.addCleanup(nginx.stop)
        nginx.start()
        expected = sorted((SUMS + "first 0\n").splitlines())
        for secure in (False, True):
            nginx.forget()
            status, out, err = self.run_program(nginx.url(secure, "slow/m.safetensors"), f"ca_file={nginx.certificate}")
            self.assertEqual((status, sorted(out.splitlines()), err), (0, expected, ""))
            self.assertGreater(nginx.most_in_flight(), 2)
            # nginx may still add requests of the first round to the log of the second.
            connections = nginx.requests_by_connection("HTTP/2.0" if secure else "HTTP/1.1")
            self.assertEqual(len(connections) == 1, secure, nginx.entries())


if __name__ == "__main__":
    main()
