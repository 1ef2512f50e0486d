"""Servers with faults: which are repeated, which are errors, and what the messages say."""

import contextlib
import ctypes
import socket
import time

from http_support import CANCEL, OPTION_THREADS, Case
from support import main, npy, npz

DATA = bytes(range(256)) * 1200
FILE = npy("|u1", (len(DATA),), DATA)
ONE = {OPTION_THREADS: 1}
FIRST = {"first_bytes": 65536}


class Faults(Case):
    def setUp(self):
        super().setUp()
        self.server.files["m.npy"] = FILE
        self.server.files["small.npy"] = npy("|u1", (3,), b"abc")
        self.server.files["empty.npy"] = b""

    def url(self, fault, name="m.npy"):
        return f"{self.server.url}/{fault}/{name}"

    def load(self, fault, **values):
        self.assertEqual(self.library.load(self.url(fault), core=ONE, **{**FIRST, **values}), {"": DATA})

    def test_faults_that_pass_are_repeated(self):
        for fault in ("cut", "reset", "408", "429", "500", "502", "504"):
            with self.subTest(fault):
                self.server.forget()
                self.server.failures = 2
                self.load(fault)
                self.assertGreaterEqual(len(self.server.requests), 4)

    def test_a_repeated_request_asks_for_the_missing_bytes(self):
        self.load("cut", first_bytes=1000)
        first, again = self.server.ranges()[:2]
        self.assertEqual((first, again[1]), ((0, 999), 999))
        self.assertGreater(again[0], 400)

    def test_retry_after_is_obeyed(self):
        for fault in ("503", "busy"):
            with self.subTest(fault):
                start = time.monotonic()
                self.load(fault)
                self.assertGreaterEqual(time.monotonic() - start, 1)

    def test_retry_after_longer_than_allowed_is_an_error(self):
        self.refused("io", self.url("later"), "503 (SlowDown)", "wait 3600 s", "MAX_WAIT")
        self.assertEqual(len(self.server.requests), 1)

    def test_repetition_ends(self):
        self.server.failures = 100
        for fault, text in (("408", "the server answered 408 (Request Timeout)"),
                            ("429", "the server answered 429 (Too Many Requests)"),
                            ("500", "the server answered 500 (SlowDown)"),
                            ("502", "the server answered 502 (Bad Gateway)"),
                            ("504", "the server answered 504 (Gateway Timeout)"),
                            ("reset", "Recv failure: Connection reset by peer")):
            with self.subTest(fault):
                self.server.forget()
                message = self.refused("io", self.url(fault), retries=2)
                self.assertEqual(message, f"io: {self.url(fault)}: {text}, at each of 3 attempts")
                self.assertEqual(len(self.server.requests), 3)
        self.refused("io", self.url("cut"), f"{self.url('cut')}: the connection ended after", "at each of 3 attempts",
                     retries=2)
        # With Retry-After, whose seconds the next request waits for.
        for fault, text in (("503", "503 (SlowDown)"), ("busy", "429 (Too Many Requests)")):
            with self.subTest(fault):
                self.server.forget()
                start = time.monotonic()
                message = self.refused("io", self.url(fault), retries=1)
                self.assertEqual(message, f"io: {self.url(fault)}: the server answered {text}, at each of 2 attempts")
                self.assertEqual(len(self.server.requests), 2)
                self.assertGreaterEqual(time.monotonic() - start, 1)

    def test_waits_double(self):
        self.server.failures = 3
        start = time.monotonic()
        self.load("500", backoff=100)
        # 100 + 200 + 400 ms, of which up to half is left out.
        self.assertGreaterEqual(time.monotonic() - start, 0.35)

    def test_stalled_transfers_are_given_up(self):
        self.load("stall", stall_timeout=1000)
        self.server.forget()
        self.refused("io", self.url("stall"), "nothing arrived for 1000 ms, at each of 1 attempts", stall_timeout=1000, retries=0)

    def test_short_ranges_are_continued(self):
        self.load("short")

    def test_servers_without_ranges(self):
        for fault in ("none", "chunked", "close"):
            message = self.refused("unsupported", self.url(fault), f"{self.url(fault)}: the server does not support ranges",
                                   "download the file", **FIRST)
            self.assertEqual(message.count("://"), 1)
        # A file that is no longer than the first request is read all the same, if its end can be told from a failure.
        for fault in ("none", "chunked", "nonecut", "chunkedcut"):
            self.assertEqual(self.library.load(self.url(fault, "small.npy")), {"": b"abc"}, fault)
        self.refused("unsupported", self.url("close", "small.npy"), "does not support ranges")
        # Of an .npz, the first request is shorter than of other files.
        for size, sound in ((60_000, True), (70_000, False)):
            self.server.files["m.npz"] = npz({"w.npy": npy("|u1", (size,), DATA[:size])})
            if sound:
                self.assertEqual(self.library.load(self.url("none", "m.npz")), {"w": DATA[:size]})
            else:
                self.refused("unsupported", self.url("none", "m.npz"), "does not support ranges")

    def test_answers_that_contradict_themselves(self):
        for fault, status, text in (
                ("more", "io", "the server sends more than the 65536 bytes"),
                ("length", "io", "Content-Range has 65536 bytes, but Content-Length has 65535"),
                ("start", "io", "expected a range from byte 0 on, found one from byte 1 on"),
                ("wide", "io", f"the server announces {len(FILE)} bytes, more than the 65536"),
                ("nototal", "unsupported", "does not say how long the file is"),
                ("norange", "io", "206 without a valid Content-Range"),
                ("gzip", "unsupported", "compresses"),
                ("204", "io", "found 204"),
                ("head", "io", "the head of the server's answer has more than 262144 bytes"),
                ("416", "io", "416")):
            with self.subTest(fault):
                self.server.forget()
                self.refused(status, self.url(fault), f"{self.url(fault)}: ", text, **FIRST)
                self.assertEqual(len(self.server.requests), 1)

    def test_a_file_that_changes_is_an_error(self):
        for fault, text in (("etag", 'its ETag was "v1", and is "v2"'), ("noetag", 'its ETag was "v1", and is missing'),
                            ("modified", "its Last-Modified was Wed, 21 Oct 2015 07:28:01 GMT, and is Wed"),
                            ("grown", f"it had {len(FILE)} bytes, and has {len(FILE) + 1}")):
            with self.subTest(fault):
                self.server.forget()
                self.refused("io", self.url(fault), f"{self.url(fault)}: ", "the file changed while it was read", text,
                             core=ONE, **FIRST)
                self.assertEqual(len(self.server.requests), 2)

    def test_statuses(self):
        for fault, name, status, text in (("ok", "none", "not_found", "the server answered 404 (Not Found)"),
                                          ("large", "m.npy", "not_found", "404 (Not Found)"),
                                          ("403", "m.npy", "io", "403 (AccessDenied); reading this file may need"),
                                          ("401", "m.npy", "io", "401 (GatedRepo); reading this file may need"),
                                          ("region", "m.npy", "io", "the server answered 400 (AuthorizationHeaderMalformed); "
                                           "the bucket is in the region eu-west-1"),
                                          ("407", "m.npy", "io", "the server answered 407 (Proxy Authentication Required); "
                                           "the proxy needs a user name and password")):
            with self.subTest(fault):
                self.server.forget()
                message = self.refused(status, self.url(fault, name), text)
                self.assertNotIn("SECRET", message)
                self.assertEqual(len(self.server.requests), 1)

    def test_an_empty_file(self):
        self.refused("truncated", self.url("ok", "empty.npy"), f"{self.url('ok', 'empty.npy')}: ", "empty")

    def test_no_server(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
            self.refused("io", f"http://127.0.0.1:{port}/m.npy", f"http://127.0.0.1:{port}/m.npy: ", "at each of 2",
                         retries=1)
        self.refused("io", "http://no-such-host.invalid/m.npy", "the request failed: Could not resolve host")

    def test_connecting_is_given_up(self):
        """A server that accepts no connection, and whose queue of them is full, does not answer."""
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(socket.socket())
            server.bind(("127.0.0.1", 0))
            server.listen(0)
            for _ in range(100):
                waiting = stack.enter_context(socket.socket())
                waiting.settimeout(0.5)
                try:
                    waiting.connect(server.getsockname())
                except TimeoutError:
                    break
            else:
                self.skipTest("this system has no limit of the queue")
            url = f"http://127.0.0.1:{server.getsockname()[1]}/m.npy"
            start = time.monotonic()
            self.refused("io", url, f"{url}: ", "imeout was reached, at each of 2 attempts", connect_timeout=100, retries=1)
            # Both attempts together took less than one with the default.
            self.assertLess(time.monotonic() - start, 15)

    def test_cancelling(self):
        asked = []

        def cancel(_):
            asked.append(1)
            return 1 if len(asked) > 3 else 0

        callback = CANCEL(cancel)
        self.server.delay = 5
        start = time.monotonic()
        self.refused("cancelled", self.url("ok"), "the request was cancelled", cancel=callback)
        self.assertLess(time.monotonic() - start, 5)

    def test_what_is_no_url(self):
        for url, status, text in (("ftp://h/x", "unsupported", "http://, https://, s3:// or hf://"),
                                  ("m.npy", "unsupported", "expected a URL"),
                                  ("http://", "invalid_argument", "expected a host"),
                                  ("http://:80/x", "invalid_argument", "expected a host"),
                                  ("http://h:0/x", "invalid_argument", "expected a host"),
                                  ("http://h:65536/x", "invalid_argument", "expected a host"),
                                  ("http://h:8x/x", "invalid_argument", "expected a host"),
                                  ("http://a b/x", "invalid_argument", "expected a host"),
                                  ("http://h/\nx", "invalid_argument", "control characters")):
            with self.subTest(url):
                self.refused(status, url, text)

    def test_options(self):
        http = self.library.http
        options = self.library.options()
        for option, value in ((1, 0), (3, -1), (3, 101), (6, 6), (10, 0), (11, 0), (0, 1), (12, 1), (100, 1), (-5, 1)):
            self.assertEqual(http.tf_http_options_set(options, option, ctypes.c_int64(value)), 1, (option, value))
        for option, value in ((99, b"x"), (114, b"x"), (1, b"x"), (104, b"a\nb")):
            self.assertEqual(http.tf_http_options_set_string(options, option, value, ctypes.c_size_t(len(value))), 1)
        self.assertNotIn("a\nb", self.library.lib.tf_error_message().decode())
        for name, value in ((b"Host", b"x"), (b"a b", b"x"), (b"", b"x"), (b"X", b"a\r\nB: c"), (b"range", b"x")):
            self.assertEqual(http.tf_http_options_add_header(options, name, value), 1, name)
        http.tf_http_options_release(options)

    def test_names_are_encoded(self):
        self.server.files["a%20%C3%A9%2B.npy"] = self.server.files["small.npy"]
        self.assertEqual(self.library.load(f"{self.server.url}/ok/a é%2B.npy#part"), {"": b"abc"})


if __name__ == "__main__":
    main()
