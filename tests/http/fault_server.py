"""A server of files with faults, on the loopback interface. The first part of a path is the fault: /cut/m.npy."""

import hashlib
import http.server
import socket
import threading
import time


class Server:
    """Serves files, which are bytes by name, and records the requests."""

    def __init__(self, tls=None):
        self.files = {}
        self.requests = []  # (path, headers)
        self.answers = {}  # how many answers each path has had
        self.redirects = {}  # path: (status, target)
        self.failures = 1  # how many answers of a path have a fault that passes
        self.most = 0  # requests that waited for their answers at the same time
        self.waiting = {}  # how many waited, itself included, when each path was last asked for
        self.delay = 0.0  # seconds before each answer
        self.connections = 0
        self.stuck = 0  # requests for what do_stuck() answers only once it is asked for again
        self.asked_again = threading.Event()
        self.given_up = False
        self._now = 0
        self._lock = threading.Lock()
        owner = self

        class Bound(Handler):
            server_state = owner

        class Listening(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def get_request(self):
                with owner._lock:
                    owner.connections += 1
                return super().get_request()

            def handle_error(self, request, client_address):
                pass

        self._server = Listening(("127.0.0.1", 0), Bound)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def begin(self, path, headers):
        with self._lock:
            self.requests.append((path, headers))
            self.answers[path] = self.answers.get(path, 0) + 1
            self._now += 1
            self.waiting[path] = self._now
            self.most = max(self.most, self._now)
            return self.answers[path]

    def end(self):
        with self._lock:
            self._now -= 1

    def ranges(self):
        """The ranges of the requests so far, as (first, last); forgets the requests."""
        found = []
        for _, headers in self.requests:
            # HTTP/2 has names in lower case.
            value = next(value for name, value in headers.items() if name.lower() == "range")
            first, last = value.removeprefix("bytes=").split("-")
            found.append((int(first), int(last)))
        self.forget()
        return found

    def forget(self):
        self.requests.clear()
        self.answers.clear()
        self.most = 0

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_state = None

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        """What other programs ask first: the size of a file, or a redirect with what is known about its target."""
        path = self.path.split("?")[0]
        self.server_state.begin(self.path, dict(self.headers))
        self.server_state.end()
        if path.startswith("/ok/") and path[4:] in self.server_state.files:
            data = self.server_state.files[path[4:]]
            return self.answer(200, {"Accept-Ranges": "bytes", "ETag": self.etag(data), **self.commit()}, length=len(data))
        status, target = self.server_state.redirects.get(path, (404, ""))
        return self.answer(status, {"Location": target, **self.commit(), **getattr(self.server_state, "linked", {})}, length=0)

    def do_GET(self):
        state = self.server_state
        count = state.begin(self.path, dict(self.headers))
        if state.delay:
            time.sleep(state.delay)
        # Before the answer, since a client that has all of it may send its next request at once.
        state.end()
        path = self.path.split("?")[0]
        if path in state.redirects:
            status, target = state.redirects[path]
            return self.answer(status, {"Location": target, **self.commit()}, b"moved")
        _, fault, name = path.split("/", 2)
        data = state.files.get(name)
        if data is None:
            return self.answer(404, {}, b"no such file")
        return getattr(self, "do_" + fault)(data, count)

    @staticmethod
    def etag(data):
        return '"' + hashlib.sha256(data).hexdigest()[:8] + '"'

    def commit(self):
        commit = getattr(self.server_state, "commit", None)
        return {"X-Repo-Commit": commit} if commit else {}

    def answer(self, status, headers, body=b"", length=None):
        self.send_response(status)
        for name, value in {"Content-Length": len(body) if length is None else length, **headers}.items():
            if value is not None:
                self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def range(self, data):
        first, last = self.headers["Range"].removeprefix("bytes=").split("-")
        return int(first), min(int(last), len(data) - 1)

    def part(self, data, headers=None, body=None, length=None):
        """Answers with the range that was asked for."""
        first, last = self.range(data)
        if first >= len(data):
            return self.answer(416, {"Content-Range": f"bytes */{len(data)}"})
        defaults = {"Content-Range": f"bytes {first}-{last}/{len(data)}", **self.commit(),
                    "ETag": self.etag(data),
                    "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
        return self.answer(206, {**defaults, **(headers or {})}, data[first:last + 1] if body is None else body, length)

    def do_ok(self, data, count):
        if self.headers.get("If-Match", self.etag(data)) != self.etag(data):
            self.answer(412, {})
        elif "Range" in self.headers:
            self.part(data)
        else:
            self.answer(200, {"Accept-Ranges": "bytes"}, data)

    def do_none(self, data, count):
        """No ranges."""
        self.answer(200, {"ETag": '"1"'}, data)

    def do_chunked(self, data, count):
        """No ranges, and no length."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n0\r\n\r\n")

    def do_chunkedcut(self, data, count):
        """As do_chunked(), but the first answers end in the middle."""
        if count > self.server_state.failures:
            return self.do_chunked(data, count)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(f"{len(data):x}\r\n".encode() + data[:len(data) // 2])
        self.close_connection = True
        return None

    def do_close(self, data, count):
        """No ranges, and no length but the end of the connection."""
        self.answer(200, {"Content-Length": None, "Connection": "close"}, data)
        self.close_connection = True

    def do_nonecut(self, data, count):
        """No ranges, and the first answers end in the middle."""
        half = data[:len(data) // 2] if count <= self.server_state.failures else data
        self.answer(200, {}, half, len(data))
        self.close_connection = True

    def do_cut(self, data, count):
        """The connection ends in the middle of the body, in the first answers."""
        first, last = self.range(data)
        if count > self.server_state.failures:
            return self.part(data)
        self.part(data, body=data[first:first + (last - first) // 2], length=last - first + 1)
        self.close_connection = True
        return None

    def do_reset(self, data, count):
        """The connection ends without an answer, in the first answers."""
        if count > self.server_state.failures:
            return self.part(data)
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()
        return None

    def do_stall(self, data, count):
        """Half of the body arrives, and then nothing for a while, in the first answers."""
        first, last = self.range(data)
        if count > self.server_state.failures:
            return self.part(data)
        self.part(data, body=data[first:first + (last - first) // 2], length=last - first + 1)
        self.wfile.flush()
        time.sleep(3)
        self.close_connection = True
        return None

    def do_stuck(self, data, count):
        """The first answer with the last byte never arrives. Until it is asked for again, the others but the first one
        arrive slowly."""
        state = self.server_state
        first, last = self.range(data)
        if last < len(data) - 1:
            self.part(data, body=b"", length=last - first + 1)
            while first > 0 and not state.asked_again.wait(0.02):
                self.wfile.write(data[first:first + 1])
                first += 1
            self.wfile.write(data[first:last + 1])
            return
        state.stuck += 1
        if state.stuck == 1:
            self.part(data, body=b"", length=last - first + 1)
            state.given_up = state.asked_again.wait(60)
            self.close_connection = True
            return
        state.asked_again.set()
        self.part(data)

    def do_short(self, data, count):
        """The range has at most 70,000 bytes."""
        first, last = self.range(data)
        last = min(last, first + 69999)
        self.part(data, {"Content-Range": f"bytes {first}-{last}/{len(data)}"}, data[first:last + 1])

    def do_more(self, data, count):
        """More bytes than Content-Range says."""
        self.part(data, {"Content-Length": None, "Connection": "close"},
                  data[self.range(data)[0]:self.range(data)[1] + 1] + b"more")
        self.close_connection = True

    def do_length(self, data, count):
        """Content-Length and Content-Range differ."""
        first, last = self.range(data)
        self.part(data, body=data[first:last])

    def do_start(self, data, count):
        """The range begins elsewhere."""
        first, last = self.range(data)
        self.part(data, {"Content-Range": f"bytes {first + 1}-{last}/{len(data)}"}, data[first + 1:last + 1])

    def do_wide(self, data, count):
        """The range is the whole file."""
        self.part(data, {"Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"}, data)

    def do_nototal(self, data, count):
        first, last = self.range(data)
        self.part(data, {"Content-Range": f"bytes {first}-{last}/*"})

    def do_norange(self, data, count):
        self.part(data, {"Content-Range": None})

    def do_gzip(self, data, count):
        self.part(data, {"Content-Encoding": "gzip"})

    def do_etag(self, data, count):
        """The file changes after the first answer."""
        self.part(data, {"ETag": f'"v{min(count, 2)}"'})

    def do_noetag(self, data, count):
        """The ETag disappears."""
        self.part(data, {"ETag": '"v1"' if count == 1 else None})

    def do_modified(self, data, count):
        self.part(data, {"ETag": None, "Last-Modified": f"Wed, 21 Oct 2015 07:28:0{min(count, 2)} GMT"})

    def do_grown(self, data, count):
        first, last = self.range(data)
        self.part(data, {"ETag": None, "Content-Range": f"bytes {first}-{last}/{len(data) + (count > 1)}"})

    def failing(self, data, count, status, headers, body=b"<Error><Code>SlowDown</Code></Error>"):
        if count > self.server_state.failures:
            return self.part(data)
        return self.answer(status, headers, body)

    def do_503(self, data, count):
        self.failing(data, count, 503, {"Retry-After": 1})

    def do_408(self, data, count):
        self.failing(data, count, 408, {}, b"")

    def do_429(self, data, count):
        self.failing(data, count, 429, {}, b"")

    def do_busy(self, data, count):
        self.failing(data, count, 429, {"Retry-After": 1}, b"")

    def do_502(self, data, count):
        self.failing(data, count, 502, {}, b"")

    def do_504(self, data, count):
        self.failing(data, count, 504, {}, b"")

    def do_500(self, data, count):
        self.failing(data, count, 500, {})

    def do_later(self, data, count):
        self.failing(data, count, 503, {"Retry-After": 3600})

    def do_403(self, data, count):
        self.answer(403, {}, b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Key>SECRET</Key></Error>")

    def do_401(self, data, count):
        self.answer(401, {"X-Error-Code": "GatedRepo"}, b"x")

    def do_region(self, data, count):
        """A store with the API of S3, asked for a bucket of another region."""
        self.answer(400, {"x-amz-bucket-region": "eu-west-1"},
                    b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>")

    def do_407(self, data, count):
        self.answer(407, {"Proxy-Authenticate": "Basic realm=x"})

    def do_416(self, data, count):
        self.answer(416, {"Content-Range": f"bytes */{len(data)}"})

    def do_204(self, data, count):
        self.answer(204, {"Content-Length": None})

    def do_head(self, data, count):
        """A head that is too large."""
        self.send_response(206)
        for i in range(10000):
            self.send_header(f"X-{i}", "x" * 50)
        self.end_headers()

    def do_large(self, data, count):
        """An error with a body that is not worth reading."""
        self.answer(404, {}, bytes(10_000_000))

    def do_expiring(self, data, count):
        """A target that is good once."""
        if count > 1:
            return self.answer(403, {}, b"expired")
        return self.part(data)


if __name__ == "__main__":
    import pathlib
    import sys

    def main():
        """usage: fault_server.py FOLDER: serves the files of a folder, prints its URL, and runs until its input ends."""
        server = Server()
        for path in pathlib.Path(sys.argv[1]).iterdir():
            server.files[path.name] = path.read_bytes()
        print(server.url, flush=True)
        sys.stdin.read()
        server.close()

    main()
