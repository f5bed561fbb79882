"""Compares Arrow columns with what H5Dread gives for the same elements, bit for bit.

The memory types are the native ones that the table "HDF5 to Arrow" of docs/architecture.md names.
"""

from __future__ import annotations

import ctypes

import h5py
import libhdf5
import numpy as np
import pyarrow as pa
from h5py import h5t

BITFIELDS = {1: h5t.NATIVE_B8, 2: h5t.NATIVE_B16, 4: h5t.NATIVE_B32, 8: h5t.NATIVE_B64}
NUMBERS = (h5t.TypeIntegerID, h5t.TypeFloatID, h5t.TypeBitfieldID, h5t.TypeEnumID)


def memory(t: h5t.TypeID) -> h5t.TypeID:
    """The type that elements of a file's type have in memory, compounds without gaps."""
    match t:
        case h5t.TypeEnumID():
            return memory(t.get_super())
        case h5t.TypeIntegerID():
            return h5t.py_create(number(t))
        case h5t.TypeFloatID():
            return {"e": h5t.IEEE_F16LE, "f": h5t.IEEE_F32LE, "d": h5t.IEEE_F64LE}[number(t).char]
        case h5t.TypeBitfieldID():
            return BITFIELDS[number(t).itemsize]
        case h5t.TypeArrayID():
            return h5t.array_create(memory(t.get_super()), t.get_array_dims())
        case h5t.TypeVlenID():
            return h5t.vlen_create(memory(t.get_super()))
        case h5t.TypeCompoundID():
            return packed(t)
        case h5t.TypeComplexID():
            return libhdf5.complex_of(memory(t.get_super()))
    return t


def packed(t: h5t.TypeCompoundID) -> h5t.TypeCompoundID:
    members = [(t.get_member_name(i), memory(t.get_member_type(i))) for i in range(t.get_nmembers())]
    out, at = h5t.create(h5t.COMPOUND, sum(m.get_size() for _, m in members)), 0
    for name, m in members:
        out.insert(name, at, m)
        at += m.get_size()
    return out


def number(t: h5t.TypeID) -> np.dtype:
    if isinstance(t, h5t.TypeFloatID):
        _, _, exponent, _, mantissa = t.get_fields()
        if t.get_size() == 2 and (exponent, mantissa) == (5, 10):
            return np.dtype("f2")
        return np.dtype("f4" if exponent <= 8 and mantissa <= 23 else "f8")
    if isinstance(t, h5t.TypeEnumID):
        return number(t.get_super())
    width = next(w for w in (1, 2, 4, 8) if w >= t.get_size())
    signed = isinstance(t, h5t.TypeIntegerID) and t.get_sign() != h5t.SGN_NONE
    return np.dtype(f"{'i' if signed else 'u'}{width}")


