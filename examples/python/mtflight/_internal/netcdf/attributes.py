"""Attributes as netCDF4's Python has them: texts as str, several as a list, numbers as NumPy's scalars and arrays."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pyarrow as pa

from ..array_protocol import object_array
from ..notices import warn
from ..transport.source import Source
from .types import numpy_dtype

HIDDEN = {"CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_nc3_strict", "_NCProperties"}


def read_attributes(source: Source, path: str, listed: dict[str, Any], enum: np.dtype | None = None) -> dict[str, Any]:
    """An object's attributes in their order; `listed` are those of the action `list`, whose numbers have lost their types.
    Those of an enumeration are integers of the type `enum`. A warning names those that cannot be read."""
    out = {name: _text(value) for name, value in listed.items() if name not in HIDDEN}
    asked = [name for name, value in out.items() if value is None]
    if asked:
        out |= _typed(source, path, asked, enum)
    for name in [name for name, value in out.items() if value is _UNREADABLE]:
        warn(f"attribute {name!r} of {path} is left out: it cannot be read")
        del out[name]
    return out


_UNREADABLE = object()


def _text(value: Any) -> Any:
    """A text or several, for which JSON is enough; None of others."""
    if isinstance(value, str) and value not in ("NaN", "Infinity", "-Infinity"):
        return value.replace("\0", "")
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"]).decode("utf-8", "replace").replace("\0", "")
    return None


def _typed(source: Source, path: str, names: list[str], enum: np.dtype | None) -> dict[str, Any]:
    """Values by way of Arrow; one by one where one of them cannot be had so."""
    client, file = source.client, source.request(path)["file"]
    try:
        row = client.attributes_arrow(file, path, names)
        return {name: _value(row.column(i)) for i, name in enumerate(names)}
    except (ValueError, OSError, NotImplementedError, pa.ArrowException):
        if len(names) > 1:
            return {name: value for one in names for name, value in _typed(source, path, [one], enum).items()}
    return {names[0]: _plain(client.attributes(file, path, names)[names[0]], enum)}


def _plain(value: Any, enum: np.dtype | None) -> Any:
    """What only JSON has: integers of enumerations, texts that are no UTF-8."""
    values = value if isinstance(value, list) else [value]
    if values and all(isinstance(v, int) for v in values):
        integers = np.array(values, enum or np.int64)
        return integers[0] if integers.size == 1 else integers
    texts = [_text(v) for v in values]
    if not all(isinstance(t, str) for t in texts):
        return _UNREADABLE
    return texts[0] if len(texts) == 1 else texts


def _value(column: pa.Array) -> Any:
    """One attribute, of a column of one row."""
    shape: list[int] = []
    values = column
    if isinstance(values, pa.ExtensionArray):
        shape, values = list(values.type.shape), values.storage
    if pa.types.is_fixed_size_list(values.type):
        shape = shape or [values.type.list_size]
        values = values.flatten()
    if pa.types.is_dictionary(values.type):
        raise NotImplementedError  # JSON has the integers
    if pa.types.is_string(values.type) or pa.types.is_binary(values.type):
        return _texts(values.to_pylist())
    if not shape and column.null_count:  # a null dataspace
        return np.empty(0, numpy_dtype(values.type))
    array = _array(values, shape)
    return array.reshape(-1)[0] if array.size == 1 else array


def _texts(values: list[Any]) -> Any:
    texts = [(v.decode("utf-8", "replace") if isinstance(v, bytes) else v or "").replace("\0", "") for v in values]
    return texts[0] if len(texts) == 1 else texts


def _array(values: pa.Array, shape: list[int]) -> np.ndarray:
    if pa.types.is_struct(values.type):
        dtype = numpy_dtype(values.type)
        return np.array([_record(v.as_py(), dtype) for v in values], dtype).reshape(shape)
    if pa.types.is_list(values.type):
        return object_array([v.values.to_numpy(zero_copy_only=False) for v in values]).reshape(shape)
    return values.to_numpy(zero_copy_only=False).reshape(shape)


def _record(value: Any, dtype: np.dtype) -> Any:
    return tuple(_record(value[n], dtype[n]) for n in dtype.names) if dtype.names else value
