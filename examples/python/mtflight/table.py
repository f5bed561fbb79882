"""Datasets as Arrow: record batches, and the frames made of them."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.flight as fl

from .connection import Connection, Members, translated
from .errors import is_lost, translate
from .ops import variables
from .sequence import NoSequence, as_asked
from .source import gather
from .values import coordinates, mask

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars

_T = TypeVar("_T")
_REUSE = "arrow-flight-reuse-connection"


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

    def __init__(self, connection: Connection, file: str, path: str):
        self._connection, self.file, self.path = connection, file, path

    def _request(self, columns: list[str] | None, where: str | None, limit: int | None, members: Members) -> Members:
        if isinstance(columns, str):
            raise TypeError(f"columns must be a list of names: [{columns!r}]")
        request = {"file": self.file, "dataset": self.path, "fields": columns, "where": where, "limit": limit, **members}
        if "variables" in request:
            request["vars"] = variables(request.pop("variables"))
        request = {k: v for k, v in request.items() if v is not None}
        if "coordinates" in request:
            request["coordinates"] = coordinates(request["coordinates"])
        if "mask" in request:
            request["mask"] = mask(request["mask"], self.num_rows)
        return request

    @property
    def schema(self) -> pa.Schema:
        """The columns, and in the metadata what HDF5 tells."""
        return self._connection.schema({"file": self.file, "dataset": self.path})

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return self._connection.info({"file": self.file, "dataset": self.path}).total_records

    def __len__(self) -> int:
        return self.num_rows

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """An array's values, with PyTables' dtype and the dataset's shape. TypeError of other datasets."""
        about, request = self.schema.metadata or {}, {"file": self.file, "dataset": self.path, "options": {"layout": "rows"}}
        if about.get(b"hdf5.kind") != b"array":
            self._refuse()
        try:
            with translated():
                rows = gather(self._connection.do_get(request))
        except NotImplementedError as e:  # values of different lengths
            raise TypeError(f"{e}: {self._instead}") from e
        scalar = json.loads(about[b"hdf5.shape"]) == []
        return as_asked(rows.reshape(rows.shape[1:]) if scalar else rows, dtype, copy)

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
        schema = _asked(lambda: self._connection.schema(request), retries)
        parts = self._parts(request, parallel, retries)
        batches = parts[0] if len(parts) == 1 else _merged(parts)
        if progress:
            batches = _shown(batches, self._total(request, retries), self.path)
        return pa.RecordBatchReader.from_batches(schema, batches)

    def to_arrow(self, columns: list[str] | None = None, where: str | None = None, limit: int | None = None, *,
                 parallel: int = 1, progress: bool = False, retries: int = 3, **members: Any) -> pa.Table:
        """The rows as one table, in their order."""
        request = self._request(columns, where, limit, members)
        _check_ends(request.get("stream"))
        schema = _asked(lambda: self._connection.schema(request), retries)
        parts = self._parts(request, parallel, retries)
        with _bar(self._total(request, retries) if progress else None, self.path, progress) as bar, ThreadPoolExecutor(len(parts)) as pool:
            read = list(pool.map(lambda part: [b for b in part if bar(b.num_rows) is None], parts))
        return pa.Table.from_batches([b for part in read for b in part], schema)

    def to_pandas(self, columns: list[str] | None = None, where: str | None = None, limit: int | None = None,
                  **options: Any) -> pandas.DataFrame:
        """The rows as a pandas frame; options as of `to_arrow`."""
        return self.to_arrow(columns, where, limit, **options).to_pandas()

    def to_polars(self, columns: list[str] | None = None, where: str | None = None, limit: int | None = None,
                  **options: Any) -> polars.DataFrame:
        """The rows as a Polars frame; options as of `to_arrow`."""
        import polars
        return polars.from_arrow(self.to_arrow(columns, where, limit, **options))

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
        told = list(self._connection.action("stats", {k: v for k, v in body.items() if v is not None}))
        if chunks:
            told[-1]["chunks"] = [c for part in told[:-1] for c in part["chunks"]]
        return told[-1]

    def explain(self, columns: list[str] | None = None, where: str | None = None, limit: int | None = None, **members: Any) -> Members:
        """How the server would answer: chunks touched and skipped, index, bytes, order; "plan" says it in words."""
        return next(self._connection.action("explain", self._request(columns, where, limit, members)))

    def _total(self, request: Members, retries: int) -> int | None:
        total = _asked(lambda: self._connection.info(request), retries).total_records
        return None if total < 0 else total

    def _parts(self, request: Members, parallel: int, retries: int) -> list[Iterator[pa.RecordBatch]]:
        """One stream, or one per endpoint that the server splits the request into."""
        if parallel <= 1:
            return [_resumed([self._connection], request, retries)]
        options = {**request.get("options", {}), "endpoints": parallel}
        endpoints = _asked(lambda: self._connection.info({**request, "options": options}), retries).endpoints
        return [_resumed(self._replicas(e), json.loads(e.ticket.ticket), retries) for e in endpoints]

    def _replicas(self, endpoint: fl.FlightEndpoint) -> list[Connection]:
        """A connection to each server that has the endpoint."""
        here, places = self._connection, [loc.uri.decode() for loc in endpoint.locations]
        return [here if uri.startswith(_REUSE) else here.replica(uri) for uri in places] or [here]


