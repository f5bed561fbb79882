"""Exceptions of this package's own, and what Flight's become."""

from ._internal.errors import InvalidIndexError, NoSuchNodeError, ResourceExhausted, is_lost, translate

__all__ = ["InvalidIndexError", "NoSuchNodeError", "ResourceExhausted", "is_lost", "translate"]
