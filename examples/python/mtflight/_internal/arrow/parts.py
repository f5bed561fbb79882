"""A request cut into parts, which other processes read by themselves."""

from __future__ import annotations

import functools
import json
import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.flight as fl

from ..transport.client import Client, Members
from .batches import resumed, retried

PART_BYTES = 128 << 20
"""About how many bytes of Arrow a part has by default."""
_MOST_PARTS = 10_000
_ONE_ENDPOINT = ("limit", "offset", "sort_by", "stream", "select", "coordinates", "mask")


@functools.lru_cache(maxsize=8)
def _connected(pickled: bytes) -> Client:
    """The one client that this process has of a server."""
    return pickle.loads(pickled)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_connected.cache_clear)


@dataclass(frozen=True)
class Part:
    """Rows of one version of their files, pickled as where to ask for them. `first` is the place of the first among the rows of all parts, `rows` how
    many there are, `extent` how many without the condition; None where only reading tells."""

    server: bytes  # a client's pickle
    locations: tuple[str, ...]
    ticket: Members
    first: int | None
    rows: int | None
    extent: int | None
    retries: int

    def batches(self, **members: Any) -> Iterator[pa.RecordBatch]:
        """The rows in order, or what further members of the request make of them; None takes one away. When a server is lost the next one that has the
        part goes on."""
        ticket = {k: v for k, v in {**self.ticket, **members}.items() if v is not None}
        return resumed(_connected(self.server).replicas(self.locations), ticket, self.retries)

    def cut(self, at: int) -> tuple[Part, Part]:
        """The rows before one of a slice's, and the others."""
        start, step = self.ticket["start"], self.ticket.get("step", 1)
        middle, left = start + at * step, (self.extent or 0) - at
        before = replace(self, ticket={**self.ticket, "stop": middle}, rows=None if self.rows is None else at, extent=at)
        first = None if self.first is None else self.first + at
        return before, replace(self, ticket={**self.ticket, "start": middle}, first=first, rows=None if self.rows is None else left, extent=left)


def planned(client: Client, request: Members, number: int | None, retries: int = 3) -> tuple[pa.Schema, list[Part]]:
    """The schema of a request, and its parts in order: about so many, by default one for each 128 MiB. What the server answers only
    as a whole (sort_by, limit with a condition, coordinates, ..) is one part."""
    schema = retried(lambda: client.schema(request), retries)
    rest = {k: request[k] for k in ("where", "vars") if k in request}
    if any(name in request for name in _ONE_ENDPOINT):
        info = _asked(client, request, number, retries)
        return schema, _parts(client, info, {}, "where" in request, retries)
    info = _asked(client, {k: v for k, v in request.items() if k not in rest}, number, retries)
    if rest and isinstance(json.loads(info.endpoints[0].ticket.ticket)["file"], list):  # whose names may tell that a condition is false
        info = _asked(client, request, number or len(info.endpoints), retries)
    return schema, _parts(client, info, rest, "where" in request, retries)


def _asked(client: Client, request: Members, number: int | None, retries: int) -> fl.FlightInfo:
    """The endpoints of a request."""
    info = retried(lambda: client.info(_in_parts(request, number or 1)), retries)
    if number is None and info.total_bytes > PART_BYTES:
        number = min(-(-info.total_bytes // PART_BYTES), _MOST_PARTS)
        return retried(lambda: client.info(_in_parts(request, number)), retries)
    return info


def _in_parts(request: Members, number: int) -> Members:
    return {**request, "options": {**request.get("options", {}), "endpoints": number}}


def _parts(client: Client, info: fl.FlightInfo, rest: Members, filtered: bool, retries: int) -> list[Part]:
    tickets = [json.loads(e.ticket.ticket) for e in info.endpoints]
    extents = [_extent(ticket) for ticket in tickets]
    if len(tickets) == 1:
        extents = [None if info.total_records < 0 else info.total_records]
    known = not filtered and None not in extents and sum(e or 0 for e in extents) == info.total_records
    server, parts, first = pickle.dumps(client), [], 0
    for endpoint, ticket, extent in zip(info.endpoints, tickets, extents):
        locations = tuple(location.uri.decode() for location in endpoint.locations)
        parts.append(Part(server, locations, {**ticket, **rest}, first if known else None, extent if known else None, extent, retries))
        first += extent or 0
    return parts


def _extent(ticket: Members) -> int | None:
    """Rows of a ticket that is a slice."""
    if "stop" not in ticket or any(name in ticket for name in _ONE_ENDPOINT):
        return None
    return len(range(ticket["start"], ticket["stop"], ticket.get("step", 1)))
