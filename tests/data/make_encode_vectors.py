"""Writes encode_vectors.bin: ggml's block types as gguf-py encodes them, mostly from numbers that are hard to round.

    python make_encode_vectors.py encode_vectors.bin        (numpy 2.4, gguf 0.19)

The file is little-endian: "TFENCOD1", u32 number of rows, rows of 256 float32, u32 number of types; for each type its
name (16 bytes, NUL-padded), u32 number of bytes, the blocks. gguf-py cannot encode Q8_1, Q8_K and NVFP4, so this script
does, by ggml's rules.
"""
import struct
import sys

import gguf
import numpy as np
from gguf import quants

F = np.float32
PEER = ['Q4_0', 'Q4_1', 'Q5_0', 'Q5_1', 'Q8_0', 'TQ1_0', 'TQ2_0', 'MXFP4']
FLOAT4 = np.array([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12], dtype=F)


def rows(rng):
    def normal(n):
        return rng.standard_normal((n, 256))

    yield normal(4) * 0.02
    yield rng.integers(-16, 17, (4, 256)) * 0.5
    yield normal(4) * np.exp2(rng.integers(-149, -110, (4, 1)))
    yield np.clip(normal(4) * np.exp2(rng.integers(100, 126, (4, 1))), -3.4e38, 3.4e38)
    bits = rng.integers(0, 2 ** 32, (4, 256), dtype='u4').view(F)
    yield np.where(np.isfinite(bits), bits, 0)
    # The largest element of each 32 is just below a power of two.
    power = np.exp2(rng.integers(-100, 127, (6, 8, 1)).astype('f8')).astype(F)
    power = (power.view('u4') - rng.integers(1, 100, (6, 8, 1)).astype('u4')).view(F)
    part = rng.uniform(-0.9, 0.9, (6, 8, 32)).astype(F)
    part[:, :, 5] = 1
    yield (power * part).reshape(6, 256)
    yield np.zeros((1, 256))
    yield np.full((1, 256), -1.25)


def largest_first(block):
    return block[np.argmax(abs(block))]


def half_away(x):
    a = abs(x)
    whole = np.floor(a)
    return np.sign(x) * (whole + (a - whole >= F(0.5)))


def q8_1(x):
    d = abs(x).max() / F(127)
    inverse = F(1) / d if d else F(0)
    scaled = x * inverse
    q = np.where(np.isfinite(scaled), half_away(scaled), 0).astype(np.int8)
    return np.float16(d).tobytes() + np.float16(d * F(q.astype(int).sum())).tobytes() + q.tobytes()


def q8_k(x):
    largest = largest_first(x)
    if largest == 0:
        return bytes(292)
    inverse = F(-127) / largest
    # ggml rounds by a sum whose low bits are the integer, even if they mean nothing because the scale is infinite.
    bits = (inverse * x + F(12582912)).astype(F).view('u4')
    q = np.minimum((bits & 0x7fffff).astype(np.int64) - 0x400000, 127).astype(np.int8)
    sums = q.reshape(16, 16).astype(np.int64).sum(1).astype(np.int16)
    return F(F(1) / inverse).tobytes() + q.tobytes() + sums.tobytes()


def ue4m3(x):
    if not x > 0:
        return 0
    x = min(x, F(448))
    mantissa, exponent = np.frexp(x)  # mantissa in [0.5, 1)
    exponent = int(exponent) - 1
    if exponent + 7 <= 0:
        return min(7, int(np.trunc(x * F(512) + F(0.5))))
    if exponent + 7 >= 15:
        return 0x7e
    eighths = int(np.floor((float(mantissa) * 2 - 1) * 16) + 1) // 2
    code = (exponent + 7 << 3) + eighths
    return 0x7e if code >= 15 << 3 else code


def nvfp4(x):
    codes, scales = [], []
    for group in x.reshape(4, 16):
        u = ue4m3(abs(group).max() / F(6))
        value = (u & 7) * 2.0 ** -9 if u < 8 else (1 + (u & 7) / 8) * 2.0 ** ((u >> 3) - 7)
        best = abs(FLOAT4 * F(value / 2) - group[:, None]).argmin(1).astype('u1')
        scales.append(u)
        codes += list(best[:8] | best[8:] << 4)
    return bytes(scales) + bytes(codes)


def main(path):
    rng = np.random.default_rng(20260102)
    data = np.concatenate([row.astype(F) for row in rows(rng)])
    assert np.isfinite(data).all()
    encoded = {name: quants.quantize(data, gguf.GGMLQuantizationType[name]).tobytes() for name in PEER}
    for name, size, encode in (('Q8_1', 32, q8_1), ('Q8_K', 256, q8_k), ('NVFP4', 64, nvfp4)):
        encoded[name] = b''.join(encode(block) for block in data.reshape(-1, size))
    out = b'TFENCOD1' + struct.pack('<I', len(data)) + data.tobytes() + struct.pack('<I', len(encoded))
    for name, blocks in encoded.items():
        out += name.encode().ljust(16, b'\0') + struct.pack('<I', len(blocks)) + blocks
    with open(path, 'wb') as file:
        file.write(out)


if __name__ == '__main__':
    np.seterr(all='ignore')
    main(sys.argv[1])
