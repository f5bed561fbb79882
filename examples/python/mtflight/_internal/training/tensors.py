"""NumPy's arrays as torch's tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

_WIDER = {2: np.int32, 4: np.int64}  # torch counts, adds and indexes by signed integers only


def tensors(value: Any, name: str = "") -> Any:
    """An array as a tensor over the same memory, a dict or a structured array as a dict of them. Unsigned integers come as wider signed
    ones. TypeError of what is no number, OverflowError of integers of 64 bits that torch has not."""
    if isinstance(value, dict):
        return {key: tensors(v, key) for key, v in value.items()}
    if value.dtype.names:
        return {key: tensors(value[key], f"{name}/{key}") for key in value.dtype.names}
    import torch
    return torch.from_numpy(np.ascontiguousarray(_signed(value, name)))


def _signed(array: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    if array.dtype.kind not in "biufc":
        kind = "texts, lists or nulls" if array.dtype.hasobject else str(array.dtype)
        raise TypeError(f"tensors hold numbers, and {name or 'the dataset'} has {kind}: leave it out by columns=, or take mtflight.training.Batches")
    if array.dtype.kind != "u" or array.itemsize == 1:
        return array
    if array.itemsize in _WIDER:
        return array.astype(_WIDER[array.itemsize])
    signed = array.view(np.int64)
    if signed.size and signed.min() < 0:
        raise OverflowError(f"{name or 'the dataset'} has {array.max()}, and torch's integers end at {np.iinfo(np.int64).max}")
    return signed
