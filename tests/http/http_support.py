"""libtensorfile and libtensorfile_http through ctypes."""

import ctypes
import os
import pathlib
import sys
import unittest
from ctypes import byref, c_char_p, c_int32, c_int64, c_size_t, c_void_p

# Of this process only: programs that it starts have the sanitizer themselves, and look for leaks.
for _variable in ("LD_PRELOAD", "ASAN_OPTIONS"):
    os.environ.pop(_variable, None)

SOURCE_DIR = pathlib.Path(os.environ["TENSORFILE_SOURCE_DIR"])
sys.path[:0] = [str(SOURCE_DIR / "tests" / "peers"), str(SOURCE_DIR / "tests" / "cli")]

from capi import Library, TensorfileError  # noqa: E402  # the path is set above
from fault_server import Server  # noqa: E402

OPTIONS = {"connect_timeout": 1, "stall_timeout": 2, "retries": 3, "backoff": 4, "max_wait": 5, "redirects": 6,
           "first_bytes": 7, "gap": 8, "piece": 9, "requests": 10, "streams": 11, "ca_file": 100, "proxy": 101, "no_proxy": 102,
           "user_agent": 103, "token": 104, "token_file": 105, "hf_endpoint": 106, "s3_endpoint": 107, "s3_region": 108,
           "s3_access_key": 109, "s3_secret_key": 110, "s3_session_token": 111, "s3_credentials_file": 112,
           "s3_profile": 113}
CANCEL = ctypes.CFUNCTYPE(c_int32, c_void_p)
OPTION_THREADS, OPTION_PARTS, OPTION_MAX_HEADER_BYTES = 1, 7, 10


class HttpLibrary(Library):
    """Both libraries."""

    def __init__(self):
        # The functions of the core must be found by the other library.
        super().__init__(os.environ["TENSORFILE_LIBRARY"])
        self.http = ctypes.CDLL(os.environ["TENSORFILE_HTTP_LIBRARY"])
        self.http.tf_http_options_release.restype = None
        self.lib.tf_source_release.restype = None
        self.lib.tf_read_plan_release.restype = None

    def options(self, headers=(), cancel=None, **values):
        out = c_void_p()
        self.check(self.http.tf_http_options_new(byref(out)))
        for name, value in values.items():
            if isinstance(value, int):
                self.check(self.http.tf_http_options_set(out, c_int32(OPTIONS[name]), c_int64(value)))
            else:
                self.check(self.http.tf_http_options_set_string(out, c_int32(OPTIONS[name]), c_char_p(value.encode()),
                                                                c_size_t(len(value.encode()))))
        for name, value in headers:
            self.check(self.http.tf_http_options_add_header(out, name.encode(), value.encode()))
        if cancel:
            self.check(self.http.tf_http_options_set_cancel(out, cancel, None, None))
        return out

    def source(self, url, **values):
        options = self.options(**{"backoff": 1, **values})
        out = c_void_p()
        try:
            self.check(self.http.tf_source_from_url(byref(out), url.encode(), options))
        finally:
            self.http.tf_http_options_release(options)
        return out

    def core_options(self, values):
        out = c_void_p()
        self.call("tf_options_new", byref(out))
        for option, value in values.items():
            self.call("tf_options_set", out, c_int32(option), c_int64(value))
        return out

    def open(self, url, core=None, **values):
        """Opens the file or set at a URL."""
        source = self.source(url, **values)
        options = self.core_options(core or {})
        out = c_void_p()
        try:
            self.call("tf_file_open_source", byref(out), source, c_int32(0), options)
        finally:
            self.lib.tf_source_release(source)
            self.lib.tf_options_release(options)
        return File(self, out)

    def load(self, url, core=None, **values):
        file = self.open(url, core, **values)
        try:
            return {name: file.read(i).data for i, name in enumerate(file.names())}
        finally:
            file.close()


class File:
    """An open tf_file."""

    def __init__(self, library, handle):
        self.library, self.handle = library, handle

    def names(self):
        found = []
        for i in range(self.library.lib.tf_file_count(self.handle)):
            text, length = c_char_p(), c_size_t()
            self.library.call("tf_file_name", byref(text), byref(length), self.handle, c_size_t(i))
            found.append(text.value.decode())
        return found

    def read(self, index):
        out = c_void_p()
        self.library.call("tf_file_read", byref(out), self.handle, c_size_t(index))
        return self.library.tensor(out)

    def read_all(self, sizes):
        """Reads arrays, which are (index, nbytes), with one plan."""
        plan = c_void_p()
        self.library.call("tf_read_plan_new", byref(plan), self.handle)
        buffers = []
        for index, nbytes in sizes:
            buffers.append(ctypes.create_string_buffer(nbytes))
            self.library.call("tf_read_plan_add", plan, c_size_t(index), None, None, None, c_size_t(0), c_int32(0),
                              buffers[-1], None, c_size_t(nbytes))
        try:
            self.library.call("tf_read_plan_run", plan)
        finally:
            self.library.lib.tf_read_plan_release(plan)
        return [buffer.raw for buffer in buffers]

    def close(self):
        self.library.lib.tf_file_release(self.handle)


class Case(unittest.TestCase):
    """A test with both libraries and a server."""

    library = HttpLibrary()

    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)

    def refused(self, status, url, *texts, **values):
        """Opening and reading a URL must fail. Returns the message."""
        with self.assertRaises(TensorfileError) as caught:
            self.library.load(url, **values)
        message = str(caught.exception)
        self.assertEqual(caught.exception.status, status, message)
        for text in texts:
            self.assertIn(text, message)
        return message
