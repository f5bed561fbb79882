"""Datasets as Polars' lazy frames."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..arrow.opening import opened
from ..arrow.table import Table
from ..needed import needed
from .rows import Rows

if TYPE_CHECKING:
    import polars


def scan(source: Table | str | os.PathLike[str], dataset: str | None = None, *, location: str | None = None, start: int | None = None,
         stop: int | None = None, step: int | None = None, options: dict[str, Any] | None = None,
         **login: Any) -> polars.LazyFrame:
    """A dataset as a Polars LazyFrame: of a file, many as one by a pattern (``runs/*.h5``), a location (``grpc://host:8815/run7.h5``), or a `Table`.

    The server sends the columns that a query needs, the rows that its filters may match, and of `head` so many. start, stop and step
    are a Python slice of the rows, options those of the wire contract, `login` the options of `connect`. Errors of the file or dataset come here, not in collect.
    """
    needed("polars", "mtflight.scan")
    import polars
    from polars.io.plugins import register_io_source
    rows = Rows(opened(source, dataset, location, login), {"start": start, "stop": stop, "step": step, "options": options})
    schema = polars.from_arrow(rows.schema.empty_table()).schema  # type: ignore[union-attr]
    return register_io_source(functools.partial(_frames, rows), schema=schema, validate_schema=True, is_pure=True)


def _frames(rows: Rows, columns: list[str] | None, predicate: polars.Expr | None, limit: int | None,
            _batch_rows: int | None) -> Iterator[polars.DataFrame]:
    """What Polars asks for. The server's limit counts rows before Polars filters them, so it goes with no predicate."""
    import polars

    from .polars_predicates import predicate as asked
    batches = rows.read(columns, None, limit) if predicate is None else rows.read(columns, asked(predicate), None)
    for batch in batches:
        frame: Any = polars.from_arrow(batch)
        frame = frame if predicate is None else frame.filter(predicate)
        frame = frame if columns is None else frame.select(columns)
        if limit is not None:
            frame = frame.head(limit)
            limit -= frame.height
        yield frame
        if limit == 0:
            return
