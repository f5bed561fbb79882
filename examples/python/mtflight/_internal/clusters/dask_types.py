"""Columns as Dask's frames have them: of the same types in each partition, and none of `object`, which Dask makes texts of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..arrow.values import is_complex, values

if TYPE_CHECKING:
    import pandas


def as_dask(rows: pa.Table, arrow: bool) -> pandas.DataFrame:
    """The rows as a frame, with the index that their metadata name: numbers, times and categories as pandas has them, complex numbers as such, texts as
    Dask has them, and what is neither of Arrow's types; with `arrow` everything of those. ValueError of nulls among integers and booleans without."""
    import pandas
    for i, field in enumerate(rows.schema):
        if isinstance(field.type, pa.FixedShapeTensorType):
            storage = [chunk.storage for chunk in rows.column(i).chunks]
            rows = rows.set_column(i, field.name, pa.chunked_array(storage, field.type.storage_type))
    if arrow:
        return rows.to_pandas(types_mapper=pandas.ArrowDtype)
    _check_nulls(rows)
    frame = rows.to_pandas(types_mapper=_type)
    for i, field in enumerate(rows.schema):
        if pa.types.is_struct(field.type) and is_complex(field):
            frame[field.name] = values(rows.column(i), field)
    return frame


def _type(kind: pa.DataType) -> Any:
    """What pandas would have as objects."""
    import pandas
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pandas.StringDtype("pyarrow")
    nested = pa.types.is_nested(kind) and not pa.types.is_dictionary(kind)
    others = pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_decimal, pa.types.is_date, pa.types.is_time
    return pandas.ArrowDtype(kind) if nested or any(is_one(kind) for is_one in others) else None


def _check_nulls(rows: pa.Table) -> None:
    """ValueError where pandas would have other types in partitions with nulls than in those without."""
    for name, column in zip(rows.schema.names, rows.columns):
        if column.null_count and (pa.types.is_integer(column.type) or pa.types.is_boolean(column.type)):
            row = pc.index(pc.is_null(column), True).as_py()
            raise ValueError(f"{name} has no value in row {row} of a partition, which NumPy's integers and booleans cannot say: dtype_backend=\"pyarrow\" can")
