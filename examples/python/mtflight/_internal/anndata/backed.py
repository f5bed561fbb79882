"""An AnnData object in a file, of which nothing but obs and var is read before it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..needed import needed
from ..notices import warn
from .elements import element, lazily
from .nodes import Node
from .selection import Places, is_all, of, places

if TYPE_CHECKING:
    import anndata
    import pandas


class BackedAnnData:
    """AnnData's object, read from its file as it is asked for: `obs` and `var` are pandas frames, `X` and what is in `layers` matrices of
    which an index reads rows (`X[100:200]`), `obsm`, `varm`, `obsp`, `varp` and `uns` are read by name.

    `where` and an index of rows (`cells[100:200]`, by number, mask or name) give another one of fewer cells; `to_memory` makes AnnData's own
    of it. It cannot be written to. Safe for use by many threads, as far as pandas' frames are; pickled with obs and var alone."""

    def __init__(self, node: Node, obs: Any = None, var: Any = None, rows: Places | None = None):
        """Made by `read_anndata`."""
        self._node, self._rows = node, rows
        self.obs: pandas.DataFrame = element(node["obs"]) if obs is None else obs
        """The cells, one a row."""
        self.var: pandas.DataFrame = element(node["var"]) if var is None else var
        """The genes, one a row."""

    @property
    def n_obs(self) -> int:
        return len(self.obs)

    @property
    def n_vars(self) -> int:
        return len(self.var)

    @property
    def shape(self) -> tuple[int, int]:
        return self.n_obs, self.n_vars

    def __len__(self) -> int:
        return self.n_obs

    @property
    def obs_names(self) -> pandas.Index[Any]:
        return self.obs.index

    @property
    def var_names(self) -> pandas.Index[Any]:
        return self.var.index

    @property
    def X(self) -> Any:  # noqa: N802, AnnData's name
        """A SparseMatrix or DenseMatrix; None if the file has none."""
        return lazily(self._node["X"], self._rows) if "X" in self._node else None

    @property
    def layers(self) -> Mapping[str, Any]:
        """Matrices as X, by name."""
        return Elements(self._node, "layers", self._rows, lazily)

    @property
    def obsm(self) -> Mapping[str, Any]:
        """Values of each cell, by name: arrays, SciPy's matrices, frames."""
        return Elements(self._node, "obsm", self._rows, element)

    @property
    def varm(self) -> Mapping[str, Any]:
        return Elements(self._node, "varm", None, element)

    @property
    def obsp(self) -> Mapping[str, Any]:
        """Values of pairs of cells, by name."""
        return Elements(self._node, "obsp", self._rows, _pairs)

    @property
    def varp(self) -> Mapping[str, Any]:
        return Elements(self._node, "varp", None, element)

    @property
    def uns(self) -> Mapping[str, Any]:
        """What else there is, by name."""
        return Elements(self._node, "uns", None, element)

    @property
    def raw(self) -> BackedAnnData | None:
        """X and var as they were before genes were left out; None if the file has none."""
        return BackedAnnData(self._node["raw"], self.obs, None, self._rows) if "raw" in self._node else None

    def where(self, condition: str, **variables: Any) -> BackedAnnData:
        """The cells for which a condition over obs holds, in the language of pandas.DataFrame.query: ``where("quality > @least and
        kind == 'T'", least=0.5)``. obs is in memory; of X just those rows are read, when it is asked for."""
        import pandas
        held = self.obs.eval(condition, local_dict=variables)
        if not isinstance(held, pandas.Series) or not pandas.api.types.is_bool_dtype(held.dtype):
            raise ValueError(f"{condition!r} is no condition over obs: it is true or false for no cell")
        return self[held.fillna(False).to_numpy(dtype=bool)]

    def __getitem__(self, key: Any) -> BackedAnnData:
        """Some of the cells: a slice, numbers, a mask, or names."""
        if isinstance(key, tuple):
            raise IndexError("cells are chosen here, genes of a matrix: .X[:, genes], or .to_memory()[:, genes]")
        chosen = places(self._numbers(key), self.n_obs)
        all_rows: Places = range(self.n_obs) if self._rows is None else self._rows
        taken = self.obs.iloc[chosen.start:chosen.stop:chosen.step] if isinstance(chosen, range) and chosen.step > 0 else self.obs.iloc[list(chosen)]
        return BackedAnnData(self._node, taken, self.var, of(all_rows, chosen))

    def _numbers(self, key: Any) -> Any:
        """Names as their numbers. KeyError of names that are not there."""
        import numpy as np
        names = [key] if isinstance(key, str) else key
        if isinstance(names, slice) or not len(np.atleast_1d(names)) or not isinstance(np.atleast_1d(names)[0], str):
            return names
        found = self.obs_names.get_indexer_for(list(names))
        if (found < 0).any():
            raise KeyError(f"no cells of these names: {[n for n, at in zip(names, found, strict=False) if at < 0][:5]}")
        return found

    def chunked_X(self, chunk_size: int = 6000) -> Iterator[tuple[Any, int, int]]:  # noqa: N802, AnnData's name
        """X in pieces of so many cells, each with its first and last + 1."""
        for lo in range(0, self.n_obs, chunk_size):
            hi = min(lo + chunk_size, self.n_obs)
            yield self.X[lo:hi], lo, hi

    def to_memory(self) -> anndata.AnnData:
        """All of it, as AnnData's own. Elements in encodings that are not served are left out, with a warning."""
        needed("anndata", "to_memory")
        import anndata
        parts = {name: _in_memory(getattr(self, name)) for name in ("layers", "obsm", "varm", "obsp", "varp", "uns")}
        x = self.X if self.X is None or not hasattr(self.X, "to_memory") else self.X.to_memory()
        made = anndata.AnnData(x, self.obs.copy(), self.var.copy(), **parts)
        if (raw := self.raw) is not None:
            made.raw = anndata.AnnData(raw.X.to_memory(), self.obs.copy(), raw.var, varm=_in_memory(raw.varm))
        return made

    def __repr__(self) -> str:
        file = self._node.source.client.title(self._node.table.file)
        lines = [f"BackedAnnData of {self.n_obs} x {self.n_vars}, {self._node.path} of {file}"]
        lines += [f"    {name}: {', '.join(map(repr, getattr(self, name).columns))}" for name in ("obs", "var") if len(getattr(self, name).columns)]
        lines += [f"    {name}: {', '.join(map(repr, getattr(self, name)))}" for name in ("layers", "obsm", "varm", "obsp", "varp", "uns") if getattr(self, name)]
        return "\n".join(lines)


class Elements(Mapping[str, Any]):
    """The elements of a group by name, each read when it is asked for."""

    def __init__(self, parent: Node, name: str, rows: Places | None, read: Any):
        self._children: dict[str, Node] = parent[name].children if name in parent else {}
        self._rows, self._read = rows, read

    def __getitem__(self, name: str) -> Any:
        return self._read(self._children[name], self._rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._children)

    def __len__(self) -> int:
        return len(self._children)

    def __repr__(self) -> str:
        return f"<{len(self)} elements: {', '.join(map(repr, self))}>"


def _pairs(node: Node, rows: Places | None) -> Any:
    """Rows and columns of those places."""
    if rows is None:
        return element(node)
    matrix = lazily(node, None)
    chosen = slice(None) if is_all(rows, len(matrix)) else list(rows)
    return matrix[chosen, chosen]


def _in_memory(elements: Mapping[str, Any]) -> dict[str, Any]:
    out = {}
    for name in elements:
        try:
            value = elements[name]
        except NotImplementedError as e:
            warn(f"{name} is left out: {e}")
            continue
        out[name] = value.to_memory() if hasattr(value, "to_memory") else value
    return out
