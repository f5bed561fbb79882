"""Exceptions of this package's own, and what Flight's become."""

from ._internal.errors import NoSuchNodeError, ResourceExhausted, is_lost, translate

__all__ = ["NoSuchNodeError", "ResourceExhausted", "is_lost", "translate"]
