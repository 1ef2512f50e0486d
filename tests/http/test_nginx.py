"""Reads from nginx: ranges, several requests at the same time, and HTTP/2."""

import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from http_support import OPTION_THREADS, HttpLibrary
from support import main, npy
from test_security import make_certificate

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin")
DATA = bytes(range(256)) * 40000
CONFIGURATION = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  log_format protocol '$server_protocol $connection $status $connection_requests $msec $request_time "$http_range"';
  access_log {folder}/access.log protocol;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests {keepalive};
  types {{ }} default_type application/octet-stream; root {folder}/files; gzip on; gzip_types *;
  server {{ listen 127.0.0.1:{plain}; {locations} }}
  server {{ listen 127.0.0.1:{tls} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key}; {locations} }}
}}
"""

# Answers that take so long that several are in flight at the same time.
LOCATIONS = "location /slow/ { alias {folder}/files/; limit_rate 2m; }"


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for bound in sockets:
        bound.bind(("127.0.0.1", 0))
    ports = [bound.getsockname()[1] for bound in sockets]
    for bound in sockets:
        bound.close()
    return ports


class Nginx(unittest.TestCase):
    library = HttpLibrary()

    def setUp(self):
        self.assertIsNotNone(NGINX, "nginx is not installed; tools/setup.sh test installs it")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "files").mkdir()
        (self.folder / "error.log").touch()
        (self.folder / "files" / "m.npy").write_bytes(npy("|u1", (len(DATA),), DATA))
        self.certificate, self.key = make_certificate(folder.name)
        self.plain, self.tls = free_ports(2)
        self.start()

    def start(self, keepalive=1000):
        """Starts nginx, which closes a connection after so many requests."""
        (self.folder / "nginx.conf").write_text(CONFIGURATION.format(
            folder=self.folder, plain=self.plain, tls=self.tls, certificate=self.certificate, key=self.key,
            keepalive=keepalive, locations=LOCATIONS.replace("{folder}", str(self.folder))), encoding="utf-8")
        self.nginx = subprocess.Popen([NGINX, "-c", self.folder / "nginx.conf", "-p", self.folder, "-e",
                                       self.folder / "error.log"])
        self.addCleanup(self.nginx.wait)
        self.addCleanup(self.nginx.terminate)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.tls)).close()
                break
            except ConnectionRefusedError:
                self.assertIsNone(self.nginx.poll(), (self.folder / "error.log").read_text(encoding="utf-8"))
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)

    def stop(self):
        self.nginx.terminate()
        self.nginx.wait()

    def entries(self):
        """Returns the requests so far, as lists of the words of the log."""
        lines = (self.folder / "access.log").read_text(encoding="utf-8").splitlines()
        return [line.split() for line in lines if "bytes=" in line]

    def log(self):
        """Returns (protocol, connection, status) of each request so far."""
        return [tuple(words[:3]) for words in self.entries()]

    def requests_by_connection(self):
        """Returns how many requests each connection had, as nginx counted them."""
        counts = {}
        for _, connection, _, requests, *_ in self.entries():
            counts[connection] = max(counts.get(connection, 0), int(requests))
        return counts

    def most_in_flight(self):
        """Returns how many requests nginx answered at the same time."""
        spans = [(float(end) - float(took), float(end)) for _, _, _, _, end, took, *_ in self.entries()]
        return max(sum(begin <= at < end for begin, end in spans) for at, _ in spans)

    def slow(self, secure, **values):
        """Loads a file with 512 KiB in each request, of which eight may be in flight."""
        url = f"https://127.0.0.1:{self.tls}/slow/m.npy" if secure else f"http://127.0.0.1:{self.plain}/slow/m.npy"
        values = {"ca_file": self.certificate, "piece": 1 << 19, "requests": 8, "first_bytes": 65536, **values}
        self.assertEqual(self.library.load(url, {OPTION_THREADS: 8}, **values), {"": DATA})
        return self.requests_by_connection()

    def test_ranges(self):
        self.assertEqual(self.library.load(f"http://127.0.0.1:{self.plain}/m.npy", piece=1 << 20), {"": DATA})
        log = self.log()
        self.assertGreaterEqual(len(log), 10)
        self.assertEqual({(protocol, status) for protocol, _, status in log}, {("HTTP/1.1", "206")})

    def test_http2(self):
        url = f"https://127.0.0.1:{self.tls}/m.npy"
        self.assertEqual(self.library.load(url, ca_file=self.certificate, piece=1 << 20), {"": DATA})
        log = self.log()
        self.assertGreaterEqual(len(log), 10)
        self.assertEqual({(protocol, status) for protocol, _, status in log}, {("HTTP/2.0", "206")})

    def test_connections_are_used_again(self):
        url = f"https://127.0.0.1:{self.tls}/m.npy"
        core = {OPTION_THREADS: 1}
        self.assertEqual(self.library.load(url, core, ca_file=self.certificate, piece=1 << 20), {"": DATA})
        self.assertEqual(len({connection for _, connection, _ in self.log()}), 1)

    def test_parallel_requests_share_a_connection_of_http2(self):
        counts = self.slow(secure=True)
        self.assertGreater(self.most_in_flight(), 4)
        self.assertEqual(list(counts.values()), [len(self.log())])
        self.assertGreaterEqual(len(self.log()), 20)

    def test_the_requests_that_share_a_connection_are_limited(self):
        counts = self.slow(secure=True, streams=2)
        self.assertGreater(self.most_in_flight(), 4)
        self.assertEqual(sum(counts.values()), len(self.log()))
        self.assertIn(len(counts), (3, 4))
        self.assertEqual(len({connection for _, connection, _ in self.log()}), len(counts))

    def test_parallel_requests_of_http1_have_connections_that_are_used_again(self):
        counts = self.slow(secure=False)
        self.assertGreater(self.most_in_flight(), 4)
        # Nothing is lost between the requests: each connection has had all that its number says.
        self.assertEqual(sum(counts.values()), len(self.log()))
        self.assertLessEqual(len(counts), 8)
        self.assertGreaterEqual(len(self.log()), 20)

    def test_a_connection_that_the_server_ends(self):
        """nginx ends each connection after five requests, also one of HTTP/2 on which others are in flight."""
        self.stop()
        self.start(keepalive=5)
        for secure in (False, True):
            (self.folder / "access.log").write_text("", encoding="utf-8")
            counts = self.slow(secure)
            self.assertGreaterEqual(len(counts), 4)
            self.assertLessEqual(max(counts.values()), 5)

    def test_a_server_that_starts_again(self):
        """The connection that all requests share ends between two reads, and each of them is made on one new connection."""
        file = self.library.open(f"https://127.0.0.1:{self.tls}/slow/m.npy", {OPTION_THREADS: 8}, ca_file=self.certificate,
                                 piece=1 << 19, requests=8, first_bytes=65536)
        self.stop()
        (self.folder / "access.log").write_text("", encoding="utf-8")
        self.start()
        self.assertEqual(file.read(0).data, DATA)
        self.assertEqual(len(self.requests_by_connection()), 1)
        file.close()

    def test_a_server_that_is_gone(self):
        """Requests that wait for a connection fail with it, and not one after another."""
        file = self.library.open(f"https://127.0.0.1:{self.tls}/slow/m.npy", {OPTION_THREADS: 8}, ca_file=self.certificate,
                                 piece=1 << 19, requests=8, first_bytes=65536, retries=0)
        self.stop()
        with self.assertRaisesRegex(Exception, "onnect.*, at each of 1 attempts"):
            file.read(0)
        file.close()

    def test_a_file_that_is_replaced(self):
        file = self.library.open(f"http://127.0.0.1:{self.plain}/m.npy", {OPTION_THREADS: 1}, piece=1 << 20)
        (self.folder / "files" / "m.npy").write_bytes(npy("|u1", (len(DATA),), DATA[::-1]) + b"x")
        with self.assertRaisesRegex(Exception, "the file changed while it was read: it had"):
            file.read(0)
        file.close()


if __name__ == "__main__":
    main()
