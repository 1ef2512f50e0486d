"""Whole files."""

from __future__ import annotations

import ctypes
import os
from ctypes import byref, c_void_p
from typing import Any, Mapping, Union

import numpy

from ._callbacks import Calls
from ._dicts import arrays_of, dict_of, values_of
from ._library import Handle, check, lib, options
from ._sinks import BinaryWriter, format_number, format_of, sink_of
from ._sources import Buffer, Path, Readable, buffer_of, path_of, source_of

Arrays = dict[str, numpy.ndarray[Any, Any]]
#: What save() writes to.
Writable = Union[Path, BinaryWriter]


def load(file: Readable, *, mmap: bool = False, **settings: Any) -> Arrays:
    """Returns the arrays of a file by name, that of a .npy under the name "".

    The file is a path, bytes or another buffer, a binary file object that can seek, or a Source. A file object is read
    from its first byte on, whatever its position, and is left at any position. Its name, if it has one, is used in
    messages, and its extension as that of a path.

    With mmap=True arrays of a path are read when they are used, and changes to them stay in memory; those of a buffer
    use its memory, and cannot be changed. Settings are options of the library, such as threads=1, format="npz",
    parts=True (the other files of a set too), max_bytes and lenient=True.
    """
    if mmap:
        settings["load_mode"] = "map"
    arrays, path, calls = c_void_p(), path_of(file), Calls()
    with options(settings) as chosen:
        if path is None:
            with calls, source_of(file, calls) as source:
                calls.check(lib.tf_load_source(None, byref(arrays), None, source.value, 0, chosen.value))
        else:
            check(lib.tf_load(None, byref(arrays), None, os.fsencode(path), chosen.value), path)
    return arrays_of(arrays)


def open_file(file: Readable, out: Any, calls: Calls, settings: dict[str, Any]) -> None:
    """Opens what load() takes as a file of the library."""
    path = path_of(file)
    with options(settings) as chosen:
        if path is None:
            with calls, source_of(file, calls) as source:
                calls.check(lib.tf_file_open_source(out, source.value, 0, chosen.value))
        else:
            check(lib.tf_file_open(out, os.fsencode(path), chosen.value), path)


def load_metadata(file: Readable, **settings: Any) -> dict[str, Any]:
    """Returns the metadata of a file: strings, lists of strings, numbers and arrays of numbers. Reads no arrays."""
    with Handle("file") as opened:
        open_file(file, opened.out, Calls(), settings)
        return values_of(c_void_p(lib.tf_file_metadata(opened.value)))


def load_bytes(data: Buffer, **settings: Any) -> Arrays:
    """Returns the arrays of a file that is in memory, as load() does."""
    memory = buffer_of(data)
    if memory is None:
        raise TypeError(f"expected bytes or another buffer, got {type(data).__name__}")
    return load(memory, **settings)


def _named(arrays: Any) -> Mapping[str, Any]:
    return arrays if isinstance(arrays, Mapping) else {"": arrays}


def save(file: Writable, arrays: Any, metadata: Mapping[str, Any] | None = None, **settings: Any) -> None:
    """Saves arrays to a path or a binary file object, in the format of its extension or the one that format= names.

    Arrays is a dict of everything that numpy.asarray() takes, or for a .npy one array. Metadata is as load_metadata()
    returns it; an int is saved as an int64 and a float as a float64, numpy.uint32(3) as what it is. Settings are options
    of the library, such as compress=True for .npz and part_bytes=5_000_000_000 for a set of files.

    The file at a path is replaced when the new one is complete. A file object is written from its position on, without
    seeking, and is neither flushed nor closed; if the save fails, what has been written remains.
    """
    keep: list[Any] = []
    path = path_of(file)
    if path is None:
        _save_to(file, arrays, metadata, settings)
        return
    with options(settings) as chosen, dict_of(_named(arrays), keep) as saved, dict_of(metadata or {}, keep) as about:
        check(lib.tf_save_file(os.fsencode(path), saved.value, about.value if metadata else None, chosen.value), path)


def _save_to(file: Any, arrays: Any, metadata: Mapping[str, Any] | None, settings: dict[str, Any]) -> None:
    """Saves to a file object."""
    keep: list[Any] = []
    if settings.get("part_bytes"):
        raise ValueError("part_bytes needs a path, since a file object is only one file")
    chosen_format = settings.pop("format", None)
    calls = Calls()
    with calls, sink_of(file, calls) as sink, options(settings) as chosen, dict_of(_named(arrays), keep) as saved, \
            dict_of(metadata or {}, keep) as about:
        number = format_of(file) if chosen_format is None else format_number(chosen_format)
        calls.check(lib.tf_save_sink(sink.value, number, None, saved.value, about.value if metadata else None,
                                     chosen.value))


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
    number = format_number(format)
    keep: list[Any] = []
    with options(settings) as chosen, dict_of(_named(arrays), keep) as saved, dict_of(metadata or {}, keep) as about, \
            Handle("buffer") as buffer:
        check(lib.tf_save_memory(buffer.out, number, None, saved.value, about.value if metadata else None, chosen.value))
        return ctypes.string_at(lib.tf_buffer_data(buffer.value), lib.tf_buffer_size(buffer.value))
