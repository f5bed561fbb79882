"""Datasets by what names them."""

from __future__ import annotations

import os

from ..transport.source import Source
from .table import Table


def opened(source: Table | str | os.PathLike[str], dataset: str | None, location: str | None) -> Table:
    """A table, or the dataset of a file or a location. TypeError without a dataset's name."""
    if isinstance(source, Table):
        if dataset is not None or location is not None:
            raise TypeError(f"{source.path} of {source.file} is a dataset by itself: leave dataset= and location= out")
        return source
    if dataset is None:
        raise TypeError(f"name a dataset of {os.fspath(source)}, or give a Table")
    file = Source(source, location)
    return Table(file.client, file.request(dataset)["file"], dataset)
