"""Operations on arrays: slices of rows, and NumPy's and PyTables' other indexes."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .node import Node
from .ops import Op, _bounds, at_rows, row_list, row_number
from .source import Source
from .values import int64


class ReadOpArray(Op):
    """Rows start:stop:step of an array."""

    def __init__(self, path: str, start: Any, stop: Any, step: Any):
        super().__init__(path)
        self._slice = (start, stop, step)

    def _read(self, source: Source, node: Node, into: np.ndarray | None) -> np.ndarray:
        if self._slice[2] is not None and self._slice[2] < 0:
            raise ValueError("slice step cannot be negative")
        if not node.shape:
            return source.fetch(self._path, into).reshape(node.dtype.shape)
        return source.fetch(self._path, into, **_bounds(*self._slice))


class ArrayReadOp(ReadOpArray):
    """PyTables' Array.read: as a slice, but a start alone is that one row."""

    def _read(self, source: Source, node: Node, into: np.ndarray | None) -> np.ndarray:
        start, stop, step = self._slice
        if start is not None and stop is None and step is None:
            if 0 < node.rows <= start:
                raise IndexError(f"start of range ({start}) is greater than number of rows ({node.rows})")
            self._slice = (start, None if start == -1 else start + 1, None)
        return super()._read(source, node, into)


class IndexOp(Op):
    """One element of the first axis, or any other index of an array."""

    def __init__(self, path: str, key: Any):
        super().__init__(path)
        self._key = key

    def _read(self, source: Source, node: Node, into: np.ndarray | None) -> np.ndarray:
        if not node.shape:
            return source.fetch(self._path, into).reshape(node.dtype.shape)[_scalar(self._key)]
        points = _points(self._key, node.shape)
        if points is not None:
            return _read_points(source, node, points)
        if is_rows(self._key):
            return source.fetch(self._path, into, **at_rows(row_list(self._key, node.rows)))
        text, shape = selection(self._key, node.shape)
        result = source.fetch(self._path, into, select=text)
        return result.reshape((*shape, *node.dtype.shape))


def _scalar(key: Any) -> Any:
    if key == () or key is Ellipsis or key == (Ellipsis,):
        return ...
    raise IndexError(f"Invalid index or slice: {key!r}")


def is_rows(key: Any) -> bool:
    """Whether an index is a list or array that picks rows."""
    return isinstance(key, (list, np.ndarray)) and np.ndim(key) == 1


def _points(key: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    """Coordinates of single elements, one row per axis: a mask of all elements, a tuple of arrays (np.where's result)
    or a 2-D array of integers; None if the index is none of these."""
    if isinstance(key, tuple):
        if len(key) != len(shape) or not all(isinstance(k, (list, np.ndarray)) and np.ndim(k) == 1 for k in key):
            return None
        if len(key) == 1:
            return row_list(key[0], shape[0])[np.newaxis]
        key = np.array(key)
    elif not isinstance(key, (list, np.ndarray)) or np.ndim(key) < 2:
        return None
    key = np.asarray(key)
    if key.dtype.kind == "b":
        if key.shape != shape:
            raise IndexError("Boolean indexing array has incompatible shape")
        return np.array(key.nonzero())
    if key.dtype.kind not in "iu":
        raise TypeError("Only integer coordinates allowed.")
    if key.ndim != 2 or key.shape[0] != len(shape):
        raise IndexError("Coordinate indexing array has incompatible shape")
    sizes = np.array(shape)[:, np.newaxis]
    found = int64(key)
    found = np.where(found < 0, found + sizes, found)
    if ((found < 0) | (found >= sizes)).any():
        raise IndexError("Index out of bounds")
    return found


def _read_points(source: Source, node: Node, points: np.ndarray) -> np.ndarray:
    """Reads the rows that hold the points, each once, and picks the points out of them."""
    rows, place = np.unique(points[0], return_inverse=True)
    if len(rows) == 0:
        return np.empty((0, *node.dtype.shape), node.dtype.base)
    found = source.fetch(node.path, **at_rows(rows))
    return found[(place, *points[1:])]


def selection(key: Any, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """An index of integers, slices, an ellipsis and at most one list as the protocol's `select`, and the shape of what
    it selects. IndexError of other indexes, ValueError of a negative step."""
    keys = list(key) if isinstance(key, tuple) else [key]
    given = sum(k is not Ellipsis for k in keys)
    if given < len(keys) - 1 or given > len(shape):
        raise IndexError(f"Invalid index or slice: {key!r}")
    if given == len(keys):
        keys.append(Ellipsis)
    at = next(i for i, k in enumerate(keys) if k is Ellipsis)
    keys[at:at + 1] = [slice(None)] * (len(shape) - given)
    lists = sum(isinstance(k, (list, np.ndarray)) and np.ndim(k) > 0 for k in keys)
    if lists > 1:
        raise IndexError("Only one selection list is allowed")
    texts, out = zip(*(_axis(k, n, lists > 0) for k, n in zip(keys, shape)))
    return ", ".join(texts), tuple(n for n in out if n is not None)


def _axis(key: Any, n: int, beside_list: bool) -> tuple[str, int | None]:
    """One axis of `select`, and how many places it keeps; None if it drops the axis. Beside a list an integer is asked
    for as a slice: NumPy moves axes there, PyTables does not."""
    if isinstance(key, slice):
        if key.step is not None and key.step < 0:
            raise ValueError("slice step cannot be negative")
        start, stop, step = key.indices(n)
        return f"{start}:{max(start, stop)}:{step}", len(range(start, stop, step))
    if isinstance(key, (list, np.ndarray)) and np.ndim(key) == 1:
        places = row_list(key, n).tolist()
        return str(places), len(places)
    try:
        place = row_number(operator.index(key), n)
        return (f"{place}:{place + 1}" if beside_list else str(place)), None
    except TypeError:
        raise TypeError(f"Invalid index or slice: {key!r}") from None
