"""Makes cases.zip: elements as they lie in an HDF5 file, and the Arrow table they have to become.

    python make.py        needs h5py >= 3.16 (HDF5 2), numpy, pyarrow; gives the same bytes every time

Each case is a folder of the archive: source.json, type (datatype message), data (elements), heap.json (global heap
objects and names of objects, where there are any) and, for each set of options, N.json and N.arrow (IPC stream) or the
error wanted. render.py makes the tables.
"""

import ctypes
import io
import json
import struct
import zipfile
from itertools import count
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
from h5py import h5d, h5s, h5t

import render
from render import Refused, table

ROWS = 19
rng = np.random.default_rng(2026)
f = h5py.File("cases.h5", "w", driver="core", backing_store=False, libver="v108")
numbers = count()
cases = []
render.current.append(f)


# ---------------------------------------------------------------------------------------------------------- cases
DEFAULT = [{}, {"plain": True}, {"layout": "rows"}]


def case(t, raw=None, shape=None, cls="", kind="", options=(), projections=(), dset=None):
    """A dataset of type t that holds raw bytes, random ones by default."""
    name = f"c{next(numbers)}"
    if dset is None:
        shape = (ROWS,) + (shape or ())
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_alloc_time(h5d.ALLOC_TIME_EARLY)
        dset = h5py.Dataset(h5d.create(f.id, name.encode(), t, h5s.create_simple(shape), plist))
        n = int(np.prod(shape))
        if raw is None:
            raw = rng.bytes(n * t.get_size())
        raw = bytes(raw)[:n * t.get_size()].ljust(n * t.get_size(), b"\0")
        dset.id.write(h5s.ALL, h5s.ALL, np.frombuffer(raw, f"V{t.get_size()}").reshape(shape), t)
    # libhdf5 sorts the members of the type it has at hand when it converts, so keep it as it is in the file
    cases.append({"name": name, "dset": dset, "type": dset.id.get_type().copy(), "class": cls, "pseudo": kind, "options": [*DEFAULT, *options],
                  "projections": list(projections)})


def changed(t, size=None, order=None, precision=None, offset=None, fields=None, bias=None, norm=None):
    t = t.copy()
    if size and size > t.get_size():
        t.set_size(size)
    if fields:
        if precision and precision > t.get_precision():
            t.set_precision(precision)
        t.set_fields(*fields)
        t.set_ebias(bias)
    if precision:
        t.set_precision(precision)
    if offset:
        t.set_offset(offset)
    if size and size < t.get_size():
        t.set_size(size)
    if norm is not None:
        t.set_norm(norm)
    if order is not None:
        t.set_order(order)
    return t


def integers():
    for size in (1, 2, 4, 8):
        for sign in "IU":
            for order in ("LE", "BE"):
                case(getattr(h5t, f"STD_{sign}{8 * size}{order}"))
    for base in (h5t.STD_I32LE, h5t.STD_U32BE, h5t.STD_I16BE, h5t.STD_I64LE, h5t.STD_U8LE, h5t.STD_I64BE):
        case(changed(base, precision=base.get_precision() - 3))
        case(changed(base, precision=5, offset=2))
    for size in (3, 5, 6, 7):
        case(changed(h5t.STD_I64LE, precision=8 * size, size=size))
        case(changed(h5t.STD_U64BE, precision=8 * size, size=size))
    case(short(h5t.STD_U8BE, 0, 5))
    case(short(h5t.STD_I16BE, 0, 9))
    case(short(h5t.STD_I16BE, 3, 9))
    case(short(h5t.STD_B16BE, 0, 9))
    case(h5t.STD_B8LE)
    case(h5t.STD_B8LE, raw=b"\0\1\2\0\xff" * 9, cls="CARRAY")
    case(short(h5t.STD_B8LE, 1, 3), cls="ARRAY")
    case(h5t.STD_B16BE, cls="TABLE")
    case(h5t.STD_B64LE)


def short(t, offset, precision):
    """The type with fewer bits, where h5py has no method for that."""
    b = bytearray(t.encode())
    struct.pack_into("<HH", b, 10, offset, precision)
    return h5t.decode(bytes(b))


def specials(size):
    """Zeros, ones, and neighbours of all powers of two, then random bits."""
    bits = [0, 2 ** (8 * size) - 1] + [x for k in range(8 * size) for x in (2 ** k, 2 ** k - 1, 2 ** (8 * size) - 2 ** k)]
    picked = b"".join(x.to_bytes(size, "little") for x in bits)
    return picked + rng.bytes(size * 40)


