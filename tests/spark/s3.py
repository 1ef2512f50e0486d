"""Runs the tests of the module in a bucket of versitygw, a server with the API of S3 whose objects are files.

usage: s3.py [TEST...]    by hand, with the environment of spark.sh, hadoop-aws and the bundle of its AWS SDK among the
                          jars, and the path of the program in VERSITYGW
"""

import glob
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np
import support
from test_write import ROWS, row

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
# The first waits for files of attempts of tasks, which are no objects before they are complete. The second has a file
# system of its own.
NOT_HERE = ("test_two_attempts_write_the_same_rows", "test_more_shards_than_connections")


class Server:
    def __init__(self, folder):
        self.log = f"{folder}/log"
        self.bucket = f"{folder}/files/bucket"
        os.makedirs(self.bucket)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [os.environ["VERSITYGW"], "--port", f"127.0.0.1:{port}", "--access", ACCESS, "--secret", SECRET, "--quiet",
             "--access-log", self.log, "posix", f"{folder}/files"])
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert self.process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
        s3a = {"endpoint": f"http://127.0.0.1:{port}", "endpoint.region": "us-east-1", "access.key": ACCESS,
               "secret.key": SECRET, "path.style.access": "true", "multipart.size": "5M", "multipart.threshold": "5M",
               # Files that the tests write to the folder of the bucket have no ETag.
               "change.detection.mode": "none", "change.detection.version.required": "false",
               "aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider"}
        self.settings = {f"spark.hadoop.fs.s3a.{name}": value for name, value in s3a.items()}

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def changes(self):
        """The requests that created, copied or removed objects, as pairs of an operation and a key."""
        with open(self.log, encoding="utf-8") as file:
            return re.findall(r" s3_(Put|Copy|Delete)Object (\S+) ", file.read())


class Committing(unittest.TestCase):
    """The order of the requests of a write."""

    def test_the_index_is_last(self):
        spark, x = support.session(), np.arange(1000.0).reshape(10, 100)
        frame = spark.createDataFrame([row(f"x{i}", x) for i in range(3)], ROWS)
        for _ in range(2):
            before = len(server.changes())
            frame.write.format("tensorfile").mode("overwrite").option("partBytes", "8000").save(
                "s3a://bucket/order/m.safetensors")
            keys = [(operation, key.removeprefix("order/")) for operation, key in server.changes()[before:]
                    if key.startswith("order/m")]
        index, parts = "m.safetensors.index.json", [f"m-0000{i}-of-00003.safetensors" for i in (1, 2, 3)]
        created = [key for operation, key in keys if operation != "Delete"]
        self.assertEqual(created, [*reversed(parts), index])
        self.assertLess(keys.index(("Delete", index)), min(keys.index(key) for key in keys if key[0] != "Delete"))
        self.assertEqual(sorted(os.listdir(f"{server.bucket}/order")), sorted([*parts, index]))


class Remains(unittest.TestCase):
    """Run last."""

    def test_no_upload_is_incomplete(self):
        self.assertEqual([name for name in glob.glob(f"{server.bucket}/.sgwtmp/multipart/**", recursive=True)
                          if os.path.isfile(name)], [])

    def test_no_staging_folder_is_left(self):
        self.assertEqual(glob.glob(f"{server.bucket}/**/_tensorfile-*", recursive=True), [])


def tests(names):
    loader = unittest.TestLoader()
    for suite in loader.loadTestsFromNames(names):
        for group in suite if isinstance(suite, unittest.TestSuite) else [suite]:
            for test in group if isinstance(group, unittest.TestSuite) else [group]:
                if test.id().rsplit(".", 1)[1] not in NOT_HERE:
                    yield test


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tensorfile-s3-", ignore_cleanup_errors=True) as folder:
        server = Server(folder)
        try:
            files = os.path.dirname(server.bucket) + "/"
            support.SETTINGS.update(server.settings)
            support.SparkTest.parent = server.bucket
            support.SparkTest.url = lambda self, path: path.replace(files, "s3a://")
            support.SparkTest.uri = support.SparkTest.url
            names = sys.argv[1:] or ["test_read", "test_write", "test_convert", "__main__.Committing", "test_cluster",
                                     "__main__.Remains"]
            result = unittest.TextTestRunner(verbosity=2).run(unittest.TestSuite(tests(names)))
        finally:
            server.stop()
    sys.exit(not result.wasSuccessful())
