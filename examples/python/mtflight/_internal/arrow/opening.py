"""Datasets by what names them."""

from __future__ import annotations

import os
from typing import Any

from ..transport.source import Source
from .table import Table


def opened(source: Table | str | os.PathLike[str], dataset: str | None, location: str | None, login: dict[str, Any]) -> Table:
    """A table, or the dataset of a file or a location, with the options of its connection. TypeError without a dataset's name."""
    if isinstance(source, Table):
        if dataset is not None or location is not None or login:
            raise TypeError(f"{source.path} of {source.file} is a dataset by itself: leave {', '.join(['dataset=', 'location='] + [f'{n}=' for n in login])} out")
        return source
    if dataset is None:
        raise TypeError(f"name a dataset of {os.fspath(source)}, or give a Table")
    file = Source(source, location, login=tuple(login.items()))
    return Table(file.client, file.request(dataset)["file"], dataset)
