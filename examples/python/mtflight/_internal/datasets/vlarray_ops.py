"""Rows of VLArrays: arrays of different lengths, strings, or the bytes of pickles."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pyarrow as pa

from ..array_protocol import object_array
from ..errors import InvalidIndexError
from ..transport.source import Source
from .node import Node
from .operation import OpBase
from .selections import row_list, row_members, row_number, slice_numbers


class VLReadOp(OpBase):
    """Rows of a VLArray: one (an array of its values), or an object array of several."""

    def __init__(self, path: str, key: Any, read: bool = False):
        super().__init__(path)
        self._key, self._is_read = key, read

    def _read(self, source: Source, node: Node, out: np.ndarray | None) -> np.ndarray:
        key = self._key
        if isinstance(key, slice):
            if self._is_read and key.start is not None and key.stop is None and key.step is None:
                key = slice(row_number(key.start, node.rows), row_number(key.start, node.rows) + 1)
            start, stop, step = slice_numbers(key.start, key.stop, key.step)
            if step is not None and step < 0:
                raise ValueError("slice step cannot be negative")
            start, stop, step = slice(start, stop, step).indices(node.rows)
            return object_array(_rows(source, node, start=start, stop=max(start, stop), step=step))
        if isinstance(key, (list, tuple, np.ndarray)) and np.ndim(key) > 0:
            return object_array(_rows(source, node, **row_members(row_list(key, node.rows))))
        try:
            row = row_number(operator.index(key), node.rows)
        except TypeError:
            raise InvalidIndexError(f"Invalid index or slice: {key!r}") from None
        value = _rows(source, node, start=row, stop=row + 1)[0]
        return value if isinstance(value, np.ndarray) else _object(value)


def _rows(source: Source, node: Node, exchange: np.ndarray | None = None, **members: Any) -> list[Any]:
    kind = node.attributes.get("PSEUDOATOM")
    options = {"enum": "int", "time": "numeric"} | ({"strings": "binary"} if kind == "vlstring" else {})
    request = source.request(node.path, options=options, **members)
    reader = source.client.do_get(request) if exchange is None else source.client.do_exchange(request, exchange)
    with source.client.translated():
        column = reader.read_all().column(0)
    if kind == "vlstring":
        return [v.encode() if isinstance(v, str) else v for v in column.to_pylist()]
    if not pa.types.is_list(column.type):
        return column.to_pylist()
    return [_values(row.values) for row in column]


def _values(values: pa.Array) -> np.ndarray:
    """One row's values, as an array of its own; inner axes as the atom has them."""
    shape = [len(values)]
    while pa.types.is_fixed_size_list(values.type):
        shape.append(values.type.list_size)
        values = values.flatten()
    return np.array(values.to_numpy(zero_copy_only=False)).reshape(shape)


def _object(value: Any) -> np.ndarray:
    out = np.empty((), object)
    out[()] = value
    return out