def floats():
    for n in (16, 32, 64):
        case(getattr(h5t, f"IEEE_F{n}LE"))
        case(getattr(h5t, f"IEEE_F{n}BE"))
    small = {"bfloat16": (h5t.IEEE_F16LE, 2, (15, 7, 8, 0, 7), 127), "e4m3": (h5t.IEEE_F16LE, 1, (7, 3, 4, 0, 3), 7),
             "e5m2": (h5t.IEEE_F16LE, 1, (7, 2, 5, 0, 2), 15), "f24": (h5t.IEEE_F32LE, 3, (23, 16, 7, 0, 16), 63)}
    for t, size, fields, bias in small.values():
        t = t.copy()
        t.set_fields(*fields)
        t.set_ebias(bias)
        t.set_precision(8 * size)
        t.set_size(size)
        wide(t)
        big = t.copy()
        big.set_order(h5t.ORDER_BE)
        wide(big)
    odd = h5t.IEEE_F16LE.copy()
    odd.set_ebias(3)
    wide(odd)
    odd = h5t.IEEE_F64LE.copy()  # more digits than float32 has
    odd.set_ebias(900)
    wide(odd)
    long = h5t.NATIVE_LDOUBLE
    wide(long)
    big = long.copy()
    big.set_order(h5t.ORDER_BE)
    wide(big)
    quad = h5t.IEEE_F64LE.copy()
    quad.set_size(16)
    quad.set_precision(128)
    quad.set_fields(127, 112, 15, 0, 112)
    quad.set_ebias(16383)
    wide(quad)
    big = quad.copy()
    big.set_order(h5t.ORDER_BE)
    wide(big)
    for t, bias in ((h5t.IEEE_F32LE, 129), (h5t.IEEE_F64LE, 1025)):  # F and G floats of VAX
        t = t.copy()
        t.set_ebias(bias)
        t.set_order(h5t.ORDER_VAX)
        third = bytearray(t.encode())
        third[2] = 0x31  # before version 3 a message cannot say VAX
        wide(h5t.decode(bytes(third)))


