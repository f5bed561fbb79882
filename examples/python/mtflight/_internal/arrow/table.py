"""Datasets as Arrow: record batches, and the frames made of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.flight as fl

from ..array_protocol import NoSequence, array_result
from ..errors import translated
from ..transport.client import Client, Members
from ..transport.encoding import condition_variables, coordinates, mask
from ..transport.rows import gather
from .batches import merged, resumed, retried
from .progress import counted, progress_bar, with_bar

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars

_REUSE_CONNECTION = "arrow-flight-reuse-connection"


class Table(NoSequence):
    """A dataset of any kind on a server. Immutable; safe for use by many threads. Whatever takes Arrow's streams takes it
    (pyarrow.table, polars.DataFrame, ..); numpy.asarray that of an array.

    Every reading method takes: columns (names, nested ones as "pos/x"), where (a condition in PyTables' language) with
    its `variables`, limit (rows), start/stop/step (a Python slice of the rows), parallel (connections to read through at
    the same time), progress (a tqdm bar), retries (how often in a row a lost connection is opened again; reading goes on
    where it was), and further members of the wire contract (offset=, sort_by=, select=, coordinates=, mask=, options=, ...). Numbers, lists and masks
    may be NumPy's.
    """

    _instead = "scan() gives record batches, to_arrow(), to_pandas() and to_polars() all rows"

    def __init__(self, client: Client, file: str, path: str):
        self._client, self.file, self.path = client, file, path

    def _request(self, columns: list[str] | None, where: str | None, limit: int | None, members: Members) -> Members:
        if isinstance(columns, str):
            raise TypeError(f"columns must be a list of names: [{columns!r}]")
        request = {"file": self.file, "dataset": self.path, "fields": columns, "where": where, "limit": limit, **members}
        if "variables" in request:
            request["vars"] = condition_variables(request.pop("variables"))
        request = {k: v for k, v in request.items() if v is not None}
        if "coordinates" in request:
            request["coordinates"] = coordinates(request["coordinates"])
        if "mask" in request:
            request["mask"] = mask(request["mask"], self.num_rows)
        return request

    @property
    def schema(self) -> pa.Schema:
        """The columns, and in the metadata what HDF5 tells."""
        return self._client.schema({"file": self.file, "dataset": self.path})

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return self._client.info({"file": self.file, "dataset": self.path}).total_records

    def __len__(self) -> int:
        return self.num_rows

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """An array's values, with PyTables' dtype and the dataset's shape. TypeError of other datasets."""
        about, request = self.schema.metadata or {}, {"file": self.file, "dataset": self.path, "options": {"layout": "rows"}}
        if about.get(b"hdf5.kind") != b"array":
            self._refuse()
        try:
            with translated():
                rows = gather(self._client.do_get(request))
        except NotImplementedError as e:  # values of different lengths
            raise TypeError(f"{e}: {self._instead}") from e
        scalar = json.loads(about[b"hdf5.shape"]) == []
        return array_result(rows.reshape(rows.shape[1:]) if scalar else rows, dtype, copy)

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows as Arrow's stream, batch by batch as they are asked for."""
        return self.scan().__arrow_c_stream__(requested_schema)

    def __arrow_array__(self, type: pa.DataType | None = None) -> pa.ChunkedArray:  # noqa: A002, Arrow's name
        """The only column, for pyarrow.array. TypeError of several."""
        if len(self.schema) != 1:
            self._refuse()
        column = self.to_arrow().column(0)
        return column if type is None else column.cast(type)

    def scan(self, columns: list[str] | None = None, where: str | None = None, limit: int | None = None, *,
             parallel: int = 1, progress: bool = False, retries: int = 3, **members: Any) -> pa.RecordBatchReader:
        """The rows as record batches, as they come. With `parallel` above 1 those of different parts come in any order."""
        request = self._request(columns, where, limit, members)
        schema = retried(lambda: self._client.schema(request), retries)
        parts = self._parts(request, parallel, retries)
        batches = parts[0] if len(parts) == 1 else merged(parts)
        if progress:
            batches = with_bar(batches, self._total(request, retries), self.path)
        return pa.RecordBatchReader.from_batches(schema, batches)

    def to_arrow(self, columns: list[str] | None = None, where: str | None = None, limit: int | None = None, *,
                 parallel: int = 1, progress: bool = False, retries: int = 3, **members: Any) -> pa.Table:
        """The rows as one table, in their order."""
        request = self._request(columns, where, limit, members)
        _check_finite(request.get("stream"))
        schema = retried(lambda: self._client.schema(request), retries)
        parts = self._parts(request, parallel, retries)
        bar = progress_bar(self._total(request, retries), self.path) if progress else contextlib.nullcontext(lambda rows: None)
        with bar as advance, ThreadPoolExecutor(len(parts)) as pool:
            read = list(pool.map(lambda part: list(counted(part, advance)), parts))
        return pa.Table.from_batches([b for part in read for b in part], schema)


    def to_pandas(self, columns: list[str] | None = None, where: str | None = None, limit: int | None = None,
                  **options: Any) -> pandas.DataFrame:
        """The rows as a pandas frame; options as of `to_arrow`."""
        return self.to_arrow(columns, where, limit, **options).to_pandas()

    def to_polars(self, columns: list[str] | None = None, where: str | None = None, limit: int | None = None,
                  **options: Any) -> polars.DataFrame:
        """The rows as a Polars frame; options as of `to_arrow`."""
        import polars
        return polars.from_arrow(self.to_arrow(columns, where, limit, **options))  # type: ignore[return-value]

    def to_duckdb(self, columns: list[str] | None = None, where: str | None = None, limit: int | None = None, *,
                  database: duckdb.DuckDBPyConnection | None = None, **options: Any) -> duckdb.DuckDBPyRelation:
        """The rows as a DuckDB relation, of types that DuckDB reads (options.plain); options as of `to_arrow`."""
        import duckdb
        options["options"] = {"plain": True, **options.get("options", {})}
        read = self.to_arrow(columns, where, limit, **options)
        return (database or duckdb).from_arrow(read)

    def stats(self, columns: list[str] | None = None, chunks: bool = False) -> Members:
        """Rows, nulls, minimum and maximum of columns, under "columns"; with `chunks` those of each chunk of rows too, under
        "chunks". The server reads what it has not learned yet."""
        body = {"file": self.file, "dataset": self.path, "fields": columns, "chunks": chunks}
        answers = list(self._client.action("stats", {k: v for k, v in body.items() if v is not None}))
        if chunks:
            answers[-1]["chunks"] = [c for part in answers[:-1] for c in part["chunks"]]
        return answers[-1]

    def explain(self, columns: list[str] | None = None, where: str | None = None, limit: int | None = None, **members: Any) -> Members:
        """How the server would answer: chunks touched and skipped, index, bytes, order; "plan" says it in words."""
        return next(self._client.action("explain", self._request(columns, where, limit, members)))

    def _total(self, request: Members, retries: int) -> int | None:
        total = retried(lambda: self._client.info(request), retries).total_records
        return None if total < 0 else total

    def _parts(self, request: Members, parallel: int, retries: int) -> list[Iterator[pa.RecordBatch]]:
        """One stream, or one per endpoint that the server splits the request into."""
        if parallel <= 1:
            return [resumed([self._client], request, retries)]
        options = {**request.get("options", {}), "endpoints": parallel}
        endpoints = retried(lambda: self._client.info({**request, "options": options}), retries).endpoints
        return [resumed(self._replicas(e), json.loads(e.ticket.ticket), retries) for e in endpoints]

    def _replicas(self, endpoint: fl.FlightEndpoint) -> list[Client]:
        """A client of each server that has the endpoint."""
        client, uris = self._client, [loc.uri.decode() for loc in endpoint.locations]
        return [client if uri.startswith(_REUSE_CONNECTION) else client.replica(uri) for uri in uris] or [client]


def _check_finite(stream: Any) -> None:
    """ValueError of a request whose rows never end."""
    if isinstance(stream, dict) and (stream.get("follow") or (stream.get("cyclic") and stream.get("cycles") is None)):
        raise ValueError("a stream that follows its file, or is cyclic without cycles, has no end and cannot be collected: "
                         "loop over the batches of scan(..), or give stream.cycles")
