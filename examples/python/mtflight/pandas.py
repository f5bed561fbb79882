"""Datasets as pandas' frames, whole or in pieces."""

from ._internal.lazy.pandas_read import read

__all__ = ["read"]
