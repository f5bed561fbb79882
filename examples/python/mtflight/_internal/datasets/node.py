"""What a dataset is: its kind, dtype and shape, as PyTables would tell."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from ..transport.rows import row_dtype
from ..transport.source import Source


@dataclass(frozen=True)
class Node:
    """A dataset. `dtype` is of its elements; of a VLArray, of the elements of its rows."""

    path: str
    kind: str  # table, array, vlarray
    dtype: np.dtype
    shape: tuple[int, ...]
    chunks: tuple[int, ...] | None
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return self.shape[0] if self.shape else 1

    def column(self, name: str) -> np.dtype:
        """The dtype of a column, by name or nested path ("pos/x"). KeyError if there is none."""
        dtype = self.dtype
        for part in name.split("/"):
            if dtype.base.names is None or part not in dtype.base.names:
                raise KeyError(f"table {self.path} has no column {name!r}")
            dtype = dtype.base[part]
        return dtype

    def row_bytes(self, column: str | None = None) -> int:
        """The bytes of one row, or of one column's value in it."""
        if column is not None:
            return self.column(column).itemsize
        return self.dtype.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))

    def block_rows(self, column: str | None = None) -> int:
        """multitables' default block: whole chunks near 128 KiB, or 128 KiB of rows; at least 1 row, at most all."""
        rows = max(1, (128 << 10) // max(1, self.row_bytes(column)))
        if self.chunks and self.chunks[0] > 0:
            rows = max(1, rows // self.chunks[0]) * self.chunks[0]
        return min(rows, self.rows)


def open_node(source: Source, path: str) -> Node:
    """Asks what a dataset is. NoSuchNodeError if it is not there; RuntimeError if it is no array or table."""
    try:
        return _read_node(source, path)
    except ConnectionError:
        if not source.private:
            raise
        time.sleep(0.2)  # it has died, perhaps just now: ask the next one
        return _read_node(source, path)


def _read_node(source: Source, path: str) -> Node:
    request = source.request(path)
    try:
        schema = source.client.schema({**request, "options": {"layout": "rows"}})
    except NotImplementedError as refused:
        return _vlarray(path, source.client.schema(request), refused)
    return _node(path, schema, row_dtype(schema))


def _node(path: str, schema: pa.Schema, row: np.dtype) -> Node:
    about = schema.metadata or {}
    shape = json.loads(about.get(b"hdf5.shape", b"null"))
    shape = (0,) if shape is None else tuple(shape)
    chunks = json.loads(about.get(b"hdf5.chunks", b"null"))
    inner = row.shape[len(shape) - 1:] if shape else row.shape  # an array type's own axes
    dtype = np.dtype((row.base, inner)) if inner else row.base
    return Node(path, about.get(b"hdf5.kind", b"array").decode(), dtype, shape, tuple(chunks) if chunks else None,
                json.loads(about.get(b"hdf5.attributes", b"{}")) or {})


def _vlarray(path: str, schema: pa.Schema, refused: Exception) -> Node:
    if (schema.metadata or {}).get(b"hdf5.kind") != b"vlarray":
        raise RuntimeError("Selected dataset is not an array or table.") from refused
    kind = schema.field(0).type
    while pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        kind = kind.value_type
    try:
        dtype = np.dtype(kind.to_pandas_dtype())
    except NotImplementedError:
        dtype = np.dtype(object)
    return _node(path, schema, dtype)
