"""Warnings that point at the line of the program that asked."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

_BETWEEN = {"mtflight", "contextlib", "functools", "xarray", "pandas", "anndata", "polars"}  # packages whose lines say nothing to who wrote the program


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warns at the nearest line outside this package and those that call it."""
    frame: FrameType | None = sys._getframe()
    level = 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
