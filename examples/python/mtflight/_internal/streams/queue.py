"""The blocks of a stream in guards, and its rows one by one."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..array_protocol import NoSequence
from ..resource_wrapper import ResourceWrapper
from ..signals import CreateSubprocessException, QueueClosed, QueueClosedType
from ..transport.rows import copy_array
from ..transport.shutdown import stop_at_exit
from .blocks import Blocks, Release


class Guard(NoSequence):
    """Access to one block, in a with statement: ``with guard as block``. The block ends with the statement."""

    _instead = "its block is, `with guard as block:` gives access to it"

    def __init__(self, block: np.ndarray | None, release: Release | None, error: Exception | None = None):
        self._block, self._release, self._error = block, release, error
        self._proxy: ResourceWrapper | None = None

    def __enter__(self) -> np.ndarray:
        """The block, which may be written to; ReleasedResourceError of a later use. Raises what went wrong in reading."""
        if self._error is not None:
            raise CreateSubprocessException(self._error)
        if self._block is None:
            raise RuntimeError("The guard was used before, and its block is released.")
        self._proxy, self._block = ResourceWrapper(self._block), None
        return self._proxy  # type: ignore[return-value]

    def __exit__(self, *_: object) -> None:
        if self._proxy is not None:
            self._proxy.release()
        self._free()

    def _borrow(self) -> np.ndarray:
        """The block itself, until `_free`."""
        if self._error is not None:
            raise CreateSubprocessException(self._error)
        return self._block  # type: ignore[return-value]

    def _free(self) -> None:
        self._block = None
        release, self._release = self._release, None
        if release is not None:
            release()

    def __del__(self) -> None:
        self._free()


class Queue(NoSequence):
    """Blocks of a stream. All methods may be called by many threads at once."""

    _instead = "get() and iter() give its blocks one by one; streamer.get_generator(..) gives rows"

    def __init__(self, blocks: Blocks, block_size: int, holds_all: bool = False):
        """`holds_all`: guards of all blocks may be held at the same time."""
        self._blocks, self._holds_all = blocks, holds_all
        self._next = threading.Lock()
        self._closed = False
        self.block_size = block_size
        stop_at_exit(self)

    def get(self) -> Guard | QueueClosedType:
        """A guard of the next block, waiting for it; QueueClosed after the last one, or once the queue is closed. Where
        reading failed, the guard raises that, and the queue ends."""
        with self._next:
            if self._closed:
                return QueueClosed
            try:
                block, release = next(self._blocks)
                return Guard(block, release)
            except StopIteration:
                self.close()
                return QueueClosed
            except Exception as e:  # noqa: BLE001, raised where the block is used
                ended, self._closed = self._closed, True
                self._blocks.close()
                return QueueClosed if ended else Guard(None, None, e)

    def iter(self) -> Iterator[Guard]:
        """The guards of all blocks that are left."""
        return _Guards(self)

    __iter__ = iter

    def __length_hint__(self) -> int:
        """Asked by what collects (list, tuple, sorted), not by loops. ValueError where the next block would wait for ever for
        the guards of those before."""
        if not (self._holds_all or self._closed):
            raise ValueError("there is room for a few blocks at a time: loop over the queue and copy from each block what is to stay, or "
                             "take rows from streamer.get_generator(..)")
        return 0

    def close(self) -> None:
        """Ends the stream. Whoever waits for a block gets QueueClosed; blocks in guards stay."""
        if not self._closed:
            self._closed = True
            self._blocks.close()

    stop = close

    def __del__(self) -> None:
        self.close()


class _Guards:
    """The guards of a queue one by one."""

    def __init__(self, queue: Queue):
        self._queue = queue

    def __iter__(self) -> _Guards:
        return self

    def __next__(self) -> Guard:
        guard = self._queue.get()
        if isinstance(guard, QueueClosedType):
            raise StopIteration
        return guard

    def __length_hint__(self) -> int:
        return self._queue.__length_hint__()


class RowGenerator(NoSequence):
    """Rows one by one; `close` ends the stream before its end. For one thread."""

    _instead = "it gives them once, np.array(list(..)) collects them"

    def __init__(self, blocks: Iterator[np.ndarray], endless: bool = False):
        self._blocks, self._endless = blocks, endless
        self._rows: Iterator[Any] = itertools.chain.from_iterable(blocks)

    def __iter__(self) -> Iterator[Any]:
        return self._rows  # no Python code runs between the rows of a block

    def __next__(self) -> Any:
        return next(self._rows)

    def __length_hint__(self) -> int:
        """Asked by what collects (list, tuple, sorted, numpy.fromiter), not by loops. ValueError of rows without end."""
        if self._endless:
            raise ValueError("a cyclic generator has no end: loop over it, or take itertools.islice(generator, n)")
        return 0

    def close(self) -> None:
        """Ends the stream; rows that were got stay."""
        self._blocks.close()  # type: ignore[attr-defined]
        self._rows, self._endless = iter(()), False


def arrays(open_queue: Callable[[], Queue]) -> Iterator[np.ndarray]:
    """The blocks of a queue as arrays of their own; it is opened for the first of them."""
    queue = open_queue()
    try:
        for guard in queue.iter():
            block = guard._borrow()
            if not queue._blocks.owned:
                block = copy_array(block)
            guard._free()
            yield block
    finally:
        queue.close()
