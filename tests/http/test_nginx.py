"""Reads from nginx: ranges, several requests at the same time, HTTP/2, and how many connections that takes."""

import tempfile
import unittest

from fault_server import Server
from http_support import OPTION_THREADS, HttpLibrary
from nginx_server import NginxServer
from support import main, npy

DATA = bytes(range(256)) * 40000


class Nginx(unittest.TestCase):
    library = HttpLibrary()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.nginx = NginxServer(folder.name)
        (self.nginx.files / "m.npy").write_bytes(npy("|u1", (len(DATA),), DATA))
        self.addCleanup(self.nginx.stop)
        self.nginx.start()

    def slow(self, secure, **values):
        """Loads a file with 512 KiB in each request, of which eight may be in flight."""
        values = {"ca_file": self.nginx.certificate, "piece": 1 << 19, "requests": 8, "first_bytes": 65536, **values}
        self.assertEqual(self.library.load(self.nginx.url(secure, "slow/m.npy"), {OPTION_THREADS: 8}, **values), {"": DATA})
        return self.nginx.requests_by_connection()

    def test_ranges(self):
        self.assertEqual(self.library.load(self.nginx.url(False, "m.npy"), piece=1 << 20), {"": DATA})
        log = self.nginx.log()
        self.assertGreaterEqual(len(log), 10)
        self.assertEqual({(protocol, status) for protocol, _, status in log}, {("HTTP/1.1", "206")})

    def test_http2(self):
        url = self.nginx.url(True, "m.npy")
        self.assertEqual(self.library.load(url, ca_file=self.nginx.certificate, piece=1 << 20), {"": DATA})
        log = self.nginx.log()
        self.assertGreaterEqual(len(log), 10)
        self.assertEqual({(protocol, status) for protocol, _, status in log}, {("HTTP/2.0", "206")})

    def test_connections_are_used_again(self):
        url = self.nginx.url(True, "m.npy")
        core = {OPTION_THREADS: 1}
        self.assertEqual(self.library.load(url, core, ca_file=self.nginx.certificate, piece=1 << 20), {"": DATA})
        self.assertEqual(len({connection for _, connection, _ in self.nginx.log()}), 1)

    def test_parallel_requests_share_a_connection_of_http2(self):
        counts = self.slow(secure=True)
        self.assertGreater(self.nginx.most_in_flight(), 4)
        self.assertEqual(list(counts.values()), [len(self.nginx.log())])
        self.assertGreaterEqual(len(self.nginx.log()), 20)

    def test_the_requests_that_share_a_connection_are_limited(self):
        counts = self.slow(secure=True, streams=2)
        self.assertGreater(self.nginx.most_in_flight(), 4)
        self.assertEqual(sum(counts.values()), len(self.nginx.log()))
        self.assertIn(len(counts), (3, 4))
        self.assertEqual(len({connection for _, connection, _ in self.nginx.log()}), len(counts))

    def test_parallel_requests_of_http1_have_connections_that_are_used_again(self):
        counts = self.slow(secure=False)
        self.assertGreater(self.nginx.most_in_flight(), 4)
        # Nothing is lost between the requests: each connection has had all that its number says.
        self.assertEqual(sum(counts.values()), len(self.nginx.log()))
        self.assertLessEqual(len(counts), 8)
        self.assertGreaterEqual(len(self.nginx.log()), 20)

    def test_a_connection_that_the_server_ends(self):
        """nginx ends each connection after five requests, also one of HTTP/2 on which others are in flight."""
        self.nginx.stop()
        self.nginx.start(keepalive=5)
        for secure in (False, True):
            self.nginx.forget()
            counts = self.slow(secure)
            self.assertGreaterEqual(len(counts), 4)
            self.assertLessEqual(max(counts.values()), 5)

    def test_a_server_that_starts_again(self):
        """The connection that all requests share ends between two reads, and each of them is made on one new connection."""
        file = self.library.open(self.nginx.url(True, "slow/m.npy"), {OPTION_THREADS: 8}, ca_file=self.nginx.certificate,
                                 piece=1 << 19, requests=8, first_bytes=65536)
        self.nginx.stop()
        self.nginx.forget()
        self.nginx.start()
        self.assertEqual(file.read(0).data, DATA)
        self.assertEqual(len(self.nginx.requests_by_connection()), 1)
        file.close()

    def test_a_server_that_is_gone(self):
        """Requests that wait for a connection fail with it, and not one after another."""
        file = self.library.open(self.nginx.url(True, "slow/m.npy"), {OPTION_THREADS: 8}, ca_file=self.nginx.certificate,
                                 piece=1 << 19, requests=8, first_bytes=65536, retries=0)
        self.nginx.stop()
        with self.assertRaisesRegex(Exception, "onnect.*, at each of 1 attempts"):
            file.read(0)
        file.close()

    def test_an_answer_that_is_stuck_beside_others(self):
        """It is given up after a longer time, and asked for again; the others go on, and none of them is repeated."""
        server = Server()
        self.addCleanup(server.close)
        data = DATA[:8 << 16]
        server.files["m.npy"] = npy("|u1", (len(data),), data)
        self.nginx.stop()
        self.nginx.start(relay=server.url)
        loaded = self.library.load(self.nginx.url(True, "relay/stuck/m.npy"), {OPTION_THREADS: 8}, piece=1 << 16,
                                   requests=8, first_bytes=1 << 16, stall_timeout=1000, ca_file=self.nginx.certificate)
        self.assertEqual(loaded, {"": data})
        self.assertTrue(server.given_up)
        self.assertEqual(server.stuck, 2)
        ranges = [first for first, _ in server.ranges()]
        self.assertEqual(len(ranges), len(set(ranges)) + 1, ranges)

    def test_a_file_that_is_replaced(self):
        file = self.library.open(self.nginx.url(False, "m.npy"), {OPTION_THREADS: 1}, piece=1 << 20)
        (self.nginx.files / "m.npy").write_bytes(npy("|u1", (len(DATA),), DATA[::-1]) + b"x")
        with self.assertRaisesRegex(Exception, "the file changed while it was read: it had"):
            file.read(0)
        file.close()


if __name__ == "__main__":
    main()
