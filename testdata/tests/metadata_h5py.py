"""A file's metadata by libhdf5 alone, as plain JSON: what mtflight's action `list` must give.

    python testdata/tests/metadata_h5py.py FILE [LIBHDF5]      prints it; default is the libhdf5 that h5py carries
    python testdata/tests/metadata_h5py.py --many [LIBHDF5]    answers paths on standard input

The libhdf5 must be 1.12.1 or newer.

{"groups": {path: {attributes}}, "types": {..}, "datasets": {path: {..}}, "links": {path: {kind, file, target}}}; every
object once, by hard links from the root in the order of names; further hard links are links. Where the file keeps the order in which
links were made, each object and link has its place, "order", from 1. Values are read in the file's own type and decoded here;
only floats that no machine has are converted by libhdf5. What it cannot read is {"unreadable": reason}.
"""

from __future__ import annotations

import base64
import ctypes
import json
import math
import re
import struct
import sys
from dataclasses import dataclass
from typing import Any, Callable

import numpy as np
from h5lib import Library, extents

INTEGER, FLOAT, TIME, STRING, BITFIELD, OPAQUE, COMPOUND, REFERENCE, ENUM, VLEN, ARRAY, COMPLEX = range(12)
GROUP, DATASET, NAMED = 0, 1, 2
RELAX_ALL = 1
NO_ADDRESS = (1 << 64) - 1


class Token(ctypes.Structure):
    _fields_ = [("data", ctypes.c_ubyte * 16)]


class ObjectInfo(ctypes.Structure):  # H5O_info2_t
    _fields_ = [("fileno", ctypes.c_ulong), ("token", Token), ("type", ctypes.c_int), ("rest", ctypes.c_ubyte * 64)]


class LinkValue(ctypes.Union):
    _fields_ = [("token", Token), ("size", ctypes.c_size_t)]


class LinkInfo(ctypes.Structure):  # H5L_info2_t
    _fields_ = [("type", ctypes.c_int), ("ordered", ctypes.c_bool), ("order", ctypes.c_int64), ("cset", ctypes.c_int), ("u", LinkValue)]


ON_LINK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int64, ctypes.c_char_p, ctypes.POINTER(LinkInfo), ctypes.c_void_p)
ON_ATTRIBUTE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int64, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p)


@dataclass
class Kind:
    """A datatype: bytes of one element in memory, and how it becomes JSON."""

    size: int
    one: Callable[[bytes], Any]
    many: Callable[[bytes, int], list] | None = None

    def all(self, data: bytes, n: int) -> list:
        if self.many:
            return self.many(data, n)
        return [self.one(data[i * self.size:(i + 1) * self.size]) for i in range(n)]


