"""Datasets as Dask's arrays: a chunk is a part of the rows."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrow.arrays import joined
from ..arrow.opening import opened
from ..arrow.parts import Part
from ..arrow.table import Table
from ..needed import needed
from ..transport.rows import row_dtype
from .request import parts_of

if TYPE_CHECKING:
    import dask.array


def array(source: Table | str | os.PathLike[str], dataset: str | None = None, *, location: str | None = None, partitions: int | None = None,
          start: int | None = None, stop: int | None = None, step: int | None = None, options: dict[str, Any] | None = None,
          **login: Any) -> dask.array.Array:
    """A dataset as a Dask array of what Table.to_numpy gives, a table's rows structured: of a file, many as one by a pattern (``runs/*.h5``), a location
    (``grpc://host:8815/run7.h5``), or a `Table`, narrowed by where() and select().

    About so many `partitions` along the first axis, by default one for each 128 MiB, which workers read from the servers that the location names. Of a condition the
    chunks' sizes are not known (NaN). NotImplementedError of variable-length values and data frames. start, stop and step are a Python slice of the
    rows, options those of the wire contract, `login` the options of `connect`.
    """
    needed("dask", "mtflight.dask.array")
    import dask
    import dask.array as da
    table = opened(source, dataset, location, login)
    options = {**(options or {}), "layout": "rows"}
    schema, parts = parts_of(table, partitions, {"start": start, "stop": stop, "step": step, "options": options})
    row = row_dtype(schema)
    read = dask.delayed(_read, pure=True)
    chunks = [da.from_delayed(read(part, row), (np.nan if part.rows is None else part.rows, *row.shape), row.base) for part in parts]
    whole = da.concatenate(chunks, allow_unknown_chunksizes=True)
    return whole[0] if json.loads((schema.metadata or {}).get(b"hdf5.shape", b"null")) == [] else whole


def _read(part: Part, row: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The rows of a part."""
    return joined(part.batches(), row, part.rows)
