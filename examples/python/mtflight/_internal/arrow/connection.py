"""A connection to a server, with its datasets as Arrow's tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..transport.client import Client
from .table import Table


class Connection(Client):
    """A server. Safe for use by many threads at once. Errors are those of `errors.translate`."""

    _instead = ".table(file, path) is a dataset, .list() what is served"

    def table(self, file: str | list[str], path: str | None = None, *, datasets: Iterable[str] | None = None) -> Table:
        """A dataset to read as Arrow, of any kind: of a file, or of many as one table, by a pattern ("runs/*.h5") or a list of names. A group
        whose datasets have one length is a table of columns; so are `datasets` of one length, by their paths. No message is sent yet."""
        if (path is None) is (datasets is None):
            raise TypeError("name a dataset or a group, or several datasets: table(file, \"/g\") or table(file, datasets=[\"/x\", \"/y\"])")
        return Table(self, file, list(datasets or []) if path is None else path)


def connect(location: str, **options: Any) -> Connection:
    """Connects to a server at grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///SOCKET.

    Options: tls_root_certs (authorities that the server's certificate is to be of, the system's if there are none), cert_chain and private_key (a
    certificate to log in by), each in PEM or as the path of a file; token (the text of one, or the Path of its file; the variable
    MTFLIGHT_TOKEN if None, none if ""), or user and password; and the further ones of pyarrow.flight.connect. The server may send the
    program on to others: what logs in goes there only by TLS or, where the server is without TLS too, to the same host. A pickle has the options as they were given."""
    return Connection(location, **options)
