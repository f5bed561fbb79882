"""Random access: requests answered in the background, by several threads."""

from __future__ import annotations

import functools
import os
import queue
import threading
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from ..array_protocol import NoSequence
from ..arrow.table import Table
from ..datasets.node import Node, open_node
from ..datasets.operation import OpBase
from ..datasets.proxies import TableDataset, proxy
from ..signals import QueueClosed, QueueClosedException
from ..stage import AnyStage, Stage
from ..transport.shutdown import stop_at_exit
from ..transport.source import Source
from ..transport.traces import carried
from .request import Request


class Reader(NoSequence):
    """Reads parts of an HDF5 file. All methods may be called by many threads at once."""

    _instead = "get_dataset(path) is a dataset of its file"

    def __init__(self, filename: str | os.PathLike[str], n_procs: int = 4, notify: Callable[[Any], Any] | None = None,
                 **kw_args: Any):
        """`filename`: a file, many as one by a pattern (runs/*.h5), or a location (see `mtflight`), with the options of `mtflight.connect`. `n_procs`: how many requests are answered at a time.
        `notify`: called in another thread with each request that is answered, and with QueueClosed at the end."""
        self._recipe = functools.partial(Reader, filename, n_procs, notify, **kw_args)
        if n_procs < 1:
            raise ValueError("n_procs must be at least 1")
        self._core = _Core(Source(filename, **kw_args), n_procs, notify)

    def get_dataset(self, path: str) -> TableDataset | Any:
        """A proxy of a dataset, to index and give to `request`: TableDataset, ArrayDataset or VLArrayDataset, which only the
        file tells. FileNotFoundError or NoSuchNodeError if it is not there, RuntimeError if it is no array or table."""
        node = self._core.node(self._core.source.path(path))
        return proxy(self, node)

    def request(self, key: OpBase, stage: AnyStage) -> Request:
        """Queues an operation on a dataset; its result goes into the stage, or one of the pool once one is free.
        RuntimeError if the reader is closed, or the stage closed or in use. Errors of reading come with the result."""
        return self._core.request(key, stage)

    def _apply(self, op: OpBase) -> np.ndarray:
        """The result of an operation, read by this thread. RuntimeError if the reader is closed."""
        return self._core.apply(op)

    def _table(self, path: str) -> Table:
        """A dataset to read as Arrow. RuntimeError if the reader is closed."""
        return self._core.table(path)

    def close(self, wait: bool = False) -> None:
        """Takes no more requests; those that are queued are answered. With `wait` returns when all of them are."""
        self._core.close(wait)

    def stop(self) -> None:
        """Ends at once: requests that wait raise QueueClosedException."""
        self._core.stop()

    def __reduce__(self) -> Any:
        """Pickled as what it was made of: another Reader of the same file."""
        return self._recipe, ()

    def __del__(self) -> None:
        if hasattr(self, "_core"):
            self._core.stop()


class _Core:
    """What the threads share; it outlives no Reader, as a Reader's end stops it."""

    def __init__(self, source: Source, workers: int, notify: Callable[[Any], Any] | None):
        self.source = source
        self._notify = notify
        self._notifying = threading.Lock()
        self._nodes: dict[str, Node] = {}
        self._queue: queue.SimpleQueue[tuple[Callable[..., None], OpBase, Request, Stage] | None] = queue.SimpleQueue()
        self._state = threading.Lock()
        self._open: set[Request] = set()
        self._closed = self._stopped = False
        self._running = workers
        self._threads = [threading.Thread(target=self._work, name=f"mtflight-reader-{i}", daemon=True) for i in range(workers)]
        stop_at_exit(self)
        for t in self._threads:
            t.start()

    def node(self, path: str) -> Node:
        """What a dataset is; asked once."""
        found = self._nodes.get(path)
        if found is None:
            found = self._nodes[path] = open_node(self.source, path)
        return found

    def request(self, op: OpBase, stage: AnyStage) -> Request:
        self._check_open()
        owner, held = stage._acquire()
        request = Request(op, owner)
        try:
            with self._state:
                self._check_open()
                self._open.add(request)
                self._queue.put((carried(self._answer), op, request, held))
        except RuntimeError:
            with owner._release():
                raise
        return request

    def apply(self, op: OpBase) -> np.ndarray:
        self._check_open()
        return op.apply(self.source, self.node(op._path))

    def table(self, path: str) -> Table:
        self._check_open()
        return Table(self.source.client, self.source.request(path)["file"], path)

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("Attempt to request data from a closed reader.")

    def close(self, wait: bool) -> None:
        with self._state:
            if not self._closed:
                self._closed = True
                for _ in self._threads:
                    self._queue.put(None)
        if wait:
            for t in self._threads:
                if t is not threading.current_thread():
                    t.join()

    def stop(self) -> None:
        self.close(wait=False)
        with self._state:
            self._stopped = True
            pending, self._open = self._open, set()
        for request in pending:
            request._notify(None, QueueClosedException("This reader has been closed."))

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            answer, op, request, stage = job
            if not self._stopped:
                answer(op, request, stage)
            del job, answer, op, request, stage  # nothing is held while waiting
        with self._state:
            self._running -= 1
            last = self._running == 0
        if last:
            self._call_notify(QueueClosed)

    def _answer(self, op: OpBase, request: Request, stage: Stage) -> None:
        try:
            result = stage.put(op.apply(self.source, self.node(op._path), stage.memory()))
            request._notify(result)
        except Exception as e:  # noqa: BLE001, raised where the result is asked for
            request._notify(None, e)
        with self._state:
            self._open.discard(request)
        self._call_notify(request)

    def _call_notify(self, answered: Any) -> None:
        if self._notify is None:
            return
        with self._notifying:
            try:
                self._notify(answered)
            except Exception:  # noqa: BLE001, the program's own; the requests of others go on
                traceback.print_exc()
