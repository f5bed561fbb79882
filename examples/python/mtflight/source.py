"""A file on a server, by file name or location, and its rows as NumPy arrays.

A file name means this process's private server. A location names the server and the file on it:
``grpc://host:8815/run7/events.h5``, ``grpc+unix:///run/mtflight.sock/run7/events.h5``, or
``Reader("run7/events.h5", location="grpc://host:8815")``. Without a file's name the server must serve just one.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from typing import Any

import numpy as np

from . import server
from .arrays import bytes_of, row_dtype, shaped
from .connection import Connection, Members, translated
from .shared_mem import SharedMemoryError

_private: dict[str, Connection] = {}
_lock = threading.Lock()


def _after_fork() -> None:
    """A forked child must not use the parent's connection, nor wait for its lock."""
    global _lock
    _lock = threading.Lock()
    _private.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _private_connection() -> Connection:
    """The connection to the private server, one for all files."""
    location = server.location()
    with _lock:
        if location not in _private:
            _private.clear()  # of servers that have died
            _private[location] = Connection(location)
        return _private[location]


def _split_location(name: str) -> tuple[str, str]:
    """The server's location and the file's name there, "" if none is given."""
    scheme, _, rest = name.partition("://")
    if scheme != "grpc+unix":
        host, _, file = rest.partition("/")
        return f"{scheme}://{host}", file
    socket, file = rest, ""
    while not _is_socket(socket):
        socket, _, last = socket.rpartition("/")
        if not socket:
            raise FileNotFoundError(errno.ENOENT, "no Unix socket of a server", name)
        file = f"{last}/{file}" if file else last
    return f"{scheme}://{socket}", file


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


class Source:
    """One file of one server. Safe for use by many threads."""

    def __init__(self, filename: str | os.PathLike[str], location: str | None = None, root_uep: str = "/", **_: Any):
        """Notes the file; nothing is opened before the first question. Further options of PyTables' open_file are
        about its own caches and drivers, and are ignored."""
        self._name = os.fspath(filename)
        self._location = location
        self._root = root_uep.rstrip("/")
        self._own: Connection | None = None
        self._file = ""
        self._opening = threading.Lock()

    def __reduce__(self) -> Any:
        """Pickled as what it was made of."""
        return Source, (self._name, self._location, self._root)

    def path(self, path: str) -> str:
        """A dataset's absolute path; `path` is below root_uep."""
        return f"{self._root}/{path.lstrip('/')}"

    @property
    def private(self) -> bool:
        """Whether the file is read by this process's private server."""
        return self._location is None and "://" not in self._name

    @property
    def connection(self) -> Connection:
        """The server's connection, opened at first use. FileNotFoundError if a local file is not there."""
        if self.private:
            self._check_local()
            return _private_connection()
        with self._opening:
            if self._own is None:
                self._open()
        return self._own

    def _check_local(self) -> None:
        if not self._file:
            real = os.path.realpath(os.path.expanduser(self._name))
            if not os.path.isfile(real):
                raise FileNotFoundError(errno.ENOENT, "no such HDF5 file", self._name)
            self._file = real.lstrip("/")

    def _open(self) -> None:
        if self._location is not None:
            location, self._file = self._location, self._name
        else:
            location, self._file = _split_location(self._name)
        connection = Connection(location)
        if not self._file:
            files = [f["file"] for f in connection.list()]
            if len(files) != 1:
                raise ValueError(f"{self._name}: name one of the server's {len(files)} files after the location")
            self._file = files[0]
        self._own = connection

    def request(self, path: str, **members: Any) -> Members:
        """A request for this file's dataset; members that are None are left out."""
        self.connection  # noqa: B018, makes the file's name known
        return {"file": self._file, "dataset": path, **{k: v for k, v in members.items() if v is not None}}

    def fetch(self, path: str, into: np.ndarray | None = None, many: np.ndarray | None = None, **members: Any) -> np.ndarray:
        """The rows that a request denotes, as an array that may be written to.

        `into` is memory (uint8) to use; SharedMemoryError if the rows do not fit. `many` are coordinates too many for
        a ticket."""
        connection, request = self.connection, self.request(path, options={"layout": "rows"}, **members)
        reader = connection.do_get(request) if many is None else connection.do_exchange(request, many)
        try:
            with translated():
                return gather(reader, into)
        except BaseException:
            reader.cancel()
            raise


def gather(reader: Any, into: np.ndarray | None = None) -> np.ndarray:
    """The rows of a stream of layout "rows", in `into` (uint8) if that is given."""
    row, parts, rows, at = row_dtype(reader.schema), [], 0, 0
    for chunk in reader:
        data = bytes_of(chunk.data)
        rows += chunk.data.num_rows
        if into is None:
            parts.append(data)
            continue
        if at + data.nbytes > into.nbytes:
            raise too_small(into.nbytes, at + data.nbytes)
        into[at:at + data.nbytes] = data
        at += data.nbytes
    if into is not None:
        return shaped(into[:at], row, rows)
    if len(parts) == 1:
        return shaped(parts[0], row, rows)
    return shaped(np.concatenate(parts) if parts else np.empty(0, np.uint8), row, rows)


def too_small(size: int, needed: int) -> SharedMemoryError:
    """The exception of a stage that the result does not fit into."""
    return SharedMemoryError(f"Stage is smaller than requested array: {size} < {needed}")