class Comparer:
    """Compares the columns of one file's datasets."""

    def __init__(self, file: h5py.File):
        self.file = file

    def values(self, dataset: h5py.Dataset) -> np.ndarray:
        """All elements in memory form, in the shape of the dataset; none for a null dataspace, one row for a scalar."""
        t = memory(dataset.id.get_type())
        if dataset.shape is None:
            return np.zeros(0, f"V{t.get_size()}")
        return libhdf5.read(dataset.id, t, dataset.shape).reshape(dataset.shape or (1,))

    def check(self, got: pa.Table, values: np.ndarray, t: h5t.TypeID) -> None:
        """AssertionError, saying where, unless the table's columns are the values."""
        n = values.shape[0] if values.ndim else 1
        assert got.num_rows == n, f"{got.num_rows} rows for {n}"
        raw = np.frombuffer(values.tobytes(), "u1").reshape(values.size, values.dtype.itemsize)
        if not isinstance(t, h5t.TypeCompoundID) or is_complex(t):
            self.column(got.combine_chunks().column(0), raw, t)
            return
        for name, m, part in members(t, raw):
            self.column(got.column(name), part, m)

    def column(self, got: pa.ChunkedArray, raw: np.ndarray, t: h5t.TypeID) -> None:
        joined = [c.storage if isinstance(c, pa.ExtensionArray) else c for c in got.chunks]
        kind = got.type.storage_type if isinstance(got.type, pa.ExtensionType) else got.type
        array = pa.concat_arrays(joined) if joined else pa.nulls(0, kind)
        self.array(array, raw, t)

    def array(self, got: pa.Array, raw: np.ndarray, t: h5t.TypeID) -> None:
        """raw: the elements' bytes; got may have fixed-size lists around them."""
        while isinstance(t, h5t.TypeArrayID):
            t = t.get_super()
            raw = raw.reshape(-1, memory(t).get_size()) if raw.size else np.zeros((0, memory(t).get_size()), "u1")
        while isinstance(got, (pa.FixedSizeListArray, pa.ExtensionArray)):
            got = got.storage if isinstance(got, pa.ExtensionArray) else got.flatten()
        assert len(got) == len(raw), f"{len(got)} values for {len(raw)}"
        match t:
            case h5t.TypeEnumID():
                self.enum(got, raw.reshape(-1).view(number(t)), t)
            case h5t.TypeIntegerID() | h5t.TypeFloatID() | h5t.TypeBitfieldID():
                bits(got, raw.reshape(-1).view(number(t)))
            case h5t.TypeStringID():
                equal(got.cast(pa.binary()).to_pylist(), strings(raw, t))
            case h5t.TypeVlenID():
                self.sequences(got, raw, t.get_super())
            case h5t.TypeCompoundID():
                for i, (name, m, part) in enumerate(members(t, raw)):
                    field = got.type.field(i).name
                    assert is_complex(t) or field == name, f"member {field} for {name}"
                    self.array(got.field(i), part, m)
            case h5t.TypeComplexID():
                part = t.get_super()
                for i, half in enumerate(np.split(raw, 2, axis=1)):
                    self.array(got.field(i), np.ascontiguousarray(half), part)
            case h5t.TypeReferenceID():
                self.references(got, raw)
            case h5t.TypeOpaqueID():
                opaque(got, raw, t)
            case _:
                times(got, raw, t)

    def enum(self, got: pa.Array, values: np.ndarray, t: h5t.TypeEnumID) -> None:
        names: dict[int, str] = {}
        for i in range(t.get_nmembers()):
            order = "big" if t.get_super().get_order() == h5t.ORDER_BE else "little"
            value = int.from_bytes(libhdf5.member_value(t, i), order, signed=values.dtype.kind == "i")
            names.setdefault(value, t.get_member_name(i).decode())
        if sorted(names.items()) == [(0, "FALSE"), (1, "TRUE")]:
            equal(got.to_pylist(), [bool(v) for v in values])
        else:
            equal(got.to_pylist(), [names.get(v) for v in values.tolist()])

    def sequences(self, got: pa.Array, raw: np.ndarray, base: h5t.TypeID) -> None:
        size = memory(base).get_size()
        parts = [ctypes.string_at(int(p), int(n) * size) if n else b"" for n, p in raw.reshape(-1).view("u8").reshape(-1, 2)]
        if pa.types.is_binary(got.type) or pa.types.is_string(got.type):  # PyTables' atoms of text and objects
            equal(got.cast(pa.binary()).to_pylist(), [v if size == 1 else v.decode("utf-32-le").encode() for v in parts])
            return
        equal([len(v) // size for v in parts], got.value_lengths().to_pylist())
        self.array(got.flatten(), np.frombuffer(b"".join(parts), "u1").reshape(-1, size), base)

    def references(self, got: pa.Array, raw: np.ndarray) -> None:
        if raw.shape[1] == 8:
            equal(got.to_pylist(), [self.path(v.tobytes()) for v in raw])
        else:
            equal(got.to_pylist(), [v.tobytes() for v in raw])

    def path(self, stored: bytes) -> str | None:
        if not any(stored):
            return None
        name = ctypes.create_string_buffer(256)
        libhdf5.call("H5Rget_name", libhdf5.HID(self.file.id.id), ctypes.c_int(0), stored, name, libhdf5.SIZE(256))
        return name.value.decode() or None  # of bytes that are no object's address


def is_complex(t: h5t.TypeID) -> bool:
    if not isinstance(t, h5t.TypeCompoundID) or t.get_nmembers() != 2:
        return False
    a, b = t.get_member_type(0), t.get_member_type(1)
    names = (t.get_member_name(0), t.get_member_name(1))
    return names in ((b"r", b"i"), (b"real", b"imag")) and isinstance(a, h5t.TypeFloatID) and a.equal(b)


def members(t: h5t.TypeCompoundID, raw: np.ndarray):
    at = 0
    for i in range(t.get_nmembers()):
        m = t.get_member_type(i)
        size = memory(m).get_size()
        yield t.get_member_name(i).decode(), m, np.ascontiguousarray(raw[:, at:at + size])
        at += size


def bits(got: pa.Array, want: np.ndarray) -> None:
    if pa.types.is_boolean(got.type):  # a PyTables table's
        equal(got.to_pylist(), [bool(v) for v in want])
        return
    values = got.to_numpy(zero_copy_only=False)
    assert got.null_count == 0 and values.dtype == want.dtype, f"{got.type} for {want.dtype}"
    if values.tobytes() != want.tobytes():
        u = f"u{want.itemsize}"
        at = int(np.flatnonzero(values.view(u) != want.view(u))[0])
        raise AssertionError(f"value {at} of {len(want)}: {values[at]!r} ({values.view(u)[at]:#x}) for {want[at]!r} ({want.view(u)[at]:#x})")


def equal(got: list, want: list) -> None:
    assert len(got) == len(want), f"{len(got)} values for {len(want)}"
    for i, (a, b) in enumerate(zip(got, want)):
        assert a == b, f"value {i} of {len(want)}: {a!r} for {b!r}"


def strings(raw: np.ndarray, t: h5t.TypeStringID) -> list[bytes]:
    if t.is_variable_str():
        return [ctypes.string_at(int(p)) if p else b"" for p in raw.reshape(-1).view("u8")]
    match t.get_strpad():
        case h5t.STR_NULLTERM:
            return [v.tobytes().split(b"\0")[0] for v in raw]
        case h5t.STR_SPACEPAD:
            return [v.tobytes().rstrip(b"\0").rstrip(b" ") for v in raw]
    return [v.tobytes().rstrip(b"\0") for v in raw]


def opaque(got: pa.Array, raw: np.ndarray, t: h5t.TypeOpaqueID) -> None:
    if not pa.types.is_temporal(got.type):
        assert not t.get_tag().endswith((b"[us]", b"[ns]"))
        equal(got.to_pylist(), [v.tobytes() for v in raw])
        return
    values = raw.reshape(-1).view("i8").tolist()
    missing = np.iinfo("i8").min
    equal(got.view(pa.int64()).to_pylist(), [None if v == missing else v for v in values])


def times(got: pa.Array, raw: np.ndarray, t: h5t.TypeID) -> None:
    order = ">" if t.equal(h5t.UNIX_D32BE) or t.equal(h5t.UNIX_D64BE) else "<"
    values = raw.reshape(-1).view(f"{order}i{t.get_size()}").astype("i8")
    if t.get_size() == 8:  # PyTables' packed seconds and microseconds
        values = (values >> 32) * 1_000_000 + values.astype("i4").astype("i8")
    equal(got.view(pa.int64()).to_pylist(), values.tolist())