class Dump:
    """One open file. Errors: RuntimeError where it is no HDF5 file that libhdf5 can open."""

    def __init__(self, h5: Library, path: str | bytes):
        self.h5 = h5
        access = h5.H5Pcreate(h5.P_FILE_ACCESS)
        h5.H5Pset_fclose_degree(access, 3)
        h5.H5Pset_file_locking(access, False, True)
        if h5.version >= (2,):  # numbers with many unused bits are no damage
            h5.H5Pset_relax_file_integrity_checks(access, RELAX_ALL)
        self.file = h5.H5Fopen(path if isinstance(path, bytes) else str(path).encode(), 0, access)
        h5.close(access)
        self.first: dict[int, bytes] = {}  # addresses to paths
        self.objects: list[tuple[int, bytes, int, str]] = []
        self.order: dict[str, int] = {}  # by path
        self.links: dict[str, dict] = {}

    def close(self) -> None:
        self.h5.close(self.file)

    def tree(self) -> dict:
        root = self.h5.H5Gopen2(self.file, b"/", 0)
        self.walk(root, b"")
        self.h5.close(root)
        out: dict = {"groups": {}, "types": {}, "datasets": {}, "links": self.links}
        for address, path, kind, error in self.objects:
            self.object(out, address, spelled(path), kind, error)
        return out

    def walk(self, group: int, prefix: bytes) -> None:
        """Notes an open group and what is below it. The depth is Python's recursion."""
        address, _ = self.info(group)
        at = len(self.objects)
        self.first[address] = prefix or b"/"
        self.objects.append((address, prefix or b"/", GROUP, ""))
        found, error = self.entries(group)
        if error:
            self.objects[at] = (address, prefix or b"/", GROUP, error)
        for name, kind, address, value, order in sorted(found):
            path = prefix + b"/" + name
            if order:
                self.order[spelled(path)] = order
            if kind:
                self.links[spelled(path)] = described(kind, value) | self.placed(spelled(path))
            elif address in self.first:
                self.links[spelled(path)] = {"kind": "hard", "file": "", "target": spelled(self.first[address])} | self.placed(spelled(path))
            else:
                self.first[address] = path
                self.reach(path, address)

    def placed(self, path: str) -> dict:
        order = self.order.get(path)
        return {"order": order} if order else {}

    def reach(self, path: bytes, address: int) -> None:
        try:
            found = self.open(address)
        except RuntimeError as e:
            self.objects.append((address, path, DATASET, str(e)))
            return
        _, kind = self.info(found)
        if kind == GROUP:
            self.walk(found, path)
        else:
            self.objects.append((address, path, kind, ""))
        self.h5.close(found)

    def open(self, address: int) -> int:
        return self.h5.H5Oopen_by_addr(self.file, address)

    def info(self, found: int) -> tuple[int, int]:
        info = ObjectInfo()
        self.h5.H5Oget_info3(found, ctypes.byref(info), 1)
        return self.address(info.token), info.type

    def address(self, token: Token) -> int:
        return int.from_bytes(bytes(token.data)[:8], "little")

    def entries(self, group: int) -> tuple[list[tuple[bytes, int, int, bytes, int]], str]:
        """Name, kind, address, value and order of each link, and why there are no more."""
        found = []

        def note(_, name, info, __):
            found.append((name, info[0].type, self.address(info[0].u.token), info[0].u.size, info[0].order + 1 if info[0].ordered else 0))
            return 0

        at, error = ctypes.c_uint64(0), ""
        try:
            self.h5.H5Literate2(group, 0, 0, ctypes.byref(at), ON_LINK(note), None)
        except RuntimeError as e:
            error = str(e)
        out = []
        for i, (name, kind, address, size, order) in enumerate(found):
            value = b""
            if kind in (1, 64):
                buffer = ctypes.create_string_buffer(max(1, size))
                if b"/" in name:
                    self.h5.H5Lget_val_by_idx(group, b".", 0, 0, i, buffer, size, 0)
                else:  # which takes less than a walk of the group
                    self.h5.H5Lget_val(group, name, buffer, size, 0)
                value = buffer.raw[:size]
            out.append((name, kind, 0 if kind else address, value, order))
        return out, error

    def object(self, out: dict, address: int, path: str, kind: int, error: str) -> None:
        attributes: dict = {}
        if not (error and kind != GROUP):
            found = self.open(address)
            attributes = self.attributes(found)
        made: dict = {"attributes": attributes} | self.placed(path)
        if error:
            made["error"] = error
        elif kind == DATASET:
            self.shape(made, found)
        out[{GROUP: "groups", DATASET: "datasets", NAMED: "types"}.get(kind, "datasets")][path] = made
        if not (error and kind != GROUP):
            self.h5.close(found)

    def shape(self, made: dict, found: int) -> None:
        try:
            space = self.h5.H5Dget_space(found)
        except RuntimeError as e:
            made["error"] = str(e)
            return
        made["shape"] = self.dims(space)
        self.h5.close(space)

    def dims(self, space: int) -> list[int] | None:
        """None: a null dataspace."""
        if self.h5.H5Sget_simple_extent_type(space) == 2:
            return None
        rank = self.h5.H5Sget_simple_extent_ndims(space)
        dims = extents([0] * rank)
        if rank:
            self.h5.H5Sget_simple_extent_dims(space, dims, None)
        return list(dims)[:rank]

    def attributes(self, found: int) -> dict:
        """By name. Names that cannot be listed whole have a nameless companion."""
        names: list[bytes] = []

        def note(_, name, __, ___):
            names.append(name)
            return 0

        out, at = {}, ctypes.c_uint64(0)
        try:
            self.h5.H5Aiterate2(found, 0, 0, ctypes.byref(at), ON_ATTRIBUTE(note), None)
        except RuntimeError as e:
            out[""] = {"unreadable": str(e)}
        for name in sorted(names):
            try:
                out[spelled(name)] = self.attribute(found, name)
            except RuntimeError as e:
                out[spelled(name)] = {"unreadable": str(e)}
        return out

    def attribute(self, found: int, name: bytes) -> Any:
        h5 = self.h5
        a = h5.H5Aopen(found, name, 0)
        space, t = h5.H5Aget_space(a), h5.H5Aget_type(a)
        try:
            dims = self.dims(space)
            if dims is None:
                return None
            kind, n = self.kind(t), math.prod(dims)
            data = np.zeros(max(1, n * kind.size), "u1")
            if n:
                h5.H5Aread(a, t, data)
            return nested(kind.all(data[:n * kind.size].tobytes(), n), dims)
        finally:
            h5.close(space, t, a)

    def kind(self, t: int) -> Kind:
        h5 = self.h5
        size, cls = h5.H5Tget_size(t), h5.H5Tget_class(t)
        match cls:
            case 0 | 2 | 4:
                return self.integer(t, size, cls)
            case 1:
                return self.floating(t, size)
            case 3 if h5.H5Tis_variable_str(t):
                return Kind(size, lambda b: text(pointed(b)))
            case 3:
                pad = h5.H5Tget_strpad(t)
                return Kind(size, lambda b: text(stripped(b, pad)))
            case 5:
                return Kind(size, encoded)
            case 6:
                return self.compound(t, size)
            case 7:
                return self.reference(t, size)
            case 8:
                return self.enum(t, size)
            case 9:
                base = self.base(t)
                return Kind(size, lambda b: sequence(b, base))
            case 10:
                base, dims = self.base(t), extents([0] * h5.H5Tget_array_ndims(t))
                h5.H5Tget_array_dims2(t, dims)
                return Kind(size, lambda b: nested(base.all(b, math.prod(dims)), list(dims)))
            case 11:
                base = self.base(t)
                return Kind(size, lambda b: dict(zip("ri", base.all(b, 2))))
        raise RuntimeError(f"datatype class {cls}")

    def base(self, t: int) -> Kind:
        base = self.h5.H5Tget_super(t)
        out = self.kind(base)
        self.h5.close(base)
        return out

    def integer(self, t: int, size: int, cls: int) -> Kind:
        """The bits of its precision, wherever they lie; more than 64 of them are base64 as they are stored."""
        h5 = self.h5
        order = "big" if h5.H5Tget_order(t) == 1 else "little"
        bits, offset = h5.H5Tget_precision(t), h5.H5Tget_offset(t)
        signed = cls == TIME or cls == INTEGER and h5.H5Tget_sign(t) == 1
        if size > 8:
            return Kind(size, encoded)
        if size in (1, 2, 4, 8) and bits == 8 * size:
            dtype = np.dtype(f"{'>' if order == 'big' else '<'}{'i' if signed else 'u'}{size}")
            return Kind(size, lambda b: np.frombuffer(b, dtype)[0].item(), lambda b, n: np.frombuffer(b, dtype, n).tolist())

        def one(b: bytes) -> int:
            v = int.from_bytes(b, order) >> offset & (1 << bits) - 1
            return v - (1 << bits) if signed and v >> bits - 1 else v

        return Kind(size, one)

    def floating(self, t: int, size: int) -> Kind:
        """The shortest decimals of a float32 where that holds all values of the type, else of a float64."""
        h5 = self.h5
        parts = [ctypes.c_size_t() for _ in range(5)]
        h5.H5Tget_fields(t, *map(ctypes.byref, parts))
        _, _, exponent, _, mantissa = (p.value for p in parts)
        single, wide = exponent <= 8 and mantissa <= 23, h5.H5Tget_precision(t) > 64
        known = next((d for d, g in DTYPES.items() if h5.H5Tequal(t, getattr(h5, g))), None)
        source = h5.H5Tcopy(t)

        def many(b: bytes, n: int) -> list:
            if known:
                values = np.frombuffer(b, known, n)
            else:
                room = np.zeros(n * max(16, size), "u1")
                room[:n * size] = np.frombuffer(b, "u1", n * size)
                h5.H5Tconvert(source, h5.NATIVE_LDOUBLE if wide else h5.NATIVE_DOUBLE, n, room, None, 0)
                values = room.view("g" if wide else "f8")[:n]
            with np.errstate(all="ignore"):
                return [number(v) for v in values.astype("f4" if single else "f8")]

        return Kind(size, lambda b: many(b, 1)[0], many)

    def enum(self, t: int, size: int) -> Kind:
        """Its numbers; h5py's booleans are booleans."""
        base = self.base(t)
        values = {}
        for i in range(self.h5.H5Tget_nmembers(t)):
            value = np.zeros(size, "u1")
            self.h5.H5Tget_member_value(t, i, value)
            values[self.h5.text("H5Tget_member_name", t, i)] = base.one(value.tobytes())
        if values == {b"FALSE": 0, b"TRUE": 1}:
            return Kind(size, lambda b: base.one(b) != 0)
        return base

    def compound(self, t: int, size: int) -> Kind:
        members = []
        for i in range(self.h5.H5Tget_nmembers(t)):
            m = self.h5.H5Tget_member_type(t, i)
            name = self.h5.text("H5Tget_member_name", t, i)
            members.append((spelled(name), self.h5.H5Tget_member_offset(t, i), self.kind(m)))
            self.h5.close(m)
        return Kind(size, lambda b: {name: k.one(b[at:at + k.size]) for name, at, k in members})

    def reference(self, t: int, size: int) -> Kind:
        h5 = self.h5
        if h5.H5Tequal(t, h5.STD_REF_OBJ):
            return Kind(size, lambda b: self.pointing(int.from_bytes(b[:8], "little")))
        if h5.H5Tequal(t, h5.STD_REF_DSETREG):
            return Kind(size, encoded)
        return Kind(size, self.revised)

    def pointing(self, address: int) -> dict | None:
        """The first path of the walk, or any that libhdf5 finds."""
        if address in (0, NO_ADDRESS):
            return None
        path = self.first.get(address) or self.asked("H5Rget_name", self.file, 0, struct.pack("Q", address))
        return {"ref": spelled(path)} if path else None

    def asked(self, name: str, *args) -> bytes:
        buffer = ctypes.create_string_buffer(8192)
        try:
            return buffer.raw[:getattr(self.h5, name)(*args, buffer, 8192)]
        except RuntimeError:
            return b""

    def revised(self, b: bytes) -> Any:
        """A reference of HDF5 1.12 (H5R_ref_t): one to an object is as those of old; others have no form."""
        if not any(b):
            return None
        kind = self.h5.H5Rget_type(b)
        if kind != 2:
            raise RuntimeError(f"reference of kind {kind}")
        try:
            found = self.h5.H5Ropen_object(b, 0, 0)
        except RuntimeError:
            return None
        finally:
            self.h5.H5Rdestroy(b)
        address, _ = self.info(found)
        self.h5.close(found)
        return self.pointing(address)


