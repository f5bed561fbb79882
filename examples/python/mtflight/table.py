"""Datasets as Arrow: record batches, and the frames made of them."""

from ._internal.arrow.table import Table

__all__ = ["Table"]
