"""HDF5 types, as text, in NumPy's terms."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from xarray.coding.strings import create_vlen_dtype

from ..transport.rows import row_dtype
from ..transport.source import Source
from .objects import Dataset, Group

_PLAIN = re.compile(r"(i|u|bits|f)(8|16|32|64)(le|be)(?:/prec\d+)?(?:/off\d+)?")
_FIXED = re.compile(r"str\((\d+),\w+,\w+\)")
_ENUM = re.compile(r"enum<((?:i|u)\d+(?:le|be))>\{(.*)\}", re.DOTALL)
_MEMBER = re.compile(r'("(?:[^"\\]|\\.)*"|[^,={}]+)=(-?\d+)')

_DEFAULT_FILL = {  # netCDF's, of what was never written
    "S1": b"\0", "i1": -127, "u1": 255, "i2": -32767, "u2": 65535, "i4": -2147483647, "u4": 4294967295,
    "i8": -9223372036854775806, "u8": 18446744073709551614, "f4": 9.969209968386869e36, "f8": 9.969209968386869e36,
}


@dataclass(frozen=True)
class Kind:
    """What the elements of a variable are, to xarray and on the wire."""

    dtype: np.dtype  # of the array
    stored: Any  # in the file, for the encoding
    wire: str = "rows"  # "rows": NumPy's bytes; "text": fixed strings, as bytes; "columns": variable length, as Arrow has it


def kind_of(source: Source, group: Group, dataset: Dataset) -> Kind:
    """NotImplementedError of what neither NumPy nor the server has, TypeError of what xarray has no array of."""
    if dataset.listed.get("kind") == "unsupported":
        raise NotImplementedError(dataset.listed.get("reason") or "not served")
    if dataset.listed.get("shape") is None:
        raise TypeError("it has no values (a null dataspace)")
    text = dataset.type
    if found := _PLAIN.fullmatch(text):
        stored = _number(*found.groups())
        return Kind(stored.newbyteorder("="), stored)
    if found := _FIXED.fullmatch(text):
        return Kind(np.dtype("S1"), np.dtype("S1")) if found[1] == "1" else Kind(create_vlen_dtype(str), str, "text")
    if text.startswith("vlstr("):
        return Kind(create_vlen_dtype(str), str, "columns")
    if text.startswith(("vlen<", "objref")):
        base = _PLAIN.fullmatch(text[len("vlen<"):-1])
        return Kind(np.dtype(object), _number(*base.groups()) if base else np.dtype(object), "columns")
    if found := _ENUM.fullmatch(text):
        return _enum(source, group, dataset, found)
    return _of_rows(source, dataset)


def _number(letter: str, bits: str, order: str) -> np.dtype:
    return np.dtype({"be": ">", "le": "<"}[order] + letter.replace("bits", "u") + str(int(bits) // 8))


def _enum(source: Source, group: Group, dataset: Dataset, found: re.Match[str]) -> Kind:
    kind = _of_rows(source, dataset)
    if kind.dtype.kind == "b":  # h5py's booleans
        return kind
    about: dict[str, Any] = {"enum": {_unquoted(name): int(value) for name, value in _MEMBER.findall(found[2])}}
    if name := group.type_name(dataset.type):
        about["enum_name"] = name
    return Kind(kind.dtype, np.dtype(kind.dtype, metadata=about))


def _unquoted(name: str) -> str:
    try:
        return json.loads(name) if name.startswith('"') else name
    except ValueError:
        return name[1:-1]


def _of_rows(source: Source, dataset: Dataset) -> Kind:
    """As the server lays rows out for NumPy."""
    row = row_dtype(source.client.schema(source.request(dataset.path, options={"layout": "rows"})))
    inner = row.shape[max(len(dataset.shape) - 1, 0):]
    if inner:
        raise TypeError(f"its elements are arrays of {' x '.join(map(str, inner))}, which have no dimensions")
    return Kind(row.base, row.base)


def fill_value(dtype: np.dtype, attributes: dict[str, Any]) -> Any:
    """What reading gives beyond the rows that a variable along an unlimited dimension has in the file."""
    if dtype.kind == "O":
        return ""
    given = attributes.get("_FillValue", _DEFAULT_FILL.get(dtype.str[1:]))
    return np.zeros((), dtype)[()] if given is None else np.asarray(given).astype(dtype)[()]


def numpy_dtype(kind: pa.DataType) -> np.dtype:
    """The dtype of Arrow's values; of a struct a structured one."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_struct(kind):
        return np.dtype([(f.name, numpy_dtype(f.type)) for f in kind])
    if pa.types.is_fixed_size_list(kind):
        return np.dtype((numpy_dtype(kind.value_type), (kind.list_size,)))
    return np.dtype(kind.to_pandas_dtype())
