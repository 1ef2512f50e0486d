"""nginx on the loopback interface, which logs its requests and connections."""

import os
import pathlib
import shutil
import socket
import subprocess
import time

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin")
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
# The answers of another server, each byte when it arrives.
RELAY = " location /relay/ {{ proxy_pass {url}/; proxy_buffering off; }}"


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for bound in sockets:
        bound.bind(("127.0.0.1", 0))
    ports = [bound.getsockname()[1] for bound in sockets]
    for bound in sockets:
        bound.close()
    return ports


def make_certificate(folder):
    """Makes a self-signed certificate for 127.0.0.1. Returns the paths of the certificate and the key."""
    paths = [os.path.join(folder, name) for name in ("certificate.pem", "key.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0],
                    "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def requests_of(entries):
    """Returns how many requests each connection had, as nginx counted them."""
    counts = {}
    for _, connection, _, requests, *_ in entries:
        counts[connection] = max(counts.get(connection, 0), int(requests))
    return counts


class NginxServer:
    """Serves the files of the folder `files`: below /, and slowly below /slow/; with HTTP/1.1 and, over TLS, with HTTP/2.

    If it is started with the URL of another server, it relays what is below /relay/ to that."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.files = self.folder / "files"
        self.files.mkdir()
        (self.folder / "error.log").touch()
        self.certificate, self.key = make_certificate(folder)
        self.plain, self.tls = free_ports(2)
        self.process = None

    def url(self, secure, path):
        return f"https://127.0.0.1:{self.tls}/{path}" if secure else f"http://127.0.0.1:{self.plain}/{path}"

    def start(self, keepalive=1000, relay=None):
        """Starts nginx, which closes a connection after so many requests."""
        if NGINX is None:
            raise FileNotFoundError("nginx is not installed; tools/setup.sh test installs it")
        locations = LOCATIONS.replace("{folder}", str(self.folder)) + (RELAY.format(url=relay) if relay else "")
        (self.folder / "nginx.conf").write_text(CONFIGURATION.format(
            folder=self.folder, plain=self.plain, tls=self.tls, certificate=self.certificate, key=self.key,
            keepalive=keepalive, locations=locations), encoding="utf-8")
        self.process = subprocess.Popen([NGINX, "-c", self.folder / "nginx.conf", "-p", self.folder, "-e",
                                         self.folder / "error.log"])
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.tls)).close()
                break
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "error.log").read_text(encoding="utf-8")) from None
                time.sleep(0.02)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def forget(self):
        (self.folder / "access.log").write_text("", encoding="utf-8")

    def entries(self):
        """Returns the requests so far, as lists of the words of the log.

        nginx logs a request after the client has its answer, and then possibly later than the next one: so this waits
        until the log has as many requests of each connection as the last of them counted."""
        deadline = time.monotonic() + 10
        while True:
            lines = (self.folder / "access.log").read_text(encoding="utf-8").splitlines()
            entries = [line.split() for line in lines if "bytes=" in line]
            if sum(requests_of(entries).values()) <= len(entries) or time.monotonic() > deadline:
                return entries
            time.sleep(0.02)

    def log(self):
        """Returns (protocol, connection, status) of each request so far."""
        return [tuple(words[:3]) for words in self.entries()]

    def requests_by_connection(self, only=None):
        """Returns how many requests each connection had, as nginx counted them; those of one protocol if it is given."""
        return requests_of([entry for entry in self.entries() if only in (None, entry[0])])

    def most_in_flight(self):
        """Returns how many requests nginx answered at the same time."""
        spans = [(float(end) - float(took), float(end)) for _, _, _, _, end, took, *_ in self.entries()]
        return max(sum(begin <= at < end for begin, end in spans) for at, _ in spans)
