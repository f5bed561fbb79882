"""Datatypes drawn at random, and elements of them as their bytes lie in a file.

Elements are written without conversion, so padding, unused bits and NaNs hold whatever the draw says.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field

import h5py
import libhdf5
import numpy as np
from h5py import h5s, h5t

TEXTS = ["", "a", "muon", "with space ", "  ", "grüße", "日本", "tab\tnew\n", "x" * 30, "é", "ends  "]
NAMES = ["x", "y", "energy", "weird name", "größe", "a.b", "r", "t0", "time", "k"]
OPAQUE_TAGS = [b"", b"picture", b"NUMPY:<M8[us]", b"NUMPY:<m8[ns]", b"NUMPY:<M8[D]"]


@dataclass
class Draw:
    """Where chance comes from, and what written elements point to."""

    rng: random.Random
    file: h5py.h5f.FileID
    kept: list = field(default_factory=list)

    def bytes(self, n: int) -> bytes:
        return self.rng.randbytes(n)

    def chance(self, p: float) -> bool:
        return self.rng.random() < p


def draw_type(d: Draw, depth: int = 2) -> h5t.TypeID:
    simple = [integer, integer, floating, floating, small_float, bitfield, enum, boolean, text, text, opaque, time]
    nested = [compound, compound, array, complex_pair, variable_text, variable, reference]
    return d.rng.choice(simple + nested if depth else simple)(d, depth)


def order(d: Draw) -> int:
    return d.rng.choice([h5t.ORDER_LE, h5t.ORDER_LE, h5t.ORDER_BE])


def integer(d: Draw, depth: int = 0) -> h5t.TypeIntegerID:
    size = d.rng.choice([1, 2, 4, 8, 1, 2, 4, 8, 3, 5, 6, 7])
    t = h5t.STD_I64LE.copy()
    t.set_order(order(d))
    t.set_sign(d.rng.choice([h5t.SGN_NONE, h5t.SGN_2]))
    narrow(d, t, size)
    return t


def narrow(d: Draw, t: h5t.TypeID, size: int) -> None:
    """The size, and now and then fewer bits than it has, anywhere in it."""
    bits = d.rng.randint(2, 8 * size) if d.chance(0.3) else 8 * size
    libhdf5.call("H5Tset_precision", libhdf5.HID(t.id), libhdf5.SIZE(bits))
    libhdf5.call("H5Tset_size", libhdf5.HID(t.id), libhdf5.SIZE(size))
    libhdf5.call("H5Tset_offset", libhdf5.HID(t.id), libhdf5.SIZE(d.rng.randint(0, 8 * size - bits)))


def floating(d: Draw, depth: int = 0) -> h5t.TypeFloatID:
    t = d.rng.choice([h5t.IEEE_F16LE, h5t.IEEE_F32LE, h5t.IEEE_F64LE]).copy()
    t.set_order(order(d))
    return t


def small_float(d: Draw, depth: int = 0) -> h5t.TypeFloatID:
    """A float that no machine has: bfloat16, 20 bits in three bytes and the like."""
    exponent, mantissa = d.rng.choice([(8, 7), (4, 3), (5, 2), (6, 13), (8, 23), (8, 15), (11, 30), (5, 10), (7, 16)])
    bits = 1 + exponent + mantissa
    size = (bits + 7) // 8 + d.rng.choice([0, 0, 0, 1])
    offset = d.rng.choice([0, 8 * size - bits])
    t = h5t.IEEE_F64LE.copy()
    t.set_fields(offset + bits - 1, offset + mantissa, exponent, offset, mantissa)
    t.set_offset(offset)
    t.set_precision(bits)
    t.set_size(size)
    t.set_ebias(2 ** (exponent - 1) - 1)
    t.set_order(order(d))
    return t


def bitfield(d: Draw, depth: int = 0) -> h5t.TypeBitfieldID:
    size = d.rng.choice([1, 2, 4, 8])
    t = h5t.STD_B64LE.copy() if d.chance(0.7) else h5t.STD_B64BE.copy()
    narrow(d, t, size)
    return t


def enum(d: Draw, depth: int = 0) -> h5t.TypeEnumID:
    base = integer(d)
    if base.get_precision() < 8 * base.get_size():
        base = h5t.STD_I16BE.copy()
    t = h5t.enum_create(base)
    for i in range(d.rng.randint(1, 6)):
        libhdf5.add_member(t, f"NAME_{i}", bytes([i]) + d.bytes(base.get_size() - 1))
    return t


def boolean(d: Draw, depth: int = 0) -> h5t.TypeEnumID:
    base = d.rng.choice([h5t.STD_I8LE, h5t.STD_I8LE, h5t.STD_U8LE, h5t.STD_I32LE, h5t.STD_I16BE]).copy()
    t = h5t.enum_create(base)
    one = (1).to_bytes(base.get_size(), "big" if base.get_order() == h5t.ORDER_BE else "little")
    libhdf5.add_member(t, "FALSE", bytes(base.get_size()))
    libhdf5.add_member(t, "TRUE", one)
    return t


def text(d: Draw, depth: int = 0) -> h5t.TypeStringID:
    t = h5t.C_S1.copy()
    t.set_size(d.rng.choice([1, 2, 3, 5, 8, 10, 16, 17, 40]))
    t.set_strpad(d.rng.choice([h5t.STR_NULLTERM, h5t.STR_NULLPAD, h5t.STR_SPACEPAD]))
    t.set_cset(d.rng.choice([h5t.CSET_ASCII, h5t.CSET_UTF8]))
    return t


def variable_text(d: Draw, depth: int = 0) -> h5t.TypeStringID:
    t = h5t.C_S1.copy()
    t.set_size(h5t.VARIABLE)
    t.set_cset(d.rng.choice([h5t.CSET_ASCII, h5t.CSET_UTF8]))
    t.set_strpad(d.rng.choice([h5t.STR_NULLTERM, h5t.STR_NULLPAD, h5t.STR_SPACEPAD]))
    return t


def opaque(d: Draw, depth: int = 0) -> h5t.TypeOpaqueID:
    tag = d.rng.choice(OPAQUE_TAGS)
    t = h5t.create(h5t.OPAQUE, 8 if tag.startswith(b"NUMPY") else d.rng.randint(1, 12))
    t.set_tag(tag)
    return t


def time(d: Draw, depth: int = 0) -> h5t.TypeID:
    return d.rng.choice([h5t.UNIX_D32LE, h5t.UNIX_D32BE, h5t.UNIX_D64LE, h5t.UNIX_D64BE]).copy()


def array(d: Draw, depth: int) -> h5t.TypeArrayID:
    dims = tuple(d.rng.randint(1, 4) for _ in range(d.rng.randint(1, 3)))
    return h5t.array_create(draw_type(d, depth - 1), dims)


def variable(d: Draw, depth: int) -> h5t.TypeVlenID:
    return h5t.vlen_create(draw_type(d, depth - 1))


def complex_pair(d: Draw, depth: int) -> h5t.TypeCompoundID:
    part = floating(d)
    t = h5t.create(h5t.COMPOUND, 2 * part.get_size())
    for i, name in enumerate(d.rng.choice([(b"r", b"i"), (b"real", b"imag")])):
        t.insert(name, i * part.get_size(), part)
    return t


def reference(d: Draw, depth: int) -> h5t.TypeID:
    if d.file.get_create_plist().get_sizes()[0] < 8:
        raise ValueError("libhdf5 2.0 writes eight bytes where it reserves four")
    return d.rng.choice([h5t.STD_REF_OBJ, h5t.STD_REF_OBJ, h5t.STD_REF_DSETREG]).copy()


def compound(d: Draw, depth: int) -> h5t.TypeCompoundID:
    """Members with or without gaps between them, told in the order of their places or in another."""
    names = d.rng.sample(NAMES, d.rng.randint(1, 6))
    gaps, mixed = d.chance(0.4), d.chance(0.3)
    members, end = [], 0
    for name in names:
        t = draw_type(d, depth - 1)
        end += d.rng.randint(0, 7) if gaps else 0
        members.append((name.encode(), end, t))
        end += t.get_size()
    if mixed:
        d.rng.shuffle(members)
    out = h5t.create(h5t.COMPOUND, end + (d.rng.randint(0, 5) if gaps else 0))
    for member in members:
        out.insert(*member)
    return out


def elements(d: Draw, t: h5t.TypeID, n: int) -> np.ndarray:
    """n elements: shape (n, bytes of one)."""
    size = t.get_size()
    match t:
        case h5t.TypeCompoundID():
            out = plain(d, n, size)
            for i in range(t.get_nmembers()):
                at, member = t.get_member_offset(i), t.get_member_type(i)
                out[:, at:at + member.get_size()] = elements(d, member, n)
            return out
        case h5t.TypeArrayID():
            return elements(d, t.get_super(), n * int(np.prod(t.get_array_dims()))).reshape(n, size)
        case h5t.TypeVlenID():
            return rows(n, size, lambda: sequence(d, t.get_super()))
        case h5t.TypeStringID() if t.is_variable_str():
            return rows(n, size, lambda: string(d))
        case h5t.TypeStringID():
            return rows(n, size, lambda: padded(d, t))
        case h5t.TypeEnumID():
            known = [libhdf5.member_value(t, i) for i in range(t.get_nmembers())]
            return rows(n, size, lambda: d.rng.choice(known) if d.chance(0.9) else d.bytes(size))
        case h5t.TypeReferenceID():
            known = targets(d, size)
            return rows(n, size, lambda: d.rng.choice(known))
        case h5t.TypeFloatID() if d.chance(0.7):
            return floats(d, t, n)
    return plain(d, n, size)


def rows(n: int, size: int, one) -> np.ndarray:
    return np.frombuffer(b"".join(one() for _ in range(n)), "u1").reshape(n, size).copy()


def plain(d: Draw, n: int, size: int) -> np.ndarray:
    """Noise, few different values, or counting, which compresses."""
    how = d.rng.choice(["noise", "few", "count"])
    if how == "noise" or n == 0:
        return np.frombuffer(d.bytes(n * size), "u1").reshape(n, size).copy()
    if how == "few":
        known = np.frombuffer(d.bytes(3 * size), "u1").reshape(3, size)
        return known[[d.rng.randrange(3) for _ in range(n)]]
    out = np.zeros((n, size), "u1")
    counted = (np.arange(n, dtype="<u8") * d.rng.randint(1, 9)).view("u1").reshape(n, 8)[:, :size]
    out[:, :counted.shape[1]] = counted
    return out[:, ::-1] if d.chance(0.3) else out


def floats(d: Draw, t: h5t.TypeFloatID, n: int) -> np.ndarray:
    """Measured values, as libhdf5 itself stores them."""
    values = np.round(np.cumsum([d.rng.gauss(0, 1) for _ in range(n)]), 2)
    for special in (np.nan, np.inf, -np.inf, -0.0, 5e-324, 1e30, 6e-8):
        if n and d.chance(0.2):
            values[d.rng.randrange(n)] = special
    out = np.zeros(n * max(8, t.get_size()), "u1")
    out[:8 * n] = values.view("u1")
    h5t.convert(h5t.IEEE_F64LE, t, n, out)
    return out[:n * t.get_size()].reshape(n, t.get_size()).copy()


def sequence(d: Draw, base: h5t.TypeID) -> bytes:
    n = d.rng.choice([0, 1, 2, 3, 7])
    values = np.ascontiguousarray(elements(d, base, n))
    d.kept.append(values)
    return struct.pack("QQ", n, values.ctypes.data if n else 0)


def string(d: Draw) -> bytes:
    if d.chance(0.1):
        return bytes(8)
    value = np.frombuffer(d.rng.choice(TEXTS).encode() + b"\0", "u1").copy()
    d.kept.append(value)
    return struct.pack("Q", value.ctypes.data)


def padded(d: Draw, t: h5t.TypeStringID) -> bytes:
    size = t.get_size()
    value = d.rng.choice(TEXTS).encode()[:size].decode(errors="ignore").encode()
    if t.get_strpad() == h5t.STR_SPACEPAD:
        return value.ljust(size, b"\0" if d.chance(0.2) else b" ")
    if t.get_strpad() == h5t.STR_NULLTERM and len(value) < size:
        return value + b"\0" + d.bytes(size - len(value) - 1)
    return value.ljust(size, b"\0")


def targets(d: Draw, size: int) -> list[bytes]:
    """References to what every file has, and the null reference."""
    if size == 8:
        return [bytes(8), libhdf5.reference(d.file, "/", None), libhdf5.reference(d.file, "/target", None)]
    region = h5s.create_simple((5,))
    region.select_hyperslab((1,), (2,))
    return [libhdf5.reference(d.file, "/target", region)]
