"""File objects that are written to."""

from __future__ import annotations

import ctypes
import io
import os
from ctypes import c_char
from typing import Any, Protocol

from ._callbacks import Calls, Writer, release, use, write
from ._library import Handle, check, lib
from ._sources import CHUNK, name_of, require_binary

# Classes that do not keep what they are given, so that it need not be copied.
BORROWING = (io.FileIO, io.BufferedWriter, io.BufferedRandom, io.BytesIO)


def _format_numbers() -> dict[str, int]:
    """Returns the numbers of the library's formats by name."""
    numbers: dict[str, int] = {}
    while number := lib.tf_format_at(len(numbers)):
        numbers[lib.tf_format_name(number).decode()] = number
    return numbers


FORMATS = _format_numbers()


class BinaryWriter(Protocol):
    """A file object that is open for writing in binary mode."""

    def write(self, data: bytes, /) -> Any: ...


def format_number(format: object) -> int:
    if not isinstance(format, str) or format not in FORMATS:
        raise ValueError(f"expected one of the formats {', '.join(FORMATS)}, got {format!r}")
    return FORMATS[format]


def format_of(file: object) -> int:
    """Returns the format that the extension of a file object's name means."""
    name = name_of(file)
    number: int = lib.tf_format_from_path(os.fsencode(name))
    if number == 0:
        what = f"the name {name!r} has no extension of a format" if name else "the file object has no name"
        raise ValueError(f"{what}: choose one with format=, such as format='safetensors'")
    return number


def _write_all(file: Any, data: Any) -> None:
    """Writes all bytes of a buffer. Only a raw file object may write fewer than it was given."""
    while len(data) > 0:
        written = file.write(data)
        if written is None and isinstance(file, io.RawIOBase):
            raise BlockingIOError("the file object takes no bytes now: it must not be in non-blocking mode")
        if not isinstance(written, int) or written >= len(data):
            return
        data = data[written:]


def sink_of(file: Any, calls: Calls) -> Handle:
    """Returns a sink of the library that writes to a file object, from its position on."""
    require_binary(file, "write", "wb")
    borrows = type(file) in BORROWING

    def write_pieces(address: int, nbytes: int) -> None:
        for start in range(0, nbytes, CHUNK):
            size = min(CHUNK, nbytes - start)
            if borrows:
                _write_all(file, memoryview((c_char * size).from_address(address + start)).cast("B"))
            else:
                _write_all(file, ctypes.string_at(address + start, size))

    made = Handle("sink")
    check(lib.tf_sink_new(made.out, write, release, use(Writer(calls, write_pieces))))
    return made