def wide(t):
    """Floats of any kind: special bits in the exponent's neighbourhood, and numbers that fit a float64."""
    size = t.get_size()
    sign, epos, esize, mpos, msize = t.get_fields()
    bias, out = t.get_ebias(), []
    values = [int.from_bytes(specials(size)[i:i + size], "little") for i in range(0, len(specials(size)), size)]
    for e in (0, 1, bias, bias - 1, bias + 1, 2 ** esize - 2, 2 ** esize - 1, bias - 127, bias - 150, bias + 127, bias + 128,
              bias - 1023, bias - 1060, bias - 1074, bias - 1075, bias + 1023, bias + 1024, bias - 14, bias - 24, bias + 15):
        for m in (0, 1, 2 ** (msize - 1), 2 ** msize - 1, 2 ** (msize - 1) + 1, int.from_bytes(rng.bytes(16), "little") % 2 ** msize,
                  3 * 2 ** max(msize - 54, 0), 3 << max(msize - 55, 0), (1 << msize) - (1 << max(msize - 54, 0))):
            if 0 <= e < 2 ** esize:
                values.append((e << epos) | (m % 2 ** msize) << mpos | int(rng.integers(2)) << sign)
    for v in values:
        b = (v % 2 ** (8 * size)).to_bytes(size, "little")
        if t.get_order() == h5t.ORDER_BE:
            b = b[::-1]
        if t.get_order() == h5t.ORDER_VAX:
            b = b"".join(b[i:i + 2] for i in range(size - 2, -2, -2))
        out.append(b)
    while len(out) % ROWS:
        out.append(out[0])
    case(t, raw=b"".join(out), shape=(len(out) // ROWS,))


def enums():
    for base, values in ((h5t.STD_I8LE, {"FALSE": 0, "TRUE": 1}), (h5t.STD_U16BE, {"TRUE": 1, "FALSE": 0}),
                         (h5t.STD_I16LE, {"a": -1, "b": 3, "c": 256}), (h5t.STD_U8LE, {"zero": 0, "grün": 7}),
                         (h5t.STD_U64BE, {"big": 2 ** 63 - 1, "one": 1}), (h5t.STD_I32BE, {"FALSE": 0, "TRUE": 2})):
        t = h5t.enum_create(base)
        for n, v in values.items():
            t.enum_insert(n.encode(), v)
        dt = np.dtype({h5t.STD_I8LE: "i1", h5t.STD_U16BE: ">u2", h5t.STD_I16LE: "<i2", h5t.STD_U8LE: "u1",
                       h5t.STD_U64BE: ">u8", h5t.STD_I32BE: ">i4"}[base])
        raw = rng.choice([*values.values(), 5], ROWS).astype(dt).tobytes()
        case(t, raw=raw, options=[{"enum": "int"}, {"enum": "int", "plain": True}])


def times():
    o = [{"time": "numeric"}, {"time": "numeric", "plain": True}]
    for t in (h5t.UNIX_D32LE, h5t.UNIX_D32BE):
        case(t, options=o)
    for t, dt in ((h5t.UNIX_D64LE, "<i8"), (h5t.UNIX_D64BE, ">i8")):
        v = (rng.integers(-2 ** 31, 2 ** 31, ROWS) << 32) | rng.integers(0, 10 ** 6, ROWS)
        v[:3] = (-1, 1 << 31, (5 << 32) | 0xFFFFFFFF)
        case(t, raw=v.astype(dt).tobytes(), options=o)
    for tag in ("NUMPY:<M8[us]", "NUMPY:>M8[s]", "NUMPY:M8[ns]", "NUMPY:<m8[ms]", "NUMPY:<M8[D]", "NUMPY:<M8[us", "plain"):
        t = h5t.create(h5t.OPAQUE, 8)
        t.set_tag(tag.encode())
        v = rng.integers(-2 ** 62, 2 ** 62, ROWS).astype("<i8")
        v[[2, 5]] = np.iinfo("i8").min
        case(t, raw=v.astype(">i8" if ">" in tag else "<i8").tobytes(), options=[{"time": "numeric"}])
    t = h5t.create(h5t.OPAQUE, 5)
    t.set_tag(b"x")
    case(t)


def string(size, pad):
    t = h5t.C_S1.copy()
    t.set_size(size)
    t.set_strpad(pad)
    return t


def words(size):
    parts = [b"", b"\0", b" ", b"a", b"abc ", b" x\0y", "é".encode(), b"a\0 \0", b"  ", b"tail \0 "]
    def pick(of):
        return of[int(rng.integers(len(of)))]
    cells = [(pick(parts) + pick(parts))[:size].decode("utf-8", "ignore").encode() for _ in range(ROWS * 6)]
    return b"".join(c.ljust(size, pick([b"\0", b" "])) for c in cells)


def strings():
    for pad in (h5t.STR_NULLTERM, h5t.STR_NULLPAD, h5t.STR_SPACEPAD):
        for size in (1, 2, 7):
            case(string(size, pad), raw=words(size), options=[{"strings": "binary"}])
        case(string(4, pad), raw=words(4), shape=(2, 3), options=[{"tensors": "nested"}, {"tensors": "nested", "plain": True}])
    case(string(3, h5t.STR_NULLPAD), raw=b"okyok\0no\xff" * 9, options=[{"strings": "binary"}])


def record(*parts, size=None):
    """A compound of (name, type) with a gap before each member, or (name, type, offset)."""
    at, placed = 0, []
    for name, t, *off in parts:
        at = off[0] if off else at + 1
        placed.append((name, at, t))
        at += t.get_size()
    out = h5t.create(h5t.COMPOUND, size or at + 2)
    for x in placed:
        out.insert(x[0].encode(), *x[1:])
    return out


def pair(base, names=("r", "i")):
    return record((names[0], base, 0), (names[1], base, base.get_size()), size=2 * base.get_size())


def compounds():
    inner = record(("x", h5t.STD_I16BE), ("y", pair(h5t.IEEE_F32LE)), ("z", record(("k", h5t.STD_U8LE), ("f", h5t.IEEE_F16LE))))
    t = record(("a", h5t.STD_I32LE, 30), ("b", h5t.IEEE_F64BE, 2), ("c", string(3, h5t.STR_NULLPAD), 11), ("n", inner, 40),
               ("v", h5t.array_create(h5t.STD_U16LE, (3,)), 14), ("m", h5t.array_create(h5t.IEEE_F32BE, (2, 2)), 66), size=83)
    raw = bytearray(rng.bytes(t.get_size() * ROWS))
    for i in range(ROWS):
        raw[i * 83 + 11:i * 83 + 14] = b"x%d" % (i % 7) + b"\0"
    case(t, raw=raw, options=[{"tensors": "nested"}],
         projections=[["b"], ["n/x", "a"], ["n/z/f", "m"], ["n/z", "n/y", "v"], ["c", "b", "n"]])
    case(t, raw=bytes(raw) * 6, shape=(2, 3), options=[{"tensors": "nested"}], projections=[["n/z/k", "m"]])
    flat = record(("u", h5t.STD_U8LE, 0), ("f", h5t.IEEE_F32LE, 1), ("g", h5t.STD_I64LE, 5), size=13)
    case(flat, projections=[["f", "g"], ["g", "u"]])
    when = record(("t", h5t.UNIX_D64LE), ("s", h5t.UNIX_D32LE), ("b", h5t.STD_B8LE), ("e", colours()))
    case(when, cls="TABLE", options=[{"time": "numeric", "enum": "int"}])
    for base in (h5t.IEEE_F16LE, h5t.IEEE_F32BE, h5t.IEEE_F64LE, h5t.NATIVE_LDOUBLE):
        case(pair(base), raw=small(base))
        case(pair(base, ("real", "imag")), raw=small(base) * 2, shape=(2,))
    case(pair(h5t.IEEE_F64LE), cls="TABLE")
    case(record(("c", pair(h5t.IEEE_F16BE)), ("d", h5t.array_create(pair(h5t.IEEE_F64LE, ("real", "imag")), (2,)))))
    for base in (h5t.IEEE_F32LE, h5t.IEEE_F64BE, h5t.IEEE_F16LE):
        case(h5t.complex_create(base) if hasattr(h5t, "complex_create") else getattr(h5t, "COMPLEX_" + tag(base)))


def tag(base):
    return next(f"IEEE_F{n}{o}" for n in (16, 32, 64) for o in ("LE", "BE") if base == getattr(h5t, f"IEEE_F{n}{o}"))


def small(base):
    """Numbers of moderate size, for the long double has bits that are none."""
    if base.get_size() < 16:
        return rng.bytes(2 * base.get_size() * ROWS)
    cells = np.frombuffer(rng.normal(size=2 * ROWS).astype(np.longdouble).tobytes(), "u1").reshape(-1, 16).copy()
    cells[:, 10:] = 0  # padding
    return cells.tobytes()


def colours():
    t = h5t.enum_create(h5t.STD_U8LE)
    for i, n in enumerate(("red", "green", "blue")):
        t.enum_insert(n.encode(), i * 50)
    return t


def arrays_cases():
    nest = [{"tensors": "nested"}, {"tensors": "nested", "plain": True}]
    for shape in ((2,), (2, 3), (1, 2, 2)):
        case(h5t.IEEE_F32LE, shape=shape, options=nest)
        case(h5t.array_create(h5t.STD_I16BE, shape), shape=(2,), options=nest)
    case(h5t.array_create(h5t.array_create(h5t.STD_I32LE, (2,)), (3, 1)), shape=(2,), options=nest)
    case(h5t.array_create(h5t.array_create(record(("a", h5t.STD_I8LE), ("b", h5t.array_create(h5t.IEEE_F64BE, (2,)))), (2,)), (2,)), options=nest)
    case(h5t.array_create(colours(), (4,)), raw=rng.choice([0, 50, 100, 7], 8 * ROWS).astype("u1").tobytes(), shape=(2,), options=nest)
    case(h5t.array_create(h5t.STD_B8LE, (9,)), cls="CARRAY")
    case(h5t.array_create(h5t.UNIX_D64BE, (2,)), cls="CARRAY")
    case(h5t.array_create(string(2, h5t.STR_NULLPAD), (2, 2)), raw=b"ab\0c\0\0zz" * ROWS)
    case(h5t.array_create(changed(h5t.STD_I64LE, precision=24, size=3), (90,)))
    case(h5t.array_create(h5t.IEEE_F64BE, (90,)))
    case(h5t.STD_I16LE, shape=(0,))
    case(h5t.STD_I16LE, shape=(2, 0), options=nest)


def variable():
    def made(dtype, rows, **more):
        d = f.create_dataset(f"v{next(numbers)}", (len(rows),), dtype)
        for i, r in enumerate(rows):
            if r is not None:
                d[i] = r
        case(None, dset=d, **more)
    texts = ["", "a", "größe", "long " * 50, "nul\0 cut"] * 3
    made(h5py.string_dtype(), texts[:4] * 4, options=[{"strings": "binary"}])
    made(h5py.string_dtype("ascii"), [b"x", b"\xff\xfe", b""] * 3, options=[{"strings": "binary"}])
    seqs = [np.arange(k) for k in (0, 1, 5, 3, 0, 40)]
    for dt in ("<i4", ">i2", "<f8", ">f2", "u1"):
        made(h5py.vlen_dtype(np.dtype(dt)), [s.astype(dt) for s in seqs])
    made(h5py.vlen_dtype(np.dtype(">i2")), [s.astype(">i2") for s in seqs], cls="VLARRAY")
    letters = [np.frombuffer(x, "u1") for x in (b"", b"pickle", b"na\0me", b"\xc3\xa9")]
    for kind in ("vlstring", "object"):
        made(h5py.vlen_dtype(np.dtype("u1")), letters, cls="VLARRAY", kind=kind, options=[{"strings": "binary"}])
    made(h5py.vlen_dtype(np.dtype("u1")), [*letters, np.frombuffer(b"\xff", "u1")], cls="VLARRAY", kind="vlstring", options=[{"strings": "binary"}])
    for dt in ("<u4", ">u4"):
        made(h5py.vlen_dtype(np.dtype(dt)), [np.array([ord(c) for c in x], dt) for x in texts[:5] + ["\U0001f600"]], cls="VLARRAY",
             kind="vlunicode", options=[{"strings": "binary"}])
    lowlevel()


def lowlevel():
    """Types that h5py does not write: data through ctypes, as hvl_t."""
    keep = []

    def hvl(raw, n):
        b = ctypes.create_string_buffer(raw, max(len(raw), 1))
        keep.append(b)
        return struct.pack("<QQ", n, ctypes.addressof(b) if n else 0)

    def write(t, rows, shape=None, **more):
        shape = shape or (ROWS,)
        n = int(np.prod(shape))
        d = h5py.Dataset(h5d.create(f.id, f"v{next(numbers)}".encode(), t, h5s.create_simple(shape)))
        cells = b"".join(rows[i % len(rows)] for i in range(n))
        mem = t if t.get_class() != h5t.VLEN else h5t.vlen_create(t.get_super())
        d.id.write(h5s.ALL, h5s.ALL, np.frombuffer(cells, f"V{len(rows[0])}").reshape(shape), mem)
        case(None, dset=d, **more)
    shorts = [hvl(struct.pack(f"<{k}h", *range(k)), k) for k in (0, 1, 4, 2)]
    text = h5t.C_S1.copy()
    text.set_size(h5t.VARIABLE)
    names = [ctypes.create_string_buffer(x) for x in (b"one", b"two words", "drei ä".encode(), b"")]
    pointers = [struct.pack("<Q", ctypes.addressof(x)) for x in names] + [b"\0" * 8]
    vl = h5t.vlen_create
    write(vl(vl(h5t.STD_I16LE)), [hvl(b"".join(shorts[:k]), k) for k in (2, 0, 4, 3)])
    write(vl(text), [hvl(b"".join(pointers[:k]), k) for k in (5, 0, 1)], options=[{"strings": "binary"}])
    write(vl(colours()), [hvl(bytes([0, 50, 7, 100]), 4), hvl(b"", 0)], options=[{"enum": "int"}])
    write(vl(h5t.STD_B8LE), [hvl(bytes([0, 50, 7]), 3)], cls="VLARRAY")
    write(vl(h5t.array_create(h5t.IEEE_F32LE, (2, 2))), [hvl(rng.bytes(48), 3), hvl(b"", 0)], options=[{"tensors": "nested"}])
    write(vl(string(3, h5t.STR_SPACEPAD)), [hvl(b"a  bc dEF", 3)])
    write(vl(h5t.STD_I16LE), shorts, shape=(ROWS, 2), options=[{"tensors": "nested"}])
    write(h5t.array_create(vl(h5t.STD_I16LE), (2,)), [shorts[1] + shorts[2], shorts[0] + shorts[3]])
    mixed = h5t.create(h5t.COMPOUND, 32)
    for x in ((b"id", 0, h5t.STD_I64LE), (b"name", 8, text), (b"hits", 16, vl(h5t.STD_I16LE))):
        mixed.insert(*x)
    write(mixed, [struct.pack("<q", k) + pointers[k] + shorts[k % 4] for k in range(5)], projections=[["hits"], ["name", "id"]])
    write(vl(mixed), [hvl(struct.pack("<q", k) + pointers[k] + shorts[k % 4], 1) for k in range(5)])


def references():
    f.create_group("gruppe/ünder")
    region = f.create_dataset("grid", data=np.arange(20).reshape(4, 5))
    d = f.create_dataset("refs", (5,), h5py.ref_dtype)
    d[0], d[1], d[3] = f["gruppe"].ref, f["gruppe/ünder"].ref, region.ref
    case(None, dset=d)
    r = f.create_dataset("regs", (3,), h5py.regionref_dtype)
    r[0] = region.regionref[1:3, 2]
    case(None, dset=r)
    t = record(("o", h5t.STD_REF_OBJ), ("n", h5t.STD_I16LE))
    d = h5py.Dataset(h5d.create(f.id, b"reftable", t, h5s.create_simple((2,))))
    d[...] = np.array([(f["gruppe"].ref, 3), (None, 4)], [("o", h5py.ref_dtype), ("n", "<i2")])
    case(None, dset=d, projections=[["n"], ["o"]])


# --------------------------------------------------------------------------------------------------------- writing
def heaps(image):
    """Global heap objects (section III.E) of a file's bytes: [address, index, hex]."""
    out, at = [], image.find(b"GCOL\1")
    while at >= 0:
        end = at + struct.unpack_from("<Q", image, at + 8)[0]
        p = at + 16
        while p + 16 <= end:
            index, _, _, size = struct.unpack_from("<HHIQ", image, p)
            if index == 0:
                break
            out.append([at, index, image[p + 16:p + 16 + size].hex()])
            p += 16 + (size + 7) // 8 * 8
        at = image.find(b"GCOL\1", at + 1)
    return out


def message(image, d):
    """The datatype message of a dataset in the first chunk of its object header (section IV.A.1)."""
    at = h5py.h5o.get_info(d.id).addr
    if image[at:at + 4] == b"OHDR":
        flags = image[at + 5]
        at += 6 + (16 if flags & 32 else 0) + (4 if flags & 16 else 0) + (1 << (flags & 3))
        head = "<BHB" + ("H" if flags & 4 else "")
    else:
        at, head = at + 16, "<HHI"
    while True:
        kind, size, *_ = struct.unpack_from(head, image, at)
        at += struct.calcsize(head)
        if kind == 3:
            return image[at:at + size]
        at += size


def stream(t):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, t.schema) as w:
        w.write_table(t.combine_chunks())
    return sink.getvalue()


def add(z, name, data):
    z.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data if isinstance(data, bytes) else json.dumps(data), zipfile.ZIP_DEFLATED)


