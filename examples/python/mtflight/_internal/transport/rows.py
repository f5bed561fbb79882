"""Rows as they come over the wire, as NumPy arrays over the same memory."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import too_small


def parse_descr(descr: Any) -> np.dtype:
    """The dtype of a `numpy.dtype` field metadata: "<i4", [descr, shape], or a list of [name, descr(, shape)]."""
    if isinstance(descr, str):
        return np.dtype(descr)
    if len(descr) == 2 and isinstance(descr[1], list) and all(isinstance(n, int) for n in descr[1]):
        return np.dtype((parse_descr(descr[0]), tuple(descr[1])))
    fields = []
    for name, kind, *shape in descr:
        dtype = parse_descr(kind)
        fields.append((name, dtype, tuple(shape[0])) if shape else (name, dtype))
    return np.dtype(fields)


def row_dtype(schema: pa.Schema) -> np.dtype:
    """The dtype of one row of a stream of layout "rows"; with inner axes a subarray's."""
    return parse_descr(json.loads(schema.field(0).metadata[b"numpy.dtype"]))


class _Writable:
    """Lets NumPy see memory of Arrow's as such that may be written to, and keeps its owner.

    A buffer that Flight received belongs to nobody else, and programs normalise blocks in place."""

    def __init__(self, owner: Any, address: int, shape: tuple[int, ...], kind: str = "|u1"):
        self.owner = owner
        self.__array_interface__ = {"version": 3, "typestr": kind, "shape": shape, "data": (address, False)}


def batch_bytes(batch: pa.RecordBatch) -> np.ndarray:
    """The bytes of a batch's only column, one fixed_size_binary, without a copy. The result keeps the batch's memory."""
    column = batch.column(0)
    width, buffer = column.type.byte_width, column.buffers()[1]
    if width * len(column) == 0 or buffer is None:
        return np.empty(0, np.uint8)
    return np.asarray(_Writable(buffer, buffer.address + column.offset * width, (width * len(column),)))


def owned(array: np.ndarray) -> np.ndarray:
    """An array over memory of Arrow's that came from a server, as one that may be written to: without a copy, where it is aligned."""
    if array.flags.writeable:
        return array
    if array.dtype.kind not in "iufbc" or not (array.flags.aligned and array.flags.c_contiguous and array.nbytes):
        return array.copy()
    return np.asarray(_Writable(array, array.ctypes.data, array.shape, array.dtype.str))


def as_rows(data: np.ndarray, row: np.dtype, rows: int) -> np.ndarray:
    """Bytes as an array of `rows` rows, (rows, *inner axes) of the element's dtype, over the same memory."""
    shape = (rows, *row.shape)
    if row.base.itemsize == 0 or data.nbytes == 0:
        return np.zeros(shape, row.base)
    return data.view(row.base).reshape(shape)


def copy_array(array: np.ndarray) -> np.ndarray:
    """A copy, of bytes where they lie one behind the other: NumPy copies structured arrays field by field."""
    if array.dtype.hasobject or array.nbytes == 0 or not array.flags.c_contiguous:
        return array.copy()
    out = np.empty_like(array)
    out.reshape(-1).view(np.uint8)[...] = array.reshape(-1).view(np.uint8)
    return out


def single_column(array: np.ndarray) -> np.ndarray:
    """The one column of an array of rows that have just that."""
    return array[array.dtype.names[0]]


def gather(reader: Any, out: np.ndarray | None = None) -> np.ndarray:
    """The rows of a stream of layout "rows", in `out` (uint8) if that is given."""
    row, parts, rows, at = row_dtype(reader.schema), [], 0, 0
    for chunk in reader:
        data = batch_bytes(chunk.data)
        rows += chunk.data.num_rows
        if out is None:
            parts.append(data)
            continue
        if at + data.nbytes > out.nbytes:
            raise too_small(out.nbytes, at + data.nbytes)
        out[at:at + data.nbytes] = data
        at += data.nbytes
    if out is not None:
        return as_rows(out[:at], row, rows)
    if len(parts) == 1:
        return as_rows(parts[0], row, rows)
    return as_rows(np.concatenate(parts) if parts else np.empty(0, np.uint8), row, rows)
