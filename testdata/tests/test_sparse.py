"""Sparse matrices on the wire are the pointers, indices and values that h5py reads; the Python package says what it needs for them."""

from __future__ import annotations

import importlib.util
import json
import sys

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import CLONE, TESTDATA, ticket

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402

MATRICES = [("cells.h5ad", "/X"), ("cells.h5ad", "/layers/counts"), *(("made.h5", f"/{kind}_{dtype}") for kind in ("csr", "csc")
            for dtype in ("f4", "f8", "i1", "u2", "i4", "i8", "bool", "c8"))]


def write(f: h5py.File, name: str, dense: np.ndarray, kind: str, index: str) -> None:
    major = dense if kind == "csr" else dense.T
    at, minor = np.nonzero(major)
    g = f.create_group(name)
    g.attrs["encoding-type"], g.attrs["shape"] = f"{kind}_matrix", dense.shape
    for part, values in (("data", major[at, minor]), ("indices", minor.astype(index)), ("indptr", np.searchsorted(at, np.arange(len(major) + 1)))):
        g.create_dataset(part, data=values, chunks=(37,) if part != "indptr" else None, compression="gzip" if part != "indptr" else None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sparse")
    rng = np.random.default_rng(5)
    with h5py.File(folder / "made.h5", "w") as f:
        for (_, path), index in zip(MATRICES[2:], "i4 i8 u2 i4 u4 i8 i2 i4".split() * 2, strict=True):
            dense = (rng.integers(1, 100, (130, 60)) * (rng.random((130, 60)) < 0.1)).astype(path.split("_")[1])
            dense[50:53], dense[:, 7] = 0, 0
            write(f, path, dense, path[1:4], index)
    (folder / "cells.h5ad").write_bytes((TESTDATA / "cells.h5ad").read_bytes())
    return folder


@pytest.fixture(scope="module")
def served(start, folder):
    return start(folder)


def stored(folder, file: str, path: str) -> list[np.ndarray]:
    with h5py.File(folder / file) as f:
        return [f[path][name][:] for name in ("indptr", "indices", "data")]


def number(value) -> object:
    return complex(value["r"], value["i"]) if isinstance(value, dict) else value


def lists(table: pa.Table) -> list[list[tuple]]:
    return [[(e["index"], number(e["value"])) for e in row] for row in table.column(0).to_pylist()]


def expected(parts, rows) -> list[list[tuple]]:
    pointers, indices, data = parts
    return [list(zip(indices[pointers[i]:pointers[i + 1]].tolist(), data[pointers[i]:pointers[i + 1]].tolist(), strict=True)) for i in rows]


@pytest.mark.parametrize(("file", "path"), MATRICES)
def test_rows(folder, served, file, path):
    parts = stored(folder, file, path)
    n = len(parts[0]) - 1
    client = served.client()
    rng = np.random.default_rng(n)
    some = rng.integers(-n, n, 40).tolist()
    for members, rows in (({}, range(n)), ({"start": 3, "stop": 17}, range(3, 17)), ({"step": -3}, range(n - 1, -1, -3)), ({"start": 5, "limit": 4}, range(5, 9)),
                          ({"coordinates": some}, [i % n for i in some]), ({"batch_rows": 7}, range(n)), ({"batch_bytes": 200, "start": 1}, range(1, n)),
                          ({"stream": {"block_rows": 9}, "offset": 2}, range(2, n)), ({"fields": [path.split("/")[-1]]}, range(n))):
        table = client.do_get(ticket(file, path, **members)).read_all()
        assert lists(table) == expected(parts, rows), members
        metadata = table.schema.metadata
        with h5py.File(folder / file) as f:
            assert json.loads(metadata[b"sparse.shape"]) == f[path].attrs["shape"].tolist()
            assert metadata[b"sparse.format"].decode() + "_matrix" == f[path].attrs["encoding-type"]


@pytest.mark.parametrize(("file", "path"), MATRICES[:3])
def test_arrays_are_the_files(folder, served, file, path):
    """A batch's offsets, indices and values are the stored arrays, of the stored types."""
    pointers, indices, data = stored(folder, file, path)
    [batch] = served.client().do_get(ticket(file, path)).read_all().to_batches()
    elements = batch.column(0).flatten()
    assert (batch.column(0).offsets.to_numpy() == pointers).all()
    for name, want in (("index", indices), ("value", data)):
        got = elements.field(name).to_numpy()
        assert got.dtype == want.dtype and (got == want).all()


def test_ways(folder, served):
    """Endpoints, masks by DoExchange, shared memory, the package's tables."""
    parts = stored(folder, "cells.h5ad", "/X")
    n = len(parts[0]) - 1
    client = served.client()
    whole = expected(parts, range(n))
    info = client.get_flight_info(fl.FlightDescriptor.for_command(ticket("cells.h5ad", "/X", options={"endpoints": 3}).ticket))
    assert info.total_records == n and len(info.endpoints) == 3
    assert sum((lists(client.do_get(e.ticket).read_all()) for e in info.endpoints), []) == whole
    mask = np.random.default_rng(1).random(n) < 0.4
    writer, reader = client.do_exchange(fl.FlightDescriptor.for_command(ticket("cells.h5ad", "/X").ticket))
    with writer:
        writer.begin(pa.schema([("mask", pa.bool_())]))
        writer.write_batch(pa.record_batch([pa.array(mask)], ["mask"]))
        writer.done_writing()
        assert lists(reader.read_all()) == expected(parts, np.flatnonzero(mask))
    staged = json.loads(next(client.do_action(fl.Action("stage", ticket("cells.h5ad", "/X").ticket))).body.to_pybytes())
    assert lists(pa.ipc.open_file(pa.memory_map(staged["path"])).read_all()) == whole
    with mtflight.connect(served.location) as connection:
        table = connection.table("cells.h5ad", "/X")
        assert lists(table.to_arrow(start=4, stop=9)) == whole[4:9] and table.kind == "sparse" and len(table) == n and table.shape == (n,)
        assert lists(table.to_arrow(parallel=3)) == whole and table.head(2).num_rows == 2
        assert len(table[3]) == len(whole[3]) and "struct<index: int32" in repr(table)


def test_listed(served):
    client = served.client()
    kinds = {f.descriptor.path[1].decode(): json.loads(f.app_metadata)["kind"] for f in client.list_flights(b'{"kind": "sparse", "frames": true}')}
    assert set(kinds) == {path for _, path in MATRICES} and set(kinds.values()) == {"sparse"}
    assert not list(client.list_flights(b'{"kind": "sparse"}'))
    tree = json.loads(next(client.do_action(fl.Action("list", b'{"file": "cells.h5ad"}'))).body.to_pybytes())
    assert {g["path"]: g["frame"] for g in tree["groups"] if g.get("frame")} == \
        {"/X": "csr_matrix", "/layers/counts": "csc_matrix", "/obs": "anndata", "/var": "anndata"}


def test_command_line(mtflight, folder):
    assert "sparse" in mtflight("ls", folder / "cells.h5ad", "/X").stdout
    told = json.loads(mtflight("describe", "--json", folder / "cells.h5ad", "/layers/counts").stdout)
    assert (told["kind"], told["rows"], told["shape"], told["type"]) == ("sparse", 20, [80, 20], "csc_matrix")
    assert mtflight("get", folder / "cells.h5ad", "/X", "--limit", 3).stdout.count('[{"index":') == 3


def test_python_without_extras(folder, monkeypatch):
    """obs, var and dense arrays are read with pandas alone; for others the message names the package."""
    cells = mtflight.read_anndata(folder / "cells.h5ad", backed=True)
    with h5py.File(folder / "cells.h5ad") as f:
        assert cells.obs_names.tolist() == f["obs/_index"].asstr()[:].tolist()
        assert cells.obs["total"].tolist() == f["obs/total"][:].tolist()
        assert (cells[10:13].obsm["pca"] == f["obsm/pca"][10:13]).all()
        few = cells.where("total > @least", least=9)
        assert few.n_obs == (f["obs/total"][:] > 9).sum() and (few.obsm["pca"] == f["obsm/pca"][:][f["obs/total"][:] > 9]).all()
    assert cells.shape == (80, 20) and cells.X.shape == (80, 20) and cells.uns["title"] == "drawn cells" and "'pca'" in repr(cells)
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name in ("anndata", "scipy") else real(name, *more))
    with pytest.raises(ModuleNotFoundError, match="a sparse matrix needs scipy: pip install scipy"):
        cells.X[:3]
    with pytest.raises(ModuleNotFoundError, match="mtflight.read_anndata without backed=True needs anndata: pip install anndata"):
        mtflight.read_anndata(folder / "cells.h5ad")
    with pytest.raises(ModuleNotFoundError, match="to_memory needs anndata"):
        cells.to_memory()
