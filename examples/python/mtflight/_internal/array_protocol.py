"""What Python, NumPy and Arrow are told where they take an object for a sequence or an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np


class NoSequence:
    """Base of what is neither iterated nor made an array: a TypeError names what to call instead.

    Without that, Python asks whatever has __getitem__ for [0], [1], .. for ever, and NumPy makes an array of one object
    of anything. Subclasses give the methods that they do have.
    """

    _instead = ""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be taken for a sequence or an array: {self._instead}")

    if not TYPE_CHECKING:  # to a type checker they are not there
        __iter__ = __len__ = __contains__ = __reversed__ = __array__ = __arrow_array__ = __arrow_c_stream__ = _refuse

    def __bool__(self) -> bool:
        return True  # also with __len__: `if request:` means that there is one


def array_result(array: np.ndarray, dtype: Any, copy: bool | None) -> np.ndarray:
    """What `__array__(dtype, copy)` returns of an array that was just read. ValueError of `copy=False`, which NumPy takes
    for "only over memory that is there"."""
    if copy is False:
        raise ValueError("reading makes a copy: it cannot be had with copy=False")
    return array if dtype is None else array.astype(dtype, copy=False)


def object_array(items: list[Any]) -> np.ndarray:
    """An array with one object for each item, also where NumPy would look into the items."""
    out = np.empty(len(items), object)
    for i, item in enumerate(items):
        out[i] = item
    return out
