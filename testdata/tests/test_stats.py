"""The actions stats and explain, and what conditions learn of chunks, against NumPy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import h5py
import hdf5plugin  # noqa: F401  registers blosc with h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import BINARY, CLONE, TESTDATA

from test_values import FILES, datasets

CHUNK = 500


def action(server, name: str, **body) -> list[dict]:
    return [json.loads(r.body.to_pybytes()) for r in server.client().do_action(fl.Action(name, json.dumps(body).encode()))]


def said(values: np.ndarray) -> tuple:
    """NaN, minimum and maximum."""
    values = values.ravel()
    nan = 0
    if values.dtype.kind == "f":
        nan = int(np.isnan(values).sum())
        values = values[~np.isnan(values)].astype("f8")
    low, high = (values.min().item(), values.max().item()) if values.size else (None, None)
    return (nan, *(str(v) if isinstance(v, float) and np.isinf(v) else v for v in (low, high)))


def numbers(dataset: h5py.Dataset) -> dict[str, np.ndarray]:
    """Columns of integers, floats and truth values."""
    if dataset.dtype.names is None:
        found = {dataset.name.rsplit("/", 1)[-1]: dataset[()]} if dataset.shape is not None else {}
    else:
        rows = dataset[()]
        found = {name: rows[name] for name in rows.dtype.names}
    return {k: v for k, v in ((k, np.asarray(v)) for k, v in found.items())
            if v.dtype.kind in "iufb" and v.dtype.itemsize <= 8 and h5py.check_enum_dtype(v.dtype) is None}


@pytest.mark.parametrize("file", FILES)
def test_stats(server, file):
    checked = 0
    with h5py.File(TESTDATA / file) as f:
        for path in datasets(file):
            try:
                told = action(server, "stats", file=file, dataset=path, chunks=True)
            except (fl.FlightError, pa.ArrowException) as e:
                assert "request" in str(e)
                continue
            columns = {c["name"]: c for c in told[-1]["columns"]}
            assert told[-1]["rows"] == (f[path].shape[0] if f[path].shape else int(f[path].shape is not None))
            chunks = [c for part in told[:-1] for c in part["chunks"]]
            assert [c["start"] for c in chunks[1:]] == [c["stop"] for c in chunks[:-1]]
            try:
                values = numbers(f[path])
            except TypeError:  # HDF5's times, which NumPy has not
                continue
            for name, v in values.items():
                c = columns[name]
                if "timestamp" in c["type"]:  # what h5py takes for a number
                    continue
                if c["type"] == "bool":
                    v = v.astype(bool)
                assert (c["nan"], c["min"], c["max"]) == said(v), (path, name)
                assert c["null"] == 0 and c["values"] == v.size
                checked += 1
                at = list(columns).index(name)
                for chunk in chunks:
                    part = chunk["columns"][at]
                    rows = v[chunk["start"]:chunk["stop"]] if v.ndim else v
                    assert (part["nan"], part["min"], part["max"]) == said(rows), (path, name, chunk["start"])
    assert checked or file in {"pandas.h5", "links.h5", "refused.h5"} or "/" in file


@pytest.fixture
def clustered(tmp_path, start):
    rng = np.random.default_rng(3)
    rows = np.zeros(40 * CHUNK, [("run", "i8"), ("energy", "f4"), ("name", "S4")])
    rows["run"] = np.arange(len(rows)) // 3 * 1000 + 2**60
    rows["energy"] = rng.normal(size=len(rows)).cumsum()
    rows["energy"][::70] = np.nan
    rows["name"] = [b"n%03d" % (i // CHUNK) for i in range(len(rows))]
    (tmp_path / "data").mkdir()
    with h5py.File(tmp_path / "data" / "run.h5", "w") as f:
        f.create_dataset("t", data=rows, chunks=(CHUNK,), compression=1)
    time.sleep(2.1)  # of a file that changed just now nothing is kept
    args = ("--index-dir", str(tmp_path / "index"))
    return rows, lambda: start(tmp_path / "data", args=args)


def test_conditions_skip_chunks(clustered):
    rows, serve = clustered
    server = serve()
    for run, where, want, most in (
            (0, f"run > {2**60 + 6_000_000}", rows["run"] > 2**60 + 6_000_000, 5), (1, "name == 'n007'", rows["name"] == b"n007", 1),
            (2, f"(energy > {np.nanmax(rows['energy'][:CHUNK])}) & (run < {2**60 + 100_000})", None, 1)):
        request = {"file": "run.h5", "dataset": "/t", "where": where}
        first = action(server, "explain", **request)[0]
        assert (first["chunks"], first["touched"]) == (40, 40) or run == 2
        got = server.read(**request)
        again = action(server, "explain", **request)[0]
        assert again["touched"] <= most and again["skipped"] >= 40 - most, again
        assert any(f"statistics skip {again['skipped']} chunks" in line for line in again["plan"])
        assert again["bytes"] < first["bytes"] or run == 2
        assert str(got.to_pylist()) == str(server.read(**request).to_pylist())  # NaN is itself there
        assert str(got.to_pylist()) == str(server.read(**request, options={"index": "off"}).to_pylist())
        if want is not None:
            assert got["run"].to_pylist() == rows["run"][want].tolist()
    assert server.stop() == 0
    server = serve()  # knows it from the directory
    assert action(server, "explain", file="run.h5", dataset="/t", where=f"run > {2**60 + 6_000_000}")[0]["skipped"] >= 35
    action(server, "refresh", file="run.h5")
    assert action(server, "explain", file="run.h5", dataset="/t", where=f"run > {2**60 + 6_000_000}")[0]["skipped"] == 0
    assert server.stop() == 0


def test_explain_tells_endpoints(server):
    told = action(server, "explain", file="tables.h5", dataset="/events", options={"endpoints": 4})[0]
    assert told["endpoints"] == 4 and told["result"] == 5000
    with pytest.raises(pa.ArrowInvalid, match='unknown member "wehre"'):
        action(server, "explain", file="tables.h5", dataset="/events", wehre="x")
    with pytest.raises(pa.ArrowInvalid, match="chunks"):
        action(server, "stats", file="tables.h5", dataset="/events", chunks=1)


def test_explain_on_the_command_line(server, mtflight):
    args = (TESTDATA / "tables.h5", "/events", "--where", "energy > 2", "--fields", "id")
    here = mtflight("explain", *args).stdout
    assert "the condition is asked of energy" in here
    there = json.loads(mtflight("explain", "--json", server.location, "tables.h5", *args[1:]).stdout)
    assert here.splitlines()[0] == there["plan"][0]


def test_local_files_share_an_index_directory(clustered, tmp_path):
    rows, _ = clustered
    script = "import sys, mtflight\nprint(len(mtflight.open(sys.argv[1])['/t'].where(sys.argv[2]).to_arrow()))"
    env = {**os.environ, "MTFLIGHT_INDEX_DIR": str(tmp_path / "shared"), "PYTHONPATH": str(CLONE / "examples" / "python"), "MTFLIGHT_BIN": str(BINARY)}
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "data" / "run.h5", "name == 'n007'"], env=env, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (f"{CHUNK}\n", "")
    deadline = time.monotonic() + 60
    while not list((tmp_path / "shared").glob("*.values")):  # written when the server has ended
        assert time.monotonic() < deadline
        time.sleep(0.05)
