"""A connection to a server: requests are dicts (the members of the wire contract), answers are Arrow's."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.flight as fl

from ..array_protocol import NoSequence
from ..errors import reason_of, translated, warn_left_out
from . import traces
from .credentials import Credentials
from .encoding import encode, exchanged_rows
from .features import UNKNOWN_SERVER, About, explain_refusal, parse

Members = dict[str, Any]
_C = TypeVar("_C", bound="Client")

_FORKED = ("gRPC does not work in a forked child of a process that has used it: start processes by multiprocessing's "
           "spawn or forkserver, or fork before the first file is opened")
_REUSE_CONNECTION = "arrow-flight-reuse-connection:"  # the location that stands for the server itself
_forked = False
_clients: weakref.WeakSet[Client] = weakref.WeakSet()


def _after_fork() -> None:
    """In a forked child: its parent's clients have threads that it has not. They would wait for those for ever, even
    to be freed, so they never are."""
    global _forked
    for client in list(_clients):
        _forked = True
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(client._flight))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Exchange(NoSequence):
    """The rows of many coordinates; reads as a FlightStreamReader does."""

    _instead = "it gives chunks once, and read_all() all rows"

    def __init__(self, reader: fl.FlightStreamReader, writer: fl.FlightStreamWriter):
        self._reader, self._writer = reader, writer  # without its writer the call would end

    @property
    def schema(self) -> pa.Schema:
        return self._reader.schema

    def __iter__(self) -> Iterator[fl.FlightStreamChunk]:
        yield from self._reader  # which holds this object, and by it the writer, to the end

    def read_all(self) -> pa.Table:
        """All rows."""
        return self._reader.read_all()

    def cancel(self) -> None:
        """Ends the call."""
        self._reader.cancel()


class Client(NoSequence):
    """A server's calls, and their answers as Arrow's. Safe for use by many threads at once. Errors are those of
    `errors.translate`."""

    shares_memory = True  # until it is known that the server and this process do not

    def __init__(self, location: str, **options: Any):
        """Connects to grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///SOCKET; `options` are those of `connect`."""
        if _forked:
            raise RuntimeError(_FORKED)
        self._open(location, options, Credentials(location, options))

    def _open(self, location: str, options: Members, credentials: Credentials) -> None:
        self.location, self._options, self._credentials = location, options, credentials
        try:
            self._flight = credentials.connect(location)
        except pa.ArrowInvalid as e:
            raise pa.ArrowInvalid(f"{location!r} is no location: write grpc://HOST:PORT or grpc+unix:///SOCKET ({e})") from e
        self._replicas: dict[str, Client] = {}
        self._opening = threading.Lock()
        self._about: About | None = None
        _clients.add(self)

    @property
    def _client(self) -> fl.FlightClient:
        if _forked:
            raise RuntimeError(_FORKED)
        return self._flight

    def _call(self, seconds: float | None = None) -> fl.FlightCallOptions:
        """What goes with each call: who asks, and as part of which trace."""
        return fl.FlightCallOptions(timeout=seconds, headers=self._credentials.headers() + traces.headers())

    def replicas(self, locations: Sequence[str]) -> list[Client]:
        """Of the servers that this one sends the program to those that may know who it is; this one, where there are none."""
        found: list[Client] = []
        for location in locations:
            if location.startswith(_REUSE_CONNECTION):
                found.append(self)
            elif self._credentials.trusts(location):
                found.append(self.replica(location))
        return found or [self]

    def replica(self, location: str) -> Client:
        """Another server that this one sent the program to, connected to once and with the same options; it closes with
        this one."""
        with self._opening:
            if location not in self._replicas:
                replica = object.__new__(Client)
                replica._open(location, self._options, self._credentials)
                self._replicas[location] = replica
            return self._replicas[location]

    def title(self, file: str) -> str:
        """A file's name as people know it."""
        return file

    def unreadable(self, listed: Members) -> OSError:
        """The exception of a file that the action `list` names with an error."""
        return OSError(f"{self.title(listed['file'])}: {reason_of(listed['file'], listed['error'])}")

    def list(self, **criteria: str) -> list[Members]:
        """What is served: one dict per file with its groups, datasets and links. Criteria: file, dataset, kind."""
        return list(self.action("list", criteria))

    def attributes(self, file: str, path: str = "/", names: Sequence[str] | None = None) -> Members:
        """Attributes of a group, a dataset or a committed type, whole, by name: all, or those named. One that cannot be
        read is {"unreadable": reason}."""
        return json.loads(self._attributes(file, path, names, "json"))

    def attributes_arrow(self, file: str, path: str = "/", names: Sequence[str] | None = None) -> pa.RecordBatch:
        """The same as one row of Arrow's types, a column each; one that cannot be read is an error."""
        with pa.ipc.open_stream(self._attributes(file, path, names, "arrow")) as stream:
            return stream.read_next_batch()

    def _attributes(self, file: str, path: str, names: Sequence[str] | None, form: str) -> bytes:
        body = {"file": file, "object": path, "format": form, **({} if names is None else {"names": list(names)})}
        with self.translated():
            return next(iter(self._client.do_action(fl.Action("attributes", encode(body)), self._call()))).body.to_pybytes()

    def do_get(self, request: Members) -> fl.FlightStreamReader:
        """The rows of a request; reading on raises pyarrow's errors, see `translated`."""
        reader = self.do_ticket(fl.Ticket(encode(request)))
        if request.get("options", {}).get("on_error"):
            with self.translated():
                warn_left_out(reader.schema.metadata)
        return reader

    def do_ticket(self, ticket: fl.Ticket) -> fl.FlightStreamReader:
        """The rows of an endpoint's ticket."""
        with self.translated():
            return self._client.do_get(ticket, self._call())

    def do_exchange(self, request: Members, coordinates: np.ndarray) -> Exchange:
        """The rows of many coordinates, in their order, or those where booleans, one per row, are true."""
        rows = exchanged_rows(coordinates)
        with self.translated():
            writer, reader = self._client.do_exchange(fl.FlightDescriptor.for_command(encode(request)), self._call())
            batch = pa.record_batch([pa.array(rows)], names=["rows"])
            writer.begin(batch.schema)
            for start in range(0, max(len(rows), 1), 1 << 18):
                writer.write_batch(batch.slice(start, 1 << 18))
            writer.done_writing()
        return Exchange(reader, writer)

    def schema(self, request: Members) -> pa.Schema:
        """The schema that the request's rows have."""
        with self.translated():
            schema = self._client.get_schema(fl.FlightDescriptor.for_command(encode(request)), self._call()).schema
        warn_left_out(schema.metadata)
        return schema

    def info(self, request: Members) -> fl.FlightInfo:
        """Rows, bytes and the endpoints that share the work."""
        with self.translated():
            info = self._client.get_flight_info(fl.FlightDescriptor.for_command(encode(request)), self._call())
        warn_left_out(info.schema.metadata)
        return info

    def action(self, name: str, body: Members, seconds: float | None = None) -> Iterator[Members]:
        """The JSON results of an action, as they come; TimeoutError after `seconds`."""
        with self.translated():
            for result in self._client.do_action(fl.Action(name, encode(body)), self._call(seconds)):
                yield json.loads(result.body.to_pybytes())

    def about(self) -> About:
        """What the server is and has beyond the protocol's first release; asked once."""
        if self._about is None:
            try:
                with translated():
                    results = list(self._client.do_action(fl.Action("about", b""), self._call()))
                self._about = parse(json.loads(results[0].body.to_pybytes()))
            except NotImplementedError:
                self._about = UNKNOWN_SERVER
        return self._about

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """As `errors.translated`, for reading on from a stream; what the server is too old for says so."""
        try:
            with translated():
                yield
        except PermissionError:
            self._credentials.refused()
            raise
        except (ValueError, NotImplementedError) as e:
            error = explain_refusal(e, self.location, self.about)
            if error is e:
                raise
            raise error from e

    def translate(self, error: Exception) -> Exception:
        """What `translated` makes of an error."""
        try:
            with self.translated():
                raise error
        except Exception as e:  # noqa: BLE001, it is the result
            return e

    def close(self) -> None:
        """Closes the connection and those to replicas; running streams end with an error."""
        with self._opening:
            replicas, self._replicas = self._replicas, {}
        for replica in replicas.values():
            replica.close()
        self._flight.close()

    def __reduce__(self) -> Any:
        """Pickled as what to connect to, with the options as they were given."""
        return functools.partial(type(self), self.location, **self._options), ()

    def __enter__(self: _C) -> _C:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
