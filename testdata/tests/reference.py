"""What a dataset's rows are as Python values, by h5py: the other side of every comparison.

Written against the table "HDF5 to Arrow" of docs/protocol.md and nothing of mtflight's.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import h5py
import numpy as np

EPOCH = dt.datetime(1970, 1, 1)


def rows(dataset: h5py.Dataset) -> list[Any]:
    """One value a row: a dict for a compound, as pyarrow's to_pylist() has it."""
    if dataset.shape is None:
        return []
    convert = converter(dataset.id.get_type(), "CLASS" in dataset.attrs)
    values = dataset[()]
    if dataset.shape == ():
        return [convert(values)]
    inner = len(dataset.shape) - 1
    return [nested(v, inner, convert) for v in values]


def nested(value: Any, depth: int, convert) -> Any:
    """Inner axes as lists; a k-dimensional value is one flat list."""
    if depth == 0:
        return convert(value)
    return [convert(v) for v in np.asarray(value).reshape(-1)]


def converter(kind: h5py.h5t.TypeID, pytables: bool):
    match kind:
        case h5py.h5t.TypeCompoundID():
            return compound(kind, pytables)
        case h5py.h5t.TypeEnumID():
            return enum(kind)
        case h5py.h5t.TypeBitfieldID() if pytables and kind.get_size() == 1:
            return bool
        case h5py.h5t.TypeArrayID():
            return array(kind, pytables)
        case h5py.h5t.TypeStringID():
            return text(kind)
        case h5py.h5t.TypeVlenID():
            element = converter(kind.get_super(), pytables)
            return lambda v: [element(x) for x in v]
        case h5py.h5t.TypeOpaqueID():
            return opaque(kind)
    return lambda v: v.item() if isinstance(v, np.generic) else v


def compound(kind, pytables: bool):
    names = [kind.get_member_name(i).decode() for i in range(kind.get_nmembers())]
    if names == ["r", "i"]:
        return lambda v: {"r": v.real.item(), "i": v.imag.item()}
    members = {n: converter(kind.get_member_type(i), pytables) for i, n in enumerate(names)}
    return lambda v: {n: convert(v[n]) for n, convert in members.items()}


def enum(kind):
    names: dict[int, str] = {}
    for i in range(kind.get_nmembers()):
        names.setdefault(kind.get_member_value(i), kind.get_member_name(i).decode())
    if set(names.values()) == {"FALSE", "TRUE"}:
        return bool
    return lambda v: names.get(int(v))


def array(kind, pytables: bool):
    element = converter(kind.get_super(), pytables)
    return lambda v: [element(x) for x in np.asarray(v).reshape(-1)]


def text(kind):
    terminated = kind.get_strpad() == h5py.h5t.STR_NULLTERM
    filler = b" " if kind.get_strpad() == h5py.h5t.STR_SPACEPAD else b""

    def convert(v: Any) -> str:
        if isinstance(v, str):
            return v
        v = bytes(v)
        return (v.split(b"\0")[0] if terminated else v.rstrip(b"\0").rstrip(filler)).decode()

    return convert


def opaque(kind):
    tag = kind.get_tag()
    if not tag.startswith(b"NUMPY:<M8[ms]"):
        return lambda v: bytes(v)
    return lambda v: None if np.isnat(v) else EPOCH + dt.timedelta(milliseconds=int(v.astype("i8")))


def same(got: Any, want: Any) -> bool:
    """Equality in which NaN equals NaN and a dict's order does not count."""
    match got, want:
        case (dict(), dict()):
            return got.keys() == want.keys() and all(same(got[k], want[k]) for k in got)
        case (list(), list()):
            return len(got) == len(want) and all(map(same, got, want))
        case (float(), float()):
            return got == want or (got != got and want != want)
    return type(got) is type(want) and got == want
