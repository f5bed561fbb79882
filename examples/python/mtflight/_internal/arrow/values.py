"""Arrow's columns as NumPy's arrays, where the rows have no layout of their own: variable-length data, references, data frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ..array_protocol import object_array

if TYPE_CHECKING:
    import pandas

OPTIONS = {"enum": "int", "time": "numeric", "tensors": "nested"}
"""Options of requests for what has NumPy's types as rows have them."""


def structured(table: pa.Table) -> np.ndarray:
    """A table as one array with a field for each column."""
    return _fields(table.schema, table.columns, table.num_rows)


def values(column: pa.ChunkedArray | pa.Array, field: pa.Field) -> np.ndarray:
    """A column as an array of (rows, *inner axes). Texts, bytes and lists are objects, and so are integers and booleans among
    which there are nulls; null floats are NaN and null times NaT."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # of none
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    return _values(array, field)


def is_complex(field: pa.Field) -> bool:
    """Whether a column's structs, or those in its lists, are complex numbers."""
    return (field.metadata or {}).get(b"complex") == b"true"


def _values(array: pa.Array, field: pa.Field) -> np.ndarray:
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return _values(array.storage, field)
    if pa.types.is_fixed_size_list(kind):
        inner = _values(array.flatten(), field)
        return inner.reshape(len(array), kind.list_size, *inner.shape[1:])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return object_array([None if row is None else _values(row, field) for row in (v.values for v in array)])
    if pa.types.is_struct(kind):
        return _complex(array) if is_complex(field) else _fields(kind, array.flatten(), len(array))
    if pa.types.is_dictionary(kind):
        return _values(array.dictionary_decode(), field)
    if pa.types.is_temporal(kind):
        return array.to_numpy(zero_copy_only=False)
    if array.null_count and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        return object_array(array.to_pylist())
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return array.to_numpy(zero_copy_only=False)
    return object_array(array.to_pylist())


def _complex(array: pa.Array) -> np.ndarray:
    real, imaginary = (part.to_numpy(zero_copy_only=False) for part in array.flatten())
    out = np.empty(len(array), np.result_type(real.dtype, np.complex64))
    out.real, out.imag = real, imaginary
    return out


def _fields(fields: Any, columns: list[Any], rows: int) -> np.ndarray:
    parts = [values(column, fields.field(i)) for i, column in enumerate(columns)]
    out = np.empty(rows, [(fields.field(i).name, part.dtype, part.shape[1:]) for i, part in enumerate(parts)])
    for name, part in zip(out.dtype.names or (), parts):
        out[name] = part
    return out


def as_frame(rows: pa.Table) -> pandas.DataFrame:
    """Rows as a pandas frame, complex numbers as such."""
    frame = rows.to_pandas()
    for i, column in enumerate(rows.schema):
        if is_complex(column):
            numbers = values(rows.column(i), column)
            frame[column.name] = numbers if numbers.ndim == 1 else list(numbers)
    return frame
