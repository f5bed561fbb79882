"""Which batches of an epoch are whose: arithmetic alone.

An epoch has an order of all rows, the same for everybody. A rank has a run of places in it, cut into batches, which are counted
from 0; a worker of that rank has runs of those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Range = tuple[int, int]  # from the first to before the last
Uneven = Literal["drop", "pad", "keep"]


@dataclass(frozen=True)
class Share:
    """What one rank has of an epoch of `rows` rows."""

    rows: int
    batch_size: int
    rank: int
    world_size: int
    uneven: str
    drop_last: bool

    @property
    def span(self) -> Range:
        """The rank's places. Those from `rows` on begin again at 0."""
        if self.uneven == "keep":
            return self.rows * self.rank // self.world_size, self.rows * (self.rank + 1) // self.world_size
        each = self.rows // self.world_size if self.uneven == "drop" else -(-self.rows // self.world_size)
        return each * self.rank, each * (self.rank + 1)

    @property
    def left_out(self) -> int:
        """Rows that no rank has."""
        return self.rows % self.world_size if self.uneven == "drop" else 0

    @property
    def batches(self) -> int:
        """How many batches the rank has."""
        first, last = self.span
        return (last - first) // self.batch_size if self.drop_last else -(-(last - first) // self.batch_size)

    def places(self, batches: Range) -> Iterator[Range]:
        """The places of these batches, in the epoch."""
        first, last = self.span
        at, end = first + batches[0] * self.batch_size, min(last, first + batches[1] * self.batch_size)
        while at < end:
            place = at % self.rows
            n = min(end - at, self.rows - place)
            yield place, place + n
            at += n


def dealt(ranges: Sequence[Range], parts: int) -> list[list[Range]]:
    """The batches of `ranges` in as many parts, in order, none with two more than another."""
    total = sum(last - first for first, last in ranges)
    return [_between(ranges, total * i // parts, total * (i + 1) // parts) for i in range(parts)]


def _between(ranges: Sequence[Range], lo: int, hi: int) -> list[Range]:
    """The lo-th to the hi-th of all batches of `ranges`."""
    out, before = [], 0
    for first, last in ranges:
        a, z = max(first, first + lo - before), min(last, first + hi - before)
        if a < z:
            out.append((a, z))
        before += last - first
    return out


def grouped(batches: Range, group: int) -> Iterator[Range]:
    """A run of batches, cut behind those whose number is a multiple of `group`."""
    first, last = batches
    while first < last:
        end = min(last, (first // group + 1) * group)
        yield first, end
        first = end


class Progress:
    """The batches of an epoch that have not come yet, of each of the workers, in the order in which those take turns."""

    def __init__(self, epoch: int, workers: int = 1, total: int | None = None, left: list[list[Range]] | None = None):
        """`total` are all of the rank's, and `left` those that have not come; None if that is not known: all."""
        self.epoch, self.workers, self.total, self._left = epoch, workers, total, left

    def of(self, worker: int, total: int) -> list[Range]:
        """A worker's. ValueError if there are other batches than there were."""
        if self.total not in (None, total):
            raise ValueError(f"the state is of an epoch of {self.total} batches, and now there are {total}: the rows are others, or the request is")
        return self._parts(total)[worker]

    def taken(self, batch: int, total: int, turn_over: bool = True) -> None:
        """Notes that a batch came, the last one of its worker's turn or not."""
        self.total, self._left = total, self._parts(total)
        at = next(i for i, part in enumerate(self._left) if part and part[0][0] == batch)
        (first, last), *others = self._left.pop(at)
        self._left.insert(len(self._left) if turn_over else at, [(first + 1, last)] * (first + 1 < last) + others)

    def _parts(self, total: int) -> list[list[Range]]:
        return dealt([(0, total)], self.workers) if self._left is None else self._left

    def for_workers(self, workers: int) -> Progress:
        """The same for another number of workers."""
        if self._left is None or workers == self.workers:
            return Progress(self.epoch, workers, self.total, self._left)
        return Progress(self.epoch, workers, self.total, dealt([r for part in self._left for r in part], workers))

    @property
    def is_over(self) -> bool:
        """Whether all batches have come."""
        return self._left is not None and not any(self._left)

    def state(self) -> dict[str, Any]:
        """As plain values."""
        left = None if self._left is None else [[list(r) for r in part] for part in self._left]
        return {"epoch": self.epoch, "workers": self.workers, "batches": self.total, "left": left}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Progress:
        """What `state` gave."""
        left = state["left"]
        parts = None if left is None else [[(int(a), int(z)) for a, z in part] for part in left]
        return cls(int(state["epoch"]), int(state["workers"]), state["batches"], parts)


class Epochs:
    """The epoch that is going on, and those after it."""

    def __init__(self) -> None:
        self._now: Progress | None = None
        self._next = Progress(0)

    def begin(self, workers: int = 1) -> Progress:
        """Begins the next epoch, or goes on with one that was restored."""
        self._now = self._next.for_workers(workers)
        self._next = Progress(self._now.epoch + 1)
        return self._now

    def set_epoch(self, epoch: int) -> None:
        """Has that epoch begin next."""
        self._now, self._next = None, Progress(epoch)

    def state(self) -> dict[str, Any]:
        """Where the epoch is; after its end, or before any, the begin of the next."""
        return (self._next if self._now is None or self._now.is_over else self._now).state()

    def restore(self, state: dict[str, Any]) -> None:
        """Has what is left begin next."""
        self._now, self._next = None, Progress.restored(state)
