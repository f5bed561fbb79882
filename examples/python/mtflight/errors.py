"""Exceptions of this package's own, and what Flight's become."""

from ._internal.errors import FilesLeftOut, InvalidIndexError, NoSuchNodeError, ResourceExhausted, is_lost, translate

__all__ = ["FilesLeftOut", "InvalidIndexError", "NoSuchNodeError", "ResourceExhausted", "is_lost", "translate"]
