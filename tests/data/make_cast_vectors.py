"""Writes cast_vectors.bin: the results of NumPy and ml_dtypes for casts between all real dtypes.

    python make_cast_vectors.py cast_vectors.bin        (numpy 2.4, ml_dtypes 0.6, x86-64)

The file is little-endian: "TFCASTV1", u32 number of sources; for each source the name of its dtype (16 bytes,
NUL-padded), u32 number of elements, u32 number of bytes, the elements, u32 number of targets; for each target its name
and the CRC-32 of every GROUP elements of the result (the last group may be shorter). Types of 8 and 16 bits except bool
have no elements in the file: they are all codes in ascending order.

This script defines what the peers do not: a cast from float to integer truncates and saturates, and NaN gives 0; a cast
between float8_e8m0fnu and another small float goes by way of float32; float4 and float6 are packed.
"""
import struct
import sys
import zlib

import ml_dtypes
import numpy as np

GROUP = 256
INTS = ['int8', 'int16', 'int32', 'int64', 'uint8', 'uint16', 'uint32', 'uint64']
FLOAT8 = ['float8_e4m3fn', 'float8_e5m2', 'float8_e4m3fnuz', 'float8_e5m2fnuz', 'float8_e8m0fnu']
PACKED = ['float6_e2m3fn', 'float6_e3m2fn', 'float4_e2m1fn']
FLOATS = ['float16', 'bfloat16', 'float32', 'float64']
COMPLEX = ['complex64', 'complex128']
ALL = ['bool'] + INTS + FLOATS + COMPLEX + FLOAT8 + PACKED


def dtype(name):
    return np.dtype(getattr(ml_dtypes, name) if hasattr(ml_dtypes, name) else name)


def bits(array):
    return array.view(f'u{array.dtype.itemsize}')


def values_of(name):
    """Returns the finite values of a float type of at most 16 bits that are not negative, as float64."""
    width = {'float4': 4, 'float6': 6, 'float8': 8}.get(name.split('_')[0], 16)
    codes = np.arange(2 ** width, dtype='u2' if width == 16 else 'u1')
    if width == 16:  # each exponent with a few mantissas
        codes = codes[(codes & 0x3f <= 2) | (codes & 0x3f >= 0x3e)][::3]
    values = codes.view(dtype(name)).astype('f8')
    return np.unique(values[np.isfinite(values) & (values >= 0)])


def edges(kind):
    """Returns the midpoints between neighbouring values of each small float, and numbers near them."""
    found = []
    for name in FLOAT8 + PACKED + ['float16', 'bfloat16']:
        values = values_of(name)
        last = values[-1] + (values[-1] - values[-2]) / 2
        ties = np.append((values[:-1] + values[1:]) / 2, [last]).astype(kind)
        found += [values.astype(kind), ties, np.nextafter(ties, kind(np.inf)), np.nextafter(ties, kind(0))]
    powers = np.array([2.0 ** k for k in range(-3, 66)], dtype=kind)
    found += [powers, np.nextafter(powers, kind(np.inf)), np.nextafter(powers, kind(0)), powers - kind(0.5),
              powers - kind(1), powers + kind(1)]
    return np.unique(np.concatenate(found))


