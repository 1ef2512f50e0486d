"""What can be read: paths, buffers, file objects, and sources, which are functions that read at any offset."""

from __future__ import annotations

import io
import operator
import os
import stat
import threading
from typing import Any, Callable, Protocol, Union

import numpy

from ._callbacks import Calls, Finder, Reader, Target, read_at, release, resolve, use
from ._library import Handle, bytes_of, check, lib

Path = Union[str, "os.PathLike[str]"]
Buffer = Union[bytes, bytearray, memoryview, "numpy.ndarray[Any, Any]"]
# The most bytes that are read from a file object at a time.
CHUNK = 16 << 20
# The caches of fsspec that keep no more than the last bytes, so that nothing is lost if they are not used.
WINDOWS = ("none", "readahead", "bytes")


class BinaryReader(Protocol):
    """A file object that is open for reading in binary mode and can seek."""

    def read(self, size: int, /) -> bytes: ...

    def seek(self, offset: int, whence: int = ..., /) -> int: ...

    def tell(self) -> int: ...


class Source:
    """Bytes that can be read at any offset, such as an object in a store. load(), load_metadata() and open() take it.

    read_at(offset, size) returns exactly these bytes, as bytes or another buffer. It is called from several threads at
    the same time, so that several requests can be in flight. What it raises is raised by the call that reads.

    The name is the beginning of error messages, and its extension chooses the format. find(name) returns another file of
    the set that the source belongs to: another source, or anything else that open() takes. The name is relative to the
    folder of the source, such as "model-00002-of-00003.safetensors". If there is no such file, find() raises
    FileNotFoundError.

    The other arguments are hints, which are right for a network: up to `gap` bytes between two wanted parts are read and
    discarded to save a read, large arrays are read in pieces of `piece` bytes, and neighbours together up to that, and up
    to `requests` reads are made at the same time.
    """

    def __init__(self, size: int, read_at: Callable[[int, int], Any], *, name: str = "",
                 find: Callable[[str], Readable] | None = None, gap: int = 1 << 20, piece: int = 8 << 20,
                 requests: int = 16):
        self.size, self.read_at, self.name, self.find = operator.index(size), read_at, name, find
        self.gap, self.piece, self.requests = gap, piece, requests

    def __repr__(self) -> str:
        return f"<Source {self.name!r}: {self.size} bytes>"


#: What load(), load_metadata() and open() read.
Readable = Union[Path, Buffer, BinaryReader, Source]


def path_of(file: object) -> str | None:
    """Returns the path that a file is; None if it is something else."""
    return os.fspath(file) if isinstance(file, (str, os.PathLike)) else None


def name_of(file: object) -> str:
    """Returns the name of a file object, "" if it has none."""
    name = getattr(file, "name", None) or getattr(file, "path", None)
    if not isinstance(name, str):
        return ""
    # A query is no part of the name of a file, and may contain a key.
    return name.split("?")[0] if "://" in name else name


def require_binary(file: Any, method: str, mode: str) -> None:
    """Raises what explains why a file object cannot be read or written."""
    if isinstance(file, io.TextIOBase):
        raise TypeError(f"{file!r} is open in text mode; open it with {mode!r}")
    if not hasattr(file, method):
        raise TypeError(f"expected a path or a binary file object that has {method}(), got {type(file).__name__}")
    able = {"read": "readable", "write": "writable", "seek": "seekable"}[method]
    if not getattr(file, able, lambda: True)():
        raise io.UnsupportedOperation(f"the file object is not {able}")


class _Positioned:
    """A file object, which has one position: only one thread at a time seeks and reads."""

    def __init__(self, file: BinaryReader):
        self._file, self._lock = file, threading.Lock()
        end = file.seek(0, os.SEEK_END)
        # Some file objects return nothing from seek().
        self.size: int = file.tell() if end is None else end

    def read(self, offset: int, target: Target) -> None:
        with self._lock:
            self._file.seek(offset)
            while target.remaining:
                data = self._file.read(min(target.remaining, CHUNK))
                if data is None:
                    raise BlockingIOError("the file object has no bytes yet: it must not be in non-blocking mode")
                if len(data) == 0:
                    return
                target.put(data)


