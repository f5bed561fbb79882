"""What an index expression on a dataset asks for: a request to the server, and NumPy's work on its answer.

An operation is made by indexing a dataset proxy and indexed further as an array would be; it holds no data. `apply`
runs it. Errors of the expression are raised then, not before, as multitables does.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from .arrays import only_field
from .node import Node
from .sequence import NoSequence
from .source import Source
from .values import int64

_TICKET_COORDINATES = 50_000  # more go by DoExchange: a ticket is at most 1 MiB


class Op(NoSequence):
    """Base of operations; further indexes are applied to the rows that come."""

    _instead = "it describes a request, reader.request(.., stage).get() reads its rows"

    def __init__(self, path: str):
        self._path = path
        self._index: list[Any] = []

    def __getitem__(self, key: Any) -> Op:
        self._index.append(key)
        return self

    def apply(self, source: Source, node: Node, into: np.ndarray | None = None) -> np.ndarray:
        """Reads the result. Where no index is left to apply, it lies in `into` (uint8), if that is given."""
        if not self._index:
            return self._read(source, node, into)
        result = self._read(source, node, None)
        for key in self._index:
            result = result[key]
        return np.asarray(result)

    def _read(self, source: Source, node: Node, into: np.ndarray | None) -> np.ndarray:
        raise NotImplementedError


class TableOp(Op):
    """Base of operations on tables, whose next index may be a column's name."""

    def __init__(self, path: str, column: str | None):
        super().__init__(path)
        self._column = column

    def __getitem__(self, key: Any) -> Op:
        if isinstance(key, str) and self._column is None and not self._index:
            self._column = key
            return self
        return super().__getitem__(key)

    def _fetch(self, source: Source, node: Node, into: np.ndarray | None, **members: Any) -> np.ndarray:
        if self._column is None:
            return source.fetch(self._path, into, **members)
        node.column(self._column)
        return only_field(source.fetch(self._path, into, fields=[self._column], **members))


def _bounds(start: Any, stop: Any, step: Any) -> dict[str, int | None]:
    if step is not None and operator.index(step) == 0:
        raise ValueError("slice step cannot be zero")
    return {name: None if v is None else operator.index(v) for name, v in (("start", start), ("stop", stop), ("step", step))}


class ReadOpTable(TableOp):
    """Rows start:stop:step of a table, or of one column."""

    def __init__(self, path: str, column: str | None, start: Any, stop: Any, step: Any):
        super().__init__(path, column)
        self._slice = (start, stop, step)

    def _read(self, source: Source, node: Node, into: np.ndarray | None) -> np.ndarray:
        if self._column is not None:
            try:
                node.column(self._column)
            except KeyError:
                raise NameError(f"Specified column name '{self._column}' not in dataset.") from None
        return self._fetch(source, node, into, **_bounds(*self._slice))


class ReadScalarOpTable(ReadOpTable):
    """One row of a table, or one value of a column."""

    def __init__(self, path: str, column: str | None, index: int):
        super().__init__(path, column, index, None, None)

    def _read(self, source: Source, node: Node, into: np.ndarray | None) -> np.ndarray:
        row = row_number(self._slice[0], node.rows)
        self._slice = (row, row + 1, None)
        rows = super()._read(source, node, into)
        return rows.reshape(rows.shape[1:])


def row_number(index: Any, rows: int) -> int:
    """A row's number, negative ones counted from the end. IndexError if there is no such row."""
    row = operator.index(index)
    if not -rows <= row < rows:
        raise IndexError("Index out of range")
    return row % rows


class ColOp(TableOp):
    """A whole column, or the rows of it that the next index says."""

    def __init__(self, path: str, name: str):
        super().__init__(path, name)

    def __getitem__(self, key: Any) -> Op:
        if self._index:
            return super().__getitem__(key)
        if is_row(key):
            return ReadScalarOpTable(self._path, self._column, key)
        if isinstance(key, slice):
            return ReadOpTable(self._path, self._column, key.start, key.stop, key.step)
        if isinstance(key, tuple) and key and isinstance(key[0], slice):
            rows = ReadOpTable(self._path, self._column, key[0].start, key[0].stop, key[0].step)
            return rows[(slice(None), *key[1:])] if key[1:] else rows
        if is_coordinates(key):
            return CoordOp(self._path, self._column, key)
        return super().__getitem__(key)

    def _read(self, source: Source, node: Node, into: np.ndarray | None) -> np.ndarray:
        return self._fetch(source, node, into)


