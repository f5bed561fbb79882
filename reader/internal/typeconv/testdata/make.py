"""Writes conversions.txt.gz beside this script: what libhdf5 makes of elements of one type as another: python make.py (h5py).

A line is the datatype messages of source and destination, the source's elements, and the destination's, all as hexadecimal
digits, or "-" where libhdf5 has no such conversion. The destination begins as zeros. Written with HDF5 2.0 (h5py 3.16) on x86-64.
"""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import numpy as np
from h5py import h5t

RNG = np.random.default_rng(14)
INTS = [0, 1, -1, 2, 100, 127, 128, -128, -129, 255, 256, 2047, 2048, 2049, 2051, 4095, 4096, 4099, 32767, 32768, -32768, -32769, 65503,
        65504, 65505, 65519, 65520, 65535, 65536, -65519, -65520, 2**23 - 1, 2**23, -2**23, -2**23 - 1, 2**24 + 1, 2**24 + 3, 2**25 + 1, 2**25 + 2, 2**25 + 3,
        2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**32 - 1, 2**32, 2**39, 2**40 + 2**15 + 1, 2**53, 2**53 + 1, 2**53 + 3,
        -2**53 - 1, 2**54 + 2, 2**54 + 6, 2**62 + 1, 2**63 - 1, -2**63, 2**63, 2**63 + 2**10, 2**63 + 3 * 2**10, 2**64 - 1, 2**64 - 2**10]
FLOATS = [0, -0.0, .5, 1.5, 2.5, -.5, -.999, -1.5, 126.5, 127, 127.5, 128, -128, -128.9, -129, 255, 255.5, 256, 2049, 32767, 32767.5, 32768,
          -32768, -32768.5, -32769, 65503, 65504, 65519, 65520, 65535, 65536, -65519, 2147483647, 2147483648, 2147483904, -2147483648,
          -2147483649, -2147484160, 4294967295, 4294967296, 4294967808, 9.223372036854775e18, 9.223372036854775807e18, -9.223372036854775808e18,
          -9.3e18, 1.8446744073709550e19, 1.8446744073709551615e19, 1e20, -1e20, 1e38, 3.4028234663852886e38, 3.4028235e38, 3.40282357e38, 3.5e38, -3.4028236e38,
          1e300, -1e300, np.inf, -np.inf, np.nan, -np.nan, 1e-40, 1e-45, 1e-46, 16777217, 16777219, 9007199254740993, .1, 1e-8, 6e-8,
          5.96e-8, 2.98e-8, 1 + 2**-24, 1 + 2**-24 + 2**-40, 1 + 3 * 2**-24, 1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-11 + 2**-30, 2 - 2**-12,
          2 - 2**-25, 2**-149 * 1.5, 2**-149 * .5, 2**-149 * 2.5, 2**-126 * (1 - 2**-24), 2**-24 * 1.5, 2**-25, 2**-24 * 2.5,
          2**-14 * (1 - 2**-11), 2**-14 * (1 - 2**-12), 5e-324, 2**-1022 * .75, 448, 449, 480, 57344, 61440, 3e38]


def int_type(size: int, signed: bool, order: int, precision: int = 0, offset: int = 0) -> h5t.TypeID:
    t = (h5t.STD_I8LE if signed else h5t.STD_U8LE).copy()
    t.set_size(size)
    t.set_order(order)
    t.set_precision(precision or 8 * size)
    t.set_offset(offset)
    t.set_sign(h5t.SGN_2 if signed else h5t.SGN_NONE)
    return t


def small_float(size: int, exponent: int, mantissa: int, bias: int, order: int) -> h5t.TypeID:
    t = (h5t.IEEE_F32LE if order == h5t.ORDER_LE else h5t.IEEE_F32BE).copy()
    t.set_fields(exponent + mantissa, mantissa, exponent, 0, mantissa)
    t.set_precision(exponent + mantissa + 1)
    t.set_ebias(bias)
    t.set_size(size)
    return t


