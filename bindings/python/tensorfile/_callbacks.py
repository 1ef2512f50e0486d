"""Calls from the library into Python: the objects that they use, and the exceptions that they raise."""

from __future__ import annotations

import ctypes
import itertools
import threading
from ctypes import CFUNCTYPE, c_char_p, c_int32, c_size_t, c_uint64, c_void_p
from typing import Any, Callable

import numpy

from ._library import Handle, check, lib

NOT_FOUND, TRUNCATED = 4, 8
# The statuses of exceptions. They are far above those of the library, which passes on what a callback returns.
FIRST_STATUS = 1 << 20


class Short(Exception):
    """Fewer or more bytes than were asked for. The library adds the file, the array and the offset to its message."""


class Calls:
    """The calls that use a source or sink, and the exceptions that its callbacks raise in them.

    Each exception becomes a status of its own, so that a call raises the exception that made it fail, whichever thread
    raised it and whatever fails in other calls at the same time. The exceptions are dropped when no call is left.
    """

    def __init__(self) -> None:
        # A collection of garbage may run code that uses the file, on a thread that has the lock.
        self._lock = threading.RLock()
        self._count = 0
        self._raised: dict[int, BaseException] = {}

    def __enter__(self) -> Calls:
        with self._lock:
            self._count += 1
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._count -= 1
            if self._count == 0:
                self._raised = {}

    def failed(self, error: BaseException) -> int:
        """Returns the status that a callback returns because of an exception."""
        if isinstance(error, Short):
            return describe(TRUNCATED, str(error))
        with self._lock:
            status = FIRST_STATUS + len(self._raised)
            self._raised[status] = error
        return status

    def not_found(self, error: FileNotFoundError) -> int:
        """Returns the status by which the library learns that a set has no such file. It may then do without it."""
        with self._lock:
            self._raised[NOT_FOUND] = error
        return describe(NOT_FOUND, str(error))

    def check(self, status: int, path: object = None) -> None:
        """Raises the exception that a status stands for."""
        with self._lock:
            error = self._raised.get(status)
        if error is None:
            return check(status, path)
        try:
            raise error
        finally:
            del error  # which refers to this frame


def describe(status: int, message: str) -> int:
    text = message.encode("utf-8", "replace")
    described: int = lib.tf_error_set(status, text, len(text))
    return described


# What the library uses, by the number that it passes to callbacks, until it releases that.
_used: dict[int, Any] = {}
_numbers = itertools.count(1)


def use(thing: Any) -> int:
    """Keeps a thing until the library releases the number that this returns."""
    number = next(_numbers)
    _used[number] = thing
    return number


def _release(number: int) -> None:
    _used.pop(number, None)


class Target:
    """Memory of the library that a read fills. It copies, so that no file object can keep a reference to the memory."""

    def __init__(self, address: int, nbytes: int):
        self.address, self.nbytes, self.done = address, nbytes, 0

    @property
    def remaining(self) -> int:
        return self.nbytes - self.done

    def put(self, data: Any) -> None:
        """Appends the bytes of a buffer."""
        source = numpy.frombuffer(data, numpy.uint8)
        if source.nbytes > self.remaining:
            raise Short(f"expected {self.nbytes} bytes, got {self.done + source.nbytes}")
        ctypes.memmove(self.address + self.done, source.ctypes.data, source.nbytes)
        self.done += source.nbytes


class Reader:
    """The argument of read_at: a function that puts the bytes at an offset into a target."""

    def __init__(self, calls: Calls, read: Callable[[int, Target], None]):
        self.calls, self.read = calls, read


def _read_at(number: int, offset: int, to: int, nbytes: int) -> int:
    reader: Reader = _used[number]
    try:
        target = Target(to, nbytes)
        reader.read(offset, target)
        if target.remaining:
            raise Short(f"expected {nbytes} bytes, got {target.done}")
    except BaseException as error:
        return reader.calls.failed(error)
    return 0


class Finder:
    """The argument of resolve: a function that returns a source for the file of a set that has a name."""

    def __init__(self, calls: Calls, find: Callable[[str], Handle]):
        self.calls, self.find = calls, find


def _resolve(number: int, name: bytes, out: int) -> int:
    finder: Finder = _used[number]
    try:
        found = finder.find(name.decode("utf-8", "surrogateescape"))
    except FileNotFoundError as error:
        return finder.calls.not_found(error)
    except BaseException as error:
        return finder.calls.failed(error)
    c_void_p.from_address(out).value = found.value.value  # the library now owns it
    return 0


class Writer:
    """The argument of write: a function that writes the bytes at an address."""

    def __init__(self, calls: Calls, write: Callable[[int, int], None]):
        self.calls, self.write = calls, write


def _write(number: int, data: int, nbytes: int) -> int:
    writer: Writer = _used[number]
    try:
        writer.write(data, nbytes)
    except BaseException as error:
        return writer.calls.failed(error)
    return 0


# The functions for the library. They must exist as long as it may call them.
release = CFUNCTYPE(None, c_void_p)(_release)
read_at = CFUNCTYPE(c_int32, c_void_p, c_uint64, c_void_p, c_size_t)(_read_at)
resolve = CFUNCTYPE(c_int32, c_void_p, c_char_p, c_void_p)(_resolve)
write = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t)(_write)
