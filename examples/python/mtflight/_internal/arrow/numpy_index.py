"""NumPy's indexes: what to read for one, and what to take out of that.

An index of an array becomes a request for a block, which has all axes of the array and all that the index picks, and an
index of that block, of the same form, so that NumPy itself decides where axes go and in which order elements come.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from ..errors import InvalidIndexError
from ..transport.client import Members
from ..transport.encoding import TICKET_ROWS, as_int64


@dataclass(frozen=True)
class Plan:
    """`members` of the request for a block, whose shape (without axes of the elements' type) is `shape`, and the `key` into
    it. Of an empty block nothing need be read."""

    members: Members
    shape: tuple[int, ...]
    key: tuple[Any, ...]

    def pick(self, block: np.ndarray[Any, Any]) -> Any:
        """What the index picks, of the block that was read."""
        key = self.key if block.ndim == len(self.shape) else tuple(k for k in self.key if k is not Ellipsis)
        return block[key]


@dataclass
class _Axis:
    """What an index picks of one axis. `taken` is what is read of it: a range, or sorted places; `key` picks out of that,
    `whole` out of all of the axis."""

    size: int
    taken: range | np.ndarray
    key: Any
    whole: Any

    def all(self) -> None:
        """Has all of the axis read."""
        self.taken, self.key = range(self.size), self.whole

    def bound(self) -> None:
        """Has the span of the places read instead of a list of them."""
        first = int(self.taken[0])
        self.taken, self.key = range(first, int(self.taken[-1]) + 1), self.whole - first

    @property
    def is_list(self) -> bool:
        return isinstance(self.taken, np.ndarray)

    @property
    def text(self) -> str:
        """As a part of `select`."""
        if isinstance(self.taken, range):
            return f"{self.taken.start}:{self.taken.stop}:{self.taken.step}"
        return str(self.taken.tolist())


@dataclass
class _Index:
    """An index that is being read: its axes, and what is between them in the key: None, or an ellipsis for no axis, by
    which NumPy parts arrays of places, and makes arrays of single elements."""

    axes: list[_Axis] = field(default_factory=list)
    order: list[Any] = field(default_factory=list)

    def add(self, axis: _Axis) -> None:
        self.axes.append(axis)
        self.order.append(axis)


def plan(key: Any, shape: tuple[int, ...], *, inner: bool = True) -> Plan:
    """How to read what an index picks of an array; without `inner` the server is asked for whole rows. IndexError of an
    index that is outside, InvalidIndexError of one that is none, ValueError of a step of 0, as NumPy has them."""
    axes, order = _parse(key, shape)
    if all(len(a.taken) for a in axes):
        members = _members(axes, inner)
    else:
        members = {}
    return Plan(members, tuple(len(a.taken) for a in axes), tuple(a.key if isinstance(a, _Axis) else a for a in order))


def _parse(key: Any, shape: tuple[int, ...]) -> tuple[list[_Axis], list[Any]]:
    index = _Index()
    for part in _expanded(key, len(shape)):
        at = len(index.axes)
        if part is None or part is Ellipsis:
            index.order.append(part)
        elif isinstance(part, slice):
            index.add(_slice(part, shape[at]))
        elif isinstance(part, np.ndarray) and part.dtype.kind == "b":
            _check_mask(part, shape, at)
            for places, size in zip(part.nonzero(), shape[at:]):
                index.add(_places(places, size))
        elif isinstance(part, np.ndarray):
            index.add(_places(_inside(part, shape[at], at), shape[at]))
        else:
            row = int(_inside(np.array(part), shape[at], at))
            index.add(_Axis(shape[at], range(row, row + 1), 0, row))
    return index.axes, index.order


def _expanded(key: Any, axes: int) -> list[Any]:
    """The parts of an index, for as many axes as there are."""
    given = parts(key)
    ellipses = sum(p is Ellipsis for p in given)
    if ellipses > 1:
        raise InvalidIndexError("an index can only have a single ellipsis ('...')")
    taken = sum(p.ndim if isinstance(p, np.ndarray) and p.dtype.kind == "b" else p is not None and p is not Ellipsis for p in given)
    if taken > axes:
        raise InvalidIndexError(f"too many indices: the array has {axes} axes, but {taken} were indexed")
    rest: list[Any] = [slice(None)] * (axes - taken)
    if not ellipses:
        return given + rest
    at = next(i for i, p in enumerate(given) if p is Ellipsis)
    return [*given[:at], *(rest or [Ellipsis]), *given[at + 1:]]


def parts(key: Any) -> list[Any]:
    """The parts of an index as NumPy's: integers, slices, arrays of integers or booleans, None and ellipses.
    InvalidIndexError of others."""
    return [_part(k) for k in (key if isinstance(key, tuple) else (key,))]


def _part(part: Any) -> Any:
    if part is None or part is Ellipsis:
        return part
    if isinstance(part, slice):
        return slice(*(None if n is None else _integer(n, part) for n in (part.start, part.stop, part.step)))
    if isinstance(part, (list, range)) or hasattr(part, "__array__"):
        array = np.asarray(part)
        if array.size == 0 and not isinstance(part, np.ndarray):
            array = array.astype(np.intp)
        if array.dtype.kind in "iu" or (array.dtype.kind == "b" and array.ndim):
            return array if array.ndim else int(array)
        if array.dtype == object and _holds_integers(array):
            raise IndexError(f"an index of {max(array.flat, key=abs)} is out of bounds")
        _refuse(part, f", not {array.dtype} of shape {array.shape}")
    return _integer(part, part)


def _integer(value: Any, part: Any) -> int:
    if isinstance(value, (bool, np.bool_)):
        _refuse(part)
    try:
        return operator.index(value)
    except TypeError:
        _refuse(part)


def _holds_integers(array: np.ndarray) -> bool:
    """Whether an array of objects is one of integers over 64 bits."""
    return array.size > 0 and all(isinstance(v, int) for v in array.flat)


def _refuse(part: Any, of: str = "") -> NoReturn:
    shown = repr(part) if len(repr(part)) < 60 else type(part).__name__
    raise InvalidIndexError(f"{shown} is no index: give integers, slices, `...`, None, and lists or arrays of integers or booleans{of}")


def _slice(part: slice, size: int) -> _Axis:
    picked = range(*part.indices(size))
    if not picked:
        return _Axis(size, range(0), slice(None), part)
    forward = picked if picked.step > 0 else picked[::-1]
    taken = range(forward[0], forward[-1] + 1, forward.step)
    return _Axis(size, taken, slice(None, None, 1 if picked.step > 0 else -1), part)


def _places(places: np.ndarray, size: int) -> _Axis:
    """An axis of which an array of places, all inside, is picked."""
    once, back = np.unique(places, return_inverse=True)
    back = back.reshape(places.shape)
    if len(once) and once[-1] - once[0] + 1 == len(once):
        return _Axis(size, range(int(once[0]), int(once[-1]) + 1), back, places)
    return _Axis(size, once if len(once) else range(0), back, places)


def _inside(places: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Places from the start of an axis. IndexError of one outside of it."""
    if places.dtype == object:
        raise IndexError(f"index {places} is out of bounds for axis {axis} with size {size}")
    places = as_int64(places)
    outside = (places < -size) | (places >= size)
    if outside.any():
        raise IndexError(f"index {places[outside].flat[0]} is out of bounds for axis {axis} with size {size}")
    return np.where(places < 0, places + size, places)


def _check_mask(mask: np.ndarray, shape: tuple[int, ...], at: int) -> None:
    for axis, (got, size) in enumerate(zip(mask.shape, shape[at:]), at):
        if got != size:
            raise IndexError(f"the mask does not fit the array along axis {axis}: it has {got} booleans, the axis {size} places")


def _members(axes: list[_Axis], inner: bool) -> Members:
    """The request for a block. A list is asked for along one axis; of others the span of their places, and all of them where
    a ticket cannot say which."""
    if not axes:
        return {}
    first, *others = axes
    _keep_one_list(axes)
    if not inner or (first.is_list and len(first.taken) > TICKET_ROWS):
        for axis in others:
            axis.all()
    if all(a.taken == range(a.size) for a in others if not a.is_list) and not any(a.is_list for a in others):
        return _row_members(first)
    return {"select": ", ".join(a.text for a in axes)}


def _keep_one_list(axes: list[_Axis]) -> None:
    """Leaves the list that saves most, as far as a ticket can hold it."""
    lists = sorted((a for a in axes if a.is_list), key=lambda a: len(a.taken) / (int(a.taken[-1]) - int(a.taken[0]) + 1))
    for axis in lists:
        if axis is not lists[0] or (axis is not axes[0] and len(axis.taken) > TICKET_ROWS):
            axis.bound()


def _row_members(rows: _Axis) -> Members:
    if isinstance(rows.taken, range):
        return {} if rows.taken == range(rows.size) else {"start": rows.taken.start, "stop": rows.taken.stop, "step": rows.taken.step}
    return {"coordinates": rows.taken.tolist() if len(rows.taken) <= TICKET_ROWS else rows.taken}


def counts_from_start(rows: slice) -> bool:
    """Whether a slice's rows follow without the number of all rows."""
    return rows.stop is not None and min(rows.stop, rows.start or 0, (rows.step or 1) - 1) >= 0
