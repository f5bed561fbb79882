"""Operations on tables: slices, columns, coordinates, sorted rows and conditions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..transport.encoding import condition_variables
from ..transport.rows import single_column
from ..transport.source import Source
from .node import Node
from .operation import OpBase, ReadOpBase, ReadScalarOpBase, slice_members
from .selections import is_coordinates, is_row, row_list, row_members


class TableOp(OpBase):
    """Base of operations on tables, whose next index may be a column's name."""

    _col: str | None

    def __getitem__(self, key: Any) -> OpBase:
        if isinstance(key, str) and self._col is None and not self._index:
            self._col = key
            return self
        return super().__getitem__(key)

    def _fetch(self, source: Source, node: Node, out: np.ndarray | None, **members: Any) -> np.ndarray:
        if self._col is None:
            return source.fetch(self._path, out, **members)
        node.column(self._col)
        return single_column(source.fetch(self._path, out, fields=[self._col], **members))


class ReadOpTable(TableOp, ReadOpBase):
    """Rows start:stop:step of a table, or of one column."""

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        if self._col is not None:
            try:
                node.column(self._col)
            except KeyError:
                raise NameError(f"Specified column name '{self._col}' not in dataset.") from None
        return self._fetch(source, node, out, **slice_members(*self._slice))


class ReadScalarOpTable(ReadScalarOpBase, ReadOpTable):
    """One row of a table, or one value of a column."""


class JoinedSlicesOp(TableOp):
    """The rows of two slices one behind the other, of a table (or of one column) or of an array."""

    def __init__(self, path: str, col: str | None, start1: Any, stop1: Any, step1: Any, start2: Any, stop2: Any, step2: Any):
        super().__init__(path)
        self._col = col
        self._slices = ((start1, stop1, step1), (start2, stop2, step2))

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        return np.concatenate([self._fetch(source, node, None, **slice_members(*s)) for s in self._slices])


class ColOp(TableOp):
    """A whole column, or the rows of it that the next index says."""

    def __init__(self, path: str, col: str):
        super().__init__(path)
        self._col = col

    def __getitem__(self, key: Any) -> OpBase:
        if self._index:
            return super().__getitem__(key)
        if is_row(key):
            return ReadScalarOpTable(self._path, self._col, key)
        if isinstance(key, slice):
            return ReadOpTable(self._path, self._col, key.start, key.stop, key.step)
        if isinstance(key, tuple) and key and isinstance(key[0], slice):
            rows = ReadOpTable(self._path, self._col, key[0].start, key[0].stop, key[0].step)
            return rows[(slice(None), *key[1:])] if key[1:] else rows
        if is_coordinates(key):
            return CoordOp(self._path, self._col, key)
        return super().__getitem__(key)

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        return self._fetch(source, node, out)


class CoordOp(TableOp):
    """Rows one by one, in the order given, repeats allowed; or where a list of booleans is true."""

    def __init__(self, path: str, col: str | None, coords: Any):
        super().__init__(path)
        self._col, self._coords = col, coords

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        return self._fetch(source, node, out, **row_members(row_list(self._coords, node.rows)))


class SortOp(TableOp, ReadOpBase):
    """Rows in the order of a column."""

    def __init__(self, path: str, sortby: str, checkCSI: bool, col: str | None,  # noqa: N803, PyTables' name
                 start: Any, stop: Any, step: Any):
        super().__init__(path, col, start, stop, step)
        self._sortby, self._check_csi = sortby, checkCSI

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        name = getattr(self._sortby, "pathname", self._sortby)  # PyTables takes its Column too
        if not isinstance(name, str):
            raise TypeError(f"`sortby` can only be a column's name, but you passed an object of type: {type(name)}")
        node.column(name)
        return self._fetch(source, node, out, sort_by=name, check_csi=True if self._check_csi else None, **slice_members(*self._slice))


class WhereOp(TableOp, ReadOpBase):
    """Rows that meet a condition, or a column of them."""

    def __init__(self, path: str, condition: str, condvars: dict[str, Any], start: Any, stop: Any, step: Any):
        super().__init__(path, None, start, stop, step)
        self._condition, self._condvars = condition, condvars

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        try:
            return self._fetch(source, node, out, where=self._condition, vars=condition_variables(self._condvars) or None,
                               **slice_members(*self._slice))
        except ValueError as e:
            if "no column or variable" in str(e):
                raise NameError(str(e)) from e  # as numexpr's namespace does
            raise
