"""Blocks of rows as NumPy arrays, and batches cut of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from ..arrow.values import values

Values = Any  # of one dataset: an array, or a dict of arrays by column
Piece = list[Values]  # of several datasets, side by side


def block_values(batch: pa.RecordBatch, is_array: bool) -> Values:
    """The columns as arrays that may be written to, without a copy where Arrow has them as NumPy does. An array dataset's only column
    is by itself."""
    columns = {field.name: _writable(values(batch.column(i), field)) for i, field in enumerate(batch.schema)}
    return next(iter(columns.values())) if is_array else columns


class _Memory:
    """Lets NumPy write to memory that came over the connection, and belongs to nobody else."""

    def __init__(self, array: np.ndarray[Any, Any]):
        self._array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.__array_interface__["data"][0], False)}


def _writable(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.flags.writeable or array.dtype.hasobject:
        return array
    return np.asarray(_Memory(array))


def applied(function: Callable[[Any], Any], value: Values) -> Values:
    """What a function makes of each array."""
    return {name: function(v) for name, v in value.items()} if isinstance(value, dict) else function(value)


def cut(pieces: Iterable[tuple[int, Piece]], sizes: Iterator[int]) -> Iterator[Piece]:
    """Pieces (with their numbers of rows) as batches of so many rows each, the last with the rest. What lies in one piece is not copied."""
    held: list[Piece] = []
    rows, size = 0, next(sizes, 0)
    for total, piece in pieces:
        at = 0
        while at < total:
            n = min(size - rows, total - at)
            held.append(sliced(piece, at, at + n))
            rows, at = rows + n, at + n
            if rows == size:
                yield _joined(held)
                held, rows, size = [], 0, next(sizes, 0)
    if held:
        yield _joined(held)


def sliced(piece: Piece, start: int, stop: int) -> Piece:
    """Some of a piece's rows."""
    return [applied(lambda array: array[start:stop], value) for value in piece]


def _joined(pieces: list[Piece]) -> Piece:
    if len(pieces) == 1:
        return pieces[0]
    return [_concatenated(parts) for parts in zip(*pieces)]


def _concatenated(parts: tuple[Values, ...]) -> Values:
    if isinstance(parts[0], dict):
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return np.concatenate(parts)