def buffer_of(file: Any) -> numpy.ndarray[Any, Any] | None:
    """Returns the bytes of a buffer, without a copy; None for other objects."""
    try:
        # Its value is not copied either, unless it is written to while the bytes are in use.
        view = memoryview(file.getvalue() if type(file) is io.BytesIO else file)
    except TypeError:
        return None
    return numpy.frombuffer(view, numpy.uint8) if view.nbytes else numpy.empty(0, numpy.uint8)


def _descriptor_of(file: Any) -> int | None:
    """Returns the descriptor of a regular file, which several threads can read without its position.

    Other classes may have a fileno() too, but that of a GzipFile, for example, is the compressed file's.
    """
    if os.name != "posix" or type(file) not in (io.FileIO, io.BufferedReader, io.BufferedRandom):
        return None
    if type(getattr(file, "raw", file)) is not io.FileIO:
        return None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return None
    if isinstance(file, io.BufferedRandom):
        file.flush()
    descriptor: int = file.fileno()
    return descriptor


def _remote_of(file: Any) -> Source | None:
    """Returns a source for a file object of fsspec whose file system can make several requests at the same time."""
    system: Any = getattr(file, "fs", None)
    path, size = getattr(file, "path", None), getattr(file, "size", None)
    if not getattr(system, "async_impl", False) or not isinstance(path, str) or not isinstance(size, int):
        return None
    if getattr(getattr(file, "cache", None), "name", None) not in WINDOWS or getattr(file, "mode", None) != "rb":
        return None

    def read(offset: int, size: int) -> bytes:
        if file.closed:
            raise ValueError("I/O operation on closed file.")
        data: bytes = system.cat_file(path, start=offset, end=offset + size)
        return data

    return Source(size, read, name=name_of(file))


def _from_memory(made: Handle, array: numpy.ndarray[Any, Any]) -> None:
    check(lib.tf_source_from_memory(made.out, array.ctypes.data, array.nbytes, release, use(array)))


def _from_source(made: Handle, source: Source, calls: Calls) -> None:
    reader = Reader(calls, lambda offset, target: target.put(source.read_at(offset, target.nbytes)))
    check(lib.tf_source_new(made.out, source.size, 1, read_at, None, release, use(reader)))
    check(lib.tf_source_set_hints(made.value, source.gap, source.piece, source.requests))
    find = source.find
    if find is not None:
        finder = Finder(calls, lambda name: source_of(find(name), calls))
        check(lib.tf_source_set_resolver(made.value, resolve, release, use(finder)))


def _from_file(made: Handle, file: Any, calls: Calls) -> None:
    descriptor, remote = _descriptor_of(file), _remote_of(file)
    if descriptor is not None:
        check(lib.tf_source_from_fd(made.out, descriptor, 0, 2**64 - 1))
    elif remote is not None:
        _from_source(made, remote, calls)
    else:
        positioned = _Positioned(file)
        reader = Reader(calls, positioned.read)
        check(lib.tf_source_new(made.out, positioned.size, 0, read_at, None, release, use(reader)))


def _from_object(made: Handle, file: Any, calls: Calls) -> None:
    """Makes the source of a Source or of a file object, with its name."""
    if isinstance(file, Source):
        _from_source(made, file, calls)
    else:
        require_binary(file, "read", "rb")
        require_binary(file, "seek", "rb")
        _from_file(made, file, calls)
    name = bytes_of(name_of(file))
    if name:
        check(lib.tf_source_set_name(made.value, name, len(name)))


def source_of(file: Any, calls: Calls) -> Handle:
    """Returns a source of the library, which keeps what it reads from. Its callbacks belong to `calls`."""
    made = Handle("source")
    try:
        path, buffer = path_of(file), buffer_of(file)
        if path is not None:
            check(lib.tf_source_from_path(made.out, os.fsencode(path)), path)
        elif buffer is None:
            _from_object(made, file, calls)
        else:
            _from_memory(made, buffer)
    except BaseException:
        made.__exit__()
        raise
    return made
