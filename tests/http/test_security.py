"""Redirects, credentials, certificates and proxies."""

import os
import socket
import ssl
import tempfile
from unittest import mock

from fault_server import Server
from http_support import OPTION_THREADS, Case
from nginx_server import make_certificate
from support import main, npy

DATA = bytes(range(256)) * 1200
FILE = npy("|u1", (len(DATA),), DATA)
ONE = {"core": {OPTION_THREADS: 1}, "first_bytes": 65536}


class Security(Case):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.server.files["m.npy"] = FILE

    def other_server(self, **values):
        server = Server(**values)
        self.addCleanup(server.close)
        server.files["m.npy"] = FILE
        return server

    def tls_server(self):
        certificate, key = make_certificate(self.folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return self.other_server(tls=context), certificate

    def load(self, url, **values):
        self.assertEqual(self.library.load(url, **{**ONE, **values}), {"": DATA})

    def redirect(self, name, target, status=302):
        self.server.redirects["/" + name] = (status, target)
        return f"{self.server.url}/{name}"

    def test_redirects_are_followed_and_remembered(self):
        for status in (301, 302, 303, 307, 308):
            self.server.forget()
            self.load(self.redirect("r/m.npy", "../ok/m.npy", status))
            self.assertEqual([path for path, _ in self.server.requests], ["/r/m.npy", "/ok/m.npy", "/ok/m.npy"])

    def test_five_redirects_at_most(self):
        for i in range(6):
            self.redirect(f"{i}", f"/{i + 1}" if i < 5 else "/ok/m.npy")
        self.load(f"{self.server.url}/1")
        self.refused("io", f"{self.server.url}/0", "the server redirects more than 5 times")
        self.refused("io", f"{self.server.url}/1", "more than 0 times", redirects=0)
        self.redirect("loop", "/loop")
        self.refused("io", f"{self.server.url}/loop", "more than 5 times")

    def test_expired_targets_are_looked_for_again(self):
        url = self.redirect("r", "/expiring/m.npy")
        file = self.library.open(url, **ONE)
        self.server.redirects["/r"] = (302, "/ok/m.npy")
        self.assertEqual(file.read(0).data, DATA)
        self.assertEqual([path for path, _ in self.server.requests],
                         ["/r", "/expiring/m.npy", "/expiring/m.npy", "/r", "/ok/m.npy"])
        file.close()

    def test_redirects_elsewhere(self):
        for target in ("ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:secret@127.0.0.1/x", "s3://a/b"):
            with self.subTest(target):
                message = self.refused("io", self.redirect("r", target), "redirects to something that is not")
                self.assertNotIn("secret", message)

    def test_credentials_are_only_sent_to_the_origin(self):
        other = self.other_server()
        values = {"token": "t0ken", "headers": [("X-Key", "k3y"), ("X-Empty", "")]}
        self.load(self.redirect("r", f"{other.url}/ok/m.npy"), **values)
        self.assertEqual([headers.get("Authorization") for _, headers in self.server.requests], ["Bearer t0ken"])
        self.assertEqual([headers.get("X-Key") for _, headers in self.server.requests], ["k3y"])
        self.assertEqual([headers.get("X-Empty") for _, headers in self.server.requests], [""])
        self.assertEqual(len(other.requests), 2)
        for _, headers in other.requests:
            self.assertNotIn("t0ken", str(headers))
            self.assertNotIn("k3y", str(headers))
        # Another name of the host is another origin, and so is another scheme (signature_test.cpp).
        self.server.forget()
        self.load(self.redirect("r", f"http://localhost:{self.server.port}/ok/m.npy"), **values)
        first, *redirected = self.server.requests
        self.assertEqual((first[0], first[1].get("Authorization")), ("/r", "Bearer t0ken"))
        self.assertEqual([path for path, _ in redirected], ["/ok/m.npy"] * 2)
        for _, headers in redirected:
            self.assertEqual(headers["Host"], f"localhost:{self.server.port}")
            self.assertNotIn("t0ken", str(headers))
            self.assertNotIn("k3y", str(headers))
        # The same host with another spelling is the same origin; without a redirect every request has the token.
        self.server.forget()
        self.load(f"HTTP://127.0.0.1:{self.server.port}/ok/m.npy", **values)
        self.assertEqual({headers.get("Authorization") for _, headers in self.server.requests}, {"Bearer t0ken"})

    def test_tokens_in_files(self):
        path = os.path.join(self.folder, "token")
        with open(path, "w", encoding="utf-8") as file:
            file.write("  from-file \nsecond line\n")
        self.load(f"{self.server.url}/ok/m.npy", token_file=path)
        self.assertEqual(self.server.requests[0][1]["Authorization"], "Bearer from-file")
        self.refused("not_found", f"{self.server.url}/ok/m.npy", path + ".none", token_file=path + ".none")
        open(path, "w", encoding="utf-8").close()
        self.refused("io", f"{self.server.url}/ok/m.npy", "expected a token in the first line", token_file=path)

    def test_the_environment_is_not_read(self):
        """Nor the files that the program looks for."""
        server, certificate = self.tls_server()
        for name, text in ((".aws/credentials", "[default]\naws_access_key_id = a\naws_secret_access_key = s\n"),
                           (".cache/huggingface/token", "t\n"), (".netrc", "machine 127.0.0.1 login l password p\n")):
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY",
                                 "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "HF_ENDPOINT"), "http://127.0.0.1:9")
        secrets = dict.fromkeys(("TENSORFILE_TOKEN", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "AWS_ACCESS_KEY_ID",
                                 "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_PROFILE"), "t")
        files = {"HOME": self.folder, "XDG_CACHE_HOME": self.folder + "/.cache",
                 "HF_HOME": self.folder + "/.cache/huggingface",
                 "HF_TOKEN_PATH": self.folder + "/.cache/huggingface/token", "SSL_CERT_FILE": certificate,
                 "AWS_SHARED_CREDENTIALS_FILE": self.folder + "/.aws/credentials", "CURL_CA_BUNDLE": certificate}
        self.server.commit = "0123456789abcdef0123456789abcdef01234567"
        for revision in ("main", self.server.commit):
            self.server.files[f"n/resolve/{revision}/m.npy"] = FILE
        with mock.patch.dict(os.environ, {**proxies, **secrets, **files}):
            self.load(f"{self.server.url}/ok/m.npy")
            self.load("s3://ok/m.npy", s3_endpoint=self.server.url)
            self.load("hf://ok/n/m.npy", hf_endpoint=self.server.url)
            self.refused("io", f"{server.url}/ok/m.npy", "certificate")
        self.assertEqual(len(self.server.requests), 6)
        for _, headers in self.server.requests:
            self.assertNotIn("Authorization", headers)
            self.assertNotIn("x-amz-security-token", headers)

    def test_proxies(self):
        # A proxy gets the whole URL as the path.
        proxy = self.other_server()
        self.server.redirects.clear()
        message = self.refused("io", "http://host.invalid/ok/m.npy", proxy="http://127.0.0.1:9", retries=0)
        self.assertIn("attempts", message)
        proxy.redirects["http://host.invalid/ok/m.npy"] = (302, f"http://127.0.0.1:{self.server.port}/ok/m.npy")
        self.load("http://host.invalid/ok/m.npy", proxy=proxy.url, no_proxy="127.0.0.1")
        self.assertEqual([path for path, _ in proxy.requests], ["http://host.invalid/ok/m.npy"])

    def test_passwords_of_proxies_are_in_no_message(self):
        """libcurl quotes a proxy that it cannot use, so none is passed to it."""
        for proxy in ("ftp://me:secret@127.0.0.1", "socks9://me:secret@127.0.0.1", "http://me:secr#et@127.0.0.1:9",
                      "me:secr/et@127.0.0.1:9", "http://me:secr?et@127.0.0.1:9", "http://me:sec ret@127.0.0.1:9",
                      "me:secret@127.0.0.1:x", "http://me:secret@127.0.0.1:65536", "http://me:secret@[::1",
                      "me:secret@",
                      "://me:secret@127.0.0.1", "http://127.0.0.1:secret", "http://a@b:secret@127.0.0.1:9",
                      # The port would be a part of the password, or libcurl would use no proxy at all.
                      "http://me:1#secret@127.0.0.1:9", "http://me:1/secret@127.0.0.1:9",
                      "http://me:1?secret@127.0.0.1:9", "http://me:%00secret@127.0.0.1:9"):
            with self.subTest(proxy):
                message = self.refused("invalid_argument", f"{self.server.url}/ok/m.npy",
                                       "PROXY: expected the URL of a proxy", "percent-encoded", proxy=proxy)
                for part in ("secr", "127.0.0.1"):
                    self.assertNotIn(part, message)
        self.assertEqual(self.server.requests, [])
        for proxy in ("me:s%23ecret@127.0.0.1:9", "HTTP://me:secret@127.0.0.1:9/", "https://me:secret@127.0.0.1:9",
                      "socks5h://me:secret@127.0.0.1:9", "socks4://127.0.0.1:9", "http://me:secret@[::1]:9"):
            with self.subTest(proxy):
                message = self.refused("io", f"{self.server.url}/ok/m.npy", "port 9", proxy=proxy, retries=0)
                self.assertNotIn("secret", message)

    def test_passwords_and_queries_are_in_no_message(self):
        for url in ("http://me:secret@127.0.0.1/m.npy", "http://secret@127.0.0.1/m.npy", "https://:secret@h"):
            message = self.refused("invalid_argument", url, "must not contain a user name")
            self.assertNotIn("secret", message)
        for path in ("/ok/none?key=secret", "/etag/m.npy?key=secret", "/none/m.npy?key=secret#secret"):
            message = self.refused(mock.ANY, self.server.url + path, **ONE)
            self.assertNotIn("secret", message)
        self.server.redirects["/r"] = (302, "/403/m.npy?signature=secret")
        self.assertNotIn("secret", self.refused("io", self.server.url + "/r", "AccessDenied"))

    def test_what_messages_contain_of_the_targets_of_redirects(self):
        """The host and port of a target that cannot be reached, but neither its path nor its query."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            for target, text in (("http://no-such-host.invalid", "Could not resolve host: no-such-host.invalid"),
                                 (f"http://127.0.0.1:{port}", f"127.0.0.1 port {port}"),
                                 (f"https://127.0.0.1:{self.server.port}", "SSL")):
                with self.subTest(target):
                    url = self.redirect("r", f"{target}/path/m.npy?signature=secret#secret")
                    message = self.refused("io", url, f"{url}: ", text, retries=0)
                    for part in ("path", "signature", "secret", "https"):
                        self.assertNotIn(part, message)

    def test_certificates_are_verified(self):
        server, certificate = self.tls_server()
        message = self.refused("io", f"{server.url}/ok/m.npy", "certificate", "CA_FILE")
        self.assertIn(f"{server.url}/ok/m.npy: the request failed: ", message)
        self.assertEqual(server.requests, [])
        self.load(f"{server.url}/ok/m.npy", ca_file=certificate)
        # The certificate is for the address, not for the name.
        self.refused("io", f"https://localhost:{server.port}/ok/m.npy", ca_file=certificate)

    def test_no_redirect_from_https_to_http(self):
        server, certificate = self.tls_server()
        server.redirects["/r"] = (302, f"{self.server.url}/ok/m.npy")
        self.refused("io", f"{server.url}/r", "redirects from https to http", ca_file=certificate)
        self.assertEqual(self.server.requests, [])
        self.load(self.redirect("up", f"{server.url}/ok/m.npy"), ca_file=certificate)

    def test_sets_stay_in_their_folder(self):
        index = b'{"weight_map": {"w": "%s"}}'
        for name in (b"../m.safetensors", b"/m.safetensors", b"http://127.0.0.1/m.safetensors", b"a/../../m.safetensors"):
            with self.subTest(name):
                self.server.files["m.safetensors.index.json"] = index % name
                self.server.forget()
                self.refused("corrupt", f"{self.server.url}/ok/m.safetensors.index.json", "not the path of a file below")
                self.assertEqual(len(self.server.requests), 1)
        # What would be an escape after decoding is a name like any other.
        self.server.files["m.safetensors.index.json"] = index % b"%2e%2e%2fm.safetensors"
        self.refused("not_found", f"{self.server.url}/ok/m.safetensors.index.json")
        self.assertEqual(self.server.requests[-1][0], "/ok/%252e%252e%252fm.safetensors")


if __name__ == "__main__":
    main()
