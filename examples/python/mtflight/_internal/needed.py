"""Packages that not everyone has."""

from __future__ import annotations

import importlib.util


def needed(package: str, caller: str) -> None:
    """ModuleNotFoundError that says what to install, if a package is missing."""
    if importlib.util.find_spec(package) is None:
        raise ModuleNotFoundError(f"{caller} needs {package}: pip install {package}", name=package)
