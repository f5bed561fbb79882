"""Rows as they come over the wire, as NumPy arrays over the same memory."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa


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


class _Memory:
    """Lets NumPy see an Arrow buffer as memory that may be written to.

    A buffer that Flight received belongs to nobody else, and programs normalise blocks in place."""

    def __init__(self, buffer: pa.Buffer, offset: int, size: int):
        self.buffer = buffer
        self.__array_interface__ = {"version": 3, "typestr": "|u1", "shape": (size,), "data": (buffer.address + offset, False)}


def bytes_of(batch: pa.RecordBatch) -> np.ndarray:
    """The bytes of a batch's only column, one fixed_size_binary, without a copy. The result keeps the batch's memory."""
    column = batch.column(0)
    width, buffer = column.type.byte_width, column.buffers()[1]
    if width * len(column) == 0 or buffer is None:
        return np.empty(0, np.uint8)
    return np.asarray(_Memory(buffer, column.offset * width, width * len(column)))


def shaped(data: np.ndarray, row: np.dtype, rows: int) -> np.ndarray:
    """Bytes as an array of `rows` rows: (rows, *inner axes) of the element's dtype, over the same memory."""
    shape = (rows, *row.shape)
    if row.base.itemsize == 0 or data.nbytes == 0:
        return np.zeros(shape, row.base)
    return data.view(row.base).reshape(shape)


def copied(array: np.ndarray) -> np.ndarray:
    """A copy, of bytes where they lie one behind the other: NumPy copies structured arrays field by field."""
    if array.dtype.hasobject or array.nbytes == 0 or not array.flags.c_contiguous:
        return array.copy()
    out = np.empty_like(array)
    out.reshape(-1).view(np.uint8)[...] = array.reshape(-1).view(np.uint8)
    return out


def only_field(array: np.ndarray) -> np.ndarray:
    """The one column of an array of rows that have just that."""
    return array[array.dtype.names[0]]
