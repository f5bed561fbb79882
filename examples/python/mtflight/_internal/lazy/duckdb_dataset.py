"""Datasets for DuckDB, and as PyArrow datasets."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from ..arrow.opening import opened
from ..arrow.table import Table
from ..transport.client import Members
from .duckdb_check import works
from .rows import Rows

if TYPE_CHECKING:
    import pyarrow.dataset as ds


class _Whole:
    """All rows, for whatever takes Arrow's streams."""

    def __init__(self, table: Table, members: Members):
        self._table, self._members = table, {k: v for k, v in members.items() if v is not None}

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.scan(**self._members).__arrow_c_stream__(requested_schema)


def dataset(source: Table | str | os.PathLike[str], dataset: str | None = None, *, location: str | None = None, start: int | None = None,
            stop: int | None = None, step: int | None = None, options: dict[str, Any] | None = None,
            **login: Any) -> ds.Dataset | _Whole:
    """A dataset for DuckDB and for PyArrow: of a file, many as one by a pattern (``runs/*.h5``), a location (``grpc://host:8815/run7.h5``), or a `Table`.

    The server sends the columns that a query needs and the rows that its filters may match; types are those of options.plain. start, stop
    and step are a Python slice of the rows, `login` the options of `connect`. Where the DuckDB that is installed does not ask as those that are known do, a warning says so, and the
    result is a stream of all rows, which DuckDB reads in full and right.
    """
    table = opened(source, dataset, location, login)
    members = {"start": start, "stop": stop, "step": step, "options": {"plain": True, **(options or {})}}
    from .arrow_dataset import RowsDataset
    if not works(RowsDataset):
        return _Whole(table, members)
    again = functools.partial(_dataset, table, start=start, stop=stop, step=step, options=options)
    return RowsDataset(Rows(table, members), again)


_dataset = dataset  # the argument has its name
