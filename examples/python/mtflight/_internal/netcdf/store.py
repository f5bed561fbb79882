"""A group as xarray's data store."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from xarray import Variable
from xarray.backends import AbstractDataStore
from xarray.core import indexing

from ..notices import warn
from ..transport.source import Source
from ..transport.traces import carried
from .arrays import VariableArray
from .attributes import read_attributes
from .dimensions import Dimension, Dimensions
from .objects import Dataset, Group
from .types import Kind, fill_value, kind_of

_FILTERS = {"zlib": "deflate", "szip": "szip", "bzip2": "bzip2", "blosc": "blosc", "zstd": "zstd", "shuffle": "shuffle",
            "fletcher32": "fletcher32"}
_AT_ONCE = 8  # questions to the server


class GroupStore(AbstractDataStore):
    """One group's variables and attributes, raw: xarray decodes them."""

    def __init__(self, source: Source, group: Group, dimensions: Dimensions, drop: Collection[str] = ()):
        """Variables named by `drop` are not asked about."""
        self._source, self._group, self._dimensions, self._drop = source, group, dimensions, drop

    def get_attrs(self) -> dict[str, Any]:
        return read_attributes(self._source, self._group.path, self._group.attributes)

    def get_dimensions(self) -> dict[str, int]:
        return {d.name: d.size for d in self._dimensions.of_group(self._group)}

    def get_parent_dimensions(self) -> dict[str, int]:
        above: dict[str, int] = {}
        group = self._group
        while group := group.parent:  # type: ignore[assignment]
            above = {d.name: d.size for d in self._dimensions.of_group(group)} | above
        return above

    def get_encoding(self) -> dict[str, Any]:
        return {"unlimited_dims": {d.name for d in self._dimensions.of_group(self._group) if d.unlimited}}

    def get_variables(self) -> dict[str, Variable]:
        """What cannot be read is left out, and a warning says why."""
        wanted = [d for d in self._group.datasets if d.is_variable and d.name not in self._drop]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            opening = {d.name: pool.submit(carried(self._open), d) for d in wanted}
        opened = {name: one.result() for name, one in opening.items()}
        for name, reason in opened.items():
            if isinstance(reason, Exception):
                warn(f"variable {name!r} of group {self._group.path} is left out: {reason}")
        return {name: v for name, v in opened.items() if isinstance(v, Variable)}

    def _open(self, dataset: Dataset) -> Variable | Exception:
        try:
            kind = kind_of(self._source, self._group, dataset)
        except (NotImplementedError, TypeError) as refused:
            return refused
        attributes = read_attributes(self._source, dataset.path, dataset.attributes, kind.dtype if kind.dtype.kind in "iu" else None)
        if kind.dtype.kind == "S" and isinstance(fill := attributes.get("_FillValue"), str):
            attributes["_FillValue"] = np.bytes_(fill.encode())
        dimensions = self._dimensions.of_variable(dataset)
        shape = tuple(d.size if d.unlimited else n for d, n in zip(dimensions, dataset.shape, strict=True))
        array = VariableArray(self._source, dataset.path, shape, dataset.shape, kind, fill_value(kind.dtype, attributes))
        return Variable([d.name for d in dimensions], indexing.LazilyIndexedArray(array), attributes,
                        _encoding(self._source, dataset, kind, dimensions, shape))


def _encoding(source: Source, dataset: Dataset, kind: Kind, dimensions: list[Dimension], shape: tuple[int, ...]) -> dict[str, Any]:
    """What xarray needs to write the variable as it was, and to chunk it for dask."""
    filters = dataset.listed.get("filters") or []
    chunks = tuple(dataset.listed.get("chunks") or ()) or None
    encoding = {"dtype": kind.stored, **{name: hdf5 in filters for name, hdf5 in _FILTERS.items()},
                "contiguous": chunks is None, "chunksizes": chunks, "source": source.title, "original_shape": shape}
    if chunks:
        encoding["preferred_chunks"] = dict(zip((d.name for d in dimensions), chunks, strict=True))
    return encoding
