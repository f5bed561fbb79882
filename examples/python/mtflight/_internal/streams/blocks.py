"""The blocks of a stream: through shared memory where the server is on this host, else over the connection."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from ..errors import ResourceExhausted
from ..transport.client import Client, Members
from ..transport.rows import as_rows, batch_bytes, row_dtype, single_column
from .ring import RingBlocks

Release = Callable[[], None]


class Blocks(Protocol):
    """Blocks one after the other, each with what to call once nothing refers to it any more. One thread at a time may
    ask for the next; any may release and close."""

    owned: bool  # whether a block owns its memory, so that its release leaves it as it is

    def __next__(self) -> tuple[np.ndarray, Release]: ...

    def close(self) -> None: ...


_TRANSFER_BYTES = 4 << 20  # releasing a slot costs about as much as copying 300 KiB


def open_blocks(client: Client, request: Members, single: bool, rows: int, remainder: bool) -> Blocks:
    """Starts a stream of layout "rows" in blocks of `rows` rows. `single`: a block is its only field, not a structured
    array. `remainder`: a last, shorter block counts too. Several blocks are sent together where they are small."""
    row = row_dtype(client.schema({k: v for k, v in request.items() if k != "stream"}))
    batched = max(1, _TRANSFER_BYTES // max(1, rows * row.itemsize))
    stream = {**request["stream"], "block_rows": rows * batched}
    stream["read_ahead"] = max(2, -(-stream["read_ahead"] // batched))
    return _SplitBlocks(_transfers(client, {**request, "stream": stream}, row, single), rows, remainder)


def _transfers(client: Client, request: Members, row: np.dtype, single: bool) -> Blocks:
    with contextlib.suppress(NotImplementedError, PermissionError, ResourceExhausted, FileNotFoundError):
        return RingBlocks(client, request, row, single)
    return FlightBlocks(client, request, row, single)


class _SplitBlocks:
    """Cuts transfers into blocks of the size asked for."""

    def __init__(self, transfers: Blocks, rows: int, remainder: bool):
        self._transfers, self._rows, self._remainder = transfers, rows, remainder
        self.owned = transfers.owned
        self._parts: Iterator[np.ndarray] = iter(())
        self._references = _References(_nothing)

    def __next__(self) -> tuple[np.ndarray, Release]:
        while (part := next(self._parts, None)) is None:
            self._references.release()
            whole, release = next(self._transfers)
            self._references = _References(release)
            self._parts = self._cut(whole)
        self._references.add()
        return part, self._references.release

    def _cut(self, whole: np.ndarray) -> Iterator[np.ndarray]:
        end = len(whole) if self._remainder else len(whole) - len(whole) % self._rows
        return (whole[at:at + self._rows] for at in range(0, end, self._rows))

    def close(self) -> None:
        self._transfers.close()


class _References:
    """Counts references to a transfer: it is released with the last of its blocks, once no more of them are handed out."""

    def __init__(self, release: Release):
        self._release, self._count, self._lock = release, 1, threading.Lock()

    def add(self) -> None:
        with self._lock:
            self._count += 1

    def release(self) -> None:
        with self._lock:
            self._count -= 1
            left = self._count
        if left == 0:
            self._release()


class FlightBlocks:
    """Blocks sent over the connection. Their memory is their own."""

    owned = True

    def __init__(self, client: Client, request: Members, row: np.dtype, single: bool):
        self._client, self._row, self._single = client, row, single
        self._reader = client.do_get(request)

    def __next__(self) -> tuple[np.ndarray, Release]:
        with self._client.translated():
            batch = self._reader.read_chunk().data
        block = as_rows(batch_bytes(batch), self._row, batch.num_rows)
        return (single_column(block) if self._single else block), _nothing

    def close(self) -> None:
        self._reader.cancel()


def _nothing() -> None:
    pass
