"""The blocks of a stream: through shared memory where the server is on this host, else over the connection."""

from __future__ import annotations

import contextlib
import mmap
import os
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from .arrays import bytes_of, only_field, row_dtype, shaped
from .connection import Connection, Members, translated
from .errors import ResourceExhausted

Release = Callable[[], None]


class Blocks(Protocol):
    """Blocks one after the other, each with what to call once nothing refers to it any more. One thread at a time may
    ask for the next; any may release and close."""

    lasting: bool  # whether a block stays as it is after its release, while something refers to it

    def __next__(self) -> tuple[np.ndarray, Release]: ...

    def close(self) -> None: ...


_END_SECONDS = 5.0  # for a server that hangs to let go of a ring
_SENT_BYTES = 4 << 20  # handing one back costs about as much as copying 300 KiB


def open_blocks(connection: Connection, request: Members, single: bool, rows: int, remainder: bool) -> Blocks:
    """Starts a stream of layout "rows" in blocks of `rows` rows. `single`: a block is its only field, not a structured
    array. `remainder`: a last, shorter block counts too. Several blocks are sent together where they are small."""
    row = row_dtype(connection.schema({k: v for k, v in request.items() if k != "stream"}))
    together = max(1, _SENT_BYTES // max(1, rows * row.itemsize))
    stream = {**request["stream"], "block_rows": rows * together}
    stream["read_ahead"] = max(2, -(-stream["read_ahead"] // together))
    return _Split(_sent(connection, {**request, "stream": stream}, row, single), rows, remainder)


def _sent(connection: Connection, request: Members, row: np.dtype, single: bool) -> Blocks:
    with contextlib.suppress(NotImplementedError, PermissionError, ResourceExhausted, FileNotFoundError):
        return _Ring(connection, request, row, single)
    return _Flight(connection, request, row, single)


class _Split:
    """Cuts what is sent into blocks of the size asked for."""

    def __init__(self, sent: Blocks, rows: int, remainder: bool):
        self._sent, self._rows, self._remainder = sent, rows, remainder
        self.lasting = sent.lasting
        self._parts: Iterator[np.ndarray] = iter(())
        self._share = _Share(_nothing)

    def __next__(self) -> tuple[np.ndarray, Release]:
        while (part := next(self._parts, None)) is None:
            self._share.release()
            whole, release = next(self._sent)
            self._share = _Share(release)
            self._parts = self._cut(whole)
        self._share.add()
        return part, self._share.release

    def _cut(self, whole: np.ndarray) -> Iterator[np.ndarray]:
        end = len(whole) if self._remainder else len(whole) - len(whole) % self._rows
        return (whole[at:at + self._rows] for at in range(0, end, self._rows))

    def close(self) -> None:
        self._sent.close()


class _Share:
    """What was sent is released when all of its blocks are, and no more of them are handed out."""

    def __init__(self, release: Release):
        self._release, self._users, self._lock = release, 1, threading.Lock()

    def add(self) -> None:
        with self._lock:
            self._users += 1

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            left = self._users
        if left == 0:
            self._release()


class _Flight:
    """Blocks sent over the connection. Their memory is their own."""

    lasting = True

    def __init__(self, connection: Connection, request: Members, row: np.dtype, single: bool):
        self._row, self._single = row, single
        self._reader = connection.do_get(request)

    def __next__(self) -> tuple[np.ndarray, Release]:
        with translated():
            batch = self._reader.read_chunk().data
        block = shaped(bytes_of(batch), self._row, batch.num_rows)
        return (only_field(block) if self._single else block), _nothing

    def close(self) -> None:
        self._reader.cancel()


def _nothing() -> None:
    pass


class _Ring:
    """Blocks in slots of a file in shared memory, which the server fills and this hands back (docs/stage.md)."""

    lasting = False

    def __init__(self, connection: Connection, request: Members, row: np.dtype, single: bool):
        self._connection, self._row, self._single = connection, row, single
        self._results = connection.action("ring", request)
        about = next(self._results)
        self._lease: str = about["lease"]
        try:
            self._file = os.open(about["path"], os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # another host's path, or another user's
            self._end()
            raise FileNotFoundError(about["path"]) from None
        try:  # now, since it is only with the first block that the server may find no room for it
            self._first = next(self._results, None)
        except BaseException:
            os.close(self._file)
            raise
        self._mapping: mmap.mmap | None = None
        self._returned: list[int] = []
        self._changed = threading.Condition()
        self._closed = False
        threading.Thread(target=self._hand_back, name="mtflight-ring", daemon=True).start()

    def __next__(self) -> tuple[np.ndarray, Release]:
        told, self._first = self._first or next(self._results), None
        if self._mapping is None or told["offset"] + told["bytes"] > len(self._mapping):
            self._mapping = mmap.mmap(self._file, 0)  # arrays over an older one keep it
        rows, size = told["rows"], told["rows"] * self._row.itemsize
        if size:
            data = np.frombuffer(self._mapping, np.uint8, size, told["data"])
        else:
            data = np.empty(0, np.uint8)
        block = shaped(data, self._row, rows)
        slot = told["slot"]
        return (only_field(block) if self._single else block), lambda: self._give(slot)

    def _give(self, slot: int) -> None:
        with self._changed:
            self._returned.append(slot)
            self._changed.notify()

    def _hand_back(self) -> None:
        """Hands slots back, as many at a time as have come together meanwhile."""
        while True:
            with self._changed:
                while not self._returned and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                slots, self._returned = self._returned, []
            try:
                for _ in self._connection.action("release", {"lease": self._lease, "slots": slots}):
                    pass
            except Exception:  # noqa: BLE001, the ring has ended: whoever asks for the next block learns why
                return

    def close(self) -> None:
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify()
        os.close(self._file)
        self._end()

    def _end(self) -> None:
        with contextlib.suppress(Exception):  # it has ended, or its server has
            for _ in self._connection.action("release", {"lease": self._lease}, _END_SECONDS):
                pass
