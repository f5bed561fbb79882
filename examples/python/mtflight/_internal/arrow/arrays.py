"""Rows as one NumPy array: as they lie in the file, or by way of Arrow's columns where they have no size of their own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from ..transport.client import Client, Members
from ..transport.rows import as_rows, batch_bytes, row_dtype
from . import values
from .batches import retried
from .reading import Reading

_RETRIES = 3
_TABLES = (b"table", b"columns")
_MANY = 1 << 20  # elements of a block that is worth a question for its size


def read_array(client: Client, request: Members, retries: int, parallel: int, progress: str,
               extent: Extent | None = None) -> np.ndarray[Any, Any]:
    """The rows of a request, (rows, *inner axes); of a scalar dataset its value, without axes. ChangedError if the dataset is
    not of that extent."""
    try:
        reading = Reading(client, _with_options(request, {"layout": "rows"}), retries)
        schema = reading.schema()
    except NotImplementedError:  # variable-length values, references, data frames; what is not served at all says so again
        whole = client.schema({name: request[name] for name in ("file", "dataset", "datasets") if name in request})
        about = _checked(whole, extent)
        return _value(_from_columns(client, request, whole, retries, parallel, progress), about)
    _checked(schema, extent)
    batches: Iterable[pa.RecordBatch] | None = reading.all(parallel, progress) if parallel > 1 else None if progress else reading.staged(in_one=True)
    if batches is None:
        batches = reading.batches(1, progress)
    rows = joined(batches, row_dtype(schema), reading.total())
    return _value(rows, Extent.of(schema))


class ChangedError(Exception):
    """The dataset has another shape or kind than when it was asked for."""


@dataclass(frozen=True)
class Extent:
    """The metadata of a schema by which a dataset is indexed, as they come."""

    kind: bytes
    shape: bytes

    @classmethod
    def of(cls, schema: pa.Schema) -> Extent:
        """What a schema says."""
        about = schema.metadata or {}
        return cls(about.get(b"hdf5.kind", b"array"), about.get(b"hdf5.shape", b"null"))


def read_block(client: Client, request: Members, shape: tuple[int, ...], extent: Extent) -> np.ndarray[Any, Any]:
    """The block of that shape that a request denotes, of a dataset of that extent; further axes are of the elements' type. Of
    an empty one only the type is asked for. ChangedError if the dataset is another one by now."""
    if not math.prod(shape):
        request = {**request, "limit": 0}
    try:
        if isinstance(request.get("coordinates"), np.ndarray) or math.prod(shape) >= _MANY:
            rows = read_array(client, request, _RETRIES, 1, "", extent)
        else:
            rows = retried(lambda: _read_at_once(client, request, shape[0] if shape else 1, extent), _RETRIES)
    except NotImplementedError:
        rows = read_array(client, request, _RETRIES, 1, "", extent)
    return rows.reshape((*shape, *rows.shape[max(1, len(shape)):]))


def _read_at_once(client: Client, request: Members, total: int, extent: Extent) -> np.ndarray[Any, Any]:
    """The rows of a request by one call, which is repeated whole if the connection is lost."""
    reader = client.do_get(_with_options(request, {"layout": "rows"}))
    try:
        with client.translated():
            _checked(reader.schema, extent)
            return joined((chunk.data for chunk in reader), row_dtype(reader.schema), total)
    except BaseException:
        reader.cancel()
        raise


def _checked(schema: pa.Schema, extent: Extent | None) -> Extent:
    """The extent of a schema. ChangedError if it is not the one given."""
    found = Extent.of(schema)
    if extent is not None and found != extent:
        raise ChangedError
    return found


def _with_options(request: Members, options: Members) -> Members:
    return {**request, "options": {**request.get("options", {}), **options}}


def joined(batches: Iterable[pa.RecordBatch], row: np.dtype[Any], total: int | None) -> np.ndarray[Any, Any]:
    """The rows of all batches, in memory that is taken once where their number is known."""
    out, at, rows = np.empty(0, np.uint8), 0, 0
    for batch in batches:
        data = batch_bytes(batch)
        rows += batch.num_rows
        if at == 0 and batch.num_rows == total:
            out = data
        elif at == 0 and total is not None:
            out = np.empty(max(total * row.itemsize, data.nbytes), np.uint8)
            out[:data.nbytes] = data
        else:
            if at + data.nbytes > out.nbytes:
                out = np.concatenate([out[:at], np.empty(max(at, data.nbytes), np.uint8)])
            out[at:at + data.nbytes] = data
        at += data.nbytes
    return as_rows(out[:at], row, rows)


def _from_columns(client: Client, request: Members, whole: pa.Schema, retries: int, parallel: int, progress: str) -> np.ndarray[Any, Any]:
    about = Extent.of(whole)
    frame = about.kind in _TABLES and about.shape == b"null"
    options = {"tensors": "nested"} if frame else values.OPTIONS
    reading = Reading(client, {**request, "options": {**options, **request.get("options", {})}}, retries)
    schema = reading.schema()
    table = pa.Table.from_batches(reading.all(parallel, progress), schema)
    if about.kind in _TABLES:
        return values.structured(table)
    return values.values(table.column(0), schema.field(0))


def _value(rows: np.ndarray[Any, Any], extent: Extent) -> np.ndarray[Any, Any]:
    """A scalar dataset's value without the axis of its one row; others as they are."""
    return rows.reshape(rows.shape[1:]) if extent.shape == b"[]" and len(rows) == 1 else rows
