"""A filter whose list of parameters no writer can have meant does no harm where no stored chunk went through it."""

from __future__ import annotations

import struct

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight
import pytest

OLD = (4, 50, 0, 4, 7, 0, 1)  # what scaleoffset had before HDF5 1.8, as in h5stat_filters.h5 of HDF5's own tests
FILTERS = {"scaleoffset": 6, "nbit": 5, "szip": 4}


def made(path, kind: str, space: tuple[int, ...], chunk: tuple[int, ...], growing: bool, stored: int | None) -> None:
    """A dataset with such a filter; stored: the mask of its only stored chunk."""
    with h5py.File(path, "w", libver="earliest") as f:
        dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        dcpl.set_chunk(chunk)
        dcpl.set_fill_value(np.array(7, "i4"))
        {"scaleoffset": lambda: dcpl.set_scaleoffset(h5py.h5z.SO_INT, 4), "szip": lambda: dcpl.set_szip(32, 8),
         "nbit": lambda: dcpl.set_filter(5, 0, ())}[kind]()
        most = tuple(h5py.h5s.UNLIMITED for _ in space) if growing else space
        d = h5py.h5d.create(f.id, b"x", h5py.h5t.STD_I32LE, h5py.h5s.create_simple(space, most), dcpl)
        if stored is not None:
            d.write_direct_chunk((0,) * len(space), np.arange(np.prod(chunk), dtype="<i4").tobytes(), stored)
    raw = bytearray(path.read_bytes())
    name = raw.index(kind.encode() + b"\0")
    count = raw[name - 2:name]  # the message: id, length of the name, flags, number of parameters, name, parameters
    assert struct.unpack_from("<H", raw, name - 8)[0] == FILTERS[kind] and struct.unpack("<H", count)[0] >= 3
    struct.pack_into("<H", raw, name - 2, min(len(OLD), struct.unpack("<H", count)[0] - 1))
    at = name + (len(kind) + 8) // 8 * 8
    for i, v in enumerate(OLD[:struct.unpack_from("<H", raw, name - 2)[0]]):
        struct.pack_into("<I", raw, at + 4 * i, v)
    path.write_bytes(raw)


@pytest.mark.parametrize("growing", [False, True])
@pytest.mark.parametrize("kind", FILTERS)
def test_fill_values_behind_impossible_parameters(start, tmp_path, kind, growing):
    space, chunk = (10, 6), (5, 6)
    for name, stored in (("never", None), ("past", 1), ("through", 0)):
        made(tmp_path / f"{name}.h5", kind, space, chunk, growing, stored)
    server = start(tmp_path)
    fills = [[7] * 6 for _ in range(10)]
    assert server.read("never.h5", "/x")["x"].to_pylist() == fills
    assert server.read("past.h5", "/x")["x"].to_pylist() == np.arange(30).reshape(5, 6).tolist() + fills[5:]
    with pytest.raises((pa.ArrowException, pa.flight.FlightError), match=kind):
        server.read("through.h5", "/x")
    for name in ("never", "past"):
        with h5py.File(tmp_path / f"{name}.h5") as f:
            assert f["x"][...].tolist() == server.read(f"{name}.h5", "/x")["x"].to_pylist()
