"""Batches of tensors, for torch's DataLoader."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..arrow.table import Columns, Table
from ..needed import needed
from .batches import for_children, rank_of
from .shares import Progress, Range, Uneven
from .tensors import tensors

if TYPE_CHECKING:
    from torch.utils.data import IterableDataset as _Base
else:
    try:
        from torch.utils.data import IterableDataset as _Base
    except ModuleNotFoundError:
        _Base = object


class IterableDataset(_Base):
    """An epoch's batches for ``torch.utils.data.DataLoader(dataset, batch_size=None)``, or better for `loader`.

    A batch of an array is a tensor of (rows, *inner axes), that of a table a dict of them by column (of a nested column a dict again), of
    several datasets a tuple of those. Each worker reads a part of the rank's batches. Nothing is opened before the first batch
    (or `len`), so the workers may be forked before that.
    """

    __module__ = "mtflight.torch"

    def __init__(self, source: Table | str | os.PathLike[str], dataset: str | Sequence[str] | None = None, columns: Columns | None = None,
                 where: str | None = None, *, batch_size: int, shuffle: bool = False, seed: int = 0, block_rows: int | None = None,
                 rank: int | None = None, world_size: int | None = None, uneven: Uneven = "drop", drop_last: bool = False,
                 location: str | None = None, retries: int = 3, **members: Any):
        """As `mtflight.training.Batches`; `rank` and `world_size` are those of torch.distributed where it is initialized, if None."""
        needed("torch", "mtflight.torch")
        import torch
        self._asks_torch = rank is None or world_size is None
        self._given = {"source": source, "dataset": dataset, "columns": columns, "where": where, "batch_size": batch_size, "shuffle": shuffle,
                       "seed": seed, "block_rows": block_rows, "rank": 0 if self._asks_torch else rank, "world_size": 1 if self._asks_torch else world_size,
                       "uneven": uneven, "drop_last": drop_last, "location": location, "retries": retries, "members": members}
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()  # workers that stay see it
        self._begin(None)

    def _begin(self, restored: Progress | None) -> None:
        self._rank = rank_of(self._given)
        self._restored, self._progress = restored, None

    def __getstate__(self) -> dict[str, Any]:
        """Pickled as what it was made of, with its rank: workers do not know of torch.distributed."""
        self._ask_torch()
        restored = None if self._restored is None else self._restored.state()
        return {"given": self._given, "epoch": self._epoch, "restored": restored}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._given, self._epoch, self._asks_torch = state["given"], state["epoch"], False
        self._begin(None if state["restored"] is None else Progress.restored(state["restored"]))

    def _for_children(self) -> IterableDataset:
        """The same for processes that this one starts."""
        out = object.__new__(type(self))
        out._given, out._epoch, out._asks_torch = for_children(self._given), self._epoch, self._asks_torch
        out._begin(None)
        return out

    def _ask_torch(self) -> None:
        import torch.distributed
        if self._asks_torch and torch.distributed.is_available() and torch.distributed.is_initialized():
            self._given.update(rank=torch.distributed.get_rank(), world_size=torch.distributed.get_world_size())
            self._rank.world = self._given["rank"], self._given["world_size"]

    def __len__(self) -> int:
        """The rank's batches in an epoch, of all workers together."""
        self._ask_torch()
        return self._rank.share.batches

    def set_epoch(self, epoch: int) -> None:
        """Has the next loop be that epoch, also in workers that have begun."""
        self._epoch.fill_(epoch)

    def __iter__(self) -> Iterator[Any]:
        """The batches of this worker in the epoch that was set, or what is left of it after `load_state_dict`."""
        worker, workers = _worker()
        progress = self._restored
        if progress is None:
            total = len(self)
            progress = Progress(int(self._epoch), 1, total, [Progress(0, workers).of(worker, total)])
        self._restored, self._progress = None, progress
        return (batch for _, _, batch in self._numbered(progress, 0))

    def _numbered(self, progress: Progress, worker: int, group_bytes: int = 1) -> Iterator[tuple[Range, int, Any]]:
        """A worker's batches with their numbers, and how many the rank has. Some that follow each other come in one, of about so many bytes."""
        total = len(self)
        if _worker()[0] == 0:
            self._rank.tell_of_rows_left_out()
        for numbers, batch in self._rank.read(progress.epoch, progress.of(worker, total), self._rank.group(group_bytes)):
            if progress is self._progress:
                progress.taken(numbers[0], total)
            yield numbers, total, tuple(map(tensors, batch)) if self._rank.several else tensors(batch[0])

    def state_dict(self) -> dict[str, Any]:
        """Where this process's loop is: what torchdata's StatefulDataLoader asks each worker for. `Loader` has one for all workers."""
        progress = self._restored or self._progress or Progress(int(self._epoch))
        return {**progress.state(), "of": self._rank.identity}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Has this process's next loop go on there. ValueError of a state of other batches."""
        self._ask_torch()
        self._rank.check_state(state)
        restored = Progress.restored(state)
        self._epoch.fill_(restored.epoch)
        self._restored = None if state["left"] is None else restored


def _worker() -> tuple[int, int]:
    """Which of how many workers this is."""
    from torch.utils.data import get_worker_info
    info = get_worker_info()
    return (0, 1) if info is None else (info.id, info.num_workers)
