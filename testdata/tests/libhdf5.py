"""The libhdf5 that h5py carries, called by ctypes for what h5py does not offer or does with copies of its own.

Buffers are NumPy arrays whose elements have exactly the memory type's size.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  registers its filters with this libhdf5
import numpy as np
from h5py import h5t

HID, SIZE = ctypes.c_int64, ctypes.c_size_t


def load() -> ctypes.CDLL:
    h5py.get_config()  # so that it is mapped
    path = next(p for p in (line.split()[-1] for line in Path("/proc/self/maps").open()) if "/h5py.libs/libhdf5-" in p)  # netCDF4 has one of its own
    return ctypes.CDLL(path)


LIB = load()


def call(name: str, *args) -> int:
    """One function; a negative result is a RuntimeError."""
    result = getattr(LIB, name)(*args)
    if result < 0:
        raise RuntimeError(f"{name} fails")
    return result


def pointer(buffer: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(buffer.ctypes.data)


def access() -> h5py.h5p.PropDAID:
    """External raw files lie beside the file, as mtflight has it."""
    out = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    out.set_efile_prefix(b"${ORIGIN}")
    return out


def datasets(file: h5py.File):
    for name in file:
        if file.get(name, getclass=True) is h5py.Dataset:
            yield h5py.Dataset(h5py.h5d.open(file.id, name.encode(), access()))


def read(dataset: h5py.h5d.DatasetID, kind: h5t.TypeID, shape: tuple[int, ...]) -> np.ndarray:
    """H5Dread of all elements. What they point to is never freed: a test's process is short-lived."""
    values = np.zeros(int(np.prod(shape)), f"V{kind.get_size()}")
    if values.size:
        call("H5Dread", HID(dataset.id), HID(kind.id), HID(0), HID(0), HID(0), pointer(values))
    return values


def write(dataset: h5py.h5d.DatasetID, kind: h5t.TypeID, memory: h5py.h5s.SpaceID, file: h5py.h5s.SpaceID, values: np.ndarray) -> None:
    call("H5Dwrite", HID(dataset.id), HID(kind.id), HID(memory.id), HID(file.id), HID(0), pointer(values))


def complex_of(part: h5t.TypeID) -> h5t.TypeID:
    """Two of a float: a class of HDF5 2.0."""
    LIB.H5Tcomplex_create.restype = HID
    return h5t.TypeComplexID(LIB.H5Tcomplex_create(HID(part.id)))


def member_value(kind: h5t.TypeEnumID, index: int) -> bytes:
    """An enum's value as it is stored."""
    value = np.zeros(kind.get_size(), "u1")
    call("H5Tget_member_value", HID(kind.id), ctypes.c_uint(index), pointer(value))
    return value.tobytes()


def add_member(kind: h5t.TypeEnumID, name: str, value: bytes) -> None:
    stored = np.frombuffer(value, "u1").copy()
    call("H5Tenum_insert", HID(kind.id), name.encode(), pointer(stored))


def reference(file: h5py.h5f.FileID, path: str, region: h5py.h5s.SpaceID | None) -> bytes:
    """A reference of the kind that has been there from the start."""
    value = np.zeros(12 if region else 8, "u1")
    call("H5Rcreate", pointer(value), HID(file.id), path.encode(), ctypes.c_int(1 if region else 0), HID(region.id if region else -1))
    return value.tobytes()


def set_fill_value(create: h5py.h5p.PropDCID, kind: h5t.TypeID, value: bytes) -> None:
    stored = np.frombuffer(value, "u1").copy()
    call("H5Pset_fill_value", HID(create.id), HID(kind.id), pointer(stored))
