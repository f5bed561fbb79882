"""A dataset as a PyArrow dataset, which DuckDB asks for columns and filters."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs

from . import arrow_expressions as expressions
from .conditions import All, Predicate

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

    def __init__(self, rows: Readable, again: Callable[[], Any] | None = None, asked: pc.Expression | None = None):
        """`again` makes the same dataset in another process, without what filter() asked."""
        form, system = ds.IpcFileFormat(), pyarrow.fs.LocalFileSystem()
        super().__init__([form.make_fragment(_UNREADABLE, system)], rows.schema, form, system)
        self._rows, self._again, self._asked = rows, again, asked

    scanner = _Scanner()

    def filter(self, expression: pc.Expression) -> RowsDataset:
        """The dataset of the rows for which the expression is true as well."""
        return RowsDataset(self._rows, self._again, expression if self._asked is None else self._asked & expression)

    def count_rows(self, filter: pc.Expression | None = None, **options: Any) -> int:  # noqa: A002
        """How many rows match, of which no other columns are sent."""
        return self._scan([], filter, **options).count_rows()

    def __reduce__(self) -> Any:
        return self._again, (), {"_asked": self._asked}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _scan(self, columns: Any = None, filter: pc.Expression | None = None, **options: Any) -> ds.Scanner:  # noqa: A002, PyArrow's name
        asked = [e for e in (self._asked, filter) if e is not None]
        return self._filtered(columns, asked, asked, options)

    def _scan_for_duckdb(self, columns: list[str] | None = None, filter: pc.Expression | None = None, **options: Any) -> ds.Scanner:  # noqa: A002
        before = [] if self._asked is None else [self._asked]
        if filter is None:
            return self._filtered(columns, before, before, options)
        return self._filtered(columns, [*before, filter], [*before, self._in_order(filter)], options)

    def _in_order(self, filter: pc.Expression) -> pc.Expression:  # noqa: A002
        """DuckDB's filter, which it does not apply itself, as it means it."""
        tree = expressions.parse(filter)
        try:
            ordered = tree and expressions.in_order(tree, self._rows.schema)
        except NotImplementedError:
            tree = None
        if tree is None:
            raise NotImplementedError(f"this release of DuckDB asks for {filter}, which may be meant otherwise: register the Table itself, "
                                      "whose rows DuckDB filters")
        return filter if ordered is None else ordered

    def _filtered(self, columns: Any, asked: list[pc.Expression], exact: list[pc.Expression], options: dict[str, Any]) -> ds.Scanner:
        """Rows for which all of `exact` are true, out of those for which all that is asked may be."""
        trees = list(map(expressions.parse, asked))
        reader = self._rows.read(self._needed(columns, trees), All(tuple(map(expressions.predicate, trees))), None)
        aligned = pa.RecordBatchReader.from_batches(reader.schema, map(_aligned, reader))
        return ds.Scanner.from_batches(aligned, columns=columns, filter=functools.reduce(operator.and_, exact) if exact else None, **options)

    def _needed(self, columns: Any, filters: list[expressions.Tree | None]) -> list[str] | None:
        """Columns to read: those of the result and of the filters. None: all, also where an expression cannot be looked into."""
        if columns is None:
            return None
        trees = list(filters)
        for made in columns.values() if isinstance(columns, dict) else columns:
            trees.append(expressions.Field((made,)) if isinstance(made, str) else expressions.parse(made))
        known = [t for t in trees if t is not None]
        if len(known) < len(trees):
            return None
        named = {path[0] for t in known for path in expressions.fields(t)}
        return [name for name in self._rows.schema.names if name in named]


def _aligned(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch where Arrow's engine wants its buffers; they lie anywhere in a message of gRPC, of which it warns."""
    if all(b is None or b.address % 8 == 0 for column in batch.columns for b in column.buffers()):
        return batch
    return pa.RecordBatch.from_arrays([pa.concat_arrays([c, c[:0]]) for c in batch.columns], schema=batch.schema)
