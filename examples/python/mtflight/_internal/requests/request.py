"""Requests that are on their way, and the ways to get at their result."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..array_protocol import NoSequence
from ..resource_wrapper import ResourceWrapper
from ..signals import CreateSubprocessException
from ..transport.rows import copy_array


class Request(NoSequence):
    """A request that a Reader has taken. Its result is got once, by one of the get methods; the stage is free then.

    Each of them waits for the result, and raises a SubprocessException that is also of the type of what went wrong.
    """

    _instead = "its result is, .get() waits for it and returns it"

    def __init__(self, details: Any, stage: Any):
        self._details = details
        self._stage = stage
        self._ready = threading.Event()
        self._taken = threading.Lock()
        self._result: np.ndarray | None = None
        self._exception: Exception | None = None

    def _notify(self, result: np.ndarray | None, exception: Exception | None = None) -> None:
        """Sets the outcome; the first one counts."""
        if not self._ready.is_set():
            self._result, self._exception = result, exception
            self._ready.set()

    @contextlib.contextmanager
    def get_unsafe(self) -> Iterator[np.ndarray]:
        """The result as it lies in the stage. The next request of the stage overwrites it: keep no reference."""
        self._ready.wait()
        if not self._taken.acquire(blocking=False):
            raise RuntimeError("The result was got before, and its stage is released.")
        with self._stage._release():
            if self._exception is not None:
                raise CreateSubprocessException(self._exception)
            result, self._result = self._result, None
            yield result

    def get_direct(self, action: Callable[[np.ndarray], Any]) -> None:
        """Calls `action` with the result as it lies in the stage."""
        with self.get_unsafe() as data:
            action(data)

    @contextlib.contextmanager
    def get_proxy(self) -> Iterator[np.ndarray]:
        """A stand-in for the result, which raises ReleasedResourceError once the with statement has ended."""
        with self.get_unsafe() as data:
            proxy = ResourceWrapper(data)
            del data
            try:
                yield proxy  # type: ignore[misc]
            finally:
                proxy.release()

    def get(self) -> np.ndarray:
        """A copy of the result, to keep and change."""
        with self.get_unsafe() as data:
            return copy_array(data)


class RequestPool(NoSequence):
    """A queue of requests (or anything else). Safe for use by many threads."""

    _instead = ".next() waits for one request and returns it"

    def __init__(self) -> None:
        self._queue: deque[Any] = deque()
        self._changed = threading.Condition()

    def add(self, req: Any) -> None:
        """Adds a request."""
        with self._changed:
            self._queue.append(req)
            self._changed.notify()

    def next(self) -> Any:
        """The request that was added first; waits until there is one."""
        with self._changed:
            while not self._queue:
                self._changed.wait()
            return self._queue.popleft()
