"""Operations on arrays: slices of rows, and NumPy's and PyTables' other indexes (of any dataset)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InvalidIndexError
from ..transport.source import Source
from .node import Node
from .operation import OpBase, ReadOpBase, ReadScalarOpBase, slice_members
from .selections import is_row_list, points, row_list, row_members, select_member
from .table_ops import ColOp
from .vlarray_ops import VLReadOp


class ReadOpArray(ReadOpBase):
    """Rows start:stop:step of an array, or a field of them where its elements have fields."""

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        members = slice_members(*self._slice)
        if members["step"] is not None and members["step"] < 0:
            raise ValueError("slice step cannot be negative")
        if node.shape:
            rows = source.fetch(self._path, out, **members)
        else:
            rows = source.fetch(self._path, out).reshape(node.dtype.shape)
        return rows if self._col is None else rows[self._col]


class ReadScalarOpArray(ReadScalarOpBase, ReadOpArray):
    """One row of an array."""


class ArrayReadOp(ReadOpArray):
    """PyTables' Array.read: as a slice, but a start alone is that one row."""

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        start, stop, step = self._slice
        if start is not None and stop is None and step is None:
            if 0 < node.rows <= start:
                raise IndexError(f"start of range ({start}) is greater than number of rows ({node.rows})")
            self._slice = (start, None if start == -1 else start + 1, None)
        return super()._read(source, node, out)


class IndexOp(OpBase):
    """Any index of an array, and of other datasets what their own operations read."""

    def __init__(self, path: str, key: Any):
        super().__init__(path)
        self._key = key

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        if node.kind == "vlarray":
            return VLReadOp(self._path, self._key).apply(source, node, out)
        if node.kind == "table" and isinstance(self._key, str):
            return ColOp(self._path, self._key).apply(source, node, out)
        if not node.shape:
            return source.fetch(self._path, out).reshape(node.dtype.shape)[_scalar(self._key)]
        elements = points(self._key, node.shape)
        if elements is not None:
            return _read_points(source, node, elements)
        if is_row_list(self._key):
            return source.fetch(self._path, out, **row_members(row_list(self._key, node.rows)))
        text, shape = select_member(self._key, node.shape)
        result = source.fetch(self._path, out, select=text)
        return result.reshape((*shape, *node.dtype.shape))


def _scalar(key: Any) -> Any:
    if key == () or key is Ellipsis or key == (Ellipsis,):
        return ...
    raise InvalidIndexError(f"Invalid index or slice: {key!r}")


def _read_points(source: Source, node: Node, elements: np.ndarray) -> np.ndarray:
    """Reads the rows that hold the elements, each once, and picks the elements out of them."""
    rows, place = np.unique(elements[0], return_inverse=True)
    if len(rows) == 0:
        return np.empty((0, *node.dtype.shape), node.dtype.base)
    return source.fetch(node.path, **row_members(rows))[(place, *elements[1:])]
