"""Batches that are sent as they lie in the file, without being read before."""

from __future__ import annotations

import os

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import ticket

ROWS = 1 << 21  # 32 MiB of float64 pairs


def write(path, **how) -> np.ndarray:
    values = np.random.default_rng(3).normal(size=(ROWS, 2))
    with h5py.File(path, "w", libver="latest") as f:
        f.create_dataset("d", data=values, **how)
        f.create_dataset("small", data=values[:10])
    return values


@pytest.fixture
def root(tmp_path):
    return tmp_path


@pytest.fixture
def server(start, root):
    return start(str(root))


def flat(table: pa.Table) -> np.ndarray:
    columns = [c.storage if isinstance(c, pa.ExtensionArray) else c for c in table.column(0).chunks]
    return np.concatenate([c.flatten().to_numpy() for c in columns]).reshape(-1, 2)


@pytest.mark.parametrize("how", [{}, {"chunks": (4096, 2)}, {"chunks": (4096, 1)}, {"chunks": (1 << 18, 2)}], ids=str)
def test_values(server, root, how):
    values = write(root / "v.h5", **how)
    np.testing.assert_array_equal(flat(server.read("v.h5", "/d")), values)
    for start, stop, step in ((1, ROWS - 1, 1), (12345, 1 << 20, 1), (0, ROWS, 2), (ROWS - 1, 0, -1)):
        got = flat(server.read("v.h5", "/d", start=start, stop=stop, step=step))
        np.testing.assert_array_equal(got, values[start:stop:step])
    np.testing.assert_array_equal(flat(server.read("v.h5", "/d", stream={"block_rows": 100_000})), values)


def test_what_finishing_looks_at_is_read(server, root):
    """Lists of any length, missing values and NaT are made of the values: those are not mapped."""
    values = write(root / "o.h5")
    times = np.arange(-1, 50_000, dtype="i8").view("M8[us]")
    times[7] = "NaT"
    with h5py.File(root / "o.h5", "r+") as f:
        f["d"].attrs["_FillValue"] = values[3, 1]
        f.create_dataset("times", data=times.astype(h5py.opaque_dtype(times.dtype)))
    plain = server.read("o.h5", "/d", options={"plain": True}).column(0)
    assert pa.types.is_list(plain.type) and np.array_equal(np.concatenate([c.flatten() for c in plain.chunks]).reshape(-1, 2), values)
    assert sum(c.flatten().null_count for c in server.read("o.h5", "/d", options={"netcdf": True}).column(0).chunks) == 1
    got = server.read("o.h5", "/times").column(0)
    assert got.null_count == 1 and np.array_equal(got.to_numpy(), times, equal_nan=True)


def test_chunks_that_are_missing_are_filled(server, root):
    with h5py.File(root / "f.h5", "w") as f:
        d = f.create_dataset("d", (ROWS, 2), "f8", chunks=(1 << 16, 2), fillvalue=7)
        d[1 << 18:1 << 19] = 1
        want = d[()]
    np.testing.assert_array_equal(flat(server.read("f.h5", "/d")), want)


def damaged(server, root, spoil) -> Exception:
    """What a client that has read one batch gets when the file is spoilt then."""
    write(root / "d.h5")
    reader = server.client().do_get(ticket("d.h5", "/d", stream={"read_ahead": 8}))
    reader.read_chunk()
    spoil(root / "d.h5")
    with pytest.raises((fl.FlightError, pa.ArrowException, OSError)) as caught:
        reader.read_all()
    return caught.value


def test_file_cut_off_meanwhile(server, root):
    damaged(server, root, lambda path: os.truncate(path, 1 << 20))
    write(root / "other.h5")
    assert server.read("other.h5", "/small").num_rows == 10, "the server goes on"
    assert server.read("other.h5", "/d").num_rows == ROWS


def test_file_overwritten_meanwhile(server, root):
    def spoil(path):
        with open(path, "r+b") as f:
            f.seek(16 << 20)
            f.write(bytes(1 << 20))
    assert "changed" in str(damaged(server, root, spoil))
