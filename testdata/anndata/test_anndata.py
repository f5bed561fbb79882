"""What mtflight reads of AnnData's files is what anndata reads: whole objects, and drawn ranges beside its backed mode."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from anndata.tests.helpers import assert_equal
from conftest import CLONE, FILES
from made import drawn, frame

import mtflight

pytestmark = pytest.mark.filterwarnings("ignore:.*(written without encoding|is_view|deprecated).*")


@pytest.mark.parametrize("name", FILES)
def test_whole(path_of, name):
    want, got = anndata.read_h5ad(path_of(name)), mtflight.read_anndata(path_of(name))
    assert_equal(got, want, exact=True)
    assert (got.raw is None) == (want.raw is None)
    if want.raw is not None:
        assert_equal(got.raw.X, want.raw.X, exact=True)
        pd.testing.assert_frame_equal(got.raw.var, want.raw.var)
        assert_equal(dict(got.raw.varm), dict(want.raw.varm), exact=True)


@pytest.mark.parametrize("name", FILES)
def test_frames(path_of, name):
    want, got = anndata.read_h5ad(path_of(name), backed="r"), mtflight.read_anndata(path_of(name), backed=True)
    pd.testing.assert_frame_equal(got.obs, want.obs)
    pd.testing.assert_frame_equal(got.var, want.var)
    assert got.shape == want.shape
    want.file.close()


def same(got, want) -> None:
    """Same values, type, format and elements."""
    assert got.shape == want.shape
    assert got.dtype == want.dtype or 0 in got.shape  # anndata forgets the type where no row is chosen
    if sp.issparse(want):
        assert type(got).__name__ == type(want).__name__
        got, want = got.copy(), want.copy()
        got.sort_indices(), want.sort_indices()
        assert (got.indptr == want.indptr).all() and (got.indices == want.indices).all() and (got.data == want.data).all()
        got.data[...] = 0  # it can be written to
    else:
        np.testing.assert_array_equal(got, want)


def drawn_rows(rng: np.random.Generator, n: int):
    """An index of rows, in one of the ways that anndata's backed mode takes."""
    lo = int(rng.integers(0, n))
    way = rng.integers(0, 4)
    if way == 0:
        return slice(lo, int(rng.integers(lo, n + 1)))
    if way == 1:
        return np.sort(rng.choice(n, int(rng.integers(1, n + 1)), replace=False))
    if way == 2:
        return rng.random(n) < rng.random()
    return slice(lo, None, int(rng.integers(2, 5)))


@pytest.mark.parametrize("name", FILES)
def test_rows(path_of, name):
    rng = np.random.default_rng(len(name))
    want, got = anndata.read_h5ad(path_of(name), backed="r"), mtflight.read_anndata(path_of(name), backed=True)
    for _ in range(12):
        rows = drawn_rows(rng, want.n_obs)
        same(got.X[rows], want.X[rows])
        columns = drawn_rows(rng, want.n_vars)
        whole = got.X[:]
        same(got.X[rows, columns], whole[rows][:, columns])
    want.file.close()


@pytest.mark.parametrize("name", [n for n in FILES if "_float32" in n])
def test_chosen_cells(path_of, name):
    """Cells by a condition, a range, names: all that goes with them, again and again. Categories stay those of the file."""
    rng = np.random.default_rng(len(name))
    whole, backed = anndata.read_h5ad(path_of(name)), mtflight.read_anndata(path_of(name), backed=True)
    del whole.raw
    kept = (whole.obs["share"] > 0.3) & (whole.obs["kind"] != "T")
    for some, mask in ((backed.where("share > @least and kind != 'T'", least=0.3), kept.to_numpy()),
                       (backed.where("maybe > 4"), (whole.obs["maybe"] > 4).fillna(False).to_numpy(bool)), (backed.where("flag"), whole.obs["flag"].fillna(False).to_numpy(bool))):
        numbers = np.flatnonzero(mask)
        for _ in range(4):
            got = some.to_memory()
            got.raw = None
            with anndata.settings.override(remove_unused_categories=False):
                assert_equal(got, whole[numbers].copy(), exact=True)
            same(some.X[:], whole.X[numbers])
            if not len(numbers):
                break
            rows = drawn_rows(rng, len(numbers))
            some, numbers = some[rows], numbers[rows]
    named = whole.obs_names[[5, 2, 140]]
    assert_equal(backed[named].X[:], whole.X[[5, 2, 140]])
    assert backed["cell3"].obs_names.tolist() == ["cell3"]
    assert sum(len(part[0].toarray() if sp.issparse(part[0]) else part[0]) for part in backed.chunked_X(64)) == whole.n_obs


def test_pickles(path_of):
    """As what it asks for, for another process; cells that were chosen stay so."""
    cells = mtflight.read_anndata(path_of("csr_float32.h5ad"), backed=True)[10:20]
    there = "import pickle, sys; c = pickle.load(sys.stdin.buffer); print(c.X[:].sum(), c.obs_names[0], c)"
    done = subprocess.run([sys.executable, "-c", there], input=pickle.dumps(cells), capture_output=True, check=True)
    assert done.stdout.decode().strip() == f"{cells.X[:].sum()} {cells.obs_names[0]} {cells}"
    assert f" of {path_of('csr_float32.h5ad')}\n" in repr(cells)


