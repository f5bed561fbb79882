"""The batches of one request: in one stream, or in several of its parts."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pyarrow.flight as fl

from ..transport.client import Client, Members
from ..transport.traces import carried
from .batches import merged, resumed, retried
from .progress import counted, progress_bar, with_bar
from .staged import staged

_EXCHANGED_ROWS = 1 << 19  # of one DoExchange: 8 MiB of a server's memory, which has a quarter of it for all of them


class Reading:
    """A request to be read. Its `coordinates` may be an array, of more rows than a ticket holds: those go by DoExchange, so
    many at a time."""

    def __init__(self, client: Client, request: Members, retries: int):
        self._client, self._request, self._retries = client, request, retries
        self._rows: np.ndarray | None = None
        if isinstance(request.get("coordinates"), np.ndarray):
            self._request = {k: v for k, v in request.items() if k not in ("coordinates", "offset", "limit")}
            first, limit = request.get("offset", 0), request.get("limit")
            self._rows = request["coordinates"][first:None if limit is None else first + limit]

    @functools.cached_property
    def _info(self) -> fl.FlightInfo:
        return retried(lambda: self._client.info(self._request), self._retries)

    def schema(self) -> pa.Schema:
        """The schema of the batches."""
        return self._info.schema

    def total(self) -> int | None:
        """How many rows there are; None where only reading tells."""
        if self._rows is not None:
            return len(self._rows)
        total = self._info.total_records
        return None if total < 0 else total

    def staged(self, in_one: bool = False) -> list[pa.RecordBatch] | None:
        """All batches, by shared memory where that is to be had and faster; else None. `in_one`: all rows are one batch, where blocks are
        not asked for."""
        if self._rows is not None:
            return None
        request = self._request
        if in_one and self.total() and "stream" not in request:
            request = {**request, "stream": {"block_rows": self.total()}}
        return staged(self._client, request, self._info.total_bytes)

    def at_once(self, size: int) -> pa.Table:
        """All rows, about `size` bytes, by one question, without asking first what they are. Asked again whole if the connection is lost."""
        if size and (batches := staged(self._client, self._request, size)):
            return pa.Table.from_batches(batches)

        def read() -> pa.Table:
            with self._client.translated():
                return self._client.do_get(self._request).read_all()

        return retried(read, self._retries)

    def batches(self, parallel: int, progress: str = "") -> Iterator[pa.RecordBatch]:
        """The batches as they come, with a bar of that name; those of several parts in any order."""
        parts = self._parts(parallel)
        batches = parts[0] if len(parts) == 1 else merged(parts)
        return with_bar(batches, self.total(), progress) if progress else batches

    def all(self, parallel: int, progress: str = "") -> list[pa.RecordBatch]:
        """All batches, in order."""
        if parallel <= 1 and not progress and (batches := self.staged()) is not None:
            return batches
        parts = self._parts(parallel)
        if len(parts) == 1 and not progress:
            return list(parts[0])
        bar = progress_bar(self.total(), progress) if progress else contextlib.nullcontext(lambda rows: None)
        with bar as advance, ThreadPoolExecutor(len(parts)) as pool:
            read = [pool.submit(carried(lambda part: list(counted(part, advance))), part) for part in parts]
        return [b for part in read for b in part.result()]

    def _parts(self, parallel: int) -> list[Iterator[pa.RecordBatch]]:
        """One stream, or one per endpoint that the server splits the request into."""
        request, retries = self._request, self._retries
        several = retries > 0 and len(self._info.endpoints) > 1 and isinstance(json.loads(self._info.endpoints[0].ticket.ticket)["file"], list)
        if several and self._rows is None and parallel <= 1:  # no ticket is of all files
            tickets = [json.loads(e.ticket.ticket) for e in self._info.endpoints]
            return [itertools.chain.from_iterable(resumed(self._servers(), ticket, retries) for ticket in tickets)]
        if several and self._rows is not None:
            retries = 0  # of which no version is known: another one would have other rows
        elif self._rows is not None or parallel <= 1:
            request = self._versioned(request)
        if self._rows is not None:
            step = max(1, len(self._rows)) if "stream" in request else _EXCHANGED_ROWS
            pieces = [self._rows[at:at + step] for at in range(0, max(1, len(self._rows)), step)]
            return [itertools.chain.from_iterable(resumed(self._servers(), request, retries, piece) for piece in pieces)]
        if parallel <= 1:
            return [resumed(self._servers(), request, retries)]
        options = {**request.get("options", {}), "endpoints": parallel}
        endpoints = retried(lambda: self._client.info({**request, "options": options}), retries).endpoints
        return [resumed(self._replicas(e), json.loads(e.ticket.ticket), retries) for e in endpoints]

    def _versioned(self, request: Members) -> Members:
        """The request for the version of the file that is there now: a lost stream is not gone on with in another one."""
        if not self._retries:
            return request
        ticket = json.loads(self._info.endpoints[0].ticket.ticket)
        return request if "state" not in ticket else {**request, "state": ticket["state"], "file": ticket["file"]}

    def _servers(self) -> list[Client]:
        """The server that was asked, and its replicas, which go on where it is lost."""
        return [self._client, *(c for c in self._replicas(self._info.endpoints[0]) if c is not self._client)] if self._retries else [self._client]

    def _replicas(self, endpoint: fl.FlightEndpoint) -> list[Client]:
        """A client of each server that has the endpoint."""
        return self._client.replicas([location.uri.decode() for location in endpoint.locations])
