"""Blocks in a ring of slots in shared memory (docs/stage.md)."""

from __future__ import annotations

import contextlib
import mmap
import os
import threading
from collections.abc import Callable

import numpy as np

from ..transport.client import Client, Members
from ..transport.rows import as_rows, single_column

_END_SECONDS = 5.0  # for a server that hangs to free a ring


class RingBlocks:
    """Blocks in slots of a file in shared memory, which the server fills and this releases."""

    owned = False

    def __init__(self, client: Client, request: Members, row: np.dtype, single: bool):
        self._client, self._row, self._single = client, row, single
        self._results = client.action("ring", request)
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
        self._released: list[int] = []
        self._changed = threading.Condition()
        self._closed = False
        threading.Thread(target=self._send_releases, name="mtflight-ring", daemon=True).start()

    def __next__(self) -> tuple[np.ndarray, Callable[[], None]]:
        filled, self._first = self._first or next(self._results), None
        if self._mapping is None or filled["offset"] + filled["bytes"] > len(self._mapping):
            self._mapping = mmap.mmap(self._file, 0)  # arrays over an older one keep it
        rows, size = filled["rows"], filled["rows"] * self._row.itemsize
        if size:
            data = np.frombuffer(self._mapping, np.uint8, size, filled["data"])
        else:
            data = np.empty(0, np.uint8)
        block = as_rows(data, self._row, rows)
        slot = filled["slot"]
        return (single_column(block) if self._single else block), lambda: self._release(slot)

    def _release(self, slot: int) -> None:
        with self._changed:
            self._released.append(slot)
            self._changed.notify()

    def _send_releases(self) -> None:
        """Tells the server of released slots, of all at once that were released meanwhile."""
        while True:
            with self._changed:
                while not self._released and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                slots, self._released = self._released, []
            try:
                for _ in self._client.action("release", {"lease": self._lease, "slots": slots}):
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
            for _ in self._client.action("release", {"lease": self._lease}, _END_SECONDS):
                pass
