"""Chunks whose decoded length is not the chunk's: libhdf5 takes them, some writers make them."""

from __future__ import annotations

import zlib

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest


def shuffled(data: bytes, size: int) -> bytes:
    return np.frombuffer(data, "u1").reshape(-1, size).T.tobytes()


def write(file: h5py.File, name: str, values: np.ndarray, chunk: tuple[int, ...], *, shuffle: bool, cut: int) -> None:
    """The chunks of an array without what lies beyond the extent at their ends, less cut bytes (more, if negative)."""
    d = file.create_dataset(name, values.shape, values.dtype, chunks=chunk, compression="gzip", shuffle=shuffle)
    for at in np.ndindex(*(-(-n // c) for n, c in zip(values.shape, chunk))):
        start = tuple(i * c for i, c in zip(at, chunk))
        whole = np.zeros(chunk, values.dtype)
        part = values[tuple(slice(s, s + c) for s, c in zip(start, chunk))]
        whole[tuple(slice(n) for n in part.shape)] = part
        last = np.ravel_multi_index(tuple(n - 1 for n in part.shape), chunk) + 1
        data = whole.tobytes()[:last * values.itemsize]
        data = data[:-cut] if cut > 0 else data + bytes(-cut)
        d.id.write_direct_chunk(start, zlib.compress(shuffled(data, values.itemsize) if shuffle else data))


@pytest.fixture(scope="module")
def short(start, tmp_path_factory):
    root = tmp_path_factory.mktemp("short")
    rng = np.random.default_rng(5)
    rows = np.zeros(105, [("a", "<i2"), ("b", "<f8")])
    rows["a"], rows["b"] = rng.integers(-9, 9, 105), rng.normal(size=105)
    plane = rng.integers(0, 1 << 30, (13, 11)).astype("i4")
    with h5py.File(root / "short.h5", "w") as f:
        for shuffle in (False, True):
            for name, values, chunk in (("rows", rows, (50,)), ("plane", plane, (5, 4))):
                write(f, f"{name}{shuffle:d}", values, chunk, shuffle=shuffle, cut=0)
                write(f, f"{name}{shuffle:d}_longer", values, chunk, shuffle=shuffle, cut=-8 * values.itemsize)
        write(f, "lacking", plane, (5, 4), shuffle=False, cut=1)
    return start(str(root)), h5py.File(root / "short.h5")


@pytest.mark.parametrize("name", [f"{n}{s}{e}" for n in ("rows", "plane") for s in "01" for e in ("", "_longer")])
def test_same_as_h5py(short, name):
    server, file = short
    got, want = server.read("short.h5", f"/{name}"), file[name][()]
    if want.dtype.names:
        for column in want.dtype.names:
            np.testing.assert_array_equal(got[column].to_numpy(), want[column])
    else:
        flat = got.column(0).combine_chunks()
        storage = flat.storage if isinstance(flat, pa.ExtensionArray) else flat
        np.testing.assert_array_equal(np.array(storage.flatten()), want.ravel())


def test_elements_that_lack_are_an_error(short):
    server, _ = short
    with pytest.raises((fl.FlightError, pa.ArrowInvalid, OSError), match="/lacking: chunk 0 at address"):
        server.read("short.h5", "/lacking")
