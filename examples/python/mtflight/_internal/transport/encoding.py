"""Requests as JSON: Python's and NumPy's values as their members."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import numpy as np

_MAX_BYTES = 1 << 20  # of a request that a server takes
TICKET_ROWS = 50_000  # more coordinates go by DoExchange
_TICKET_MASK = 6_000_000  # booleans: 1,000,000 bytes of base64


def encode(request: dict[str, Any]) -> bytes:
    """A request as the bytes of a ticket, a command or an action's body. TypeError of values that JSON has not, ValueError
    of a request that is too large."""
    body = json.dumps(request, default=_to_json, allow_nan=False).encode()
    if len(body) > _MAX_BYTES:
        raise ValueError(f"the request has {len(body)} bytes, and a server takes 1 MiB: ask for fewer coordinates at a time, or give all "
                         "of them to connection.do_exchange(request, coordinates)")
    return body


def _to_json(value: Any) -> Any:
    """NumPy's scalars and arrays, and what converts itself likewise, as Python's numbers and lists."""
    plain = list(value) if isinstance(value, range) else value.tolist() if hasattr(value, "tolist") else value
    if isinstance(plain, type(value)):
        raise TypeError(f"a request holds numbers, strings, booleans and lists of them, not {value!r} of type {type(value).__name__}")
    return plain


def coordinates(given: Any) -> list[int] | np.ndarray:
    """Rows for the member `coordinates`; an array where they are too many for a ticket. TypeError of what are no integers."""
    rows = np.asarray(given)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        hint = ": booleans are a mask=" if rows.dtype.kind == "b" else ""
        raise TypeError(f"coordinates must be one list of integers, not {rows.dtype} of shape {rows.shape}{hint}")
    return as_int64(rows) if len(rows) > TICKET_ROWS else rows.tolist() if rows.size else []


def mask_members(given: Any, rows: int) -> dict[str, Any]:
    """Booleans, one per row, as the member `mask`, or as `coordinates` where they are too many for a ticket; a string is a
    mask already. TypeError of others, IndexError of too few or too many."""
    if isinstance(given, str):
        return {"mask": given}
    flags = np.asarray(given)
    if flags.ndim != 1 or (flags.size and flags.dtype.kind != "b"):
        raise TypeError(f"a mask must be one list of booleans, not {flags.dtype} of shape {flags.shape}")
    if len(flags) != rows:  # the server cannot see it: bits come by eight
        raise IndexError(f"a mask of {len(flags)} booleans does not fit {rows} rows")
    if rows > _TICKET_MASK:
        return {"coordinates": coordinates(np.flatnonzero(flags))}
    return {"mask": base64.b64encode(np.packbits(flags.astype(bool), bitorder="little")).decode()}


def as_int64(rows: np.ndarray) -> np.ndarray:
    """Integers of any type as int64. IndexError of larger ones, which a cast would make other rows."""
    if rows.dtype.kind == "u" and rows.size and rows.max() > np.iinfo(np.int64).max:
        raise IndexError(f"Index out of bounds: {rows.max()}")
    return rows.astype(np.int64)


def exchanged_rows(given: Any) -> np.ndarray:
    """What DoExchange takes: coordinates as int64, or booleans. TypeError of others."""
    rows = np.asarray(given)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iub"):
        raise TypeError(f"rows are one list of integers, or of booleans, not {rows.dtype} of shape {rows.shape}")
    return rows if rows.dtype.kind == "b" else as_int64(rows)


def condition_variables(given: dict[str, Any]) -> dict[str, Any]:
    """A condition's variables as JSON: numbers, strings (bytes too) and booleans. TypeError of anything else."""
    out: dict[str, Any] = {}
    for name, value in given.items():
        value = value.item() if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0 else value
        if isinstance(value, bytes):
            value = value.decode("utf-8")
        if not isinstance(value, (bool, int, float, str)):
            raise TypeError(f"condition variable {name!r} must be a number, string or boolean, not {type(value).__name__}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"condition variable {name!r} is {value}, which a request cannot hold")
        out[name] = value
    return out