def is_row(key: Any) -> bool:
    """Whether an index is one row's number."""
    if isinstance(key, np.ndarray):
        return key.ndim == 0 and key.dtype.kind in "iu"
    return isinstance(key, (int, np.integer)) and not isinstance(key, bool)


def is_coordinates(key: Any) -> bool:
    """Whether an index is a list of rows."""
    return isinstance(key, list) or (isinstance(key, np.ndarray) and np.issubdtype(key.dtype, np.integer))


class CoordOp(TableOp):
    """Rows one by one, in the order given, repeats allowed; or where a list of booleans is true."""

    def __init__(self, path: str, column: str | None, coordinates: Any):
        super().__init__(path, column)
        self._coordinates = coordinates

    def _read(self, source: Source, node: Node, into: np.ndarray | None) -> np.ndarray:
        return self._fetch(source, node, into, **at_rows(row_list(self._coordinates, node.rows)))


def row_list(coordinates: Any, rows: int) -> np.ndarray:
    """Rows as int64 from PyTables' point selections of one axis. IndexError outside of the rows, TypeError of others."""
    key = np.asarray(coordinates)
    if key.size == 0:
        return np.empty(0, np.int64)
    if key.dtype.kind == "b":
        if key.shape != (rows,):
            raise IndexError("Boolean indexing array has incompatible shape")
        return np.flatnonzero(key)
    if key.dtype.kind not in "iu":
        raise TypeError("Only integer coordinates allowed.")
    if key.ndim > 1 and key.shape[0] != 1:
        raise IndexError("Coordinate indexing array has incompatible shape")
    found = int64(key.reshape(-1))
    found = np.where(found < 0, found + rows, found)
    if ((found < 0) | (found >= rows)).any():
        raise IndexError("Index out of bounds")
    return found


def at_rows(rows: np.ndarray) -> dict[str, Any]:
    """Rows as members of a request, or as the coordinates to exchange."""
    if len(rows) <= _TICKET_COORDINATES:
        return {"coordinates": rows.tolist()}
    return {"many": rows}


class SortOp(TableOp):
    """Rows in the order of a column."""

    def __init__(self, path: str, sortby: str, check_csi: bool, column: str | None, start: Any, stop: Any, step: Any):
        super().__init__(path, column)
        self._sortby, self._check = sortby, check_csi
        self._slice = (start, stop, step)

    def _read(self, source: Source, node: Node, into: np.ndarray | None) -> np.ndarray:
        name = getattr(self._sortby, "pathname", self._sortby)  # PyTables takes its Column too
        if not isinstance(name, str):
            raise TypeError(f"`sortby` can only be a column's name, but you passed an object of type: {type(name)}")
        node.column(name)
        return self._fetch(source, node, into, sort_by=name, check_csi=True if self._check else None, **_bounds(*self._slice))


class WhereOp(TableOp):
    """Rows that meet a condition, or a column of them."""

    def __init__(self, path: str, condition: str, variables: dict[str, Any], start: Any, stop: Any, step: Any):
        super().__init__(path, None)
        self._condition, self._variables = condition, variables
        self._slice = (start, stop, step)

    def _read(self, source: Source, node: Node, into: np.ndarray | None) -> np.ndarray:
        try:
            return self._fetch(source, node, into, where=self._condition, vars=variables(self._variables) or None,
                               **_bounds(*self._slice))
        except ValueError as e:
            if "no column or variable" in str(e):
                raise NameError(str(e)) from e  # as numexpr's namespace does
            raise


def variables(given: dict[str, Any]) -> dict[str, Any]:
    """A condition's variables as JSON: numbers, strings (bytes too) and booleans. TypeError of anything else."""
    out: dict[str, Any] = {}
    for name, value in given.items():
        value = value.item() if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0 else value
        if isinstance(value, bytes):
            value = value.decode("utf-8")
        if not isinstance(value, (bool, int, float, str)):
            raise TypeError(f"condition variable {name!r} must be a number, string or boolean, not {type(value).__name__}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"condition variable {name!r} is {value}, which a request cannot hold")
        out[name] = value
    return out
