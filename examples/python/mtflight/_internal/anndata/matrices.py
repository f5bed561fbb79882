"""Matrices in a file, of which an index reads a part."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..arrow.table import Table
from ..arrow.values import values
from ..needed import needed
from ..transport.rows import owned
from .selection import Places, as_slice, is_all, members, of, places

_LARGE = 64 << 20  # bytes that are not asked for again whole where a connection is lost
_Part = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]  # elements of each row, their indices, their values


class _Matrix:
    """What both kinds share: rows (and columns) that are chosen, of which an index chooses again as it reads."""

    def __init__(self, table: Table, rows: Places | None = None):
        self._table, schema = table, table.schema
        self._column, self._about = schema.field(0), schema.metadata
        self._whole = tuple(json.loads(self._about.get(b"sparse.shape", self._about[b"hdf5.shape"])))
        self._rows = range(self._whole[0]) if rows is None else rows

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self._rows), *self._whole[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def _keys(self, key: Any) -> tuple[Places, Places]:
        rows, columns = key if isinstance(key, tuple) and len(key) == 2 else (key, slice(None))
        if isinstance(rows, tuple) or len(self._whole) != 2:
            raise IndexError(f"a matrix is indexed by rows, or by rows and columns, not by {key!r}")
        return of(self._rows, places(rows, len(self._rows))), places(columns, self._whole[1])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._table.path} of {self._table._client.title(self._table.file)}, {' x '.join(map(str, self.shape))}>"


class DenseMatrix(_Matrix):
    """An array in a file, indexed by rows (and columns): slices, lists and masks, one for each axis."""

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        """The rows, and columns of them, as an array."""
        if len(self._whole) != 2:
            return self._read(of(self._rows, places(key, len(self._rows))))
        rows, columns = self._keys(key)
        if isinstance(rows, range) and isinstance(columns, range) and len(rows) and len(columns):
            picked: npt.NDArray[Any] = np.asarray(self._table[as_slice(rows), as_slice(columns)])
            return picked
        read = self._read(rows)
        return read if is_all(columns, self._whole[1]) else read[:, np.asarray(columns, dtype=np.int64)]

    def _read(self, rows: Places) -> npt.NDArray[Any]:
        return self._table.to_numpy(**members(rows))

    def to_memory(self) -> npt.NDArray[Any]:
        """All of it."""
        return self[:]


class SparseMatrix(_Matrix):
    """A compressed sparse matrix in a file, indexed by rows (and columns): slices, lists and masks, one for each axis. What is
    read is a matrix of SciPy's, of the same format.

    Of the axis that is compressed, rows of `csr` and columns of `csc`, only what is asked for is read, by one request. Along the
    other axis all of it is read, batch by batch, and what was not asked for is dropped: slow, in the memory of twice
    the result and a few batches."""

    def __init__(self, table: Table, rows: Places | None = None):
        super().__init__(table, rows)
        self._bytes_of_row = -(-(table.nbytes or 0) // max(1, self._whole[self._about[b"sparse.format"] == b"csc"]))
        self.format: str = self._about[b"sparse.format"].decode()
        """"csr" or "csc"."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self._values(None).dtype

    def __getitem__(self, key: Any) -> Any:
        """The rows, and columns of them, as a scipy.sparse.csr_matrix or csc_matrix."""
        rows, columns = self._keys(key)
        major, minor = (rows, columns) if self.format == "csr" else (columns, rows)
        return self._read(major, minor)

    def to_memory(self) -> Any:
        """All of it."""
        return self[:]

    def _read(self, major: Places, minor: Places) -> Any:
        """The lists of some rows of the axis that is compressed, each without what lies elsewhere along the other."""
        needed("scipy", "a sparse matrix")
        from scipy import sparse
        axis = 0 if self.format == "csr" else 1
        n = self._whole[1 - axis]
        order: npt.NDArray[np.int64] | None = None
        if is_all(minor, n):
            parts = self._parts(self._lists(major).to_batches())
        else:
            parts, n, order = _within(self._parts(self._table.scan(**members(major))), minor, n)
        counts, indices, data = _joined(list(parts), self)
        pointers = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=pointers[1:])
        shape = (len(counts), n)
        made = (sparse.csr_matrix if axis == 0 else sparse.csc_matrix)((data, indices, pointers), shape=shape[::1 - 2 * axis])
        if order is None:
            return made
        return made[:, order] if axis == 0 else made[order]

    def _lists(self, major: Places) -> pa.Table:
        """Neighbours of usual length by one question, without asking first how many bytes they are."""
        size = len(major) * self._bytes_of_row
        return self._table._at_once(size, **members(major)) if isinstance(major, range) and size < _LARGE else self._table.to_arrow(**members(major))

    def _parts(self, batches: Iterable[pa.RecordBatch]) -> Iterator[_Part]:
        """The lists of rows, batch by batch: views of Arrow's buffers."""
        for batch in batches:
            lists: Any = batch.column(0)
            index, value = lists.flatten().flatten()
            yield np.diff(lists.offsets.to_numpy()), index.to_numpy(), self._values(value)

    def _values(self, array: pa.Array[Any] | None) -> npt.NDArray[Any]:
        field = self._column.type.value_type.field(1)
        return values(pa.array([], field.type) if array is None else array, field)


def _within(parts: Iterator[_Part], minor: Places, n: int) -> tuple[Iterator[_Part], int, npt.NDArray[np.int64] | None]:
    """Of lists only what lies at those places, which are counted anew: each once, ascending; with how many those are, and how they
    have to be taken then, if that is not their order."""
    wanted = np.asarray(minor, dtype=np.int64)
    distinct, order = np.unique(wanted, return_inverse=True)
    number = np.full(n, -1, np.int64)
    number[distinct] = np.arange(len(distinct))

    def kept() -> Iterator[_Part]:
        for counts, indices, data in parts:
            now = number[indices]
            keep = now >= 0
            ends = np.concatenate([[0], np.cumsum(keep)])[np.concatenate([[0], np.cumsum(counts)])]
            yield np.diff(ends), now[keep], data[keep]

    in_order = len(distinct) == len(wanted) and bool((order == np.arange(len(wanted))).all())
    return kept(), len(distinct), None if in_order else order


def _joined(parts: list[_Part], of_matrix: SparseMatrix) -> _Part:
    """One for all, in memory that may be written to."""
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, of_matrix.dtype)
    if len(parts) == 1:
        counts, indices, data = parts[0]
        return counts, owned(indices), owned(data)
    counts, indices, data = (np.concatenate(p) for p in zip(*parts, strict=True))
    return counts, indices, data

