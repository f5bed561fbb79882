"""Batches of NumPy arrays, for JAX and whatever takes those."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..array_protocol import NoSequence
from ..arrow.table import Columns, Table
from .arrays import Piece, cut
from ..transport.credentials import taken
from .feed import Feed, Recipe
from .shares import Epochs, Range, Share, Uneven, grouped

_log = logging.getLogger("mtflight")


class Rank:
    """What one rank reads. It opens its datasets when it is asked for the first time."""

    def __init__(self, recipe: Recipe, several: bool, batch_size: int, world: tuple[int, int], uneven: str, drop_last: bool):
        self.recipe, self.several, self.batch_size, self.world = recipe, several, batch_size, world
        self.uneven, self.drop_last = uneven, drop_last
        self._feed: Feed | None = None
        if batch_size < 1:
            raise ValueError(f"a batch has at least 1 row, not {batch_size}")
        if uneven not in ("drop", "pad", "keep"):
            raise ValueError(f'uneven={uneven!r} is none of "drop", "pad" and "keep"')
        if not 0 <= world[0] < world[1]:
            raise ValueError(f"rank {world[0]} is none of 0 to {world[1] - 1}")

    def _opened(self) -> Feed:
        if self._feed is None:
            self._feed = self.recipe.open()
        return self._feed

    @property
    def share(self) -> Share:
        """Its batches."""
        return Share(self._opened().rows, self.batch_size, *self.world, self.uneven, self.drop_last)

    def tell_of_rows_left_out(self) -> None:
        """Logs how many rows no rank has."""
        share = self.share
        if share.left_out:
            _log.warning("%d of %d rows are left out of each epoch, so that %d ranks have as many each: uneven=\"pad\" repeats some "
                         "instead, \"keep\" has ranks end apart", share.left_out, share.rows, share.world_size)

    def read(self, epoch: int, ranges: Iterable[Range], group: int = 1) -> Iterator[tuple[Range, Piece]]:
        """Batches of an epoch with their numbers; up to `group` that follow each other come in one piece."""
        feed, share = self._opened(), self.share
        for batches in ranges:
            pieces = (piece for a, z in share.places(batches) for piece in feed.pieces(epoch, a, z))
            sizes = ((z - a) * self.batch_size for a, z in grouped(batches, group))
            yield from zip(grouped(batches, group), cut(pieces, sizes))

    def group(self, size: int) -> int:
        """How many batches take about so many bytes."""
        return max(1, size // (self.batch_size * self._opened().row_bytes))

    @property
    def identity(self) -> dict[str, Any]:
        """What a state must be of to be restored."""
        return {"batch_size": self.batch_size, "seed": self.recipe.seed, "rank": self.world[0], "world_size": self.world[1],
                "uneven": self.uneven, "drop_last": self.drop_last, "block_rows": self.recipe.block_rows}

    def check_state(self, state: dict[str, Any]) -> None:
        """ValueError of a state of other batches."""
        other = [name for name, value in self.identity.items() if state["of"][name] != value]
        if other:
            raise ValueError(f"the state is of {other[0]}={state['of'][other[0]]!r}, and this has {self.identity[other[0]]!r}")


def rank_of(given: dict[str, Any]) -> Rank:
    """A rank, of the arguments by name that `Batches` and torch's dataset have alike. TypeError, ValueError of what cannot be."""
    dataset = given["dataset"]
    several = not (dataset is None or isinstance(dataset, str))
    if several and (given["columns"] is not None or given["where"] is not None):
        raise TypeError("columns= and where= are of one dataset: give them with one, or none of them with several")
    members = {name: given[name] for name in ("columns", "where") if given[name] is not None}
    login, further = taken(given["members"])
    recipe = Recipe(given["source"], tuple(dataset) if several else (dataset,), given["location"], login, {**members, **further},
                    given["seed"] if given["shuffle"] else None, given["block_rows"], given["retries"])
    return Rank(recipe, several, given["batch_size"], (given["rank"], given["world_size"]), given["uneven"], given["drop_last"])


def for_children(given: dict[str, Any]) -> dict[str, Any]:
    """The same arguments for processes that this one starts."""
    recipe = rank_of(given).recipe.shared()
    return {**given, "source": recipe.source, "location": recipe.location}


class Batches(NoSequence):
    """An iterable of an epoch's batches; each loop over it is the next epoch.

    A batch of an array is an array of (rows, *inner axes), that of a table a dict of them by column, of several datasets a tuple
    of those. They belong to the caller, and may be written to.
    """

    _instead = "loop over it, each time is an epoch"

    def __init__(self, source: Table | str | os.PathLike[str], dataset: str | Sequence[str] | None = None, columns: Columns | None = None,
                 where: str | None = None, *, batch_size: int, shuffle: bool = False, seed: int = 0, block_rows: int | None = None,
                 rank: int = 0, world_size: int = 1, uneven: Uneven = "drop", drop_last: bool = False, location: str | None = None,
                 retries: int = 3, **members: Any):
        """`source` is a Table, or a file or location with the `dataset` in it, or several of as many rows. Nothing is opened before the first
        batch (or `len`). `columns`, `where` and further members are those of a Table's reading methods; the options of `connect` are taken too, and pickled as they are given.

        shuffle: the blocks of each epoch in an order of `seed` and the epoch, and the rows in each block too. block_rows: rows of a block, whole
        chunks near 3.5 MiB if None; smaller ones mix better and are read slower. world_size: how many ranks share an epoch, of which this is
        `rank`. uneven: where rows do not suffice for as many in each rank, "drop" leaves some out (how many is logged), "pad" repeats some, and "keep"
        gives some ranks one more. drop_last: no batch with fewer rows than batch_size.
        """
        self._given = {"source": source, "dataset": dataset, "columns": columns, "where": where, "batch_size": batch_size, "shuffle": shuffle,
                       "seed": seed, "block_rows": block_rows, "rank": rank, "world_size": world_size, "uneven": uneven, "drop_last": drop_last,
                       "location": location, "retries": retries, "members": members}
        self.__setstate__({"given": self._given, "epochs": None})

    def __getstate__(self) -> dict[str, Any]:
        """Pickled as what it was made of, and where it is."""
        return {"given": self._given, "epochs": self._epochs.state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._given, self._epochs, self._told = state["given"], Epochs(), False
        self._rank = rank_of(self._given)
        if state["epochs"] is not None:
            self._epochs.restore(state["epochs"])

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self._rank.share.batches

    def __iter__(self) -> Iterator[Any]:
        """The next epoch, or what is left of one that was restored."""
        if not self._told:
            self._rank.tell_of_rows_left_out()
            self._told = True
        progress, total = self._epochs.begin(), len(self)
        for (number, _), batch in self._rank.read(progress.epoch, progress.of(0, total)):
            progress.taken(number, total)
            yield tuple(batch) if self._rank.several else batch[0]

    def set_epoch(self, epoch: int) -> None:
        """Has the next loop be that epoch."""
        self._epochs.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """Where the loop is, as plain values: the batch that was given out last counts as used."""
        return {**self._epochs.state(), "of": self._rank.identity}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Has the next loop go on where `state_dict` was called. ValueError of a state of other batches."""
        self._rank.check_state(state)
        self._epochs.restore(state)
