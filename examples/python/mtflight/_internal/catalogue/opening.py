"""From a file, a folder or a location to its catalogue."""

from __future__ import annotations

import errno
import os
from typing import Any

from ..transport.client import Client
from ..transport.patterns import Pattern, check_matches, glob_of, local_pattern, pattern_of
from ..transport.source import PrivateClient, split_location
from ..transport.stores import is_address, shown_address, split_address
from .catalogue import Catalogue


def open(source: str | os.PathLike[str], **options: Any) -> Catalogue:  # noqa: A001, as h5py.File's and Python's
    """The datasets of a file, of many files as one by a pattern (runs/2024-*/events.h5), or of a folder, which this process's private
    server reads (started if there is none, ended with the process), the same of a store (s3://BUCKET/KEY, https://HOST/FILE), or of a location: grpc://HOST:PORT, grpc+tls://.. or
    grpc+unix:///SOCKET, and behind it a file, pattern or folder of the server's, if one is meant (grpc://host:8815/run7/events.h5).
    `options` are those of `connect`.

    In a pattern * is any run of characters, / too, ? one, [a-c] one of a set, and \\* a star. A file or folder of just that name comes first.
    FileNotFoundError if there is none, PermissionError if it may not be read, OSError if a file is not HDF5, ConnectionError if no server or
    store answers."""
    name = os.fspath(source)
    if not isinstance(name, str):
        name = os.fsdecode(name)
    if "://" in name and not is_address(name):
        return _remote(name, options)
    if options:
        raise TypeError(f"{', '.join(options)}: options are those of a connection, and {shown_address(name)} is none")
    return _stored(name) if is_address(name) else _local(name)


def _local(name: str) -> Catalogue:
    real = os.path.realpath(os.path.expanduser(name))
    client = PrivateClient()
    if os.path.isdir(real):
        return Catalogue(client, name, None, f"{real.strip('/')}/".lstrip("/"))
    if os.path.isfile(real):
        return _of_file(client, name, real.lstrip("/"))
    pattern = local_pattern(name)
    if pattern is None:
        raise FileNotFoundError(errno.ENOENT, "no such HDF5 file or folder", name)
    return _of_pattern(client, name, pattern)


def _remote(name: str, options: dict[str, Any]) -> Catalogue:
    location, file = split_location(name)
    client = Client(location, **options)
    try:
        file = file.strip("/")
        if not file:
            client.about()  # says so if nobody answers
            return Catalogue(client, name, None)
        return _behind(client, name, file)
    except BaseException:
        client.close()
        raise


def _stored(name: str) -> Catalogue:
    store, file = split_address(name)
    return _behind(PrivateClient(store.address), shown_address(name), file)


def _behind(client: Client, name: str, file: str) -> Catalogue:
    """A file, pattern or folder of a server's."""
    try:
        return _of_file(client, name, file)
    except FileNotFoundError:
        if pattern := pattern_of(file):
            return _of_pattern(client, name, pattern)
        folder = f"{file}/"
        first = next(client.action("list", {"file": glob_of(folder) + "*"}), None)
        if first is None:
            raise
        if first["file"] == file and "error" in first:  # of the folder itself, which cannot be looked into
            raise OSError(f"{client.title(file)}: {first['error']}") from None
        return Catalogue(client, name, None, folder)


def _of_file(client: Client, name: str, file: str) -> Catalogue:
    client.attributes(file)  # says so if it cannot be read
    return Catalogue(client, name, file)


def _of_pattern(client: Client, name: str, pattern: Pattern) -> Catalogue:
    check_matches(client, pattern, name)
    return Catalogue(client, name, pattern.glob, pattern.folder, many=True)