DTYPES = {"<f2": "IEEE_F16LE", ">f2": "IEEE_F16BE", "<f4": "IEEE_F32LE", ">f4": "IEEE_F32BE", "<f8": "IEEE_F64LE", ">f8": "IEEE_F64BE"}


def described(kind: int, value: bytes) -> dict:
    """A link that is not hard, as LinkInfo has it."""
    if kind == 1:
        return {"kind": "soft", "target": spelled(value.split(b"\0")[0])}
    if kind == 64:
        file, target, *_ = value[1:].split(b"\0") + [b"", b""]
        return {"kind": "external", "file": spelled(file), "target": spelled(target)}
    return {"kind": "user"}


def spelled(name: bytes) -> str:
    r"""Each byte that is no UTF-8 as \xNN, a backslash that would read as such as \x5c; other names unchanged."""
    name = re.sub(rb"\\(?=x[0-9a-fA-F]{2})", rb"\\x5c", name)
    return name.decode("utf-8", "backslashreplace")


def number(v: np.floating) -> float | str:
    if np.isnan(v):
        return "NaN"
    if np.isinf(v):
        return "Infinity" if v > 0 else "-Infinity"
    return float(str(v))


def stripped(b: bytes, pad: int) -> bytes:
    return [lambda: b.split(b"\0")[0], lambda: b.rstrip(b"\0"), lambda: b.rstrip(b"\0").rstrip(b" ")][pad]()  # what was never written is no text, below spaces neither