PLAIN = {f"{'iu'[not s]}{n}{'lb'[o]}": int_type(n, s, (h5t.ORDER_LE, h5t.ORDER_BE)[o]) for n in (1, 2, 4, 8) for s in (1, 0) for o in (0, 1)}
ODD = {"i3l": int_type(3, True, h5t.ORDER_LE), "u3b": int_type(3, False, h5t.ORDER_BE), "i5b": int_type(5, True, h5t.ORDER_BE),
       "i12": int_type(2, True, h5t.ORDER_LE, 12, 2), "u12": int_type(2, False, h5t.ORDER_BE, 12, 0), "u7": int_type(1, False, h5t.ORDER_LE, 7, 1),
       "i16of32": int_type(4, True, h5t.ORDER_BE, 16, 8), "i12b": int_type(2, True, h5t.ORDER_BE, 12, 4)}
HALVES = {"f2l": h5t.IEEE_F16LE, "f2b": h5t.IEEE_F16BE, "f4l": h5t.IEEE_F32LE, "f4b": h5t.IEEE_F32BE, "f8l": h5t.IEEE_F64LE, "f8b": h5t.IEEE_F64BE}
SMALL = {"bf16l": small_float(2, 8, 7, 127, h5t.ORDER_LE), "bf16b": small_float(2, 8, 7, 127, h5t.ORDER_BE), "e5m2": small_float(1, 5, 2, 15, h5t.ORDER_LE),
         "e4m3": small_float(1, 4, 3, 7, h5t.ORDER_LE), "f3": small_float(3, 7, 16, 63, h5t.ORDER_BE)}
I4, I2, F8, F4 = h5t.STD_I32LE, h5t.STD_I16LE, h5t.IEEE_F64LE, h5t.IEEE_F32LE


def convert(src: h5t.TypeID, dst: h5t.TypeID, raw: bytes) -> bytes | None:
    size, n = dst.get_size(), len(raw) // src.get_size()
    buf = np.zeros(n * max(src.get_size(), size), "u1")
    buf[:len(raw)] = np.frombuffer(raw, "u1")
    try:
        h5t.convert(src, dst, n, buf, np.zeros(n * size, "u1"))
    except (OSError, TypeError, ValueError):
        return None
    return buf[:n * size].tobytes()


def enumerated(src: h5t.TypeID, dst: h5t.TypeID, raw: bytes) -> bytes | None:
    """To an enumeration: by name where the numbers differ (HDF5 2.0 itself errs where the destination has more names), else
    as numbers, as h5py reads them."""
    if src.get_class() == h5t.ENUM:
        old, new = ({t.get_member_name(i): t.get_member_value(i) for i in range(t.get_nmembers())} for t in (src, dst))
        if not old.keys() <= new.keys():
            return None
        if any(new[name] != value for name, value in old.items()):
            dtypes = [np.dtype(("<>"[t.get_super().get_order() == h5t.ORDER_BE]) + "i%d" % t.get_size()) for t in (src, dst)]
            named = {value: new[name] for name, value in old.items()}
            return np.array([named.get(v, -1) for v in np.frombuffer(raw, dtypes[0]).tolist()]).astype(dtypes[1]).tobytes()
    return convert(src, dst.get_super(), raw)


def numbers(t: h5t.TypeID, values: np.ndarray) -> bytes:
    """Elements of a type of numbers that are as near to values as libhdf5 makes them."""
    source = h5t.IEEE_F64BE if values.dtype.kind == "f" else h5t.STD_I64LE if values.dtype == "<i8" else h5t.STD_U64LE
    return convert(source, t, values.astype(">f8" if values.dtype.kind == "f" else values.dtype).tobytes())


def noise(t: h5t.TypeID, n: int) -> bytes:
    return RNG.integers(0, 256, n * t.get_size(), dtype="u1").tobytes()


def sample(t: h5t.TypeID) -> bytes:
    if t.get_class() == h5t.FLOAT:
        return numbers(t, np.array(FLOATS)) + noise(t, 10)
    return (numbers(t, np.array([i for i in INTS if i < 2**63], "<i8")) + numbers(t, np.array([i for i in INTS if i >= 0], "<u8")) + noise(t, 10))


