"""Sequential access: the rows of a dataset in blocks, read ahead by the server."""

from __future__ import annotations

import itertools
import os
import threading
import warnings
from collections.abc import Iterator
from typing import Any, Union

import numpy as np

from . import lifetime
from .arrays import copied
from .blocks import Blocks, Release, open_blocks
from .node import Node, open_node
from .resource_wrapper import ResourceWrapper
from .sequence import NoSequence
from .signals import CreateSubprocessException, QueueClosed, QueueClosedType
from .source import Source


class RowsLeftOut(UserWarning):
    """The rows past the last whole block are in no block of a queue, whose block size the program has not chosen."""


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

    def _take(self) -> np.ndarray:
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

    def __init__(self, blocks: Blocks, block_size: int, few: bool = False):
        """`few`: guards of all blocks may be held at the same time."""
        self._blocks, self._few = blocks, few
        self._next = threading.Lock()
        self._closed = False
        self.block_size = block_size
        lifetime.track(self)

    def get(self) -> Union[Guard, QueueClosedType]:
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
        if not (self._few or self._closed):
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
        self._rows = itertools.chain.from_iterable(blocks)

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


class Streamer(NoSequence):
    """Streams datasets of an HDF5 file. All methods may be called by many threads at once."""

    _instead = "get_generator(path) gives rows, get_queue(path) blocks"

    Queue = Queue

    def __init__(self, filename: str | os.PathLike[str], **kw_args: Any):
        """`filename`: a file, or a location (see mtflight.source)."""
        self._source = Source(filename, **kw_args)

    def _node(self, path: str) -> Node:
        node = open_node(self._source, self._source.path(path))
        if node.kind == "vlarray":
            raise NotImplementedError(f"{path} has rows of different lengths: read it with a Reader")
        if node.rows == 0:
            raise RuntimeError("Cannot read from empty dataset.")
        return node

    def get_remainder(self, path: str, block_size: int | None) -> np.ndarray:
        """The rows past the last whole block, which a queue leaves out; an array of the caller's. Of a block size above
        all rows that is all. ValueError of a block size below 1."""
        node = self._node(path)
        whole = _block_size(node, block_size, None)
        size = whole if block_size is None else int(block_size)
        return self._source.fetch(node.path, start=node.rows - node.rows % size)

    def get_queue(self, path: str, n_procs: int | None = None, read_ahead: int | None = None, cyclic: bool = False,
                  block_size: int | None = None, ordered: bool = False, field: str | None = None,
                  remainder: bool = False) -> Queue:
        """A queue of blocks of `block_size` rows.

        path: the dataset. n_procs: decoders at work for this queue, 4 if None. read_ahead: blocks decoded ahead of the
        program, 2*n_procs+1 if None. cyclic: go on at the first row after the last, without end; blocks cross the seam.
        block_size: rows, whole chunks near 128 KiB if None, at most all rows. ordered: blocks in the order of the file,
        else as they are ready. field: only this column. remainder: the last block may be shorter, else it is left out.

        Warns (RowsLeftOut) of rows that are left out where block_size is None. RuntimeError of an empty dataset or no
        read_ahead, ValueError of a block size below 1, KeyError of an unknown field, FileNotFoundError, NoSuchNodeError.
        """
        node = self._node(path)
        queue = self._queue(node, n_procs, read_ahead, cyclic, block_size, ordered, field, remainder)
        left = node.rows % queue.block_size
        if left and block_size is None and not (remainder or cyclic):
            warnings.warn(f"the last {left} of the {node.rows} rows of {path} are in no block: take them with "
                          f"get_remainder({path!r}, {queue.block_size}), or say remainder=True", RowsLeftOut, stacklevel=2)
        return queue

    def _queue(self, node: Node, n_procs: int | None, read_ahead: int | None, cyclic: bool, block_size: int | None,
               ordered: bool, field: str | None, remainder: bool) -> Queue:
        size = _block_size(node, block_size, field)
        workers = 4 if n_procs is None else int(n_procs)
        ahead = 2 * workers + 1 if read_ahead is None else int(read_ahead)
        if workers < 1:
            raise ValueError("n_procs must be at least 1")
        if ahead < 1:
            raise RuntimeError("The read_ahead parameter should be a strictly positive number or None.")
        stream = {"ordered": bool(ordered), "cyclic": bool(cyclic), "workers": workers, "read_ahead": ahead}
        request = self._source.request(node.path, fields=None if field is None else [field], stream=stream,
                                       options={"layout": "rows"})
        return Queue(open_blocks(self._source.connection, request, single=field is not None, rows=size,
                                 remainder=remainder), size, few=not cyclic and -(-node.rows // size) <= ahead)

    def get_generator(self, path: str, n_procs: int | None = None, read_ahead: int | None = None, cyclic: bool = False,
                      block_size: int | None = None, ordered: bool = False, field: str | None = None,
                      remainder: bool = True) -> RowGenerator:
        """The rows one by one, to keep and change; parameters as in `get_queue`. The stream starts with the first row
        asked for."""
        return RowGenerator(_arrays(lambda: self._queue(self._node(path), n_procs, read_ahead, cyclic, block_size, ordered, field,
                                                        remainder)), endless=bool(cyclic))


def _block_size(node: Node, block_size: int | None, field: str | None) -> int:
    if field is not None:
        node.column(field)
    if block_size is None:
        return node.block_rows(field)
    if block_size < 1:
        raise ValueError(f"block_size must be at least 1, not {block_size}")
    return min(int(block_size), node.rows)


def _arrays(start: Any) -> Iterator[np.ndarray]:
    """The blocks of a queue as arrays of their own."""
    queue = start()
    try:
        for guard in queue.iter():
            block = guard._take()
            if not queue._blocks.lasting:
                block = copied(block)
            guard._free()
            yield block
    finally:
        queue.close()
