"""torch's DataLoader over a dataset of ours: spawned workers that stay, an epoch each time, and a state for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .shares import Epochs, Progress, Range
from .torch_dataset import IterableDataset, _Base, _worker

_OF_THE_DATASET = ("batch_size", "shuffle", "drop_last", "sampler", "batch_sampler")


_GROUP = 1 << 20  # bytes that a worker hands over at a time: handing over a tensor costs about as much as filling 100 KiB


class _Numbered(_Base):
    """Gives out batches with their numbers, by which `Loader` knows what came."""

    def __init__(self, dataset: IterableDataset, progress: Progress, group_bytes: int):
        self._dataset, self._restored, self._group_bytes = dataset, progress, group_bytes

    def __iter__(self) -> Iterator[tuple[Range, int, Any]]:
        worker, workers = _worker()
        progress, epoch = self._restored, int(self._dataset._epoch)
        if progress.epoch != epoch:  # the first is over, and the worker stays
            progress = Progress(epoch, workers)
        self._restored = Progress(-1)
        return self._dataset._numbered(progress, worker, self._group_bytes)


class _Collate:
    """What the program makes of a batch, in the worker."""

    def __init__(self, function: Callable[[Any], Any] | None):
        self._function = function

    def __call__(self, item: tuple[Range, int, Any]) -> tuple[Range, int, Any]:
        numbers, total, batch = item
        return numbers, total, batch if self._function is None else self._function(batch)


def _rows(value: Any, start: int, stop: int) -> Any:
    """Some rows of tensors in tuples and dicts."""
    if isinstance(value, dict):
        return {name: _rows(v, start, stop) for name, v in value.items()}
    return tuple(_rows(v, start, stop) for v in value) if isinstance(value, (tuple, list)) else value[start:stop]


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
        self._parts, self._size = max(1, num_workers), dataset._rank.batch_size
        self._group_bytes = _GROUP if num_workers and options.get("collate_fn") is None else 1
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
            self._loader = torch.utils.data.DataLoader(_Numbered(self.dataset, progress, self._group_bytes), **self._options)
        for (first, last), total, batches in self._loader:
            for number in range(first, last):
                progress.taken(number, total, number + 1 == last)
                yield batches if last - first == 1 else _rows(batches, (number - first) * self._size, (number + 1 - first) * self._size)

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