def text(b: bytes) -> Any:
    try:
        return b.decode()
    except UnicodeDecodeError:
        return encoded(b)


def encoded(b: bytes) -> dict:
    return {"base64": base64.b64encode(b).decode()}


def pointed(b: bytes) -> bytes:
    address = int.from_bytes(b, sys.byteorder)
    return ctypes.string_at(address) if address else b""


def sequence(b: bytes, base: Kind) -> list:
    n, address = struct.unpack("QQ", b)
    return base.all(ctypes.string_at(address, n * base.size), n) if n and address else []


def nested(values: list, dims: list[int]) -> Any:
    """Lists in lists; a scalar's value alone."""
    if not dims:
        return values[0]
    for i in range(len(dims) - 1, 0, -1):
        outer = math.prod(dims[:i])
        values = [values[k * dims[i]:(k + 1) * dims[i]] for k in range(outer)]
    return values


def dump(path, library: Library | None = None) -> dict:
    d = Dump(library or Library(), path)
    try:
        return d.tree()
    finally:
        d.close()


def many(library: Library) -> None:
    """Answers every path on standard input by a line: the tree, or {"error": reason}."""
    for line in sys.stdin:
        try:
            out = dump(line.rstrip("\n"), library)
        except (RuntimeError, RecursionError) as e:
            out = {"error": str(e)}
        print(json.dumps(out), flush=True)


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    arguments = [a for a in sys.argv[1:] if a != "--many"]
    if "--many" in sys.argv:
        many(Library(*arguments))
    else:
        print(json.dumps(dump(arguments[0], Library(*arguments[1:])), indent=1))
