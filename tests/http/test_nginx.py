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
  log_format protocol '$server_protocol $connection $status "$http_range"';
  access_log {folder}/access.log protocol;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  types {{ }} default_type application/octet-stream; root {folder}/files; gzip on; gzip_types *;
  server {{ listen 127.0.0.1:{plain}; }}
  server {{ listen 127.0.0.1:{tls} ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key}; }}
}}
"""


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
        self.certificate, key = make_certificate(folder.name)
        self.plain, self.tls = free_ports(2)
        (self.folder / "nginx.conf").write_text(CONFIGURATION.format(
            folder=folder.name, plain=self.plain, tls=self.tls, certificate=self.certificate, key=key), encoding="utf-8")
        server = subprocess.Popen([NGINX, "-c", self.folder / "nginx.conf", "-p", folder.name, "-e",
                                   self.folder / "error.log"])
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.tls)).close()
                break
            except ConnectionRefusedError:
                self.assertIsNone(server.poll(), (self.folder / "error.log").read_text(encoding="utf-8"))
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)

    def log(self):
        """Returns (protocol, connection, status) of each request so far."""
        lines = (self.folder / "access.log").read_text(encoding="utf-8").splitlines()
        return [tuple(line.split()[:3]) for line in lines if "bytes=" in line]

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

    def test_a_file_that_is_replaced(self):
        file = self.library.open(f"http://127.0.0.1:{self.plain}/m.npy", {OPTION_THREADS: 1}, piece=1 << 20)
        (self.folder / "files" / "m.npy").write_bytes(npy("|u1", (len(DATA),), DATA[::-1]) + b"x")
        with self.assertRaisesRegex(Exception, "the file changed while it was read: it had"):
            file.read(0)
        file.close()


if __name__ == "__main__":
    main()
