"""Datasets as Polars' lazy frames."""

from ._internal.lazy.polars_scan import scan

__all__ = ["scan"]
