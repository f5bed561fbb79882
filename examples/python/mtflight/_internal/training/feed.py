"""The rows of an epoch, in its order, from the server."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ..arrow import values
from ..arrow.opening import opened
from ..arrow.reading import Reading
from ..arrow.table import Table
from ..transport.client import Client, Members
from ..transport.source import PrivateClient, Source
from .arrays import Piece, block_values, sliced

_SHUFFLED_ROWS = 1 << 20  # of a block, at most, where its rows are shuffled
_OWN = ("block_rows", "from_block", "to_block", "cyclic", "cycles", "shuffle", "shuffle_rows", "ordered", "remainder", "follow")


@dataclass(frozen=True)
class Recipe:
    """What to read, in blocks of how many rows, and by which seed they are shuffled. Pickled as that; opens nothing by itself."""

    source: Table | str | os.PathLike[str]
    datasets: tuple[str | None, ...]
    location: str | None
    login: dict[str, Any] = dataclasses.field(repr=False)  # options of the connection
    members: Members  # of the request
    seed: int | None
    block_rows: int | None
    retries: int

    def __post_init__(self) -> None:
        taken = [name for name in self.members.get("stream", {}) if name in _OWN]
        if taken:
            raise TypeError(f"stream.{taken[0]} is set by shuffle=, seed= and block_rows=: give those")

    def open(self) -> Feed:
        """Connects, and asks how many rows there are."""
        tables = [opened(self.source, dataset, self.location, self.login) for dataset in self.datasets]
        return Feed([table._narrowed(None, None, None, self.members) for table in tables], self)

    def shared(self) -> Recipe:
        """The same for this process's children, which read local files by its private server instead of one of their own each."""
        if isinstance(self.source, Table):
            table = self.source
            if not isinstance(table._client, PrivateClient):
                return self
            return dataclasses.replace(self, source=Table(Client(table._client.location, token=""), table.file, table.path, table._members))
        file = Source(self.source, self.location, login=tuple(self.login.items()))
        if not file.private:
            return self
        return dataclasses.replace(self, source=file.served_name(), location=file.client.location)


class Feed:
    """The rows of datasets that lie side by side."""

    def __init__(self, tables: list[Table], recipe: Recipe):
        """ValueError if they have different numbers of rows."""
        counts = [table.num_rows for table in tables]
        if len(set(counts)) > 1:
            raise ValueError(f"datasets that are read side by side have as many rows each, not {', '.join(map(str, counts))}")
        self.rows, self._seed, self._retries = counts[0], recipe.seed, recipe.retries
        self._client = tables[0]._client
        self._requests = [_request(table, self.rows) for table in tables]
        schemas = [self._reading(request, {}).schema() for request in self._requests]
        self._are_arrays = [(schema.metadata or {}).get(b"hdf5.kind") == b"array" for schema in schemas]
        self.row_bytes = max(1, sum(_width(field.type) for schema in schemas for field in schema) // 8)
        self._block_rows = recipe.block_rows or self._default_block(schemas)

    def _default_block(self, schemas: list[pa.Schema]) -> int:
        """Whole chunks, as the server has them."""
        rows = min(int((schema.metadata or {}).get(b"stream.block_rows", 1 << 16)) for schema in schemas)
        return rows if self._seed is None else min(rows, _SHUFFLED_ROWS)

    def _reading(self, request: Members, stream: Members) -> Reading:
        return Reading(self._client, {**request, "stream": {**request.get("stream", {}), **stream}}, self._retries)

    def pieces(self, epoch: int, first: int, last: int) -> Iterator[tuple[int, Piece]]:
        """The rows at the places `first` to `last` of an epoch's order, block by block, each with its number of rows. OSError if there
        are fewer by now."""
        self._check_rows()
        size = self._block_rows
        stream = self._stream(epoch, first // size, -(-last // size))
        at = first // size * size
        for batches in zip(*(self._reading(request, stream).batches(1) for request in self._requests)):
            rows = batches[0].num_rows
            a, z = max(0, first - at), min(rows, last - at)
            yield z - a, sliced([block_values(batch, kind) for batch, kind in zip(batches, self._are_arrays)], a, z)
            at += rows
        if at < last:
            raise self._lost()

    def _check_rows(self) -> None:
        """OSError where a dataset is known to have fewer rows than it had: the order would be another one."""
        for request in self._requests:
            if self._reading(request, {}).total() not in (None, self.rows):
                raise self._lost()

    def _lost(self) -> OSError:
        return OSError(f"the dataset has lost rows since the first epoch, when there were {self.rows}: begin with another IterableDataset or Batches")

    def _stream(self, epoch: int, first: int, last: int) -> Members:
        """Blocks of an epoch: those of one cycle of a shuffled stream, which has another order in each."""
        if self._seed is None:
            return {"block_rows": self._block_rows, "from_block": first, "to_block": last}
        before = epoch * -(-self.rows // self._block_rows)
        return {"block_rows": self._block_rows, "cyclic": True, "cycles": epoch + 1, "shuffle": self._seed, "shuffle_rows": True,
                "from_block": before + first, "to_block": before + last}


def _request(table: Table, rows: int) -> Members:
    """A table's request, for as many rows even if the file grows."""
    request = table._request(None, None, rows, {})
    return {**request, "options": {**values.OPTIONS, **request.get("options", {})}}


def _width(kind: pa.DataType) -> int:
    """About how many bits a value takes."""
    if pa.types.is_fixed_size_list(kind):
        return kind.list_size * _width(kind.value_type)
    if pa.types.is_struct(kind):
        return sum(_width(kind.field(i).type) for i in range(kind.num_fields))
    return int(kind.bit_width) if pa.types.is_primitive(kind) else 128
