"""Memory that results of requests are put into, one at a time."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Protocol, Union

import numpy as np

from .array_protocol import NoSequence
from .errors import too_small

AnyStage = Union["Stage", "StagePool", "PooledStage"]


class Stage(NoSequence):
    """Room for one result of up to `size_nbytes` bytes at a time, reused by the next request."""

    _instead = "it is room for a result, reader.request(.., stage).get() reads one"

    def __init__(self, size_nbytes: int):
        """Memory is only taken once it is written to. ValueError of a negative size."""
        if size_nbytes < 0:
            raise ValueError(f"a stage of {size_nbytes} bytes cannot be")
        self.size_nbytes = int(size_nbytes)
        self._memory: np.ndarray | None = np.empty(self.size_nbytes, np.uint8)
        self._lock = threading.Lock()

    def _acquire(self) -> tuple[Any, Stage]:
        """The object to release later, and the stage with the memory. RuntimeError if it is closed or in use."""
        if self._memory is None:
            raise RuntimeError("Stage has already been closed.")
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("Stage already fielding another request.")
        return self, self

    @contextlib.contextmanager
    def _release(self) -> Iterator[None]:
        """The stage takes the next request when this ends."""
        try:
            yield
        finally:
            self._lock.release()

    def memory(self) -> np.ndarray:
        """The bytes, while the stage is open."""
        if self._memory is None:
            raise RuntimeError("Stage has already been closed.")
        return self._memory

    def put(self, result: np.ndarray) -> np.ndarray:
        """The result as it lies in the stage; copied there unless it is there. SharedMemoryError if it does not fit."""
        memory = self.memory()
        if result.dtype.hasobject:
            needed = sum(np.asarray(v).nbytes for v in result.reshape(-1))
            if needed > memory.nbytes:
                raise too_small(memory.nbytes, needed)
            return result  # rows of different lengths and Python's strings lie where Python keeps them
        if result.nbytes > memory.nbytes:
            raise too_small(memory.nbytes, result.nbytes)
        if result.nbytes == 0 or np.may_share_memory(result, memory):
            return result
        placed = memory[:result.nbytes].view(result.dtype).reshape(result.shape)
        placed[...] = result
        return placed

    def close(self) -> None:
        """Lets go of the memory; arrays that still refer to it keep it."""
        self._memory = None


class PooledStage:
    """A stage that goes back to its pool when it is released."""

    def __init__(self, stage: Stage, pool: StagePool):
        self._stage, self._pool = stage, pool

    def _acquire(self) -> tuple[Any, Stage]:
        return self, self._stage._acquire()[1]

    @contextlib.contextmanager
    def _release(self) -> Iterator[None]:
        try:
            with self._stage._release():
                yield
        finally:
            self._pool._return(self)


class _MakesStages(Protocol):
    """A dataset, which knows the size of its elements."""

    def create_stage(self, shape: Any) -> Stage: ...


class StagePool(NoSequence):
    """Several stages that take turns. A request waits for one that is free."""

    _instead = Stage._instead

    def __init__(self, dataset: _MakesStages, stage_size: Any, N_stages: int, timeout: float | None = None):  # noqa: N803
        """Stages of the shape `stage_size` of the dataset; with `timeout` (seconds) waiting raises queue.Empty."""
        if N_stages < 1:
            raise ValueError("a pool needs at least one stage")
        self._free = deque(PooledStage(dataset.create_stage(stage_size), self) for _ in range(N_stages))
        self._changed = threading.Condition()
        self._timeout = timeout

    def _acquire(self) -> tuple[Any, Stage]:
        end = None if self._timeout is None else time.monotonic() + self._timeout
        with self._changed:
            while not self._free:
                if not self._changed.wait(None if end is None else max(0.0, end - time.monotonic())):
                    raise queue.Empty
            stage = self._free.popleft()
        return stage._acquire()

    def _return(self, stage: PooledStage) -> None:
        with self._changed:
            self._free.append(stage)
            self._changed.notify()
