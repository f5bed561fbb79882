"""torch's DataLoader over a dataset of ours: spawned workers that stay, an epoch each time, and a state for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .shares import Epochs, Progress
from .torch_dataset import IterableDataset, _Base, _worker

_OF_THE_DATASET = ("batch_size", "shuffle", "drop_last", "sampler", "batch_sampler")


class _Numbered(_Base):
    """Gives out batches with their numbers, by which `Loader` knows what came."""

    def __init__(self, dataset: IterableDataset, progress: Progress):
        self._dataset, self._restored = dataset, progress

    def __iter__(self) -> Iterator[tuple[int, int, Any]]:
        worker, workers = _worker()
        progress, epoch = self._restored, int(self._dataset._epoch)
        if progress.epoch != epoch:  # the first is over, and the worker stays
            progress = Progress(epoch, workers)
        self._restored = Progress(-1)
        return self._dataset._numbered(progress, worker)


class _Collate:
    """What the program makes of a batch, in the worker."""

    def __init__(self, function: Callable[[Any], Any] | None):
        self._function = function

    def __call__(self, item: tuple[int, int, Any]) -> tuple[int, int, Any]:
        number, total, batch = item
        return number, total, batch if self._function is None else self._function(batch)


class Loader:
    """An iterable of an epoch's batches; each loop over it is the next epoch. One loop at a time."""

    __module__ = "mtflight.torch"

    def __init__(self, dataset: IterableDataset, num_workers: int, options: dict[str, Any]):
        """`options` are DataLoader's."""
        taken = [name for name in _OF_THE_DATASET if name in options]
        if taken:
            raise TypeError(f"{taken[0]}= is the dataset's: IterableDataset(.., batch_size=, shuffle=, drop_last=) makes the batches")
        self.dataset = dataset._for_children() if num_workers else dataset
        self._options = {"num_workers": num_workers, **options, "batch_size": None, "collate_fn": _Collate(options.get("collate_fn"))}
        if num_workers:
            self._options = {"multiprocessing_context": "spawn", "persistent_workers": True, **self._options}
        self._parts = max(1, num_workers)
        self._epochs = Epochs()
        self._loader: Any = None

    def __len__(self) -> int:
        """The rank's batches in an epoch."""
        return len(self.dataset)

    def __iter__(self) -> Iterator[Any]:
        """The next epoch, or what is left of one that was restored."""
        progress = self._epochs.begin(self._parts)
        self.dataset.set_epoch(progress.epoch)
        if self._loader is None:
            import torch.utils.data
            self._loader = torch.utils.data.DataLoader(_Numbered(self.dataset, progress), **self._options)
        for number, total, batch in self._loader:
            progress.taken(number, total)
            yield batch

    def set_epoch(self, epoch: int) -> None:
        """Has the next loop be that epoch."""
        self._epochs.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """Where the loop is, as plain values: the batch that was given out last counts as used, those that workers have ready do not."""
        self.dataset._ask_torch()
        return {**self._epochs.state(), "of": self.dataset._rank.identity}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Has the next loop go on where `state_dict` was called, also with another number of workers. ValueError of a state of other
        batches."""
        self.dataset._ask_torch()
        self.dataset._rank.check_state(state)
        self._epochs.restore(state)
        self._loader = None  # workers that stay would not know


def loader(dataset: IterableDataset, num_workers: int = 0, **options: Any) -> Loader:
    """A DataLoader of the dataset's batches, whose workers are spawned (gRPC does not survive torch's fork) and stay for all epochs.
    `options` are torch's; collate_fn is given each batch, in the worker."""
    return Loader(dataset, num_workers, options)


loader.__module__ = Loader.__module__
