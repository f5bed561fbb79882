"""Datatypes of attributes drawn at random, with elements as their bytes are in memory. See generated_meta.py."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from typing import Callable

import numpy as np
from h5make import NULL, OPAQUE, File

TEXTS = [b"", b"a", b"muon", b"with space ", "grüße".encode(), "日本".encode(), b"tab\tnew\n", b'quote " \\ <&>', b"x" * 300, b"caf\xe9", "\u2028".encode()]
MEMBERS = [b"x", b"y", b"energy", "größe".encode(), b"a.b", b"r", b"i", b"weird name", b"base64", b"unreadable"]
FLOATS = [(8, 7), (4, 3), (5, 2), (6, 13), (8, 15), (11, 30), (7, 16), (3, 2), (2, 3)]  # bits of exponent, of mantissa: bfloat16, FP8, FP6, FP4-like


@dataclass
class Drawn:
    """A type, and one element of it."""

    id: int
    one: Callable[[], bytes]

    def data(self, n: int) -> bytes:
        return b"".join(self.one() for _ in range(n))


@dataclass
class Draw:
    rng: random.Random
    file: File
    small: bool  # addresses of fewer than eight bytes, in which libhdf5 cannot write references
    committed: list[Drawn] = field(default_factory=list)
    targets: list[bytes] = field(default_factory=list)
    revised: list[np.ndarray] = field(default_factory=list)  # references that hold the file open

    @property
    def h5(self):
        return self.file.h5

    def type(self, depth: int = 2) -> Drawn:
        simple = [integer, integer, floating, floating, small_float, bitfield, enum, boolean, text, text, opaque, time, long_double]
        nested = [compound, compound, array, variable_text, variable, reference, committed, *([complex_pair] if self.h5.version >= (2,) else []), *([revised] if self.h5.version >= (1, 12) else [])]
        return self.rng.choice(simple + nested if depth else simple)(self, depth)

    def space(self):
        n = self.rng.randint
        return self.rng.choice([(), (), (), (n(1, 9),), (n(1, 9),), (n(1, 3), n(1, 3)), (0,), (2, 0), (0, 2), NULL, (2, 1, 2)])

    def release(self) -> None:
        for value in self.revised:
            self.h5.H5Rdestroy(value)

    def chance(self, p: float) -> bool:
        return self.rng.random() < p


def integer(d: Draw, depth: int) -> Drawn:
    size = d.rng.choice([1, 2, 4, 8, 1, 2, 4, 8, 3, 5, 7])
    t = d.h5.H5Tcopy(d.rng.choice([d.h5.STD_I64LE, d.h5.STD_I64BE, d.h5.STD_U64LE, d.h5.STD_U64BE]))
    bits = d.rng.randint(2, 8 * size) if d.chance(0.3) else 8 * size
    d.h5.H5Tset_precision(t, bits)
    d.h5.H5Tset_size(t, size)
    d.h5.H5Tset_offset(t, d.rng.randint(0, 8 * size - bits))
    return Drawn(t, lambda: d.rng.choice([d.rng.randbytes(size), bytes(size), b"\xff" * size]))


def floating(d: Draw, depth: int) -> Drawn:
    name, form = d.rng.choice([("IEEE_F32LE", "<f"), ("IEEE_F32BE", ">f"), ("IEEE_F64LE", "<d"), ("IEEE_F64BE", ">d")])
    special = [0.0, -0.0, 1.0, 1e6, 123456789.0, 0.1, 1e21, 1e-7, float("nan"), float("inf"), float("-inf")]

    def one() -> bytes:
        return struct.pack(form, d.rng.choice([*special, d.rng.gauss(0, 1), round(d.rng.gauss(0, 100), 2)])) if d.chance(0.8) else d.rng.randbytes(struct.calcsize(form))

    return Drawn(getattr(d.h5, name), one)


def small_float(d: Draw, depth: int) -> Drawn:
    exponent, mantissa = d.rng.choice(FLOATS)
    bits = 1 + exponent + mantissa
    size = (bits + 7) // 8 + d.rng.choice([0, 0, 0, 1])
    at = d.rng.choice([0, 8 * size - bits])
    h5, t = d.h5, d.h5.H5Tcopy(d.rng.choice([d.h5.IEEE_F64LE, d.h5.IEEE_F64BE]))
    h5.H5Tset_fields(t, at + bits - 1, at + mantissa, exponent, at, mantissa)
    h5.H5Tset_offset(t, at)
    h5.H5Tset_precision(t, bits)
    h5.H5Tset_size(t, size)
    h5.H5Tset_ebias(t, 2 ** (exponent - 1) - 1)
    return Drawn(t, lambda: d.rng.randbytes(size))


def long_double(d: Draw, depth: int) -> Drawn:
    size = d.h5.H5Tget_size(d.h5.NATIVE_LDOUBLE)
    values = [np.longdouble(v) for v in (0, 1, -2.5, 1e300, np.nan, np.inf)] + [np.longdouble(d.rng.gauss(0, 1)) / 3, np.longdouble("1e4000")]
    return Drawn(d.h5.NATIVE_LDOUBLE, lambda: d.rng.choice(values).tobytes()[:size])


def bitfield(d: Draw, depth: int) -> Drawn:
    size = d.rng.choice([1, 2, 4, 8])
    return Drawn(getattr(d.h5, f"STD_B{8 * size}{d.rng.choice(['LE', 'BE'])}"), lambda: d.rng.randbytes(size))


def enum(d: Draw, depth: int) -> Drawn:
    base = d.rng.choice([d.h5.STD_I8LE, d.h5.STD_U16BE, d.h5.STD_I32LE, d.h5.STD_I64BE])
    size = d.h5.H5Tget_size(base)
    values = [bytes([i]) + d.rng.randbytes(size - 1) for i in range(d.rng.randint(1, 6))]
    t = d.file.enum(base, *((b"NAME_%d" % i, v) for i, v in enumerate(values)))
    return Drawn(t, lambda: d.rng.choice(values) if d.chance(0.9) else d.rng.randbytes(size))


def boolean(d: Draw, depth: int) -> Drawn:
    return Drawn(d.file.boolean(), lambda: d.rng.choice([b"\0", b"\1"]))


def text(d: Draw, depth: int) -> Drawn:
    size, pad = d.rng.choice([1, 2, 5, 8, 16, 17, 40]), d.rng.randrange(3)
    fill = d.rng.choice([b"\0", b" "])
    return Drawn(d.file.string(size, pad, d.chance(0.5)), lambda: d.rng.choice(TEXTS)[:size].ljust(size, fill))


def variable_text(d: Draw, depth: int) -> Drawn:
    t = d.file.string(None, d.rng.randrange(3), d.chance(0.5))
    return Drawn(t, lambda: d.file.texts(None if d.chance(0.1) else d.rng.choice(TEXTS)))


def opaque(d: Draw, depth: int) -> Drawn:
    size = d.rng.randint(1, 12)
    t = d.h5.H5Tcreate(OPAQUE, size)
    d.h5.H5Tset_tag(t, d.rng.choice([b"", b"picture", b"NUMPY:<M8[us]"]))
    return Drawn(t, lambda: d.rng.randbytes(size))


def time(d: Draw, depth: int) -> Drawn:
    bits = d.rng.choice([32, 64])
    return Drawn(getattr(d.h5, f"UNIX_D{bits}{d.rng.choice(['LE', 'BE'])}"), lambda: d.rng.randbytes(bits // 8))


def array(d: Draw, depth: int) -> Drawn:
    dims = [d.rng.randint(1, 4) for _ in range(d.rng.randint(1, 3))]
    base, n = d.type(depth - 1), int(np.prod(dims))
    return Drawn(d.file.array(base.id, *dims), lambda: base.data(n))


def variable(d: Draw, depth: int) -> Drawn:
    base = d.type(depth - 1)

    def one() -> bytes:
        n = d.rng.choice([0, 1, 2, 7])
        return d.file.sequence(base.data(n), n)

    return Drawn(d.h5.H5Tvlen_create(base.id), one)


def complex_pair(d: Draw, depth: int) -> Drawn:
    base = floating(d, 0)
    return Drawn(d.h5.H5Tcomplex_create(base.id), lambda: base.data(2))


def compound(d: Draw, depth: int) -> Drawn:
    gap = d.rng.choice([0, 0, 3])
    members = [(name, d.type(depth - 1)) for name in d.rng.sample(MEMBERS, d.rng.randint(1, 5))]
    t = d.file.compound(*((name, m.id) for name, m in members), gap=gap)
    return Drawn(t, lambda: b"".join(m.one() + b"z" * gap for _, m in members))


def reference(d: Draw, depth: int) -> Drawn:
    if d.small:
        return integer(d, depth)
    if d.chance(0.2):
        return Drawn(d.h5.STD_REF_DSETREG, lambda: d.file.region(b"/target", (5,), (1,), (2,)))
    return Drawn(d.h5.STD_REF_OBJ, lambda: bytes(8) if d.chance(0.1) else d.file.reference(d.rng.choice([b"/", b"/target", *d.targets])))


def revised(d: Draw, depth: int) -> Drawn:
    """The references of HDF5 1.12."""
    def one() -> bytes:
        value = np.zeros(64, "u1")
        d.h5.H5Rcreate_object(d.file.id, d.rng.choice([b"/", b"/target", *d.targets]), 0, value)
        d.revised.append(value)
        return value.tobytes()

    return Drawn(d.h5.STD_REF, one)


def committed(d: Draw, depth: int) -> Drawn:
    return d.rng.choice(d.committed) if d.committed else compound(d, depth)
