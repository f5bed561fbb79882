"""What an index picks of one axis."""

from __future__ import annotations

from typing import Any, Union

import numpy as np
import numpy.typing as npt

Places = Union[range, npt.NDArray[np.int64]]
"""Places along an axis, in their order: not negative, and inside it."""


def places(key: Any, n: int) -> Places:
    """The places that an index picks of n: slices, integers (which keep their axis), lists, arrays and masks of NumPy's or pandas'.
    IndexError of what is outside."""
    if isinstance(key, slice):
        return range(n)[key]
    picked = np.asarray(key)
    if picked.dtype == bool:
        if picked.shape != (n,):
            raise IndexError(f"a mask of shape {picked.shape} for {n} places")
        return _plain(np.flatnonzero(picked))
    if picked.size == 0:
        return range(0)
    if picked.ndim > 1 or not np.issubdtype(picked.dtype, np.integer):
        raise IndexError(f"an axis takes slices, integers, lists of them and masks, not {key!r}")
    picked = np.atleast_1d(picked).astype(np.int64)
    if picked.min() < -n or picked.max() >= n:
        raise IndexError(f"place {int(picked.min() if picked.min() < -n else picked.max())} is outside the {n}")
    return _plain(np.where(picked < 0, picked + n, picked))


def _plain(picked: npt.NDArray[np.int64]) -> Places:
    """A range where it is one of step 1."""
    if len(picked) and picked[-1] - picked[0] == len(picked) - 1 and (np.diff(picked) == 1).all():
        return range(int(picked[0]), int(picked[-1]) + 1)
    return picked if len(picked) else range(0)


def of(chosen: Places, then: Places) -> Places:
    """Those places of the chosen ones."""
    if isinstance(chosen, range) and isinstance(then, range) and len(then):
        return chosen[as_slice(then)]
    return _plain(np.asarray(chosen, dtype=np.int64)[np.asarray(then, dtype=np.int64)])


def as_slice(chosen: range) -> slice:
    """The slice that picks the places of a range."""
    return slice(chosen.start, chosen.stop if chosen.stop >= 0 else None, chosen.step)


def members(chosen: Places) -> dict[str, Any]:
    """Those places as members of a request for rows."""
    if not len(chosen):
        return {"start": 0, "stop": 0}
    if isinstance(chosen, range):
        rows = as_slice(chosen)
        return {"start": rows.start, "stop": rows.stop, "step": rows.step}
    return {"coordinates": chosen}


def is_all(chosen: Places, n: int) -> bool:
    return chosen == range(n) if isinstance(chosen, range) else False
