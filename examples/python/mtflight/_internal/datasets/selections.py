"""Indexes of NumPy and PyTables, and what a request selects by them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..errors import InvalidIndexError
from ..transport.encoding import TICKET_ROWS, as_int64


def is_row(key: Any) -> bool:
    """Whether an index is one row's number."""
    if isinstance(key, np.ndarray):
        return key.ndim == 0 and key.dtype.kind in "iu"
    return isinstance(key, (int, np.integer)) and not isinstance(key, bool)


def is_coordinates(key: Any) -> bool:
    """Whether an index is a list of rows."""
    return isinstance(key, list) or (isinstance(key, np.ndarray) and np.issubdtype(key.dtype, np.integer))


def row_number(index: Any, rows: int) -> int:
    """A row's number, negative ones counted from the end. IndexError if there is no such row."""
    row = operator.index(index)
    if not -rows <= row < rows:
        raise IndexError("Index out of range")
    return row % rows


def slice_numbers(start: Any, stop: Any, step: Any) -> tuple[int | None, ...]:
    """A slice of Python's integers. InvalidIndexError of what are none."""
    try:
        return tuple(None if v is None else operator.index(v) for v in (start, stop, step))
    except TypeError as e:
        raise InvalidIndexError(f"Invalid index or slice: {slice(start, stop, step)!r}") from e


def row_list(coordinates: Any, rows: int) -> np.ndarray:
    """Rows as int64 from PyTables' point selections of one axis. IndexError outside of the rows, InvalidIndexError of others."""
    key = np.asarray(coordinates)
    if key.size == 0:
        return np.empty(0, np.int64)
    if key.dtype.kind == "b":
        if key.shape != (rows,):
            raise IndexError("Boolean indexing array has incompatible shape")
        return np.flatnonzero(key)
    if key.dtype.kind not in "iu":
        raise InvalidIndexError("Only integer coordinates allowed.")
    if key.ndim > 1 and key.shape[0] != 1:
        raise IndexError("Coordinate indexing array has incompatible shape")
    return _from_start(key.reshape(-1), rows)


def _from_start(places: np.ndarray, size: Any) -> np.ndarray:
    """Integers as int64, negative ones counted from the end. IndexError outside of `size`."""
    places = as_int64(places)
    places = np.where(places < 0, places + size, places)
    if ((places < 0) | (places >= size)).any():
        raise IndexError("Index out of bounds")
    return places


def row_members(rows: np.ndarray) -> dict[str, Any]:
    """Rows as members of a request, or as the coordinates to exchange."""
    if len(rows) <= TICKET_ROWS:
        return {"coordinates": rows.tolist()}
    return {"exchange": rows}


def is_row_list(key: Any) -> bool:
    """Whether an index is a list or array that picks rows."""
    return isinstance(key, (list, np.ndarray)) and np.ndim(key) == 1


def points(key: Any, shape: tuple[int, ...]) -> np.ndarray | None:
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
        raise InvalidIndexError("Only integer coordinates allowed.")
    if key.ndim != 2 or key.shape[0] != len(shape):
        raise IndexError("Coordinate indexing array has incompatible shape")
    return _from_start(key, np.array(shape)[:, np.newaxis])


def select_member(key: Any, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """An index of integers, slices, an ellipsis and at most one list as the protocol's `select`, and the shape of what
    it selects. IndexError of other indexes, ValueError of a negative step."""
    keys = list(key) if isinstance(key, tuple) else [key]
    given = sum(k is not Ellipsis for k in keys)
    if given < len(keys) - 1 or given > len(shape):
        raise InvalidIndexError(f"Invalid index or slice: {key!r}")
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
        start, stop, step = slice_numbers(key.start, key.stop, key.step)
        if step is not None and step < 0:
            raise ValueError("slice step cannot be negative")
        start, stop, step = slice(start, stop, step).indices(n)
        return f"{start}:{max(start, stop)}:{step}", len(range(start, stop, step))
    if isinstance(key, (list, np.ndarray)) and np.ndim(key) == 1:
        places = row_list(key, n).tolist()
        return str(places), len(places)
    try:
        place = row_number(operator.index(key), n)
        return (f"{place}:{place + 1}" if beside_list else str(place)), None
    except TypeError:
        raise InvalidIndexError(f"Invalid index or slice: {key!r}") from None
