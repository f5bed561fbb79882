"""Files that anndata writes, of objects that are drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp


def drawn(rng: np.random.Generator, cells: int, genes: int, dtype: str, density: float = 0.2) -> sp.csr_matrix:
    """A matrix some of whose rows and columns are empty."""
    m = sp.random(cells, genes, density, "csr", random_state=rng)
    m.data = np.ceil(m.data * 100).astype(dtype)
    kept = sp.diags((rng.random(cells) < 0.8).astype(dtype)) @ m if dtype != "bool" else m
    return sp.csr_matrix(kept.astype(dtype))


def frame(rng: np.random.Generator, n: int, prefix: str) -> pd.DataFrame:
    """Columns of all kinds that AnnData writes."""
    missing = rng.random(n) < 0.3
    return pd.DataFrame({
        "count": rng.integers(0, 99, n), "small": rng.integers(0, 9, n).astype("u1"), "share": rng.random(n), "half": rng.random(n).astype("f4"),
        "ok": rng.random(n) < 0.5, "kind": pd.Categorical(rng.choice(["B", "NK", "T"], n)),
        "stage": pd.Categorical(rng.choice(["early", "late"], n), ["late", "early"], ordered=True),
        "gap": pd.Categorical(np.where(missing, None, rng.choice(["x", "y"], n))), "level": pd.Categorical(rng.integers(0, 3, n)),
        "maybe": pd.array(np.where(missing, None, rng.integers(0, 9, n)), "Int32"),
        "flag": pd.array(np.where(missing, None, rng.random(n) < 0.5), "boolean"), "batch/run": [f"run {i}" for i in range(n)],
    }, index=[f"{prefix}{i}" for i in range(n)])


def full(x: Any, rng: np.random.Generator) -> anndata.AnnData:
    """An object with something of everything."""
    cells, genes = x.shape
    obs, var = frame(rng, cells, "cell"), frame(rng, genes, "gene")[["count", "kind"]].rename_axis("symbol")
    a = anndata.AnnData(x, obs, var, layers={"same": x.copy(), "dense": rng.normal(size=(cells, genes))})
    a.obsm["pca"], a.obsm["table"] = rng.normal(size=(cells, 3)), frame(rng, cells, "cell")[["share", "kind"]]
    a.obsm["graph"], a.varm["loadings"] = sp.csr_matrix(drawn(rng, cells, 7, "float64")), rng.normal(size=(genes, 2))
    a.obsp["near"], a.obsp["far"] = drawn(rng, cells, cells, "float32"), rng.random((cells, cells))
    a.varp["with"] = sp.csc_matrix(drawn(rng, genes, genes, "int64"))
    a.uns = {"title": "drawn", "n": 3, "x": 0.5, "yes": True, "names": np.array(["a", "bc", "é"]), "deep": {"er": {"numbers": np.arange(5)}},
             "table": frame(rng, 4, "row"), "matrix": sp.csr_matrix(drawn(rng, 3, 3, "float32")), "kinds": pd.Categorical(["u", "v", "u"]),
             "records": np.array([(1, 0.5), (2, 1.5)], [("a", "i4"), ("b", "f8")])}
    a.raw = a.copy()
    return a


def writer(kind: str, dtype: str, cells: int = 150, genes: int = 40, **options: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        rng = np.random.default_rng([len(dtype), cells, genes])
        x = drawn(rng, cells, genes, dtype)
        full({"csr": x, "csc": x.tocsc(), "dense": x.toarray()}[kind], rng).write_h5ad(path, **options)
    return write


MADE = {f"{kind}_{dtype}.h5ad": writer(kind, dtype, compression=compression)
        for kind in ("csr", "csc", "dense")
        for dtype, compression in (("float32", "gzip"), ("float64", None), ("int32", "lzf"), ("int64", None), ("uint8", None), ("bool", "gzip"))}
MADE |= {f"{kind}_{cells}x{genes}.h5ad": writer(kind, "float32", cells, genes) for kind in ("csr", "csc", "dense") for cells, genes in ((5, 1), (1, 5))}