def _check_ends(stream: Any) -> None:
    """ValueError of a request whose rows never end."""
    if isinstance(stream, dict) and (stream.get("follow") or (stream.get("cyclic") and stream.get("cycles") is None)):
        raise ValueError("a stream that follows its file, or is cyclic without cycles, has no end and cannot be collected: "
                         "loop over the batches of scan(..), or give stream.cycles")


class _Come:
    """Which blocks of a stream have come, by their numbers; those of an unordered one come in any order."""

    def __init__(self, first: int):
        self.next, self._later = first, set[int]()

    def take(self, block: int) -> bool:
        """Notes a block; False if it has come before."""
        if block < self.next or block in self._later:
            return False
        self._later.add(block)
        while self.next in self._later:
            self._later.remove(self.next)
            self.next += 1
        return True


def _resumed(replicas: list[Connection], request: Members, retries: int) -> Iterator[pa.RecordBatch]:
    """A request's batches; when a connection is lost goes on with those that have not come, at the next replica. The
    request is always one for a stream, whose blocks are the same ones each time it is asked."""
    stream = request.get("stream", {})
    come, failures = _Come(int(stream.get("from_block", 0))), 0
    if stream.get("follow") and "block_rows" not in stream:
        retries = 0  # blocks are what there is when the server looks
    while True:
        connection = replicas[failures % len(replicas)]
        try:
            for chunk in connection.do_get({**request, "stream": {**stream, "from_block": come.next}}):
                if chunk.data is None or not come.take(json.loads(chunk.app_metadata.to_pybytes())["block"]):
                    continue
                failures = 0
                yield chunk.data
            return
        except (pa.ArrowException, OSError) as e:
            failures += 1
            _pause(e, failures, retries)


def _asked(ask: Callable[[], _T], retries: int) -> _T:
    """An answer, asked for again where the connection is lost."""
    failures = 0
    while True:
        try:
            return ask()
        except (pa.ArrowException, OSError) as e:
            failures += 1
            _pause(e, failures, retries)


def _pause(error: Exception, failures: int, retries: int) -> None:
    """Waits before a lost connection is tried again; raises any other error, and that of one try too many."""
    told = translate(error)
    if not is_lost(told) or failures > retries:
        raise told from error
    time.sleep(min(5.0, 0.1 * 2 ** failures))


def _merged(parts: list[Iterator[pa.RecordBatch]]) -> Iterator[pa.RecordBatch]:
    """The batches of several streams as they come, each read by a thread; an error of one ends all."""
    out: Queue[Any] = Queue(2 * len(parts))
    ended = threading.Event()

    def read(part: Iterator[pa.RecordBatch]) -> None:
        last: Any = None
        try:
            for batch in part:
                if ended.is_set():
                    return
                out.put(batch)
        except Exception as e:  # noqa: BLE001, raised to whoever reads
            last = e
        out.put(last)

    threads = [threading.Thread(target=read, args=(p,), daemon=True) for p in parts]
    for t in threads:
        t.start()
    try:
        left = len(parts)
        while left:
            item = out.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                left -= 1
            else:
                yield item
    finally:
        ended.set()
        while any(t.is_alive() for t in threads):
            with contextlib.suppress(Exception):
                out.get(timeout=0.05)


def _shown(batches: Iterator[pa.RecordBatch], total: int | None, name: str) -> Iterator[pa.RecordBatch]:
    with _bar(total, name, True) as bar:
        for batch in batches:
            bar(batch.num_rows)
            yield batch


@contextlib.contextmanager
def _bar(total: int | None, name: str, show: bool) -> Iterator[Any]:
    """A function to tell of rows; it gives None."""
    if not show:
        yield lambda rows: None
        return
    from tqdm.auto import tqdm
    with tqdm(total=total, desc=name, unit="row", unit_scale=True) as bar:
        yield lambda rows: bar.update(rows) and None