def write(z):
    f.flush()
    image = f.id.get_file_image()
    names = {}
    for name in ("gruppe", "gruppe/ünder", "grid"):
        names[str(h5py.h5o.get_info(f[name].id).addr)] = "/" + name
    add(z, "heap.json", {"objects": heaps(image), "names": names})
    for c in cases:
        d, name = c["dset"], c["name"]
        size, offset = d.id.get_storage_size(), d.id.get_offset()
        add(z, f"{name}/source.json", {"inner": list(d.shape[1:]), "rows": d.shape[0], "class": c["class"], "pseudo": c["pseudo"]})
        add(z, f"{name}/type", message(image, d))
        add(z, f"{name}/data", image[offset:offset + size] if size else b"")
        wanted = [(o, None) for o in c["options"]] + [(o, p) for p in c["projections"] for o in DEFAULT]
        for i, (o, p) in enumerate(wanted):
            want = {"options": o, "fields": p, "refused": ""}
            try:
                add(z, f"{name}/{i}.arrow", stream(table(c, o, p)))
            except Refused as e:
                want["refused"] = str(e)
            add(z, f"{name}/{i}.json", want)


def make(target):
    for part in (integers, floats, enums, times, strings, compounds, arrays_cases, variable, references):
        part()
    with zipfile.ZipFile(target, "w") as z:
        write(z)


if __name__ == "__main__":
    make(Path(__file__).with_name("cases.zip"))
