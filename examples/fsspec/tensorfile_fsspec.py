"""Reads files and sets of arrays from whatever fsspec can reach, such as S3, HTTP and archives, and saves them there.

usage: tensorfile_fsspec.py ls URL                 prints the names, types and shapes of the arrays
       tensorfile_fsspec.py show URL NAME [SLICE]  prints an array or a part of it, such as "0:2,::4"
       tensorfile_fsspec.py copy URL URL           loads all arrays and saves them in the format of the second URL

A URL is one of fsspec, such as s3://bucket/model.safetensors.index.json or zip://w.npz::https://host/models.zip.
"""

import contextlib
import json
import posixpath
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import fsspec
from fsspec.archive import AbstractArchiveFileSystem

import tensorfile

# The library reads at most this much before it knows how long a header is. It is read together with the size.
HEAD = 1 << 20
# The requests that are made at the same time.
REQUESTS = 16


class _Object:
    """A file of an asynchronous file system. Every read is a request, and several can be in flight."""

    def __init__(self, fs, path):
        info = fs.info(path)
        if info["size"] is None or info.get("partial") is False:
            raise OSError(f"{path}: the server does not support ranges")
        self.fs, self.path, self.size, self._same = fs, path, info["size"], {}
        etag = info.get("ETag", "")
        # The cat_file() of other systems takes no such condition.
        if "http" in fs.protocol and etag.startswith('"'):
            self._same = {"headers": {"If-Match": etag}}
        self._head = self._request(0, min(HEAD, self.size)) if self.size else b""

    def read_at(self, offset, size):
        if offset + size <= len(self._head):
            return memoryview(self._head)[offset:offset + size]
        return self._request(offset, size)

    def _request(self, offset, size):
        try:
            data = self.fs.cat_file(self.path, start=offset, end=offset + size, **self._same)
        except Exception as error:
            if getattr(error, "status", None) == 412:  # Precondition Failed
                raise OSError(f"{self.path}: the file has changed since it was opened") from error
            raise
        if len(data) != size:
            raise OSError(f"{self.path}: the server sent {len(data)} bytes of a range of {size}; it may not support ranges")
        return data


class _File:
    """A file of any other file system, such as a member of an archive, which has one position."""

    def __init__(self, fs, path):
        self._file, self._lock = fs.open(path, "rb"), threading.Lock()
        self.size = fs.size(path)

    def read_at(self, offset, size):
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)


def _open(fs, path):
    return (_Object if fs.async_impl else _File)(fs, path)


def _parts(index):
    """Returns the names of the files that the index of a set lists."""
    listed = json.loads(bytes(index.read_at(0, index.size)))
    return sorted(set(listed["weight_map"].values()))


def source(fs, path):
    """Returns a source over a file, which finds the other files of its set next to it.

    If it is the index of a set, the beginnings of all parts are requested now, at the same time, so that opening a set
    takes little longer than opening one file.
    """
    file, folder, opened = _open(fs, path), posixpath.dirname(path), {}
    if path.endswith(".safetensors.index.json"):
        names = _parts(file)
        with ThreadPoolExecutor(REQUESTS) as pool:
            opened = dict(zip(names, pool.map(lambda name: _open(fs, posixpath.join(folder, name)), names)))

    def make(path, file):
        return tensorfile.Source(file.size, file.read_at, name=path, find=find, requests=REQUESTS)

    def find(name):
        beside = posixpath.join(folder, name)
        return make(beside, opened.get(name) or _open(fs, beside))

    return make(path, file)


def save(fs, path, arrays, metadata=None, **settings):
    """Saves arrays. If that fails, there is no new file, except in an archive."""
    settings.setdefault("format", posixpath.splitext(path)[1][1:])
    whole = contextlib.nullcontext() if isinstance(fs, AbstractArchiveFileSystem) else fs.transaction
    with whole, fs.open(path, "wb") as file:
        tensorfile.save(file, arrays, metadata, **settings)


def _slice(text):
    """Returns the index that a text like "0:2,::4" means."""
    axes = [[int(number) if number.strip() else None for number in axis.split(":")] for axis in text.split(",")]
    return tuple(axis[0] if len(axis) == 1 else slice(*axis) for axis in axes)


def main(command, url, *arguments):
    fs, path = fsspec.url_to_fs(url)
    if command == "copy":
        save(*fsspec.url_to_fs(arguments[0]), tensorfile.load(source(fs, path)))
        return
    with tensorfile.open(source(fs, path)) as file:
        if command == "ls":
            for entry in file.values():
                print(entry.name, entry.type, list(entry.shape))
        else:
            name, *part = arguments
            print(file[name][_slice(*part) if part else ...])


if __name__ == "__main__":
    if len(sys.argv) < 3 or len(sys.argv) not in {"ls": (3,), "show": (4, 5), "copy": (4,)}.get(sys.argv[1], ()):
        sys.exit(__doc__[__doc__.index("usage"):])
    main(*sys.argv[1:])
