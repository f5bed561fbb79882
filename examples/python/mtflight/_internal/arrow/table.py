"""Datasets as Arrow and NumPy: record batches, frames and arrays, and what narrows them first."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pyarrow as pa

from ..array_protocol import NoSequence, array_result
from ..needed import needed
from ..transport.client import Client, Members
from ..transport.encoding import coordinates, mask_members
from ..transport.rows import row_dtype
from . import preview
from .arrays import ChangedError, Extent, read_array, read_block
from .numpy_index import counts_from_start, parts, plan
from .query import check_finite, is_result, narrowed
from .reading import Reading
from .values import as_frame

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars

Columns = Iterable[str]


class Table(NoSequence):
    """A dataset of any kind on a server, or what `select`, `where`, `sort_by` and `limit` leave of it. It holds no data:
    immutable, safe for use by many threads, pickled as what it asks for. Whatever takes Arrow's streams takes it
    (pyarrow.table, polars.DataFrame, ..); an index reads a NumPy array, as of h5py's and PyTables' datasets.

    Every reading method takes: columns (names, nested ones as "pos/x"), where (a condition in PyTables' language) with
    its `vars`, limit (rows), start/stop/step (a Python slice of the rows), parallel (connections to read through at
    the same time), progress (a tqdm bar), retries (how often in a row a lost connection is opened again; reading goes on
    where it was), and further members of the wire contract (offset=, sort_by=, select=, coordinates=, mask=, options=, ...). Numbers, lists and masks
    may be NumPy's, of any length. `fields` and `variables` are taken for `columns` and `vars`.
    """

    _instead = "scan() gives record batches, to_arrow(), to_pandas() and to_polars() all rows"

    def __init__(self, client: Client, file: str | list[str], path: str | list[str], members: Members | None = None):
        self._client, self.file, self.path = client, file, path
        self._members: Members = members or {}
        self._extent: Extent | None = None  # when it was indexed last; the server's answers tell whether it still is

    def _request(self, columns: Columns | None, where: str | None, limit: int | None, members: Members) -> Members:
        """The whole request for what is asked of this table. Coordinates too many for a ticket are an array."""
        request = {"file": self.file, "dataset" if isinstance(self.path, str) else "datasets": self.path, **narrowed(self._members, columns, where, limit, members)}
        if "coordinates" in request:
            request["coordinates"] = coordinates(request["coordinates"])
        if "mask" in request:
            request.update(mask_members(request.pop("mask"), Table(self._client, self.file, self.path).num_rows))
        return request

    def _narrowed(self, columns: Columns | None, where: str | None, limit: int | None, members: Members) -> Table:
        return Table(self._client, self.file, self.path, narrowed(self._members, columns, where, limit, members))

    # What narrows it. Nothing is read yet.

    def select(self, columns: Columns | None = None, *, fields: Columns | None = None) -> Table:
        """These columns only, in this order."""
        if columns is None and fields is None:
            raise TypeError("select needs the names of columns: select([\"id\"])")
        return self._narrowed([columns] if isinstance(columns, str) else columns, None, None, {"fields": fields})

    def where(self, condition: str, vars: Mapping[str, Any] | None = None, *,  # noqa: A002, the wire's name
              variables: Mapping[str, Any] | None = None) -> Table:
        """The rows that meet a condition in PyTables' language, and those before it. ValueError after `limit`."""
        return self._narrowed(None, condition, None, {"vars": vars, "variables": variables})

    def sort_by(self, column: str, check_csi: bool = False) -> Table:
        """The rows in ascending order of a column, NaN last, equal ones in any order; `check_csi` refuses a column that
        has no completely sorted index (ValueError). ValueError after `limit`."""
        return self._narrowed(None, None, None, {"sort_by": column, "check_csi": check_csi or None})

    def limit(self, rows: int) -> Table:
        """The first so many rows."""
        if rows < 0:
            raise ValueError(f"a limit of {rows} rows cannot be: give at least 0")
        return self._narrowed(None, None, rows, {})

    # What it is.

    @property
    def schema(self) -> pa.Schema:
        """The columns, and in the metadata what HDF5 tells."""
        return self._client.schema(self._request(None, None, None, {}))

    @property
    def columns(self) -> list[str]:
        """The columns' names."""
        return list(self.schema.names)

    @property
    def kind(self) -> str:
        """table, array, vlarray, sparse, or columns of datasets of one length that are read side by side."""
        return (self.schema.metadata or {}).get(b"hdf5.kind", b"array").decode()

    @property
    def num_rows(self) -> int:
        """How many rows there are. Of a condition only reading tells: one column is read."""
        request = self._request(None, None, None, {})
        total = Reading(self._client, request, 3).total()
        if total is not None:
            return total
        narrow = min(self.schema, key=lambda f: f.type.bit_width if pa.types.is_primitive(f.type) else 1 << 30).name
        return sum(batch.num_rows for batch in self.scan([narrow]))

    def __len__(self) -> int:
        return self.num_rows

    @property
    def nbytes(self) -> int | None:
        """About how many bytes the rows have in Arrow's form; None where only reading tells."""
        total = self._client.info(self._request(None, None, None, {})).total_bytes
        return None if total < 0 else total

    @property
    def shape(self) -> tuple[int, ...]:
        """The axes: rows, and those of an array's rows. A scalar has none."""
        shape = json.loads((self.schema.metadata or {}).get(b"hdf5.shape", b"null"))
        if shape is None or (shape and is_result(self._members)):
            return (self.num_rows, *(shape or [0])[1:])
        return tuple(shape)

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many elements of an array there are, or rows of a table."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's type of a row of a table, or of an element of an array. TypeError of rows of different lengths, whose
        values are objects."""
        try:
            row = row_dtype(self._client.schema(self._request(None, None, None, {"options": {"layout": "rows"}})))
        except NotImplementedError as e:
            raise TypeError(f"{e}: schema has Arrow's types") from e
        return row if row.names else row.base

    @property
    def attrs(self) -> Members:
        """The dataset's attributes, whole. One that cannot be read is {"unreadable": reason}. ValueError of several datasets."""
        if not isinstance(self.path, str):
            raise ValueError(f"{self.path} are several datasets: ask one of them for its attributes")
        return self._client.attributes(self.file, self.path)

    # NumPy

    def to_numpy(self, columns: Columns | None = None, where: str | None = None, limit: int | None = None, *,
                 parallel: int = 1, progress: bool = False, retries: int = 3, **members: Any) -> np.ndarray[Any, Any]:
        """The rows as one array, structured if it is a table, with PyTables' types (times int32 and float64, enumerations
        their integers, complex numbers complex). Texts and lists of different lengths, and columns of data frames, are
        objects where NumPy has no type for them."""
        request = self._request(columns, where, limit, members)
        check_finite(request.get("stream"))
        return read_array(self._client, request, retries, parallel, str(self.path) if progress else "")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        """An array's values, with PyTables' dtype and the dataset's shape. TypeError of other datasets."""
        schema = self.schema
        if (schema.metadata or {}).get(b"hdf5.kind") != b"array":
            self._refuse()
        return array_result(self.to_numpy(), dtype, copy)

    @overload
    def __getitem__(self, key: slice | list[int] | list[str] | list[bool]) -> np.ndarray[Any, Any]: ...

    @overload
    def __getitem__(self, key: Any) -> Any: ...

    def __getitem__(self, key: Any) -> Any:
        """What an index of NumPy picks, read: integers, slices of any step, `...`, None, lists, arrays and masks, one for
        each axis at most; or a column's name, or a list of them. IndexError of places that are not there."""
        if isinstance(key, str):
            return self._column(key)
        if isinstance(key, list) and key and all(isinstance(k, str) for k in key):
            return self.to_numpy(key)
        if is_result(self._members):
            return self._of_result(key)
        if self._extent is not None:
            with contextlib.suppress(IndexError, ChangedError):  # it may have grown since
                return self._index(key, self._extent)
        self._extent = extent = Extent.of(self.schema)
        return self._index(key, extent)

    def _index(self, key: Any, extent: Extent) -> Any:
        shape = json.loads(extent.shape)
        asked = plan(key, tuple([self.num_rows] if shape is None else shape), inner=extent.kind == b"array")
        return asked.pick(read_block(self._client, self._request(None, None, None, asked.members), asked.shape, extent))

    def _column(self, name: str) -> np.ndarray[Any, Any]:
        rows = self.to_numpy([name])
        return rows[rows.dtype.names[0]] if self.kind == "table" and rows.dtype.names else rows

    def _of_result(self, key: Any) -> Any:
        """An index of rows whose number only reading tells: all are read, of a slice from the start those up to its end."""
        first, *others = key = parts(key)
        if isinstance(first, slice) and not others and counts_from_start(first):
            return self.limit(first.stop).to_numpy()[first]
        return self.to_numpy()[tuple(key)]

    # Arrow

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows as Arrow's stream, batch by batch as they are asked for."""
        return self.scan().__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> Any:
        """The schema of that stream."""
        return self.schema.__arrow_c_schema__()

    def __arrow_array__(self, type: pa.DataType | None = None) -> pa.ChunkedArray:  # noqa: A002, Arrow's name
        """The only column, for pyarrow.array. TypeError of several."""
        if len(self.schema) != 1:
            self._refuse()
        column = self.to_arrow().column(0)
        return column if type is None else column.cast(type)

    def scan(self, columns: Columns | None = None, where: str | None = None, limit: int | None = None, *,
             parallel: int = 1, progress: bool = False, retries: int = 3, **members: Any) -> pa.RecordBatchReader:
        """The rows as record batches, as they come. With `parallel` above 1 those of different parts come in any order."""
        reading = Reading(self._client, self._request(columns, where, limit, members), retries)
        return pa.RecordBatchReader.from_batches(reading.schema(), reading.batches(parallel, self.path if progress else ""))

    def to_arrow(self, columns: Columns | None = None, where: str | None = None, limit: int | None = None, *,
                 parallel: int = 1, progress: bool = False, retries: int = 3, **members: Any) -> pa.Table:
        """The rows as one table, in their order."""
        request = self._request(columns, where, limit, members)
        check_finite(request.get("stream"))
        reading = Reading(self._client, request, retries)
        schema = reading.schema()
        return pa.Table.from_batches(reading.all(parallel, self.path if progress else ""), schema)

    def _at_once(self, size: int, **members: Any) -> pa.Table:
        """The rows, which are about `size` bytes, by one question."""
        return Reading(self._client, self._request(None, None, None, members), 3).at_once(size)

    def head(self, rows: int = 5, columns: Columns | None = None, **options: Any) -> pa.Table:
        """The first rows; options as of `to_arrow`."""
        return self.to_arrow(columns, limit=rows, **options)

    # Frames

    def to_pandas(self, columns: Columns | None = None, where: str | None = None, limit: int | None = None,
                  **options: Any) -> pandas.DataFrame:
        """The rows as a pandas frame, complex numbers as such; options as of `to_arrow`."""
        needed("pandas", "to_pandas")
        return as_frame(self.to_arrow(columns, where, limit, **options))

    def to_polars(self, columns: Columns | None = None, where: str | None = None, limit: int | None = None,
                  **options: Any) -> polars.DataFrame:
        """The rows as a Polars frame; options as of `to_arrow`."""
        needed("polars", "to_polars")
        import polars
        return polars.from_arrow(self.to_arrow(columns, where, limit, **options))  # type: ignore[return-value]

    def to_duckdb(self, columns: Columns | None = None, where: str | None = None, limit: int | None = None, *,
                  database: duckdb.DuckDBPyConnection | None = None, **options: Any) -> duckdb.DuckDBPyRelation:
        """The rows as a DuckDB relation, of types that DuckDB reads (options.plain); options as of `to_arrow`."""
        needed("duckdb", "to_duckdb")
        import duckdb
        options["options"] = {"plain": True, **options.get("options", {})}
        return (database or duckdb).from_arrow(self.to_arrow(columns, where, limit, **options))

    # What the server knows

    def stats(self, columns: Columns | None = None, chunks: bool = False, *, fields: Columns | None = None) -> Members:
        """Rows, nulls, minimum and maximum of the dataset's columns, under "columns"; with `chunks` those of each chunk of
        rows too, under "chunks". The server reads what it has not learned yet."""
        names = narrowed({}, columns, None, None, {"fields": fields}).get("fields", self._members.get("fields"))
        body = {"file": self.file, "dataset": self.path, "fields": names, "chunks": chunks}
        answers = list(self._client.action("stats", {k: v for k, v in body.items() if v is not None}))
        if chunks:
            answers[-1]["chunks"] = [c for part in answers[:-1] for c in part["chunks"]]
        return answers[-1]

    def explain(self, columns: Columns | None = None, where: str | None = None, limit: int | None = None, **members: Any) -> Members:
        """How the server would answer: chunks touched and skipped, index, bytes, order; "plan" says it in words."""
        return next(self._client.action("explain", self._request(columns, where, limit, members)))

    def __repr__(self) -> str:
        return preview.text(self, self._client.title(self.file), self._members)

    def _repr_html_(self) -> str:
        return preview.html(self, self._client.title(self.file), self._members)
