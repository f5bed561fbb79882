"""A connection to a server, with its datasets as Arrow's tables."""

from __future__ import annotations

from typing import Any

from ..transport.client import Client
from .table import Table


class Connection(Client):
    """A server. Safe for use by many threads at once. Errors are those of `errors.translate`."""

    _instead = ".table(file, path) is a dataset, .list() what is served"

    def table(self, file: str, path: str) -> Table:
        """A dataset to read as Arrow, of any kind. No message is sent yet."""
        return Table(self, file, path)


def connect(location: str, **options: Any) -> Connection:
    """Connects to a server at grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///SOCKET."""
    return Connection(location, **options)
