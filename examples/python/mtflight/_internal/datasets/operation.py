"""What an index expression on a dataset asks for: a request to the server, and NumPy's work on its answer.

An operation is made by indexing a dataset proxy and indexed further as an array would be; it holds no data. `apply`
runs it. Errors of the expression are raised then, not before, as multitables does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..array_protocol import NoSequence
from ..transport.source import Source
from .node import Node
from .selections import row_number, slice_numbers


class OpBase(NoSequence):
    """Base of operations; further indexes are applied to the rows that come."""

    _instead = "it describes a request, reader.request(.., stage).get() reads its rows"

    def __init__(self, path: str):
        self._path = path
        self._index: list[Any] = []

    def __getitem__(self, key: Any) -> OpBase:
        self._index.append(key)
        return self

    def apply(self, source: Source, node: Node, out: np.ndarray | None = None) -> np.ndarray:
        """Reads the result. Where no index is left to apply, it lies in `out` (uint8), if that is given."""
        if not self._index:
            return self._read(source, node, out)
        result = self._read(source, node, None)
        for key in self._index:
            result = result[key]
        return np.asarray(result)

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        raise NotImplementedError


class ReadOpBase(OpBase):
    """Base of operations on rows start:stop:step, or on one column of them."""

    def __init__(self, path: str, col: str | None, start: Any, stop: Any, step: Any):
        super().__init__(path)
        self._col = col
        self._slice = (start, stop, step)


class ReadScalarOpBase(ReadOpBase):
    """Base of operations on one row, or on one column's value in it. Its subclasses read slices too."""

    def __init__(self, path: str, col: str | None, idx: int):
        super().__init__(path, col, idx, None, None)

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        row = row_number(self._slice[0], node.rows)
        self._slice = (row, row + 1, None)
        rows = super()._read(source, node, out)
        return rows.reshape(rows.shape[1:])


def slice_members(start: Any, stop: Any, step: Any) -> dict[str, Any]:
    """A slice as members of a request. ValueError of a step of 0, InvalidIndexError of what are no integers."""
    start, stop, step = slice_numbers(start, stop, step)
    if step == 0:
        raise ValueError("slice step cannot be zero")
    return {"start": start, "stop": stop, "step": step}
