"""Reads from versitygw, a server with the API of S3 that checks signatures.

usage: stores.py    by hand, with the path of the program in VERSITYGW, and the environment of the tests
"""

import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

from http_support import OPTION_THREADS, HttpLibrary
from capi import TensorfileError
from nginx_server import free_ports
from signatures import ACCESS, SECRET
from support import PROGRAM, main, npy

DATA = bytes(range(256)) * 40000
KEYS = ("m.npy", "a b/m.npy", "a+b/m+1.npy", "a=b/m=1.npy", "é/ü m+=1.npy", "m%20.npy", "(m)'!*~-_.npy", "a&b?c.npy")


class Store(unittest.TestCase):
    library = HttpLibrary()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        bucket = pathlib.Path(folder.name) / "bucket"
        for key in KEYS:
            (bucket / key).parent.mkdir(parents=True, exist_ok=True)
            (bucket / key).write_bytes(npy("|u1", (len(DATA),), DATA))
        port, = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        server = subprocess.Popen([os.environ["VERSITYGW"], "--port", f"127.0.0.1:{port}", "--access", ACCESS, "--secret", SECRET,
                                   "--quiet", "posix", "--nometa", folder.name])
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                self.assertIsNone(server.poll())
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
        self.values = {"s3_endpoint": self.url, "s3_access_key": ACCESS, "s3_secret_key": SECRET}

    def test_keys(self):
        for key in KEYS:
            with self.subTest(key):
                self.assertEqual(self.library.load(f"s3://bucket/{key}", {OPTION_THREADS: 4}, piece=1 << 20, **self.values),
                                 {"": DATA})

    def test_refusals(self):
        for values, status, code in (({"s3_secret_key": "other"}, "io", "403 (SignatureDoesNotMatch)"),
                                     # Amazon's answer is 403 (InvalidAccessKeyId).
                                     ({"s3_access_key": "other"}, "not_found", "404 (XAdminUserNotFound)")):
            with self.assertRaises(TensorfileError) as caught:
                self.library.load("s3://bucket/m.npy", **{**self.values, **values})
            self.assertEqual(caught.exception.status, status, str(caught.exception))
            self.assertIn(code, str(caught.exception))
        with self.assertRaises(TensorfileError) as caught:
            self.library.load("s3://bucket/none.npy", **self.values)
        self.assertEqual(str(caught.exception), "not_found: s3://bucket/none.npy: the server answered 404 (NoSuchKey)")

    def test_the_program(self):
        environment = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": ACCESS,
                       "AWS_SECRET_ACCESS_KEY": SECRET}
        for key in KEYS:
            result = subprocess.run([PROGRAM, "check", f"s3://bucket/{key}"], env=environment, capture_output=True, text=True,
                                    check=False)
            self.assertEqual((result.returncode, result.stderr), (0, ""))


if __name__ == "__main__":
    main()
