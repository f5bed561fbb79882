"""Datasets as Dask's frames: a partition is a part of the rows, or several."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..arrow.opening import opened
from ..arrow.parts import Part
from ..arrow.table import Table
from ..lazy.rows import narrowest
from ..needed import needed
from .dask_types import as_dask
from .request import parts_of

if TYPE_CHECKING:
    import dask.dataframe
    import pandas


def dataframe(source: Table | str | os.PathLike[str], dataset: str | None = None, *, location: str | None = None, partitions: int | None = None,
              index: str | None = None, dtype_backend: str | None = None, start: int | None = None, stop: int | None = None,
              step: int | None = None, options: dict[str, Any] | None = None, **login: Any) -> dask.dataframe.DataFrame:
    """A dataset as a Dask frame: of a file, many as one by a pattern (``runs/*.h5``), a location (``grpc://host:8815/run7.h5``), or a `Table`, narrowed
    by where() and select().

    About so many `partitions`, by default one for each 128 MiB, which workers read from the servers that the location names. The index are row numbers of
    the result, with divisions where their number is known; or the column `index`, whose values must be ascending, with divisions. Numbers, times and
    categories are pandas', texts Dask's, lists and bytes Arrow's; dtype_backend="pyarrow" keeps all of Arrow's types, and nulls among integers, which are refused without. start, stop and step are a Python slice of the rows, options
    those of the wire contract, `login` the options of `connect`.
    """
    needed("dask", "mtflight.dask.dataframe")
    import dask.dataframe as dd
    if dtype_backend not in (None, "pyarrow"):
        raise ValueError(f"dtype_backend={dtype_backend!r}: give \"pyarrow\", or leave it out for NumPy's types")
    table = opened(source, dataset, location, login)
    schema, parts = parts_of(table, partitions, {"start": start, "stop": stop, "step": step, "options": options})
    read = _Read(schema, dtype_backend == "pyarrow", index)
    pieces, divisions = _numbered(parts) if index is None else _sorted(read, parts)
    if index is None and _own_index(schema):
        divisions = None
    return dd.from_map(read, pieces, meta=read.meta(), divisions=divisions, label="mtflight", enforce_metadata=False)


@dataclass(frozen=True)
class _Piece:
    """What a partition is read from, and between which values its index must lie."""

    parts: tuple[Part, ...]
    lowest: Any = None
    highest: Any = None


def _numbered(parts: list[Part]) -> tuple[list[_Piece], tuple[int, ...] | None]:
    """A partition a part, and the rows at which they begin and the last one ends."""
    pieces = [_Piece((part,)) for part in parts]
    if any(not part.rows for part in parts):
        return pieces, None
    last = parts[-1]
    return pieces, (*(part.first or 0 for part in parts), (last.first or 0) + (last.rows or 0) - 1)


def _sorted(read: _Read, parts: list[Part]) -> tuple[list[_Piece], tuple[Any, ...] | None]:
    """Partitions of no common value of the index: parts are cut where the value changes, which takes a few rows of each to know."""
    if any(part.extent is None or "limit" in part.ticket or "offset" in part.ticket for part in parts):
        raise ValueError("index= needs rows in the order of the file: leave sort_by, limit, coordinates and streams out")
    if read.index not in read.schema.names:
        raise KeyError(f"no column {read.index!r}: {', '.join(read.schema.names)}")
    pieces: list[_Piece] = []
    for part in parts:
        if part.extent:
            pieces += _cut(read, part, pieces)
    return (pieces, (*(piece.lowest for piece in pieces), pieces[-1].highest)) if pieces else ([_Piece(())], None)


def _cut(read: _Read, part: Part, pieces: list[_Piece]) -> list[_Piece]:
    """The pieces of a part; the last one of `pieces` takes the rows that still have its value."""
    first, last = read.value(part, 0), read.value(part, (part.extent or 0) - 1)
    before = pieces[-1].highest if pieces else first
    if not before <= first <= last:
        raise ValueError(f"{read.index} is not ascending: {first} is between {before} and {last}; leave index= out")
    if not pieces or first != before:
        return [_Piece((part,), first, last)]
    whole = last == before
    at = 0 if whole else bisect.bisect_right(range(part.extent or 0), before, key=lambda row: read.value(part, row))
    head, tail = (part, None) if whole else part.cut(at)
    pieces[-1] = dataclasses.replace(pieces[-1], parts=(*pieces[-1].parts, head))
    return [] if tail is None else [_Piece((tail,), read.value(tail, 0), last)]


def _own_index(schema: pa.Schema) -> list[str]:
    """The columns that a pandas frame has as its index."""
    about = schema.pandas_metadata or {}
    return [name for name in about.get("index_columns", []) if isinstance(name, str)]


@dataclass(frozen=True)
class _Read:
    """Reads partitions; Dask asks it for some columns."""

    schema: pa.Schema
    arrow: bool
    index: str | None

    def meta(self) -> pandas.DataFrame:
        """A frame of no rows. Categories are known when they are read."""
        from dask.dataframe.utils import clear_known_categories
        return clear_known_categories(self._frame(self.schema.empty_table(), 0))

    def __call__(self, piece: _Piece, columns: list[str] | None = None) -> pandas.DataFrame:
        """The partition's rows."""
        fields = self.schema.names if columns is None else self._fields(columns)
        batches = itertools.chain.from_iterable(part.batches(fields=fields) for part in piece.parts)
        rows = pa.Table.from_batches(batches, self._of(fields))
        rows = rows.replace_schema_metadata(self.schema.metadata)
        frame = self._frame(rows, (piece.parts[0].first if piece.parts else 0) or 0)
        if piece.lowest is not None and len(frame):
            self._check(frame.index, piece)
        return frame if columns is None else frame[columns]

    def value(self, part: Part, at: int) -> Any:
        """The index of a row, whether the condition holds of it or not."""
        batches = part.batches(fields=[self.index], where=None, vars=None, offset=at, limit=1)
        return self._frame(pa.Table.from_batches(batches, self._of([self.index])), 0).index[0]

    def _fields(self, columns: list[str]) -> list[str]:
        """What to ask for: without columns one that takes few bytes."""
        index = [self.index] if self.index else _own_index(self.schema)
        return list(dict.fromkeys([*index, *columns])) or [narrowest(self.schema)]

    def _of(self, fields: list[str]) -> pa.Schema:
        return pa.schema([self.schema.field(name) for name in fields], self.schema.metadata)

    def _frame(self, rows: pa.Table, first: int) -> pandas.DataFrame:
        frame = as_dask(rows, self.arrow)
        if self.index is not None:
            return frame.set_index(self.index)
        if not _own_index(self.schema):
            import pandas
            frame.index = pandas.RangeIndex(first, first + rows.num_rows)
        return frame

    def _check(self, index: pandas.Index, piece: _Piece) -> None:
        if not index.is_monotonic_increasing or index[0] < piece.lowest or index[-1] > piece.highest:
            raise ValueError(f"{self.index} is not ascending between {piece.lowest} and {piece.highest}: leave index= out")
