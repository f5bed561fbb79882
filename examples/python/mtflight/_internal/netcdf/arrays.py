"""Arrays that are read when they are indexed."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pyarrow as pa
from xarray.backends import BackendArray
from xarray.core import indexing

from ..arrow.arrays import joined
from ..arrow.batches import retried
from ..arrow.staged import staged
from ..transport.rows import row_dtype
from ..transport.source import Source
from .types import Kind

_MOST_PLACES = 40_000  # of a list in one request, which is at most 1 MiB
_RETRIES = 3


@functools.lru_cache(maxsize=256)
def shared_source(*arguments: Any) -> Source:
    """The one Source of a file in this process, so that all arrays of it share a connection."""
    return Source(*arguments)


class VariableArray(BackendArray):
    """A variable's values. Immutable; safe for use by many threads; pickled as what it asks for, without values or connection."""

    __slots__ = ("_arguments", "_fill", "_path", "_stored", "_wire", "dtype", "shape")

    def __init__(self, source: Source, path: str, shape: tuple[int, ...], stored: tuple[int, ...], kind: Kind, fill: Any):
        """`stored` is how much of `shape` the file has; beyond it everything is `fill`."""
        self._arguments, self._path, self._stored, self._fill = source.arguments, path, stored, fill
        self.shape, self.dtype, self._wire = shape, kind.dtype, kind.wire

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        # xarray fails on empty slices with a negative step
        plain = type(key)(tuple(slice(0) if isinstance(k, slice) and not range(n)[k] else k for k, n in zip(key.tuple, self.shape, strict=True)))
        return indexing.explicit_indexing_adapter(plain, self.shape, indexing.IndexingSupport.OUTER_1VECTOR, self._read)

    def _read(self, key: tuple[Any, ...]) -> np.ndarray:
        axes = [_places(k, n) for k, n in zip(key, self.shape, strict=True)]
        kept = tuple(len(a) for a, k in zip(axes, key, strict=True) if not isinstance(k, (int, np.integer)))
        if self._stored == self.shape:
            return self._asked(axes).reshape(kept)
        out = np.full([len(a) for a in axes], self._fill, self.dtype)
        inside = [_inside(a, n) for a, n in zip(axes, self._stored, strict=True)]
        out[np.ix_(*(at for at, _ in inside))] = self._asked([places for _, places in inside])
        return out.reshape(kept)

    def _asked(self, axes: list[Any]) -> np.ndarray:
        """The values at these places of each axis; one request, or several for a very long list."""
        shape = tuple(len(a) for a in axes)
        if 0 in shape:
            return np.empty(shape, self.dtype)
        long = next((i for i, a in enumerate(axes) if isinstance(a, np.ndarray) and len(a) > _MOST_PLACES), None)
        if long is None:
            source = shared_source(*self._arguments)
            return retried(lambda: self._requested(source, _select(axes, self._stored), shape), _RETRIES)
        pieces = np.array_split(axes[long], -(-shape[long] // _MOST_PLACES))
        return np.concatenate([self._asked([*axes[:long], p, *axes[long + 1:]]) for p in pieces], axis=long)

    def _requested(self, source: Source, select: str | None, shape: tuple[int, ...]) -> np.ndarray:
        if self._wire == "columns":
            return _objects(source, self._path, select, self.dtype).reshape(shape)
        if self._wire == "text":
            return _decoded(source.fetch(self._path, select=select), self.dtype).reshape(shape)
        return _numbers(source, self._path, select, shape, self.dtype.itemsize).reshape(shape)


def _places(key: Any, n: int) -> Any:
    """The places of an axis that a key means: a range, or an array."""
    if isinstance(key, slice):
        return range(n)[key]
    if isinstance(key, (int, np.integer)):
        place = int(key) % n if -n <= key < n else -1
        if place < 0:
            raise IndexError(f"index {key} is out of bounds for a dimension of size {n}")
        return range(place, place + 1)
    places = np.where(np.asarray(key) < 0, np.asarray(key) + n, key)
    if places.size and not (0 <= places.min() and places.max() < n):
        raise IndexError(f"indices are out of bounds for a dimension of size {n}")
    return places


def _inside(places: Any, n: int) -> tuple[np.ndarray, Any]:
    """Which of the places are below n, and what they are; a range stays one."""
    at = np.flatnonzero(np.asarray(places) < n)
    if isinstance(places, range):
        return at, places[at[0]:at[-1] + 1] if len(at) else range(0)
    return at, places[at]


def _select(axes: list[Any], shape: tuple[int, ...]) -> str | None:
    """The member `select`, None for all."""
    if all(a == range(n) for a, n in zip(axes, shape, strict=True) if isinstance(a, range)) and all(isinstance(a, range) for a in axes):
        return None
    return ", ".join(map(_axis, axes))


def _axis(places: Any) -> str:
    if isinstance(places, np.ndarray):
        return str(places.tolist())
    stop = places[-1] + (1 if places.step > 0 else -1)
    return f"{places[0]}:{stop if stop >= 0 else ''}:{places.step}"


def _numbers(source: Source, path: str, select: str | None, shape: tuple[int, ...], itemsize: int) -> np.ndarray:
    """Values of fixed size: large results by shared memory where the server is on this host, in one batch."""
    size, rows = math.prod(shape) * itemsize, shape[0] if shape else 1
    request = source.request(path, select=select, options={"layout": "rows"}, stream={"block_rows": rows})
    if batches := staged(source.client, request, size):
        return joined(batches, row_dtype(batches[0].schema), rows)
    return source.fetch(path, np.empty(size, np.uint8), select=select)


def _decoded(rows: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Fixed strings as str, up to the first NUL."""
    out = np.empty(rows.size, dtype)
    out[:] = [b.partition(b"\0")[0].decode("utf-8", "replace") for b in rows.reshape(-1).tolist()]
    return out


def _objects(source: Source, path: str, select: str | None, dtype: np.dtype) -> np.ndarray:
    """Values of variable length: str, or an array each."""
    request = source.request(path, select=select, options={"strings": "binary", "enum": "int", "time": "numeric"})
    with source.client.translated():
        values = source.client.do_get(request).read_all().column(0).combine_chunks()
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    while pa.types.is_fixed_size_list(values.type):
        values = values.flatten()
    out = np.empty(len(values), dtype)
    out[:] = _lists(values) if pa.types.is_list(values.type) else _texts(values)
    return out


def _lists(values: pa.Array) -> list[np.ndarray]:
    return [v.values.to_numpy(zero_copy_only=False) for v in values]


def _texts(values: pa.Array) -> list[str]:
    try:
        return values.cast(pa.string()).fill_null("").to_pylist()
    except pa.ArrowInvalid:  # not all are UTF-8
        return [v.decode("utf-8", "replace") if v else "" for v in values.to_pylist()]