def float_inputs(kind, rng):
    word = np.dtype(f'u{np.dtype(kind).itemsize}')
    positive = bits(edges(kind))
    if kind == np.float64:
        f32 = bits(edges(np.float32))
        single = np.sort(rng.choice(f32, 400)).view('f4').astype('f8')
        ties = (single + np.nextafter(np.sort(rng.choice(f32, 400)).view('f4'), np.float32(9e9)).astype('f8')) / 2
        top = np.array([0x47efffffe0000000, 0x47efffffefffffff, 0x47effffff0000000], dtype=word)
        low = (rng.integers(0, 2 ** 23, 100).astype('f8') + 0.5) * 2.0 ** -149
        positive = rng.choice(positive, 2200, replace=False)
        more = [bits(x) for x in (ties, np.nextafter(ties, 0), low, np.nextafter(low, 0), np.nextafter(low, 1))]
        positive = np.concatenate([positive, top] + more)
    inf = bits(np.array([np.inf], dtype=kind))[0]
    mantissa = int(word.type(~inf) & word.type(2 ** (8 * word.itemsize - 1) - 1))
    payloads = [1, 2, 0x2000, mantissa, mantissa // 2, mantissa // 2 + 1, (mantissa + 1) // 2 | 0x12345, 0x81234]
    extra = [0, 1, 2, 3, mantissa, mantissa + 1, mantissa + 2, inf - word.type(1), inf]
    extra += [int(inf) + payload for payload in payloads]
    extra += [int(inf) | mantissa >> shift for shift in range(0, mantissa.bit_length(), 3)]
    positive = np.unique(np.concatenate([positive, np.array(extra, dtype=word)]))
    negative = positive | word.type(2 ** (8 * word.itemsize - 1))
    anything = rng.integers(0, 2 ** (8 * word.itemsize), 500, dtype=word)
    return np.concatenate([positive, negative, anything]).view(kind)


def integer_inputs(name, rng):
    info = np.iinfo(name)
    numbers = set()
    for k in range(65):
        for odd in (0, 1, 3, 5, 17, 257):
            for shift in (0, 1, 2, 8, 11, 12, 24, 25, 53):
                at = 2 ** k + (odd * 2 ** k >> shift)
                numbers |= {at - 1, at, at + 1, -at - 1, -at, -at + 1}
    numbers |= {info.min, info.max, 65503, 65504, 65505, 65519, 65520, 65521, 448, 464, 465, 240, 248, 249, 61440}
    chosen = sorted(x for x in numbers if info.min <= x <= info.max)
    if len(chosen) > 1500:
        chosen = sorted(rng.choice(np.array(chosen, dtype=object), 1500, replace=False))
    return np.concatenate([np.array(chosen, dtype=name), rng.integers(info.min, info.max, 300, dtype=name)])


def inputs(name, rng):
    if name == 'bool':
        return rng.integers(0, 2, 700).astype(bool)
    if name in COMPLEX:
        kind = np.float32 if name == 'complex64' else np.float64
        parts = float_inputs(kind, rng)
        pairs = np.stack([rng.choice(parts, 500), rng.choice(parts, 500)], 1)
        pairs[:4] = [[0, 0], [-0.0, 0], [0, -0.0], [0, bits(np.array([1])).astype(f'u{kind().itemsize}').view(kind)[0]]]
        return np.ascontiguousarray(pairs).view(name).ravel()
    if name in INTS and dtype(name).itemsize > 2:
        return integer_inputs(name, rng)
    if name in ('float32', 'float64'):
        return float_inputs(dtype(name).type, rng)
    if name in PACKED:
        codes = 2 ** (4 if name == 'float4_e2m1fn' else 6)
        return rng.permutation(np.repeat(np.arange(codes, dtype='u1'), 16)).view(dtype(name))
    size = dtype(name).itemsize
    return np.arange(2 ** (8 * size), dtype=f'u{size}').view(dtype(name))


def saturate(array, target):
    info = np.iinfo(target)
    out = np.zeros(array.shape, target)
    wide = array.astype('f8')
    for i, x in enumerate(wide):
        if not np.isnan(x):
            out[i] = info.max if x >= info.max else info.min if x <= info.min else int(x)
    return out


def cast(array, source, target):
    if target in INTS and source in FLOATS + FLOAT8 + PACKED:
        return saturate(array, target)
    small = FLOAT8 + PACKED
    if 'float8_e8m0fnu' in (source, target) and source in small and target in small and source != target:
        array = array.astype('f4')
    return array.astype(dtype(target))


def packed(array, name):
    """Returns the bytes of an array as tensorfile stores it."""
    if name == 'float4_e2m1fn':
        codes = array.view('u1')
        return (codes[0::2] | codes[1::2] << 4).tobytes()
    if name in PACKED:
        codes = array.view('u1').astype('u4').reshape(-1, 4)
        unit = codes[:, 0] | codes[:, 1] << 6 | codes[:, 2] << 12 | codes[:, 3] << 18
        return np.stack([unit >> 8 * k & 255 for k in range(3)], 1).astype('u1').tobytes()
    return array.tobytes()


def main(path):
    rng = np.random.default_rng(20260101)
    out = bytearray(b'TFCASTV1' + struct.pack('<I', len(ALL)))
    for source in ALL:
        array = inputs(source, rng)
        array = array[:len(array) // 4 * 4]
        implied = dtype(source).itemsize <= 2 and source != 'bool' and source not in PACKED
        data = b'' if implied else packed(array, source)
        targets = [t for t in ALL if not (source in COMPLEX and t not in COMPLEX + ['bool'])]
        out += source.encode().ljust(16, b'\0') + struct.pack('<II', len(array), len(data)) + data
        out += struct.pack('<I', len(targets))
        for target in targets:
            result = cast(array, source, target)
            out += target.encode().ljust(16, b'\0')
            for i in range(0, len(array), GROUP):
                out += struct.pack('<I', zlib.crc32(packed(result[i:i + GROUP], target)))
    with open(path, 'wb') as file:
        file.write(out)


if __name__ == '__main__':
    np.seterr(all='ignore')
    main(sys.argv[1])