def string(size: int, pad: int, utf8: bool = False) -> h5t.TypeID:
    t = h5t.C_S1.copy()
    t.set_size(size)
    t.set_strpad(pad)
    t.set_cset(h5t.CSET_UTF8 if utf8 else h5t.CSET_ASCII)
    return t


def texts(size: int) -> bytes:
    words = [b"", b"a", b"abcd", b"abcdefgh", b"ab  ", b"  ab", b"    ", b"a\0b", b"\0\0xy", b"a \0 b", "äöü".encode(), b"abc\0", b"abc ", b"   \0"]
    return b"".join(w[:size].ljust(size, fill) for w in words for fill in (b"\0", b" ", b"x"))


def enum(base: h5t.TypeID, **values: int) -> h5t.TypeID:
    t = h5t.enum_create(base)
    for name, value in values.items():
        t.enum_insert(name.encode(), value)
    return t


def compound(size: int, *members: tuple[str, int, h5t.TypeID]) -> h5t.TypeID:
    t = h5t.create(h5t.COMPOUND, size)
    for name, offset, member in members:
        t.insert(name.encode(), offset, member)
    return t


def opaque(size: int, tag: bytes) -> h5t.TypeID:
    t = h5t.create(h5t.OPAQUE, size)
    t.set_tag(tag)
    return t


