"""Filters that only libhdf5's plug-ins undo, by those of the PyPI package hdf5plugin."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import threading
import time

import h5py
import hdf5plugin
import numpy as np
import pyarrow.flight as fl
import pytest
from conftest import TESTDATA
from test_values import check_against_h5py

PLUGINS = {"HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH}
WAVE = np.cumsum(np.random.default_rng(3).normal(size=(37, 53, 11)), axis=0).astype("f4")
IMAGE = np.random.default_rng(4).integers(0, 1000, (130, 70)).astype("u2")
FILTERS = {
    "zfp": (WAVE, (8, 16, 11), hdf5plugin.Zfp(accuracy=0.01), "32013 (zfp"),
    "zfp_reversible": (WAVE.astype("f8"), (5, 20, 4), hdf5plugin.Zfp(reversible=True), "32013 (zfp"),
    "zfp_integers": (IMAGE.astype("i4"), (16, 64), hdf5plugin.Zfp(reversible=True), "32013 (zfp"),
    "sz": (WAVE, (8, 16, 11), hdf5plugin.SZ(absolute=0.01), "32017 (sz"),
    "sz3": (WAVE, (8, 16, 11), hdf5plugin.SZ3(absolute=0.01), "32024 (sz3"),
    "sperr": (WAVE[:, :, 0], (32, 32), hdf5plugin.Sperr(rate=16), "32028 (sperr"),
    "fcidecomp": (IMAGE, (32, 32), hdf5plugin.FciDecomp(), "32018 (fcidecomp"),
    "htj2k": (IMAGE[:128, :64], (64, 64), hdf5plugin.Htj2k(), "32033 (htj2k"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("plugins")
    with h5py.File(root / "f.h5", "w") as f:
        for name, (data, chunks, options, _) in FILTERS.items():
            f.create_dataset(name, data=data, chunks=chunks, **options)
        f.create_dataset("summed", data=WAVE, chunks=(8, 16, 11), fletcher32=True, **hdf5plugin.Zfp(rate=16))
        sparse = f.create_dataset("sparse", shape=(100, 100), dtype="f4", fillvalue=2.5, chunks=(30, 30),
                                  **hdf5plugin.Zfp(reversible=True))
        sparse[40:60, 95:] = 1
        f.create_dataset("plain", data=IMAGE)
    return root


@pytest.fixture(scope="module")
def served(start, root):
    return start(root, env=PLUGINS)


@pytest.fixture(scope="module")
def bare(start, root):
    return start(root, env={"HDF5_PLUGIN_PATH": str(root)})


@pytest.mark.parametrize("name", [*FILTERS, "summed", "sparse"])
def test_same_as_h5py(served, root, name):
    told = json.loads(served.listing(file="f.h5")["f.h5", f"/{name}"].app_metadata)
    assert told["kind"] == "array"
    with h5py.File(root / "f.h5") as f:
        check_against_h5py(served.read("f.h5", f"/{name}"), f[name])


@pytest.mark.parametrize("name", FILTERS)
def test_parts(served, root, name):
    whole = served.read("f.h5", f"/{name}")
    rows = whole.num_rows
    assert served.read("f.h5", f"/{name}", start=3, stop=rows - 2) == whole.slice(3, rows - 5)
    assert served.read("f.h5", f"/{name}", step=7) == whole.take(list(range(0, rows, 7)))
    assert served.read("f.h5", f"/{name}", coordinates=[9, 0, rows - 1]) == whole.take([9, 0, rows - 1])
    with h5py.File(root / "f.h5") as f:
        want = f[name][10:30:3, 5:9]
    got = served.read("f.h5", f"/{name}", select="10:30:3, 5:9").column(0).to_pylist()
    assert np.array_equal(np.array(got, want.dtype).reshape(want.shape), want)


def test_large_chunks(start, tmp_path):
    """Chunks that are held and cut take their own way to the plug-in."""
    values = np.arange(1 << 20, dtype="i8").reshape(-1, 1024)
    with h5py.File(tmp_path / "f.h5", "w") as f:
        f.create_dataset("x", data=values, chunks=(512, 1024), **hdf5plugin.Zfp(reversible=True))
        f.create_dataset("mixed", data=values, chunks=(512, 1024), fletcher32=True, **hdf5plugin.Zfp(reversible=True))
        layout = h5py.VirtualLayout(values.shape, "f8")
        layout[:] = h5py.VirtualSource(".", "x", values.shape)
        f.create_virtual_dataset("virtual", layout)
    server = start(tmp_path, args=("--memory", "40MB"), env=PLUGINS)
    with h5py.File(tmp_path / "f.h5") as f:
        for name in f:
            check_against_h5py(server.read("f.h5", f"/{name}"), f[name])
            assert server.read("f.h5", f"/{name}", start=-1).equals(server.read("f.h5", f"/{name}").slice(1023))


@pytest.mark.parametrize("name", FILTERS)
def test_missing_plugin_is_named(bare, name):
    told = json.loads(bare.listing(file="f.h5")["f.h5", f"/{name}"].app_metadata)
    assert told["kind"] == "unsupported"
    with pytest.raises(NotImplementedError) as refused:
        bare.read("f.h5", f"/{name}")
    for text in (told["reason"], str(refused.value)):
        assert f"filter {FILTERS[name][3]}" in text
        assert "set HDF5_PLUGIN_PATH to a directory that holds its plug-in" in text
        assert "PyPI's hdf5plugin" in text
    assert bare.read("f.h5", "/plain").num_rows == len(IMAGE)


def test_plugin_that_cannot_be_loaded(start, root, tmp_path):
    (tmp_path / "libh5zfp.so").write_bytes(b"not a library")
    s = start(root, env={"HDF5_PLUGIN_PATH": str(tmp_path)})
    reason = json.loads(s.listing(file="f.h5")["f.h5", "/zfp"].app_metadata)["reason"]
    assert "libh5zfp.so cannot be loaded: " in reason
    assert str(tmp_path) not in reason
    assert s.stop() == 0


def test_helpers_killed_while_they_decode(start, root, tmp_path):
    """Reads go on in new processes, or end with a status that says what happened; other files never suffer."""
    for name in ("f.h5", "other.h5"):
        shutil.copy(root / "f.h5", tmp_path / name)
    s = start(tmp_path, env=PLUGINS)
    want = s.read("f.h5", "/zfp")
    ended: list[str] = []

    def read() -> None:
        try:
            for _ in range(20):
                assert s.read("f.h5", "/zfp", batch_rows=1) == want
            ended.append("")
        except fl.FlightError as e:
            ended.append(str(e))

    reader = threading.Thread(target=read)
    reader.start()
    while reader.is_alive():
        for pid in s.helpers()[:1]:
            with contextlib.suppress(ProcessLookupError):  # it ended just now
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    assert len(ended) == 1 and (not ended[0] or "helper process" in ended[0]), ended
    assert s.read("other.h5", "/zfp") == want
    assert s.stop() == 0


def test_metadata_starts_no_helper(start, tmp_path):
    """What a file holds is read by the server itself; plug-ins alone need another process."""
    for name in ("tables.h5", "arrays.h5", "types.h5", "latest.h5", "pandas.h5", "climate.nc"):
        shutil.copy(TESTDATA / name, tmp_path)
    s = start(tmp_path)
    assert len(s.listing()) > 50
    assert s.read("pandas.h5", "/fixed").num_rows
    assert not s.helpers()
    assert s.stop() == 0


def holds(pid: int, name: str) -> bool:
    """Whether a process has a file of that name open."""
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{fd}").endswith(name) for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError:  # it ended just now
        return False
