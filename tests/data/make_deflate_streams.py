"""Writes deflate_streams.bin: the same bytes as several programs deflate them at their levels.

    python make_deflate_streams.py deflate_streams.bin     (zlib-ng 1.1.0, deflate 0.9.0, isal 1.9.1 from PyPI; 7z; java)

The file is little-endian: "TFDEFLA1", u32 number of streams, u32 CRC-32 and u32 size of the bytes; for each stream the
name of the program and its level (24 bytes, NUL-padded), u32 size, and the raw deflate stream. inflate_test.cpp makes
the bytes again, like data() here, so they are not in the file.
"""
import io
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

import deflate
from isal import igzip_lib
from zlib_ng import zlib_ng

JAVA = """
import java.io.*;
import java.util.zip.*;

class Pack {
  public static void main(String[] args) throws IOException {
    Deflater deflater = new Deflater(Integer.parseInt(args[0]), true);
    deflater.setStrategy(Integer.parseInt(args[1]));
    deflater.setInput(System.in.readAllBytes());
    deflater.finish();
    byte[] packed = new byte[1 << 20];
    while (!deflater.finished()) System.out.write(packed, 0, deflater.deflate(packed));
    System.out.flush();
  }
}
"""


def data():
    """Lines of text, small integers, zeros, noise, and all of it again after more than half of the longest distance."""
    state = 1

    def draw(limit):
        nonlocal state
        state = (state * 1664525 + 1013904223) % 2**32
        return state * limit >> 32

    out = bytearray()
    for i in range(400):
        out += b"%d %d\n" % (i, i * i)
    for _ in range(500):
        out += struct.pack("<I", draw(50))
    out += bytes(24000)
    for _ in range(400):
        out.append(draw(256))
    return bytes(out + out[:2000])


def by_7z(raw, level):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/data", "wb") as file:
            file.write(raw)
        subprocess.run(["7z", "a", "-tzip", "-mm=Deflate", f"-mx={level}", f"{folder}/a.zip", f"{folder}/data"], check=True,
                       stdout=subprocess.DEVNULL)
        with open(f"{folder}/a.zip", "rb") as file:
            archive = file.read()
        member = zipfile.ZipFile(io.BytesIO(archive)).infolist()[0]
    assert member.compress_type == zipfile.ZIP_DEFLATED
    name, extra = struct.unpack_from("<HH", archive, member.header_offset + 26)
    start = member.header_offset + 30 + name + extra
    return archive[start:start + member.compress_size]


def by_java(raw, level, strategy):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/Pack.java", "w", encoding="utf-8") as file:
            file.write(JAVA)
        command = ["java", f"{folder}/Pack.java", str(level), str(strategy)]
        return subprocess.run(command, input=raw, stdout=subprocess.PIPE, check=True).stdout


def by_zlib(module, raw, level, strategy):
    packer = module.compressobj(level, module.DEFLATED, -15, 8, strategy)
    return packer.compress(raw) + packer.flush()


def streams(raw):
    for level in range(1, 10):
        yield f"zlib {level}", by_zlib(zlib, raw, level, zlib.Z_DEFAULT_STRATEGY)
    for name, strategy in (("huffman", zlib.Z_HUFFMAN_ONLY), ("rle", zlib.Z_RLE), ("fixed", zlib.Z_FIXED)):
        yield f"zlib 6 {name}", by_zlib(zlib, raw, 6, strategy)
    for level in range(1, 10):
        yield f"zlib-ng {level}", by_zlib(zlib_ng, raw, level, zlib_ng.Z_DEFAULT_STRATEGY)
    for level in (1, 3, 6, 9, 12):
        yield f"libdeflate {level}", bytes(deflate.deflate_compress(raw, level))
    for level in (0, 1, 2, 3):
        yield f"isa-l {level}", igzip_lib.compress(raw, level, igzip_lib.COMP_DEFLATE)
    for level in (1, 5, 9):
        yield f"7z {level}", by_7z(raw, level)
    for name, level, strategy in (("1", 1, 0), ("6", 6, 0), ("9", 9, 0), ("6 filtered", 6, 1), ("6 huffman", 6, 2)):
        yield f"java {name}", by_java(raw, level, strategy)


def main():
    raw = data()
    found = list(streams(raw))
    with open(sys.argv[1], "wb") as file:
        file.write(b"TFDEFLA1" + struct.pack("<III", len(found), zlib.crc32(raw), len(raw)))
        for name, packed in found:
            assert zlib.decompress(packed, -15) == raw, name
            file.write(name.encode().ljust(24, b"\0") + struct.pack("<I", len(packed)) + packed)


if __name__ == "__main__":
    main()
