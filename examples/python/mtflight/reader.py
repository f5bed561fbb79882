"""multitables.reader: random access."""

from ._internal.requests.reader import Reader

__all__ = ["Reader"]