def pairs():
    for a, b in itertools.product({**PLAIN, **HALVES}.values(), repeat=2):
        yield a, b, sample(a)
    for a, b in itertools.chain(itertools.product(ODD.values(), {**ODD, **PLAIN, **HALVES}.values()), itertools.product({**PLAIN, **HALVES}.values(), ODD.values())):
        yield a, b, sample(a)
    for a, b in itertools.product(SMALL.values(), {**SMALL, **HALVES, "i2": I2, "u8b": h5t.STD_U64BE, "i1": h5t.STD_I8LE}.values()):
        yield a, b, sample(a)
    for a, b in itertools.product({**HALVES, "i2": I2, "u8b": h5t.STD_U64BE, "i1": h5t.STD_I8LE}.values(), SMALL.values()):
        yield a, b, sample(a)
    pads = (h5t.STR_NULLTERM, h5t.STR_NULLPAD, h5t.STR_SPACEPAD)
    for (m, p), (n, q) in itertools.product(itertools.product((1, 4, 8), pads), repeat=2):
        yield string(m, p), string(n, q), texts(m)
    yield string(4, pads[1], True), string(8, pads[1], True), texts(4)
    yield string(4, pads[1]), string(8, pads[1], True), texts(4)
    yield string(4, pads[1]), string(4, pads[1], True), texts(4)
    yield string(4, pads[1]), string(4, pads[0], True), texts(4)
    rgb, bgr = enum(h5t.STD_I8LE, RED=0, GREEN=1, BLUE=2), enum(h5t.STD_I16BE, BLUE=0, GREEN=1, RED=2, NONE=-1)
    wide = enum(h5t.STD_I32LE, RED=-5, GREEN=70000, BLUE=9)
    truth, lies = enum(h5t.STD_I8LE, FALSE=0, TRUE=1), enum(h5t.STD_U8LE, TRUE=0, FALSE=1)
    same = enum(h5t.STD_I16LE, RED=0, GREEN=1, BLUE=2)
    enums = {"rgb": rgb, "bgr": bgr, "wide": wide, "truth": truth, "lies": lies, "same": same}
    for a, b in itertools.product(enums.values(), [*enums.values(), I4, h5t.STD_U8BE, h5t.STD_U16BE, F8, h5t.IEEE_F32BE, h5t.IEEE_F16LE]):
        order = ">" if a.get_super().get_order() == h5t.ORDER_BE else "<"
        values = [a.get_member_value(i) for i in range(a.get_nmembers())] + [3, 17, 0, 1, 127]
        yield a, b, np.array(values, f"{order}i{a.get_size()}").tobytes()
    for a in (I2, h5t.STD_I8LE, F4):
        for b in enums.values():
            yield a, b, sample(a)[:20 * a.get_size()]
    ab = compound(6, ("a", 0, I2), ("b", 2, F4))
    padded = compound(16, ("b", 8, F8), ("a", 4, h5t.STD_I32BE))
    inner = compound(12, ("x", 0, ab), ("y", 6, string(6, pads[1])))
    outer = compound(30, ("y", 0, string(3, pads[2])), ("x", 8, padded), ("z", 26, I4))
    grid = compound(14, ("g", 0, h5t.array_create(I2, (2, 3))), ("k", 12, h5t.STD_U16LE))
    wide_grid = compound(52, ("k", 0, h5t.STD_I32LE), ("g", 4, h5t.array_create(F8, (2, 3))))
    records = [ab, padded, inner, outer, grid, wide_grid, compound(4, ("a", 0, I4)), compound(2, ("c", 0, I2)), compound(6, ("a", 0, I2), ("b", 2, string(4, pads[1]))),
               compound(8, ("r", 0, F4), ("i", 4, F4)), compound(16, ("r", 0, F8), ("i", 8, F8)), compound(16, ("i", 0, F8), ("r", 8, F8)), compound(1, ("t", 0, truth)),
               compound(7, ("b", 3, F4), ("a", 0, I2)), compound(3, ("a", 1, I2)), I4, string(4, pads[1])]
    for a, b in itertools.product(records, repeat=2):
        yield a, b, noise(a, 12)
    arrays = [h5t.array_create(I2, (4,)), h5t.array_create(F8, (4,)), h5t.array_create(I2, (2, 2)), h5t.array_create(h5t.STD_U8LE, (2, 2)), h5t.array_create(I2, (3,)),
              h5t.array_create(h5t.array_create(I2, (2,)), (2,)), h5t.array_create(h5t.array_create(F4, (2,)), (2,)), h5t.array_create(ab, (2,)), h5t.array_create(padded, (2,)),
              h5t.array_create(string(4, pads[1]), (2,)), h5t.array_create(string(2, pads[2]), (2,)), I2]
    for a, b in itertools.product(arrays, repeat=2):
        yield a, b, noise(a, 12)
    bits = [h5t.STD_B8LE, h5t.STD_B16LE, h5t.STD_B16BE, h5t.STD_B32LE, h5t.STD_B64BE, h5t.STD_B8BE]
    twelve = bytearray(h5t.STD_B16LE.encode())
    twelve[10:14] = (2, 0, 12, 0)  # offset and precision
    bits.append(h5t.decode(bytes(twelve)))
    others = [I2, h5t.STD_U8LE, F4, string(2, pads[1]), opaque(4, b"one"), opaque(4, b"two"), opaque(8, b"one"), h5t.UNIX_D32LE, h5t.UNIX_D32BE, h5t.UNIX_D64LE, h5t.STD_REF_OBJ, h5t.STD_REF_DSETREG]
    for a, b in itertools.product(bits + others[:4], bits + others):
        yield a, b, noise(a, 30)
    for a, b in itertools.product(others[4:], repeat=2):
        yield a, b, bytes(a.get_size() * 3) if a.get_class() == h5t.REFERENCE else noise(a, 5)
    for a, b in itertools.product(others[4:], (I2, F4, rgb, ab)):
        yield a, b, bytes(a.get_size() * 3)
    compl = [h5t.COMPLEX_IEEE_F32LE, h5t.COMPLEX_IEEE_F64LE, h5t.COMPLEX_IEEE_F64BE, h5t.COMPLEX_IEEE_F16LE]
    for a, b in itertools.product(compl, [*compl, records[9], records[10], records[11], F8, I2]):
        yield a, b, noise(a, 12)
    for a, b in itertools.product([records[9], records[10], F8, I2], compl):
        yield a, b, noise(a, 12)


def message(t: h5t.TypeID) -> str:
    return t.encode()[2:].hex()


def main() -> None:
    with gzip.open(Path(__file__).parent / "conversions.txt.gz", "wt") as out:
        for src, dst, raw in pairs():
            got = (enumerated if dst.get_class() == h5t.ENUM else convert)(src, dst, raw)
            print(message(src), message(dst), raw.hex(), "-" if got is None else got.hex(), file=out, sep="\t")


if __name__ == "__main__":
    main()
