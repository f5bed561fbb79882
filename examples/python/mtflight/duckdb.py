"""Datasets for DuckDB, and as PyArrow datasets."""

from ._internal.lazy.duckdb_dataset import dataset

__all__ = ["dataset"]
