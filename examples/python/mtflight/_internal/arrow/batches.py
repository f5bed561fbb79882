"""Batches of one stream, resumed where a connection is lost, and of several side by side."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from ..errors import is_lost
from ..transport.client import Client, Members
from ..transport.traces import carried

_T = TypeVar("_T")


class _ReceivedBlocks:
    """The numbers of a stream's blocks that have been received; those of an unordered one come in any order."""

    def __init__(self, first: int):
        self.next, self._later = first, set[int]()

    def add(self, block: int) -> bool:
        """Notes a block; False if it was received before."""
        if block < self.next or block in self._later:
            return False
        self._later.add(block)
        while self.next in self._later:
            self._later.remove(self.next)
            self.next += 1
        return True


def resumed(replicas: list[Client], request: Members, retries: int, rows: np.ndarray | None = None) -> Iterator[pa.RecordBatch]:
    """A request's batches, or those of rows that are exchanged; when a connection is lost goes on with those not received
    yet, at the next replica. The request is always one for a stream, whose blocks are the same ones each time it is asked."""
    stream = request.get("stream", {})
    received, failures = _ReceivedBlocks(int(stream.get("from_block", 0))), 0
    if stream.get("follow") and "block_rows" not in stream:
        retries = 0  # blocks are what there is when the server looks
    while True:
        client = replicas[failures % len(replicas)]
        try:
            left = {**request, "stream": {**stream, "from_block": received.next}}
            for chunk in client.do_get(left) if rows is None else client.do_exchange(left, rows):
                if chunk.data is None:
                    continue
                place = json.loads(chunk.app_metadata.to_pybytes())
                if place["rows"] and not chunk.data.num_rows:
                    continue  # taken back: the file changed meanwhile, as the stream's end tells
                if not received.add(place["block"]):
                    continue
                failures = 0
                yield chunk.data
            return
        except (pa.ArrowException, OSError) as e:
            failures += 1
            _back_off(client.translate(e), failures, retries)


def retried(ask: Callable[[], _T], retries: int) -> _T:
    """A client's answer, asked for again where the connection is lost."""
    failures = 0
    while True:
        try:
            return ask()
        except (pa.ArrowException, OSError) as e:
            failures += 1
            _back_off(e, failures, retries)


def _back_off(error: Exception, failures: int, retries: int) -> None:
    """Waits before a lost connection is tried again; raises any other error, and that of one try too many."""
    if not is_lost(error) or failures > retries:
        raise error
    time.sleep(min(5.0, 0.1 * 2 ** failures))


def merged(parts: list[Iterator[pa.RecordBatch]]) -> Iterator[pa.RecordBatch]:
    """The batches of several streams as they come, each read by a thread; an error of one ends all."""
    out: Queue[Any] = Queue(2 * len(parts))
    ended = threading.Event()

    def read(part: Iterator[pa.RecordBatch]) -> None:
        last: Any = None
        try:
            for batch in part:
                if ended.is_set():
                    return
                out.put(batch)
        except Exception as e:  # noqa: BLE001, raised to whoever reads
            last = e
        out.put(last)

    threads = [threading.Thread(target=carried(read), args=(p,), daemon=True) for p in parts]
    for t in threads:
        t.start()
    try:
        left = len(parts)
        while left:
            item = out.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                left -= 1
            else:
                yield item
    finally:
        ended.set()
        while any(t.is_alive() for t in threads):
            with contextlib.suppress(Exception):
                out.get(timeout=0.05)
