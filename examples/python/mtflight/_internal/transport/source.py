"""A file on a server, by file name or location, and its rows as NumPy arrays."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.flight as fl

from . import server
from .client import Client, Members
from .credentials import Credentials, Login, taken
from .features import check_private
from .patterns import check_matches, local_pattern
from .rows import gather
from .stores import Store, is_address, shown_address, split_address

_private: dict[Store | None, Client] = {}
_lock = threading.Lock()


def _after_fork() -> None:
    """A forked child must not use the parent's connection, nor wait for its lock."""
    global _lock
    _lock = threading.Lock()
    _private.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _private_client(store: Store | None) -> Client:
    """The client of the private server, one for all files, or of a store's."""
    location = server.location(store.root if store else server.FILES)
    with _lock:
        if store not in _private or _private[store].location != location:  # of a server that has died
            client = Client(location, token="")  # which is not for it
            check_private(client.about(), server.binary())
            _private[store] = client
        return _private[store]


class PrivateClient(Client):
    """This process's private server of its files, or of a store, whichever that is: one that has died is replaced, and a copy in another process (by
    pickle) is of that process's own."""

    def __init__(self, address: str | None = None) -> None:
        """Starts nothing before the first question. `address` is the store's."""
        self._store = None if address is None else split_address(address)[0]
        self._about, self._closed = None, False
        self.shares_memory = self._store is None  # the server keeps what it sends over the connection, and a store is slower than that
        self._credentials = Credentials("", {"token": ""})

    @property
    def _client(self) -> fl.FlightClient:
        if self._closed:
            raise ValueError("this file is closed: open it again")
        return _private_client(self._store)._client

    @property
    def location(self) -> str:  # type: ignore[override]
        """Where the server listens."""
        return _private_client(self._store).location

    def title(self, file: str) -> str:
        """Its path, or its address without what may be a secret."""
        return self._store.titled(file) if self._store else "/" + file

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """As a client's, in the names of this machine, to whose server all files lie below /, or in addresses."""
        try:
            with super().translated():
                yield
        except Exception as e:
            if e.args and isinstance(e.args[0], str):
                e.args = (self._store.titled(e.args[0]) if self._store else _rooted(e.args[0]), *e.args[1:])
            raise

    def replica(self, location: str) -> Client:
        """A private server has none."""
        raise ConnectionError(f"a private server sends nobody to {location}")

    def close(self) -> None:
        """Ends the use of the server by this object; it itself ends with the process."""
        self._closed = True

    def __reduce__(self) -> Any:
        return PrivateClient, (self._store.address,) if self._store else ()


_PRIVATE = PrivateClient()  # of all Sources


def _rooted(message: str) -> str:
    """A message that begins with a file's name, with the slash before it."""
    first, slash, _ = message.partition("/")
    return "/" + message if slash and first and os.path.isdir("/" + first) else message


def split_location(name: str) -> tuple[str, str]:
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
    """One file of one server, or many of them as one by a pattern. Safe for use by many threads; pickled as its name, without the connection."""

    def __init__(self, filename: str | os.PathLike[str], location: str | None = None, root_uep: str = "/",
                 login: Login = (), **options: Any):
        """Notes the file; nothing is opened before the first question. `options` are a connection's, as `login` is. Those of
        PyTables' open_file are about its own caches and drivers, and are ignored. TypeError of a connection's where there is none."""
        self._name = os.fspath(filename)
        self._location = location
        self._root = root_uep.rstrip("/")
        self._login = login or tuple(taken(options)[0].items())
        if self.private and self._login:
            raise TypeError(f"{', '.join(dict(self._login))}: options are those of a connection, and {self.title} is none")
        self._own: Client | None = None
        self._file = ""
        self._opening = threading.Lock()

    @property
    def arguments(self) -> tuple[str, str | None, str, Login]:
        """What it was made of."""
        return self._name, self._location, self._root, self._login

    def __reduce__(self) -> Any:
        return Source, self.arguments

    def path(self, path: str) -> str:
        """A dataset's absolute path; `path` is below root_uep."""
        return f"{self._root}/{path.lstrip('/')}"

    @property
    def title(self) -> str:
        """Its name, of an address without what may be a secret."""
        return shown_address(self._name)

    @property
    def private(self) -> bool:
        """Whether the file is read by a private server of this process."""
        return self._location is None and ("://" not in self._name or is_address(self._name))

    def served_name(self) -> str:
        """The name, or pattern, that the private server has for it. FileNotFoundError if it is not there."""
        self.client  # noqa: B018, makes it known
        return self._file

    @property
    def client(self) -> Client:
        """The server's client, connected at first use. FileNotFoundError if a local file is not there."""
        if self.private and not is_address(self._name):
            self._check_local()
            return _PRIVATE
        with self._opening:
            if self._own is None:
                self._open()
        return self._own

    def _check_local(self) -> None:
        if not self._file:
            real = os.path.realpath(os.path.expanduser(self._name))
            if os.path.isfile(real):
                self._file = real.lstrip("/")
            elif pattern := local_pattern(self._name):
                check_matches(_PRIVATE, pattern, self._name)
                self._file = pattern.glob
            else:
                raise FileNotFoundError(errno.ENOENT, "no such HDF5 file", self._name)

    def _open(self) -> None:
        if self.private:
            store, self._file = split_address(self._name)
            self._own = PrivateClient(store.address)
            return
        if self._location is not None:
            location, self._file = self._location, self._name
        else:
            location, self._file = split_location(self._name)
        client = Client(location, **dict(self._login))
        if not self._file:
            files = [f["file"] for f in client.list()]
            if len(files) != 1:
                raise ValueError(f"{self._name}: name one of the server's {len(files)} files after the location")
            self._file = files[0]
        self._own = client

    def request(self, path: str, **members: Any) -> Members:
        """A request for this file's dataset; members that are None are left out."""
        self.client  # noqa: B018, makes the file's name known
        return {"file": self._file, "dataset": path, **{k: v for k, v in members.items() if v is not None}}

    def fetch(self, path: str, out: np.ndarray | None = None, exchange: np.ndarray | None = None, **members: Any) -> np.ndarray:
        """The rows that a request denotes, as an array that may be written to.

        `out` is memory (uint8) to use; SharedMemoryError if the rows do not fit. `exchange` are coordinates too many for
        a ticket, which go by DoExchange."""
        client, request = self.client, self.request(path, options={"layout": "rows"}, **members)
        reader = client.do_get(request) if exchange is None else client.do_exchange(request, exchange)
        try:
            with client.translated():
                return gather(reader, out)
        except BaseException:
            reader.cancel()
            raise
