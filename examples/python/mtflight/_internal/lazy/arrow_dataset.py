"""Datasets as PyArrow datasets, and for DuckDB, which asks them for columns and filters."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs

from ..arrow.table import Table
from ..transport.client import Members
from . import arrow_expressions as expressions
from .conditions import Predicate
from .duckdb_check import works
from .rows import Rows, opened

_UNREADABLE = "rows of mtflight, which come by to_table(), to_batches() and scanner() of this dataset itself"


class Readable(Protocol):
    """What a dataset reads: `Rows`."""

    schema: pa.Schema

    def read(self, columns: list[str] | None, asked: Predicate | None, limit: int | None) -> pa.RecordBatchReader: ...


class _Scanner:
    """The method `scanner`. DuckDB calls that of the class, programs that of an object: so they are told apart, and each gets
    the rows that its own order of numbers finds."""

    def __get__(self, dataset: RowsDataset | None, owner: type[RowsDataset]) -> Callable[..., ds.Scanner]:
        return owner._scan_for_duckdb if dataset is None else dataset._scan


class RowsDataset(ds.FileSystemDataset):
    """A pyarrow.dataset.Dataset whose rows a server sends: `scanner` and what calls it (to_table, to_batches, head, count_rows, ..) ask
    for the columns and the rows that they need, and filter again. To Arrow's own engines (a union of datasets, sort_by, join) it is a file that
    cannot be opened."""

    def __init__(self, rows: Readable, asked: pc.Expression | None = None):
        form, system = ds.IpcFileFormat(), pyarrow.fs.LocalFileSystem()
        super().__init__([form.make_fragment(_UNREADABLE, system)], rows.schema, form, system)
        self._rows, self._asked = rows, asked

    scanner = _Scanner()

    def filter(self, expression: pc.Expression) -> RowsDataset:
        """The dataset of the rows for which the expression is true as well."""
        return RowsDataset(self._rows, expression if self._asked is None else self._asked & expression)

    def count_rows(self, filter: pc.Expression | None = None, **options: Any) -> int:  # noqa: A002
        """How many rows match, of which no other columns are sent."""
        return self._scan([], filter, **options).count_rows()

    def __reduce__(self) -> Any:
        return RowsDataset, (self._rows, self._asked)

    def _scan(self, columns: Any = None, filter: pc.Expression | None = None, **options: Any) -> ds.Scanner:  # noqa: A002, PyArrow's name
        both = filter if self._asked is None else self._asked if filter is None else self._asked & filter
        return self._filtered(columns, both, None if both is None else expressions.parse(both), both, options)

    def _scan_for_duckdb(self, columns: list[str] | None = None, filter: pc.Expression | None = None, **options: Any) -> ds.Scanner:  # noqa: A002
        if filter is None:
            return self._scan(columns, None, **options)
        tree = expressions.parse(filter)
        try:
            ordered = expressions.in_order(_known(tree), self._rows.schema)
        except NotImplementedError as e:
            raise NotImplementedError(f"this release of DuckDB asks for {filter}, which may be meant otherwise: register the Table itself, "
                                      "whose rows DuckDB filters") from e
        return self._filtered(columns, filter, tree, filter if ordered is None else ordered, options)

    def _filtered(self, columns: Any, asked: pc.Expression | None, tree: expressions.Tree | None, exact: pc.Expression | None,
                  options: dict[str, Any]) -> ds.Scanner:
        """Rows for which `exact` is true, out of those for which `asked`, parsed as `tree`, may be."""
        needed = self._needed(columns, asked, tree)
        reader = self._rows.read(needed, None if asked is None else expressions.predicate(tree), None)
        aligned = pa.RecordBatchReader.from_batches(reader.schema, map(_aligned, reader))
        return ds.Scanner.from_batches(aligned, columns=columns, filter=exact, **options)

    def _needed(self, columns: Any, asked: pc.Expression | None, tree: expressions.Tree | None) -> list[str] | None:
        """Columns to read: those of the result and of the filter. None: all, also where an expression cannot be looked into."""
        if columns is None or (asked is not None and tree is None):
            return None
        trees = [] if tree is None else [tree]
        for made in columns.values() if isinstance(columns, dict) else columns:
            trees.append(expressions.Field((made,)) if isinstance(made, str) else expressions.parse(made))
        if None in trees:
            return None
        named = {path[0] for t in trees for path in expressions.fields(t)}
        return [name for name in self._rows.schema.names if name in named]


class _Whole:
    """All rows, for whatever takes Arrow's streams."""

    def __init__(self, table: Table, members: Members):
        self._table, self._members = table, {k: v for k, v in members.items() if v is not None}

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.scan(**self._members).__arrow_c_stream__(requested_schema)


def _aligned(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch where Arrow's engine wants its buffers; they lie anywhere in a message of gRPC, of which it warns."""
    if all(b is None or b.address % 8 == 0 for column in batch.columns for b in column.buffers()):
        return batch
    return pa.RecordBatch.from_arrays([pa.concat_arrays([c, c[:0]]) for c in batch.columns], schema=batch.schema)


def _known(tree: expressions.Tree | None) -> expressions.Tree:
    if tree is None:
        raise NotImplementedError
    return tree


def dataset(source: Table | str | os.PathLike[str], dataset: str | None = None, *, location: str | None = None, start: int | None = None,
            stop: int | None = None, step: int | None = None, options: dict[str, Any] | None = None) -> ds.Dataset | _Whole:
    """A dataset for DuckDB and for PyArrow: of a file, a location (``grpc://host:8815/run7.h5``), or a `Table`.

    The server sends the columns that a query needs and the rows that its filters may match; types are those of options.plain. start, stop
    and step are a Python slice of the rows. Where the DuckDB that is installed does not ask as those that are known do, a warning says so, and the
    result is a stream of all rows, which DuckDB reads in full and right.
    """
    table = opened(source, dataset, location)
    members = {"start": start, "stop": stop, "step": step, "options": {"plain": True, **(options or {})}}
    if works(RowsDataset):
        return RowsDataset(Rows(table, members))
    return _Whole(table, members)
