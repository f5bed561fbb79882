"""Datasets as pandas' frames, whole or in pieces."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, overload

import pyarrow as pa

from ..arrow.opening import opened
from ..arrow.table import Table
from ..arrow.values import as_frame
from ..needed import needed
from ..transport.credentials import taken

if TYPE_CHECKING:
    import pandas


@overload
def read(source: Table | str | os.PathLike[str], dataset: str | None = ..., columns: list[str] | None = ..., where: str | None = ...,
         limit: int | None = ..., *, chunks: None = ..., location: str | None = ..., **members: Any) -> pandas.DataFrame: ...
@overload
def read(source: Table | str | os.PathLike[str], dataset: str | None = ..., columns: list[str] | None = ..., where: str | None = ...,
         limit: int | None = ..., *, chunks: int, location: str | None = ..., **members: Any) -> Iterator[pandas.DataFrame]: ...
def read(source: Table | str | os.PathLike[str], dataset: str | None = None, columns: list[str] | None = None, where: str | None = None,
         limit: int | None = None, *, chunks: int | None = None, location: str | None = None,
         **members: Any) -> pandas.DataFrame | Iterator[pandas.DataFrame]:
    """A dataset as a pandas frame: of a file, many as one by a pattern (``runs/*.h5``), a location (``grpc://host:8815/run7.h5``), or a `Table`, whose reading methods say what
    may be asked; options of `connect` are taken too. With `chunks` an iterator of frames with so many rows each, the last with the rest; pandas.concat makes one of them.
    """
    needed("pandas", "mtflight.read")
    login, members = taken(members)
    table = opened(source, dataset, location, login)
    if chunks is None:
        return table.to_pandas(columns, where, limit, **members)
    if chunks < 1:
        raise ValueError(f"chunks={chunks}: a frame has at least 1 row")
    stream = {**members.pop("stream", {}), "block_rows": chunks}
    return _frames(table.scan(columns, where, limit, stream=stream, **members))


def _frames(batches: pa.RecordBatchReader) -> Iterator[pandas.DataFrame]:
    import pandas
    counted, at = _is_counted(batches.schema), 0
    for batch in batches:
        frame = as_frame(pa.Table.from_batches([batch]))
        if counted:
            frame.index = pandas.RangeIndex(at, at + len(frame))
        at += len(frame)
        yield frame


def _is_counted(schema: pa.Schema) -> bool:
    """Whether rows have no index but their number."""
    about = (schema.metadata or {}).get(b"pandas")
    return about is None or not json.loads(about)["index_columns"]
