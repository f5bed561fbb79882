"""Sequential access: the rows of a dataset in blocks, read ahead by the server."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np

from ..array_protocol import NoSequence
from ..datasets.node import Node, open_node
from ..notices import warn
from ..transport.source import Source
from .blocks import open_blocks
from .queue import Queue as BlockQueue
from .queue import RowGenerator, arrays


class RowsLeftOut(UserWarning):
    """The rows past the last whole block are in no block of a queue, whose block size the program has not chosen."""


class Streamer(NoSequence):
    """Streams datasets of an HDF5 file. All methods may be called by many threads at once."""

    _instead = "get_generator(path) gives rows, get_queue(path) blocks"

    Queue: TypeAlias = BlockQueue

    def __init__(self, filename: str | os.PathLike[str], **kw_args: Any):
        """`filename`: a file, many as one by a pattern (runs/*.h5), or a location (see `mtflight`), with the options of `mtflight.connect`."""
        self._source = Source(filename, **kw_args)

    def __getstate__(self) -> dict[str, Any]:
        """Pickled with what its source was made of: the copy connects by itself."""
        return {**vars(self), "_source": self._source.arguments}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _source=Source(*state["_source"]))

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
                  remainder: bool = False) -> BlockQueue:
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
            warn(f"the last {left} of the {node.rows} rows of {path} are in no block: take them with "
                 f"get_remainder({path!r}, {queue.block_size}), or say remainder=True", RowsLeftOut)
        return queue

    def _queue(self, node: Node, n_procs: int | None, read_ahead: int | None, cyclic: bool, block_size: int | None,
               ordered: bool, field: str | None, remainder: bool) -> BlockQueue:
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
        blocks = open_blocks(self._source.client, request, single=field is not None, rows=size, remainder=remainder)
        return BlockQueue(blocks, size, holds_all=not cyclic and -(-node.rows // size) <= ahead)

    def get_generator(self, path: str, n_procs: int | None = None, read_ahead: int | None = None, cyclic: bool = False,
                      block_size: int | None = None, ordered: bool = False, field: str | None = None,
                      remainder: bool = True) -> RowGenerator:
        """The rows one by one, to keep and change; parameters as in `get_queue`. The stream starts with the first row
        asked for."""
        return RowGenerator(arrays(lambda: self._queue(self._node(path), n_procs, read_ahead, cyclic, block_size, ordered, field,
                                                       remainder)), endless=bool(cyclic))


def _block_size(node: Node, block_size: int | None, field: str | None) -> int:
    if field is not None:
        node.column(field)
    if block_size is None:
        return node.block_rows(field)
    if block_size < 1:
        raise ValueError(f"block_size must be at least 1, not {block_size}")
    return min(int(block_size), node.rows)