@pytest.mark.parametrize("rows", [60, 3000])  # by the connection, and by shared memory
def test_a_range_is_one_question(tmp_path, monkeypatch, rows):
    """Its arrays can be written to, which changes neither the file nor what is read next."""
    from mtflight._internal.transport.client import Client
    x = sp.random(4000, 400, 0.3, "csr", dtype="f4", random_state=5)
    anndata.AnnData(x).write_h5ad(tmp_path / "x.h5ad")
    read = mtflight.read_anndata(tmp_path / "x.h5ad", backed=True).X
    asked = []
    for name in ("info", "schema", "do_get", "action"):
        monkeypatch.setattr(Client, name, lambda self, *a, _was=getattr(Client, name), _name=name: asked.append((_name, *a[:1])) or _was(self, *a))
    for _ in range(2):
        asked.clear()
        got = read[500:500 + rows]
        assert (got != x[500:500 + rows]).nnz == 0 and got.shape == (rows, 400)
        assert [a[0] for a in asked if a != ("action", "release")] == ["do_get"] if rows == 60 else len(asked) <= 2
        got.data += 1
        got.sort_indices()
        got.indices[:] = 0


def test_what_cannot_be(path_of):
    name = path_of("csr_float32.h5ad")
    cells = mtflight.read_anndata(name, backed="r")
    for wrong in (150, [-151], [True], [0.5], "no cell", (0, 1)):
        with pytest.raises((IndexError, KeyError)):
            cells[wrong]
        if not isinstance(wrong, str):
            with pytest.raises(IndexError):
                cells.X[wrong if not isinstance(wrong, tuple) else (0, 0, 0)]
    with pytest.raises(ValueError, match="no condition"):
        cells.where("share + 1")
    with pytest.raises(ValueError, match="only read"):
        mtflight.read_anndata(name, backed="r+")
    with pytest.raises(ValueError, match="no AnnData object"):
        mtflight.read_anndata(name, group="/uns")
    with pytest.raises(FileNotFoundError, match="no group"):
        mtflight.read_anndata(name, group="/mod/rna")
    with pytest.raises(FileNotFoundError):
        mtflight.read_anndata("no.h5ad")


def test_empty(tmp_path):
    """Objects without cells or genes, without X, without columns."""
    rng = np.random.default_rng(0)
    for i, a in enumerate((anndata.AnnData(sp.csr_matrix((0, 5), dtype="f4"), frame(rng, 5, "c")[:0]), anndata.AnnData(sp.csc_matrix((5, 0), dtype="f4")),
                           anndata.AnnData(np.zeros((0, 3), "f4")), anndata.AnnData(sp.csr_matrix((4, 5), dtype="f8")), anndata.AnnData(obs=frame(rng, 5, "c")),
                           anndata.AnnData(drawn(rng, 9, 4, "float32")))):
        a.write_h5ad(tmp_path / f"{i}.h5ad")
        assert_equal(mtflight.read_anndata(tmp_path / f"{i}.h5ad"), anndata.read_h5ad(tmp_path / f"{i}.h5ad"), exact=True)


def test_not_served(tmp_path):
    """What cannot be read is left out with a warning, and an error when it is asked for."""
    a = anndata.AnnData(np.ones((3, 2), "f4"), uns={"fine": 1, "odd": 2})
    a.write_h5ad(tmp_path / "a.h5ad")
    import h5py
    with h5py.File(tmp_path / "a.h5ad", "r+") as f:
        f["uns/odd"].attrs["encoding-type"] = "awkward-array"
    with pytest.warns(UserWarning, match="odd is left out: /uns/odd is encoded as awkward-array"):
        assert dict(mtflight.read_anndata(tmp_path / "a.h5ad").uns) == {"fine": 1}
    with pytest.raises(NotImplementedError, match="awkward-array"):
        mtflight.read_anndata(tmp_path / "a.h5ad", backed=True).uns["odd"]


@pytest.mark.skipif("MTFLIGHT_CORPUS" not in os.environ, reason="MTFLIGHT_CORPUS names no directory of real files")
def test_modalities():
    """The objects inside MuData's files are AnnData's."""
    import h5py
    files = sorted(Path(os.environ["MTFLIGHT_CORPUS"]).rglob("*.h5mu"))
    assert files
    read = 0
    for path in files:
        with h5py.File(path) as f:
            for name in f["mod"]:
                try:
                    want = anndata.io.read_elem(f["mod"][name])
                except Exception:  # noqa: BLE001, anndata's own
                    continue
                assert_equal(mtflight.read_anndata(path, group=f"/mod/{name}"), want, exact=True)
                read += 1
    assert read




def test_the_guide(tmp_path):
    """The Python of docs/anndata.md runs as it is printed."""
    samples = re.findall(r"^```python\n(.*?)^```$", (CLONE / "docs" / "anndata.md").read_text(), re.DOTALL | re.MULTILINE)
    assert samples
    import mtflight.server
    (tmp_path / "cells.h5ad").write_bytes((CLONE / "testdata" / "cells.h5ad").read_bytes())
    text = "\n".join(samples).replace("grpc://127.0.0.1:8815", mtflight.server.location() + str(tmp_path))
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", text], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    kinds = anndata.read_h5ad(tmp_path / "cells.h5ad").obs
    chosen = int(((kinds["quality"] > 0.8) & (kinds["kind"] == "T")).sum())
    assert done.stdout.splitlines() == ["(80, 20) ['B', 'NK', 'T']", f"(10, 20) {chosen} 0", f"AnnData ({chosen}, 20) ({chosen}, 3)", "csc (80, 2) (10, 20)"]
