"""Reads the code signature of a program or library for macOS. The layout is that of xnu's cs_blobs.h."""

import hashlib
import struct

LC_CODE_SIGNATURE = 0x1D
EMBEDDED_SIGNATURE, CODE_DIRECTORY = 0xFADE0CC0, 0xFADE0C02
SHA256 = 2


def _signature(data):
    """Returns the offset of the signature in a file of one architecture, or None."""
    commands = struct.unpack_from("<16xI", data)[0]
    at = 32
    for _ in range(commands):
        kind, size, offset = struct.unpack_from("<III", data, at)
        if kind == LC_CODE_SIGNATURE:
            return offset
        at += size
    return None


def wrong_pages(data):
    """Returns the numbers of the pages whose hash is not that of the signature, or None if there is no signature."""
    at = _signature(data)
    if at is None:
        return None
    magic, _, count = struct.unpack_from(">III", data, at)
    assert magic == EMBEDDED_SIGNATURE
    blobs = [at + struct.unpack_from(">4xI", data, at + 12 + 8 * index)[0] for index in range(count)]
    (directory,) = [blob for blob in blobs if struct.unpack_from(">I", data, blob)[0] == CODE_DIRECTORY]
    hashes, _, _, pages, limit, size, kind, _, shift = struct.unpack_from(">16xIIIIIBBBB", data, directory)
    assert (kind, size) == (SHA256, 32)
    assert limit == at, "the signature covers everything before itself"
    page = 1 << shift
    assert pages == -(-limit // page)

    def matches(index):
        expected = data[directory + hashes + size * index:directory + hashes + size * (index + 1)]
        return hashlib.sha256(data[index * page:min((index + 1) * page, limit)]).digest() == expected
    return [index for index in range(pages) if not matches(index)]
