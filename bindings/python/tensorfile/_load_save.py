"""Whole files."""

from __future__ import annotations

import ctypes
import os
from ctypes import byref, c_void_p
from typing import Any, Mapping, Union

import numpy

from ._dicts import arrays_of, dict_of, values_of
from ._library import Handle, check, lib, options

Arrays = dict[str, numpy.ndarray[Any, Any]]
Path = Union[str, "os.PathLike[str]"]
FORMATS = {"npy": 1, "npz": 2, "safetensors": 3, "gguf": 4}


def load(path: Path, *, mmap: bool = False, **settings: Any) -> Arrays:
    """Returns the arrays of a file by name, that of a .npy under the name "".

    With mmap=True arrays are read when they are used, and changes to them stay in memory. Settings are options of the
    library, such as threads=1, parts=True (the other files of a set too), max_bytes and lenient=True.
    """
    arrays = c_void_p()
    if mmap:
        settings["load_mode"] = "map"
    with options(settings) as chosen:
        check(lib.tf_load(None, byref(arrays), None, os.fsencode(path), chosen.value), os.fspath(path))
    return arrays_of(arrays)


def load_metadata(path: Path, **settings: Any) -> dict[str, Any]:
    """Returns the metadata of a file: strings, lists of strings, numbers and arrays of numbers. Reads no arrays."""
    with options(settings) as chosen, Handle("file") as file:
        check(lib.tf_file_open(file.out, os.fsencode(path), chosen.value), os.fspath(path))
        return values_of(c_void_p(lib.tf_file_metadata(file.value)))


def load_bytes(data: Any, **settings: Any) -> Arrays:
    """Returns the arrays of a file that is in memory: bytes or any other buffer."""
    arrays, memory = c_void_p(), numpy.frombuffer(data, numpy.uint8)
    with options(settings) as chosen:
        check(lib.tf_load_memory(None, byref(arrays), None, memory.ctypes.data, memory.nbytes, 0, chosen.value))
    return arrays_of(arrays)


def _named(arrays: Any) -> Mapping[str, Any]:
    return arrays if isinstance(arrays, Mapping) else {"": arrays}


def save(path: Path, arrays: Any, metadata: Mapping[str, Any] | None = None, **settings: Any) -> None:
    """Saves arrays in the format that the extension of the path names.

    Arrays is a dict of everything that numpy.asarray() takes, or for a .npy one array. Metadata is as load_metadata()
    returns it; an int is saved as an int64 and a float as a float64, numpy.uint32(3) as what it is. The file is replaced
    when the new one is complete. Settings are options of the library, such as compress=True for .npz and
    part_bytes=5_000_000_000 for a set of files.
    """
    keep: list[Any] = []
    with options(settings) as chosen, dict_of(_named(arrays), keep) as saved, dict_of(metadata or {}, keep) as about:
        check(lib.tf_save_file(os.fsencode(path), saved.value, about.value if metadata else None, chosen.value),
              os.fspath(path))


def save_metadata(path: Path, metadata: Mapping[str, Any], **settings: Any) -> None:
    """Replaces the metadata of a .npz, .safetensors or .gguf without reading its arrays.

    Metadata is all of the new metadata, such as a changed result of load_metadata(); an empty dict removes it. The file is
    replaced by a copy with the new header when that is complete. With atomic=False the header is written into the file
    itself, which fails if the new one does not have the size of the old one.
    """
    keep: list[Any] = []
    with options(settings) as chosen, dict_of(metadata, keep) as about:
        check(lib.tf_save_metadata(os.fsencode(path), about.value, chosen.value), os.fspath(path))


def save_bytes(format: str, arrays: Any, metadata: Mapping[str, Any] | None = None, **settings: Any) -> bytes:
    """Returns the bytes of a file: "npy", "npz", "safetensors" or "gguf"."""
    if format not in FORMATS:
        raise ValueError(f"expected one of the formats {', '.join(FORMATS)}, got {format!r}")
    keep: list[Any] = []
    with options(settings) as chosen, dict_of(_named(arrays), keep) as saved, dict_of(metadata or {}, keep) as about, \
            Handle("buffer") as buffer:
        check(lib.tf_save_memory(buffer.out, FORMATS[format], None, saved.value, about.value if metadata else None,
                                 chosen.value))
        return ctypes.string_at(lib.tf_buffer_data(buffer.value), lib.tf_buffer_size(buffer.value))
